/* From a judgement to a record: steps, events, connections. */
#ifndef KRBSCOPE_DIAGNOSE_JUDGE_H
#define KRBSCOPE_DIAGNOSE_JUDGE_H

#include "diagnose/rules.h"

/* The eight steps' states, details and evidence. */
void steps_fill(const struct judgement *j, struct attempt_record *out);

/* The attempt's events by time, EVENTS_PER_ATTEMPT_MAX at most. */
void events_fill(const struct judgement *j, struct attempt_record *out);

/* Formats into the analysis' arena. */
struct bytes judge_text(const struct judgement *j, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
