/* Judges one attempt: view, reading, facts, rules, record. */
#include "diagnose/judge.h"
#include "diagnose/live_private.h"
#include "diagnose/referral.h"

#include "base/civil.h"
#include "diagnose/logs_private.h"

#include <stddef.h>
#include <string.h>

#define TEXT_BYTES_MAX 1000
#define KERBEROS_PORT 88
#define TRYING_PASSES_MAX 16 /* over the transactions after an attempt's last exchange */

struct bytes judge_text(const struct judgement *j, const char *format, ...)
{
    char buffer[TEXT_BYTES_MAX];
    struct text t;
    va_list args;
    text_init(&t, buffer, sizeof buffer);
    va_start(args, format);
    text_format_list(&t, format, args);
    va_end(args);
    return text_keep(&t, &j->v->c->out.arena);
}

static struct bytes keep(const struct judgement *j, struct bytes b)
{
    struct bytes kept;
    (void)arena_copy(&j->v->c->out.arena, b, &kept);
    return kept;
}

static struct bytes at_realm(const struct judgement *j, struct bytes name, struct bytes realm)
{
    if (name.len == 0) {
        return name;
    }
    if (realm.len == 0) {
        return keep(j, name);
    }
    return judge_text(j, "%.*s@%.*s", (int)name.len, (const char *)name.at, (int)realm.len,
                      (const char *)realm.at);
}

static struct bytes principal_of(const struct judgement *j)
{
    const struct view *v = j->v;
    struct bytes found = {0};
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        const struct krb_moment *reply = t->reply == NULL ? NULL : &t->reply->u.krb;
        const struct krb_moment *asked = transaction_names(t);
        if (reply != NULL && reply->type != KRB_ERROR_MSG && reply->cname.len > 0) {
            found = at_realm(j, reply->cname, reply->crealm);
        } else if (found.len == 0 && asked->cname.len > 0) {
            found = at_realm(j, asked->cname, asked->realm);
        }
    }
    if (found.len == 0 && j->reading.ntlm_authenticate != NULL) {
        const struct http_moment *h = &j->reading.ntlm_authenticate->request->u.http;
        if (h->ntlm_user.len > 0) {
            found = judge_text(j, "%.*s\\%.*s", (int)h->ntlm_domain.len,
                               (const char *)h->ntlm_domain.at, (int)h->ntlm_user.len,
                               (const char *)h->ntlm_user.at);
        }
    }
    return found;
}

static struct bytes spn_of(const struct judgement *j)
{
    if (j->reading.krb != NULL && j->reading.krb->request->u.http.ticket.present) {
        const struct ticket_sight *t = &j->reading.krb->request->u.http.ticket;
        return at_realm(j, t->sname, t->realm);
    }
    for (size_t i = j->v->num_transactions; i > 0; i--) {
        if (j->v->tgs_related[i - 1]) {
            const struct krb_moment *k = transaction_names(&j->v->transactions[i - 1]);
            return at_realm(j, k->sname, k->realm);
        }
    }
    return (struct bytes){0};
}

static bool matches_any(const char *const *names, size_t num, const struct address *address,
                        struct bytes host)
{
    for (size_t i = 0; i < num; i++) {
        struct address wanted;
        struct bytes name = bytes_of(names[i]);
        if (address_parse(name, &wanted) ? address_equal(&wanted, address)
                                         : host_matches(name, host)) {
            return true;
        }
    }
    return num == 0;
}

bool judge_host_is_wanted(const struct case_file *c, const struct address *address,
                          struct bytes host)
{
    return matches_any(c->options.hosts, c->options.num_hosts, address, host);
}

bool judge_client_is_wanted(const struct case_file *c, const struct address *address,
                            struct bytes principal)
{
    struct bytes user = bytes_part(principal, 0, bytes_find(principal, '@', 0));
    user = bytes_part(user, 0, bytes_find(user, '$', 0));
    return matches_any(c->options.clients, c->options.num_clients, address, user);
}

bool judge_is_wanted(const struct case_file *c, const struct attempt_record *out)
{
    return judge_host_is_wanted(c, &out->server.address, out->host) &&
           judge_client_is_wanted(c, &out->client.address, out->principal);
}

