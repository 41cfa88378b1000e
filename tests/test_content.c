/* Goal: what a stream's bytes are is found out wherever a message begins with a segment, whatever
 * came before it and however it was cut. Method: one connection a test, spoken by hand. */
#include <criterion/criterion.h>

#include "packets.h"
#include "test_krb_vectors.h"

#define REQUEST "GET /a HTTP/1.1\r\nHost: mp.example\r\n\r\n"
#define RESPONSE "HTTP/1.1 204 No Content\r\n\r\n"

static struct seen_list list;
static struct packets k;
static struct packet_talk t;

static void begin(void)
{
    static const struct decoder_options options = {.capture = 0};
    list.num = 0;
    talk_begin(&t, &k, &options, packets_note, &list, 8080);
}

static void done(void)
{
    decoder_end(k.decoder);
    decoder_free(k.decoder);
}

/* The first request, which must be there with its answer. */
static const struct seen *answered_request(void)
{
    const struct seen *request = seen_of(&list, EVENT_HTTP_REQUEST, 0);
    const struct seen *response = seen_of(&list, EVENT_HTTP_RESPONSE, 0);
    cr_assert_not_null(request);
    cr_assert_not_null(response);
    cr_assert_eq(response->reply_to, request->id);
    return request;
}

/* HTTP in the middle of a stream of something else, at a segment's start. */
Test(content, bulk_is_looked_at_for_ever)
{
    uint8_t noise[1000];
    begin();
    memset(noise, 0xee, sizeof noise);
    talk_open(&t);
    for (int i = 0; i < 100; i++) {
        talk_say(&t, i % 2, 0, noise, sizeof noise);
    }
    talk_text(&t, 0, REQUEST);
    talk_text(&t, 1, RESPONSE);
    done();
    const struct seen *request = answered_request();
    cr_assert_not(request->seen_from_start);
    cr_assert_eq(request->frame, 104);
}

/* The first request's beginning is lost, so its rest looks like bulk; the second request, held
 * behind the same hole, must be offered all the same. */
Test(content, a_request_held_behind_a_hole_is_found)
{
    begin();
    talk_open(&t);
    t.next[0] += 40; /* lost */
    talk_text(&t, 0, "the rest of a request whose beginning was never captured");
    talk_text(&t, 0, REQUEST);
    talk_text(&t, 1, RESPONSE);
    done();
    const struct seen *request = answered_request();
    cr_assert_eq(request->frame, 5);
}

Test(content, tls_is_told_once)
{
    static const uint8_t hello[] = {22, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3};
    begin();
    talk_open(&t);
    talk_say(&t, 0, 0, hello, 3);
    talk_say(&t, 0, 0, hello + 3, sizeof hello - 3);
    talk_say(&t, 0, 0, hello, sizeof hello);
    done();
    cr_assert_eq(seen_count(&list, EVENT_TLS), 1);
    cr_assert_eq(seen_of(&list, EVENT_TLS, 0)->from.port, 40000);
    cr_assert_eq(seen_count(&list, EVENT_GAP), 0);
}

Test(content, dns_over_tcp_in_any_split)
{
    static const uint8_t message[] = {0,   33,  0x12, 0x34, 1,   0,   0,   1,   0,   0,   0, 0,
                                      0,   0,   7,    'e',  'x', 'a', 'm', 'p', 'l', 'e', 3, 'o',
                                      'r', 'g', 3,    'n',  'e', 't', 0,   0,   1,   0,   1};
    for (size_t first = 1; first < sizeof message; first++) {
        begin();
        t.end[1].port = 53;
        talk_open(&t);
        talk_say(&t, 0, 0, message, first);
        talk_say(&t, 0, 0, message + first, sizeof message - first);
        talk_say(&t, 0, 0, message, sizeof message);
        done();
        cr_assert_eq(seen_count(&list, EVENT_DNS), 2, "split at %zu", first);
        const struct seen *dns = seen_of(&list, EVENT_DNS, 0);
        cr_assert_str_eq(dns->text, "? example.org.net");
        cr_assert_eq(dns->carrier, CARRIER_TCP);
        cr_assert_eq(dns->num_frames, 2);
        cr_assert_eq(seen_of(&list, EVENT_DNS, 1)->num_frames, 1);
    }
}

