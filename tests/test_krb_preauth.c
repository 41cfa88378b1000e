/* Pre-authentication as MIT's KDC and client did it in a lab: PKINIT, FAST, SPAKE. Every field that
 * is in clear is asserted; the numbers were read off tshark and openssl asn1parse. And messages
 * around messages: KRB-SAFE, a password change's KRB-ERROR, KKDCP. */
#include "krb5asn1/kkdcp.h"
#include "krb5asn1/krb.h"
#include "test_krb_vectors.h"

#include <criterion/criterion.h>

static uint8_t storage[65536];
static struct arena arena;
static struct krb_message message;

static void decode(struct bytes input)
{
    struct flaw flaw = {0};
    size_t used = 0;
    arena_init(&arena, storage, sizeof storage);
    cr_assert_eq(krb_decode(input, &arena, &message, &used, &flaw), VERDICT_DONE, "%s", flaw.why);
    cr_assert_eq(used, input.len);
    cr_assert(message.complete);
}

static const struct krb_padata *padata_of(int32_t type)
{
    for (size_t i = 0; i < message.num_padata; i++) {
        if (message.padata[i].type == type) {
            return &message.padata[i];
        }
    }
    cr_assert(false, "no PA-DATA of type %d", (int)type);
    return NULL;
}

Test(krb_preauth, pkinit_request_tells_the_clients_time)
{
    decode(vector("as-req-pkinit"));
    const struct krb_padata *pa = padata_of(16);
    cr_assert_str_eq(pa->form, "signed-auth-pack");
    cr_assert_not_null(pa->pkinit);
    cr_assert(pa->pkinit->is_signed_data);
    cr_assert_eq(pa->pkinit->num_certificates, 1);
    cr_assert_eq(pa->pkinit->num_trusted_certifiers, 1);
    cr_assert(!pa->pkinit->has_kdc_pk_id);
    cr_assert(pa->pkinit->has_dh_key);
    cr_assert(pa->pkinit->has_authenticator);
    cr_assert_eq(pa->pkinit->ctime.seconds, INT64_C(1795591847));
    cr_assert_eq(pa->pkinit->ctime.usec, 972093);
    cr_assert(pa->pkinit->has_nonce);
    cr_assert_eq(pa->pkinit->nonce, message.nonce); /* MIT uses one for both */
    cr_assert_null(message.armor);
    cr_assert(!message.is_armored);
}

Test(krb_preauth, pkinit_reply_repeats_the_nonce)
{
    decode(vector("as-req-pkinit"));
    uint32_t nonce = message.nonce;
    decode(vector("as-rep-pkinit"));
    const struct krb_padata *pa = padata_of(17);
    cr_assert_str_eq(pa->form, "dh-info");
    cr_assert_not_null(pa->pkinit);
    cr_assert_eq(pa->pkinit->num_certificates, 1);
    cr_assert(pa->pkinit->has_nonce);
    cr_assert_eq(pa->pkinit->nonce, nonce);
    cr_assert(!pa->pkinit->has_server_nonce);
}

Test(krb_preauth, armor_holds_the_ap_req_of_another_ticket)
{
    static const char *const names[] = {"as-req-armored", "tgs-req-armored"};
    decode(vector(names[0]));
    const struct krb_padata *pa = padata_of(136);
    cr_assert_eq(pa->armor_type, 1);
    cr_assert(!pa->fast_rep);
    cr_assert(pa->enc.present);
    cr_assert_eq(pa->enc.etype, 18);
    cr_assert(pa->has_checksum);
    cr_assert_eq(pa->checksum_type, 16);
    cr_assert(message.is_armored);
    cr_assert_not_null(message.armor);
    cr_assert_eq(message.armor->type, KRB_AP_REQ);
    cr_assert(bytes_is(message.armor->ticket.sname.text, "krbtgt/KF.EXAMPLE"));
    cr_assert_eq(message.armor->enc_part.etype, 18);
    struct hash128 first = message.hash;
    /* A TGS-REQ is armored by the subkey of its own PA-TGS-REQ (RFC 6113 5.4.1.1). */
    decode(vector(names[1]));
    cr_assert_eq(padata_of(136)->armor_type, 0);
    cr_assert(message.is_armored);
    cr_assert_null(message.armor);
    cr_assert_not_null(message.ap_req);
    cr_assert(!hash128_equal(first, message.hash));
    decode(vector("as-rep-armored"));
    cr_assert(padata_of(136)->fast_rep);
    cr_assert(padata_of(136)->enc.present);
}

