#include "decode/segment_private.h"

#include <string.h>

/* LINKTYPE numbers that capture.h has no name for; common enough in captures of routers. */
enum { LINK_PPP_HDLC = 50, LINK_CISCO_HDLC = 104, LINK_PPI = 192 };

enum { ETHERNET_LENGTH_MAX = 1500, ETHERTYPE_MIN = 1536 };

enum layer link_layer(uint16_t link_type)
{
    switch (link_type) {
    case LINK_TYPE_ETHERNET:
        return LAYER_ETHERNET;
    case LINK_TYPE_NULL:
    case LINK_TYPE_LOOP:
        return LAYER_NULL;
    case LINK_TYPE_RAW:
    case LINK_TYPE_RAW_BSD:
    case LINK_TYPE_RAW_OPENBSD:
        return LAYER_RAW;
    case LINK_TYPE_IPV4:
        return LAYER_IPV4;
    case LINK_TYPE_IPV6:
        return LAYER_IPV6;
    case LINK_TYPE_LINUX_SLL:
        return LAYER_SLL;
    case LINK_TYPE_LINUX_SLL2:
        return LAYER_SLL2;
    case LINK_TYPE_IEEE802_11:
        return LAYER_WLAN;
    case LINK_TYPE_IEEE802_11_RADIOTAP:
        return LAYER_RADIOTAP;
    case LINK_PPI:
        return LAYER_PPI;
    case LINK_TYPE_PPP:
    case LINK_PPP_HDLC:
        return LAYER_PPP;
    case LINK_TYPE_PPP_ETHER:
        return LAYER_PPPOE;
    case LINK_CISCO_HDLC:
        return LAYER_CISCO_HDLC;
    case LINK_TYPE_TOKEN_RING:
        return LAYER_TOKEN_RING;
    case LINK_TYPE_FDDI:
        return LAYER_FDDI;
    default:
        return LAYER_DONE;
    }
}

enum layer link_layer_of_type(struct walk *w, uint16_t type)
{
    switch (type) {
    case 0x0800:
        return LAYER_IPV4;
    case 0x86dd:
        return LAYER_IPV6;
    case 0x0806:
        return LAYER_ARP;
    case 0x8100: /* IEEE 802.1Q */
    case 0x88a8: /* IEEE 802.1ad */
    case 0x9100: /* the same before it had a number */
        return LAYER_VLAN;
    case 0x8926: /* Cisco VN-Tag */
        return LAYER_VN_TAG;
    case 0x8909: /* Cisco metadata (TrustSec security group tag) */
        return LAYER_CISCO_METADATA;
    case 0x8847: /* RFC 5332 2 */
    case 0x8848:
        return LAYER_MPLS;
    case 0x8864:
        return LAYER_PPPOE;
    case 0x880b: /* RFC 2637 4.1 */
        return LAYER_PPP;
    case 0x6558: /* RFC 1701: transparent Ethernet bridging */
        return LAYER_ETHERNET;
    default:
        break;
    }
    if (type <= ETHERNET_LENGTH_MAX) {
        walk_trim(w, type);
        return LAYER_LLC;
    }
    return walk_other(w);
}

/*      0          6          12      14
 *      |  to MAC  | from MAC | type  |                                              IEEE 802.3 3.1
 */
enum layer link_ethernet_step(struct walk *w)
{
    if (!walk_has(w, 14)) {
        return LAYER_DONE;
    }
    uint16_t type = bytes_u16be_at(w->rest, 12);
    struct hardware_address *to = &w->out->to_hardware;
    struct hardware_address *from = &w->out->from_hardware;
    to->known = from->known = true;
    memcpy(to->octets, w->rest.at, sizeof to->octets);
    memcpy(from->octets, w->rest.at + sizeof to->octets, sizeof from->octets);
    walk_skip(w, 14);
    return type == 0x0800 ? LAYER_IPV4 : link_layer_of_type(w, type);
}

/* A tag of len bytes, the last two of which are the type of what follows. */
enum layer link_tag_step(struct walk *w, size_t len)
{
    if (!walk_has(w, len)) {
        return LAYER_DONE;
    }
    uint16_t type = bytes_u16be_at(w->rest, len - 2);
    walk_skip(w, len);
    return link_layer_of_type(w, type);
}

