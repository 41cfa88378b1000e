/* gzip through zlib; zstd, xz and lz4 through libarchive's filters. Told from the content.
 *
 * libarchive gives nothing of a block of 64 KiB in which gzip data ends too early, and a small
 * capture is no longer than that: zlib gives all that can be known.
 */
#include "base/cursor.h"
#include "capture/source_private.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Bytes taken from the disk at once; also what was read before the packing was known. */
#define UNPACK_INPUT_BYTES SOURCE_WINDOW_BYTES
#define GZIP_WINDOW_BITS (15 + 16) /* the largest window, and gzip's header around it */
#define GZIP_MAGIC 0x1f8b          /* RFC 1952 2.3.1 */

struct unpacker {
    struct source *source;
    struct archive *archive; /* NULL: gzip */
    z_stream gzip;
    bool gzip_started; /* inflateInit2() was called */
    bool member_done;  /* the end of a member: another one may follow */
    uint8_t *input;
    size_t early_len; /* bytes of input that were read before; 0 once handed over */
};

const char *unpacker_recognise(struct bytes first)
{
    uint32_t magic = bytes_u32be_at(first, 0);
    if (magic >> 16 == GZIP_MAGIC) {
        return "gzip";
    }
    /* RFC 8878 3.1.1 and, for skippable frames before the first, 3.1.2 */
    if (magic == 0x28b52ffd || (magic & 0xf0ffffff) == 0x502a4d18) {
        return "zstd";
    }
    if (magic == 0xfd377a58 && bytes_u16be_at(first, 4) == 0x5a00) { /* xz format 2.1.1.1 */
        return "xz";
    }
    if (magic == 0x04224d18 || magic == 0x02214c18) { /* LZ4 frame format; the legacy frame */
        return "lz4";
    }
    return NULL;
}

static ssize_t failed(struct unpacker *u, const char *why)
{
    struct source *s = u->source;
    if (s->failure.text[0] == '\0') { /* else the disk failed, which is why this failed */
        trouble_set(&s->failure, "its %s data is damaged (%s)", s->compression,
                    why != NULL ? why : "no reason given");
    }
    return -1;
}

/* The next packed bytes into input: their number, 0 at the end, -1 when reading fails. */
static ssize_t input_next(struct unpacker *u)
{
    if (u->early_len > 0) {
        size_t len = u->early_len;
        u->early_len = 0;
        return (ssize_t)len;
    }
    return source_disk_read(u->source, u->input, SOURCE_READ_BYTES);
}

static la_ssize_t archive_input(struct archive *a, void *context, const void **out)
{
    struct unpacker *u = context;
    ssize_t got = input_next(u);
    *out = u->input;
    if (got < 0) {
        archive_set_error(a, EIO, "%s", u->source->failure.text);
    }
    return got < 0 ? ARCHIVE_FATAL : (la_ssize_t)got;
}

static bool archive_start(struct unpacker *u)
{
    struct archive_entry *entry;
    struct archive *a = archive_read_new();
    u->archive = a;
    if (a == NULL || archive_read_support_filter_zstd(a) != ARCHIVE_OK ||
        archive_read_support_filter_xz(a) != ARCHIVE_OK ||
        archive_read_support_filter_lz4(a) != ARCHIVE_OK ||
        archive_read_support_format_raw(a) != ARCHIVE_OK ||
        archive_read_support_format_empty(a) != ARCHIVE_OK ||
        archive_read_open(a, u, NULL, archive_input, NULL) != ARCHIVE_OK) {
        return false;
    }
    int result = archive_read_next_header(a, &entry);
    return result == ARCHIVE_OK || result == ARCHIVE_EOF;
}

struct unpacker *unpacker_new(struct source *s, struct bytes early)
{
    struct unpacker *u = calloc(1, sizeof *u);
    uint8_t *input = malloc(UNPACK_INPUT_BYTES);
    if (u == NULL || input == NULL || early.len > UNPACK_INPUT_BYTES) {
        trouble_set(&s->failure, "there is no memory");
        free(u);
        free(input);
        return NULL;
    }
    memcpy(input, early.at, early.len);
    u->source = s;
    u->input = input;
    u->early_len = early.len;
    bool started;
    if (bytes_u32be_at(early, 0) >> 16 == GZIP_MAGIC) {
        started = inflateInit2(&u->gzip, GZIP_WINDOW_BITS) == Z_OK;
        u->gzip_started = started;
    } else {
        started = archive_start(u);
    }
    if (!started) {
        (void)failed(u, u->archive != NULL ? archive_error_string(u->archive) : u->gzip.msg);
        unpacker_free(u);
        return NULL;
    }
    return u;
}

/* More packed bytes for zlib. false: there are none, and *result is what to return. */
static bool gzip_feed(struct unpacker *u, ssize_t *result)
{
    ssize_t got = input_next(u);
    if (got <= 0) {
        bool whole = got == 0 && u->member_done;
        *result = whole ? 0 : failed(u, "it ends too early");
        return false;
    }
    u->gzip.next_in = u->input;
    u->gzip.avail_in = (uInt)got;
    return true;
}

/* A file may have several members; what follows the last one is ignored, as gzip does. */
static bool gzip_next_member(struct unpacker *u)
{
    if (u->gzip.next_in[0] != GZIP_MAGIC >> 8) {
        return false;
    }
    u->member_done = false;
    return inflateReset(&u->gzip) == Z_OK;
}

static ssize_t gzip_read(struct unpacker *u, uint8_t *at, size_t len)
{
    z_stream *z = &u->gzip;
    ssize_t result = 0;
    z->next_out = at;
    z->avail_out = (uInt)len; /* len is at most that of the window */
    while (z->avail_out == len) {
        if (z->avail_in == 0 && !gzip_feed(u, &result)) {
            return result;
        }
        if (u->member_done && !gzip_next_member(u)) {
            return 0;
        }
        int status = inflate(z, Z_NO_FLUSH);
        u->member_done = status == Z_STREAM_END;
        if (status != Z_OK && status != Z_STREAM_END && z->avail_out == len) {
            return failed(u, z->msg);
        }
    }
    return (ssize_t)(len - z->avail_out);
}

ssize_t unpacker_read(struct unpacker *u, uint8_t *at, size_t len)
{
    if (u->gzip_started) {
        return gzip_read(u, at, len);
    }
    la_ssize_t got = archive_read_data(u->archive, at, len);
    return got < 0 ? failed(u, archive_error_string(u->archive)) : (ssize_t)got;
}

void unpacker_free(struct unpacker *u)
{
    if (u == NULL) {
        return;
    }
    if (u->gzip_started) {
        (void)inflateEnd(&u->gzip);
    }
    if (u->archive != NULL) {
        (void)archive_read_free(u->archive);
    }
    free(u->input);
    free(u);
}
