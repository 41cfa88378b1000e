/* The command line of `analyze`, read and checked once. */
#ifndef KRBSCOPE_CLI_OPTIONS_H
#define KRBSCOPE_CLI_OPTIONS_H

#include "cli/option_values.h"

#define OPTIONS_LOGS_MAX 1024  /* --iis-log, --httperr-log, --iis-config: together so often */
#define OPTIONS_OUTPUTS_MAX 16 /* --text, --json, --markdown, --html: together so often */

enum option_log { OPTION_LOG_IIS, OPTION_LOG_HTTPERR, OPTION_LOG_CONFIG };

/* A witness on the server's side. */
struct named_log {
    enum option_log kind;
    const char *path;
};

enum output_format { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_MARKDOWN, OUTPUT_HTML, OUTPUT_EVIDENCE };

struct output {
    enum output_format format;
    const char *path; /* "-": standard output */
};

/* Strings are borrowed from argv. */
struct options {
    struct output outputs[OPTIONS_OUTPUTS_MAX]; /* at least one */
    size_t num_outputs;
    struct option_names hosts, clients;
    struct option_ports http_ports; /* a hint only; content decides */
    struct named_log logs[OPTIONS_LOGS_MAX];
    size_t num_logs;
    bool has_zone;
    int32_t zone_s;      /* east of UTC */
    double skew_limit_s; /* 0: the default */
    const char *filter;  /* or NULL */
    enum when color, progress;
    unsigned width;
    uint64_t spool_max; /* bytes; 0: the default */
    bool evidence_flows;
    bool redact;
    const char *redact_key; /* file, or NULL */
    bool all, ascii, quiet, verbose;
    bool no_sandbox;
    bool help, version;
    char **files;
    size_t num_files;
};

/* Reads the arguments behind the command; argv[0] is skipped. argv is put in order, files last.
 * STATUS_USAGE: trouble says what is wrong. With help or version set nothing else is checked. */
enum status options_read(struct options *out, int argc, char **argv, struct trouble *trouble);

#endif
