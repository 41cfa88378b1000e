/* Where a capture was taken. At a host, that host takes part in every pair of hosts: it is known by
 * its address, or, where it has several (an NLB node has two), by its adapter. Frames that a switch
 * sends to all its ports are strays; no answers to them are seen.
 */
#include "diagnose/case_private.h"

/* Hosts that took part in every pair: in a capture taken at one host that host remains. */
static void narrow_common(struct host_pairs *g, const struct address *a, const struct address *b)
{
    if (g->num_pairs++ == 0) {
        g->common[0] = *a;
        g->common[1] = *b;
        g->num_common = 2;
        return;
    }
    size_t num = 0;
    for (size_t i = 0; i < g->num_common; i++) {
        if (address_equal(&g->common[i], a) || address_equal(&g->common[i], b)) {
            g->common[num++] = g->common[i];
        }
    }
    g->num_common = num;
}

static void add_address(struct adapter *adapter, const struct address *a)
{
    for (size_t i = 0; i < adapter->num_addresses; i++) {
        if (address_equal(&adapter->addresses[i], a)) {
            return;
        }
    }
    if (adapter->num_addresses == ADAPTER_ADDRESSES_MAX) {
        adapter->has_more = true;
        return;
    }
    adapter->addresses[adapter->num_addresses++] = *a;
}

/* The same by adapters. A frame to a group's adapter (NLB in multicast mode) says nothing. */
static void narrow_adapters(struct host_pairs *g, const struct event *e)
{
    const struct hardware_address *from = &e->adapters[0];
    const struct hardware_address *to = &e->adapters[1];
    if (!from->known || !to->known || hardware_address_is_group(to) ||
        hardware_address_equal(from, to)) {
        return;
    }
    if (g->num_adapter_pairs++ == 0) {
        g->adapters[0] = (struct adapter){.hardware = *from};
        g->adapters[1] = (struct adapter){.hardware = *to};
        g->num_adapters = 2;
    }
    size_t num = 0;
    for (size_t i = 0; i < g->num_adapters; i++) {
        struct adapter *adapter = &g->adapters[i];
        bool is_from = hardware_address_equal(&adapter->hardware, from);
        if (is_from || hardware_address_equal(&adapter->hardware, to)) {
            add_address(adapter, is_from ? &e->from.address : &e->to.address);
            g->adapters[num++] = *adapter;
        }
    }
    g->num_adapters = num;
}

void vantage_take_pair(struct group_state *g, const struct event *e)
{
    narrow_common(&g->pairs, &e->from.address, &e->to.address);
    narrow_adapters(&g->pairs, e);
    if (e->is_mutual) {
        narrow_common(&g->mutual, &e->from.address, &e->to.address);
        narrow_adapters(&g->mutual, e);
    }
}

/* The adapter that the capture was taken at: the only one in every pair, or beside a router's the
 * one with few addresses. */
static const struct adapter *own_adapter(const struct host_pairs *g)
{
    if (g->num_adapters == 1) {
        return g->num_adapter_pairs > 1 && !g->adapters[0].has_more ? &g->adapters[0] : NULL;
    }
    if (g->num_adapters != 2 || g->adapters[0].has_more == g->adapters[1].has_more) {
        return NULL;
    }
    return &g->adapters[g->adapters[0].has_more];
}

static bool serves(struct case_file *c, const struct address *host, uint16_t scene)
{
    const struct client *x = client_find(c->clients, host, scene);
    return x != NULL && (x->num_http_served > 0 || x->num_krb_served > 0);
}

/* One pair only: the handshake's times decide, when they agree. */
static const struct address *nearer(struct case_file *c, const struct group_state *g,
                                    uint16_t scene)
{
    const struct address *found = NULL;
    for (size_t i = 0; i < 2 && (g->near_client == 0 || g->near_server == 0); i++) {
        const struct address *common = &g->pairs.common[i];
        if (client_find(c->clients, common, scene) != NULL &&
            serves(c, common, scene) == (g->near_server > 0)) {
            found = common;
        }
    }
    return found;
}

/* The one host of every pair. A host with one client and several addresses looks like a client with
 * several servers, but for the handshakes' times. */
static const struct address *only_common(struct case_file *c, const struct group_state *g,
                                         uint16_t scene)
{
    const struct host_pairs *p = g->pairs.num_common > 0 ? &g->pairs : &g->mutual;
    bool is_one = p->num_common == 1 && p->num_pairs > 1;
    bool is_contradicted =
        is_one && g->near_server > 0 && g->near_client == 0 && !serves(c, &p->common[0], scene);
    return is_one && !is_contradicted ? &p->common[0] : NULL;
}

static void find_hosts(struct case_file *c, struct group_state *g, uint16_t scene)
{
    const struct address *one = only_common(c, g, scene);
    const struct adapter *own = NULL;
    g->num_hosts = 0;
    if (one == NULL && g->pairs.num_common == 2 && g->near_client != g->near_server) {
        one = nearer(c, g, scene);
    }
    if (one != NULL) {
        g->hosts[g->num_hosts++] = *one;
    } else if (g->pairs.num_common < 2) {
        own = own_adapter(g->pairs.num_adapters > 0 ? &g->pairs : &g->mutual);
    }
    for (size_t i = 0; own != NULL && i < own->num_addresses; i++) {
        g->hosts[g->num_hosts++] = own->addresses[i];
    }
}

enum vantage case_vantage(struct case_file *c, uint16_t group)
{
    struct group_state *g = case_group(c, group);
    uint16_t scene = c->align == NULL ? group : align_scene(c->align, group);
    bool serves_http = false;
    bool serves_krb = false;
    bool is_client = false;
    find_hosts(c, g, scene);
    for (size_t i = 0; i < g->num_hosts; i++) {
        const struct client *host = client_find(c->clients, &g->hosts[i], scene);
        serves_http |= host != NULL && host->num_http_served > 0;
        serves_krb |= host != NULL && host->num_krb_served > 0;
        is_client |= host != NULL && (host->num_http_sent > 0 || host->num_krb_sent > 0 ||
                                      host->logs[LOG_DNS].num > 0);
    }
    if (serves_http || serves_krb) {
        return serves_http ? VANTAGE_MP : VANTAGE_KDC;
    }
    return is_client ? VANTAGE_CLIENT : VANTAGE_BETWEEN;
}

bool case_is_at(struct case_file *c, uint16_t capture, const struct address *host)
{
    const struct group_state *g = case_group_of(c, capture);
    for (size_t i = 0; i < g->num_hosts; i++) {
        if (address_equal(&g->hosts[i], host)) {
            return true;
        }
    }
    return false;
}
