/* The servers' logs and configurations of a case: opened, read in the order of time, handed over.
 */
#ifndef KRBSCOPE_CLI_WITNESS_H
#define KRBSCOPE_CLI_WITNESS_H

#include "cli/options.h"
#include "cli/redaction.h"
#include "diagnose/logs.h"

struct witness;

struct witnesses {
    struct witness *all;           /* the readable ones, in the order of the command line */
    struct log_summary *summaries; /* beside them */
    size_t num;
    size_t num_unreadable; /* each was told on standard error */
    bool show_progress;
    struct redaction *redaction; /* or NULL; the caller's, set before */
};

/* w->redaction is set by the caller before, all else here. Opens each to see that it can be read.
 * STATUS_NO_MEMORY, STATUS_USAGE (one is named twice); unreadable ones are told at once and
 * counted. */
enum status witnesses_open(struct witnesses *w, const struct options *options, bool show_progress,
                           struct trouble *trouble);

/* Reads all of them into the case, which is settled. */
enum status witnesses_run(struct witnesses *w, struct case_file *c, struct trouble *trouble);

void witnesses_close(struct witnesses *w);

#endif
