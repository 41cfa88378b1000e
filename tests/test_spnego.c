/* gss_token_decode() on tokens of real clients and servers, and on the odd forms of servers that
 * the lab has not. */
#include "krb5asn1/spnego.h"
#include "test_krb_vectors.h"

#include <criterion/criterion.h>

#define KRB5_OID "06092a864886f712010202"
#define MS_KRB5_OID "06092a864882f712010202"
#define U2U_OID "060a2a864886f71201020203"
#define NTLM_OID "060a2b06010401823702020a"
#define NEGOEX_OID "060a2b06010401823702021e"
#define SPNEGO_OID "06062b0601050502"
#define IAKERB_OID "06062b0601050205"
/* KRB-ERROR 41 of test_krb_vectors.h's kind, 81 bytes */
#define KRB_ERROR_HEX                                                                              \
    "7e4f304da003020105a10302011ea411180f32303236313132323131333434305aa50502030768a4a603020125"   \
    "a9151b133c756e737065636966696564207265616c6d3eaa0b3009a003020100a1023000"

static uint8_t storage[65536];
static struct arena arena;
static struct gss_token token;
static struct flaw flaw;

static enum verdict decode(struct bytes input)
{
    arena_init(&arena, storage, sizeof storage);
    flaw = (struct flaw){0};
    return gss_token_decode(input, &arena, &token, &flaw);
}

static void decode_vector(const char *name)
{
    cr_assert_eq(decode(vector(name)), VERDICT_DONE, "%s: %s", name, flaw.why);
    cr_assert(token.complete);
}

static void decode_hex(const char *hex)
{
    cr_assert_eq(decode(battery_hex(hex)), VERDICT_DONE, "%s: %s", hex, flaw.why);
    cr_assert(token.complete);
}

Test(spnego, init_with_kerberos_ticket)
{
    decode_vector("neg-init-ap-req");
    cr_assert_eq(token.form, TOKEN_NEG_INIT);
    cr_assert_eq(token.num_mechs, 1);
    cr_assert_eq(token.mechs[0], GSS_MECH_KRB5);
    cr_assert_eq(token.mech, GSS_MECH_KRB5);
    cr_assert_eq(token.tok_id, KRB5_TOK_AP_REQ);
    cr_assert_eq(token.neg_state, NEG_STATE_ABSENT);
    cr_assert_not_null(token.krb);
    cr_assert_eq(token.krb->type, KRB_AP_REQ);
    cr_assert_eq(token.krb->ap_options, 0x20000000);
    cr_assert(bytes_is(token.krb->ticket.sname.text, "HTTP/mp01.corp.test"));
    cr_assert_eq(token.krb->ticket.enc.kvno, 2);
    cr_assert_eq(token.ntlm.len, 0);
}

Test(spnego, resp_with_the_server_s_proof)
{
    decode_vector("neg-resp-ap-rep");
    cr_assert_eq(token.form, TOKEN_NEG_RESP);
    cr_assert_eq(token.neg_state, NEG_STATE_ACCEPT_COMPLETED);
    cr_assert_eq(token.supported_mech, GSS_MECH_KRB5);
    cr_assert_eq(token.tok_id, KRB5_TOK_AP_REP);
    cr_assert_eq(token.krb->type, KRB_AP_REP);
}

Test(spnego, resp_with_the_server_s_error)
{
    decode_vector("neg-resp-krb-error-modified");
    cr_assert_eq(token.form, TOKEN_NEG_RESP);
    cr_assert_eq(token.neg_state, NEG_STATE_REJECT);
    cr_assert_eq(token.supported_mech, GSS_MECH_UNKNOWN);
    cr_assert_eq(token.tok_id, KRB5_TOK_ERROR);
    cr_assert_eq(token.krb->error_code, 41);
    cr_assert(bytes_is(token.krb->sname.text, "HTTP/mp04.corp.test"));
    cr_assert_eq(token.krb->stime.usec, 187636);
}

