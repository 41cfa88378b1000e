/* Goal: frames come in, and exactly the events that event.h promises come out. Method: frames made
 * by hand, one story a test. */
#include <criterion/criterion.h>

#include "decode/stream.h"
#include "packets.h"

#define REQUEST "GET /a HTTP/1.1\r\nHost: mp.example\r\n\r\n"
#define RESPONSE                                                                                   \
    "HTTP/1.1 401 Unauthorized\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"                         \
    "WWW-Authenticate: Negotiate\r\nContent-Length: 3\r\n\r\nabc"

static struct seen_list list;
static struct packets k;
static struct packet_talk t;
static struct decoder_stats stats; /* at the end */

static void begin(void)
{
    struct decoder_options options = {.capture = 3};
    list.num = 0;
    talk_begin(&t, &k, &options, packets_note, &list, 8080);
}

static void finish(void)
{
    decoder_end(k.decoder);
    for (size_t i = 0; i < list.num; i++) {
        const struct seen *s = &list.at[i];
        cr_assert_eq(s->id, i + 1);
        cr_assert_eq(s->capture, 3);
        cr_assert_geq(s->num_frames, 1);
        cr_assert_leq(s->first_time_ns, s->time_ns);
        for (size_t n = 1; n < s->num_frames; n++) {
            cr_assert_lt(s->frames[n - 1], s->frames[n], "frames ascend, each once");
        }
        if (s->kind != EVENT_TCP_END) {
            bool is_among = false;
            for (size_t n = 0; n < s->num_frames; n++) {
                is_among |= s->frames[n] == s->frame;
            }
            cr_assert(is_among, "%s at %u", event_kind_name(s->kind), s->frame);
        }
    }
}

static void done(void)
{
    finish();
    stats = *decoder_stats(k.decoder);
    decoder_free(k.decoder);
}

#define EXPECT_KINDS(...)                                                                          \
    do {                                                                                           \
        const enum event_kind kinds[] = {__VA_ARGS__};                                             \
        expect_kinds(kinds, sizeof kinds / sizeof kinds[0]);                                       \
    } while (0)

static void expect_kinds(const enum event_kind *kinds, size_t num)
{
    for (size_t i = 0; i < num && i < list.num; i++) {
        cr_assert_eq(list.at[i].kind, kinds[i], "event %zu is %s, not %s", i + 1,
                     event_kind_name(list.at[i].kind), event_kind_name(kinds[i]));
    }
    cr_assert_eq(list.num, num);
}

Test(decoder, a_plain_conversation)
{
    begin();
    talk_open(&t);
    talk_text(&t, 0, REQUEST);
    talk_text(&t, 1, RESPONSE);
    talk_close(&t);
    done();
    EXPECT_KINDS(EVENT_HOST_SEEN, EVENT_TCP_SYN, EVENT_HOST_SEEN, EVENT_TCP_CONNECT,
                 EVENT_HTTP_REQUEST, EVENT_HTTP_RESPONSE, EVENT_TCP_FIN, EVENT_TCP_FIN,
                 EVENT_TCP_END);
    const struct seen *connect = &list.at[3];
    cr_assert_eq(connect->frame, 3);
    cr_assert_eq(connect->from.port, 40000);
    cr_assert_eq(connect->tcp.num_syns, 1);
    cr_assert(connect->tcp.seen_from_syn);
    cr_assert_not(connect->tcp.handshake_inferred);
    cr_assert_eq(connect->tcp.initial_seq[0], 999);
    cr_assert_eq(connect->tcp.initial_seq[1], 0xffffffef);
    const struct seen *request = &list.at[4];
    cr_assert_str_eq(request->text, "GET /a");
    cr_assert_eq(request->connection, connect->connection);
    cr_assert(request->complete);
    cr_assert(request->seen_from_start);
    cr_assert(request->has_tcp);
    const struct seen *response = &list.at[5];
    cr_assert_eq(response->status, 401);
    cr_assert_eq(response->reply_to, request->id);
    cr_assert_eq(response->from.port, 8080);
    cr_assert_eq(response->num_schemes, 1);
    cr_assert(response->has_date);
    cr_assert_eq(response->date_ns, INT64_C(784111777) * 1000000000);
    cr_assert_eq(response->kept_values, 0, "authentication values and bodies stay behind");
    cr_assert(response->tcp.acked_all[0]);
    cr_assert_not(response->tcp.acked_all[1]);
    const struct seen *end = &list.at[8];
    cr_assert_eq(end->tcp.reason, TCP_END_CLOSED);
    cr_assert(end->tcp.acked_all[1]);
    cr_assert_not(end->tcp.acked_unseen[0]);
    cr_assert_not(end->tcp.acked_unseen[1]);
    cr_assert_eq(end->tcp.bytes_seen[0], strlen(REQUEST));
    cr_assert_eq(end->tcp.bytes_seen[1], strlen(RESPONSE));
}

