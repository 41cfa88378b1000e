/* analysis -> Markdown for a ticket: the verdict first. Lines are not wrapped: many ticket systems
 * keep every line break. */
#include "report/drops.h"
#include "report/markdown_private.h"
#include "report/overview.h"
#include "report/wording.h"

#include <errno.h>
#include <string.h>

#define LADDER_COLUMNS 100

struct markdown {
    FILE *out;
    const struct analysis *analysis;
    const struct report_options *options;
    struct markdown_words words;
    unsigned attempt; /* its id, for headings that differ from those of others */
};

static void put(struct markdown *m, const char *text)
{
    (void)fputs(text, m->out);
}

static void prose(struct markdown *m, struct bytes text)
{
    markdown_prose(&m->words, text);
}

static void code(struct markdown *m, struct bytes text)
{
    markdown_code(&m->words, text);
}

static void number(struct markdown *m, uint64_t n)
{
    (void)fprintf(m->out, "%llu", (unsigned long long)n);
}

/* Headings of one attempt name it, so that each has an anchor of its own. */
static void heading(struct markdown *m, const char *what)
{
    if (m->analysis->num_attempts > 1 && m->attempt > 0) {
        (void)fprintf(m->out, "\n### Attempt %u: %s\n\n", m->attempt, what);
    } else {
        (void)fprintf(m->out, "\n### %s\n\n", what);
    }
}

static void frames(struct markdown *m, const struct evidence *evidence)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    if (evidence->num > 0) {
        text_init(&t, buffer, sizeof buffer);
        phrase_frames(&t, m->analysis, evidence);
        (void)fprintf(m->out, " (%s)", t.at);
    }
}

static void endpoint(struct markdown *m, const struct endpoint *e)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    phrase_endpoint(&t, e);
    code(m, text_bytes(&t));
}

static void write_remark(void *context, const struct drop_remark *remark)
{
    struct markdown *m = context;
    put(m, "  - ");
    if (remark->number > 0) {
        number(m, remark->number);
        put(m, " ");
    }
    prose(m, bytes_of(remark->words));
    put(m, "\n");
}

static void write_capture(struct markdown *m, size_t i)
{
    const struct capture_summary *c = &m->analysis->captures[i];
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    struct bytes path = bytes_of(c->path);
    put(m, "- ");
    text_init(&t, buffer, sizeof buffer);
    if (m->analysis->num_captures > 1) {
        phrase_file(&t, i);
        text_add(&t, ": ");
    }
    put(m, t.at);
    code(m, bytes_is(path, "-") ? bytes_of("standard input") : path);
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
        phrase_duration(&t, c->info.last_time_ns - c->info.first_time_ns);
        text_add(&t, ", ");
        phrase_zone(&t, c);
    }
    text_format(&t, ", taken %s", wording_vantage(c->vantage));
    text_add(&t, c->has_clock_offset && i > 0 ? ", " : "");
    phrase_clock(&t, m->analysis, i);
    put(m, t.at);
    put(m, "\n");
    drops_tell(c, m->options->verbose, write_remark, m);
}

static void write_who(struct markdown *m, const struct attempt_record *a)
{
    const struct endpoint client = {.address = a->client.address};
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    put(m, "- Client: ");
    if (a->principal.len > 0) {
        code(m, a->principal);
        put(m, " at ");
    }
    endpoint(m, &client);
    put(m, "\n- Server: ");
    code(m, a->host);
    if (a->server.address.family != ADDRESS_NONE) {
        put(m, a->host.len > 0 ? " at " : "");
        endpoint(m, &a->server);
    } else if (a->host.len == 0) {
        put(m, "unknown");
    }
    if (a->spn.len > 0) {
        put(m, "\n- Ticket for: ");
        code(m, a->spn);
    }
    if (a->method.len > 0) {
        put(m, "\n- Request: ");
        code(m, a->method);
        put(m, " ");
        code(m, a->uri);
    }
    text_init(&t, buffer, sizeof buffer);
    phrase_time(&t, a->first_time_ns);
    if (a->capture < m->analysis->num_captures) {
        text_add(&t, " ");
        phrase_zone(&t, &m->analysis->captures[phrase_time_base(m->analysis, a->capture)]);
    }
    text_add(&t, " for ");
    phrase_duration(&t, a->last_time_ns - a->first_time_ns);
    (void)fprintf(m->out, "\n- When: %s\n- Seen: %s\n", t.at, wording_vantage(a->vantage));
}

static void write_remedy(struct markdown *m, const struct finding *f)
{
    if (f->num_remedies == 0) {
        return;
    }
    heading(m, f->is_note ? "What can be done" : "Remedy");
    for (size_t i = 0; i < f->num_remedies; i++) {
        put(m, i == 0 ? "" : "\n");
        if (phrase_is_sentence(f->remedy[i])) {
            prose(m, f->remedy[i]);
            put(m, "\n");
        } else {
            markdown_block(&m->words, f->remedy[i]);
        }
    }
}

