/* The cases' IPv4 as IPv6 would have carried it. */
#include "rewrite.h"
#include "rewrite_packet.h"

#include <assert.h>
#include <string.h>

/* fd4b:7262:: holds the IPv4 address in its last four bytes. */
static const uint8_t prefix[12] = {0xfd, 0x4b, 0x72, 0x62};

#define DNS_GROWTHS_MAX 32 /* A records of one DNS message */
#define DNS_BYTES_MAX 2048

struct address rewrite_ipv6_address(struct address address)
{
    struct address out = {.family = ADDRESS_IPV6};
    if (address.family != ADDRESS_IPV4) {
        return address;
    }
    memcpy(out.octets, prefix, sizeof prefix);
    memcpy(out.octets + sizeof prefix, address.octets, 4);
    return out;
}

static void put_address(uint8_t out[16], const uint8_t ipv4[4])
{
    memcpy(out, prefix, sizeof prefix);
    memcpy(out + sizeof prefix, ipv4, 4);
}

/* A DNS message while its A records grow by 12 bytes each: pointers (RFC 1035 4.1.4) move along. */
struct dns_copy {
    const uint8_t *in;
    size_t in_len, at;
    uint8_t out[DNS_BYTES_MAX];
    size_t len;
    size_t grown_at[DNS_GROWTHS_MAX]; /* input offsets after which 12 bytes were added */
    size_t num_growths;
    bool failed;
};

static void copy_bytes(struct dns_copy *c, size_t len)
{
    if (c->failed || c->at + len > c->in_len || c->len + len > DNS_BYTES_MAX) {
        c->failed = true;
        return;
    }
    memcpy(c->out + c->len, c->in + c->at, len);
    c->at += len;
    c->len += len;
}

static void copy_name(struct dns_copy *c)
{
    while (!c->failed && c->at < c->in_len) {
        const uint8_t first = c->in[c->at];
        if (first >= 0xc0) {
            copy_bytes(c, 2);
            if (!c->failed) {
                size_t target = packet_u16(c->out + c->len - 2) & 0x3fff;
                size_t moved = target;
                for (size_t i = 0; i < c->num_growths; i++) {
                    moved += c->grown_at[i] <= target ? 12 : 0;
                }
                packet_put16(c->out + c->len - 2, (unsigned)(0xc000 | moved));
            }
            return;
        }
        copy_bytes(c, (size_t)first + 1);
        if (first == 0) {
            return;
        }
    }
    c->failed = true;
}

static unsigned swap_type(unsigned type)
{
    return type == 1 ? 28 : type == 28 ? 1 : type;
}

static void copy_a_record(struct dns_copy *c)
{
    if (c->failed || c->at + 4 > c->in_len || c->len + 16 > DNS_BYTES_MAX ||
        c->num_growths == DNS_GROWTHS_MAX) {
        c->failed = true;
        return;
    }
    put_address(c->out + c->len, c->in + c->at);
    c->at += 4;
    c->len += 16;
    c->grown_at[c->num_growths++] = c->at;
}

static void copy_record(struct dns_copy *c)
{
    copy_name(c);
    copy_bytes(c, 10);
    if (c->failed) {
        return;
    }
    uint8_t *fixed = c->out + c->len - 10;
    const unsigned type = packet_u16(fixed);
    const size_t rdata = c->at;
    const size_t rdata_len = packet_u16(fixed + 8);
    switch (type) {
    case 1: /* A */
        packet_put16(fixed, 28);
        packet_put16(fixed + 8, 16);
        copy_a_record(c);
        break;
    case 28: /* AAAA: no case has one, and four bytes would not hold it */
        c->failed = true;
        break;
    case 2:
    case 5:
    case 12: /* NS, CNAME, PTR */
        copy_name(c);
        break;
    case 6: /* SOA */
        copy_name(c);
        copy_name(c);
        copy_bytes(c, 20);
        break;
    case 33: /* SRV */
        copy_bytes(c, 6);
        copy_name(c);
        break;
    default:
        copy_bytes(c, rdata_len);
        break;
    }
    c->failed = c->failed || c->at != rdata + rdata_len;
}

