/* Where reports go: standard output and files, opened before the long work begins. */
#ifndef KRBSCOPE_CLI_OUTPUT_H
#define KRBSCOPE_CLI_OUTPUT_H

#include "cli/feed.h"
#include "cli/options.h"
#include "diagnose/analysis.h"

struct output_file {
    const struct output *output;
    int fd;          /* -1: standard output */
    bool is_created; /* by us; taken away again when there is no report */
};

struct output_files {
    struct output_file files[OPTIONS_OUTPUTS_MAX];
    size_t num_files;
};

/* Shall nothing but ASCII go to standard output? A terminal that does not say UTF-8 gets ASCII;
 * files and pipes are UTF-8 unless --ascii asks otherwise. */
bool output_wants_ascii(bool is_asked, bool is_terminal);

/* Opens all of them without emptying any. STATUS_USAGE: one of them is a file to be read, or two
 * are one. STATUS_OUTPUT: one cannot be written. */
enum status output_open(struct output_files *out, const struct options *options,
                        struct trouble *trouble);

/* Writes the report to all of them, as far as possible; the first trouble is told. For evidence the
 * captures of f are read again. */
enum status output_write(struct output_files *out, struct feed *f, const struct options *options,
                         const struct analysis *analysis, struct trouble *trouble);

/* Closes what is open; files that were made for a report that never came are taken away. */
void output_close(struct output_files *out);

#endif
