/* When what is missing is given up (docs/ARCHITECTURE.md, Gaps). */
#include "decode/stream_private.h"

static bool is_aged(const struct stream_work *w, uint32_t num_frames, int64_t since_ns)
{
    return w->force || w->pair->num_frames - num_frames >= w->pool->gap_frames ||
           w->pool->settled_ns - since_ns >= w->pool->gap_ns;
}

/* Gives up what is missing of a direction up to this offset, which was confirmed, or up to what is
 * held. false: nothing is missing there. */
static bool give_up_to(struct stream_work *w, int side, uint64_t end)
{
    struct stream *s = &w->pair->side[side];
    const struct stream_piece *piece = s->held_first;
    if (piece != NULL && piece->offset < end) {
        end = piece->offset;
    }
    if (s->fin_seen && s->fin_at < end) {
        end = s->fin_at;
    }
    if (end <= s->next) {
        return false;
    }
    if (!s->fin_seen && piece == NULL && end == s->next + 1) {
        s->next = end; /* a FIN takes one number; nothing says yet that it was a byte */
        s->is_fin_assumed = true;
        return true;
    }
    stream_tell_gap(w, side, end, piece == NULL ? &w->place : &piece->place);
    return true;
}

/* A held piece with a hole before it, or blocked by one of the other direction. true: something
 * moved. */
static bool close_before_piece(struct stream_work *w, int side)
{
    struct stream *s = &w->pair->side[side];
    const struct stream *other = &w->pair->side[1 - side];
    const struct stream_piece *piece = s->held_first;
    bool is_full = s->held >= w->pool->stream_size;
    if (!is_full && !is_aged(w, piece->num_frames, piece->clock_ns)) {
        return false;
    }
    if (piece->offset <= s->next) {
        return give_up_to(w, 1 - side, piece->acked) || stream_drain(w, side, true);
    }
    if (!w->force && !is_full && other->has_frames && s->acked < piece->offset) {
        return false; /* not confirmed: it will be sent again */
    }
    return give_up_to(w, side, piece->offset);
}

/* Bytes that were confirmed, or lie before a FIN, with nothing behind them. */
static bool close_before_end(struct stream_work *w, int side)
{
    struct stream *s = &w->pair->side[side];
    if (!s->has_hole || !(s->is_absent || is_aged(w, s->hole_frames, s->hole_ns))) {
        return false;
    }
    s->is_absent = !s->has_frames;
    s->has_hole = false;
    return give_up_to(w, side, s->fin_seen ? s->fin_at : s->acked);
}

void stream_close_holes(struct stream_pair *p, const struct place *place, int64_t clock_ns,
                        bool force, struct stream_pool *pool, const struct stream_sink *sink)
{
    struct stream_work w = {p, pool, sink, *place, clock_ns, force};
    bool moved = true;
    bool is_unsettled = (!p->side[0].is_settled && p->side[0].held_first != NULL) ||
                        (!p->side[1].is_settled && p->side[1].held_first != NULL);
    if (is_unsettled) {
        const struct stream_piece *piece =
            p->side[0].held_first != NULL ? p->side[0].held_first : p->side[1].held_first;
        if (is_aged(&w, piece->num_frames, piece->clock_ns)) {
            stream_settle(p);
        }
    }
    while (moved) { /* each turn closes a hole or hands out a piece: it ends */
        stream_drain_both(&w);
        stream_note_hole(&w, &p->side[0]);
        stream_note_hole(&w, &p->side[1]);
        moved = false;
        for (int side = 0; side < 2 && !moved; side++) {
            const struct stream *s = &p->side[side];
            bool can_close = s->is_settled && s->held_first != NULL &&
                             (s->held_first->offset > s->next || !s->is_wanted);
            moved = can_close ? close_before_piece(&w, side) : close_before_end(&w, side);
        }
        for (int side = 0; side < 2 && !moved; side++) {
            const struct stream *s = &p->side[side];
            moved = s->is_settled && s->held_first != NULL && close_before_piece(&w, side);
        }
    }
}
