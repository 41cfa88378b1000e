/* PDUs that may carry a GSS token, by what decode/carrier.h says of them: tokens keep their
 * structure, of the rest stays what leads to them. */
#include "redact/scrub_carrier.h"

#include "base/cursor.h"
#include "decode/carrier.h"
#include "redact/scrub.h"

#include <string.h>

#define SCRATCH_BYTES (CARRIER_PDU_MAX + 65536)

enum { TDS_HEADER_BYTES = 8, SASL_LENGTH_BYTES = 4, NNS_HEADER_BYTES = 5 };

/* Does a slice lie in the bytes? Then *at is its offset. */
static bool lies_in(struct bytes all, struct bytes part, size_t *at)
{
    if (part.len == 0 || part.at < all.at || part.at >= all.at + all.len) {
        return false;
    }
    *at = (size_t)(part.at - all.at);
    return true;
}

static void tokens(const struct copy *c, const struct carrier_message *message)
{
    for (size_t i = 0; i < message->num; i++) {
        size_t at;
        if (lies_in(copy_was(c), message->at[i].token, &at)) {
            copy_token(c, at, message->at[i].token.len);
        }
    }
}

/* A message is BER throughout; which mechanism a bind names stays. Behind a bind that protects the
 * connection only lengths are to be seen. */
static void ldap(const struct copy *c, const struct carrier_message *message)
{
    static const char *const mechanisms[] = {"GSS-SPNEGO", "GSSAPI",     "NTLM",
                                             "EXTERNAL",   "DIGEST-MD5", "PLAIN"};
    uint64_t before = c->p->num[REDACTED_CIPHERTEXTS];
    size_t at;
    if (bytes_u8_at(copy_was(c), 0) == 0) {
        copy_keep(c, 0, SASL_LENGTH_BYTES);
        return;
    }
    copy_keep(c, 0, c->len);
    scrub_der(c->p, c->out, c->len);
    c->p->num[REDACTED_TEXTS] += c->p->num[REDACTED_CIPHERTEXTS] - before;
    c->p->num[REDACTED_CIPHERTEXTS] = before;
    if (message->num > 0 && lies_in(copy_was(c), message->at[0].mechanism, &at)) {
        for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
            if (bytes_is(message->at[0].mechanism, mechanisms[i])) {
                copy_keep(c, at, message->at[0].mechanism.len);
            }
        }
    }
}

/* The packets' headers stay; their data is one message, joined where there are several. */
static void tds(const struct copy *c, const struct carrier_message *message)
{
    static uint8_t joined[CARRIER_PDU_MAX];
    const struct copy data = {
        .p = c->p, .was = message->data.at, .out = joined, .len = message->data.len};
    if (data.len <= sizeof joined) {
        memset(joined, 0, data.len);
        scrub_tds(&data, bytes_u8_at(copy_was(c), 0));
        tokens(&data, message);
    }
    size_t taken = 0;
    for (size_t at = 0; at < c->len;) {
        size_t len = bytes_u16be_at(copy_was(c), at + 2);
        copy_keep(c, at, TDS_HEADER_BYTES);
        if (len <= TDS_HEADER_BYTES || at + TDS_HEADER_BYTES >= c->len) {
            break;
        }
        struct bytes part = {.at = joined, .len = data.len <= sizeof joined ? data.len : 0};
        part = bytes_part(part, taken, len - TDS_HEADER_BYTES);
        part = bytes_part(part, 0, c->len - at - TDS_HEADER_BYTES);
        if (part.len > 0) {
            memcpy(c->out + at + TDS_HEADER_BYTES, part.at, part.len);
        }
        taken += len - TDS_HEADER_BYTES;
        at += len;
    }
}

static void scrub(const struct copy *c, enum carrier_kind kind,
                  const struct carrier_message *message)
{
    switch (kind) {
    case CARRIER_KIND_SMB:
        scrub_smb(c);
        break;
    case CARRIER_KIND_LDAP:
        ldap(c, message);
        break;
    case CARRIER_KIND_TDS:
        tds(c, message);
        return;
    case CARRIER_KIND_NNS:
        copy_keep(c, 0, NNS_HEADER_BYTES);
        break;
    case CARRIER_KIND_GSS_LENGTH:
        copy_keep(c, 0, SASL_LENGTH_BYTES);
        break;
    case CARRIER_KIND_TLS:
        scrub_tls(c);
        break;
    case CARRIER_KIND_RPC:
    case CARRIER_KIND_GSS:
    case CARRIER_KIND_NONE:
        break;
    }
    for (size_t i = 0; i < message->num_rpc; i++) {
        size_t at;
        if (lies_in(copy_was(c), message->rpc[i], &at)) {
            scrub_rpc(c, at, message->rpc[i].len);
        }
    }
    tokens(c, message);
}

void scrub_carrier(struct pseudonyms *p, uint8_t *at, size_t len, enum carrier_kind kind)
{
    static uint8_t was[CARRIER_PDU_MAX]; /* one PDU at a time */
    struct carrier_message message;
    struct arena arena;
    size_t used = 0;
    size_t known = len < sizeof was ? len : sizeof was;
    memcpy(was, at, known);
    memset(at, 0, len);
    if (arena_new(&arena, SCRATCH_BYTES)) {
        const struct copy c = {.p = p, .was = was, .out = at, .len = known};
        (void)carrier_decode(kind, copy_was(&c), &arena, &message, &used, NULL);
        scrub(&c, kind, &message);
        arena_free(&arena);
    }
    p->num[REDACTED_BODIES] += len > 0;
}
