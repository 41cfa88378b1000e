#include "diagnose/clock.h"

#include "base/civil.h"

static void sample(struct clock_span *s, int64_t stamp_ns, int64_t resolution_ns, int64_t t1_ns,
                   int64_t t2_ns, const struct moment *evidence)
{
    double low = (double)(stamp_ns - t2_ns) / 1e9;
    double high = (double)(stamp_ns + resolution_ns - t1_ns) / 1e9;
    if (high < low) {
        return; /* the capture's own times run backwards here */
    }
    if (s->known && low <= s->high && high >= s->low) {
        s->low = low > s->low ? low : s->low;
        s->high = high < s->high ? high : s->high;
    } else {
        /* The first, or one that contradicts: the clock was set meanwhile; the later counts. */
        s->low = low;
        s->high = high;
        s->num_evidence = 0;
    }
    s->known = true;
    if (s->num_evidence < CLOCK_EVIDENCE_MAX) {
        s->evidence[s->num_evidence++] = evidence;
    }
}

static void read_kdc(const struct view *v, struct clock_span *out)
{
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        if (t->reply == NULL || t->request == NULL || !t->reply->u.krb.has_stime) {
            continue;
        }
        sample(out, t->reply->u.krb.stime_ns, t->reply->u.krb.stime_resolution_ns,
               t->request->first_time_ns, t->reply->time_ns, t->reply);
    }
}

static void read_server(const struct view *v, struct clock_span *out)
{
    for (size_t i = 0; v->attempt != NULL && i < v->attempt->num_exchanges; i++) {
        const struct exchange *x = &v->attempt->exchanges[i];
        if (x->response == NULL) {
            continue;
        }
        const struct http_moment *h = &x->response->u.http;
        if (h->has_date) {
            sample(out, h->date_ns, NS_PER_S, x->request->first_time_ns, x->response->time_ns,
                   x->response);
        }
        if (h->has_server_time) {
            sample(out, h->server_time_ns, h->server_time_resolution_ns, x->request->first_time_ns,
                   x->response->time_ns, x->response);
        }
    }
}

/* ctime of a KRB-ERROR is the client's stamp as the KDC got it; it lies before the request by an
 * unknown, small time that CLIENT_STAMP_AGE_S bounds. Msg/SentTime of a CCM_POST says when a
 * message was queued, which may be long before: no clock. */
#define CLIENT_STAMP_AGE_S 5

static void read_client(const struct view *v, struct clock_span *out)
{
    for (size_t i = 0; i < v->num_transactions; i++) {
        const struct transaction *t = &v->transactions[i];
        if (t->reply != NULL && t->request != NULL && t->reply->u.krb.has_ctime) {
            sample(out, t->reply->u.krb.ctime_ns, NS_PER_S,
                   t->request->first_time_ns - CLIENT_STAMP_AGE_S * NS_PER_S,
                   t->request->first_time_ns, t->reply);
        }
    }
}

/* Against the capture's own clock, as the zone that is sought is its own. */
static void keep_sample(struct case_file *c, const struct clock_span *s)
{
    if (!s->known || s->num_evidence == 0) {
        return;
    }
    uint16_t capture = s->evidence[s->num_evidence - 1]->capture;
    struct group_state *g = case_group_of(c, capture);
    if (g->num_clock_samples < CLOCK_SAMPLES_MAX) {
        g->clock_samples[g->num_clock_samples++] =
            (s->low + s->high) / 2 + (double)case_shift(c, capture).add_ns / 1e9;
    }
}

void clocks_read(const struct view *v, struct clocks *out)
{
    *out = (struct clocks){0};
    read_kdc(v, &out->kdc);
    read_server(v, &out->server);
    read_client(v, &out->client);
    keep_sample(v->c, &out->kdc);
    keep_sample(v->c, &out->server);
}

struct offset clock_offset(const struct clock_span *x, const struct clock_span *y,
                           struct arena *arena)
{
    struct offset o = {0};
    if (!x->known || !y->known) {
        return o;
    }
    o.known = true;
    o.low = y->low - x->high;
    o.high = y->high - x->low;
    o.value = (o.low + o.high) / 2;
    struct frame_ref *refs = arena_alloc_array(arena, 2, sizeof *refs);
    if (refs != NULL) {
        const struct moment *a = x->evidence[x->num_evidence - 1];
        const struct moment *b = y->evidence[y->num_evidence - 1];
        refs[0] = (struct frame_ref){a->capture, a->frame, bytes_of("a clock read here")};
        refs[1] = (struct frame_ref){b->capture, b->frame, bytes_of("the other clock read here")};
        o.evidence = (struct evidence){.at = refs, .num = 2};
    }
    return o;
}

struct offset clock_offset_of_capture(const struct clock_span *y, struct arena *arena)
{
    struct offset o = {0};
    struct frame_ref *ref = y->known ? arena_alloc(arena, sizeof *ref) : NULL;
    if (ref != NULL) {
        const struct moment *m = y->evidence[y->num_evidence - 1];
        *ref = (struct frame_ref){m->capture, m->frame, bytes_of("a clock read here")};
        o = (struct offset){.known = true,
                            .low = y->low,
                            .high = y->high,
                            .value = (y->low + y->high) / 2,
                            .evidence = {.at = ref, .num = 1}};
    }
    return o;
}

bool offset_is_beyond(const struct offset *o, double limit_s)
{
    return o->known && (o->low > limit_s || o->high < -limit_s);
}

bool offset_is_within(const struct offset *o, double limit_s)
{
    return o->known && o->low >= -limit_s && o->high <= limit_s;
}
