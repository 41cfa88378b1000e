#include "report/html_private.h"

#include "report/escape.h"

#include <stdarg.h>

#define FRAMES_LISTED_MAX 6
#define FORMAT_BYTES_MAX 512 /* of one html_format() */

void html_put(struct html *h, const char *markup)
{
    h->num_bytes += bytes_of(markup).len;
    (void)fputs(markup, h->out);
}

void html_format(struct html *h, const char *format, ...)
{
    char buffer[FORMAT_BYTES_MAX];
    struct text t;
    va_list args;
    text_init(&t, buffer, sizeof buffer);
    va_start(args, format);
    text_format_list(&t, format, args);
    va_end(args);
    html_put(h, t.at);
}

void html_bytes(struct html *h, struct bytes text)
{
    size_t len = text.len;
    if (len > HTML_STRING_BYTES_MAX) {
        for (len = 0; len < HTML_STRING_BYTES_MAX;) {
            len += escape_next(text, len).len;
        }
    }
    h->num_bytes += escape_html(h->out, bytes_part(text, 0, len));
    if (len < text.len) {
        html_format(h, "&#x2026;[%zu more bytes]", text.len - len);
    }
}

void html_text(struct html *h, const char *text)
{
    html_bytes(h, bytes_of(text));
}

void html_code(struct html *h, struct bytes text)
{
    if (text.len > 0) {
        html_put(h, "<code>");
        html_bytes(h, text);
        html_put(h, "</code>");
    }
}

void html_endpoint(struct html *h, const struct endpoint *e)
{
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    phrase_endpoint(&t, e);
    html_code(h, text_bytes(&t));
}

void html_heading(struct html *h, const char *text)
{
    html_format(h, "\n<h%u>", h->level);
    html_text(h, text);
    html_format(h, "</h%u>\n", h->level);
}

static bool has_row(const struct attempt_record *a, uint16_t capture, uint32_t frame)
{
    for (size_t i = 0; i < a->num_events; i++) {
        if (a->events[i].capture == capture && a->events[i].frame == frame) {
            return true;
        }
    }
    return false;
}

void html_frame(struct html *h, const struct attempt_record *a, uint16_t capture, uint32_t frame)
{
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    phrase_frame(&t, h->analysis, capture, frame);
    if (a != NULL && has_row(a, capture, frame)) {
        html_format(h, "<a href=\"#a%u-%u-%u\">%s</a>", (unsigned)a->id, capture, (unsigned)frame,
                    t.at);
    } else {
        html_put(h, t.at);
    }
}

static bool is_repeated(const struct evidence *evidence, size_t i)
{
    for (size_t j = 0; j < i && j < FRAMES_LISTED_MAX; j++) {
        if (evidence->at[j].capture == evidence->at[i].capture &&
            evidence->at[j].frame == evidence->at[i].frame) {
            return true;
        }
    }
    return false;
}

void html_frames(struct html *h, const struct attempt_record *a, const struct evidence *evidence)
{
    size_t num = 0;
    size_t num_listed = 0;
    for (size_t i = 0; i < evidence->num; i++) {
        num += !is_repeated(evidence, i);
    }
    if (num == 0) {
        return;
    }
    html_put(h, num == 1 ? " <span class=\"fr\">(frame " : " <span class=\"fr\">(frames ");
    for (size_t i = 0; i < evidence->num && num_listed < FRAMES_LISTED_MAX; i++) {
        if (is_repeated(evidence, i)) {
            continue;
        }
        num_listed++;
        html_put(h, num_listed == 1 ? "" : num_listed == num ? " and " : ", ");
        html_frame(h, a, evidence->at[i].capture, evidence->at[i].frame);
    }
    if (num_listed < num) {
        html_format(h, " and %zu more", num - num_listed);
    }
    html_put(h, ")</span>");
}

void html_when(struct html *h, const struct attempt_record *a)
{
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    phrase_time(&t, a->first_time_ns);
    if (a->capture < h->analysis->num_captures) {
        text_add(&t, " ");
        phrase_zone(&t, &h->analysis->captures[phrase_time_base(h->analysis, a->capture)]);
    }
    text_add(&t, ", for ");
    phrase_duration(&t, a->first_time_ns, a->last_time_ns);
    html_put(h, t.at);
}

void html_command(struct html *h, struct bytes command)
{
    html_put(h, "<div class=\"cmd\"><pre><code>");
    html_bytes(h, command);
    html_put(h, "</code></pre><button type=\"button\" class=\"copy\">Copy</button></div>\n");
}

const char *html_mood(enum mood mood)
{
    static const char *const words[MOOD_COUNT] = {
        [MOOD_OPEN] = "open", [MOOD_GOOD] = "good", [MOOD_NOTE] = "note", [MOOD_BAD] = "bad"};
    return words[mood];
}

void html_outcome(struct html *h, const struct attempt_record *a)
{
    html_format(h, "<span class=\"chip %s\">", html_mood(wording_mood(a->outcome)));
    html_text(h, wording_outcome(a));
    html_put(h, "</span>");
}
