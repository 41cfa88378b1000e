/* krb_decode() on messages made by hand: what Windows and MIT send that the lab did not show. */
#include "krb5asn1/krb.h"
#include "test_krb_vectors.h"

#include <criterion/criterion.h>

static uint8_t storage[65536];
static struct arena arena;
static struct krb_message message;

static void decode(const char *hex)
{
    struct bytes input = battery_hex(hex);
    struct flaw flaw = {0};
    size_t used = 0;
    arena_init(&arena, storage, sizeof storage);
    cr_assert_eq(krb_decode(input, &arena, &message, &used, &flaw), VERDICT_DONE, "%s", flaw.why);
    cr_assert_eq(used, input.len);
    cr_assert(message.complete);
}

static void is(struct bytes b, const char *text)
{
    cr_assert(bytes_is(b, text), "%.*s is not %s", (int)b.len, (const char *)b.at, text);
}

Test(krb_fields, as_req_as_windows_sends_it)
{
    static const uint8_t ipv4[] = {192, 0, 2, 7};
    struct address first = address_from((struct bytes){.at = ipv4, .len = 4});
    decode(as_req_windows);
    cr_assert_eq(message.kdc_options, 0x40810010);
    cr_assert_eq(message.nonce, 0x9ABCDEF0);                 /* a negative INTEGER on the wire */
    cr_assert_eq(message.till.seconds, INT64_C(2136422885)); /* 2037-09-13 02:48:05 */
    cr_assert_eq(message.rtime.seconds, message.till.seconds);
    cr_assert(message.from.present);
    cr_assert_eq(message.num_etypes, 6);
    cr_assert_eq(message.etypes[4], -135);
    is(message.netbios_address, "PC07");
    cr_assert_eq(message.num_addresses, 2);
    cr_assert(address_equal(&message.addresses[0], &first));
    cr_assert_eq(message.addresses[1].family, ADDRESS_IPV6);
    cr_assert_eq(message.num_padata, 2);
    cr_assert(message.padata[0].has_flags);
    cr_assert_eq(message.padata[0].flags, 1);
    cr_assert_eq(message.padata[1].type, 167);
    cr_assert(message.padata[1].has_flags);
    cr_assert_eq(message.padata[1].flags, 0x40000000);
}

Test(krb_fields, tgs_req_on_behalf_of_a_user)
{
    decode(tgs_req_s4u);
    cr_assert_eq(message.num_padata, 3);
    is(message.padata[1].user.text, "alice@example.com");
    cr_assert_eq(message.padata[1].user.type, 10);
    is(message.padata[1].user_realm, "EXAMPLE.COM");
    is(message.padata[2].user.text, "bob@example.com");
    is(message.padata[2].user_realm, "EXAMPLE.ORG");
    cr_assert_eq(message.num_additional_tickets, 2);
    cr_assert_not_null(message.ap_req);
    is(message.ap_req->ticket.sname.text, "krbtgt/EXAMPLE.COM");
}

Test(krb_fields, as_req_with_armor_and_challenge)
{
    decode(as_req_fast);
    cr_assert_eq(message.padata[0].armor_type, 1);
    cr_assert_not(message.padata[0].fast_rep);
    cr_assert_eq(message.padata[1].enc.etype, 17);
    cr_assert_eq(message.padata[1].enc.cipher_len, 36);
    cr_assert_null(message.ap_req); /* that one is armor, not PA-TGS-REQ */
}

Test(krb_fields, kvno_of_a_read_only_domain_controller)
{
    decode(tgs_rep_rodc);
    cr_assert(message.ticket.enc.has_kvno);
    cr_assert_eq(message.ticket.enc.kvno, 0xB0A10001);
    cr_assert(message.padata[0].has_flags);
    cr_assert_eq(message.padata[0].flags, 0x1F);
    cr_assert_not(message.enc_part.has_kvno);
}

Test(krb_fields, safe_priv_cred)
{
    decode(krb_safe);
    cr_assert_eq(message.type, KRB_SAFE);
    decode(krb_priv);
    cr_assert_eq(message.type, KRB_PRIV);
    cr_assert_eq(message.enc_part.etype, 18);
    cr_assert_eq(message.enc_part.cipher_len, 40);
    decode(krb_cred);
    cr_assert_eq(message.type, KRB_CRED);
    is(message.ticket.sname.text, "krbtgt/EXAMPLE.COM");
    cr_assert_eq(message.enc_part.cipher_len, 20);
}

Test(krb_fields, edata_of_microsoft)
{
    decode(error_ext);
    cr_assert_eq(message.error_code, 7);
    cr_assert_eq(message.edata, KRB_EDATA_EXT_ERROR);
    cr_assert(message.has_ntstatus);
    cr_assert_eq(message.ntstatus, 0xC000018B);
    cr_assert_eq(message.num_padata, 0);

    decode(error_skew);
    cr_assert_eq(message.edata, KRB_EDATA_SKEW);
    cr_assert_not(message.has_ntstatus);
    cr_assert(message.ctime.present);
    cr_assert_eq(message.ctime.usec, 654321);
    cr_assert_eq(message.stime.seconds - message.ctime.seconds, 1800);
    cr_assert_eq(message.stime.usec, 123456);
}

Test(krb_fields, edata_in_its_other_forms)
{
    decode(error_typed);
    cr_assert_eq(message.edata, KRB_EDATA_TYPED_DATA);
    cr_assert_eq(message.num_padata, 2);
    cr_assert_eq(message.padata[0].type, 104);
    cr_assert_eq(message.padata[0].value_len, 2);
    cr_assert_eq(message.padata[1].value_len, 0);

    decode(error_single_padata);
    cr_assert_eq(message.edata, KRB_EDATA_PA_DATA);
    cr_assert_eq(message.num_padata, 1);
    is(message.padata[0].infos[0].salt, "EXAMPLE.COMhostpc07.example.com");

    decode(error_method_list_ntstatus);
    cr_assert_eq(message.edata, KRB_EDATA_METHOD_DATA);
    cr_assert_eq(message.ntstatus, 0xC0000234);
    cr_assert_eq(message.padata[0].infos[0].etype, 23);
    cr_assert_not(message.padata[0].infos[0].has_salt);

    decode(error_salt); /* 16 bytes: text, no NTSTATUS */
    cr_assert_eq(message.edata, KRB_EDATA_METHOD_DATA);
    cr_assert_not(message.has_ntstatus);

    decode(error_other);
    cr_assert_eq(message.edata, KRB_EDATA_OTHER);
    cr_assert_eq(message.num_padata, 0);
    is(message.etext, "try later"); /* MIT ends it with NUL */
}

Test(krb_fields, an_unassigned_negative_code_stays)
{
    decode(error_unassigned);
    cr_assert_eq(message.error_code, INT32_MIN);
    cr_assert_eq(message.edata, KRB_EDATA_NONE);
    cr_assert_not(message.has_etext);
}
