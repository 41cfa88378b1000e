/* --redact: each capture becomes a redacted copy before anything else is done with it. */
#ifndef KRBSCOPE_CLI_REDACTION_H
#define KRBSCOPE_CLI_REDACTION_H

#include "cli/options.h"
#include "cli/source.h"
#include "diagnose/analysis.h"
#include "redact/pseudonym.h"

#define REDACTION_KEY_BYTES_MIN 16
#define REDACTION_KEY_BYTES_MAX 4096

struct redaction {
    struct pseudonyms pseudonyms;
    uint64_t spool_max;                 /* bytes of a copy */
    char *names[2 * OPTIONS_HOSTS_MAX]; /* pseudonyms of --host and --client */
    size_t num_names;
    struct note *notes; /* of the analysis, and one more */
};

/* The key: from --redact-key, or drawn for this run. The names that attempts are chosen by are
 * replaced in *options. STATUS_NO_FILE, STATUS_NO_MEMORY. NULL when nothing is to be redacted. */
enum status redaction_new(struct redaction **out, struct options *options, struct trouble *trouble);
void redaction_free(struct redaction *r); /* NULL is fine */

/* Replaces the source's open capture by its copy. number: of the file on the command line, from 1;
 * it becomes the file's name. */
enum status redaction_copy(struct redaction *r, struct source *s, unsigned number,
                           struct trouble *trouble);

/* Adds a note to the analysis: what was redacted, by kind. */
void redaction_tell(struct redaction *r, struct analysis *analysis);

#endif
