/* gzip, zstd, xz and lz4 through libarchive's filters, told from the content. */
#include "base/cursor.h"
#include "capture/source_private.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes handed to libarchive at once; also what was read before the packing was known. */
#define UNPACK_INPUT_BYTES SOURCE_WINDOW_BYTES

struct unpacker {
    struct archive *archive;
    struct source *source;
    uint8_t *input;
    size_t early_len; /* bytes of input that were read before; 0 once handed over */
};

const char *unpacker_recognise(struct bytes first)
{
    uint32_t magic = bytes_u32be_at(first, 0);
    if (magic >> 16 == 0x1f8b) { /* RFC 1952 2.3.1 */
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

static la_ssize_t input_read(struct archive *a, void *context, const void **out)
{
    struct unpacker *u = context;
    *out = u->input;
    if (u->early_len > 0) {
        size_t len = u->early_len;
        u->early_len = 0;
        return (la_ssize_t)len;
    }
    ssize_t got = source_disk_read(u->source, u->input, SOURCE_READ_BYTES);
    if (got < 0) {
        archive_set_error(a, EIO, "%s", u->source->failure.text);
    }
    return got < 0 ? ARCHIVE_FATAL : (la_ssize_t)got;
}

static ssize_t failed(struct unpacker *u)
{
    const char *why = archive_error_string(u->archive);
    trouble_set(&u->source->failure, "the %s data is damaged (%s)", u->source->compression,
                why != NULL ? why : "no reason given");
    return -1;
}

static bool archive_start(struct unpacker *u)
{
    struct archive_entry *entry;
    struct archive *a = u->archive;
    return archive_read_support_filter_gzip(a) == ARCHIVE_OK &&
           archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
           archive_read_support_filter_xz(a) == ARCHIVE_OK &&
           archive_read_support_filter_lz4(a) == ARCHIVE_OK &&
           archive_read_support_format_raw(a) == ARCHIVE_OK &&
           archive_read_support_format_empty(a) == ARCHIVE_OK &&
           archive_read_open(a, u, NULL, input_read, NULL) == ARCHIVE_OK &&
           archive_read_next_header(a, &entry) >= ARCHIVE_EOF;
}

struct unpacker *unpacker_new(struct source *s, struct bytes early)
{
    struct unpacker *u = calloc(1, sizeof *u);
    uint8_t *input = malloc(UNPACK_INPUT_BYTES);
    struct archive *archive = archive_read_new();
    if (u == NULL || input == NULL || archive == NULL || early.len > UNPACK_INPUT_BYTES) {
        trouble_set(&s->failure, "there is no memory");
        free(u);
        free(input);
        (void)archive_read_free(archive);
        return NULL;
    }
    memcpy(input, early.at, early.len);
    *u = (struct unpacker){.archive = archive, .source = s, .input = input, .early_len = early.len};
    if (!archive_start(u)) {
        (void)failed(u);
        unpacker_free(u);
        return NULL;
    }
    return u;
}

ssize_t unpacker_read(struct unpacker *u, uint8_t *at, size_t len)
{
    la_ssize_t got = archive_read_data(u->archive, at, len);
    return got < 0 ? failed(u) : (ssize_t)got;
}

void unpacker_free(struct unpacker *u)
{
    if (u != NULL) {
        (void)archive_read_free(u->archive);
        free(u->input);
        free(u);
    }
}
