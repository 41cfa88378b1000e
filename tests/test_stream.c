/* Goal: whatever order, overlap or repetition a conversation was captured in, the same bytes come
 * out in the same order, no answer before what it answers, and what is missing is told exactly.
 * Method: one conversation is cut into segments and sent through stream_push() in many ways. */
#include "stream_talk.h"

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
