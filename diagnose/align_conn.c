/* Connections that two captures saw: by the initial sequence numbers of both sides, which address
 * translation leaves alone; by the client's alone where nobody answered; by endpoints where a
 * capture joined midway. */
#include "diagnose/align_private.h"

#include <stdlib.h>

#define SAME_TUPLE_NS INT64_C(2000000000) /* two sights of one connection overlap within this */
#define SAME_SYN_NS INT64_C(30000000000)  /* a SYN is sent again for so long */
#define NEIGHBOURS_MAX 64 /* entries with one key that are compared with each other */

static uint32_t *conn_slot(const struct align *a, uint16_t group, uint64_t connection)
{
    size_t at = hash64_step(group, connection) % ALIGN_CONN_SLOTS;
    while (a->conn_slots[at] != 0) {
        const struct align_conn_entry *c = &a->conns[a->conn_slots[at] - 1];
        if (c->group == group && c->connection == connection) {
            break;
        }
        at = (at + 1) % ALIGN_CONN_SLOTS;
    }
    return &a->conn_slots[at];
}

const struct align_conn_entry *align_conn_find(const struct align *a, uint16_t group,
                                               uint64_t connection)
{
    uint32_t index = *conn_slot(a, group, connection);
    return index == 0 ? NULL : &a->conns[index - 1];
}

/* Events of the server's side come second: the first one tells who the client is. */
static struct align_conn_entry *conn_get(struct align *a, const struct event *e)
{
    uint32_t *slot = conn_slot(a, e->group, e->connection);
    if (*slot != 0) {
        return &a->conns[*slot - 1];
    }
    if (a->num_conns == ALIGN_CONNS_MAX) {
        a->is_full = true;
        return NULL;
    }
    bool is_from_server = e->kind == EVENT_HTTP_RESPONSE || e->kind == EVENT_TCP_REFUSED ||
                          (e->kind != EVENT_HTTP_REQUEST && e->kind != EVENT_TCP_SYN &&
                           e->kind != EVENT_TCP_CONNECT && e->from.port < e->to.port);
    struct align_conn_entry *c = &a->conns[a->num_conns++];
    *slot = (uint32_t)a->num_conns;
    *c = (struct align_conn_entry){.connection = e->connection,
                                   .group = e->group,
                                   .same = (uint32_t)a->num_conns - 1,
                                   .next = (uint32_t)a->num_conns - 1,
                                   .client = is_from_server ? e->to : e->from,
                                   .server = is_from_server ? e->from : e->to,
                                   .first_ns = e->first_time_ns,
                                   .last_ns = e->time_ns};
    return c;
}

void align_take_conn(struct align *a, const struct event *e)
{
    struct align_conn_entry *c = conn_get(a, e);
    const struct tcp_facts *t = e->tcp;
    if (c == NULL) {
        return;
    }
    c->first_ns = e->first_time_ns < c->first_ns ? e->first_time_ns : c->first_ns;
    if (e->kind != EVENT_TCP_END && e->time_ns > c->last_ns) {
        c->last_ns = e->time_ns;
    }
    for (int i = 0; i < 2; i++) {
        c->bytes_seen[i] = t->bytes_seen[i];
        c->bytes_lost[i] = t->bytes_lost[i];
        c->acked_unseen[i] = t->acked_unseen[i];
        c->last_ns = t->last_seen_ns[i] > c->last_ns ? t->last_seen_ns[i] : c->last_ns;
    }
    c->has_client_seq = c->has_client_seq || t->initial_seq[0] != 0;
    c->has_server_seq = c->has_server_seq || (t->initial_seq[1] != 0 && t->synack_time_ns != 0);
    c->initial_seq[0] = t->initial_seq[0] != 0 ? t->initial_seq[0] : c->initial_seq[0];
    c->initial_seq[1] = t->initial_seq[1] != 0 ? t->initial_seq[1] : c->initial_seq[1];
    if (e->http != NULL) {
        const int side = e->kind == EVENT_HTTP_RESPONSE;
        c->last[side] = (struct align_place){.capture = e->capture, .frame = e->frame};
        c->last_message_ns[side] = e->time_ns;
    }
    if (e->kind == EVENT_GAP) {
        c->hole[t->gap_side] = (struct align_place){.capture = e->capture, .frame = e->frame};
    }
    /* What the client itself did not get the capture need not have. */
    c->is_whole =
        t->seen_from_syn && t->bytes_lost[0] == 0 && !t->acked_unseen[0] && !t->acked_unseen[1];
}

