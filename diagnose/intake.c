/* Intake: each event finds its client, its connection, its log. Judging is judge.c's. */
#include "diagnose/case_private.h"

#include "base/civil.h"
#include "diagnose/live.h"
#include "diagnose/view.h"

#include <string.h>

static struct ticket_origin *ticket_slot(const struct case_file *c, struct hash128 hash)
{
    return &c->tickets[hash.low % TICKETS_MAX];
}

const struct ticket_origin *case_ticket(const struct case_file *c, struct hash128 hash)
{
    const struct ticket_origin *t = ticket_slot(c, hash);
    return hash128_equal(t->hash, hash) && t->frame != 0 ? t : NULL;
}

/* What is done with an attempt that is over. */
static attempt_over *over_of(const struct case_file *c)
{
    return c->live != NULL ? live_attempt_over : judge_attempt;
}

/* A client is about to be forgotten: everything of it is judged now. */
static void evict(void *context, struct client *client)
{
    struct case_file *c = context;
    if (c->live != NULL) {
        live_client_over(c, client);
        return;
    }
    while (client->attempts != NULL) {
        attempt_close(&c->attempts, client->attempts, judge_attempt, c);
    }
    judge_client(c, client);
}

static struct client *client_of(struct case_file *c, const struct address *address,
                                const struct event *e)
{
    if (address->family == ADDRESS_NONE) {
        return NULL;
    }
    return client_get(c->clients, address, e->scene, c->age_ns, evict, c);
}

static void log_moment(struct case_file *c, struct client *client, enum log_kind kind,
                       const struct event *e)
{
    struct moment *m = client == NULL ? NULL : moment_new(e);
    if (m != NULL) {
        client_log(c->clients, client, kind, m);
    }
}

static void take_krb(struct case_file *c, const struct event *e)
{
    const struct krb_message *k = e->krb;
    bool is_request = k->type == KRB_AS_REQ || k->type == KRB_TGS_REQ;
    bool is_reply = k->type == KRB_AS_REP || k->type == KRB_TGS_REP || k->type == KRB_ERROR_MSG;
    if (!is_request && !is_reply) {
        return;
    }
    struct client *client = client_of(c, is_request ? &e->from.address : &e->to.address, e);
    struct conn *conn = e->connection == 0 ? NULL : conn_find(c->clients, e->connection);
    if (conn != NULL) {
        conn->has_krb = true;
    }
    if (client != NULL) {
        *(is_request ? &client->num_krb_sent : &client->num_krb_answered) += 1;
        client->num_krb_failed += k->type == KRB_ERROR_MSG && !krb_code_is_step(k->error_code);
        client_take_logon(client, e);
    }
    struct client *kdc =
        client_find(c->clients, is_request ? &e->to.address : &e->from.address, e->scene);
    if (kdc != NULL) {
        kdc->num_krb_served++;
    }
    if ((k->type == KRB_AS_REP || k->type == KRB_TGS_REP) && k->ticket.present) {
        *ticket_slot(c, k->ticket.hash) = (struct ticket_origin){.hash = k->ticket.hash,
                                                                 .capture = e->capture,
                                                                 .frame = e->frame,
                                                                 .time_ns = e->time_ns};
    }
    log_moment(c, client, LOG_KRB, e);
}

static void take_dns(struct case_file *c, const struct event *e)
{
    const struct address *asker = e->dns->is_response ? &e->to.address : &e->from.address;
    if (address_is_group(asker)) {
        return;
    }
    log_moment(c, client_of(c, asker, e), LOG_DNS, e);
    struct client *server = client_find(c->clients, &e->from.address, e->scene);
    if (e->dns->is_response && e->dns->flavour == DNS_PLAIN && server != NULL) {
        server->num_dns_served++;
    }
}

/* The connection of a TCP or HTTP event, with its latest facts. may_be_new: `from` is the client.
 */
