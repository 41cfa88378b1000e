/* Connection-oriented DCE/RPC (C706 12.6, MS-RPCE 2.2.2): the verifier at a PDU's end.
 *
 *      0     1     2      3       4      8          10        12           16
 *      | 5   | 0/1 | type | flags | drep | frag_len | auth_len| call id    | …
 *
 *      … | auth type | level | pad | 0 | context id | token of auth_len bytes |   ends the PDU
 */
#include "decode/carrier_private.h"

enum {
    VERSION = 5,
    HEADER_BYTES = 16,
    VERIFIER_BYTES = 8,
    DREP_LITTLE_ENDIAN = 0x10,

    PTYPE_BIND = 11,
    PTYPE_BIND_ACK = 12,
    PTYPE_ALTER = 14,
    PTYPE_ALTER_RESPONSE = 15,
    PTYPE_AUTH3 = 16,
    PTYPE_MAX = 20, /* MS-RPCH's RTS */

    AUTH_SPNEGO = 9, /* MS-RPCE 2.2.1.1.7 */
    AUTH_NTLMSSP = 10,
    AUTH_KRB5 = 16,

    PDUS_MAX = 8, /* looked at in one read or write of a pipe */
};

static bool is_little(struct bytes pdu)
{
    return (bytes_u8_at(pdu, 4) & DREP_LITTLE_ENDIAN) != 0;
}

static uint16_t u16_at(struct bytes pdu, size_t offset)
{
    return is_little(pdu) ? carrier_u16le_at(pdu, offset) : bytes_u16be_at(pdu, offset);
}

static uint32_t u32_at(struct bytes pdu, size_t offset)
{
    return is_little(pdu) ? carrier_u32le_at(pdu, offset) : bytes_u32be_at(pdu, offset);
}

bool rpc_begins(struct bytes start)
{
    return start.len >= HEADER_BYTES && bytes_u8_at(start, 0) == VERSION &&
           bytes_u8_at(start, 1) <= 1 && bytes_u8_at(start, 2) <= PTYPE_MAX &&
           (bytes_u8_at(start, 4) & ~DREP_LITTLE_ENDIAN) == 0 && bytes_u8_at(start, 5) <= 3 &&
           bytes_u16be_at(start, 6) == 0 && u16_at(start, 8) >= HEADER_BYTES &&
           u16_at(start, 10) < u16_at(start, 8);
}

static bool may_hold_token(uint8_t type)
{
    return type == PTYPE_BIND || type == PTYPE_BIND_ACK || type == PTYPE_ALTER ||
           type == PTYPE_ALTER_RESPONSE || type == PTYPE_AUTH3;
}

enum verdict rpc_frame(struct bytes pdu, struct carrier_frame *out)
{
    if (pdu.len < HEADER_BYTES) {
        return bytes_u8_at(pdu, 0) == VERSION || pdu.len == 0 ? VERDICT_MORE : VERDICT_BAD;
    }
    if (!rpc_begins(pdu)) {
        return VERDICT_BAD;
    }
    out->len = u16_at(pdu, 8);
    out->is_wanted = may_hold_token(bytes_u8_at(pdu, 2)) && u16_at(pdu, 10) > 0;
    return VERDICT_DONE;
}

static enum verdict read_pdu(struct carrier_reader *r, struct bytes pdu)
{
    size_t len = u16_at(pdu, 8);
    size_t auth_len = u16_at(pdu, 10);
    uint8_t type = bytes_u8_at(pdu, 2);
    if (auth_len + VERIFIER_BYTES + HEADER_BYTES > len) {
        return flaw_set(r->flaw, 10, "a verifier longer than its PDU", "MS-RPCE 2.2.2.11");
    }
    size_t at = len - auth_len - VERIFIER_BYTES;
    uint8_t auth_type = bytes_u8_at(pdu, at);
    if (auth_type != AUTH_SPNEGO && auth_type != AUTH_NTLMSSP && auth_type != AUTH_KRB5) {
        return VERDICT_DONE; /* Netlogon's own, or the verifier was cut off */
    }
    uint32_t context = u32_at(pdu, at + 4);
    struct carrier_token token = {
        .pdu = type == PTYPE_AUTH3                            ? CARRIER_PDU_RPC_AUTH3
               : type == PTYPE_BIND || type == PTYPE_BIND_ACK ? CARRIER_PDU_RPC_BIND
                                                              : CARRIER_PDU_RPC_ALTER,
        .is_response = type == PTYPE_BIND_ACK || type == PTYPE_ALTER_RESPONSE,
        .has_id = type != PTYPE_AUTH3, /* nobody answers it: MS-RPCE 2.2.2.10 */
        .id = (uint64_t)context << 32 | u32_at(pdu, 12),
    };
    carrier_add(r, token, pdu, at + VERIFIER_BYTES, auth_len);
    return VERDICT_DONE;
}

enum verdict rpc_decode(struct carrier_reader *r, struct bytes pdus)
{
    if (r->out->num_rpc < CARRIER_CHAIN_MAX) {
        r->out->rpc[r->out->num_rpc++] = pdus;
    }
    for (size_t i = 0; i < PDUS_MAX && rpc_begins(pdus); i++) {
        struct bytes pdu = bytes_part(pdus, 0, u16_at(pdus, 8));
        if (may_hold_token(bytes_u8_at(pdu, 2)) && u16_at(pdu, 10) > 0 &&
            read_pdu(r, pdu) == VERDICT_BAD) {
            return VERDICT_BAD;
        }
        pdus = bytes_part(pdus, pdu.len, pdus.len);
    }
    return VERDICT_DONE;
}
