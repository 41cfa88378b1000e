/* Captures built byte by byte, written to a temporary file and read back. */
#ifndef KRBSCOPE_TESTS_CAPTURE_FIXTURE_H
#define KRBSCOPE_TESTS_CAPTURE_FIXTURE_H

#include "capture/capture.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUILT_BYTES_MAX (4U << 20)
#define READ_FRAMES_MAX 4096

struct built {
    size_t len;
    bool big;
    uint8_t bytes[BUILT_BYTES_MAX];
};

static inline void put_bytes(struct built *b, const void *at, size_t len)
{
    assert(len <= BUILT_BYTES_MAX - b->len);
    if (len > 0) {
        memcpy(b->bytes + b->len, at, len);
    }
    b->len += len;
}

static inline void put_number(struct built *b, uint64_t value, size_t len)
{
    uint8_t at[8];
    for (size_t i = 0; i < len; i++) {
        at[b->big ? len - 1 - i : i] = (uint8_t)(value >> (8 * i));
    }
    put_bytes(b, at, len);
}

static inline void put_u8(struct built *b, uint8_t value)
{
    put_number(b, value, 1);
}
static inline void put_u16(struct built *b, uint16_t value)
{
    put_number(b, value, 2);
}
static inline void put_u32(struct built *b, uint32_t value)
{
    put_number(b, value, 4);
}
static inline void put_u64(struct built *b, uint64_t value)
{
    put_number(b, value, 8);
}

/* Overwrites four bytes at offset. */
static inline void set_u32(struct built *b, size_t offset, uint32_t value)
{
    size_t len = b->len;
    b->len = offset;
    put_u32(b, value);
    b->len = len > b->len ? len : b->len;
}

/* An Ethernet frame of len bytes (14 at least), an ARP-like nothing filled with mark. */
static inline void put_ethernet(struct built *b, uint8_t mark, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        put_u8(b, i == 12 ? 0x08 : i == 13 ? 0x06 : mark);
    }
}

/* Writes the first len bytes to a new file and returns its path (until the next call). */
static inline const char *bytes_file(const uint8_t *at, size_t len)
{
    static char path[64];
    memcpy(path, "/tmp/krbscope-test-XXXXXX", sizeof "/tmp/krbscope-test-XXXXXX");
    int fd = mkstemp(path);
    assert(fd >= 0);
    for (size_t done = 0; done < len;) {
        ssize_t put = write(fd, at + done, len - done);
        assert(put > 0);
        done += (size_t)put;
    }
    (void)close(fd);
    return path;
}

struct read_frame {
    struct frame frame; /* bytes.at is not valid any more */
    uint8_t first;      /* byte of the frame */
    uint32_t sum;       /* of all its bytes: an over-read is seen by the sanitizer */
};

struct read_back {
    enum status status;
    struct trouble trouble;
    size_t num_frames;
    struct read_frame frames[READ_FRAMES_MAX];
    struct capture_info info;
};

static inline void read_frames(struct capture *c, struct read_back *out)
{
    struct frame frame;
    while (capture_next(c, &frame) == CAPTURE_FRAME) {
        assert(out->num_frames < READ_FRAMES_MAX);
        struct read_frame *to = &out->frames[out->num_frames++];
        to->frame = frame;
        to->sum = 0;
        to->first = frame.bytes.len > 0 ? frame.bytes.at[0] : 0;
        for (size_t i = 0; i < frame.bytes.len; i++) {
            to->sum += frame.bytes.at[i];
        }
    }
    assert(capture_next(c, &frame) == CAPTURE_END); /* the end stays the end */
    out->info = *capture_info(c);
}

/* Reads a capture to its end; the file stays. */
static inline void read_path(struct read_back *out, const char *path,
                             const struct capture_options *options)
{
    struct capture *c = NULL;
    static const struct read_back none;
    *out = none;
    out->status = capture_open(&c, path, options, &out->trouble);
    assert((out->status == STATUS_OK) == (c != NULL));
    if (out->status == STATUS_OK) {
        read_frames(c, out);
        capture_close(c);
    } else {
        assert(out->trouble.text[0] != '\0');
    }
}

static inline void read_bytes(struct read_back *out, const uint8_t *at, size_t len,
                              const struct capture_options *options)
{
    const char *path = bytes_file(at, len);
    read_path(out, path, options);
    (void)unlink(path);
}

static inline void read_built(struct read_back *out, const struct built *b)
{
    read_bytes(out, b->bytes, b->len, NULL);
}

/* The capture with every single byte set to some other values must be read to an end. */
static inline void corrupt_every_byte(struct built *b, struct read_back *scratch)
{
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    for (size_t i = 0; i < b->len; i++) {
        for (size_t m = 0; m < sizeof masks; m++) {
            b->bytes[i] ^= masks[m];
            read_built(scratch, b);
            b->bytes[i] ^= masks[m];
        }
    }
}

#endif
