/* The table of TCP connections: fixed size, one small entry each, oldest out under pressure only.
 *
 *      endpoints (either order) --hash--> bucket -> entry -> entry
 *
 * VLAN tags, tunnels and MAC addresses are no part of the key. Entries are found by index, 0 being
 * none; pages that were never used are never touched.
 */
#ifndef KRBSCOPE_DECODE_FLOW_H
#define KRBSCOPE_DECODE_FLOW_H

#include "base/address.h"
#include "decode/stream.h"

#include <assert.h>
#include <stdalign.h>
#include <stddef.h>

/* Use is noted once in so many frames: eviction need not be exact, and no frame brings more than
 * one connection. */
#define FLOW_TOUCH_FRAMES 16384
#define FLOW_LINE_BYTES 64 /* of the processor's caches */

/* Which endpoint is the client, from the best testimony so far. */
enum flow_role {
    FLOW_ROLE_PORT,    /* the lower port is the server's */
    FLOW_ROLE_MESSAGE, /* it sent a request */
    FLOW_ROLE_SYNACK,
    FLOW_ROLE_SYN,
};

/* What a direction's bytes are. */
enum flow_content {
    FLOW_UNDECIDED, /* its first bytes have not come */
    FLOW_BULK,      /* not ours; each segment start is looked at all the same */
    FLOW_HTTP,
    FLOW_KERBEROS,
    FLOW_DNS,
    FLOW_CARRIER, /* PDUs that may carry GSS tokens: carrier.h */
};

struct flow_parser;

/* What a connection is looked at again for when some time is up. */
enum flow_watch_kind {
    FLOW_WATCH_HOLES, /* bytes that are missing, or an end that is to be told */
    FLOW_WATCH_REPLY, /* a request that was not answered yet */
    FLOW_WATCHES
};

/* A place in the list of that kind, by due time. */
struct flow_watch {
    bool is_on;
    uint32_t next, prev;
    int64_t due_ns;
};

/* In the order in which frames need it. */
struct flow {
    alignas(FLOW_LINE_BYTES) struct endpoint end[2]; /* by key order, as every [2] here */
    uint32_t index;                                  /* of this entry in the table */
    uint32_t hash_next;
    uint64_t touched_at; /* frame count of the decoder */
    uint8_t client;      /* side of the client */
    uint8_t role;        /* enum flow_role: how that is known */
    bool host_told[2];   /* EVENT_HOST_SEEN was considered for this direction */
    bool connect_told;
    bool is_open; /* the server said more than RST */
    bool end_told;
    bool reset_waits; /* EVENT_TCP_RESET is due when all held bytes were handed out */
    /* The second cache line. */
    struct hardware_address hardware[2]; /* the first that was seen */
    uint8_t content[2];
    struct place last_place;
    int64_t synack_ns;
    bool syn_seen;
    bool is_used;
    bool is_reset;
    bool reset_has_ack;
    uint8_t reset_side;
    bool handshake_inferred;
    bool tls_told[2];
    bool parsed_to[2];          /* bytes of this side went to the parser */
    struct stream_pair streams; /* its sides begin with a cache line each */
    /* The rest. */
    struct flow_parser *parser; /* NULL until something was found */
    uint64_t connection;
    uint32_t recent_next, recent_prev; /* by last use */
    uint32_t order_next, order_prev;   /* by creation */
    struct flow_watch watch[FLOW_WATCHES];
    unsigned num_silences; /* EVENT_TCP_SILENCE since the last request */
    uint32_t reset_seq, reset_ack;
    uint32_t num_syns;
    int64_t syn_ns, ack_ns;
    int64_t last_syn_ns;
    struct place syn_place, reset_place;
};

static_assert(sizeof(struct stream) % FLOW_LINE_BYTES == 0, "a stream fills its cache lines");
static_assert(offsetof(struct flow, streams.side) == 2 * FLOW_LINE_BYTES,
              "streams begin with a cache line");

struct flow_table;

struct flow_table *flow_table_new(uint32_t flows_max);
void flow_table_free(struct flow_table *t);

/* The connection between these endpoints, or NULL; *side is set to the one of from. frame_count
 * notes the use. */
struct flow *flow_find(struct flow_table *t, const struct endpoint *from, const struct endpoint *to,
                       uint64_t frame_count, int *side);

/* A zeroed entry for a connection that is not in the table. NULL: the table is full (or there is no
 * memory for more entries), let the one that flow_oldest() names go first. */
struct flow *flow_add(struct flow_table *t, const struct endpoint *from, const struct endpoint *to,
                      uint64_t frame_count, int *side);

/* The least recently used connection, NULL when there is none. */
struct flow *flow_oldest(const struct flow_table *t);

/* Takes the entry out; what it owns was freed by the caller. */
void flow_remove(struct flow_table *t, struct flow *flow);

/* The connection created first, and the one created after it; NULL at the end. */
struct flow *flow_first(const struct flow_table *t);
struct flow *flow_after(const struct flow_table *t, const struct flow *flow);

/* The watch lists: entries in the order in which they were put there, so by due time when all of a
 * kind wait equally long. flow_watched() gives the first, or NULL. */
void flow_watch(struct flow_table *t, enum flow_watch_kind kind, struct flow *flow, int64_t due_ns);
void flow_unwatch(struct flow_table *t, enum flow_watch_kind kind, struct flow *flow);
struct flow *flow_watched(const struct flow_table *t, enum flow_watch_kind kind);

#endif