Test(decoder, ipv6_and_one_byte_segments)
{
    begin();
    k.is_ipv6 = true;
    talk_open(&t);
    for (size_t i = 0; i < strlen(REQUEST); i++) {
        talk_say(&t, 0, 0, &REQUEST[i], 1);
    }
    for (size_t i = 0; i < strlen(RESPONSE); i++) {
        talk_say(&t, 1, 0, &RESPONSE[i], 1);
    }
    done();
    const struct seen *request = seen_of(&list, EVENT_HTTP_REQUEST, 0);
    const struct seen *response = seen_of(&list, EVENT_HTTP_RESPONSE, 0);
    cr_assert_not_null(request);
    cr_assert_not_null(response);
    cr_assert(request->seen_from_start);
    cr_assert_eq(request->frame, 3 + strlen(REQUEST));
    cr_assert_eq(request->num_frames, EVENT_FRAMES_MAX);
    cr_assert_eq(request->frames[0], 4);
    cr_assert_eq(request->frames[EVENT_FRAMES_MAX - 1], request->frame);
    cr_assert_eq(response->reply_to, request->id);
    cr_assert_eq(request->from.address.family, ADDRESS_IPV6);
    cr_assert_eq(seen_of(&list, EVENT_TCP_END, 0)->tcp.reason, TCP_END_CAPTURE);
}

Test(decoder, syn_unanswered_and_repeated)
{
    begin();
    talk_syn(&t);
    k.time_ns += 5 * PACKET_MS; /* captured twice */
    talk_syn(&t);
    k.time_ns += 1000 * PACKET_MS;
    talk_syn(&t);
    done();
    EXPECT_KINDS(EVENT_HOST_SEEN, EVENT_TCP_SYN, EVENT_TCP_SYN, EVENT_TCP_END);
    cr_assert_not(list.at[1].tcp.is_repeat);
    cr_assert(list.at[2].tcp.is_repeat);
    cr_assert_eq(list.at[2].tcp.num_syns, 2);
    cr_assert_eq(list.at[2].frame, 3);
    cr_assert_eq(list.at[2].tcp.syn_time_ns, 1000 * PACKET_MS);
    cr_assert_eq(list.at[3].tcp.synack_time_ns, 0);
    cr_assert_eq(list.at[3].frame, 3);
}

Test(decoder, refused_twice)
{
    begin();
    for (int i = 0; i < 2; i++) { /* Windows tries again with the same numbers */
        talk_syn(&t);
        packets_tcp(&k, t.end[1], t.end[0], 0, t.next[0], TCP_RST | TCP_ACK, NULL, 0);
        k.time_ns += 500 * PACKET_MS;
    }
    done();
    cr_assert_eq(seen_count(&list, EVENT_TCP_REFUSED), 2);
    cr_assert_eq(seen_count(&list, EVENT_TCP_RESET), 0);
    cr_assert_eq(seen_count(&list, EVENT_TCP_CONNECT), 0);
    cr_assert_eq(seen_count(&list, EVENT_TCP_END), 1);
    const struct seen *refused = seen_of(&list, EVENT_TCP_REFUSED, 1);
    cr_assert_eq(refused->num_frames, 2);
    cr_assert_eq(refused->frames[0], 3);
    cr_assert_eq(refused->frames[1], 4);
    cr_assert_eq(refused->from.port, 8080);
    cr_assert_eq(refused->to.port, 40000);
    cr_assert_eq(seen_of(&list, EVENT_TCP_END, 0)->tcp.reason, TCP_END_RESET);
}

