/* krb_decode(), gss_token_decode() and kkdcp_decode() on anything. The packaged libasn1 is not
 * instrumented, so begin with corpus_krb/ (real messages). */
#include "krb5asn1/kkdcp.h"
#include "krb5asn1/spnego.h"

#include <assert.h>

#define ARENA_LEN 262144 /* bytes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static volatile unsigned sink;

/* Reads every byte, so that a sanitizer sees a run that points nowhere. */
static void touch(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        sink += b.at[i];
    }
}

static void touch_name(const struct krb_name *name)
{
    touch(name->text);
    for (size_t i = 0; i < KRB_NAME_PARTS_MAX; i++) {
        touch(name->parts[i]);
    }
}

static void touch_message(const struct krb_message *m)
{
    assert(m->num_padata <= KRB_PADATA_MAX);
    assert(m->num_etypes <= KRB_ETYPES_MAX);
    assert(m->num_addresses <= KRB_ADDRESSES_MAX);
    touch_name(&m->cname);
    touch_name(&m->sname);
    touch_name(&m->ticket.sname);
    touch(m->ticket.realm);
    touch(m->crealm);
    touch(m->realm);
    touch(m->etext);
    touch(m->netbios_address);
    for (size_t i = 0; i < m->num_padata; i++) {
        touch_name(&m->padata[i].user);
        touch(m->padata[i].user_realm);
        for (size_t k = 0; k < m->padata[i].num_infos; k++) {
            touch(m->padata[i].infos[k].salt);
        }
        for (size_t k = 0; k < m->padata[i].num_groups; k++) {
            sink += (unsigned)m->padata[i].groups[k];
        }
        touch(m->padata[i].salt);
        sink += m->padata[i].pkinit != NULL ? m->padata[i].pkinit->nonce : 0;
    }
    touch(m->edata_other);
    assert(m->edata_other.len <= KRB_EDATA_OTHER_MAX);
    assert(m->num_tickets_kept <= KRB_TICKETS_MAX);
    for (size_t i = 0; i < m->num_tickets_kept; i++) {
        touch_name(&m->additional_tickets[i].sname);
        touch(m->additional_tickets[i].realm);
    }
}

static void try_krb(struct bytes input, struct arena *arena)
{
    struct krb_message message;
    struct flaw flaw = {0};
    size_t used = 0;
    size_t looked = 0;
    bool looks = krb_looks_like(input, &looked);
    enum verdict verdict = krb_decode(input, arena, &message, &used, &flaw);
    assert(verdict != VERDICT_DONE || (used <= input.len && message.complete));
    assert(verdict != VERDICT_MORE || (!message.complete && (used == 0 || used > input.len)));
    assert(verdict != VERDICT_BAD || (flaw.why != NULL && flaw.at <= input.len));
    assert(!looks || used == 0 || looked == used);
    if (verdict != VERDICT_BAD) {
        touch_message(&message);
        if (message.ap_req != NULL) {
            touch_message(message.ap_req);
        }
        if (message.armor != NULL) {
            touch_message(message.armor);
        }
    }
}

static void try_token(struct bytes input, struct arena *arena)
{
    struct gss_token token;
    struct flaw flaw = {0};
    enum verdict verdict = gss_token_decode(input, arena, &token, &flaw);
    assert(verdict != VERDICT_DONE || token.complete);
    assert(verdict != VERDICT_MORE || !token.complete);
    assert(verdict != VERDICT_BAD || (flaw.why != NULL && flaw.at <= input.len));
    assert(token.num_mechs <= SPNEGO_MECHS_MAX);
    touch(token.ntlm);
    if (token.krb != NULL) {
        touch_message(token.krb);
    }
}

static void try_kkdcp(struct bytes input)
{
    struct kkdcp_message message;
    struct flaw flaw = {0};
    enum verdict verdict = kkdcp_decode(input, &message, &flaw);
    assert(verdict != VERDICT_BAD || (flaw.why != NULL && flaw.at <= input.len));
    if (verdict != VERDICT_BAD) {
        touch(message.message);
        touch(message.target_domain);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t storage[ARENA_LEN];
    struct bytes input = {.at = data, .len = len};
    struct arena arena;
    krb_keep_sha256(true);
    arena_init(&arena, storage, sizeof storage);
    try_krb(input, &arena);
    arena_reset(&arena);
    try_token(input, &arena);
    try_kkdcp(input);
    return 0;
}
