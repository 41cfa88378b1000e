#include "decode/segment_private.h"

enum {
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_ICMP = 1,
    PROTOCOL_IPV4 = 4,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_IPV6 = 41,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_GRE = 47,
    PROTOCOL_ESP = 50,
    PROTOCOL_AUTHENTICATION = 51,
    PROTOCOL_ICMPV6 = 58,
    PROTOCOL_NO_NEXT = 59,
    PROTOCOL_DESTINATION_OPTIONS = 60,
    PROTOCOL_ETHERIP = 97,
    PROTOCOL_MPLS = 137,
    PROTOCOL_ETHERNET = 143,
};

/* The layer of an IP protocol number; LAYER_DONE: none of ours, and the walk is ended. */
static enum layer layer_of_protocol(struct walk *w, uint8_t protocol)
{
    bool is_v6 = w->out->from.address.family == ADDRESS_IPV6;
    switch (protocol) {
    case PROTOCOL_TCP:
        return LAYER_TCP;
    case PROTOCOL_UDP:
        return LAYER_UDP;
    case PROTOCOL_ICMP:
        return is_v6 ? walk_other(w) : LAYER_ICMP;
    case PROTOCOL_ICMPV6:
        return is_v6 ? LAYER_ICMPV6 : walk_other(w);
    case PROTOCOL_IPV4:
        return LAYER_IPV4;
    case PROTOCOL_IPV6:
        return LAYER_IPV6;
    case PROTOCOL_GRE:
        return LAYER_GRE;
    case PROTOCOL_MPLS:
        return LAYER_MPLS;
    case PROTOCOL_ETHERNET: /* RFC 8986 10.1 */
        return LAYER_ETHERNET;
    case PROTOCOL_ETHERIP: /* RFC 3378 3: version 3 and 12 bits of 0 */
        walk_skip(w, 2);
        return LAYER_ETHERNET;
    case PROTOCOL_AUTHENTICATION:
        return LAYER_AUTHENTICATION;
    case PROTOCOL_ESP:
        return walk_drop(w, SEGMENT_DROP_ENCRYPTED);
    case PROTOCOL_HOP_BY_HOP:
    case PROTOCOL_ROUTING:
    case PROTOCOL_DESTINATION_OPTIONS:
        return is_v6 ? LAYER_IPV6_OPTIONS : walk_other(w);
    case PROTOCOL_FRAGMENT:
        return is_v6 ? LAYER_IPV6_FRAGMENT : walk_other(w);
    default:
        return walk_other(w);
    }
}

/* rest is a fragment's data. The walk goes on in the datagram once it is whole. */
static enum layer reassemble(struct walk *w, struct fragment *f)
{
    struct fragment_datagram datagram;
    enum segment_drop loss = SEGMENT_DROP_NONE;
    f->from = w->out->from.address;
    f->to = w->out->to.address;
    f->is_nested = w->out->is_reassembled;
    f->data = w->rest;
    f->wire_len = w->wire_len;
    struct segment_trail *trail = w->segmenter->trail;
    if (trail != NULL && !w->out->is_reassembled) {
        trail->is_fragment = true;
        trail->fragment_offset = (uint32_t)f->offset;
        trail->payload_at = (uint32_t)(w->rest.at - w->frame->bytes.at);
    }
    switch (fragments_add(w->segmenter->fragments, &datagram, w->out, &loss, f)) {
    case FRAGMENT_COMPLETE:
        w->rest = datagram.data;
        w->wire_len = datagram.wire_len;
        return layer_of_protocol(w, datagram.protocol);
    case FRAGMENT_BAD:
        return walk_drop(w, SEGMENT_DROP_MALFORMED);
    case FRAGMENT_HELD:
        break;
    }
    return walk_drop(w, loss); /* of another datagram; none for most */
}

/* RFC 791 3.1:
 *      0         1      2        4    6         8     9          10         12     16   20
 *      | ver ihl | tos  | length | id | DF MF o | ttl | protocol | checksum | from | to | options
 */