Test(decoder, reset_while_a_request_waits)
{
    begin();
    talk_open(&t);
    talk_text(&t, 0, REQUEST);
    packets_tcp(&k, t.end[1], t.end[0], t.next[1], 0, TCP_RST, NULL, 0);
    packets_tcp(&k, t.end[1], t.end[0], t.next[1], 0, TCP_RST, NULL, 0);
    done();
    EXPECT_KINDS(EVENT_HOST_SEEN, EVENT_TCP_SYN, EVENT_HOST_SEEN, EVENT_TCP_CONNECT,
                 EVENT_HTTP_REQUEST, EVENT_TCP_RESET, EVENT_TCP_END);
    cr_assert_eq(list.at[5].frame, 5);
    cr_assert_eq(list.at[5].from.port, 8080);
    cr_assert_not(list.at[5].tcp.acked_all[0]);
    cr_assert_eq(list.at[6].tcp.reason, TCP_END_RESET);
}

Test(decoder, handshake_inferred)
{
    begin();
    talk_syn(&t);
    talk_ack(&t, 0);
    talk_text(&t, 0, REQUEST);
    done();
    const struct seen *connect = seen_of(&list, EVENT_TCP_CONNECT, 0);
    cr_assert_not_null(connect);
    cr_assert(connect->tcp.handshake_inferred);
    cr_assert_eq(connect->tcp.synack_time_ns, 0);
    cr_assert_eq(connect->frame, 2);
    cr_assert(seen_of(&list, EVENT_HTTP_REQUEST, 0)->seen_from_start);
}

Test(decoder, connected_at_the_end)
{
    begin();
    talk_syn(&t);
    talk_synack(&t);
    done();
    EXPECT_KINDS(EVENT_HOST_SEEN, EVENT_TCP_SYN, EVENT_HOST_SEEN, EVENT_TCP_CONNECT, EVENT_TCP_END);
    cr_assert_eq(list.at[3].tcp.ack_time_ns, 0);
    cr_assert_neq(list.at[3].tcp.synack_time_ns, 0);
}

Test(decoder, ports_reused)
{
    begin();
    talk_open(&t);
    talk_text(&t, 0, REQUEST);
    talk_text(&t, 1, RESPONSE);
    talk_close(&t);
    k.time_ns += 100 * PACKET_MS;
    t.next[0] += 5000;
    t.next[1] += 77;
    talk_open(&t);
    talk_text(&t, 0, REQUEST);
    talk_text(&t, 1, RESPONSE);
    t.next[0] += 50000000; /* no FIN, but far away: another host behind the same address */
    talk_syn(&t);
    done();
    cr_assert_eq(seen_count(&list, EVENT_TCP_SYN), 3);
    cr_assert_eq(seen_count(&list, EVENT_HTTP_REQUEST), 2);
    cr_assert_eq(seen_count(&list, EVENT_TCP_END), 3);
    const struct seen *second = seen_of(&list, EVENT_HTTP_RESPONSE, 1);
    cr_assert_eq(second->connection, 2);
    cr_assert(second->seen_from_start);
    cr_assert_eq(second->reply_to, seen_of(&list, EVENT_HTTP_REQUEST, 1)->id);
    cr_assert_eq(seen_of(&list, EVENT_TCP_END, 0)->tcp.reason, TCP_END_CLOSED);
    cr_assert_eq(seen_of(&list, EVENT_TCP_END, 1)->tcp.reason, TCP_END_REUSED);
    cr_assert_eq(seen_of(&list, EVENT_TCP_END, 2)->connection, 3);
    cr_assert_eq(stats.flows, 3);
}

