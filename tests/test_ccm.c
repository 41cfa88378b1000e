/* Bodies of CCM_POST as ConfigMgr's clients write them: UTF-16 Msg, deflated registration; and
 * what capture and malice leave of them. */
#include "base/text.h"
#include "battery.h"
#include "decode/ccm.h"

#include <criterion/criterion.h>
#include <zlib.h>

#define BOUNDARY "aAbBcCdDv1234567890VxXyYzZ"
#define CONTENT_TYPE "multipart/mixed; boundary=\"" BOUNDARY "\""
#define PART_1 "content-type: text/plain; charset=UTF-16\r\n\r\n"
#define PART_2 "content-type: application/octet-stream\r\n\r\n"

static const char msg[] =
    "<Msg ReplyCompression=\"zlib\" SchemaVersion=\"1.1\">"
    "<Body Type=\"ByteRange\" Length=\"1522\" Offset=\"0\" />"
    "<CorrelationID>{00000000-0000-0000-0000-000000000000}</CorrelationID>"
    "<Hooks><Hook2 Name=\"clientauth\"><Property "
    "Name=\"AuthSenderMachine\">WS042</Property></Hook2>"
    "<Hook3 Name=\"zlib-compress\" /></Hooks>"
    "<ID>{5DD100CD-DF1D-45F5-BA17-A327F43465F8}</ID><Payload Type=\"inline\" />"
    "<Priority>0</Priority><Protocol>http</Protocol><ReplyMode>Sync</ReplyMode>"
    "<ReplyTo>direct:WS042:SccmMessaging</ReplyTo><SentTime>2026-11-22T11:12:42Z</SentTime>"
    "<SourceHost>WS042</SourceHost><SourceID>GUID:0A1B</SourceID>"
    "<TargetAddress>mp:MP_ClientRegistration</TargetAddress>"
    "<TargetEndpoint>MP_ClientRegistration</TargetEndpoint>"
    "<TargetHost>mp03.corp.example</TargetHost><Timeout>60000</Timeout></Msg>";
static const char registration[] =
    "<ClientRegistrationRequest><Data HashAlgorithm=\"1.2.840.113549.1.1.11\" SMSID=\"\" "
    "RequestType=\"Registration\" TimeStamp=\"2026-11-22T11:12:41Z\">"
    "<AgentInformation AgentIdentity=\"CCMSetup.exe\" AgentVersion=\"5.00.8325.0000\" "
    "AgentType=\"0\" />"
    "<Certificates><Signing Encoding=\"HexBinary\" KeyType=\"1\">3082</Signing></Certificates>"
    "<DiscoveryProperties><Property Name=\"Netbios Name\" Value=\"WS042\" />"
    "<Property Name=\"FQ Name\" Value=\"ws042.corp.example\" />"
    "<Property Name=\"Locale ID\" Value=\"1033\" /></DiscoveryProperties></Data>"
    "<Signature><SignatureValue>00FF</SignatureValue></Signature></ClientRegistrationRequest>";

static uint8_t storage[1048576];
static struct arena arena;

/* A body under construction. */
struct body {
    size_t len;
    uint8_t at[65536];
};

static void put(struct body *b, const void *at, size_t len)
{
    cr_assert_leq(len, sizeof b->at - b->len);
    memcpy(b->at + b->len, at, len);
    b->len += len;
}

static void put_text(struct body *b, const char *text)
{
    put(b, text, strlen(text));
}

static void put_utf16(struct body *b, const char *text, bool big_endian)
{
    for (; *text != '\0'; text++) {
        uint8_t unit[2] = {(uint8_t)*text, 0};
        put(b, big_endian ? (uint8_t[2]){0, (uint8_t)*text} : unit, 2);
    }
}

static void put_deflated(struct body *b, const void *at, size_t len)
{
    uLongf room = sizeof b->at - b->len;
    cr_assert_eq(compress(b->at + b->len, &room, at, len), Z_OK);
    b->len += room;
}

