/* krb_decode() on messages of real servers. The values asserted are those that tshark shows. */
#include "krb5asn1/krb.h"
#include "krb5asn1/spnego.h"
#include "test_krb_vectors.h"

#include <criterion/criterion.h>

static uint8_t storage[65536];
static struct arena arena;
static struct krb_message message;

static void decode(const char *name)
{
    struct bytes input = vector(name);
    struct flaw flaw = {0};
    size_t used = 0;
    arena_init(&arena, storage, sizeof storage);
    cr_assert_eq(krb_decode(input, &arena, &message, &used, &flaw), VERDICT_DONE, "%s", flaw.why);
    cr_assert_eq(used, input.len);
    cr_assert(message.complete);
    cr_assert_eq(message.pvno, 5);
}

static void is(struct bytes b, const char *text)
{
    cr_assert(bytes_is(b, text), "%.*s is not %s", (int)b.len, (const char *)b.at, text);
}

static void has_etypes(const int32_t *etypes, size_t num)
{
    cr_assert_eq(message.num_etypes, num);
    for (size_t i = 0; i < num; i++) {
        cr_assert_eq(message.etypes[i], etypes[i]);
    }
}

Test(krb, as_req)
{
    static const int32_t etypes[] = {18, 17, 23, 20, 19, 16, 25, 26};
    decode("as-req");
    cr_assert_eq(message.type, KRB_AS_REQ);
    is(message.cname.text, "CLIENT1$");
    cr_assert_eq(message.cname.type, 1);
    cr_assert_eq(message.cname.num_parts, 1);
    is(message.sname.text, "krbtgt/CORP.TEST");
    cr_assert_eq(message.sname.type, 2);
    cr_assert_eq(message.sname.num_parts, 2);
    is(message.sname.parts[0], "krbtgt");
    is(message.sname.parts[1], "CORP.TEST");
    is(message.realm, "CORP.TEST");
    cr_assert_eq(message.kdc_options, 0x00000010);
    cr_assert(message.has_nonce);
    cr_assert_eq(message.nonce, 737401318);
    cr_assert(message.till.present);
    cr_assert_eq(message.till.seconds, 1795434018); /* 2026-11-23 11:40:18 */
    cr_assert_eq(message.till.usec, -1);
    cr_assert_not(message.from.present);
    cr_assert_not(message.rtime.present);
    has_etypes(etypes, sizeof etypes / sizeof etypes[0]);
    cr_assert_eq(message.num_padata, 2);
    cr_assert_eq(message.padata[0].type, 150);
    cr_assert_eq(message.padata[1].type, 149);
    cr_assert_eq(message.padata[1].value_len, 0);
    cr_assert_not(message.ticket.present);
    cr_assert_null(message.ap_req);
}

Test(krb, as_req_with_encrypted_timestamp)
{
    decode("as-req-enc-timestamp");
    cr_assert_eq(message.num_padata, 3);
    cr_assert_eq(message.padata[0].type, 2);
    cr_assert_eq(message.padata[0].value_len, 67);
    cr_assert(message.padata[0].enc.present);
    cr_assert_eq(message.padata[0].enc.etype, 18);
    cr_assert_not(message.padata[0].enc.has_kvno);
    cr_assert_eq(message.padata[0].enc.cipher_len, 56);
}

Test(krb, as_rep)
{
    decode("as-rep");
    cr_assert_eq(message.type, KRB_AS_REP);
    is(message.crealm, "CORP.TEST");
    is(message.cname.text, "CLIENT1$");
    cr_assert(message.ticket.present);
    is(message.ticket.realm, "CORP.TEST");
    is(message.ticket.sname.text, "krbtgt/CORP.TEST");
    cr_assert_eq(message.ticket.enc.etype, 18);
    cr_assert(message.ticket.enc.has_kvno);
    cr_assert_eq(message.ticket.enc.kvno, 1);
    cr_assert_eq(message.ticket.enc.cipher_len, 1035);
    cr_assert_eq(message.enc_part.etype, 18);
    cr_assert_eq(message.enc_part.cipher_len, 279);
    cr_assert_eq(message.num_padata, 1);
    cr_assert_eq(message.padata[0].num_infos, 1);
    is(message.padata[0].infos[0].salt, "CORP.TESThostclient1.corp.test");
}

Test(krb, tgs_req_with_its_ap_req)
{
    decode("tgs-req");
    cr_assert_eq(message.type, KRB_TGS_REQ);
    cr_assert_not(message.cname.present);
    is(message.sname.text, "HTTP/mp01.corp.test");
    cr_assert_eq(message.sname.type, 3);
    is(message.realm, "CORP.TEST");
    cr_assert_eq(message.kdc_options, 0x00810000);
    cr_assert_eq(message.nonce, 1027831163);
    cr_assert_eq(message.num_padata, 2);
    cr_assert_eq(message.padata[0].type, 1);
    cr_assert_eq(message.padata[0].value_len, 1338);
    cr_assert_eq(message.padata[1].type, 136);
    cr_assert_eq(message.padata[1].armor_type, 0);
    cr_assert_not(message.padata[1].fast_rep);
    cr_assert_not_null(message.ap_req);
    cr_assert_eq(message.ap_req->type, KRB_AP_REQ);
    cr_assert(message.ap_req->complete);
    cr_assert_eq(message.ap_req->ap_options, 0);
    is(message.ap_req->ticket.sname.text, "krbtgt/CORP.TEST");
    cr_assert_eq(message.ap_req->ticket.enc.kvno, 1);
    cr_assert_eq(message.ap_req->enc_part.etype, 18);
    cr_assert_eq(message.ap_req->enc_part.cipher_len, 171);
}