enum layer ip_v4_step(struct walk *w)
{
    if (!walk_has(w, 20)) {
        return LAYER_DONE;
    }
    struct segment *out = w->out;
    unsigned first = bytes_u8_at(w->rest, 0);
    size_t header_len = (size_t)(first & 0x0f) * 4;
    size_t len = bytes_u16be_at(w->rest, 2);
    unsigned fragment = bytes_u16be_at(w->rest, 6);
    uint8_t protocol = bytes_u8_at(w->rest, 9);
    /* 0 is what the sender's stack leaves for the adapter to fill (segmentation offload). */
    if (len == 0) {
        len = w->wire_len;
    }
    if (first >> 4 != 4 || header_len < 20 || header_len > len) {
        return walk_drop(w, SEGMENT_DROP_MALFORMED);
    }
    out->from = (struct endpoint){.address = address_from(bytes_part(w->rest, 12, 4))};
    out->to = (struct endpoint){.address = address_from(bytes_part(w->rest, 16, 4))};
    w->has_ip = true;
    walk_trim(w, len);
    uint32_t id = bytes_u16be_at(w->rest, 4);
    if (!walk_has(w, header_len)) {
        return LAYER_DONE;
    }
    walk_skip(w, header_len);
    if ((fragment & 0x3fff) == 0) {
        return protocol == PROTOCOL_TCP ? LAYER_TCP : layer_of_protocol(w, protocol);
    }
    struct fragment f = {
        .id = id,
        .protocol = protocol,
        .more = (fragment & 0x2000) != 0,
        .offset = (size_t)(fragment & 0x1fff) * FRAGMENT_UNIT_BYTES,
    };
    return reassemble(w, &f);
}

/* RFC 8200 3:
 *      0                    4        6             7           8      24   40
 *      | ver, class, label  | length | next header | hop limit | from | to |
 */
enum layer ip_v6_step(struct walk *w)
{
    if (!walk_has(w, 40)) {
        return LAYER_DONE;
    }
    struct segment *out = w->out;
    if (bytes_u8_at(w->rest, 0) >> 4 != 6) {
        return walk_drop(w, SEGMENT_DROP_MALFORMED);
    }
    size_t len = bytes_u16be_at(w->rest, 4);
    uint8_t next = bytes_u8_at(w->rest, 6);
    out->from = (struct endpoint){.address = address_from(bytes_part(w->rest, 8, 16))};
    out->to = (struct endpoint){.address = address_from(bytes_part(w->rest, 24, 16))};
    w->has_ip = true;
    walk_skip(w, 40);
    /* 0 is a jumbogram (RFC 2675 3) or segmentation offload: all that there is. */
    if (len != 0 || next == PROTOCOL_NO_NEXT) {
        walk_trim(w, len);
    }
    return layer_of_protocol(w, next);
}

/*      0      1
 *      | next | length in 8 bytes, without the first 8 |                      RFC
 * 8200 4.3, 4.4, 4.6 */
enum layer ip_v6_options_step(struct walk *w)
{
    if (!walk_has(w, 8)) {
        return LAYER_DONE;
    }
    uint8_t next = bytes_u8_at(w->rest, 0);
    size_t len = 8 + (size_t)bytes_u8_at(w->rest, 1) * 8;
    if (!walk_has(w, len)) {
        return LAYER_DONE;
    }
    walk_skip(w, len);
    return layer_of_protocol(w, next);
}

/*      0      1          2                     4    8
 *      | next | reserved | offset 13, 0 2, M 1 | id |                                   RFC
 * 8200 4.5 */
enum layer ip_v6_fragment_step(struct walk *w)
{
    if (!walk_has(w, 8)) {
        return LAYER_DONE;
    }
    unsigned bits = bytes_u16be_at(w->rest, 2);
    struct fragment f = {
        .id = bytes_u32be_at(w->rest, 4),
        .protocol = bytes_u8_at(w->rest, 0),
        .more = (bits & 1) != 0,
        .offset = bits & 0xfff8,
    };
    walk_skip(w, 8);
    if (f.offset == 0 && !f.more) { /* RFC 6946: an atomic fragment is a whole packet */
        return layer_of_protocol(w, f.protocol);
    }
    return reassemble(w, &f);
}

/*      0      1
 *      | next | length in 4 bytes, without the first 8 | … integrity check                RFC 4302
 * 2 */
enum layer ip_authentication_step(struct walk *w)
{
    if (!walk_has(w, 12)) {
        return LAYER_DONE;
    }
    uint8_t next = bytes_u8_at(w->rest, 0);
    size_t len = 8 + (size_t)bytes_u8_at(w->rest, 1) * 4;
    if (len < 12) {
        return walk_drop(w, SEGMENT_DROP_MALFORMED);
    }
    if (!walk_has(w, len)) {
        return LAYER_DONE;
    }
    walk_skip(w, len);
    return layer_of_protocol(w, next);
}
