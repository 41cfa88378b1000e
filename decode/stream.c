#include "decode/stream.h"

#include <stdlib.h>
#include <string.h>

struct stream_piece {
    struct stream_piece *next;
    uint64_t offset;
    uint64_t acked;
    struct place place;
    int64_t clock_ns;
    uint32_t num_frames; /* of the connection, when it came */
    uint32_t len;
    uint32_t cut; /* bytes after len that the frame lacked */
    bool is_segment_start;
    uint8_t bytes[];
};

/* What the private functions pass on. */
struct work {
    struct stream_pair *pair;
    struct stream_pool *pool;
    const struct stream_sink *sink;
    struct place place;
    int64_t clock_ns;
    bool force;
};

void stream_pair_init(struct stream_pair *p)
{
    *p = (struct stream_pair){0};
    p->side[0].is_wanted = true;
    p->side[1].is_wanted = true;
}

static void free_first(struct stream *s, struct stream_pool *pool)
{
    struct stream_piece *piece = s->held_first;
    s->held_first = piece->next;
    if (s->held_first == NULL) {
        s->held_last = NULL;
    }
    size_t size = sizeof *piece + piece->len;
    s->held -= size;
    pool->used -= size;
    free(piece);
}

static void free_held(struct stream *s, struct stream_pool *pool)
{
    while (s->held_first != NULL) {
        free_first(s, pool);
    }
}