static void write_evidence(struct markdown *m, const struct finding *f)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    if (f->evidence.num + f->logs.num == 0) {
        return;
    }
    heading(m, "Evidence");
    for (size_t i = 0; i < f->evidence.num; i++) {
        text_init(&t, buffer, sizeof buffer);
        phrase_frame(&t, m->analysis, f->evidence.at[i].capture, f->evidence.at[i].frame);
        (void)fprintf(m->out, "- Frame %s: ", t.at);
        prose(m, f->evidence.at[i].why);
        put(m, "\n");
    }
    markdown_log_evidence(&m->words, m->analysis, &f->logs);
    if (f->source != NULL) {
        put(m, "\nAfter ");
        prose(m, bytes_of(f->source));
        put(m, ".\n");
    }
}

static void write_steps(struct markdown *m, const struct attempt_record *a)
{
    heading(m, "The eight steps");
    put(m, "| Step | What for | State | Seen |\n| --- | --- | --- | --- |\n");
    m->words.is_table = true;
    for (enum step step = 0; step < STEP_COUNT; step++) {
        const struct step_result *s = &a->steps[step];
        const char *mark = s->state == STATE_FAILED ? "**" : "";
        (void)fprintf(m->out, "| %u %s | %s | %s%s%s |", (unsigned)step + 1, step_word(step),
                      wording_step(step), mark, step_state_word(s->state), mark);
        if (s->detail.len > 0) {
            put(m, " ");
            prose(m, s->detail);
        }
        frames(m, &s->evidence);
        put(m, " |\n");
    }
    m->words.is_table = false;
}

/* Rows begin with blanks and a number, and go on far to the right: none can end the block. */
static void write_ladder(struct markdown *m, const struct attempt_record *a)
{
    struct text_report r = {.analysis = m->analysis, .options = m->options};
    if (a->num_events == 0) {
        return;
    }
    heading(m, "What happened");
    put(m, "```text\n");
    page_init(&r.page, m->out, LADDER_COLUMNS, false, m->options->ascii);
    ladder_write(&r, a);
    put(m, "```\n");
}

static void write_clocks(struct markdown *m, const struct attempt_record *a)
{
    struct offset_words offsets[OFFSETS];
    bool has_heading = false;
    wording_offsets(offsets, &a->clocks);
    for (size_t i = 0; i < OFFSETS; i++) {
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        const struct offset *o = offsets[i].offset;
        if (!o->known) {
            continue;
        }
        if (!has_heading) {
            text_init(&t, buffer, sizeof buffer);
            text_format(&t, "Clocks (limit %g s)", a->clocks.limit_s);
            heading(m, t.at);
            has_heading = true;
        }
        text_init(&t, buffer, sizeof buffer);
        text_format(&t, "- %s: ", offsets[i].what);
        phrase_offset(&t, o->value);
        text_add(&t, ", between ");
        phrase_offset(&t, o->low);
        text_add(&t, " and ");
        phrase_offset(&t, o->high);
        put(m, t.at);
        frames(m, &o->evidence);
        put(m, "\n");
    }
}

static void write_also(struct markdown *m, const struct attempt_record *a)
{
    if (a->num_also > 0) {
        heading(m, "Also possible");
    }
    for (size_t i = 0; i < a->num_also; i++) {
        const struct finding *f = &a->also[i];
        put(m, "- ");
        code(m, bytes_of(cause_id(f->cause)));
        (void)fprintf(m->out, " (%s, step %u %s): ", confidence_word(f->confidence),
                      (unsigned)f->step + 1, step_word(f->step));
        prose(m, f->summary);
        frames(m, &f->evidence);
        put(m, "\n");
        if (f->tell_apart.len > 0) {
            put(m, "  - To tell: ");
            prose(m, f->tell_apart);
            put(m, "\n");
        }
    }
}

static void write_ruled_out(struct markdown *m, const struct attempt_record *a)
{
    if (a->num_ruled_out > 0) {
        heading(m, "Ruled out");
    }
    for (size_t i = 0; i < a->num_ruled_out; i++) {
        put(m, "- ");
        code(m, bytes_of(cause_id(a->ruled_out[i].cause)));
        put(m, ": ");
        prose(m, a->ruled_out[i].why);
        frames(m, &a->ruled_out[i].evidence);
        put(m, "\n");
    }
}

static void write_list(struct markdown *m, const char *title, const struct bytes *items, size_t num)
{
    if (num > 0) {
        heading(m, title);
    }
    for (size_t i = 0; i < num; i++) {
        put(m, "- ");
        prose(m, items[i]);
        put(m, "\n");
    }
}

