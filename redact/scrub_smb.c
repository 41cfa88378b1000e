/* SMB1 and SMB2 (MS-CIFS 2.2.3, MS-SMB2 2.2): headers without signatures and the numbers of the
 * bodies that lead to a token or to a pipe's data stay; every other body becomes zero. */
#include "redact/scrub_carrier.h"

#include "base/cursor.h"

#include <string.h>

enum {
    NETBIOS_BYTES = 4,
    NETBIOS_NAME_BYTES = 34, /* RFC 1002 4.3.2: 32, the name, 0 */
    NETBIOS_REQUEST = 0x81,
    CHAIN_MAX = 16,

    SMB1_HEADER_BYTES = 32,
    SMB1_SIGNATURE_AT = 14,
    SMB1_SIGNATURE_BYTES = 8,
    SMB1_NEGOTIATE = 0x72,
    SMB1_FLAG_REPLY = 0x80,

    SMB2_HEADER_BYTES = 64,
    SMB2_SIGNATURE_AT = 48,
    SMB2_NEGOTIATE = 0,
    SMB2_FLAG_RESPONSE = 1,
    SMB2_GUID_BYTES = 16,
    SMB2_CONTEXT_BYTES = 8,
    SMB2_CONTEXTS_MAX = 16,
    SMB2_PREAUTH = 1,
    SMB2_NETNAME = 5,
    SMB2_CONTEXT_MAX = 8, /* signing */

    TRANSFORM_SIGNATURE_BYTES = 32, /* signature and nonce, behind the protocol's name */
    TRANSFORM_BYTES = 52,
};

/* Bytes of a body that are numbers: MS-SMB2's fixed parts, requests and responses. */
static size_t fixed_of(uint16_t command, bool is_response)
{
    static const struct {
        uint8_t command, request, response;
    } fixed[] = {
        {SMB2_NEGOTIATE, 36, 64},      {1 /* SESSION_SETUP */, 24, 8},  {2 /* LOGOFF */, 4, 4},
        {3 /* TREE_CONNECT */, 8, 16}, {4 /* TREE_DISCONNECT */, 4, 4}, {8 /* READ */, 48, 16},
        {9 /* WRITE */, 48, 16},       {11 /* IOCTL */, 56, 48},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        if (fixed[i].command == command) {
            return is_response ? fixed[i].response : fixed[i].request;
        }
    }
    return 2; /* the structure's size */
}

/* MS-SMB2 2.2.3.1: type, length, reserved, data, and padding to 8 bytes. */
static void contexts(const struct copy *c, size_t at, size_t end, unsigned num)
{
    for (unsigned i = 0; i < num && i < SMB2_CONTEXTS_MAX && at + SMB2_CONTEXT_BYTES <= end; i++) {
        uint16_t type = copy_u16le(c, at);
        size_t len = copy_u16le(c, at + 2);
        size_t data = at + SMB2_CONTEXT_BYTES;
        len = len < end - data ? len : end - data;
        copy_keep(c, at, SMB2_CONTEXT_BYTES);
        if (type == SMB2_NETNAME) {
            copy_utf16(c, data, len);
        } else if (type == SMB2_PREAUTH) { /* the salt is not kept */
            size_t kept = 4 + (size_t)2 * copy_u16le(c, data);
            copy_keep(c, data, kept < len ? kept : len);
        } else if (type <= SMB2_CONTEXT_MAX) {
            copy_keep(c, data, len);
        }
        at = data + (len + 7) / 8 * 8;
    }
}

/* MS-SMB2 2.2.3, 2.2.4: the sides' GUIDs are not kept. */
static void negotiate(const struct copy *c, size_t at, size_t end, bool is_response)
{
    enum { DIALECT_3_1_1 = 0x311 };
    size_t body = at + SMB2_HEADER_BYTES;
    size_t guid = body + (is_response ? 8 : 12);
    bool has_contexts = copy_u16le(c, body + 4) == DIALECT_3_1_1;
    if (!is_response) {
        unsigned num = copy_u16le(c, body + 2);
        for (unsigned i = 0; i < num && body + 36 + (size_t)2 * i < end; i++) {
            has_contexts = i == 0 ? false : has_contexts;
            has_contexts =
                has_contexts || copy_u16le(c, body + 36 + (size_t)2 * i) == DIALECT_3_1_1;
        }
        copy_keep(c, body + 36, (size_t)2 * num);
    }
    if (guid < end) {
        memset(c->out + guid, 0, end - guid < SMB2_GUID_BYTES ? end - guid : SMB2_GUID_BYTES);
    }
    size_t where = body + (is_response ? 60 : 28);
    if (has_contexts) {
        contexts(c, at + copy_u32le(c, where), end,
                 copy_u16le(c, is_response ? body + 6 : where + 4));
    }
}

