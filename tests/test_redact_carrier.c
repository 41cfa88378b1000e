/* Goal: PDUs that carry tokens still lead to them when they are redacted, and name nobody. Method:
 * the PDUs of carrier_vectors.h and some with names, passwords and identifiers in every place, made
 * by hand, are scrubbed and decoded again. */
#include "carrier_vectors.h"
#include "redact/redact.h"
#include "redact/scrub.h"

#include <criterion/criterion.h>
#include <string.h>

#define PDU_BYTES_MAX 1024

/* "MP01" and "pw7" in UTF-16. */
#define WIDE_NAME "4d00500030003100"
#define WIDE_SECRET "700077003700"

static struct pseudonyms p;
static uint8_t now[PDU_BYTES_MAX];

static struct bytes scrub(enum carrier_kind kind, struct bytes was)
{
    memset(&p, 0, sizeof p);
    redact_key(&p, bytes_of("a key of this test"));
    cr_assert_leq(was.len, sizeof now);
    memcpy(now, was.at, was.len);
    scrub_carrier(&p, now, was.len, kind);
    return (struct bytes){.at = now, .len = was.len};
}

static bool holds(struct bytes all, struct bytes part)
{
    for (size_t i = 0; i + part.len <= all.len; i++) {
        if (memcmp(all.at + i, part.at, part.len) == 0) {
            return true;
        }
    }
    return false;
}

static bool holds_hex(struct bytes all, const char *hex)
{
    return holds(all, battery_hex(hex));
}

static void decode(enum carrier_kind kind, struct bytes pdu, struct arena *arena,
                   struct carrier_message *out, enum verdict wanted)
{
    size_t used = 0;
    enum verdict v = carrier_decode(kind, pdu, arena, out, &used, NULL);
    cr_assert_eq(v, wanted, "kind %d", (int)kind);
}

/* Goal: what says where the token lies stays. Method: every vector, whole. */
Test(redact_carrier, a_token_is_found_again_with_its_number_and_status)
{
    static uint8_t storage[2][65536];
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i++) {
        const struct carrier_vector *v = &carrier_vectors[i];
        struct bytes was = battery_hex(v->hex);
        struct carrier_message before, after;
        struct arena arena[2];
        arena_init(&arena[0], storage[0], sizeof storage[0]);
        arena_init(&arena[1], storage[1], sizeof storage[1]);
        decode(v->kind, was, &arena[0], &before, VERDICT_DONE);
        decode(v->kind, scrub(v->kind, was), &arena[1], &after, VERDICT_DONE);
        cr_assert_eq(after.num, 1, "vector %zu", i);
        const struct carrier_token *a = &before.at[0], *b = &after.at[0];
        cr_assert(a->pdu == b->pdu && a->id == b->id && a->is_response == b->is_response &&
                      a->has_status == b->has_status && a->status == b->status,
                  "vector %zu", i);
        cr_assert(bytes_equal(a->mechanism, b->mechanism), "vector %zu", i);
        /* it holds nothing to hide */
        cr_assert(bytes_equal(a->token, b->token), "vector %zu", i);
    }
}

/* Goal: a part of a PDU is scrubbed as far as it goes, and nothing behind it is looked at. Method:
 * every prefix of every vector, alone in memory; from its fourth byte on it begins as it did. */
Test(redact_carrier, a_pdu_that_was_cut_is_scrubbed_as_far_as_it_goes)
{
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i++) {
        struct bytes was = battery_hex(carrier_vectors[i].hex);
        for (size_t len = 1; len <= was.len; len++) {
            uint8_t *exact = malloc(len); /* so that a read behind it is seen */
            cr_assert_not_null(exact);
            memcpy(exact, was.at, len);
            redact_key(&p, bytes_of("a key of this test"));
            scrub_carrier(&p, exact, len, carrier_vectors[i].kind);
            cr_assert(len < 4 || exact[0] == was.at[0] || exact[0] == 0, "vector %zu, %zu bytes", i,
                      len);
            free(exact);
        }
    }
}

/* MS-TDS 2.2.6.4: host, user, password, application, server; the client's hardware address. */
Test(redact_carrier, a_tds_login_names_nobody_and_keeps_its_fields)
{
    struct bytes was = battery_hex(
        "10010096 0000 0100 8e000000 04000074 00100000 00000000 00000000 00000000 00000000 00000000"
        "00000000 5e000400 66000400 6e000300 74000400 7c000400 00000000 00000000 00000000 00000000"
        "a1a2a3a4a5a6 00000000 00000000 00000000 00000000" WIDE_NAME WIDE_NAME WIDE_SECRET WIDE_NAME
            WIDE_NAME "6162");
    struct bytes b = scrub(CARRIER_KIND_TDS, was);
    char name[] = "MP01";
    pseudonym_text(&p, (uint8_t *)name, 4);
    cr_assert(memcmp(b.at, was.at, 8 + 72) == 0);
    cr_assert(!holds_hex(b, WIDE_NAME) && !holds_hex(b, WIDE_SECRET) &&
              !holds_hex(b, "a1a2a3a4a5a6"));
    cr_assert_eq(b.at[8 + 0x5e], name[0]); /* host */
    cr_assert_eq(b.at[8 + 0x66], name[0]); /* user */
    cr_assert_eq(b.at[8 + 0x6e], 0);       /* password */
    cr_assert_eq(b.at[8 + 0x74], 0);       /* application */
    cr_assert_eq(b.at[8 + 0x7c], name[0]); /* server */
}

