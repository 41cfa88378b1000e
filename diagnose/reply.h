/* Which earlier message does a message answer or repeat? As messages come, in bounded tables.
 *
 *   Kerberos  by the two ends, the message type and the names; retransmissions are one request
 *   HTTP      as the decoder paired them (event.http->request_id)
 *   tokens    in SMB, LDAP, DCE/RPC, TDS: the same (event.token->request_id)
 *   DNS       by the two ends reversed, the id and the question
 */
#ifndef KRBSCOPE_DIAGNOSE_REPLY_H
#define KRBSCOPE_DIAGNOSE_REPLY_H

#include "decode/event.h"

#define REPLY_REQUESTS_MAX 4096 /* requests remembered of each kind; the oldest is forgotten */

struct reply_tables;

struct reply_place {
    bool known;
    uint16_t capture;
    uint32_t frame;
};

struct reply {
    struct reply_place reply_to; /* the request, its first copy between the same two ends */
    struct reply_place repeats;  /* request: its first copy to any KDC, over UDP or TCP */
    bool asked_for_other;        /* TGS-REP: the request named another service than the ticket */
};

/* NULL: no memory. */
struct reply_tables *reply_tables_new(void);
void reply_tables_free(struct reply_tables *t);

/* To be called once for every event, in their order. */
struct reply reply_find(struct reply_tables *t, const struct event *e);

#endif
