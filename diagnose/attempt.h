/* Which HTTP exchanges belong to one attempt (docs/ARCHITECTURE.md, "What an attempt is"). */
#ifndef KRBSCOPE_DIAGNOSE_ATTEMPT_H
#define KRBSCOPE_DIAGNOSE_ATTEMPT_H

#include "diagnose/client.h"

#define ATTEMPTS_OPEN_MAX 4096   /* attempts open at once; the one idle longest is judged */
#define ATTEMPT_EXCHANGES_MAX 64 /* exchanges kept of one attempt; the latest always is */

/* What two revisions of one record are told apart by. */
struct record_mark {
    enum outcome outcome;
    enum cause cause; /* CAUSE_NONE: no verdict */
    enum step step;
    enum confidence confidence;
    size_t num_events, num_evidence, num_also, num_notes;
    bool has_clock[3];
};

/* A request and what came of it. */
struct exchange {
    struct moment *request;  /* owned */
    struct moment *response; /* owned; NULL: none seen */
    struct conn *conn;       /* pinned; NULL when there was no room for it */
};

struct record;

/* Live only: what was said of the attempt before it was over. */
struct attempt_told {
    bool is_looked_at; /* since its last event */
    uint32_t id, revision;
    bool final;
    struct record_mark mark; /* of what was said */
    bool has_end;
    int64_t end_ns;        /* until when its Kerberos went, as far as was known */
    struct record *record; /* what was told, while it is remembered and final; or NULL */
    uint32_t num_later_requests;
    bool has_fallback;
    uint32_t num_lost; /* client.num_lost at that time */
};

struct attempt {
    uint32_t serial; /* from 1, in the order of their first request */
    struct client *client;
    struct attempt *next;          /* of the client, oldest first */
    struct attempt *newer, *older; /* of all open ones, by last event */
    struct exchange exchanges[ATTEMPT_EXCHANGES_MAX];
    size_t num_exchanges;
    uint32_t num_exchanges_dropped;
    uint32_t num_later_requests; /* token-less 2xx on the authenticated connection */
    int64_t first_ns, last_ns;
    int64_t touched_ns; /* attempt_list.now_ns of its last event */
    bool is_ccm;        /* CCM_POST */
    bool is_protected;  /* a path with Windows authentication, or authentication was seen */
    bool is_registration;
    bool is_again;  /* its connection was authenticated before, and is asked or asks once more */
    bool has_token; /* Negotiate, NTLM or Kerberos was carried by a request */
    struct moment *fallback; /* owned; CCM_POST to an anonymous path afterwards */
    struct attempt_told told;
};

struct attempt_list {
    struct client_table *clients;
    struct attempt *newest, *oldest;
    struct attempt *unlooked; /* the oldest that was not looked at since its last event (live) */
    uint32_t num_open;
    int64_t now_ns; /* the case's packet time without leaps, set before each event */
    uint32_t next_serial;
    uint32_t offers_unanswered; /* 401s that offered Negotiate to clients that never sent a token */
    struct moment *first_offer; /* owned; the first of them */
};

/* Called with an attempt that is over: the callee judges it. The attempt is freed afterwards. */
typedef void attempt_over(void *context, struct attempt *a);

/* A request or response event of a client; takes what it needs. */
void attempt_request(struct attempt_list *list, struct client *c, struct conn *conn,
                     const struct event *event, attempt_over *over, void *context);
void attempt_response(struct attempt_list *list, struct client *c, struct conn *conn,
                      const struct event *event);

/* Ends the attempt: over() is called for it (unless it is nothing), then it is freed. */
void attempt_close(struct attempt_list *list, struct attempt *a, attempt_over *over, void *context);

/* Is this URL path one that IIS guards with Windows authentication on a management point? */
bool attempt_path_is_protected(struct bytes path);

/* A CCM_POST to a path that wants no authentication: an attempt only when nothing else is. */
bool attempt_is_elsewhere(const struct attempt *a);

/* Its last answer is the server's verdict on it. *may_go_on: a 401 to a token, which clients repeat
 * with another one. */
bool attempt_is_answered(const struct attempt *a, bool *may_go_on);

/* The last exchange, or NULL. */
const struct exchange *attempt_last(const struct attempt *a);

/* 401 or 407 in the middle of a handshake: the server's own token asks for another one. */
bool moment_is_middle_401(const struct moment *response);

/* The request carries a token of Negotiate, NTLM or Kerberos. */
bool moment_has_token(const struct moment *request);

#endif
