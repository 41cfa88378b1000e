/* Runs the detectors, and those about outcome, DNS and TCP. */
#include "diagnose/facts.h"

#include "base/civil.h"
#include "diagnose/referral.h"

#include <assert.h>
#include <stdarg.h>

#define WHY_BYTES_MAX 400

static const struct {
    const char *text;
    bool (*detect)(const struct judgement *j, uint32_t parameter, struct proof *p);
    uint32_t parameter;
} facts[FACT_COUNT] = {
#define FACT(name, detector, value, statement)                                                     \
    [FACT_##name] = {.text = statement, .detect = detect_##detector, .parameter = value},
#include "diagnose/facts.def"
#undef FACT
};

const char *fact_text(enum fact fact)
{
    assert(fact > FACT_NONE && fact < FACT_COUNT);
    return facts[fact].text;
}

static void add_ref(const struct judgement *j, struct proof *p, uint16_t capture, uint32_t frame,
                    const char *format, va_list args)
{
    char buffer[WHY_BYTES_MAX];
    if (p->num == PROOF_FRAMES_MAX || frame == 0) {
        return;
    }
    for (size_t i = 0; i < p->num; i++) {
        if (p->refs[i].frame == frame && p->refs[i].capture == capture) {
            return;
        }
    }
    struct text why;
    text_init(&why, buffer, sizeof buffer);
    text_format_list(&why, format, args);
    struct frame_ref *ref = &p->refs[p->num++];
    *ref = (struct frame_ref){.capture = capture, .frame = frame};
    ref->why = text_keep(&why, j->v->arena);
}

void proof_add(const struct judgement *j, struct proof *p, const struct moment *m, const char *why,
               ...)
{
    va_list args;
    if (m == NULL) {
        return;
    }
    va_start(args, why);
    add_ref(j, p, m->capture, m->frame, why, args);
    va_end(args);
}

void proof_add_frame(const struct judgement *j, struct proof *p, uint16_t capture, uint32_t frame,
                     const char *why, ...)
{
    va_list args;
    va_start(args, why);
    add_ref(j, p, capture, frame, why, args);
    va_end(args);
}

static bool is_step(const struct transaction *t)
{
    return krb_code_is_step(t->reply->u.krb.error_code);
}

static bool is_same_client(const struct transaction *a, const struct transaction *b)
{
    struct bytes x = transaction_names(a)->cname;
    struct bytes y = transaction_names(b)->cname;
    return x.len == 0 || y.len == 0 || bytes_equal_nocase(x, y);
}

/* One error again: the first of them stands for all. */
static bool is_same_error(const struct transaction *a, const struct transaction *b)
{
    return a != NULL && a->reply->u.krb.error_code == b->reply->u.krb.error_code;
}

/* The last AS exchange for a TGT decides: a success after a failure mends it. */
static void find_as(struct judgement *j)
{
    const struct view *v = j->v;
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        if (t->type != KRB_AS_REQ || t->is_changepw || t->reply == NULL) {
            continue;
        }
        if (!transaction_is_error(t)) {
            j->as_success = t;
            if (j->as_failure == NULL || is_same_client(j->as_failure, t)) {
                j->as_failure = NULL;
            }
        } else if (is_step(t)) {
            bool is_open = j->as_failure == NULL ? j->as_success == NULL : is_step(j->as_failure);
            j->as_failure = is_open ? t : j->as_failure;
        } else if (!is_same_error(j->as_failure, t)) {
            j->as_failure = t;
        }
    }
}

static void find_tgs(struct judgement *j)
{
    const struct view *v = j->v;
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        if (!v->tgs_related[i] || t->reply == NULL) {
            continue;
        }
        struct bytes ignored;
        if (transaction_is_referral(t, &ignored)) {
            continue; /* on the way to the service's ticket, which it is not */
        }
        if (!transaction_is_error(t)) {
            j->tgs_success = t;
            j->tgs_failure = NULL;
        } else if (!is_step(t) && !is_same_error(j->tgs_failure, t)) {
            j->tgs_failure = t;
        }
    }
}

