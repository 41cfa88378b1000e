#include "decode/flow.h"

#include "base/hash.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* A doubly linked list through the entries, by index. */
struct list {
    uint32_t first, last;
};

#define SLAB_FLOWS 128 /* entries that are allocated at once */

struct flow_table {
    struct flow **slabs; /* SLAB_FLOWS entries each, NULL: none yet; entry 0 is not used */
    uint32_t num_slabs;
    uint32_t *buckets; /* [num_buckets] first entry of each chain */
    uint32_t num_buckets;
    uint32_t flows_max;
    uint32_t num_begun;              /* entries 1..num_begun were used before */
    uint32_t free_first;             /* given back, linked by hash_next */
    struct list recent;              /* first: used last */
    struct list order;               /* first: created first */
    struct list watch[FLOW_WATCHES]; /* first: due first */
};

struct flow_table *flow_table_new(uint32_t flows_max)
{
    struct flow_table *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    t->flows_max = flows_max;
    t->num_buckets = 1;
    while (t->num_buckets < flows_max * 2) {
        t->num_buckets *= 2;
    }
    t->num_slabs = flows_max / SLAB_FLOWS + 1;
    t->slabs = calloc(t->num_slabs, sizeof(struct flow *));
    t->buckets = calloc(t->num_buckets, sizeof *t->buckets);
    if (t->slabs == NULL || t->buckets == NULL) {
        flow_table_free(t);
        return NULL;
    }
    return t;
}

void flow_table_free(struct flow_table *t)
{
    if (t != NULL) {
        for (uint32_t i = 0; t->slabs != NULL && i < t->num_slabs; i++) {
            free(t->slabs[i]);
        }
        free(t->slabs);
        free(t->buckets);
        free(t);
    }
}

static struct flow *at(const struct flow_table *t, uint32_t index)
{
    return index == 0 ? NULL : &t->slabs[index / SLAB_FLOWS][index % SLAB_FLOWS];
}

/* An address as two numbers: every frame is looked up, and this costs less than memcmp(). */
struct words {
    uint64_t at[2];
};

static struct words words_of(const struct address *a)
{
    struct words w;
    memcpy(w.at, a->octets, sizeof w.at);
    return w;
}

/* By address, then by port. */
static bool sorts_first(const struct endpoint *a, const struct endpoint *b)
{
    struct words x = words_of(&a->address);
    struct words y = words_of(&b->address);
    for (int i = 0; i < 2; i++) {
        if (x.at[i] != y.at[i]) {
            return be64toh(x.at[i]) < be64toh(y.at[i]);
        }
    }
    return a->port <= b->port;
}

static uint64_t hash_address(uint64_t hash, const struct address *a)
{
    struct words w = words_of(a);
    hash = hash64_step(hash, w.at[0]);
    return a->family == ADDRESS_IPV4 ? hash : hash64_step(hash, w.at[1]);
}

/* The chain of this pair; low is the endpoint that sorts first. */
static uint32_t *bucket_of(const struct flow_table *t, const struct endpoint *low,
                           const struct endpoint *high)
{
    uint64_t hash = (uint64_t)low->port << 16 | high->port;
    hash = hash_address(hash, &low->address);
    hash = hash_address(hash, &high->address);
    return &t->buckets[hash & (t->num_buckets - 1)];
}

static bool is_end(const struct endpoint *a, const struct endpoint *b)
{
    struct words x = words_of(&a->address);
    struct words y = words_of(&b->address);
    return x.at[0] == y.at[0] && x.at[1] == y.at[1] && a->port == b->port &&
           a->address.family == b->address.family;
}

static bool is_pair(const struct flow *flow, const struct endpoint *low,
                    const struct endpoint *high)
{
    return is_end(&flow->end[0], low) && is_end(&flow->end[1], high);
}

/* The three lists differ in the fields that link them. */
static void recent_unlink(struct flow_table *t, struct flow *f)
{
    *(f->recent_prev == 0 ? &t->recent.first : &at(t, f->recent_prev)->recent_next) =
        f->recent_next;
    *(f->recent_next == 0 ? &t->recent.last : &at(t, f->recent_next)->recent_prev) = f->recent_prev;
}

static void recent_put(struct flow_table *t, struct flow *f)
{
    uint32_t index = f->index;
    f->recent_prev = 0;
    f->recent_next = t->recent.first;
    *(t->recent.first == 0 ? &t->recent.last : &at(t, t->recent.first)->recent_prev) = index;
    t->recent.first = index;
}

static void order_unlink(struct flow_table *t, struct flow *f)
{
    *(f->order_prev == 0 ? &t->order.first : &at(t, f->order_prev)->order_next) = f->order_next;
    *(f->order_next == 0 ? &t->order.last : &at(t, f->order_next)->order_prev) = f->order_prev;
}

