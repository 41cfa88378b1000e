#include "report/evidence_private.h"

#include "report/escape.h"
#include "report/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A comment under way: everything from the wire goes through escape_text(). */
struct comment {
    FILE *stream;
    char text[EVIDENCE_COMMENT_MAX];
};

static bool comment_open(struct comment *c)
{
    memset(c->text, 0, sizeof c->text);
    c->stream = fmemopen(c->text, sizeof c->text - 1, "w");
    return c->stream != NULL;
}

/* What fits, up to its last whole character. */
static struct bytes comment_close(struct comment *c)
{
    (void)fclose(c->stream);
    struct bytes b = bytes_of(c->text);
    while (b.len > 0 && !escape_is_utf8(b)) {
        b.len--;
    }
    return b;
}

static void put(struct comment *c, struct bytes b)
{
    escape_text(c->stream, b, false);
}

/* The last part of a path. */
static struct bytes file_name(const char *path)
{
    struct bytes name = bytes_of(path);
    for (size_t at = bytes_find(name, '/', 0); at < name.len; at = bytes_find(name, '/', 0)) {
        name = bytes_part(name, at + 1, name.len);
    }
    return name;
}

static void put_attempt(struct comment *c, const struct attempt_record *a)
{
    (void)fprintf(c->stream, "\nAttempt %" PRIu32 ": ", a->id);
    put(c, a->principal.len > 0 ? a->principal : bytes_of("a client"));
    (void)fputs(" to ", c->stream);
    put(c, a->host.len > 0 ? a->host : bytes_of("a server"));
    (void)fprintf(c->stream, ": %s", outcome_word(a->outcome));
    if (a->has_verdict) {
        (void)fprintf(c->stream, ", %s (%s, step %s): ", cause_id(a->verdict.cause),
                      confidence_word(a->verdict.confidence), step_word(a->verdict.step));
        put(c, a->verdict.summary);
    }
}

static struct bytes section_comment(const struct evidence_plan *p, struct comment *c,
                                    uint16_t capture)
{
    const struct analysis *a = p->analysis;
    const struct capture_summary *s = &a->captures[capture];
    if (!comment_open(c)) {
        return (struct bytes){0};
    }
    (void)fputs("Evidence taken by krbscope " KRBSCOPE_VERSION " from ", c->stream);
    put(c, file_name(s->path));
    (void)fprintf(c->stream, " (%s, %" PRIu64 " frames).", s->info.format_name, s->info.frames);
    if (s->info.zone == CAPTURE_ZONE_UNKNOWN) {
        (void)fputs(" Its times are local time of an unknown zone.", c->stream);
    }
    size_t num = a->num_attempts;
    for (size_t i = 0; i < num && i < EVIDENCE_SECTION_ATTEMPTS_MAX; i++) {
        put_attempt(c, a->attempts[i]);
    }
    if (num > EVIDENCE_SECTION_ATTEMPTS_MAX) {
        (void)fprintf(c->stream, "\nand %zu more", num - EVIDENCE_SECTION_ATTEMPTS_MAX);
    }
    return comment_close(c);
}

enum status evidence_begin(struct evidence_plan *p, struct writer *w, uint16_t capture,
                           unsigned number, unsigned num, bool big_endian, struct trouble *trouble)
{
    struct comment c;
    struct text application;
    char buffer[CAPTURE_EVIDENCE_WORDS_MAX];
    bool is_local = p->analysis->captures[capture].info.zone == CAPTURE_ZONE_UNKNOWN;
    text_init(&application, buffer, sizeof buffer);
    text_format(&application, CAPTURE_EVIDENCE_WRITER " " KRBSCOPE_VERSION " %u/%u%s", number, num,
                is_local ? CAPTURE_EVIDENCE_LOCAL : "");
    p->num_interfaces = 0;
    const struct writer_section section = {
        .big_endian = big_endian,
        .application = text_bytes(&application),
        .comment = section_comment(p, &c, capture),
    };
    return writer_section(w, &section, trouble);
}