static bool dns_to_ipv6(struct dns_copy *c, const uint8_t *in, size_t len)
{
    memset(c, 0, sizeof *c);
    c->in = in;
    c->in_len = len;
    copy_bytes(c, 12);
    if (c->failed) {
        return false;
    }
    const unsigned num_questions = packet_u16(in + 4);
    const unsigned num_records =
        (unsigned)packet_u16(in + 6) + packet_u16(in + 8) + packet_u16(in + 10);
    for (unsigned i = 0; i < num_questions && !c->failed; i++) {
        copy_name(c);
        copy_bytes(c, 4);
        if (!c->failed) {
            packet_put16(c->out + c->len - 4, swap_type(packet_u16(c->out + c->len - 4)));
        }
    }
    for (unsigned i = 0; i < num_records && !c->failed; i++) {
        copy_record(c);
    }
    return !c->failed && c->at == len;
}

/* IPv6 header for what follows; returns where its payload begins. */
static uint8_t *put_header(uint8_t *out, uint8_t next, size_t payload_len, const uint8_t *ipv4)
{
    packet_put32(out, 0x60000000);
    packet_put16(out + 4, (unsigned)payload_len);
    out[6] = next;
    out[7] = ipv4[8]; /* hop limit from TTL */
    put_address(out + 8, ipv4 + 12);
    put_address(out + 24, ipv4 + 16);
    return out + 40;
}

/* The transport checksum covers the addresses: exchange them (RFC 1624). */
static void fix_checksum(uint8_t *field, const uint8_t *ipv4, const uint8_t *ipv6)
{
    uint32_t sum = (uint16_t)~packet_u16(field);
    for (size_t i = 12; i < 20; i += 2) {
        sum += (uint16_t)~packet_u16(ipv4 + i);
    }
    packet_put16(field, packet_checksum(sum, ipv6 + 8, 32));
}

/* One IPv4 packet (captured perhaps only in part, as in an ICMP quote) as IPv6. Returns its length,
 * 0 when it cannot be said. */
static size_t packet_to_ipv6(uint8_t *out, const uint8_t *in, size_t len)
{
    const size_t header = (size_t)(in[0] & 15) * 4;
    const size_t body_len = len - header;
    const size_t wire_len = (size_t)packet_u16(in + 2) - header;
    const unsigned fragment = packet_u16(in + 6);
    const uint8_t protocol = in[9];
    uint8_t *body;
    if (protocol != 6 && protocol != 17) {
        return 0;
    }
    if ((fragment & 0x3fff) != 0) {
        body = put_header(out, 44, wire_len + 8, in);
        body[0] = protocol;
        body[1] = 0;
        packet_put16(body + 2, (fragment & 0x1fff) << 3 | (fragment & 0x2000 ? 1 : 0));
        packet_put32(body + 4, packet_u16(in + 4));
        body += 8;
    } else {
        body = put_header(out, protocol, wire_len, in);
    }
    memcpy(body, in + header, body_len);
    const size_t at = protocol == 6 ? 16 : 6;
    if ((fragment & 0x1fff) == 0 && body_len >= at + 2) {
        fix_checksum(body + at, in, out);
    }
    return (size_t)(body - out) + body_len;
}

static size_t udp_dns_to_ipv6(uint8_t *out, const uint8_t *in, const struct dns_copy *dns)
{
    const size_t udp_len = 8 + dns->len;
    uint8_t *udp = put_header(out, 17, udp_len, in);
    memcpy(udp, in + (size_t)(in[0] & 15) * 4, 4);
    packet_put16(udp + 4, (unsigned)udp_len);
    packet_put16(udp + 6, 0);
    memcpy(udp + 8, dns->out, dns->len);
    uint32_t pseudo = packet_sum(17 + (uint32_t)udp_len, out + 8, 32);
    packet_put16(udp + 6, packet_checksum(pseudo, udp, udp_len));
    return 40 + udp_len;
}

