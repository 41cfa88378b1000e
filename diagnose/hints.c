/* Notes that tell alternatives of a verdict apart: what the wire shows beside it points one way. */
#include "diagnose/judge.h"

#define KVNO_OWN_BITS 16   /* MS-KILE 3.1.5.8: above them the number of a read-only DC */
#define RESENT_MANY 3      /* data segments sent again: more than chance */
#define ERROR_NO_SERVICE 7 /* RFC 4120 7.5.9 */

/* What the less usual errors of a ticket request point to. */
static const struct {
    int32_t code;
    const char *hint;
} hints[] = {
    {13, "usual where a service may not delegate to that name; harmless when a new logon follows"},
    {26, "the ticket that came with the request is for another server or realm: purge it and check "
         "the realm"},
    {35, "the ticket that came with the request is for another server or realm: purge it and check "
         "the realm"},
    {36,
     "ticket and authenticator name different accounts, or another realm's KDC was asked: check "
     "which domain controller the client locates"},
};

static const struct transaction *failed_ticket(const struct judgement *j)
{
    for (size_t i = j->v->num_transactions; i > 0; i--) {
        const struct transaction *t = &j->v->transactions[i - 1];
        if (j->v->tgs_related[i - 1] && transaction_is_error(t)) {
            return t;
        }
    }
    return NULL;
}

struct bytes hint_of_error(const struct judgement *j)
{
    const struct transaction *t = failed_ticket(j);
    for (size_t i = 0; t != NULL && i < sizeof hints / sizeof hints[0]; i++) {
        if (hints[i].code == t->reply->u.krb.error_code) {
            const char *name = krb_error_name(hints[i].code);
            return judge_text(j, "Frame %u: %s (%d): %s.", t->reply->frame,
                              name == NULL ? "error" : name, (int)hints[i].code, hints[i].hint);
        }
    }
    return (struct bytes){0};
}

/* Error 7 to a TGT of a read-only domain controller (KB2716037). */
struct bytes hint_of_rodc(const struct judgement *j)
{
    const struct transaction *t = failed_ticket(j);
    if (t == NULL || j->as_success == NULL || t->reply->u.krb.error_code != ERROR_NO_SERVICE) {
        return (struct bytes){0};
    }
    const struct ticket_sight *tgt = &j->as_success->reply->u.krb.ticket;
    if (!tgt->present || !tgt->has_kvno || tgt->kvno >> KVNO_OWN_BITS == 0) {
        return (struct bytes){0};
    }
    return judge_text(
        j,
        "Frame %u: the TGT has key version %u, as a read-only domain controller gives "
        "it; a writable one may know the name.",
        j->as_success->reply->frame, (unsigned)tgt->kvno);
}

/* Windows refuses NTLM from a host to itself under another name (KB896861). */
struct bytes hint_of_loopback(const struct judgement *j)
{
    const struct exchange *last = j->reading.last;
    bool is_refused = last != NULL && last->response != NULL &&
                      last->response->u.http.status == 401 &&
                      last->request->u.http.token == TOKEN_SIGHT_NTLM_3;
    if (!is_refused || !address_equal(&last->request->from.address, &last->request->to.address)) {
        return (struct bytes){0};
    }
    return judge_text(
        j,
        "Frame %u: client and server are one host, and Windows refuses NTLM to itself "
        "under another name; BackConnectionHostNames allows it.",
        last->response->frame);
}

/* A large token may be lost where the path takes no large packets. */
struct bytes hint_of_path(const struct judgement *j)
{
    const struct exchange *last = j->reading.last;
    if (last == NULL || last->response != NULL || last->conn == NULL ||
        !moment_has_token(last->request) || last->conn->facts.num_resent[0] < RESENT_MANY ||
        last->conn->facts.acked_all[0]) {
        return (struct bytes){0};
    }
    return judge_text(
        j,
        "Frame %u: %u segments of the client were sent again and not all arrived: the "
        "path may not take packets as large as the token's (MTU).",
        last->request->frame, last->conn->facts.num_resent[0]);
}
