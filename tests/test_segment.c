/* Each header that can stand between the wire and the transport payload: frames built from their
 * names must give the innermost addresses and ports, at any cut and with any byte damaged. */
#include "tests/segment_frames.h"

#include <criterion/criterion.h>

static const char payload_text[] = "GET /index HTTP/1.1";

enum { PAYLOAD_LEN = sizeof payload_text - 1 };

/* Headers around the payload. Those ending with tcp or udp must give ports 49152 -> 80. */
static const struct {
    uint16_t link_type;
    const char *headers;
    bool is_guessed; /* a cut leaves less than it takes to tell that it is a tunnel */
} cases[] = {
    {1, "ether ip4 tcp", false},
    {1, "ether ip4 udp", false},
    {1, "ether ip6 tcp", false},
    {1, "ether ip6 udp", false},
    {1, "ether ip4-options tcp", false},
    {1, "ether ip4-zero tcp", false},
    {1, "ether ip6-zero tcp", false},
    {1, "ether ip4-zero udp0", false},
    {1, "ether vlan ip4 tcp", false},
    {1, "ether 802.1ad vlan ip6 tcp", false},
    {1, "ether 9100 vlan vlan ip4 udp", false},
    {1, "ether vntag vlan ip4 tcp", false},
    {1, "ether sgt ip4 tcp", false},
    {1, "802.3 snap ip4 tcp", false},
    {1, "802.3 snap-h ip4 tcp", false},
    {1, "802.3 llc-ip ip4 tcp", false},
    {1, "802.3 snap-bridged ether ip4 tcp", false},
    {1, "ether pppoe ppp ip4 tcp", false},
    {1, "ether vlan pppoe ppp ip6 tcp", false},
    {1, "ether pppoe ppp-short ip4 tcp", false},
    {1, "ether mpls mpls-bottom ip4 tcp", false},
    {1, "ether mpls-bottom ip6 tcp", false},
    {1, "ether mpls-bottom control-word ether ip4 tcp", false},
    {1, "ether mpls mpls-bottom ether vlan ip4 tcp", false},
    {0, "null-le ip4 tcp", false},
    {0, "null-be ip4 tcp", false},
    {0, "null6-linux ip6 tcp", false},
    {0, "null6-windows ip6 tcp", false},
    {0, "null6-openbsd ip6 tcp", false},
    {0, "null6-freebsd ip6 tcp", false},
    {0, "null6-macos ip6 tcp", false},
    {0, "null-type ip4 tcp", false},
    {108, "null-be ip4 tcp", false},
    {108, "null-le ip4 tcp", false},
    {101, "ip4 tcp", false},
    {12, "ip6 tcp", false},
    {14, "ip4 udp", false},
    {228, "ip4 tcp", false},
    {229, "ip6 tcp", false},
    {113, "sll ip4 tcp", false},
    {113, "sll vlan ip6 tcp", false},
    {113, "sll-llc snap ip4 tcp", false},
    {276, "sll2 ip4 tcp", false},
    {276, "sll2 ip6 udp", false},
    {9, "ppp ip4 tcp", false},
    {9, "ppp-hdlc ip6 tcp", false},
    {9, "ppp mpls-bottom ip4 tcp", false},
    {50, "ppp-hdlc ip4 tcp", false},
    {51, "pppoe ppp ip4 tcp", false},
    {104, "chdlc ip4 tcp", false},
    {6, "ring snap ip4 tcp", false},
    {6, "ring-routed snap ip6 tcp", false},
    {10, "fddi snap ip4 tcp", false},
    {105, "wlan snap ip4 tcp", false},
    {105, "wlan-qos snap ip6 tcp", false},
    {105, "wlan-ht snap ip4 tcp", false},
    {105, "wlan-bridge snap ip4 tcp", false},
    {105, "wlan-amsdu snap ip4 tcp", false},
    {105, "wlan-protected snap ip4 tcp", true}, /* decrypted: the bit stays, LLC shows */
    {127, "radiotap wlan-qos snap ip4 tcp", false},
    {127, "radiotap-flags wlan snap ip4 tcp", false},
    {127, "radiotap-padded wlan-qos-padded snap ip4 tcp", false},
    {192, "ppi ether ip4 tcp", false},
    {1, "ether ip6 hop tcp", false},
    {1, "ether ip6 hop destination routing destination udp", false},
    {1, "ether ip6 atomic tcp", false},
    {1, "ether ip6 ah tcp", false},
    {1, "ether ip4 ah udp", false},
    {1, "ether outer4 ip4 tcp", false},
    {1, "ether outer4 ip6 tcp", false},
    {1, "ether outer6 ip4 tcp", false},
    {1, "ether outer6 destination ip6 tcp", false},
    {1, "ether outer6 ether ip6 tcp", false},
    {1, "ether outer4 etherip ether ip4 tcp", false},
    {1, "ether outer4 mpls-bottom ip4 tcp", false},
    {1, "ether outer4 gre ip4 tcp", false},
    {1, "ether outer6 gre ip6 udp", false},
    {1, "ether outer4 gre-all ip4 tcp", false},
    {1, "ether outer4 gre-routed ip4 tcp", false},
    {1, "ether outer4 gre ether ip4 tcp", false},
    {1, "ether outer4 gre mpls mpls-bottom ip4 tcp", false},
    {1, "ether outer4 gre ppp ip4 tcp", false},
    {1, "ether outer4 gre-pptp ppp-hdlc ip4 tcp", false},
    {1, "ether outer4 gre-sgt ip4 tcp", false},
    {1, "ether outer4 nvgre ether vlan ip6 tcp", false},
    {1, "ether outer4 wccp ip4 tcp", false},
    {1, "ether outer4 erspan1 ether ip4 tcp", false},
    {1, "ether outer4 erspan2 ether vlan ip4 tcp", false},
    {1, "ether outer4 erspan3 ether ip4 tcp", false},
    {1, "ether outer4 erspan3-sub ether ip6 tcp", false},
    {1, "ether outer4 erspan3-ip ip4 tcp", false},
    {1, "ether outer4 udp-vxlan vxlan ether ip4 tcp", true},
    {1, "ether outer6 udp-vxlan-linux vxlan ether vlan ip6 tcp", true},
    {1, "ether outer4 udp-gpe gpe-ip4 ip4 tcp", true},
    {1, "ether outer4 udp-vxlan gpe-ip6 ip6 tcp", true},
    {1, "ether outer4 udp-geneve geneve ether ip4 tcp", true},
    {1, "ether outer4 udp-geneve geneve-options ip6 tcp", true},
    {1, "ether outer4 udp-teredo ip6 tcp", true},
    {1, "ether outer4 udp-teredo teredo-origin ip6 tcp", true},
    {1, "ether outer4 udp-teredo teredo-auth teredo-origin ip6 tcp", true},
    {1, "ether outer4 udp-gtp gtp ip4 tcp", true},
    {1, "ether outer4 udp-gtp gtp-extended ip6 tcp", true},
    {1, "ether outer4 udp-l2tp l2tp ppp-hdlc ip4 tcp", true},
    {1, "ether outer4 udp-l2tp l2tp-all ppp ip6 tcp", true},
    {1, "ether outer4 outer4 udp-vxlan vxlan ether outer6 gre ip4 tcp", true},
};

