/* What the correlator remembers of each client: its Kerberos, DNS and neighbour traffic as logs of
 * moments, its TCP connections, the hosts it was seen with. Bounded a client and in all; the oldest
 * goes first.
 */
#ifndef KRBSCOPE_DIAGNOSE_CLIENT_H
#define KRBSCOPE_DIAGNOSE_CLIENT_H

#include "diagnose/analysis.h"
#include "diagnose/moment.h"

#define CLIENTS_MAX 8192           /* clients known at once; the one idle longest goes */
#define CLIENT_LOG_MAX 1024        /* moments kept in each log of one client */
#define CLIENTS_LOG_BYTES 33554432 /* bytes of moments, all clients */
#define CLIENT_IDLE_S 120          /* one that is idle for so long goes when that gets short */
#define CLIENT_TLS_MAX 8           /* TLS connections remembered of one client */
#define TUNNEL_HOST_MAX 256        /* bytes of a CONNECT request's host, NUL included */
#define CLIENT_VERBS_MAX 16        /* answers remembered of one client, by target and verb */
#define VERB_MAX 16                /* bytes of a method, NUL included */
#define CLIENT_PEERS_MAX 8         /* hosts a client was seen with, that are told apart */
#define CONNS_MAX 32768            /* TCP connections known at once */

enum log_kind { LOG_KRB, LOG_DNS, LOG_OTHER, LOG_COUNT };

struct moment_log {
    struct moment *first, *last;
    size_t num;
    bool was_cut; /* older moments were dropped: absence proves nothing */
};

/* A frame and the piece that holds it; frame 0: none. */
struct spot {
    uint32_t frame;
    uint16_t capture;
};

struct client;

/* One TCP connection from a client. */
struct conn {
    uint64_t id;
    struct client *client;
    struct conn *hash_next;
    struct conn *next, *previous; /* of the client, oldest first */
    uint16_t capture;             /* the piece in which it began */
    struct endpoint local, server;
    uint32_t first_frame, last_frame; /* in that piece */
    int64_t first_ns, last_ns;
    unsigned num_syns;
    struct spot syn_at; /* the first */
    int64_t first_syn_ns, last_syn_ns;
    bool connected; /* handshake seen or inferred, or data met midway */
    struct spot connect_at;
    int64_t connect_ns;
    bool refused;
    struct spot refused_at;
    int64_t refused_ns;
    bool reset;
    bool reset_by_server;
    struct spot reset_at;
    int64_t reset_ns;
    bool fin[2]; /* 0 the client's, 1 the server's */
    struct spot fin_at[2];
    int64_t fin_ns[2];
    bool ended;
    struct spot gap_at; /* the latest gap */
    int64_t gap_ns;
    struct tcp_facts facts; /* as of the latest event */
    bool has_facts;
    bool has_http, has_krb;
    bool icmp_refused; /* an ICMP unreachable quoted its SYN */
    struct spot icmp_at;
    enum icmp_meaning icmp;
    unsigned pins;                     /* exchanges that point here */
    uint32_t authenticated_by_attempt; /* serial of the attempt that was approved on it, or 0 */
    struct moment *waiting; /* owned; requests whose meaning their response tells, oldest first */
};

/* A TLS connection that a client opened. */
struct tls_sight {
    struct address server;
    uint16_t capture;
    uint32_t frame;
    int64_t time_ns;
};

/* The latest answer other than 404 and server errors of a target, and the verb that got it. */
struct verb_sight {
    uint64_t target; /* of verb_target() */
    char method[VERB_MAX];
    unsigned status;
    uint16_t capture;
    uint32_t frame; /* 0: none */
};

