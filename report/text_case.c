/* The head of the text report: the files, and what was found beside the attempts. */
#include "report/drops.h"
#include "report/text_private.h"

#define FILE_COLUMN 2
#define NOTES_SHOWN_MAX 12          /* more only when verbose */
#define OTHER_FAILURES_SHOWN_MAX 10 /* more only with --all */

static void write_facts(struct text_report *r, const struct capture_summary *c, size_t column)
{
    struct page *p = &r->page;
    const struct capture_info *info = &c->info;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    page_column(p, column);
    page_text(p, info->format_name);
    if (info->compression != NULL) {
        page_text(p, "in");
        page_text(p, info->compression);
    }
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%s ", page_sign(p, SIGN_DOT));
    phrase_count(&t, info->frames, "frame", "frames");
    text_format(&t, " %s ", page_sign(p, SIGN_DOT));
    phrase_size(&t, info->bytes);
    page_bytes(p, text_bytes(&t));
    for (size_t i = 0; i < info->num_link_types; i++) {
        char name[24];
        text_init(&t, buffer, sizeof buffer);
        text_add(&t, i == 0 ? page_sign(p, SIGN_DOT) : "and");
        text_format(&t, " %s", capture_link_type_name(info->link_types[i], name));
        page_bytes(p, text_bytes(&t));
    }
    page_end(p);
}

static void write_times(struct text_report *r, const struct capture_summary *c, size_t column)
{
    struct page *p = &r->page;
    char buffer[PHRASE_BYTES_MAX];
    char clock_buffer[PHRASE_BYTES_MAX];
    struct text t, clock;
    if (c->info.has_times) {
        text_init(&t, buffer, sizeof buffer);
        phrase_time(&t, c->info.first_time_ns);
        text_add(&t, " for ");
        phrase_duration(&t, c->info.first_time_ns, c->info.last_time_ns);
        text_add(&t, ", ");
        phrase_zone(&t, c);
        page_column(p, column);
        page_bytes(p, text_bytes(&t));
        page_end(p);
    }
    text_init(&t, buffer, sizeof buffer);
    if (c->vantage == VANTAGE_BETWEEN) {
        text_add(&t, "taken between the hosts, or unclear where");
    } else {
        text_format(&t, "taken at the %s",
                    c->vantage == VANTAGE_CLIENT ? "client"
                    : c->vantage == VANTAGE_MP   ? "server"
                                                 : "KDC");
    }
    text_init(&clock, clock_buffer, sizeof clock_buffer);
    phrase_clock(&clock, r->analysis, (size_t)(c - r->analysis->captures));
    if (clock.len > 0) {
        text_format(&t, "; %s", clock.at);
    }
    page_column(p, column);
    page_bytes(p, text_bytes(&t));
    page_end(p);
}

struct remark_place {
    struct page *page;
    size_t column;
};

static void write_remark(void *context, const struct drop_remark *remark)
{
    const struct remark_place *place = context;
    struct page *p = place->page;
    page_style(p, PAGE_WARNING);
    page_column(p, place->column);
    page_text(p, "!");
    page_column(p, place->column + 2);
    if (remark->number > 0) {
        page_number(p, remark->number);
    }
    page_text(p, remark->words);
    page_style(p, PAGE_PLAIN);
    page_end(p);
}

void text_captures(struct text_report *r)
{
    struct page *p = &r->page;
    const struct analysis *a = r->analysis;
    for (size_t i = 0; i < a->num_captures; i++) {
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        size_t column = FILE_COLUMN;
        text_init(&t, buffer, sizeof buffer);
        page_column(p, FILE_COLUMN);
        page_style(p, PAGE_STRONG);
        if (a->num_captures > 1) {
            phrase_file(&t, i);
            page_bytes(p, text_bytes(&t));
            column += a->num_captures > 26 ? 4 : 3;
            page_column(p, column);
        }
        struct bytes path = bytes_of(a->captures[i].path);
        page_word(p, bytes_is(path, "-") ? bytes_of("standard input") : path);
        page_style(p, PAGE_PLAIN);
        page_end(p);
        write_facts(r, &a->captures[i], column);
        write_times(r, &a->captures[i], column);
        struct remark_place place = {.page = p, .column = column};
        drops_tell(&a->captures[i], r->options->verbose, write_remark, &place);
    }
    page_end(p);
}

static void write_more(struct text_report *r, size_t num, const char *option)
{
    struct page *p = &r->page;
    page_column(p, FILE_COLUMN + 2);
    page_number(p, num);
    page_text(p, "more;");
    page_text(p, option);
    page_text(p, num == 1 ? "shows it" : "shows them");
    page_end(p);
}

void text_case_notes(struct text_report *r)
{
    struct page *p = &r->page;
    const struct analysis *a = r->analysis;
    size_t num = a->num_notes;
    if (num == 0) {
        return;
    }
    page_style(p, PAGE_STRONG);
    page_text(p, "Notes on the whole capture");
    page_style(p, PAGE_PLAIN);
    page_end(p);
    if (num > NOTES_SHOWN_MAX && !r->options->verbose) {
        num = NOTES_SHOWN_MAX;
    }
    for (size_t i = 0; i < num; i++) {
        page_column(p, FILE_COLUMN);
        page_text(p, page_sign(p, SIGN_BULLET));
        page_column(p, FILE_COLUMN + 2);
        page_bytes(p, a->notes[i].text);
        text_frames(r, &a->notes[i].evidence);
        page_end(p);
    }
    if (num < a->num_notes) {
        write_more(r, a->num_notes - num, "-v");
    }
    page_end(p);
}

void text_other_failures(struct text_report *r)
{
    struct page *p = &r->page;
    const struct analysis *a = r->analysis;
    size_t num = a->num_other_failures;
    if (num == 0) {
        return;
    }
    page_style(p, PAGE_STRONG);
    page_text(p, "Other failures, part of no attempt");
    page_style(p, PAGE_PLAIN);
    page_end(p);
    if (num > OTHER_FAILURES_SHOWN_MAX && !r->options->all) {
        num = OTHER_FAILURES_SHOWN_MAX;
    }
    for (size_t i = 0; i < num; i++) {
        const struct finding *f = &a->other_failures[i];
        page_column(p, FILE_COLUMN);
        page_text(p, page_sign(p, SIGN_BULLET));
        page_column(p, FILE_COLUMN + 2);
        if (cause_id(f->cause) != NULL) {
            page_text(p, cause_id(f->cause));
            page_glue(p);
            page_text(p, ":");
        }
        page_bytes(p, f->summary);
        text_frames(r, &f->evidence);
        page_end(p);
    }
    if (num < a->num_other_failures) {
        write_more(r, a->num_other_failures - num, "--all");
    }
    page_end(p);
}
