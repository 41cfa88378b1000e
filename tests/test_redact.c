/* Goal: pseudonyms keep form and consistency, and what names somebody or is secret is gone from
 * every encoding. Method: labels, addresses and messages written by hand are rewritten in place and
 * compared byte by byte with what must stay and what must go. */
#include "decode/ccm.h"
#include "decode/negotiate.h"
#include "redact/redact.h"
#include "redact/scrub.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct pseudonyms with_key(const char *secret)
{
    struct pseudonyms p = {0};
    redact_key(&p, bytes_of(secret));
    return p;
}

static const char key[] = "a key of this test";

static void rename_text(const char *secret, char *text)
{
    struct pseudonyms p = with_key(secret);
    pseudonym_text(&p, (uint8_t *)text, bytes_of(text).len);
}

/* Goal: the key decides alone. Method: the same name under one key twice and under another. */
Test(redact, a_key_makes_the_same_pseudonyms_in_every_run)
{
    char first[] = "MP01.corp.test", again[] = "MP01.corp.test", other[] = "MP01.corp.test";
    rename_text(key, first);
    rename_text(key, again);
    rename_text("another key", other);
    cr_assert_str_eq(first, again);
    cr_assert_str_neq(first, other);
    cr_assert_str_neq(first, "MP01.corp.test");
}

/* Goal: form stays. Method: separators, kinds of characters and case by their place; the service
 * class is a word that names nobody. */
Test(redact, a_name_keeps_its_length_case_and_separators)
{
    char name[] = "HTTP/mp01.corp.test@CORP.TEST";
    rename_text(key, name);
    cr_assert(memcmp(name, "HTTP/", 5) == 0, "%s", name);
    cr_assert_eq(name[9], '.');
    cr_assert_eq(name[14], '.');
    cr_assert_eq(name[19], '@');
    for (size_t i = 0; i < 2; i++) {
        cr_assert(name[5 + i] >= 'a' && name[5 + i] <= 'z', "%s", name);
        cr_assert(name[7 + i] >= '0' && name[7 + i] <= '9', "%s", name);
    }
    for (size_t i = 0; i < 4; i++) { /* the label is the same in both cases */
        cr_assert_eq(name[10 + i] - 'a', name[20 + i] - 'A', "%s", name);
    }
}

/* Goal: names that every server has stay, so that a command with them can be run. Method: a site
 * and an application below it, a pool as HTTP.sys writes it, and names that only begin alike. */
