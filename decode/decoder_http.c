#include "decode/decoder_private.h"

#include "base/civil.h"
#include "base/cursor.h"
#include "krb5asn1/kkdcp.h"

#include <string.h>

static uint64_t event_of(const struct flow_parser *parser, uint64_t message)
{
    for (size_t i = 0; i < DECODER_PAIRS_MAX && message != 0; i++) {
        if (parser->pairs[i].message == message) {
            return parser->pairs[i].event;
        }
    }
    return 0;
}

/* Was this token sent on the connection before? Remembers it. */
static bool is_repeated(struct flow_parser *parser, struct bytes value)
{
    struct hash128 hash = hash128(value);
    for (size_t i = 0; i < DECODER_TOKENS_MAX && i < parser->num_tokens; i++) {
        if (hash128_equal(parser->tokens[i], hash)) {
            return true;
        }
    }
    parser->tokens[parser->num_tokens++ % DECODER_TOKENS_MAX] = hash;
    return false;
}

static void add_values(struct decoder *d, struct auth *auth, struct http_values *values,
                       bool is_complete)
{
    for (size_t i = 0; i < values->num; i++) {
        auth_add(auth, values->at[i], is_complete, &d->scratch);
    }
    *values = (struct http_values){0};
}

/* NULL: it is no KDC-PROXY-MESSAGE. */
static const struct kkdcp_facts *read_kkdcp(struct decoder *d, struct bytes body)
{
    struct kkdcp_message outer;
    struct kkdcp_facts *facts = arena_alloc(&d->scratch, sizeof *facts);
    if (facts == NULL || kkdcp_decode(body, &outer, NULL) == VERDICT_BAD ||
        outer.message.len == 0) {
        return NULL;
    }
    *facts = (struct kkdcp_facts){.target_domain = outer.target_domain,
                                  .has_hint = outer.has_hint,
                                  .dclocator_hint = outer.dclocator_hint};
    (void)decoder_krb_read(d, outer.message, &facts->krb, &facts->kpasswd);
    return facts;
}

static void fill_facts(struct flow_parser *parser, const struct http_message *m,
                       struct http_facts *facts)
{
    struct decoder *d = parser->decoder;
    facts->message = *m;
    struct http_message *copy = &facts->message;
    struct bytes value = m->authorization.num > 0 ? m->authorization.at[0] : (struct bytes){0};
    if (m->is_request && bytes_find(bytes_trim(value), ' ', 0) < value.len) {
        facts->authorization_repeated = is_repeated(parser, value);
    }
    add_values(d, &facts->auth, m->is_request ? &copy->authorization : &copy->www_authenticate,
               m->head_complete);
    add_values(d, &facts->proxy_auth,
               m->is_request ? &copy->proxy_authorization : &copy->proxy_authenticate,
               m->head_complete);
    copy->authorization = copy->proxy_authorization = (struct http_values){0};
    copy->www_authenticate = copy->proxy_authenticate = (struct http_values){0};
    if (m->is_request && bytes_is(m->method, "CCM_POST")) {
        ccm_memory_decode(d->ccm_memory, m->body, m->content_type, &d->scratch, &facts->ccm);
    }
    if (http_is_kkdcp(m->content_type) && m->body.len > 0) {
        facts->kkdcp = read_kkdcp(d, m->body);
    }
    copy->body = (struct bytes){0};
    facts->has_date = decoder_date_parse(m->date, &facts->date_ns);
    facts->request_id = event_of(parser, m->reply_to);
}

static void set_frames(const struct decoder *d, const struct http_message *m, struct event *event)
{
    struct decoder_frames frames = {0};
    for (size_t i = 0; i < m->num_frames; i++) {
        struct place place = m->end;
        place.frame = m->frames[i];
        place.time_ns = m->first.time_ns;
        decoder_frames_add(&frames, &place);
    }
    if (m->num_frames < HTTP_FRAMES_MAX && m->first.capture == m->end.capture) {
        decoder_frames_add(&frames, &m->first);
    }
    decoder_frames_add(&frames, &m->end);
    decoder_frames_set(d, &frames, event);
    event->first_time_ns = m->first.time_ns;
    if (!m->complete) {
        event->capture = m->end.capture;
        event->frame = m->end.frame;
        event->time_ns = m->end.time_ns;
    }
}

