/* What hosts say about each other: unreachable messages with the packet that they quote, ARP and
 * neighbour discovery. */
#include "tests/segment_frames.h"

#include <criterion/criterion.h>

static struct segmenter *s;

static void setup(void)
{
    s = segmenter_new();
    cr_assert_not_null(s);
}

static void teardown(void)
{
    segmenter_free(s);
}

TestSuite(segment_icmp, .init = setup, .fini = teardown);

static struct packet p;

/* A packet of a protocol with this payload in hex, cut to len bytes of it; -1: whole. */
static void parse(struct segment *out, const char *headers, unsigned protocol, const char *hex,
                  int cut)
{
    static uint8_t *copy;
    struct frame frame = {.number = 3, .link_type = LINK_TYPE_ETHERNET, .time_ns = 1};
    packet_init(&p, battery_hex(hex));
    p.protocol = protocol;
    p.type = 0x0806;
    size_t payload_len = packet_bytes(&p).len;
    packet_headers_put(&p, headers);
    struct bytes b = packet_bytes(&p);
    size_t len = cut < 0 ? b.len : b.len - payload_len + (size_t)cut;
    free(copy);
    segment_of(s, out, &copy, frame, bytes_part(b, 0, len), b.len);
}

static bool is_v4(const struct address *a, const char *text)
{
    struct address expected;
    return address_parse(bytes_of(text), &expected) && address_equal(a, &expected);
}

#define QUOTED_UDP "45000021 1234 4000 80 11 0000 0a010002 0a010063 c123 0058 000d 0000"
#define QUOTED_TCP "45000028 1234 4000 80 06 0000 0a010002 0a010063 c124 0050 01020304"
#define QUOTED_OPTIONS "46000028 1234 4000 80 06 0000 0a010002 0a010063 01010100 c124 0050 01020304"
#define QUOTED_LATER "45000028 1234 00b9 80 11 0000 0a010002 0a010063 c124 0050 01020304"
#define QUOTED_PING "45000028 1234 4000 80 01 0000 0a010002 0a010063 0800 1111 2222 3333"

Test(segment_icmp, unreachable_quotes_the_packet_that_failed)
{
    static const struct {
        const char *quote;
        uint8_t protocol;
        uint16_t from, to;
    } quotes[] = {{QUOTED_UDP, 17, 0xc123, 88},
                  {QUOTED_TCP, 6, 0xc124, 80},
                  {QUOTED_OPTIONS, 6, 0xc124, 80},
                  {QUOTED_LATER, 17, 0, 0},
                  {QUOTED_PING, 1, 0, 0}};
    for (unsigned code = 0; code < 16; code++) {
        for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++) {
            struct segment out;
            char hex[256];
            (void)snprintf(hex, sizeof hex, "03%02x 0000 00000000 %s", code, quotes[i].quote);
            parse(&out, "ether ip4", 1, hex, -1);
            cr_assert_eq(out.kind, SEGMENT_ICMP_UNREACHABLE, "%zu", i);
            cr_assert_eq(out.icmp_type, 3);
            cr_assert_eq(out.icmp_code, code);
            cr_assert_eq(out.quoted_protocol, quotes[i].protocol);
            cr_assert(is_v4(&out.from.address, "10.1.0.1"));
            cr_assert(is_v4(&out.to.address, "10.1.0.2"));
            cr_assert(is_v4(&out.quoted_from.address, "10.1.0.2"));
            cr_assert(is_v4(&out.quoted_to.address, "10.1.0.99"));
            cr_assert_eq(out.quoted_from.port, quotes[i].from, "%zu", i);
            cr_assert_eq(out.quoted_to.port, quotes[i].to, "%zu", i);
        }
    }
}

