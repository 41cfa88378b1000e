#include "diagnose/view.h"

#include "base/civil.h"

#include <string.h>

#define KERBEROS_PORT 88
#define KRB_END_PASSES_MAX 64 /* over what the client did after the attempt's last exchange */

/* Did any look-up give that address for the name? */
static bool is_address_of(const struct view *v, struct bytes name, const struct address *a)
{
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct moment *m = v->lookups[i].response;
        for (size_t j = 0; m != NULL && j < m->u.dns.num_answers; j++) {
            const struct dns_record *r = &m->u.dns.answers[j];
            if ((r->type == DNS_A || r->type == DNS_AAAA) && address_equal(&r->address, a) &&
                bytes_equal_nocase(r->name, name)) {
                return true;
            }
        }
    }
    return false;
}

/* Does an SRV record for KDCs or domain controllers lead to it? */
static bool is_named_kdc(const struct view *v, const struct address *a)
{
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        bool is_srv = l->type == DNS_SRV && (bytes_begins_nocase(l->name, "_kerberos.") ||
                                             bytes_begins_nocase(l->name, "_ldap._tcp."));
        for (size_t j = 0; is_srv && l->response != NULL && j < l->response->u.dns.num_answers;
             j++) {
            const struct dns_record *r = &l->response->u.dns.answers[j];
            if (r->type == DNS_SRV && is_address_of(v, r->target, a)) {
                return true;
            }
        }
    }
    return false;
}

bool view_is_kdc(const struct view *v, const struct address *a)
{
    for (size_t i = 0; i < v->num_transactions; i++) {
        if (address_equal(&v->transactions[i].kdc, a)) {
            return true;
        }
    }
    for (const struct conn *conn = v->client->first_conn; conn != NULL; conn = conn->next) {
        if (conn->server.port == KERBEROS_PORT && address_equal(&conn->server.address, a)) {
            return true;
        }
    }
    return is_named_kdc(v, a);
}

static bool is_in_window(const struct view *v, const struct conn *conn)
{
    int64_t to_ns = conn->server.port == KERBEROS_PORT ? v->krb_to_ns : v->to_ns;
    return conn->last_ns >= v->from_ns && conn->first_ns <= to_ns;
}

const struct conn *view_next_conn(const struct view *v, const struct conn *previous)
{
    const struct conn *conn = previous == NULL ? v->client->first_conn : previous->next;
    while (conn != NULL && !is_in_window(v, conn)) {
        conn = conn->next;
    }
    return conn;
}

int64_t view_end_ns(const struct view *v, uint16_t capture)
{
    return case_end_ns(v->c, capture);
}

bool conn_is_unanswered(const struct view *v, const struct conn *conn)
{
    return !conn->connected && !conn->refused && conn->num_syns >= 2 &&
           conn->last_syn_ns - conn->first_syn_ns >= GIVE_UP_MIN_S * NS_PER_S &&
           view_end_ns(v, conn->capture) - conn->first_syn_ns >= SILENCE_MIN_S * NS_PER_S;
}

bool conn_is_unreached(const struct view *v, const struct conn *conn)
{
    return conn_is_unanswered(v, conn) ||
           (!conn->connected && conn->icmp_refused && conn->icmp != ICMP_CLOSED);
}

bool conn_is_refused(const struct conn *conn)
{
    return conn->refused || (!conn->connected && conn->icmp_refused && conn->icmp == ICMP_CLOSED);
}

/* The next attempt of this client for the same target ends this one's window. */
static int64_t window_end(const struct attempt *a)
{
    int64_t end = a->last_ns + VIEW_AFTER_S * NS_PER_S;
    const struct http_moment *mine = &a->exchanges[0].request->u.http;
    for (const struct attempt *x = a->next; x != NULL; x = x->next) {
        if (x->num_exchanges == 0 || x->first_ns <= a->first_ns) {
            continue;
        }
        const struct http_moment *other = &x->exchanges[0].request->u.http;
        if (bytes_equal_nocase(mine->host, other->host) && x->first_ns - 1 < end) {
            end = x->first_ns - 1 > a->last_ns ? x->first_ns - 1 : a->last_ns;
        }
    }
    return end;
}

