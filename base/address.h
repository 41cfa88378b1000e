/* Internet addresses and endpoints. */
#ifndef KRBSCOPE_BASE_ADDRESS_H
#define KRBSCOPE_BASE_ADDRESS_H

#include "base/text.h"

enum address_family {
    ADDRESS_NONE = 0,
    ADDRESS_IPV4 = 4,
    ADDRESS_IPV6 = 6,
};

/* Unused bytes are 0, so two addresses are equal when all bytes of the struct are. An IPv4 address
 * lies in octets[0..3]. */
struct address {
    uint8_t family; /* enum address_family */
    uint8_t octets[16];
};

struct endpoint {
    struct address address;
    uint16_t port; /* 0 where the protocol has none */
};

/* A network adapter's (EUI-48); a router's for hosts beyond it. */
struct hardware_address {
    bool known;
    uint8_t octets[6];
};

/* From 4 or 16 bytes in network order; any other length gives ADDRESS_NONE. An IPv4-mapped IPv6
 * address stays IPv6. */
struct address address_from(struct bytes octets);

/* From text: dotted IPv4, IPv6, IPv6 in brackets. false: it is a name or nothing. */
bool address_parse(struct bytes text, struct address *out);

bool address_equal(const struct address *a, const struct address *b);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* Usable text, RFC 5952 for IPv6; "?" for ADDRESS_NONE. */
void address_print(struct text *t, const struct address *a);

/* address:port, [v6]:port. */
void endpoint_print(struct text *t, const struct endpoint *e);

/* A group (multicast) or all-ones address. */
bool address_is_group(const struct address *a);

/* A group or all-ones address of adapters (IEEE 802 8.2). */
bool hardware_address_is_group(const struct hardware_address *a);

/* The same adapter: both known and equal, or both the address of one Windows NLB cluster in unicast
 * mode, 02-BF- before the cluster's IPv4 address, which hosts send from as 02-<host id 1 to 32>-.
 */
bool hardware_address_equal(const struct hardware_address *a, const struct hardware_address *b);

#endif