Test(segment_icmp, quotes_may_end_behind_the_ports_and_anywhere)
{
    for (int len = 0; len < 8 + 20 + 8; len++) {
        struct segment out;
        parse(&out, "ether ip4", 1, "0303 0000 00000000" QUOTED_UDP, len);
        if (len < 1 || (len < 28)) {
            cr_assert_eq(out.kind, SEGMENT_NONE, "%d", len);
            cr_assert_eq(out.drop, SEGMENT_DROP_CUT, "%d", len);
            continue;
        }
        cr_assert_eq(out.kind, SEGMENT_ICMP_UNREACHABLE, "%d", len);
        cr_assert_eq(out.quoted_to.port, len >= 32 ? 88 : 0, "%d", len);
        cr_assert_eq(out.quoted_from.port, len >= 32 ? 0xc123 : 0, "%d", len);
    }
}

Test(segment_icmp, a_quote_without_a_header_is_malformed)
{
    struct segment out;
    parse(&out, "ether ip4", 1,
          "0303 0000 00000000 65000021 1234 4000 80 11 0000 0a010002 0a010063", -1);
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED);
    parse(&out, "ether ip4", 1, "0303 0000 00000000 45000021", -1);
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED);
    parse(&out, "ether ip4", 1, "0800 0000 0001 0001", -1);
    cr_assert_eq(out.kind, SEGMENT_OTHER, "an echo request");
    parse(&out, "ether ip4", 1, "0b00 0000 00000000" QUOTED_UDP, -1);
    cr_assert_eq(out.kind, SEGMENT_OTHER, "time exceeded");
}

#define QUOTED_6 "60000000 0010 11 40" V6_B V6_D "c123 0058 0010 0000"
#define QUOTED_6_LONG                                                                              \
    "60000000 0020 00 40" V6_B V6_D "3c00 010400000000 2c00 010400000000 1100 0001 00000001"       \
    "c123 0058 0010 0000"
#define QUOTED_6_LATER "60000000 0020 2c 40" V6_B V6_D "1100 0101 00000001 c123 0058 0010 0000"

Test(segment_icmp, unreachable_of_ipv6_sees_through_extension_headers)
{
    static const char *const quotes[] = {QUOTED_6, QUOTED_6_LONG, QUOTED_6_LATER};
    for (size_t i = 0; i < 3; i++) {
        struct segment out;
        char hex[512];
        (void)snprintf(hex, sizeof hex, "0104 0000 00000000 %s", quotes[i]);
        parse(&out, "ether ip6", 58, hex, -1);
        cr_assert_eq(out.kind, SEGMENT_ICMP_UNREACHABLE, "%zu", i);
        cr_assert_eq(out.icmp_type, 1);
        cr_assert_eq(out.icmp_code, 4);
        cr_assert_eq(out.quoted_protocol, 17, "%zu", i);
        cr_assert(is_v4(&out.quoted_from.address, "2001:db8::2"));
        cr_assert(is_v4(&out.quoted_to.address, "fd00::2"));
        cr_assert_eq(out.quoted_to.port, i == 2 ? 0 : 88, "%zu", i);
    }
}

/* ICMP of one family in the other means nothing. */
Test(segment_icmp, icmp_belongs_to_its_family)
{
    struct segment out;
    parse(&out, "ether ip6", 1, "0303 0000 00000000" QUOTED_UDP, -1);
    cr_assert_eq(out.kind, SEGMENT_OTHER);
    parse(&out, "ether ip4", 58, "8700 0000 00000000" V6_A, -1);
    cr_assert_eq(out.kind, SEGMENT_OTHER);
}

#define ARP_HEAD "0001 0800 06 04 "
#define MAC_A "020000000001"
#define MAC_0 "000000000000"

