/* A capture in pieces: where one between two of them may be missing. */
#include "diagnose/case_private.h"

#include "base/civil.h"

void case_take_piece(struct case_file *c, const struct event *e)
{
    if (e->capture >= CAPTURES_MAX) {
        return;
    }
    struct piece_state *p = &c->pieces[e->capture];
    c->group_of_capture[e->capture] = e->group;
    if (e->kind != EVENT_TCP_END) { /* told when the capture ends, of whatever piece that is */
        p->first_ns = !p->seen || e->time_ns < p->first_ns ? e->time_ns : p->first_ns;
        p->last_ns = !p->seen || e->time_ns > p->last_ns ? e->time_ns : p->last_ns;
        p->seen = true;
    }
    bool is_midway = e->tcp != NULL && !e->tcp->seen_from_syn && e->kind != EVENT_TCP_END;
    if (e->capture != e->group && (e->kind == EVENT_GAP || is_midway) && !p->has_hole_before) {
        p->has_hole_before = true;
        c->num_holes++;
    }
}

/* The pieces of the same capture that begin after a hole. */
static bool is_after_hole(const struct case_file *c, size_t piece, uint16_t group)
{
    return c->pieces[piece].seen && c->pieces[piece].has_hole_before &&
           c->group_of_capture[piece] == group;
}

/* When the piece before this one ended. */
static int64_t end_before(const struct case_file *c, size_t piece, uint16_t group)
{
    int64_t end = INT64_MIN;
    for (size_t i = 0; i < CAPTURES_MAX; i++) {
        const struct piece_state *p = &c->pieces[i];
        if (p->seen && c->group_of_capture[i] == group && p->first_ns < c->pieces[piece].first_ns &&
            p->last_ns > end) {
            end = p->last_ns;
        }
    }
    return end;
}

int64_t case_end_ns(struct case_file *c, uint16_t capture)
{
    int64_t end = case_group_of(c, capture)->last_ns;
    if (capture >= CAPTURES_MAX || c->num_holes == 0) {
        return end;
    }
    uint16_t group = c->group_of_capture[capture];
    for (size_t i = 0; i < CAPTURES_MAX; i++) {
        if (is_after_hole(c, i, group) && c->pieces[i].first_ns > c->pieces[capture].first_ns) {
            int64_t before = end_before(c, i, group);
            end = before < end ? before : end;
        }
    }
    return end;
}

int64_t case_open_end_ns(struct case_file *c, const struct conn *conn)
{
    int64_t end = case_end_ns(c, conn->capture);
    uint16_t group = conn->capture < CAPTURES_MAX ? c->group_of_capture[conn->capture] : 0;
    for (size_t i = 0; i < CAPTURES_MAX; i++) {
        const struct piece_state *p = &c->pieces[i];
        if (!p->seen || i == group || c->group_of_capture[i] != group ||
            p->first_ns <= conn->last_ns) {
            continue;
        }
        int64_t before = end_before(c, i, group);
        if (before != INT64_MIN && before < end) {
            end = before;
        }
    }
    return end;
}

bool case_has_hole(const struct case_file *c, uint16_t capture, int64_t from_ns, int64_t to_ns)
{
    uint16_t group = capture < CAPTURES_MAX ? c->group_of_capture[capture] : capture;
    for (size_t i = 0; i < CAPTURES_MAX && c->num_holes > 0; i++) {
        if (is_after_hole(c, i, group) && c->pieces[i].first_ns >= from_ns &&
            end_before(c, i, group) <= to_ns) {
            return true;
        }
    }
    return false;
}
