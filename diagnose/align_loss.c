/* What left one capture's place and never came to another's. Missing proves something only where
 * the other capture shows those hosts, before and after. */
#include "diagnose/align_private.h"

#include <stdlib.h>

#define COVER_NS INT64_C(1000000000) /* the other capture goes on for so long before and after */

static int by_frame(const void *left, const void *right)
{
    const struct frame_index *x = left;
    const struct frame_index *y = right;
    if (x->capture != y->capture) {
        return x->capture < y->capture ? -1 : 1;
    }
    if (x->frame != y->frame) {
        return x->frame < y->frame ? -1 : 1;
    }
    return x->print < y->print ? -1 : x->print > y->print;
}

/* What has a frame of its own that can be looked for elsewhere. */
static bool has_frame(const struct print *p)
{
    return p->kind == PRINT_MESSAGE || p->kind == PRINT_SYN;
}

void align_index_frames(struct align *a)
{
    size_t num = 0;
    for (size_t i = 0; i < a->num_prints; i++) {
        num += has_frame(&a->prints[i]) ? a->prints[i].num : 0U;
    }
    a->frames = calloc(num + 1, sizeof *a->frames);
    for (size_t i = 0; a->frames != NULL && i < a->num_prints; i++) {
        const struct print *p = &a->prints[i];
        for (size_t k = 0; has_frame(p) && k < p->num; k++) {
            a->frames[a->num_frames++] = (struct frame_index){
                .capture = p->sights[k].capture, .frame = p->sights[k].frame, .print = (uint32_t)i};
        }
    }
    if (a->frames != NULL) {
        qsort(a->frames, a->num_frames, sizeof *a->frames, by_frame);
    }
}

/* The message that a frame carried, or NULL. */
static const struct print *print_of_frame(const struct align *a, uint16_t capture, uint32_t frame)
{
    const struct frame_index key = {.capture = capture, .frame = frame};
    size_t low = 0, high = a->num_frames;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_frame(&a->frames[middle], &key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_found =
        low < a->num_frames && a->frames[low].capture == capture && a->frames[low].frame == frame;
    return is_found ? &a->prints[a->frames[low].print] : NULL;
}

/* Would the capture have shown a packet to that host: it was taken there, or it shows these two
 * hosts otherwise? */
static bool shows(const struct align *a, uint16_t group, const struct address *from,
                  const struct address *to)
{
    const struct align_capture *s = &a->captures[group];
    bool is_there = s->num_pairs > 1 && s->num_common == 1 && address_equal(&s->common[0], to);
    return is_there || align_has_host_pair(a, align_host_pair(group, from, to));
}

static bool goes_on(const struct align *a, uint16_t group, int64_t case_ns)
{
    const struct align_capture *s = &a->captures[group];
    return s->shift.known && align_case_ns(a, group, s->last_ns) >= case_ns + COVER_NS;
}

static bool covers(const struct align *a, uint16_t group, int64_t case_ns)
{
    return align_case_ns(a, group, a->captures[group].first_ns) <= case_ns - COVER_NS &&
           goes_on(a, group, case_ns);
}

/* Is the capture the sender's own? What it alone saw of what it sent to others is no loss there. */
static bool is_at(const struct align *a, uint16_t group, const struct address *host)
{
    const struct align_capture *s = &a->captures[group];
    return s->num_pairs > 1 && s->num_common == 1 && address_equal(&s->common[0], host);
}

static bool is_missing(const struct align *a, const struct sight *s, const struct address *from,
                       const struct address *to, struct align_loss *out)
{
    int64_t case_ns = align_case_ns(a, s->group, s->time_ns);
    if (a->is_full) {
        return false;
    }
    for (uint16_t group = 0; group < a->num_captures; group++) {
        bool is_other = group != s->group && a->captures[group].seen &&
                        a->captures[group].scene == a->captures[s->group].scene;
        if (is_other && !is_at(a, group, from) && covers(a, group, case_ns) &&
            shows(a, group, from, to)) {
            out->group = group;
            return true;
        }
    }
    return false;
}

bool align_is_lost(const struct align *a, const struct event *e, struct align_loss *out)
{
    uint64_t hash = align_print(e);
    const struct print *p = hash == 0 ? NULL : align_find(a, hash);
    return p != NULL && p->num == 1 && p->sights[0].group == e->group &&
           !p->sights[0].is_repeated &&
           is_missing(a, &p->sights[0], &e->from.address, &e->to.address, out);
}

bool align_frame_is_lost(const struct align *a, uint16_t capture, uint32_t frame,
                         struct align_loss *out)
{
    const struct print *p = print_of_frame(a, capture, frame);
    return p != NULL && p->num == 1 && is_missing(a, &p->sights[0], &p->from, &p->to, out);
}

static uint64_t captured(const struct align_conn_entry *c, int side)
{
    return c->bytes_seen[side] - c->bytes_lost[side];
}

/* Would this capture have shown what the other one has of that side? It does when it shows bytes
 * behind the missing ones, or goes on for a while after the message that they belong to. */
static bool would_show(const struct align *a, const struct align_conn_entry *less,
                       const struct align_conn_entry *more, int side)
{
    return less->bytes_lost[side] > 0 ||
           goes_on(a, less->group, align_case_ns(a, more->group, more->last_message_ns[side]));
}

/* From one capture to the other, of bytes that both count from the same handshake. */
static bool is_gone(const struct align *a, const struct align_conn_entry *more,
                    const struct align_conn_entry *less, int side)
{
    return more->has_client_seq && less->has_client_seq && more->has_server_seq &&
           less->has_server_seq && captured(more, side) > captured(less, side) &&
           !less->acked_unseen[side] && would_show(a, less, more, side);
}

bool align_conn_is_lost(const struct align *a, uint16_t group, uint64_t connection,
                        struct align_gone *out)
{
    const struct align_conn_entry *mine = align_conn_find(a, group, connection);
    const struct align_conn_entry *c = mine == NULL ? NULL : &a->conns[mine->next];
    for (; c != NULL && c != mine; c = &a->conns[c->next]) {
        const bool is_answer = is_gone(a, c, mine, 1);
        if (is_answer || is_gone(a, mine, c, 0)) {
            const struct align_conn_entry *more = is_answer ? c : mine;
            const struct align_conn_entry *less = is_answer ? mine : c;
            *out = (struct align_gone){.is_answer = is_answer,
                                       .group = less->group,
                                       .seen = more->last[is_answer],
                                       .hole = less->hole[is_answer]};
            return true;
        }
    }
    return false;
}

bool align_frame_elsewhere(const struct align *a, uint16_t capture, uint32_t frame,
                           struct align_place *out)
{
    const struct print *p = print_of_frame(a, capture, frame);
    for (size_t i = 0; p != NULL && i < p->num; i++) {
        if (p->sights[i].capture != capture) {
            *out = (struct align_place){p->sights[i].capture, p->sights[i].frame};
            return true;
        }
    }
    return false;
}
