#include "capture/writer.h"

#include "base/civil.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_BYTES 256  /* of the file's name that are quoted in a message */
#define BLOCK_TEXTS_MAX 4   /* text options of one block */
#define BLOCK_FIXED_MAX 256 /* bytes of a block beside its frame and its texts */
#define TEXT_OPTION_BYTES_MAX (WRITER_TEXT_MAX + 8) /* with header, padding and a filter's byte */
#define BLOCK_BYTES_MAX                                                                            \
    (CAPTURE_FRAME_BYTES_MAX + BLOCK_TEXTS_MAX * TEXT_OPTION_BYTES_MAX + BLOCK_FIXED_MAX)
#define BUFFER_BYTES (BLOCK_BYTES_MAX + WRITER_FRAMES_BUFFERED)

#define BLOCK_SECTION 0x0a0d0d0aU
#define BLOCK_INTERFACE 1U
#define BLOCK_STATISTICS 5U
#define BLOCK_PACKET 6U
#define BLOCK_CUSTOM 0xbadU
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define RESOLUTION_NS 9 /* if_tsresol: 10^-9 s */
#define FILTER_IS_EXPRESSION '\0'

enum option_code {
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_SECTION_HARDWARE = 2,
    OPTION_SECTION_SYSTEM = 3,
    OPTION_SECTION_APPLICATION = 4,
    OPTION_INTERFACE_NAME = 2,
    OPTION_INTERFACE_DESCRIPTION = 3,
    OPTION_INTERFACE_RESOLUTION = 9,
    OPTION_INTERFACE_FILTER = 11,
    OPTION_INTERFACE_OFFSET = 14,
    OPTION_STATISTICS_FIRST = 2,
    OPTION_STATISTICS_LAST = 3,
    OPTION_STATISTICS_RECEIVED = 4,
    OPTION_STATISTICS_DROPPED = 5,
    OPTION_STATISTICS_SYSTEM_DROPPED = 7,
};

struct writer {
    int fd;
    uint8_t *buffer;
    size_t used;  /* bytes of whole blocks, and of the one being built */
    size_t block; /* where that one begins */
    uint64_t written;
    bool failed;
    struct trouble failure;
    bool big_endian;
    uint32_t num_interfaces; /* of this section */
    int64_t offsets_s[CAPTURE_INTERFACES_MAX];
    char name[NAME_MAX_BYTES];
};

enum status writer_new(struct writer **out, int fd, const char *name, struct trouble *trouble)
{
    struct text t;
    struct writer *w = calloc(1, sizeof *w);
    *out = NULL;
    if (w != NULL) {
        w->buffer = malloc(BUFFER_BYTES);
    }
    if (w == NULL || w->buffer == NULL) {
        free(w);
        trouble_set(trouble, "There is no memory to write %.200s.", name);
        return STATUS_NO_MEMORY;
    }
    w->fd = fd;
    text_init(&t, w->name, sizeof w->name);
    text_add(&t, name);
    *out = w;
    return STATUS_OK;
}

void writer_free(struct writer *w)
{
    if (w != NULL) {
        free(w->buffer);
        free(w);
    }
}

static enum status fail(struct writer *w, struct trouble *trouble)
{
    if (trouble != NULL) {
        *trouble = w->failure;
    }
    return STATUS_OUTPUT;
}

/* What was written of a block that did not fit the disk is taken back; a pipe cannot be. */
static void cut_back(const struct writer *w, uint64_t partly)
{
    off_t here = lseek(w->fd, 0, SEEK_CUR);
    if (here >= 0 && (uint64_t)here >= partly) {
        off_t whole = here - (off_t)partly;
        if (ftruncate(w->fd, whole) == 0) {
            (void)lseek(w->fd, whole, SEEK_SET);
        }
    }
}

