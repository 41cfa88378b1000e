#include "decode/decoder_private.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_LENGTH_BYTES 4 /* RFC 4120 7.2.2 */
#define RESULT_CODE_BYTES 2   /* RFC 3244 2 */

/* One message into the scratch; NULL: it is none. */
static struct krb_message *read_one(struct decoder *d, struct bytes message, enum verdict *verdict)
{
    struct krb_message *krb = arena_alloc(&d->scratch, sizeof *krb);
    size_t used = 0;
    if (krb == NULL) {
        return NULL;
    }
    *verdict = krb_decode(message, &d->scratch, krb, &used, NULL);
    if (*verdict == VERDICT_BAD || krb->type == KRB_NONE) {
        return NULL;
    }
    if (*verdict == VERDICT_MORE) {
        krb->complete = false;
    }
    return krb;
}

/* RFC 3244 2: a KRB-ERROR's e-data is two bytes of result code and a text. */
static void read_result(struct kpasswd_facts *facts, const struct krb_message *krb)
{
    struct bytes data = krb->edata_other;
    if (krb->type == KRB_ERROR_MSG && data.len >= RESULT_CODE_BYTES) {
        facts->has_result = true;
        facts->result_code = (uint16_t)(data.at[0] << 8 | data.at[1]);
        facts->result_text = bytes_part(data, RESULT_CODE_BYTES, data.len);
    }
}

enum verdict decoder_krb_read(struct decoder *d, struct bytes message,
                              const struct krb_message **krb, const struct kpasswd_facts **kpasswd)
{
    struct kpasswd_message frame = {0};
    struct krb_message *first = NULL;
    size_t len = 0;
    enum verdict verdict = VERDICT_BAD;
    enum verdict framing = VERDICT_BAD;
    *krb = NULL;
    *kpasswd = NULL;
    if (!krb_looks_like(message, &len)) {
        framing = kpasswd_decode(message, &frame, &len, NULL);
    }
    if (framing == VERDICT_BAD) {
        *krb = read_one(d, message, &verdict);
        return verdict;
    }
    first = read_one(d, frame.ap.len > 0 ? frame.ap : frame.second, &verdict);
    struct kpasswd_facts *facts = arena_alloc(&d->scratch, sizeof *facts);
    if (first == NULL || facts == NULL) {
        return first == NULL ? verdict : VERDICT_BAD;
    }
    *facts = (struct kpasswd_facts){.version = frame.version};
    read_result(facts, first);
    if (frame.ap.len > 0) {
        enum verdict second = VERDICT_BAD;
        facts->after = read_one(d, frame.second, &second);
        if (facts->after != NULL) {
            read_result(facts, facts->after);
        }
        if (verdict == VERDICT_DONE && framing == VERDICT_MORE) {
            verdict = VERDICT_MORE; /* cut behind the AP-REQ */
        }
    }
    *krb = first;
    *kpasswd = facts;
    return verdict;
}

bool decoder_krb_decode(struct decoder *d, struct bytes message, struct event *event)
{
    enum verdict verdict = decoder_krb_read(d, message, &event->krb, &event->kpasswd);
    if (event->krb == NULL) {
        decoder_drop(d,
                     verdict == VERDICT_BAD ? DECODER_DROP_MESSAGE_BAD : DECODER_DROP_MESSAGE_CUT);
        arena_reset(&d->scratch);
        return false;
    }
    if (verdict == VERDICT_MORE) {
        decoder_drop(d, DECODER_DROP_MESSAGE_CUT);
    }
    event->complete = verdict == VERDICT_DONE && event->krb->complete;
    return true;
}

/* The message ends where the framer stands; its length lies before it. */
static void tell(const struct decoder *d, const struct flow *flow, int side, struct bytes message)
{
    const struct decoder_krb *k = flow->parser->krb[side];
    uint64_t offset = k->next - k->transport.input.len - message.len;
    size_t len = message.len;
    size_t named = 0;
    if (krb_looks_like(message, &named)) {
        len = named; /* of a message that was cut */
    }
    const uint8_t prefix[RECORD_LENGTH_BYTES] = {
        (uint8_t)(len >> 24),
        (uint8_t)(len >> 16),
        (uint8_t)(len >> 8),
        (uint8_t)len,
    };
    if (!k->is_unframed) {
        decoder_tell(d, flow, side, offset - sizeof prefix, TAP_FRAMING,
                     (struct bytes){.at = prefix, .len = sizeof prefix});
    }
    decoder_tell(d, flow, side, offset, TAP_KRB, message);
}

static void emit(struct decoder *d, struct flow *flow, int side, struct bytes message)
{
    struct decoder_krb *k = flow->parser->krb[side];
    struct event event = decoder_event(EVENT_KRB, &d->place);
    tell(d, flow, side, message);
    if (!decoder_krb_decode(d, message, &event)) {
        return;
    }
    bool is_request = event.krb->type == KRB_AS_REQ || event.krb->type == KRB_TGS_REQ ||
                      event.krb->type == KRB_AP_REQ;
    decoder_tcp_role(flow, is_request ? side : 1 - side, FLOW_ROLE_MESSAGE);
    decoder_frames_set(d, &k->frames, &event);
    event.from = flow->end[side];
    event.to = flow->end[1 - side];
    event.connection = flow->connection;
    event.carrier = CARRIER_TCP;
    decoder_emit(d, &event);
}

