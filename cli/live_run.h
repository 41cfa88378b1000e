/* One live run: what it reads, what it knows, and what it says. */
#ifndef KRBSCOPE_CLI_LIVE_RUN_H
#define KRBSCOPE_CLI_LIVE_RUN_H

#include "capture/recent.h"
#include "cli/live_options.h"
#include "diagnose/meter.h"
#include "report/metrics.h"

#include <stdio.h>

#define LIVE_METRICS_NS INT64_C(15000000000)    /* between two writings of the metrics */
#define LIVE_COUNT_NS INT64_C(1000000000)       /* between two looks at the drop counts */
#define LIVE_WARN_AGAIN_NS INT64_C(60000000000) /* between two warnings of drops */
#define LIVE_EVIDENCE_FRAMES_MAX 2048           /* of one attempt */

struct live_run {
    const struct live_command *command;
    struct live_capture *live; /* or */
    struct capture *saved;
    struct decoder *decoder;
    struct case_file *c;
    struct meter meter;
    struct recent *recent; /* NULL: no evidence is wanted */
    struct outlet *outlet;
    struct capture_summary captures[LIVE_INTERFACES_MAX];
    size_t num_captures;
    struct analysis view; /* captures only: what single attempts are printed with */
    bool wants_text, wants_json;
    FILE *page; /* a memory stream: lines are built here */
    char *page_bytes;
    size_t page_len;
    int64_t now_ns; /* packet time */
    int64_t first_ns;
    int64_t metrics_ns, summary_ns; /* packet time of the last one; 0: none */
    int64_t count_ns, warned_ns;    /* monotonic */
    uint64_t drops_told;
    bool is_broken; /* an output failed; it was told */
};

/* case_news_sink: context is the struct live_run. */
void live_say_news(void *context, const struct case_news *news);

/* A summary to text and JSON outputs. reason: "request", "interval", "end". */
void live_say_summary(struct live_run *run, const struct analysis *analysis, const char *reason);

void live_say_metrics(struct live_run *run);

/* Opens the memory stream. false: no memory. */
bool live_say_open(struct live_run *run);
void live_say_close(struct live_run *run);

#endif