static void write_title(struct markdown *m, const struct attempt_record *a)
{
    (void)fprintf(m->out, "\n## Attempt %u: %s", (unsigned)a->id, wording_outcome(a));
    if (a->has_verdict) {
        put(m, ", ");
        code(m, bytes_of(cause_id(a->verdict.cause)));
    }
    put(m, "\n\n**");
    prose(m, wording_headline(a));
    put(m, "**");
    if (a->has_verdict) {
        (void)fprintf(m->out, " (%s, step %u %s)", confidence_word(a->verdict.confidence),
                      (unsigned)a->verdict.step + 1, step_word(a->verdict.step));
    }
    put(m, "\n\n");
}

static void write_attempt(struct markdown *m, const struct attempt_record *a)
{
    m->attempt = a->id;
    write_title(m, a);
    write_who(m, a);
    if (a->has_verdict) {
        write_remedy(m, &a->verdict);
        write_evidence(m, &a->verdict);
    }
    write_steps(m, a);
    write_ladder(m, a);
    if (a->num_log_lines > 0) {
        heading(m, "What the server logged of it");
        markdown_log_lines(&m->words, m->analysis, a);
    }
    if (a->num_referrals > 0) {
        heading(m, "Referrals");
        markdown_referrals(&m->words, m->analysis, a);
    }
    write_clocks(m, a);
    if (a->has_verdict) {
        write_also(m, a);
        write_ruled_out(m, a);
    }
    write_list(m, "Notes", a->notes, a->num_notes);
    write_list(m, "What this capture cannot show", a->cannot_show, a->num_cannot_show);
    write_list(m, "Next capture to take", a->next_capture, a->num_next_capture);
    m->attempt = 0;
}

static void write_brief(struct markdown *m, const struct attempt_record *a)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    wording_client(&t, a);
    (void)fprintf(m->out, "- Attempt %u, %s: ", (unsigned)a->id, wording_outcome(a));
    code(m, text_bytes(&t));
    put(m, " to ");
    text_init(&t, buffer, sizeof buffer);
    wording_server(&t, a);
    code(m, text_bytes(&t));
    put(m, "\n");
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
            write_attempt(m, a);
        } else {
            put(m, num == 0 ? "\n## Other attempts\n\n" : "");
            write_brief(m, a);
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
            put(m, ", ");
            code(m, bytes_of(cause_id(g->cause)));
            put(m, ": ");
            prose(m, g->first->verdict.summary);
        }
        put(m, "\n");
    }
}

static void write_summary(struct markdown *m)
{
    const struct analysis *a = m->analysis;
    uint64_t num = (uint64_t)a->num_attempts + a->num_attempts_dropped;
    const char *between = ": ";
    put(m, "# Logon report\n\n");
    if (num == 0 && a->logs.num_clients > 0) {
        prose(m, a->logs.summary);
        put(m, "\n");
        return;
    }
    if (num == 0) {
        put(m, "No attempt to log on was found.\n");
        return;
    }
    number(m, num);
    put(m, num == 1 ? " attempt" : " attempts");
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        enum outcome outcome = overview_outcome(i);
        if (a->by_outcome[outcome] > 0) {
            put(m, between);
            if (num > 1) {
                number(m, a->by_outcome[outcome]);
                put(m, " ");
            }
            put(m, outcome_word(outcome));
            between = ", ";
        }
    }
    put(m, ".\n");
    if (num > 1 && a->num_groups > 0) {
        put(m, "\n");
        write_groups(m);
    }
}

static void write_rest(struct markdown *m)
{
    const struct analysis *a = m->analysis;
    put(m, a->num_other_failures > 0 ? "\n## Other failures, part of no attempt\n\n" : "");
    for (size_t i = 0; i < a->num_other_failures; i++) {
        const struct finding *f = &a->other_failures[i];
        put(m, "- ");
        if (cause_id(f->cause) != NULL) {
            code(m, bytes_of(cause_id(f->cause)));
            put(m, ": ");
        }
        prose(m, f->summary);
        frames(m, &f->evidence);
        put(m, "\n");
    }
    put(m, a->num_notes > 0 ? "\n## Notes on the whole capture\n\n" : "");
    for (size_t i = 0; i < a->num_notes; i++) {
        put(m, "- ");
        prose(m, a->notes[i].text);
        frames(m, &a->notes[i].evidence);
        put(m, "\n");
    }
    markdown_logs(&m->words, a);
    put(m, a->num_captures == 0   ? ""
           : a->num_captures == 1 ? "\n## Capture\n\n"
                                  : "\n## Captures\n\n");
    for (size_t i = 0; i < a->num_captures; i++) {
        write_capture(m, i);
    }
    put(m, "\nMade by krbscope " KRBSCOPE_VERSION ".\n");
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
