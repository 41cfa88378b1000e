/* analysis -> text, JSON, Markdown, HTML. No judgement here: what is printed stands in the
 * analysis. */
#ifndef KRBSCOPE_REPORT_REPORT_H
#define KRBSCOPE_REPORT_REPORT_H

#include "diagnose/analysis.h"

#include <stdio.h>

#define REPORT_WIDTH_DEFAULT 80
#define REPORT_WIDTH_MIN 40
#define KRBSCOPE_VERSION "0.1.0"

struct report_options {
    unsigned width; /* columns; 0: REPORT_WIDTH_DEFAULT */
    bool color;     /* ANSI colour */
    bool ascii;     /* no character outside ASCII of ours; wire characters are escaped */
    bool all;       /* attempts that succeeded in detail too, other failures in detail */
    bool verbose;   /* every event in the ladder, notes included */
};

/* Writes the text report (docs/ARCHITECTURE.md: ladder, eight steps, verdict last).
 * STATUS_OUTPUT: out could not be written, trouble says why. */
enum status report_text(FILE *out, const struct analysis *analysis,
                        const struct report_options *options, struct trouble *trouble);

/* Writes one JSON object, schema krbscope.report/1 (docs/report.schema.json), an attempt at a time.
 */
enum status report_json(FILE *out, const struct analysis *analysis, struct trouble *trouble);

/* Writes Markdown fit for a ticket: the verdict first, the ladder as a fenced block. Of options
 * ascii, all and verbose count. */
enum status report_markdown(FILE *out, const struct analysis *analysis,
                            const struct report_options *options, struct trouble *trouble);

/* Writes one HTML page that needs nothing beside it, an attempt at a time, in ASCII. */
enum status report_html(FILE *out, const struct analysis *analysis,
                        const struct report_options *options, struct trouble *trouble);

#endif
