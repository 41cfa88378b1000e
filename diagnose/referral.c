#include "diagnose/referral.h"

#define KERBEROS_PORT 88

/* Errors that say something of the service or of clocks, whatever realm was asked before. */
static bool is_about_service(const struct krb_moment *k)
{
    static const int32_t codes[] = {2, 7, 8, 11, 14, 19, 22, 27, 33, 37, 69};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i] == k->error_code) {
            return true;
        }
    }
    return k->error_code == 12 && k->has_ntstatus; /* the account's or the trust's restriction */
}

static struct bytes asked_realm(const struct transaction *t)
{
    const struct krb_moment *k = transaction_names(t);
    return k->realm.len > 0 ? k->realm : k->ticket.realm;
}

/* The reply is a TGT of another realm, asked for or not; *next is that realm. */
static bool refers(const struct transaction *t, struct bytes *next)
{
    if (transaction_is_crossing(t) && t->reply != NULL && !transaction_is_error(t)) {
        *next = moment_spn_host(t->reply->u.krb.ticket.sname);
        return next->len > 0;
    }
    return transaction_is_referral(t, next);
}

static void add_hop(struct judgement *j, const struct transaction *t)
{
    struct bytes realm = asked_realm(t);
    struct bytes next = {0};
    bool is_referral = refers(t, &next);
    struct referral *last = j->num_referrals == 0 ? NULL : &j->referrals[j->num_referrals - 1];
    bool is_repeat = false;
    for (size_t i = 0; i < j->num_referrals; i++) {
        is_repeat = is_repeat || bytes_equal_nocase(j->referrals[i].realm, realm);
    }
    /* A question without its answer may have been answered with a referral that was lost. */
    bool goes_on = last != NULL && (last->result == REFERRAL_REFERRED
                                        ? bytes_equal_nocase(last->next, realm)
                                        : last->result == REFERRAL_PENDING && !is_repeat);
    if (!goes_on) {
        j->num_referrals = 0; /* the client begins anew */
        j->referrals_loop = false;
        is_repeat = false;
    }
    if (j->num_referrals == REFERRALS_MAX) {
        j->referrals_loop = true;
        return;
    }
    const struct moment *m = t->reply != NULL ? t->reply : t->request;
    struct referral *hop = &j->referrals[j->num_referrals];
    *hop = (struct referral){.realm = realm,
                             .kdc = t->kdc,
                             .time_ns = m->time_ns - case_told_shift_ns(j->v->c, m->capture),
                             .capture = m->capture,
                             .frame = m->frame};
    hop->is_repeat = is_repeat;
    if (is_referral) {
        hop->result = REFERRAL_REFERRED;
        hop->next = next;
    } else if (t->reply != NULL && transaction_is_error(t)) {
        hop->result = REFERRAL_REFUSED_BY_ERROR;
        hop->error_code = t->reply->u.krb.error_code;
    } else if (t->reply != NULL) {
        hop->result = REFERRAL_ISSUED;
    } else {
        hop->result = t->state == TRANSACTION_UNANSWERED ? REFERRAL_UNANSWERED
                      : t->state == TRANSACTION_REFUSED  ? REFERRAL_UNREACHABLE
                                                         : REFERRAL_PENDING;
    }
    j->num_referrals++;
    j->referrals_loop = j->referrals_loop || is_repeat;
}

/* The same question again: over TCP after error 52, or after a step of pre-authentication. */
static bool is_repeated(const struct judgement *j, size_t at)
{
    const struct transaction *t = &j->v->transactions[at];
    return transaction_is_error(t) && krb_code_is_step(t->reply->u.krb.error_code);
}

static bool is_for_realm(const struct lookup *l, struct bytes realm)
{
    return l->type == DNS_SRV && realm.len > 0 && l->name.len > realm.len &&
           (bytes_begins_nocase(l->name, "_kerberos._tcp.") ||
            bytes_begins_nocase(l->name, "_kerberos._udp.")) &&
           bytes_equal_nocase(bytes_part(l->name, l->name.len - realm.len, realm.len), realm);
}

/* Every SRV look-up for the realm failed, and there was one. *m is the last answer. */
static bool is_not_found(const struct judgement *j, struct bytes realm, const struct moment **m)
{
    bool any = false;
    for (size_t i = 0; i < j->v->num_lookups; i++) {
        const struct lookup *l = &j->v->lookups[i];
        if (!is_for_realm(l, realm)) {
            continue;
        }
        bool is_named = l->response != NULL && l->response->u.dns.rcode == 0 &&
                        l->response->u.dns.num_answers > 0;
        if (is_named || (l->response == NULL && !lookup_was_unanswered(j->v, l))) {
            return false;
        }
        *m = l->response != NULL ? l->response : l->num_queries > 0 ? l->queries[0] : NULL;
        any = true;
    }
    return any;
}

