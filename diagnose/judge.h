/* From a judgement to a record: steps, events, connections. */
#ifndef KRBSCOPE_DIAGNOSE_JUDGE_H
#define KRBSCOPE_DIAGNOSE_JUDGE_H

#include "diagnose/rules.h"

/* Reading and clocks of a view; the outcome is the reading's. */
void judge_begin(struct judgement *j, const struct view *v);

/* Facts and everything that follows from them; kind, endpoints and times are the caller's. */
void judge_conclude(struct judgement *j, struct attempt_record *out);

/* The Kerberos moments that this view explains are no failures of their own any more. */
void judge_mark_used(struct client *client, const struct view *v);

/* Keeps the clocks against the capture's own, for when the vantage is known. */
void judge_keep_clocks(const struct judgement *j, struct record *r);

/* --host and --client. */
bool judge_is_wanted(const struct case_file *c, const struct attempt_record *out);
bool judge_host_is_wanted(const struct case_file *c, const struct address *address,
                          struct bytes host);
/* principal: "PC01$@EXAMPLE.COM", or empty. */
bool judge_client_is_wanted(const struct case_file *c, const struct address *address,
                            struct bytes principal);

/* The eight steps' states, details and evidence. */
void steps_fill(const struct judgement *j, struct attempt_record *out);

/* From a domain controller the server's steps are not visible; once the vantage is known. */
void steps_hide(const struct judgement *j, struct attempt_record *out);

/* The attempt's events by time, EVENTS_PER_ATTEMPT_MAX at most. */
void events_fill(const struct judgement *j, struct attempt_record *out);

/* Formats into the analysis' arena. */
struct bytes judge_text(const struct judgement *j, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What is worth knowing beside a verdict (notes.c). */
void notes_fill(const struct judgement *j, struct attempt_record *out);

/* What points to one of a verdict's alternatives, as a note; empty when nothing does (hints.c). */
struct bytes hint_of_error(const struct judgement *j);
struct bytes hint_of_rodc(const struct judgement *j);
struct bytes hint_of_loopback(const struct judgement *j);
struct bytes hint_of_path(const struct judgement *j);
struct bytes hint_of_own_name(const struct judgement *j);
struct bytes hint_of_front_tls(const struct judgement *j);
struct bytes hint_of_split(const struct judgement *j);
struct bytes hint_of_fragments(const struct judgement *j);

/* Fills vantage, cannot_show and next_capture, when all else is filled (advice.c). */
void advice_fill(const struct judgement *j, struct attempt_record *out);

#endif
