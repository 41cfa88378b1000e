/* Goal: a connection of each carrier gives its tokens, paired, however its bytes are cut, lost or
 * joined midway; and no carrier is mistaken for another. Method: the PDUs of carrier_vectors.h sent
 * over frames made by hand; what came out as lines of text. */
#include "carrier_vectors.h"
#include "packets.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define NOISE_AT_MAX 7 /* bytes of a PDU after which no noise makes it another PDU's */

struct log {
    char text[4096];
    size_t len;
    uint64_t last_request;
};

static struct log seen;
static struct packets k;
static struct packet_talk t;

static void note(void *context, const struct event *e)
{
    struct log *log = context;
    if (e->token == NULL) {
        cr_assert_neq(e->kind, EVENT_TOKEN);
        return;
    }
    const struct token_facts *f = e->token;
    const char *pair = !f->is_response                      ? "asks"
                       : f->request_id == 0                 ? "alone"
                       : f->request_id == log->last_request ? "answers"
                                                            : "answers another";
    int added = snprintf(log->text + log->len, sizeof log->text - log->len, "%s %s %s %s%s\n",
                         carrier_name(f->carrier), carrier_pdu_name(f->pdu), pair,
                         f->ntlm != NULL ? "ntlm" : "state", e->complete ? "" : " cut");
    cr_assert_lt(log->len + (size_t)added, sizeof log->text);
    log->len += (size_t)added;
    log->last_request = f->is_response ? log->last_request : e->id;
}

static void begin(void)
{
    struct decoder_options options = {0};
    seen = (struct log){0};
    talk_begin(&t, &k, &options, note, &seen, 9000);
}

static void done(void)
{
    decoder_end(k.decoder);
    decoder_free(k.decoder);
}

static void say(int side, struct bytes b, size_t piece)
{
    for (size_t at = 0; at < b.len; at += piece) {
        struct bytes part = bytes_part(b, at, piece);
        talk_say(&t, side, TCP_PSH, part.at, part.len);
    }
}

static void expect(const char *how, size_t i, const char *wanted)
{
    cr_assert_str_eq(seen.text, wanted, "%s, vector %zu", how, i);
}

/* The lines of a request and its response. */
static const char *wanted_of(size_t i)
{
    static char text[256];
    static const char *const carriers[] = {
        [CARRIER_KIND_SMB] = "smb",         [CARRIER_KIND_LDAP] = "ldap",
        [CARRIER_KIND_RPC] = "dcerpc",      [CARRIER_KIND_TDS] = "other",
        [CARRIER_KIND_NNS] = "other",       [CARRIER_KIND_GSS] = "other",
        [CARRIER_KIND_GSS_LENGTH] = "other"};
    const struct carrier_vector *v = &carrier_vectors[i];
    snprintf(text, sizeof text, "%s %s asks ntlm\n%s %s answers state\n", carriers[v->kind],
             carrier_pdu_name(v[0].pdu), carriers[v->kind], carrier_pdu_name(v[1].pdu));
    return text;
}

Test(decoder_carrier, in_pieces_of_any_size)
{
    static const size_t pieces[] = {1, 2, 3, 7, 31, 32, 33, 100, 1000};
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i += 2) {
        struct bytes request = battery_hex(carrier_vectors[i].hex);
        struct bytes response = battery_hex(carrier_vectors[i + 1].hex);
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
            char how[32];
            begin();
            talk_open(&t);
            say(0, request, pieces[p]);
            say(1, response, pieces[p]);
            talk_close(&t);
            done();
            snprintf(how, sizeof how, "%zu bytes a piece", pieces[p]);
            expect(how, i, wanted_of(i));
        }
    }
}

/* A PDU in pieces, the last first. */
static void say_backwards(int side, struct bytes b, size_t piece)
{
    uint32_t first = t.next[side];
    for (size_t left = (b.len + piece - 1) / piece; left > 0; left--) {
        struct bytes part = bytes_part(b, (left - 1) * piece, piece);
        t.next[side] = first + (uint32_t)((left - 1) * piece);
        talk_say(&t, side, TCP_PSH, part.at, part.len);
    }
    t.next[side] = first + (uint32_t)b.len;
}

