/* Tokens with little or nothing around them: the .NET NegotiateStream (MS-NNS 2.2.1), a token
 * behind its length, a token by itself (RFC 2743 3.1).
 *
 *      NNS     | 20 done, 21 error, 22 in progress | 1 | 0 | length, two bytes | token |
 *      length  | length, four bytes, big-endian | token |
 *      token   | 0x60 | length | OID of a mechanism | …       or a NegTokenResp, [1] { SEQUENCE {
 * [0]
 */
#include "decode/carrier_private.h"
#include "krb5asn1/tlv.h"

#include <string.h>

enum {
    NNS_HEADER_BYTES = 5,
    NNS_DONE = 20,
    NNS_ERROR = 21,
    NNS_IN_PROGRESS = 22,
    LENGTH_BYTES = 4,
    TOKEN_MAX = 65536, /* bytes; Windows has 48000 (MaxTokenSize) */
    GSS_TAG = TLV_APPLICATION(0),
    RESPONSE_TAG = TLV_CONTEXT(1),
    RESPONSE_BYTES_MIN = 9,
};

/* The mechanisms of RFC 4178, RFC 4121, MS-KILE and user-to-user as DER. */
static bool has_mechanism(struct bytes inside)
{
    static const char *const oids[] = {
        "\x06\x06\x2b\x06\x01\x05\x05\x02",
        "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02",
        "\x06\x09\x2a\x86\x48\x82\xf7\x12\x01\x02\x02",
        "\x06\x0a\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x03",
    };
    for (size_t i = 0; i < sizeof oids / sizeof oids[0]; i++) {
        struct bytes oid = bytes_of(oids[i]);
        if (bytes_equal(bytes_part(inside, 0, oid.len), oid)) {
            return true;
        }
    }
    return false;
}

/* RFC 4178 4.2.2: [1] { SEQUENCE { [0] ENUMERATED … } }, as every acceptor says its state. */
static bool is_response(const struct tlv *token)
{
    struct tlv sequence;
    struct tlv state;
    struct bytes inside = token->content;
    if (token->tag != RESPONSE_TAG || !tlv_expect(&inside, TLV_SEQUENCE, &sequence) ||
        sequence.header_len + sequence.len != token->len) {
        return false;
    }
    inside = sequence.content;
    return tlv_expect(&inside, TLV_CONTEXT(0), &state) && state.len == 3 &&
           bytes_u8_at(state.content, 0) == TLV_ENUMERATED;
}

/* The whole token's length, 0 when none begins here. */
static size_t token_len(struct bytes start)
{
    struct tlv token;
    struct bytes rest = start;
    uint8_t first = bytes_u8_at(start, 0);
    if (start.len < RESPONSE_BYTES_MIN || (first != GSS_TAG && first != RESPONSE_TAG) ||
        tlv_next(&rest, &token) != TLV_OK || token.len > TOKEN_MAX) {
        return 0;
    }
    bool is_token = first == GSS_TAG ? has_mechanism(token.content) : is_response(&token);
    return is_token ? token.header_len + token.len : 0;
}

static bool begins_token(struct bytes start)
{
    return token_len(start) > 0 ||
           (start.len >= 12 && memcmp(start.at, "NTLMSSP", 8) == 0 && bytes_u8_at(start, 8) <= 3);
}

bool gss_begins(struct bytes start)
{
    return token_len(start) > 0;
}

enum verdict gss_frame(struct bytes pdu, struct carrier_frame *out)
{
    out->len = token_len(pdu);
    out->is_wanted = true;
    if (out->len > 0) {
        return VERDICT_DONE;
    }
    uint8_t first = bytes_u8_at(pdu, 0);
    bool may_be = pdu.len == 0 || first == GSS_TAG || first == RESPONSE_TAG;
    return may_be && pdu.len < CARRIER_HEAD_BYTES ? VERDICT_MORE : VERDICT_BAD;
}

static void add_token(struct carrier_reader *r, enum carrier_pdu pdu, size_t at, size_t len)
{
    struct bytes token = bytes_part(r->pdu, at, r->pdu.len);
    bool is_answer = bytes_u8_at(token, 0) == RESPONSE_TAG;
    carrier_add(r, (struct carrier_token){.pdu = pdu, .is_response = is_answer}, r->pdu, at, len);
}

enum verdict gss_decode(struct carrier_reader *r)
{
    add_token(r, CARRIER_PDU_TOKEN, 0, token_len(r->pdu));
    return VERDICT_DONE;
}

static size_t length_of(struct bytes pdu)
{
    return bytes_u32be_at(pdu, 0);
}

bool gss_length_begins(struct bytes start)
{
    struct bytes token = bytes_part(start, LENGTH_BYTES, start.len);
    size_t len = length_of(start);
    if (bytes_u8_at(start, 0) != 0 || len > TOKEN_MAX || !begins_token(token)) {
        return false;
    }
    return token.at[0] == 'N' || token_len(token) == len;
}

enum verdict gss_length_frame(struct bytes pdu, struct carrier_frame *out)
{
    out->len = LENGTH_BYTES + length_of(pdu);
    out->is_wanted = true;
    if (gss_length_begins(pdu)) {
        return VERDICT_DONE;
    }
    return bytes_u8_at(pdu, 0) == 0 && pdu.len < CARRIER_HEAD_BYTES ? VERDICT_MORE : VERDICT_BAD;
}

enum verdict gss_length_decode(struct carrier_reader *r)
{
    add_token(r, CARRIER_PDU_TOKEN, LENGTH_BYTES, length_of(r->pdu));
    return VERDICT_DONE;
}

bool nns_begins(struct bytes start)
{
    return bytes_u8_at(start, 0) == NNS_IN_PROGRESS && bytes_u8_at(start, 1) == 1 &&
           bytes_u8_at(start, 2) == 0 &&
           begins_token(bytes_part(start, NNS_HEADER_BYTES, start.len));
}

/* What follows the handshake is data of its own framing: no PDU of this kind. */
enum verdict nns_frame(struct bytes pdu, struct carrier_frame *out)
{
    uint8_t type = bytes_u8_at(pdu, 0);
    if (pdu.len < NNS_HEADER_BYTES) {
        return VERDICT_MORE;
    }
    out->len = NNS_HEADER_BYTES + bytes_u16be_at(pdu, 3);
    out->is_wanted = type != NNS_ERROR;
    bool is_ours = type >= NNS_DONE && type <= NNS_IN_PROGRESS && bytes_u8_at(pdu, 1) == 1 &&
                   bytes_u8_at(pdu, 2) == 0;
    return is_ours ? VERDICT_DONE : VERDICT_BAD;
}

enum verdict nns_decode(struct carrier_reader *r)
{
    add_token(r, CARRIER_PDU_NNS_HANDSHAKE, NNS_HEADER_BYTES, bytes_u16be_at(r->pdu, 3));
    return VERDICT_DONE;
}
