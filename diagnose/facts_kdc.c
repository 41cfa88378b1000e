/* Facts read off the traffic between a client and its KDCs. */
#include "diagnose/facts.h"

#include "base/civil.h"

#define KERBEROS_PORT 88

bool detect_kdc_visible(const struct judgement *j, uint32_t wanted, struct proof *p)
{
    (void)p;
    return j->v->attempt != NULL && j->v->kdc_visible == (wanted == 1);
}

/* A connection to a KDC on which something may have been said that the capture lacks. */
static bool may_hide_messages(const struct conn *conn)
{
    if (conn->server.port != KERBEROS_PORT || !conn->connected) {
        return false;
    }
    return !conn->has_krb || conn->gap_at.frame != 0 ||
           (conn->has_facts && (conn->facts.bytes_lost[0] > 0 || conn->facts.bytes_lost[1] > 0 ||
                                conn->facts.acked_unseen[0] || conn->facts.acked_unseen[1]));
}

bool detect_no_ticket_request(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    (void)p;
    const struct view *v = j->v;
    if (!v->kdc_visible || v->client->logs[LOG_KRB].was_cut || j->reading.krb != NULL ||
        j->has_crossing) {
        return false;
    }
    if (v->attempt != NULL && v->attempt->num_exchanges > 0 &&
        case_has_hole(v->c, v->attempt->exchanges[0].request->capture, v->from_ns,
                      v->attempt->last_ns)) {
        return false;
    }
    /* A capture that begins with the token began too late to show what came before it. */
    const struct conn *first =
        v->attempt == NULL || v->attempt->num_exchanges == 0 ? NULL : v->attempt->exchanges[0].conn;
    if (j->reading.first_anonymous_401 == NULL && first != NULL && first->has_facts &&
        !first->facts.seen_from_syn) {
        return false;
    }
    for (size_t i = 0; i < v->num_transactions; i++) {
        if (v->tgs_related[i]) {
            return false;
        }
    }
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(v, conn)) != NULL) {
        if (may_hide_messages(conn)) {
            return false;
        }
    }
    return true;
}

/* _kerberos._udp.REALM, _kerberos._tcp.dc._msdcs.REALM, … */
static bool is_kdc_srv(const struct lookup *l)
{
    return l->type == DNS_SRV && (bytes_begins_nocase(l->name, "_kerberos._tcp.") ||
                                  bytes_begins_nocase(l->name, "_kerberos._udp."));
}

bool detect_kdc_not_located(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct view *v = j->v;
    size_t num_failed = 0;
    if (v->client->num_krb_sent > 0 || v->client->num_krb_answered > 0) {
        return false;
    }
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(v, conn)) != NULL) {
        if (conn->server.port == KERBEROS_PORT) {
            return false;
        }
    }
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        if (!is_kdc_srv(l) || l->first_ns > v->krb_to_ns) {
            continue;
        }
        bool is_named = l->response != NULL && l->response->u.dns.rcode == 0 &&
                        l->response->u.dns.num_answers > 0;
        if (is_named || (l->response == NULL && !lookup_was_unanswered(v, l))) {
            return false;
        }
        num_failed++;
        const struct moment *m = l->response;
        if (m == NULL && l->num_queries > 0) {
            m = l->queries[0];
        }
        proof_add(j, p, m, "%s %.*s", l->response == NULL ? "no answer for" : "no KDC under",
                  (int)l->name.len, (const char *)l->name.at);
    }
    return num_failed > 0;
}

/* The last request for the service's ticket; NULL: none. */
static const struct transaction *last_for_service(const struct view *v)
{
    const struct transaction *last = NULL;
    for (size_t i = 0; i < v->num_transactions; i++) {
        last = v->tgs_related[i] ? &v->transactions[i] : last;
    }
    return last;
}

/* When a KDC last answered this client; INT64_MIN: never. Where the service's ticket was asked for
 * in vain, an answer to a later question is about something else. */
static int64_t last_answer_ns(const struct view *v)
{
    const struct transaction *asked = v->attempt == NULL ? NULL : last_for_service(v);
    bool in_vain = asked != NULL &&
                   (asked->state == TRANSACTION_UNANSWERED || asked->state == TRANSACTION_REFUSED);
    int64_t last = INT64_MIN;
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        bool counts = !in_vain || transaction_begin_ns(t) <= transaction_begin_ns(asked);
        /* The analyzer takes a request never asked for an empty table.
         * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        if (counts && t->state == TRANSACTION_ANSWERED && t->reply->time_ns > last) {
            last = t->reply->time_ns;
        }
    }
    return last;
}

/* A KDC's word on the service stands, whatever became of other requests. */
static bool service_was_refused(const struct view *v)
{
    const struct transaction *t = last_for_service(v);
    if (t == NULL || !transaction_is_error(t)) {
        return false;
    }
    int32_t code = t->reply->u.krb.error_code;
    return !krb_code_is_step(code) && code != 68; /* RFC 6806: ask another realm */
}

/* Did the client reach a KDC after that time, on a connection of which the capture lacks a part? */
static bool may_have_answered(const struct view *v, int64_t after_ns)
{
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(v, conn)) != NULL) {
        if (conn->last_ns >= after_ns && may_hide_messages(conn)) {
            return true;
        }
    }
    return false;
}

/* Did the client leave it at the refusals? The next KDC on its list may still answer: so only when
 * the logon is over, when it asks nobody for a while, or when TCP was refused too by the only KDC
 * that it knows. */
