/* DNS messages: real ones of a lab domain, hand-made ones for what no sane server sends. */
#include "battery.h"
#include "decode/dns.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

/* _kerberos._udp.CORP.TEST SRV, with the SOA that Samba adds. */
static const char srv_response[] =
    "e45d85800001000100010000 095f6b65726265726f73 045f756470 04434f5250 0454455354 00 00210001"
    "c00c 0021 0001 00000384 0015 0000 0064 0058 03646331 04636f7270 0474657374 00"
    "c040 0006 0001 00000e10 0027 03444331c040 0a686f73746d6173746572 c040"
    "00000001 00000384 00000258 00015180 00000e10";
/* ccm.corp.test A: CNAME mp01.corp.test, A 10.77.0.21. */
static const char cname_response[] =
    "d8ce85800001000200010000 0363636d 04636f7270 0474657374 00 00010001"
    "c00c 0005 0001 00000e10 0007 046d703031 c010"
    "c02b 0001 0001 00000e10 0004 0a4d0015"
    "c010 0006 0001 00000e10 0027 03444331c010 0a686f73746d6173746572 c010"
    "00000001 00000384 00000258 00015180 00000e10";
/* mp06.corp.test A: NXDOMAIN. */
static const char nxdomain_response[] =
    "e57e85830001000000010000 046d703036 04636f7270 0474657374 00 00010001"
    "c011 0006 0001 00000e10 0027 03444331c011 0a686f73746d6173746572 c011"
    "00000001 00000384 00000258 00015180 00000e10";
static const char query[] = "5c9001000001000000000000 046d703031 04636f7270 0474657374 00 00010001";

static uint8_t storage[65536];

struct outcome {
    enum verdict verdict;
    struct dns_message m;
    size_t used;
    struct flaw flaw;
};

static struct outcome decode_in(struct bytes input, enum dns_flavour flavour, size_t room)
{
    static struct arena arena;
    struct outcome o = {0};
    arena_init(&arena, storage, room);
    o.verdict = dns_decode(input, flavour, &arena, &o.m, &o.used, &o.flaw);
    return o;
}

static struct outcome decode(struct bytes input, enum dns_flavour flavour)
{
    return decode_in(input, flavour, sizeof storage);
}

static struct outcome decode_hex(const char *hex, enum dns_flavour flavour)
{
    return decode(battery_hex(hex), flavour);
}

static void assert_text(struct bytes seen, const char *wanted)
{
    cr_assert(bytes_is(seen, wanted), "\"%.*s\" is not \"%s\"", (int)seen.len,
              (const char *)seen.at, wanted);
}

static void assert_address(const struct address *a, const char *wanted)
{
    char buffer[64];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    address_print(&t, a);
    cr_assert_str_eq(buffer, wanted);
}

Test(dns, query_has_its_question)
{
    struct outcome o = decode_hex(query, DNS_PLAIN);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.id, 0x5c90);
    cr_assert_not(o.m.is_response);
    cr_assert_eq(o.m.opcode, 0);
    cr_assert_eq(o.m.num_questions, 1);
    cr_assert_eq(o.m.question_type, DNS_A);
    assert_text(o.m.question, "mp01.corp.test");
    cr_assert_eq(o.m.num_answers, 0);
    cr_assert(o.m.complete);
    cr_assert_eq(o.used, 32);
}

Test(dns, srv_names_the_kdc)
{
    struct outcome o = decode_hex(srv_response, DNS_PLAIN);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert(o.m.is_response);
    cr_assert(o.m.is_authoritative);
    cr_assert_not(o.m.is_truncated);
    assert_text(o.m.question, "_kerberos._udp.CORP.TEST");
    cr_assert_eq(o.m.question_type, DNS_SRV);
    cr_assert_eq(o.m.num_answers, 1, "the SOA of the authority section is no answer");
    const struct dns_record *r = &o.m.answers[0];
    assert_text(r->name, "_kerberos._udp.CORP.TEST");
    assert_text(r->target, "dc1.corp.test");
    cr_assert_eq(r->type, DNS_SRV);
    cr_assert_eq(r->ttl_s, 900);
    cr_assert_eq(r->priority, 0);
    cr_assert_eq(r->weight, 100);
    cr_assert_eq(r->port, 88);
    cr_assert_not(r->is_additional);
}