Test(decoder, a_stray_syn_changes_nothing)
{
    begin();
    talk_open(&t);
    talk_text(&t, 0, REQUEST);
    packets_tcp(&k, t.end[0], t.end[1], t.next[0] + 100, 0, TCP_SYN, NULL, 0);
    talk_text(&t, 1, RESPONSE);
    done();
    cr_assert_eq(seen_count(&list, EVENT_TCP_SYN), 1);
    cr_assert_eq(seen_of(&list, EVENT_HTTP_RESPONSE, 0)->reply_to,
                 seen_of(&list, EVENT_HTTP_REQUEST, 0)->id);
}

/* A lost answer: the client confirmed bytes that the capture lacks. */
Test(decoder, confirmed_and_never_captured)
{
    begin();
    talk_open(&t);
    talk_text(&t, 0, REQUEST);
    t.next[1] += (uint32_t)strlen(RESPONSE);
    talk_ack(&t, 0);
    done();
    const struct seen *gap = seen_of(&list, EVENT_GAP, 0);
    cr_assert_not_null(gap);
    cr_assert_eq(gap->tcp.gap_side, 1);
    cr_assert_eq(gap->tcp.gap_len, strlen(RESPONSE));
    cr_assert(gap->tcp.acked_unseen[1]);
    const struct seen *end = seen_of(&list, EVENT_TCP_END, 0);
    cr_assert(end->tcp.acked_unseen[1]);
    cr_assert_not(end->tcp.acked_unseen[0]);
    cr_assert_eq(end->tcp.bytes_lost[1], strlen(RESPONSE));
}

/* A FIN that was not captured is no lost byte. */
Test(decoder, lost_fin)
{
    begin();
    talk_open(&t);
    talk_text(&t, 0, REQUEST);
    talk_text(&t, 1, RESPONSE);
    t.next[1]++;
    talk_say(&t, 0, TCP_FIN, NULL, 0);
    done();
    cr_assert_eq(seen_count(&list, EVENT_GAP), 0);
    const struct seen *end = seen_of(&list, EVENT_TCP_END, 0);
    cr_assert_not(end->tcp.acked_unseen[1]);
    cr_assert_eq(end->tcp.bytes_lost[1], 0);
}

static void other_frames(size_t num)
{
    struct packet_end from = {.host = 7, .port = 7};
    struct packet_end to = {.host = 8, .port = 9};
    for (size_t i = 0; i < num; i++) {
        packets_udp(&k, from, to, "x", 1);
    }
}

Test(decoder, a_hole_in_a_response_closes_in_packet_time)
{
    begin();
    talk_open(&t);
    talk_text(&t, 0, REQUEST);
    talk_say(&t, 1, 0, RESPONSE, 10);
    t.next[1] += 30; /* lost */
    talk_say(&t, 1, 0, &RESPONSE[40], strlen(RESPONSE) - 40);
    talk_ack(&t, 0);
    cr_assert_eq(seen_count(&list, EVENT_GAP), 0);
    k.time_ns += 999 * PACKET_MS;
    other_frames(STREAM_GRACE_FRAMES + 1);
    cr_assert_eq(seen_count(&list, EVENT_GAP), 0);
    k.time_ns += INT64_C(7200000) * PACKET_MS; /* a leap ages nothing */
    other_frames(STREAM_GRACE_FRAMES + 1);
    cr_assert_eq(seen_count(&list, EVENT_GAP), 0);
    k.time_ns += PACKET_MS;
    other_frames(1); /* nor does a single frame after a pause */
    cr_assert_eq(seen_count(&list, EVENT_GAP), 0);
    other_frames(STREAM_GRACE_FRAMES);
    cr_assert_eq(seen_count(&list, EVENT_GAP), 1);
    cr_assert_eq(seen_of(&list, EVENT_GAP, 0)->tcp.gap_len, 30);
    done();
}

