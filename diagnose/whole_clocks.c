/* Whose clock is wrong. A capture's clock is a host's only where it was taken at that host; two
 * clocks that differ accuse nobody, a third one that agrees with one of them does. */
#include "diagnose/case_private.h"

#include "diagnose/rules.h"

#define SAME_CLOCK_S 2.0 /* a host's clock on the wire and its capture's differ by less */
#define AGREE_PART 5     /* clocks agree when they differ by less than this part of the limit */

/* A host's clock minus the case's. */
struct host_clock {
    bool known;
    double low, high;
};

static struct host_clock clock_of(const struct offset *o)
{
    return (struct host_clock){.known = o->known, .low = o->low, .high = o->high};
}

/* By a capture that was taken at the host. */
static struct host_clock clock_of_capture_at(struct case_file *c, enum vantage vantage,
                                             const struct address *host, uint16_t like)
{
    struct host_clock found = {0};
    struct clock_shift mine = case_shift(c, like);
    for (size_t i = 0; i < c->out.num_captures; i++) {
        const struct capture_summary *s = &c->out.captures[i];
        struct clock_shift shift = case_shift(c, (uint16_t)i);
        bool is_there = s->vantage == vantage && s->info.zone != CAPTURE_ZONE_UNKNOWN &&
                        case_is_at(c, (uint16_t)i, host);
        bool is_narrower =
            !found.known || (double)(shift.high_ns - shift.low_ns) / 1e9 < found.high - found.low;
        if (is_there && shift.known && mine.known && shift.base == mine.base && is_narrower) {
            found = (struct host_clock){.known = true,
                                        .low = (double)-shift.high_ns / 1e9,
                                        .high = (double)-shift.low_ns / 1e9};
        }
    }
    return found;
}

/* b - a */
static struct offset difference(const struct host_clock *a, const struct host_clock *b,
                                const struct evidence *evidence)
{
    struct offset o = {.known = a->known && b->known};
    if (o.known) {
        o.low = b->low - a->high;
        o.high = b->high - a->low;
        o.value = (o.low + o.high) / 2;
        o.evidence = *evidence;
    }
    return o;
}

static bool contradicts(const struct host_clock *a, const struct host_clock *b)
{
    return a->known && b->known &&
           (a->low - b->high > SAME_CLOCK_S || b->low - a->high > SAME_CLOCK_S);
}

/* The KDC that answered this attempt, when one of the captures was taken there. */
static struct host_clock kdc_clock_by_capture(struct case_file *c, const struct attempt_record *out)
{
    for (size_t i = 0; i < out->num_events; i++) {
        const struct event_summary *e = &out->events[i];
        struct bytes kind = bytes_of(e->kind);
        if (bytes_is(kind, "AS-REP") || bytes_is(kind, "TGS-REP") || bytes_is(kind, "KRB-ERROR")) {
            struct host_clock found =
                clock_of_capture_at(c, VANTAGE_KDC, &e->from.address, out->capture);
            if (found.known) {
                return found;
            }
        }
    }
    return (struct host_clock){0};
}

/* The three clocks of an attempt. */
struct trio {
    struct host_clock client, kdc, server;
};

static void read_trio(struct case_file *c, const struct record *r, struct trio *t)
{
    const struct attempt_record *out = r->out;
    struct host_clock kdc_here = kdc_clock_by_capture(c, out);
    struct host_clock server_here =
        clock_of_capture_at(c, VANTAGE_MP, &out->server.address, out->capture);
    t->kdc = clock_of(&r->capture_to_kdc);
    t->server = clock_of(&r->capture_to_server);
    t->client = clock_of_capture_at(c, VANTAGE_CLIENT, &out->client.address, out->capture);
    if (!t->kdc.known) {
        t->kdc = kdc_here;
    }
    if (!t->server.known || (server_here.known && !contradicts(&server_here, &t->server))) {
        t->server = server_here;
    }
}

