/* Goal: a hole is closed when it must be and not before, and nothing that came is lost behind it.
 * Method: segments left out, late, or too many. */
#include "stream_talk.h"

Test(stream_holes, every_segment_lost_in_turn)
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
Test(stream_holes, a_hole_waits_its_time)
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
Test(stream_holes, a_hole_is_filled)
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
Test(stream_holes, a_hole_is_filled_byte_by_byte)
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

Test(stream_holes, a_cut_frame_is_a_gap_at_once)
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

Test(stream_holes, a_full_stream_closes_its_hole)
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

Test(stream_holes, a_full_pool_loses_nothing_that_is_in_order)
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
