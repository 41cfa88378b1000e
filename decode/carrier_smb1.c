/* SMB1 (MS-CIFS 2.2.3, MS-SMB 2.2.4): what may hold a token.
 *
 *      0            4         5        9       10       24    26    28    30    32      33
 *      | 0xff 'SMB' | command | status | flags | flags2 | TID | PID | UID | MID | words | …
 *
 *      words is a number of two-byte words; behind them the number of bytes and the bytes.
 */
#include "decode/carrier_private.h"

enum {
    COMMAND_TRANSACTION = 0x25,
    COMMAND_READ = 0x2e,
    COMMAND_WRITE = 0x2f,
    COMMAND_NEGOTIATE = 0x72,
    COMMAND_SESSION_SETUP = 0x73,

    FLAG_REPLY = 0x80,

    HEADER_BYTES = 32,
    GUID_BYTES = 16,
};
#define CAP_EXTENDED_SECURITY UINT32_C(0x80000000)

static enum verdict read_pipe(struct carrier_reader *r, struct bytes message, size_t offset,
                              size_t len)
{
    if (offset < HEADER_BYTES || offset >= message.len) {
        return VERDICT_DONE;
    }
    struct bytes data = bytes_part(message, offset, len);
    return rpc_begins(data) ? rpc_decode(r, data) : VERDICT_DONE;
}

/* MS-SMB 2.2.4.6: a blob only with extended security, which the number of words tells. */
static void read_session_setup(struct carrier_reader *r, struct carrier_token token,
                               struct bytes message, unsigned num_words)
{
    size_t words = HEADER_BYTES + 1;
    size_t bytes = words + (size_t)2 * num_words + 2;
    token.pdu = CARRIER_PDU_SMB1_SESSION_SETUP;
    if (!token.is_response && num_words == 12) {
        carrier_add(r, token, message, bytes, carrier_u16le_at(message, words + 14));
    } else if (token.is_response && num_words == 4) {
        carrier_add(r, token, message, bytes, carrier_u16le_at(message, words + 6));
    }
}

/* MS-SMB 2.2.4.5.2.1: a GUID and then the blob, unless the server has no blob. */
static void read_negotiate(struct carrier_reader *r, struct carrier_token token,
                           struct bytes message, unsigned num_words)
{
    size_t words = HEADER_BYTES + 1;
    size_t bytes = words + (size_t)2 * num_words + 2;
    size_t num_bytes = carrier_u16le_at(message, bytes - 2);
    uint32_t capabilities = carrier_u32le_at(message, words + 19);
    token.pdu = CARRIER_PDU_SMB1_NEGOTIATE;
    if (token.is_response && num_words == 17 && (capabilities & CAP_EXTENDED_SECURITY) != 0 &&
        num_bytes > GUID_BYTES) {
        carrier_add(r, token, message, bytes + GUID_BYTES, num_bytes - GUID_BYTES);
    }
}

enum verdict smb1_decode(struct carrier_reader *r, struct bytes message)
{
    bool is_response = (bytes_u8_at(message, 9) & FLAG_REPLY) != 0;
    unsigned num_words = bytes_u8_at(message, HEADER_BYTES);
    size_t words = HEADER_BYTES + 1;
    struct carrier_token token = {
        .is_response = is_response,
        .has_id = true,
        .id = (uint64_t)carrier_u16le_at(message, 26) << 16 | carrier_u16le_at(message, 30),
        .has_status = is_response,
        .status = is_response ? carrier_u32le_at(message, 5) : 0,
    };
    switch (bytes_u8_at(message, 4)) {
    case COMMAND_SESSION_SETUP:
        read_session_setup(r, token, message, num_words);
        return VERDICT_DONE;
    case COMMAND_NEGOTIATE:
        read_negotiate(r, token, message, num_words);
        return VERDICT_DONE;
    case COMMAND_WRITE: /* MS-CIFS 2.2.4.43.1 */
        return is_response || num_words < 12
                   ? VERDICT_DONE
                   : read_pipe(r, message, carrier_u16le_at(message, words + 22),
                               carrier_u16le_at(message, words + 20));
    case COMMAND_READ: /* MS-CIFS 2.2.4.42.2 */
        return !is_response || num_words < 12
                   ? VERDICT_DONE
                   : read_pipe(r, message, carrier_u16le_at(message, words + 12),
                               carrier_u16le_at(message, words + 10));
    case COMMAND_TRANSACTION: { /* MS-CIFS 2.2.4.33.1, .2 */
        size_t at = words + (is_response ? 12 : 22);
        return num_words < (is_response ? 10 : 14)
                   ? VERDICT_DONE
                   : read_pipe(r, message, carrier_u16le_at(message, at + 2),
                               carrier_u16le_at(message, at));
    }
    default:
        return VERDICT_DONE;
    }
}
