/* HTTP authentication headers: what servers offer and clients send, tokens of a lab included. */
#include "battery.h"
#include "decode/negotiate.h"

#include <criterion/criterion.h>

static const char raw_ntlm[] = "TlRMTVNTUAABAAAAF4II4gAAAAAAAAAAAAAAAAAAAAAGAgAAAAAADw==";
/* SPNEGO NegTokenInit that offers NTLMSSP alone: the client had no ticket. */
static const char spnego_ntlm[] =
    "YEgGBisGAQUFAqA+MDygDjAMBgorBgEEAYI3AgIKoioEKE5UTE1TU1AAAQAAABeCCOIA"
    "AAAAAAAAAAAAAAAAAAAABgIAAAAAAA8=";
/* NegTokenResp with an NTLMSSP challenge, from the server. */
static const char spnego_challenge[] =
    "oYGZMIGWoAMKAQGhDAYKKwYBBAGCNwICCqKBgAR+TlRMTVNTUAACAAAABAAEADgAAAAVgoriFi7yT0EIMIUAAAAAAAAA"
    "AEIAQgA8AAAABgIAAAAAAA9WAE0AAQAEAFYATQACABYAVwBPAFIASwBTAFQAQQBUAEkATwBOAAMABAB2AG0ABgAEAAAA"
    "AAAHAAgAmCLW23V63QEAAAAA";
/* A KRB-ERROR 60 of HTTP/a@EXAMPLE.ORG in the wrapper of RFC 2743 3.1. */
static const char raw_krb_error[] =
    "YF0GCSqGSIb3EgECAgMAfk4wTKADAgEFoQMCAR6kERgPMjAyNjExMjIxMTEyNDJapQMCAQemAwIBPKkNGwtFWEFN"
    "UExFLk9SR6oUMBKgAwIBAqELMAkbBEhUVFAbAWE=";

static uint8_t storage[262144];
static struct arena arena;

static struct auth add_in(const char *value, bool is_complete, size_t room)
{
    struct auth auth = {0};
    struct guarded g = guarded_copy(bytes_of(value));
    arena_init(&arena, storage, room);
    auth_add(&auth, g.bytes, is_complete, &arena);
    guarded_free(&g);
    return auth;
}

static struct auth add(const char *value)
{
    return add_in(value, true, sizeof storage);
}

static struct auth add_scheme_and(const char *scheme, const char *token)
{
    char value[1024];
    struct text t;
    text_init(&t, value, sizeof value);
    text_format(&t, "%s %s", scheme, token);
    cr_assert_not(t.cut);
    return add(value);
}

struct offer_case {
    const char *value;
    size_t num;
    enum auth_scheme schemes[4];
};

static const struct offer_case offer_cases[] = {
    {"", 0, {0}},
    {" , ,\t", 0, {0}},
    {"Negotiate", 1, {AUTH_NEGOTIATE}},
    {"negotiate", 1, {AUTH_NEGOTIATE}},
    {"Negotiate,NTLM", 2, {AUTH_NEGOTIATE, AUTH_NTLM}},
    {"NTLM , Negotiate , NTLM", 2, {AUTH_NTLM, AUTH_NEGOTIATE}},
    {"Basic realm=\"a, Negotiate\", Kerberos", 2, {AUTH_BASIC, AUTH_KERBEROS}},
    {"Basic realm=\"a\\\", NTLM\", Nego2", 2, {AUTH_BASIC, AUTH_NEGO2}},
    {"Digest realm=\"r\", nonce=\"n,\", qop=\"auth,auth-int\" , Negotiate",
     2,
     {AUTH_DIGEST, AUTH_NEGOTIATE}},
    {"Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
     2,
     {AUTH_OTHER, AUTH_BASIC}},
    {"Bearer", 1, {AUTH_BEARER}},
    {"Negotiate realm=\"x\", NTLM", 2, {AUTH_NEGOTIATE, AUTH_NTLM}},
    {"Basic realm=\"never closed, Negotiate", 1, {AUTH_BASIC}},
    {"Basic realm = \"spaced\" , NTLM", 2, {AUTH_BASIC, AUTH_NTLM}},
    {"\"Negotiate\"", 0, {0}},
    {"Negotiate/x, NTLM", 1, {AUTH_NTLM}},
    {"Negotiatex", 1, {AUTH_OTHER}},
};

