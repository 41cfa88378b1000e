/* Notes beside a verdict: nothing is broken by them, and they are worth knowing. */
#include "diagnose/judge.h"

#define NOTES_PER_ATTEMPT_MAX 16
#define DNS_SLOW_S 2
#define KDC_SLOW_S 1.0
#define FAILOVER_NOTED_S 0.5 /* lost at KDCs that do not answer */
#define KERBEROS_PORT 88
#define NOTED_SKEW_PART 5  /* a fifth of the limit is worth a note */
#define DNS_NXDOMAIN 3     /* RFC 1035 4.1.1 */
#define ETYPE_AES_FIRST 17 /* RFC 3962: 17 and 18; RFC 8009: 19 and 20 */
#define ETYPE_AES_LAST 20

static void add_line(struct bytes *list, size_t *num, struct bytes line)
{
    if (list != NULL && *num < NOTES_PER_ATTEMPT_MAX && line.len > 0) {
        list[(*num)++] = line;
    }
}

static bool is_rc4(int32_t etype)
{
    return etype == 23 || etype == 24 || etype == -133 || etype == -135;
}

/* Did the client ask the local network for its host too: LLMNR, NetBIOS, mDNS? */
static const struct moment *local_question(const struct view *v)
{
    for (const struct moment *m = v->client->logs[LOG_DNS].first; m != NULL; m = m->next) {
        bool is_ours = m->time_ns >= v->from_ns && m->time_ns <= v->to_ns;
        if (is_ours && m->u.dns.flavour != DNS_PLAIN && host_matches(m->u.dns.question, v->host)) {
            return m;
        }
    }
    return NULL;
}

/* Time that connections to KDCs that failed took, until one was set up. */
static double lost_connecting_s(const struct judgement *j)
{
    const struct conn *conn = NULL;
    int64_t failed_ns = INT64_MIN;
    int64_t sum_ns = 0;
    while ((conn = view_next_conn(j->v, conn)) != NULL) {
        if (conn->server.port != KERBEROS_PORT) {
            continue;
        }
        if (!conn->connected) {
            failed_ns = failed_ns == INT64_MIN ? conn->first_ns : failed_ns;
        } else if (failed_ns != INT64_MIN) {
            sum_ns += conn->first_ns - failed_ns;
            failed_ns = INT64_MIN;
        }
    }
    return (double)sum_ns / 1e9;
}

/* KDCs that did not answer before another one did, and the time that this cost. */
static void note_failover(const struct judgement *j, struct bytes *notes, size_t *num)
{
    const struct transaction *first = NULL;
    double first_s = 0;
    double all_s = lost_connecting_s(j);
    for (size_t i = 0; i < j->v->num_transactions; i++) {
        const struct transaction *t = &j->v->transactions[i];
        if (t->state == TRANSACTION_ANSWERED && t->num_sent > 1 && t->request != NULL &&
            !address_equal(&t->request->to.address, &t->reply->from.address)) {
            double took_s = (double)(t->reply->time_ns - t->request->first_time_ns) / 1e9;
            first_s = first == NULL ? took_s : first_s;
            first = first == NULL ? t : first;
            all_s += took_s;
        }
    }
    if (first != NULL) {
        char buffer[64];
        struct text kdc;
        text_init(&kdc, buffer, sizeof buffer);
        address_print(&kdc, &first->request->to.address);
        add_line(notes, num,
                 judge_text(j, "The KDC %s did not answer; another one did after %.1f s.", kdc.at,
                            first_s));
    }
    if (all_s - first_s >= FAILOVER_NOTED_S) {
        add_line(
            notes, num,
            judge_text(j, "KDCs that cannot be reached cost the client %.1f s in all.", all_s));
    }
}

