/* Just enough of Ethernet, IPv4, TCP and UDP to write packets anew; for tests/rewrite*.c only. */
#ifndef KRBSCOPE_TESTS_REWRITE_PACKET_H
#define KRBSCOPE_TESTS_REWRITE_PACKET_H

#include "recording.h"

#define PACKET_BYTES_MAX 70000 /* one frame with everything put around it */

/* Offsets from the frame's start. Only whole, untagged Ethernet/IPv4 packets are known. */
struct packet {
    bool is_ipv4, is_arp;
    bool is_fragment;    /* any piece of a fragmented datagram */
    bool is_tcp, is_udp; /* and not a fragment: payload is set */
    bool is_syn;
    size_t l4;  /* after the IPv4 header */
    size_t end; /* of the IP packet, Ethernet's padding left out */
    size_t payload, payload_len;
};

void packet_look(struct packet *out, const struct recorded_frame *f);

uint16_t packet_u16(const uint8_t *at);
uint32_t packet_u32(const uint8_t *at);
void packet_put16(uint8_t *at, unsigned value);
void packet_put32(uint8_t *at, uint32_t value);

/* The Internet checksum (RFC 1071) of bytes over a start value that is a plain sum of words. */
uint16_t packet_checksum(uint32_t sum, const uint8_t *bytes, size_t len);
uint32_t packet_sum(uint32_t sum, const uint8_t *bytes, size_t len);

/* The frame with only `len` bytes of its TCP payload from offset `from`; FIN and PSH only with
 * is_last. Returns the new frame's length. */
size_t packet_tcp_part(uint8_t out[PACKET_BYTES_MAX], const struct recorded_frame *f,
                       const struct packet *p, size_t from, size_t len, bool is_last);

/* Both ends of a flow, the same for both directions. */
void packet_flow_key(uint8_t key[12], bool *from_lower, const struct recorded_frame *f,
                     const struct packet *p);

#endif
