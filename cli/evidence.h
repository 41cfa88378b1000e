/* --evidence: the captures are read twice more, and what the report rests on is written. */
#ifndef KRBSCOPE_CLI_EVIDENCE_H
#define KRBSCOPE_CLI_EVIDENCE_H

#include "cli/feed.h"
#include "cli/options.h"
#include "diagnose/analysis.h"

/* Writes the pcapng to fd; path is its name for messages. STATUS_NO_FILE: a capture cannot be read
 * again. STATUS_OUTPUT, STATUS_NO_MEMORY. */
enum status evidence_file(int fd, const char *path, struct feed *f, const struct options *options,
                          const struct analysis *analysis, struct trouble *trouble);

#endif