Test(spnego, ntlm_inside_and_alone)
{
    struct bytes input = vector("neg-init-ntlm");
    cr_assert_eq(decode(input), VERDICT_DONE);
    cr_assert_eq(token.form, TOKEN_NEG_INIT);
    cr_assert_eq(token.mechs[0], GSS_MECH_NTLMSSP);
    cr_assert_eq(token.mech, GSS_MECH_NTLMSSP);
    cr_assert_eq(token.ntlm.len, 40);
    cr_assert_eq(token.ntlm.at, input.at + input.len - 40); /* borrowed, not copied */

    decode_vector("neg-resp-ntlm-challenge");
    cr_assert_eq(token.neg_state, NEG_STATE_ACCEPT_INCOMPLETE);
    cr_assert_eq(token.supported_mech, GSS_MECH_NTLMSSP);
    cr_assert_eq(token.ntlm.len, 126);

    decode_vector("ntlm-raw");
    cr_assert_eq(token.form, TOKEN_RAW_NTLM);
    cr_assert_eq(token.mech, GSS_MECH_NTLMSSP);
    cr_assert_eq(token.ntlm.len, 40);

    decode_vector("neg-resp-mic-only");
    cr_assert_eq(token.neg_state, NEG_STATE_ACCEPT_COMPLETED);
    cr_assert_eq(token.mech, GSS_MECH_UNKNOWN);
    cr_assert_eq(token.ntlm.len, 0);
    cr_assert_null(token.krb);
}

/* MS-KRB5, krb5, U2U, NEGOEX, NTLMSSP, and a NEGOEX message as mechToken. */
Test(spnego, offer_of_windows_without_a_ticket)
{
    decode_hex("605e " SPNEGO_OID "a054 3052"
               "a03c 303a" MS_KRB5_OID KRB5_OID U2U_OID NEGOEX_OID NTLM_OID
               "a212 0410 4e45474f45585453 0000000000000000");
    cr_assert_eq(token.form, TOKEN_NEG_INIT);
    cr_assert_eq(token.num_mechs, 5);
    cr_assert_eq(token.mechs[0], GSS_MECH_MS_KRB5);
    cr_assert_eq(token.mechs[1], GSS_MECH_KRB5);
    cr_assert_eq(token.mechs[2], GSS_MECH_KRB5_U2U);
    cr_assert_eq(token.mechs[3], GSS_MECH_NEGOEX);
    cr_assert_eq(token.mechs[4], GSS_MECH_NTLMSSP);
    cr_assert_eq(token.mech, GSS_MECH_NEGOEX);
}

/* MS-SPNG 2.2.1: the server speaks first, with hints in [3]. */
Test(spnego, init2_with_hints)
{
    decode_hex("6048 " SPNEGO_OID "a03e 303c a00e 300c" NTLM_OID "a32a 3028 a026 1b24"
               "6e6f745f646566696e65645f696e5f5246433431373840706c656173655f69676e6f7265");
    cr_assert_eq(token.form, TOKEN_NEG_INIT);
    cr_assert_eq(token.num_mechs, 1);
    cr_assert_eq(token.mechs[0], GSS_MECH_NTLMSSP);
    cr_assert_eq(token.mech, GSS_MECH_UNKNOWN);
}

Test(spnego, without_the_gss_wrapper)
{
    decode_hex("a012 3010 a00e 300c" NTLM_OID);
    cr_assert_eq(token.form, TOKEN_NEG_INIT);
    cr_assert_eq(token.mechs[0], GSS_MECH_NTLMSSP);
    decode_hex("a107 3005 a003 0a01 02");
    cr_assert_eq(token.form, TOKEN_NEG_RESP);
    cr_assert_eq(token.neg_state, NEG_STATE_REJECT);
    decode_hex("a107 3005 a003 0a01 03");
    cr_assert_eq(token.neg_state, NEG_STATE_REQUEST_MIC);
}

