/* Frames put together from the names of their headers, outermost first:
 *
 *      "ether vlan ip4 gre outer4 tcp"
 *
 * Headers are laid from the inside out, so each knows the length and the number of what follows. */
#ifndef KRBSCOPE_TESTS_SEGMENT_FRAMES_H
#define KRBSCOPE_TESTS_SEGMENT_FRAMES_H

#include "decode/segment.h"
#include "tests/battery.h"

#include <stdio.h>

#define PACKET_BYTES 8192
#define PACKET_HEADERS_MAX 32

struct packet {
    uint8_t room[PACKET_BYTES];
    size_t start;      /* of the packet in room; it ends at the end of room */
    unsigned type;     /* EtherType of its outermost header */
    unsigned protocol; /* IP protocol of its outermost header */
    unsigned ppp;      /* PPP protocol of its outermost header */
};

static inline struct bytes packet_bytes(const struct packet *p)
{
    return (struct bytes){.at = p->room + p->start, .len = PACKET_BYTES - p->start};
}

static inline void packet_put(struct packet *p, struct bytes b)
{
    assert(b.len <= p->start);
    p->start -= b.len;
    memcpy(p->room + p->start, b.at, b.len);
}

static inline void packet_init(struct packet *p, struct bytes payload)
{
    *p = (struct packet){.start = PACKET_BYTES};
    packet_put(p, payload);
}

/* A header in hex, with the numbers that name it. Four letters stand for what follows:
 * tttt its EtherType, pp its IP protocol, qqqq its PPP protocol, llll its length, mmmm its length
 * and this header's. */
static inline void packet_hex(struct packet *p, const char *hex)
{
    char copy[512];
    char number[8];
    size_t len = packet_bytes(p).len;
    size_t digits = 0;
    assert(strlen(hex) < sizeof copy);
    memcpy(copy, hex, strlen(hex) + 1);
    for (const char *c = hex; *c != '\0'; c++) {
        digits += *c != ' ' ? 1 : 0;
    }
    const struct {
        const char *mark;
        unsigned value;
    } marks[] = {{"tttt", p->type},
                 {"pp", p->protocol},
                 {"qqqq", p->ppp},
                 {"llll", (unsigned)len},
                 {"mmmm", (unsigned)(len + digits / 2)}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        char *at = strstr(copy, marks[i].mark);
        if (at != NULL) {
            int width = (int)strlen(marks[i].mark);
            (void)snprintf(number, sizeof number, "%0*x", width, marks[i].value);
            memcpy(at, number, (size_t)width);
        }
    }
    uint8_t header[sizeof copy / 2];
    size_t used = 0;
    for (const char *c = copy; *c != '\0'; c++) {
        static const char digits_known[] = "0123456789abcdef";
        const char *digit = strchr(digits_known, *c);
        if (digit != NULL) {
            unsigned high = used % 2 == 0 ? 0 : header[used / 2] * 16U;
            header[used / 2] = (uint8_t)(high + (unsigned)(digit - digits_known));
            used++;
        }
    }
    packet_put(p, (struct bytes){.at = header, .len = used / 2});
}

#define V6_A "20010db8000000000000000000000001"
#define V6_B "20010db8000000000000000000000002"
#define V6_C "fd000000000000000000000000000001"
#define V6_D "fd000000000000000000000000000002"

/* ip4 and ip6 are 10.1.0.1 -> 10.1.0.2 and 2001:db8::1 -> ::2, the ones that tests expect; outer4
 * and outer6 are 192.0.2.1 -> .2 and fd00::1 -> fd00::2. */