static struct conn *conn_of(struct case_file *c, const struct event *e, bool may_be_new)
{
    struct conn *conn = conn_find(c->clients, e->connection);
    if (conn == NULL && may_be_new) {
        struct client *client = client_of(c, &e->from.address, e);
        conn = client == NULL ? NULL : conn_get(c->clients, client, e);
    } else if (conn != NULL) {
        (void)client_of(c, &conn->client->address, e); /* it is active */
    }
    if (conn == NULL) {
        return NULL;
    }
    if (e->capture == conn->capture && e->frame > conn->last_frame) {
        conn->last_frame = e->frame;
    }
    /* Its end may be told much later, when the capture ends. */
    if (e->kind != EVENT_TCP_END && e->time_ns > conn->last_ns) {
        conn->last_ns = e->time_ns;
    }
    if (e->tcp != NULL) {
        conn->facts = *e->tcp;
        conn->has_facts = true;
    }
    return conn;
}

/* RFC 9293 handshake times tell where the capture was taken: the far leg takes the longer time. */
static void weigh_handshake(struct group_state *g, const struct tcp_facts *t)
{
    if (t->syn_time_ns == 0 || t->synack_time_ns == 0 || t->ack_time_ns == 0) {
        return;
    }
    int64_t to_server = t->synack_time_ns - t->syn_time_ns;
    int64_t to_client = t->ack_time_ns - t->synack_time_ns;
    if (to_server < 0 || to_client < 0) {
        return;
    }
    g->near_client += (double)to_server > 3.0 * (double)to_client;
    g->near_server += (double)to_client > 3.0 * (double)to_server;
}

static void take_syn(struct conn *conn, const struct event *e)
{
    if (conn->num_syns == 0) {
        conn->syn_at = spot_of(e);
        conn->first_syn_ns = e->time_ns;
    }
    conn->num_syns++;
    conn->last_syn_ns = e->time_ns;
}

static int side_of(const struct conn *conn, const struct event *e)
{
    return endpoint_equal(&e->from, &conn->local) ? 0 : 1;
}

/* Nothing will be said of it any more: it worked, and carried nothing of ours. */
static bool is_boring(const struct conn *conn)
{
    return conn->ended && conn->pins == 0 && !conn->has_krb && conn->connected && !conn->refused;
}

static void take_tcp(struct case_file *c, const struct event *e)
{
    struct conn *conn = conn_of(c, e, e->kind == EVENT_TCP_SYN || e->kind == EVENT_TCP_CONNECT);
    if (conn == NULL) {
        return;
    }
    int side = side_of(conn, e);
    switch ((int)e->kind) {
    case EVENT_TCP_SYN:
        take_syn(conn, e);
        break;
    case EVENT_TCP_CONNECT:
        conn->connected = true;
        conn->connect_at = spot_of(e);
        conn->connect_ns = e->time_ns;
        weigh_handshake(case_group(c, e->group), e->tcp);
        break;
    case EVENT_TCP_REFUSED:
        conn->refused = true;
        conn->refused_at = spot_of(e);
        conn->refused_ns = e->time_ns;
        break;
    case EVENT_TCP_RESET:
        if (!conn->reset) {
            conn->reset = true;
            conn->reset_by_server = side == 1;
            conn->reset_at = spot_of(e);
            conn->reset_ns = e->time_ns;
        }
        break;
    case EVENT_TCP_FIN:
        if (!conn->fin[side]) {
            conn->fin[side] = true;
            conn->fin_at[side] = spot_of(e);
            conn->fin_ns[side] = e->time_ns;
        }
        break;
    case EVENT_GAP:
        conn->gap_at = spot_of(e);
        conn->gap_ns = e->time_ns;
        break;
    case EVENT_TLS:
        conn->client->saw_tls = true;
        conn->client->tls[conn->client->num_tls++ % CLIENT_TLS_MAX] =
            (struct tls_sight){.server = conn->server.address,
                               .capture = e->capture,
                               .frame = e->frame,
                               .time_ns = e->time_ns};
        break;
    case EVENT_TCP_END:
        conn->ended = true;
        break;
    default:
        break;
    }
    if (is_boring(conn)) {
        conn_drop(c->clients, conn);
    }
}