/* IEEE 802.2, with SNAP (RFC 1042). IP has a service access point of its own, 06, too. */
enum layer link_llc_step(struct walk *w)
{
    uint32_t head = bytes_u32be_at(w->rest, 0); /* 0 when that much is not there */
    if (w->wire_len < 3) {
        return walk_other(w);
    }
    if (!walk_has(w, 3)) {
        return LAYER_DONE;
    }
    if (bytes_u16be_at(w->rest, 0) == 0x0606 && bytes_u8_at(w->rest, 2) == 0x03) {
        walk_skip(w, 3);
        return LAYER_IPV4;
    }
    if (bytes_u16be_at(w->rest, 0) != 0xaaaa || bytes_u8_at(w->rest, 2) != 0x03) {
        return walk_other(w);
    }
    if (!walk_has(w, 8)) {
        return LAYER_DONE;
    }
    uint32_t organisation = (head & 0xff) << 16 | bytes_u16be_at(w->rest, 4);
    uint16_t type = bytes_u16be_at(w->rest, 6);
    walk_skip(w, 8);
    if (organisation == 0x0080c2 && (type == 1 || type == 7)) {
        walk_skip(w, 2); /* RFC 2684 5.2: padding before a bridged Ethernet frame */
        return LAYER_ETHERNET;
    }
    bool is_ethertype = organisation == 0 || organisation == 0x0000f8; /* IEEE 802.1H */
    if (!is_ethertype || type < ETHERTYPE_MIN) {
        return walk_other(w);
    }
    return link_layer_of_type(w, type);
}

/* The protocol field of the Linux "any" device: an EtherType, or a small number for framings. */
static enum layer cooked_layer(struct walk *w, uint16_t protocol)
{
    if (protocol == 0x0004) { /* LINUX_SLL_P_802_2 */
        return LAYER_LLC;
    }
    return protocol < ETHERTYPE_MIN ? walk_other(w) : link_layer_of_type(w, protocol);
}

/* netlink has no protocol in an EtherType's sense. */
static bool cooked_is_network(uint16_t hardware)
{
    return hardware != 824;
}

/*      0      2          4         6         14        16
 *      | type | hardware | address | address | protocol |                        LINKTYPE_LINUX_SLL
 */
enum layer link_sll_step(struct walk *w)
{
    if (!walk_has(w, 16)) {
        return LAYER_DONE;
    }
    uint16_t hardware = bytes_u16be_at(w->rest, 2);
    uint16_t protocol = bytes_u16be_at(w->rest, 14);
    walk_skip(w, 16);
    return cooked_is_network(hardware) ? cooked_layer(w, protocol) : walk_other(w);
}

/*      0          2          4           8          10     11         12        20
 *      | protocol | reserved | interface | hardware | type | addr len | address |  LINUX_SLL2 */
enum layer link_sll2_step(struct walk *w)
{
    if (!walk_has(w, 20)) {
        return LAYER_DONE;
    }
    uint16_t protocol = bytes_u16be_at(w->rest, 0);
    uint16_t hardware = bytes_u16be_at(w->rest, 8);
    walk_skip(w, 20);
    return cooked_is_network(hardware) ? cooked_layer(w, protocol) : walk_other(w);
}

/* The address family of the system that captured; AF_INET is 2 everywhere, AF_INET6 is not. */
static enum layer null_layer(uint32_t family)
{
    switch (family) {
    case 2:
        return LAYER_IPV4;
    case 10: /* Linux */
    case 23: /* Windows */
    case 24: /* NetBSD, OpenBSD */
    case 28: /* FreeBSD */
    case 30: /* macOS */
        return LAYER_IPV6;
    default:
        return LAYER_DONE;
    }
}

/* LINKTYPE_NULL is in the order of the capturing host, LOOP in network order; files that were
 * converted lie about either, so the other order is tried too. */
enum layer link_null_step(struct walk *w)
{
    if (!walk_has(w, 4)) {
        return LAYER_DONE;
    }
    uint32_t big = bytes_u32be_at(w->rest, 0);
    uint32_t little = big >> 24 | (big >> 8 & 0xff00) | (big << 8 & 0xff0000) | big << 24;
    bool is_big = w->frame->link_type == LINK_TYPE_LOOP || w->frame->big_endian_host;
    uint32_t first = is_big ? big : little;
    uint32_t second = is_big ? little : big;
    walk_skip(w, 4);
    enum layer layer = null_layer(first);
    if (layer == LAYER_DONE) {
        layer = null_layer(second);
    }
    if (layer != LAYER_DONE) {
        return layer;
    }
    if (first >= ETHERTYPE_MIN && first <= UINT16_MAX) { /* some drivers write the EtherType */
        return link_layer_of_type(w, (uint16_t)first);
    }
    return walk_other(w);
}

