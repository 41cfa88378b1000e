/* How an HTTP attempt went, read off its exchanges alone: outcome, who was let in, how it ended. */
#ifndef KRBSCOPE_DIAGNOSE_READING_H
#define KRBSCOPE_DIAGNOSE_READING_H

#include "diagnose/view.h"

#define NO_REPLY_CLOSED_S 5      /* a client that closes after this long got no reply */
#define UNDELIVERED_RESENT_MIN 3 /* segments sent again before a request counts as undelivered */
#define NO_REPLY_SILENT_S 10     /* silence of this length is no reply too */
#define NO_TOKEN_WAIT_S 10       /* a client that sends no token for this long will not */

enum ending {
    ENDING_ANSWERED, /* the last request has its response */
    ENDING_RESET,    /* the connection was reset while it waited */
    ENDING_NO_REPLY, /* nobody answered what was delivered, or sent again and again */
    ENDING_OPEN,     /* the capture does not show */
};

struct reading {
    const struct exchange *last; /* NULL: no HTTP */
    const struct exchange *krb;  /* the last that carried an AP-REQ */
    const struct exchange *ntlm; /* the last that carried NTLM */
    const struct exchange *ntlm_authenticate;
    const struct exchange *first_anonymous_401;
    const struct exchange *last_anonymous_401;
    unsigned num_anonymous_401;
    bool has_token;         /* any request carried one */
    bool has_unknown_token; /* a cut head may have held one */
    bool is_lossy;          /* bytes of its connections were not captured */
    enum ending ending;
    enum outcome outcome;
    enum authenticated_by by;
};

/* v->attempt may be NULL: outcome is then decided elsewhere, and OUTCOME_INCOMPLETE here. */
void reading_of(const struct view *v, struct reading *out);

/* Did the request carry a token for who answered? One for a proxy alone is none to the server whose
 * 401 the proxy passes on (RFC 9110 11.7.2). */
bool exchange_presents_token(const struct exchange *x);

/* Was the request sent again and again, for NO_REPLY_CLOSED_S at least, and never acknowledged as a
 * whole, nor answered? A capture that lost frames makes no client send again. */
bool exchange_is_undelivered(const struct exchange *x);

bool exchange_offers(const struct exchange *x, enum auth_scheme scheme);

#endif