static void put_registration(struct body *b)
{
    static struct body plain;
    plain.len = 0;
    put_utf16(&plain, registration, false);
    put(&plain, "\0\0", 2);
    put_deflated(b, plain.at, plain.len);
}

/* What a client sends. */
static struct body *real_body(void)
{
    static struct body b;
    b.len = 0;
    put_text(&b, "--" BOUNDARY "\r\n" PART_1);
    put(&b, "\xff\xfe", 2);
    put_utf16(&b, msg, false);
    put_text(&b, "\r\n--" BOUNDARY "\r\n" PART_2);
    put_registration(&b);
    put_text(&b, "\r\n--" BOUNDARY "--");
    return &b;
}

static struct bytes all_of(const struct body *b)
{
    return (struct bytes){.at = b->at, .len = b->len};
}

static struct ccm_message decode(struct bytes input, const char *type)
{
    struct ccm_message m;
    arena_init(&arena, storage, sizeof storage);
    ccm_decode(input, bytes_of(type), &arena, &m);
    return m;
}

static struct ccm_message decode_text(const char *text)
{
    return decode(bytes_of(text), "");
}

static void assert_text(struct bytes seen, const char *wanted)
{
    cr_assert(bytes_is(seen, wanted), "\"%.*s\" is not \"%s\"", (int)seen.len,
              (const char *)seen.at, wanted);
}

/* 2026-11-22T11:12:42Z */
#define SENT_S INT64_C(1795345962)
#define S_NS INT64_C(1000000000)

static void assert_message(const struct ccm_message *m)
{
    cr_assert(m->recognised);
    cr_assert(m->is_registration);
    assert_text(m->source_host, "WS042");
    assert_text(m->target_host, "mp03.corp.example");
    assert_text(m->target_endpoint, "MP_ClientRegistration");
    assert_text(m->sms_id, "GUID:0A1B");
    cr_assert(m->has_sent_time);
    cr_assert_eq(m->sent_time_ns, SENT_S * S_NS);
}

static void assert_registration(const struct ccm_message *m)
{
    cr_assert(m->recognised);
    cr_assert(m->is_registration);
    assert_text(m->request_type, "Registration");
    assert_text(m->netbios_name, "WS042");
    assert_text(m->fq_name, "ws042.corp.example");
    cr_assert(m->has_request_time);
    cr_assert_eq(m->request_time_ns, (SENT_S - 1) * S_NS);
}

Test(ccm, registration)
{
    struct guarded g = guarded_copy(all_of(real_body()));
    struct ccm_message m = decode(g.bytes, CONTENT_TYPE);
    assert_message(&m);
    assert_registration(&m);
    cr_assert(m.complete);
    cr_assert_lt(arena.used, 1024, "only what was found stays in the arena");
    guarded_free(&g);
}

Test(ccm, boundary_from_the_first_line_or_bare)
{
    static const char *const types[] = {
        "",
        "text/plain",
        "multipart/mixed; boundary=another",
        "Multipart/Mixed ;charset=x; Boundary=" BOUNDARY " ; x=y",
        "multipart/mixed; boundary=",
        "multipart/mixed; boundary=\"",
        ("multipart/mixed; boundary=\"" BOUNDARY),
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct ccm_message m = decode(all_of(real_body()), types[i]);
        assert_message(&m);
        assert_registration(&m);
        cr_assert(m.complete, "%s", types[i]);
    }
}

Test(ccm, line_feeds_and_preamble)
{
    static struct body b;
    b.len = 0;
    put_text(&b, "preamble\n--" BOUNDARY " \ncontent-type: text/xml\n\n");
    put_text(&b, msg);
    put_text(&b, "\n--" BOUNDARY "--\n");
    struct ccm_message m = decode(all_of(&b), CONTENT_TYPE);
    assert_message(&m);
    cr_assert(m.complete);
}

struct encoding_case {
    const char *mark;
    size_t mark_len;
    int bits;
    bool big_endian;
};

static const struct encoding_case encoding_cases[] = {
    {"", 0, 8, false},  {"\xef\xbb\xbf", 3, 8, false},
    {"", 0, 16, false}, {"\xff\xfe", 2, 16, false},
    {"", 0, 16, true},  {"\xfe\xff", 2, 16, true},
};

