/* PDUs of SMB, LDAP, DCE/RPC, TDS and bare GSS tokens on a connection: framed, gathered when they
 * may hold a token, passed over by arithmetic when not. */
#include "decode/decoder_private.h"

#include <stdlib.h>
#include <string.h>

static enum carrier carrier_in(enum carrier_pdu pdu)
{
    switch (pdu) {
    case CARRIER_PDU_SMB1_NEGOTIATE:
    case CARRIER_PDU_SMB1_SESSION_SETUP:
    case CARRIER_PDU_SMB2_NEGOTIATE:
    case CARRIER_PDU_SMB2_SESSION_SETUP:
        return CARRIER_SMB;
    case CARRIER_PDU_LDAP_BIND:
        return CARRIER_LDAP;
    case CARRIER_PDU_RPC_BIND:
    case CARRIER_PDU_RPC_ALTER:
    case CARRIER_PDU_RPC_AUTH3:
        return CARRIER_DCERPC;
    case CARRIER_PDU_DNS_TKEY:
        return CARRIER_DNS;
    case CARRIER_PDU_TOKEN:
    case CARRIER_PDU_TDS_LOGIN7:
    case CARRIER_PDU_TDS_SSPI:
    case CARRIER_PDU_NNS_HANDSHAKE:
        break;
    }
    return CARRIER_OTHER;
}

struct token_facts *decoder_token(struct decoder *d, struct bytes token, bool complete)
{
    struct token_facts *facts = arena_alloc(&d->scratch, sizeof *facts);
    struct gss_token *gss = arena_alloc(&d->scratch, sizeof *gss);
    struct ntlm_message *ntlm = arena_alloc(&d->scratch, sizeof *ntlm);
    size_t used = 0;
    if (facts == NULL || gss == NULL || ntlm == NULL) {
        decoder_drop(d, DECODER_DROP_MESSAGE_TOO_LONG);
        return NULL;
    }
    (void)gss_token_decode(token, &d->scratch, gss, NULL); /* BAD sets the form all the same */
    gss->complete = gss->complete && complete;
    facts->token_len = token.len;
    if (gss->form != TOKEN_RAW_NTLM) {
        facts->gss = gss;
    }
    if (gss->ntlm.len > 0 &&
        ntlm_decode(gss->ntlm, &d->scratch, ntlm, &used, NULL) != VERDICT_BAD && ntlm->type != 0) {
        facts->ntlm = ntlm;
    }
    bool is_spnego = gss->form == TOKEN_NEG_INIT || gss->form == TOKEN_NEG_RESP;
    return is_spnego || gss->krb != NULL || facts->ntlm != NULL ? facts : NULL;
}

/* A token without an id answers the last one whose bytes it confirms. */
static bool is_answered_by(const struct decoder_asked *a, const struct token_facts *facts, int side,
                           uint64_t acked)
{
    if (a->event == 0 || a->side == side) {
        return false;
    }
    if (facts->has_id) {
        return a->has_id && a->id == facts->id && a->pdu == facts->pdu;
    }
    return !a->has_id && acked >= a->end;
}

/* Event id of the request that this answers; 0: none, or one of several. */
static uint64_t request_of(struct flow_parser *parser, const struct token_facts *facts, int side,
                           uint64_t acked)
{
    struct decoder_asked *found = NULL;
    for (size_t i = 0; i < DECODER_ASKED_MAX; i++) {
        struct decoder_asked *a = &parser->asked[i];
        if (!is_answered_by(a, facts, side, acked)) {
            continue;
        }
        if (found != NULL && facts->has_id) {
            return 0; /* two pipes of one SMB connection may count alike */
        }
        if (found == NULL || a->end > found->end) {
            found = a;
        }
    }
    uint64_t event = found == NULL ? 0 : found->event;
    if (found != NULL) {
        *found = (struct decoder_asked){0};
    }
    return event;
}

