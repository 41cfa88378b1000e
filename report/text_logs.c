/* The servers' logs in the text report: the files, what they say alone, and beside an attempt the
 * lines that tell of it. */
#include "report/text_private.h"

#include "base/civil.h"

#define FILE_COLUMN 2
#define DETAIL_COLUMN 4
#define STATUS_COLUMN 24
#define CLIENTS_SHOWN_MAX 20 /* more only with --all */

static void write_facts(struct text_report *r, const struct log_summary *l, size_t column)
{
    struct page *p = &r->page;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    page_column(p, column);
    page_text(p, phrase_log_format(&l->info));
    if (l->info.compression != NULL) {
        page_text(p, "in");
        page_text(p, l->info.compression);
    }
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%s ", page_sign(p, SIGN_DOT));
    phrase_count(&t, l->info.lines, "line", "lines");
    text_format(&t, " %s ", page_sign(p, SIGN_DOT));
    phrase_size(&t, l->info.bytes);
    page_bytes(p, text_bytes(&t));
    page_end(p);
    if (l->info.has_times) {
        text_init(&t, buffer, sizeof buffer);
        phrase_second(&t, l->info.first_time_s);
        text_add(&t, " to ");
        phrase_second(&t, l->info.last_time_s);
        page_column(p, column);
        page_bytes(p, text_bytes(&t));
        page_end(p);
    }
}

static void write_join(struct text_report *r, const struct log_summary *l, size_t column)
{
    struct page *p = &r->page;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    if (l->info.format == LOG_FORMAT_CONFIG || r->analysis->num_captures == 0) {
        return;
    }
    text_init(&t, buffer, sizeof buffer);
    if (!l->clock.known) {
        text_add(&t, "no line tells of a captured request (a proxy or load balancer between may "
                     "have put its own address there)");
    } else {
        phrase_count(&t, l->num_joined, "line tells", "lines tell");
        text_add(&t, " of captured requests; its clock is ");
        phrase_offset(&t, -l->clock.value);
        text_add(&t, " to the capture's, between ");
        phrase_offset(&t, -l->clock.high);
        text_add(&t, " and ");
        phrase_offset(&t, -l->clock.low);
        text_add(&t, l->clock_is_unsure ? " (unsure: others fit as well)" : "");
    }
    page_column(p, column);
    page_bytes(p, text_bytes(&t));
    page_end(p);
}

static void write_warning(struct page *p, size_t column, const char *text)
{
    page_column(p, column);
    page_style(p, PAGE_WARNING);
    page_text(p, "!");
    page_column(p, column + 2);
    page_text(p, text);
}

static void write_trouble(struct text_report *r, const struct log_info *info, size_t column)
{
    struct page *p = &r->page;
    if (!info->complete) {
        write_warning(p, column, info->damage.text);
        page_style(p, PAGE_PLAIN);
        page_end(p);
    }
    if (info->unparsed > 0) {
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        text_init(&t, buffer, sizeof buffer);
        phrase_count(&t, info->unparsed, "line does", "lines do");
        text_format(&t, " not parse; the first is line %llu (%s):",
                    (unsigned long long)info->first_unparsed, info->first_unparsed_why);
        write_warning(p, column, t.at);
        page_style(p, PAGE_PLAIN);
        page_end(p);
        page_column(p, column + 2);
        page_word(p,
                  (struct bytes){.at = info->first_unparsed_text, .len = info->first_unparsed_len});
        page_end(p);
    }
}

void text_log_files(struct text_report *r)
{
    struct page *p = &r->page;
    const struct log_report *logs = &r->analysis->logs;
    for (size_t i = 0; i < logs->num_files; i++) {
        size_t column = FILE_COLUMN;
        page_column(p, FILE_COLUMN);
        page_style(p, PAGE_STRONG);
        if (logs->num_files > 1) {
            page_text(p, "log");
            page_number(p, i + 1);
            column += 2;
        }
        struct bytes path = bytes_of(logs->files[i].path);
        page_word(p, bytes_is(path, "-") ? bytes_of("standard input") : path);
        page_style(p, PAGE_PLAIN);
        page_end(p);
        write_facts(r, &logs->files[i], column);
        write_join(r, &logs->files[i], column);
        write_trouble(r, &logs->files[i].info, column);
    }
    if (logs->num_files > 0) {
        page_end(p);
    }
}

