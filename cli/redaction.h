/* --redact: each capture becomes a redacted copy before anything else is done with it, and each
 * line of a log and each configuration is rewritten before the case hears of it. */
#ifndef KRBSCOPE_CLI_REDACTION_H
#define KRBSCOPE_CLI_REDACTION_H

#include "cli/options.h"
#include "cli/source.h"
#include "diagnose/analysis.h"
#include "logs/iis_config.h"
#include "redact/pseudonym.h"

#define REDACTION_KEY_BYTES_MIN 16
#define REDACTION_KEY_BYTES_MAX 4096
#define REDACTION_LINE_BYTES 65536    /* of the names of one line of a log */
#define REDACTION_METHOD_BYTES_MAX 32 /* what is longer is no HTTP method */
#define REDACTION_PATH_BYTES 24       /* "config-65535" */

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
 * it becomes the file's name. show_progress: a line on standard error says how far it is. */
enum status redaction_copy(struct redaction *r, struct source *s, unsigned number,
                           bool show_progress, struct trouble *trouble);

/* Replaces names and addresses of a line; they lie in room, REDACTION_LINE_BYTES, afterwards. */
void redaction_entry(struct redaction *r, struct log_entry *entry, uint8_t *room);

/* The same for a configuration. false: there is no memory. */
bool redaction_config(struct redaction *r, struct iis_config *config);

/* Takes the file's name and text out of what is known of a log that was read. path,
 * REDACTION_PATH_BYTES, becomes its name. number: of the log, from 1. */
void redaction_log(struct redaction *r, struct log_summary *s, char *path, unsigned number);

/* Adds a note to the analysis: what was redacted, by kind. */
void redaction_tell(struct redaction *r, struct analysis *analysis);

#endif
