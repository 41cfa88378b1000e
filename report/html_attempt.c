/* One attempt: the verdict first, then what to do, what happened, and how sure that is. */
#include "report/html_private.h"
#include "report/overview.h"

static const char *state_class(enum step_state state)
{
    static const char *const words[] = {[STATE_NOT_SEEN] = "unseen",
                                        [STATE_OK] = "good",
                                        [STATE_FAILED] = "bad",
                                        [STATE_NOT_NEEDED] = "unneeded",
                                        [STATE_NOT_VISIBLE] = "hid"};
    return words[state];
}

static void write_term(struct html *h, const char *name)
{
    html_put(h, "<div><dt>");
    html_text(h, name);
    html_put(h, "</dt><dd>");
}

static void write_who(struct html *h, const struct attempt_record *a)
{
    const struct endpoint client = {.address = a->client.address};
    html_put(h, "<dl class=\"who\">");
    write_term(h, "Client");
    html_code(h, a->principal);
    html_put(h, a->principal.len > 0 ? " at " : "");
    html_endpoint(h, &client);
    html_put(h, "</dd></div>");
    write_term(h, "Server");
    html_code(h, a->host);
    if (a->server.address.family != ADDRESS_NONE) {
        html_put(h, a->host.len > 0 ? " at " : "");
        html_endpoint(h, &a->server);
    } else if (a->host.len == 0) {
        html_put(h, "unknown");
    }
    html_put(h, "</dd></div>");
    if (a->spn.len > 0) {
        write_term(h, "Ticket for");
        html_code(h, a->spn);
        html_put(h, "</dd></div>");
    }
    if (a->method.len > 0) {
        write_term(h, "Request");
        html_code(h, a->method);
        html_put(h, " ");
        html_code(h, a->uri);
        html_put(h, "</dd></div>");
    }
    write_term(h, "When");
    html_when(h, a);
    html_put(h, "</dd></div>");
    write_term(h, "Seen");
    html_put(h, wording_vantage(a->vantage));
    html_put(h, "</dd></div></dl>\n");
}

static void write_verdict_facts(struct html *h, const struct finding *f)
{
    html_put(h, "<p class=\"fine\">");
    html_code(h, bytes_of(cause_id(f->cause)));
    html_format(h, ", %s, at step %u <b>%s</b>", confidence_word(f->confidence),
                (unsigned)f->step + 1, step_word(f->step));
    if (f->source != NULL) {
        html_put(h, ", after ");
        html_text(h, f->source);
    }
    html_put(h, "</p>\n");
}

static void write_strip(struct html *h, const struct attempt_record *a)
{
    html_put(h, "<section class=\"steps\">");
    html_heading(h, "The eight steps");
    html_put(h, "<ol class=\"strip\">");
    for (enum step step = 0; step < STEP_COUNT; step++) {
        html_format(h, "<li class=\"%s\"><b>%u %s</b> <span>%s</span></li>",
                    state_class(a->steps[step].state), (unsigned)step + 1, step_word(step),
                    step_state_word(a->steps[step].state));
    }
    html_put(h, "</ol>\n<table class=\"stepwise\"><thead><tr><th scope=\"col\">Step</th>"
                "<th scope=\"col\">State</th><th scope=\"col\">Seen</th></tr></thead><tbody>\n");
    for (enum step step = 0; step < STEP_COUNT; step++) {
        const struct step_result *s = &a->steps[step];
        html_format(h, "<tr class=\"%s\"><th scope=\"row\">%u ", state_class(s->state),
                    (unsigned)step + 1);
        html_text(h, wording_step(step));
        html_format(h, "</th><td>%s</td><td>", step_state_word(s->state));
        html_bytes(h, s->detail);
        html_frames(h, a, &s->evidence);
        html_put(h, "</td></tr>\n");
    }
    html_put(h, "</tbody></table></section>\n");
}

