/* Goal: the table finds a connection from either end, keeps what it must, and lets the least
 * recently used go first. Method: small tables, and one filled many times over. */
#include <criterion/criterion.h>

#include "decode/flow.h"

#include <string.h>

static struct endpoint end_of(uint8_t family, uint32_t host, uint16_t port)
{
    struct endpoint e = {.address.family = family, .port = port};
    for (int i = 0; i < 4; i++) {
        e.address.octets[(family == ADDRESS_IPV4 ? 0 : 12) + i] = (uint8_t)(host >> (24 - 8 * i));
    }
    return e;
}

Test(flow, is_found_from_both_ends)
{
    static const uint8_t families[] = {ADDRESS_IPV4, ADDRESS_IPV6};
    struct flow_table *t = flow_table_new(8);
    cr_assert_not_null(t);
    for (int i = 0; i < 2; i++) {
        struct endpoint a = end_of(families[i], 0x0a000001, 40000);
        struct endpoint b = end_of(families[i], 0x0a000002, 80);
        int side = -1;
        int back = -1;
        cr_assert_null(flow_find(t, &a, &b, 1, &side));
        struct flow *flow = flow_add(t, &a, &b, 1, &side);
        cr_assert_not_null(flow);
        cr_assert_eq(flow_find(t, &b, &a, 2, &back), flow);
        cr_assert_eq(back, 1 - side);
        cr_assert(endpoint_equal(&flow->end[side], &a));
        cr_assert(endpoint_equal(&flow->end[back], &b));
        a.port++;
        cr_assert_null(flow_find(t, &a, &b, 3, &side), "another port is another connection");
    }
    flow_table_free(t);
}

/* The same address and two ports: sides differ by port. */
Test(flow, loopback)
{
    struct flow_table *t = flow_table_new(2);
    struct endpoint a = end_of(ADDRESS_IPV4, 0x7f000001, 40000);
    struct endpoint b = end_of(ADDRESS_IPV4, 0x7f000001, 88);
    int side = -1;
    int back = -1;
    struct flow *flow = flow_add(t, &a, &b, 1, &side);
    cr_assert_eq(flow_find(t, &a, &b, 1, &back), flow);
    cr_assert_eq(side, back);
    cr_assert_eq(flow_find(t, &b, &a, 1, &back), flow);
    cr_assert_eq(side, 1 - back);
    flow_table_free(t);
}

Test(flow, the_least_recently_used_goes_first)
{
    struct flow_table *t = flow_table_new(3);
    struct endpoint server = end_of(ADDRESS_IPV4, 0x0a000002, 80);
    struct flow *flows[3];
    int side = 0;
    for (uint16_t i = 0; i < 3; i++) {
        struct endpoint client = end_of(ADDRESS_IPV4, 0x0a000001, (uint16_t)(1000 + i));
        flows[i] = flow_add(t, &client, &server, i, &side);
    }
    struct endpoint first = end_of(ADDRESS_IPV4, 0x0a000001, 1000);
    struct endpoint more = end_of(ADDRESS_IPV4, 0x0a000001, 2000);
    cr_assert_null(flow_add(t, &more, &server, 4, &side), "full");
    cr_assert_eq(flow_oldest(t), flows[0]);
    flow_find(t, &first, &server, FLOW_TOUCH_FRAMES, &side);
    cr_assert_eq(flow_oldest(t), flows[1]);
    flow_remove(t, flows[1]);
    cr_assert_eq(flow_oldest(t), flows[2]);
    cr_assert_not_null(flow_add(t, &more, &server, 5, &side));
    cr_assert_eq(flow_first(t), flows[0], "by creation");
    cr_assert_eq(flow_after(t, flows[0]), flows[2]);
    flow_table_free(t);
}

Test(flow, watched_in_order)
{
    struct flow_table *t = flow_table_new(4);
    struct endpoint server = end_of(ADDRESS_IPV4, 0x0a000002, 80);
    struct flow *flows[4];
    int side = 0;
    for (uint16_t i = 0; i < 4; i++) {
        struct endpoint client = end_of(ADDRESS_IPV4, 0x0a000001, (uint16_t)(1000 + i));
        flows[i] = flow_add(t, &client, &server, i, &side);
        flow_watch(t, FLOW_WATCH_HOLES, flows[i], i);
    }
    cr_assert_eq(flow_watched(t, FLOW_WATCH_HOLES), flows[0]);
    flow_watch(t, FLOW_WATCH_HOLES, flows[0], 10);
    cr_assert_eq(flow_watched(t, FLOW_WATCH_HOLES), flows[1]);
    flow_unwatch(t, FLOW_WATCH_HOLES, flows[2]);
    flow_unwatch(t, FLOW_WATCH_HOLES, flows[2]);
    flow_remove(t, flows[1]);
    cr_assert_eq(flow_watched(t, FLOW_WATCH_HOLES), flows[3]);
    flow_unwatch(t, FLOW_WATCH_HOLES, flows[3]);
    cr_assert_eq(flow_watched(t, FLOW_WATCH_HOLES), flows[0]);
    flow_unwatch(t, FLOW_WATCH_HOLES, flows[0]);
    cr_assert_null(flow_watched(t, FLOW_WATCH_HOLES));
    flow_table_free(t);
}

Test(flow, churn)
{
    enum { ROOM = 100, ROUNDS = 20000 };
    struct flow_table *t = flow_table_new(ROOM);
    uint32_t random = 7;
    size_t num = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        random = random * 1664525 + 1013904223;
        struct endpoint a = end_of(ADDRESS_IPV4, 1 + (random >> 28), (uint16_t)(random >> 16));
        struct endpoint b = end_of(ADDRESS_IPV4, 0xff, 80);
        int side = 0;
        if (flow_find(t, &b, &a, i * FLOW_TOUCH_FRAMES, &side) != NULL) {
            continue;
        }
        struct flow *flow = flow_add(t, &a, &b, i * FLOW_TOUCH_FRAMES, &side);
        if (flow == NULL) {
            cr_assert_eq(num, ROOM);
            flow_remove(t, flow_oldest(t));
            num--;
            flow = flow_add(t, &a, &b, i * FLOW_TOUCH_FRAMES, &side);
        }
        cr_assert_not_null(flow);
        num++;
        cr_assert_eq(flow_find(t, &a, &b, i, &side), flow);
    }
    size_t counted = 0;
    for (struct flow *f = flow_first(t); f != NULL; f = flow_after(t, f)) {
        counted++;
    }
    cr_assert_eq(counted, ROOM);
    flow_table_free(t);
}
