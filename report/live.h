/* Live: one line an attempt as it ends, and summaries between them. */
#ifndef KRBSCOPE_REPORT_LIVE_H
#define KRBSCOPE_REPORT_LIVE_H

#include "diagnose/live.h"
#include "report/report.h"

/* What a summary says beside the analysis. */
struct live_state {
    int64_t time_ns;     /* packet time of the summary */
    const char *reason;  /* "request", "end", "interval" */
    uint64_t flows_open; /* TCP connections, clients and open attempts remembered now */
    uint64_t clients;
};

/* One line of NDJSON: the attempt as in krbscope.report/1 with attempt_id, revision and final.
 * captures: only captures and num_captures are read. STATUS_OUTPUT, STATUS_NO_MEMORY. */
enum status report_live_json(FILE *out, const struct analysis *captures,
                             const struct case_news *news, struct trouble *trouble);

/* One line of NDJSON with "summary", captures, other_failures and notes. */
enum status report_live_summary_json(FILE *out, const struct analysis *analysis,
                                     const struct live_state *state, struct trouble *trouble);

/* One line of text: time, outcome, client, server, cause. */
enum status report_live_text(FILE *out, const struct analysis *captures,
                             const struct case_news *news, const struct report_options *options,
                             struct trouble *trouble);

/* Some lines of text: what was read and lost, outcomes and causes counted. */
enum status report_live_summary_text(FILE *out, const struct analysis *analysis,
                                     const struct live_state *state,
                                     const struct report_options *options, struct trouble *trouble);

#endif
