/* TCP and HTTP of a story. */
#include "story_private.h"

#include "base/civil.h"

#include <assert.h>

/* An event of the connection, from that side, with its facts as of now. */
static struct event talk_event(struct talk *t, enum event_kind kind, int side)
{
    struct event e = story_next(t->s, kind, side == 0 ? t->client : t->server,
                                side == 0 ? t->server : t->client);
    e.connection = t->connection;
    e.carrier = CARRIER_TCP;
    t->tcp.last_seen_ns[side] = e.time_ns;
    e.tcp = &t->tcp;
    return e;
}

static struct talk talk_new(struct story *s, const char *server, uint16_t port)
{
    return (struct talk){.s = s,
                         .connection = ++s->connection,
                         .client = story_endpoint(s->client, s->port++),
                         .server = story_endpoint(server, port),
                         .tcp = {.acked_all = {true, true}}};
}

void talk_syn_again(struct talk *t)
{
    t->tcp.seen_from_syn = true;
    t->tcp.is_repeat = t->tcp.num_syns > 0;
    t->tcp.num_syns++;
    struct event e = talk_event(t, EVENT_TCP_SYN, 0);
    if (t->tcp.syn_time_ns == 0) {
        t->tcp.syn_time_ns = e.time_ns;
    }
    case_push(t->s->c, &e);
}

struct talk talk_syn(struct story *s, const char *server, uint16_t port)
{
    struct talk t = talk_new(s, server, port);
    talk_syn_again(&t);
    return t;
}

void talk_refused(struct talk *t)
{
    struct event e = talk_event(t, EVENT_TCP_REFUSED, 1);
    case_push(t->s->c, &e);
}

void talk_connected(struct talk *t)
{
    t->tcp.synack_time_ns = t->s->now_ns + NS_PER_MS / 2;
    t->tcp.ack_time_ns = t->s->now_ns + NS_PER_MS;
    struct event e = talk_event(t, EVENT_TCP_CONNECT, 0);
    case_push(t->s->c, &e);
}

struct talk talk_open_to(struct story *s, const char *server, uint16_t port)
{
    struct talk t = talk_syn(s, server, port);
    talk_connected(&t);
    return t;
}

struct talk talk_open(struct story *s)
{
    return talk_open_to(s, s->server, s->server_port);
}

struct talk talk_joined(struct story *s)
{
    return talk_new(s, s->server, s->server_port);
}

void talk_reset(struct talk *t, bool by_server)
{
    struct event e = talk_event(t, EVENT_TCP_RESET, by_server ? 1 : 0);
    case_push(t->s->c, &e);
    talk_end(t, TCP_END_RESET);
}

void talk_fin(struct talk *t, bool by_server)
{
    int side = by_server ? 1 : 0;
    t->tcp.fin_seen[side] = true;
    struct event e = talk_event(t, EVENT_TCP_FIN, side);
    case_push(t->s->c, &e);
}

void talk_gap(struct talk *t, int side)
{
    t->tcp.bytes_lost[side] += 100;
    t->tcp.bytes_seen[side] += 100;
    t->tcp.gap_len = 100;
    t->tcp.gap_side = side;
    struct event e = talk_event(t, EVENT_GAP, side);
    case_push(t->s->c, &e);
}

void talk_ack(struct talk *t)
{
    t->tcp.acked_all[0] = true;
}

void talk_send_again(struct talk *t)
{
    for (unsigned i = 0; i < 3; i++) {
        story_wait(t->s, 4);
        t->tcp.num_resent[0]++;
        t->tcp.last_data_ns[0] = t->s->now_ns;
    }
}

void talk_tls(struct talk *t)
{
    struct event e = talk_event(t, EVENT_TLS, 0);
    case_push(t->s->c, &e);
}

void talk_end(struct talk *t, enum tcp_end_reason reason)
{
    t->tcp.reason = reason;
    struct event e = talk_event(t, EVENT_TCP_END, 0);
    case_push(t->s->c, &e);
}

/* What a token is made of; lives as long as the event is pushed. */
struct token_parts {
    struct gss_token gss;
    struct krb_message krb;
    struct ntlm_message ntlm;
};

