/* The correlator for days: each attempt is handed out as soon as it can be judged, and forgotten.
 *
 *      struct case_file *c = case_new(&options);
 *      case_go_live(c, &live)            before the first event
 *      for every event: case_push(c, event)
 *      when nothing happens: case_tick(c, now)
 *      on request: case_summary(c, &analysis)
 *      case_end(c, …)                    judges what is open
 *
 * An attempt that has its answer is handed out after LIVE_SETTLE_NS without another event of it,
 * one that never gets an answer after ATTEMPT_IDLE_S. What becomes known later (it goes on, another
 * node took the same ticket) is handed out as a higher revision of the same id. One that nothing
 * can change, let in on connections that are over, is forgotten then. Time is packet time.
 *
 * What a client did without HTTP is judged when the client was silent for LIVE_CLIENT_IDLE_S, or,
 * if it never is, in rounds: when it lies so far back that no attempt to come can explain it.
 *
 * Memory stays what it is after the first minutes: clients, connections and moments are bounded
 * (client.h), open attempts too (attempt.h), and records that were handed out lie in a ring.
 */
#ifndef KRBSCOPE_DIAGNOSE_LIVE_H
#define KRBSCOPE_DIAGNOSE_LIVE_H

#include "diagnose/case.h"
#include "diagnose/client.h"

#define LIVE_SETTLE_NS INT64_C(1000000000) /* an answered attempt is told after this quiet time */
#define LIVE_LOOK_NS INT64_C(100000000)    /* packet time between two looks at the open attempts */
#define LIVE_SWEEP_S 10                    /* the same for clients */
#define LIVE_COMPARE_S 60                  /* … and for the rules that need the whole case */
#define LIVE_CLIENT_IDLE_S 900             /* a client silent for so long is judged and forgotten */
#define LIVE_ROUND_S 1200 /* moments older than this are judged, though it is not silent */
#define LIVE_RECORDS_BYTES 33554432 /* records kept for comparison; the oldest go */
#define LIVE_WINDOW_BYTES 2097152   /* room for what is judged at one time */
#define LIVE_FAILURES_BYTES 131072  /* other failures between two summaries */

/* One revision of one attempt. Borrowed during the call. */
struct case_news {
    const struct attempt_record *attempt; /* id: from 1, in the order of first revisions */
    uint32_t revision;                    /* from 1; a higher one replaces a lower one */
    bool final;          /* its end was seen; only comparison with others may still correct it */
    bool is_first_final; /* true exactly once for every attempt */
    bool is_unchanged;   /* it says nothing new but that it is final */
};

typedef void case_news_sink(void *context, const struct case_news *news);

struct case_live {
    case_news_sink *sink;
    void *context;
    struct capture_summary *captures; /* one a source; info is kept current by the caller, vantage
                                         and clocks are filled here */
    size_t num_captures;
    bool is_brief; /* of attempts that succeed the sink needs no events, notes or advice */
};

/* From now on records go to the sink. Before the first event. STATUS_NO_MEMORY. */
enum status case_go_live(struct case_file *c, const struct case_live *live);

/* Time has passed and there was no event: now_ns in the captures' time. */
void case_tick(struct case_file *c, int64_t now_ns);

/* Compares the attempts that are remembered once more, then gives the counts since the beginning,
 * the captures, the notes, and the other failures since the last summary. *out has no attempts; it
 * is borrowed until the next call of anything here. case_end() of a live case gives the same; its
 * *out must not outlive the case. */
void case_summary(struct case_file *c, struct analysis *out);

/* How much is remembered now. */
struct client_load case_load(const struct case_file *c);

#endif