/* A KDC that answers, but late. */
static void note_slow_kdc(const struct judgement *j, struct bytes *notes, size_t *num)
{
    const struct transaction *slowest = NULL;
    double slowest_s = KDC_SLOW_S;
    for (size_t i = 0; i < j->v->num_transactions; i++) {
        const struct transaction *t = &j->v->transactions[i];
        if (t->state != TRANSACTION_ANSWERED || t->request == NULL ||
            !address_equal(&t->request->to.address, &t->reply->from.address)) {
            continue;
        }
        double took_s = (double)(t->reply->time_ns - t->request->first_time_ns) / 1e9;
        if (took_s > slowest_s) {
            slowest = t;
            slowest_s = took_s;
        }
    }
    if (slowest != NULL) {
        char buffer[64];
        struct text kdc;
        text_init(&kdc, buffer, sizeof buffer);
        address_print(&kdc, &slowest->kdc);
        add_line(notes, num,
                 judge_text(j, "Frame %u: the KDC %s took %.1f s to answer.", slowest->reply->frame,
                            kdc.at, slowest_s));
    }
}

/* Questions for the full name with a search suffix behind it, which never exist. */
static void note_suffixes(const struct judgement *j, struct bytes *notes, size_t *num)
{
    const struct bytes host = j->v->host;
    const struct moment *first = NULL;
    unsigned found = 0;
    if (bytes_find(host, '.', 0) >= host.len || j->v->host_is_address) {
        return;
    }
    for (size_t i = 0; i < j->v->num_lookups; i++) {
        const struct lookup *l = &j->v->lookups[i];
        bool is_longer = l->name.len > host.len + 1 && l->name.at[host.len] == '.' &&
                         bytes_equal_nocase(bytes_part(l->name, 0, host.len), host);
        if (is_longer && l->response != NULL && l->response->u.dns.rcode == DNS_NXDOMAIN) {
            first = first == NULL ? l->response : first;
            found += l->num_sent;
        }
    }
    if (first != NULL) {
        add_line(notes, num,
                 judge_text(j,
                            "Frame %u: %u useless question%s to DNS for %.*s with a search suffix "
                            "behind it; a dot at its end would avoid them.",
                            first->frame, found, found == 1 ? "" : "s", (int)host.len,
                            (const char *)host.at));
    }
}

/* Did the client offer AES when it asked for this service's ticket? */
static bool offered_aes(const struct view *v)
{
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        if (t->type != KRB_TGS_REQ || t->request == NULL || !v->tgs_related[i]) {
            continue;
        }
        for (size_t k = 0; k < t->request->u.krb.num_etypes; k++) {
            int32_t etype = t->request->u.krb.etypes[k];
            if (etype >= ETYPE_AES_FIRST && etype <= ETYPE_AES_LAST) {
                return true;
            }
        }
    }
    return false;
}

static void note_rc4(const struct judgement *j, struct bytes *notes, size_t *num)
{
    if (j->reading.krb == NULL || !is_rc4(j->reading.krb->request->u.http.ticket.etype)) {
        return;
    }
    add_line(notes, num,
             judge_text(j,
                        "The ticket is encrypted with RC4%s; domain controllers stop issuing such "
                        "tickets. Give the service account AES keys.",
                        offered_aes(j->v) ? ", although the client offered AES" : ""));
}

/* The MP registers clients that it refuses, too: ApprovalMethod and IsIntegratedAuth are 1 only
 * after Kerberos. */
static void note_registration(const struct judgement *j, struct bytes *notes, size_t *num)
{
    const struct exchange *last = j->reading.last;
    bool is_in = j->outcome == OUTCOME_APPROVED_NTLM || j->outcome == OUTCOME_ACCEPTED_ANONYMOUS;
    if (is_in && last != NULL && last->request->u.http.is_ccm_post) {
        add_line(notes, num,
                 bytes_of("A status of 2xx is no proof of approval: the management point registers "
                          "a client without Kerberos too, and may leave it unapproved."));
    }
}

