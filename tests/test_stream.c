/* Goal: whatever order, overlap or repetition a conversation was captured in, the same bytes come
 * out in the same order, no answer before what it answers, and what is missing is told exactly.
 * Method: one conversation is cut into segments and sent through stream_push() in many ways. */
#include <criterion/criterion.h>

#include "decode/stream.h"

#include <stdlib.h>
#include <string.h>

#define CONVERSATION_MAX 16384 /* bytes of one side */
#define SEGMENTS_MAX 60000
#define MS INT64_C(1000000)

enum { CLIENT, SERVER };

struct sent {
    int side;
    bool is_syn;
    bool has_fin;
    uint32_t seq, ack;
    size_t from, len; /* place in the side's bytes */
    uint32_t cut;     /* bytes of the payload that the frame lacks */
    int64_t time_ns;
};

struct conversation {
    uint8_t bytes[2][CONVERSATION_MAX];
    size_t len[2];
    struct sent segments[SEGMENTS_MAX];
    size_t num;
};

struct received {
    uint8_t bytes[2][CONVERSATION_MAX];
    size_t len[2];
    size_t lost[2];
    size_t num_gaps;
    bool fin[2];
    size_t num_fins;
    uint64_t next[2]; /* offset expected next */
    bool has_next[2];
    bool checks_order; /* an answer may not come before what it answers */
    uint32_t last_frame;
};

static struct conversation whole;
static struct conversation changed;

static void on_data(void *context, int side, const struct stream_chunk *chunk)
{
    struct received *r = context;
    cr_assert_gt(chunk->bytes.len, 0);
    if (r->has_next[side]) {
        cr_assert_eq(chunk->offset, r->next[side], "offsets run on");
    }
    r->has_next[side] = true;
    r->next[side] = chunk->offset + chunk->bytes.len;
    if (r->checks_order && r->has_next[1 - side]) {
        /* one number may be a FIN's */
        cr_assert_leq(chunk->acked, r->next[1 - side] + 1, "an answer passed what it answers");
    }
    cr_assert_leq(r->len[side] + chunk->bytes.len, CONVERSATION_MAX);
    memcpy(r->bytes[side] + r->len[side], chunk->bytes.at, chunk->bytes.len);
    r->len[side] += chunk->bytes.len;
    cr_assert_neq(chunk->place.frame, 0);
}

static void on_gap(void *context, int side, uint64_t len, const struct place *place)
{
    struct received *r = context;
    cr_assert_gt(len, 0);
    cr_assert_neq(place->frame, 0);
    r->lost[side] += len;
    r->next[side] += len;
    r->num_gaps++;
}

static void on_fin(void *context, int side, const struct place *place)
{
    struct received *r = context;
    cr_assert_neq(place->frame, 0);
    cr_assert_not(r->fin[side]);
    r->fin[side] = true;
    r->num_fins++;
}

static struct stream_pool pool_of(void)
{
    return (struct stream_pool){
        .size = 1 << 20, .stream_size = 1 << 18, .gap_frames = 64, .gap_ns = 1000 * MS};
}

static void add(struct conversation *c, struct sent sent)
{
    cr_assert_lt(c->num, SEGMENTS_MAX);
    sent.time_ns = (int64_t)c->num * MS / 10;
    c->segments[c->num++] = sent;
}

