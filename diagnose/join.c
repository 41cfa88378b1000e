#include "diagnose/join.h"

#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>

/* A datagram told not long ago. */
struct recent {
    uint64_t print;
    uint64_t id;
    int64_t time_ns;
    struct endpoint from, to;
    uint16_t group;     /* that told it */
    uint16_t last_seen; /* group that saw it last */
    uint16_t next;      /* index + 1 in the ring, 0 ends the chain */
};

/* An endpoint as one capture has it, and as the one that told it first has it. */
struct route {
    uint16_t group;
    struct endpoint here, there;
};

struct join {
    const struct align *align;
    event_sink *sink;
    void *context;
    struct recent ring[JOIN_RECENT_MAX];
    uint16_t chains[JOIN_RECENT_MAX]; /* index + 1 in the ring, by print */
    uint64_t num_recent;              /* ever */
    struct route routes[JOIN_ROUTES_MAX];
    size_t num_routes; /* ever */
};

void join_renumber(struct event *out, struct http_facts *http, const struct event *event,
                   uint16_t group)
{
    const uint64_t base = (uint64_t)group << JOIN_LANE_BITS;
    *out = *event;
    out->group = group;
    out->id += base;
    out->reply_to += out->reply_to == 0 ? 0 : base;
    out->connection += out->connection == 0 ? 0 : base;
    if (out->http != NULL) {
        *http = *out->http;
        http->request_id += http->request_id == 0 ? 0 : base;
        out->http = http;
    }
}

struct join *join_new(const struct align *align, event_sink *sink, void *context)
{
    struct join *j = calloc(1, sizeof *j);
    if (j != NULL) {
        j->align = align;
        j->sink = sink;
        j->context = context;
    }
    return j;
}

void join_free(struct join *j)
{
    free(j);
}

static void map_endpoint(const struct join *j, uint16_t group, struct endpoint *end)
{
    size_t num = j->num_routes < JOIN_ROUTES_MAX ? j->num_routes : JOIN_ROUTES_MAX;
    for (size_t i = 0; i < num; i++) {
        if (j->routes[i].group == group && endpoint_equal(&j->routes[i].here, end)) {
            *end = j->routes[i].there;
            return;
        }
    }
}

/* Address translation between the two captures: answers will go to the same endpoint. */
static void learn_route(struct join *j, uint16_t group, const struct endpoint *here,
                        const struct endpoint *there)
{
    struct endpoint known = *here;
    map_endpoint(j, group, &known);
    if (!endpoint_equal(&known, there)) {
        j->routes[j->num_routes++ % JOIN_ROUTES_MAX] =
            (struct route){.group = group, .here = *here, .there = *there};
    }
}

static uint16_t *chain_of(struct join *j, uint64_t print)
{
    return &j->chains[hash64_step(0, print) % JOIN_RECENT_MAX];
}

/* Remembers a datagram in the place of the oldest. */
static void remember(struct join *j, const struct event *e, uint64_t print)
{
    uint16_t index = (uint16_t)(j->num_recent++ % JOIN_RECENT_MAX + 1);
    struct recent *r = &j->ring[index - 1];
    if (j->num_recent > JOIN_RECENT_MAX) {
        uint16_t *link = chain_of(j, r->print);
        while (*link != index) {
            assert(*link != 0);
            link = &j->ring[*link - 1].next;
        }
        *link = r->next;
    }
    uint16_t *chain = chain_of(j, print);
    *r = (struct recent){.print = print,
                         .id = e->id,
                         .time_ns = e->time_ns,
                         .from = e->from,
                         .to = e->to,
                         .group = e->group,
                         .last_seen = e->group,
                         .next = *chain};
    *chain = index;
}

/* The same datagram, told by another capture or seen by one before. */
static struct recent *find_twin(struct join *j, const struct event *e, uint64_t print)
{
    struct recent *best = NULL;
    int64_t best_ns = JOIN_TWIN_NS + 1;
    for (uint16_t index = *chain_of(j, print); index != 0; index = j->ring[index - 1].next) {
        struct recent *r = &j->ring[index - 1];
        int64_t apart = e->time_ns - r->time_ns;
        apart = apart < 0 ? -apart : apart;
        if (r->print == print && r->group != e->group && r->last_seen != e->group &&
            apart < best_ns && align_scene(j->align, r->group) == e->scene) {
            best = r;
            best_ns = apart;
        }
    }
    return best;
}

static void push_datagram(struct join *j, struct event *e, uint64_t print)
{
    struct align_loss lost;
    struct recent *twin = find_twin(j, e, print);
    if (twin != NULL) {
        learn_route(j, e->group, &e->from, &twin->from);
        learn_route(j, e->group, &e->to, &twin->to);
        twin->last_seen = e->group;
        e->is_sighting = true;
        e->reply_to = twin->id;
        j->sink(j->context, e);
        return;
    }
    map_endpoint(j, e->group, &e->from);
    map_endpoint(j, e->group, &e->to);
    bool is_answer = e->kind == EVENT_DNS
                         ? e->dns->is_response
                         : e->krb->type != KRB_AS_REQ && e->krb->type != KRB_TGS_REQ;
    if (is_answer && align_is_lost(j->align, e, &lost)) {
        e->is_sighting = true;
        j->sink(j->context, e);
        return;
    }
    remember(j, e, print);
    j->sink(j->context, e);
}

/* Endpoints as the capture nearest to the client has them. */
static void translate(struct event *e, const struct align_view *v)
{
    if (endpoint_equal(&e->from, &v->client_here)) {
        e->from = v->client;
        e->to = v->server;
    } else {
        e->from = v->server;
        e->to = v->client;
    }
}

static void push_on_connection(struct join *j, struct event *e, uint64_t connection)
{
    struct align_view v = align_conn(j->align, e->group, connection);
    if (v.is_shared) {
        e->is_sighting = !v.is_primary;
        if (v.is_primary) {
            translate(e, &v);
        }
    }
    j->sink(j->context, e);
}

void join_push(struct join *j, const struct event *event)
{
    struct event e;
    struct http_facts http;
    join_renumber(&e, &http, event, event->group);
    e.scene = align_scene(j->align, e.group);
    uint64_t print = event->connection == 0 ? align_print(event) : 0;
    if (event->connection != 0) {
        push_on_connection(j, &e, event->connection);
    } else if (print != 0) {
        push_datagram(j, &e, print);
    } else {
        j->sink(j->context, &e);
    }
}
