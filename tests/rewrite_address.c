/* Address translation, and another clock. */
#include "rewrite.h"

#include "rewrite_packet.h"

#include <assert.h>
#include <string.h>

struct change {
    const uint8_t *from, *to;
    uint16_t add_port;
};

/* The Internet checksum at `at` after bytes were changed (RFC 1624 eqn. 3): 0 stays none. */
static void amend(uint8_t *at, const uint8_t *old, const uint8_t *new, size_t len)
{
    uint32_t sum = (uint16_t)~packet_u16(at);
    for (size_t i = 0; i < len; i += 2) {
        sum += (uint16_t)~packet_u16(old + i);
        sum += packet_u16(new + i);
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    packet_put16(at, (uint16_t)~sum);
}

/* The header at ip, an error's quote included: its addresses and the first port of each. */
static void change_ip(uint8_t *ip, size_t len, const struct change *c)
{
    const size_t head = (size_t)(ip[0] & 15) * 4;
    const bool is_first = (packet_u16(ip + 6) & 0x1fff) == 0;
    const bool is_tcp = ip[9] == 6;
    uint8_t *l4 = ip + head;
    uint8_t *sum = NULL;
    if (is_first && (is_tcp || ip[9] == 17) && len >= head + (is_tcp ? 18U : 8U)) {
        sum = l4 + (is_tcp ? 16 : 6);
    }
    for (size_t side = 0; side < 2; side++) {
        uint8_t *address = ip + 12 + 4 * side;
        uint8_t *port = l4 + 2 * side;
        if (memcmp(address, c->from, 4) != 0) {
            continue;
        }
        uint8_t before[6], after[6];
        memcpy(before, address, 4);
        memcpy(after, c->to, 4);
        amend(ip + 10, before, after, 4);
        memcpy(address, c->to, 4);
        size_t num = 4;
        if (is_first && (is_tcp || ip[9] == 17) && len >= head + 4 && packet_u16(port) >= 1024) {
            memcpy(before + 4, port, 2);
            packet_put16(port, packet_u16(port) + (unsigned)c->add_port);
            memcpy(after + 4, port, 2);
            num = 6;
        }
        if (sum != NULL && (is_tcp || packet_u16(sum) != 0)) {
            amend(sum, before, after, num);
        }
    }
    if (ip[9] == 1 && is_first && len >= head + 8 + 20 && (l4[0] == 3 || l4[0] == 11)) {
        change_ip(l4 + 8, len - head - 8, c);
        packet_put16(l4 + 2, 0);
        packet_put16(l4 + 2, packet_checksum(0, l4, len - head));
    }
}

void rewrite_address(struct recording *out, const struct recording *in, const uint8_t from[4],
                     const uint8_t to[4], uint16_t add_port)
{
    const struct change change = {.from = from, .to = to, .add_port = add_port};
    recording_init_like(out, in);
    for (size_t i = 0; i < in->num_frames; i++) {
        const struct recorded_frame *f = &in->frames[i];
        struct recorded_frame *copy = recording_add(out, f, f->bytes, f->len);
        const unsigned type = f->len >= 14 ? packet_u16(f->bytes + 12) : 0;
        if (type == 0x0800 && f->len >= 34) {
            const size_t len = packet_u16(f->bytes + 16);
            change_ip(copy->bytes + 14, len < f->len - 14 ? len : f->len - 14, &change);
        } else if (type == 0x0806 && f->len >= 42) {
            for (size_t at = 28; at <= 38; at += 10) {
                if (memcmp(copy->bytes + at, from, 4) == 0) {
                    memcpy(copy->bytes + at, to, 4);
                }
            }
        }
    }
    recording_renumber(out);
}

void rewrite_time(struct recording *out, const struct recording *in, int64_t add_ns)
{
    recording_init_like(out, in);
    for (size_t i = 0; i < in->num_frames; i++) {
        const struct recorded_frame *f = &in->frames[i];
        recording_add(out, f, f->bytes, f->len)->time_ns += add_ns;
    }
    out->info.first_time_ns += add_ns;
    out->info.last_time_ns += add_ns;
    recording_renumber(out);
}
