#include "decode/stream_private.h"

void stream_pair_init(struct stream_pair *p)
{
    *p = (struct stream_pair){0};
    p->side[0].is_wanted = true;
    p->side[1].is_wanted = true;
}

void stream_pair_drop(struct stream_pair *p, struct stream_pool *pool)
{
    stream_free_held(&p->side[0], pool);
    stream_free_held(&p->side[1], pool);
}

/* The only place where sequence numbers are compared: the distance is signed modulo 2^32
 * (RFC 9293 3.4). */
uint64_t stream_offset(const struct stream *s, uint32_t seq)
{
    uint32_t next_seq = s->base_seq + (uint32_t)s->next;
    int32_t distance = (int32_t)(seq - next_seq);
    if (distance < 0 && (uint64_t) - (int64_t)distance > s->next) {
        return 0; /* before the SYN: nothing there */
    }
    return s->next + (uint64_t)(int64_t)distance;
}

/* Joined midway: offsets start high, so that earlier bytes still have one. */
static void base_midway(struct stream *s, uint32_t seq)
{
    s->base_seq = seq - (uint32_t)STREAM_MIDWAY_OFFSET;
    s->next = STREAM_MIDWAY_OFFSET;
    s->seen = s->next;
    s->acked = s->next;
    s->first = s->next;
    s->mark = s->next;
    s->old_mark = s->next;
    s->is_based = true;
}

void stream_begin(struct stream *s, uint32_t first_seq)
{
    if (!s->is_based) {
        s->base_seq = first_seq;
        s->is_based = true;
    }
    uint64_t offset = stream_offset(s, first_seq);
    if (!s->is_settled) {
        s->next = offset;
        s->first = offset;
        s->seen = s->seen > offset ? s->seen : offset;
        s->acked = s->acked > offset ? s->acked : offset;
        s->mark = s->old_mark = offset;
        s->is_settled = true;
    }
    s->is_from_syn = s->first == offset;
}

void stream_forget(struct stream *s, struct stream_pool *pool)
{
    stream_free_held(s, pool);
    s->is_wanted = false;
    s->is_settled = true;
    s->has_hole = false;
    s->next = s->seen;
}

void stream_resume(struct stream *s, uint64_t offset)
{
    s->is_wanted = true;
    s->next = offset;
}

/* Was the byte at this offset captured before? (Bytes that nobody wanted are not known one by one:
 * there, what lies before the newest counts as captured.) */
static bool was_captured(const struct stream *s, uint64_t offset)
{
    if (s->is_settled && offset < s->next) {
        return true;
    }
    const struct stream_piece *piece = s->held_first;
    while (piece != NULL && piece->offset + piece->len <= offset) {
        piece = piece->next;
    }
    return piece != NULL && piece->offset <= offset;
}

/* Counts a retransmission: bytes captured before, and long enough ago to be no mere copy. */
static void note_repeat(struct stream *s, uint64_t offset, uint64_t end, int64_t time_ns)
{
    bool is_keep_alive = end - offset <= 1 && end == s->seen; /* RFC 9293 3.8.4 */
    if (offset >= s->seen || is_keep_alive || !was_captured(s, offset)) {
        return;
    }
    bool is_old = end <= s->old_mark || time_ns - s->last_data_ns >= STREAM_DUPLICATE_NS ||
                  (end <= s->mark && time_ns - s->mark_ns >= STREAM_DUPLICATE_NS);
    s->num_resent += is_old ? 1 : 0;
}

static void note_data(struct stream *s, uint64_t offset, uint64_t end, int64_t time_ns)
{
    note_repeat(s, offset, end, time_ns);
    if (time_ns - s->mark_ns >= STREAM_DUPLICATE_NS) {
        s->old_mark = s->mark;
        s->mark = s->seen;
        s->mark_ns = time_ns;
    }
    if (end > s->seen) {
        s->seen = end;
    }
    s->last_data_ns = time_ns;
}

/* The ACK number as an offset of the other direction; 0: says nothing. */
static uint64_t note_ack(struct stream *other, const struct stream_segment *g)
{
    if (!g->has_ack) {
        return 0;
    }
    if (!other->is_based) {
        base_midway(other, g->ack);
    }
    uint64_t offset = stream_offset(other, g->ack);
    if (offset > other->acked && offset - other->acked < STREAM_MIDWAY_OFFSET) {
        other->acked = offset;
    }
    return offset <= other->acked ? offset : 0;
}

