/* NTLMSSP: a real exchange of a lab (gss-ntlmssp against Apache), and what older speakers leave
 * out. */
#include "battery.h"
#include "decode/ntlm.h"
#include "decode/utf16.h"

#include <criterion/criterion.h>

#define SIGNATURE "4e544c4d53535000"

static const char negotiate[] =
    SIGNATURE "01000000 178208e2 0000000000000000 0000000000000000 060200000000000f";
static const char challenge[] =
    SIGNATURE "02000000 0400040038000000 15828ae2 5516df059aaf7f5c 0000000000000000"
              "420042003c000000 060200000000000f 56004d00"
              "01000400 56004d00"
              "02001600 57004f0052004b00530054004100540049004f004e00"
              "03000400 76006d00"
              "06000400 00000000"
              "07000800 848a99dd757add01"
              "00000000";
static const char authenticate[] = SIGNATURE
    "03000000 0000000048000000 9c009c0048000000 08000800e4000000 10001000ec000000"
    "04000400fc000000 1000100000010000 15828ae2 060200000000000f"
    "5fdc6f2285ed1e8c2c69182921b74f6c"
    "0101000000000000 848a99dd757add01 8cc17902575d76bf 00000000"
    "01000400 56004d00"
    "02001600 57004f0052004b00530054004100540049004f004e00"
    "03000400 76006d00 06000400 00000000 07000800 848a99dd757add01"
    "09002600 48005400540050002f006d007000310038002e0063006f00720070002e007400650073007400"
    "00000000 00000000"
    "43004f0052005000 43004c00490045004e00540031002400 56004d00"
    "59a4ebe93e0d14ae07813ead5374c88a";
static const char *const vectors[] = {negotiate, challenge, authenticate};
#define NUM_VECTORS (sizeof vectors / sizeof vectors[0])

/* 2026-11-22T11:37:33.857242Z */
#define SERVER_TIME_NS INT64_C(1795347453857242000)

static uint8_t storage[65536];

struct outcome {
    enum verdict verdict;
    struct ntlm_message m;
    size_t used;
    struct flaw flaw;
};

static struct outcome decode_in(struct bytes input, size_t room)
{
    static struct arena arena;
    struct outcome o = {0};
    arena_init(&arena, storage, room);
    o.verdict = ntlm_decode(input, &arena, &o.m, &o.used, &o.flaw);
    return o;
}

static struct outcome decode(struct bytes input)
{
    return decode_in(input, sizeof storage);
}

static struct outcome decode_hex(const char *hex)
{
    return decode(battery_hex(hex));
}

static void assert_text(struct bytes seen, const char *wanted)
{
    cr_assert(bytes_is(seen, wanted), "\"%.*s\" is not \"%s\"", (int)seen.len,
              (const char *)seen.at, wanted);
}

Test(ntlm, negotiate_without_names)
{
    struct outcome o = decode_hex(negotiate);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.type, NTLM_NEGOTIATE);
    cr_assert_eq(o.m.flags, 0xe2088217);
    cr_assert_eq(o.used, 40);
    cr_assert(o.m.complete);
    cr_assert_not(o.m.has_time);
    cr_assert_eq(o.m.domain.len, 0);
}

Test(ntlm, challenge_tells_the_server)
{
    struct outcome o = decode_hex(challenge);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.type, NTLM_CHALLENGE);
    cr_assert_eq(o.used, 126);
    assert_text(o.m.domain, "VM");
    assert_text(o.m.netbios_computer, "VM");
    assert_text(o.m.netbios_domain, "WORKSTATION");
    assert_text(o.m.dns_computer, "vm");
    assert_text(o.m.dns_domain, "");
    cr_assert(o.m.has_time);
    cr_assert(o.m.time_is_servers);
    cr_assert_eq(o.m.time_ns, SERVER_TIME_NS);
}