static void write_statuses(struct text_report *r, const struct log_client *c)
{
    struct page *p = &r->page;
    page_column(p, DETAIL_COLUMN);
    for (size_t i = 0; i < c->num_statuses; i++) {
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        text_init(&t, buffer, sizeof buffer);
        phrase_log_status(&t, &c->statuses[i].status);
        text_format(&t, " (%llu)", (unsigned long long)c->statuses[i].num);
        text_add(&t, i + 1 < c->num_statuses || c->num_statuses_dropped > 0 ? "," : "");
        page_word(p, text_bytes(&t));
    }
    if (c->num_statuses_dropped > 0) {
        page_text(p, "and others");
    }
    page_end(p);
}

/* "192.0.2.7  refused 3 times, 2026-11-22T08:12:03Z to …, then let in" */
static void write_client(struct text_report *r, const struct log_client *c)
{
    struct page *p = &r->page;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    address_print(&t, &c->address);
    page_column(p, FILE_COLUMN);
    page_style(p, PAGE_STRONG);
    page_word(p, text_bytes(&t));
    page_style(p, PAGE_PLAIN);
    page_column(p, STATUS_COLUMN);
    text_init(&t, buffer, sizeof buffer);
    if (c->num_refused > 0) {
        text_add(&t, "refused ");
        phrase_count(&t, c->num_refused, "time", "times");
    }
    if (c->num_failed > 0) {
        text_add(&t, c->num_refused > 0 ? ", failed " : "failed ");
        phrase_count(&t, c->num_failed, "time", "times");
    }
    text_add(&t, ", ");
    phrase_second(&t, c->first_bad_s);
    if (c->last_bad_s != c->first_bad_s) {
        text_add(&t, " to ");
        phrase_second(&t, c->last_bad_s);
    }
    if (c->num_approved > 0) {
        text_add(&t, "; let in ");
        phrase_count(&t, c->num_approved, "time", "times");
        text_add(&t, c->outcome == OUTCOME_APPROVED ? ", the last one too" : "");
    }
    page_style(p, PAGE_BAD);
    page_bytes(p, text_bytes(&t));
    page_style(p, PAGE_PLAIN);
    page_end(p);
    write_statuses(r, c);
    if (c->has_verdict) {
        text_init(&t, buffer, sizeof buffer);
        text_format(&t, "%s (%s):", cause_id(c->verdict.cause),
                    confidence_word(c->verdict.confidence));
        page_column(p, DETAIL_COLUMN);
        page_bytes(p, text_bytes(&t));
        page_bytes(p, c->verdict.summary);
        text_log_refs(r, &c->verdict.logs);
        page_end(p);
    }
}