enum layer link_raw_step(struct walk *w)
{
    if (!walk_has(w, 1)) {
        return LAYER_DONE;
    }
    switch (bytes_u8_at(w->rest, 0) >> 4) {
    case 4:
        return LAYER_IPV4;
    case 6:
        return LAYER_IPV6;
    default:
        return walk_drop(w, SEGMENT_DROP_MALFORMED);
    }
}

/* RFC 1661 2, RFC 1662 3.1: address and control FF 03 may be left out, and the first byte of the
 * protocol when it is 0. */
enum layer link_ppp_step(struct walk *w)
{
    if (!walk_has(w, 2)) {
        return LAYER_DONE;
    }
    if (bytes_u16be_at(w->rest, 0) == 0xff03) {
        walk_skip(w, 2);
    }
    if (!walk_has(w, 2)) {
        return LAYER_DONE;
    }
    unsigned first = bytes_u8_at(w->rest, 0);
    bool is_short = (first & 1) != 0;
    unsigned protocol = is_short ? first : bytes_u16be_at(w->rest, 0);
    walk_skip(w, is_short ? 1 : 2);
    switch (protocol) {
    case 0x0021: /* RFC 1332 3.1 */
        return LAYER_IPV4;
    case 0x0057: /* RFC 5072 2 */
        return LAYER_IPV6;
    case 0x0281: /* RFC 3032 4.3 */
    case 0x0283:
        return LAYER_MPLS;
    case 0x00fd: /* RFC 3078: MPPE, or compressed; either way not to be read */
        return walk_drop(w, SEGMENT_DROP_ENCRYPTED);
    default:
        return walk_other(w);
    }
}

/*      0      1      2         4        6
 *      | 0x11 | code | session | length | PPP                                          RFC 2516 4
 */
enum layer link_pppoe_step(struct walk *w)
{
    if (!walk_has(w, 6)) {
        return LAYER_DONE;
    }
    uint16_t head = bytes_u16be_at(w->rest, 0);
    uint16_t len = bytes_u16be_at(w->rest, 4);
    if (head >> 8 != 0x11) {
        return walk_drop(w, SEGMENT_DROP_MALFORMED);
    }
    walk_skip(w, 6);
    if ((head & 0xff) != 0) { /* discovery, no session yet */
        return walk_other(w);
    }
    walk_trim(w, len);
    return LAYER_PPP;
}

/*      0         1         2      4
 *      | address | control | type |                      RFC 1547 4.3.1 (Cisco HDLC); PPP otherwise
 */
enum layer link_cisco_hdlc_step(struct walk *w)
{
    if (!walk_has(w, 4)) {
        return LAYER_DONE;
    }
    uint16_t head = bytes_u16be_at(w->rest, 0);
    if (head == 0xff03) {
        return LAYER_PPP;
    }
    uint16_t type = bytes_u16be_at(w->rest, 2);
    walk_skip(w, 4);
    return type < ETHERTYPE_MIN ? walk_other(w) : link_layer_of_type(w, type);
}

/*      0        1       2        8          14
 *      | access | frame | to MAC | from MAC | route? | LLC                      IEEE 802.5 3.1
 * The group bit of the source tells of routing information, whose low 5 bits are its length. */
enum layer link_token_ring_step(struct walk *w)
{
    if (!walk_has(w, 14)) {
        return LAYER_DONE;
    }
    bool is_llc = (bytes_u8_at(w->rest, 1) & 0xc0) == 0x40;
    bool is_routed = (bytes_u8_at(w->rest, 8) & 0x80) != 0;
    walk_skip(w, 14);
    if (!is_llc) {
        return walk_other(w);
    }
    if (is_routed) {
        if (!walk_has(w, 2)) {
            return LAYER_DONE;
        }
        size_t route_len = bytes_u8_at(w->rest, 0) & 0x1f;
        if (route_len < 2) {
            return walk_drop(w, SEGMENT_DROP_MALFORMED);
        }
        if (!walk_has(w, route_len)) {
            return LAYER_DONE;
        }
        walk_skip(w, route_len);
    }
    return LAYER_LLC;
}

/*      0       1        7          13
 *      | frame | to MAC | from MAC | LLC                                       ANSI X3.139 (FDDI)
 */
enum layer link_fddi_step(struct walk *w)
{
    if (!walk_has(w, 13)) {
        return LAYER_DONE;
    }
    bool is_llc = (bytes_u8_at(w->rest, 0) & 0x30) == 0x10;
    walk_skip(w, 13);
    return is_llc ? LAYER_LLC : walk_other(w);
}