/* Questions and answers of many sizes, in segments of mss bytes, an ACK behind every other one. */
static void converse(struct conversation *c, size_t mss, uint32_t client_isn, uint32_t server_isn)
{
    static const size_t sizes[][2] = {{300, 500}, {1, 4000}, {2000, 2}, {64, 64}, {700, 1}};
    uint32_t isn[2] = {client_isn + 1, server_isn + 1};
    c->num = 0;
    c->len[0] = c->len[1] = 0;
    add(c, (struct sent){.side = CLIENT, .is_syn = true, .seq = client_isn});
    add(c, (struct sent){.side = SERVER, .is_syn = true, .seq = server_isn, .ack = isn[CLIENT]});
    add(c, (struct sent){.side = CLIENT, .seq = isn[CLIENT], .ack = isn[SERVER]});
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int side = 0; side < 2; side++) {
            for (size_t sent = 0; sent < sizes[i][side];) {
                size_t len = sizes[i][side] - sent < mss ? sizes[i][side] - sent : mss;
                for (size_t k = 0; k < len; k++) {
                    size_t at = c->len[side] + k;
                    c->bytes[side][at] = (uint8_t)(at * 7 + at / 251 + (size_t)side * 91);
                }
                add(c, (struct sent){.side = side,
                                     .seq = isn[side] + (uint32_t)c->len[side],
                                     .ack = isn[1 - side] + (uint32_t)c->len[1 - side],
                                     .from = c->len[side],
                                     .len = len});
                c->len[side] += len;
                sent += len;
                if (c->num % 2 == 0) {
                    add(c, (struct sent){.side = 1 - side,
                                         .seq = isn[1 - side] + (uint32_t)c->len[1 - side],
                                         .ack = isn[side] + (uint32_t)c->len[side]});
                }
            }
        }
    }
    for (int side = 0; side < 2; side++) {
        add(c, (struct sent){.side = side,
                             .has_fin = true,
                             .seq = isn[side] + (uint32_t)c->len[side],
                             .ack = isn[1 - side] + (uint32_t)c->len[1 - side] + (side == 1)});
    }
}

static void push(struct stream_pair *p, struct stream_pool *pool, const struct stream_sink *sink,
                 const struct conversation *c, const struct sent *sent, uint32_t frame)
{
    struct stream_segment g = {
        .seq = sent->seq + (sent->is_syn ? 1 : 0),
        .ack = sent->ack,
        .has_ack = sent->ack != 0,
        .has_fin = sent->has_fin,
        .payload = {.at = c->bytes[sent->side] + sent->from, .len = sent->len - sent->cut},
        .wire_len = (uint32_t)sent->len,
        .place = {.frame = frame, .time_ns = sent->time_ns},
        .clock_ns = sent->time_ns,
    };
    if (sent->is_syn) {
        stream_begin(&p->side[sent->side], sent->seq + 1);
        if (sent->ack != 0) {
            stream_begin(&p->side[1 - sent->side], sent->ack);
        }
    }
    stream_push(p, sent->side, &g, pool, sink);
}

static void receive(const struct conversation *c, struct received *r, struct stream_pair *p)
{
    struct stream_pool pool = pool_of();
    struct stream_sink sink = {.context = r, .data = on_data, .gap = on_gap, .fin = on_fin};
    stream_pair_init(p);
    for (size_t i = 0; i < c->num; i++) {
        push(p, &pool, &sink, c, &c->segments[i], (uint32_t)i + 1);
    }
    struct place last = {.frame = (uint32_t)c->num, .time_ns = 0};
    stream_close_holes(p, &last, 0, true, &pool, &sink);
    cr_assert_eq(pool.used, 0, "all that was held is free");
    cr_assert_eq(pool.refused, 0);
}

static void expect_all(const struct conversation *c, const char *how)
{
    static struct received r;
    struct stream_pair p;
    r = (struct received){.checks_order = true};
    receive(c, &r, &p);
    for (int side = 0; side < 2; side++) {
        cr_assert_eq(r.len[side], c->len[side], "%s: side %d has %zu of %zu bytes", how, side,
                     r.len[side], c->len[side]);
        cr_assert_arr_eq(r.bytes[side], c->bytes[side], c->len[side]);
        cr_assert_eq(r.lost[side], 0, "%s", how);
        cr_assert(r.fin[side], "%s", how);
    }
}

static void reverse(struct conversation *to, const struct conversation *from, size_t window)
{
    *to = *from;
    for (size_t at = 0; at < from->num; at += window) {
        size_t len = from->num - at < window ? from->num - at : window;
        for (size_t i = 0; i < len; i++) {
            to->segments[at + i] = from->segments[at + len - 1 - i];
        }
    }
}