void stream_pair_drop(struct stream_pair *p, struct stream_pool *pool)
{
    free_held(&p->side[0], pool);
    free_held(&p->side[1], pool);
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
    free_held(s, pool);
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

static void tell_gap(struct work *w, int side, uint64_t end, const struct place *place)
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

/* Hands out what of the chunk is new. cut: bytes behind it that its frame lacked. */
static void tell_data(struct work *w, int side, const struct stream_chunk *chunk, uint32_t cut)
{
    struct stream *s = &w->pair->side[side];
    uint64_t end = chunk->offset + chunk->bytes.len;
    if (end > s->next && s->is_fin_assumed) { /* data behind it: it was a byte after all */
        s->is_fin_assumed = false;
        s->next--;
        tell_gap(w, side, s->next + 1, &chunk->place);
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
        tell_gap(w, side, end + cut, &chunk->place);
    }
}

static struct stream_piece *new_piece(struct work *w, struct stream *s,
                                      const struct stream_chunk *chunk)
{
    size_t size = sizeof(struct stream_piece) + chunk->bytes.len;
    if (!s->is_settled && w->pool->used > w->pool->size / 2) {
        return NULL; /* mere caution (settle() comes next) leaves room for what is known to lack */
    }
    if (w->pool->size - w->pool->used < size) {
        w->pool->refused++;
        return NULL;
    }
    struct stream_piece *piece = malloc(size);
    if (piece == NULL) {
        w->pool->refused++;
        return NULL;
    }
    *piece = (struct stream_piece){
        .offset = chunk->offset,
        .acked = chunk->acked,
        .place = chunk->place,
        .clock_ns = w->clock_ns,
        .num_frames = w->pair->num_frames,
        .len = (uint32_t)chunk->bytes.len,
        .is_segment_start = chunk->is_segment_start,
    };
    if (chunk->bytes.len > 0) {
        memcpy(piece->bytes, chunk->bytes.at, chunk->bytes.len);
    }
    s->held += size;
    w->pool->used += size;
    return piece;
}

/* Holds the bytes from..to of the chunk between two pieces. false: no room. */
static bool insert_part(struct work *w, struct stream *s, const struct stream_chunk *chunk,
                        uint64_t from, uint64_t to, struct stream_piece *before, uint32_t cut)
{
    struct stream_chunk part = *chunk;
    part.bytes = bytes_part(chunk->bytes, (size_t)(from - chunk->offset), (size_t)(to - from));
    part.offset = from;
    part.is_segment_start = chunk->is_segment_start && from == chunk->offset;
    struct stream_piece *piece = new_piece(w, s, &part);
    if (piece == NULL) {
        return false;
    }
    piece->cut = cut;
    piece->next = before == NULL ? s->held_first : before->next;
    if (before == NULL) {
        s->held_first = piece;
    } else {
        before->next = piece;
    }
    if (piece->next == NULL) {
        s->held_last = piece;
    }
    return true;
}

/* Holds what of the chunk is neither handed out nor held: the bytes that came first stay. */
static bool hold(struct work *w, int side, const struct stream_chunk *chunk, uint32_t cut)
{
    struct stream *s = &w->pair->side[side];
    uint64_t from = chunk->offset;
    uint64_t end = chunk->offset + chunk->bytes.len;
    if (s->is_settled && from < s->next) {
        from = s->next;
    }
    struct stream_piece *before = NULL;
    struct stream_piece *piece = s->held_first;
    if (s->held_last != NULL && s->held_last->offset + s->held_last->len <= from) {
        before = s->held_last;
        piece = NULL;
    }
    while (from < end) {
        while (piece != NULL && piece->offset + piece->len <= from) {
            before = piece;
            piece = piece->next;
        }
        uint64_t to = piece == NULL || piece->offset > end ? end : piece->offset;
        if (to > from && !insert_part(w, s, chunk, from, to, before, to == end ? cut : 0)) {
            return false;
        }
        if (piece == NULL) {
            break;
        }
        from = piece->offset + piece->len > from ? piece->offset + piece->len : from;
    }
    return true;
}

/* Hands out what is in order and not blocked. true: something moved. */
static bool drain(struct work *w, int side, bool ignore_block)
{
    struct stream *s = &w->pair->side[side];
    bool moved = false;
    while (s->is_settled && s->held_first != NULL) {
        struct stream_piece *piece = s->held_first;
        if (!s->is_wanted || piece->offset + piece->len < s->next) {
            free_first(s, w->pool);
            continue;
        }
        if (piece->offset > s->next || (!ignore_block && is_blocked(w->pair, side, piece->acked))) {
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
        free_first(s, w->pool);
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

static void drain_both(struct work *w)
{
    bool moved = true;
    while (moved) { /* each turn hands out a piece or a FIN: it ends */
        moved = drain(w, 0, false);
        moved |= drain(w, 1, false);
    }
}

/* Joined midway: nothing earlier is to be expected, what is there is the beginning. */
static void settle(struct stream_pair *p)
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

static void note_hole(struct work *w, struct stream *s)
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

static void place_payload(struct work *w, int side, const struct stream_segment *g, uint64_t offset,
                          uint64_t acked)
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
    if (s->held >= w->pool->stream_size || !hold(w, side, &chunk, cut)) {
        settle(w->pair);
        stream_close_holes(w->pair, &w->place, w->clock_ns, true, w->pool, w->sink);
        tell_gap(w, side, offset, &w->place);
        tell_data(w, side, &chunk, cut);
    }
}

void stream_push(struct stream_pair *p, int side, const struct stream_segment *g,
                 struct stream_pool *pool, const struct stream_sink *sink)
{
    struct work w = {p, pool, sink, g->place, g->clock_ns, false};
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
        settle(p);
    }
    if (p->is_past_grace && !s->is_settled) {
        s->next = s->first = offset;
        s->is_settled = true;
    }
    uint64_t end = offset + g->wire_len;
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
    drain_both(&w);
    note_hole(&w, s);
    note_hole(&w, other);
    if (stream_is_waiting(p)) {
        stream_close_holes(p, &g->place, g->clock_ns, false, pool, sink);
    }
}

bool stream_is_waiting(const struct stream_pair *p)
{
    return p->side[0].held_first != NULL || p->side[1].held_first != NULL || p->side[0].has_hole ||
           p->side[1].has_hole;
}

static bool is_aged(const struct work *w, uint32_t num_frames, int64_t since_ns)
{
    return w->force || w->pair->num_frames - num_frames >= w->pool->gap_frames ||
           w->pool->settled_ns - since_ns >= w->pool->gap_ns;
}

/* Gives up what is missing of a direction up to this offset, which was confirmed, or up to what is
 * held. false: nothing is missing there. */
static bool give_up_to(struct work *w, int side, uint64_t end)
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
    tell_gap(w, side, end, piece == NULL ? &w->place : &piece->place);
    return true;
}

/* A held piece with a hole before it, or blocked by one of the other direction. true: something
 * moved. */
static bool close_before_piece(struct work *w, int side)
{
    struct stream *s = &w->pair->side[side];
    const struct stream *other = &w->pair->side[1 - side];
    const struct stream_piece *piece = s->held_first;
    bool is_full = s->held >= w->pool->stream_size;
    if (!is_full && !is_aged(w, piece->num_frames, piece->clock_ns)) {
        return false;
    }
    if (piece->offset <= s->next) {
        return give_up_to(w, 1 - side, piece->acked) || drain(w, side, true);
    }
    if (!w->force && !is_full && other->has_frames && s->acked < piece->offset) {
        return false; /* not confirmed: it will be sent again */
    }
    return give_up_to(w, side, piece->offset);
}

/* Bytes that were confirmed, or lie before a FIN, with nothing behind them. */
static bool close_before_end(struct work *w, int side)
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
    struct work w = {p, pool, sink, *place, clock_ns, force};
    bool moved = true;
    bool is_unsettled = (!p->side[0].is_settled && p->side[0].held_first != NULL) ||
                        (!p->side[1].is_settled && p->side[1].held_first != NULL);
    if (is_unsettled) {
        const struct stream_piece *piece =
            p->side[0].held_first != NULL ? p->side[0].held_first : p->side[1].held_first;
        if (is_aged(&w, piece->num_frames, piece->clock_ns)) {
            settle(p);
        }
    }
    while (moved) { /* each turn closes a hole or hands out a piece: it ends */
        drain_both(&w);
        note_hole(&w, &p->side[0]);
        note_hole(&w, &p->side[1]);
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
