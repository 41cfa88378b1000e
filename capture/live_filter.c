/* The kernel filter of a live capture: what krbscope can make something of, and little else. */
#include "capture/live.h"

#include "base/text.h"

#include <stdlib.h>

#define FILTER_BYTES_MAX 8192
#define NUM_OF(array) (sizeof(array) / sizeof((array)[0]))

/* HTTP, TLS (that it hides the rest is a finding), and the ports of WSUS and its like. */
static const uint16_t default_http_ports[] = {80, 443, 8080, 8530, 8531};

/* Kerberos and kpasswd; DNS, NetBIOS names, mDNS, LLMNR. */
static const uint16_t other_ports[] = {88, 464, 53, 137, 5353, 5355};

static void add_ports(struct text *t, const char *protocol, const uint16_t *ports, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        text_format(t, " or %sport %u", protocol, (unsigned)ports[i]);
    }
}

/* A later fragment has no ports (RFC 791 3.1); of IPv6 fragments libpcap sees none at all. */
static void add_base(struct text *t, const uint16_t *http_ports, size_t num)
{
    text_add(t, "(arp or icmp or icmp6 or ip[6:2] & 0x1fff != 0 or ip6[6] = 44");
    add_ports(t, "", other_ports, NUM_OF(other_ports));
    add_ports(t, "tcp ", http_ports, num);
    text_add(t, ")");
}

char *live_filter_new(const uint16_t *http_ports, size_t num_http_ports, bool with_vlan)
{
    char *buffer = malloc(FILTER_BYTES_MAX);
    struct text t;
    if (buffer == NULL) {
        return NULL;
    }
    if (num_http_ports == 0) {
        http_ports = default_http_ports;
        num_http_ports = NUM_OF(default_http_ports);
    }
    text_init(&t, buffer, FILTER_BYTES_MAX);
    add_base(&t, http_ports, num_http_ports);
    if (with_vlan) {
        /* `vlan` moves the offsets of all that stands behind it. */
        text_add(&t, " or (vlan and (");
        add_base(&t, http_ports, num_http_ports);
        text_add(&t, " or (vlan and ");
        add_base(&t, http_ports, num_http_ports);
        text_add(&t, ")))");
    }
    if (t.cut) {
        free(buffer);
        return NULL;
    }
    return buffer;
}
