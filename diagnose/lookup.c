/* DNS look-ups: which question got which answer. */
#include "diagnose/view.h"

#include "base/civil.h"

#include <string.h>

bool host_matches(struct bytes a, struct bytes b)
{
    if (a.len == 0 || b.len == 0) {
        return false;
    }
    if (bytes_equal_nocase(a, b)) {
        return true;
    }
    size_t a_dot = bytes_find(a, '.', 0);
    size_t b_dot = bytes_find(b, '.', 0);
    if (a_dot < a.len && b_dot < b.len) {
        return false;
    }
    return bytes_equal_nocase(bytes_part(a, 0, a_dot), bytes_part(b, 0, b_dot));
}

static struct lookup *find_lookup(struct view *v, struct bytes name, uint16_t type)
{
    for (size_t i = 0; i < v->num_lookups; i++) {
        if (v->lookups[i].type == type && bytes_equal_nocase(v->lookups[i].name, name)) {
            return &v->lookups[i];
        }
    }
    if (v->num_lookups == LOOKUPS_MAX) {
        return NULL;
    }
    struct lookup *l = &v->lookups[v->num_lookups++];
    *l = (struct lookup){.name = name, .type = type};
    return l;
}

static size_t num_addresses_in(const struct dns_moment *d)
{
    size_t num = 0;
    for (size_t i = 0; i < d->num_answers; i++) {
        num += !d->answers[i].is_additional &&
               (d->answers[i].type == DNS_A || d->answers[i].type == DNS_AAAA);
    }
    return num;
}

static void take_response(struct lookup *l, const struct moment *m)
{
    bool is_better = l->response == NULL || num_addresses_in(&l->response->u.dns) == 0 ||
                     num_addresses_in(&m->u.dns) > 0;
    if (is_better) {
        l->response = m;
    }
}

static void take_dns_moment(struct view *v, const struct moment *m)
{
    const struct dns_moment *d = &m->u.dns;
    if (d->flavour != DNS_PLAIN || d->question.len == 0) {
        return;
    }
    struct lookup *l = find_lookup(v, d->question, d->type);
    if (l == NULL) {
        return;
    }
    if (d->is_response) {
        bool says_nothing = d->rcode == 0 && num_addresses_in(d) == 0 && !m->complete;
        if (!says_nothing && (!d->is_truncated || l->response == NULL)) {
            take_response(l, m);
        }
        if (l->num_sent == 0 && l->first_ns == 0) {
            l->first_ns = l->last_ns = m->first_time_ns;
        }
        return;
    }
    if (l->num_sent == 0) {
        l->first_ns = m->first_time_ns;
    }
    l->last_ns = m->first_time_ns;
    l->num_sent++;
    if (l->num_queries < LOOKUP_QUERIES_MAX) {
        l->queries[l->num_queries++] = m;
    }
}

/* Did this server answer the client anything after the first query of l? */
static bool server_answered(const struct view *v, const struct lookup *l)
{
    for (const struct moment *m = v->client->logs[LOG_DNS].first; m != NULL; m = m->next) {
        if (!m->u.dns.is_response || m->time_ns < l->first_ns) {
            continue;
        }
        for (size_t i = 0; i < l->num_queries; i++) {
            if (address_equal(&m->from.address, &l->queries[i]->to.address)) {
                return true;
            }
        }
    }
    return false;
}

static void find_icmp(const struct view *v, struct lookup *l)
{
    for (const struct moment *m = v->client->logs[LOG_OTHER].first; m != NULL; m = m->next) {
        if (m->kind != EVENT_ICMP_UNREACHABLE || m->time_ns < v->from_ns || m->time_ns > v->to_ns) {
            continue;
        }
        for (size_t i = 0; i < l->num_queries; i++) {
            const struct moment *q = l->queries[i];
            if (endpoint_equal(&m->u.icmp.quoted_from, &q->from) &&
                endpoint_equal(&m->u.icmp.quoted_to, &q->to) &&
                icmp_meaning(&m->u.icmp) != ICMP_TOO_BIG) {
                l->icmp = m;
            }
        }
    }
}