/* What goes through a tunnel of a proxy is TLS nearly always, and hidden in any case. */
static void take_tunnel(struct client *client, const struct event *e)
{
    struct bytes host = e->http->message.host;
    if (!bytes_is(e->http->message.method, "CONNECT") || host.len >= TUNNEL_HOST_MAX) {
        return;
    }
    memcpy(client->tunnel_host, host.at, host.len);
    client->tunnel_host[host.len] = '\0';
    client->tunnel = (struct tls_sight){
        .server = e->to.address, .capture = e->capture, .frame = e->frame, .time_ns = e->time_ns};
}

static void take_http(struct case_file *c, const struct event *e)
{
    bool is_request = e->kind == EVENT_HTTP_REQUEST;
    struct conn *conn = conn_of(c, e, is_request);
    struct client *client = client_of(c, is_request ? &e->from.address : &e->to.address, e);
    if (client == NULL) {
        return;
    }
    if (conn != NULL) {
        conn->connected = true;
    }
    if (is_request) {
        struct client *server = client_find(c->clients, &e->to.address, e->scene);
        client->num_http_sent++;
        take_tunnel(client, e);
        if (server != NULL) {
            server->num_http_served++;
        }
        attempt_request(&c->attempts, client, conn, e, over_of(c), c);
    } else {
        attempt_response(&c->attempts, client, conn, e);
    }
}

static void take_icmp(struct case_file *c, const struct event *e)
{
    /* It concerns the host whose packet is quoted; routers and address translation may hide it. */
    struct client *client = client_of(c, &e->icmp->quoted_from.address, e);
    if (client == NULL) {
        return;
    }
    log_moment(c, client, LOG_OTHER, e);
    for (struct conn *conn = client->last_conn; conn != NULL; conn = conn->previous) {
        if (e->icmp->quoted_protocol == 6 && endpoint_equal(&conn->local, &e->icmp->quoted_from) &&
            endpoint_equal(&conn->server, &e->icmp->quoted_to) && !conn->connected &&
            icmp_meaning(e->icmp) != ICMP_TOO_BIG) {
            conn->icmp_refused = true;
            conn->icmp = icmp_meaning(e->icmp);
            conn->icmp_at = spot_of(e);
            break;
        }
    }
}

static void take_neighbour(struct case_file *c, const struct event *e)
{
    bool is_request = e->kind == EVENT_NEIGHBOUR_REQUEST;
    const struct address *asker = is_request ? &e->from.address : &e->to.address;
    if (address_is_group(asker)) {
        return;
    }
    struct client *client = client_of(c, asker, e);
    log_moment(c, client, LOG_OTHER, e);
    if (client != NULL && !is_request) {
        client->was_spoken_to = true;
        client_add_peer(client, &e->target);
    }
}

static void take_host_pair(struct case_file *c, const struct event *e)
{
    const struct address *a = &e->from.address;
    const struct address *b = &e->to.address;
    if (address_is_group(a) || address_is_group(b) || a->family == ADDRESS_NONE ||
        b->family == ADDRESS_NONE) {
        return;
    }
    struct client *x = client_of(c, a, e);
    if (x != NULL) {
        client_add_peer(x, b);
    }
    struct client *y = client_of(c, b, e);
    if (y != NULL) {
        client_add_peer(y, a);
        y->was_spoken_to = true;
    }
    vantage_take_pair(case_group(c, e->group), e);
}

/* Another copy of a message: its frame is listed with the first one's. */
static void list_copy(struct client *client, const struct event *e)
{
    for (size_t i = 0; client != NULL && i < LOG_COUNT; i++) {
        struct moment *m = client->logs[i].last;
        while (m != NULL && m->id > e->reply_to) {
            m = m->previous;
        }
        if (m != NULL && m->id == e->reply_to && m->num_frames < MOMENT_FRAMES_MAX) {
            m->frames[m->num_frames++] = e->frame;
        }
    }
}

static void take_duplicate(struct case_file *c, const struct event *e)
{
    struct group_state *g = case_group(c, e->group);
    if (g->num_frames_duplicate++ == 0) {
        g->first_duplicate = e->frame;
    }
    list_copy(client_find(c->clients, &e->from.address, e->scene), e);
    list_copy(client_find(c->clients, &e->to.address, e->scene), e);
}