/* A client's principal and name are known by its own tickets even when this attempt shows none. */
static void fill_http(const struct judgement *j, struct attempt_record *out)
{
    const struct attempt *a = j->v->attempt;
    const struct moment *first = a->exchanges[0].request;
    out->kind = a->is_ccm ? KIND_CCM_APPROVAL : KIND_HTTP_NEGOTIATE;
    out->client = first->from;
    out->server = first->to;
    out->capture = first->capture;
    out->method = keep(j, first->u.http.method);
    out->uri = keep(j, first->u.http.path);
    out->first_time_ns = a->first_ns;
    out->last_time_ns = a->last_ns;
    struct attempt_connection *list =
        arena_alloc_array(&j->v->c->out.arena, a->num_exchanges, sizeof *list);
    for (size_t i = 0; list != NULL && i < a->num_exchanges; i++) {
        const struct conn *conn = a->exchanges[i].conn;
        bool is_new = conn != NULL && (i == 0 || a->exchanges[i - 1].conn != conn);
        if (is_new) {
            list[out->num_connections++] =
                (struct attempt_connection){.capture = conn->capture,
                                            .client = conn->local,
                                            .server = conn->server,
                                            .first_frame = conn->first_frame,
                                            .last_frame = conn->last_frame};
        }
    }
    out->connections = list;
}

static void fill_incomplete(const struct judgement *j, struct attempt_record *out)
{
    struct finding *f = &out->verdict;
    const struct exchange *last = j->reading.last;
    *f = (struct finding){.cause = CAUSE_CAPTURE_INCOMPLETE,
                          .step =
                              last != NULL && last->response == NULL ? STEP_ACCEPT : STEP_PRESENT,
                          .confidence = CONFIDENCE_LIKELY};
    if (j->outcome == OUTCOME_APPROVED_NTLM) {
        f->is_note = true;
        f->summary = bytes_of("The client was let in by NTLM; the capture does not show why it did "
                              "not use Kerberos.");
    } else if (j->outcome == OUTCOME_INCOMPLETE) {
        f->summary = bytes_of(j->reading.is_lossy
                                  ? "The capture lacks the frames that would show how it ended."
                                  : "The capture ends before the attempt does.");
    } else if (last != NULL && last->response != NULL && last->response->u.http.status != 401 &&
               last->response->u.http.status != 407) {
        f->step = moment_has_token(last->request) ? STEP_ACCEPT : STEP_CHALLENGE;
        f->summary = judge_text(j, "The server answered %u; the capture does not say why.",
                                last->response->u.http.status);
    } else {
        f->summary = bytes_of("The capture shows that it failed, but lacks the frames that would "
                              "say why.");
    }
    if (last != NULL) {
        struct frame_ref *ref = arena_alloc(&j->v->c->out.arena, sizeof *ref);
        const struct moment *m = last->response != NULL ? last->response : last->request;
        if (ref != NULL) {
            *ref = (struct frame_ref){m->capture, m->frame, bytes_of("the last that was seen")};
            f->evidence = (struct evidence){.at = ref, .num = 1};
        }
    }
    out->has_verdict = true;
}

/* From the first to the last event of what is no HTTP. */
static void fill_span(const struct judgement *j, struct attempt_record *out)
{
    int64_t first = INT64_MAX;
    int64_t last = INT64_MIN;
    for (size_t i = 0; i < out->num_events; i++) {
        const struct event_summary *e = &out->events[i];
        int64_t time_ns = e->time_ns + case_told_shift_ns(j->v->c, e->capture);
        first = time_ns < first ? time_ns : first;
        last = time_ns > last ? time_ns : last;
        out->capture = e->capture;
    }
    out->first_time_ns = first == INT64_MAX ? 0 : first;
    out->last_time_ns = last == INT64_MIN ? 0 : last;
}

/* Let in, of which a line is told and nothing else. */
static bool is_told_briefly(const struct judgement *j)
{
    const struct live *live = j->v->c->live;
    return j->outcome == OUTCOME_APPROVED && live != NULL && live->options.is_brief;
}