void lookup_collect(struct view *v)
{
    v->num_lookups = 0;
    v->lookups = arena_reserve_array(v->arena, LOOKUPS_MAX, sizeof *v->lookups);
    if (v->lookups == NULL) {
        return;
    }
    for (const struct moment *m = v->client->logs[LOG_DNS].first; m != NULL; m = m->next) {
        if (m->time_ns >= v->from_ns && m->time_ns <= v->to_ns) {
            take_dns_moment(v, m);
        }
    }
    for (size_t i = 0; i < v->num_lookups; i++) {
        struct lookup *l = &v->lookups[i];
        if (l->response == NULL) {
            find_icmp(v, l);
            l->server_alive = server_answered(v, l);
        }
    }
}

static void add_evidence(struct resolution *r, const struct moment *m)
{
    if (m != NULL && r->num_evidence < sizeof r->evidence / sizeof r->evidence[0]) {
        r->evidence[r->num_evidence++] = m;
    }
}

static void take_addresses(struct resolution *r, const struct dns_moment *d)
{
    struct bytes name = d->question;
    for (size_t i = 0; i < d->num_answers; i++) {
        const struct dns_record *a = &d->answers[i];
        if (a->is_additional) {
            continue;
        }
        if (a->type == DNS_CNAME && bytes_equal_nocase(a->name, name)) {
            name = a->target;
            r->canonical = name;
        }
        if ((a->type == DNS_A || a->type == DNS_AAAA) &&
            r->num_addresses < RESOLUTION_ADDRESSES_MAX) {
            r->addresses[r->num_addresses++] = a->address;
        }
    }
}

/* Did the client, after a while without answer, ask the same server for another name, in vain? */
static bool asked_other(const struct view *v, const struct lookup *l)
{
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *x = &v->lookups[i];
        if (x != l && x->response == NULL && x->num_queries > 0 && l->num_queries > 0 &&
            x->first_ns - l->first_ns >= GIVE_UP_MIN_S * NS_PER_S &&
            address_equal(&x->queries[0]->to.address, &l->queries[0]->to.address)) {
            return true;
        }
    }
    return false;
}

/* The server asked last must be silent itself: the second one often answers for the first. */
static bool last_server_had_time(const struct view *v, const struct lookup *l)
{
    const struct moment *last = l->num_queries == 0 ? NULL : l->queries[l->num_queries - 1];
    for (size_t i = 0; i < l->num_queries; i++) {
        if (address_equal(&l->queries[i]->to.address, &last->to.address)) {
            return view_end_ns(v, last->capture) - l->queries[i]->first_time_ns >=
                   GIVE_UP_MIN_S * NS_PER_S;
        }
    }
    return true;
}

/* One look-up's outcome by itself. */
static enum resolution_state lookup_state(const struct view *v, const struct lookup *l)
{
    if (l->response != NULL) {
        const struct dns_moment *d = &l->response->u.dns;
        if (d->rcode == 0) {
            return num_addresses_in(d) > 0 ? RESOLUTION_OK : RESOLUTION_NO_ADDRESS;
        }
        return d->rcode == 3 ? RESOLUTION_NXDOMAIN : RESOLUTION_FAILURE;
    }
    if (l->server_alive) {
        return RESOLUTION_PENDING;
    }
    if (l->icmp != NULL) {
        return RESOLUTION_UNREACHABLE;
    }
    if (!last_server_had_time(v, l)) {
        return RESOLUTION_PENDING;
    }
    int64_t waited = l->num_queries == 0 ? 0 : view_end_ns(v, l->queries[0]->capture) - l->first_ns;
    bool asked_again = l->num_sent >= 2 && l->last_ns - l->first_ns >= GIVE_UP_MIN_S * NS_PER_S;
    bool is_silent = (waited >= SILENCE_MIN_S * NS_PER_S && asked_again) ||
                     (waited >= SILENCE_LONG_S * NS_PER_S && asked_other(v, l));
    return is_silent ? RESOLUTION_UNREACHABLE : RESOLUTION_PENDING;
}

