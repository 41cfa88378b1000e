/* An attempt's events in words: what the ladder shows. */
#include "diagnose/judge.h"

#include "base/civil.h"

#include <stdlib.h>
#include <string.h>

#define SUMMARY_BYTES_MAX 400
#define FIELDS_MAX 12

struct builder {
    const struct judgement *j;
    struct event_summary *events; /* EVENTS_PER_ATTEMPT_MAX */
    size_t num;
    struct event_field *fields; /* FIELDS_MAX, of the event that was added last, or NULL */
    uint32_t num_dropped;
};

static struct event_summary *add(struct builder *b)
{
    if (b->num == EVENTS_PER_ATTEMPT_MAX) {
        b->num_dropped++;
        return NULL;
    }
    struct event_summary *e = &b->events[b->num++];
    *e = (struct event_summary){.complete = true};
    b->fields = NULL;
    return e;
}

/* A field of the event that was added last. */
static void add_value(struct builder *b, const char *name, struct bytes value, bool is_number)
{
    struct arena *arena = &b->j->v->c->out.arena;
    struct event_summary *e = &b->events[b->num - 1];
    if (value.len == 0) {
        return;
    }
    if (b->fields == NULL) {
        b->fields = arena_alloc_array(arena, FIELDS_MAX, sizeof *b->fields);
        e->fields = b->fields;
    }
    if (b->fields == NULL || e->num_fields == FIELDS_MAX) {
        return;
    }
    struct event_field *field = &b->fields[e->num_fields++];
    *field = (struct event_field){.name = name, .is_number = is_number};
    (void)arena_copy(arena, value, &field->value);
}

static void add_field(struct builder *b, const char *name, struct bytes value)
{
    add_value(b, name, value, false);
}

static void add_number(struct builder *b, const char *name, long value)
{
    char buffer[24];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%ld", value);
    add_value(b, name, text_bytes(&t), true);
}

static struct event_summary *add_moment(struct builder *b, const struct moment *m)
{
    struct event_summary *e = add(b);
    if (e == NULL) {
        return NULL;
    }
    e->capture = m->capture;
    e->frame = m->frame;
    uint32_t *frames = arena_alloc_array(&b->j->v->c->out.arena, m->num_frames, sizeof *frames);
    for (size_t i = 0; frames != NULL && i < m->num_frames; i++) {
        frames[i] = m->frames[i];
    }
    e->frames = frames;
    e->num_frames = frames == NULL ? 0 : m->num_frames;
    e->time_ns = m->time_ns;
    e->from = m->from;
    e->to = m->to;
    e->complete = m->complete;
    return e;
}

static void add_krb(struct builder *b, const struct moment *m)
{
    struct event_summary *e = m == NULL ? NULL : add_moment(b, m);
    if (e == NULL) {
        return;
    }
    const struct krb_moment *k = &m->u.krb;
    const char *name = krb_type_name(k->type);
    e->kind = name == NULL ? "KRB" : name;
    if (k->type == KRB_ERROR_MSG) {
        const char *error = krb_error_name(k->error_code);
        e->is_failure = !krb_code_is_step(k->error_code);
        e->summary = judge_text(b->j, "%s (%d)%s%.*s", error == NULL ? "error" : error,
                                (int)k->error_code, k->sname.len > 0 ? " for " : "",
                                (int)k->sname.len, (const char *)k->sname.at);
        add_number(b, "error_code", k->error_code);
        add_field(b, "error_name", bytes_of(error));
    } else if (k->type == KRB_AS_REQ || k->type == KRB_TGS_REQ) {
        struct bytes who = k->cname;
        e->summary =
            judge_text(b->j, "%s%.*s%s%.*s%s", k->sname.len > 0 ? "for " : "", (int)k->sname.len,
                       (const char *)k->sname.at, who.len > 0 ? " by " : "", (int)who.len,
                       (const char *)who.at,
                       k->type == KRB_AS_REQ && k->has_preauth ? ", pre-authenticated" : "");
    } else {
        /* 0: a ticket that was cut short, or is none */
        const char *etype = k->ticket.etype == 0 ? NULL : krb_etype_name(k->ticket.etype);
        e->summary = judge_text(b->j, "ticket%s%.*s%s%s", k->sname.len > 0 ? " for " : "",
                                (int)k->sname.len, (const char *)k->sname.at,
                                etype == NULL ? "" : ", ", etype == NULL ? "" : etype);
    }
    add_field(b, "sname", k->sname);
    add_field(b, "cname", k->cname);
    add_field(b, "realm", k->realm);
    if (k->has_ntstatus) {
        const char *nt = krb_ntstatus_name(k->ntstatus);
        add_field(b, "ntstatus_name", bytes_of(nt));
    }
}