/* A body without parts, in every encoding; its declaration may lie about it. */
Test(ccm, plain_bodies)
{
    static const char *const heads[] = {"", "\r\n ", "<?xml version=\"1.0\" encoding=\"utf-16\"?>",
                                        "<?xml version=\"1.0\" encoding=\"no-such\"?>\n"};
    for (size_t i = 0; i < sizeof encoding_cases / sizeof encoding_cases[0]; i++) {
        for (size_t h = 0; h < sizeof heads / sizeof heads[0]; h++) {
            static struct body b;
            b.len = 0;
            put(&b, encoding_cases[i].mark, encoding_cases[i].mark_len);
            if (encoding_cases[i].bits == 8) {
                put_text(&b, heads[h]);
                put_text(&b, msg);
            } else {
                put_utf16(&b, heads[h], encoding_cases[i].big_endian);
                put_utf16(&b, msg, encoding_cases[i].big_endian);
            }
            struct ccm_message m = decode(all_of(&b), "text/xml");
            assert_message(&m);
            cr_assert(m.complete);
            m = decode((struct bytes){.at = b.at, .len = b.len - 12}, "text/xml");
            assert_message(&m);
            cr_assert_not(m.complete);
        }
    }
}

Test(ccm, registration_alone)
{
    static struct body b;
    b.len = 0;
    put_registration(&b);
    struct ccm_message m = decode(all_of(&b), "application/octet-stream");
    assert_registration(&m);
    cr_assert(m.complete);
    m = decode(bytes_part(all_of(&b), 0, b.len - 10), "application/octet-stream");
    cr_assert(m.recognised, "a cut stream still inflates as far as it goes");
    cr_assert_not(m.complete);
}

Test(ccm, other_messages_are_no_registration)
{
    struct ccm_message m = decode_text("<Msg><TargetEndpoint>MP_PolicyManager</TargetEndpoint>"
                                       "<SourceHost> WS042\t</SourceHost></Msg>");
    cr_assert(m.recognised);
    cr_assert_not(m.is_registration);
    assert_text(m.source_host, "WS042");
    assert_text(m.target_endpoint, "MP_PolicyManager");
    m = decode_text("<Msg><TargetAddress>mp:MP_ClientRegistration</TargetAddress></Msg>");
    cr_assert(m.is_registration);
    m = decode_text("<html><SourceHost>x</SourceHost></html>");
    cr_assert_not(m.recognised);
    cr_assert_eq(m.source_host.len, 0);
    m = decode_text("<Msg><Hook><SourceHost>x</SourceHost></Hook></Msg>");
    cr_assert(m.recognised);
    cr_assert_eq(m.source_host.len, 0, "only Msg's own children count");
}

Test(ccm, the_first_value_stays)
{
    struct ccm_message m = decode_text("<Msg><SourceHost>a</SourceHost><SourceHost>b</SourceHost>"
                                       "<TargetHost></TargetHost><TargetHost>t</TargetHost></Msg>");
    assert_text(m.source_host, "a");
    assert_text(m.target_host, "t");
}

Test(ccm, text_in_pieces)
{
    struct ccm_message m = decode_text("<Msg><SourceHost>a<!-- x -->b<![CDATA[c]]>&lt;&#100;"
                                       "</SourceHost></Msg>");
    assert_text(m.source_host, "abc<d");
}

Test(ccm, unknown_bodies)
{
    static const char *const bodies[] = {"",         "x",
                                         "--",       "--\r\n",
                                         "----",     "hello world",
                                         "<",        "<<<<",
                                         "\x78\x9c", "\x78\x9cnot deflated"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct guarded g = guarded_copy(bytes_of(bodies[i]));
        struct ccm_message m = decode(g.bytes, CONTENT_TYPE);
        cr_assert_not(m.recognised, "%s", bodies[i]);
        cr_assert_not(m.is_registration);
        guarded_free(&g);
    }
}