bool lookup_was_unanswered(const struct view *v, const struct lookup *l)
{
    return lookup_state(v, l) == RESOLUTION_UNREACHABLE;
}

/* Worse news first, so that one bad family does not hide what the other says. */
static int rank(enum resolution_state s)
{
    static const int ranks[] = {
        [RESOLUTION_NONE] = 0,     [RESOLUTION_PENDING] = 1, [RESOLUTION_NO_ADDRESS] = 2,
        [RESOLUTION_NXDOMAIN] = 4, [RESOLUTION_FAILURE] = 3, [RESOLUTION_UNREACHABLE] = 5,
        [RESOLUTION_OK] = 6,
    };
    return ranks[s];
}

static bool is_name_for(struct bytes question, struct bytes name)
{
    if (bytes_equal_nocase(question, name)) {
        return true;
    }
    bool is_short = bytes_find(name, '.', 0) == name.len;
    return is_short && question.len > name.len && question.at[name.len] == '.' &&
           bytes_equal_nocase(bytes_part(question, 0, name.len), name);
}

/* No address at all is proven only when the A query was seen, and no asked family is open. Nor does
 * NXDOMAIN for AAAA prove it while the A query waits: some servers and balancers say so of names
 * that have an A record. */
static void settle_no_address(struct resolution *r, bool a_answered, bool is_open)
{
    if (r->state == RESOLUTION_NXDOMAIN && !a_answered && is_open) {
        r->state = RESOLUTION_PENDING;
    }
    if (r->state == RESOLUTION_NO_ADDRESS && (!a_answered || is_open)) {
        r->state = RESOLUTION_PENDING;
    }
}

static void take_lookup(struct resolution *r, const struct lookup *l, enum resolution_state s)
{
    r->num_sent += l->num_sent;
    if (r->first_ns == 0 || l->first_ns < r->first_ns) {
        r->first_ns = l->first_ns;
    }
    if (l->last_ns > r->last_ns) {
        r->last_ns = l->last_ns;
    }
    if (rank(s) < rank(r->state)) {
        return;
    }
    if (rank(s) > rank(r->state)) {
        r->num_evidence = 0;
        r->name = l->name;
    }
    r->state = s;
    if (l->response != NULL) {
        r->server = l->response->from.address;
        r->rcode = l->response->u.dns.rcode;
        add_evidence(r, l->response);
    } else if (l->num_queries > 0) {
        r->server = l->queries[l->num_queries - 1]->to.address;
        r->by_icmp = r->by_icmp || l->icmp != NULL;
        add_evidence(r, l->queries[0]);
        add_evidence(r, l->num_queries > 1 ? l->queries[l->num_queries - 1] : NULL);
        add_evidence(r, l->icmp);
    }
    if (s == RESOLUTION_OK) {
        take_addresses(r, &l->response->u.dns);
        r->cost_s = (double)(l->response->time_ns - l->first_ns) / 1e9;
        r->num_failed_before = l->num_sent > 1 ? l->num_sent - 1 : 0;
    }
}

void resolution_of(const struct view *v, struct bytes name, struct resolution *out)
{
    bool a_answered = false;
    bool is_open = false;
    *out = (struct resolution){.name = name};
    for (size_t i = 0; i < v->num_lookups; i++) {
        const struct lookup *l = &v->lookups[i];
        if ((l->type != DNS_A && l->type != DNS_AAAA) || !is_name_for(l->name, name)) {
            continue;
        }
        enum resolution_state s = lookup_state(v, l);
        a_answered = a_answered || (l->type == DNS_A && l->response != NULL);
        is_open = is_open || s == RESOLUTION_PENDING;
        take_lookup(out, l, s);
    }
    settle_no_address(out, a_answered, is_open);
}