/* When the last referral came, by the case's clock. */
static int64_t last_referral_ns(const struct judgement *j)
{
    const struct referral *last = &j->referrals[j->num_referrals - 1];
    return last->time_ns + case_told_shift_ns(j->v->c, last->capture);
}

/* The connection to a KDC after the last referral that failed so; NULL: none, or one was made. */
static const struct conn *failed_conn(const struct judgement *j, bool is_refusal)
{
    int64_t from = last_referral_ns(j);
    const struct conn *found = NULL;
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(j->v, conn)) != NULL) {
        if (conn->server.port != KERBEROS_PORT || conn->first_ns < from) {
            continue;
        }
        if (conn->connected) {
            return NULL;
        }
        bool failed = is_refusal ? conn_is_refused(conn) : conn_is_unreached(j->v, conn);
        found = failed ? conn : found;
    }
    return found;
}

/* A referral whose request the capture lacks: for which service is not known. */
static bool is_lost_referral(const struct transaction *t)
{
    const struct krb_moment *k = t->reply == NULL ? NULL : &t->reply->u.krb;
    return t->request == NULL && k != NULL && k->type == KRB_TGS_REP && k->ticket.present &&
           bytes_is_nocase(moment_spn_service(k->ticket.sname), "krbtgt") &&
           !bytes_equal_nocase(moment_spn_host(k->ticket.sname), k->ticket.realm);
}

/* mp.other.example belongs to OTHER.EXAMPLE, by custom. */
static bool is_host_of(struct bytes host, struct bytes realm)
{
    return host.len > realm.len && host.at[host.len - realm.len - 1] == '.' &&
           bytes_equal_nocase(bytes_part(host, host.len - realm.len, host.len), realm);
}

bool referral_is_crossing(const struct judgement *j, const struct transaction *t)
{
    const struct exchange *challenge = j->reading.last_anonymous_401;
    if (j->v->attempt == NULL || !transaction_is_crossing(t)) {
        return false;
    }
    return is_host_of(j->v->host, transaction_names(t)->host) ||
           (challenge != NULL && transaction_begin_ns(t) >= challenge->response->time_ns);
}

void referral_walk(struct judgement *j)
{
    const struct view *v = j->v;
    j->num_referrals = 0;
    for (size_t i = 0; i < v->num_transactions; i++) {
        struct bytes next;
        const struct transaction *t = &v->transactions[i];
        j->was_referred = j->was_referred || is_lost_referral(t);
        bool is_ours = v->tgs_related[i] || referral_is_crossing(j, t);
        if (!is_ours || is_repeated(j, i) || asked_realm(t).len == 0) {
            continue;
        }
        j->was_referred = j->was_referred || refers(t, &next);
        add_hop(j, t);
    }
    j->was_referred = (j->was_referred || j->num_referrals > 1) && j->tgs_success == NULL &&
                      j->reading.krb == NULL;
    if (j->num_referrals > 0 && j->was_referred) {
        const struct referral *last = &j->referrals[j->num_referrals - 1];
        j->next_realm = last->result == REFERRAL_REFERRED ? last->next : last->realm;
    }
}

static void prove_referral(const struct judgement *j, struct proof *p)
{
    for (size_t i = 0; i < j->num_referrals; i++) {
        const struct referral *r = &j->referrals[i];
        if (r->result == REFERRAL_REFERRED) {
            proof_add_frame(j, p, r->capture, r->frame, "the KDC of %.*s refers to %.*s",
                            (int)r->realm.len, (const char *)r->realm.at, (int)r->next.len,
                            (const char *)r->next.at);
        }
    }
}

static bool prove_not_found(const struct judgement *j, struct proof *p)
{
    const struct moment *m = NULL;
    if (!is_not_found(j, j->next_realm, &m)) {
        return false;
    }
    proof_add(j, p, m, "DNS names no KDC for %.*s", (int)j->next_realm.len,
              (const char *)j->next_realm.at);
    return true;
}

