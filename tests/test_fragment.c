/* Datagrams of both families cut into pieces that come in any order, twice, overlapping, late or
 * not at all. */
#include "tests/segment_frames.h"

#include <criterion/criterion.h>

enum { DATA_LEN = 8 + 100 }; /* a UDP header and its payload */

static struct segmenter *s;
static struct segment out;
static uint8_t data[FRAGMENT_DATAGRAM_BYTES];

static void setup(void)
{
    s = segmenter_new();
    cr_assert_not_null(s);
    static const uint8_t udp[] = {0xc0, 0x00, 0x00, 0x58, 0x00, DATA_LEN, 0x00, 0x00};
    memcpy(data, udp, sizeof udp);
    for (size_t i = sizeof udp; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
}

static void teardown(void)
{
    segmenter_free(s);
}

TestSuite(fragment, .init = setup, .fini = teardown);

struct piece {
    size_t from, to; /* of data; to beyond 65535 is possible on purpose */
    bool more;
    uint16_t id;
    uint8_t flip; /* its bytes are xored with this */
    size_t lack;  /* bytes at its end that were not captured */
    bool is_v6;
    uint8_t protocol; /* 0: UDP */
    uint32_t number;
    int64_t time_ns;
};

/* One fragment as a frame of its own, in a block of its size. The block of the former stays until
 * now: payloads of whole datagrams lie elsewhere. */
static void send(struct piece piece)
{
    static struct packet p;
    static uint8_t *copy;
    static uint8_t bytes[FRAGMENT_DATAGRAM_BYTES];
    static char hex[128];
    struct frame frame = {.number = piece.number,
                          .link_type = piece.is_v6 ? LINK_TYPE_IPV6 : LINK_TYPE_IPV4,
                          .time_ns = piece.time_ns};
    size_t len = piece.to - piece.from;
    unsigned units = (unsigned)(piece.from / 8);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = data[(piece.from + i) % sizeof data] ^ piece.flip;
    }
    packet_init(&p, (struct bytes){.at = bytes, .len = len});
    p.protocol = piece.protocol != 0 ? piece.protocol : 17;
    if (piece.is_v6) {
        (void)snprintf(hex, sizeof hex, "%02x 00 %04x 0000 %04x", p.protocol,
                       units << 3 | (piece.more ? 1U : 0U), piece.id);
        packet_hex(&p, hex);
        p.protocol = 44;
        packet_headers_put(&p, "ip6");
    } else {
        (void)snprintf(hex, sizeof hex, "45 00 mmmm %04x %04x 40 pp 0000 0a010001 0a010002",
                       piece.id, units | (piece.more ? 0x2000U : 0U));
        packet_hex(&p, hex);
    }
    struct bytes whole = packet_bytes(&p);
    free(copy);
    segment_of(s, &out, &copy, frame, bytes_part(whole, 0, whole.len - piece.lack), whole.len);
}

static void expect_held(const char *why)
{
    cr_assert_eq(out.kind, SEGMENT_NONE, "%s", why);
    cr_assert_eq(out.drop, SEGMENT_DROP_NONE, "%s: %s", why, segment_drop_name(out.drop));
}

static void expect_whole(size_t num_frames)
{
    cr_assert_eq(out.kind, SEGMENT_UDP);
    cr_assert_eq(out.drop, SEGMENT_DROP_NONE);
    cr_assert(out.is_reassembled);
    cr_assert_eq(out.num_frames, num_frames, "%zu", out.num_frames);
    for (size_t i = 1; i < out.num_frames; i++) {
        cr_assert_lt(out.frames[i - 1], out.frames[i]);
    }
    cr_assert_eq(out.from.port, 0xc000);
    cr_assert_eq(out.to.port, 88);
    cr_assert_eq(out.payload_len, DATA_LEN - 8);
    cr_assert_eq(out.payload.len, DATA_LEN - 8);
    cr_assert_arr_eq(out.payload.at, data + 8, DATA_LEN - 8);
}

/* 24 + 24 + 40 + 20 bytes. */
static struct piece quarter(unsigned which, bool is_v6)
{
    static const size_t ends[] = {0, 24, 48, 88, DATA_LEN};
    return (struct piece){.from = ends[which],
                          .to = ends[which + 1],
                          .more = which != 3,
                          .id = 0x1234,
                          .is_v6 = is_v6};
}

