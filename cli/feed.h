/* Files in, events to the case: opens, joins, and reads several captures in the order of time. */
#ifndef KRBSCOPE_CLI_FEED_H
#define KRBSCOPE_CLI_FEED_H

#include "cli/options.h"
#include "cli/redaction.h"
#include "cli/source.h"
#include "diagnose/case.h"

struct feed {
    struct source *sources; /* the readable files, in the order of the command line */
    size_t num_sources;
    size_t num_unreadable; /* files that could not be read; each was told on standard error */
    struct capture_options capture_options;
    bool show_progress;
    struct align *align;         /* of several captures, for the life of the case; NULL of one */
    struct redaction *redaction; /* or NULL; the caller's */
    bool is_read_again;          /* for the evidence: standard input stays open */
    bool is_waiting; /* a capture's decoder was, before the frame at work: decoder_is_waiting() */
};

/* f->redaction is set by the caller before, all else here. Opens what can be opened.
 * STATUS_NO_MEMORY, STATUS_USAGE (the filter, the same file twice, too many) with trouble;
 * unreadable files are told at once and counted. */
enum status feed_open(struct feed *f, const struct options *options, bool show_progress,
                      struct trouble *trouble);

/* Opens the source's capture anew. As capture_open(). */
enum status feed_open_source(const struct feed *f, struct source *s, struct trouble *trouble);

/* Reads everything into the case. After that every source's info is final. */
enum status feed_run(struct feed *f, struct case_file *c, struct trouble *trouble);

/* The same into a sink of the caller's, each capture's own sight of everything: numbers of events
 * and connections differ between captures, times are the case's. */
enum status feed_run_into(struct feed *f, event_sink *sink, void *context, struct trouble *trouble);

/* Does the event's time have a known zone: that of the clock that tells it? */
bool feed_zone_is_known(const struct feed *f, const struct event *e);

void feed_close(struct feed *f);

#endif
