/* The parts of the HTML report; html.c puts them together.
 *
 * Everything is written at once, in ASCII, by these few functions: markup of ours through
 * html_put() and html_format(), everything else through report/escape.c. No style attributes: the
 * page's Content-Security-Policy allows the one style sheet and the one script, and nothing else.
 */
#ifndef KRBSCOPE_REPORT_HTML_PRIVATE_H
#define KRBSCOPE_REPORT_HTML_PRIVATE_H

#include "report/phrase.h"
#include "report/report.h"
#include "report/roles.h"
#include "report/wording.h"

#define HTML_STRING_BYTES_MAX 2048   /* of a longer string the rest is counted, not shown */
#define HTML_PHRASE_BYTES_MAX 256    /* a phrase of ours */
#define HTML_FULL_BYTES_MAX 2500000  /* when the page is longer, attempts are told briefly … */
#define HTML_FULL_A_CAUSE 3          /* … but for the first few of each cause */
#define HTML_ATTEMPTS_MAX 2000       /* attempts with a place of their own; others are counted */
#define HTML_TIMELINE_CLIENTS_MAX 40 /* lines of the timeline */
#define HTML_LANES_MAX 8             /* columns of a ladder; further hosts share one */

struct html_asset {
    struct bytes content;
    const char *hash; /* "sha256-…" */
};
extern const struct html_asset html_css, html_js; /* made from html.css and html.js */

struct html {
    FILE *out;
    const struct analysis *analysis;
    const struct report_options *options;
    uint64_t num_bytes; /* written so far */
    unsigned level;     /* of headings inside an attempt: 2, or 4 where it has one of its own */
};

/* html_words.c: markup of ours; escaped text; a number; printf for markup. */
void html_put(struct html *h, const char *markup);
void html_text(struct html *h, const char *text);
void html_bytes(struct html *h, struct bytes text);
void html_format(struct html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* <code>…</code>; nothing for nothing. */
void html_code(struct html *h, struct bytes text);
void html_endpoint(struct html *h, const struct endpoint *e);

/* A heading of a part of an attempt: <h2> or <h4>. */
void html_heading(struct html *h, const char *text);

/* " (frames 3 and 4)", linked to the rows of the attempt's ladder; a: NULL outside an attempt. */
void html_frames(struct html *h, const struct attempt_record *a, const struct evidence *evidence);
void html_frame(struct html *h, const struct attempt_record *a, uint16_t capture, uint32_t frame);

/* "2026-11-22 11:12:42.728905 UTC for 0.009 s" */
void html_when(struct html *h, const struct attempt_record *a);

/* A short line that can be copied. */
void html_command(struct html *h, struct bytes command);

/* The sign and the word of an outcome. */
void html_outcome(struct html *h, const struct attempt_record *a);
const char *html_mood(enum mood mood);

/* html_ladder.c, html_clocks.c, html_referrals.c */
void html_ladder(struct html *h, const struct attempt_record *a);
void html_clocks(struct html *h, const struct attempt_record *a);
void html_referrals(struct html *h, const struct attempt_record *a);

/* html_logs.c: list items of a finding's evidence, the lines that tell of an attempt, and what the
 * logs say by themselves. */
void html_log_evidence(struct html *h, const struct log_evidence *evidence);
void html_log_lines(struct html *h, const struct attempt_record *a);
void html_logs(struct html *h);

/* html_attempt.c: an attempt, alone on the page or one of several. */
void html_attempt_alone(struct html *h, const struct attempt_record *a);
void html_attempt_one(struct html *h, const struct attempt_record *a, bool in_full);

/* html_case.c: the files, what lies beside the attempts; html_summary.c: of several attempts the
 * table and the timeline. */
void html_rest(struct html *h);
void html_summary(struct html *h);

/* Attempts that have a place of their own: HTML_ATTEMPTS_MAX at most. */
size_t html_num_shown(const struct analysis *a);

#endif