static const char *token_words(const struct http_moment *h)
{
    switch (h->token) {
    case TOKEN_SIGHT_NONE:
        return "no token";
    case TOKEN_SIGHT_UNKNOWN:
        return "cut: a token or none";
    case TOKEN_SIGHT_KRB:
        return "Kerberos AP-REQ";
    case TOKEN_SIGHT_NTLM_1:
        return "NTLM NEGOTIATE";
    case TOKEN_SIGHT_NTLM_3:
        return "NTLM AUTHENTICATE";
    case TOKEN_SIGHT_OTHER:
        break;
    }
    return "another token";
}

static void add_time(struct builder *b, const char *name, bool is_known, int64_t time_ns)
{
    char buffer[40];
    struct text t;
    if (is_known) {
        text_init(&t, buffer, sizeof buffer);
        civil_print(&t, time_ns, 0, true);
        add_field(b, name, text_bytes(&t));
    }
}

static void add_request(struct builder *b, const struct moment *m)
{
    struct event_summary *e = add_moment(b, m);
    if (e == NULL) {
        return;
    }
    const struct http_moment *h = &m->u.http;
    e->kind = "HTTP-REQUEST";
    e->summary = judge_text(b->j, "%.*s %.*s, %s", (int)h->method.len, (const char *)h->method.at,
                            (int)h->path.len, (const char *)h->path.at, token_words(h));
    add_field(b, "method", h->method);
    add_field(b, "path", h->path);
    add_field(b, "token", bytes_of(token_words(h)));
    if (h->ticket.present) {
        add_field(b, "sname", h->ticket.sname);
        if (h->ticket.has_kvno) {
            add_number(b, "kvno", (long)h->ticket.kvno);
        }
    }
    add_field(b, "client_name", h->ccm_name);
    add_field(b, "sms_id", h->ccm_sms_id);
    add_field(b, "request_type", h->ccm_request_type);
    add_time(b, "request_time", h->has_ccm_request_time, h->ccm_request_time_ns);
    add_time(b, "sent_time", h->has_ccm_sent_time, h->ccm_sent_time_ns);
}

static void add_offers(struct text *t, const struct http_moment *h)
{
    for (size_t i = 0; i < h->num_offers; i++) {
        text_add(t, i == 0 ? ", offers " : ", ");
        text_add(t, auth_scheme_name(h->offers[i]));
    }
}

static void add_response(struct builder *b, const struct moment *m)
{
    char buffer[SUMMARY_BYTES_MAX];
    struct text t;
    struct event_summary *e = add_moment(b, m);
    if (e == NULL) {
        return;
    }
    const struct http_moment *h = &m->u.http;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%u", h->status);
    if (h->has_krb_error) {
        const char *name = krb_error_name(h->krb_error);
        text_format(&t, ", %s (%d)", name == NULL ? "KRB-ERROR" : name, (int)h->krb_error);
        add_number(b, "error_code", h->krb_error);
    } else if (h->has_ntlm_challenge) {
        text_add(&t, ", NTLM CHALLENGE");
    } else if (h->has_ap_rep) {
        text_add(&t, ", Kerberos AP-REP");
    } else if (h->status == 401 || h->status == 407) {
        add_offers(&t, h);
    }
    e->kind = "HTTP-RESPONSE";
    e->is_failure = h->has_krb_error || h->status >= 400;
    if (h->status == 401 && !h->has_krb_error) {
        /* The first 401, and a handshake's middle, are no failure. */
        e->is_failure = b->j->reading.last != NULL && b->j->reading.last->response == m &&
                        b->j->outcome == OUTCOME_REFUSED;
    }
    e->summary = text_keep(&t, &b->j->v->c->out.arena);
    add_number(b, "status", (long)h->status);
    add_field(b, "server", h->server);
}

