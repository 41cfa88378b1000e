#include "redact/headers.h"

#include "base/cursor.h"
#include "redact/scrub.h"

#include <string.h>

#define TUNNEL_BYTES_MAX 24 /* of a header without addresses that stays */

enum { OPTION_END = 0, OPTION_NOP = 1, PROTOCOL_ICMPV6 = 58, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };

struct headers {
    struct pseudonyms *p;
    uint8_t *out;
    struct bytes frame;
};

static void keep(const struct headers *h, size_t at, size_t len)
{
    struct bytes part = bytes_part(h->frame, at, len);
    if (part.len > 0) {
        memcpy(h->out + at, part.at, part.len);
    }
}

static void mac(const struct headers *h, size_t at)
{
    if (at + 6 <= h->frame.len) {
        keep(h, at, 6);
        pseudonym_mac(h->p, h->out + at);
    }
}

static void address(const struct headers *h, size_t at, size_t len)
{
    if (at + len <= h->frame.len) {
        keep(h, at, len);
        pseudonym_address(h->p, h->out + at, len);
    }
}

uint32_t headers_sum(uint32_t sum, struct bytes b)
{
    for (size_t i = 0; i < b.len; i += 2) {
        sum += (uint32_t)b.at[i] << 8 | bytes_u8_at(b, i + 1);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static void put_u16(const struct headers *h, size_t at, uint32_t value)
{
    if (at + 2 <= h->frame.len) {
        h->out[at] = (uint8_t)(value >> 8);
        h->out[at + 1] = (uint8_t)value;
    }
}

/* The redacted bytes from `at` on. */
static struct bytes done(const struct headers *h, size_t at, size_t len)
{
    return bytes_part((struct bytes){.at = h->out, .len = h->frame.len}, at, len);
}

/* Sets a checksum anew: what covers the bytes of the frame, beginning with start. As it was right
 * or wrong it stays so, wrong by the same (offloading to the adapter leaves wrong ones), unless the
 * capture cut what it covers. */
static void checksum(const struct headers *h, size_t field, struct bytes was, uint32_t start_was,
                     struct bytes now, uint32_t start_now, bool is_whole)
{
    uint32_t said = is_whole ? headers_sum(start_was, was) : 0xffff;
    put_u16(h, field, 0);
    uint32_t sum = (~headers_sum(start_now, now) & 0xffff) + (said == 0 ? 0xffff : said);
    put_u16(h, field, (sum & 0xffff) + (sum >> 16));
}

static size_t ipv4(const struct headers *h, size_t at)
{
    uint8_t first = bytes_u8_at(h->frame, at);
    size_t len = (size_t)(first & 15) * 4;
    if (first >> 4 != 4 || len < 20) {
        return 0;
    }
    keep(h, at, 12);
    address(h, at + 12, 4);
    address(h, at + 16, 4);
    for (size_t i = at + 20; i < at + len && i < h->frame.len; i++) {
        h->out[i] = OPTION_NOP;
    }
    checksum(h, at + 10, bytes_part(h->frame, at, len), 0, done(h, at, len), 0,
             at + len <= h->frame.len);
    return len;
}

static size_t ipv6(const struct headers *h, size_t at)
{
    if (bytes_u8_at(h->frame, at) >> 4 != 6) {
        return 0;
    }
    keep(h, at, 8);
    address(h, at + 8, 16);
    address(h, at + 24, 16);
    return 40;
}

/* Options that tell of the connection alone; others may name addresses or keys. */
static void tcp_options(const struct headers *h, size_t at, size_t end)
{
    while (at < end && at < h->frame.len) {
        uint8_t kind = bytes_u8_at(h->frame, at);
        size_t len = kind <= OPTION_NOP ? 1 : bytes_u8_at(h->frame, at + 1);
        len = len == 0 || len > end - at ? end - at : len;
        if (kind <= 5 || kind == 8) {
            keep(h, at, len);
        } else {
            memset(h->out + at, OPTION_NOP, len < h->frame.len - at ? len : h->frame.len - at);
        }
        if (kind == OPTION_END) {
            return;
        }
        at += len;
    }
}

/* RFC 826. */
static void arp(const struct headers *h, size_t at)
{
    size_t hardware = bytes_u8_at(h->frame, at + 4);
    keep(h, at, 8);
    if (bytes_u8_at(h->frame, at + 5) != 4) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        size_t from = at + 8 + i * (hardware + 4);
        if (hardware == 6) {
            mac(h, from);
        }
        address(h, from + hardware, 4);
    }
}

/* What a datagram asked of a DNS server or a KDC. */
static void quoted_datagram(const struct headers *h, size_t at)
{
    enum { HEADER_BYTES = 8, PORT_DNS = 53, PORT_KERBEROS = 88 };
    uint16_t port = bytes_u16be_at(h->frame, at + 2);
    size_t said = bytes_u16be_at(h->frame, at + 4);
    struct bytes payload = bytes_part(h->frame, at + HEADER_BYTES, said - HEADER_BYTES);
    if (said < HEADER_BYTES || payload.len == 0) {
        return;
    }
    if (port == PORT_DNS) {
        keep(h, at + HEADER_BYTES, payload.len);
        scrub_dns(h->p, h->out + at + HEADER_BYTES, payload.len, DNS_PLAIN);
    } else if (port == PORT_KERBEROS) {
        keep(h, at + HEADER_BYTES, payload.len);
        scrub_krb(h->p, h->out + at + HEADER_BYTES, payload.len);
    }
}

/* The packet that could not be delivered: its addresses, and the first 8 bytes behind. */
static void quoted(const struct headers *h, size_t at)
{
    uint8_t version = bytes_u8_at(h->frame, at) >> 4;
    size_t len = version == 4 ? ipv4(h, at) : ipv6(h, at);
    uint8_t protocol = bytes_u8_at(h->frame, at + (version == 4 ? 9 : 6));
    if (len != 0 && (protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP)) {
        keep(h, at + len, protocol == PROTOCOL_TCP ? 8 : 6);
    }
    if (len != 0 && protocol == PROTOCOL_UDP) {
        quoted_datagram(h, at + len);
    }
}

/* RFC 4861 4: target, and options with hardware addresses. */
static void neighbour(const struct headers *h, size_t at)
{
    size_t option = at + 24;
    address(h, at + 8, 16);
    for (unsigned i = 0; i < 8 && option + 8 <= h->frame.len; i++) {
        uint8_t type = bytes_u8_at(h->frame, option);
        size_t len = (size_t)bytes_u8_at(h->frame, option + 1) * 8;
        keep(h, option, 2);
        if ((type == 1 || type == 2) && len == 8) {
            mac(h, option + 2);
        }
        if (len == 0) {
            return;
        }
        option += len;
    }
}

static void icmp(const struct headers *h, size_t at, bool is_v6, const struct segment *g)
{
    uint8_t type = bytes_u8_at(h->frame, at);
    keep(h, at, 8);
    if (g->kind == SEGMENT_ICMP_UNREACHABLE) {
        quoted(h, at + 8);
    } else if (is_v6 && (type == 135 || type == 136)) {
        neighbour(h, at);
    }
}

static void wlan(const struct headers *h, size_t at, size_t end)
{
    keep(h, at, 4);
    mac(h, at + 4);
    mac(h, at + 10);
    mac(h, at + 16);
    keep(h, at + 22, 2);
    bool has_fourth = (bytes_u8_at(h->frame, at + 1) & 3) == 3;
    size_t rest = at + 24;
    if (has_fourth) {
        mac(h, at + 24);
        rest += 6;
    }
    if (end > rest && end - rest <= 8) {
        keep(h, rest, end - rest);
    } else if (end >= rest + 14) { /* an aggregate: the first part's own addresses and length */
        keep(h, rest, end - rest - 14);
        mac(h, end - 14);
        mac(h, end - 8);
        keep(h, end - 2, 2);
    }
}

static void link(const struct headers *h, enum layer layer, size_t at, size_t end)
{
    switch ((int)layer) {
    case LAYER_ETHERNET:
        mac(h, at);
        mac(h, at + 6);
        keep(h, at + 12, 2);
        break;
    case LAYER_SLL:
        keep(h, at, 6);
        mac(h, at + 6);
        keep(h, at + 14, 2);
        break;
    case LAYER_SLL2:
        keep(h, at, 12);
        mac(h, at + 12);
        break;
    case LAYER_TOKEN_RING:
        keep(h, at, 2);
        mac(h, at + 2);
        mac(h, at + 8);
        keep(h, at + 14, end > at + 14 ? end - at - 14 : 0);
        break;
    case LAYER_FDDI:
        keep(h, at, 1);
        mac(h, at + 1);
        mac(h, at + 7);
        break;
    case LAYER_WLAN:
        wlan(h, at, end);
        break;
    case LAYER_RADIOTAP:
        keep(h, at, end - at);
        break;
    case LAYER_PPI:
        keep(h, at, 8);
        break;
    default:
        keep(h, at, end - at < TUNNEL_BYTES_MAX ? end - at : TUNNEL_BYTES_MAX);
        break;
    }
}

/* Which header says the addresses of the checksum that follows. */
struct network {
    size_t at;
    bool is_v6;
    bool is_known;
};

static void transport_checksum(const struct headers *h, const struct network *n, size_t at,
                               uint8_t protocol, uint32_t checksum_at)
{
    size_t len = h->frame.len - at;
    size_t said = n->is_v6 ? bytes_u16be_at(h->frame, n->at + 4) + n->at + 40
                           : bytes_u16be_at(h->frame, n->at + 2) + n->at;
    bool is_whole = said > at && said <= h->frame.len;
    if (is_whole) {
        len = said - at; /* a trailer may follow */
    }
    size_t addresses = n->is_v6 ? n->at + 8 : n->at + 12;
    size_t addresses_len = n->is_v6 ? 32 : 8;
    uint32_t start = (uint32_t)len % 0xffff + protocol;
    checksum(h, checksum_at, bytes_part(h->frame, at, len),
             headers_sum(start, bytes_part(h->frame, addresses, addresses_len)), done(h, at, len),
             headers_sum(start, done(h, addresses, addresses_len)), is_whole);
}

static void transport(const struct headers *h, enum layer layer, size_t at, size_t end,
                      const struct network *n, struct headers_place *place)
{
    if (layer == LAYER_TCP && at + 20 <= h->frame.len) {
        size_t len = (size_t)(bytes_u8_at(h->frame, at + 12) >> 4) * 4;
        keep(h, at, 20);
        if (len > 20) {
            tcp_options(h, at + 20, at + len);
        }
        place->checksum_at = n->is_known ? (uint32_t)at + 16 : 0;
        if (n->is_known) {
            transport_checksum(h, n, at, PROTOCOL_TCP, place->checksum_at);
        } else {
            put_u16(h, at + 16, 0);
        }
    } else if (layer == LAYER_UDP && at + 8 <= h->frame.len) {
        bool has_checksum = bytes_u16be_at(h->frame, at + 6) != 0;
        keep(h, at, 6);
        if (end > at + 8) { /* a tunnel's header */
            keep(h, at + 8, end - at - 8 < TUNNEL_BYTES_MAX ? end - at - 8 : TUNNEL_BYTES_MAX);
        } else if (has_checksum && n->is_known) {
            place->checksum_at = (uint32_t)at + 6;
            transport_checksum(h, n, at, PROTOCOL_UDP, place->checksum_at);
        }
    }
}

/* Ports of a datagram in fragments stand in the first of them. */
static void fragment(const struct headers *h, const struct segment_trail *t,
                     const struct network *n)
{
    uint8_t protocol = bytes_u8_at(h->frame, n->is_v6 ? t->payload_at - 8 : n->at + 9);
    if (t->fragment_offset == 0 && protocol == PROTOCOL_UDP) {
        keep(h, t->payload_at, 6);
    } else if (t->fragment_offset == 0 && protocol == PROTOCOL_TCP) {
        keep(h, t->payload_at, 16);
    }
}

static void icmp_checksum(const struct headers *h, const struct network *n, size_t at, bool is_v6)
{
    if (at + 4 > h->frame.len) {
        return;
    }
    if (is_v6) {
        transport_checksum(h, n, at, PROTOCOL_ICMPV6, (uint32_t)at + 2);
        return;
    }
    size_t said = bytes_u16be_at(h->frame, n->at + 2) + n->at;
    size_t end = said > at && said < h->frame.len ? said : h->frame.len;
    checksum(h, at + 2, bytes_part(h->frame, at, end - at), 0, done(h, at, end - at), 0,
             said == end);
}

void headers_redact(struct pseudonyms *p, uint8_t *out, struct bytes frame,
                    const struct segment_trail *trail, const struct segment *segment,
                    struct headers_place *place)
{
    const struct headers h = {.p = p, .out = out, .frame = frame};
    struct network n = {0};
    *place = (struct headers_place){.payload_at = trail->payload_at};
    for (size_t i = 0; i < trail->num; i++) {
        enum layer layer = (enum layer)trail->step[i].layer;
        size_t at = trail->step[i].at;
        bool is_last = i + 1 == trail->num;
        size_t end = is_last ? trail->payload_at : trail->step[i + 1].at;
        end = end < at ? at : end;
        switch ((int)layer) {
        case LAYER_ARP:
            arp(&h, at);
            break;
        case LAYER_IPV4:
            n = (struct network){at, false, ipv4(&h, at) != 0};
            break;
        case LAYER_IPV6:
            n = (struct network){at, true, ipv6(&h, at) != 0};
            break;
        case LAYER_IPV6_OPTIONS: /* what they say becomes padding */
            keep(&h, at, 2);
            break;
        case LAYER_IPV6_FRAGMENT:
            keep(&h, at, 8);
            break;
        case LAYER_AUTHENTICATION:
            keep(&h, at, 12);
            break;
        case LAYER_TCP:
        case LAYER_UDP:
            transport(&h, layer, at, end, &n, place);
            break;
        case LAYER_ICMP:
        case LAYER_ICMPV6:
            icmp(&h, at, layer == LAYER_ICMPV6, segment);
            if (n.is_known) {
                icmp_checksum(&h, &n, at, layer == LAYER_ICMPV6);
            }
            break;
        default:
            link(&h, layer, at, end);
            break;
        }
    }
    if (trail->is_fragment && n.is_known) {
        fragment(&h, trail, &n);
    }
}
