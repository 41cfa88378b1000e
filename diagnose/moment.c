#include "diagnose/moment.h"

#include "base/civil.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MOMENT_ARENA_BYTES 16384 /* strings of one moment, before it is cut to size */

/* At most MOMENT_TEXT_MAX bytes of a wire string, copied. */
static struct bytes keep(struct arena *a, struct bytes b)
{
    struct bytes kept;
    (void)arena_copy(a, bytes_part(b, 0, MOMENT_TEXT_MAX), &kept);
    return kept;
}

struct bytes moment_spn_service(struct bytes spn)
{
    size_t slash = bytes_find(spn, '/', 0);
    return slash == spn.len ? (struct bytes){0} : bytes_part(spn, 0, slash);
}

/* An absolute name ends in a dot (RFC 1034 3.1); tickets and records name the host without it. */
static struct bytes without_dot(struct bytes name)
{
    bool has_dot = name.len > 1 && name.at[name.len - 1] == '.';
    return bytes_part(name, 0, name.len - has_dot);
}

struct bytes moment_spn_host(struct bytes spn)
{
    size_t slash = bytes_find(spn, '/', 0);
    struct bytes host = bytes_part(spn, slash + 1, spn.len);
    host = bytes_part(host, 0, bytes_find(host, '/', 0));
    return without_dot(bytes_part(host, 0, bytes_find(host, ':', 0)));
}

static void keep_ticket(struct ticket_sight *out, const struct krb_ticket *t, struct arena *a)
{
    if (!t->present) {
        return;
    }
    *out = (struct ticket_sight){
        .present = true,
        .hash = t->hash,
        .sname = keep(a, t->sname.text),
        .realm = keep(a, t->realm),
        .etype = t->enc.etype,
        .has_kvno = t->enc.has_kvno,
        .kvno = t->enc.kvno,
    };
}

static bool krb_time_ns(const struct krb_time *t, int64_t *out)
{
    if (!t->present || t->seconds > INT64_MAX / NS_PER_S || t->seconds < INT64_MIN / NS_PER_S) {
        return false;
    }
    *out = t->seconds * NS_PER_S + (t->usec > 0 ? (int64_t)t->usec * 1000 : 0);
    return true;
}

static void keep_padata(struct krb_moment *out, const struct krb_message *k)
{
    for (size_t i = 0; i < k->num_padata; i++) {
        const struct krb_padata *pa = &k->padata[i];
        bool is_pkinit = pa->type == 14 || pa->type == 15 || pa->type == 16;
        out->has_preauth = out->has_preauth || is_pkinit || pa->type == 2 || pa->type == 136 ||
                           pa->type == 138 || pa->type == 151;
        if ((pa->type == 11 || pa->type == 19) && k->type == KRB_ERROR_MSG &&
            out->num_etypes == 0) {
            for (size_t j = 0; j < pa->num_infos && j < MOMENT_ETYPES_MAX; j++) {
                out->etypes[out->num_etypes++] = pa->infos[j].etype;
            }
        }
    }
}

static void keep_krb(struct krb_moment *out, const struct krb_message *k, struct arena *a)
{
    out->type = k->type;
    out->error_code = k->error_code;
    out->has_nonce = k->has_nonce;
    out->nonce = k->nonce;
    out->cname = keep(a, k->cname.text);
    out->crealm = keep(a, k->crealm);
    out->sname = keep(a, k->sname.text);
    out->realm = keep(a, k->realm);
    for (size_t i = 0; i < k->num_etypes && i < MOMENT_ETYPES_MAX; i++) {
        out->etypes[out->num_etypes++] = k->etypes[i];
    }
    keep_padata(out, k);
    keep_ticket(&out->ticket, &k->ticket, a);
    if (out->sname.len == 0) {
        out->sname = out->ticket.sname;
    }
    out->service = moment_spn_service(out->sname);
    out->host = moment_spn_host(out->sname);
    out->has_stime = krb_time_ns(&k->stime, &out->stime_ns);
    out->stime_resolution_ns = k->stime.usec >= 0 ? 1000 : NS_PER_S;
    out->has_ctime = krb_time_ns(&k->ctime, &out->ctime_ns);
    out->has_ntstatus = k->has_ntstatus;
    out->ntstatus = k->ntstatus;
    out->etext = keep(a, k->etext);
}