void stream_skip(struct stream_pair *p, int side, const struct stream_segment *g)
{
    struct stream *s = &p->side[side];
    if (!s->is_based) {
        base_midway(s, g->seq);
    }
    p->num_frames++;
    s->has_frames = true;
    s->last_seen_ns = g->place.time_ns;
    (void)note_ack(&p->side[1 - side], g);
    uint64_t offset = stream_offset(s, g->seq);
    uint64_t end = offset + g->wire_len;
    if (g->wire_len > 0) {
        note_data(s, offset, end, g->place.time_ns);
        bool is_elsewhere = offset + STREAM_WINDOW_BYTES < s->next;
        s->next = end > s->next || is_elsewhere ? end : s->next;
    }
}

/* Would this chunk pass bytes of the other direction that it confirms? */
static bool is_blocked(const struct stream_pair *p, int side, uint64_t acked)
{
    const struct stream *other = &p->side[1 - side];
    if (!other->is_wanted || !other->is_settled || acked <= other->next) {
        return false;
    }
    bool is_fin_only = other->fin_seen && other->next >= other->fin_at &&
                       acked == other->fin_at + 1; /* a FIN takes a number too */
    return !is_fin_only;
}

void stream_tell_gap(struct stream_work *w, int side, uint64_t end, const struct place *place)
{
    struct stream *s = &w->pair->side[side];
    if (end <= s->next) {
        return;
    }
    uint64_t len = end - s->next;
    s->lost += len;
    s->next = end;
    w->sink->gap(w->sink->context, side, len, place);
}

static void wait_anew(const struct stream_work *w, struct stream_piece *piece)
{
    piece->num_frames = w->pair->num_frames;
    piece->clock_ns = w->clock_ns;
}

/* Bytes came of what is missing of this direction: it is on its way, and waited for anew. Else a
 * hole that small segments fill would be given up amid them. behind: the first piece held before.
 */
static void note_progress(struct stream_work *w, int side, const struct stream_piece *behind)
{
    struct stream *s = &w->pair->side[side];
    struct stream_piece *blocked = w->pair->side[1 - side].held_first;
    if (behind != NULL && s->held_first == behind) {
        wait_anew(w, s->held_first);
    }
    if (blocked != NULL && is_blocked(w->pair, 1 - side, blocked->acked)) {
        wait_anew(w, blocked);
    }
    s->hole_frames = w->pair->num_frames;
    s->hole_ns = w->clock_ns;
}

/* Hands out what of the chunk is new. cut: bytes behind it that its frame lacked. */
static void tell_data(struct stream_work *w, int side, const struct stream_chunk *chunk,
                      uint32_t cut)
{
    struct stream *s = &w->pair->side[side];
    uint64_t end = chunk->offset + chunk->bytes.len;
    if (end > s->next && s->is_fin_assumed) { /* data behind it: it was a byte after all */
        s->is_fin_assumed = false;
        s->next--;
        stream_tell_gap(w, side, s->next + 1, &chunk->place);
    }
    if (end > s->next) {
        struct stream_chunk part = *chunk;
        size_t old = s->next > chunk->offset ? (size_t)(s->next - chunk->offset) : 0;
        part.bytes = bytes_part(chunk->bytes, old, chunk->bytes.len - old);
        part.offset += old;
        part.is_segment_start = chunk->is_segment_start && old == 0;
        s->next = end;
        w->sink->data(w->sink->context, side, &part);
    }
    if (cut > 0 && s->is_wanted) {
        stream_tell_gap(w, side, end + cut, &chunk->place);
    }
}

bool stream_drain(struct stream_work *w, int side, bool ignore_block)
{
    struct stream *s = &w->pair->side[side];
    bool moved = false;
    while (s->is_settled && s->held_first != NULL) {
        struct stream_piece *piece = s->held_first;
        /* Nobody wants the stream: of what is held, a segment's start may change that. */
        bool is_offer = !s->is_wanted && piece->is_segment_start && piece->offset >= s->next;
        if ((!s->is_wanted && !is_offer) || piece->offset + piece->len < s->next) {
            stream_free_first(s, w->pool);
            continue;
        }
        if (!is_offer && (piece->offset > s->next ||
                          (!ignore_block && is_blocked(w->pair, side, piece->acked)))) {
            break;
        }
        struct stream_chunk chunk = {
            .bytes = {.at = piece->bytes, .len = piece->len},
            .offset = piece->offset,
            .acked = piece->acked,
            .is_segment_start = piece->is_segment_start,
            .place = piece->place,
        };
        tell_data(w, side, &chunk, piece->cut);
        stream_free_first(s, w->pool);
        ignore_block = false;
        moved = true;
    }
    bool is_fin_due = s->fin_seen && !s->fin_told && s->is_settled && s->held_first == NULL &&
                      s->next >= s->fin_at &&
                      (ignore_block || !is_blocked(w->pair, side, s->fin_acked));
    if (is_fin_due) {
        s->fin_told = true;
        w->sink->fin(w->sink->context, side, &s->fin_place);
        moved = true;
    }
    return moved;
}

