#include "rewrite_packet.h"

#include "decode/segment.h"

#include <assert.h>
#include <string.h>

uint16_t packet_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t packet_u32(const uint8_t *at)
{
    return (uint32_t)packet_u16(at) << 16 | packet_u16(at + 2);
}

void packet_put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void packet_put32(uint8_t *at, uint32_t value)
{
    packet_put16(at, value >> 16);
    packet_put16(at + 2, value & 0xffff);
}

uint32_t packet_sum(uint32_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        sum += packet_u16(bytes + i);
    }
    return len % 2 == 0 ? sum : sum + ((uint32_t)bytes[len - 1] << 8);
}

uint16_t packet_checksum(uint32_t sum, const uint8_t *bytes, size_t len)
{
    sum = packet_sum(sum, bytes, len);
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

void packet_look(struct packet *out, const struct recorded_frame *f)
{
    const uint8_t *b = f->bytes;
    memset(out, 0, sizeof *out);
    if (f->link_type != LINK_TYPE_ETHERNET || f->len < 14 || f->original_len != f->len) {
        return;
    }
    out->is_arp = packet_u16(b + 12) == 0x0806 && f->len >= 42;
    if (packet_u16(b + 12) != 0x0800 || f->len < 34) {
        return;
    }
    out->l4 = 14 + (size_t)(b[14] & 15) * 4;
    out->end = 14 + (size_t)packet_u16(b + 16);
    if (out->l4 > out->end || out->end > f->len) {
        return;
    }
    out->is_ipv4 = true;
    out->is_fragment = (packet_u16(b + 20) & 0x3fff) != 0;
    size_t head_len = b[23] == 6 ? 20 : 8;
    if (out->l4 + head_len > out->end) {
        return;
    }
    if (!out->is_fragment && b[23] == 6) {
        out->is_tcp = true;
        out->is_syn = (b[out->l4 + 13] & TCP_SYN) != 0;
        out->payload = out->l4 + (size_t)(b[out->l4 + 12] >> 4) * 4;
    } else if (!out->is_fragment && b[23] == 17) {
        out->is_udp = true;
        out->payload = out->l4 + 8;
    } else {
        return;
    }
    if (out->payload > out->end) {
        out->is_tcp = false;
        return;
    }
    out->payload_len = out->end - out->payload;
}

size_t packet_tcp_part(uint8_t out[PACKET_BYTES_MAX], const struct recorded_frame *f,
                       const struct packet *p, size_t from, size_t len, bool is_last)
{
    memcpy(out, f->bytes, p->payload);
    memcpy(out + p->payload, f->bytes + p->payload + from, len);
    const size_t end = p->payload + len;
    const size_t tcp_len = end - p->l4;
    packet_put16(out + 16, (unsigned)(end - 14));
    packet_put16(out + 24, 0);
    packet_put16(out + 24, packet_checksum(0, out + 14, p->l4 - 14));
    packet_put32(out + p->l4 + 4, packet_u32(out + p->l4 + 4) + (uint32_t)from);
    if (!is_last) {
        out[p->l4 + 13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    }
    packet_put16(out + p->l4 + 16, 0);
    const uint32_t pseudo = packet_sum(0, out + 26, 8) + 6 + (uint32_t)tcp_len;
    packet_put16(out + p->l4 + 16, packet_checksum(pseudo, out + p->l4, tcp_len));
    return end;
}

void packet_flow_key(uint8_t key[12], bool *from_lower, const struct recorded_frame *f,
                     const struct packet *p)
{
    uint8_t from[6], to[6];
    memcpy(from, f->bytes + 26, 4);
    memcpy(from + 4, f->bytes + p->l4, 2);
    memcpy(to, f->bytes + 30, 4);
    memcpy(to + 4, f->bytes + p->l4 + 2, 2);
    *from_lower = memcmp(from, to, 6) < 0;
    memcpy(key, *from_lower ? from : to, 6);
    memcpy(key + 6, *from_lower ? to : from, 6);
}
