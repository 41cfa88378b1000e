#include "decode/decoder_private.h"

#include <stdlib.h>
#include <string.h>

/* RFC 3645 3.1.2, 3.1.3: GSS-TSIG negotiates in TKEY records. NULL: none. */
static const struct token_facts *token_of(struct decoder *d, const struct dns_message *dns)
{
    const struct dns_tkey *tkey = dns->tkey;
    if (tkey == NULL || tkey->key.len == 0) {
        return NULL;
    }
    struct token_facts *facts = decoder_token(d, tkey->key, tkey->key.len == tkey->key_len);
    if (facts != NULL) {
        facts->carrier = CARRIER_DNS;
        facts->pdu = CARRIER_PDU_DNS_TKEY;
        facts->is_response = dns->is_response;
    }
    return facts;
}

bool decoder_dns_decode(struct decoder *d, struct bytes message, enum dns_flavour flavour,
                        struct event *event)
{
    struct dns_message *dns = arena_alloc(&d->scratch, sizeof *dns);
    size_t used = 0;
    if (dns == NULL) {
        return false;
    }
    enum verdict verdict = dns_decode(message, flavour, &d->scratch, dns, &used, NULL);
    bool is_named = verdict == VERDICT_DONE || dns->num_questions == 0 || dns->question.len > 0;
    if (verdict == VERDICT_BAD || !is_named) {
        decoder_drop(d,
                     verdict == VERDICT_BAD ? DECODER_DROP_MESSAGE_BAD : DECODER_DROP_MESSAGE_CUT);
        arena_reset(&d->scratch);
        return false;
    }
    if (verdict == VERDICT_MORE) {
        dns->complete = false;
        decoder_drop(d, DECODER_DROP_MESSAGE_CUT);
    }
    event->dns = dns;
    event->token = token_of(d, dns);
    event->complete = dns->complete;
    return true;
}

static struct decoder_dns *dns_of(struct decoder *d, struct flow *flow, int side)
{
    struct flow_parser *parser = decoder_parser_of(d, flow);
    if (parser != NULL && parser->dns[side] == NULL) {
        parser->dns[side] = calloc(1, sizeof *parser->dns[side]);
        decoder_parser_memory(d, parser);
    }
    return parser == NULL ? NULL : parser->dns[side];
}

/* false: no DNS after all. */
static bool emit(struct decoder *d, struct flow *flow, int side, struct bytes message)
{
    struct decoder_dns *state = flow->parser->dns[side];
    struct event event = decoder_event(EVENT_DNS, &d->place);
    uint64_t offset = state->next - message.len;
    decoder_tell(d, flow, side, offset - sizeof state->prefix, TAP_FRAMING,
                 (struct bytes){.at = state->prefix, .len = sizeof state->prefix});
    decoder_tell(d, flow, side, offset, TAP_DNS, message);
    if (!decoder_dns_decode(d, message, DNS_PLAIN, &event)) {
        return false;
    }
    decoder_tcp_role(flow, event.dns->is_response ? 1 - side : side, FLOW_ROLE_MESSAGE);
    decoder_frames_set(d, &state->frames, &event);
    event.from = flow->end[side];
    event.to = flow->end[1 - side];
    event.connection = flow->connection;
    event.carrier = CARRIER_TCP;
    decoder_emit(d, &event);
    return true;
}

static void forget(struct decoder *d, struct flow *flow, int side)
{
    struct decoder_dns *state = flow->parser->dns[side];
    free(state->buffer);
    *state = (struct decoder_dns){0};
    decoder_parser_memory(d, flow->parser);
}

/*   0        2              2 + length
 *   | length | message      | length | …          RFC 1035 4.2.2
 */
void decoder_dns_data(struct decoder *d, struct flow *flow, int side,
                      const struct stream_chunk *chunk)
{
    struct decoder_dns *state = dns_of(d, flow, side);
    size_t at = 0;
    bool is_good = state != NULL;
    while (is_good && at < chunk->bytes.len) {
        decoder_frames_add(&state->frames, &chunk->place);
        if (state->prefix_len < sizeof state->prefix) {
            state->prefix[state->prefix_len++] = chunk->bytes.at[at++];
            continue;
        }
        if (state->buffer == NULL) {
            state->need = (size_t)state->prefix[0] << 8 | state->prefix[1];
            state->buffer = malloc(state->need + 1);
            state->have = 0;
            is_good = state->buffer != NULL && state->need > 0;
            decoder_parser_memory(d, flow->parser);
            continue;
        }
        struct bytes part = bytes_part(chunk->bytes, at, state->need - state->have);
        memcpy(state->buffer + state->have, part.at, part.len);
        state->have += part.len;
        at += part.len;
        state->next = chunk->offset + at;
        if (state->have == state->need) {
            is_good = emit(d, flow, side, (struct bytes){.at = state->buffer, .len = state->need});
            forget(d, flow, side);
        }
    }
    if (!is_good) {
        flow->content[side] = FLOW_BULK;
        flow->streams.side[side].is_wanted = false;
        if (state != NULL) {
            forget(d, flow, side);
        }
    }
}

/* A message cut by a gap, or by the end of its stream, is decoded as far as it goes. */
void decoder_dns_gap(struct decoder *d, struct flow *flow, int side)
{
    struct decoder_dns *state = flow->parser == NULL ? NULL : flow->parser->dns[side];
    if (state == NULL) {
        return;
    }
    if (state->have > 0) {
        (void)emit(d, flow, side, (struct bytes){.at = state->buffer, .len = state->have});
    }
    forget(d, flow, side);
}