Test(ntlm, authenticate_tells_the_user_and_the_spn)
{
    struct outcome o = decode_hex(authenticate);
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.type, NTLM_AUTHENTICATE);
    cr_assert_eq(o.used, 272);
    assert_text(o.m.domain, "CORP");
    assert_text(o.m.user, "CLIENT1$");
    assert_text(o.m.workstation, "VM");
    assert_text(o.m.target_spn, "HTTP/mp18.corp.test");
    assert_text(o.m.netbios_domain, "WORKSTATION");
    cr_assert_eq(o.m.flags, 0xe28a8215);
    cr_assert_eq(o.m.nt_response_len, 156);
    cr_assert_eq(o.m.lm_response_len, 0);
    cr_assert_not(o.m.is_anonymous);
    cr_assert_not(o.m.has_channel_bindings);
    cr_assert(o.m.has_time);
    cr_assert(o.m.time_is_servers, "AV 7 is the server's clock, echoed");
    cr_assert_eq(o.m.time_ns, SERVER_TIME_NS);
}

/* Only the blob's own time: the client's clock. AV 10 of all zeros is no binding. */
Test(ntlm, blob_time_without_av_7_is_the_clients)
{
    static const char head[] =
        SIGNATURE "03000000 0000000040000000 4400440040000000 0000000040000000 0200020084000000"
                  "0000000040000000 0000000040000000 01000000"
                  "00000000000000000000000000000000"
                  "0101000000000000 848a99dd757add01 0000000000000000 00000000"
                  "0a001000 000000000000000000000000000000%s 00000000 5500";
    char hex[sizeof head];
    for (int bound = 0; bound < 2; bound++) {
        memcpy(hex, head, sizeof head);
        memcpy(strchr(hex, '%'), bound ? "01" : "00", 2);
        struct outcome o = decode_hex(hex);
        cr_assert_eq(o.verdict, VERDICT_DONE);
        cr_assert(o.m.has_time);
        cr_assert_not(o.m.time_is_servers);
        cr_assert_eq(o.m.time_ns, SERVER_TIME_NS);
        cr_assert_eq(o.m.has_channel_bindings, bound == 1);
        assert_text(o.m.user, "U");
        cr_assert_eq(o.m.flags, 1);
    }
}

Test(ntlm, negotiate_with_oem_names)
{
    struct outcome o = decode_hex(
        SIGNATURE "01000000 07320000 0400040024000000 0400040020000000 57533031 434f5250");
    cr_assert_eq(o.verdict, VERDICT_DONE);
    assert_text(o.m.domain, "CORP");
    assert_text(o.m.workstation, "WS01");
    cr_assert_eq(o.used, 40);
    /* Without the flags nothing is there, whatever the fields say. */
    o = decode_hex(SIGNATURE
                   "01000000 07020000 0400040024000000 0400040020000000 57533031 434f5250");
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.m.domain.len, 0);
}

Test(ntlm, shortest_messages)
{
    struct outcome o = decode_hex(SIGNATURE "01000000 07020000");
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.used, 16);
    o = decode_hex(SIGNATURE "02000000 0000000000000000 01020000 1122334455667788");
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.used, 32);
    /* Windows 9x: the payload begins where the session key would be, texts are OEM. */
    o = decode_hex(SIGNATURE "03000000 0000000034000000 0100010037000000 0000000034000000"
                             "0100010034000000 0200020035000000 55 5758 ff");
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert_eq(o.used, 56);
    assert_text(o.m.user, "U");
    assert_text(o.m.workstation, "WX");
    cr_assert_eq(o.m.nt_response_len, 1);
    cr_assert_eq(o.m.flags, 0);
}

Test(ntlm, anonymous_has_neither_user_nor_response)
{
    struct outcome o =
        decode_hex(SIGNATURE "03000000 0100010040000000 0000000041000000 0000000040000000"
                             "0000000040000000 0000000040000000 0000000041000000 05080000 00");
    cr_assert_eq(o.verdict, VERDICT_DONE);
    cr_assert(o.m.is_anonymous);
    cr_assert_eq(o.m.lm_response_len, 1);
    cr_assert_eq(o.used, 65);
}

struct bad_case {
    const char *hex;
    size_t at;
    const char *why;
};