static void say_in_pieces(int side, const char *text, size_t piece)
{
    for (size_t at = 0; at < strlen(text); at += piece) {
        size_t left = strlen(text) - at;
        talk_say(&t, side, 0, text + at, left < piece ? left : piece);
    }
}

/* Stray bytes of their own segments before a request: a keep-alive's byte on a connection joined
 * midway, an empty line (RFC 9112 2.2), a few words. The request is found in pieces of any size. */
Test(content, stray_bytes_hide_no_request)
{
    static const struct {
        const char *bytes;
        size_t len;
    } strays[] = {{"\0", 1}, {"\r\n", 2}, {"\xff", 1}, {"n", 1}, {"\0\0\0", 3}, {"NOOP GE", 7}};
    for (size_t i = 0; i < sizeof strays / sizeof strays[0]; i++) {
        for (size_t piece = 1; piece <= sizeof REQUEST; piece++) {
            begin();
            talk_say(&t, 0, 0, strays[i].bytes, strays[i].len);
            talk_ack(&t, 1);
            say_in_pieces(0, REQUEST, piece);
            say_in_pieces(1, RESPONSE, piece);
            say_in_pieces(0, REQUEST, piece);
            done();
            cr_assert_eq(seen_count(&list, EVENT_HTTP_REQUEST), 2, "stray %zu, pieces of %zu", i,
                         piece);
            const struct seen *request = seen_of(&list, EVENT_HTTP_REQUEST, 0);
            const struct seen *response = seen_of(&list, EVENT_HTTP_RESPONSE, 0);
            cr_assert_str_eq(request->text, "GET /a");
            cr_assert_eq(request->frames[0], 3);
            cr_assert_not_null(response);
            cr_assert_eq(response->reply_to, request->id);
            cr_assert_eq(seen_count(&list, EVENT_GAP), 0);
        }
    }
}

/* The head of a password change (RFC 3244 2) in a segment of its own, and in pieces of any size,
 * goes with the AP-REQ behind it, which looks like a message by itself. */
Test(content, the_inside_of_a_message_is_none)
{
    static const size_t head_len = 10; /* the record's length, and the head */
    struct bytes change = battery_hex(change_refused_hex);
    static uint8_t record[1024];
    packets_be32(record, (uint32_t)change.len);
    memcpy(record + 4, change.at, change.len);
    for (size_t piece = 0; piece <= 40; piece++) {
        begin();
        t.end[1].port = 464;
        talk_open(&t);
        size_t first = piece == 0 ? head_len : piece;
        for (size_t at = 0; at < 4 + change.len; at += first) {
            size_t left = 4 + change.len - at;
            first = at > 0 && piece == 0 ? left : first;
            talk_say(&t, 1, 0, record + at, left < first ? left : first);
        }
        done();
        cr_assert_eq(seen_count(&list, EVENT_KRB), 1);
        cr_assert_str_eq(seen_of(&list, EVENT_KRB, 0)->text, "KRB-ERROR of a password change",
                         "pieces of %zu", piece);
    }
}

/* What begins amid a segment is not offered: only segments begin messages. */
Test(content, what_begins_amid_a_segment_is_none)
{
    begin();
    talk_open(&t);
    talk_text(&t, 0, "quote");
    talk_text(&t, 0, ": GET /a HTTP/1.1\r\n");
    talk_text(&t, 0, "Host: mp.example\r\n\r\n");
    done();
    cr_assert_eq(seen_count(&list, EVENT_HTTP_REQUEST), 0);
}

/* While a message has begun, what is told next may be of earlier frames. */
Test(content, waits_for_the_end_of_a_message)
{
    begin();
    talk_open(&t);
    cr_assert_not(decoder_is_waiting(k.decoder));
    talk_text(&t, 0, "GET /a HTTP/1.1\r\nHost: ");
    cr_assert(decoder_is_waiting(k.decoder));
    talk_text(&t, 0, "mp.example\r\n\r\n");
    cr_assert_not(decoder_is_waiting(k.decoder));
    talk_text(&t, 1, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    cr_assert(decoder_is_waiting(k.decoder));
    talk_text(&t, 1, "de");
    cr_assert_not(decoder_is_waiting(k.decoder));
    talk_text(&t, 1, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    t.next[0] += 1; /* another connection takes the ports: the message's end will not come */
    t.next[1] += 1 << 24;
    talk_open(&t);
    cr_assert_not(decoder_is_waiting(k.decoder));
    done();
}
