#include "decode/segment_private.h"

enum { ICMP_QUOTED_HEADERS_MAX = 8 }; /* IPv6 extension headers stepped over in a quote */

/* The ports in the first bytes of the transport header; 0 where the quote ends before them. */
static void quote_ports(struct segment *out, struct bytes transport)
{
    if (out->quoted_protocol == 6 || out->quoted_protocol == 17) {
        uint32_t ports = bytes_u32be_at(transport, 0);
        out->quoted_from.port = (uint16_t)(ports >> 16);
        out->quoted_to.port = (uint16_t)ports;
    }
}

/* RFC 792: the IP header and at least 8 bytes behind it. false: no such header. */
static bool quote_v4(struct segment *out, struct bytes quote)
{
    unsigned first = bytes_u8_at(quote, 0);
    size_t header_len = (size_t)(first & 0x0f) * 4;
    if (quote.len < 20 || first >> 4 != 4 || header_len < 20) {
        return false;
    }
    bool is_first = (bytes_u16be_at(quote, 6) & 0x1fff) == 0;
    out->quoted_protocol = bytes_u8_at(quote, 9);
    out->quoted_from = (struct endpoint){.address = address_from(bytes_part(quote, 12, 4))};
    out->quoted_to = (struct endpoint){.address = address_from(bytes_part(quote, 16, 4))};
    if (is_first) {
        quote_ports(out, bytes_part(quote, header_len, SIZE_MAX));
    }
    return true;
}

/* RFC 4443 3.1: as much of the packet as fits. */
static bool quote_v6(struct segment *out, struct bytes quote)
{
    if (quote.len < 40 || bytes_u8_at(quote, 0) >> 4 != 6) {
        return false;
    }
    uint8_t next = bytes_u8_at(quote, 6);
    struct bytes rest = bytes_part(quote, 40, SIZE_MAX);
    bool is_first = true;
    for (unsigned i = 0; i < ICMP_QUOTED_HEADERS_MAX; i++) {
        size_t len = 8;
        if (next == 44) {
            is_first = (bytes_u16be_at(rest, 2) & 0xfff8) == 0;
        } else if (next == 0 || next == 43 || next == 60) {
            len += (size_t)bytes_u8_at(rest, 1) * 8;
        } else {
            break;
        }
        if (rest.len < len) {
            break;
        }
        next = bytes_u8_at(rest, 0);
        rest = bytes_part(rest, len, SIZE_MAX);
    }
    out->quoted_protocol = next;
    out->quoted_from = (struct endpoint){.address = address_from(bytes_part(quote, 8, 16))};
    out->quoted_to = (struct endpoint){.address = address_from(bytes_part(quote, 24, 16))};
    if (is_first) {
        quote_ports(out, rest);
    }
    return true;
}

/*      0      1      2          4        8
 *      | type | code | checksum | unused | the packet that could not be delivered |      RFC 792 */
static enum layer unreachable_step(struct walk *w, size_t quoted_header_len,
                                   bool (*quote)(struct segment *out, struct bytes quote))
{
    if (!walk_has(w, 8 + quoted_header_len)) {
        return LAYER_DONE;
    }
    struct segment *out = w->out;
    out->icmp_type = bytes_u8_at(w->rest, 0);
    out->icmp_code = bytes_u8_at(w->rest, 1);
    walk_skip(w, 8);
    if (!quote(out, w->rest)) {
        return walk_drop(w, SEGMENT_DROP_MALFORMED);
    }
    out->kind = SEGMENT_ICMP_UNREACHABLE;
    out->payload = w->rest;
    out->payload_len = (uint32_t)w->wire_len;
    return LAYER_DONE;
}

enum layer icmp_step(struct walk *w)
{
    if (!walk_has(w, 1)) {
        return LAYER_DONE;
    }
    return bytes_u8_at(w->rest, 0) == 3 ? unreachable_step(w, 20, quote_v4) : walk_other(w);
}

enum layer icmp_v6_step(struct walk *w)
{
    if (!walk_has(w, 1)) {
        return LAYER_DONE;
    }
    switch (bytes_u8_at(w->rest, 0)) {
    case 1:
        return unreachable_step(w, 40, quote_v6);
    case 135:
    case 136:
        return neighbour_discovery_step(w);
    default:
        return walk_other(w);
    }
}
