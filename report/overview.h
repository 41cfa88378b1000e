/* The whole case at a glance: which attempts are told in full, and in which order outcomes and
 * causes are counted. Every form of the report makes the same choice. */
#ifndef KRBSCOPE_REPORT_OVERVIEW_H
#define KRBSCOPE_REPORT_OVERVIEW_H

#include "diagnose/analysis.h"

#define ATTEMPTS_IN_FULL_MAX 50 /* with more attempts … */
#define ATTEMPTS_A_CAUSE_MAX 3  /* … only so many of each cause are printed in full */

enum detail { DETAIL_NONE, DETAIL_BRIEF, DETAIL_FULL };

/* Counts as it chooses: ask it once about every attempt, in their order. */
struct overview_choice {
    const struct analysis *analysis;
    bool all; /* everything in full */
    size_t num_full[CAUSE_COUNT];
};
enum detail overview_detail(struct overview_choice *choice, const struct attempt_record *a);

/* Outcomes in the order in which a reader wants them: what failed comes first. i < OUTCOME_COUNT */
enum outcome overview_outcome(size_t i);

/* The cause that follows `last` when causes are ordered by their counts, then by their ids;
 * CAUSE_NONE begins and ends. */
enum cause overview_next_cause(const struct analysis *a, enum cause last);

/* The first attempt of this cause that is kept, or NULL. */
const struct attempt_record *overview_first(const struct analysis *a, enum cause cause);

#endif
