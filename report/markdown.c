/* analysis -> Markdown for a ticket: the verdict first. Lines are not wrapped: many ticket systems
 * keep every line break. */
#include "report/drops.h"
#include "report/markdown_private.h"
#include "report/overview.h"
#include "report/wording.h"

#include <errno.h>
#include <string.h>

void markdown_put(const struct markdown *m, const char *text)
{
    (void)fputs(text, m->out);
}

static void number(struct markdown *m, uint64_t n)
{
    (void)fprintf(m->out, "%llu", (unsigned long long)n);
}

void markdown_frames(const struct markdown *m, const struct evidence *evidence)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    if (evidence->num > 0) {
        text_init(&t, buffer, sizeof buffer);
        phrase_frames(&t, m->analysis, evidence);
        (void)fprintf(m->out, " (%s)", t.at);
    }
}

static void write_remark(void *context, const struct drop_remark *remark)
{
    struct markdown *m = context;
    markdown_put(m, "  - ");
    if (remark->number > 0) {
        number(m, remark->number);
        markdown_put(m, " ");
    }
    markdown_prose(&m->words, bytes_of(remark->words));
    markdown_put(m, "\n");
}

static void write_capture(struct markdown *m, size_t i)
{
    const struct capture_summary *c = &m->analysis->captures[i];
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    struct bytes path = bytes_of(c->path);
    markdown_put(m, "- ");
    text_init(&t, buffer, sizeof buffer);
    if (m->analysis->num_captures > 1) {
        phrase_file(&t, i);
        text_add(&t, ": ");
    }
    markdown_put(m, t.at);
    markdown_code(&m->words, bytes_is(path, "-") ? bytes_of("standard input") : path);
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, ": %s%s%s, ", c->info.format_name, c->info.compression == NULL ? "" : " in ",
                c->info.compression == NULL ? "" : c->info.compression);
    phrase_count(&t, c->info.frames, "frame", "frames");
    text_add(&t, ", ");
    phrase_size(&t, c->info.bytes);
    if (c->info.has_times) {
        text_add(&t, ", ");
        phrase_time(&t, c->info.first_time_ns);
        text_add(&t, " for ");
        phrase_duration(&t, c->info.first_time_ns, c->info.last_time_ns);
        text_add(&t, ", ");
        phrase_zone(&t, c);
    }
    text_format(&t, ", taken %s", wording_vantage(c->vantage));
    text_add(&t, c->has_clock_offset && i > 0 ? ", " : "");
    phrase_clock(&t, m->analysis, i);
    markdown_put(m, t.at);
    markdown_put(m, "\n");
    drops_tell(c, m->options->verbose, write_remark, m);
}

/* Returns how many were written. */
static size_t write_attempts(struct markdown *m, enum detail detail)
{
    struct overview_choice choice = {.analysis = m->analysis, .all = m->options->all};
    size_t num = 0;
    for (size_t i = 0; i < m->analysis->num_attempts && !ferror(m->out); i++) {
        const struct attempt_record *a = m->analysis->attempts[i];
        if (overview_detail(&choice, a) != detail) {
            continue;
        }
        if (detail == DETAIL_FULL) {
            markdown_attempt(m, a);
        } else {
            markdown_put(m, num == 0 ? "\n## Other attempts\n\n" : "");
            markdown_attempt_brief(m, a);
        }
        num++;
    }
    return num;
}

static void write_groups(struct markdown *m)
{
    const struct analysis *a = m->analysis;
    for (size_t i = 0; i < a->num_groups; i++) {
        const struct outcome_group *g = &a->groups[i];
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        text_init(&t, buffer, sizeof buffer);
        phrase_count(&t, g->num_attempts, "attempt", "attempts");
        text_add(&t, " of ");
        phrase_count(&t, g->num_clients, "client", "clients");
        (void)fprintf(m->out, "- %s %s", t.at, outcome_word(g->outcome));
        if (g->cause != CAUSE_NONE) {
            markdown_put(m, ", ");
            markdown_code(&m->words, bytes_of(cause_id(g->cause)));
            markdown_put(m, ": ");
            markdown_prose(&m->words, g->first->verdict.summary);
        }
        markdown_put(m, "\n");
    }
}