Test(fragment, four_pieces_in_all_orders)
{
    uint32_t number = 1;
    int64_t time_ns = 0;
    for (unsigned order = 0; order < 256; order++) {
        unsigned a = order & 3, b = order >> 2 & 3, c = order >> 4 & 3, d = order >> 6;
        if (((1U << a) | (1U << b) | (1U << c) | (1U << d)) != 15) {
            continue;
        }
        for (int family = 0; family < 2; family++) {
            unsigned pieces[4] = {a, b, c, d};
            for (size_t i = 0; i < 4; i++) {
                struct piece piece = quarter(pieces[i], family == 1);
                piece.number = number++;
                piece.time_ns = time_ns;
                send(piece);
                if (i < 3) {
                    expect_held("not all yet");
                }
            }
            expect_whole(4);
            cr_assert_eq(out.frames[0], number - 4);
        }
    }
    cr_assert_eq(segmenter_fragments_lost(s), 0);
}

Test(fragment, mirrored_pieces_are_known)
{
    static const unsigned order[] = {1, 1, 0, 0, 2, 2, 3};
    for (uint32_t i = 0; i < 7; i++) {
        struct piece piece = quarter(order[i], false);
        piece.number = i + 1;
        send(piece);
        if (i < 6) {
            expect_held("not all yet");
        }
    }
    expect_whole(4);
    static const uint32_t frames[] = {1, 3, 5, 7};
    cr_assert_arr_eq(out.frames, frames, sizeof frames);
    /* the copy of the last one comes behind the whole: nothing is missing */
    struct piece late = quarter(3, false);
    late.number = 8;
    send(late);
    expect_held("a copy");
    late.id = 0x9999;
    late.time_ns = FRAGMENT_AGE_NS * 2;
    send(late);
    expect_held("another datagram; the copy is forgotten silently");
    cr_assert_eq(segmenter_fragments_lost(s), 0);
}

Test(fragment, a_whole_copy_is_given_out_again)
{
    for (uint32_t i = 0; i < 8; i++) {
        struct piece piece = quarter(i % 4, true);
        piece.number = i + 1;
        send(piece);
    }
    expect_whole(4);
    cr_assert_eq(out.frames[0], 5);
}

Test(fragment, other_data_under_the_same_id_is_missed_when_it_lacks)
{
    for (unsigned i = 0; i < 4; i++) {
        send(quarter(i, false));
    }
    expect_whole(1);
    struct piece other = quarter(1, false);
    other.flip = 0x55;
    send(other);
    expect_held("not all yet");
    other.id++;
    other.time_ns = FRAGMENT_AGE_NS + 1;
    send(other);
    cr_assert_eq(out.drop, SEGMENT_DROP_FRAGMENT_EXPIRED);
    cr_assert_eq(segmenter_fragments_lost(s), 1);
}

Test(fragment, the_bytes_that_came_first_stay)
{
    struct piece first = {.from = 16, .to = 64, .more = true, .number = 1};
    struct piece over = {.from = 0, .to = 80, .more = true, .flip = 0xff, .number = 2};
    struct piece head = {.from = 0, .to = 16, .more = true, .number = 3};
    struct piece tail = {.from = 40, .to = DATA_LEN, .more = false, .number = 4};
    send(head);
    send(first);
    send(over); /* brings 64 to 80 only, damaged */
    expect_held("the end lacks");
    send(tail);
    cr_assert_eq(out.kind, SEGMENT_UDP);
    cr_assert_eq(out.num_frames, 4);
    for (size_t i = 8; i < DATA_LEN; i++) {
        uint8_t expected = i >= 64 && i < 80 ? data[i] ^ 0xff : data[i];
        cr_assert_eq(out.payload.at[i - 8], expected, "%zu", i);
    }
}

