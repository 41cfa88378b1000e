/* The parts of the text report; text.c puts them together. */
#ifndef KRBSCOPE_REPORT_TEXT_PRIVATE_H
#define KRBSCOPE_REPORT_TEXT_PRIVATE_H

#include "report/page.h"
#include "report/phrase.h"
#include "report/report.h"

#define PHRASE_BYTES_MAX 256 /* a phrase of ours; wire bytes never go through one */

struct text_report {
    struct page page;
    const struct analysis *analysis;
    const struct report_options *options;
};

/* text.c: a heading of a part on a line of its own. */
void text_heading(struct text_report *r, const char *heading);
/* text.c: " (frames 3 and 4)" behind what was written; nothing without evidence. */
void text_frames(struct text_report *r, const struct evidence *evidence);

/* text_case.c: the files, and what was found beside the attempts. */
void text_captures(struct text_report *r);
void text_case_notes(struct text_report *r);
void text_other_failures(struct text_report *r);

/* text_groups.c: of many clients, first of all: how they ended and why, the most frequent first. */
void text_groups(struct text_report *r);

/* ladder.c: the attempt's events. */
void ladder_write(struct text_report *r, const struct attempt_record *a);

/* text_attempt.c: all of an attempt, or two lines of it. */
void text_attempt(struct text_report *r, const struct attempt_record *a);
void text_attempt_brief(struct text_report *r, const struct attempt_record *a);

/* text_attempt.c: a line of advice; a command is never wrapped. */
void text_advice(struct text_report *r, struct bytes line, size_t column);

/* text_logs.c: the servers' logs, what they say alone, their lines that tell of an attempt, and
 * those that are evidence. */
void text_log_files(struct text_report *r);
void text_log_clients(struct text_report *r);
void text_log_lines(struct text_report *r, const struct attempt_record *a);
void text_log_evidence(struct text_report *r, const struct log_evidence *evidence);
/* " (line 12 of log 1)" behind what was written; nothing without evidence. */
void text_log_refs(struct text_report *r, const struct log_evidence *evidence);

/* text_summary.c: outcomes and causes counted, the last thing that is read. num_shown: attempts
 * that were printed before it. */
void text_summary(struct text_report *r, size_t num_shown);

#endif
