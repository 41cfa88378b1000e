#include "decode/segment_private.h"

/* UDP ports (IANA; 8472 is what Linux and Flannel used for VXLAN before 4789 was given). */
enum {
    TUNNEL_PORT_L2TP = 1701,
    TUNNEL_PORT_GTP_U = 2152,
    TUNNEL_PORT_TEREDO = 3544,
    TUNNEL_PORT_VXLAN = 4789,
    TUNNEL_PORT_VXLAN_GPE = 4790,
    TUNNEL_PORT_GENEVE = 6081,
    TUNNEL_PORT_VXLAN_LINUX = 8472,
};

enum {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGE = 0x0080,
    GRE_VERSION = 0x0007,
    GRE_ROUTES_MAX = 8, /* source routes stepped over (RFC 1701) */
};

/* Control word, Ethernet, IPv6: with so much behind the labels it can be told what it is. */
enum { MPLS_TELLING_BYTES = 4 + 14 + 40 };

enum { VXLAN_ID = 0x08, VXLAN_NEXT = 0x04 };

enum { GTP_EXTENSIONS_MAX = 8 };

enum {
    L2TP_CONTROL = 0x8000,
    L2TP_LENGTH = 0x4000,
    L2TP_SEQUENCE = 0x0800,
    L2TP_OFFSET = 0x0200,
    L2TP_VERSION = 0x000f,
};

/* Could an IPv4 header begin here, of a packet that fits what was on the wire? */
static bool ipv4_is_plausible(struct bytes rest, size_t wire_len)
{
    size_t header_len = (size_t)(bytes_u8_at(rest, 0) & 0x0f) * 4;
    size_t len = bytes_u16be_at(rest, 2);
    return rest.len >= 20 && bytes_u8_at(rest, 0) >> 4 == 4 && header_len >= 20 &&
           (len == 0 || (len >= header_len && len <= wire_len));
}

static bool ipv6_is_plausible(struct bytes rest, size_t wire_len)
{
    size_t len = bytes_u16be_at(rest, 4);
    return rest.len >= 40 && bytes_u8_at(rest, 0) >> 4 == 6 && len + 40 <= wire_len;
}

static bool ethernet_is_plausible(struct bytes rest, size_t wire_len)
{
    if (rest.len < 14) {
        return false;
    }
    struct bytes inner = bytes_part(rest, 14, SIZE_MAX);
    size_t inner_len = wire_len - 14;
    uint16_t type = bytes_u16be_at(rest, 12);
    switch (type) {
    case 0x0800:
        return ipv4_is_plausible(inner, inner_len);
    case 0x86dd:
        return ipv6_is_plausible(inner, inner_len);
    case 0x0806:
    case 0x8100:
    case 0x88a8:
    case 0x9100:
    case 0x8847:
    case 0x8848:
    case 0x8864:
        return true;
    default:
        return bytes_u16be_at(inner, 0) == 0xaaaa && type >= 8 && type <= inner_len;
    }
}

/* The layer that an EtherType in a tunnel header names, when what lies there looks like it. */
static enum layer plausible_layer(struct bytes rest, size_t wire_len, uint16_t type)
{
    switch (type) {
    case 0x0800:
        return ipv4_is_plausible(rest, wire_len) ? LAYER_IPV4 : LAYER_DONE;
    case 0x86dd:
        return ipv6_is_plausible(rest, wire_len) ? LAYER_IPV6 : LAYER_DONE;
    case 0x6558:
        return ethernet_is_plausible(rest, wire_len) ? LAYER_ETHERNET : LAYER_DONE;
    default:
        return LAYER_DONE;
    }
}

/* One label:  label 20 bits, class 3, bottom of stack 1, time to live 8        (RFC 3032 2.1)
 * Below the bottom nothing names what follows. IP is told by its version nibble (RFC 4928 2) and a
 * header that fits; a pseudowire control word begins with nibble 0 (RFC 4385 3) and Ethernet comes
 * next; without one a MAC address may begin with any nibble. */