static void fill_attempt(struct view *v)
{
    const struct attempt *a = v->attempt;
    const struct moment *first = a->exchanges[0].request;
    v->host = first->u.http.host;
    v->server = first->to;
    v->to_ns = window_end(a);
    v->from_ns = a->first_ns - VIEW_BEFORE_S * NS_PER_S;
    struct address ignored;
    v->host_is_address = address_parse(v->host, &ignored);
}

bool view_is_reverse_of(struct bytes question, const struct address *a)
{
    char buffer[64];
    struct text t;
    if (a->family != ADDRESS_IPV4) {
        return bytes_ends_nocase(question, "ip6.arpa");
    }
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%u.%u.%u.%u.in-addr.arpa", a->octets[3], a->octets[2], a->octets[1],
                a->octets[0]);
    return bytes_equal_nocase(question, text_bytes(&t));
}

/* A name that DNS gave for the server's address (PTR), or, where the client named none, one that
 * resolved to it. Many names may lead to one server: another one's ticket is not this attempt's. */
static bool is_other_name(const struct view *v, struct bytes name)
{
    bool has_name = v->host.len > 0 && !v->host_is_address;
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        if (l->response == NULL) {
            continue;
        }
        bool is_ours = !has_name || host_matches(l->name, v->host);
        for (size_t j = 0; j < l->response->u.dns.num_answers; j++) {
            const struct dns_record *r = &l->response->u.dns.answers[j];
            bool is_address = (r->type == DNS_A || r->type == DNS_AAAA) &&
                              address_equal(&r->address, &v->server.address);
            if ((is_ours && is_address && host_matches(name, r->name)) ||
                (r->type == DNS_PTR && view_is_reverse_of(l->name, &v->server.address) &&
                 host_matches(name, r->target))) {
                return true;
            }
        }
    }
    return false;
}

static bool presents(const struct attempt *a, const struct ticket_sight *issued)
{
    for (size_t i = 0; issued->present && i < a->num_exchanges; i++) {
        const struct ticket_sight *ticket = &a->exchanges[i].request->u.http.ticket;
        if (ticket->present && hash128_equal(ticket->hash, issued->hash)) {
            return true;
        }
    }
    return false;
}

/* Another attempt made use of the ticket; or a later one at exactly that host had begun by then,
 * and this one had its last answer. */
static bool is_of_another(const struct view *v, const struct transaction *t, struct bytes host)
{
    const struct ticket_sight *issued = t->reply == NULL ? NULL : &t->reply->u.krb.ticket;
    int64_t begin_ns = transaction_begin_ns(t);
    if (bytes_equal_nocase(host, v->host)) {
        return false;
    }
    for (const struct attempt *x = v->client->attempts; x != NULL; x = x->next) {
        bool has_begun = begin_ns > v->attempt->last_ns && x->num_exchanges > 0 &&
                         x->first_ns <= begin_ns &&
                         bytes_equal_nocase(x->exchanges[0].request->u.http.host, host);
        if (x != v->attempt && (has_begun || (issued != NULL && presents(x, issued)))) {
            return true;
        }
    }
    return false;
}

/* The SPN's host is this attempt's: by name, by alias, or by the ticket that was presented. */
static bool is_related(const struct view *v, const struct transaction *t)
{
    const struct krb_moment *k = transaction_names(t);
    if (t->type != KRB_TGS_REQ || t->is_tgt) {
        return false;
    }
    if (v->attempt == NULL) {
        return bytes_is_nocase(k->service, "HTTP") &&
               (v->host.len == 0 || host_matches(k->host, v->host));
    }
    if (t->reply != NULL && presents(v->attempt, &t->reply->u.krb.ticket)) {
        return true;
    }
    if (is_of_another(v, t, k->host)) {
        return false;
    }
    return host_matches(k->host, v->host) || host_matches(k->host, v->resolution.canonical) ||
           is_other_name(v, k->host);
}