static void write_remedy(struct html *h, const struct finding *f)
{
    if (f->num_remedies == 0) {
        return;
    }
    html_put(h, "<section class=\"remedy\">");
    html_heading(h, f->is_note ? "What can be done" : "What to do");
    for (size_t i = 0; i < f->num_remedies; i++) {
        if (phrase_is_sentence(f->remedy[i])) {
            html_put(h, "<p>");
            html_bytes(h, f->remedy[i]);
            html_put(h, "</p>\n");
        } else {
            html_command(h, f->remedy[i]);
        }
    }
    html_put(h, "</section>\n");
}

/* What shows these frames in Wireshark, a line a file. */
static void write_filter(struct html *h, const struct evidence *evidence)
{
    for (size_t capture = 0; capture < h->analysis->num_captures; capture++) {
        char buffer[HTML_PHRASE_BYTES_MAX];
        struct text t;
        size_t num = 0;
        text_init(&t, buffer, sizeof buffer);
        text_add(&t, "frame.number in {");
        for (size_t i = 0; i < evidence->num && t.len + 16 < sizeof buffer; i++) {
            if (evidence->at[i].capture == capture) {
                text_format(&t, "%s%u", num++ == 0 ? "" : ", ", (unsigned)evidence->at[i].frame);
            }
        }
        text_add(&t, "}");
        if (num > 0) {
            html_command(h, text_bytes(&t));
        }
    }
}

static void write_evidence(struct html *h, const struct attempt_record *a, const struct finding *f)
{
    if (f->evidence.num + f->logs.num == 0) {
        return;
    }
    html_put(h, "<section class=\"evidence\">");
    html_heading(h, "Evidence");
    html_put(h, "<ul>");
    for (size_t i = 0; i < f->evidence.num; i++) {
        html_put(h, "<li>frame ");
        html_frame(h, a, f->evidence.at[i].capture, f->evidence.at[i].frame);
        html_put(h, ": ");
        html_bytes(h, f->evidence.at[i].why);
        html_put(h, "</li>");
    }
    html_log_evidence(h, &f->logs);
    html_put(h, "</ul>");
    if (f->evidence.num > 0) {
        html_put(h, "<p class=\"fine\">As a display filter of Wireshark:</p>");
        write_filter(h, &f->evidence);
    }
    html_put(h, "</section>\n");
}

static void write_also(struct html *h, const struct attempt_record *a)
{
    if (a->num_also == 0) {
        return;
    }
    html_put(h, "<section class=\"also\">");
    html_heading(h, "Also possible");
    html_put(h, "<ul>");
    for (size_t i = 0; i < a->num_also; i++) {
        const struct finding *f = &a->also[i];
        html_put(h, "<li>");
        html_code(h, bytes_of(cause_id(f->cause)));
        html_format(h, " (%s, step %u %s): ", confidence_word(f->confidence), (unsigned)f->step + 1,
                    step_word(f->step));
        html_bytes(h, f->summary);
        html_frames(h, a, &f->evidence);
        if (f->tell_apart.len > 0) {
            html_put(h, "<br>To tell: ");
            html_bytes(h, f->tell_apart);
        }
        html_put(h, "</li>");
    }
    html_put(h, "</ul></section>\n");
}

static void write_ruled_out(struct html *h, const struct attempt_record *a)
{
    if (a->num_ruled_out == 0) {
        return;
    }
    html_put(h, "<section class=\"out\">");
    html_heading(h, "Ruled out");
    html_put(h, "<ul>");
    for (size_t i = 0; i < a->num_ruled_out; i++) {
        html_put(h, "<li>");
        html_code(h, bytes_of(cause_id(a->ruled_out[i].cause)));
        html_put(h, ": ");
        html_bytes(h, a->ruled_out[i].why);
        html_frames(h, a, &a->ruled_out[i].evidence);
        html_put(h, "</li>");
    }
    html_put(h, "</ul></section>\n");
}

static void write_list(struct html *h, const char *title, const struct bytes *items, size_t num)
{
    if (num == 0) {
        return;
    }
    html_put(h, "<section>");
    html_heading(h, title);
    html_put(h, "<ul>");
    for (size_t i = 0; i < num; i++) {
        html_put(h, "<li>");
        html_bytes(h, items[i]);
        html_put(h, "</li>");
    }
    html_put(h, "</ul></section>\n");
}

