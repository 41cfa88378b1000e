/* SMB2 and the NetBIOS session service (MS-SMB2 2.1, 2.2; RFC 1002 4.3).
 *
 *      0      1        4                     68
 *      | type | length | SMB2 header         | body …     type 0: a message; 0x81 to 0x85: no SMB
 *                      | 0xfe 'S' 'M' 'B'    |
 */
#include "decode/carrier_private.h"

enum {
    NETBIOS_BYTES = 4,
    NETBIOS_REQUEST = 0x81, /* RFC 1002 4.3.2 */
    NETBIOS_POSITIVE = 0x82,
    NETBIOS_KEEPALIVE = 0x85,
    NETBIOS_LENGTH_BITS = 17, /* RFC 1002; direct TCP has 24 */

    PROTOCOL_SMB1 = 0xff,
    PROTOCOL_SMB2 = 0xfe,
    PROTOCOL_ENCRYPTED = 0xfd,
    PROTOCOL_COMPRESSED = 0xfc,

    SMB2_HEADER_BYTES = 64,
    SMB2_NEGOTIATE = 0,
    SMB2_SESSION_SETUP = 1,
    SMB2_READ = 8,
    SMB2_WRITE = 9,
    SMB2_IOCTL = 11,
    SMB2_FLAG_RESPONSE = 1,

    SMB1_COMMAND_AT = 4,
    SMB1_TRANSACTION = 0x25,
    SMB1_READ = 0x2e,
    SMB1_WRITE = 0x2f,
    SMB1_NEGOTIATE = 0x72,
    SMB1_SESSION_SETUP = 0x73,
};

#define FSCTL_PIPE_TRANSCEIVE UINT32_C(0x0011c017) /* MS-FSCC 2.3.52 */

/* 0xff 'S' 'M' 'B' and its later forms; 0 for other bytes. */
static uint8_t protocol_at(struct bytes b, size_t offset)
{
    uint32_t id = bytes_u32be_at(b, offset);
    uint8_t first = (uint8_t)(id >> 24);
    return (id & 0xffffff) == 0x534d42 && first >= PROTOCOL_COMPRESSED ? first : 0;
}

bool smb_begins(struct bytes start)
{
    switch (bytes_u8_at(start, 0)) {
    case 0:
        return protocol_at(start, NETBIOS_BYTES) != 0;
    case NETBIOS_REQUEST: /* two encoded names: RFC 1002 4.3.2 */
        return start.len >= NETBIOS_BYTES + 1 && bytes_u8_at(start, 1) == 0 &&
               bytes_u16be_at(start, 2) >= 68 && bytes_u8_at(start, 4) == 32;
    case NETBIOS_POSITIVE:
        return start.len >= NETBIOS_BYTES && (bytes_u32be_at(start, 0) & 0xffffff) == 0;
    default:
        return false;
    }
}

static bool may_hold_token(struct bytes message, size_t len)
{
    if (protocol_at(message, 0) == PROTOCOL_SMB2) {
        uint16_t command = carrier_u16le_at(message, 12);
        bool is_pipe = command == SMB2_READ || command == SMB2_WRITE || command == SMB2_IOCTL;
        bool is_chain = carrier_u32le_at(message, 20) != 0;
        return command <= SMB2_SESSION_SETUP || ((is_pipe || is_chain) && len <= CARRIER_PIPE_MAX);
    }
    switch (bytes_u8_at(message, SMB1_COMMAND_AT)) {
    case SMB1_NEGOTIATE:
    case SMB1_SESSION_SETUP:
        return true;
    case SMB1_TRANSACTION:
    case SMB1_READ:
    case SMB1_WRITE:
        return len <= CARRIER_PIPE_MAX;
    default:
        return false;
    }
}

enum verdict smb_frame(struct bytes pdu, struct carrier_frame *out)
{
    uint8_t type = bytes_u8_at(pdu, 0);
    if (pdu.len < NETBIOS_BYTES) {
        return VERDICT_MORE;
    }
    size_t len = bytes_u32be_at(pdu, 0) & 0xffffff;
    out->len = NETBIOS_BYTES + len;
    if (type >= NETBIOS_REQUEST && type <= NETBIOS_KEEPALIVE) {
        return len >> NETBIOS_LENGTH_BITS == 0 ? VERDICT_DONE : VERDICT_BAD;
    }
    if (type != 0 || len < SMB1_COMMAND_AT) {
        return VERDICT_BAD;
    }
    if (pdu.len < NETBIOS_BYTES + 24 && pdu.len < out->len) {
        return VERDICT_MORE;
    }
    uint8_t protocol = protocol_at(pdu, NETBIOS_BYTES);
    if (protocol == PROTOCOL_SMB1 || protocol == PROTOCOL_SMB2) {
        out->is_wanted = may_hold_token(bytes_part(pdu, NETBIOS_BYTES, pdu.len), len);
    }
    return protocol == 0 ? VERDICT_BAD : VERDICT_DONE;
}