Test(stream, hands_out_a_conversation_as_it_was_said)
{
    static const size_t sizes[] = {1, 2, 3, 7, 100, 536, 1460, 9000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        converse(&whole, sizes[i], 1000, 5000);
        expect_all(&whole, "in order");
    }
}

Test(stream, numbers_wrap_around)
{
    for (uint32_t before = 0; before < 6000; before += 97) {
        converse(&whole, 100, UINT32_MAX - before, UINT32_MAX - before * 2);
        expect_all(&whole, "wrap-around");
        reverse(&changed, &whole, 5);
        expect_all(&changed, "wrap-around, reversed");
    }
}

Test(stream, windows_reversed)
{
    static const size_t sizes[] = {1, 10, 100, 1460};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        converse(&whole, sizes[i], 0xfffffff0, 77);
        for (size_t window = 2; window <= 16; window++) {
            reverse(&changed, &whole, window);
            expect_all(&changed, "reversed");
        }
    }
}

Test(stream, everything_twice_and_in_overlapping_pieces)
{
    converse(&whole, 100, 1000, 5000);
    changed = whole;
    changed.num = 0;
    for (size_t i = 0; i < whole.num; i++) {
        struct sent sent = whole.segments[i];
        struct sent head = sent;
        struct sent tail = sent;
        head.len = sent.len * 2 / 3;
        tail.from += sent.len / 3;
        tail.seq += (uint32_t)(sent.len / 3);
        tail.len -= sent.len / 3;
        head.has_fin = tail.has_fin = false;
        if (sent.len > 2) {
            add(&changed, tail);
            add(&changed, head);
        }
        add(&changed, sent);
        add(&changed, sent);
    }
    expect_all(&changed, "overlapping");
    for (size_t window = 2; window <= 8; window++) {
        struct conversation *again = &whole;
        reverse(again, &changed, window);
        expect_all(again, "overlapping and reversed");
    }
}

Test(stream, bytes_that_came_first_stay)
{
    struct stream_pair p;
    struct stream_pool pool = pool_of();
    struct received r = {0};
    struct stream_sink sink = {.context = &r, .data = on_data, .gap = on_gap, .fin = on_fin};
    struct conversation *c = &whole;
    c->len[0] = 0;
    memcpy(c->bytes[0], "BBBBxxxxxxxxaaaa", 16);
    struct sent late = {.side = CLIENT, .seq = 104, .from = 0, .len = 4};   /* 4..8 B */
    struct sent across = {.side = CLIENT, .seq = 102, .from = 4, .len = 8}; /* 2..10 x */
    struct sent first = {.side = CLIENT, .seq = 100, .from = 12, .len = 4}; /* 0..4 a */
    stream_pair_init(&p);
    stream_begin(&p.side[0], 100);
    push(&p, &pool, &sink, c, &late, 1);
    push(&p, &pool, &sink, c, &across, 2);
    push(&p, &pool, &sink, c, &first, 3);
    cr_assert_eq(r.len[0], 10);
    cr_assert_arr_eq(r.bytes[0], "aaxxBBBBxx", 10);
    cr_assert_eq(pool.used, 0);
}

/* Joined midway, in order: all from the first segment seen. */
Test(stream, without_syn)
{
    static struct received r;
    struct stream_pair p;
    converse(&whole, 100, 0xffffff80, 5000);
    changed = whole;
    memmove(changed.segments, changed.segments + 3, (whole.num - 3) * sizeof changed.segments[0]);
    changed.num -= 3;
    expect_all(&changed, "no handshake");
    for (size_t window = 2; window <= 16; window++) {
        struct conversation *again = &whole;
        reverse(again, &changed, window);
        r = (struct received){.checks_order = true};
        receive(again, &r, &p);
        cr_assert_eq(r.len[0], changed.len[0], "window %zu", window);
        cr_assert_eq(r.len[1], changed.len[1], "window %zu", window);
        cr_assert_arr_eq(r.bytes[1], changed.bytes[1], changed.len[1]);
        cr_assert_not(p.side[0].is_from_syn);
    }
}