enum status writer_flush(struct writer *w, struct trouble *trouble)
{
    size_t done = 0;
    while (done < w->used && !w->failed) {
        ssize_t got = write(w->fd, w->buffer + done, w->used - done);
        if (got > 0) {
            done += (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            trouble_set(&w->failure, "%s cannot be written: %s.", w->name,
                        got == 0 ? "nothing is taken" : strerror(errno));
            w->failed = true;
            cut_back(w, done);
        }
    }
    if (w->failed) {
        return fail(w, trouble);
    }
    w->written += done;
    w->used = 0;
    return STATUS_OK;
}

uint64_t writer_bytes(const struct writer *w)
{
    return w->written + w->used;
}

static void put_u8(struct writer *w, uint8_t value)
{
    assert(w->used < BUFFER_BYTES);
    w->buffer[w->used++] = value;
}

static void put_uint(struct writer *w, uint64_t value, unsigned num_bytes)
{
    for (unsigned i = 0; i < num_bytes; i++) {
        unsigned shift = 8 * (w->big_endian ? num_bytes - 1 - i : i);
        put_u8(w, (uint8_t)(value >> shift));
    }
}

static void put_bytes(struct writer *w, struct bytes b)
{
    assert(b.len <= BUFFER_BYTES - w->used);
    if (b.len > 0) {
        memcpy(w->buffer + w->used, b.at, b.len);
        w->used += b.len;
    }
}

/* Blocks and options end at a multiple of four. */
static void put_padding(struct writer *w)
{
    while ((w->used - w->block) % 4 != 0) {
        put_u8(w, 0);
    }
}

static void put_option_uint(struct writer *w, enum option_code code, uint64_t value,
                            unsigned num_bytes)
{
    put_uint(w, code, 2);
    put_uint(w, num_bytes, 2);
    put_uint(w, value, num_bytes);
    put_padding(w);
}

/* A text that is too long ends before a character, not within it. */
static struct bytes text_part(struct bytes text)
{
    if (text.len > WRITER_TEXT_MAX) {
        text.len = WRITER_TEXT_MAX;
        while (text.len > 0 && (text.at[text.len] & 0xc0) == 0x80) {
            text.len--;
        }
    }
    return text;
}

static void put_option_text(struct writer *w, enum option_code code, struct bytes text)
{
    if (text.len == 0) {
        return;
    }
    text = text_part(text);
    put_uint(w, code, 2);
    put_uint(w, text.len, 2);
    put_bytes(w, text);
    put_padding(w);
}

/* A time in two halves, the higher one first in either byte order. */
static void put_option_time(struct writer *w, enum option_code code, uint64_t stamp)
{
    put_uint(w, code, 2);
    put_uint(w, 8, 2);
    put_uint(w, stamp >> 32, 4);
    put_uint(w, stamp & UINT32_MAX, 4);
}

static void put_option_end(struct writer *w)
{
    put_uint(w, OPTION_END, 2);
    put_uint(w, 0, 2);
}

/* Makes room for the largest block and begins one of this type. */
static enum status block_begin(struct writer *w, uint32_t type, struct trouble *trouble)
{
    if (w->failed) {
        return fail(w, trouble);
    }
    if (BUFFER_BYTES - w->used < BLOCK_BYTES_MAX) {
        enum status status = writer_flush(w, trouble);
        if (status != STATUS_OK) {
            return status;
        }
    }
    w->block = w->used;
    put_uint(w, type, 4);
    put_uint(w, 0, 4); /* its length, known at its end */
    return STATUS_OK;
}

static void block_end(struct writer *w)
{
    size_t end = w->used + 4;
    assert(end - w->block <= BLOCK_BYTES_MAX);
    uint64_t len = end - w->block;
    w->used = w->block + 4;
    put_uint(w, len, 4);
    w->used = end - 4;
    put_uint(w, len, 4);
}

enum status writer_section(struct writer *w, const struct writer_section *section,
                           struct trouble *trouble)
{
    w->big_endian = section->big_endian;
    enum status status = block_begin(w, BLOCK_SECTION, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    w->num_interfaces = 0;
    put_uint(w, BYTE_ORDER_MAGIC, 4);
    put_uint(w, 1, 2);
    put_uint(w, 0, 2);
    put_uint(w, UINT64_MAX, 8); /* length of the section: not told */
    put_option_text(w, OPTION_COMMENT, section->comment);
    put_option_text(w, OPTION_SECTION_HARDWARE, section->hardware);
    put_option_text(w, OPTION_SECTION_SYSTEM, section->system);
    put_option_text(w, OPTION_SECTION_APPLICATION, section->application);
    put_option_end(w);
    block_end(w);
    return STATUS_OK;
}

enum status writer_interface(struct writer *w, const struct writer_interface *interface,
                             uint32_t *id, struct trouble *trouble)
{
    assert(w->num_interfaces < CAPTURE_INTERFACES_MAX);
    enum status status = block_begin(w, BLOCK_INTERFACE, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    put_uint(w, interface->link_type, 2);
    put_uint(w, 0, 2);
    put_uint(w, interface->snap_len, 4);
    put_option_text(w, OPTION_COMMENT, interface->comment);
    put_option_text(w, OPTION_INTERFACE_NAME, interface->name);
    put_option_text(w, OPTION_INTERFACE_DESCRIPTION, interface->description);
    put_option_uint(w, OPTION_INTERFACE_RESOLUTION, RESOLUTION_NS, 1);
    if (interface->filter.len > 0) {
        struct bytes filter = text_part(interface->filter);
        put_uint(w, OPTION_INTERFACE_FILTER, 2);
        put_uint(w, filter.len + 1, 2);
        put_u8(w, FILTER_IS_EXPRESSION);
        put_bytes(w, filter);
        put_padding(w);
    }
    if (interface->offset_s != 0) {
        put_option_uint(w, OPTION_INTERFACE_OFFSET, (uint64_t)interface->offset_s, 8);
    }
    put_option_end(w);
    block_end(w);
    *id = w->num_interfaces++;
    w->offsets_s[*id] = interface->offset_s;
    return STATUS_OK;
}

/* The time as the interface counts it; one before its zero becomes that. */
static uint64_t stamp_of(const struct writer *w, uint32_t id, int64_t time_ns)
{
    int64_t offset_ns;
    int64_t stamp;
    if (__builtin_mul_overflow(w->offsets_s[id], NS_PER_S, &offset_ns) ||
        __builtin_sub_overflow(time_ns, offset_ns, &stamp) || stamp < 0) {
        return 0;
    }
    return (uint64_t)stamp;
}

enum status writer_frame(struct writer *w, uint32_t id, const struct frame *frame,
                         struct bytes comment, struct trouble *trouble)
{
    assert(id < w->num_interfaces && frame->bytes.len <= CAPTURE_FRAME_BYTES_MAX);
    uint64_t stamp = stamp_of(w, id, frame->time_ns);
    enum status status = block_begin(w, BLOCK_PACKET, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    put_uint(w, id, 4);
    put_uint(w, stamp >> 32, 4);
    put_uint(w, stamp & UINT32_MAX, 4);
    put_uint(w, frame->bytes.len, 4);
    put_uint(w, frame->original_len, 4);
    put_bytes(w, frame->bytes);
    put_padding(w);
    if (comment.len > 0) {
        put_option_text(w, OPTION_COMMENT, comment);
        put_option_end(w);
    }
    block_end(w);
    return STATUS_OK;
}

enum status writer_filler(struct writer *w, struct trouble *trouble)
{
    enum status status = block_begin(w, BLOCK_CUSTOM, trouble);
    if (status == STATUS_OK) {
        put_uint(w, 0, 4); /* nobody's enterprise number */
        block_end(w);
    }
    return status;
}

static void put_option_count(struct writer *w, enum option_code code, uint64_t count)
{
    if (count != UINT64_MAX) {
        put_option_uint(w, code, count, 8);
    }
}

enum status writer_statistics(struct writer *w, uint32_t id, const struct writer_counts *counts,
                              struct trouble *trouble)
{
    assert(id < w->num_interfaces);
    uint64_t stamp = stamp_of(w, id, counts->time_ns);
    enum status status = block_begin(w, BLOCK_STATISTICS, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    put_uint(w, id, 4);
    put_uint(w, stamp >> 32, 4);
    put_uint(w, stamp & UINT32_MAX, 4);
    if (counts->has_span) {
        put_option_time(w, OPTION_STATISTICS_FIRST, stamp_of(w, id, counts->first_time_ns));
        put_option_time(w, OPTION_STATISTICS_LAST, stamp_of(w, id, counts->last_time_ns));
    }
    put_option_count(w, OPTION_STATISTICS_RECEIVED, counts->received);
    put_option_count(w, OPTION_STATISTICS_DROPPED, counts->dropped);
    put_option_count(w, OPTION_STATISTICS_SYSTEM_DROPPED, counts->system_dropped);
    put_option_end(w);
    block_end(w);
    return STATUS_OK;
}
