#include "decode/segment.h"

#include "decode/segment_private.h"

#include <assert.h>
#include <stdlib.h>

struct segmenter *segmenter_new(void)
{
    struct segmenter *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->fragments = fragments_new();
    if (s->fragments == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

void segmenter_free(struct segmenter *s)
{
    if (s != NULL) {
        fragments_free(s->fragments);
        free(s);
    }
}

uint64_t segmenter_fragments_lost(const struct segmenter *s)
{
    return fragments_lost(s->fragments);
}

/* RFC 9293 3.1. Options that the snap length cut off hold nothing for us. */
static enum layer tcp_step(struct walk *w)
{
    if (!walk_has(w, 20)) {
        return LAYER_DONE;
    }
    struct segment *out = w->out;
    uint32_t ports = bytes_u32be_at(w->rest, 0);
    uint32_t bits = bytes_u32be_at(w->rest, 12); /* offset 4, reserved 4, flags 8, window 16 */
    size_t header_len = (size_t)(bits >> 28) * 4;
    if (header_len < 20 || header_len > w->wire_len) {
        return walk_drop(w, SEGMENT_DROP_MALFORMED);
    }
    out->kind = SEGMENT_TCP;
    out->from.port = (uint16_t)(ports >> 16);
    out->to.port = (uint16_t)ports;
    out->seq = bytes_u32be_at(w->rest, 4);
    out->ack = bytes_u32be_at(w->rest, 8);
    out->flags = (uint8_t)(bits >> 16);
    out->window = (uint16_t)bits;
    walk_skip(w, header_len);
    out->payload = w->rest;
    out->payload_len = (uint32_t)w->wire_len;
    return LAYER_DONE;
}

/* RFC 768. A length of 0 (RFC 2675 4, and offloading) or one that cannot be leaves IP's. One that
 * is longer is believed: the datagram was cut before it came to us. */
static enum layer udp_step(struct walk *w)
{
    if (!walk_has(w, 8)) {
        return LAYER_DONE;
    }
    struct segment *out = w->out;
    uint32_t ports = bytes_u32be_at(w->rest, 0);
    size_t len = bytes_u16be_at(w->rest, 4);
    walk_skip(w, 8);
    if (len >= 8) {
        walk_trim(w, len - 8);
    }
    out->from.port = (uint16_t)(ports >> 16);
    out->to.port = (uint16_t)ports;
    enum layer inner = tunnel_of_udp(w, out->from.port, out->to.port);
    if (inner != LAYER_DONE) {
        return inner;
    }
    out->kind = SEGMENT_UDP;
    out->payload = w->rest;
    out->payload_len = (uint32_t)(len > 8 + w->wire_len ? len - 8 : w->wire_len);
    return LAYER_DONE;
}

/* One header. */
static enum layer step(struct walk *w, enum layer layer)
{
    switch (layer) {
    case LAYER_DONE:
        break;
    case LAYER_ETHERNET:
        return link_ethernet_step(w);
    case LAYER_VLAN:
        return link_tag_step(w, 4);
    case LAYER_VN_TAG:
        return link_tag_step(w, 6);
    case LAYER_CISCO_METADATA:
        return link_tag_step(w, 8);
    case LAYER_LLC:
        return link_llc_step(w);
    case LAYER_SLL:
        return link_sll_step(w);
    case LAYER_SLL2:
        return link_sll2_step(w);
    case LAYER_NULL:
        return link_null_step(w);
    case LAYER_RAW:
        return link_raw_step(w);
    case LAYER_PPP:
        return link_ppp_step(w);
    case LAYER_PPPOE:
        return link_pppoe_step(w);
    case LAYER_CISCO_HDLC:
        return link_cisco_hdlc_step(w);
    case LAYER_TOKEN_RING:
        return link_token_ring_step(w);
    case LAYER_FDDI:
        return link_fddi_step(w);
    case LAYER_WLAN:
        return wlan_step(w);
    case LAYER_RADIOTAP:
        return wlan_radiotap_step(w);
    case LAYER_PPI:
        return wlan_ppi_step(w);
    case LAYER_ARP:
        return neighbour_arp_step(w);
    case LAYER_MPLS:
        return tunnel_mpls_step(w);
    case LAYER_GRE:
        return tunnel_gre_step(w);
    case LAYER_IPV4:
        return ip_v4_step(w);
    case LAYER_IPV6:
        return ip_v6_step(w);
    case LAYER_IPV6_OPTIONS:
        return ip_v6_options_step(w);
    case LAYER_IPV6_FRAGMENT:
        return ip_v6_fragment_step(w);
    case LAYER_AUTHENTICATION:
        return ip_authentication_step(w);
    case LAYER_TCP:
        return tcp_step(w);
    case LAYER_UDP:
        return udp_step(w);
    case LAYER_ICMP:
        return icmp_step(w);
    case LAYER_ICMPV6:
        return icmp_v6_step(w);
    }
    assert(layer == LAYER_DONE); /* every step gives one of the above */
    return LAYER_DONE;
}

/* Sets what every kind has. The rest of *out, 400 bytes, is set only by the kind that owns it:
 * zeroing it would cost as much as the plain path. */
static void segment_clear(struct segment *out, const struct frame *frame)
{
    out->kind = SEGMENT_NONE;
    out->drop = SEGMENT_DROP_NONE;
    out->from = (struct endpoint){0};
    out->to = (struct endpoint){0};
    out->from_hardware = (struct hardware_address){0};
    out->to_hardware = (struct hardware_address){0};
    out->payload = (struct bytes){0};
    out->payload_len = 0;
    out->is_reassembled = false;
    out->frames[0] = frame->number;
    out->num_frames = 1;
}

void segmenter_set_trail(struct segmenter *s, struct segment_trail *trail)
{
    s->trail = trail;
}

/* Does the rest lie in the frame, and not in a datagram that was put together? */
static bool is_in_frame(const struct walk *w)
{
    struct bytes all = w->frame->bytes;
    uintptr_t at = (uintptr_t)w->rest.at;
    uintptr_t first = (uintptr_t)all.at;
    return at >= first && at - first <= all.len;
}

static void trail_add(const struct walk *w, enum layer layer)
{
    struct segment_trail *t = w->segmenter->trail;
    if (t != NULL && t->num < SEGMENT_LAYERS_MAX && is_in_frame(w)) {
        t->step[t->num].layer = (int)layer;
        t->step[t->num++].at = (uint32_t)(w->rest.at - w->frame->bytes.at);
    }
}

static void trail_end(const struct walk *w)
{
    struct segment_trail *t = w->segmenter->trail;
    if (t != NULL && !t->is_fragment && is_in_frame(w)) {
        t->payload_at = (uint32_t)(w->rest.at - w->frame->bytes.at);
    }
}

void segment_parse(struct segmenter *s, const struct frame *frame, struct segment *out)
{
    struct walk w = {
        .segmenter = s,
        .frame = frame,
        .out = out,
        .rest = frame->bytes,
        .wire_len = frame->original_len > frame->bytes.len ? frame->original_len : frame->bytes.len,
    };
    segment_clear(out, frame);
    if (s->trail != NULL) {
        *s->trail = (struct segment_trail){.payload_at = (uint32_t)frame->bytes.len};
    }
    fragments_set_time(s->fragments, frame->time_ns);
    enum layer layer = link_layer(frame->link_type);
    if (layer == LAYER_DONE) {
        out->drop = SEGMENT_DROP_LINK_TYPE;
        return;
    }
    for (unsigned depth = 0; layer != LAYER_DONE; depth++) {
        if (depth == SEGMENT_LAYERS_MAX) {
            (void)walk_drop(&w, SEGMENT_DROP_TOO_DEEP);
            return;
        }
        trail_add(&w, layer);
        layer = step(&w, layer);
    }
    trail_end(&w);
}

const char *segment_drop_name(enum segment_drop drop)
{
    switch (drop) {
    case SEGMENT_DROP_NONE:
        return "none";
    case SEGMENT_DROP_CUT:
        return "header-cut";
    case SEGMENT_DROP_MALFORMED:
        return "header-malformed";
    case SEGMENT_DROP_LINK_TYPE:
        return "unsupported-link-type";
    case SEGMENT_DROP_ENCRYPTED:
        return "encrypted";
    case SEGMENT_DROP_TOO_DEEP:
        return "nested-too-deep";
    case SEGMENT_DROP_FRAGMENT_EXPIRED:
        return "fragment-expired";
    case SEGMENT_DROP_FRAGMENT_FULL:
        return "fragment-table-full";
    case SEGMENT_DROP_COUNT:
        break;
    }
    return "unknown";
}
