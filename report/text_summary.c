/* The last lines of the text report: how many attempts, how they ended, and why. */
#include "report/overview.h"
#include "report/text_private.h"

#define COUNT_END_COLUMN 6
#define CAUSE_COLUMN 10
#define ONLY_COLUMN 2 /* of the only attempt: nothing is counted */
#define IDS_LISTED_MAX 8

static void write_outcomes(struct text_report *r, uint64_t num)
{
    struct page *p = &r->page;
    const struct analysis *a = r->analysis;
    size_t num_left = 0;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        num_left += a->by_outcome[i] > 0;
    }
    page_style(p, PAGE_STRONG);
    page_number(p, num);
    page_text(p, num == 1 ? "attempt:" : "attempts:");
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        enum outcome outcome = overview_outcome(i);
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        if (a->by_outcome[outcome] == 0) {
            continue;
        }
        text_init(&t, buffer, sizeof buffer);
        if (num > 1) {
            text_format(&t, "%llu ", (unsigned long long)a->by_outcome[outcome]);
        }
        text_add(&t, outcome_word(outcome));
        text_add(&t, --num_left > 0 ? "," : "");
        page_word(p, text_bytes(&t));
    }
    page_style(p, PAGE_PLAIN);
    page_end(p);
}

static void write_ids(struct text_report *r, enum cause cause)
{
    struct page *p = &r->page;
    const struct analysis *a = r->analysis;
    uint64_t num = a->by_cause[cause];
    size_t num_listed = 0;
    page_column(p, CAUSE_COLUMN);
    page_style(p, PAGE_FAINT);
    page_text(p, num == 1 ? "attempt" : "attempts");
    for (size_t i = 0; i < a->num_attempts && num_listed < IDS_LISTED_MAX; i++) {
        const struct attempt_record *attempt = a->attempts[i];
        if (attempt->has_verdict && attempt->verdict.cause == cause) {
            char buffer[PHRASE_BYTES_MAX];
            struct text t;
            text_init(&t, buffer, sizeof buffer);
            text_format(&t, "%u", (unsigned)attempt->id);
            num_listed++;
            text_add(&t, num_listed < IDS_LISTED_MAX && num_listed < num ? "," : "");
            page_word(p, text_bytes(&t));
        }
    }
    if (num_listed < num) {
        page_text(p, "and");
        page_number(p, num - num_listed);
        page_text(p, "more");
    }
    page_style(p, PAGE_PLAIN);
    page_end(p);
}

static void write_cause(struct text_report *r, enum cause cause, bool is_only)
{
    struct page *p = &r->page;
    const struct analysis *a = r->analysis;
    const struct attempt_record *attempt = overview_first(a, cause);
    const struct finding *first = attempt == NULL ? NULL : &attempt->verdict;
    if (!is_only) {
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        text_init(&t, buffer, sizeof buffer);
        text_format(&t, "%llu", (unsigned long long)a->by_cause[cause]);
        page_right(p, COUNT_END_COLUMN, text_bytes(&t));
        page_text(p, page_sign(p, SIGN_TIMES));
    }
    page_column(p, is_only ? ONLY_COLUMN : CAUSE_COLUMN);
    page_style(p, first != NULL && first->is_note ? PAGE_WARNING : PAGE_BAD);
    page_text(p, cause_id(cause));
    page_style(p, PAGE_PLAIN);
    if (is_only && first != NULL) {
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        text_init(&t, buffer, sizeof buffer);
        text_format(&t, "(%s)", confidence_word(first->confidence));
        page_bytes(p, text_bytes(&t));
    }
    page_end(p);
    if (first != NULL) {
        page_column(p, is_only ? ONLY_COLUMN : CAUSE_COLUMN);
        page_bytes(p, first->summary);
        page_end(p);
    }
    if (!is_only && a->num_attempts > 0) {
        write_ids(r, cause);
    }
}

void text_summary(struct text_report *r, size_t num_shown)
{
    struct page *p = &r->page;
    const struct analysis *a = r->analysis;
    uint64_t num = (uint64_t)a->num_attempts + a->num_attempts_dropped;
    page_rule(p, true);
    if (num == 0) {
        if (a->num_captures == 0 && a->logs.num_files > 0) {
            page_bytes(p, a->logs.summary); /* no capture was given: the logs had the word */
            page_end(p);
            return;
        }
        page_style(p, PAGE_STRONG);
        page_text(p, "No attempt to log on was found.");
        page_style(p, PAGE_PLAIN);
        page_end(p);
        return;
    }
    write_outcomes(r, num);
    for (enum cause cause = overview_next_cause(a, CAUSE_NONE); cause != CAUSE_NONE;
         cause = overview_next_cause(a, cause)) {
        write_cause(r, cause, num == 1);
    }
    if (num_shown < num) {
        page_column(p, ONLY_COLUMN);
        page_number(p, num - num_shown);
        page_text(p, num - num_shown == 1 ? "attempt is" : "attempts are");
        page_text(p, num_shown < a->num_attempts ? "only counted here; --all prints every one."
                                                 : "only counted here.");
        page_end(p);
    }
}