static void note_clock(const struct judgement *j, const struct offset *o, const char *whose,
                       const char *than, struct bytes *notes, size_t *num)
{
    if (offset_is_beyond(o, j->v->c->options.skew_limit_s / NOTED_SKEW_PART)) {
        add_line(notes, num,
                 judge_text(j, "%s clock is %.1f s %s %s (limit %.0f s).", whose,
                            o->value < 0 ? -o->value : o->value,
                            o->value < 0 ? "behind" : "ahead of", than,
                            j->v->c->options.skew_limit_s));
    }
}

void notes_fill(const struct judgement *j, struct attempt_record *out)
{
    struct bytes *notes =
        arena_alloc_array(&j->v->c->out.arena, NOTES_PER_ATTEMPT_MAX, sizeof *notes);
    const struct attempt *a = j->v->attempt;
    const struct resolution *r = &j->v->resolution;
    const bool was_let_in = j->outcome == OUTCOME_APPROVED || j->outcome == OUTCOME_APPROVED_NTLM ||
                            j->outcome == OUTCOME_ACCEPTED_ANONYMOUS;
    if (a != NULL && a->fallback != NULL && !was_let_in) {
        add_line(notes, &out->num_notes,
                 judge_text(j,
                            "Frame %u: the client then posted to %.*s without authentication: "
                            "registered, not approved.",
                            a->fallback->frame, (int)a->fallback->u.http.path.len,
                            (const char *)a->fallback->u.http.path.at));
    }
    if (a != NULL && a->num_later_requests > 0) {
        add_line(notes, &out->num_notes,
                 judge_text(j, "%u further request%s on the authenticated connection.",
                            a->num_later_requests, a->num_later_requests == 1 ? "" : "s"));
    }
    if (a != NULL && a->is_again && a->num_exchanges > 0) {
        add_line(notes, &out->num_notes,
                 judge_text(j,
                            "Frame %u: authenticated once more on a connection that was "
                            "authenticated already; each time costs a round trip, or a token as "
                            "long as this one (IIS: authPersistNonNTLM).",
                            a->exchanges[0].request->frame));
    }
    if (!was_let_in || j->seen[FACT_TICKET_REFUSED]) {
        add_line(notes, &out->num_notes, hint_of_own_name(j));
        add_line(notes, &out->num_notes, hint_of_front_tls(j));
    }
    if (!was_let_in) {
        add_line(notes, &out->num_notes, hint_of_split(j));
        add_line(notes, &out->num_notes, hint_of_fragments(j));
        add_line(notes, &out->num_notes, hint_of_error(j));
        add_line(notes, &out->num_notes, hint_of_rodc(j));
        add_line(notes, &out->num_notes, hint_of_loopback(j));
        add_line(notes, &out->num_notes, hint_of_path(j));
    }
    note_rc4(j, notes, &out->num_notes);
    note_registration(j, notes, &out->num_notes);
    if (r->state == RESOLUTION_OK && r->cost_s > DNS_SLOW_S) {
        add_line(notes, &out->num_notes,
                 judge_text(j, "DNS took %.1f s and %u %s to answer for %.*s.", r->cost_s,
                            r->num_failed_before + 1,
                            r->num_failed_before == 0 ? "query" : "queries", (int)r->name.len,
                            (const char *)r->name.at));
    }
    const struct moment *local = local_question(j->v);
    if (local != NULL) {
        add_line(notes, &out->num_notes,
                 judge_text(j, "Frame %u: the client also asked the local network for %.*s.",
                            local->frame, (int)local->u.dns.question.len,
                            (const char *)local->u.dns.question.at));
    }
    note_failover(j, notes, &out->num_notes);
    note_slow_kdc(j, notes, &out->num_notes);
    note_suffixes(j, notes, &out->num_notes);
    note_clock(j, &j->kdc_to_server, "The server's", "the KDC's", notes, &out->num_notes);
    note_clock(j, &j->client_to_kdc, "The KDC's", "the client's", notes, &out->num_notes);
    out->notes = notes;
}