static void keep_dns(struct dns_moment *out, const struct dns_message *d, struct arena *a)
{
    out->flavour = d->flavour;
    out->id = d->id;
    out->is_response = d->is_response;
    out->is_truncated = d->is_truncated;
    out->rcode = d->rcode;
    out->type = d->question_type;
    out->question = keep(a, d->question);
    size_t num = d->num_answers < MOMENT_ANSWERS_MAX ? d->num_answers : MOMENT_ANSWERS_MAX;
    out->answers = arena_alloc_array(a, num, sizeof *out->answers);
    for (size_t i = 0; i < num && out->answers != NULL; i++) {
        struct dns_record *r = &out->answers[out->num_answers++];
        *r = d->answers[i];
        r->name = keep(a, r->name);
        r->target = keep(a, r->target);
    }
}

static enum token_sight token_sight_of(const struct auth *auth, bool head_complete)
{
    if (auth->token_scheme == AUTH_NONE) {
        if (!head_complete && auth->num_schemes == 0) {
            return TOKEN_SIGHT_UNKNOWN;
        }
        return auth->num_schemes == 0 ? TOKEN_SIGHT_NONE : TOKEN_SIGHT_OTHER;
    }
    if (auth->ntlm != NULL) {
        return auth->ntlm->type == NTLM_NEGOTIATE      ? TOKEN_SIGHT_NTLM_1
               : auth->ntlm->type == NTLM_AUTHENTICATE ? TOKEN_SIGHT_NTLM_3
                                                       : TOKEN_SIGHT_OTHER;
    }
    if (auth->gss != NULL && auth->gss->krb != NULL && auth->gss->krb->type == KRB_AP_REQ) {
        return TOKEN_SIGHT_KRB;
    }
    return TOKEN_SIGHT_OTHER;
}

static void keep_request_auth(struct http_moment *out, const struct http_facts *h, struct arena *a)
{
    bool use_proxys = h->auth.num_schemes == 0 && h->proxy_auth.num_schemes > 0;
    const struct auth *auth = use_proxys ? &h->proxy_auth : &h->auth;
    out->token = token_sight_of(auth, h->message.head_complete);
    out->token_is_proxys = use_proxys;
    out->scheme = auth->token_scheme != AUTH_NONE ? auth->token_scheme
                  : auth->num_schemes > 0         ? auth->schemes[0]
                                                  : AUTH_NONE;
    out->token_len = auth->token_len;
    out->header_len = auth->header_len;
    if (auth->gss != NULL && auth->gss->krb != NULL) {
        keep_ticket(&out->ticket, &auth->gss->krb->ticket, a);
    }
    if (auth->ntlm != NULL && auth->ntlm->type == NTLM_AUTHENTICATE) {
        out->ntlm_user = keep(a, auth->ntlm->user);
        out->ntlm_domain = keep(a, auth->ntlm->domain);
    }
}

static void keep_response_auth(struct http_moment *out, const struct http_facts *h, struct arena *a)
{
    const struct auth *auth = h->message.status == 407 ? &h->proxy_auth : &h->auth;
    out->neg_state = NEG_STATE_ABSENT;
    out->has_offers = auth->num_schemes > 0;
    for (size_t i = 0; i < auth->num_schemes && i < MOMENT_OFFERS_MAX; i++) {
        out->offers[out->num_offers++] = auth->schemes[i];
    }
    const struct krb_message *k = auth->gss == NULL ? NULL : auth->gss->krb;
    if (auth->gss != NULL && auth->gss->form == TOKEN_NEG_RESP) {
        out->neg_state = auth->gss->neg_state;
    }
    if (k != NULL && k->type == KRB_ERROR_MSG) {
        out->has_krb_error = true;
        out->krb_error = k->error_code;
        out->has_server_time = krb_time_ns(&k->stime, &out->server_time_ns);
        out->server_time_resolution_ns = k->stime.usec >= 0 ? 1000 : NS_PER_S;
    }
    out->has_ap_rep = k != NULL && k->type == KRB_AP_REP;
    if (auth->ntlm != NULL && auth->ntlm->type == NTLM_CHALLENGE) {
        const struct ntlm_message *ntlm = auth->ntlm;
        out->has_ntlm_challenge = true;
        out->ntlm_computer =
            keep(a, ntlm->dns_computer.len > 0 ? ntlm->dns_computer : ntlm->netbios_computer);
        if (auth->ntlm->has_time && !out->has_server_time) {
            out->has_server_time = true;
            out->server_time_ns = auth->ntlm->time_ns;
            out->server_time_resolution_ns = 100;
        }
    }
}