Test(redact, what_every_server_has_keeps_its_name)
{
    static const char *const kept[] = {"Default Web Site", "DefaultAppPool",
                                       "CCM+Windows+Auth+Server+Framework+Pool",
                                       "Default Web Site/CCM_System_WindowsAuth"};
    static const char *const others[] = {"Default Web Sites", "Default Web", "My Default Pool"};
    char text[64];
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        (void)snprintf(text, sizeof text, "%s", kept[i]);
        rename_text(key, text);
        cr_assert_str_eq(text, kept[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        (void)snprintf(text, sizeof text, "%s", others[i]);
        rename_text(key, text);
        cr_assert(strstr(text, "Default") == NULL, "%s", text);
    }
}

/* Goal: no two labels meet. Method: all labels of two letters. */
Test(redact, two_labels_never_share_a_pseudonym)
{
    struct pseudonyms p = with_key(key);
    bool seen[26 * 26] = {false};
    for (int i = 0; i < 26 * 26; i++) {
        uint8_t label[2] = {(uint8_t)('a' + i / 26), (uint8_t)('a' + i % 26)};
        pseudonym_text(&p, label, sizeof label);
        int now = (label[0] - 'a') * 26 + label[1] - 'a';
        cr_assert(now >= 0 && now < 26 * 26 && !seen[now], "label %d became %d", i, now);
        seen[now] = true;
    }
}

static void check_prefix(const uint8_t *a, const uint8_t *b, size_t len, size_t shared)
{
    struct pseudonyms p = with_key(key);
    uint8_t x[16], y[16];
    memcpy(x, a, len);
    memcpy(y, b, len);
    pseudonym_address(&p, x, len);
    pseudonym_address(&p, y, len);
    cr_assert(memcmp(x, a, len) != 0 && memcmp(y, b, len) != 0);
    cr_assert(memcmp(x, y, shared) == 0);
    cr_assert_neq(x[shared], y[shared]);
}

/* Goal: networks stay networks. Method: pairs that share a prefix of known length. */
Test(redact, addresses_share_a_prefix_as_long_as_before)
{
    check_prefix((uint8_t[]){203, 77, 10, 21}, (uint8_t[]){203, 77, 10, 22}, 4, 3);
    check_prefix((uint8_t[]){203, 77, 10, 21}, (uint8_t[]){203, 77, 99, 21}, 4, 2);
    check_prefix((uint8_t[16]){0x20, 0x01, 0x11, 0x22, 0x33},
                 (uint8_t[16]){0x20, 0x01, 0x11, 0x22, 0x44}, 16, 4);
}

/* Goal: UTF-16 and ASCII agree. Method: the same name in both. */
Test(redact, a_name_in_utf16_has_the_pseudonym_that_it_has_in_ascii)
{
    struct pseudonyms p = with_key(key);
    char name[] = "CLIENT7";
    uint8_t wide[2 * (sizeof name - 1)] = {0};
    for (size_t i = 0; i + 1 < sizeof name; i++) {
        wide[2 * i] = (uint8_t)name[i];
    }
    rename_text(key, name);
    pseudonym_utf16(&p, wide, sizeof wide);
    for (size_t i = 0; i + 1 < sizeof name; i++) {
        cr_assert_eq(wide[2 * i], name[i]);
        cr_assert_eq(wide[2 * i + 1], 0);
    }
}

/* Goal: DER keeps its tags and lengths. Method: SEQUENCE { INTEGER, GeneralString, OCTET STRING }.
 */
Test(redact, der_keeps_its_elements_and_loses_names_and_secrets)
{
    struct pseudonyms p = with_key(key);
    static const uint8_t was[] = "\x30\x1a\x02\x01\x12\x1b\x09"
                                 "CORP.TEST"
                                 "\x04\x0a"
                                 "\xe1\xd2\xc3\xb4\xa5\x96\x87\x78\x69\x5a";
    uint8_t now[sizeof was - 1];
    char realm[] = "CORP.TEST";
    memcpy(now, was, sizeof now);
    scrub_der(&p, now, sizeof now);
    rename_text(key, realm);
    cr_assert(memcmp(now, was, 7) == 0);
    cr_assert(memcmp(now + 7, realm, 9) == 0);
    cr_assert(memcmp(now + 16, was + 16, 2) == 0);
    for (size_t i = 18; i < sizeof now; i += 4) {
        cr_assert(memcmp(now + i, was + i, sizeof now - i < 4 ? sizeof now - i : 4) != 0);
    }
    cr_assert_eq(p.num[REDACTED_CIPHERTEXTS], 1);
}

/* Goal: a name in a question keeps its labels. Method: a question for an address. */
Test(redact, dns_labels_keep_their_lengths)
{
    struct pseudonyms p = with_key(key);
    static const uint8_t was[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                 "\x04mp01\x04"
                                 "corp\x07"
                                 "example\x00\x00\x01\x00\x01";
    uint8_t now[sizeof was - 1];
    char name[] = "mp01.corp.example";
    memcpy(now, was, sizeof now);
    scrub_dns(&p, now, sizeof now, DNS_PLAIN);
    rename_text(key, name);
    cr_assert(memcmp(now, was, 13) == 0);
    cr_assert(memcmp(now + 13, name, 4) == 0);
    cr_assert(memcmp(now + 18, name + 5, 4) == 0);
    cr_assert(memcmp(now + 23, name + 10, 7) == 0);
    cr_assert(memcmp(now + 30, was + 30, 5) == 0);
}

#define CHALLENGE_BYTES 56

/* CHALLENGE (MS-NLMP 2.2.1.2): the target CORP in UTF-16 behind the fixed part. */
static void challenge(uint8_t out[CHALLENGE_BYTES])
{
    static const uint8_t message[CHALLENGE_BYTES + 1] =
        "NTLMSSP\0\x02\0\0\0\x08\0\x08\0\x30\0\0\0\x01\0\0\0"
        "\xa1\xb2\xc3\xd4\xe5\xf6\x17\x28\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "C\0O\0R\0P\0";
    memcpy(out, message, CHALLENGE_BYTES);
}

/* Goal: NTLM keeps its fields. Method: target and challenge by their offsets. */
Test(redact, ntlm_keeps_its_fields_and_loses_target_and_challenge)
{
    struct pseudonyms p = with_key(key);
    static const uint8_t none[8] = {0};
    uint8_t was[CHALLENGE_BYTES], now[CHALLENGE_BYTES];
    char domain[] = "CORP";
    challenge(was);
    challenge(now);
    scrub_ntlm(&p, now, sizeof now);
    rename_text(key, domain);
    cr_assert(memcmp(now, was, 24) == 0);
    cr_assert(memcmp(now + 24, none, 8) == 0);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(now[48 + 2 * i], domain[i]);
    }
}

/* Goal: a field that points behind the message is no way out of it. Method: such a field. */
Test(redact, an_ntlm_field_that_points_outside_changes_nothing_there)
{
    struct pseudonyms p = with_key(key);
    uint8_t message[CHALLENGE_BYTES + 8];
    challenge(message);
    memset(message + CHALLENGE_BYTES, 0x5a, 8);
    message[12] = message[14] = 0xff;
    scrub_ntlm(&p, message, CHALLENGE_BYTES);
    for (size_t i = CHALLENGE_BYTES; i < sizeof message; i++) {
        cr_assert_eq(message[i], 0x5a);
    }
}

/* Goal: a field that points to the fixed part does not change it. Method: a target at offset 0. */
Test(redact, an_ntlm_field_that_points_to_the_head_leaves_it)
{
    struct pseudonyms p = with_key(key);
    uint8_t was[CHALLENGE_BYTES], now[CHALLENGE_BYTES];
    challenge(was);
    was[16] = 0;
    memcpy(now, was, sizeof was);
    scrub_ntlm(&p, now, sizeof now);
    cr_assert(memcmp(now, was, 24) == 0);
}

#define TOKEN "TlRMTVNTUAABAAAABxIAAAQABAAgAAAAAAAAAAAAAABDT1JQ"
#define TOKEN_BYTES 36 /* NEGOTIATE (MS-NLMP 2.2.1.1) with CORP behind its fixed part */

/* Goal: a token in base64 is opened, scrubbed and closed again; what is no name and no secret of a
 * head stays. Method: the head's lines, and the token decoded. */
Test(redact, an_http_head_keeps_its_form_and_its_token_is_scrubbed)
{
    struct pseudonyms p = with_key(key);
    static const char was[] = "CCM_POST /ccm_system/request HTTP/1.1\r\n"
                              "Host: mp01.corp.example\r\n"
                              "X-Secret: tell nobody\r\n"
                              "Authorization: NTLM " TOKEN "\r\n\r\n";
    char now[sizeof was];
    char host[] = "mp01.corp.example", domain[] = "CORP";
    uint8_t open[sizeof TOKEN];
    size_t len = 0;
    memcpy(now, was, sizeof was);
    scrub_http(&p, (uint8_t *)now, sizeof now - 1);
    rename_text(key, host);
    rename_text(key, domain);
    cr_assert(strstr(now, "CCM_POST /ccm_system/request HTTP/1.1\r\nHost: ") == now, "%s", now);
    cr_assert_not_null(strstr(now, host));
    cr_assert_null(strstr(now, "nobody"));
    const char *token = strstr(now, "NTLM ");
    cr_assert_not_null(token);
    struct bytes characters = {.at = (const uint8_t *)token + 5, .len = sizeof TOKEN - 1};
    cr_assert(base64_decode(characters, open, sizeof open, &len));
    cr_assert_eq(len, TOKEN_BYTES);
    cr_assert(memcmp(open, "NTLMSSP\0\x01", 9) == 0);
    cr_assert(memcmp(open + TOKEN_BYTES - 4, domain, 4) == 0, "%s", now);
}

/* Goal: the name of the machine that answered becomes a pseudonym, what it runs stays. Method: a
 * response's head. */
Test(redact, the_machine_that_answered_has_a_pseudonym)
{
    struct pseudonyms p = with_key(key);
    static const char was[] = "HTTP/1.1 401 Unauthorized\r\n"
                              "X-Served-By: web02\r\n"
                              "X-Powered-By: ASP.NET\r\n\r\n";
    char now[sizeof was];
    char node[] = "web02";
    memcpy(now, was, sizeof was);
    scrub_http(&p, (uint8_t *)now, sizeof now - 1);
    rename_text(key, node);
    cr_assert_null(strstr(now, "web02"), "%s", now);
    cr_assert_not_null(strstr(now, node), "%s", now);
    cr_assert_not_null(strstr(now, "X-Powered-By: ASP.NET\r\n"), "%s", now);
}

/* Goal: secrets are gone, yet equal ones can be followed. Method: two equal ones and another. */
Test(redact, equal_secrets_stay_equal_and_keep_nothing)
{
    struct pseudonyms p = with_key(key);
    uint8_t a[40], b[40], c[40];
    memset(a, 0x11, sizeof a);
    memset(b, 0x11, sizeof b);
    memset(c, 0x12, sizeof c);
    pseudonym_secret(&p, a, sizeof a, REDACTED_CIPHERTEXTS);
    pseudonym_secret(&p, b, sizeof b, REDACTED_CIPHERTEXTS);
    pseudonym_secret(&p, c, sizeof c, REDACTED_CIPHERTEXTS);
    cr_assert(memcmp(a, b, sizeof a) == 0);
    cr_assert(memcmp(a, c, sizeof a) != 0);
    for (size_t i = 16; i < sizeof a; i++) {
        cr_assert_eq(a[i], 0);
    }
}

#define BODY_BYTES 2048

static const char registration[] =
    "<Msg><SourceHost>WS042</SourceHost><SourceID>GUID:0A1B-22</SourceID>"
    "<SentTime>2026-11-22T11:12:42.5Z</SentTime><TargetHost>mp03.corp.example</TargetHost>"
    "<Secret>nobody</Secret><ClientRegistrationRequest>"
    "<Data RequestType=\"Registration\" SMSID=\"GUID:12345\" TimeStamp=\"2026-11-22T11:12:41Z\"/>"
    "<Property Name=\"Netbios Name\" Value=\"WS042\"/>"
    "<Property Name=\"FQ Name\" Value=\"ws042.corp.example\"/>"
    "</ClientRegistrationRequest></Msg>";

/* Scrubs the registration, len bytes of it and zeros, and reads it again. */
static struct ccm_message scrubbed_registration(uint8_t *body, size_t len, struct arena *arena)
{
    struct pseudonyms p = with_key(key);
    struct ccm_message ccm;
    memset(body, 0, len);
    memcpy(body, registration, len < sizeof registration ? len : sizeof registration);
    scrub_body(&p, body, len);
    ccm_decode((struct bytes){.at = body, .len = len}, (struct bytes){0}, arena, &ccm);
    return ccm;
}

/* Goal: of a registration's body what a report tells of it stays, in pseudonyms, and nothing else.
 * Method: scrubbed and decoded again; names are those of other messages, times and kinds the same.
 */
Test(redact, a_registration_says_in_pseudonyms_what_a_report_tells)
{
    static uint8_t body[BODY_BYTES], storage[CCM_INFLATED_BYTES_MAX];
    char host[] = "WS042", full[] = "ws042.corp.example", target[] = "mp03.corp.example";
    struct arena arena;
    arena_init(&arena, storage, sizeof storage);
    struct ccm_message ccm = scrubbed_registration(body, sizeof body, &arena);
    rename_text(key, host);
    rename_text(key, full);
    rename_text(key, target);
    cr_assert(ccm.is_registration && ccm.complete && ccm.has_sent_time && ccm.has_request_time);
    cr_assert(bytes_is(ccm.netbios_name, host));
    cr_assert(bytes_is(ccm.fq_name, full));
    cr_assert(bytes_is(ccm.source_host, host));
    cr_assert(bytes_is(ccm.target_host, target));
    cr_assert(bytes_is(ccm.request_type, "Registration"));
    cr_assert_eq(ccm.sent_time_ns - ccm.request_time_ns, 1500000000);
    cr_assert_eq(ccm.sms_id.len, 10);
    cr_assert(bytes_begins_nocase(ccm.sms_id, "GUID:"));
    cr_assert_not(bytes_is(ccm.sms_id, "GUID:12345"));
    size_t end = bytes_find((struct bytes){.at = body, .len = sizeof body}, 0, 0);
    for (size_t i = end; i < sizeof body; i++) {
        cr_assert_eq(body[i], 0);
    }
    cr_assert_null(strstr((char *)body, "nobody"));
}

/* Goal: a body with little room still says of what kind it is. Method: every length. */
Test(redact, a_short_registration_keeps_its_kind)
{
    static uint8_t body[sizeof registration + 1], storage[CCM_INFLATED_BYTES_MAX];
    static const char begin[] = "<ClientRegistrationRequest>";
    size_t from = (size_t)(strstr(registration, begin) - registration) + sizeof begin;
    for (size_t len = from; len < sizeof body; len++) {
        struct arena arena;
        arena_init(&arena, storage, sizeof storage);
        struct ccm_message ccm = scrubbed_registration(body, len, &arena);
        cr_assert(ccm.is_registration && ccm.complete, "%zu", len);
        cr_assert(memchr(body, '<', len) == body, "%zu", len);
    }
}