static void write_summary(struct markdown *m)
{
    const struct analysis *a = m->analysis;
    uint64_t num = (uint64_t)a->num_attempts + a->num_attempts_dropped;
    const char *between = ": ";
    markdown_put(m, "# Logon report\n\n");
    if (num == 0 && a->logs.num_clients > 0) {
        markdown_prose(&m->words, a->logs.summary);
        markdown_put(m, "\n");
        return;
    }
    if (num == 0) {
        markdown_put(m, "No attempt to log on was found.\n");
        return;
    }
    number(m, num);
    markdown_put(m, num == 1 ? " attempt" : " attempts");
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        enum outcome outcome = overview_outcome(i);
        if (a->by_outcome[outcome] > 0) {
            markdown_put(m, between);
            if (num > 1) {
                number(m, a->by_outcome[outcome]);
                markdown_put(m, " ");
            }
            markdown_put(m, outcome_word(outcome));
            between = ", ";
        }
    }
    markdown_put(m, ".\n");
    if (num > 1 && a->num_groups > 0) {
        markdown_put(m, "\n");
        write_groups(m);
    }
}

static void write_rest(struct markdown *m)
{
    const struct analysis *a = m->analysis;
    markdown_put(m, a->num_other_failures > 0 ? "\n## Other failures, part of no attempt\n\n" : "");
    for (size_t i = 0; i < a->num_other_failures; i++) {
        const struct finding *f = &a->other_failures[i];
        markdown_put(m, "- ");
        if (cause_id(f->cause) != NULL) {
            markdown_code(&m->words, bytes_of(cause_id(f->cause)));
            markdown_put(m, ": ");
        }
        markdown_prose(&m->words, f->summary);
        markdown_frames(m, &f->evidence);
        markdown_put(m, "\n");
    }
    markdown_put(m, a->num_notes > 0 ? "\n## Notes on the whole capture\n\n" : "");
    for (size_t i = 0; i < a->num_notes; i++) {
        markdown_put(m, "- ");
        markdown_prose(&m->words, a->notes[i].text);
        markdown_frames(m, &a->notes[i].evidence);
        markdown_put(m, "\n");
    }
    markdown_logs(&m->words, a);
    markdown_put(m, a->num_captures == 0   ? ""
                    : a->num_captures == 1 ? "\n## Capture\n\n"
                                           : "\n## Captures\n\n");
    for (size_t i = 0; i < a->num_captures; i++) {
        write_capture(m, i);
    }
    markdown_put(m, "\nMade by krbscope " KRBSCOPE_VERSION ".\n");
}

enum status report_markdown(FILE *out, const struct analysis *analysis,
                            const struct report_options *options, struct trouble *trouble)
{
    struct markdown m = {.out = out, .analysis = analysis, .options = options};
    m.words = (struct markdown_words){.out = out, .ascii = options->ascii};
    errno = 0;
    write_summary(&m);
    size_t num_shown = write_attempts(&m, DETAIL_FULL);
    num_shown += write_attempts(&m, DETAIL_BRIEF);
    uint64_t num = (uint64_t)analysis->num_attempts + analysis->num_attempts_dropped;
    if (num_shown < num) {
        (void)fprintf(out, "\n%llu more attempts are only counted here.\n",
                      (unsigned long long)(num - num_shown));
    }
    write_rest(&m);
    if (fflush(out) != 0 || ferror(out)) {
        trouble_set(trouble, "%s", strerror(errno == 0 ? EIO : errno));
        return STATUS_OUTPUT;
    }
    return STATUS_OK;
}
