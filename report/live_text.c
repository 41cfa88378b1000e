/* Live text: a line an attempt, written to be read as it scrolls by. */
#include "report/escape.h"
#include "report/live.h"
#include "report/text_private.h"

#include "base/civil.h"

#include <errno.h>
#include <string.h>

#define OUTCOME_COLUMN 10
#define CLIENT_COLUMN 30
#define CAUSE_INDENT 12
#define TIME_OF_DAY 11 /* where the time begins in RFC 3339 */
#define TIME_OF_DAY_LEN 8

static enum status finish(FILE *out, struct trouble *trouble)
{
    if (fflush(out) != 0 || ferror(out)) {
        trouble_set(trouble, "%s", strerror(errno == 0 ? EIO : errno));
        return STATUS_OUTPUT;
    }
    return STATUS_OK;
}

static void begin(struct text_report *r, FILE *out, const struct analysis *a,
                  const struct report_options *options)
{
    *r = (struct text_report){.analysis = a, .options = options};
    page_init(&r->page, out, options->width == 0 ? REPORT_WIDTH_DEFAULT : options->width,
              options->color, options->ascii);
    errno = 0;
}

static void put_time(struct page *p, int64_t time_ns)
{
    char buffer[48];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    civil_print(&t, time_ns, 0, false);
    page_word(p, bytes_part(text_bytes(&t), TIME_OF_DAY, TIME_OF_DAY_LEN));
}

static void put_address(struct page *p, const struct address *a)
{
    char buffer[64];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    address_print(&t, a);
    page_word(p, a->family == ADDRESS_NONE ? bytes_of("?") : text_bytes(&t));
}

static enum page_style style_of(const struct attempt_record *a)
{
    switch (a->outcome) {
    case OUTCOME_APPROVED:
        return PAGE_GOOD;
    case OUTCOME_APPROVED_NTLM:
    case OUTCOME_INCOMPLETE:
        return PAGE_WARNING;
    case OUTCOME_REFUSED:
    case OUTCOME_FAILED:
    case OUTCOME_ACCEPTED_ANONYMOUS:
    case OUTCOME_COUNT:
        break;
    }
    return PAGE_BAD;
}

static void put_number_word(struct page *p, const char *prefix, uint64_t number)
{
    char buffer[48];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%s%llu", prefix, (unsigned long long)number);
    page_word(p, text_bytes(&t));
}

enum status report_live_text(FILE *out, const struct analysis *captures,
                             const struct case_news *news, const struct report_options *options,
                             struct trouble *trouble)
{
    const struct attempt_record *a = news->attempt;
    struct text_report r;
    struct page *p = &r.page;
    begin(&r, out, captures, options);
    put_time(p, a->last_time_ns);
    page_column(p, OUTCOME_COLUMN);
    page_style(p, style_of(a));
    page_text(p, outcome_word(a->outcome));
    page_style(p, PAGE_PLAIN);
    page_column(p, CLIENT_COLUMN);
    put_address(p, &a->client.address);
    if (a->principal.len > 0) {
        page_word(p, a->principal);
    }
    page_text(p, page_sign(p, SIGN_TO));
    if (a->host.len > 0) {
        page_word(p, a->host);
    } else {
        put_address(p, &a->server.address);
    }
    page_style(p, PAGE_FAINT);
    put_number_word(p, "#", a->id);
    if (news->revision > 1) {
        page_text(p, "(corrected)");
    }
    page_style(p, PAGE_PLAIN);
    page_end(p);
    if (a->has_verdict) {
        page_column(p, CAUSE_INDENT);
        page_style(p, a->verdict.is_note ? PAGE_WARNING : PAGE_BAD);
        page_text(p, cause_id(a->verdict.cause));
        page_style(p, PAGE_PLAIN);
        page_text(p, a->verdict.confidence == CONFIDENCE_CERTAIN  ? "(certain):"
                     : a->verdict.confidence == CONFIDENCE_LIKELY ? "(likely):"
                                                                  : "(possible):");
        page_bytes(p, a->verdict.summary);
        page_end(p);
    }
    return finish(out, trouble);
}

static uint64_t lost_frames(const struct analysis *a)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < a->num_captures; i++) {
        lost += a->captures[i].info.drops[CAPTURE_DROP_BY_SYSTEM];
    }
    return lost;
}

enum status report_live_summary_text(FILE *out, const struct analysis *analysis,
                                     const struct live_state *state,
                                     const struct report_options *options, struct trouble *trouble)
{
    struct text_report r;
    struct page *p = &r.page;
    uint64_t frames = 0;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    begin(&r, out, analysis, options);
    for (size_t i = 0; i < analysis->num_captures; i++) {
        frames += analysis->captures[i].info.frames;
    }
    page_rule(p, false);
    put_time(p, state->time_ns);
    page_column(p, OUTCOME_COLUMN);
    text_init(&t, buffer, sizeof buffer);
    phrase_count(&t, frames, "frame,", "frames,");
    page_bytes(p, text_bytes(&t));
    page_style(p, lost_frames(analysis) > 0 ? PAGE_BAD : PAGE_PLAIN);
    text_init(&t, buffer, sizeof buffer);
    phrase_count(&t, lost_frames(analysis), "dropped by the system,", "dropped by the system,");
    page_bytes(p, text_bytes(&t));
    page_style(p, PAGE_PLAIN);
    text_init(&t, buffer, sizeof buffer);
    phrase_count(&t, state->clients, "host and", "hosts and");
    text_add(&t, " ");
    phrase_count(&t, state->flows_open, "connection remembered", "connections remembered");
    page_bytes(p, text_bytes(&t));
    page_end(p);
    text_other_failures(&r);
    text_summary(&r, analysis->num_attempts_dropped);
    return finish(out, trouble);
}