Test(stream, every_segment_lost_in_turn)
{
    static struct received r;
    struct stream_pair p;
    converse(&whole, 100, 1000, 5000);
    for (size_t lost = 3; lost < whole.num; lost++) {
        const struct sent *missing = &whole.segments[lost];
        changed = whole;
        memmove(changed.segments + lost, changed.segments + lost + 1,
                (whole.num - lost - 1) * sizeof changed.segments[0]);
        changed.num--;
        r = (struct received){.checks_order = true};
        receive(&changed, &r, &p);
        int side = missing->side;
        cr_assert_eq(r.lost[side], missing->len, "segment %zu", lost);
        cr_assert_eq(r.lost[1 - side], 0);
        cr_assert_eq(r.num_gaps, missing->len > 0 ? 1 : 0);
        cr_assert_eq(p.side[side].lost, missing->len);
        cr_assert_eq(r.len[side], whole.len[side] - missing->len);
        cr_assert_arr_eq(r.bytes[side], whole.bytes[side], missing->from);
        cr_assert_arr_eq(r.bytes[side] + missing->from,
                         whole.bytes[side] + missing->from + missing->len,
                         whole.len[side] - missing->from - missing->len);
    }
}

/* A hole is closed when it was confirmed, and 64 frames or a second went by; not before. */
Test(stream, a_hole_waits_its_time)
{
    struct stream_pair p;
    struct stream_pool pool = pool_of();
    struct received r = {0};
    struct stream_sink sink = {.context = &r, .data = on_data, .gap = on_gap, .fin = on_fin};
    struct conversation *c = &whole;
    struct sent first = {.side = CLIENT, .seq = 100, .ack = 500, .len = 10};
    struct sent behind = {.side = CLIENT, .seq = 120, .ack = 500, .from = 20, .len = 10};
    struct sent ack = {.side = SERVER, .seq = 500, .ack = 110};
    stream_pair_init(&p);
    stream_begin(&p.side[CLIENT], 100);
    stream_begin(&p.side[SERVER], 500);
    push(&p, &pool, &sink, c, &first, 1);
    push(&p, &pool, &sink, c, &behind, 2);
    for (uint32_t frame = 3; frame < 200; frame++) { /* not confirmed: it will come again */
        push(&p, &pool, &sink, c, &ack, frame);
    }
    cr_assert_eq(r.num_gaps, 0);
    cr_assert(stream_is_waiting(&p));
    ack.ack = 130;
    push(&p, &pool, &sink, c, &ack, 200);
    cr_assert_eq(r.num_gaps, 1, "confirmed, and 64 frames went by");
    cr_assert_eq(r.lost[CLIENT], 10);
    cr_assert_eq(r.len[CLIENT], 20);

    behind.seq = 140; /* another hole, this time closed by the clock */
    behind.time_ns = 50 * MS;
    ack.ack = 150;
    push(&p, &pool, &sink, c, &behind, 201);
    push(&p, &pool, &sink, c, &ack, 202);
    struct place place = {.frame = 203};
    pool.settled_ns = 1049 * MS;
    stream_close_holes(&p, &place, 2000 * MS, false, &pool, &sink);
    cr_assert_eq(r.num_gaps, 1);
    pool.settled_ns = 1050 * MS;
    stream_close_holes(&p, &place, 2000 * MS, false, &pool, &sink);
    cr_assert_eq(r.num_gaps, 2);
    cr_assert_eq(r.len[CLIENT], 30);
    cr_assert_not(stream_is_waiting(&p));
}

