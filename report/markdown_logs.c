/* The servers' logs in Markdown: the lines that tell of an attempt, and what they say alone. */
#include "report/markdown_private.h"

#include "base/civil.h"

#define LOG_CLIENTS_SHOWN_MAX 20

static void put_line(const struct markdown_words *w, const struct analysis *a, uint16_t log,
                     uint64_t line)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    phrase_log_line(&t, a, log, line);
    (void)fputs(t.at, w->out);
}

void markdown_log_evidence(const struct markdown_words *w, const struct analysis *a,
                           const struct log_evidence *evidence)
{
    for (size_t i = 0; i < evidence->num; i++) {
        (void)fputs("- In ", w->out);
        put_line(w, a, evidence->at[i].log, evidence->at[i].line);
        (void)fputs(": ", w->out);
        markdown_prose(w, evidence->at[i].why);
        (void)fputc('\n', w->out);
    }
}

void markdown_log_lines(const struct markdown_words *w, const struct analysis *a,
                        const struct attempt_record *attempt)
{
    for (size_t i = 0; i < attempt->num_log_lines; i++) {
        const struct joined_line *l = &attempt->log_lines[i];
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        (void)fputs("- In ", w->out);
        put_line(w, a, l->log, l->line);
        text_init(&t, buffer, sizeof buffer);
        text_add(&t, ", ");
        phrase_second(&t, l->time_ns / NS_PER_S);
        text_add(&t, ": ");
        phrase_log_status(&t, &l->status);
        (void)fputs(t.at, w->out);
        if (l->reason.len > 0) {
            (void)fputc(' ', w->out);
            markdown_code(w, l->reason);
        }
        if (l->user.len > 0) {
            (void)fputs(" as ", w->out);
            markdown_code(w, l->user);
        }
        text_init(&t, buffer, sizeof buffer);
        phrase_frame(&t, a, l->capture, l->frame);
        (void)fprintf(w->out, " (frame %s)\n", t.at);
    }
}

static void write_client(const struct markdown_words *w, const struct log_client *c)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    address_print(&t, &c->address);
    (void)fputs("- ", w->out);
    markdown_code(w, text_bytes(&t));
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, " was kept out ");
    phrase_count(&t, c->num_refused + c->num_failed, "time", "times");
    text_add(&t, ", ");
    phrase_second(&t, c->first_bad_s);
    if (c->last_bad_s != c->first_bad_s) {
        text_add(&t, " to ");
        phrase_second(&t, c->last_bad_s);
    }
    (void)fputs(t.at, w->out);
    if (c->has_verdict) {
        (void)fputs("; ", w->out);
        markdown_code(w, bytes_of(cause_id(c->verdict.cause)));
        (void)fputs(": ", w->out);
        markdown_prose(w, c->verdict.summary);
    }
    (void)fputc('\n', w->out);
}

void markdown_logs(const struct markdown_words *w, const struct analysis *a)
{
    const struct log_report *logs = &a->logs;
    uint64_t num_shown = 0;
    if (logs->num_clients > 0) {
        (void)fputs("\n## What the logs say by themselves\n\n", w->out);
        markdown_prose(w, logs->summary);
        (void)fputs(logs->num_bad_clients > 0 ? "\n\n" : "\n", w->out);
    }
    for (size_t i = 0; i < logs->num_clients && num_shown < LOG_CLIENTS_SHOWN_MAX; i++) {
        if (logs->clients[i]->num_refused + logs->clients[i]->num_failed > 0) {
            write_client(w, logs->clients[i]);
            num_shown++;
        }
    }
    if (num_shown < logs->num_bad_clients) {
        (void)fprintf(w->out, "\n%llu more clients are only counted here.\n",
                      (unsigned long long)(logs->num_bad_clients - num_shown));
    }
    (void)fputs(logs->num_files > 0 ? "\n## Logs of the servers\n\n" : "", w->out);
    for (size_t i = 0; i < logs->num_files; i++) {
        (void)fputs("- ", w->out);
        markdown_code(w, bytes_of(logs->files[i].path));
        (void)fprintf(w->out, ": %s, %llu lines\n", phrase_log_format(&logs->files[i].info),
                      (unsigned long long)logs->files[i].info.lines);
    }
}