static const struct bad_case bad_cases[] = {
    {"4e544c4d535350", 0, NULL},
    {"4e544c4d53535020 01000000 00000000", 0, "no NTLMSSP signature"},
    {"60", 0, "no NTLMSSP signature"},
    {SIGNATURE "04000000 00000000", 8, "unknown message type"},
    {SIGNATURE "00000000 00000000", 8, "unknown message type"},
    {SIGNATURE "02000000 0400040010000000 01028000 1122334455667788 0000000000000000"
               "0000000030000000",
     12, "field begins inside the fixed part"},
    {SIGNATURE "02000000 04000400ffffffff 01020000 1122334455667788", 12,
     "field lies beyond any message"},
    {SIGNATURE "02000000 0400040000000400 01020000 1122334455667788", 12,
     "field lies beyond any message"},
};

Test(ntlm, bad_messages_say_where)
{
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        struct outcome o = decode_hex(bad_cases[i].hex);
        if (bad_cases[i].why == NULL) {
            cr_assert_eq(o.verdict, VERDICT_MORE);
            continue;
        }
        cr_assert_eq(o.verdict, VERDICT_BAD, "%s", bad_cases[i].hex);
        cr_assert_str_eq(o.flaw.why, bad_cases[i].why);
        cr_assert_eq(o.flaw.at, bad_cases[i].at);
        cr_assert_not(o.m.complete);
    }
}

Test(ntlm, every_prefix_wants_more)
{
    /* Without its fields a type 1 is whole after 16 bytes, unless a flag promises more. */
    for (size_t i = 0; i < NUM_VECTORS; i++) {
        struct bytes whole = battery_hex(vectors[i]);
        for (size_t len = 0; len < whole.len; len++) {
            struct guarded g = guarded_copy(bytes_part(whole, 0, len));
            struct outcome o = decode(g.bytes);
            cr_assert_eq(o.verdict, VERDICT_MORE, "vector %zu, %zu bytes", i, len);
            cr_assert_not(o.m.complete);
            guarded_free(&g);
        }
    }
}

Test(ntlm, a_cut_message_keeps_what_came)
{
    struct bytes whole = battery_hex(authenticate);
    struct outcome o = decode(bytes_part(whole, 0, 240));
    cr_assert_eq(o.verdict, VERDICT_MORE);
    cr_assert_eq(o.used, 272);
    assert_text(o.m.domain, "CORP");
    cr_assert_eq(o.m.user.len, 0, "half a name is no name");
    assert_text(o.m.target_spn, "HTTP/mp18.corp.test");
    cr_assert_eq(o.m.nt_response_len, 156);
    o = decode(bytes_part(whole, 0, 150));
    assert_text(o.m.netbios_computer, "VM");
    assert_text(o.m.target_spn, "");
    cr_assert_not(o.m.has_time, "AV 7 may still come: the blob's time would claim it will not");
}

Test(ntlm, corrupt_bytes_never_lead_outside)
{
    static const uint8_t masks[] = {0x01, 0x10, 0x80, 0xff};
    for (size_t i = 0; i < NUM_VECTORS; i++) {
        struct guarded g = guarded_copy(battery_hex(vectors[i]));
        for (size_t at = 0; at < g.bytes.len; at++) {
            for (size_t m = 0; m < sizeof masks; m++) {
                g.at[at] ^= masks[m];
                struct outcome o = decode(g.bytes);
                cr_assert_eq(o.verdict == VERDICT_BAD, o.flaw.why != NULL);
                cr_assert_eq(o.verdict == VERDICT_DONE, o.m.complete);
                cr_assert(o.verdict != VERDICT_DONE || o.used <= g.bytes.len);
                g.at[at] ^= masks[m];
            }
        }
        guarded_free(&g);
    }
}

Test(ntlm, trailing_bytes_are_left)
{
    for (size_t i = 0; i < NUM_VECTORS; i++) {
        struct bytes whole = battery_hex(vectors[i]);
        uint8_t longer[512] = {0};
        memcpy(longer, whole.at, whole.len);
        struct outcome o = decode((struct bytes){.at = longer, .len = sizeof longer});
        cr_assert_eq(o.verdict, VERDICT_DONE);
        cr_assert_eq(o.used, whole.len);
    }
}