static void add_dns(struct builder *b, const struct moment *m, bool is_failure)
{
    char buffer[SUMMARY_BYTES_MAX];
    struct text t;
    struct event_summary *e = m == NULL ? NULL : add_moment(b, m);
    if (e == NULL) {
        return;
    }
    const struct dns_moment *d = &m->u.dns;
    const char *type = dns_type_name(d->type);
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%s ", type == NULL ? "?" : type);
    text_add_bytes(&t, d->question);
    e->kind = d->is_response ? "DNS-RESPONSE" : "DNS-QUERY";
    if (d->is_response && d->rcode != 0) {
        const char *rcode = dns_rcode_name(d->rcode);
        text_format(&t, ": %s", rcode == NULL ? "error" : rcode);
    } else if (d->is_response) {
        bool any = false;
        for (size_t i = 0; i < d->num_answers; i++) {
            if (d->answers[i].is_additional || d->answers[i].address.family == ADDRESS_NONE) {
                continue;
            }
            text_add(&t, any ? ", " : ": ");
            address_print(&t, &d->answers[i].address);
            any = true;
        }
        text_add(&t, d->num_answers == 0 ? ": no such record" : "");
    }
    e->is_failure = is_failure && d->is_response;
    e->summary = text_keep(&t, &b->j->v->c->out.arena);
    add_field(b, "name", d->question);
}

static void add_conn_event(struct builder *b, const struct conn *conn, const char *kind,
                           const struct spot *at, int64_t time_ns, bool from_server,
                           bool is_failure, struct bytes summary)
{
    struct event_summary *e = at->frame == 0 ? NULL : add(b);
    if (e == NULL) {
        return;
    }
    uint32_t *frames = arena_alloc(&b->j->v->c->out.arena, sizeof *frames);
    if (frames != NULL) {
        *frames = at->frame;
    }
    *e = (struct event_summary){.capture = at->capture,
                                .frame = at->frame,
                                .frames = frames,
                                .num_frames = frames == NULL ? 0 : 1,
                                .time_ns = time_ns,
                                .from = from_server ? conn->server : conn->local,
                                .to = from_server ? conn->local : conn->server,
                                .kind = kind,
                                .summary = summary,
                                .is_failure = is_failure,
                                .complete = true};
}

static bool uses(const struct attempt *a, const struct conn *conn)
{
    for (size_t i = 0; i < a->num_exchanges; i++) {
        if (a->exchanges[i].conn == conn) {
            return true;
        }
    }
    return false;
}

/* Does another attempt of the client, and not this one, speak over it? */
static bool is_of_another(const struct view *v, const struct conn *conn)
{
    bool found = false;
    for (const struct attempt *x = v->client->attempts; x != NULL; x = x->next) {
        if (uses(x, conn)) {
            if (x == v->attempt) {
                return false;
            }
            found = true;
        }
    }
    return found;
}

static void add_conn(struct builder *b, const struct conn *conn)
{
    if (conn->refused) {
        add_conn_event(b, conn, "TCP-REFUSED", &conn->refused_at, conn->refused_ns, true, true,
                       bytes_of("RST to the SYN"));
    } else if (!conn->connected && conn->num_syns > 0) {
        bool failed = conn_is_unanswered(b->j->v, conn);
        add_conn_event(b, conn, failed ? "TCP-NO-ANSWER" : "TCP-CONNECT", &conn->syn_at,
                       conn->first_syn_ns, false, failed,
                       judge_text(b->j, "SYN, sent %u time%s, no answer", conn->num_syns,
                                  conn->num_syns == 1 ? "" : "s"));
    } else {
        add_conn_event(b, conn, "TCP-CONNECT", &conn->connect_at, conn->connect_ns, false, false,
                       bytes_of("connected"));
    }
    if (conn->reset) {
        add_conn_event(b, conn, "TCP-RESET", &conn->reset_at, conn->reset_ns, conn->reset_by_server,
                       b->j->reading.ending == ENDING_RESET, bytes_of("RST"));
    }
    if (conn->gap_at.frame != 0) {
        add_conn_event(b, conn, "GAP", &conn->gap_at, conn->gap_ns, false, false,
                       bytes_of("bytes of this connection were not captured"));
    }
}

static void add_lookups(struct builder *b)
{
    const struct view *v = b->j->v;
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        bool is_host = (l->type == DNS_A || l->type == DNS_AAAA) &&
                       (bytes_equal_nocase(l->name, v->host) ||
                        bytes_equal_nocase(l->name, v->resolution.name));
        bool is_srv = l->type == DNS_SRV && bytes_begins_nocase(l->name, "_kerberos.");
        if (!is_host && !is_srv) {
            continue;
        }
        bool failed = b->j->seen[FACT_KDC_NOT_LOCATED] ? is_srv : b->j->v->attempt == NULL;
        for (size_t k = 0; k < l->num_queries; k++) {
            add_dns(b, l->queries[k], false);
        }
        bool is_bad = l->response != NULL && l->response->u.dns.rcode != 0;
        add_dns(b, l->response, failed && is_bad);
        if (l->icmp != NULL) {
            struct event_summary *e = add_moment(b, l->icmp);
            if (e != NULL) {
                e->kind = "ICMP-UNREACHABLE";
                e->summary = bytes_of("the DNS server's port is unreachable");
                e->is_failure = true;
            }
        }
    }
}

