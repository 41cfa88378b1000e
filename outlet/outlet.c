#include "outlet/outlet_private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct outlet {
    int socket;
    pid_t writer;
    bool is_broken;
    bool wants_frames;
    size_t used;
    uint8_t buffer[OUTLET_BUFFER_BYTES];
};

bool write_all(int fd, const void *at, size_t len)
{
    const uint8_t *p = at;
    while (len > 0) {
        ssize_t done = write(fd, p, len);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        if (done > 0) {
            p += done;
            len -= (size_t)done;
        }
    }
    return true;
}

/* Everything the writer needs, opened before there are two of us. */
struct opened {
    struct line_file files[OUTLET_FILES_MAX];
    size_t num_files;
    struct syslog_out syslog;
    struct ring ring;
    struct evidence_dir evidence;
};

static bool can_make_metrics(const char *path, struct trouble *trouble)
{
    char buffer[PATH_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%s.new", path);
    FILE *f = t.cut ? NULL : fopen(buffer, "we");
    if (f == NULL || fclose(f) != 0 || unlink(buffer) != 0) {
        trouble_set(trouble, "%.200s cannot be made beside the metrics: %s.", buffer,
                    strerror(errno));
        return false;
    }
    return true;
}

static enum status open_all(struct opened *w, const struct outlet_options *options,
                            struct trouble *trouble)
{
    w->syslog.fd = -1;
    for (size_t i = 0; i < options->num_files; i++) {
        struct line_file *f = &w->files[w->num_files++];
        *f = (struct line_file){.path = options->files[i].path,
                                .form = options->files[i].form,
                                .fd = -1,
                                .rotate_bytes = options->rotate_bytes,
                                .rotate_files = options->rotate_files};
        if (!line_file_open(f, trouble)) {
            return STATUS_OUTPUT;
        }
    }
    if (options->syslog != NULL && !syslog_parse(&w->syslog, options->syslog, trouble)) {
        return STATUS_USAGE;
    }
    if (options->metrics != NULL && !can_make_metrics(options->metrics, trouble)) {
        return STATUS_OUTPUT;
    }
    if ((options->ring != NULL && !ring_open(&w->ring, options, trouble)) ||
        (options->evidence_dir != NULL && !evidence_dir_check(&w->evidence, options, trouble))) {
        return STATUS_OUTPUT;
    }
    return STATUS_OK;
}

static void close_all(struct opened *w)
{
    for (size_t i = 0; i < w->num_files; i++) {
        line_file_close(&w->files[i]);
    }
    syslog_close(&w->syslog);
    ring_close(&w->ring);
}

/* Signals end the parser; the writer ends when nothing more can come. */
static void ignore_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGQUIT};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
}

enum status outlet_start(struct outlet **out, const struct outlet_options *options,
                         struct trouble *trouble)
{
    int pair[2] = {-1, -1};
    struct outlet *o = calloc(1, sizeof *o);
    struct opened *w = calloc(1, sizeof *w);
    *out = NULL;
    if (o == NULL || w == NULL) {
        trouble_set(trouble, "There is not enough memory.");
        free(o);
        free(w);
        return STATUS_NO_MEMORY;
    }
    enum status status = open_all(w, options, trouble);
    if (status == STATUS_OK && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        trouble_set(trouble, "No socket pair could be made: %s.", strerror(errno));
        status = STATUS_OUTPUT;
    }
    pid_t pid = status == STATUS_OK ? fork() : -1;
    if (pid == 0) {
        (void)close(pair[0]);
        ignore_signals();
        int result = outlet_write(pair[1], options, w->files, w->num_files, &w->syslog, &w->ring,
                                  &w->evidence);
        close_all(w);
        _exit(result);
    }
    if (status == STATUS_OK && pid < 0) {
        trouble_set(trouble, "No second process could be made: %s.", strerror(errno));
        status = STATUS_OUTPUT;
        (void)close(pair[0]);
    }
    if (pair[1] >= 0) {
        (void)close(pair[1]);
    }
    /* What is open here is the writer's; a second close of the ring would write it twice. */
    if (pid < 0) {
        close_all(w);
    } else {
        for (size_t i = 0; i < w->num_files; i++) {
            line_file_close(&w->files[i]);
        }
        syslog_close(&w->syslog);
        if (w->ring.is_open) {
            (void)close(w->ring.file.fd);
            writer_free(w->ring.file.writer);
        }
    }
    free(w);
    if (status != STATUS_OK) {
        free(o);
        return status;
    }
    o->socket = pair[0];
    o->writer = pid;
    o->wants_frames = options->ring != NULL;
    *out = o;
    return STATUS_OK;
}

