#include "capture/source_private.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a user calls a source in a message. */
static void name_set(struct source *s, const char *path)
{
    struct text t;
    text_init(&t, s->name, sizeof s->name);
    text_add(&t, strcmp(path, "-") == 0 ? "Standard input" : path);
}

static enum status open_fd(struct source *s, const char *path, struct trouble *trouble)
{
    struct stat st;
    s->fd_owned = strcmp(path, "-") != 0;
    s->fd = s->fd_owned ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
    if (s->fd < 0 || fstat(s->fd, &st) != 0) {
        trouble_set(trouble, "%s cannot be opened: %s.", s->name, strerror(errno));
        return STATUS_NO_FILE;
    }
    if (S_ISDIR(st.st_mode)) {
        trouble_set(trouble, "%s is a directory; name the capture files in it.", s->name);
        return STATUS_NO_FILE;
    }
    s->regular = S_ISREG(st.st_mode);
    if (s->regular) {
        off_t here = s->fd_owned ? 0 : lseek(s->fd, 0, SEEK_CUR);
        s->base = here > 0 ? (uint64_t)here : 0;
        uint64_t size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
        s->disk_size = size > s->base ? size - s->base : 0;
    }
    return STATUS_OK;
}

enum status source_open(struct source *s, const char *path, const struct capture_options *options,
                        struct trouble *trouble)
{
    *s = (struct source){.fd = -1, .spool_fd = -1, .read_bytes = SOURCE_READ_BYTES};
    s->spool_max = options->spool_max != 0 ? options->spool_max : CAPTURE_SPOOL_BYTES_MAX;
    name_set(s, path);
    enum status status = open_fd(s, path, trouble);
    if (status != STATUS_OK) {
        source_close(s);
        return status;
    }
    if (!s->regular && options->rereadable) {
        s->spool_fd = spool_open(trouble);
        if (s->spool_fd < 0) {
            source_close(s);
            return STATUS_NO_FILE;
        }
    }
    s->window = malloc(SOURCE_WINDOW_BYTES);
    if (s->window == NULL) {
        trouble_set(trouble, "There is no memory to read %s.", s->name);
        source_close(s);
        return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

void source_close(struct source *s)
{
    unpacker_free(s->unpacker);
    s->unpacker = NULL;
    free(s->window);
    s->window = NULL;
    if (s->fd_owned && s->fd >= 0) {
        (void)close(s->fd);
    }
    s->fd = -1;
    if (s->spool_fd >= 0) {
        (void)close(s->spool_fd);
    }
    s->spool_fd = -1;
}

/* Copies what a pipe gave to the spool. A spool that is full or broken is given up: the capture is
 * still read, only not a second time. */
static void spool_keep(struct source *s, const uint8_t *at, size_t len)
{
    if (s->spool_fd < 0) {
        return;
    }
    if (len > s->spool_max - s->spooled || !spool_write(s->spool_fd, at, len)) {
        (void)close(s->spool_fd);
        s->spool_fd = -1;
        s->spool_failed = true;
        return;
    }
    s->spooled += len;
}

static ssize_t read_again(const struct source *s, uint8_t *at, size_t len, uint64_t offset)
{
    ssize_t got;
    do {
        got = s->regular ? pread(s->fd, at, len, (off_t)offset) : read(s->fd, at, len);
    } while (got < 0 && errno == EINTR);
    return got;
}

ssize_t source_disk_read(struct source *s, uint8_t *at, size_t len)
{
    ssize_t got = read_again(s, at, len, s->base + s->disk_taken);
    if (got < 0) {
        trouble_set(&s->failure, "reading failed: %s", strerror(errno));
        return -1;
    }
    s->disk_taken += (uint64_t)got;
    if (!s->regular && got > 0) {
        spool_keep(s, at, (size_t)got);
    }
    if (!s->from_spool && s->disk_size < s->disk_taken) {
        s->disk_size = s->disk_taken; /* a pipe, or a file that grows while it is read */
    }
    return got;
}

const uint8_t *source_fill(struct source *s, size_t n)
{
    assert(n <= SOURCE_ENSURE_MAX);
    if (s->start > 0) {
        memmove(s->window, s->window + s->start, s->end - s->start);
        s->position += s->start;
        s->end -= s->start;
        s->start = 0;
    }
    while (s->end < n && !s->ended) {
        uint8_t *at = s->window + s->end;
        size_t room = SOURCE_WINDOW_BYTES - s->end;
        size_t len = s->read_bytes < room ? s->read_bytes : room;
        ssize_t got = s->unpacker != NULL ? unpacker_read(s->unpacker, at, len)
                                          : source_disk_read(s, at, len);
        s->read_bytes = SOURCE_READ_BYTES;
        s->ended = got <= 0;
        s->end += got > 0 ? (size_t)got : 0;
    }
    return s->end >= n ? s->window : NULL;
}

bool source_skip(struct source *s, uint64_t n)
{
    while (n > 0) {
        size_t here = source_available(s);
        if (here == 0) {
            if (source_ensure(s, 1) == NULL) {
                return false;
            }
            continue;
        }
        size_t step = n < here ? (size_t)n : here;
        source_consume(s, step);
        n -= step;
    }
    return true;
}

static bool is_seekable(const struct source *s)
{
    return s->regular && s->unpacker == NULL;
}

static void window_reset(struct source *s, uint64_t position)
{
    s->start = 0;
    s->end = 0;
    s->position = position;
    s->ended = false;
    s->read_bytes = SOURCE_READ_BYTES;
}

/* From now on the file fd is read, from its first byte. */
static void source_replace(struct source *s, int fd)
{
    unpacker_free(s->unpacker);
    s->unpacker = NULL;
    if (s->fd_owned) {
        (void)close(s->fd);
    }
    s->fd = fd;
    s->fd_owned = true;
    s->regular = true;
    s->from_spool = true;
    s->base = 0;
    s->disk_taken = 0;
    window_reset(s, 0);
}

enum status source_make_seekable(struct source *s, struct trouble *trouble)
{
    if (is_seekable(s)) {
        return STATUS_OK;
    }
    assert(source_offset(s) == 0);
    if (s->spool_fd >= 0) { /* the copy that is made here serves a second reading, too */
        (void)close(s->spool_fd);
        s->spool_fd = -1;
    }
    int fd = spool_open(trouble);
    if (fd < 0) {
        return STATUS_NO_FILE;
    }
    uint64_t total = 0;
    while (source_ensure(s, 1) != NULL) {
        size_t len = source_available(s);
        if (len > s->spool_max - total) {
            trouble_set(trouble,
                        "%s is a Network Monitor capture, which is read out of order, and needs "
                        "more than %llu bytes of temporary space; save it unpacked to a file "
                        "and name that, or raise --spool-max.",
                        s->name, (unsigned long long)s->spool_max);
            (void)close(fd);
            return STATUS_NO_FILE;
        }
        if (!spool_write(fd, s->window + s->start, len)) {
            trouble_set(trouble, "%s cannot be kept in a temporary file: %s; set TMPDIR.", s->name,
                        strerror(errno));
            (void)close(fd);
            return STATUS_NO_FILE;
        }
        source_consume(s, len);
        total += len;
    }
    source_replace(s, fd);
    return STATUS_OK;
}

void source_seek(struct source *s, uint64_t offset)
{
    assert(is_seekable(s));
    if (offset >= s->position && offset - s->position <= s->end) {
        s->start = (size_t)(offset - s->position);
        return;
    }
    bool backwards = offset < s->position;
    uint64_t from = offset;
    if (backwards) { /* frames may lie in reverse order: the next one is before this one */
        from = offset > SOURCE_SEEK_BYTES / 2 ? offset - SOURCE_SEEK_BYTES / 2 : 0;
    }
    window_reset(s, from);
    s->disk_taken = from;
    s->read_bytes = SOURCE_SEEK_BYTES;
    size_t lead = (size_t)(offset - from);
    (void)source_ensure(s, lead);
    s->start = lead < s->end ? lead : s->end;
    if (lead > s->start) { /* beyond the end of the file: nothing follows */
        window_reset(s, offset);
        s->disk_taken = offset;
    }
}

size_t source_read_at(struct source *s, uint64_t offset, uint8_t *at, size_t len)
{
    assert(is_seekable(s));
    size_t have = 0;
    while (have < len) {
        ssize_t got = read_again(s, at + have, len - have, s->base + offset + have);
        if (got <= 0) {
            break;
        }
        have += (size_t)got;
    }
    return have;
}

/* Reads a pipe to its end, so that its copy is whole. */
static void drain(struct source *s)
{
    while (!s->regular && s->spool_fd >= 0) {
        window_reset(s, 0);
        if (source_disk_read(s, s->window, SOURCE_READ_BYTES) <= 0) {
            break;
        }
    }
}

enum status source_rewind(struct source *s, struct trouble *trouble)
{
    bool packed = s->unpacker != NULL;
    bool unpacked_copy = s->from_spool && !packed; /* what damaged it when it was made stands */
    drain(s);
    if (!s->regular) {
        if (s->spool_fd < 0) {
            trouble_set(trouble,
                        s->spool_failed
                            ? "%s cannot be read a second time: the temporary copy was full; "
                              "save it to a file and name that, or raise --spool-max."
                            : "%s cannot be read a second time; save it to a file and name that.",
                        s->name);
            return STATUS_NO_FILE;
        }
        int fd = s->spool_fd;
        s->spool_fd = -1;
        source_replace(s, fd);
    }
    unpacker_free(s->unpacker);
    s->unpacker = NULL;
    s->disk_taken = 0;
    if (!unpacked_copy) {
        s->failure.text[0] = '\0';
    }
    window_reset(s, 0);
    return packed ? source_unpack(s, trouble) : STATUS_OK;
}

enum status source_unpack(struct source *s, struct trouble *trouble)
{
    struct bytes first = {.at = source_ensure(s, 6), .len = 6};
    if (first.at == NULL) {
        return STATUS_OK; /* too short for any packing */
    }
    const char *compression = unpacker_recognise(first);
    if (compression == NULL) {
        return STATUS_OK;
    }
    struct bytes early = {.at = s->window + s->start, .len = source_available(s)};
    s->compression = compression;
    s->unpacker = unpacker_new(s, early);
    if (s->unpacker == NULL) {
        trouble_set(trouble, "%s cannot be unpacked: %s.", s->name, s->failure.text);
        return STATUS_NOT_CAPTURE;
    }
    window_reset(s, 0);
    return STATUS_OK;
}

uint64_t source_disk_size(const struct source *s)
{
    return s->disk_size;
}

uint64_t source_disk_used(const struct source *s)
{
    uint64_t used = s->unpacker != NULL ? s->disk_taken : source_offset(s);
    return used < s->disk_size ? used : s->disk_size;
}
