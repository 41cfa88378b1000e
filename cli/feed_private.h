/* What feed.c (files are opened) and feed_run.c (captures are read) share. */
#ifndef KRBSCOPE_CLI_FEED_PRIVATE_H
#define KRBSCOPE_CLI_FEED_PRIVATE_H

#include "cli/feed.h"

bool feed_is_standard_input(const char *path);

/* Tells why a file is left out, and counts it. */
void feed_count_unreadable(struct feed *f, const struct trouble *why);

/* Takes what is known of the source into s->info; of a redacted copy, what was known of the
 * original. */
void feed_note_info(struct source *s);

#endif
