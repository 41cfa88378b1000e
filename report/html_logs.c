/* The servers' logs: the lines that tell of an attempt, and what the logs say by themselves. */
#include "report/html_private.h"

#include "base/civil.h"

#define LOG_CLIENTS_SHOWN_MAX 500 /* rows of the table */

static void write_line(struct html *h, uint16_t log, uint64_t line)
{
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    phrase_log_line(&t, h->analysis, log, line);
    html_put(h, t.at);
}

void html_log_evidence(struct html *h, const struct log_evidence *evidence)
{
    for (size_t i = 0; i < evidence->num; i++) {
        html_put(h, "<li>");
        write_line(h, evidence->at[i].log, evidence->at[i].line);
        html_put(h, ": ");
        html_bytes(h, evidence->at[i].why);
        html_put(h, "</li>");
    }
}

void html_log_lines(struct html *h, const struct attempt_record *a)
{
    if (a->num_log_lines == 0) {
        return;
    }
    html_put(h, "<section>");
    html_heading(h, "What the server logged of it");
    html_put(h, "<ul>");
    for (size_t i = 0; i < a->num_log_lines; i++) {
        const struct joined_line *l = &a->log_lines[i];
        char buffer[HTML_PHRASE_BYTES_MAX];
        struct text t;
        html_put(h, "<li>");
        write_line(h, l->log, l->line);
        text_init(&t, buffer, sizeof buffer);
        text_add(&t, ", ");
        phrase_second(&t, l->time_ns / NS_PER_S);
        text_add(&t, ": <b>");
        phrase_log_status(&t, &l->status);
        text_add(&t, "</b> ");
        html_put(h, t.at);
        html_bytes(h, l->reason);
        if (l->user.len > 0) {
            html_put(h, " as ");
            html_code(h, l->user);
        }
        html_put(h, " <span class=\"fr\">(frame ");
        html_frame(h, a, l->capture, l->frame);
        html_put(h, ")</span></li>");
    }
    html_put(h, "</ul></section>\n");
}

static void write_client(struct html *h, const struct log_client *c)
{
    const struct endpoint client = {.address = c->address};
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    html_put(h, "<tr><th scope=\"row\">");
    html_endpoint(h, &client);
    html_format(h, "</th><td class=\"num\">%llu</td><td>",
                (unsigned long long)c->num_refused + (unsigned long long)c->num_failed);
    text_init(&t, buffer, sizeof buffer);
    phrase_second(&t, c->first_bad_s);
    if (c->last_bad_s != c->first_bad_s) {
        text_add(&t, "<br>to ");
        phrase_second(&t, c->last_bad_s);
    }
    html_put(h, t.at);
    html_put(h, "</td><td>");
    for (size_t i = 0; i < c->num_statuses; i++) {
        text_init(&t, buffer, sizeof buffer);
        text_add(&t, i == 0 ? "" : ", ");
        phrase_log_status(&t, &c->statuses[i].status);
        text_format(&t, " (%llu)", (unsigned long long)c->statuses[i].num);
        html_put(h, t.at);
    }
    html_put(h, "</td><td>");
    if (c->has_verdict) {
        html_code(h, bytes_of(cause_id(c->verdict.cause)));
        html_put(h, ": ");
        html_bytes(h, c->verdict.summary);
    }
    html_put(h, "</td></tr>\n");
}

static void write_clients(struct html *h)
{
    const struct log_report *logs = &h->analysis->logs;
    size_t num_shown = 0;
    if (logs->num_bad_clients == 0) {
        return;
    }
    html_put(
        h,
        "<table class=\"logged\"><thead><tr><th scope=\"col\">Client</th>"
        "<th scope=\"col\">Kept out</th><th scope=\"col\">When</th><th scope=\"col\">Answers</th>"
        "<th scope=\"col\">Cause</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < logs->num_clients && num_shown < LOG_CLIENTS_SHOWN_MAX; i++) {
        if (logs->clients[i]->num_refused + logs->clients[i]->num_failed > 0) {
            write_client(h, logs->clients[i]);
            num_shown++;
        }
    }
    html_put(h, "</tbody></table>\n");
    if (num_shown < logs->num_bad_clients) {
        html_format(h, "<p class=\"fine\">%llu more clients are only counted here.</p>\n",
                    (unsigned long long)(logs->num_bad_clients - num_shown));
    }
}

static void write_files(struct html *h)
{
    const struct log_report *logs = &h->analysis->logs;
    html_put(h, "<section class=\"files\"><h2>Logs of the servers</h2>\n<table><thead><tr>"
                "<th scope=\"col\">File</th><th scope=\"col\">Content</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < logs->num_files; i++) {
        const struct log_summary *l = &logs->files[i];
        char buffer[HTML_PHRASE_BYTES_MAX];
        struct text t;
        html_put(h, "<tr><th scope=\"row\">");
        html_text(h, l->path);
        text_init(&t, buffer, sizeof buffer);
        text_format(&t, "%s, ", phrase_log_format(&l->info));
        phrase_count(&t, l->info.lines, "line", "lines");
        if (l->clock.known) {
            text_add(&t, ", ");
            phrase_count(&t, l->num_joined, "line tells", "lines tell");
            text_add(&t, " of captured requests; its clock is ");
            phrase_offset(&t, -l->clock.value);
            text_add(&t, " to the capture's");
        }
        html_format(h, "</th><td>%s", t.at);
        if (!l->info.complete) {
            html_put(h, "<br>");
            html_text(h, l->info.damage.text);
        }
        if (l->info.unparsed > 0) {
            html_format(h, "<br>%llu lines do not parse", (unsigned long long)l->info.unparsed);
        }
        html_put(h, "</td></tr>\n");
    }
    html_put(h, "</tbody></table></section>\n");
}

void html_logs(struct html *h)
{
    const struct log_report *logs = &h->analysis->logs;
    if (logs->num_clients > 0) {
        html_put(h, "<section><h2>What the logs say by themselves</h2>\n");
        if (h->analysis->num_attempts + h->analysis->num_attempts_dropped > 0) {
            html_put(h, "<p>"); /* otherwise it is the headline */
            html_bytes(h, logs->summary);
            html_put(h, "</p>\n");
        }
        write_clients(h);
        html_put(h, "</section>\n");
    }
    if (logs->num_files > 0) {
        write_files(h);
    }
}