Test(decoder, retransmissions_are_counted_and_copies_are_not)
{
    begin();
    talk_open(&t);
    uint32_t start = t.next[0];
    talk_text(&t, 0, REQUEST);
    t.next[0] = start;
    k.time_ns += 10 * PACKET_MS;
    talk_text(&t, 0, REQUEST);
    t.next[0] = start;
    k.time_ns += 300 * PACKET_MS;
    talk_text(&t, 0, REQUEST);
    done();
    cr_assert_eq(seen_count(&list, EVENT_HTTP_REQUEST), 1);
    cr_assert_eq(seen_of(&list, EVENT_TCP_END, 0)->tcp.num_resent[0], 1);
}

Test(decoder, an_answer_captured_before_its_question)
{
    begin();
    talk_open(&t);
    uint32_t start = t.next[0];
    t.next[0] += (uint32_t)strlen(REQUEST);
    talk_text(&t, 1, RESPONSE);
    uint32_t answered = t.next[1];
    t.next[0] = start;
    t.next[1] = 0xfffffff0;
    talk_text(&t, 0, REQUEST);
    t.next[1] = answered;
    done();
    const struct seen *request = seen_of(&list, EVENT_HTTP_REQUEST, 0);
    const struct seen *response = seen_of(&list, EVENT_HTTP_RESPONSE, 0);
    cr_assert_not_null(request);
    cr_assert_not_null(response);
    cr_assert_lt(request->id, response->id);
    cr_assert_eq(response->reply_to, request->id);
    cr_assert_eq(response->frame, 4);
    cr_assert_eq(request->frame, 5);
    cr_assert_eq(seen_count(&list, EVENT_GAP), 0);
}

/* Joined midway, the roles follow the request; nothing is claimed about the stream's start. */
Test(decoder, joined_midway)
{
    begin();
    t.end[0].port = 8080;
    t.end[1].port = 40000;
    talk_text(&t, 0, REQUEST);
    talk_text(&t, 1, RESPONSE);
    talk_text(&t, 0, REQUEST);
    done();
    cr_assert_eq(seen_count(&list, EVENT_HTTP_REQUEST), 2);
    const struct seen *request = seen_of(&list, EVENT_HTTP_REQUEST, 0);
    const struct seen *response = seen_of(&list, EVENT_HTTP_RESPONSE, 0);
    cr_assert_not(request->seen_from_start);
    cr_assert_not(request->tcp.seen_from_syn);
    cr_assert_eq(response->reply_to, request->id);
    const struct seen *end = seen_of(&list, EVENT_TCP_END, 0);
    cr_assert_eq(end->from.port, 8080, "who sends requests is the client");
    cr_assert_eq(end->tcp.bytes_seen[0], 2 * strlen(REQUEST));
    cr_assert_eq(end->tcp.bytes_seen[1], strlen(RESPONSE));
    cr_assert_not(end->tcp.acked_unseen[1]);
}

