/* TDS (MS-TDS 2.2.3): packets, the tokens of Windows authentication in them.
 *
 *      0      1        2        4      6           7        8
 *      | type | status | length | spid | packet id | window | data …     length counts the header
 *
 * A message goes on over packets until one has the status bit "end of message".
 */
#include "decode/carrier_private.h"

#include <string.h>

enum {
    HEADER_BYTES = 8,
    STATUS_END = 1,
    TYPE_RESPONSE = 0x04,
    TYPE_LOGIN7 = 0x10,
    TYPE_SSPI = 0x11,
    TYPE_PRELOGIN = 0x12,
    TYPE_BATCH = 0x01,
    TYPE_MAX = 0x12,

    LOGIN7_SSPI_AT = 78, /* ibSSPI, cbSSPI: MS-TDS 2.2.6.4 */
    LOGIN7_SSPI_LONG_AT = 90,
    LOGIN7_FIXED_BYTES = 94,

    TOKEN_SSPI = 0xed, /* MS-TDS 2.2.7.22 */
    TOKEN_ERROR = 0xaa,
    TOKEN_INFO = 0xab,
    TOKEN_LOGINACK = 0xad,
    TOKEN_ENVCHANGE = 0xe3,
    PRELOGIN_VERSION = 0,
};

static size_t packet_len(struct bytes packet)
{
    return bytes_u16be_at(packet, 2);
}

static bool is_end(struct bytes packet)
{
    return (bytes_u8_at(packet, 1) & STATUS_END) != 0;
}

/* Only the packets with which a login begins: what follows is found by the framing. */
bool tds_begins(struct bytes start)
{
    uint8_t type = bytes_u8_at(start, 0);
    uint8_t first = bytes_u8_at(start, HEADER_BYTES);
    if (start.len <= HEADER_BYTES + 4 || packet_len(start) <= HEADER_BYTES ||
        bytes_u8_at(start, 1) > 1 || bytes_u8_at(start, 7) != 0) {
        return false;
    }
    switch (type) {
    case TYPE_PRELOGIN: /* the first option, its offset in the data, its length: 2.2.6.5 */
        return first == PRELOGIN_VERSION && bytes_u8_at(start, HEADER_BYTES + 1) == 0 &&
               bytes_u16be_at(start, HEADER_BYTES + 3) == 6;
    case TYPE_RESPONSE:
        return (first == PRELOGIN_VERSION && bytes_u8_at(start, HEADER_BYTES + 1) == 0 &&
                bytes_u16be_at(start, HEADER_BYTES + 3) == 6) ||
               (first == TOKEN_SSPI &&
                carrier_u16le_at(start, HEADER_BYTES + 1) == packet_len(start) - HEADER_BYTES - 3);
    case TYPE_LOGIN7: /* the whole length and a version 7.x */
        return carrier_u32le_at(start, HEADER_BYTES) >= LOGIN7_FIXED_BYTES &&
               carrier_u32le_at(start, HEADER_BYTES) < CARRIER_PDU_MAX &&
               (bytes_u8_at(start, HEADER_BYTES + 7) & 0xf0) == 0x70;
    case TYPE_SSPI:
        return bytes_begins_nocase(bytes_part(start, HEADER_BYTES, 7), "NTLMSSP") ||
               first == 0x60 || first == 0xa1 || first == 0x6f;
    default:
        return false;
    }
}

