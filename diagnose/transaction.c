/* Kerberos transactions: request, retransmissions, reply (RFC 4120 section 3.1 and 3.3). */
#include "diagnose/view.h"

#include "base/civil.h"

const struct krb_moment *transaction_names(const struct transaction *t)
{
    return t->request != NULL ? &t->request->u.krb : &t->reply->u.krb;
}

int64_t transaction_begin_ns(const struct transaction *t)
{
    return t->request != NULL ? t->request->first_time_ns : t->reply->first_time_ns;
}

bool transaction_is_error(const struct transaction *t)
{
    return t->reply != NULL && t->reply->u.krb.type == KRB_ERROR_MSG;
}

bool transaction_is_referral(const struct transaction *t, struct bytes *realm)
{
    if (t->type != KRB_TGS_REQ || t->is_tgt || t->reply == NULL ||
        t->reply->u.krb.type != KRB_TGS_REP || !t->reply->u.krb.ticket.present) {
        return false;
    }
    struct bytes sname = t->reply->u.krb.ticket.sname;
    *realm = moment_spn_host(sname);
    return bytes_is_nocase(moment_spn_service(sname), "krbtgt");
}

bool transaction_is_crossing(const struct transaction *t)
{
    const struct krb_moment *k = transaction_names(t);
    return t->is_tgt && k->host.len > 0 && k->realm.len > 0 &&
           !bytes_equal_nocase(k->host, k->realm);
}

bool krb_code_is_step(int32_t code)
{
    return code == 25 || code == 52 || code == 91;
}

static bool is_request(const struct moment *m)
{
    return m->u.krb.type == KRB_AS_REQ || m->u.krb.type == KRB_TGS_REQ;
}

/* Same question sent again: same nonce (RFC 4120 5.4.1) and names. */
static bool is_same_question(const struct krb_moment *a, const struct krb_moment *b)
{
    return a->type == b->type && a->has_nonce && b->has_nonce && a->nonce == b->nonce &&
           bytes_equal(a->sname, b->sname) && bytes_equal(a->realm, b->realm);
}

static struct transaction *find_open(struct view *v, const struct moment *request)
{
    for (size_t i = v->num_transactions; i > 0; i--) {
        struct transaction *t = &v->transactions[i - 1];
        if (t->reply == NULL && t->request != NULL &&
            is_same_question(&t->request->u.krb, &request->u.krb)) {
            return t;
        }
    }
    return NULL;
}

static struct transaction *add(struct view *v)
{
    if (v->num_transactions == TRANSACTIONS_MAX) {
        return NULL;
    }
    struct transaction *t = &v->transactions[v->num_transactions++];
    *t = (struct transaction){.state = TRANSACTION_PENDING};
    return t;
}

static void describe(struct transaction *t, const struct krb_moment *k)
{
    t->is_tgt = t->type == KRB_TGS_REQ && bytes_is_nocase(k->service, "krbtgt");
    t->is_changepw = t->type == KRB_AS_REQ && bytes_is_nocase(k->sname, "kadmin/changepw");
}

static void take_request(struct view *v, const struct moment *m)
{
    struct transaction *t = find_open(v, m);
    if (t == NULL) {
        t = add(v);
        if (t == NULL) {
            return;
        }
        t->type = m->u.krb.type;
        t->request = m;
        describe(t, &m->u.krb);
    }
    t->last_request = m;
    t->num_sent++;
    t->kdc = m->to.address;
    t->over_tcp = m->connection != 0;
    t->conn = m->connection == 0 ? NULL : conn_find(v->c->clients, m->connection);
}

/* Could m answer this request? By connection, or by the same pair of endpoints; loosely: an earlier
 * copy of the question may have gone to another server or from another port. */
static bool answers(const struct moment *m, const struct transaction *t, bool loosely)
{
    const struct moment *q = t->last_request;
    if (t->reply != NULL || q == NULL || m->time_ns < t->request->first_time_ns) {
        return false;
    }
    bool is_as = t->type == KRB_AS_REQ;
    if ((m->u.krb.type == KRB_AS_REP && !is_as) || (m->u.krb.type == KRB_TGS_REP && is_as)) {
        return false;
    }
    if (m->connection != 0 || q->connection != 0) {
        return m->connection == q->connection ||
               (loosely && t->num_sent > 1 && m->connection != 0 &&
                address_equal(&m->from.address, &q->to.address));
    }
    if (endpoint_equal(&m->from, &q->to) && endpoint_equal(&m->to, &q->from)) {
        return true;
    }
    return loosely && t->num_sent > 1 && m->u.krb.type != KRB_ERROR_MSG &&
           m->from.port == q->to.port;
}

/* Says what is wrong with a ticket or its options, which only a TGS-REQ carries (RFC 4120 3.3.3.1).
 */
static bool is_about_a_ticket(int32_t code)
{
    static const int32_t codes[] = {13, 20, 26, 31, 32, 33, 34, 35, 36, 38, 41, 42, 44, 45, 50};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i] == code) {
            return true;
        }
    }
    return false;
}