enum layer tunnel_mpls_step(struct walk *w)
{
    if (!walk_has(w, 4)) {
        return LAYER_DONE;
    }
    bool is_bottom = (bytes_u8_at(w->rest, 2) & 1) != 0;
    walk_skip(w, 4);
    if (!is_bottom) {
        return LAYER_MPLS;
    }
    unsigned nibble = bytes_u8_at(w->rest, 0) >> 4;
    if (nibble == 4 && ipv4_is_plausible(w->rest, w->wire_len)) {
        return LAYER_IPV4;
    }
    if (nibble == 6 && ipv6_is_plausible(w->rest, w->wire_len)) {
        return LAYER_IPV6;
    }
    if (nibble == 0 && w->rest.len >= 4) {
        struct bytes behind = bytes_part(w->rest, 4, SIZE_MAX);
        if (ethernet_is_plausible(behind, w->wire_len - 4)) {
            walk_skip(w, 4);
            return LAYER_ETHERNET;
        }
    }
    if (ethernet_is_plausible(w->rest, w->wire_len)) {
        return LAYER_ETHERNET;
    }
    if (w->rest.len < MPLS_TELLING_BYTES && w->rest.len < w->wire_len) {
        return walk_drop(w, SEGMENT_DROP_CUT);
    }
    return walk_other(w);
}

/* ERSPAN, version in the first nibble: II has 8 bytes, III has 12 and 8 more when the O bit is set
 * (draft-foschiano-erspan-03). Type I has no header; it is told by GRE without a sequence number.
 */
static enum layer erspan_layer(struct walk *w, bool has_header)
{
    if (!has_header) {
        return LAYER_ETHERNET;
    }
    if (!walk_has(w, 12)) {
        return LAYER_DONE;
    }
    unsigned version = bytes_u8_at(w->rest, 0) >> 4;
    if (version == 1) {
        walk_skip(w, 8);
        return LAYER_ETHERNET;
    }
    if (version != 2) {
        return walk_other(w);
    }
    unsigned last = bytes_u8_at(w->rest, 11);
    unsigned frame_type = bytes_u8_at(w->rest, 10) >> 2 & 0x1f;
    size_t len = (last & 1) != 0 ? 20 : 12;
    if (!walk_has(w, len)) {
        return LAYER_DONE;
    }
    walk_skip(w, len);
    return frame_type == 2 ? LAYER_RAW : LAYER_ETHERNET;
}

/* Steps over the source routes of RFC 1701; they end with an empty one of family 0. */
static bool skip_gre_routes(struct walk *w)
{
    for (unsigned i = 0; i < GRE_ROUTES_MAX; i++) {
        if (!walk_has(w, 4)) {
            return false;
        }
        uint16_t family = bytes_u16be_at(w->rest, 0);
        size_t len = 4 + (size_t)bytes_u8_at(w->rest, 3);
        if (!walk_has(w, len)) {
            return false;
        }
        walk_skip(w, len);
        if (family == 0 && len == 4) {
            return true;
        }
    }
    (void)walk_drop(w, SEGMENT_DROP_MALFORMED);
    return false;
}

/*      0       2      4
 *      | flags | type | checksum+offset? key? sequence? routes?       RFC 2784, RFC 2890, RFC 1701
 *      | flags | PPP  | payload length, call | sequence? acknowledge?  RFC 2637 4.1 (version 1)
 */
