/* The writer: pieces in, files and datagrams out. */
#include "outlet/outlet_private.h"

#include "base/civil.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RING_FLUSH_MS 1000 /* a quiet ring's file is brought up to date after so long */
#define EXIT_WRITE_FAILED 2

struct desk {
    const struct outlet_options *options;
    struct line_file *files;
    size_t num_files;
    struct syslog_out *syslog;
    struct ring *ring;
    struct evidence_dir *evidence;
    bool metrics_are_broken;
};

void outlet_complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "krbscope: %s: %s\n", what, why);
}

/* A reader of the metrics sees the old file or the new one, never half of one. */
static void put_metrics(struct desk *d, struct bytes text)
{
    char buffer[PATH_BYTES_MAX];
    struct text t;
    const char *path = d->options->metrics;
    if (path == NULL) {
        return;
    }
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%s.new", path);
    int fd = open(buffer, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool good = fd >= 0 && write_all(fd, text.at, text.len);
    good = (fd < 0 || close(fd) == 0) && good && rename(buffer, path) == 0;
    if (!good && !d->metrics_are_broken) {
        outlet_complain(path, strerror(errno));
    }
    d->metrics_are_broken = !good;
}

static bool put_line(struct desk *d, enum outlet_form form, struct bytes line)
{
    for (size_t i = 0; i < d->num_files; i++) {
        if (d->files[i].form == form && !line_file_put(&d->files[i], line)) {
            return false;
        }
    }
    return true;
}

static bool reopen(struct desk *d)
{
    bool good = true;
    for (size_t i = 0; i < d->num_files; i++) {
        good = line_file_reopen(&d->files[i]) && good;
    }
    ring_reopen(d->ring);
    syslog_close(d->syslog);
    return good;
}

static bool take_piece(struct desk *d, const struct piece *p, struct bytes body)
{
    struct bytes comment = bytes_part(body, 0, p->comment_len);
    const struct frame frame = {.number = p->number,
                                .link_type = p->link_type,
                                .has_time = true,
                                .original_len = p->original_len,
                                .time_ns = p->time_ns,
                                .bytes = bytes_part(body, p->comment_len, body.len)};
    switch ((enum piece_kind)p->kind) {
    case PIECE_TEXT:
        return put_line(d, OUTLET_TEXT, body);
    case PIECE_JSON:
        return put_line(d, OUTLET_JSON, body);
    case PIECE_SYSLOG:
        syslog_put(d->syslog, p->number, p->time_ns, body);
        return true;
    case PIECE_METRICS:
        put_metrics(d, body);
        return true;
    case PIECE_FRAME:
        ring_put(d->ring, p->interface, &frame);
        return true;
    case PIECE_EVIDENCE_BEGIN:
        evidence_dir_begin(d->evidence, p->number, p->time_ns);
        return true;
    case PIECE_EVIDENCE_FRAME:
        evidence_dir_frame(d->evidence, p->interface, &frame, comment);
        return true;
    case PIECE_EVIDENCE_END:
        evidence_dir_end(d->evidence, body);
        return true;
    case PIECE_REOPEN:
        return reopen(d);
    }
    return true;
}

/* Reads len bytes; false at the end. Between pieces a quiet ring is brought up to date. */
static bool read_all(struct desk *d, int socket, void *at, size_t len)
{
    uint8_t *p = at;
    while (len > 0) {
        struct pollfd wait = {.fd = socket, .events = POLLIN};
        if (d->ring->is_open && poll(&wait, 1, RING_FLUSH_MS) == 0) {
            ring_flush(d->ring);
        }
        ssize_t got = read(socket, p, len);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        if (got > 0) {
            p += got;
            len -= (size_t)got;
        }
    }
    return true;
}

int outlet_write(int socket, const struct outlet_options *options, struct line_file *files,
                 size_t num_files, struct syslog_out *syslog, struct ring *ring,
                 struct evidence_dir *evidence)
{
    struct desk d = {.options = options,
                     .files = files,
                     .num_files = num_files,
                     .syslog = syslog,
                     .ring = ring,
                     .evidence = evidence};
    struct piece p;
    bool good = true;
    uint8_t *body = malloc(PIECE_BYTES_MAX);
    if (body == NULL) {
        outlet_complain("the writer", "not enough memory");
        return EXIT_WRITE_FAILED;
    }
    while (good && read_all(&d, socket, &p, sizeof p) && p.len <= PIECE_BYTES_MAX &&
           p.comment_len <= p.len && p.interface < OUTLET_INTERFACES_MAX &&
           read_all(&d, socket, body, p.len)) {
        good = take_piece(&d, &p, (struct bytes){.at = body, .len = p.len});
    }
    free(body);
    return good ? 0 : EXIT_WRITE_FAILED;
}