Test(fragment, pieces_that_contradict_are_left_out)
{
    send((struct piece){.from = 0, .to = 20, .more = true});
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED, "no multiple of 8, and not the last");
    send((struct piece){.from = 8, .to = 8, .more = true});
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED, "nothing, and not the last");
    send((struct piece){.from = 65528, .to = 65544, .more = false});
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED, "beyond any datagram");
    for (unsigned i = 1; i < 4; i++) {
        send(quarter(i, false));
        expect_held("the first lacks");
    }
    struct piece piece = {.from = 96, .to = 112, .more = true, .id = 0x1234, .flip = 1};
    send(piece);
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED, "behind the end");
    piece.to = 104;
    piece.more = false;
    send(piece);
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED, "another end");
    send(quarter(0, false));
    expect_whole(1);
    send((struct piece){.from = 64, .to = 128, .more = true, .id = 5});
    expect_held("a new one");
    send((struct piece){.from = 32, .to = 64, .more = false, .id = 5});
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED, "an end before what is there");
}

Test(fragment, what_was_not_captured_is_missing_at_the_end)
{
    for (unsigned i = 0; i < 4; i++) {
        struct piece piece = quarter(i, false);
        piece.lack = i == 2 ? 30 : 0; /* of 48 to 88: sure up to 58 */
        send(piece);
    }
    cr_assert_eq(out.kind, SEGMENT_UDP);
    cr_assert_eq(out.payload_len, DATA_LEN - 8);
    cr_assert_eq(out.payload.len, 58 - 8);
    cr_assert_arr_eq(out.payload.at, data + 8, 58 - 8);
}

Test(fragment, keys_tell_datagrams_apart)
{
    struct piece mine = quarter(0, false);
    send(mine);
    for (unsigned i = 1; i < 4; i++) {
        struct piece piece = quarter(i, false);
        piece.id = 0x4321;
        send(piece);
        expect_held("another id");
        piece = quarter(i, true);
        send(piece);
        expect_held("another family");
        piece = quarter(i, false);
        piece.protocol = 6;
        send(piece);
        expect_held("another protocol");
    }
    for (unsigned i = 1; i < 4; i++) {
        send(quarter(i, false));
    }
    expect_whole(1);
}

/* RFC 8200 4.5: only the first fragment's next header counts. */
Test(fragment, ipv6_takes_the_protocol_of_the_first)
{
    static const unsigned order[] = {3, 0, 2, 1};
    for (unsigned i = 0; i < 4; i++) {
        struct piece piece = quarter(order[i], true);
        piece.protocol = order[i] == 0 ? 17 : 60;
        send(piece);
    }
    expect_whole(1);
}

Test(fragment, age_ends_a_datagram_and_is_told_once)
{
    send(quarter(0, false));
    struct piece late = quarter(1, false);
    late.time_ns = FRAGMENT_AGE_NS;
    send(late);
    expect_held("just in time");
    late = quarter(2, false);
    late.time_ns = FRAGMENT_AGE_NS + 1;
    send(late);
    cr_assert_eq(out.kind, SEGMENT_NONE);
    cr_assert_eq(out.drop, SEGMENT_DROP_FRAGMENT_EXPIRED);
    cr_assert_eq(segmenter_fragments_lost(s), 1);
    late = quarter(3, false);
    late.time_ns = FRAGMENT_AGE_NS + 2;
    send(late);
    expect_held("of the new one");
    cr_assert_eq(segmenter_fragments_lost(s), 1);
}

/* Nothing else need be fragmented for a loss to be counted. */
Test(fragment, age_is_counted_without_further_fragments)
{
    send(quarter(0, false));
    struct frame frame = {.number = 9, .link_type = LINK_TYPE_IPV4, .time_ns = FRAGMENT_AGE_NS + 1};
    cr_assert_eq(segmenter_fragments_lost(s), 0);
    segment_parse(s, &frame, &out);
    cr_assert_eq(segmenter_fragments_lost(s), 1);
}

Test(fragment, clocks_that_leap_age_nothing)
{
    static const int64_t times[] = {INT64_MAX, 0, INT64_MIN, 7200 * INT64_C(1000000000)};
    send(quarter(0, false));
    for (unsigned i = 0; i < 3; i++) {
        struct piece piece = quarter(i + 1, false);
        piece.time_ns = times[i];
        send(piece);
    }
    expect_whole(1);
    send((struct piece){.from = 0, .to = 8, .more = true, .id = 8, .time_ns = 0});
    send((struct piece){.from = 0, .to = 8, .more = true, .id = 9, .time_ns = times[3]});
    expect_held("two hours later");
    cr_assert_eq(segmenter_fragments_lost(s), 0);
    send((struct piece){
        .from = 0, .to = 8, .more = true, .id = 9, .time_ns = times[3] + FRAGMENT_AGE_NS + 1});
    cr_assert_eq(segmenter_fragments_lost(s), 2, "ages go on from the leap");
}