/* A PDU in pieces, each of them and then all of them once more. */
static void say_again(int side, struct bytes b, size_t piece)
{
    uint32_t first = t.next[side];
    for (size_t at = 0; at < b.len; at += piece) {
        struct bytes part = bytes_part(b, at, piece);
        for (int copy = 0; copy < 2; copy++) {
            t.next[side] = first + (uint32_t)at;
            talk_say(&t, side, TCP_PSH, part.at, part.len);
        }
    }
    t.next[side] = first;
    say(side, b, piece);
}

/* Goal: no carrier rests on the order of segments, nor on each coming once. Method: the PDUs of
 * every carrier with their pieces reversed, and with each captured three times. */
Test(decoder_carrier, reversed_and_repeated)
{
    static const size_t pieces[] = {1, 7, 33, 1000};
    static const struct {
        const char *how;
        void (*say)(int side, struct bytes b, size_t piece);
    } ways[] = {{"reversed", say_backwards}, {"repeated", say_again}};
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i += 2) {
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
            for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
                begin();
                talk_open(&t);
                ways[w].say(0, battery_hex(carrier_vectors[i].hex), pieces[p]);
                ways[w].say(1, battery_hex(carrier_vectors[i + 1].hex), pieces[p]);
                talk_close(&t);
                done();
                expect(ways[w].how, i, wanted_of(i));
            }
        }
    }
}

/* Goal: PDUs that share a segment, and those behind others of no interest, are found. Method: the
 * same request three times in one segment, for those whose framing goes on. */
Test(decoder_carrier, several_in_a_segment)
{
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i += 2) {
        uint8_t thrice[1024];
        struct bytes request = battery_hex(carrier_vectors[i].hex);
        for (size_t n = 0; n < 3; n++) {
            memcpy(thrice + n * request.len, request.at, request.len);
        }
        begin();
        talk_open(&t);
        say(0, (struct bytes){.at = thrice, .len = 3 * request.len}, 1000);
        done();
        size_t lines = 0;
        for (size_t at = 0; at < seen.len; at++) {
            lines += seen.text[at] == '\n';
        }
        cr_assert_eq(lines, 3, "vector %zu: %s", i, seen.text);
    }
}

Test(decoder_carrier, joined_midway)
{
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i += 2) {
        static const uint8_t noise[200] = {0x7f, 0x45, 0x4c, 0x46};
        begin();
        talk_say(&t, 0, TCP_PSH, noise, sizeof noise);
        talk_say(&t, 1, TCP_PSH, noise, sizeof noise);
        say(0, battery_hex(carrier_vectors[i].hex), 1000);
        say(1, battery_hex(carrier_vectors[i + 1].hex), 1000);
        talk_close(&t);
        done();
        expect("joined midway", i, wanted_of(i));
    }
}

/* Goal: what is lost in a PDU cuts it, and the one behind it is found. Method: the request in four
 * pieces without the third, acknowledged; then request and response whole. */
Test(decoder_carrier, a_gap_cuts_one_pdu)
{
    for (size_t i = 0; i < 8; i += 2) { /* those with lengths of their own all along */
        struct bytes request = battery_hex(carrier_vectors[i].hex);
        size_t quarter = request.len / 4;
        begin();
        talk_open(&t);
        say(0, bytes_part(request, 0, 3 * quarter - 1), quarter * 3);
        t.next[0] += 10;
        say(0, bytes_part(request, 3 * quarter + 9, request.len), 1000);
        talk_ack(&t, 1);
        k.time_ns += 2 * DECODER_GAP_NS;
        talk_ack(&t, 1);
        k.time_ns += 2 * DECODER_GAP_NS;
        say(0, request, 1000);
        say(1, battery_hex(carrier_vectors[i + 1].hex), 1000);
        talk_close(&t);
        done();
        cr_assert_not_null(strstr(seen.text, " cut\n"), "vector %zu: %s", i, seen.text);
        cr_assert_not_null(strstr(seen.text, "asks ntlm\n"), "vector %zu: %s", i, seen.text);
    }
}

