/* Notes that tell alternatives of a verdict apart: what the wire shows beside it points one way. */
#include "diagnose/judge.h"

#define KVNO_OWN_BITS 16   /* MS-KILE 3.1.5.8: above them the number of a read-only DC */
#define RESENT_MANY 3      /* data segments sent again: more than chance */
#define ERROR_NO_SERVICE 7 /* RFC 4120 7.5.9 */

enum leg { LEG_ANY, LEG_LOGON, LEG_TICKET };

/* What the less usual errors point to. */
static const struct {
    int32_t code;
    enum leg leg;
    const char *hint;
} hints[] = {
    {2, LEG_LOGON, "the account that the ticket is for has expired"},
    {6, LEG_TICKET,
     "the account that the ticket is asked for is not known; where a service asks on a user's "
     "behalf (S4U), its account may lack the right to see that user: Windows Authorization Access "
     "Group"},
    {10, LEG_ANY, "asked for a time to come: compare the clocks of client and KDC"},
    {13, LEG_TICKET,
     "usual where a service may not delegate to that name (msDS-AllowedToDelegateTo, or "
     "msDS-AllowedToActOnBehalfOfOtherIdentity of the service behind); harmless when a new logon "
     "follows"},
    {21, LEG_LOGON, "the account is not valid yet"},
    {22, LEG_LOGON, "the account that the ticket is for is not valid yet"},
    {26, LEG_TICKET,
     "the ticket that came with the request is for another server or realm: purge it and check "
     "the realm"},
    {35, LEG_TICKET,
     "the ticket that came with the request is for another server or realm: purge it and check "
     "the realm"},
    {36, LEG_TICKET,
     "ticket and authenticator name different accounts, or another realm's KDC was asked: check "
     "which domain controller the client locates"},
    {93, LEG_ANY,
     "the KDC does not know an option of FAST that the client insists on: compare the policies on "
     "armoring (\"KDC support for claims, compound authentication and Kerberos armoring\")"},
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
    t = t == NULL ? j->as_failure : t;
    for (size_t i = 0; t != NULL && i < sizeof hints / sizeof hints[0]; i++) {
        bool is_leg =
            hints[i].leg == LEG_ANY || (hints[i].leg == LEG_LOGON) == (t->type == KRB_AS_REQ);
        if (is_leg && hints[i].code == t->reply->u.krb.error_code) {
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
        "it; a writable one may know the name (KB2716037).",
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

/* A PTR answer for the server's address, or what the server calls itself by NTLM. */
static const struct moment *own_name(const struct judgement *j, struct bytes *name)
{
    const struct view *v = j->v;
    for (size_t i = v->attempt == NULL ? 0 : v->attempt->num_exchanges; i > 0; i--) {
        const struct exchange *x = &v->attempt->exchanges[i - 1];
        if (x->response != NULL && x->response->u.http.ntlm_computer.len > 0) {
            *name = x->response->u.http.ntlm_computer;
            return x->response;
        }
    }
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        for (size_t k = 0; l->response != NULL && k < l->response->u.dns.num_answers; k++) {
            const struct dns_record *r = &l->response->u.dns.answers[k];
            if (r->type == DNS_PTR && view_is_reverse_of(l->name, &v->server.address)) {
                *name = r->target;
                return l->response;
            }
        }
    }
    return NULL;
}

/* The name that the client used leads to a server of another name: it may be the wrong one, whose
 * key cannot open the ticket. */
struct bytes hint_of_own_name(const struct judgement *j)
{
    struct bytes name = {0};
    bool is_about_key = j->seen[FACT_TICKET_REFUSED] && !j->seen[FACT_AP_ACCEPTED] &&
                        (!j->seen[FACT_AP_ERROR] || j->seen[FACT_AP_MISMATCH]);
    const struct moment *m = is_about_key ? own_name(j, &name) : NULL;
    struct bytes host = moment_spn_host(
        j->reading.krb == NULL ? (struct bytes){0} : j->reading.krb->request->u.http.ticket.sname);
    if (m == NULL || host.len == 0) {
        return (struct bytes){0};
    }
    const char *by =
        m->kind == EVENT_DNS ? "DNS calls the server's address" : "the server calls itself";
    if (host_matches(host, name)) {
        return judge_text(j, "Frame %u: %s %.*s, as the ticket does: it is the right host.",
                          m->frame, by, (int)name.len, (const char *)name.at);
    }
    return judge_text(
        j,
        "Frame %u: %s %.*s, and the ticket is for %.*s: unless that is another name of "
        "it, the A record leads to the wrong host.",
        m->frame, by, (int)name.len, (const char *)name.at, (int)host.len, (const char *)host.at);
}

/* Extended Protection binds a token to the TLS channel, which ends in front of this server
 * (RFC 5056, RFC 5929). */
struct bytes hint_of_front_tls(const struct judgement *j)
{
    const struct exchange *krb = j->reading.krb;
    bool is_silent =
        j->seen[FACT_TICKET_REFUSED] && (!j->seen[FACT_AP_ERROR] || j->seen[FACT_AP_ACCEPTED]);
    if (!is_silent || krb == NULL || !krb->request->u.http.is_behind_tls) {
        return (struct bytes){0};
    }
    return judge_text(
        j,
        "Frame %u: a proxy says that the client spoke TLS with it. Extended Protection "
        "refuses every ticket then: the channel that it is bound to ends there "
        "(win32 status 2148074310 in the IIS log; tokenChecking=None).",
        krb->request->frame);
}

/* NTLM binds to the connection that its challenge came on (MS-NTHT 3.1). */
struct bytes hint_of_split(const struct judgement *j)
{
    const struct exchange *last = j->reading.last;
    const struct attempt *a = j->v->attempt;
    if (!j->seen[FACT_NTLM_REFUSED] || a == NULL || last == NULL ||
        last->request->u.http.token != TOKEN_SIGHT_NTLM_3) {
        return (struct bytes){0};
    }
    for (size_t i = a->num_exchanges - 1; i > 0; i--) {
        const struct exchange *x = &a->exchanges[i - 1];
        if (x->response != NULL && x->response->u.http.has_ntlm_challenge) {
            return x->conn == last->conn
                       ? (struct bytes){0}
                       : judge_text(j,
                                    "Frame %u: NTLM's last message goes over another connection "
                                    "than the challenge in frame %u, and cannot succeed there: a "
                                    "proxy, a load balancer or the server parts them.",
                                    last->request->frame, x->response->frame);
        }
    }
    return (struct bytes){0};
}

/* A request over UDP that took several IP fragments, and of which nothing good came. */
static bool is_fragmented_in_vain(const struct transaction *t)
{
    bool failed =
        t->state == TRANSACTION_UNANSWERED || (t->reply != NULL && transaction_is_error(t) &&
                                               t->reply->u.krb.error_code == ERROR_NO_SERVICE);
    return failed && t->request != NULL && t->request->num_frames > 1;
}

/* Requests over UDP in several fragments, and none by TCP: a path that loses fragments lets small
 * requests pass and large ones not. Error 7 tells of that only where every service that was asked
 * for got it, several of them (KB244474). */
struct bytes hint_of_fragments(const struct judgement *j)
{
    const struct transaction *found = NULL;
    const bool is_silent = j->seen[FACT_KDC_SILENT] || j->seen[FACT_NEXT_KDC_SILENT];
    struct bytes first = {0};
    bool has_several = false;
    for (size_t i = 0; i < j->v->num_transactions; i++) {
        const struct transaction *t = &j->v->transactions[i];
        const bool is_service = t->type == KRB_TGS_REQ && !t->is_tgt;
        const bool is_issued = is_service && t->reply != NULL && !transaction_is_error(t);
        if (t->over_tcp || is_issued) {
            return (struct bytes){0};
        }
        if (is_service) {
            first = first.len == 0 ? transaction_names(t)->sname : first;
            has_several = has_several || !bytes_equal(first, transaction_names(t)->sname);
        }
        found = is_fragmented_in_vain(t) ? t : found;
    }
    if (found == NULL || !(is_silent || (j->seen[FACT_TGS_7] && has_several))) {
        return (struct bytes){0};
    }
    return judge_text(j,
                      "Frame %u: the request to the KDC went over UDP in %zu fragments, and none "
                      "went over TCP; where fragments are lost, MaxPacketSize=1 makes Windows use "
                      "TCP (KB244474).",
                      found->request->frame, found->request->num_frames);
}