Test(negotiate, offers)
{
    for (size_t i = 0; i < sizeof offer_cases / sizeof offer_cases[0]; i++) {
        const struct offer_case *c = &offer_cases[i];
        struct auth auth = add(c->value);
        cr_assert_eq(auth.num_schemes, c->num, "%s: %zu", c->value, auth.num_schemes);
        for (size_t s = 0; s < c->num; s++) {
            cr_assert_eq(auth.schemes[s], c->schemes[s], "%s: %zu", c->value, s);
            cr_assert(auth_offers(&auth, c->schemes[s]));
        }
        cr_assert_eq(auth.token_scheme, AUTH_NONE, "%s", c->value);
        cr_assert_eq(auth.header_len, 0);
        cr_assert_not(auth_offers(&auth, AUTH_NONE));
    }
}

Test(negotiate, several_lines_add_up)
{
    struct auth auth = {0};
    arena_init(&arena, storage, sizeof storage);
    auth_add(&auth, bytes_of("Negotiate"), true, &arena);
    auth_add(&auth, bytes_of("NTLM"), true, &arena);
    auth_add(&auth, bytes_of("Negotiate"), true, &arena);
    cr_assert_eq(auth.num_schemes, 2);
    cr_assert_eq(auth.schemes[1], AUTH_NTLM);
}

Test(negotiate, raw_ntlm_in_its_own_scheme)
{
    struct auth auth = add_scheme_and("NTLM", raw_ntlm);
    cr_assert_eq(auth.token_scheme, AUTH_NTLM);
    cr_assert_eq(auth.token_len, 56);
    cr_assert_eq(auth.header_len, 61);
    cr_assert_not(auth.bad_base64);
    cr_assert_null(auth.gss);
    cr_assert_not_null(auth.ntlm);
    cr_assert_eq(auth.ntlm->type, NTLM_NEGOTIATE);
}

/* A token of RFC 4121 4.1 in the scheme that some clients of Java and Apache's modules know. */
Test(negotiate, kerberos_in_its_own_scheme)
{
    struct auth auth = add_scheme_and("Kerberos", raw_krb_error);
    cr_assert_eq(auth.token_scheme, AUTH_KERBEROS);
    cr_assert_not_null(auth.gss);
    cr_assert_eq(auth.gss->form, TOKEN_RAW_KRB5);
    cr_assert_not_null(auth.gss->krb);
    cr_assert_eq(auth.gss->krb->type, KRB_ERROR_MSG);
    cr_assert_eq(auth.gss->krb->error_code, 60);
    cr_assert(bytes_is(auth.gss->krb->realm, "EXAMPLE.ORG"));
}

Test(negotiate, raw_ntlm_in_negotiate)
{
    struct auth auth = add_scheme_and("Negotiate", raw_ntlm);
    cr_assert_eq(auth.token_scheme, AUTH_NEGOTIATE);
    cr_assert_not_null(auth.gss);
    cr_assert_eq(auth.gss->form, TOKEN_RAW_NTLM);
    cr_assert_not_null(auth.ntlm);
    cr_assert_eq(auth.ntlm->type, NTLM_NEGOTIATE);
}

Test(negotiate, spnego_with_ntlm_inside)
{
    struct auth auth = add_scheme_and("Negotiate", spnego_ntlm);
    cr_assert_not_null(auth.gss);
    cr_assert_eq(auth.gss->form, TOKEN_NEG_INIT);
    cr_assert_eq(auth.gss->num_mechs, 1);
    cr_assert_eq(auth.gss->mechs[0], GSS_MECH_NTLMSSP);
    cr_assert(auth.gss->complete);
    cr_assert_not_null(auth.ntlm);
    cr_assert(auth.ntlm->complete);

    auth = add_scheme_and("negotiate ", spnego_challenge);
    cr_assert_eq(auth.gss->form, TOKEN_NEG_RESP);
    cr_assert_eq(auth.gss->neg_state, NEG_STATE_ACCEPT_INCOMPLETE);
    cr_assert_eq(auth.ntlm->type, NTLM_CHALLENGE);
    cr_assert(bytes_is(auth.ntlm->netbios_domain, "WORKSTATION"));
}