enum layer tunnel_gre_step(struct walk *w)
{
    if (!walk_has(w, 4)) {
        return LAYER_DONE;
    }
    unsigned flags = bytes_u16be_at(w->rest, 0);
    uint16_t type = bytes_u16be_at(w->rest, 2);
    unsigned version = flags & GRE_VERSION;
    bool has_sequence = (flags & GRE_SEQUENCE) != 0;
    if (version > 1) {
        return walk_other(w);
    }
    size_t len = 4;
    len += (flags & (GRE_CHECKSUM | GRE_ROUTING)) != 0 ? 4 : 0;
    len += (flags & GRE_KEY) != 0 ? 4 : 0;
    len += has_sequence ? 4 : 0;
    len += version == 1 && (flags & GRE_ACKNOWLEDGE) != 0 ? 4 : 0;
    if (!walk_has(w, len)) {
        return LAYER_DONE;
    }
    size_t ppp_len = version == 1 ? bytes_u16be_at(w->rest, 4) : SIZE_MAX;
    walk_skip(w, len);
    if ((flags & GRE_ROUTING) != 0 && !skip_gre_routes(w)) {
        return LAYER_DONE;
    }
    walk_trim(w, ppp_len);
    if (w->wire_len == 0) { /* an acknowledgement alone, or a keepalive */
        return walk_other(w);
    }
    if (type == 0x8909) { /* Cisco metadata, which names its follower first here */
        if (!walk_has(w, 8)) {
            return LAYER_DONE;
        }
        type = bytes_u16be_at(w->rest, 0);
        walk_skip(w, 8);
    }
    if (type == 0x88be) {
        return erspan_layer(w, has_sequence);
    }
    if (type == 0x22eb) {
        return erspan_layer(w, true);
    }
    if (type == 0x883e) { /* WCCP: version 2 puts 4 bytes before the packet, version 1 does not */
        walk_skip(w, bytes_u8_at(w->rest, 0) >> 4 == 4 ? 0 : 4);
        return LAYER_IPV4;
    }
    return type < 1536 ? walk_other(w) : link_layer_of_type(w, type);
}

/*      0       1          3                4    7
 *      | flags | reserved | next protocol  | id | reserved |   RFC 7348 5; GPE:
 * draft-ietf-nvo3-vxlan-gpe
 */
static enum layer vxlan_layer(struct bytes *rest, size_t *wire_len)
{
    static const uint16_t types[] = {0, 0x0800, 0x86dd, 0x6558};
    unsigned flags = bytes_u8_at(*rest, 0);
    unsigned next = bytes_u8_at(*rest, 3);
    if (rest->len < 8 || (flags & (VXLAN_ID | VXLAN_NEXT)) == 0) {
        return LAYER_DONE;
    }
    *rest = bytes_part(*rest, 8, SIZE_MAX);
    *wire_len -= 8;
    /* Some set the protocol and not its flag, or other flags; receivers ignore those. */
    enum layer layer = plausible_layer(*rest, *wire_len, 0x6558);
    return layer != LAYER_DONE || next > 3 ? layer : plausible_layer(*rest, *wire_len, types[next]);
}

/*      0                    1       2      4    7
 *      | version, opt words | flags | type | id | reserved | options                  RFC 8926 3.4
 */
static enum layer geneve_layer(struct bytes *rest, size_t *wire_len)
{
    unsigned first = bytes_u8_at(*rest, 0);
    size_t len = 8 + (size_t)(first & 0x3f) * 4;
    uint16_t type = bytes_u16be_at(*rest, 2);
    if (rest->len < len || first >> 6 != 0) {
        return LAYER_DONE;
    }
    *rest = bytes_part(*rest, len, SIZE_MAX);
    *wire_len -= len;
    return plausible_layer(*rest, *wire_len, type);
}

/* RFC 4380 5.1.1: an authentication and an origin indication may come before the IPv6 packet. */
static enum layer teredo_layer(struct bytes *rest, size_t *wire_len)
{
    size_t len = 0;
    if (rest->len >= 4 && bytes_u16be_at(*rest, 0) == 0x0001) {
        /* indicator 2, id length, value length, id, value, nonce 8, confirmation */
        len = 13 + (size_t)bytes_u8_at(*rest, 2) + bytes_u8_at(*rest, 3);
    }
    if (rest->len >= len + 8 && bytes_u16be_at(*rest, len) == 0x0000) {
        len += 8;
    }
    if (rest->len < len) {
        return LAYER_DONE;
    }
    *rest = bytes_part(*rest, len, SIZE_MAX);
    *wire_len -= len;
    return plausible_layer(*rest, *wire_len, 0x86dd);
}

/*      0       1      2        4    8
 *      | flags | type | length | id | sequence 2, N-PDU 1, next extension 1 |       TS 29.281 5.1
 * The last four bytes are there when any of the flags E, S, PN is set. */
