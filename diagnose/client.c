#include "diagnose/client.h"

#include "base/civil.h"

#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_BUCKETS 16384
#define CONN_BUCKETS 65536

struct client_table {
    struct client *buckets[CLIENT_BUCKETS];
    struct conn *conns[CONN_BUCKETS];
    struct client *newest, *oldest;
    size_t num_clients;
    size_t num_conns;
    size_t log_bytes;
};

uint64_t verb_target(struct bytes host, struct bytes path)
{
    return hash64_step(hash64(host), hash64(path));
}

struct client_table *client_table_new(void)
{
    return calloc(1, sizeof(struct client_table));
}

static size_t client_bucket(const struct address *address, uint16_t scene)
{
    uint8_t key[sizeof address->octets + 2];
    memcpy(key, address->octets, sizeof address->octets);
    key[sizeof key - 2] = (uint8_t)(scene >> 8);
    key[sizeof key - 1] = (uint8_t)scene;
    return hash64((struct bytes){.at = key, .len = sizeof key}) % CLIENT_BUCKETS;
}

static void unlink_age(struct client_table *t, struct client *c)
{
    *(c->newer == NULL ? &t->newest : &c->newer->older) = c->older;
    *(c->older == NULL ? &t->oldest : &c->older->newer) = c->newer;
    c->newer = c->older = NULL;
}

static void link_newest(struct client_table *t, struct client *c)
{
    c->older = t->newest;
    c->newer = NULL;
    *(t->newest == NULL ? &t->oldest : &t->newest->newer) = c;
    t->newest = c;
}

static void drop_first_moment(struct client_table *t, struct moment_log *log)
{
    struct moment *m = log->first;
    assert(m != NULL);
    log->first = m->next;
    *(m->next == NULL ? &log->last : &m->next->previous) = NULL;
    log->num--;
    log->was_cut = true;
    t->log_bytes -= m->bytes;
    moment_free(m);
}

static struct conn **conn_slot(struct client_table *t, uint64_t id)
{
    struct conn **slot = &t->conns[id % CONN_BUCKETS];
    while (*slot != NULL && (*slot)->id != id) {
        slot = &(*slot)->hash_next;
    }
    return slot;
}

struct conn *conn_find(struct client_table *t, uint64_t id)
{
    return *conn_slot(t, id);
}

static void conn_free(struct client_table *t, struct conn *conn)
{
    struct client *c = conn->client;
    struct conn **slot = conn_slot(t, conn->id);
    assert(*slot == conn);
    *slot = conn->hash_next;
    *(conn->previous == NULL ? &c->first_conn : &conn->previous->next) = conn->next;
    *(conn->next == NULL ? &c->last_conn : &conn->next->previous) = conn->previous;
    t->num_conns--;
    while (conn->waiting != NULL) {
        struct moment *m = conn->waiting;
        conn->waiting = m->next;
        moment_free(m);
    }
    free(conn);
}

struct spot spot_of(const struct event *e)
{
    return (struct spot){.frame = e->frame, .capture = e->capture};
}

bool conn_is_over(const struct conn *conn)
{
    return conn == NULL || conn->reset || conn->ended || conn->fin[0];
}

bool conn_is_lossy(const struct conn *conn)
{
    const struct tcp_facts *t = &conn->facts;
    return conn->has_facts && (!t->seen_from_syn || t->bytes_lost[0] > 0 || t->bytes_lost[1] > 0 ||
                               t->acked_unseen[0] || t->acked_unseen[1]);
}

void conn_drop(struct client_table *t, struct conn *conn)
{
    assert(conn->pins == 0);
    if (conn_is_lossy(conn)) {
        conn->client->lossy_server = conn->server.address;
    }
    conn_free(t, conn);
}

static void client_free(struct client_table *t, struct client *c)
{
    struct client **slot = &t->buckets[client_bucket(&c->address, c->scene)];
    while (*slot != c) {
        slot = &(*slot)->hash_next;
    }
    *slot = c->hash_next;
    for (size_t i = 0; i < LOG_COUNT; i++) {
        while (c->logs[i].first != NULL) {
            drop_first_moment(t, &c->logs[i]);
        }
    }
    while (c->first_conn != NULL) {
        conn_free(t, c->first_conn);
    }
    unlink_age(t, c);
    t->num_clients--;
    free(c);
}

void client_table_free(struct client_table *t)
{
    if (t == NULL) {
        return;
    }
    while (t->oldest != NULL) {
        client_free(t, t->oldest);
    }
    free(t);
}

struct client *client_find(struct client_table *t, const struct address *address, uint16_t scene)
{
    struct client *c = t->buckets[client_bucket(address, scene)];
    while (c != NULL && !(c->scene == scene && address_equal(&c->address, address))) {
        c = c->hash_next;
    }
    return c;
}

static bool is_too_full(const struct client_table *t, int64_t now_ns)
{
    bool is_short = t->log_bytes > CLIENTS_LOG_BYTES / 2 && t->oldest != NULL &&
                    now_ns - t->oldest->last_ns > CLIENT_IDLE_S * NS_PER_S;
    return t->num_clients >= CLIENTS_MAX || is_short;
}

