/* Below the attempts: what failed beside them, notes, and the files. */
#include "report/drops.h"
#include "report/html_private.h"

struct remarks {
    struct html *h;
    size_t num;
};

static void write_remark(void *context, const struct drop_remark *remark)
{
    struct remarks *r = context;
    struct html *h = r->h;
    html_put(h, r->num++ == 0 ? "<ul><li>" : "<li>");
    if (remark->number > 0) {
        html_format(h, "%llu ", (unsigned long long)remark->number);
    }
    html_text(h, remark->words);
    html_put(h, "</li>");
}

static void write_capture(struct html *h, size_t i)
{
    const struct capture_summary *c = &h->analysis->captures[i];
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    struct bytes path = bytes_of(c->path);
    html_put(h, "<tr><th scope=\"row\">");
    if (h->analysis->num_captures > 1) {
        text_init(&t, buffer, sizeof buffer);
        phrase_file(&t, i);
        html_format(h, "%s: ", t.at);
    }
    html_bytes(h, bytes_is(path, "-") ? bytes_of("standard input") : path);
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%s%s%s, ", c->info.format_name, c->info.compression == NULL ? "" : " in ",
                c->info.compression == NULL ? "" : c->info.compression);
    phrase_count(&t, c->info.frames, "frame", "frames");
    text_add(&t, ", ");
    phrase_size(&t, c->info.bytes);
    html_format(h, "</th><td>%s</td><td>", t.at);
    if (c->info.has_times) {
        text_init(&t, buffer, sizeof buffer);
        phrase_time(&t, c->info.first_time_ns);
        text_add(&t, ", ");
        phrase_zone(&t, c);
        text_add(&t, ", for ");
        phrase_duration(&t, c->info.first_time_ns, c->info.last_time_ns);
        html_put(h, t.at);
    }
    html_format(h, "</td><td>%s", wording_vantage(c->vantage));
    text_init(&t, buffer, sizeof buffer);
    phrase_clock(&t, h->analysis, i);
    if (t.len > 0) {
        html_format(h, "; %s", t.at);
    }
    struct remarks remarks = {.h = h};
    drops_tell(c, h->options->verbose, write_remark, &remarks);
    html_put(h, remarks.num > 0 ? "</ul></td></tr>\n" : "</td></tr>\n");
}

static void write_captures(struct html *h)
{
    html_put(h, "<section class=\"files\"><h2>Captures</h2>\n<table><thead><tr>"
                "<th scope=\"col\">File</th><th scope=\"col\">Content</th>"
                "<th scope=\"col\">Time</th><th scope=\"col\">Taken</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < h->analysis->num_captures; i++) {
        write_capture(h, i);
    }
    html_put(h, "</tbody></table></section>\n");
}

static void write_other_failures(struct html *h)
{
    const struct analysis *a = h->analysis;
    if (a->num_other_failures == 0) {
        return;
    }
    html_put(h, "<section><h2>Other failures, part of no attempt</h2><ul>");
    for (size_t i = 0; i < a->num_other_failures; i++) {
        const struct finding *f = &a->other_failures[i];
        html_put(h, "<li>");
        if (cause_id(f->cause) != NULL) {
            html_code(h, bytes_of(cause_id(f->cause)));
            html_put(h, ": ");
        }
        html_bytes(h, f->summary);
        html_frames(h, NULL, &f->evidence);
        html_put(h, "</li>\n");
    }
    html_put(h, "</ul></section>\n");
}

static void write_notes(struct html *h)
{
    const struct analysis *a = h->analysis;
    if (a->num_notes == 0) {
        return;
    }
    html_put(h, "<section><h2>Notes on the whole capture</h2><ul>");
    for (size_t i = 0; i < a->num_notes; i++) {
        html_put(h, "<li>");
        html_bytes(h, a->notes[i].text);
        html_frames(h, NULL, &a->notes[i].evidence);
        html_put(h, "</li>\n");
    }
    html_put(h, "</ul></section>\n");
}

void html_rest(struct html *h)
{
    write_other_failures(h);
    write_notes(h);
    html_logs(h);
    if (h->analysis->num_captures > 0) {
        write_captures(h);
    }
}