Test(negotiate, token_beside_other_challenges)
{
    char value[1024];
    struct text t;
    text_init(&t, value, sizeof value);
    text_format(&t, "Basic realm=\"a\", Negotiate %s, NTLM", spnego_challenge);
    struct auth auth = add(value);
    cr_assert_eq(auth.num_schemes, 3);
    cr_assert_eq(auth.token_scheme, AUTH_NEGOTIATE);
    cr_assert_eq(auth.token_len, sizeof spnego_challenge - 1);
    cr_assert_not_null(auth.ntlm);
    cr_assert(auth_offers(&auth, AUTH_NTLM));
}

Test(negotiate, values_of_other_schemes_are_not_kept)
{
    static const char *const values[] = {
        "Basic dXNlcjpwYXNzd29yZA==",
        "Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
        "Digest username=\"u\", realm=\"r\", response=\"0123\"",
        "Token abc",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct auth auth = add(values[i]);
        cr_assert_eq(auth.num_schemes, 1, "%s", values[i]);
        cr_assert_eq(auth.token_scheme, AUTH_NONE);
        cr_assert_eq(auth.token_len, 0);
        cr_assert_eq(arena.used, 0, "nothing of it may lie in the arena");
    }
}

Test(negotiate, token_that_is_no_base64)
{
    static const char *const values[] = {
        "Negotiate YII*", "Negotiate YIIF AAAA", "Negotiate Y",
        "Negotiate YI=",  "Negotiate ====",      "NTLM TlRM-VNT",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct auth auth = add(values[i]);
        cr_assert(auth.bad_base64, "%s", values[i]);
        cr_assert_neq(auth.token_scheme, AUTH_NONE);
        cr_assert_gt(auth.token_len, 0);
        cr_assert_null(auth.gss);
        cr_assert_null(auth.ntlm);
    }
}

Test(negotiate, token_without_padding)
{
    char token[sizeof raw_ntlm];
    memcpy(token, raw_ntlm, sizeof raw_ntlm);
    token[sizeof raw_ntlm - 3] = '\0';
    struct auth auth = add_scheme_and("NTLM", token);
    cr_assert_not(auth.bad_base64);
    cr_assert_eq(auth.token_len, 54);
    cr_assert(auth.ntlm->complete);
}

Test(negotiate, token_of_unknown_bytes)
{
    struct auth auth = add("Negotiate AAECAwQFBgc=");
    cr_assert_not_null(auth.gss);
    cr_assert_eq(auth.gss->form, TOKEN_UNKNOWN);
    cr_assert_null(auth.ntlm);
    auth = add("NTLM AAECAwQFBgc=");
    cr_assert_null(auth.ntlm);
    cr_assert_not(auth.bad_base64);
}

/* Every place where a head can be cut: no crash, and never called whole. */
Test(negotiate, every_prefix)
{
    char value[512];
    struct text t;
    text_init(&t, value, sizeof value);
    text_format(&t, "Negotiate %s", spnego_challenge);
    size_t whole_len = t.len;
    for (size_t len = 0; len < whole_len; len++) {
        struct auth auth = {0};
        struct guarded g = guarded_copy(bytes_part(text_bytes(&t), 0, len));
        arena_init(&arena, storage, sizeof storage);
        auth_add(&auth, g.bytes, false, &arena);
        cr_assert_eq(auth.num_schemes, len > 9, "%zu", len);
        cr_assert_not(auth.bad_base64, "a cut token is no bad token: %zu", len);
        cr_assert_eq(auth.token_scheme, len > 10 ? AUTH_NEGOTIATE : AUTH_NONE);
        cr_assert(auth.gss == NULL || !auth.gss->complete);
        cr_assert(len < whole_len - 2 || (auth.ntlm != NULL && auth.ntlm->type == NTLM_CHALLENGE));
        guarded_free(&g);
    }
}

