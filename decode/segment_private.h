/* The walk from one header to the next, shared by segment.c, link.c, wlan.c, ip.c and tunnel.c.
 *
 *      link_layer() -> enum layer -> <noun>_step() -> enum layer -> … -> LAYER_DONE
 *
 * A step reads the header at walk.rest, moves rest behind it and returns the layer that follows.
 * The loop in segment_parse() is the only one that calls steps, so nesting costs no stack.
 */
#ifndef KRBSCOPE_DECODE_SEGMENT_PRIVATE_H
#define KRBSCOPE_DECODE_SEGMENT_PRIVATE_H

#include "base/cursor.h"
#include "decode/fragment_private.h"
#include "decode/segment.h"
#include "decode/tap.h"

struct segmenter {
    struct fragments *fragments;
    struct segment_trail *trail; /* or NULL */
};

struct walk {
    struct segmenter *segmenter;
    const struct frame *frame;
    struct segment *out;
    struct bytes rest;   /* captured, from the next header on */
    size_t wire_len;     /* bytes of rest on the wire; at least rest.len */
    bool has_ip;         /* out->from and out->to are those of an IP header */
    bool is_wlan_padded; /* radiotap: 802.11 header is padded to 4 bytes */
};

/* Ends the walk with a loss. */
static inline enum layer walk_drop(struct walk *w, enum segment_drop drop)
{
    w->out->kind = SEGMENT_NONE;
    w->out->drop = drop;
    return LAYER_DONE;
}

/* len bytes of header are there. Otherwise the walk is over: cut by the capture when the wire had
 * them, malformed when the outer header promised fewer. */
static inline bool walk_has(struct walk *w, size_t len)
{
    if (w->rest.len >= len) {
        return true;
    }
    (void)walk_drop(w, w->wire_len >= len ? SEGMENT_DROP_CUT : SEGMENT_DROP_MALFORMED);
    return false;
}

/* Moves behind a header of len bytes; what was not captured of it is missing on both sides. */
static inline void walk_skip(struct walk *w, size_t len)
{
    w->rest = bytes_part(w->rest, len, SIZE_MAX);
    w->wire_len = len < w->wire_len ? w->wire_len - len : 0;
}

/* A length field says that len bytes follow: padding and trailers go. It is believed only when it
 * shortens; of a frame that was cut before it came to us the sequence numbers tell. */
static inline void walk_trim(struct walk *w, size_t len)
{
    if (len < w->wire_len) {
        w->rest = bytes_part(w->rest, 0, len);
        w->wire_len = len;
    }
}

/* Ends the walk at a payload that is not ours. */
static inline enum layer walk_other(struct walk *w)
{
    w->out->kind = w->has_ip ? SEGMENT_OTHER : SEGMENT_NONE;
    w->out->payload = w->rest;
    w->out->payload_len = (uint32_t)w->wire_len;
    return LAYER_DONE;
}

/* The layer of a link type; LAYER_DONE: no decoder. */
enum layer link_layer(uint16_t link_type);

/* The layer that an EtherType names, or an 802.3 length (RFC 894, IEEE 802.3 3.2.6), which is
 * applied. LAYER_DONE: none of ours, and the walk is ended. */
enum layer link_layer_of_type(struct walk *w, uint16_t type);

enum layer link_ethernet_step(struct walk *w);
enum layer link_tag_step(struct walk *w, size_t len);
enum layer link_llc_step(struct walk *w);
enum layer link_sll_step(struct walk *w);
enum layer link_sll2_step(struct walk *w);
enum layer link_null_step(struct walk *w);
enum layer link_raw_step(struct walk *w);
enum layer link_ppp_step(struct walk *w);
enum layer link_pppoe_step(struct walk *w);
enum layer link_cisco_hdlc_step(struct walk *w);
enum layer link_token_ring_step(struct walk *w);
enum layer link_fddi_step(struct walk *w);

enum layer wlan_step(struct walk *w);
enum layer wlan_radiotap_step(struct walk *w);
enum layer wlan_ppi_step(struct walk *w);

enum layer neighbour_arp_step(struct walk *w);

/* ICMPv6 135 and 136 (RFC 4861 4.3, 4.4); rest begins at the ICMPv6 header. */
enum layer neighbour_discovery_step(struct walk *w);

enum layer tunnel_mpls_step(struct walk *w);
enum layer tunnel_gre_step(struct walk *w);

/* rest is the payload of a UDP datagram between these ports. When it is a tunnel of ours and what
 * it holds is plausible, rest moves there and its layer is returned; otherwise LAYER_DONE, and
 * nothing has changed. */
enum layer tunnel_of_udp(struct walk *w, uint16_t from_port, uint16_t to_port);

enum layer ip_v4_step(struct walk *w);
enum layer ip_v6_step(struct walk *w);
enum layer ip_v6_options_step(struct walk *w);
enum layer ip_v6_fragment_step(struct walk *w);
enum layer ip_authentication_step(struct walk *w);

enum layer icmp_step(struct walk *w);
enum layer icmp_v6_step(struct walk *w);

#endif
