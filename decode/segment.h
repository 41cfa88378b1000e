/* frame -> segment: link layer, VLAN tags, tunnels, IP, fragments, down to the transport payload.
 *
 * Innermost wins: of nested headers (GRE, VXLAN, IP-in-IP, …) the segment names the innermost IP
 * pair. Flows ignore VLAN, tunnel and MAC (docs/ARCHITECTURE.md).
 */
#ifndef KRBSCOPE_DECODE_SEGMENT_H
#define KRBSCOPE_DECODE_SEGMENT_H

#include "base/address.h"
#include "capture/capture.h"

#define SEGMENT_FRAMES_MAX 64     /* fragments of one datagram that keep their frame number */
#define SEGMENT_LAYERS_MAX 16     /* nested headers before a frame is given up */
#define FRAGMENT_DATAGRAMS_MAX 64 /* datagrams under reassembly at once */
#define FRAGMENT_DATAGRAM_BYTES 65535
#define FRAGMENT_AGE_NS INT64_C(30000000000) /* RFC 791 3.2: given up after 30 s of packet time */

enum segment_kind {
    SEGMENT_NONE, /* nothing for us; drop says why when it is a loss */
    SEGMENT_TCP,
    SEGMENT_UDP,
    SEGMENT_ICMP_UNREACHABLE,
    SEGMENT_NEIGHBOUR_REQUEST, /* ARP request, ND neighbour solicitation */
    SEGMENT_NEIGHBOUR_REPLY,   /* ARP reply, ND neighbour advertisement */
    SEGMENT_OTHER,             /* an IP packet of another protocol: src and dst only */
};

enum segment_drop {
    SEGMENT_DROP_NONE,
    SEGMENT_DROP_CUT,              /* snap length ends inside a header */
    SEGMENT_DROP_MALFORMED,        /* a header contradicts itself */
    SEGMENT_DROP_LINK_TYPE,        /* no decoder for the link type */
    SEGMENT_DROP_ENCRYPTED,        /* 802.11 protected data, ESP */
    SEGMENT_DROP_TOO_DEEP,         /* more than SEGMENT_LAYERS_MAX headers */
    SEGMENT_DROP_FRAGMENT_EXPIRED, /* a datagram whose fragments never all came */
    SEGMENT_DROP_FRAGMENT_FULL,    /* no room for another datagram */
    SEGMENT_DROP_COUNT,
};

/* TCP flags as on the wire. */
enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10 };

struct segment {
    enum segment_kind kind;
    enum segment_drop drop;
    struct endpoint from, to;
    struct hardware_address from_hardware, to_hardware; /* of the innermost Ethernet header */
    struct bytes payload; /* what was captured of it; borrowed from the frame or the segmenter */
    uint32_t payload_len; /* as on the wire; more than payload.len when the frame was cut */
    bool is_reassembled;  /* from IP fragments: frames lists them */
    uint32_t frames[SEGMENT_FRAMES_MAX]; /* frame numbers, ascending; 1 unless reassembled */
    size_t num_frames;

    /* SEGMENT_TCP */
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window;

    /* SEGMENT_ICMP_UNREACHABLE: from sent it, to gets it; what it quotes, from the sender's view */
    uint8_t icmp_type, icmp_code;
    uint8_t quoted_protocol; /* 6, 17 or another */
    struct endpoint quoted_from, quoted_to;

    /* SEGMENT_NEIGHBOUR_*: from.address asks for, or answers as, target; from.address is
     * ADDRESS_NONE for probes. */
    struct address target;
};

struct segmenter;

/* A segmenter with room for FRAGMENT_DATAGRAMS_MAX datagrams. NULL: no memory. */
struct segmenter *segmenter_new(void);
void segmenter_free(struct segmenter *s);

/* Looks into one frame. *out borrows from the frame and the segmenter until the next call.
 * A fragment that does not complete its datagram gives SEGMENT_NONE without a drop. Overlapping
 * fragments: the bytes that came first stay (documented, one way; RFC 5722 asks IPv6 to drop them,
 * and dropping would hide what hosts accepted). */
void segment_parse(struct segmenter *s, const struct frame *frame, struct segment *out);

/* Datagrams given up so far (expired or no room): their missing fragments may hold requests. */
uint64_t segmenter_fragments_lost(const struct segmenter *s);

const char *segment_drop_name(enum segment_drop drop);

#endif