/* The hole is filled within its time by a retransmission: nothing is lost. */
Test(stream, a_hole_is_filled)
{
    struct stream_pair p;
    struct stream_pool pool = pool_of();
    struct received r = {0};
    struct stream_sink sink = {.context = &r, .data = on_data, .gap = on_gap, .fin = on_fin};
    struct sent behind = {.side = CLIENT, .seq = 110, .from = 10, .len = 10};
    struct sent filler = {.side = CLIENT, .seq = 100, .len = 10, .time_ns = 300 * MS};
    converse(&whole, 100, 1, 1);
    stream_pair_init(&p);
    stream_begin(&p.side[CLIENT], 100);
    push(&p, &pool, &sink, &whole, &behind, 1);
    cr_assert_eq(r.len[0], 0);
    push(&p, &pool, &sink, &whole, &filler, 2);
    cr_assert_eq(r.len[0], 20);
    cr_assert_eq(r.num_gaps, 0);
    cr_assert_eq(p.side[0].num_resent, 0, "its first copy was never captured");
    cr_assert_arr_eq(r.bytes[0], whole.bytes[0], 20);
}

/* A hole is waited for as long as bytes come that fill it, in however many segments: one in this
 * direction, and one that an answer, captured first, waits for. */
Test(stream, a_hole_is_filled_byte_by_byte)
{
    for (int side = 0; side < 2; side++) {
        struct stream_pair p;
        struct stream_pool pool = pool_of();
        struct received r = {.checks_order = true};
        struct stream_sink sink = {.context = &r, .data = on_data, .gap = on_gap, .fin = on_fin};
        struct sent behind = {.side = CLIENT, .seq = 300, .ack = 100, .from = 200, .len = 10};
        struct sent answer = {.side = SERVER, .seq = 100, .ack = 300, .len = 10};
        struct sent ack = {.side = SERVER, .seq = 100, .ack = 310};
        struct sent filler = {.side = CLIENT, .seq = 100, .len = 1};
        converse(&whole, 100, 1, 1);
        stream_pair_init(&p);
        stream_begin(&p.side[CLIENT], 100);
        stream_begin(&p.side[SERVER], 100);
        push(&p, &pool, &sink, &whole, side == CLIENT ? &behind : &answer, 1);
        if (side == CLIENT) {
            push(&p, &pool, &sink, &whole, &ack, 2);
        }
        for (uint32_t i = 0; i < 200; i++) {
            push(&p, &pool, &sink, &whole, &filler, 3 + i);
            filler.seq++;
            filler.from++;
            filler.time_ns += 50 * MS;
        }
        cr_assert_eq(r.num_gaps, 0);
        cr_assert_eq(r.len[side], side == CLIENT ? 210 : 10);
        cr_assert_arr_eq(r.bytes[CLIENT], whole.bytes[CLIENT], 200);
        cr_assert_not(stream_is_waiting(&p));
    }
}

Test(stream, one_direction_alone)
{
    static struct received r;
    struct stream_pair p;
    for (int side = 0; side < 2; side++) {
        converse(&whole, 100, 1000, 5000);
        changed = whole;
        changed.num = 0;
        for (size_t i = 0; i < whole.num; i++) {
            if (whole.segments[i].side == side) {
                changed.segments[changed.num++] = whole.segments[i];
            }
        }
        r = (struct received){0};
        receive(&changed, &r, &p);
        cr_assert_eq(r.len[side], whole.len[side]);
        cr_assert_arr_eq(r.bytes[side], whole.bytes[side], whole.len[side]);
        cr_assert_eq(r.len[1 - side], 0);
        cr_assert_not(p.side[1 - side].has_frames);
    }
}