struct client {
    struct address address;
    uint16_t scene; /* captures that show the same hosts share it */
    struct client *hash_next;
    struct client *newer, *older; /* by last event */
    int64_t last_ns;
    struct moment_log logs[LOG_COUNT];
    struct conn *first_conn, *last_conn;
    struct address peers[CLIENT_PEERS_MAX];
    size_t num_peers;
    struct attempt *attempts; /* open ones, oldest first */
    unsigned num_attempts;    /* ever, provisional ones not counted */
    unsigned num_ccm_posts;   /* ever */
    unsigned num_http_sent, num_http_served, num_krb_sent, num_krb_answered, num_krb_served;
    unsigned num_dns_served;
    unsigned num_krb_failed; /* answers of KDCs that are errors, and no steps */
    bool was_spoken_to;      /* a frame addressed to it was captured */
    bool saw_http, saw_tls;
    bool logs_on_elsewhere;      /* to another service than HTTP: a ticket or a token was seen */
    struct address lossy_server; /* of the latest lossy connection that was forgotten */
    struct tls_sight tls[CLIENT_TLS_MAX];      /* the latest, a ring */
    struct verb_sight verbs[CLIENT_VERBS_MAX]; /* a ring */
    unsigned num_verbs;                        /* ever */
    unsigned num_tls;                          /* ever */
    char tunnel_host[TUNNEL_HOST_MAX];         /* of its latest CONNECT, NUL-terminated; or empty */
    struct tls_sight tunnel;                   /* that request; server: the proxy */
    struct record *provisional;                /* its only CCM_POST so far went elsewhere: judged */
    int64_t last_attempt_end_ns;
    bool has_attempt_end;
    uint32_t num_lost;      /* moments that were dropped for want of room */
    bool is_judged_in_part; /* live: what it did before judged_to_ns has been judged */
    int64_t judged_to_ns;
};

/* One number for a host and path. */
uint64_t verb_target(struct bytes host, struct bytes path);

struct client_table;

struct client_table *client_table_new(void); /* NULL: no memory */
void client_table_free(struct client_table *t);

/* The client, made when not there. When the table is full the client idle longest is handed to
 * evict() first (which judges it); evict must not add clients. NULL: no memory. */
typedef void client_evict(void *context, struct client *c);
struct client *client_get(struct client_table *t, const struct address *address, uint16_t scene,
                          int64_t now_ns, client_evict *evict, void *context);

/* The client if it is known; does not count as an event. */
struct client *client_find(struct client_table *t, const struct address *address, uint16_t scene);

/* Forgets a client that has no open attempts. */
void client_forget(struct client_table *t, struct client *c);

/* Forgets what the client's logs hold from before that time. */
void client_log_forget(struct client_table *t, struct client *c, int64_t before_ns);

/* How many clients, connections and bytes of moments are known now. */
struct client_load {
    size_t num_clients, num_conns, log_bytes;
    size_t num_attempts; /* open ones; filled by case_load() only */
};
struct client_load client_load(const struct client_table *t);

/* Oldest client (by last event), and from there to the newer ones. */
struct client *client_oldest(struct client_table *t);

/* Appends m to the client's log and owns it; the oldest of that log goes when it is full, the
 * oldest of the client idle longest when all logs together are. */
void client_log(struct client_table *t, struct client *c, enum log_kind kind, struct moment *m);

/* Notes that the client exchanged frames with a peer; groups are no peers. */
void client_add_peer(struct client *c, const struct address *peer);

/* Notes a token beside HTTP, or a ticket for another service. c may be NULL. */
void client_take_logon(struct client *c, const struct event *e);

/* The connection with this id, or NULL. */
struct conn *conn_find(struct client_table *t, uint64_t id);

/* The connection with this id, made when not there. NULL: no room. */
struct conn *conn_get(struct client_table *t, struct client *c, const struct event *event);

/* Does the capture lack frames of it? */
bool conn_is_lossy(const struct conn *conn);

/* Nothing more can come on it. NULL is over. */
bool conn_is_over(const struct conn *conn);

/* Where the event's message ended. */
struct spot spot_of(const struct event *e);

/* Forgets a connection that nothing points to; that it was lossy its client remembers. */
void conn_drop(struct client_table *t, struct conn *conn);

#endif
