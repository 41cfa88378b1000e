/* Where the bytes of a capture come from: a file, a pipe, or either of them unpacked.
 *
 * One fixed window slides over the unpacked bytes. A reader asks for n bytes that lie together,
 * reads them in place and consumes them; only the unconsumed tail is moved when the window is
 * filled again.
 *
 *      window          start            end
 *        |---consumed----|---available---|---room---|
 *        position                                        (of window[0], in the unpacked bytes)
 */
#ifndef KRBSCOPE_CAPTURE_SOURCE_PRIVATE_H
#define KRBSCOPE_CAPTURE_SOURCE_PRIVATE_H

#include "base/bytes.h"
#include "base/status.h"
#include "capture/capture.h"

#include <sys/types.h>

/* Most bytes that can be asked for at once: a frame of the largest size with its record around it
 * (a pcapng block may hold options besides). */
#define SOURCE_ENSURE_MAX (CAPTURE_FRAME_BYTES_MAX + 65536)
#define SOURCE_READ_BYTES 262144 /* asked of the system at once; stays in the processor's cache */
#define SOURCE_SEEK_BYTES 65536  /* the same after a jump, when the next one may be near */
#define SOURCE_WINDOW_BYTES (SOURCE_ENSURE_MAX + SOURCE_READ_BYTES)
#define SOURCE_NAME_MAX 256 /* bytes of the path that are quoted in a message */

struct unpacker;

struct source {
    uint8_t *window;
    size_t start;
    size_t end;
    uint64_t position;
    size_t read_bytes; /* what the next fill asks for */
    bool ended;        /* no byte follows the window */

    int fd;              /* -1: none */
    bool fd_owned;       /* false: standard input */
    bool regular;        /* pread() works, so the source can be read again */
    uint64_t base;       /* where the capture begins in fd; standard input may stand anywhere */
    uint64_t disk_taken; /* bytes taken from fd so far */
    uint64_t disk_size;  /* bytes of the file as it lies on disk; a pipe: bytes taken */

    int spool_fd; /* copy of what a pipe gave, so that it can be read again; -1: none */
    uint64_t spooled;
    uint64_t spool_max;
    bool spool_failed;
    bool from_spool; /* fd is such a copy */

    struct unpacker *unpacker; /* NULL: what lies on disk is what is read */
    const char *compression;   /* name of the packing, NULL when there is none */

    struct trouble failure; /* why reading ended before the end: read error, bad packing */
    char name[SOURCE_NAME_MAX];
};

/* Opens path ("-": standard input). The spool_max of options is kept; a pipe is copied to the spool
 * as it is read when options->rereadable. */
enum status source_open(struct source *s, const char *path, const struct capture_options *options,
                        struct trouble *trouble);

/* Reads on through the unpacker when the first bytes are those of a packing that we know. */
enum status source_unpack(struct source *s, struct trouble *trouble);

void source_close(struct source *s);

/* Makes at least n bytes (SOURCE_ENSURE_MAX at most) lie at the start of the window; NULL: the
 * source ends before. Call source_ensure(). */
const uint8_t *source_fill(struct source *s, size_t n);

/* The next n bytes, in one piece, valid until the next call that moves the window. NULL: there are
 * not so many; source_available() tells how many there are. */
static inline const uint8_t *source_ensure(struct source *s, size_t n)
{
    return s->end - s->start >= n ? s->window + s->start : source_fill(s, n);
}

static inline size_t source_available(const struct source *s)
{
    return s->end - s->start;
}

/* Steps over bytes that source_ensure() has shown. */
static inline void source_consume(struct source *s, size_t n)
{
    s->start += n;
}

/* Offset of the next byte, in the unpacked capture. */
static inline uint64_t source_offset(const struct source *s)
{
    return s->position + s->start;
}

/* Steps over any number of bytes. false: the source ends before. */
bool source_skip(struct source *s, uint64_t n);

/* The source can be positioned at any offset: a plain regular file or a spool. If it is none of
 * these, what it gives is written to an unlinked file of mode 0600 first, spool_max bytes at most.
 * Nothing may have been consumed. */
enum status source_make_seekable(struct source *s, struct trouble *trouble);

/* Goes to an offset of a seekable source; what follows may be empty. */
void source_seek(struct source *s, uint64_t offset);

/* Reads at an offset of a seekable source without moving the window; the number of bytes read. */
size_t source_read_at(struct source *s, uint64_t offset, uint8_t *at, size_t len);

/* Goes back to the first byte. STATUS_NO_FILE: a pipe of which no copy was kept. */
enum status source_rewind(struct source *s, struct trouble *trouble);

/* Bytes of the file on disk, and how many of them have been used so far. */
uint64_t source_disk_size(const struct source *s);
uint64_t source_disk_used(const struct source *s);

/* Bytes as they lie on disk, for the window or the unpacker: up to len; 0: the end; -1: failure is
 * set. */
ssize_t source_disk_read(struct source *s, uint8_t *at, size_t len);

/* unpack.c: a stream of bytes out of gzip, zstd, xz or lz4, read with source_disk_read(). */
const char *unpacker_recognise(struct bytes first); /* name of the packing, or NULL */
/* early: bytes that were taken from the disk already, copied. NULL: no memory or no such packing,
 * s->failure is set. */
struct unpacker *unpacker_new(struct source *s, struct bytes early);
/* Up to len unpacked bytes; 0: the end; -1: s->failure is set. */
ssize_t unpacker_read(struct unpacker *u, uint8_t *at, size_t len);
void unpacker_free(struct unpacker *u);

/* spool.c */
int spool_open(struct trouble *trouble); /* an unlinked file of mode 0600; -1: trouble is set */
bool spool_write(int fd, const uint8_t *at, size_t len);

#endif
