/* One attempt and everything around it, gathered for the detectors: what the client looked up,
 * which KDC it asked, how its connections went. Lives in the case's scratch while the attempt is
 * judged.
 */
#ifndef KRBSCOPE_DIAGNOSE_VIEW_H
#define KRBSCOPE_DIAGNOSE_VIEW_H

#include "diagnose/case_private.h"

#define LOOKUP_QUERIES_MAX 8 /* queries kept of one look-up */
#define LOOKUPS_MAX 256      /* look-ups of one view */
#define TRANSACTIONS_MAX 256 /* Kerberos transactions of one view */
#define RESOLUTION_ADDRESSES_MAX 16
#define VIEW_BEFORE_S 600 /* how long before its first request an attempt may have begun */
#define VIEW_AFTER_S 60   /* how long after its last one it may go on */
#define NEIGHBOUR_REPEAT_MAX_MS 3000 /* ARP, ND: questions of one search come closer */
#define NEIGHBOUR_BEAT_MIN_MS 950    /* … and by the timer of RFC 4861 10, every second */
#define NEIGHBOUR_BEAT_MAX_MS 1060
#define SILENCE_MIN_S 2  /* a capture that ends sooner after a question simply ends */
#define SILENCE_LONG_S 3 /* silence that needs no repeat of the same question */
#define GIVE_UP_MIN_S 1  /* silence that a client's end or repeat must follow */
/* A name and type asked of DNS: all queries for it, and the response that counts. */
struct lookup {
    struct bytes name;
    uint16_t type;
    const struct moment *queries[LOOKUP_QUERIES_MAX];
    size_t num_queries; /* kept */
    unsigned num_sent;  /* seen */
    int64_t first_ns, last_ns;
    const struct moment *response; /* the best: with addresses, else the last */
    const struct moment *icmp;     /* unreachable, from the server's side */
    bool server_alive;             /* that server answered something else meanwhile */
};

enum resolution_state {
    RESOLUTION_NONE, /* never asked */
    RESOLUTION_OK,
    RESOLUTION_NXDOMAIN,
    RESOLUTION_NO_ADDRESS,
    RESOLUTION_FAILURE,     /* SERVFAIL, REFUSED, … */
    RESOLUTION_UNREACHABLE, /* no answer although the client waited, or ICMP */
    RESOLUTION_PENDING,     /* asked, and the capture does not show what came of it */
};

/* What became of a name, over all types and servers. */
struct resolution {
    enum resolution_state state;
    struct bytes name;      /* as asked: with the suffix that worked */
    struct bytes canonical; /* end of the CNAME chain, or empty */
    struct address addresses[RESOLUTION_ADDRESSES_MAX];
    size_t num_addresses;
    uint8_t rcode;
    struct address server; /* DNS server that decided, or was asked last */
    const struct moment *evidence[4];
    size_t num_evidence;
    unsigned num_sent;
    int64_t first_ns, last_ns;
    bool by_icmp;
    unsigned num_failed_before; /* queries of a first server that stayed unanswered, then success */
    double cost_s;              /* time from the first query to the answer */
};

enum transaction_state {
    TRANSACTION_ANSWERED,
    TRANSACTION_UNANSWERED, /* asked again, given up after silence, or ICMP says why: no way */
    TRANSACTION_REFUSED,    /* ICMP port unreachable, or RST */
    TRANSACTION_PENDING,    /* no reply, and nothing that proves silence */
};

/* A request to a KDC, its retransmissions, and its reply. */
struct transaction {
    enum krb_type type;           /* KRB_AS_REQ or KRB_TGS_REQ */
    const struct moment *request; /* first; NULL: not captured, only its reply */
    const struct moment *last_request;
    unsigned num_sent;
    const struct moment *reply;
    const struct moment *icmp;
    enum transaction_state state;
    struct address kdc;
    bool over_tcp;
    const struct conn *conn;
    bool is_tgt;      /* TGS: for krbtgt/…: a referral, renewal or forwarding */
    bool is_changepw; /* AS for kadmin/changepw */
};