enum { NUM_CASES = sizeof cases / sizeof *cases };

static struct address v4(uint8_t last)
{
    return (struct address){.family = ADDRESS_IPV4, .octets = {10, 1, 0, last}};
}

static struct address v6(uint8_t last)
{
    return (struct address){.family = ADDRESS_IPV6,
                            .octets = {0x20, 0x01, 0x0d, 0xb8, [15] = last}};
}

static void expect_inner(const struct segment *out, const char *headers)
{
    bool is_tcp = bytes_ends_nocase(bytes_of(headers), "tcp");
    cr_assert_eq(out->kind, is_tcp ? SEGMENT_TCP : SEGMENT_UDP, "%s", headers);
    cr_assert_eq(out->drop, SEGMENT_DROP_NONE, "%s", headers);
    bool is_v6 = out->from.address.family == ADDRESS_IPV6;
    struct address from = is_v6 ? v6(1) : v4(1);
    struct address to = is_v6 ? v6(2) : v4(2);
    const char *last = strrchr(headers, '4') > strrchr(headers, '6') ? "ip4" : "ip6";
    cr_assert_eq(is_v6, strcmp(last, "ip6") == 0, "%s", headers);
    cr_assert(address_equal(&out->from.address, &from), "%s", headers);
    cr_assert(address_equal(&out->to.address, &to), "%s", headers);
    cr_assert_eq(out->from.port, 49152, "%s", headers);
    cr_assert_eq(out->to.port, 80, "%s", headers);
    cr_assert_eq(out->payload_len, PAYLOAD_LEN, "%s: %u", headers, out->payload_len);
    cr_assert(!out->is_reassembled);
    cr_assert_eq(out->num_frames, 1);
    cr_assert_eq(out->frames[0], 7);
    if (is_tcp) {
        cr_assert_eq(out->seq, 0x01020304);
        cr_assert_eq(out->ack, 0x0a0b0c0d);
        cr_assert_eq(out->flags, TCP_PSH | TCP_ACK);
        cr_assert_eq(out->window, 0x2000);
    }
}

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