/* Messages that never end are told as far as they came, and freed once. */
Test(decoder, unfinished_at_the_end)
{
    static const uint8_t dns[] = {0, 90, 0x12, 0x34, 1,   0,   0, 1, 0, 0, 0, 0,
                                  0, 0,  3,    'n',  'e', 't', 0, 0, 1, 0, 1, 9};
    begin();
    t.end[1].port = 53;
    talk_open(&t);
    talk_say(&t, 0, 0, dns, sizeof dns);
    talk_say(&t, 1, 0, dns, 2);
    t.end[1].port = 80;
    talk_open(&t);
    talk_text(&t, 0, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nx");
    done();
    cr_assert_eq(seen_count(&list, EVENT_DNS), 1);
    cr_assert_str_eq(seen_of(&list, EVENT_DNS, 0)->text, "? net");
    const struct seen *request = seen_of(&list, EVENT_HTTP_REQUEST, 0);
    cr_assert_not_null(request);
    cr_assert_not(request->complete);
    cr_assert_eq(seen_count(&list, EVENT_TCP_END), 2);
}

Test(decoder, datagrams_and_their_copies)
{
    static const uint8_t query[] = {0x12, 0x34, 1,   0,   0,   1, 0, 0, 0, 0, 0,
                                    0,    3,    'n', 'e', 't', 0, 0, 1, 0, 1};
    struct packet_end client = {.host = 1, .port = 5000};
    struct packet_end server = {.host = 2, .port = 53};
    begin();
    packets_udp(&k, client, server, query, sizeof query);
    k.time_ns += 20 * PACKET_MS;
    packets_udp(&k, client, server, query, sizeof query);
    packets_udp(&k, server, client, query, sizeof query);
    k.time_ns += 1000 * PACKET_MS;
    packets_udp(&k, client, server, query, sizeof query);
    done();
    EXPECT_KINDS(EVENT_HOST_SEEN, EVENT_DNS, EVENT_DUPLICATE, EVENT_HOST_SEEN, EVENT_DNS,
                 EVENT_DNS);
    cr_assert_eq(list.at[2].reply_to, list.at[1].id);
    cr_assert_eq(list.at[2].frame, 2);
    cr_assert_eq(list.at[2].carrier, CARRIER_UDP);
    cr_assert_eq(stats.drops[DECODER_DROP_DUPLICATE], 1);
}

Test(decoder, other_traffic_only_shows_its_hosts)
{
    struct packet_end client = {.host = 1, .port = 5000};
    struct packet_end server = {.host = 2, .port = 9999};
    begin();
    for (int i = 0; i < 10; i++) {
        packets_udp(&k, client, server, "payload", 7);
    }
    packets_ip(&k, 3, 1, 47, (const uint8_t *)"\0\0\0\0\0\0\0\0", 8);
    done();
    cr_assert_geq(list.num, 1);
    cr_assert_eq(seen_count(&list, EVENT_HOST_SEEN), list.num);
    cr_assert_eq(list.at[0].from.port, 0);
}

/* Of a frame cut by the snap length, the rest of its bytes is a gap at once. */
Test(decoder, cut_by_the_snap_length)
{
    begin();
    talk_open(&t);
    k.snap_len = 54 + 80;
    talk_text(&t, 0, REQUEST REQUEST REQUEST);
    talk_text(&t, 1, RESPONSE);
    done();
    cr_assert_eq(seen_of(&list, EVENT_HTTP_REQUEST, 0)->complete, true);
    const struct seen *gap = seen_of(&list, EVENT_GAP, 0);
    cr_assert_not_null(gap);
    cr_assert_eq(gap->tcp.gap_len, 3 * strlen(REQUEST) - 80);
    cr_assert_eq(seen_of(&list, EVENT_HTTP_RESPONSE, 0)->complete, false);
    cr_assert_eq(seen_of(&list, EVENT_HTTP_RESPONSE, 0)->status, 401);
}

Test(decoder, the_table_of_connections_is_bounded)
{
    begin();
    for (uint32_t i = 0; i < DECODER_FLOWS_MAX + 100; i++) {
        struct packet_end client = {.host = (uint8_t)(1 + i / 60000),
                                    .port = (uint16_t)(1024 + i % 60000)};
        struct packet_end server = {.host = 200, .port = 80};
        packets_tcp(&k, client, server, 5, 0, TCP_SYN, NULL, 0);
    }
    cr_assert_eq(decoder_stats(k.decoder)->flows, DECODER_FLOWS_MAX + 100);
    decoder_end(k.decoder);
    cr_assert_eq(decoder_stats(k.decoder)->events, (uint64_t)(DECODER_FLOWS_MAX + 100) * 2 + 2,
                 "a SYN and an end each, two hosts");
    decoder_free(k.decoder);
}

Test(decoder, an_empty_capture)
{
    begin();
    done();
    cr_assert_eq(list.num, 0);
}

Test(decoder, every_word_has_a_name)
{
    for (int i = 0; i < DECODER_DROP_COUNT; i++) {
        cr_assert_str_neq(decoder_drop_name((enum decoder_drop)i), "unknown");
    }
    for (int i = 0; i <= EVENT_TLS; i++) {
        cr_assert_str_neq(event_kind_name((enum event_kind)i), "unknown");
    }
}