static void smb2_message(const struct copy *c, size_t at, size_t end)
{
    uint16_t command = copy_u16le(c, at + 12);
    bool is_response = (copy_u32le(c, at + 16) & SMB2_FLAG_RESPONSE) != 0;
    size_t body = at + SMB2_HEADER_BYTES;
    size_t fixed = fixed_of(command, is_response);
    copy_keep(c, at, SMB2_SIGNATURE_AT);
    if (body < end) {
        copy_keep(c, body, fixed < end - body ? fixed : end - body);
        if (command == SMB2_NEGOTIATE) {
            negotiate(c, at, end, is_response);
        }
    }
}

/* MS-CIFS 2.2.4.52.1: 2, a dialect's name, 0. What is no common one becomes x. */
static void dialects(const struct copy *c, size_t at, size_t end)
{
    static const char *const known[] = {
        "PC NETWORK PROGRAM 1.0",
        "LANMAN1.0",
        "Windows for Workgroups 3.1a",
        "LM1.2X002",
        "LANMAN2.1",
        "NT LM 0.12",
        "SMB 2.002",
        "SMB 2.???",
        "NT LANMAN 1.0",
        "DOS LANMAN2.1",
        "MICROSOFT NETWORKS 1.03",
        "MICROSOFT NETWORKS 3.0",
        "DOS LM1.2X002",
        "Samba",
        "XENIX CORE",
        "CIFS",
    };
    while (at < end && c->was[at] == 2) {
        size_t next = bytes_find(bytes_part(copy_was(c), 0, end), 0, at);
        struct bytes name = bytes_part(copy_was(c), at + 1, next - at - 1);
        bool is_known = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            is_known = is_known || bytes_is(name, known[i]);
        }
        copy_keep(c, at, name.len + 1);
        if (!is_known && name.len > 0) {
            pseudonym_blank(c->p, c->out + at + 1, name.len);
        }
        at = next + 1;
    }
}

/* Words are numbers; of the bytes behind them only their count stays. */
static void smb1_message(const struct copy *c, size_t at)
{
    size_t words = at + SMB1_HEADER_BYTES + 1;
    size_t num = (size_t)2 * bytes_u8_at(copy_was(c), words - 1);
    bool is_response = (bytes_u8_at(copy_was(c), at + 9) & SMB1_FLAG_REPLY) != 0;
    copy_keep(c, at, SMB1_SIGNATURE_AT);
    copy_keep(c, at + SMB1_SIGNATURE_AT + SMB1_SIGNATURE_BYTES,
              SMB1_HEADER_BYTES - SMB1_SIGNATURE_AT - SMB1_SIGNATURE_BYTES + 1 + num + 2);
    if (bytes_u8_at(copy_was(c), at + 4) == SMB1_NEGOTIATE && !is_response) {
        dialects(c, words + num + 2, c->len);
    }
}

/* RFC 1002 4.3.2: two names in letters that say four bits each; "CA" is a blank. */
static void session_request(const struct copy *c)
{
    for (size_t i = 0; i < 2; i++) {
        size_t at = NETBIOS_BYTES + i * NETBIOS_NAME_BYTES;
        copy_keep(c, at, 1);
        for (size_t j = 1; j + 1 < NETBIOS_NAME_BYTES && at + j < c->len; j++) {
            c->out[at + j] = j % 2 != 0 ? 'C' : 'A';
        }
    }
    c->p->num[REDACTED_NAMES] += 2;
}

void scrub_smb(const struct copy *c)
{
    size_t at = NETBIOS_BYTES;
    copy_keep(c, 0, NETBIOS_BYTES);
    if (bytes_u8_at(copy_was(c), 0) == NETBIOS_REQUEST) {
        session_request(c);
        return;
    }
    if (bytes_u8_at(copy_was(c), 0) != 0) {
        return;
    }
    switch (bytes_u8_at(copy_was(c), at)) {
    case 0xff:
        smb1_message(c, at);
        break;
    case 0xfe:
        for (unsigned i = 0; i < CHAIN_MAX && at < c->len; i++) {
            size_t next = copy_u32le(c, at + 20);
            size_t end = next == 0 || next > c->len - at ? c->len : at + next;
            smb2_message(c, at, end);
            if (next < SMB2_HEADER_BYTES) {
                break;
            }
            at = end;
        }
        break;
    case 0xfd: /* encrypted: MS-SMB2 2.2.41 */
        copy_keep(c, at, 4);
        copy_keep(c, at + 4 + TRANSFORM_SIGNATURE_BYTES,
                  TRANSFORM_BYTES - 4 - TRANSFORM_SIGNATURE_BYTES);
        break;
    default:
        copy_keep(c, at, 4);
        break;
    }
}