TestSuite(segment, .init = setup, .fini = teardown);

static struct frame frame_of(size_t i)
{
    return (struct frame){.number = 7, .link_type = cases[i].link_type, .time_ns = 1};
}

static void build(struct packet *p, size_t i)
{
    packet_init(p, bytes_of(payload_text));
    packet_headers_put(p, cases[i].headers);
}

Test(segment, every_header_leads_to_the_innermost_transport)
{
    static struct packet p;
    for (size_t i = 0; i < NUM_CASES; i++) {
        struct segment out;
        uint8_t *copy;
        build(&p, i);
        segment_of(s, &out, &copy, frame_of(i), packet_bytes(&p), packet_bytes(&p).len);
        expect_inner(&out, cases[i].headers);
        cr_assert(bytes_is(out.payload, payload_text), "%s", cases[i].headers);
        /* Behind MPLS a MAC address that begins with 0 looks like a control word. */
        bool is_told = strstr(cases[i].headers, "mpls-bottom ether") == NULL;
        bool has_adapter = strstr(cases[i].headers, "ether ") || strstr(cases[i].headers, "802.3 ");
        static const uint8_t adapter[6] = {2, 0, 0, 0, 0, 2};
        cr_assert_eq(out.from_hardware.known, has_adapter, "%s", cases[i].headers);
        cr_assert(!is_told || !has_adapter ||
                      memcmp(out.from_hardware.octets, adapter, sizeof adapter) == 0,
                  "%s", cases[i].headers);
        free(copy);
    }
}

/* What follows the IP packet (padding, checksums) is no payload, where a length tells. */
Test(segment, trailing_bytes_are_no_payload)
{
    static struct packet p;
    for (size_t i = 0; i < NUM_CASES; i++) {
        struct segment out;
        uint8_t *copy;
        uint8_t longer[PACKET_BYTES];
        if (strstr(cases[i].headers, "zero") != NULL) {
            continue;
        }
        build(&p, i);
        struct bytes b = packet_bytes(&p);
        memcpy(longer, b.at, b.len);
        memset(longer + b.len, 0xee, 6);
        b = (struct bytes){.at = longer, .len = b.len + 6};
        segment_of(s, &out, &copy, frame_of(i), b, b.len);
        expect_inner(&out, cases[i].headers);
        cr_assert(bytes_is(out.payload, payload_text), "%s", cases[i].headers);
        free(copy);
    }
}