static void fill_request_auth(struct auth *auth, struct token_parts *p,
                              const struct request_words *w)
{
    if (w->token == TOKEN_NOTHING) {
        return;
    }
    auth->schemes[0] = w->token == TOKEN_BASIC ? AUTH_BASIC : AUTH_NEGOTIATE;
    auth->num_schemes = 1;
    auth->header_len = w->header_len == 0 ? 2000 : w->header_len;
    if (w->token == TOKEN_BASIC) {
        return;
    }
    auth->token_scheme = AUTH_NEGOTIATE;
    auth->token_len = auth->header_len - sizeof "Negotiate " + 1;
    auth->gss = &p->gss;
    p->gss = (struct gss_token){.complete = true, .neg_state = NEG_STATE_ABSENT};
    switch ((int)w->token) {
    case TOKEN_KRB:
        p->gss.form = TOKEN_NEG_INIT;
        p->gss.krb = &p->krb;
        p->krb = (struct krb_message){.type = KRB_AP_REQ, .complete = true, .pvno = 5};
        p->krb.ticket =
            story_ticket_of(w->ticket, story_or(w->spn, MP_SPN), w->kvno == 0 ? 3 : w->kvno,
                            w->ticket_etype == 0 ? 18 : w->ticket_etype);
        break;
    case TOKEN_NTLM_1:
    case TOKEN_NTLM_3:
    case TOKEN_PROXY_NTLM_3:
        p->gss.form = TOKEN_RAW_NTLM;
        auth->ntlm = &p->ntlm;
        p->ntlm = (struct ntlm_message){.complete = true,
                                        .type = w->token == TOKEN_NTLM_1 ? NTLM_NEGOTIATE
                                                                         : NTLM_AUTHENTICATE,
                                        .domain = bytes_of("EXAMPLE"),
                                        .user = bytes_of("PC01$"),
                                        .workstation = bytes_of("PC01")};
        break;
    default:
        p->gss.form = TOKEN_UNKNOWN;
        break;
    }
}

void talk_request(struct talk *t, const struct request_words *w)
{
    static const struct auth no_auth;
    struct token_parts parts = {0};
    struct http_facts h = {0};
    t->method = story_or(w->method, story_or(t->method, "CCM_POST"));
    t->host = story_or(w->host, story_or(t->host, MP_NAME));
    t->path = story_or(w->path, story_or(t->path, WINDOWSAUTH));
    h.message = (struct http_message){.is_request = true,
                                      .head_complete = !w->is_cut,
                                      .complete = !w->is_cut,
                                      .seen_from_start = t->tcp.seen_from_syn,
                                      .method = bytes_of(t->method),
                                      .target = bytes_of(t->path),
                                      .path = bytes_of(t->path),
                                      .host = bytes_of(t->host),
                                      .is_behind_tls = w->is_behind_tls};
    h.auth = h.proxy_auth = no_auth;
    fill_request_auth(w->token == TOKEN_PROXY_NTLM_3 ? &h.proxy_auth : &h.auth, &parts, w);
    h.ccm.recognised = h.ccm.is_registration = w->is_registration;
    struct event e = talk_event(t, EVENT_HTTP_REQUEST, 0);
    e.carrier = CARRIER_HTTP;
    e.complete = !w->is_cut;
    e.http = &h;
    t->tcp.bytes_seen[0] += 500;
    t->tcp.acked_all[0] = false;
    t->tcp.last_data_ns[0] = e.time_ns;
    assert(t->num_requests < sizeof t->requests / sizeof t->requests[0]);
    t->requests[t->num_requests++] = e.id;
    case_push(t->s->c, &e);
}

static void fill_offers(struct auth *auth, struct bytes offers)
{
    for (size_t at = 0; at < offers.len;) {
        size_t end = bytes_find(offers, ' ', at);
        struct bytes word = bytes_part(offers, at, end - at);
        auth->schemes[auth->num_schemes++] = bytes_is(word, "Negotiate")  ? AUTH_NEGOTIATE
                                             : bytes_is(word, "NTLM")     ? AUTH_NTLM
                                             : bytes_is(word, "Kerberos") ? AUTH_KERBEROS
                                             : bytes_is(word, "Basic")    ? AUTH_BASIC
                                                                          : AUTH_OTHER;
        at = end + 1;
    }
}