/* The request for another realm's TGT that failed, when the client never came to ask for the
 * service's ticket. */
static void find_crossing(struct judgement *j)
{
    const struct view *v = j->v;
    bool asked = false;
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        asked = asked || v->tgs_related[i];
        if (!referral_is_crossing(j, t)) {
            continue;
        }
        j->has_crossing = true;
        bool failed = transaction_is_error(t) && !is_step(t);
        if (failed && !is_same_error(j->tgs_failure, t)) {
            j->tgs_failure = t;
        } else if (t->reply != NULL && !failed) {
            j->tgs_failure = NULL;
        }
    }
    j->is_crossing_failed = j->tgs_failure != NULL;
    if (asked || j->reading.krb != NULL) {
        j->tgs_failure = NULL;
        j->is_crossing_failed = false;
    }
}

void facts_find(struct judgement *j)
{
    find_as(j);
    find_crossing(j);
    find_tgs(j);
    referral_walk(j);
    for (size_t i = FACT_NONE + 1; i < FACT_COUNT; i++) {
        j->proofs[i].num = 0;
        j->seen[i] = facts[i].detect(j, facts[i].parameter, &j->proofs[i]);
    }
}

bool detect_outcome(const struct judgement *j, uint32_t mask, struct proof *p)
{
    const struct exchange *last = j->reading.last;
    if ((mask & 1U << j->outcome) == 0) {
        return false;
    }
    if (last != NULL && last->response != NULL) {
        proof_add(j, p, last->response, "the server answered %u", last->response->u.http.status);
    }
    return true;
}

bool detect_http_seen(const struct judgement *j, uint32_t wanted, struct proof *p)
{
    (void)p;
    return (j->v->attempt != NULL) == (wanted != 0);
}

bool detect_name_state(const struct judgement *j, uint32_t state, struct proof *p)
{
    const struct resolution *r = &j->v->resolution;
    if ((uint32_t)r->state != state) {
        return false;
    }
    for (size_t i = 0; i < r->num_evidence; i++) {
        const struct moment *m = r->evidence[i];
        const struct bytes name = r->name;
        if (m->kind == EVENT_ICMP_UNREACHABLE) {
            proof_add(j, p, m, "ICMP for the question: %s", icmp_words(icmp_meaning(&m->u.icmp)));
        } else if (!m->u.dns.is_response) {
            proof_add(j, p, m, "asked for %.*s", (int)name.len, (const char *)name.at);
        } else {
            const char *rcode = dns_rcode_name(m->u.dns.rcode);
            proof_add(j, p, m, "DNS answered %s for %.*s", rcode == NULL ? "an error" : rcode,
                      (int)name.len, (const char *)name.at);
        }
    }
    return true;
}

bool detect_name_is_alias(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct resolution *r = &j->v->resolution;
    if (r->canonical.len == 0) {
        return false;
    }
    proof_add(j, p, r->num_evidence > 0 ? r->evidence[0] : NULL, "%.*s is an alias of %.*s",
              (int)r->name.len, (const char *)r->name.at, (int)r->canonical.len,
              (const char *)r->canonical.at);
    return true;
}

bool detect_name_is_short(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    (void)p;
    const struct bytes host = j->v->host;
    return host.len > 0 && !j->v->host_is_address && bytes_find(host, '.', 0) == host.len;
}

bool detect_name_is_address(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    if (j->reading.last == NULL || !j->v->host_is_address) {
        return false;
    }
    proof_add(j, p, j->reading.last->request, "Host is an address");
    return true;
}

/* Connections that this attempt made, or (without HTTP) to the addresses that DNS gave. */
static bool is_to_server(const struct judgement *j, const struct conn *conn)
{
    if (address_equal(&conn->server.address, &j->v->server.address)) {
        return j->v->server.port == 0 || conn->server.port == j->v->server.port;
    }
    return false;
}