/* Which exchange a reply without request belonged to. */
static enum krb_type leg_of_reply(const struct krb_moment *k)
{
    if (k->type == KRB_AS_REP) {
        return KRB_AS_REQ;
    }
    if (k->type == KRB_TGS_REP || is_about_a_ticket(k->error_code)) {
        return KRB_TGS_REQ;
    }
    bool is_as = bytes_is_nocase(k->service, "krbtgt") || bytes_is_nocase(k->service, "kadmin") ||
                 k->service.len == 0;
    return is_as ? KRB_AS_REQ : KRB_TGS_REQ;
}

static void take_reply(struct view *v, const struct moment *m)
{
    const size_t num = v->num_transactions;
    for (size_t i = 0; num > 0 && i < 2 * num; i++) {
        struct transaction *t = &v->transactions[i < num ? i : i - num];
        if (answers(m, t, i >= v->num_transactions)) {
            t->reply = m;
            t->state = TRANSACTION_ANSWERED;
            t->kdc = m->from.address;
            return;
        }
    }
    struct transaction *t = add(v);
    if (t != NULL) {
        t->type = leg_of_reply(&m->u.krb);
        t->reply = m;
        t->state = TRANSACTION_ANSWERED;
        t->kdc = m->from.address;
        t->over_tcp = m->connection != 0;
        describe(t, &m->u.krb);
    }
}

static void find_icmp(const struct view *v, struct transaction *t)
{
    for (const struct moment *m = v->client->logs[LOG_OTHER].first; m != NULL; m = m->next) {
        if (m->kind == EVENT_ICMP_UNREACHABLE && m->time_ns >= t->request->first_time_ns &&
            m->u.icmp.quoted_protocol == 17 &&
            endpoint_equal(&m->u.icmp.quoted_from, &t->last_request->from) &&
            endpoint_equal(&m->u.icmp.quoted_to, &t->last_request->to) &&
            icmp_meaning(&m->u.icmp) != ICMP_TOO_BIG) {
            t->icmp = m;
            t->state = icmp_meaning(&m->u.icmp) == ICMP_CLOSED ? TRANSACTION_REFUSED
                                                               : TRANSACTION_UNANSWERED;
            return;
        }
    }
}

/* When the KDC that was asked last was asked for the first time. */
static int64_t first_to_last_kdc_ns(const struct view *v, const struct transaction *t)
{
    for (const struct moment *m = v->client->logs[LOG_KRB].first; m != NULL; m = m->next) {
        if (m->first_time_ns >= t->request->first_time_ns && is_request(m) &&
            address_equal(&m->to.address, &t->kdc)) {
            return m->first_time_ns;
        }
    }
    return t->last_request->first_time_ns;
}

/* CAUSES.md "Unanswered": repeated, or given up after silence; never because the capture ends. */
static void weigh_silence(const struct view *v, struct transaction *t)
{
    int64_t first = t->request->first_time_ns;
    int64_t end = view_end_ns(v, t->last_request->capture);
    if (end - first < SILENCE_MIN_S * NS_PER_S) {
        return;
    }
    if (t->conn != NULL && t->conn->has_facts &&
        (t->conn->facts.acked_unseen[1] || t->conn->facts.bytes_lost[1] > 0)) {
        return;
    }
    if (end - first_to_last_kdc_ns(v, t) < GIVE_UP_MIN_S * NS_PER_S) {
        return;
    }
    bool asked_again = t->last_request->first_time_ns - first >= GIVE_UP_MIN_S * NS_PER_S;
    bool gave_up = t->conn != NULL && (t->conn->fin[0] || t->conn->reset) &&
                   t->conn->last_ns - first >= GIVE_UP_MIN_S * NS_PER_S;
    if (asked_again || gave_up) {
        t->state = TRANSACTION_UNANSWERED;
    }
}

/* In the window, or about the service's own ticket, of which no other attempt made use. */
static bool is_in_window(const struct view *v, const struct moment *m)
{
    if (m->time_ns >= v->from_ns) {
        return m->first_time_ns <= v->krb_to_ns;
    }
    const struct krb_moment *k = &m->u.krb;
    bool is_logon = k->type == KRB_AS_REQ || k->type == KRB_AS_REP;
    return m->time_ns >= v->service_from_ns && !m->used && !is_logon && v->host.len > 0 &&
           bytes_is_nocase(k->service, "HTTP") &&
           (host_matches(k->host, v->host) || host_matches(k->host, v->resolution.canonical));
}

void transaction_collect(struct view *v)
{
    v->num_transactions = 0;
    v->transactions = arena_reserve_array(v->arena, TRANSACTIONS_MAX, sizeof *v->transactions);
    if (v->transactions == NULL) {
        return;
    }
    for (const struct moment *m = v->client->logs[LOG_KRB].first; m != NULL; m = m->next) {
        if (!is_in_window(v, m)) {
            continue;
        }
        if (is_request(m)) {
            take_request(v, m);
        } else {
            take_reply(v, m);
        }
    }
    for (size_t i = 0; i < v->num_transactions; i++) {
        struct transaction *t = &v->transactions[i];
        if (t->reply == NULL) {
            find_icmp(v, t);
        }
        if (t->state == TRANSACTION_PENDING) {
            weigh_silence(v, t);
        }
    }
}