static void name_pair(struct case_file *c, struct attempt_record *out, const char *pair, double s,
                      const char *ahead, const char *other)
{
    char buffer[300];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "The clocks of %s differ by more than the limit", pair);
    rules_add_span(&t, s, ahead, other);
    text_add(&t, ".");
    out->verdict.summary = text_keep(&t, &c->out.arena);
}

static bool agree(const struct offset *o, double limit_s)
{
    return offset_is_within(o, limit_s / AGREE_PART);
}

/* Adds "…, so the one of X is wrong: 10 min 0 s ahead of both." */
static void accuse(struct case_file *c, struct attempt_record *out, const char *agreeing,
                   const char *culprit, const struct offset *ahead)
{
    char buffer[600];
    struct text t;
    struct finding *f = &out->verdict;
    text_init(&t, buffer, sizeof buffer);
    text_add_bytes(&t, f->summary);
    text_format(&t, " The clocks of %s agree, so the %s's is wrong", agreeing, culprit);
    if (ahead->known) {
        rules_add_span(&t, ahead->value, "it", "both");
    }
    text_add(&t, ".");
    f->summary = text_keep(&t, &c->out.arena);
}

static void find_culprit(struct case_file *c, struct attempt_record *out)
{
    double limit = c->options.skew_limit_s;
    const struct attempt_clocks *k = &out->clocks;
    struct offset unknown = {0};
    struct offset client_ahead = {.known = k->client_to_kdc.known,
                                  .value = -k->client_to_kdc.value};
    struct offset kdc_ahead = {.known = k->kdc_to_server.known, .value = -k->kdc_to_server.value};
    bool at_server = out->verdict.step == STEP_ACCEPT;
    if (at_server && agree(&k->client_to_kdc, limit) &&
        offset_is_beyond(&k->kdc_to_server, limit)) {
        accuse(c, out, "client and KDC", "server", &k->kdc_to_server);
    } else if (at_server && agree(&k->client_to_server, limit) &&
               offset_is_beyond(&k->kdc_to_server, limit)) {
        accuse(c, out, "client and server", "KDC", &kdc_ahead);
    } else if (!at_server && agree(&k->kdc_to_server, limit)) {
        bool is_measured = offset_is_beyond(&k->client_to_kdc, limit);
        accuse(c, out, "KDC and server", "client", is_measured ? &client_ahead : &unknown);
    } else if (!at_server && agree(&k->client_to_server, limit) &&
               offset_is_beyond(&k->client_to_kdc, limit)) {
        accuse(c, out, "client and server", "KDC", &k->client_to_kdc);
    }
}

/* Where the KDC says that the clocks differ and the client's capture does not, its clock is not the
 * one that the client used: nothing is told of it. */
void whole_clocks(struct case_file *c, struct record *r)
{
    struct attempt_record *out = r->out;
    struct attempt_clocks *k = &out->clocks;
    struct trio t;
    bool is_skew = out->has_verdict && out->verdict.cause == CAUSE_CLOCK_SKEW;
    bool at_kdc = is_skew && out->verdict.step != STEP_ACCEPT;
    read_trio(c, r, &t);
    struct offset to_kdc = difference(&t.client, &t.kdc, &r->capture_to_kdc.evidence);
    struct offset to_server = difference(&t.client, &t.server, &r->capture_to_server.evidence);
    if (!at_kdc || offset_is_beyond(&to_kdc, c->options.skew_limit_s)) {
        if (at_kdc && !k->client_to_kdc.known) {
            name_pair(c, out, "client and KDC", -to_kdc.value, "the client", "the KDC");
        }
        k->client_to_kdc = k->client_to_kdc.known ? k->client_to_kdc : to_kdc;
        k->client_to_server = k->client_to_server.known ? k->client_to_server : to_server;
    }
    if (!k->kdc_to_server.known) {
        k->kdc_to_server = difference(&t.kdc, &t.server, &r->capture_to_server.evidence);
        if (is_skew && !at_kdc && offset_is_beyond(&k->kdc_to_server, c->options.skew_limit_s)) {
            name_pair(c, out, "KDC and server", k->kdc_to_server.value, "the server", "the KDC");
        }
    }
    if (is_skew) {
        find_culprit(c, out);
    }
}