void stream_drain_both(struct stream_work *w)
{
    bool moved = true;
    while (moved) { /* each turn hands out a piece or a FIN: it ends */
        moved = stream_drain(w, 0, false);
        moved |= stream_drain(w, 1, false);
    }
}

void stream_settle(struct stream_pair *p)
{
    p->is_past_grace = true;
    for (int i = 0; i < 2; i++) {
        struct stream *s = &p->side[i];
        if (s->is_settled || !s->is_based) {
            continue;
        }
        if (s->held_first != NULL) {
            s->next = s->held_first->offset;
            s->first = s->next;
        } else if (s->seen > s->next) {
            s->next = s->seen;
        }
        s->is_settled = true;
    }
}

/* A frame that lies behind all that is held, in its own direction and by its ACK number, shows that
 * the capture runs forward here: nothing earlier is to be expected. */
static bool runs_forward(const struct stream_pair *p, int side, uint64_t offset, uint64_t acked)
{
    const struct stream *s = &p->side[side];
    const struct stream *other = &p->side[1 - side];
    bool holds = s->held_first != NULL || other->held_first != NULL;
    return holds && offset >= s->seen && (acked >= other->seen || !other->is_based);
}

void stream_note_hole(struct stream_work *w, struct stream *s)
{
    bool has_hole = s->is_settled && s->is_wanted && s->held_first == NULL &&
                    (s->acked > s->next + (s->fin_seen && s->fin_at <= s->next ? 1 : 0) ||
                     (s->fin_seen && s->fin_at > s->next));
    if (has_hole && !s->has_hole) {
        s->hole_frames = w->pair->num_frames;
        s->hole_ns = w->clock_ns;
    }
    s->has_hole = has_hole;
}

static void place_payload(struct stream_work *w, int side, const struct stream_segment *g,
                          uint64_t offset, uint64_t acked)
{
    struct stream *s = &w->pair->side[side];
    struct stream_chunk chunk = {
        .bytes = g->payload,
        .offset = offset,
        .acked = acked,
        .is_segment_start = true,
        .place = g->place,
    };
    uint32_t cut = g->wire_len - (uint32_t)g->payload.len;
    bool is_in_order = s->is_settled && s->held_first == NULL && offset <= s->next &&
                       !is_blocked(w->pair, side, acked);
    if (is_in_order) {
        tell_data(w, side, &chunk, cut);
        return;
    }
    if (s->held >= w->pool->stream_size || !stream_hold(w, side, &chunk, cut)) {
        stream_settle(w->pair);
        stream_close_holes(w->pair, &w->place, w->clock_ns, true, w->pool, w->sink);
        stream_tell_gap(w, side, offset, &w->place);
        tell_data(w, side, &chunk, cut);
    }
}

void stream_push(struct stream_pair *p, int side, const struct stream_segment *g,
                 struct stream_pool *pool, const struct stream_sink *sink)
{
    struct stream_work w = {p, pool, sink, g->place, g->clock_ns, false};
    struct stream *s = &p->side[side];
    struct stream *other = &p->side[1 - side];
    p->num_frames++;
    if (!s->is_based) {
        base_midway(s, g->seq);
    }
    s->has_frames = true;
    s->is_absent = false;
    s->last_seen_ns = g->place.time_ns;
    uint64_t offset = stream_offset(s, g->seq);
    uint64_t acked = note_ack(other, g);
    if (!p->is_past_grace && (!s->is_settled || !other->is_settled) &&
        (runs_forward(p, side, offset, acked) || p->num_frames > STREAM_GRACE_FRAMES)) {
        stream_settle(p);
    }
    if (p->is_past_grace && !s->is_settled) {
        s->next = s->first = offset;
        s->is_settled = true;
    }
    uint64_t end = offset + g->wire_len;
    uint64_t next = s->next;
    const struct stream_piece *behind = s->held_first; /* the hole that lies at next */
    if (g->has_fin && !s->fin_seen) {
        s->fin_seen = true;
        s->fin_at = end;
        s->fin_acked = acked;
        s->fin_place = g->place;
    }
    if (g->wire_len > 0) {
        note_data(s, offset, end, g->place.time_ns);
        if (s->is_wanted) {
            place_payload(&w, side, g, offset, acked);
        } else {
            s->next = end > s->next ? end : s->next;
        }
    }
    stream_drain_both(&w);
    if (s->next > next) {
        note_progress(&w, side, behind);
    }
    stream_note_hole(&w, s);
    stream_note_hole(&w, other);
    if (stream_is_waiting(p)) {
        stream_close_holes(p, &g->place, g->clock_ns, false, pool, sink);
    }
}

bool stream_is_waiting(const struct stream_pair *p)
{
    return p->side[0].held_first != NULL || p->side[1].held_first != NULL || p->side[0].has_hole ||
           p->side[1].has_hole;
}
