/* The same conversation, carried differently: a verdict must not depend on how a network or a
 * capture point happened to cut, order, repeat or wrap the bytes.
 *
 * Each function fills *out (free with recording_free()) from *in, Ethernet frames as the cases have
 * them. Checksums are right afterwards. Frames that a rewriting does not concern are copied.
 */
#ifndef KRBSCOPE_TESTS_REWRITE_H
#define KRBSCOPE_TESTS_REWRITE_H

#include "recording.h"

/* All frames are Ethernet and whole: no snap length took anything. */
bool rewrite_is_whole(const struct recording *in);

/* An 802.1Q tag in every frame. */
void rewrite_vlan(struct recording *out, const struct recording *in);

/* IPv4 becomes IPv6 (fragments, ICMP errors and their quotes too), ARP becomes neighbour discovery,
 * A and AAAA change places in DNS. false: a frame cannot be said in IPv6; *out is empty. */
bool rewrite_ipv6(struct recording *out, const struct recording *in);

/* The IPv6 address that rewrite_ipv6 gives an IPv4 address; others stay. */
struct address rewrite_ipv6_address(struct address address);

/* TCP payload in segments of `piece` bytes, each with `overlap` bytes of what went before. */
void rewrite_split(struct recording *out, const struct recording *in, size_t piece, size_t overlap);

/* Data segments that follow each other in one direction of a flow arrive in reverse order, at most
 * `window` of them at a time. Times stay in order. */
void rewrite_reverse(struct recording *out, const struct recording *in, size_t window);

/* One IPv4 address becomes another, in IPv4 and ARP headers and in what ICMP errors quote; its
 * ports of TCP and UDP move up by add_port, as address translation does. */
void rewrite_address(struct recording *out, const struct recording *in, const uint8_t from[4],
                     const uint8_t to[4], uint16_t add_port);

/* Every time add_ns later. */
void rewrite_time(struct recording *out, const struct recording *in, int64_t add_ns);

/* Every frame twice, the copy 10 µs later, as two mirror ports give it. */
void rewrite_duplicate(struct recording *out, const struct recording *in);

#endif
