/* A conversation to be taken apart, pushed into a stream, and what came out of it. */
#ifndef KRBSCOPE_TESTS_STREAM_TALK_H
#define KRBSCOPE_TESTS_STREAM_TALK_H

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

static inline void on_data(void *context, int side, const struct stream_chunk *chunk)
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

static inline void on_gap(void *context, int side, uint64_t len, const struct place *place)
{
    struct received *r = context;
    cr_assert_gt(len, 0);
    cr_assert_neq(place->frame, 0);
    r->lost[side] += len;
    r->next[side] += len;
    r->num_gaps++;
}

static inline void on_fin(void *context, int side, const struct place *place)
{
    struct received *r = context;
    cr_assert_neq(place->frame, 0);
    cr_assert_not(r->fin[side]);
    r->fin[side] = true;
    r->num_fins++;
}

static inline struct stream_pool pool_of(void)
{
    return (struct stream_pool){
        .size = 1 << 20, .stream_size = 1 << 18, .gap_frames = 64, .gap_ns = 1000 * MS};
}

static inline void add(struct conversation *c, struct sent sent)
{
    cr_assert_lt(c->num, SEGMENTS_MAX);
    sent.time_ns = (int64_t)c->num * MS / 10;
    c->segments[c->num++] = sent;
}

/* Questions and answers of many sizes, in segments of mss bytes, an ACK behind every other one. */
static inline void converse(struct conversation *c, size_t mss, uint32_t client_isn,
                            uint32_t server_isn)
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

static inline void push(struct stream_pair *p, struct stream_pool *pool,
                        const struct stream_sink *sink, const struct conversation *c,
                        const struct sent *sent, uint32_t frame)
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

static inline void receive(const struct conversation *c, struct received *r, struct stream_pair *p)
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

static inline void expect_all(const struct conversation *c, const char *how)
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

static inline void reverse(struct conversation *to, const struct conversation *from, size_t window)
{
    *to = *from;
    for (size_t at = 0; at < from->num; at += window) {
        size_t len = from->num - at < window ? from->num - at : window;
        for (size_t i = 0; i < len; i++) {
            to->segments[at + i] = from->segments[at + len - 1 - i];
        }
    }
}

#endif