static bool prove_unreached(const struct judgement *j, struct proof *p, bool is_refusal)
{
    const struct referral *last = &j->referrals[j->num_referrals - 1];
    if (last->result == (is_refusal ? REFERRAL_UNREACHABLE : REFERRAL_UNANSWERED)) {
        proof_add_frame(j, p, last->capture, last->frame,
                        is_refusal ? "ICMP answered this request" : "the request to it");
        return true;
    }
    if (last->result != REFERRAL_REFERRED && last->result != REFERRAL_PENDING) {
        return false;
    }
    const struct conn *conn = failed_conn(j, is_refusal);
    if (conn != NULL) {
        const struct spot *at = conn->refused        ? &conn->refused_at
                                : conn->icmp_refused ? &conn->icmp_at
                                                     : &conn->syn_at;
        proof_add_frame(j, p, at->capture, at->frame,
                        conn->icmp_refused ? "ICMP answers the SYN to port 88"
                        : is_refusal       ? "RST to the SYN on port 88"
                                           : "SYN to the KDC, never answered");
        return true;
    }
    return !is_refusal && fact_absent_host(j, last_referral_ns(j), false, p);
}

static bool prove_error(const struct judgement *j, struct proof *p)
{
    const struct transaction *t = j->tgs_failure;
    if (t == NULL || is_about_service(&t->reply->u.krb)) {
        return false;
    }
    struct bytes realm = asked_realm(t);
    const char *name = krb_error_name(t->reply->u.krb.error_code);
    proof_add(j, p, t->reply, "the KDC of %.*s answers %s (%d)", (int)realm.len,
              (const char *)realm.at, name == NULL ? "KRB-ERROR" : name,
              (int)t->reply->u.krb.error_code);
    return true;
}

bool detect_referral(const struct judgement *j, uint32_t what, struct proof *p)
{
    bool holds = false;
    if (!j->was_referred || (j->num_referrals == 0 && what != REFERRAL_ON)) {
        return false;
    }
    switch (what) {
    case REFERRAL_ON:
        holds = true;
        break;
    case REFERRAL_LOOP:
        holds = j->referrals_loop;
        break;
    case REFERRAL_NOT_FOUND:
        holds = prove_not_found(j, p);
        break;
    case REFERRAL_SILENT:
        holds = prove_unreached(j, p, false);
        break;
    case REFERRAL_CLOSED:
        holds = prove_unreached(j, p, true);
        break;
    case REFERRAL_ERROR:
        holds = prove_error(j, p);
        break;
    default:
        break;
    }
    if (holds) {
        prove_referral(j, p);
    }
    return holds;
}

static struct bytes keep(const struct judgement *j, struct bytes b)
{
    struct bytes kept;
    (void)arena_copy(&j->v->c->out.arena, b, &kept);
    return kept;
}

/* The realm that was named and never asked, with the reason. */
static bool unreached_hop(const struct judgement *j, struct referral *hop)
{
    const struct referral *last = &j->referrals[j->num_referrals - 1];
    bool is_absent = j->seen[FACT_NEXT_KDC_NOT_FOUND];
    bool is_closed = j->seen[FACT_NEXT_KDC_CLOSED];
    if (last->result != REFERRAL_REFERRED ||
        (!is_absent && !is_closed && !j->seen[FACT_NEXT_KDC_SILENT])) {
        return false;
    }
    const struct proof *p = &j->proofs[is_absent   ? FACT_NEXT_KDC_NOT_FOUND
                                       : is_closed ? FACT_NEXT_KDC_CLOSED
                                                   : FACT_NEXT_KDC_SILENT];
    *hop = (struct referral){.realm = keep(j, last->next),
                             .time_ns = last->time_ns,
                             .capture = p->refs[0].capture,
                             .frame = p->refs[0].frame,
                             .result = is_absent   ? REFERRAL_KDC_NOT_FOUND
                                       : is_closed ? REFERRAL_UNREACHABLE
                                                   : REFERRAL_UNANSWERED};
    const struct conn *conn = is_absent ? NULL : failed_conn(j, is_closed);
    if (conn != NULL) {
        hop->kdc = conn->server.address;
    }
    return true;
}

void referral_keep(const struct judgement *j, struct attempt_record *out)
{
    bool any = false;
    for (size_t i = 0; i < j->num_referrals; i++) {
        any = any || j->referrals[i].result == REFERRAL_REFERRED || j->num_referrals > 1;
    }
    struct referral *list =
        any ? arena_alloc_array(&j->v->c->out.arena, j->num_referrals + 1, sizeof *list) : NULL;
    for (size_t i = 0; list != NULL && i < j->num_referrals; i++) {
        list[i] = j->referrals[i];
        list[i].realm = keep(j, list[i].realm);
        list[i].next = keep(j, list[i].next);
        out->num_referrals++;
    }
    if (list != NULL && unreached_hop(j, &list[out->num_referrals])) {
        out->num_referrals++;
    }
    out->referrals = list;
}