static void keep_http(struct http_moment *out, const struct http_facts *h, struct arena *a)
{
    const struct http_message *m = &h->message;
    out->method = keep(a, m->method);
    out->host = keep(a, without_dot(m->host));
    out->path = keep(a, m->path);
    out->status = m->is_request ? 0 : m->status;
    out->head_complete = m->head_complete;
    out->seen_from_start = m->seen_from_start;
    out->is_ccm_post = m->is_request && bytes_is(m->method, "CCM_POST");
    out->is_registration = h->ccm.is_registration;
    out->ccm_name = keep(a, h->ccm.fq_name.len > 0        ? h->ccm.fq_name
                            : h->ccm.netbios_name.len > 0 ? h->ccm.netbios_name
                                                          : h->ccm.source_host);
    out->ccm_sms_id = keep(a, h->ccm.sms_id);
    out->ccm_request_type = keep(a, h->ccm.request_type);
    out->has_ccm_request_time = h->ccm.has_request_time;
    out->ccm_request_time_ns = h->ccm.request_time_ns;
    out->has_ccm_sent_time = h->ccm.has_sent_time;
    out->ccm_sent_time_ns = h->ccm.sent_time_ns;
    out->request_id = h->request_id;
    out->has_date = h->has_date;
    out->date_ns = h->date_ns;
    out->server = keep(a, m->server);
    out->is_behind_tls = m->is_behind_tls;
    out->powered_by = keep(a, m->powered_by);
    out->node_header = m->node_header;
    out->node = keep(a, m->node);
    out->has_via = m->via.len > 0;
    out->allow = keep(a, m->allow);
    if (m->is_request) {
        keep_request_auth(out, h, a);
    } else {
        keep_response_auth(out, h, a);
    }
}

static void keep_place(struct moment *m, const struct event *e)
{
    m->kind = e->kind;
    m->id = e->id;
    m->reply_to = e->reply_to;
    m->capture = e->capture;
    m->frame = e->frame;
    for (size_t i = 0; i < e->num_frames && m->num_frames < MOMENT_FRAMES_MAX; i++) {
        m->frames[m->num_frames++] = e->frames[i];
    }
    m->time_ns = e->time_ns;
    m->first_time_ns = e->first_time_ns;
    m->from = e->from;
    m->to = e->to;
    m->connection = e->connection;
    m->complete = e->complete;
}

/* Moves a slice from the scratch to where the scratch was copied to. */
static void rebase(struct bytes *b, const uint8_t *from, const uint8_t *to)
{
    if (b->len > 0) {
        b->at = to + (b->at - from);
    }
}

static void rebase_ticket(struct ticket_sight *t, const uint8_t *from, const uint8_t *to)
{
    rebase(&t->sname, from, to);
    rebase(&t->realm, from, to);
}

static void rebase_all(struct moment *m, const uint8_t *from, uint8_t *block)
{
    const uint8_t *to = block;
    if (m->kind == EVENT_KRB) {
        struct krb_moment *k = &m->u.krb;
        struct bytes *all[] = {&k->cname,   &k->crealm, &k->sname, &k->realm,
                               &k->service, &k->host,   &k->etext};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            rebase(all[i], from, to);
        }
        rebase_ticket(&k->ticket, from, to);
    } else if (m->kind == EVENT_DNS) {
        rebase(&m->u.dns.question, from, to);
        if (m->u.dns.num_answers > 0) {
            ptrdiff_t at = (uint8_t *)m->u.dns.answers - from;
            m->u.dns.answers = (struct dns_record *)(void *)(block + at);
        }
        for (size_t i = 0; i < m->u.dns.num_answers; i++) {
            rebase(&m->u.dns.answers[i].name, from, to);
            rebase(&m->u.dns.answers[i].target, from, to);
        }
    } else if (m->kind == EVENT_HTTP_REQUEST || m->kind == EVENT_HTTP_RESPONSE) {
        struct http_moment *h = &m->u.http;
        struct bytes *all[] = {
            &h->method,           &h->host,       &h->path,  &h->ntlm_user, &h->ntlm_domain,
            &h->ntlm_computer,    &h->server,     &h->allow, &h->ccm_name,  &h->ccm_sms_id,
            &h->ccm_request_type, &h->powered_by, &h->node};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            rebase(all[i], from, to);
        }
        rebase_ticket(&h->ticket, from, to);
    }
}