static void fill_response_auth(struct auth *auth, struct token_parts *p, const struct talk *t,
                               const struct answer_words *w)
{
    int64_t server_ns = story_clock_ns(t->s, t->s->server_ahead_s);
    bool is_demand = w->status == 401 || w->status == 407;
    fill_offers(auth, bytes_of(story_or(w->offers, is_demand ? "Negotiate NTLM" : "")));
    if (w->krb_error == 0 && !w->ntlm_challenge && !w->has_neg_state) {
        return;
    }
    auth->token_scheme = AUTH_NEGOTIATE;
    auth->gss = &p->gss;
    p->gss = (struct gss_token){.form = TOKEN_NEG_RESP,
                                .complete = true,
                                .neg_state = w->has_neg_state ? w->neg_state : NEG_STATE_ABSENT};
    if (w->krb_error != 0) {
        p->gss.krb = &p->krb;
        p->krb = (struct krb_message){.type = KRB_ERROR_MSG,
                                      .complete = true,
                                      .error_code = w->krb_error,
                                      .stime = story_time_of(server_ns, true),
                                      .realm = bytes_of(REALM),
                                      .sname = story_name(MP_SPN)};
    }
    if (w->ntlm_challenge) {
        auth->ntlm = &p->ntlm;
        p->ntlm = (struct ntlm_message){.type = NTLM_CHALLENGE,
                                        .complete = true,
                                        .has_time = w->has_ntlm_time,
                                        .time_is_servers = true,
                                        .dns_computer = bytes_of(w->computer),
                                        .time_ns = server_ns};
    }
}

void talk_response(struct talk *t, const struct answer_words *w)
{
    struct token_parts parts = {0};
    struct http_facts h = {0};
    assert(t->num_answered < t->num_requests);
    h.message = (struct http_message){.status = w->status,
                                      .head_complete = !w->is_cut,
                                      .complete = !w->is_cut,
                                      .seen_from_start = t->tcp.seen_from_syn,
                                      .allow = bytes_of(w->allow),
                                      .via = bytes_of(w->via),
                                      .server = bytes_of(story_or(w->server, "Microsoft-IIS/10.0")),
                                      .powered_by = bytes_of(w->powered_by),
                                      .node_header = w->node == NULL ? NULL : "X-Server-Name",
                                      .node = bytes_of(w->node)};
    h.request_id = t->requests[t->num_answered++];
    h.has_date = !w->no_date;
    h.date_ns = story_clock_ns(t->s, t->s->server_ahead_s) / NS_PER_S * NS_PER_S;
    fill_response_auth(w->status == 407 ? &h.proxy_auth : &h.auth, &parts, t, w);
    struct event e = talk_event(t, EVENT_HTTP_RESPONSE, 1);
    e.carrier = CARRIER_HTTP;
    e.reply_to = h.request_id;
    e.complete = !w->is_cut;
    e.http = &h;
    t->tcp.bytes_seen[1] += 300;
    t->tcp.acked_all[0] = true;
    t->tcp.last_data_ns[1] = e.time_ns;
    case_push(t->s->c, &e);
}

struct talk talk_present(struct story *s, enum story_token token)
{
    struct talk t = talk_open(s);
    ASK(&t, .token = TOKEN_NOTHING);
    ANSWER(&t, .status = 401);
    ASK(&t, .token = token);
    return t;
}

void talk_ntlm_on(struct talk *t, unsigned status)
{
    ANSWER(t, .status = 401, .ntlm_challenge = true);
    ASK(t, .token = TOKEN_NTLM_3);
    ANSWER(t, .status = status);
}

void story_ntlm(struct story *s, const char *host, unsigned status)
{
    struct talk t = talk_open(s);
    ASK(&t, .host = host);
    ANSWER(&t, .status = 401);
    ASK(&t, .token = TOKEN_NTLM_1);
    talk_ntlm_on(&t, status);
}