static enum layer gtp_layer(struct bytes *rest, size_t *wire_len)
{
    unsigned flags = bytes_u8_at(*rest, 0);
    if (rest->len < 8 || (flags & 0xf0) != 0x30 || bytes_u8_at(*rest, 1) != 0xff) {
        return LAYER_DONE;
    }
    size_t len = (flags & 0x07) != 0 ? 12 : 8;
    unsigned next = (flags & 0x04) != 0 ? bytes_u8_at(*rest, 11) : 0;
    for (unsigned i = 0; next != 0; i++) {
        size_t words = bytes_u8_at(*rest, len);
        if (i == GTP_EXTENSIONS_MAX || words == 0) {
            return LAYER_DONE;
        }
        len += words * 4;
        next = bytes_u8_at(*rest, len - 1); /* 0 behind the end */
    }
    if (rest->len < len) {
        return LAYER_DONE;
    }
    *rest = bytes_part(*rest, len, SIZE_MAX);
    *wire_len -= len;
    enum layer layer = plausible_layer(*rest, *wire_len, 0x0800);
    return layer != LAYER_DONE ? layer : plausible_layer(*rest, *wire_len, 0x86dd);
}

/*      0       2       4        6         8    10   12
 *      | flags | len?  | tunnel | session | ns?  nr?  | offset? and as much padding |   RFC
 * 2661 3.1 */
static enum layer l2tp_layer(struct bytes *rest, size_t *wire_len)
{
    unsigned flags = bytes_u16be_at(*rest, 0);
    if ((flags & L2TP_CONTROL) != 0 || (flags & L2TP_VERSION) != 2) {
        return LAYER_DONE;
    }
    size_t len = (flags & L2TP_LENGTH) != 0 ? 8 : 6;
    len += (flags & L2TP_SEQUENCE) != 0 ? 4 : 0;
    len += (flags & L2TP_OFFSET) != 0 ? 2 + (size_t)bytes_u16be_at(*rest, len) : 0;
    len += bytes_u16be_at(*rest, len) == 0xff03 ? 2 : 0; /* PPP without its HDLC header, too */
    uint16_t protocol = bytes_u16be_at(*rest, len);
    len += 2;
    if (rest->len < len) {
        return LAYER_DONE;
    }
    *rest = bytes_part(*rest, len, SIZE_MAX);
    *wire_len -= len;
    uint16_t type = protocol == 0x0021 ? 0x0800 : protocol == 0x0057 ? 0x86dd : 0;
    return plausible_layer(*rest, *wire_len, type);
}

/* Ports are a hint, never proof: an answer may go to a client that chose such a port. */
enum layer tunnel_of_udp(struct walk *w, uint16_t from_port, uint16_t to_port)
{
    struct bytes rest = w->rest;
    size_t wire_len = w->wire_len;
    enum layer layer = LAYER_DONE;
    const uint16_t ports[] = {to_port, from_port};
    for (size_t i = 0; i < 2 && layer == LAYER_DONE; i++) {
        rest = w->rest;
        wire_len = w->wire_len;
        switch (ports[i]) {
        case TUNNEL_PORT_VXLAN:
        case TUNNEL_PORT_VXLAN_GPE:
        case TUNNEL_PORT_VXLAN_LINUX:
            layer = vxlan_layer(&rest, &wire_len);
            break;
        case TUNNEL_PORT_GENEVE:
            layer = geneve_layer(&rest, &wire_len);
            break;
        case TUNNEL_PORT_TEREDO:
            layer = teredo_layer(&rest, &wire_len);
            break;
        case TUNNEL_PORT_L2TP:
            layer = l2tp_layer(&rest, &wire_len);
            break;
        case TUNNEL_PORT_GTP_U:
            layer = gtp_layer(&rest, &wire_len);
            break;
        default:
            break;
        }
    }
    if (layer != LAYER_DONE) {
        w->rest = rest;
        w->wire_len = wire_len;
    }
    return layer;
}