static void emit(struct decoder *d, struct flow *flow, int side, const struct carrier_token *token)
{
    struct flow_parser *parser = flow->parser;
    const struct decoder_carrier *c = parser->carrier[side];
    struct event event = decoder_event(EVENT_TOKEN, &d->place);
    struct token_facts *facts = decoder_token(d, token->token, token->complete);
    if (facts == NULL) {
        return;
    }
    bool is_bare = token->pdu == CARRIER_PDU_TOKEN || token->pdu == CARRIER_PDU_NNS_HANDSHAKE;
    facts->carrier = carrier_in(token->pdu);
    facts->pdu = token->pdu;
    facts->is_response = is_bare ? side != flow->client : token->is_response;
    facts->has_id = token->has_id;
    facts->id = token->id;
    facts->has_status = token->has_status;
    facts->status = token->status;
    facts->mechanism = token->mechanism;
    if (facts->is_response) {
        facts->request_id = request_of(parser, facts, side, c->acked);
    }
    decoder_frames_set(d, &c->frames, &event);
    event.reply_to = facts->request_id;
    event.from = flow->end[side];
    event.to = flow->end[1 - side];
    event.connection = flow->connection;
    event.carrier = facts->carrier;
    event.token = facts;
    event.complete = token->complete && (facts->gss == NULL || facts->gss->complete) &&
                     (facts->ntlm == NULL || facts->ntlm->complete);
    bool is_request = !facts->is_response;
    struct decoder_asked asked = {
        .has_id = facts->has_id, .pdu = facts->pdu, .id = facts->id, .end = c->end, .side = side};
    asked.event = decoder_emit(d, &event);
    if (is_request) {
        parser->asked[parser->num_asked++ % DECODER_ASKED_MAX] = asked;
    }
}

static void tell(struct decoder *d, const struct flow *flow, int side, struct bytes pdu)
{
    const struct decoder_carrier *c = flow->parser->carrier[side];
    const struct tap_piece piece = {.offset = c->begin, .len = pdu.len};
    decoder_tell_message(d, flow, side,
                         &(struct tap_message){.kind = TAP_CARRIER,
                                               .carrier = c->kind,
                                               .bytes = pdu,
                                               .pieces = &piece,
                                               .num_pieces = 1});
}

/* Emitting resets the scratch, so a PDU is decoded again for each of its tokens; few have two. */
static void take_pdu(struct decoder *d, struct flow *flow, int side, struct bytes pdu)
{
    enum carrier_kind kind = flow->parser->carrier[side]->kind;
    tell(d, flow, side, pdu);
    struct carrier_message message;
    size_t used = 0;
    for (size_t i = 0; i < CARRIER_TOKENS_MAX; i++) {
        enum verdict v = carrier_decode(kind, pdu, &d->scratch, &message, &used, NULL);
        if (v != VERDICT_BAD && i < message.num) {
            emit(d, flow, side, &message.at[i]);
        }
        arena_reset(&d->scratch);
        if (v == VERDICT_BAD || i + 1 >= message.num) {
            break;
        }
    }
}

static void forget_pdu(struct decoder_carrier *c)
{
    free(c->buffer);
    c->buffer = NULL;
    c->head_len = 0;
    c->need = 0;
    c->have = 0;
    decoder_frames_clear(&c->frames);
}

void decoder_carrier_free(struct flow_parser *parser, int side)
{
    forget_pdu(parser->carrier[side]);
    free(parser->carrier[side]);
    parser->carrier[side] = NULL;
}

bool decoder_carrier_begin(struct decoder *d, struct flow *flow, int side, struct bytes start)
{
    struct flow_parser *parser = decoder_parser_of(d, flow);
    if (parser == NULL) {
        return false;
    }
    struct decoder_carrier *c = parser->carrier[side];
    if (c == NULL) {
        c = parser->carrier[side] = calloc(1, sizeof *c);
    }
    if (c == NULL) {
        decoder_drop(d, DECODER_DROP_PARSER_FULL);
        return false;
    }
    forget_pdu(c);
    c->skip = 0;
    c->kind = carrier_of(start);
    c->kind = c->kind == CARRIER_KIND_NONE ? CARRIER_KIND_TLS : c->kind;
    decoder_parser_memory(d, parser);
    return true;
}

/* The framing is lost: a segment start may find it again. */
static void lose(struct flow *flow, int side)
{
    forget_pdu(flow->parser->carrier[side]);
    flow->parser->carrier[side]->skip = 0;
    flow->content[side] = FLOW_BULK;
    flow->streams.side[side].is_wanted = false;
}