bool detect_connected(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    if (j->v->attempt != NULL) {
        const struct conn *conn = j->reading.last->conn;
        if (conn != NULL && conn->connect_at.frame != 0) {
            proof_add_frame(j, p, conn->connect_at.capture, conn->connect_at.frame,
                            "the connection was set up");
        }
        return true;
    }
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(j->v, conn)) != NULL) {
        if (conn->connected && is_to_server(j, conn)) {
            return true;
        }
    }
    return false;
}

static bool is_address_of_host(const struct view *v, const struct address *a)
{
    for (size_t i = 0; i < v->resolution.num_addresses; i++) {
        if (address_equal(&v->resolution.addresses[i], a)) {
            return true;
        }
    }
    return false;
}

/* Only for a client that asked for a ticket to that host: others' TLS says nothing of a logon. */
bool detect_tls_to_host(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct view *v = j->v;
    const struct client *client = v->client;
    bool asked = false;
    for (size_t i = 0; i < v->num_transactions; i++) {
        asked = asked || v->tgs_related[i];
    }
    if (v->attempt != NULL || !asked || v->host.len == 0) {
        return false;
    }
    for (unsigned i = 0; i < client->num_tls && i < CLIENT_TLS_MAX; i++) {
        if (is_address_of_host(v, &client->tls[i].server)) {
            proof_add_frame(j, p, client->tls[i].capture, client->tls[i].frame,
                            "TLS with that host begins");
            return true;
        }
    }
    if (host_matches(bytes_of(client->tunnel_host), v->host)) {
        proof_add_frame(j, p, client->tunnel.capture, client->tunnel.frame,
                        "a tunnel to that host through a proxy");
        return true;
    }
    return false;
}

/* judge_client.c found the host; without --host nobody knows that the TLS matters. */
bool detect_tls_to_named(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct client *client = j->v->client;
    if (j->v->attempt != NULL || j->v->c->options.num_hosts == 0) {
        return false;
    }
    for (unsigned i = 0; i < client->num_tls && i < CLIENT_TLS_MAX; i++) {
        if (address_equal(&client->tls[i].server, &j->v->server.address)) {
            proof_add_frame(j, p, client->tls[i].capture, client->tls[i].frame,
                            "TLS with that host begins");
            return true;
        }
    }
    return false;
}

bool detect_syn_unanswered(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct conn *conn = NULL;
    bool found = false;
    while ((conn = view_next_conn(j->v, conn)) != NULL) {
        if (is_to_server(j, conn) && conn_is_unanswered(j->v, conn)) {
            proof_add_frame(j, p, conn->syn_at.capture, conn->syn_at.frame,
                            "SYN, sent %u times in %.1f s, never answered", conn->num_syns,
                            (double)(conn->last_syn_ns - conn->first_syn_ns) / 1e9);
            found = true;
        }
    }
    return found;
}

bool detect_syn_refused(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct conn *conn = NULL;
    bool found = false;
    while ((conn = view_next_conn(j->v, conn)) != NULL) {
        if (is_to_server(j, conn) && conn->refused) {
            proof_add_frame(j, p, conn->refused_at.capture, conn->refused_at.frame,
                            "RST to the SYN");
            found = true;
        }
    }
    return found;
}

bool detect_server_icmp(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    const struct conn *conn = NULL;
    bool found = false;
    while ((conn = view_next_conn(j->v, conn)) != NULL) {
        if (is_to_server(j, conn) && conn->icmp_refused) {
            proof_add_frame(j, p, conn->icmp_at.capture, conn->icmp_at.frame,
                            "ICMP for the server: %s", icmp_words(conn->icmp));
            found = true;
        }
    }
    return found;
}

/* The answer to a neighbour's question goes to the asker alone: a capture at another host of the
 * link holds the questions, which everybody gets, and none of the answers. */
static bool shows_answers(const struct judgement *j, uint16_t capture)
{
    struct case_file *c = j->v->c;
    enum vantage vantage = case_vantage(c, c->group_of_capture[capture % CAPTURES_MAX]);
    return vantage != VANTAGE_BETWEEN && case_is_at(c, capture, &j->v->client->address);
}

