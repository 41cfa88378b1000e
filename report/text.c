/* analysis -> text, the most important last: files, side notes, attempts that went well, attempts
 * that did not, and the summary. */
#include "report/overview.h"
#include "report/text_private.h"

#include <errno.h>
#include <string.h>

#define HEADING_COLUMN 2

void text_heading(struct text_report *r, const char *heading)
{
    page_end(&r->page);
    page_column(&r->page, HEADING_COLUMN);
    page_style(&r->page, PAGE_STRONG);
    page_text(&r->page, heading);
    page_style(&r->page, PAGE_PLAIN);
    page_end(&r->page);
}

void text_frames(struct text_report *r, const struct evidence *evidence)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    if (evidence->num == 0) {
        return;
    }
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, "(");
    phrase_frames(&t, r->analysis, evidence);
    text_add(&t, ")");
    page_style(&r->page, PAGE_FAINT);
    page_bytes(&r->page, text_bytes(&t));
    page_style(&r->page, PAGE_PLAIN);
}

/* Prints the attempts that get this much detail; returns how many. */
static size_t write_attempts(struct text_report *r, enum detail detail)
{
    struct overview_choice choice = {.analysis = r->analysis, .all = r->options->all};
    size_t num = 0;
    for (size_t i = 0; i < r->analysis->num_attempts && !ferror(r->page.out); i++) {
        const struct attempt_record *a = r->analysis->attempts[i];
        if (overview_detail(&choice, a) != detail) {
            continue;
        }
        if (detail == DETAIL_FULL) {
            text_attempt(r, a);
        } else {
            text_attempt_brief(r, a);
        }
        num++;
    }
    return num;
}

static size_t page_width(const struct report_options *options)
{
    size_t width = options->width == 0 ? REPORT_WIDTH_DEFAULT : options->width;
    width = width < REPORT_WIDTH_MIN ? REPORT_WIDTH_MIN : width;
    return width > PAGE_WIDTH_MAX ? PAGE_WIDTH_MAX : width;
}

enum status report_text(FILE *out, const struct analysis *analysis,
                        const struct report_options *options, struct trouble *trouble)
{
    struct text_report r = {.analysis = analysis, .options = options};
    page_init(&r.page, out, page_width(options), options->color, options->ascii);
    errno = 0;
    page_style(&r.page, PAGE_STRONG);
    page_text(&r.page, "krbscope " KRBSCOPE_VERSION);
    page_style(&r.page, PAGE_PLAIN);
    page_end(&r.page);
    text_captures(&r);
    text_log_files(&r);
    text_groups(&r);
    text_case_notes(&r);
    text_other_failures(&r);
    size_t num_brief = write_attempts(&r, DETAIL_BRIEF);
    if (num_brief > 0) {
        page_end(&r.page);
    }
    size_t num_full = write_attempts(&r, DETAIL_FULL);
    text_log_clients(&r);
    text_summary(&r, num_brief + num_full);
    if (fflush(out) != 0 || ferror(out)) {
        trouble_set(trouble, "%s", strerror(errno == 0 ? EIO : errno));
        return STATUS_OUTPUT;
    }
    return STATUS_OK;
}