Test(stream, tells_retransmissions_from_copies)
{
    struct stream_pair p;
    struct stream_pool pool = pool_of();
    struct received r = {0};
    struct stream_sink sink = {.context = &r, .data = on_data, .gap = on_gap, .fin = on_fin};
    struct sent sent = {.side = CLIENT, .seq = 100, .len = 50};
    struct sent alive = {.side = CLIENT, .seq = 149, .len = 1, .time_ns = 9000 * MS};
    converse(&whole, 100, 1, 1);
    stream_pair_init(&p);
    stream_begin(&p.side[CLIENT], 100);
    push(&p, &pool, &sink, &whole, &sent, 1);
    sent.time_ns = 19 * MS;
    push(&p, &pool, &sink, &whole, &sent, 2);
    cr_assert_eq(p.side[0].num_resent, 0, "captured twice");
    sent.time_ns = 400 * MS;
    push(&p, &pool, &sink, &whole, &sent, 3);
    cr_assert_eq(p.side[0].num_resent, 1);
    push(&p, &pool, &sink, &whole, &alive, 4);
    alive.len = 0;
    push(&p, &pool, &sink, &whole, &alive, 5);
    cr_assert_eq(p.side[0].num_resent, 1, "a keep-alive is none");
    cr_assert_eq(r.len[0], 50);
    struct sent probe = {.side = CLIENT, .seq = 150, .from = 50, .len = 1};
    struct sent rest = {.side = CLIENT, .seq = 150, .from = 50, .len = 20};
    push(&p, &pool, &sink, &whole, &probe, 6);
    push(&p, &pool, &sink, &whole, &rest, 7);
    cr_assert_eq(r.len[0], 70);
    cr_assert_arr_eq(r.bytes[0], whole.bytes[0], 70);
}

/* A copy soon after its first in a busy stream is a copy; one long after is a retransmission, even
 * while data flows all the time. */
Test(stream, a_busy_stream_sends_again)
{
    struct stream_pair p;
    struct stream_pool pool = pool_of();
    struct received r = {0};
    struct stream_sink sink = {.context = &r, .data = on_data, .gap = on_gap, .fin = on_fin};
    converse(&whole, 100, 1, 1);
    stream_pair_init(&p);
    stream_begin(&p.side[CLIENT], 100);
    for (uint32_t i = 0; i < 300; i++) { /* 10 bytes a millisecond */
        struct sent sent = {.side = 0, .seq = 100 + i * 10, .from = i * 10, .len = 10};
        sent.time_ns = i * MS;
        push(&p, &pool, &sink, &whole, &sent, i + 1);
        push(&p, &pool, &sink, &whole, &sent, i + 1);
    }
    cr_assert_eq(p.side[0].num_resent, 0);
    struct sent old = {.side = 0, .seq = 100 + 1000, .from = 1000, .len = 10, .time_ns = 300 * MS};
    push(&p, &pool, &sink, &whole, &old, 400);
    cr_assert_eq(p.side[0].num_resent, 1);
}

Test(stream, a_cut_frame_is_a_gap_at_once)
{
    struct stream_pair p;
    struct stream_pool pool = pool_of();
    struct received r = {0};
    struct stream_sink sink = {.context = &r, .data = on_data, .gap = on_gap, .fin = on_fin};
    struct sent cut = {.side = CLIENT, .seq = 100, .len = 50, .cut = 30};
    struct sent next = {.side = CLIENT, .seq = 150, .from = 50, .len = 50, .cut = 50};
    struct sent last = {.side = CLIENT, .seq = 200, .from = 100, .len = 5};
    converse(&whole, 100, 1, 1);
    stream_pair_init(&p);
    stream_begin(&p.side[CLIENT], 100);
    push(&p, &pool, &sink, &whole, &cut, 1);
    cr_assert_eq(r.len[0], 20);
    cr_assert_eq(r.lost[0], 30);
    push(&p, &pool, &sink, &whole, &next, 2);
    cr_assert_eq(r.lost[0], 80);
    push(&p, &pool, &sink, &whole, &last, 3);
    cr_assert_eq(r.len[0], 25);
    cr_assert_eq(p.side[0].seen, 105);
    cr_assert_eq(p.side[0].lost, 80);
}

/* Forty segments behind ten bytes that never come. */
static void push_behind_a_hole(struct stream_pair *p, struct stream_pool *pool, struct received *r,
                               size_t used_max)
{
    struct stream_sink sink = {.context = r, .data = on_data, .gap = on_gap, .fin = on_fin};
    converse(&whole, 100, 1, 1);
    *r = (struct received){0};
    stream_pair_init(p);
    stream_begin(&p->side[CLIENT], 100);
    for (uint32_t i = 0; i < 40; i++) {
        struct sent sent = {.side = 0, .seq = 110 + i * 50, .from = 10 + i * 50, .len = 50};
        push(p, pool, &sink, &whole, &sent, i + 1);
        cr_assert_leq(pool->used, used_max);
    }
}