/* Goal: a response is paired by its number, not by its place. Method: two LDAP binds, answered the
 * other way round, and a response that nobody asked for. */
Test(decoder_carrier, pairs_by_number)
{
    uint8_t second[128];
    struct bytes request = battery_hex(carrier_vectors[4].hex);
    struct bytes response = battery_hex(carrier_vectors[5].hex);
    memcpy(second, request.at, request.len);
    second[4] = 6;
    begin();
    talk_open(&t);
    say(0, request, 1000);
    say(0, (struct bytes){.at = second, .len = request.len}, 1000);
    say(1, response, 1000);
    memcpy(second, response.at, response.len);
    second[4] = 6;
    say(1, (struct bytes){.at = second, .len = response.len}, 1000);
    second[4] = 9;
    say(1, (struct bytes){.at = second, .len = response.len}, 1000);
    done();
    cr_assert_str_eq(seen.text, "ldap LDAP bind asks ntlm\n"
                                "ldap LDAP bind asks ntlm\n"
                                "ldap LDAP bind answers another state\n"
                                "ldap LDAP bind answers state\n"
                                "ldap LDAP bind alone state\n");
}

#define TKEY_RECORD(len, key_len, key)                                                             \
    "c00c 00f9 00ff 00000000" len "086773732d7473696700 00000000 00000000 0003 0000" key_len key   \
    "0000"
#define TKEY_QUERY                                                                                 \
    "0007 0000 0001 0000 0000 0001 016100 00f9 00ff" TKEY_RECORD("0064", "004a", CLIENT_TOKEN)
#define TKEY_RESPONSE                                                                              \
    "0007 8000 0001 0001 0000 0000 016100 00f9 00ff" TKEY_RECORD("0023", "0009", SERVER_TOKEN)

/* Goal: GSS-TSIG is read in TKEY records, over UDP and TCP (RFC 3645). */
Test(decoder_carrier, tkey)
{
    static const char wanted[] = "dns DNS TKEY asks ntlm\ndns DNS TKEY alone state\n";
    struct bytes query = battery_hex(TKEY_QUERY);
    struct bytes response = battery_hex(TKEY_RESPONSE);
    struct packet_end asking = {.host = 1, .port = 40001};
    struct packet_end asked = {.host = 2, .port = 53};
    begin();
    packets_udp(&k, asking, asked, query.at, query.len);
    packets_udp(&k, asked, asking, response.at, response.len);
    done();
    cr_assert_str_eq(seen.text, wanted);
    for (size_t piece = 1; piece < 300; piece += 50) {
        begin();
        t.end[1].port = 53;
        talk_open(&t);
        say(0, battery_hex("00 83"), 1);
        say(0, query, piece);
        say(1, battery_hex("00 42"), 1);
        say(1, response, piece);
        done();
        cr_assert_str_eq(seen.text, wanted, "%zu bytes a piece: %s", piece, seen.text);
    }
}

/* Goal: nothing of a connection that only begins like one of ours is held or told. Method: the
 * first bytes of each PDU, then noise; memory is bounded by what the decoder says of it. */
Test(decoder_carrier, false_beginnings)
{
    uint8_t noise[1400];
    memset(noise, 0x55, sizeof noise);
    for (size_t i = 0; i < NUM_CARRIER_VECTORS; i++) {
        struct bytes pdu = battery_hex(carrier_vectors[i].hex);
        for (size_t len = 1; len < NOISE_AT_MAX && len < pdu.len; len++) {
            begin();
            talk_open(&t);
            say(0, bytes_part(pdu, 0, len), 1000);
            say(0, (struct bytes){.at = noise, .len = sizeof noise}, 2000);
            say(0, (struct bytes){.at = noise, .len = sizeof noise}, 2000);
            done();
            cr_assert_eq(seen.len, 0, "vector %zu, %zu bytes: %s", i, len, seen.text);
        }
    }
}