/* The snap length ends at every byte: in the headers that is a loss that is told, in the payload
 * its length on the wire stays known. */
Test(segment, every_cut_is_told)
{
    static struct packet p;
    for (size_t i = 0; i < NUM_CASES; i++) {
        build(&p, i);
        struct bytes b = packet_bytes(&p);
        size_t headers_len = b.len - PAYLOAD_LEN;
        for (size_t len = 0; len < b.len; len++) {
            struct segment out;
            uint8_t *copy;
            segment_of(s, &out, &copy, frame_of(i), bytes_part(b, 0, len), b.len);
            if (len >= headers_len) {
                expect_inner(&out, cases[i].headers);
                cr_assert(bytes_equal(out.payload,
                                      (struct bytes){copy + headers_len, len - headers_len}));
            } else if (!cases[i].is_guessed) {
                cr_assert_eq(out.kind, SEGMENT_NONE, "%s cut at %zu", cases[i].headers, len);
                cr_assert_eq(out.drop, SEGMENT_DROP_CUT, "%s cut at %zu: %s", cases[i].headers, len,
                             segment_drop_name(out.drop));
            } else {
                cr_assert(out.kind == SEGMENT_UDP || out.drop != SEGMENT_DROP_NONE, "%s at %zu",
                          cases[i].headers, len);
            }
            free(copy);
        }
    }
}

static bool lies_in(struct bytes part, const uint8_t *at, size_t len)
{
    return part.len == 0 || (part.at >= at && part.at + part.len <= at + len);
}

/* Frames that were short on the wire, too, and frames with any byte damaged. */
Test(segment, damage_never_leads_out_of_the_frame)
{
    static const uint8_t masks[] = {0x01, 0x80, 0xff, 0x0f, 0x40};
    static struct packet p;
    for (size_t i = 0; i < NUM_CASES; i++) {
        build(&p, i);
        struct bytes b = packet_bytes(&p);
        for (size_t at = 0; at < b.len; at++) {
            struct segment out;
            uint8_t *copy;
            segment_of(s, &out, &copy, frame_of(i), bytes_part(b, 0, at), at);
            cr_assert(lies_in(out.payload, copy, at));
            free(copy);
            for (size_t m = 0; m < sizeof masks; m++) {
                p.room[p.start + at] ^= masks[m];
                segment_of(s, &out, &copy, frame_of(i), b, b.len);
                cr_assert(lies_in(out.payload, copy, b.len), "%s at %zu", cases[i].headers, at);
                cr_assert_leq(out.payload.len, out.payload_len);
                free(copy);
                p.room[p.start + at] ^= masks[m];
            }
        }
    }
}

/* One frame from its headers and a payload in hex. */
static void parse(struct segment *out, uint16_t link_type, const char *headers, const char *hex)
{
    static struct packet p;
    static uint8_t *copy;
    struct frame frame = {.number = 7, .link_type = link_type, .time_ns = 1};
    packet_init(&p, battery_hex(hex));
    packet_headers_put(&p, headers);
    free(copy);
    segment_of(s, out, &copy, frame, packet_bytes(&p), packet_bytes(&p).len);
}

Test(segment, tcp_options_are_skipped_and_may_be_cut)
{
    static struct packet p;
    struct segment out;
    uint8_t *copy;
    parse(&out, 1, "ether ip4 tcp-options", "4745 54");
    cr_assert_eq(out.kind, SEGMENT_TCP);
    cr_assert(bytes_is(out.payload, "GET"));

    packet_init(&p, bytes_of("GET"));
    packet_headers_put(&p, "ether ip4 tcp-options");
    struct bytes b = packet_bytes(&p);
    struct frame frame = {.number = 7, .link_type = 1};
    segment_of(s, &out, &copy, frame, bytes_part(b, 0, 54), b.len);
    cr_assert_eq(out.kind, SEGMENT_TCP, "a snap length of 54 is common");
    cr_assert_eq(out.seq, 0x01020304);
    cr_assert_eq(out.payload.len, 0);
    cr_assert_eq(out.payload_len, 3);
    free(copy);
}