/* A KRB-ERROR as its senders wrap it: in full, with the OID only, with TOK_ID only, bare. */
Test(spnego, krb_error_however_it_is_wrapped)
{
    static const char *const forms[] = {
        "a166 3064 a262 0460 605e" KRB5_OID "0300" KRB_ERROR_HEX,
        "a164 3062 a260 045e 605c" KRB5_OID KRB_ERROR_HEX,
        "a159 3057 a255 0453 0300" KRB_ERROR_HEX,
        "a157 3055 a253 0451" KRB_ERROR_HEX,
        "605e" KRB5_OID "0300" KRB_ERROR_HEX,
        "605c" MS_KRB5_OID KRB_ERROR_HEX,
        KRB_ERROR_HEX,
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        decode_hex(forms[i]);
        cr_assert_eq(token.form, i < 4 ? TOKEN_NEG_RESP : TOKEN_RAW_KRB5, "form %zu", i);
        cr_assert_eq(token.mech, i == 5 ? GSS_MECH_MS_KRB5 : GSS_MECH_KRB5, "form %zu", i);
        cr_assert_eq(token.tok_id, i == 0 || i == 2 || i == 4 ? KRB5_TOK_ERROR : KRB5_TOK_NONE);
        cr_assert_not_null(token.krb, "form %zu", i);
        cr_assert_eq(token.krb->error_code, 37);
    }
}

Test(spnego, mechanisms_without_a_message_for_us)
{
    decode_hex("6010" U2U_OID "0400 3000");
    cr_assert_eq(token.form, TOKEN_RAW_KRB5);
    cr_assert_eq(token.tok_id, KRB5_TOK_TGT_REQ);
    cr_assert_eq(token.mech, GSS_MECH_KRB5_U2U);
    decode_hex("600a" IAKERB_OID "0501");
    cr_assert_eq(token.form, TOKEN_UNKNOWN);
    cr_assert_eq(token.mech, GSS_MECH_IAKERB);
    decode_hex("6014" NTLM_OID "4e544c4d53535000");
    cr_assert_eq(token.form, TOKEN_RAW_NTLM);
    cr_assert_eq(token.ntlm.len, 8);
    decode_hex("a10b 3009 a207 0405 4e544c4d53"); /* five letters are no signature */
    cr_assert_eq(token.mech, GSS_MECH_UNKNOWN);
    cr_assert_eq(token.ntlm.len, 0);
    decode_hex("deadbeef");
    cr_assert_eq(token.form, TOKEN_UNKNOWN);
    decode_hex("7e7e7e7e 7e7e7e7e 7e7e7e7e 7e7e7e7e 7e7e");
    cr_assert_eq(token.form, TOKEN_UNKNOWN);
    cr_assert_eq(decode((struct bytes){0}), VERDICT_DONE);
    cr_assert_eq(token.form, TOKEN_NONE);
}

Test(spnego, more_mechanisms_than_we_keep)
{
    decode_hex("a06a 3068 a066 3064" KRB5_OID KRB5_OID KRB5_OID KRB5_OID KRB5_OID KRB5_OID KRB5_OID
                   KRB5_OID "0603 2a0304"
               "0605 2a03040506");
    cr_assert_eq(token.num_mechs, SPNEGO_MECHS_MAX);
}

static void is_bad(const char *hex, enum token_form form, size_t at, const char *why)
{
    cr_assert_eq(decode(battery_hex(hex)), VERDICT_BAD, "%s", hex);
    cr_assert_str_eq(flaw.why, why);
    cr_assert_eq(flaw.at, at, "%s: %zu", hex, flaw.at);
    cr_assert_eq(token.form, form);
}

Test(spnego, what_is_broken_is_refused_where_it_breaks)
{
    is_bad("6080 0606", TOKEN_UNKNOWN, 0, "the token's length is wrong");
    is_bad("6003 020105", TOKEN_UNKNOWN, 2, "no mechanism OID in the token");
    is_bad("6004 0606 2b06", TOKEN_UNKNOWN, 2, "no mechanism OID in the token");
    is_bad("600b" SPNEGO_OID "300100", TOKEN_UNKNOWN, 10, "no negotiation token");
    is_bad("a003 020100", TOKEN_NEG_INIT, 2, "no SEQUENCE in the token");
    is_bad("a005 3003 a001 00", TOKEN_NEG_INIT, 2, "not the DER of a negotiation token");
    is_bad("a107 3005 a003 0201 00", TOKEN_NEG_RESP, 2, "not the DER of a negotiation token");
    is_bad("600b" KRB5_OID, TOKEN_RAW_KRB5, 13, "no TOK_ID");
    is_bad("600d" KRB5_OID "0100", TOKEN_RAW_KRB5, 15, "nothing behind the TOK_ID");
    is_bad("6011" KRB5_OID "0100 6e403000", TOKEN_RAW_KRB5, 17,
           "no SEQUENCE that fills the message");
    is_bad("6013" KRB5_OID "0100 6e10300ea003", TOKEN_RAW_KRB5, 15,
           "the Kerberos message runs past its token");
}

