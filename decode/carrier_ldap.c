/* LDAP binds (RFC 4511 4.2, MS-ADTS 5.1.1.1).
 *
 *      SEQUENCE { messageID INTEGER, [APPLICATION n] operation, [0] controls OPTIONAL }
 *
 *      BindRequest [0]:  version, name, [0] simple | [3] { mechanism, credentials }
 *                                       | [9] [10] [11] Sicily's discovery, negotiate, response
 *      BindResponse [1]: resultCode, matchedDN, diagnosticMessage, [3] referral, [7] credentials
 *
 * Behind a bind that protects the connection each buffer has its length before it, four bytes
 * (RFC 4422 3.7); these are stepped over.
 */
#include "decode/carrier_private.h"
#include "krb5asn1/tlv.h"

enum {
    BIND_REQUEST = 0,
    BIND_RESPONSE = 1,
    OPERATION_MAX = 25, /* intermediateResponse */
    TAG_SASL = 0xa3,
    TAG_SICILY_NEGOTIATE = 0x8a,
    TAG_SICILY_RESPONSE = 0x8b,
    TAG_SERVER_CREDENTIALS = 0x87,
    BUFFER_LENGTH_BYTES = 4,
    FIELDS_MAX = 8,
};

/* The operation of a message whose beginning this is: its number, or -1. *id is the messageID. */
static int operation_of(struct bytes message, struct tlv *operation, uint32_t *id)
{
    struct tlv sequence;
    struct tlv number;
    int32_t value = 0;
    if (!tlv_expect(&message, TLV_SEQUENCE, &sequence)) {
        return -1;
    }
    struct bytes inside = sequence.content;
    if (!tlv_expect(&inside, TLV_INTEGER, &number) || !number.whole ||
        !tlv_integer(&number, &value) || value < 0 || tlv_next(&inside, operation) != TLV_OK) {
        return -1;
    }
    size_t before = number.header_len + number.len;
    bool is_inside = operation->header_len + operation->len + before <= sequence.len;
    unsigned tag = operation->tag;
    bool is_application = (tag & 0xc0) == 0x40 && (tag & 0x1f) <= OPERATION_MAX;
    *id = (uint32_t)value;
    return is_inside && is_application ? (int)(tag & 0x1f) : -1;
}

bool ldap_begins(struct bytes start)
{
    struct tlv operation;
    uint32_t id = 0;
    return bytes_u8_at(start, 0) == TLV_SEQUENCE && operation_of(start, &operation, &id) >= 0;
}

enum verdict ldap_frame(struct bytes pdu, struct carrier_frame *out)
{
    struct tlv sequence;
    struct tlv operation;
    uint32_t id = 0;
    struct bytes rest = pdu;
    if (pdu.len == 0) {
        return VERDICT_MORE;
    }
    if (pdu.at[0] == 0) { /* a buffer of the security layer */
        size_t len = bytes_u32be_at(pdu, 0);
        out->len = BUFFER_LENGTH_BYTES + len;
        return pdu.len < BUFFER_LENGTH_BYTES ? VERDICT_MORE : len > 0 ? VERDICT_DONE : VERDICT_BAD;
    }
    if (pdu.at[0] != TLV_SEQUENCE) {
        return VERDICT_BAD;
    }
    enum tlv_result result = tlv_next(&rest, &sequence);
    if (result == TLV_CUT) {
        return VERDICT_MORE;
    }
    if (result != TLV_OK) {
        return VERDICT_BAD;
    }
    out->len = sequence.header_len + sequence.len;
    int number = operation_of(pdu, &operation, &id);
    if (number < 0 && pdu.len < CARRIER_HEAD_BYTES && pdu.len < out->len) {
        return VERDICT_MORE;
    }
    out->is_wanted = number == BIND_REQUEST || number == BIND_RESPONSE;
    return number < 0 ? VERDICT_BAD : VERDICT_DONE;
}

static void add(struct carrier_reader *r, struct carrier_token token, const struct tlv *element)
{
    carrier_add(r, token, element->content, 0, element->len);
}

static void read_request(struct carrier_reader *r, struct carrier_token token, struct bytes bind)
{
    struct tlv field;
    struct tlv mechanism;
    if (!tlv_expect(&bind, TLV_INTEGER, &field) || !tlv_expect(&bind, TLV_OCTET_STRING, &field) ||
        tlv_next(&bind, &field) != TLV_OK) {
        return;
    }
    struct bytes sasl = field.content;
    if (field.tag == TAG_SASL && tlv_expect(&sasl, TLV_OCTET_STRING, &mechanism)) {
        token.mechanism = mechanism.content;
        if (tlv_expect(&sasl, TLV_OCTET_STRING, &field)) {
            add(r, token, &field);
        }
    } else if (field.tag == TAG_SICILY_NEGOTIATE || field.tag == TAG_SICILY_RESPONSE) {
        add(r, token, &field);
    }
}

/* Sicily's challenge stands where the DN should. */
static void read_response(struct carrier_reader *r, struct carrier_token token, struct bytes bind)
{
    struct tlv field;
    if (!tlv_expect(&bind, TLV_ENUMERATED, &field)) {
        return;
    }
    token.has_status = field.whole && field.len == 1;
    token.status = bytes_u8_at(field.content, 0);
    if (!tlv_expect(&bind, TLV_OCTET_STRING, &field)) {
        return;
    }
    if (bytes_begins_nocase(field.content, "NTLMSSP")) {
        add(r, token, &field);
    }
    for (size_t i = 0; i < FIELDS_MAX && tlv_next(&bind, &field) == TLV_OK; i++) {
        if (field.tag == TAG_SERVER_CREDENTIALS) {
            add(r, token, &field);
            return;
        }
    }
}

enum verdict ldap_decode(struct carrier_reader *r)
{
    struct tlv operation;
    uint32_t id = 0;
    int number = operation_of(r->pdu, &operation, &id);
    struct carrier_token token = {
        .pdu = CARRIER_PDU_LDAP_BIND,
        .is_response = number == BIND_RESPONSE,
        .has_id = true,
        .id = id,
    };
    if (number == BIND_REQUEST) {
        read_request(r, token, operation.content);
    } else if (number == BIND_RESPONSE) {
        read_response(r, token, operation.content);
    }
    return VERDICT_DONE;
}