enum verdict tds_frame(struct bytes pdu, struct carrier_frame *out)
{
    uint8_t type = bytes_u8_at(pdu, 0);
    if (pdu.len < HEADER_BYTES) {
        return VERDICT_MORE;
    }
    if (type < TYPE_BATCH || type > TYPE_MAX || packet_len(pdu) < HEADER_BYTES ||
        bytes_u8_at(pdu, 7) != 0) {
        return VERDICT_BAD;
    }
    out->len = packet_len(pdu);
    out->is_wanted = type == TYPE_LOGIN7 || type == TYPE_SSPI || type == TYPE_RESPONSE;
    if (type != TYPE_LOGIN7 && type != TYPE_SSPI) {
        return VERDICT_DONE;
    }
    struct bytes packet = pdu;
    for (size_t i = 0; i < CARRIER_PACKETS_MAX && !is_end(packet); i++) {
        size_t len = packet_len(packet);
        if (packet.len < len + HEADER_BYTES) { /* the next packet's header is to come */
            out->len = (size_t)(packet.at - pdu.at) + len + HEADER_BYTES;
            return VERDICT_DONE;
        }
        packet = bytes_part(packet, len, packet.len);
        if (bytes_u8_at(packet, 0) != type || packet_len(packet) < HEADER_BYTES) {
            return VERDICT_BAD;
        }
        out->len = (size_t)(packet.at - pdu.at) + packet_len(packet);
    }
    return VERDICT_DONE;
}

/* The data of all packets, one behind the other. */
static struct bytes join(struct carrier_reader *r)
{
    struct bytes packet = r->pdu;
    struct bytes first = bytes_part(packet, HEADER_BYTES, packet_len(packet) - HEADER_BYTES);
    if (packet.len <= packet_len(packet)) {
        return first;
    }
    uint8_t *at = arena_alloc(r->arena, r->pdu.len);
    size_t len = 0;
    if (at == NULL) {
        return first;
    }
    while (packet.len > HEADER_BYTES && packet_len(packet) >= HEADER_BYTES) {
        struct bytes data = bytes_part(packet, HEADER_BYTES, packet_len(packet) - HEADER_BYTES);
        if (data.len > 0) {
            memcpy(at + len, data.at, data.len);
        }
        len += data.len;
        packet = bytes_part(packet, packet_len(packet), packet.len);
    }
    return (struct bytes){.at = at, .len = len};
}

static void read_login7(struct carrier_reader *r, struct carrier_token token, struct bytes login)
{
    size_t len = carrier_u16le_at(login, LOGIN7_SSPI_AT + 2);
    token.pdu = CARRIER_PDU_TDS_LOGIN7;
    if (len == 0xffff && carrier_u32le_at(login, LOGIN7_SSPI_LONG_AT) > 0) {
        len = carrier_u32le_at(login, LOGIN7_SSPI_LONG_AT);
    }
    size_t at = carrier_u16le_at(login, LOGIN7_SSPI_AT);
    if (at >= LOGIN7_FIXED_BYTES - 8) { /* TDS 7.0 and 7.1 have no ibChangePassword */
        carrier_add(r, token, login, at, len);
    }
}

/* Tokens with a length of two bytes come before it, if any do. */
static void read_response(struct carrier_reader *r, struct carrier_token token, struct bytes data)
{
    token.is_response = true;
    for (size_t i = 0; i < CARRIER_CHAIN_MAX && data.len > 3; i++) {
        uint8_t kind = bytes_u8_at(data, 0);
        size_t len = carrier_u16le_at(data, 1);
        if (kind == TOKEN_SSPI) {
            carrier_add(r, token, data, 3, len);
            return;
        }
        if (kind != TOKEN_ERROR && kind != TOKEN_INFO && kind != TOKEN_LOGINACK &&
            kind != TOKEN_ENVCHANGE) {
            return;
        }
        data = bytes_part(data, 3 + len, data.len);
    }
}

enum verdict tds_decode(struct carrier_reader *r)
{
    struct carrier_token token = {.pdu = CARRIER_PDU_TDS_SSPI};
    struct bytes data = join(r);
    r->out->data = data;
    switch (bytes_u8_at(r->pdu, 0)) {
    case TYPE_LOGIN7:
        read_login7(r, token, data);
        break;
    case TYPE_SSPI:
        carrier_add(r, token, data, 0, r->is_cut ? data.len + 1 : data.len);
        break;
    case TYPE_RESPONSE:
        read_response(r, token, data);
        break;
    default:
        break;
    }
    return VERDICT_DONE;
}
