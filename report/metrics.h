/* The meter's numbers as a Prometheus text file. */
#ifndef KRBSCOPE_REPORT_METRICS_H
#define KRBSCOPE_REPORT_METRICS_H

#include "diagnose/meter.h"
#include "report/live.h"

/* captures: only captures and num_captures are read. STATUS_OUTPUT. */
enum status report_metrics(FILE *out, const struct analysis *captures, const struct meter *m,
                           const struct live_state *state, struct trouble *trouble);

#endif