Test(stream, a_full_stream_closes_its_hole)
{
    struct stream_pair p;
    struct stream_pool pool = pool_of();
    static struct received r;
    pool.stream_size = 2000;
    push_behind_a_hole(&p, &pool, &r, 2500);
    cr_assert_eq(r.lost[0], 10);
    cr_assert_eq(r.len[0], 2000);
    cr_assert_arr_eq(r.bytes[0], whole.bytes[0] + 10, 2000);
}

Test(stream, a_full_pool_loses_nothing_that_is_in_order)
{
    struct stream_pair p;
    struct stream_pool pool = pool_of();
    static struct received r;
    pool.size = 1000;
    push_behind_a_hole(&p, &pool, &r, pool.size);
    cr_assert_gt(pool.refused, 0);
    cr_assert_eq(r.lost[0], 10);
    cr_assert_eq(r.len[0], 2000);
}

/* What nobody wants is neither held nor handed out. */
Test(stream, unwanted_bytes_cost_nothing)
{
    struct stream_pair p;
    struct stream_pool pool = pool_of();
    struct received r = {0};
    struct stream_sink sink = {.context = &r, .data = on_data, .gap = on_gap, .fin = on_fin};
    struct sent behind = {.side = CLIENT, .seq = 1000, .len = 50};
    converse(&whole, 100, 1, 1);
    stream_pair_init(&p);
    stream_begin(&p.side[CLIENT], 100);
    push(&p, &pool, &sink, &whole, &behind, 1);
    cr_assert_gt(pool.used, 0);
    stream_forget(&p.side[CLIENT], &pool);
    stream_forget(&p.side[SERVER], &pool);
    cr_assert_eq(pool.used, 0);
    struct stream_segment g = {.seq = 5000, .wire_len = 10, .place = {.frame = 2}};
    stream_skip(&p, CLIENT, &g);
    cr_assert_eq(p.side[0].next, 4910);
    cr_assert_eq(r.len[0], 0);
    stream_resume(&p.side[CLIENT], 5000);
    struct sent ours = {.side = CLIENT, .seq = 5100, .len = 7};
    push(&p, &pool, &sink, &whole, &ours, 3);
    cr_assert_eq(r.len[0], 7);
}

/* Numbers that make no sense neither crash nor loop nor hold memory for ever. */
Test(stream, nonsense)
{
    uint32_t random = 1;
    static struct received r;
    for (int round = 0; round < 200; round++) {
        struct stream_pair p;
        struct stream_pool pool = pool_of();
        struct stream_sink sink = {.context = &r, .data = on_data, .gap = on_gap, .fin = on_fin};
        r = (struct received){0};
        stream_pair_init(&p);
        for (uint32_t i = 0; i < 300; i++) {
            uint32_t word[4];
            for (int k = 0; k < 4; k++) {
                random = random * 1664525 + 1013904223;
                word[k] = random;
            }
            struct sent sent = {
                .side = word[0] >> 31,
                .is_syn = (word[0] >> 8) % 16 == 0,
                .has_fin = (word[0] >> 16) % 16 == 0,
                .seq = word[3] % 2 ? word[1] >> 24 : word[1],
                .ack = word[3] % 3 ? word[2] >> 24 : word[2],
                .len = (word[3] >> 8) % 40,
                .time_ns = (int64_t)(word[3] >> 16) * MS,
            };
            push(&p, &pool, &sink, &whole, &sent, i + 1);
            r.len[0] = r.len[1] = 0;
            r.has_next[0] = r.has_next[1] = false;
        }
        r.has_next[0] = r.has_next[1] = false;
        r.fin[0] = r.fin[1] = false;
        struct place place = {.frame = 1};
        stream_close_holes(&p, &place, 0, true, &pool, &sink);
        stream_pair_drop(&p, &pool);
        cr_assert_eq(pool.used, 0);
    }
}