static const struct {
    const char *name;
    unsigned type, protocol, ppp; /* that name this header */
    const char *hex;
} packet_headers[] = {
    {"tcp", 0, 6, 0, "c000 0050 01020304 0a0b0c0d 5018 2000 0000 0000"},
    {"tcp-options", 0, 6, 0,
     "c000 0050 01020304 0a0b0c0d 8018 2000 0000 0000 0101080a0000000100000002"},
    {"udp", 0, 17, 0, "c000 0050 mmmm 0000"},
    {"udp0", 0, 17, 0, "c000 0050 0000 0000"},
    {"ip4", 0x0800, 4, 0x21, "45 00 mmmm 1234 4000 40 pp 0000 0a010001 0a010002"},
    {"ip4-options", 0x0800, 4, 0x21,
     "47 00 mmmm 1234 4000 40 pp 0000 0a010001 0a010002 0101010101010100"},
    {"ip4-zero", 0x0800, 4, 0x21, "45 00 0000 1234 4000 40 pp 0000 0a010001 0a010002"},
    {"outer4", 0x0800, 4, 0x21, "45 00 mmmm 1234 4000 40 pp 0000 c0000201 c0000202"},
    {"ip6", 0x86dd, 41, 0x57, "60000000 llll pp 40" V6_A V6_B},
    {"ip6-zero", 0x86dd, 41, 0x57, "60000000 0000 pp 40" V6_A V6_B},
    {"outer6", 0x86dd, 41, 0x57, "60000000 llll pp 40" V6_C V6_D},
    {"hop", 0, 0, 0, "pp 00 0502 0000 0100"},
    {"routing", 0, 43, 0, "pp 02 00 00 00000000" V6_C},
    {"destination", 0, 60, 0, "pp 00 01 04 00000000"},
    {"atomic", 0, 44, 0, "pp 00 0000 0badcafe"},
    {"ah", 0, 51, 0, "pp 04 0000 00000001 00000001 0011223344556677 8899aabb"},
    {"esp", 0, 50, 0, "00000001 00000001 00112233"},
    {"ether", 0x6558, 143, 0, "020000000001 020000000002 tttt"},
    {"802.3", 0x6558, 143, 0, "020000000001 020000000002 llll"},
    {"vlan", 0x8100, 0, 0, "0064 tttt"},
    {"802.1ad", 0x88a8, 0, 0, "0065 tttt"},
    {"9100", 0x9100, 0, 0, "0066 tttt"},
    {"vntag", 0x8926, 0, 0, "00000000 tttt"},
    {"sgt", 0x8909, 0, 0, "0101 0001 0005 tttt"},
    {"snap", 0, 0, 0, "aaaa03 000000 tttt"},
    {"snap-h", 0, 0, 0, "aaaa03 0000f8 tttt"},
    {"snap-bridged", 0, 0, 0, "aaaa03 0080c2 0007 0000"},
    {"llc-ip", 0, 0, 0, "060603"},
    {"sll", 0, 0, 0, "0000 0001 0006 0200000000010000 tttt"},
    {"sll-llc", 0, 0, 0, "0000 0001 0006 0200000000010000 0004"},
    {"sll2", 0, 0, 0, "tttt 0000 00000002 0001 00 06 0200000000010000"},
    {"null-le", 0, 0, 0, "02000000"},
    {"null-be", 0, 0, 0, "00000002"},
    {"null6-linux", 0, 0, 0, "0a000000"},
    {"null6-windows", 0, 0, 0, "17000000"},
    {"null6-openbsd", 0, 0, 0, "00000018"},
    {"null6-freebsd", 0, 0, 0, "1c000000"},
    {"null6-macos", 0, 0, 0, "1e000000"},
    {"null-type", 0, 0, 0, "00080000"},
    {"ppp", 0x880b, 0, 0, "qqqq"},
    {"ppp-short", 0x880b, 0, 0, "21"},
    {"ppp-hdlc", 0x880b, 0, 0, "ff03 qqqq"},
    {"pppoe", 0x8864, 0, 0, "11 00 0001 llll"},
    {"chdlc", 0, 0, 0, "0f00 tttt"},
    {"mpls", 0x8847, 137, 0x281, "000640 40"},
    {"mpls-bottom", 0x8847, 137, 0x281, "000651 40"},
    {"control-word", 0, 0, 0, "00000000"},
    {"ring", 0, 0, 0, "10 40 020000000001 020000000002"},
    {"ring-routed", 0, 0, 0, "10 40 020000000001 820000000002 0630 0011 0020"},
    {"fddi", 0, 0, 0, "50 020000000001 020000000002"},
    {"wlan", 0, 0, 0, "0801 0000 020000000001 020000000002 020000000003 1000"},
    {"wlan-qos", 0, 0, 0, "8801 0000 020000000001 020000000002 020000000003 1000 0000"},
    {"wlan-ht", 0, 0, 0, "8881 0000 020000000001 020000000002 020000000003 1000 0000 00000000"},
    {"wlan-bridge", 0, 0, 0, "0803 0000 020000000001 020000000002 020000000003 1000 020000000004"},
    {"wlan-amsdu", 0, 0, 0,
     "8801 0000 020000000001 020000000002 020000000003 1000 8000"
     "020000000001 020000000002 llll"},
    {"wlan-qos-padded", 0, 0, 0, "8801 0000 020000000001 020000000002 020000000003 1000 0000 0000"},
    {"wlan-protected", 0, 0, 0, "0841 0000 020000000001 020000000002 020000000003 1000"},
    {"radiotap", 0, 0, 0, "00 00 0800 00000000"},
    {"radiotap-flags", 0, 0, 0, "00 00 0900 02000000 00"},
    {"radiotap-padded", 0, 0, 0, "00 00 1900 030000a0 00000080 00000000 0000000000000000 20"},
    {"ppi", 0, 0, 0, "00 00 0800 01000000"},
    {"gre", 0, 47, 0, "0000 tttt"},
    {"gre-all", 0, 47, 0, "b000 tttt 00000000 00000001 00000002"},
    {"gre-routed", 0, 47, 0, "4000 tttt 00000000 0800 0004 c0000209 0000 0000"},
    {"gre-pptp", 0, 47, 0, "3081 880b llll 0001 00000001 00000002"},
    {"nvgre", 0, 47, 0, "2000 6558 00000101"},
    {"gre-sgt", 0, 47, 0, "2000 8909 00000101 tttt 0101 0001 0000"},
    {"wccp", 0, 47, 0, "0000 883e 00000000"},
    {"erspan1", 0, 47, 0, "0000 88be"},
    {"erspan2", 0, 47, 0, "1000 88be 00000001 10010001 00000000"},
    {"erspan3", 0, 47, 0, "1000 22eb 00000001 20010001 00000000 00000000"},
    {"erspan3-sub", 0, 47, 0, "1000 22eb 00000001 20010001 00000000 00000001 1000000000000000"},
    {"erspan3-ip", 0, 47, 0, "1000 22eb 00000001 20010001 00000000 00000800"},
    {"etherip", 0, 97, 0, "3000"},
    {"udp-vxlan", 0, 17, 0, "c001 12b5 mmmm 0000"},
    {"udp-vxlan-linux", 0, 17, 0, "c001 2118 mmmm 0000"},
    {"udp-gpe", 0, 17, 0, "c001 12b6 mmmm 0000"},
    {"udp-geneve", 0, 17, 0, "c001 17c1 mmmm 0000"},
    {"udp-teredo", 0, 17, 0, "0dd8 c001 mmmm 0000"},
    {"udp-gtp", 0, 17, 0, "0868 0868 mmmm 0000"},
    {"udp-l2tp", 0, 17, 0, "06a5 06a5 mmmm 0000"},
    {"vxlan", 0, 0, 0, "08000000 00006400"},
    {"gpe-ip4", 0, 0, 0, "0c000001 00006400"},
    {"gpe-ip6", 0, 0, 0, "0c000002 00006400"},
    {"geneve", 0, 0, 0, "0000 tttt 00006400"},
    {"geneve-options", 0, 0, 0, "0200 tttt 00006400 0101800100000000"},
    {"teredo-auth", 0, 0, 0, "0001 04 04 11111111 22222222 0000000000000000 00"},
    {"teredo-origin", 0, 0, 0, "0000 3fff 3ffffdfd"},
    {"gtp", 0, 0, 0, "30 ff llll 00000001"},
    {"gtp-extended", 0, 0, 0, "34 ff llll 00000001 0000 00 85 01 0000 85 01 0000 00"},
    {"l2tp", 0, 0, 0, "0002 0001 0001"},
    {"l2tp-all", 0, 0, 0, "4a02 0000 0001 0001 0000 0000 0002 0000"},
};