Test(krb, tgs_rep)
{
    decode("tgs-rep");
    cr_assert_eq(message.type, KRB_TGS_REP);
    is(message.cname.text, "CLIENT1$");
    is(message.ticket.sname.text, "HTTP/mp01.corp.test");
    cr_assert_eq(message.ticket.enc.kvno, 2);
    cr_assert_eq(message.ticket.enc.cipher_len, 1046);
    cr_assert_eq(message.padata[0].type, 136);
    cr_assert(message.padata[0].fast_rep);
}

/* The TGT of the AS-REP comes back in the TGS-REQ, and the ticket of the TGS-REP in the token sent
 * to the web server: no key is needed to see it. */
Test(krb, a_ticket_has_the_same_hash_wherever_it_travels)
{
    struct gss_token token;
    decode("as-rep");
    struct hash128 tgt = message.ticket.hash;
    decode("tgs-req");
    cr_assert(hash128_equal(tgt, message.ap_req->ticket.hash));
    decode("tgs-rep");
    struct hash128 ticket = message.ticket.hash;
    cr_assert_not(hash128_equal(tgt, ticket));
    cr_assert_eq(gss_token_decode(vector("neg-init-ap-req"), &arena, &token, NULL), VERDICT_DONE);
    cr_assert(hash128_equal(ticket, token.krb->ticket.hash));
    cr_assert_not(hash128_equal(ticket, (struct hash128){0}));
}

Test(krb, error_preauth_required)
{
    static const int32_t types[] = {16, 15, 147, 2, 136, 655, 19};
    decode("krb-error-preauth-required");
    cr_assert_eq(message.type, KRB_ERROR_MSG);
    cr_assert_eq(message.error_code, 25);
    cr_assert_eq(message.stime.seconds, 1795347618); /* 2026-11-22 11:40:18 */
    cr_assert_eq(message.stime.usec, 930664);
    cr_assert_not(message.ctime.present);
    is(message.crealm, "CORP.TEST");
    is(message.cname.text, "CLIENT1$");
    is(message.realm, "CORP.TEST");
    is(message.sname.text, "krbtgt/CORP.TEST");
    cr_assert(message.has_etext);
    is(message.etext, "Need to use PA-ENC-TIMESTAMP/PA-PK-AS-REQ");
    cr_assert_eq(message.edata, KRB_EDATA_METHOD_DATA);
    cr_assert_not(message.has_ntstatus);
    cr_assert_eq(message.num_padata, sizeof types / sizeof types[0]);
    for (size_t i = 0; i < message.num_padata; i++) {
        cr_assert_eq(message.padata[i].type, types[i]);
    }
    const struct krb_padata *last = &message.padata[6];
    cr_assert_eq(last->num_infos, 1);
    cr_assert_eq(last->infos[0].etype, 18);
    cr_assert(last->infos[0].has_salt);
    is(last->infos[0].salt, "CORP.TESThostclient1.corp.test");
}

/* Samba gives the reason as Windows does: PA-PW-SALT of 12 bytes in the METHOD-DATA. */
Test(krb, errors_of_an_account_carry_an_ntstatus)
{
    static const struct {
        const char *name;
        int32_t code;
        uint32_t ntstatus;
        const char *cname;
    } errors[] = {
        {"krb-error-client-disabled", 18, 0xC0000072, "CLIENTDIS$"},
        {"krb-error-logon-hours", 18, 0xC000006F, "u-hours"},
        {"krb-error-account-expired", 18, 0xC0000193, "u-acctexp"},
        {"krb-error-password-expired", 23, 0xC0000224, "u-mustchange"},
    };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        decode(errors[i].name);
        cr_assert_eq(message.error_code, errors[i].code);
        cr_assert_eq(message.edata, KRB_EDATA_METHOD_DATA);
        cr_assert(message.has_ntstatus);
        cr_assert_eq(message.ntstatus, errors[i].ntstatus);
        cr_assert_eq(message.num_padata, 2);
        cr_assert_eq(message.padata[1].type, 3);
        cr_assert(message.padata[1].has_ntstatus);
        cr_assert_eq(message.padata[1].ntstatus, errors[i].ntstatus);
        is(message.cname.text, errors[i].cname);
    }
}

Test(krb, errors_of_the_ticket_step)
{
    decode("krb-error-spn-missing");
    cr_assert_eq(message.error_code, 7);
    is(message.sname.text, "HTTP/mp03.corp.test");
    cr_assert_eq(message.num_padata, 1);
    cr_assert(message.padata[0].fast_rep);
    decode("krb-error-skew");
    cr_assert_eq(message.error_code, 37);
    is(message.realm, "<unspecified realm>");
    cr_assert(message.sname.present);
    cr_assert_eq(message.sname.num_parts, 0);
    cr_assert_eq(message.sname.text.len, 0);
    cr_assert_eq(message.edata, KRB_EDATA_NONE);
    decode("krb-error-response-too-big");
    cr_assert_eq(message.error_code, 52);
}