static void write_counts(struct text_report *r)
{
    struct page *p = &r->page;
    const struct log_report *logs = &r->analysis->logs;
    static const struct {
        enum outcome outcome;
        const char *one, *many;
    } words[] = {
        {OUTCOME_APPROVED, "client was let in at last", "clients were let in at last"},
        {OUTCOME_ACCEPTED_ANONYMOUS, "client was let in without a name",
         "clients were let in without a name"},
        {OUTCOME_INCOMPLETE, "client was challenged and no more: a probe, or the log's end",
         "clients were challenged and no more: probes, or the log's end"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint64_t num = logs->num_clients_by_outcome[words[i].outcome];
        if (num > 0) {
            page_column(p, FILE_COLUMN);
            page_number(p, num);
            page_text(p, num == 1 ? words[i].one : words[i].many);
            page_end(p);
        }
    }
    if (logs->num_lines_dropped > 0) {
        page_column(p, FILE_COLUMN);
        page_style(p, PAGE_WARNING);
        page_number(p, logs->num_lines_dropped);
        page_text(p, "lines of further clients were not looked at");
        page_style(p, PAGE_PLAIN);
        page_end(p);
    }
}

static void write_causes(struct text_report *r)
{
    struct page *p = &r->page;
    const struct log_report *logs = &r->analysis->logs;
    for (enum cause cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
        if (logs->by_cause[cause] > 0) {
            page_column(p, FILE_COLUMN);
            page_number(p, logs->by_cause[cause]);
            page_text(p, page_sign(p, SIGN_TIMES));
            page_text(p, cause_id(cause));
            page_end(p);
        }
    }
}

static void write_clients(struct text_report *r)
{
    struct page *p = &r->page;
    const struct log_report *logs = &r->analysis->logs;
    size_t num_bad = 0;
    size_t num_shown = 0;
    for (size_t i = 0; i < logs->num_clients; i++) {
        const struct log_client *c = logs->clients[i];
        if (c->num_refused + c->num_failed == 0) {
            continue;
        }
        num_bad++;
        if (num_shown < CLIENTS_SHOWN_MAX || r->options->all) {
            write_client(r, c);
            num_shown++;
        }
    }
    if (num_shown < num_bad) {
        page_column(p, FILE_COLUMN);
        page_number(p, num_bad - num_shown);
        page_text(p, "more clients; --all prints every one.");
        page_end(p);
    }
}

/* The remedy of the cause that most clients share, and what to capture next. */
static void write_advice(struct text_report *r)
{
    const struct log_report *logs = &r->analysis->logs;
    if (r->analysis->num_captures > 0) {
        return; /* the attempts have their own */
    }
    const struct finding *f =
        logs->num_clients > 0 && logs->clients[0]->has_verdict ? &logs->clients[0]->verdict : NULL;
    if (f != NULL && f->num_remedies > 0) {
        text_heading(r, "Remedy for the client refused most often");
        for (size_t i = 0; i < f->num_remedies; i++) {
            text_advice(r, f->remedy[i], DETAIL_COLUMN);
        }
    }
    if (logs->num_next_capture > 0) {
        text_heading(r, "Next capture to take");
        for (size_t i = 0; i < logs->num_next_capture; i++) {
            text_advice(r, logs->next_capture[i], DETAIL_COLUMN);
        }
    }
}

void text_log_clients(struct text_report *r)
{
    struct page *p = &r->page;
    const struct log_report *logs = &r->analysis->logs;
    if (logs->num_clients == 0) {
        return;
    }
    page_rule(p, true);
    page_style(p, PAGE_STRONG);
    page_text(p, r->analysis->num_captures == 0 ? "What the logs say"
                                                : "What the logs say by themselves");
    page_style(p, PAGE_PLAIN);
    page_end(p);
    page_column(p, FILE_COLUMN);
    page_bytes(p, logs->summary);
    page_end(p);
    write_causes(r);
    write_counts(r);
    if (logs->num_bad_clients > 0) {
        page_end(p);
    }
    write_clients(r);
    write_advice(r);
    page_end(p);
}

void text_log_lines(struct text_report *r, const struct attempt_record *a)
{
    struct page *p = &r->page;
    if (a->num_log_lines == 0) {
        return;
    }
    text_heading(r, "What the server logged of it");
    for (size_t i = 0; i < a->num_log_lines; i++) {
        const struct joined_line *l = &a->log_lines[i];
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        text_init(&t, buffer, sizeof buffer);
        phrase_log_line(&t, r->analysis, l->log, l->line);
        text_add(&t, ", ");
        phrase_second(&t, l->time_ns / NS_PER_S);
        text_add(&t, ":");
        page_column(p, DETAIL_COLUMN);
        page_bytes(p, text_bytes(&t));
        text_init(&t, buffer, sizeof buffer);
        phrase_log_status(&t, &l->status);
        page_style(p, PAGE_STRONG);
        page_word(p, text_bytes(&t));
        page_style(p, PAGE_PLAIN);
        if (l->reason.len > 0) {
            page_word(p, l->reason);
        }
        if (l->user.len > 0) {
            page_text(p, "as");
            page_word(p, l->user);
        }
        text_init(&t, buffer, sizeof buffer);
        text_add(&t, "(frame ");
        phrase_frame(&t, r->analysis, l->capture, l->frame);
        text_add(&t, ")");
        page_style(p, PAGE_FAINT);
        page_bytes(p, text_bytes(&t));
        page_style(p, PAGE_PLAIN);
        page_end(p);
    }
}

void text_log_evidence(struct text_report *r, const struct log_evidence *evidence)
{
    struct page *p = &r->page;
    for (size_t i = 0; i < evidence->num; i++) {
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        text_init(&t, buffer, sizeof buffer);
        phrase_log_line(&t, r->analysis, evidence->at[i].log, evidence->at[i].line);
        text_add(&t, ":");
        page_column(p, DETAIL_COLUMN);
        page_bytes(p, text_bytes(&t));
        page_bytes(p, evidence->at[i].why);
        page_end(p);
    }
}

void text_log_refs(struct text_report *r, const struct log_evidence *evidence)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    if (evidence->num == 0) {
        return;
    }
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, "(");
    for (size_t i = 0; i < evidence->num; i++) {
        text_add(&t, i == 0 ? "" : i + 1 == evidence->num ? " and " : ", ");
        phrase_log_line(&t, r->analysis, evidence->at[i].log, evidence->at[i].line);
    }
    text_add(&t, ")");
    page_style(&r->page, PAGE_FAINT);
    page_bytes(&r->page, text_bytes(&t));
    page_style(&r->page, PAGE_PLAIN);
}