Test(segment, headers_that_contradict_themselves_are_malformed)
{
    static const char *const bad[] = {
        "45 00 0013 1234 4000 40 06 0000 0a010001 0a010002 00000000", /* shorter than itself */
        "44 00 0028 1234 4000 40 06 0000 0a010001 0a010002 00000000", /* header of 16 bytes */
        "55 00 0018 1234 4000 40 06 0000 0a010001 0a010002 00000000", /* version 5 */
        "46 00 0014 1234 4000 40 06 0000 0a010001 0a010002 00000000", /* options beyond */
        "45 00 0018 1234 4000 40 06 0000 0a010001 0a010002 c0000050", /* TCP of 4 bytes */
        "45 00 0028 1234 4000 40 06 0000 0a010001 0a010002 c0000050 00000000 00000000 40100000"
        "00000000", /* TCP header of 16 bytes */
        "45 00 0028 1234 4000 40 06 0000 0a010001 0a010002 c0000050 00000000 00000000 f0100000"
        "00000000",                                                   /* TCP header of 60 bytes */
        "45 00 0018 1234 4000 40 11 0000 0a010001 0a010002 c0000050", /* UDP of 4 bytes */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct segment out;
        parse(&out, 228, "", bad[i]);
        cr_assert_eq(out.kind, SEGMENT_NONE, "%zu", i);
        cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED, "%zu: %s", i, segment_drop_name(out.drop));
    }
    struct segment out;
    parse(&out, 1, "", "0200 0000 0001");
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED);
    parse(&out, 101, "", "10000000");
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED);
    parse(&out, 6, "", "10 40 020000000001 820000000002 0130");
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED, "a route of 1 byte");
    parse(&out, 127, "", "00 00 0700 00000000");
    cr_assert_eq(out.drop, SEGMENT_DROP_MALFORMED, "radiotap shorter than itself");
}

Test(segment, udp_lengths_that_lie_are_tolerated)
{
    struct segment out;
    static struct packet p;
    struct frame frame = {.number = 7, .link_type = 228};
    static const struct {
        const char *len;
        size_t payload_len, captured;
    } lengths[] = {
        {"0000", 4, 4}, {"0007", 4, 4}, {"0008", 0, 0}, {"0009", 1, 1}, {"0100", 248, 4}};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t *copy;
        packet_init(&p, battery_hex("11223344"));
        packet_put(&p, battery_hex("0000"));
        packet_put(&p, battery_hex(lengths[i].len));
        packet_put(&p, battery_hex("c0000050"));
        p.protocol = 17;
        packet_headers_put(&p, "ip4");
        segment_of(s, &out, &copy, frame, packet_bytes(&p), packet_bytes(&p).len);
        cr_assert_eq(out.kind, SEGMENT_UDP, "%s", lengths[i].len);
        cr_assert_eq(out.payload_len, lengths[i].payload_len, "%s", lengths[i].len);
        cr_assert_eq(out.payload.len, lengths[i].captured, "%s", lengths[i].len);
        free(copy);
    }
}