/* Moves *end_ns on over what began before it or at most pause_ns after it. */
static bool follows(int64_t *end_ns, int64_t pause_ns, int64_t first_ns, int64_t last_ns)
{
    if (first_ns - *end_ns > pause_ns || last_ns <= *end_ns) {
        return false;
    }
    *end_ns = last_ns;
    return true;
}

/* How far from *end_ns on the client's Kerberos and look-ups go without a pause longer than that,
 * of what began before limit_ns. */
static int64_t chain_end(const struct view *v, int64_t end, int64_t pause_ns, int64_t limit_ns)
{
    for (unsigned pass = 0, moved = 1; moved && pass < KRB_END_PASSES_MAX; pass++) {
        moved = 0;
        for (size_t i = 0; i < v->num_lookups; i++) {
            const struct lookup *l = &v->lookups[i];
            int64_t done = l->response == NULL ? l->last_ns : l->response->time_ns;
            moved += l->first_ns < limit_ns && follows(&end, pause_ns, l->first_ns, done);
        }
        const struct moment *m = v->client->logs[LOG_KRB].first;
        for (; m != NULL && m->time_ns <= v->to_ns; m = m->next) {
            moved += m->time_ns > end && m->first_time_ns < limit_ns &&
                     follows(&end, pause_ns, m->first_time_ns, m->time_ns);
        }
        for (const struct conn *conn = v->client->first_conn; conn != NULL; conn = conn->next) {
            moved += conn->server.port == KERBEROS_PORT && conn->first_ns <= v->to_ns &&
                     conn->first_ns < limit_ns &&
                     follows(&end, pause_ns, conn->first_ns, conn->last_ns);
        }
    }
    return end;
}

/* The client's first attempt at anything that began after this one's last exchange. */
static const struct attempt *next_attempt(const struct view *v)
{
    const struct attempt *found = NULL;
    for (const struct attempt *x = v->client->attempts; x != NULL; x = x->next) {
        if (x != v->attempt && x->num_exchanges > 0 && x->first_ns > v->attempt->last_ns &&
            (found == NULL || x->first_ns < found->first_ns)) {
            found = x;
        }
    }
    return found;
}

/* Did the client still wait for a KDC at that time? */
static bool waits_for_kdc(const struct view *v, int64_t from_ns, int64_t at_ns)
{
    bool waits = false;
    for (const struct moment *m = v->client->logs[LOG_KRB].first; m != NULL; m = m->next) {
        enum krb_type type = m->u.krb.type;
        if (m->first_time_ns > from_ns && m->first_time_ns < at_ns) {
            waits = type == KRB_AS_REQ || type == KRB_TGS_REQ;
        }
    }
    return waits;
}

/* Until when Kerberos belongs to the attempt. After a final answer: not at all. A client that was
 * asked for a token looks for a KDC at once; what comes after a pause is another logon. Where the
 * client goes on to another server, the longest pause between the two divides them. */
static int64_t krb_end(const struct view *v)
{
    const struct exchange *last = attempt_last(v->attempt);
    int64_t begin = v->attempt->last_ns;
    bool waits = last->response == NULL ||
                 ((last->response->u.http.status == 401 || last->response->u.http.status == 407) &&
                  (!moment_has_token(last->request) || moment_is_middle_401(last->response)));
    if (!waits) {
        return begin;
    }
    const struct attempt *next = next_attempt(v);
    if (next != NULL && !waits_for_kdc(v, begin, next->first_ns)) {
        for (int64_t pause_ns = SILENCE_MIN_S * NS_PER_S; pause_ns >= NS_PER_MS; pause_ns /= 2) {
            int64_t end = chain_end(v, begin, pause_ns, next->first_ns);
            if (next->first_ns - end > pause_ns) {
                return end < v->to_ns ? end : v->to_ns;
            }
        }
        return next->first_ns - 1 < v->to_ns ? next->first_ns - 1 : v->to_ns;
    }
    int64_t end = chain_end(v, begin, SILENCE_MIN_S * NS_PER_S, INT64_MAX);
    return end < v->to_ns ? end : v->to_ns;
}

/* Is anything of the client seen but its talk with the server? The server's other addresses are
 * not, where the capture was taken at it (an NLB node has two). */