struct view {
    struct case_file *c;
    struct client *client;
    const struct attempt *attempt; /* NULL: no HTTP */
    struct arena *arena;           /* the case's scratch */
    int64_t from_ns, to_ns;        /* window of related traffic */
    int64_t service_from_ns;       /* of the service's own ticket, which may be asked for sooner */
    int64_t krb_to_ns;             /* Kerberos that begins later belongs to something else */
    struct bytes host;             /* the name that the client used; empty when unknown */
    bool host_is_address;
    struct endpoint server; /* family NONE: not known */
    bool kdc_visible;       /* the client's other legs are in the capture */
    struct lookup *lookups;
    size_t num_lookups;
    struct transaction *transactions; /* by time */
    size_t num_transactions;
    struct resolution resolution;       /* of host */
    bool tgs_related[TRANSACTIONS_MAX]; /* TGS for this attempt's service */
};

/* Fills v for an attempt, or (a NULL) for a client without HTTP; host then names the service. */
void view_fill(struct view *v, struct case_file *c, struct client *client, const struct attempt *a,
               struct bytes host);

/* The same without Kerberos; view_add_krb() adds it. */
void view_begin(struct view *v, struct case_file *c, struct client *client, const struct attempt *a,
                struct bytes host);
void view_add_krb(struct view *v);

/* Keeps of v, which has neither attempt nor Kerberos, what lies between these times. */
void view_narrow(struct view *v, int64_t from_ns, int64_t to_ns);

/* Look-ups and transactions of a client's logs within v's window. */
void lookup_collect(struct view *v);
void transaction_collect(struct view *v);

/* The names that were asked for: of the request, else of the reply. */
const struct krb_moment *transaction_names(const struct transaction *t);

/* When its first frame was captured: of the request, else of the reply. */
int64_t transaction_begin_ns(const struct transaction *t);

/* The KDC answered with an error. */
bool transaction_is_error(const struct transaction *t);

/* The KDC answered a request for a service with a TGT of another realm (RFC 6806 8): *realm is that
 * realm. */
bool transaction_is_referral(const struct transaction *t, struct bytes *realm);

/* A request for a TGT of another realm than the KDC's (RFC 4120 1.2): the client knows itself whose
 * the service is, and asks for the way there. */
bool transaction_is_crossing(const struct transaction *t);

/* Errors that are steps of a healthy exchange: 25, 52, 91 (RFC 4120 3.1.3, 7.2.1; RFC 6113 5.2). */
bool krb_code_is_step(int32_t code);

/* What became of a name; a name without dot may have got any suffix. */
void resolution_of(const struct view *v, struct bytes name, struct resolution *out);

/* The client asked, waited, and got no answer (docs/ARCHITECTURE.md), or ICMP said why. */
bool lookup_was_unanswered(const struct view *v, const struct lookup *l);

/* Is it the same host: equal, or one is the other's first label? */
bool host_matches(struct bytes a, struct bytes b);

/* Is this the question for the name of that address (RFC 1035 3.5)? IPv6: not told apart. */
bool view_is_reverse_of(struct bytes question, const struct address *a);

/* Connections of the client in v's window to the given address and port (0: any port); *it starts
 * NULL and is moved on; NULL when there is no further one. */
const struct conn *view_next_conn(const struct view *v, const struct conn *previous);

/* Is this address known as a KDC: an SRV answer, port 88, or it served Kerberos? */
bool view_is_kdc(const struct view *v, const struct address *a);

/* When the capture that saw something ends: only what it could have shown later can be absent. */
int64_t view_end_ns(const struct view *v, uint16_t capture);

/* A TCP connection on which the client asked and nobody answered, with proof of silence. */
bool conn_is_unanswered(const struct view *v, const struct conn *conn);

/* The same, or ICMP said that there is no way. */
bool conn_is_unreached(const struct view *v, const struct conn *conn);

/* Its port is closed: RST to the SYN, or ICMP says so. */
bool conn_is_refused(const struct conn *conn);

#endif