/* A connection under one of its keys. */
struct keyed {
    uint64_t key;
    uint32_t index;
};

static int by_key(const void *left, const void *right)
{
    const struct keyed *x = left;
    const struct keyed *y = right;
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

enum key_kind { KEY_BOTH_SEQS, KEY_CLIENT_SEQ, KEY_ENDPOINTS };

/* 0: the connection has no such key. */
static uint64_t key_of(const struct align_conn_entry *c, enum key_kind kind)
{
    if (kind == KEY_BOTH_SEQS) {
        uint64_t both = (uint64_t)c->initial_seq[0] << 32 | c->initial_seq[1];
        return c->has_client_seq && c->has_server_seq ? hash64_step(1, both) | 1 : 0;
    }
    if (kind == KEY_CLIENT_SEQ) {
        uint64_t seq = (uint64_t)c->initial_seq[0] << 16 | c->server.port;
        return c->has_client_seq ? hash64_step(2, seq) | 1 : 0;
    }
    uint64_t ports = (uint64_t)c->client.port << 16 | c->server.port;
    struct bytes client = {.at = c->client.address.octets, .len = sizeof c->client.address.octets};
    struct bytes server = {.at = c->server.address.octets, .len = sizeof c->server.address.octets};
    return hash64_step(hash64_step(hash64(client), hash64(server)), ports) | 1;
}

static uint32_t leader(const struct align *a, uint32_t index)
{
    while (a->conns[index].same != index) {
        index = a->conns[index].same;
    }
    return index;
}

/* Are the two near each other in time, as their kind of key demands? */
static bool is_same_time(const struct align *a, const struct align_conn_entry *x,
                         const struct align_conn_entry *y, enum key_kind kind)
{
    int64_t x_first = align_case_ns(a, x->group, x->first_ns);
    int64_t y_first = align_case_ns(a, y->group, y->first_ns);
    int64_t apart = x_first < y_first ? y_first - x_first : x_first - y_first;
    if (kind == KEY_ENDPOINTS) {
        return align_case_ns(a, x->group, x->last_ns) >= y_first - SAME_TUPLE_NS &&
               align_case_ns(a, y->group, y->last_ns) >= x_first - SAME_TUPLE_NS;
    }
    return kind == KEY_BOTH_SEQS || apart <= SAME_SYN_NS;
}

/* Sequence numbers that both know and that differ: another connection of the same ports. */
static bool contradicts(const struct align_conn_entry *x, const struct align_conn_entry *y)
{
    return (x->has_client_seq && y->has_client_seq && x->initial_seq[0] != y->initial_seq[0]) ||
           (x->has_server_seq && y->has_server_seq && x->initial_seq[1] != y->initial_seq[1]);
}

/* Puts the one that stands alone into the other's set. */
static void join(struct align *a, uint32_t x, uint32_t y)
{
    bool x_is_alone = !a->conns[x].is_shared;
    a->conns[x_is_alone ? x : y].same = leader(a, x_is_alone ? y : x);
    uint32_t next = a->conns[x].next;
    a->conns[x].next = a->conns[y].next;
    a->conns[y].next = next;
    a->conns[x].is_shared = a->conns[y].is_shared = true;
}

static void match(struct align *a, const struct keyed *run, size_t num, enum key_kind kind)
{
    for (size_t i = 1; i < num; i++) {
        for (size_t k = i > NEIGHBOURS_MAX ? i - NEIGHBOURS_MAX : 0; k < i; k++) {
            const struct align_conn_entry *x = &a->conns[run[i].index];
            const struct align_conn_entry *y = &a->conns[run[k].index];
            if (x->group != y->group && !(x->is_shared && y->is_shared) &&
                a->captures[x->group].scene == a->captures[y->group].scene && !contradicts(x, y) &&
                is_same_time(a, x, y, kind)) {
                join(a, run[i].index, run[k].index);
            }
        }
    }
}

/* Who tells the connection: the capture nearest to the client when it saw all of it, else another
 * one that did, else the one that saw most. */
static bool is_better(const struct align_conn_entry *x, const struct align_conn_entry *best)
{
    if (x->is_whole != best->is_whole) {
        return x->is_whole;
    }
    uint64_t seen = x->bytes_seen[0] + x->bytes_seen[1];
    uint64_t best_seen = best->bytes_seen[0] + best->bytes_seen[1];
    return !x->is_whole && seen > best_seen;
}

struct member {
    uint32_t set;
    uint32_t index;
    int64_t first_ns; /* by the case's clock: the nearest to the client is the first */
};

static int by_set(const void *left, const void *right)
{
    const struct member *x = left;
    const struct member *y = right;
    if (x->set != y->set) {
        return x->set < y->set ? -1 : 1;
    }
    if (x->first_ns != y->first_ns) {
        return x->first_ns < y->first_ns ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

static void settle(struct align *a, const struct member *set, size_t num)
{
    const struct align_conn_entry *nearest = &a->conns[set[0].index];
    uint32_t best = set[0].index;
    for (size_t i = 1; i < num; i++) {
        best = is_better(&a->conns[set[i].index], &a->conns[best]) ? set[i].index : best;
    }
    for (size_t i = 0; i < num; i++) {
        struct align_conn_entry *c = &a->conns[set[i].index];
        c->told_client = nearest->client;
        c->told_server = nearest->server;
        c->is_primary = set[i].index == best;
    }
}

static void choose(struct align *a)
{
    struct member *members = calloc(a->num_conns + 1, sizeof *members);
    for (uint32_t i = 0; members != NULL && i < a->num_conns; i++) {
        const struct align_conn_entry *c = &a->conns[i];
        members[i] = (struct member){
            .set = leader(a, i), .index = i, .first_ns = align_case_ns(a, c->group, c->first_ns)};
    }
    if (members != NULL) {
        qsort(members, a->num_conns, sizeof *members, by_set);
    }
    for (size_t from = 0, to = 0; members != NULL && from < a->num_conns; from = to) {
        while (to < a->num_conns && members[to].set == members[from].set) {
            to++;
        }
        settle(a, &members[from], to - from);
    }
    free(members);
}

void align_conns(struct align *a)
{
    struct keyed *keyed = calloc(a->num_conns + 1, sizeof *keyed);
    for (int kind = KEY_BOTH_SEQS; keyed != NULL && kind <= KEY_ENDPOINTS; kind++) {
        size_t num = 0;
        for (uint32_t i = 0; i < a->num_conns; i++) {
            uint64_t key = key_of(&a->conns[i], (enum key_kind)kind);
            if (key != 0) {
                keyed[num++] = (struct keyed){.key = key, .index = i};
            }
        }
        qsort(keyed, num, sizeof *keyed, by_key);
        for (size_t from = 0, to = 0; from < num; from = to) {
            while (to < num && keyed[to].key == keyed[from].key) {
                to++;
            }
            match(a, &keyed[from], to - from, (enum key_kind)kind);
        }
    }
    free(keyed);
    choose(a);
}

struct align_view align_conn(const struct align *a, uint16_t group, uint64_t connection)
{
    const struct align_conn_entry *c = align_conn_find(a, group, connection);
    if (c == NULL) {
        return (struct align_view){.is_primary = true};
    }
    return (struct align_view){.is_shared = c->is_shared,
                               .is_primary = c->is_primary,
                               .client = c->told_client,
                               .client_here = c->client,
                               .server = c->told_server};
}