static void judge_idle(struct case_file *c)
{
    while (c->attempts.oldest != NULL) {
        struct attempt *a = c->attempts.oldest;
        if (c->age_ns - a->touched_ns < ATTEMPT_IDLE_S * NS_PER_S) {
            return;
        }
        attempt_close(&c->attempts, a, over_of(c), c);
    }
}

/* The case's own clock: only forwards, and not by leaps. */
static void age(struct case_file *c, int64_t time_ns)
{
    int64_t step = time_ns - c->now_ns;
    if (step > 0 && step < AGE_LEAP_NS) {
        c->age_ns += step;
    }
    /* Events told late (the end of a flow that was quiet) must not make the same time pass twice.
     */
    if (step > 0 || step <= -AGE_LEAP_NS) {
        c->now_ns = time_ns;
    }
    c->attempts.now_ns = c->age_ns;
}

static void judge_what_is_due(struct case_file *c)
{
    judge_idle(c);
    if (c->live != NULL) {
        live_pass(c);
    }
}

void case_tick(struct case_file *c, int64_t now_ns)
{
    for (size_t i = 0; i < CAPTURES_MAX; i++) {
        if (c->groups[i].seen && now_ns > c->groups[i].last_ns) {
            c->groups[i].last_ns = now_ns;
        }
    }
    age(c, now_ns);
    judge_what_is_due(c);
}

static void take_time(struct case_file *c, const struct event *e)
{
    struct group_state *g = case_group(c, e->group);
    if (!g->seen || e->first_time_ns < g->first_ns) {
        g->first_ns = e->first_time_ns;
    }
    if (!g->seen || e->time_ns > g->last_ns) {
        g->last_ns = e->time_ns;
    }
    g->seen = true;
    case_take_piece(c, e);
    age(c, e->time_ns);
}

/* What another capture tells: it says only where this one was taken. */
static void take_sighting(struct case_file *c, const struct event *e)
{
    struct client *server = client_find(c->clients, &e->to.address, e->scene);
    if (e->kind == EVENT_TCP_CONNECT) {
        weigh_handshake(case_group(c, e->group), e->tcp);
    }
    if (e->kind == EVENT_HTTP_REQUEST && server != NULL) {
        server->num_http_served++;
    }
    bool is_lost =
        (e->kind == EVENT_KRB || e->kind == EVENT_DNS) && e->connection == 0 && e->reply_to == 0;
    if (is_lost && c->num_lost_answers < LOST_ANSWERS_MAX) {
        c->lost_answers[c->num_lost_answers++] = (struct lost_answer){
            .capture = e->capture, .frame = e->frame, .time_ns = e->time_ns, .to = e->to.address};
    }
}

void case_push(struct case_file *c, const struct event *e)
{
    take_time(c, e);
    if (e->is_sighting) {
        take_sighting(c, e);
        return;
    }
    switch (e->kind) {
    case EVENT_NONE:
        break;
    case EVENT_TOKEN:
        client_take_logon(
            client_of(c, e->token->is_response ? &e->to.address : &e->from.address, e), e);
        break;
    case EVENT_KRB:
        take_krb(c, e);
        break;
    case EVENT_HTTP_REQUEST:
    case EVENT_HTTP_RESPONSE:
        take_http(c, e);
        break;
    case EVENT_DNS:
        take_dns(c, e);
        break;
    case EVENT_TCP_SYN:
    case EVENT_TCP_CONNECT:
    case EVENT_TCP_REFUSED:
    case EVENT_TCP_FIN:
    case EVENT_TCP_RESET:
    case EVENT_TCP_SILENCE:
    case EVENT_TCP_END:
    case EVENT_GAP:
    case EVENT_TLS:
        take_tcp(c, e);
        break;
    case EVENT_ICMP_UNREACHABLE:
        take_icmp(c, e);
        break;
    case EVENT_NEIGHBOUR_REQUEST:
    case EVENT_NEIGHBOUR_REPLY:
        take_neighbour(c, e);
        break;
    case EVENT_HOST_SEEN:
        take_host_pair(c, e);
        break;
    case EVENT_DUPLICATE:
        take_duplicate(c, e);
        break;
    }
    judge_what_is_due(c);
}

void case_sink(void *context, const struct event *event)
{
    case_push(context, event);
}