Test(dns, cname_chain_ends_in_an_address)
{
    struct outcome o = decode_hex(cname_response, DNS_PLAIN);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.num_answers, 2);
    assert_text(o.m.answers[0].name, "ccm.corp.test");
    assert_text(o.m.answers[0].target, "mp01.corp.test");
    assert_text(o.m.answers[1].name, "mp01.corp.test");
    assert_address(&o.m.answers[1].address, "10.77.0.21");
    assert_address(&o.m.answers[0].address, "?");
}

Test(dns, nxdomain_has_a_code_and_no_answer)
{
    struct outcome o = decode_hex(nxdomain_response, DNS_PLAIN);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.rcode, 3);
    cr_assert_eq(o.m.num_answers, 0);
    cr_assert_str_eq(dns_rcode_name(o.m.rcode), "NXDOMAIN");
}

/* PTR, AAAA, NS, URI; OPT and a TXT in the additional section are passed over, an address is kept.
 */
Test(dns, other_record_types)
{
    struct outcome o = decode_hex("000184000000000400000003"
                                  "0161 00 000c 0001 00000001 0003 0162 00"
                                  "0161 00 001c 0001 00000002 0010 20010db8000000000000000000000001"
                                  "0161 00 0002 0001 00000003 0002 c00c"
                                  "0161 00 0100 0001 00000004 0007 000a 0005 6b7262"
                                  "00 0029 1000 00000000 0000"
                                  "0161 00 0010 0001 00000000 0002 0178"
                                  "0161 00 0001 0001 00000005 0004 01020304",
                                  DNS_PLAIN);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.num_questions, 0);
    cr_assert_eq(o.m.num_answers, 5);
    assert_text(o.m.answers[0].target, "b");
    assert_address(&o.m.answers[1].address, "2001:db8::1");
    assert_text(o.m.answers[2].target, "a");
    assert_text(o.m.answers[3].target, "krb");
    cr_assert_eq(o.m.answers[3].priority, 10);
    cr_assert_eq(o.m.answers[3].weight, 5);
    cr_assert(o.m.answers[4].is_additional);
    assert_address(&o.m.answers[4].address, "1.2.3.4");
}

Test(dns, dots_and_backslashes_inside_labels_are_escaped)
{
    struct outcome o =
        decode_hex("000001000001000000000000 05612e625c00 0163 00 00010001", DNS_PLAIN);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.question.len, 9);
    cr_assert_eq(memcmp(o.m.question.at, "a\\.b\\\\\0.c", 9), 0);
}

Test(dns, root_is_the_empty_name)
{
    struct outcome o = decode_hex("000001000001000000000000 00 00020001", DNS_PLAIN);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.question.len, 0);
    cr_assert_eq(o.m.question_type, DNS_NS);
}

Test(dns, forward_pointer_is_followed)
{
    struct outcome o = decode_hex("000001000001000000000000 c012 00010001 0161 00", DNS_PLAIN);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    assert_text(o.m.question, "a");
    cr_assert_eq(o.used, 18);
}

struct bad_case {
    const char *hex;
    size_t at;
    const char *why;
};

static const struct bad_case bad_cases[] = {
    {"000001000001000000000000 c00c 00010001", 12, "name compression loops"},
    {"000001000001000000000000 c00e c00c 00010001", 12, "name compression loops"},
    {"000001000001000000000000 0161 c00c 00010001", 14, "name compression loops"},
    {"000001000001000000000000 056161616161 c00c 00010001", 12, "name is longer than 255 octets"},
    {"000001000001000000000000 c004 00010001", 12, "name points into the header"},
    {"000001000001000000000000 4161 00 00010001", 12, "unknown label type"},
    {"000001000001000000000000 8161 00 00010001", 12, "unknown label type"},
    {"000048000001000000000000 0161 00 00010001", 2, "unknown opcode"},
    {"00000100ffff000000000000 0161 00 00010001", 4, "more records than a message can hold"},
    {"0000010000010000ffffffff 0161 00 00010001", 4, "more records than a message can hold"},
    {"000084000000000100000000 00 0021 0001 00000000 0006 000000000001", 23,
     "record data is too short for its name"},
    {"000084000000000100000000 00 0005 0001 00000000 0002 0561626364 6500", 23,
     "name runs past the record data"},
};