/* A buffer that the body names by offset from the header and length. */
static void add_buffer(struct carrier_reader *r, struct carrier_token token, struct bytes message,
                       size_t at)
{
    carrier_add(r, token, message, carrier_u16le_at(message, at),
                carrier_u16le_at(message, at + 2));
}

/* What a pipe carries: MS-RPCE 2.1.1.2. */
static enum verdict read_pipe(struct carrier_reader *r, struct bytes message, uint64_t offset,
                              uint64_t len)
{
    if (offset < SMB2_HEADER_BYTES || offset >= message.len) {
        return VERDICT_DONE;
    }
    struct bytes data = bytes_part(message, (size_t)offset, (size_t)len);
    return rpc_begins(data) ? rpc_decode(r, data) : VERDICT_DONE;
}

static enum verdict read_transceive(struct carrier_reader *r, struct bytes message,
                                    bool is_response)
{
    size_t at = SMB2_HEADER_BYTES + (is_response ? 32 : 24);
    if (carrier_u32le_at(message, SMB2_HEADER_BYTES + 4) != FSCTL_PIPE_TRANSCEIVE) {
        return VERDICT_DONE;
    }
    return read_pipe(r, message, carrier_u32le_at(message, at), carrier_u32le_at(message, at + 4));
}

/* MS-SMB2 2.2.1 and the message's own section. */
static enum verdict read_smb2(struct carrier_reader *r, struct bytes message)
{
    bool is_response = (carrier_u32le_at(message, 16) & SMB2_FLAG_RESPONSE) != 0;
    struct carrier_token token = {
        .is_response = is_response,
        .has_id = true,
        .id = carrier_u64le_at(message, 24),
        .has_status = is_response,
        .status = is_response ? carrier_u32le_at(message, 8) : 0,
    };
    size_t body = SMB2_HEADER_BYTES;
    switch (carrier_u16le_at(message, 12)) {
    case SMB2_NEGOTIATE: /* 2.2.4: NegTokenInit2 */
        token.pdu = CARRIER_PDU_SMB2_NEGOTIATE;
        if (is_response && carrier_u16le_at(message, body) == 65) {
            add_buffer(r, token, message, body + 56);
        }
        return VERDICT_DONE;
    case SMB2_SESSION_SETUP: /* 2.2.5, 2.2.6; an error has another structure */
        token.pdu = CARRIER_PDU_SMB2_SESSION_SETUP;
        if (!is_response && carrier_u16le_at(message, body) == 25) {
            add_buffer(r, token, message, body + 12);
        } else if (is_response && carrier_u16le_at(message, body) == 9 &&
                   carrier_u16le_at(message, body + 4) > body) {
            add_buffer(r, token, message, body + 4);
        }
        return VERDICT_DONE;
    case SMB2_WRITE:
        return is_response ? VERDICT_DONE
                           : read_pipe(r, message, carrier_u16le_at(message, body + 2),
                                       carrier_u32le_at(message, body + 4));
    case SMB2_READ:
        return is_response ? read_pipe(r, message, bytes_u8_at(message, body + 2),
                                       carrier_u32le_at(message, body + 4))
                           : VERDICT_DONE;
    case SMB2_IOCTL:
        return read_transceive(r, message, is_response);
    default:
        return VERDICT_DONE;
    }
}

enum verdict smb_decode(struct carrier_reader *r)
{
    struct bytes rest = bytes_part(r->pdu, NETBIOS_BYTES, r->pdu.len);
    if (bytes_u8_at(r->pdu, 0) != 0) {
        return VERDICT_DONE; /* session service: no SMB in it */
    }
    if (protocol_at(rest, 0) == PROTOCOL_SMB1) {
        return smb1_decode(r, rest);
    }
    for (size_t i = 0; i < CARRIER_CHAIN_MAX && protocol_at(rest, 0) == PROTOCOL_SMB2; i++) {
        uint32_t next = carrier_u32le_at(rest, 20);
        if (read_smb2(r, bytes_part(rest, 0, next == 0 ? rest.len : next)) == VERDICT_BAD) {
            return VERDICT_BAD;
        }
        if (next == 0) {
            break;
        }
        if (next < SMB2_HEADER_BYTES) {
            return flaw_set(r->flaw, NETBIOS_BYTES, "a compound that does not move on",
                            "MS-SMB2 2.2.1");
        }
        rest = bytes_part(rest, next, rest.len);
    }
    return VERDICT_DONE;
}