/* The PDU's length is known: room for it, when it is wanted. false: no memory. */
static bool make_room(struct decoder *d, struct decoder_carrier *c, size_t need)
{
    uint8_t *buffer = realloc(c->buffer, need);
    if (buffer == NULL) {
        decoder_drop(d, DECODER_DROP_PARSER_FULL);
        return false;
    }
    if (c->buffer == NULL) {
        memcpy(buffer, c->head, c->head_len);
        c->have = c->head_len;
    }
    c->buffer = buffer;
    c->need = need;
    return true;
}

/* Bytes came to the PDU: is its length known by now, is it whole? false: the framing is lost. */
static bool judge(struct decoder *d, struct flow *flow, int side)
{
    struct decoder_carrier *c = flow->parser->carrier[side];
    struct carrier_frame frame;
    struct bytes so_far = {.at = c->buffer == NULL ? c->head : c->buffer,
                           .len = c->buffer == NULL ? c->head_len : c->have};
    enum verdict v = carrier_frame(c->kind, so_far, &frame);
    if (v == VERDICT_MORE) {
        return so_far.len < CARRIER_HEAD_BYTES;
    }
    if (v == VERDICT_BAD || frame.len < so_far.len) {
        return false;
    }
    bool is_told = d->options.tap != NULL && frame.len <= CARRIER_PDU_MAX; /* as a whole */
    if (!frame.is_wanted && !is_told) {
        tell(d, flow, side, so_far);
        c->skip = frame.len - so_far.len;
        forget_pdu(c);
        return true;
    }
    if (frame.len > so_far.len) {
        return make_room(d, c, frame.len);
    }
    take_pdu(d, flow, side, so_far);
    forget_pdu(c);
    return true;
}

/* One step through the bytes of a chunk. Returns how many were taken; 0: the framing is lost. */
static size_t step(struct decoder *d, struct flow *flow, int side, struct bytes bytes,
                   const struct place *place)
{
    struct decoder_carrier *c = flow->parser->carrier[side];
    size_t taken = 1;
    if (c->skip > 0) {
        taken = c->skip < bytes.len ? (size_t)c->skip : bytes.len;
        c->skip -= taken;
        c->end += taken;
        return taken;
    }
    decoder_frames_add(&c->frames, place);
    if (c->buffer == NULL && c->head_len == 0) {
        c->begin = c->end;
    }
    if (c->buffer == NULL) {
        c->head[c->head_len++] = bytes.at[0];
    } else {
        struct bytes part = bytes_part(bytes, 0, c->need - c->have);
        memcpy(c->buffer + c->have, part.at, part.len);
        c->have += part.len;
        taken = part.len;
    }
    c->end += taken;
    bool is_due = c->buffer == NULL || c->have == c->need;
    return !is_due || judge(d, flow, side) ? taken : 0;
}

void decoder_carrier_data(struct decoder *d, struct flow *flow, int side,
                          const struct stream_chunk *chunk)
{
    struct decoder_carrier *c = flow->parser->carrier[side];
    size_t at = 0;
    c->end = chunk->offset;
    c->acked = chunk->acked;
    while (at < chunk->bytes.len) {
        struct bytes rest = bytes_part(chunk->bytes, at, chunk->bytes.len);
        size_t taken = step(d, flow, side, rest, &chunk->place);
        if (taken == 0) {
            lose(flow, side);
            return;
        }
        at += taken;
    }
}

/* What came of a PDU is decoded as far as it goes. A gap inside one keeps the framing. */
void decoder_carrier_gap(struct decoder *d, struct flow *flow, int side, uint64_t len)
{
    struct decoder_carrier *c = flow->parser == NULL ? NULL : flow->parser->carrier[side];
    if (c == NULL) {
        return;
    }
    uint64_t left = c->skip;
    if (c->buffer != NULL) {
        left = c->need - c->have;
        take_pdu(d, flow, side, (struct bytes){.at = c->buffer, .len = c->have});
    }
    forget_pdu(c);
    if (len > 0 && left >= len) {
        c->skip = left - len;
    } else {
        c->skip = 0;
        flow->content[side] = FLOW_UNDECIDED;
    }
}
