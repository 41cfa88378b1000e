/* DCE/RPC (C706 12.6, MS-RPCE 2.2.2): heads, the frames of a bind and of its answer, and the
 * beginning of the verifier stay. Which interface is bound becomes zero, as its calls do: a reader
 * that knew it would look for their parameters in vain. */
#include "redact/scrub_carrier.h"

#include "base/cursor.h"

enum {
    HEADER_BYTES = 16,
    VERIFIER_BYTES = 8,
    CALL_BYTES = 8, /* hint, context, operation */
    DREP_LITTLE_ENDIAN = 0x10,

    PTYPE_REQUEST = 0,
    PTYPE_RESPONSE = 2,
    PTYPE_FAULT = 3,
    PTYPE_BIND = 11,
    PTYPE_BIND_ACK = 12,
    PTYPE_ALTER = 14,
    PTYPE_ALTER_RESPONSE = 15,

    UUID_BYTES = 16,
    SYNTAX_BYTES = 20, /* UUID, version */
    RESULT_BYTES = 24, /* result, reason, syntax */
    PDUS_MAX = 64,
};

static uint16_t u16_at(const struct copy *c, size_t pdu, size_t at)
{
    bool is_little = (bytes_u8_at(copy_was(c), pdu + 4) & DREP_LITTLE_ENDIAN) != 0;
    return is_little ? copy_u16le(c, at) : bytes_u16be_at(copy_was(c), at);
}

/* Contexts: id, number of transfer syntaxes, abstract syntax, transfer syntaxes. */
static void bind(const struct copy *c, size_t at, size_t end)
{
    unsigned num = bytes_u8_at(copy_was(c), at + 8);
    copy_keep(c, at, 12);
    at += 12;
    for (unsigned i = 0; i < num && at + 4 + SYNTAX_BYTES <= end; i++) {
        size_t syntaxes = SYNTAX_BYTES * (size_t)bytes_u8_at(copy_was(c), at + 2);
        size_t transfer = at + 4 + SYNTAX_BYTES;
        copy_keep(c, at, 4);
        copy_keep(c, at + 4 + UUID_BYTES, SYNTAX_BYTES - UUID_BYTES);
        syntaxes = syntaxes < end - transfer ? syntaxes : end - transfer;
        copy_keep(c, transfer, syntaxes);
        at = transfer + syntaxes;
    }
}

/* The secondary address by its length, then the results. */
static void bind_answer(const struct copy *c, size_t pdu, size_t at, size_t end)
{
    size_t results = at + 10 + u16_at(c, pdu, at + 8);
    results = pdu + (results - pdu + 3) / 4 * 4;
    copy_keep(c, at, 10);
    if (results + 4 <= end) {
        size_t len = 4 + RESULT_BYTES * (size_t)bytes_u8_at(copy_was(c), results);
        copy_keep(c, results, len < end - results ? len : end - results);
    }
}

static void scrub_pdu(const struct copy *c, size_t at, size_t len)
{
    size_t end = at + len;
    size_t auth_len = u16_at(c, at, at + 10);
    size_t body = at + HEADER_BYTES;
    copy_keep(c, at, HEADER_BYTES);
    if (auth_len > 0 && auth_len + VERIFIER_BYTES + HEADER_BYTES <= len) {
        end -= auth_len + VERIFIER_BYTES;
        copy_keep(c, end, VERIFIER_BYTES);
    }
    switch (bytes_u8_at(copy_was(c), at + 2)) {
    case PTYPE_REQUEST:
    case PTYPE_RESPONSE:
        copy_keep(c, body, CALL_BYTES);
        break;
    case PTYPE_FAULT: /* and the status */
        copy_keep(c, body, CALL_BYTES + 4);
        break;
    case PTYPE_BIND:
    case PTYPE_ALTER:
        bind(c, body, end);
        break;
    case PTYPE_BIND_ACK:
    case PTYPE_ALTER_RESPONSE:
        bind_answer(c, at, body, end);
        break;
    default:
        break;
    }
}

void scrub_rpc(const struct copy *c, size_t at, size_t len)
{
    size_t end = at + len < c->len ? at + len : c->len;
    for (unsigned i = 0; i < PDUS_MAX && at + HEADER_BYTES <= end; i++) {
        size_t pdu_len = u16_at(c, at, at + 8);
        if (pdu_len < HEADER_BYTES) {
            return;
        }
        scrub_pdu(c, at, pdu_len);
        at += pdu_len;
    }
}