static void on_message(void *context, const struct http_message *m)
{
    struct flow_parser *parser = context;
    struct decoder *d = parser->decoder;
    struct flow *flow = parser->flow;
    struct tcp_facts tcp = {0};
    struct http_facts *facts = arena_alloc(&d->scratch, sizeof *facts);
    if (facts == NULL) {
        decoder_drop(d, DECODER_DROP_MESSAGE_TOO_LONG);
        return;
    }
    int side = m->is_request ? parser->http_client : 1 - parser->http_client;
    struct event event =
        decoder_event(m->is_request ? EVENT_HTTP_REQUEST : EVENT_HTTP_RESPONSE, &m->end);
    fill_facts(parser, m, facts);
    set_frames(d, m, &event);
    decoder_tcp_facts(flow, &tcp);
    event.reply_to = facts->request_id;
    event.from = flow->end[side];
    event.to = flow->end[1 - side];
    event.connection = flow->connection;
    event.carrier = CARRIER_TCP;
    event.complete = m->complete;
    event.http = facts;
    event.tcp = &tcp;
    uint64_t id = decoder_emit(d, &event);
    if (m->is_request) {
        flow->num_silences = 0;
        flow_watch(d->flows, FLOW_WATCH_REPLY, flow, d->clock_ns + DECODER_SILENCE_NS);
    } else if (m->status >= 200) {
        flow_unwatch(d->flows, FLOW_WATCH_REPLY, flow);
    }
    if (m->is_request) {
        size_t slot = parser->num_pairs++ % DECODER_PAIRS_MAX;
        parser->pairs[slot].message = m->id;
        parser->pairs[slot].event = id;
    }
}

static void on_tap(void *context, int dir, const struct tap_message *message)
{
    const struct flow_parser *parser = context;
    int side = dir == 0 ? parser->http_client : 1 - parser->http_client;
    decoder_tell_message(parser->decoder, parser->flow, side, message);
}

bool decoder_http_begin(struct decoder *d, struct flow *flow, int side, bool is_request)
{
    struct flow_parser *parser = decoder_parser_of(d, flow);
    if (parser == NULL) {
        return false;
    }
    if (parser->http != NULL) {
        return true;
    }
    parser->http_client = is_request ? side : 1 - side;
    parser->http = http_conn_new(on_message, parser);
    if (parser->http == NULL) {
        decoder_drop(d, DECODER_DROP_PARSER_FULL);
        return false;
    }
    if (d->options.tap != NULL) {
        http_conn_set_tap(parser->http, on_tap);
    }
    parser->http_idle_memory = http_conn_memory(parser->http);
    flow->parsed_to[0] = flow->parsed_to[1] = false;
    decoder_tcp_role(flow, parser->http_client, FLOW_ROLE_MESSAGE);
    decoder_parser_memory(d, parser);
    return true;
}

/* Has a message begun that did not end? */
bool decoder_http_is_under_way(const struct flow *flow)
{
    const struct flow_parser *parser = flow->parser;
    return parser != NULL && parser->http != NULL &&
           http_conn_memory(parser->http) > parser->http_idle_memory;
}

void decoder_http_data(struct flow *flow, int side, const struct stream_chunk *chunk)
{
    struct flow_parser *parser = flow->parser;
    const struct stream *s = &flow->streams.side[side];
    int direction = side == parser->http_client ? 0 : 1;
    if (!flow->parsed_to[side]) {
        flow->parsed_to[side] = true;
        if (!s->is_from_syn || chunk->offset != s->first) {
            http_gap(parser->http, direction, 0, &chunk->place);
        }
    }
    http_data(parser->http, direction, chunk->bytes, chunk->offset, chunk->is_segment_start,
              direction == 1 ? chunk->acked : 0, &chunk->place);
}