Test(dns, bad_messages_say_where)
{
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        struct outcome o = decode_hex(bad_cases[i].hex, DNS_PLAIN);
        cr_assert_eq(o.verdict, VERDICT_BAD, "%s", bad_cases[i].hex);
        cr_assert_str_eq(o.flaw.why, bad_cases[i].why);
        cr_assert_eq(o.flaw.at, bad_cases[i].at, "%s: at %zu", bad_cases[i].hex, o.flaw.at);
        cr_assert_not_null(o.flaw.source);
        cr_assert_not(o.m.complete);
    }
}

/* A query for MP01<00>, workstation, and the wildcard of a node status request. */
Test(dns, netbios_names_are_decoded)
{
    struct outcome o =
        decode_hex("0001011000010000 00000000"
                   "20 454e4641444144424341434143414341434143414341434143414341434141 41 00"
                   "00200001",
                   DNS_NBNS);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    assert_text(o.m.question, "MP01");
    cr_assert_eq(o.m.question_type, DNS_NETBIOS);
    o = decode_hex(
        "0001000000010000 00000000"
        "20 434b4141414141414141414141414141414141414141414141414141414141 41 00 00210001",
        DNS_NBNS);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    assert_text(o.m.question, "*");
}

Test(dns, netbios_answer_has_its_first_address_and_scope)
{
    struct outcome o = decode_hex(
        "0001858000000001 00000000"
        "20 454e4641444144424341434143414341434143414341434143414341434141 41 0373636f 00"
        "0020 0001 00000e10 000c 0000 0a4d0015 0000 0a4d0016",
        DNS_NBNS);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    assert_text(o.m.answers[0].name, "MP01.sco");
    assert_address(&o.m.answers[0].address, "10.77.0.21");
    /* Registrations are opcode 5 and no DNS update. */
    o = decode_hex("0001291000000000 00000000", DNS_NBNS);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.opcode, 5);
}

Test(dns, flag_layout_depends_on_the_flavour)
{
    static const char conflict[] = "0001840000010000 00000000 0161 00 00010001";
    cr_assert(decode_hex(conflict, DNS_PLAIN).m.is_authoritative);
    cr_assert_not(decode_hex(conflict, DNS_LLMNR).m.is_authoritative); /* C, RFC 4795 2.1.1 */
    cr_assert_eq(decode_hex("0001280000010000 00000000 0161 00 00010001", DNS_LLMNR).verdict,
                 VERDICT_BAD);
}

Test(dns, multicast_class_bits_are_no_class)
{
    struct outcome o = decode_hex("0000840000010001 00000000 0161 00 00018001"
                                  "c00c 0001 8001 00000078 0004 0a000001",
                                  DNS_MDNS);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    assert_text(o.m.question, "a");
    assert_address(&o.m.answers[0].address, "10.0.0.1");
    /* In plain DNS that is class 32769, which has no addresses. */
    o = decode_hex("0000840000010001 00000000 0161 00 00018001"
                   "c00c 0001 8001 00000078 0004 0a000001",
                   DNS_PLAIN);
    cr_assert_eq(o.m.answers[0].address.family, ADDRESS_NONE);
}

Test(dns, more_answers_than_are_kept)
{
    uint8_t message[12 + 100 * 15] = {0, 1, 0x84, 0, 0, 0, 0, 100};
    static const uint8_t record[15] = {0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 0};
    for (size_t i = 0; i < 100; i++) {
        memcpy(message + 12 + i * 15, record, 15);
        message[12 + i * 15 + 14] = (uint8_t)i;
    }
    struct outcome o = decode((struct bytes){.at = message, .len = sizeof message}, DNS_PLAIN);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.num_answers, DNS_ANSWERS_MAX);
    cr_assert_eq(o.m.answers[63].address.octets[3], 63);
    cr_assert_eq(o.used, sizeof message);
}

Test(dns, longest_name_fits)
{
    uint8_t message[12 + 255 + 4] = {0, 1, 1, 0, 0, 1};
    size_t at = 12;
    for (int i = 0; i < 4; i++) {
        uint8_t len = i < 3 ? 63 : 61;
        message[at] = len;
        memset(message + at + 1, '.', len);
        at += (size_t)len + 1;
    }
    message[at + 2] = 1;
    message[at + 4] = 1;
    struct outcome o = decode((struct bytes){.at = message, .len = at + 5}, DNS_PLAIN);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.question.len, 2 * 250 + 3);
}

