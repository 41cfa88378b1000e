#include "diagnose/meter.h"

#include "base/civil.h"
#include "base/hash.h"

#include <string.h>

const double meter_bounds_s[METER_BUCKETS - 1] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                  0.05,   0.1,   0.25,   1,     5,    15};

static void observe(struct histogram *h, int64_t ns)
{
    double seconds = (double)ns / 1e9;
    size_t i = 0;
    while (i < METER_BUCKETS - 1 && seconds > meter_bounds_s[i]) {
        i++;
    }
    h->buckets[i]++;
    h->num++;
    h->sum_s += seconds;
}

static uint64_t step_endpoint(uint64_t hash, const struct endpoint *e)
{
    uint64_t words[2];
    memcpy(words, e->address.octets, sizeof words);
    hash = hash64_step(hash, words[0]);
    hash = hash64_step(hash, words[1]);
    return hash64_step(hash, e->port);
}

/* The same for a question and its answer: who asks, who is asked, and a number. */
static uint64_t key_of(const struct event *e, bool is_answer, uint64_t number)
{
    uint64_t hash = hash64_step(e->connection + 1, number);
    hash = step_endpoint(hash, is_answer ? &e->to : &e->from);
    hash = step_endpoint(hash, is_answer ? &e->from : &e->to);
    return hash == 0 ? 1 : hash;
}

static struct meter_waiting *place_of(struct meter *m, uint64_t key)
{
    return &m->waiting[key % METER_WAITING_MAX];
}

/* A repeated question counts from its first try: that is what the user waits for. */
static void ask(struct meter *m, uint64_t key, int64_t time_ns)
{
    struct meter_waiting *w = place_of(m, key);
    if (w->key != key) {
        *w = (struct meter_waiting){.key = key, .time_ns = time_ns};
    }
}

static void answer(struct meter *m, struct histogram *h, uint64_t key, int64_t time_ns)
{
    struct meter_waiting *w = place_of(m, key);
    if (w->key == key && time_ns >= w->time_ns) {
        observe(h, time_ns - w->time_ns);
        w->key = 0;
    }
}

static void take_krb(struct meter *m, const struct event *e)
{
    const struct krb_message *k = e->krb;
    if (k->type == KRB_AS_REQ || k->type == KRB_TGS_REQ) {
        ask(m, key_of(e, false, 0), e->first_time_ns);
    } else if (k->type == KRB_AS_REP || k->type == KRB_TGS_REP || k->type == KRB_ERROR_MSG) {
        m->kdc_errors += k->type == KRB_ERROR_MSG;
        answer(m, &m->kdc, key_of(e, true, 0), e->time_ns);
    }
}

static void take_dns(struct meter *m, const struct event *e)
{
    const struct dns_message *d = e->dns;
    if (d->flavour != DNS_PLAIN) {
        return;
    }
    if (!d->is_response) {
        ask(m, key_of(e, false, d->id), e->first_time_ns);
    } else {
        m->dns_failures += d->rcode != 0 && d->rcode != 3; /* a name that is not is an answer */
        answer(m, &m->dns, key_of(e, true, d->id), e->time_ns);
    }
}

void meter_event(void *context, const struct event *event)
{
    struct meter *m = context;
    if (event->kind == EVENT_KRB) {
        take_krb(m, event);
    } else if (event->kind == EVENT_DNS) {
        take_dns(m, event);
    }
}

void meter_news(struct meter *m, const struct case_news *news)
{
    const struct attempt_record *a = news->attempt;
    const struct offset *clocks[METER_CLOCKS] = {
        &a->clocks.client_to_kdc, &a->clocks.client_to_server, &a->clocks.kdc_to_server};
    for (size_t i = 0; i < METER_CLOCKS; i++) {
        if (clocks[i]->known) {
            m->clocks[i] = *clocks[i];
            m->clocks[i].evidence = (struct evidence){0};
        }
    }
    if (news->is_first_final) {
        m->by_outcome[a->outcome]++;
        if (a->has_verdict) {
            m->by_cause[a->verdict.cause]++;
        }
    }
}