void judge_conclude(struct judgement *j, struct attempt_record *out)
{
    facts_find(j);
    out->is_brief = case_is_brief(j->v->c);
    out->outcome = j->outcome;
    out->authenticated_by = j->reading.by;
    out->host = keep(j, j->v->host);
    out->principal = principal_of(j);
    out->spn = spn_of(j);
    out->clocks = (struct attempt_clocks){.client_to_kdc = j->client_to_kdc,
                                          .client_to_server = j->client_to_server,
                                          .kdc_to_server = j->kdc_to_server,
                                          .limit_s = j->v->c->options.skew_limit_s};
    bool is_open = j->outcome == OUTCOME_INCOMPLETE && !j->seen[FACT_TLS_TO_HOST] &&
                   !j->seen[FACT_TLS_TO_NAMED];
    if (j->outcome != OUTCOME_APPROVED && !is_open) {
        rules_apply(j, out);
    }
    if (!out->has_verdict && j->outcome != OUTCOME_APPROVED && j->v->attempt != NULL) {
        fill_incomplete(j, out);
    }
    steps_fill(j, out);
    if (is_told_briefly(j)) {
        out->is_brief = true;
        return;
    }
    const size_t mark = j->v->c->out.arena.used;
    events_fill(j, out);
    if (j->v->attempt == NULL) {
        fill_span(j, out);
    }
    if (out->is_brief) {
        out->events = NULL;
        out->num_events_dropped += (uint32_t)out->num_events;
        out->num_events = 0;
        arena_rewind(&j->v->c->out.arena, mark);
        return;
    }
    advice_fill(j, out);
    steps_hide(j, out);
    notes_fill(j, out);
    referral_keep(j, out);
}

void judge_begin(struct judgement *j, const struct view *v)
{
    memset(j, 0, offsetof(struct judgement, proofs)); /* which facts_find() begins */
    j->v = v;
    reading_of(v, &j->reading);
    clocks_read(v, &j->clocks);
    struct arena *arena = &v->c->out.arena;
    j->kdc_to_server = clock_offset(&j->clocks.kdc, &j->clocks.server, arena);
    j->client_to_kdc = clock_offset(&j->clocks.client, &j->clocks.kdc, arena);
    j->client_to_server = clock_offset(&j->clocks.client, &j->clocks.server, arena);
    j->outcome = j->reading.outcome;
}

/* Is m the transaction's request, its reply, or the request sent again? */
static bool is_of(const struct moment *m, const struct transaction *t)
{
    if (m == t->reply || m == t->request || m == t->last_request) {
        return true;
    }
    return t->num_sent > 2 && t->request != NULL && m->u.krb.type == t->type &&
           m->u.krb.has_nonce && m->u.krb.nonce == t->request->u.krb.nonce &&
           m->time_ns >= t->request->time_ns && m->time_ns <= t->last_request->time_ns;
}

void judge_mark_used(struct client *client, const struct view *v)
{
    for (struct moment *m = client->logs[LOG_KRB].first; m != NULL; m = m->next) {
        for (size_t i = 0; i < v->num_transactions && !m->used; i++) {
            const struct transaction *t = &v->transactions[i];
            bool is_ours = t->type == KRB_AS_REQ || t->is_tgt || v->tgs_related[i];
            m->used = is_ours && is_of(m, t);
        }
    }
}

void judge_keep_clocks(const struct judgement *j, struct record *r)
{
    r->capture_to_kdc = clock_offset_of_capture(&j->clocks.kdc, &j->v->c->out.arena);
    r->capture_to_server = clock_offset_of_capture(&j->clocks.server, &j->v->c->out.arena);
}

/* A load balancer may give each connection to another node: only this one's messages count. */
static void keep_node(const struct judgement *j, struct record *r, const struct conn *conn)
{
    const struct attempt *a = j->v->attempt;
    if (conn == NULL) {
        return;
    }
    struct node_sight *node = &r->node;
    node->hardware = conn->facts.hardware[1];
    for (size_t i = 0; i < a->num_exchanges; i++) {
        const struct moment *m = a->exchanges[i].response;
        if (a->exchanges[i].conn != conn || m == NULL) {
            continue;
        }
        const struct http_moment *h = &m->u.http;
        if (h->ntlm_computer.len > 0) {
            node->name = keep(j, h->ntlm_computer);
            node->named = (struct frame_ref){
                m->capture, m->frame, bytes_of("the server that refused it names itself here")};
        }
        if (h->node_header != NULL || h->server.len > 0 || h->powered_by.len > 0) {
            node->header = h->node_header;
            node->header_value = keep(j, h->node);
            node->server = keep(j, h->server);
            node->powered_by = keep(j, h->powered_by);
            node->answered = (struct frame_ref){
                m->capture, m->frame, bytes_of("its headers tell this server from the other")};
        }
    }
}