Test(fragment, a_full_table_gives_up_the_one_longest_unused)
{
    for (uint16_t id = 0; id < FRAGMENT_DATAGRAMS_MAX; id++) {
        struct piece piece = quarter(0, false);
        piece.id = id;
        send(piece);
        expect_held("there is room");
    }
    struct piece piece = quarter(1, false);
    piece.id = 0;
    send(piece); /* 0 is used again, so 1 is the oldest */
    expect_held("of a known one");
    piece = quarter(0, false);
    piece.id = FRAGMENT_DATAGRAMS_MAX;
    send(piece);
    cr_assert_eq(out.drop, SEGMENT_DROP_FRAGMENT_FULL);
    cr_assert_eq(segmenter_fragments_lost(s), 1);
    for (unsigned i = 1; i < 4; i++) {
        for (uint16_t id = 0; id <= FRAGMENT_DATAGRAMS_MAX; id++) {
            if (id != 1) {
                piece = quarter(i, false);
                piece.id = id;
                send(piece);
                if (i == 3) {
                    expect_whole(1);
                }
            }
        }
    }
    cr_assert_eq(segmenter_fragments_lost(s), 1);
}

Test(fragment, more_fragments_than_frames_are_kept)
{
    static const uint8_t udp[] = {0xc0, 0x00, 0x00, 0x58, 0xff, 0xff, 0x00, 0x00};
    memcpy(data, udp, sizeof udp);
    uint32_t number = 1;
    for (size_t from = 0; from < sizeof data; from += 8) {
        size_t to = from + 8 < sizeof data ? from + 8 : sizeof data;
        send((struct piece){
            .from = from, .to = to, .more = to < sizeof data, .is_v6 = true, .number = number++});
    }
    cr_assert_eq(out.kind, SEGMENT_UDP);
    cr_assert_eq(out.num_frames, SEGMENT_FRAMES_MAX);
    cr_assert_eq(out.payload_len, sizeof data - 8);
    cr_assert_arr_eq(out.payload.at, data + 8, sizeof data - 8);
}

/* A tunnel whose packets are cut, around packets that were cut before. */
Test(fragment, fragments_inside_fragments)
{
    static struct packet p;
    uint8_t *copy;
    uint32_t number = 1;
    for (unsigned i = 0; i < 4; i++) {
        char hex[128];
        struct piece piece = quarter(i, false);
        packet_init(&p, (struct bytes){.at = data + piece.from, .len = piece.to - piece.from});
        p.protocol = 17;
        (void)snprintf(hex, sizeof hex, "45 00 mmmm 0001 %04x 40 pp 0000 0a010001 0a010002",
                       (unsigned)(piece.from / 8) | (piece.more ? 0x2000U : 0U));
        packet_hex(&p, hex);
        struct bytes inner = packet_bytes(&p);
        static uint8_t kept[256];
        memcpy(kept, inner.at, inner.len);
        for (size_t from = 0; from < inner.len; from += 16) {
            size_t len = inner.len - from < 16 ? inner.len - from : 16;
            packet_init(&p, (struct bytes){.at = kept + from, .len = len});
            p.protocol = 4;
            /* the same addresses and the same id as inside */
            (void)snprintf(hex, sizeof hex, "45 00 mmmm 0001 %04x 40 pp 0000 0a010001 0a010002",
                           (unsigned)(from / 8) | (from + len < inner.len ? 0x2000U : 0U));
            packet_hex(&p, hex);
            struct frame frame = {.number = number++, .link_type = LINK_TYPE_IPV4};
            segment_of(s, &out, &copy, frame, packet_bytes(&p), packet_bytes(&p).len);
            free(copy);
        }
    }
    expect_whole(number - 1);
    cr_assert_eq(segmenter_fragments_lost(s), 0);
}