Test(ccm, every_prefix_keeps_what_came)
{
    struct bytes whole = all_of(real_body());
    size_t times_sent = 0;
    bool had_host = false;
    for (size_t len = 0; len < whole.len; len++) {
        struct guarded g = guarded_copy(bytes_part(whole, 0, len));
        struct ccm_message m = decode(g.bytes, CONTENT_TYPE);
        cr_assert(len < 40 || !m.complete, "%zu bytes", len);
        cr_assert(!had_host || bytes_is(m.source_host, "WS042"), "%zu bytes", len);
        had_host = m.source_host.len > 0;
        times_sent += m.has_sent_time;
        guarded_free(&g);
    }
    cr_assert(had_host);
    cr_assert_gt(times_sent, 500);
}

Test(ccm, corrupt_bytes_never_lead_outside)
{
    static const uint8_t masks[] = {0x01, 0x20, 0xff};
    struct guarded g = guarded_copy(all_of(real_body()));
    for (size_t at = 0; at < g.bytes.len; at++) {
        uint8_t mask = masks[at % sizeof masks];
        g.at[at] ^= mask;
        struct ccm_message m = decode(g.bytes, CONTENT_TYPE);
        /* What stood before the damage is untouched, and no value outgrows its bound. */
        cr_assert(at < 1500 || bytes_is(m.source_host, "WS042"), "%zu", at);
        cr_assert_lt(m.target_host.len, 512);
        cr_assert(!m.is_registration || m.recognised);
        g.at[at] ^= mask;
    }
    guarded_free(&g);
}

/* 64 KiB that inflate to 64 MiB stop at the bound. */
Test(ccm, deflate_bombs_are_bounded)
{
    static uint8_t zeros[8388608];
    static struct body b;
    b.len = 0;
    memset(zeros, ' ', sizeof zeros);
    memcpy(zeros, registration, 200);
    put_deflated(&b, zeros, sizeof zeros);
    struct ccm_message m = decode(all_of(&b), "");
    cr_assert(m.recognised, "its beginning is read");
    cr_assert_not(m.complete);
    assert_text(m.request_type, "Registration");
}

/* Entities and document types are for those who want our memory or our files. */
Test(ccm, entities_are_not_expanded)
{
    struct ccm_message m =
        decode_text("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>"
                    "<Msg><SourceHost>&b;</SourceHost></Msg>");
    cr_assert_not(m.recognised);
    cr_assert_eq(m.source_host.len, 0);
    m = decode_text(
        "<!DOCTYPE Msg SYSTEM \"file:///etc/passwd\"><Msg><SourceHost>x</SourceHost></Msg>");
    cr_assert_not(m.recognised);
    m = decode_text("<Msg><SourceHost>a&undefined;b</SourceHost><TargetHost>t</TargetHost></Msg>");
    cr_assert(m.recognised);
    assert_text(m.source_host, "ab");
    assert_text(m.target_host, "t");
}

/* The parser is used again and again, and made anew at times: no document shows in the next. */
Test(ccm, documents_in_turn)
{
    static const char *const odd[] = {
        "<!DOCTYPE Msg SYSTEM \"file:///etc/passwd\"><Msg/>",
        "<Msg><SourceHost>x",
        "<Msg xmlns=\"urn:x\"><a></b></Msg>",
        "<Msg>&lt;&none;\x01</Msg>",
        "<",
    };
    static char name[20000];
    static char text[sizeof name + 64];
    for (int i = 0; i < 200; i++) { /* of 4 MB, in names that are never the same */
        (void)decode_text(odd[(size_t)i % (sizeof odd / sizeof odd[0])]);
        memset(name, 'a' + i % 26, sizeof name - 1);
        struct text t;
        text_init(&t, text, sizeof text);
        text_format(&t, "<%s%d/>", name, i);
        cr_assert_not(t.cut);
        (void)decode_text(text);
        struct ccm_message m = decode_text("<Msg><SourceHost>WS042</SourceHost></Msg>");
        cr_assert(m.recognised && m.complete);
        cr_assert(bytes_is(m.source_host, "WS042"));
        cr_assert_eq(m.target_host.len, 0);
    }
}