static void keep_extras(const struct judgement *j, struct record *r)
{
    const struct exchange *krb = j->reading.krb;
    if (krb != NULL && krb->request->u.http.ticket.present) {
        const struct ticket_sight *t = &krb->request->u.http.ticket;
        r->has_ticket = true;
        r->ticket_sname = keep(j, t->sname);
        r->ticket_realm = keep(j, t->realm);
        r->has_kvno = t->has_kvno;
        r->kvno = t->kvno;
        keep_node(j, r, krb->conn);
    }
}

static bool takes_over(int64_t *end_ns, int64_t first_ns, int64_t last_ns)
{
    if (first_ns - *end_ns > SILENCE_MIN_S * NS_PER_S || last_ns < *end_ns) {
        return false;
    }
    *end_ns = last_ns + 1;
    return true;
}

/* When all that the attempt did was over. A client that was asked for a token may go on trying to
 * reach a KDC in vain, or ask for the ticket again in vain; that belongs to no later attempt. */
static int64_t end_of_trying(const struct judgement *j)
{
    const struct view *v = j->v;
    const struct exchange *last = j->reading.last;
    int64_t end = v->attempt->last_ns;
    if (last == NULL || last->response == NULL || moment_has_token(last->request) ||
        last->response->u.http.status != 401) {
        return end;
    }
    bool is_longer = true;
    for (unsigned pass = 0; is_longer && pass < TRYING_PASSES_MAX; pass++) {
        is_longer = false;
        for (size_t i = 0; i < v->num_transactions; i++) {
            const struct transaction *t = &v->transactions[i];
            bool is_ours = t->reply == NULL || (v->tgs_related[i] && transaction_is_error(t));
            int64_t last_ns = t->reply != NULL ? t->reply->time_ns : t->last_request->time_ns;
            is_longer =
                (is_ours && takes_over(&end, transaction_begin_ns(t), last_ns)) || is_longer;
        }
        const struct conn *conn = NULL;
        while ((conn = view_next_conn(v, conn)) != NULL) {
            is_longer = (conn->server.port == KERBEROS_PORT && !conn->connected &&
                         takes_over(&end, conn->first_ns, conn->last_ns)) ||
                        is_longer;
        }
    }
    return end;
}

/* Everything that a record says of the attempt; the case is as it was. NULL: no room. */
static struct judgement *fill_record(struct case_file *c, struct attempt *a, struct record *r)
{
    arena_reset(&c->scratch);
    struct view *v = arena_reserve_array(&c->scratch, 1, sizeof *v);
    struct judgement *j = arena_reserve_array(&c->scratch, 1, sizeof *j);
    if (v == NULL || j == NULL) {
        return NULL;
    }
    view_fill(v, c, a->client, a, (struct bytes){0});
    judge_begin(j, v);
    fill_http(j, r->out);
    judge_conclude(j, r->out);
    keep_extras(j, r);
    judge_keep_clocks(j, r);
    r->connection = j->reading.last == NULL ? 0 : j->reading.last->request->connection;
    r->is_dropped = !judge_is_wanted(c, r->out);
    return j;
}

bool judge_preview(struct case_file *c, struct attempt *a, struct record *r, int64_t *end_ns)
{
    const struct judgement *j = fill_record(c, a, r);
    if (j == NULL) {
        return false;
    }
    *end_ns = end_of_trying(j);
    judge_mark_used(a->client, j->v);
    return true;
}

void judge_attempt(void *context, struct attempt *a)
{
    struct case_file *c = context;
    struct client *client = a->client;
    bool is_elsewhere = attempt_is_elsewhere(a);
    if (is_elsewhere && !a->is_registration && client->num_ccm_posts > 1) {
        return; /* a registered client's everyday posts */
    }
    struct record *r = case_record(c);
    const struct judgement *j = r == NULL ? NULL : fill_record(c, a, r);
    if (j == NULL) {
        c->out.num_attempts_dropped++;
        return;
    }
    logs_keep_exchanges(c, r, a);
    if (is_elsewhere) {
        r->is_elsewhere_post = !a->is_registration;
        client->provisional = r;
    } else {
        client->num_attempts++;
        client->has_attempt_end = true;
        client->last_attempt_end_ns = end_of_trying(j);
    }
    judge_mark_used(client, j->v);
}
