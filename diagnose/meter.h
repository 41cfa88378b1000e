/* Numbers for monitoring, over the whole run: attempts, latencies of KDCs and DNS servers, clocks.
 *
 * An event_sink beside the case's; it also hears the case's news. Everything is of fixed size.
 */
#ifndef KRBSCOPE_DIAGNOSE_METER_H
#define KRBSCOPE_DIAGNOSE_METER_H

#include "diagnose/live.h"

#define METER_WAITING_MAX 4096 /* questions that wait for an answer; overwritten on collision */
#define METER_BUCKETS 13       /* of a histogram, the unbounded one included */
#define METER_CLOCKS 3

/* Upper bounds of the buckets in seconds; the last bucket has none. */
extern const double meter_bounds_s[METER_BUCKETS - 1];

struct histogram {
    uint64_t buckets[METER_BUCKETS]; /* not cumulative */
    uint64_t num;
    double sum_s;
};

struct meter_waiting {
    uint64_t key;
    int64_t time_ns;
};

struct meter {
    uint64_t by_outcome[OUTCOME_COUNT]; /* of attempts that are final; these never go down */
    uint64_t by_cause[CAUSE_COUNT];
    struct histogram kdc, dns;
    uint64_t kdc_errors, dns_failures;
    struct offset clocks[METER_CLOCKS]; /* latest: client to KDC, client to server, KDC to server */
    struct meter_waiting waiting[METER_WAITING_MAX];
};

/* An event_sink: context is the struct meter. */
void meter_event(void *context, const struct event *event);

void meter_news(struct meter *m, const struct case_news *news);

#endif