static void put_icmp_checksum(uint8_t *ipv6, size_t icmp_len)
{
    packet_put16(ipv6 + 42, 0);
    uint32_t pseudo = packet_sum(58 + (uint32_t)icmp_len, ipv6 + 8, 32);
    packet_put16(ipv6 + 42, packet_checksum(pseudo, ipv6 + 40, icmp_len));
}

/* ICMP type 3 as ICMPv6 type 1 (RFC 4443 3.1) with its quote. */
static size_t icmp_to_ipv6(uint8_t *out, const uint8_t *in, size_t len)
{
    const size_t header = (size_t)(in[0] & 15) * 4;
    const uint8_t *icmp = in + header;
    if (len < header + 8 + 20 || icmp[0] != 3) {
        return 0;
    }
    uint8_t quote[PACKET_BYTES_MAX];
    size_t quote_len = packet_to_ipv6(quote, icmp + 8, len - header - 8);
    if (quote_len == 0) {
        return 0;
    }
    uint8_t *body = put_header(out, 58, 8 + quote_len, in);
    body[0] = 1;
    body[1] = icmp[1] == 3 ? 4 : icmp[1] == 1 ? 3 : 0; /* port, host (address), network */
    packet_put32(body + 4, 0);
    memcpy(body + 8, quote, quote_len);
    put_icmp_checksum(out, 8 + quote_len);
    return 48 + quote_len;
}

/* ARP as neighbour solicitation and advertisement (RFC 4861 4.3, 4.4). */
static size_t arp_to_ipv6(uint8_t *out, const uint8_t *arp)
{
    uint8_t ipv4[20] = {0};
    const bool is_request = packet_u16(arp + 6) == 1;
    ipv4[8] = 255;
    memcpy(ipv4 + 12, arp + 14, 4);
    memcpy(ipv4 + 16, arp + 24, 4);
    uint8_t *body = put_header(out, 58, 32, ipv4);
    body[0] = is_request ? 135 : 136;
    body[1] = 0;
    packet_put32(body + 4, is_request ? 0 : 0x60000000);
    put_address(body + 8, is_request ? arp + 24 : arp + 14);
    if (is_request) { /* to the solicited-node group of the target */
        static const uint8_t group[13] = {0xff, 2, [11] = 1, [12] = 0xff};
        memcpy(out + 24, group, sizeof group);
        memcpy(out + 37, arp + 25, 3);
    }
    body[24] = is_request ? 1 : 2;
    body[25] = 1;
    memcpy(body + 26, arp + 8, 6);
    put_icmp_checksum(out, 32);
    return 72;
}

static size_t frame_to_ipv6(uint8_t *out, const struct recorded_frame *f)
{
    struct packet p;
    struct dns_copy dns;
    packet_look(&p, f);
    const uint8_t *ip = f->bytes + 14;
    if (p.is_arp) {
        return arp_to_ipv6(out, ip);
    }
    if (!p.is_ipv4) {
        return 0;
    }
    if (!p.is_fragment && ip[9] == 1) {
        return icmp_to_ipv6(out, ip, p.end - 14);
    }
    if (p.is_udp && (packet_u16(f->bytes + p.l4) == 53 || packet_u16(f->bytes + p.l4 + 2) == 53)) {
        return dns_to_ipv6(&dns, f->bytes + p.payload, p.payload_len)
                   ? udp_dns_to_ipv6(out, ip, &dns)
                   : 0;
    }
    return packet_to_ipv6(out, ip, p.end - 14);
}

bool rewrite_ipv6(struct recording *out, const struct recording *in)
{
    uint8_t bytes[PACKET_BYTES_MAX];
    recording_init_like(out, in);
    for (size_t i = 0; i < in->num_frames; i++) {
        const struct recorded_frame *f = &in->frames[i];
        size_t len = f->len >= 34 ? frame_to_ipv6(bytes + 14, f) : 0;
        if (len == 0) {
            recording_free(out);
            return false;
        }
        memcpy(bytes, f->bytes, 12);
        packet_put16(bytes + 12, 0x86dd);
        recording_add(out, f, bytes, len + 14)->original_len = (uint32_t)len + 14;
    }
    recording_renumber(out);
    return true;
}