struct client *client_get(struct client_table *t, const struct address *address, uint16_t scene,
                          int64_t now_ns, client_evict *evict, void *context)
{
    struct client *c = client_find(t, address, scene);
    if (c == NULL) {
        /* What is known of the one idle longest is judged before its moments have to go. */
        for (int i = 0; i < 2 && is_too_full(t, now_ns); i++) {
            struct client *oldest = t->oldest;
            evict(context, oldest);
            client_free(t, oldest);
        }
        c = calloc(1, sizeof *c);
        if (c == NULL) {
            return NULL;
        }
        size_t bucket = client_bucket(address, scene);
        c->address = *address;
        c->scene = scene;
        c->hash_next = t->buckets[bucket];
        t->buckets[bucket] = c;
        t->num_clients++;
        link_newest(t, c);
    } else if (t->newest != c) {
        unlink_age(t, c);
        link_newest(t, c);
    }
    c->last_ns = now_ns;
    return c;
}

void client_forget(struct client_table *t, struct client *c)
{
    assert(c->attempts == NULL);
    client_free(t, c);
}

void client_log_forget(struct client_table *t, struct client *c, int64_t before_ns)
{
    for (size_t i = 0; i < LOG_COUNT; i++) {
        struct moment_log *log = &c->logs[i];
        bool was_cut = log->was_cut;
        while (log->first != NULL && log->first->time_ns < before_ns) {
            drop_first_moment(t, log);
        }
        log->was_cut = was_cut; /* what went was looked at */
    }
}

struct client_load client_load(const struct client_table *t)
{
    return (struct client_load){
        .num_clients = t->num_clients, .num_conns = t->num_conns, .log_bytes = t->log_bytes};
}

struct client *client_oldest(struct client_table *t)
{
    return t->oldest;
}

/* All logs together are too large: the oldest moments of the clients idle longest go, an eighth of
 * all at once, so that looking for them costs little. */
static void make_room(struct client_table *t)
{
    const size_t wanted = CLIENTS_LOG_BYTES / 8 * 7;
    for (struct client *c = t->oldest; c != NULL && t->log_bytes > wanted; c = c->newer) {
        for (size_t i = 0; i < LOG_COUNT; i++) {
            while (c->logs[i].num > 1 && t->log_bytes > wanted) {
                c->num_lost++;
                drop_first_moment(t, &c->logs[i]);
            }
        }
    }
}

void client_log(struct client_table *t, struct client *c, enum log_kind kind, struct moment *m)
{
    struct moment_log *log = &c->logs[kind];
    if (log->num >= CLIENT_LOG_MAX) {
        c->num_lost++;
        drop_first_moment(t, log);
    }
    m->previous = log->last;
    m->next = NULL;
    *(log->last == NULL ? &log->first : &log->last->next) = m;
    log->last = m;
    log->num++;
    t->log_bytes += m->bytes;
    if (t->log_bytes > CLIENTS_LOG_BYTES) {
        make_room(t);
    }
}

void client_add_peer(struct client *c, const struct address *peer)
{
    if (address_is_group(peer) || peer->family == ADDRESS_NONE) {
        return;
    }
    for (size_t i = 0; i < c->num_peers; i++) {
        if (address_equal(&c->peers[i], peer)) {
            return;
        }
    }
    if (c->num_peers < CLIENT_PEERS_MAX) {
        c->peers[c->num_peers++] = *peer;
    }
}

void client_take_logon(struct client *c, const struct event *e)
{
    bool is_elsewhere = e->kind == EVENT_TOKEN;
    if (e->kind == EVENT_KRB && e->krb->type == KRB_TGS_REP && e->krb->ticket.present) {
        struct bytes service = moment_spn_service(e->krb->ticket.sname.text);
        is_elsewhere = !bytes_is_nocase(service, "HTTP") && !bytes_is_nocase(service, "krbtgt");
    }
    if (c != NULL && is_elsewhere) {
        c->logs_on_elsewhere = true;
    }
}

/* Room for more: an old connection of this client that ended without anything to tell, else an
 * eighth of all, those of the clients idle longest. */
static bool make_conn_room(struct client_table *t, struct client *c)
{
    for (struct conn *old = c->first_conn; old != NULL; old = old->next) {
        if (old->pins == 0 && !old->has_krb) {
            conn_free(t, old);
            return true;
        }
    }
    const size_t wanted = CONNS_MAX / 8 * 7;
    for (struct client *other = t->oldest; other != NULL && t->num_conns > wanted;
         other = other->newer) {
        struct conn *old = other == c ? NULL : other->first_conn;
        while (old != NULL) {
            struct conn *next = old->next;
            if (old->pins == 0) {
                conn_free(t, old);
            }
            old = next;
        }
    }
    return t->num_conns < CONNS_MAX;
}

struct conn *conn_get(struct client_table *t, struct client *c, const struct event *event)
{
    struct conn **slot = conn_slot(t, event->connection);
    if (*slot != NULL) {
        return *slot;
    }
    if (t->num_conns >= CONNS_MAX && !make_conn_room(t, c)) {
        return NULL;
    }
    struct conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        return NULL;
    }
    conn->id = event->connection;
    conn->client = c;
    conn->capture = event->capture;
    conn->local = event->from;
    conn->server = event->to;
    conn->first_frame = event->num_frames > 0 ? event->frames[0] : event->frame;
    conn->last_frame = event->frame;
    conn->first_ns = event->first_time_ns;
    conn->last_ns = event->time_ns;
    slot = conn_slot(t, event->connection); /* making room may have moved the chain */
    conn->hash_next = NULL;
    *slot = conn;
    conn->previous = c->last_conn;
    *(c->last_conn == NULL ? &c->first_conn : &c->last_conn->next) = conn;
    c->last_conn = conn;
    t->num_conns++;
    return conn;
}