static void write_body(struct html *h, const struct attempt_record *a)
{
    if (a->has_verdict) {
        html_put(h, "<div class=\"two\">");
        write_remedy(h, &a->verdict);
        write_evidence(h, a, &a->verdict);
        html_put(h, "</div>\n");
    }
    write_strip(h, a);
    html_ladder(h, a);
    html_log_lines(h, a);
    html_referrals(h, a);
    html_clocks(h, a);
    html_put(h, "<div class=\"two\">");
    if (a->has_verdict) {
        write_ruled_out(h, a);
        write_also(h, a);
    }
    write_list(h, "What this capture cannot show", a->cannot_show, a->num_cannot_show);
    write_list(h, "Next capture to take", a->next_capture, a->num_next_capture);
    write_list(h, "Notes", a->notes, a->num_notes);
    html_put(h, "</div>\n");
}

static void write_hero(struct html *h, const struct attempt_record *a, const char *heading)
{
    html_format(h, "<header class=\"hero %s\"><p>", html_mood(wording_mood(a->outcome)));
    html_outcome(h, a);
    html_put(h, " <span class=\"fine\">");
    html_text(h, wording_kind(a->kind));
    html_format(h, "</span></p>\n<%s class=\"verdict\">", heading);
    html_bytes(h, wording_headline(a));
    html_format(h, "</%s>\n", heading);
    if (a->has_verdict) {
        write_verdict_facts(h, &a->verdict);
    }
    write_who(h, a);
    html_put(h, "</header>\n");
}

void html_attempt_alone(struct html *h, const struct attempt_record *a)
{
    html_format(h, "<article id=\"a%u\">\n", (unsigned)a->id);
    h->level = 2;
    write_hero(h, a, "h1");
    write_body(h, a);
    html_put(h, "</article>\n");
}

static void write_brief(struct html *h, const struct attempt_record *a)
{
    const struct attempt_record *first =
        a->has_verdict ? overview_first(h->analysis, a->verdict.cause) : NULL;
    if (a->has_verdict && a->verdict.evidence.num > 0) {
        html_put(h, "<ul>");
        for (size_t i = 0; i < a->verdict.evidence.num; i++) {
            html_put(h, "<li>frame ");
            html_frame(h, NULL, a->verdict.evidence.at[i].capture, a->verdict.evidence.at[i].frame);
            html_put(h, ": ");
            html_bytes(h, a->verdict.evidence.at[i].why);
            html_put(h, "</li>");
        }
        html_put(h, "</ul>");
    }
    html_put(h, "<p class=\"fine\">Told briefly, for the size of this page.");
    if (first != NULL && first != a) {
        html_format(h, " <a href=\"#a%u\">Attempt %u</a> has the same cause and is told in full.",
                    (unsigned)first->id, (unsigned)first->id);
    }
    html_put(h, "</p>\n");
}

void html_attempt_one(struct html *h, const struct attempt_record *a, bool in_full)
{
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    html_put(h, "<details class=\"one\"><summary><h2>");
    html_format(h, "<span class=\"no\">%u</span> ", (unsigned)a->id);
    text_init(&t, buffer, sizeof buffer);
    wording_client(&t, a);
    html_bytes(h, text_bytes(&t));
    html_put(h, " to ");
    text_init(&t, buffer, sizeof buffer);
    wording_server(&t, a);
    html_bytes(h, text_bytes(&t));
    html_put(h, "</h2> ");
    html_outcome(h, a);
    if (a->has_verdict) {
        html_put(h, " ");
        html_code(h, bytes_of(cause_id(a->verdict.cause)));
    }
    html_format(h, "</summary>\n<article id=\"a%u\">\n", (unsigned)a->id);
    h->level = 4;
    write_hero(h, a, "h3");
    if (in_full) {
        write_body(h, a);
    } else {
        write_brief(h, a);
    }
    html_put(h, "</article></details>\n");
}