static bool left_it_at_refusals(const struct judgement *j)
{
    const struct view *v = j->v;
    const struct address *only = NULL;
    bool is_tcp_refused = false;
    int64_t last_ns = INT64_MIN;
    uint16_t capture = 0;
    if (v->attempt != NULL && j->outcome != OUTCOME_INCOMPLETE) {
        return true;
    }
    bool has_several = false;
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        int64_t at = t->last_request != NULL ? t->last_request->time_ns : t->reply->time_ns;
        if (at > last_ns) {
            last_ns = at;
            capture = t->last_request != NULL ? t->last_request->capture : t->reply->capture;
        }
        has_several = has_several || (only != NULL && !address_equal(only, &t->kdc)) ||
                      (t->request != NULL && !address_equal(&t->request->to.address, &t->kdc));
        only = &t->kdc;
    }
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(v, conn)) != NULL) {
        if (conn->server.port != KERBEROS_PORT) {
            continue;
        }
        if (conn->first_ns > last_ns) {
            last_ns = conn->first_ns;
            capture = conn->capture;
        }
        has_several = has_several || (only != NULL && !address_equal(only, &conn->server.address));
        only = &conn->server.address;
        is_tcp_refused = is_tcp_refused || conn_is_refused(conn);
    }
    return (is_tcp_refused && !has_several) ||
           (last_ns != INT64_MIN && view_end_ns(v, capture) - last_ns >= SILENCE_MIN_S * NS_PER_S);
}

bool detect_kdc_silent(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct view *v = j->v;
    int64_t answered = last_answer_ns(v);
    bool found = false;
    if (may_have_answered(v, answered) || service_was_refused(v)) {
        return false;
    }
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        if (t->state != TRANSACTION_UNANSWERED || transaction_begin_ns(t) < answered ||
            (t->icmp != NULL && !left_it_at_refusals(j))) {
            continue;
        }
        if (t->icmp != NULL) {
            proof_add(j, p, t->icmp, "ICMP for the request to the KDC: %s",
                      icmp_words(icmp_meaning(&t->icmp->u.icmp)));
        } else {
            proof_add(j, p, t->request, "%s, sent %u times, never answered", krb_type_name(t->type),
                      t->num_sent);
        }
        found = true;
    }
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(v, conn)) != NULL) {
        if (conn->server.port == KERBEROS_PORT && conn->first_ns >= answered) {
            if (conn_is_unanswered(v, conn)) {
                proof_add_frame(j, p, conn->syn_at.capture, conn->syn_at.frame,
                                "SYN to the KDC, sent %u times, never answered", conn->num_syns);
                found = true;
            } else if (conn_is_unreached(v, conn) && left_it_at_refusals(j)) {
                proof_add_frame(j, p, conn->icmp_at.capture, conn->icmp_at.frame,
                                "ICMP for the SYN to the KDC: %s", icmp_words(conn->icmp));
                found = true;
            }
        }
    }
    return found;
}

bool detect_kdc_closed(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct view *v = j->v;
    int64_t answered = last_answer_ns(v);
    bool found = false;
    if (may_have_answered(v, answered) || service_was_refused(v) || !left_it_at_refusals(j)) {
        return false;
    }
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        if (t->state == TRANSACTION_REFUSED && transaction_begin_ns(t) >= answered) {
            proof_add(j, p, t->icmp, "ICMP: port 88 of the KDC is unreachable");
            found = true;
        }
    }
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(v, conn)) != NULL) {
        if (conn->server.port != KERBEROS_PORT || conn->first_ns < answered) {
            continue;
        }
        if (conn->refused) {
            proof_add_frame(j, p, conn->refused_at.capture, conn->refused_at.frame,
                            "RST to the SYN on port 88");
            found = true;
        } else if (conn_is_refused(conn)) {
            proof_add_frame(j, p, conn->icmp_at.capture, conn->icmp_at.frame,
                            "ICMP: port 88 of the KDC is unreachable");
            found = true;
        }
    }
    return found;
}

bool detect_kdc_tcp_blocked(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct view *v = j->v;
    const struct transaction *too_big = NULL;
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        if (transaction_is_error(t) && t->reply->u.krb.error_code == 52) {
            too_big = t;
        } else if (t->state == TRANSACTION_ANSWERED && too_big != NULL &&
                   t->reply->time_ns >= too_big->reply->time_ns) {
            too_big = NULL;
        }
    }
    const struct conn *conn = NULL;
    while (too_big != NULL && (conn = view_next_conn(v, conn)) != NULL) {
        bool failed = conn_is_refused(conn) || conn_is_unreached(v, conn);
        if (conn->server.port == KERBEROS_PORT && failed &&
            address_equal(&conn->server.address, &too_big->kdc) &&
            conn->first_ns >= too_big->reply->time_ns) {
            proof_add(j, p, too_big->reply, "KRB_ERR_RESPONSE_TOO_BIG: use TCP");
            proof_add_frame(j, p, conn->syn_at.capture, conn->syn_at.frame, "TCP to port 88 fails");
            return true;
        }
    }
    return false;
}

bool detect_kdc_answered(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    for (size_t i = 0; i < j->v->num_transactions; i++) {
        const struct transaction *t = &j->v->transactions[i];
        if (t->state == TRANSACTION_ANSWERED) {
            proof_add(j, p, t->reply, "the KDC answered");
            return true;
        }
    }
    return false;
}
