/* What the decoder understood of the bytes, told while it reads: for those who rewrite captures.
 * Everything that is not told is payload that nobody decoded. */
#ifndef KRBSCOPE_DECODE_TAP_H
#define KRBSCOPE_DECODE_TAP_H

#include "decode/carrier.h"
#include "decode/dns.h"
#include "decode/segment.h"

enum tap_kind {
    TAP_KRB,       /* a Kerberos message or a password change; cut ones too */
    TAP_DNS,       /* see the flavour */
    TAP_HTTP_HEAD, /* or its beginning */
    TAP_HTTP_BODY, /* of a CCM_POST or a message to a KDC proxy */
    TAP_CARRIER,   /* a PDU that may carry a token, or a record of TLS, or its beginning */
    TAP_FRAMING,   /* lengths and line ends between messages */
};

/* Where bytes of a message lie: chunks of a body have others between them. */
struct tap_piece {
    uint64_t offset; /* in the stream */
    size_t len;
};

struct tap_message {
    enum tap_kind kind;
    enum carrier_kind carrier; /* TAP_CARRIER */
    struct bytes bytes;
    const struct tap_piece *pieces; /* of the bytes, in their order; of what lies in none of them
                                       nobody knows the place */
    size_t num_pieces;
};

struct decoder_tap {
    void *context;
    /* The datagram of the current frame; its payload is all of the message. */
    void (*datagram)(void *context, const struct segment *segment, enum tap_kind kind,
                     enum dns_flavour flavour);
    /* A part of a stream: base_seq is the sequence number at its offset 0. */
    void (*stream)(void *context, const struct endpoint *from, const struct endpoint *to,
                   uint32_t base_seq, const struct tap_message *message);
};

/* The headers that segment_parse() walked through, by where they begin in the frame; the last one
 * is followed by payload. Headers of reassembled datagrams are not listed. */
enum layer {
    LAYER_DONE, /* out says what came of it */
    LAYER_ETHERNET,
    LAYER_VLAN,
    LAYER_VN_TAG,
    LAYER_CISCO_METADATA,
    LAYER_LLC,
    LAYER_SLL,
    LAYER_SLL2,
    LAYER_NULL,
    LAYER_RAW, /* IP, version told by its first nibble */
    LAYER_PPP,
    LAYER_PPPOE,
    LAYER_CISCO_HDLC,
    LAYER_TOKEN_RING,
    LAYER_FDDI,
    LAYER_WLAN,
    LAYER_RADIOTAP,
    LAYER_PPI,
    LAYER_ARP,
    LAYER_MPLS,
    LAYER_GRE,
    LAYER_IPV4,
    LAYER_IPV6,
    LAYER_IPV6_OPTIONS, /* hop-by-hop, routing, destination options */
    LAYER_IPV6_FRAGMENT,
    LAYER_AUTHENTICATION, /* IPsec AH, either family */
    LAYER_TCP,
    LAYER_UDP,
    LAYER_ICMP,
    LAYER_ICMPV6,
};

struct segment_trail {
    struct {
        int layer;   /* enum layer */
        uint32_t at; /* offset in the frame */
    } step[SEGMENT_LAYERS_MAX];
    size_t num;
    uint32_t payload_at;      /* what lies behind the last header */
    bool is_fragment;         /* payload is a part of an IP datagram … */
    uint32_t fragment_offset; /* … from this byte of it on */
};

/* Every later segment_parse() fills the trail; NULL: none. */
void segmenter_set_trail(struct segmenter *s, struct segment_trail *trail);

#endif