/* RFC 4511 4.2: a simple bind says a name and a password. */
Test(redact_carrier, an_ldap_bind_keeps_neither_name_nor_password)
{
    struct bytes was = battery_hex("3017 020107 6012 020103 0406 636e3d6d7031 8005 7365637265");
    struct bytes b = scrub(CARRIER_KIND_LDAP, was);
    cr_assert(memcmp(b.at, was.at, 12) == 0);
    cr_assert(!holds(b, bytes_of("cn=mp1")) && !holds(b, bytes_of("secre")));
    cr_assert_eq(p.num[REDACTED_CIPHERTEXTS], 0);
    cr_assert_gt(p.num[REDACTED_TEXTS], 0);
}

/* MS-SMB2 2.2.3: GUIDs and the server's name among the contexts; 2.2.41: an encrypted message. */
Test(redact_carrier, an_smb2_negotiate_keeps_dialects_and_no_name)
{
    struct bytes was = battery_hex(
        "00000080" SMB2_HEAD("00000000", "0000", "00000000",
                             "0000000000000000") "2400 0100 0100"
                                                 "0000 7f000000 b1b2b3b4b5b6b7b8b9babbbcbdbebfb0 "
                                                 "68000000 0100 0000 1103 0000"
                                                 "0500 0800 00000000" WIDE_NAME "0000000000000000");
    struct bytes b = scrub(CARRIER_KIND_SMB, was);
    cr_assert(!holds_hex(b, "b1b2b3b4") && !holds_hex(b, WIDE_NAME));
    cr_assert(holds_hex(b, "1103") && holds_hex(b, "0500 0800 00000000"));
    was =
        battery_hex("0000003a fd534d42 c1c2c3c4c5c6c7c8c9cacbcccdcecfc0 d1d2d3d4d5d6d7d8d9dadbdcdd"
                    "dedfd0 06000000 0000 0100 0700000000000000 e1e2e3e4e5e6");
    b = scrub(CARRIER_KIND_SMB, was);
    cr_assert(!holds_hex(b, "c1c2") && !holds_hex(b, "d1d2") && !holds_hex(b, "e1e2"));
    cr_assert(holds_hex(b, "06000000 0000 0100 07"));
}

/* C706 12.6.4.3: the interface is taken out, versions and transfer syntaxes stay. */
Test(redact_carrier, an_rpc_bind_does_not_say_the_interface)
{
    struct bytes was = battery_hex("05000b03 10000000 4800 0000 02000000 d016d016 00000000 01000000"
                                   "0000 0100 f1f2f3f4f5f6f7f8f9fafbfcfdfefff0 01000000"
                                   "045d888aeb1cc9119fe808002b104860 02000000");
    struct bytes b = scrub(CARRIER_KIND_RPC, was);
    cr_assert(!holds_hex(b, "f1f2f3f4"));
    cr_assert(memcmp(b.at, was.at, 32) == 0);
    cr_assert(holds_hex(b, "01000000 045d888aeb1cc9119fe808002b104860 02000000"));
}

/* RFC 8446 4.1.2: server names and keys are gone, lengths stay; what follows is of an application.
 */
Test(redact_carrier, a_tls_hello_says_nothing_and_keeps_its_length)
{
    struct bytes was =
        battery_hex("16 0301 0040 01 00003c 0303 "
                    "a1a2a3a4a5a6a7a8a9aaabacadaeafa0a1a2a3a4a5a6a7a8a9aaabacadaeafa0"
                    "00 0002 1301 01 00 0011 0000 000d 000b 000008 6d7030312e636f72 00");
    struct bytes b = scrub(CARRIER_KIND_TLS, was);
    cr_assert(memcmp(b.at, was.at, 11) == 0);
    cr_assert(!holds_hex(b, "a1a2") && !holds(b, bytes_of("mp01")));
    cr_assert(holds_hex(b, "00 0002 00ff 01 00 0011 0015 000d"));
    was = battery_hex("16 0303 0004 0b aabbcc");
    b = scrub(CARRIER_KIND_TLS, was);
    cr_assert(holds_hex(b, "17 0303 0004 00000000"));
}
