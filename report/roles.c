#include "report/roles.h"

#define CLOCK_SHIFT_S_MAX 1e9 /* no two clocks differ by more */

static const char *const role_words[] = {
    [ROLE_NONE] = "", [ROLE_CLIENT] = "client", [ROLE_MP] = "MP",   [ROLE_SERVER] = "server",
    [ROLE_DC] = "DC", [ROLE_KDC] = "KDC",       [ROLE_DNS] = "DNS",
};

size_t roles_find(const struct roles *r, const struct address *address)
{
    for (size_t i = 0; i < r->num_hosts; i++) {
        if (address_equal(&r->hosts[i].address, address)) {
            return i;
        }
    }
    return r->num_hosts;
}

/* The entry of the address, a new one when there is room; NULL for none. */
static struct role_host *add_host(struct roles *r, const struct address *address)
{
    size_t at = roles_find(r, address);
    if (at < r->num_hosts) {
        return &r->hosts[at];
    }
    if (at == ROLES_HOSTS_MAX || address->family == ADDRESS_NONE || address_is_group(address)) {
        return NULL;
    }
    struct role_host *host = &r->hosts[r->num_hosts++];
    *host = (struct role_host){.address = *address};
    return host;
}

static bool is_kind(const struct event_summary *e, const char *kind)
{
    return bytes_is(bytes_of(e->kind), kind);
}

static void learn_event(struct roles *r, const struct event_summary *e)
{
    struct role_host *to = add_host(r, &e->to.address);
    struct role_host *from = add_host(r, &e->from.address);
    if (is_kind(e, "DNS-QUERY") && to != NULL) {
        to->is_dns = true;
    } else if (is_kind(e, "DNS-RESPONSE") && from != NULL) {
        from->is_dns = true;
    } else if ((is_kind(e, "AS-REQ") || is_kind(e, "TGS-REQ")) && to != NULL) {
        to->is_kdc = true;
    } else if ((is_kind(e, "AS-REP") || is_kind(e, "TGS-REP") || is_kind(e, "KRB-ERROR")) &&
               from != NULL) {
        from->is_kdc = true;
    }
}

/* What brings times of this capture to the clock of the case. */
static int64_t clock_shift_ns(const struct analysis *a, uint16_t capture)
{
    double shift_s = capture < a->num_captures && a->captures[capture].has_clock_offset
                         ? a->captures[capture].clock_offset_s
                         : 0;
    return shift_s > -CLOCK_SHIFT_S_MAX && shift_s < CLOCK_SHIFT_S_MAX ? (int64_t)(shift_s * 1e9)
                                                                       : 0;
}

/* On the clock of the case. Times lie: sums wrap instead of overflowing. */
static int64_t event_time_ns(const struct roles *r, const struct event_summary *e)
{
    int64_t shift_ns = clock_shift_ns(r->analysis, e->capture);
    return (int64_t)((uint64_t)e->time_ns + (uint64_t)shift_ns);
}

void roles_learn(struct roles *r, const struct analysis *analysis, const struct attempt_record *a)
{
    *r = (struct roles){.analysis = analysis, .attempt = a};
    struct role_host *client = add_host(r, &a->client.address);
    struct role_host *server = add_host(r, &a->server.address);
    if (client != NULL) {
        client->is_client = true;
    }
    if (server != NULL && server != client) {
        server->is_server = true;
    }
    for (size_t i = 0; i < a->num_events; i++) {
        int64_t time_ns = event_time_ns(r, &a->events[i]);
        learn_event(r, &a->events[i]);
        r->start_ns = i == 0 || time_ns < r->start_ns ? time_ns : r->start_ns;
    }
}

enum role roles_of(const struct roles *r, const struct role_host *h)
{
    if (h->is_client) {
        return ROLE_CLIENT;
    }
    if (h->is_server) {
        return r->attempt->kind == KIND_CCM_APPROVAL ? ROLE_MP : ROLE_SERVER;
    }
    if (h->is_dns && h->is_kdc) {
        return ROLE_DC;
    }
    return h->is_kdc ? ROLE_KDC : h->is_dns ? ROLE_DNS : ROLE_NONE;
}

void roles_word(struct text *t, const struct roles *r, const struct address *address)
{
    size_t at = roles_find(r, address);
    enum role role = at < r->num_hosts ? roles_of(r, &r->hosts[at]) : ROLE_NONE;
    unsigned number = 0;
    unsigned num_same = 0;
    if (role == ROLE_NONE) {
        address_print(t, address);
        return;
    }
    for (size_t i = 0; i < r->num_hosts; i++) {
        num_same += roles_of(r, &r->hosts[i]) == role;
        number = i == at ? num_same : number;
    }
    text_add(t, role_words[role]);
    if (num_same > 1) {
        text_format(t, " %u", number);
    }
}

double roles_seconds(const struct roles *r, const struct event_summary *e)
{
    return (double)(int64_t)((uint64_t)event_time_ns(r, e) - (uint64_t)r->start_ns) / 1e9;
}

bool roles_is_evidence(const struct attempt_record *a, const struct event_summary *e)
{
    for (size_t i = 0; a->has_verdict && i < a->verdict.evidence.num; i++) {
        const struct frame_ref *ref = &a->verdict.evidence.at[i];
        if (ref->capture == e->capture && ref->frame == e->frame) {
            return true;
        }
    }
    return false;
}
