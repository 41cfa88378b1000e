/* The parts of the Markdown report; markdown.c puts them together. */
#ifndef KRBSCOPE_REPORT_MARKDOWN_PRIVATE_H
#define KRBSCOPE_REPORT_MARKDOWN_PRIVATE_H

#include "report/markdown_words.h"
#include "report/phrase.h"
#include "report/text_private.h"

struct markdown {
    FILE *out;
    const struct analysis *analysis;
    const struct report_options *options;
    struct markdown_words words;
    unsigned attempt; /* its id, for headings that differ from those of others */
};

void markdown_put(const struct markdown *m, const char *text);

/* " (frames 3, 4)"; nothing for no evidence. */
void markdown_frames(const struct markdown *m, const struct evidence *evidence);

/* markdown_attempt.c: an attempt as a section of its own, or as a list item. */
void markdown_attempt(struct markdown *m, const struct attempt_record *a);
void markdown_attempt_brief(const struct markdown *m, const struct attempt_record *a);

/* markdown_logs.c: list items of a finding's evidence, of the lines that tell of an attempt, and
 * parts of their own for what the logs say by themselves. */
void markdown_log_evidence(const struct markdown_words *w, const struct analysis *a,
                           const struct log_evidence *evidence);
void markdown_log_lines(const struct markdown_words *w, const struct analysis *a,
                        const struct attempt_record *attempt);
void markdown_logs(const struct markdown_words *w, const struct analysis *a);

/* markdown_referrals.c: list items of the realms on the way to the ticket. */
void markdown_referrals(const struct markdown_words *w, const struct analysis *a,
                        const struct attempt_record *attempt);

#endif