static const char *const vectors[] = {srv_response, cname_response, nxdomain_response, query};
static const size_t question_ends[] = {42, 31, 32, 32};

Test(dns, every_prefix_wants_more_and_keeps_the_question)
{
    for (size_t i = 0; i < 4; i++) {
        struct bytes whole = battery_hex(vectors[i]);
        for (size_t len = 0; len < whole.len; len++) {
            struct guarded g = guarded_copy(bytes_part(whole, 0, len));
            struct outcome o = decode(g.bytes, DNS_PLAIN);
            cr_assert_eq(o.verdict, VERDICT_MORE, "vector %zu, %zu bytes", i, len);
            cr_assert_not(o.m.complete);
            cr_assert_eq(o.m.question.len > 0, len >= question_ends[i], "vector %zu, %zu", i, len);
            cr_assert_eq(o.used, 0);
            guarded_free(&g);
        }
    }
}

Test(dns, answers_before_the_cut_are_kept)
{
    struct bytes whole = battery_hex(cname_response);
    struct outcome o = decode(bytes_part(whole, 0, 31 + 19 + 5), DNS_PLAIN);
    cr_assert_eq(o.verdict, VERDICT_MORE);
    cr_assert_eq(o.m.num_answers, 1);
    assert_text(o.m.answers[0].target, "mp01.corp.test");
}

Test(dns, corrupt_bytes_never_lead_outside)
{
    static const uint8_t masks[] = {0x01, 0x40, 0x80, 0xc0, 0xff};
    for (size_t i = 0; i < 4; i++) {
        struct guarded g = guarded_copy(battery_hex(vectors[i]));
        for (size_t at = 0; at < g.bytes.len; at++) {
            for (size_t m = 0; m < sizeof masks; m++) {
                g.at[at] ^= masks[m];
                for (int flavour = DNS_PLAIN; flavour <= DNS_MDNS; flavour++) {
                    struct outcome o = decode(g.bytes, (enum dns_flavour)flavour);
                    cr_assert_leq(o.used, g.bytes.len);
                    cr_assert_leq(o.m.num_answers, DNS_ANSWERS_MAX);
                    cr_assert_eq(o.verdict == VERDICT_BAD, o.flaw.why != NULL);
                    cr_assert_eq(o.verdict == VERDICT_DONE, o.m.complete);
                }
                g.at[at] ^= masks[m];
            }
        }
        guarded_free(&g);
    }
}

Test(dns, trailing_bytes_are_left)
{
    for (size_t i = 0; i < 4; i++) {
        struct bytes whole = battery_hex(vectors[i]);
        uint8_t longer[512] = {0};
        memcpy(longer, whole.at, whole.len);
        struct outcome o = decode((struct bytes){.at = longer, .len = sizeof longer}, DNS_PLAIN);
        cr_assert_eq(o.verdict, VERDICT_DONE);
        cr_assert_eq(o.used, whole.len);
    }
}

Test(dns, small_arena_is_no_crash)
{
    struct bytes whole = battery_hex(cname_response);
    size_t room = 0;
    struct outcome o = decode_in(whole, DNS_PLAIN, room);
    for (; o.verdict != VERDICT_DONE && room < 4096; room++) {
        cr_assert_eq(o.verdict, VERDICT_BAD);
        cr_assert_str_eq(o.flaw.why, "no room in the arena");
        o = decode_in(whole, DNS_PLAIN, room);
    }
    cr_assert_gt(room, 64);
    cr_assert_lt(room, 4096);
}

Test(dns, names_of_numbers)
{
    cr_assert_str_eq(dns_type_name(DNS_SRV), "SRV");
    cr_assert_str_eq(dns_type_name(DNS_TKEY), "TKEY");
    cr_assert_str_eq(dns_type_name(65), "HTTPS");
    cr_assert_null(dns_type_name(9999));
    cr_assert_str_eq(dns_rcode_name(0), "NOERROR");
    cr_assert_str_eq(dns_rcode_name(5), "REFUSED");
    cr_assert_null(dns_rcode_name(15));
}