enum icmp_meaning icmp_meaning(const struct icmp_facts *icmp)
{
    if (icmp->quoted_to.address.family == ADDRESS_IPV6) {
        return icmp->code == 4                                         ? ICMP_CLOSED
               : icmp->code == 1 || icmp->code == 5 || icmp->code == 6 ? ICMP_FORBIDDEN
                                                                       : ICMP_NO_WAY;
    }
    switch (icmp->code) {
    case 2: /* the protocol */
    case 3:
        return ICMP_CLOSED;
    case 4:
        return ICMP_TOO_BIG;
    case 9:
    case 10:
    case 13:
        return ICMP_FORBIDDEN;
    default:
        return ICMP_NO_WAY;
    }
}

const char *icmp_words(enum icmp_meaning meaning)
{
    switch (meaning) {
    case ICMP_CLOSED:
        return "port unreachable";
    case ICMP_FORBIDDEN:
        return "administratively prohibited: a firewall does not let it through";
    case ICMP_TOO_BIG:
        return "too large for the path";
    case ICMP_NO_WAY:
        break;
    }
    return "host or network unreachable";
}

/* Bytes of a moment of that kind: the others' members are left out. */
static size_t size_of(enum event_kind kind)
{
    const struct moment *m = NULL;
    size_t size = offsetof(struct moment, u);
    switch ((int)kind) {
    case EVENT_KRB:
        return size + sizeof m->u.krb;
    case EVENT_DNS:
        return size + sizeof m->u.dns;
    case EVENT_HTTP_REQUEST:
    case EVENT_HTTP_RESPONSE:
        return size + sizeof m->u.http;
    case EVENT_ICMP_UNREACHABLE:
        return size + sizeof m->u.icmp;
    default:
        return size + sizeof m->u.neighbour;
    }
}

struct moment *moment_new(const struct event *event)
{
    static alignas(max_align_t) uint8_t storage[MOMENT_ARENA_BYTES];
    struct moment full;
    struct arena strings;
    memset(&full, 0, sizeof full);
    arena_init(&strings, storage, sizeof storage);
    keep_place(&full, event);
    switch ((int)event->kind) {
    case EVENT_KRB:
        keep_krb(&full.u.krb, event->krb, &strings);
        break;
    case EVENT_DNS:
        keep_dns(&full.u.dns, event->dns, &strings);
        break;
    case EVENT_HTTP_REQUEST:
    case EVENT_HTTP_RESPONSE:
        keep_http(&full.u.http, event->http, &strings);
        break;
    case EVENT_ICMP_UNREACHABLE:
        full.u.icmp = *event->icmp;
        break;
    case EVENT_NEIGHBOUR_REQUEST:
    case EVENT_NEIGHBOUR_REPLY:
        full.u.neighbour.target = event->target;
        break;
    default:
        break;
    }
    /* Strings and records follow the struct at the same alignment as in the scratch. */
    size_t align = alignof(max_align_t);
    size_t size = size_of(event->kind);
    size_t head = (size + align - 1) / align * align;
    struct moment *m = malloc(head + strings.used);
    if (m == NULL) {
        return NULL;
    }
    memcpy(m, &full, size);
    m->bytes = head + strings.used;
    if (strings.used > 0) {
        uint8_t *tail = (uint8_t *)m + head;
        memcpy(tail, storage, strings.used);
        rebase_all(m, storage, tail);
    }
    return m;
}

void moment_free(struct moment *m)
{
    free(m);
}
