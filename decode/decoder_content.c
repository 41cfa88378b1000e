#include "decode/decoder_private.h"

#include "base/cursor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PORT_DNS_TCP = 53,
    DNS_HEADER_BYTES = 12,
    TLS_HANDSHAKE = 22, /* RFC 8446 5.1 */
    TLS_CLIENT_HELLO = 1,
    TLS_SERVER_HELLO = 2,
    TLS_START_BYTES = 6,
};

static bool is_dns_port(const struct flow *flow)
{
    return flow->end[0].port == PORT_DNS_TCP || flow->end[1].port == PORT_DNS_TCP;
}

/* A length that holds a header, and a message with at most one question or none. */
static bool looks_like_dns(struct bytes b)
{
    return b.len >= 2 + DNS_HEADER_BYTES && bytes_u16be_at(b, 0) >= DNS_HEADER_BYTES &&
           bytes_u16be_at(b, 6) <= 1;
}

/*   0      1         3        5           6
 *   | 0x16 | 3 minor | length | hello 1/2 | …      RFC 8446 5.1, 4 */
static bool looks_like_tls(struct bytes b)
{
    uint8_t hello = bytes_u8_at(b, 5);
    return b.len >= TLS_START_BYTES && bytes_u8_at(b, 0) == TLS_HANDSHAKE &&
           bytes_u8_at(b, 1) == 3 && bytes_u8_at(b, 2) <= 4 &&
           (hello == TLS_CLIENT_HELLO || hello == TLS_SERVER_HELLO);
}