static inline void packet_header(struct packet *p, struct bytes name)
{
    for (size_t i = 0; i < sizeof packet_headers / sizeof *packet_headers; i++) {
        if (bytes_is(name, packet_headers[i].name)) {
            packet_hex(p, packet_headers[i].hex);
            p->type = packet_headers[i].type;
            p->protocol = packet_headers[i].protocol;
            p->ppp = packet_headers[i].ppp;
            return;
        }
    }
    fprintf(stderr, "no header named %.*s\n", (int)name.len, (const char *)name.at);
    abort();
}

/* The headers around what the packet holds already. */
static inline void packet_headers_put(struct packet *p, const char *names)
{
    struct bytes words[PACKET_HEADERS_MAX];
    size_t num_words = 0;
    struct bytes all = bytes_of(names);
    for (size_t at = 0; at < all.len;) {
        size_t end = bytes_find(all, ' ', at);
        assert(num_words < PACKET_HEADERS_MAX);
        words[num_words++] = bytes_part(all, at, end - at);
        at = end + 1;
    }
    while (num_words > 0) {
        packet_header(p, words[--num_words]);
    }
}

/* Parses len bytes of b in a block of exactly that size, of a frame of original_len bytes; *copy is
 * to be freed when out is no longer used. */
static inline void segment_of(struct segmenter *s, struct segment *out, uint8_t **copy,
                              struct frame frame, struct bytes b, size_t original_len)
{
    *copy = malloc(b.len > 0 ? b.len : 1);
    assert(*copy != NULL);
    if (b.len > 0) {
        memcpy(*copy, b.at, b.len);
    }
    frame.bytes = (struct bytes){.at = *copy, .len = b.len};
    frame.original_len = (uint32_t)original_len;
    segment_parse(s, &frame, out);
}

#endif