/* The interface of this link type of this file, made when it is the first of its frames. */
static enum status interface_of(struct evidence_plan *p, struct writer *w, uint16_t capture,
                                uint16_t link_type, uint32_t *id, struct trouble *trouble)
{
    for (size_t i = 0; i < p->num_interfaces; i++) {
        if (p->interfaces[i].capture == capture && p->interfaces[i].link_type == link_type) {
            *id = (uint32_t)i;
            return STATUS_OK;
        }
    }
    if (p->num_interfaces == EVIDENCE_INTERFACES_MAX) {
        trouble_set(trouble, "The evidence would need more than %d interfaces.",
                    EVIDENCE_INTERFACES_MAX);
        return STATUS_OUTPUT;
    }
    struct comment c;
    const struct capture_summary *s = &p->analysis->captures[capture];
    if (comment_open(&c)) {
        put(&c, file_name(s->path));
        c.text[sizeof c.text - 1] = '\0';
    }
    int64_t first_s = p->ends[capture].first_ns / 1000000000;
    const struct writer_interface interface = {
        .link_type = link_type,
        .offset_s = s->info.has_times && s->info.first_time_ns < 0
                        ? s->info.first_time_ns / 1000000000 - 1
                    : first_s < 0 ? first_s - 1
                                  : 0,
        .name = c.stream == NULL ? (struct bytes){0} : comment_close(&c),
    };
    p->interfaces[p->num_interfaces++] =
        (struct evidence_interface){.capture = capture, .link_type = link_type};
    return writer_interface(w, &interface, id, trouble);
}

/* Was the reason given before, or is there a better one? Why a frame was taken along matters only
 * when the report does not name it. */
static bool is_needless(struct evidence_notes notes, size_t i)
{
    const struct evidence_note *n = &notes.at[i];
    for (size_t j = 0; j < notes.num; j++) {
        bool is_better = n->is_taken_along && !notes.at[j].is_taken_along;
        if (is_better || (j < i && bytes_equal(n->why, notes.at[j].why))) {
            return true;
        }
    }
    return n->why.len == 0;
}

/* "frame 41 of trace.cap: the KDC answered …; …" */
static struct bytes frame_comment(const struct evidence_plan *p, struct comment *c,
                                  struct evidence_notes notes)
{
    if (!comment_open(c)) {
        return (struct bytes){0};
    }
    (void)fprintf(c->stream, "frame %" PRIu32 " of ", notes.at[0].frame);
    put(c, file_name(p->analysis->captures[notes.at[0].capture].path));
    const char *between = ": ";
    for (size_t i = 0; i < notes.num; i++) {
        if (!is_needless(notes, i)) {
            (void)fputs(between, c->stream);
            put(c, notes.at[i].why);
            between = "; ";
        }
    }
    return comment_close(c);
}

enum status evidence_frame(struct evidence_plan *p, struct writer *w, uint16_t capture,
                           const struct frame *frame, struct trouble *trouble)
{
    struct comment c;
    uint32_t id = 0;
    struct evidence_notes notes = evidence_notes_of(p, capture, frame->number);
    if (notes.num == 0 || frame->link_type == LINK_TYPE_UNSUPPORTED) {
        return STATUS_OK;
    }
    enum status status = interface_of(p, w, capture, frame->link_type, &id, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    return writer_frame(w, id, frame, frame_comment(p, &c, notes), trouble);
}

enum status evidence_end(struct evidence_plan *p, struct writer *w, struct trouble *trouble)
{
    uint16_t told = UINT16_MAX;
    for (size_t i = 0; i < p->num_interfaces; i++) {
        uint16_t capture = p->interfaces[i].capture;
        const struct capture_info *info = &p->analysis->captures[capture].info;
        uint64_t lost = info->drops[CAPTURE_DROP_BY_SYSTEM];
        if (capture == told || lost == 0) {
            continue;
        }
        told = capture;
        const struct writer_counts counts = {
            .time_ns = info->last_time_ns,
            .has_span = info->has_times,
            .first_time_ns = info->first_time_ns,
            .last_time_ns = info->last_time_ns,
            .received = UINT64_MAX,
            .dropped = lost,
            .system_dropped = UINT64_MAX,
        };
        enum status status = writer_statistics(w, (uint32_t)i, &counts, trouble);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}