/* Cut anywhere behind the armor, the AP-REQ in it is still found. */
Test(krb_preauth, armor_of_a_cut_request)
{
    struct bytes whole = vector("as-req-armored");
    size_t used = 0;
    size_t num_found = 0;
    for (size_t len = 0; len < whole.len; len++) {
        struct guarded g = guarded_copy(bytes_part(whole, 0, len));
        arena_init(&arena, storage, sizeof storage);
        (void)krb_decode(g.bytes, &arena, &message, &used, NULL);
        num_found += message.armor != NULL && message.armor->ticket.present;
        guarded_free(&g);
    }
    cr_assert_gt(num_found, whole.len / 3);
}

Test(krb_preauth, spake_in_each_of_its_forms)
{
    decode(vector("as-req-spake-support"));
    cr_assert_str_eq(padata_of(151)->form, "support");
    cr_assert_eq(padata_of(151)->num_groups, 1);
    cr_assert_eq(padata_of(151)->groups[0], 1); /* edwards25519 */
    decode(vector("krb-error-spake-challenge"));
    cr_assert_eq(message.error_code, 91);
    cr_assert_str_eq(padata_of(151)->form, "challenge");
    cr_assert_eq(padata_of(151)->num_groups, 1);
    cr_assert_eq(padata_of(151)->groups[0], 1);
    decode(vector("as-req-spake-response"));
    cr_assert_str_eq(padata_of(151)->form, "response");
    cr_assert(padata_of(151)->enc.present);
    cr_assert_eq(padata_of(151)->enc.etype, 18);
}

/* RFC 4120 5.6.1: "ping" of 2026-11-22 11:12:42.000007, sequence number 4294967295. */
static const char safe_hex[] =
    "74633061a003020105a103020114a23c303aa006040470696e67a111180f32303236313132323131313234325aa2"
    "03020107a307020500ffffffffa40f300da003020102a1060404c0000207a3173015a003020110a10e040c000102"
    "030405060708090a0b";

Test(krb_preauth, a_safe_message_is_in_clear)
{
    decode(battery_hex(safe_hex));
    cr_assert_eq(message.type, KRB_SAFE);
    cr_assert(message.safe.present);
    cr_assert_eq(message.safe.user_data_len, 4);
    cr_assert_eq(message.safe.timestamp.seconds, INT64_C(1795345962));
    cr_assert_eq(message.safe.timestamp.usec, 7);
    cr_assert(message.safe.has_seq_number);
    cr_assert_eq(message.safe.seq_number, UINT32_MAX);
    cr_assert_eq(message.safe.checksum_type, 16);
}

/* MS-KKDCP 2.2.2: a record of 4 bytes length and "abcd", for EXAMPLE.ORG, hint 0x40000000. */
static const char kkdcp_hex[] =
    "3023a00a04080000000461626364a10d1b0b4558414d504c452e4f5247a206020440000000";

Test(kkdcp, says_where_the_message_shall_go)
{
    struct kkdcp_message out;
    struct bytes input = battery_hex(kkdcp_hex);
    cr_assert_eq(kkdcp_decode(input, &out, NULL), VERDICT_DONE);
    cr_assert(bytes_is(out.message, "abcd"));
    cr_assert(bytes_is(out.target_domain, "EXAMPLE.ORG"));
    cr_assert(out.has_hint);
    cr_assert_eq(out.dclocator_hint, 0x40000000);
    for (size_t len = 0; len < input.len; len++) {
        struct guarded g = guarded_copy(bytes_part(input, 0, len));
        cr_assert_eq(kkdcp_decode(g.bytes, &out, NULL), VERDICT_MORE, "%zu bytes", len);
        guarded_free(&g);
    }
}

Test(kkdcp, anything_else_is_bad)
{
    static const char *const others[] = {"020100",         "31023000",         "3000",
                                         "3005a003020105", "3006a00404020000", "6a0400000000"};
    struct kkdcp_message out;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct flaw flaw = {0};
        cr_assert_eq(kkdcp_decode(battery_hex(others[i]), &out, &flaw), VERDICT_BAD, "%s",
                     others[i]);
        cr_assert_not_null(flaw.why);
    }
}