bool outlet_flush(struct outlet *o)
{
    if (!o->is_broken && o->used > 0 && !write_all(o->socket, o->buffer, o->used)) {
        o->is_broken = true;
    }
    o->used = 0;
    return !o->is_broken;
}

static bool hand_over(struct outlet *o, const void *at, size_t len)
{
    if (len > sizeof o->buffer - o->used && !outlet_flush(o)) {
        return false;
    }
    if (len > sizeof o->buffer) {
        o->is_broken = o->is_broken || !write_all(o->socket, at, len);
        return !o->is_broken;
    }
    if (len > 0) {
        memcpy(o->buffer + o->used, at, len);
        o->used += len;
    }
    return !o->is_broken;
}

static bool send_piece(struct outlet *o, struct piece *p, struct bytes first, struct bytes second)
{
    if (first.len + second.len > PIECE_BYTES_MAX) {
        return !o->is_broken;
    }
    p->len = (uint32_t)(first.len + second.len);
    return hand_over(o, p, sizeof *p) && hand_over(o, first.at, first.len) &&
           hand_over(o, second.at, second.len);
}

/* The padding of a piece goes over the socket too. */
static struct piece new_piece(enum piece_kind kind)
{
    struct piece p;
    memset(&p, 0, sizeof p);
    p.kind = kind;
    return p;
}

bool outlet_line(struct outlet *o, enum outlet_form form, struct bytes line)
{
    struct piece p = new_piece(form == OUTLET_TEXT ? PIECE_TEXT : PIECE_JSON);
    if (line.len > OUTLET_LINE_BYTES_MAX) {
        return !o->is_broken;
    }
    return send_piece(o, &p, line, (struct bytes){0});
}

bool outlet_syslog(struct outlet *o, enum outlet_severity severity, int64_t time_ns,
                   struct bytes line)
{
    struct piece p = new_piece(PIECE_SYSLOG);
    p.number = severity;
    p.time_ns = time_ns;
    return send_piece(o, &p, line, (struct bytes){0});
}

bool outlet_metrics(struct outlet *o, struct bytes text)
{
    struct piece p = new_piece(PIECE_METRICS);
    return send_piece(o, &p, text, (struct bytes){0});
}

static bool send_frame(struct outlet *o, enum piece_kind kind, size_t interface,
                       const struct frame *frame, struct bytes comment)
{
    struct piece p = new_piece(kind);
    p.number = frame->number;
    p.original_len = frame->original_len;
    p.interface = (uint16_t)interface;
    p.link_type = frame->link_type;
    p.comment_len = (uint32_t)comment.len;
    p.time_ns = frame->time_ns;
    return send_piece(o, &p, comment, frame->bytes);
}

bool outlet_frame(struct outlet *o, size_t interface, const struct frame *frame)
{
    return !o->wants_frames || send_frame(o, PIECE_FRAME, interface, frame, (struct bytes){0});
}

bool outlet_evidence_begin(struct outlet *o, uint32_t attempt_id, int64_t time_ns)
{
    struct piece p = new_piece(PIECE_EVIDENCE_BEGIN);
    p.number = attempt_id;
    p.time_ns = time_ns;
    return send_piece(o, &p, (struct bytes){0}, (struct bytes){0});
}

bool outlet_evidence_frame(struct outlet *o, size_t interface, const struct frame *frame,
                           struct bytes comment)
{
    return send_frame(o, PIECE_EVIDENCE_FRAME, interface, frame, comment);
}

bool outlet_evidence_end(struct outlet *o, struct bytes report)
{
    struct piece p = new_piece(PIECE_EVIDENCE_END);
    return send_piece(o, &p, report, (struct bytes){0});
}

bool outlet_reopen(struct outlet *o)
{
    struct piece p = new_piece(PIECE_REOPEN);
    return send_piece(o, &p, (struct bytes){0}, (struct bytes){0}) && outlet_flush(o);
}

enum status outlet_end(struct outlet *o)
{
    int status = 0;
    if (o == NULL) {
        return STATUS_OK;
    }
    (void)outlet_flush(o);
    (void)close(o->socket);
    while (waitpid(o->writer, &status, 0) < 0 && errno == EINTR) {
    }
    free(o);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? STATUS_OK : STATUS_OUTPUT;
}
