/* What live.c (when something is judged) and live_records.c (what is kept of it) share. */
#ifndef KRBSCOPE_DIAGNOSE_LIVE_PRIVATE_H
#define KRBSCOPE_DIAGNOSE_LIVE_PRIVATE_H

#include "diagnose/case_private.h"
#include "diagnose/live.h"

struct live {
    struct case_live options;
    uint8_t *ring;         /* LIVE_RECORDS_BYTES */
    size_t head;           /* where the window lies */
    struct record *before; /* the last record when the window was opened */
    uint32_t last_id;
    uint64_t num_attempts;
    uint64_t by_outcome[OUTCOME_COUNT], by_cause[CAUSE_COUNT];
    struct arena failures; /* texts of other_failures since the last summary */
    bool failures_are_told;
    int64_t looked_ns, swept_ns, settled_ns; /* case's age */
    int64_t round_end_ns;
};

/* Hands the record out when it says something new. */
void live_tell(struct case_file *c, struct record *r, bool final);

/* The record is no open attempt's any more; what was said of it is kept with the attempt. */
void live_part(struct record *r);

/* Until live_window_close() the analysis' arena is a part of the ring that no record uses: the
 * records that lay there are told, if they never were, and forgotten. */
void live_window_open(struct case_file *c);
void live_window_close(struct case_file *c);

/* The records made since live_window_open(), first to last. */
struct record *live_window_first(const struct case_file *c);

#endif