Test(segment, losses_have_their_reason)
{
    struct segment out;
    parse(&out, 147, "ether ip4 tcp", "00");
    cr_assert_eq(out.drop, SEGMENT_DROP_LINK_TYPE);
    parse(&out, 1, "ether ip4 esp", "00");
    cr_assert_eq(out.drop, SEGMENT_DROP_ENCRYPTED);
    cr_assert_eq(out.from.address.octets[3], 1, "the addresses are known nevertheless");
    parse(&out, 1, "ether ip6 hop esp", "00");
    cr_assert_eq(out.drop, SEGMENT_DROP_ENCRYPTED);
    parse(&out, 105, "wlan-protected", "010203 20 00000000 aabbccdd");
    cr_assert_eq(out.drop, SEGMENT_DROP_ENCRYPTED);
    parse(&out, 1, "ether vlan vlan vlan vlan vlan vlan vlan vlan vlan vlan vlan vlan vlan ip4 tcp",
          "");
    cr_assert_eq(out.kind, SEGMENT_TCP, "16 headers are fine");
    parse(&out, 1,
          "ether vlan vlan vlan vlan vlan vlan vlan vlan vlan vlan vlan vlan vlan vlan ip4 tcp",
          "");
    cr_assert_eq(out.kind, SEGMENT_NONE);
    cr_assert_eq(out.drop, SEGMENT_DROP_TOO_DEEP);
}

Test(segment, what_is_not_ours_is_no_loss)
{
    struct segment out;
    parse(&out, 1, "", "020000000001 020000000002 88cc 0207 04");
    cr_assert_eq(out.kind, SEGMENT_NONE, "LLDP");
    cr_assert_eq(out.drop, SEGMENT_DROP_NONE);
    parse(&out, 1, "802.3", "424203 0000");
    cr_assert_eq(out.kind, SEGMENT_NONE, "spanning tree");
    cr_assert_eq(out.drop, SEGMENT_DROP_NONE);
    parse(&out, 105, "", "8000 0000 020000000001 020000000002 020000000003 1000");
    cr_assert_eq(out.kind, SEGMENT_NONE, "beacon");
    cr_assert_eq(out.drop, SEGMENT_DROP_NONE);
    parse(&out, 1, "ether", "45000018 00000000 40590000 0a010001 0a010002 00000000");
    cr_assert_eq(out.kind, SEGMENT_NONE, "no EtherType names it");
    parse(&out, 228, "", "45000018 00000000 40590000 0a010001 0a010002 11223344");
    cr_assert_eq(out.kind, SEGMENT_OTHER, "OSPF");
    cr_assert_eq(out.to.address.octets[3], 2);
    cr_assert_eq(out.from.port, 0);
    cr_assert_eq(out.payload_len, 4);
}

/* A client may choose the port of a tunnel: a DNS answer to it stays a DNS answer. */
Test(segment, tunnel_ports_alone_make_no_tunnel)
{
    static const char *const ports[] = {"udp-vxlan",  "udp-vxlan-linux", "udp-gpe", "udp-geneve",
                                        "udp-teredo", "udp-gtp",         "udp-l2tp"};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        struct segment out;
        char headers[64];
        (void)snprintf(headers, sizeof headers, "ether ip4 %s", ports[i]);
        parse(&out, 1, headers, "0000 8180 0001 0001 0000 0000 03 6d7031 00 0001 0001");
        cr_assert_eq(out.kind, SEGMENT_UDP, "%s", ports[i]);
        cr_assert_eq(out.payload_len, 21, "%s: %u", ports[i], out.payload_len);
        parse(&out, 1, headers, "6a81 b730 81b4 a103 0201 05a2 0302 010a");
        cr_assert_eq(out.kind, SEGMENT_UDP, "%s", ports[i]);
        cr_assert_eq(out.payload_len, 16, "%s", ports[i]);
    }
}

Test(segment, drops_have_different_names)
{
    for (int a = 0; a < SEGMENT_DROP_COUNT; a++) {
        cr_assert_str_neq(segment_drop_name((enum segment_drop)a), "unknown");
        for (int b = a + 1; b < SEGMENT_DROP_COUNT; b++) {
            cr_assert_str_neq(segment_drop_name((enum segment_drop)a),
                              segment_drop_name((enum segment_drop)b));
        }
    }
}