Test(spnego, every_prefix_asks_for_more)
{
    for (size_t i = 0; i < NUM_TOKENS; i++) {
        struct bytes whole = vector(recorded_tokens[i]);
        bool raw = bytes_is_nocase(bytes_part(whole, 0, 4), "NTLM");
        for (size_t len = 1; len < whole.len; len++) {
            struct guarded g = guarded_copy(bytes_part(whole, 0, len));
            enum verdict verdict = decode(g.bytes);
            /* NTLMSSP itself says no length */
            cr_assert_eq(verdict, raw && len >= 8 ? VERDICT_DONE : VERDICT_MORE, "%s at %zu: %s",
                         recorded_tokens[i], len, flaw.why);
            cr_assert_eq(token.complete, verdict == VERDICT_DONE);
            guarded_free(&g);
        }
    }
}

Test(spnego, a_cut_token_still_names_its_ticket)
{
    cr_assert_eq(decode(bytes_part(vector("neg-init-ap-req"), 0, 200)), VERDICT_MORE);
    cr_assert_eq(token.form, TOKEN_NEG_INIT);
    cr_assert_eq(token.num_mechs, 1);
    cr_assert_eq(token.mech, GSS_MECH_KRB5);
    cr_assert_eq(token.tok_id, KRB5_TOK_AP_REQ);
    cr_assert_not_null(token.krb);
    cr_assert_not(token.krb->complete);
    cr_assert(bytes_is(token.krb->ticket.sname.text, "HTTP/mp01.corp.test"));
    cr_assert_eq(token.krb->ticket.enc.kvno, 2);
}

Test(spnego, one_byte_corruption_breaks_nothing)
{
    static const uint8_t flips[] = {0x01, 0x20, 0x80, 0xFF};
    for (size_t i = 0; i < NUM_TOKENS; i++) {
        struct guarded g = guarded_copy(vector(recorded_tokens[i]));
        for (size_t at = 0; at < g.bytes.len; at++) {
            for (size_t k = 0; k < sizeof flips; k++) {
                g.at[at] ^= flips[k];
                enum verdict verdict = decode(g.bytes);
                cr_assert(verdict != VERDICT_BAD || (flaw.why != NULL && flaw.at <= g.bytes.len));
                cr_assert(verdict != VERDICT_DONE || token.complete);
                cr_assert(verdict != VERDICT_MORE || !token.complete);
                g.at[at] ^= flips[k];
            }
        }
        guarded_free(&g);
    }
}

Test(spnego, an_arena_too_small_is_said)
{
    struct bytes input = vector("neg-init-ap-req");
    size_t room = 0;
    for (; room < sizeof storage; room += 8) {
        arena_init(&arena, storage, room);
        if (gss_token_decode(input, &arena, &token, &flaw) == VERDICT_DONE) {
            break;
        }
        cr_assert_eq(strncmp(flaw.why, "no room", 7), 0, "%s", flaw.why);
    }
    cr_assert_lt(room, 4096);
}

Test(spnego, names)
{
    cr_assert_str_eq(gss_mech_name(GSS_MECH_MS_KRB5), "MS-Kerberos");
    cr_assert_str_eq(gss_mech_name(GSS_MECH_UNKNOWN), "unknown");
    cr_assert_str_eq(token_form_name(TOKEN_NEG_INIT), "NegTokenInit");
    cr_assert_str_eq(neg_state_name(NEG_STATE_REJECT), "reject");
    cr_assert_str_eq(neg_state_name(NEG_STATE_ABSENT), "absent");
}