static bool has_other_leg(struct case_file *c, const struct client *client,
                          const struct moment *request)
{
    const struct address *server = &request->to.address;
    uint16_t capture = request->capture % CAPTURES_MAX;
    (void)case_vantage(c, c->group_of_capture[capture]);
    bool is_at_server = case_is_at(c, capture, server);
    for (size_t i = 0; i < client->num_peers; i++) {
        const struct address *peer = &client->peers[i];
        if (!address_equal(peer, server) && !(is_at_server && case_is_at(c, capture, peer))) {
            return true;
        }
    }
    return false;
}

/* Whose ticket for the service was obtained; empty: nobody's. */
static struct bytes holder_of_ticket(const struct view *v)
{
    struct bytes holder = {0};
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        if (v->tgs_related[i] && t->reply != NULL && t->reply->u.krb.type == KRB_TGS_REP) {
            holder = t->reply->u.krb.cname;
        }
    }
    return holder;
}

/* A logon of another account that failed is no step on the way to this one's ticket. */
static bool is_failed_logon_of_another(const struct transaction *t, struct bytes holder)
{
    return t->type == KRB_AS_REQ && t->request != NULL && t->request->u.krb.cname.len > 0 &&
           transaction_is_error(t) && !krb_code_is_step(t->reply->u.krb.error_code) &&
           !bytes_equal_nocase(t->request->u.krb.cname, holder);
}

void view_add_krb(struct view *v)
{
    transaction_collect(v);
    for (size_t i = 0; i < v->num_transactions; i++) {
        v->tgs_related[i] = is_related(v, &v->transactions[i]);
    }
    struct bytes holder = v->attempt == NULL ? (struct bytes){0} : holder_of_ticket(v);
    size_t num = 0;
    for (size_t i = 0; i < v->num_transactions; i++) {
        if (holder.len == 0 || !is_failed_logon_of_another(&v->transactions[i], holder)) {
            v->tgs_related[num] = v->tgs_related[i];
            v->transactions[num++] = v->transactions[i];
        }
    }
    v->num_transactions = num;
}

void view_narrow(struct view *v, int64_t from_ns, int64_t to_ns)
{
    v->from_ns = from_ns > v->from_ns ? from_ns : v->from_ns;
    v->service_from_ns = v->from_ns;
    v->to_ns = to_ns < v->to_ns ? to_ns : v->to_ns;
    v->krb_to_ns = v->to_ns < v->krb_to_ns ? v->to_ns : v->krb_to_ns;
    lookup_collect(v);
    resolution_of(v, v->host, &v->resolution);
}

void view_begin(struct view *v, struct case_file *c, struct client *client, const struct attempt *a,
                struct bytes host)
{
    *v = (struct view){.c = c,
                       .client = client,
                       .attempt = a,
                       .arena = &c->scratch,
                       .host = host,
                       .from_ns = INT64_MIN,
                       .to_ns = INT64_MAX,
                       .krb_to_ns = INT64_MAX};
    if (a != NULL) {
        fill_attempt(v);
    } else if (client->is_judged_in_part) {
        v->from_ns = client->judged_to_ns;
    }
    if (a == NULL && c->live != NULL) {
        v->to_ns = v->krb_to_ns = live_round_end(c);
    }
    v->kdc_visible = a == NULL || has_other_leg(c, client, a->exchanges[0].request);
    lookup_collect(v);
    if (v->host.len > 0 && !v->host_is_address) {
        resolution_of(v, v->host, &v->resolution);
    }
    v->service_from_ns = v->from_ns;
}

void view_fill(struct view *v, struct case_file *c, struct client *client, const struct attempt *a,
               struct bytes host)
{
    view_begin(v, c, client, a, host);
    /* Kerberos before the last attempt's end was that attempt's. */
    if (a != NULL && client->has_attempt_end && client->last_attempt_end_ns < a->first_ns &&
        client->last_attempt_end_ns > v->from_ns) {
        v->from_ns = client->last_attempt_end_ns;
    }
    if (a != NULL) {
        v->krb_to_ns = krb_end(v);
    }
    view_add_krb(v);
}