/* One search: the questions come soon after another; where answers could not be seen, by a timer
 * (one may have been lost). */
static bool is_asked_again(int64_t gap_ns, bool shows_answers)
{
    int64_t beats = gap_ns > NEIGHBOUR_BEAT_MAX_MS * NS_PER_MS ? 2 : 1;
    return shows_answers ? gap_ns <= NEIGHBOUR_REPEAT_MAX_MS * NS_PER_MS
                         : gap_ns >= beats * NEIGHBOUR_BEAT_MIN_MS * NS_PER_MS &&
                               gap_ns <= beats * NEIGHBOUR_BEAT_MAX_MS * NS_PER_MS;
}

/* Questions of this client for target that nobody answered: at least three in a row, over 1 s at
 * least. Who was answered does not ask again at once; where answers could not be seen, nothing but
 * the beat of a timer counts.
 */
static bool neighbour_is_silent(const struct judgement *j, const struct address *target,
                                int64_t from_ns, struct proof *p)
{
    const struct moment *first = NULL;
    const struct moment *last = NULL;
    unsigned num = 0;
    bool found = false;
    for (const struct moment *m = j->v->client->logs[LOG_OTHER].first; m != NULL; m = m->next) {
        if (m->time_ns < from_ns || m->time_ns > j->v->to_ns ||
            (m->kind != EVENT_NEIGHBOUR_REQUEST && m->kind != EVENT_NEIGHBOUR_REPLY) ||
            !address_equal(&m->u.neighbour.target, target)) {
            continue;
        }
        if (m->kind == EVENT_NEIGHBOUR_REPLY) {
            return false;
        }
        bool goes_on = last != NULL &&
                       is_asked_again(m->time_ns - last->time_ns, shows_answers(j, m->capture));
        if (found && !goes_on) {
            break; /* one run proves it */
        }
        if (!goes_on) {
            first = m;
            num = 0;
        }
        last = m;
        num++;
        found = num >= 3 && last->time_ns - first->time_ns >= GIVE_UP_MIN_S * NS_PER_S;
    }
    if (!found || view_end_ns(j->v, first->capture) - first->time_ns < SILENCE_MIN_S * NS_PER_S) {
        return false;
    }
    proof_add(j, p, first, "asked %u times who has the address, never answered", num);
    proof_add(j, p, last, "the last of these questions");
    return true;
}

bool detect_neighbour_silent(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    return j->v->server.address.family != ADDRESS_NONE &&
           neighbour_is_silent(j, &j->v->server.address, j->v->from_ns, p);
}

bool fact_absent_host(const struct judgement *j, int64_t from, bool is_known_kdc, struct proof *p)
{
    for (const struct moment *m = j->v->client->logs[LOG_OTHER].first; m != NULL; m = m->next) {
        if (m->kind == EVENT_NEIGHBOUR_REQUEST && m->time_ns >= from && m->time_ns <= j->v->to_ns &&
            !address_equal(&m->u.neighbour.target, &j->v->server.address) &&
            (!is_known_kdc || view_is_kdc(j->v, &m->u.neighbour.target)) &&
            neighbour_is_silent(j, &m->u.neighbour.target, from, p)) {
            return true;
        }
    }
    return false;
}

/* After the challenge the client looked for a host that is not there, and sent no token. */
static int64_t challenge_ns(const struct judgement *j)
{
    const struct exchange *x = j->reading.first_anonymous_401;
    return x == NULL ? j->v->from_ns : x->response->time_ns;
}

bool detect_kdc_absent(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    return fact_absent_host(j, challenge_ns(j), false, p);
}

bool detect_known_kdc_absent(const struct judgement *j, uint32_t unused, struct proof *p)
{
    (void)unused;
    int64_t from_ns = challenge_ns(j);
    for (size_t i = 0; i < j->v->num_transactions; i++) {
        const struct transaction *t = &j->v->transactions[i];
        if (t->reply != NULL && t->reply->time_ns >= from_ns) {
            return false;
        }
    }
    return fact_absent_host(j, from_ns, true, p);
}
