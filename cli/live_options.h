/* The command line of `live`. */
#ifndef KRBSCOPE_CLI_LIVE_OPTIONS_H
#define KRBSCOPE_CLI_LIVE_OPTIONS_H

#include "capture/live.h"
#include "cli/option_values.h"
#include "outlet/outlet.h"
#include "report/report.h"

/* Strings are borrowed from argv. */
struct live_command {
    struct live_options capture;
    struct outlet_options outlet;
    struct report_options report;
    const char *read_path; /* --read, or NULL */
    const char *filter;
    struct option_names hosts, clients;
    struct option_ports http_ports;
    bool has_zone;
    int32_t zone_s;
    double skew_limit_s; /* 0: the default */
    uint64_t num_frames; /* -c; 0: no limit */
    double duration_s;   /* 0: no limit */
    double summary_s;    /* 0: only on request and at the end */
    const char *user;
    enum when color;
    bool no_sandbox, quiet, all;
    bool list_interfaces, help, version;
};

/* argv[0] is skipped. STATUS_USAGE: trouble says what is wrong. */
enum status live_options_read(struct live_command *out, int argc, char **argv,
                              struct trouble *trouble);

#endif