static void add_transactions(struct builder *b)
{
    const struct view *v = b->j->v;
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        if (t->type == KRB_TGS_REQ && !t->is_tgt && !v->tgs_related[i]) {
            continue;
        }
        add_krb(b, t->request);
        if (t->last_request != t->request) {
            add_krb(b, t->last_request);
        }
        add_krb(b, t->reply);
        if (t->icmp != NULL) {
            struct event_summary *e = add_moment(b, t->icmp);
            if (e != NULL) {
                e->kind = "ICMP-UNREACHABLE";
                e->summary = bytes_of("port 88 of the KDC is unreachable");
                e->is_failure = true;
            }
        }
    }
}

/* Questions for a neighbour that nobody answered: the first of each. */
static void add_neighbours(struct builder *b)
{
    const struct view *v = b->j->v;
    if (!b->j->seen[FACT_SERVER_NOT_ON_LINK] && !b->j->seen[FACT_KDC_ABSENT]) {
        return;
    }
    const struct proof *p = b->j->seen[FACT_SERVER_NOT_ON_LINK]
                                ? &b->j->proofs[FACT_SERVER_NOT_ON_LINK]
                                : &b->j->proofs[FACT_KDC_ABSENT];
    for (const struct moment *m = v->client->logs[LOG_OTHER].first; m != NULL; m = m->next) {
        bool is_first =
            p->num > 0 && m->frame == p->refs[0].frame && m->capture == p->refs[0].capture;
        if (m->kind != EVENT_NEIGHBOUR_REQUEST || !is_first) {
            continue;
        }
        char buffer[64];
        struct text t;
        struct event_summary *e = add_moment(b, m);
        text_init(&t, buffer, sizeof buffer);
        address_print(&t, &m->u.neighbour.target);
        if (e != NULL) {
            e->kind = "ARP-NO-ANSWER";
            e->summary = judge_text(b->j, "who has %s? Nobody answers", t.at);
            e->is_failure = true;
        }
    }
}

static int by_time(const void *a, const void *b)
{
    const struct event_summary *x = a;
    const struct event_summary *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return x->frame < y->frame ? -1 : x->frame > y->frame;
}

void events_fill(const struct judgement *j, struct attempt_record *out)
{
    const struct view *v = j->v;
    struct builder b = {.j = j};
    b.events = arena_reserve_array(&v->c->scratch, EVENTS_PER_ATTEMPT_MAX, sizeof *b.events);
    if (b.events == NULL) {
        return;
    }
    for (size_t i = 0; v->attempt != NULL && i < v->attempt->num_exchanges; i++) {
        add_request(&b, v->attempt->exchanges[i].request);
        if (v->attempt->exchanges[i].response != NULL) {
            add_response(&b, v->attempt->exchanges[i].response);
        }
    }
    if (v->attempt != NULL && v->attempt->fallback != NULL) {
        add_request(&b, v->attempt->fallback);
    }
    const struct conn *conn = NULL;
    while ((conn = view_next_conn(v, conn)) != NULL) {
        bool is_ours = address_equal(&conn->server.address, &v->server.address) &&
                       (v->server.port == 0 || conn->server.port == v->server.port);
        bool is_kdc = conn->has_krb || conn->server.port == 88;
        if (is_kdc || (is_ours && !is_of_another(v, conn))) {
            add_conn(&b, conn);
        }
    }
    add_lookups(&b);
    add_transactions(&b);
    add_neighbours(&b);
    qsort(b.events, b.num, sizeof *b.events, by_time);
    for (size_t i = 0; i < b.num; i++) {
        b.events[i].time_ns -= case_told_shift_ns(v->c, b.events[i].capture);
    }
    struct event_summary *kept = arena_alloc_array(&v->c->out.arena, b.num, sizeof *kept);
    if (kept != NULL) {
        memcpy(kept, b.events, b.num * sizeof *kept);
        out->events = kept;
        out->num_events = b.num;
    }
    out->num_events_dropped = b.num_dropped;
}