Test(negotiate, corrupt_characters_never_lead_outside)
{
    static const uint8_t masks[] = {0x01, 0x04, 0x20, 0x80, 0xff};
    char value[512];
    struct text t;
    text_init(&t, value, sizeof value);
    text_format(&t, "Basic realm=\"a\\\"b\", Negotiate %s, NTLM", spnego_challenge);
    struct guarded g = guarded_copy(text_bytes(&t));
    for (size_t at = 0; at < g.bytes.len; at++) {
        for (size_t m = 0; m < sizeof masks; m++) {
            struct auth auth = {0};
            g.at[at] ^= masks[m];
            arena_init(&arena, storage, sizeof storage);
            auth_add(&auth, g.bytes, true, &arena);
            cr_assert_leq(auth.num_schemes, AUTH_SCHEMES_MAX);
            cr_assert_leq(auth.token_len, g.bytes.len);
            g.at[at] ^= masks[m];
        }
    }
    guarded_free(&g);
}

Test(negotiate, small_arena_is_no_crash)
{
    char value[512];
    struct text t;
    text_init(&t, value, sizeof value);
    text_format(&t, "Negotiate %s", spnego_challenge);
    for (size_t room = 0; room < 4096; room += 7) {
        struct auth auth = add_in(value, true, room);
        cr_assert_eq(auth.num_schemes, 1);
        cr_assert_eq(auth.token_scheme, AUTH_NEGOTIATE);
        cr_assert_not(auth.bad_base64);
    }
}

Test(negotiate, more_schemes_than_there_are)
{
    struct auth auth = add("Negotiate, Kerberos, NTLM, Nego2, Basic, Digest, Bearer, A, B, C, D");
    cr_assert_eq(auth.num_schemes, AUTH_SCHEMES_MAX);
    cr_assert_eq(auth.schemes[7], AUTH_OTHER);
}

Test(negotiate, scheme_names)
{
    cr_assert_str_eq(auth_scheme_name(AUTH_NEGOTIATE), "Negotiate");
    cr_assert_str_eq(auth_scheme_name(AUTH_NTLM), "NTLM");
    cr_assert_str_eq(auth_scheme_name(AUTH_OTHER), "other");
    cr_assert_str_eq(auth_scheme_name(AUTH_NONE), "none");
}

struct base64_case {
    const char *in;
    bool ok;
    const char *out;
};

/* RFC 4648 10, with and without padding; then what is not base64. */
static const struct base64_case base64_cases[] = {
    {"", true, ""},
    {"Zg==", true, "f"},
    {"Zg", true, "f"},
    {"Zm8=", true, "fo"},
    {"Zm8", true, "fo"},
    {"Zm9v", true, "foo"},
    {"Zm9vYg==", true, "foob"},
    {"Zm9vYmE=", true, "fooba"},
    {"Zm9vYmFy", true, "foobar"},
    {"//+/", true, "\xff\xff\xbf"},
    {"Z", false, ""},
    {"Zg=", false, "f"},
    {"Zg===", false, "f"},
    {"=", false, ""},
    {"==", false, ""},
    {"Zm9v=", false, "foo"},
    {"Zm9v Zm9v", false, "foo"},
    {"Zm9v\nZm9v", false, "foo"},
    {"Zm9v-m9v", false, "foo"},
    {"Zm=v", false, "f"},
};

Test(base64, decodes)
{
    for (size_t i = 0; i < sizeof base64_cases / sizeof base64_cases[0]; i++) {
        const struct base64_case *c = &base64_cases[i];
        uint8_t out[64];
        size_t len = 99;
        struct guarded g = guarded_copy(bytes_of(c->in));
        cr_assert_eq(base64_decode(g.bytes, out, sizeof out, &len), c->ok, "%s", c->in);
        cr_assert(bytes_is((struct bytes){.at = out, .len = len}, c->out), "%s: %zu", c->in, len);
        guarded_free(&g);
    }
}

Test(base64, stops_at_the_end_of_its_room)
{
    uint8_t out[4] = {0, 0, 0, 0x77};
    size_t len = 0;
    cr_assert_not(base64_decode(bytes_of("Zm9vYmFy"), out, 3, &len));
    cr_assert_eq(len, 3);
    cr_assert_eq(out[3], 0x77);
    cr_assert(base64_decode(bytes_of("Zm9v"), out, 3, &len));
    cr_assert_eq(len, 3);
}
