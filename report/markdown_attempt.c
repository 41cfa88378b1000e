/* One attempt of the Markdown report. */
#include "report/markdown_private.h"
#include "report/wording.h"

#define LADDER_COLUMNS 100

/* Headings of one attempt name it, so that each has an anchor of its own. */
static void heading(struct markdown *m, const char *what)
{
    if (m->analysis->num_attempts > 1 && m->attempt > 0) {
        (void)fprintf(m->out, "\n### Attempt %u: %s\n\n", m->attempt, what);
    } else {
        (void)fprintf(m->out, "\n### %s\n\n", what);
    }
}

static void endpoint(struct markdown *m, const struct endpoint *e)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    phrase_endpoint(&t, e);
    markdown_code(&m->words, text_bytes(&t));
}

static void write_who(struct markdown *m, const struct attempt_record *a)
{
    const struct endpoint client = {.address = a->client.address};
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    markdown_put(m, "- Client: ");
    if (a->principal.len > 0) {
        markdown_code(&m->words, a->principal);
        markdown_put(m, " at ");
    }
    endpoint(m, &client);
    markdown_put(m, "\n- Server: ");
    markdown_code(&m->words, a->host);
    if (a->server.address.family != ADDRESS_NONE) {
        markdown_put(m, a->host.len > 0 ? " at " : "");
        endpoint(m, &a->server);
    } else if (a->host.len == 0) {
        markdown_put(m, "unknown");
    }
    if (a->spn.len > 0) {
        markdown_put(m, "\n- Ticket for: ");
        markdown_code(&m->words, a->spn);
    }
    if (a->method.len > 0) {
        markdown_put(m, "\n- Request: ");
        markdown_code(&m->words, a->method);
        markdown_put(m, " ");
        markdown_code(&m->words, a->uri);
    }
    text_init(&t, buffer, sizeof buffer);
    phrase_time(&t, a->first_time_ns);
    if (a->capture < m->analysis->num_captures) {
        text_add(&t, " ");
        phrase_zone(&t, &m->analysis->captures[phrase_time_base(m->analysis, a->capture)]);
    }
    text_add(&t, " for ");
    phrase_duration(&t, a->first_time_ns, a->last_time_ns);
    (void)fprintf(m->out, "\n- When: %s\n- Seen: %s\n", t.at, wording_vantage(a->vantage));
}

static void write_remedy(struct markdown *m, const struct finding *f)
{
    if (f->num_remedies == 0) {
        return;
    }
    heading(m, f->is_note ? "What can be done" : "Remedy");
    for (size_t i = 0; i < f->num_remedies; i++) {
        markdown_put(m, i == 0 ? "" : "\n");
        if (phrase_is_sentence(f->remedy[i])) {
            markdown_prose(&m->words, f->remedy[i]);
            markdown_put(m, "\n");
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
        markdown_prose(&m->words, f->evidence.at[i].why);
        markdown_put(m, "\n");
    }
    markdown_log_evidence(&m->words, m->analysis, &f->logs);
    if (f->source != NULL) {
        markdown_put(m, "\nAfter ");
        markdown_prose(&m->words, bytes_of(f->source));
        markdown_put(m, ".\n");
    }
}

static void write_steps(struct markdown *m, const struct attempt_record *a)
{
    heading(m, "The eight steps");
    markdown_put(m, "| Step | What for | State | Seen |\n| --- | --- | --- | --- |\n");
    m->words.is_table = true;
    for (enum step step = 0; step < STEP_COUNT; step++) {
        const struct step_result *s = &a->steps[step];
        const char *mark = s->state == STATE_FAILED ? "**" : "";
        (void)fprintf(m->out, "| %u %s | %s | %s%s%s |", (unsigned)step + 1, step_word(step),
                      wording_step(step), mark, step_state_word(s->state), mark);
        if (s->detail.len > 0) {
            markdown_put(m, " ");
            markdown_prose(&m->words, s->detail);
        }
        markdown_frames(m, &s->evidence);
        markdown_put(m, " |\n");
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
    markdown_put(m, "```text\n");
    page_init(&r.page, m->out, LADDER_COLUMNS, false, m->options->ascii);
    ladder_write(&r, a);
    markdown_put(m, "```\n");
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
        markdown_put(m, t.at);
        markdown_frames(m, &o->evidence);
        markdown_put(m, "\n");
    }
}

static void write_also(struct markdown *m, const struct attempt_record *a)
{
    if (a->num_also > 0) {
        heading(m, "Also possible");
    }
    for (size_t i = 0; i < a->num_also; i++) {
        const struct finding *f = &a->also[i];
        markdown_put(m, "- ");
        markdown_code(&m->words, bytes_of(cause_id(f->cause)));
        (void)fprintf(m->out, " (%s, step %u %s): ", confidence_word(f->confidence),
                      (unsigned)f->step + 1, step_word(f->step));
        markdown_prose(&m->words, f->summary);
        markdown_frames(m, &f->evidence);
        markdown_put(m, "\n");
        if (f->tell_apart.len > 0) {
            markdown_put(m, "  - To tell: ");
            markdown_prose(&m->words, f->tell_apart);
            markdown_put(m, "\n");
        }
    }
}

static void write_ruled_out(struct markdown *m, const struct attempt_record *a)
{
    if (a->num_ruled_out > 0) {
        heading(m, "Ruled out");
    }
    for (size_t i = 0; i < a->num_ruled_out; i++) {
        markdown_put(m, "- ");
        markdown_code(&m->words, bytes_of(cause_id(a->ruled_out[i].cause)));
        markdown_put(m, ": ");
        markdown_prose(&m->words, a->ruled_out[i].why);
        markdown_frames(m, &a->ruled_out[i].evidence);
        markdown_put(m, "\n");
    }
}

static void write_list(struct markdown *m, const char *title, const struct bytes *items, size_t num)
{
    if (num > 0) {
        heading(m, title);
    }
    for (size_t i = 0; i < num; i++) {
        markdown_put(m, "- ");
        markdown_prose(&m->words, items[i]);
        markdown_put(m, "\n");
    }
}

static void write_title(struct markdown *m, const struct attempt_record *a)
{
    (void)fprintf(m->out, "\n## Attempt %u: %s", (unsigned)a->id, wording_outcome(a));
    if (a->has_verdict) {
        markdown_put(m, ", ");
        markdown_code(&m->words, bytes_of(cause_id(a->verdict.cause)));
    }
    markdown_put(m, "\n\n**");
    markdown_prose(&m->words, wording_headline(a));
    markdown_put(m, "**");
    if (a->has_verdict) {
        (void)fprintf(m->out, " (%s, step %u %s)", confidence_word(a->verdict.confidence),
                      (unsigned)a->verdict.step + 1, step_word(a->verdict.step));
    }
    markdown_put(m, "\n\n");
}

void markdown_attempt(struct markdown *m, const struct attempt_record *a)
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

void markdown_attempt_brief(const struct markdown *m, const struct attempt_record *a)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    wording_client(&t, a);
    (void)fprintf(m->out, "- Attempt %u, %s: ", (unsigned)a->id, wording_outcome(a));
    markdown_code(&m->words, text_bytes(&t));
    markdown_put(m, " to ");
    text_init(&t, buffer, sizeof buffer);
    wording_server(&t, a);
    markdown_code(&m->words, text_bytes(&t));
    markdown_put(m, "\n");
}