Test(ntlm, small_arena_is_no_crash)
{
    struct bytes whole = battery_hex(authenticate);
    size_t room = 0;
    struct outcome o = decode_in(whole, room);
    for (; o.verdict != VERDICT_DONE && room < 4096; room++) {
        cr_assert_eq(o.verdict, VERDICT_BAD);
        cr_assert_str_eq(o.flaw.why, "no room in the arena");
        o = decode_in(whole, room);
    }
    cr_assert_gt(room, 32);
    cr_assert_lt(room, 1024);
}

struct utf16_case {
    const char *hex;
    bool big_endian;
    const char *utf8;
};

static const struct utf16_case utf16_cases[] = {
    {"", false, ""},
    {"41", false, ""},
    {"410042", false, "A"},
    {"4100420043004400e900", false, "ABCD\xc3\xa9"},
    {"410042004300e900", false, "ABC\xc3\xa9"},
    {"00410042004300e90044", true,
     "ABC\xc3\xa9"
     "D"},
    {"004100420043", true, "ABC"},
    {"41008000", false, "A\xc2\x80"},
    {"00410142", true, "A\xc5\x82"},
    {"e900ac20", false, "\xc3\xa9\xe2\x82\xac"},
    {"3dd800de", false, "\xf0\x9f\x98\x80"},
    {"d83dde00", true, "\xf0\x9f\x98\x80"},
    {"3dd84100", false,
     "\xef\xbf\xbd"
     "A"},
    {"00de4100", false,
     "\xef\xbf\xbd"
     "A"},
    {"3dd8", false, "\xef\xbf\xbd"},
    {"ff07ffff", false, "\xdf\xbf\xef\xbf\xbf"},
};

Test(utf16, becomes_utf8)
{
    for (size_t i = 0; i < sizeof utf16_cases / sizeof utf16_cases[0]; i++) {
        struct arena arena;
        struct bytes out;
        arena_init(&arena, storage, sizeof storage);
        struct guarded g = guarded_copy(battery_hex(utf16_cases[i].hex));
        cr_assert(utf16_to_utf8(g.bytes, utf16_cases[i].big_endian, &arena, &out));
        assert_text(out, utf16_cases[i].utf8);
        guarded_free(&g);
    }
}

/* ASCII is copied some units at a time: one that is none may lie anywhere among them. */
Test(utf16, the_first_other_character_is_found)
{
    static const struct {
        uint16_t unit;
        const char *utf8;
    } others[] = {{0x80, "\xc2\x80"}, {0xff, "\xc3\xbf"}, {0x142, "\xc5\x82"}};
    enum { UNITS = 13 };
    for (size_t i = 0; i < 2 * UNITS * sizeof others / sizeof others[0]; i++) {
        const bool big_endian = i % 2 == 1;
        const size_t at = i / 2 % UNITS;
        const size_t other = i / 2 / UNITS;
        uint8_t in[2 * UNITS];
        char expected[UNITS + 2] = "";
        for (size_t k = 0; k < UNITS; k++) {
            uint16_t unit = k == at ? others[other].unit : (uint16_t)('a' + k);
            in[2 * k + big_endian] = (uint8_t)unit;
            in[2 * k + !big_endian] = (uint8_t)(unit >> 8);
            expected[k < at ? k : k + 1] = (char)('a' + k);
        }
        expected[at] = others[other].utf8[0];
        expected[at + 1] = others[other].utf8[1];
        struct arena arena;
        struct bytes out;
        arena_init(&arena, storage, sizeof storage);
        struct guarded g = guarded_copy((struct bytes){.at = in, .len = sizeof in});
        cr_assert(utf16_to_utf8(g.bytes, big_endian, &arena, &out));
        assert_text(out, expected);
        guarded_free(&g);
    }
}

Test(utf16, no_room_is_told)
{
    struct arena arena;
    struct bytes out;
    arena_init(&arena, storage, 2);
    cr_assert_not(utf16_to_utf8(battery_hex("4100"), false, &arena, &out));
    cr_assert_eq(out.len, 0);
}