Test(segment_icmp, arp_asks_and_answers)
{
    struct segment out;
    parse(&out, "ether", 0, ARP_HEAD "0001" MAC_A "0a010001" MAC_0 "0a010002", -1);
    cr_assert_eq(out.kind, SEGMENT_NEIGHBOUR_REQUEST);
    cr_assert(is_v4(&out.from.address, "10.1.0.1"));
    cr_assert(is_v4(&out.target, "10.1.0.2"));
    cr_assert_eq(out.to.address.family, ADDRESS_NONE);

    parse(&out, "ether vlan", 0, ARP_HEAD "0002" MAC_A "0a010002" MAC_0 "0a010001", -1);
    cr_assert_eq(out.kind, SEGMENT_NEIGHBOUR_REPLY);
    cr_assert(is_v4(&out.from.address, "10.1.0.2"));
    cr_assert(is_v4(&out.target, "10.1.0.2"), "answers as");
    cr_assert(is_v4(&out.to.address, "10.1.0.1"));

    parse(&out, "ether", 0, ARP_HEAD "0001" MAC_A "00000000" MAC_0 "0a010002", -1);
    cr_assert_eq(out.kind, SEGMENT_NEIGHBOUR_REQUEST, "a probe");
    cr_assert_eq(out.from.address.family, ADDRESS_NONE);

    parse(&out, "ether", 0, ARP_HEAD "0001" MAC_A "0a010001" MAC_0 "0a010001", -1);
    cr_assert_eq(out.kind, SEGMENT_NEIGHBOUR_REQUEST, "an announcement");
    cr_assert(address_equal(&out.from.address, &out.target));

    parse(&out, "ether", 0, ARP_HEAD "0003" MAC_A "0a010001" MAC_0 "0a010002", -1);
    cr_assert_eq(out.kind, SEGMENT_NONE, "reverse ARP");
    cr_assert_eq(out.drop, SEGMENT_DROP_NONE);
    parse(&out, "ether", 0, "0001 86dd 06 10 0001" MAC_A V6_A MAC_0 V6_B, -1);
    cr_assert_eq(out.kind, SEGMENT_NONE, "not of IPv4");
    parse(&out, "ether", 0, "0020 0800 00 04 0001 0a010001 0a010002", -1);
    cr_assert(is_v4(&out.target, "10.1.0.2"), "hardware addresses may be missing");

    for (int len = 0; len < 28; len++) {
        parse(&out, "ether", 0, ARP_HEAD "0001" MAC_A "0a010001" MAC_0 "0a010002", len);
        cr_assert_eq(out.kind, SEGMENT_NONE);
        cr_assert_eq(out.drop, SEGMENT_DROP_CUT, "%d", len);
    }
}

Test(segment_icmp, neighbour_discovery_asks_and_answers)
{
    struct segment out;
    parse(&out, "ether ip6", 58, "8700 0000 00000000" V6_C "0101" MAC_A, -1);
    cr_assert_eq(out.kind, SEGMENT_NEIGHBOUR_REQUEST);
    cr_assert(is_v4(&out.from.address, "2001:db8::1"));
    cr_assert(is_v4(&out.target, "fd00::1"));

    parse(&out, "ether ip6", 58, "8800 0000 60000000" V6_A, -1);
    cr_assert_eq(out.kind, SEGMENT_NEIGHBOUR_REPLY);
    cr_assert(is_v4(&out.target, "2001:db8::1"));

    parse(&out, "ether", 0, "", -1);
    packet_init(&p, battery_hex("8700 0000 00000000" V6_C));
    packet_put(&p, battery_hex("60000000 0018 3a ff 00000000000000000000000000000000" V6_D));
    p.type = 0x86dd;
    packet_headers_put(&p, "ether");
    struct frame frame = {.link_type = 1};
    uint8_t *copy;
    segment_of(s, &out, &copy, frame, packet_bytes(&p), packet_bytes(&p).len);
    cr_assert_eq(out.kind, SEGMENT_NEIGHBOUR_REQUEST, "a probe");
    cr_assert_eq(out.from.address.family, ADDRESS_NONE);
    free(copy);

    for (int len = 0; len < 24; len++) {
        parse(&out, "ether ip6", 58, "8700 0000 00000000" V6_C, len);
        cr_assert_eq(out.kind, SEGMENT_NONE);
        cr_assert_eq(out.drop, SEGMENT_DROP_CUT, "%d", len);
    }
    parse(&out, "ether ip6", 58, "8600 0000 40000000", -1);
    cr_assert_eq(out.kind, SEGMENT_OTHER, "a router's advertisement");
}