Test(ccm, deep_and_long_documents_are_bounded)
{
    static struct body b;
    b.len = 0;
    for (size_t i = 0; i < 20000; i++) {
        put_text(&b, "<a>");
    }
    cr_assert_not(decode(all_of(&b), "").recognised);
    b.len = 0;
    put_text(&b, "<Msg><SourceHost>");
    for (size_t i = 0; i < 1000; i++) {
        put_text(&b, "x");
    }
    put_text(&b, "</SourceHost><TargetHost>t</TargetHost></Msg>");
    struct ccm_message m = decode(all_of(&b), "");
    cr_assert_eq(m.source_host.len, 0, "that is no host name");
    assert_text(m.target_host, "t");
}

Test(ccm, small_arena_is_no_crash)
{
    struct bytes whole = all_of(real_body());
    for (size_t room = 0; room < sizeof storage; room += room < 8192 ? 61 : 32749) {
        struct ccm_message m;
        arena_init(&arena, storage, room);
        ccm_decode(whole, bytes_of(CONTENT_TYPE), &arena, &m);
        cr_assert_leq(arena.used, room);
        cr_assert(room >= 262144 || !m.complete);
    }
}

struct time_case {
    const char *text;
    bool ok;
    int64_t ns;
};

static const struct time_case time_cases[] = {
    {"2026-11-22T11:12:42Z", true, SENT_S *S_NS},
    {"2026-11-22T11:12:42", true, SENT_S *S_NS},
    {"2026-11-22 11:12:42Z", true, SENT_S *S_NS},
    {"2026-11-22T11:12:42.5Z", true, SENT_S *S_NS + 500000000},
    {"2026-11-22T11:12:42.123456789123Z", true, SENT_S *S_NS + 123456789},
    {"2026-11-22T12:12:42+01:00", true, SENT_S *S_NS},
    {"2026-11-22T08:42:42-0230", true, SENT_S *S_NS},
    {"1969-12-31T23:59:59Z", true, -S_NS},
    {"2026-11-22T11:12:42Zx", false, 0},
    {"2026-13-22T11:12:42Z", false, 0},
    {"2026-02-29T11:12:42Z", false, 0},
    {"2026-11-22T11:12", false, 0},
    {"2026-11-22T11:12:42+1", false, 0},
    {"2026-11-22T11:12:42+99:00", false, 0},
    {"9999-11-22T11:12:42Z", false, 0},
    {"+026-11-22T11:12:42Z", false, 0},
    {"never", false, 0},
};

Test(ccm, times)
{
    for (size_t i = 0; i < sizeof time_cases / sizeof time_cases[0]; i++) {
        char text[256];
        struct text t;
        text_init(&t, text, sizeof text);
        text_format(&t, "<Msg><SentTime>%s</SentTime></Msg>", time_cases[i].text);
        struct ccm_message m = decode_text(text);
        cr_assert_eq(m.has_sent_time, time_cases[i].ok, "%s", time_cases[i].text);
        cr_assert_eq(m.sent_time_ns, time_cases[i].ns, "%s", time_cases[i].text);
    }
}

/* The lab's bodies only resemble a registration: the second part never closes its elements. */
Test(ccm, body_that_only_resembles_one)
{
    static struct body b;
    static struct body plain;
    b.len = 0;
    plain.len = 0;
    put(&plain, "\xff\xfe", 2);
    for (int i = 0; i < 12; i++) {
        put_utf16(&plain,
                  "<ClientRegistrationRequest><Data SMSID=\"\" RequestType=\"Registration\"/>",
                  false);
    }
    put_text(&b, "--" BOUNDARY "\r\n" PART_2);
    put_deflated(&b, plain.at, plain.len);
    put_text(&b, "\r\n--" BOUNDARY "--");
    struct ccm_message m = decode(all_of(&b), CONTENT_TYPE);
    cr_assert(m.is_registration);
    cr_assert(m.complete);
    assert_text(m.request_type, "Registration");
    cr_assert_eq(m.sms_id.len, 0);
    cr_assert_not(m.has_request_time);
}