/* May bytes with this first one be HTTP, Kerberos with or without its length, or TLS? */
static bool may_be_ours(uint8_t first)
{
    bool is_token = (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
    bool is_krb = first == 0 || (first & 0xe0) == 0x60; /* a length under 2^24; [APPLICATION n] */
    return is_token || is_krb || first == TLS_HANDSHAKE || carrier_may_begin(first);
}

enum flow_content decoder_content_of(const struct flow *flow, struct bytes start)
{
    size_t len = 0;
    if (start.len == 0) {
        return FLOW_UNDECIDED;
    }
    if (is_dns_port(flow)) {
        return looks_like_dns(start) ? FLOW_DNS : FLOW_UNDECIDED;
    }
    if (!may_be_ours(start.at[0])) {
        return FLOW_UNDECIDED;
    }
    if (http_looks_like_response(start) || http_looks_like_request(start)) {
        return FLOW_HTTP;
    }
    if (krb_transport_looks_like(start, &len) || krb_looks_like(start, &len)) {
        return FLOW_KERBEROS;
    }
    if (carrier_of(start) != CARRIER_KIND_NONE) {
        return FLOW_CARRIER;
    }
    return FLOW_UNDECIDED;
}

static void link_parser(struct decoder *d, struct flow_parser *p)
{
    p->more_recent = NULL;
    p->less_recent = d->parser_recent;
    if (d->parser_recent != NULL) {
        d->parser_recent->more_recent = p;
    } else {
        d->parser_idle = p;
    }
    d->parser_recent = p;
}

static void unlink_parser(struct decoder *d, struct flow_parser *p)
{
    if (p->more_recent != NULL) {
        p->more_recent->less_recent = p->less_recent;
    } else {
        d->parser_recent = p->less_recent;
    }
    if (p->less_recent != NULL) {
        p->less_recent->more_recent = p->more_recent;
    } else {
        d->parser_idle = p->more_recent;
    }
}

struct flow_parser *decoder_parser_of(struct decoder *d, struct flow *flow)
{
    if (flow->parser != NULL) {
        return flow->parser;
    }
    struct flow_parser *p = calloc(1, sizeof *p);
    if (p == NULL) {
        decoder_drop(d, DECODER_DROP_PARSER_FULL);
        return NULL;
    }
    p->decoder = d;
    p->flow = flow;
    flow->parser = p;
    link_parser(d, p);
    decoder_parser_memory(d, p);
    return p;
}

static size_t memory_of(const struct flow_parser *p)
{
    size_t memory = sizeof *p;
    memory += p->http == NULL ? 0 : http_conn_memory(p->http);
    for (int side = 0; side < 2; side++) {
        const struct decoder_dns *dns = p->dns[side];
        memory += p->start[side] == NULL ? 0 : sizeof *p->start[side];
        memory += p->krb[side] == NULL ? 0 : sizeof *p->krb[side] + p->krb[side]->buffer_size;
        const struct decoder_carrier *c = p->carrier[side];
        memory += c == NULL ? 0 : sizeof *c + (c->buffer == NULL ? 0 : c->need);
        memory += dns == NULL ? 0 : sizeof *dns + (dns->buffer == NULL ? 0 : dns->need);
    }
    return memory;
}

/* The bytes go on, but nobody understands them now; a segment start may change that. What is held
 * is freed by the stream, which may be in the middle of handing it out. */
static void give_up(struct flow *flow, int side)
{
    flow->content[side] = FLOW_BULK;
    flow->streams.side[side].is_wanted = false;
}

/* Has a message begun that did not end? When it is told, its frames lie in the past. */
static bool has_begun(const struct flow_parser *p)
{
    bool begun = p->http != NULL && http_conn_memory(p->http) > p->http_idle_memory;
    for (int side = 0; side < 2; side++) {
        begun = begun || (p->krb[side] != NULL && p->krb[side]->frames.num > 0) ||
                (p->dns[side] != NULL && p->dns[side]->frames.num > 0) ||
                (p->carrier[side] != NULL && p->carrier[side]->buffer != NULL);
    }
    return begun;
}

static void note_begun(struct decoder *d, struct flow_parser *parser, bool begun)
{
    d->num_begun += begun ? 1 : 0;
    d->num_begun -= parser->has_begun ? 1 : 0;
    parser->has_begun = begun;
}

void decoder_parser_memory(struct decoder *d, struct flow_parser *parser)
{
    size_t memory = memory_of(parser);
    note_begun(d, parser, has_begun(parser));
    d->parser_memory += memory - parser->memory;
    parser->memory = memory;
    if (d->parser_recent != parser) {
        unlink_parser(d, parser);
        link_parser(d, parser);
    }
    while (d->parser_memory > DECODER_PARSER_BYTES_MAX && d->parser_idle != parser) {
        struct flow *flow = d->parser_idle->flow;
        decoder_drop(d, DECODER_DROP_PARSER_FULL);
        decoder_parser_free(d, flow);
        for (int side = 0; side < 2; side++) { /* not the connection at work: free to forget */
            flow->content[side] = FLOW_BULK;
            stream_forget(&flow->streams.side[side], &d->pool);
        }
    }
}

void decoder_parser_free(struct decoder *d, struct flow *flow)
{
    struct flow_parser *p = flow->parser;
    if (p == NULL) {
        return;
    }
    if (p->http != NULL) {
        http_flush(p->http);
        http_conn_free(p->http);
        p->http = NULL;
    }
    for (int side = 0; side < 2; side++) {
        if (p->krb[side] != NULL) {
            decoder_krb_gap(d, flow, side, 0);
            free(krb_transport_take_back(&p->krb[side]->transport));
            free(p->krb[side]);
            p->krb[side] = NULL;
        }
        if (p->dns[side] != NULL) {
            decoder_dns_gap(d, flow, side);
            free(p->dns[side]->buffer);
            free(p->dns[side]);
            p->dns[side] = NULL;
        }
        if (p->carrier[side] != NULL) {
            decoder_carrier_gap(d, flow, side, 0);
            decoder_carrier_free(p, side);
        }
        free(p->start[side]);
    }
    unlink_parser(d, p);
    note_begun(d, p, false);
    d->parser_memory -= p->memory;
    free(p);
    flow->parser = NULL;
}

static void drop_start(struct decoder *d, struct flow *flow, int side)
{
    if (flow->parser != NULL && flow->parser->start[side] != NULL) {
        free(flow->parser->start[side]);
        flow->parser->start[side] = NULL;
        decoder_parser_memory(d, flow->parser);
    }
}

/* A chunk of a direction whose content is known. */
static void feed(struct decoder *d, struct flow *flow, int side, const struct stream_chunk *chunk)
{
    switch ((enum flow_content)flow->content[side]) {
    case FLOW_HTTP:
        decoder_http_data(flow, side, chunk);
        break;
    case FLOW_KERBEROS:
        decoder_krb_data(d, flow, side, chunk);
        break;
    case FLOW_DNS:
        decoder_dns_data(d, flow, side, chunk);
        break;
    case FLOW_CARRIER:
        decoder_carrier_data(d, flow, side, chunk);
        break;
    case FLOW_UNDECIDED:
    case FLOW_BULK:
        break;
    }
}

/* The first bytes of a direction were waiting: now their reader is known. */
static void feed_start(struct decoder *d, struct flow *flow, int side)
{
    struct decoder_start *start = flow->parser == NULL ? NULL : flow->parser->start[side];
    if (start == NULL) {
        return;
    }
    flow->parser->start[side] = NULL;
    for (size_t i = 0; i < start->num_chunks; i++) {
        feed(d, flow, side, &start->chunks[i]);
    }
    free(start);
}

/* Content was recognised in a direction: readers are set up, for HTTP on both. */
static void decide(struct decoder *d, struct flow *flow, int side, enum flow_content content,
                   struct bytes start)
{
    flow->content[side] = (uint8_t)content;
    if ((content == FLOW_CARRIER && !decoder_carrier_begin(d, flow, side, start)) ||
        (content == FLOW_KERBEROS && !decoder_krb_begin(d, flow, side, start))) {
        give_up(flow, side);
        return;
    }
    if (content == FLOW_HTTP) {
        int other = 1 - side;
        if (!decoder_http_begin(d, flow, side, !http_looks_like_response(start))) {
            give_up(flow, side);
            return;
        }
        if (flow->content[other] == FLOW_BULK || flow->content[other] == FLOW_UNDECIDED) {
            flow->content[other] = FLOW_HTTP;
            flow->streams.side[other].is_wanted = true;
            feed_start(d, flow, other);
        }
    }
    feed_start(d, flow, side);
}

static void tell_tls(struct decoder *d, struct flow *flow, int side, const struct place *place)
{
    struct event event = decoder_event(EVENT_TLS, place);
    struct tcp_facts facts = {0};
    if (flow->tls_told[side]) {
        return;
    }
    flow->tls_told[side] = true;
    decoder_tcp_facts(flow, &facts);
    event.from = flow->end[side];
    event.to = flow->end[1 - side];
    event.connection = flow->connection;
    event.carrier = CARRIER_TCP;
    event.tcp = &facts;
    decoder_emit(d, &event);
}

/* Keeps the beginning of a stream until it can be told. */
static void keep_start(struct decoder *d, struct flow *flow, int side,
                       const struct stream_chunk *chunk)
{
    struct flow_parser *parser = decoder_parser_of(d, flow);
    if (parser != NULL && parser->start[side] == NULL) {
        parser->start[side] = calloc(1, sizeof *parser->start[side]);
        decoder_parser_memory(d, parser);
    }
    struct decoder_start *start = parser == NULL ? NULL : parser->start[side];
    if (start == NULL) {
        give_up(flow, side);
        return;
    }
    assert(start->len + chunk->bytes.len <= sizeof start->bytes);
    uint8_t *copy = start->bytes + start->len;
    memcpy(copy, chunk->bytes.at, chunk->bytes.len);
    start->chunks[start->num_chunks] = *chunk;
    start->chunks[start->num_chunks].bytes.at = copy;
    start->num_chunks++;
    start->len += chunk->bytes.len;
}

/* The stream's beginning as far as it came, the chunk included, in the caller's bytes. */
static struct bytes beginning(const struct flow *flow, int side, const struct stream_chunk *chunk,
                              uint8_t joined[DECODER_START_BYTES])
{
    const struct decoder_start *start = flow->parser == NULL ? NULL : flow->parser->start[side];
    if (start == NULL) {
        return chunk->bytes;
    }
    struct bytes part = bytes_part(chunk->bytes, 0, DECODER_START_BYTES - start->len);
    memcpy(joined, start->bytes, start->len);
    memcpy(joined + start->len, part.at, part.len);
    return (struct bytes){.at = joined, .len = start->len + part.len};
}

/* Forgets the first chunks of what is kept: they are none of ours. */
static void drop_chunks(struct decoder_start *start, size_t num)
{
    size_t len = 0;
    for (size_t i = 0; i < num; i++) {
        len += start->chunks[i].bytes.len;
    }
    start->len -= len;
    start->num_chunks -= num;
    memmove(start->bytes, start->bytes + len, start->len);
    memmove(start->chunks, start->chunks + num, start->num_chunks * sizeof start->chunks[0]);
    for (size_t i = 0; i < start->num_chunks; i++) {
        start->chunks[i].bytes.at -= len;
    }
}

/* What begins behind the first chunk kept, at the start of a segment: a stray byte (a keep-alive's,
 * RFC 9293 3.8.4) hides nothing. While the first may still become a message, only HTTP is told from
 * what lies in one: a password change's AP-REQ, say. On success *start is what it begins with. */
static enum flow_content content_behind(struct flow *flow, int side,
                                        const struct stream_chunk *chunk, struct bytes *start)
{
    struct decoder_start *kept = flow->parser->start[side];
    bool is_hopeless = start->len == DECODER_START_BYTES;
    size_t at = kept->chunks[0].bytes.len;
    for (size_t i = 1; i <= kept->num_chunks; i++) {
        bool is_kept = i < kept->num_chunks;
        const struct stream_chunk *first = is_kept ? &kept->chunks[i] : chunk;
        struct bytes rest = is_kept ? bytes_part(*start, at, start->len) : chunk->bytes;
        enum flow_content content =
            first->is_segment_start ? decoder_content_of(flow, rest) : FLOW_UNDECIDED;
        if (content == FLOW_HTTP || (content != FLOW_UNDECIDED && is_hopeless)) {
            drop_chunks(kept, i);
            *start = rest;
            return content;
        }
        at += first->bytes.len;
    }
    return FLOW_UNDECIDED;
}

static void undecided(struct decoder *d, struct flow *flow, int side,
                      const struct stream_chunk *chunk)
{
    uint8_t joined[DECODER_START_BYTES];
    struct bytes start = beginning(flow, side, chunk, joined);
    enum flow_content content = decoder_content_of(flow, start);
    if (content == FLOW_UNDECIDED && start.at == joined) {
        content = content_behind(flow, side, chunk, &start);
    }
    if (content != FLOW_UNDECIDED) {
        decide(d, flow, side, content, start);
        feed(d, flow, side, chunk);
        return;
    }
    const struct stream *s = &flow->streams.side[side];
    bool is_first = chunk->offset == s->first || start.at == joined;
    if (is_first && looks_like_tls(start)) {
        tell_tls(d, flow, side, &chunk->place);
        if (d->options.tap != NULL) { /* that wants to know of the records */
            decide(d, flow, side, FLOW_CARRIER, start);
            feed(d, flow, side, chunk);
            return;
        }
    } else if (start.len < DECODER_START_BYTES &&
               (is_first || may_be_ours(start.at[0]) || is_dns_port(flow))) {
        keep_start(d, flow, side, chunk);
        return;
    }
    drop_start(d, flow, side);
    give_up(flow, side);
}

void decoder_content_data(struct decoder *d, struct flow *flow, int side,
                          const struct stream_chunk *chunk)
{
    if (flow->content[side] == FLOW_BULK && chunk->is_segment_start &&
        decoder_content_of(flow, chunk->bytes) != FLOW_UNDECIDED) {
        flow->content[side] = FLOW_UNDECIDED; /* held behind a hole: ours after all */
        flow->streams.side[side].is_wanted = true;
    }
    if (flow->content[side] == FLOW_UNDECIDED && chunk->bytes.len > 0) {
        undecided(d, flow, side, chunk);
    } else {
        feed(d, flow, side, chunk);
    }
    if (flow->parser != NULL) {
        decoder_parser_memory(d, flow->parser);
    }
}

static void tell_gap(struct decoder *d, struct flow *flow, int side, uint64_t len,
                     const struct place *place)
{
    struct event event = decoder_event(EVENT_GAP, place);
    struct tcp_facts facts = {0};
    decoder_tcp_facts(flow, &facts);
    facts.gap_len = len;
    facts.gap_side = side == flow->client ? 0 : 1;
    event.from = flow->end[side];
    event.to = flow->end[1 - side];
    event.connection = flow->connection;
    event.carrier = CARRIER_TCP;
    event.tcp = &facts;
    decoder_emit(d, &event);
}

void decoder_content_gap(struct decoder *d, struct flow *flow, int side, uint64_t len,
                         const struct place *place)
{
    struct flow_parser *parser = flow->parser;
    switch ((enum flow_content)flow->content[side]) {
    case FLOW_HTTP:
        assert(parser != NULL);
        http_gap(parser->http, side == parser->http_client ? 0 : 1, len, place);
        break;
    case FLOW_KERBEROS:
        decoder_krb_gap(d, flow, side, len);
        break;
    case FLOW_DNS:
        decoder_dns_gap(d, flow, side);
        flow->content[side] = FLOW_UNDECIDED;
        break;
    case FLOW_UNDECIDED:
        drop_start(d, flow, side);
        break;
    case FLOW_CARRIER: /* of no weight for a verdict: no word of it */
        decoder_carrier_gap(d, flow, side, len);
        return;
    case FLOW_BULK:
        return;
    }
    tell_gap(d, flow, side, len, place);
}

void decoder_content_end(struct decoder *d, struct flow *flow, int side, bool by_fin,
                         const struct place *place)
{
    struct flow_parser *parser = flow->parser;
    (void)d;
    if (parser != NULL && parser->http != NULL && flow->content[side] == FLOW_HTTP) {
        http_end(parser->http, side == parser->http_client ? 0 : 1, by_fin, place);
    }
}