static void order_append(struct flow_table *t, struct flow *f)
{
    uint32_t index = f->index;
    f->order_next = 0;
    f->order_prev = t->order.last;
    *(t->order.last == 0 ? &t->order.first : &at(t, t->order.last)->order_next) = index;
    t->order.last = index;
}

struct flow *flow_find(struct flow_table *t, const struct endpoint *from, const struct endpoint *to,
                       uint64_t frame_count, int *side)
{
    *side = sorts_first(from, to) ? 0 : 1;
    const struct endpoint *low = *side == 0 ? from : to;
    const struct endpoint *high = *side == 0 ? to : from;
    struct flow *flow = at(t, *bucket_of(t, low, high));
    while (flow != NULL && !is_pair(flow, low, high)) {
        flow = at(t, flow->hash_next);
    }
    if (flow != NULL && frame_count - flow->touched_at >= FLOW_TOUCH_FRAMES) {
        flow->touched_at = frame_count;
        recent_unlink(t, flow);
        recent_put(t, flow);
    }
    return flow;
}

/* Whether the entry's slab is there, or could be allocated. */
static bool has_slab(struct flow_table *t, uint32_t index)
{
    struct flow **slab = &t->slabs[index / SLAB_FLOWS];
    if (*slab == NULL) {
        *slab = aligned_alloc(FLOW_LINE_BYTES, SLAB_FLOWS * sizeof **slab);
        if (*slab != NULL) {
            memset(*slab, 0, SLAB_FLOWS * sizeof **slab);
        }
    }
    return *slab != NULL;
}

struct flow *flow_add(struct flow_table *t, const struct endpoint *from, const struct endpoint *to,
                      uint64_t frame_count, int *side)
{
    uint32_t index = t->free_first;
    if (index != 0) {
        t->free_first = at(t, index)->hash_next;
    } else if (t->num_begun < t->flows_max && has_slab(t, t->num_begun + 1)) {
        index = ++t->num_begun;
    } else {
        return NULL;
    }
    *side = sorts_first(from, to) ? 0 : 1;
    struct flow *flow = at(t, index);
    *flow = (struct flow){.index = index, .is_used = true, .touched_at = frame_count};
    flow->end[*side] = *from;
    flow->end[1 - *side] = *to;
    uint32_t *bucket = bucket_of(t, &flow->end[0], &flow->end[1]);
    flow->hash_next = *bucket;
    *bucket = index;
    recent_put(t, flow);
    order_append(t, flow);
    return flow;
}

struct flow *flow_oldest(const struct flow_table *t)
{
    return at(t, t->recent.last);
}

void flow_remove(struct flow_table *t, struct flow *flow)
{
    assert(flow->is_used);
    uint32_t index = flow->index;
    uint32_t *link = bucket_of(t, &flow->end[0], &flow->end[1]);
    while (*link != index) {
        assert(*link != 0);
        link = &at(t, *link)->hash_next;
    }
    *link = flow->hash_next;
    recent_unlink(t, flow);
    order_unlink(t, flow);
    for (unsigned kind = 0; kind < FLOW_WATCHES; kind++) {
        flow_unwatch(t, (enum flow_watch_kind)kind, flow);
    }
    *flow = (struct flow){.index = index, .hash_next = t->free_first};
    t->free_first = index;
}

struct flow *flow_first(const struct flow_table *t)
{
    return at(t, t->order.first);
}

struct flow *flow_after(const struct flow_table *t, const struct flow *flow)
{
    return at(t, flow->order_next);
}

void flow_watch(struct flow_table *t, enum flow_watch_kind kind, struct flow *f, int64_t due_ns)
{
    flow_unwatch(t, kind, f);
    struct list *list = &t->watch[kind];
    f->watch[kind] = (struct flow_watch){.is_on = true, .due_ns = due_ns, .prev = list->last};
    *(list->last == 0 ? &list->first : &at(t, list->last)->watch[kind].next) = f->index;
    list->last = f->index;
}

void flow_unwatch(struct flow_table *t, enum flow_watch_kind kind, struct flow *f)
{
    struct list *list = &t->watch[kind];
    const struct flow_watch *w = &f->watch[kind];
    if (!w->is_on) {
        return;
    }
    *(w->prev == 0 ? &list->first : &at(t, w->prev)->watch[kind].next) = w->next;
    *(w->next == 0 ? &list->last : &at(t, w->next)->watch[kind].prev) = w->prev;
    f->watch[kind].is_on = false;
}

struct flow *flow_watched(const struct flow_table *t, enum flow_watch_kind kind)
{
    return at(t, t->watch[kind].first);
}