static struct decoder_krb *krb_of(struct decoder *d, struct flow *flow, int side)
{
    struct flow_parser *parser = decoder_parser_of(d, flow);
    if (parser != NULL && parser->krb[side] == NULL) {
        struct decoder_krb *k = calloc(1, sizeof *k);
        if (k != NULL) {
            krb_transport_init(&k->transport, true);
        }
        parser->krb[side] = k;
        decoder_parser_memory(d, parser);
    }
    return parser == NULL ? NULL : parser->krb[side];
}

/* Lends the framer a buffer for the message that goes on, or none when memory is short. */
static void lend(struct decoder *d, struct flow_parser *parser, struct decoder_krb *k)
{
    size_t need = krb_transport_need(&k->transport);
    uint8_t *buffer = malloc(need);
    if (buffer == NULL) {
        decoder_drop(d, DECODER_DROP_PARSER_FULL);
        need = 0;
    }
    krb_transport_lend(&k->transport, buffer, need);
    k->buffer_size = need;
    decoder_parser_memory(d, parser);
}

static void take_back(struct decoder *d, struct flow_parser *parser, struct decoder_krb *k)
{
    if (k->buffer_size > 0 && !krb_transport_holds_buffer(&k->transport)) {
        free(krb_transport_take_back(&k->transport));
        k->buffer_size = 0;
        decoder_parser_memory(d, parser);
    }
}

static bool is_between_messages(const struct decoder_krb *k)
{
    return k->transport.message_len == 0 && k->transport.head_len == 0;
}

/* One piece of the stream through the framer. false: the framing was lost. */
static bool push(struct decoder *d, struct flow *flow, int side, struct bytes piece,
                 bool is_segment_start)
{
    struct decoder_krb *k = flow->parser->krb[side];
    struct bytes message = {0};
    struct flaw flaw = {0};
    struct place place = k->frames.last;
    bool is_framed = true;
    krb_transport_push(&k->transport, piece, is_segment_start);
    for (;;) { /* every step takes bytes of the piece, or is the last */
        enum krb_transport_step step = krb_transport_next(&k->transport, &message, &flaw);
        if (step == KRB_TRANSPORT_MORE) {
            break;
        }
        if (step == KRB_TRANSPORT_BUFFER) {
            lend(d, flow->parser, k);
        } else if (step == KRB_TRANSPORT_LOST) {
            decoder_drop(d, DECODER_DROP_MESSAGE_BAD);
            is_framed = false;
        } else {
            emit(d, flow, side, message);
            is_framed = true;
            decoder_frames_clear(&k->frames);
            decoder_frames_add(&k->frames, &place);
        }
    }
    take_back(d, flow->parser, k);
    if (is_between_messages(k)) {
        decoder_frames_clear(&k->frames);
    }
    return is_framed;
}

/* Some senders give the length a segment of its own, and some send none: with the length that the
 * message itself names, the framer serves these too. */
static void push_missing_length(struct decoder *d, struct flow *flow, int side, size_t len)
{
    const uint8_t prefix[RECORD_LENGTH_BYTES] = {
        (uint8_t)(len >> 24),
        (uint8_t)(len >> 16),
        (uint8_t)(len >> 8),
        (uint8_t)len,
    };
    struct decoder_krb *k = flow->parser->krb[side];
    krb_transport_init(&k->transport, true);
    k->is_unframed = true;
    (void)push(d, flow, side, (struct bytes){.at = prefix, .len = sizeof prefix}, true);
}

bool decoder_krb_begin(struct decoder *d, struct flow *flow, int side, struct bytes start)
{
    const struct decoder_krb *k = krb_of(d, flow, side);
    size_t len = 0;
    if (k == NULL) {
        return false;
    }
    if (is_between_messages(k) && krb_looks_like(start, &len) && len <= KRB_TRANSPORT_MESSAGE_MAX) {
        push_missing_length(d, flow, side, len);
    }
    return true;
}

void decoder_krb_data(struct decoder *d, struct flow *flow, int side,
                      const struct stream_chunk *chunk)
{
    struct decoder_krb *k = krb_of(d, flow, side);
    size_t len = 0;
    if (k == NULL) {
        return;
    }
    bool is_start = is_between_messages(k);
    k->is_unframed = k->is_unframed && !is_start;
    decoder_frames_add(&k->frames, &chunk->place);
    if (is_start && chunk->is_segment_start && krb_looks_like(chunk->bytes, &len) &&
        len <= KRB_TRANSPORT_MESSAGE_MAX) {
        push_missing_length(d, flow, side, len);
        decoder_frames_add(&k->frames, &chunk->place);
    }
    k->next = chunk->offset + chunk->bytes.len;
    if (!push(d, flow, side, chunk->bytes, chunk->is_segment_start)) {
        flow->content[side] = FLOW_BULK;
        flow->streams.side[side].is_wanted = false;
    }
}

void decoder_krb_gap(struct decoder *d, struct flow *flow, int side, uint64_t len)
{
    struct decoder_krb *k = krb_of(d, flow, side);
    struct bytes part = {0};
    if (k == NULL) {
        return;
    }
    krb_transport_gap(&k->transport, len, &part);
    if (part.len > 0) {
        emit(d, flow, side, part);
    }
    take_back(d, flow->parser, k);
    if (is_between_messages(k)) {
        decoder_frames_clear(&k->frames);
    }
}
