/* The ladder: one line an event, the client always on the left, so that the arrows line up. */
#include "report/roles.h"
#include "report/text_private.h"

#define LADDER_ROWS_MAX 40   /* longer ladders are thinned, unless verbose */
#define LADDER_ROWS_FIRST 14 /* events kept of a thinned ladder at its begin … */
#define LADDER_ROWS_LAST 18  /* … and at its end; failures and evidence always stay */
#define LADDER_MARK_COLUMN 2
#define LADDER_GAP 2

struct ladder {
    struct text_report *report;
    struct roles roles;
    size_t frame_end, time_end, who_column, what_column;
};

static void write_who(struct ladder *l, const struct event_summary *e)
{
    struct page *p = &l->report->page;
    char left_buffer[ROLE_WORD_BYTES_MAX];
    char right_buffer[ROLE_WORD_BYTES_MAX];
    struct text left, right;
    bool is_reply = address_equal(&e->to.address, &l->roles.attempt->client.address) &&
                    !address_equal(&e->from.address, &e->to.address);
    text_init(&left, left_buffer, sizeof left_buffer);
    text_init(&right, right_buffer, sizeof right_buffer);
    roles_word(&left, &l->roles, is_reply ? &e->to.address : &e->from.address);
    roles_word(&right, &l->roles, is_reply ? &e->from.address : &e->to.address);
    page_word(p, text_bytes(&left));
    page_text(p, page_sign(p, is_reply ? SIGN_FROM : SIGN_TO));
    page_word(p, text_bytes(&right));
}

static bool is_same(const struct event_summary *a, const struct event_summary *b)
{
    return a->capture == b->capture && bytes_is(bytes_of(a->kind), b->kind) &&
           bytes_equal(a->summary, b->summary) &&
           address_equal(&a->from.address, &b->from.address) &&
           address_equal(&a->to.address, &b->to.address);
}

static bool is_kept(const struct ladder *l, size_t i)
{
    const struct attempt_record *a = l->roles.attempt;
    return l->report->options->verbose || a->num_events <= LADDER_ROWS_MAX ||
           i < LADDER_ROWS_FIRST || i + LADDER_ROWS_LAST >= a->num_events ||
           a->events[i].is_failure || roles_is_evidence(a, &a->events[i]);
}

static void write_row(struct ladder *l, const struct event_summary *e, size_t num_same,
                      uint32_t last_frame)
{
    struct page *p = &l->report->page;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    if (e->is_failure) {
        page_style(p, PAGE_BAD);
        page_column(p, LADDER_MARK_COLUMN);
        page_text(p, page_sign(p, SIGN_FAILED));
    }
    text_init(&t, buffer, sizeof buffer);
    phrase_frame(&t, l->report->analysis, e->capture, e->frame);
    page_right(p, l->frame_end, text_bytes(&t));
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%.3f", roles_seconds(&l->roles, e));
    page_right(p, l->time_end, text_bytes(&t));
    page_column(p, l->who_column);
    write_who(l, e);
    page_column(p, l->what_column);
    page_text(p, e->kind);
    page_bytes(p, e->summary);
    if (!e->complete) {
        page_text(p, "(cut short)");
    }
    if (num_same > 1) {
        text_init(&t, buffer, sizeof buffer);
        text_format(&t, "(%zu times, to frame ", num_same);
        phrase_frame(&t, l->report->analysis, e->capture, last_frame);
        text_add(&t, ")");
        page_bytes(p, text_bytes(&t));
    }
    page_style(p, PAGE_PLAIN);
    page_end(p);
}

static void write_omitted(struct ladder *l, size_t num)
{
    struct page *p = &l->report->page;
    page_column(p, l->who_column);
    page_style(p, PAGE_FAINT);
    page_text(p, page_sign(p, SIGN_ELLIPSIS));
    page_number(p, num);
    page_text(p, num == 1 ? "more event (-v shows it)" : "more events (-v shows them)");
    page_style(p, PAGE_PLAIN);
    page_end(p);
}

static void write_rows(struct ladder *l)
{
    const struct attempt_record *a = l->roles.attempt;
    size_t num_omitted = 0;
    for (size_t i = 0; i < a->num_events;) {
        size_t num_same = 1;
        while (!l->report->options->verbose && i + num_same < a->num_events &&
               is_same(&a->events[i], &a->events[i + num_same])) {
            num_same++;
        }
        if (is_kept(l, i)) {
            if (num_omitted > 0) {
                write_omitted(l, num_omitted);
            }
            num_omitted = 0;
            write_row(l, &a->events[i], num_same, a->events[i + num_same - 1].frame);
        } else {
            num_omitted += num_same;
        }
        i += num_same;
    }
    if (num_omitted > 0) {
        write_omitted(l, num_omitted);
    }
}

/* Columns as wide as this ladder needs, at most half the page left of what happened. */
static void measure(struct ladder *l)
{
    const struct page *p = &l->report->page;
    const struct attempt_record *a = l->roles.attempt;
    size_t frame_len = sizeof "Frame" - 1;
    size_t time_len = sizeof "Seconds" - 1;
    size_t who_len = sizeof "Who" - 1;
    for (size_t i = 0; i < a->num_events; i++) {
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        text_init(&t, buffer, sizeof buffer);
        phrase_frame(&t, l->report->analysis, a->events[i].capture, a->events[i].frame);
        frame_len = t.len > frame_len ? t.len : frame_len;
        text_init(&t, buffer, sizeof buffer);
        text_format(&t, "%.3f", roles_seconds(&l->roles, &a->events[i]));
        time_len = t.len > time_len ? t.len : time_len;
        text_init(&t, buffer, sizeof buffer);
        roles_word(&t, &l->roles, &a->events[i].from.address);
        roles_word(&t, &l->roles, &a->events[i].to.address);
        t.len += p->ascii ? 4 : 3;
        who_len = t.len > who_len ? t.len : who_len;
    }
    l->frame_end = LADDER_MARK_COLUMN + 2 + frame_len;
    l->time_end = l->frame_end + LADDER_GAP + time_len;
    l->who_column = l->time_end + LADDER_GAP;
    l->what_column = l->who_column + who_len + LADDER_GAP;
    if (l->what_column > p->width / 2) {
        l->what_column = p->width / 2 > l->who_column ? p->width / 2 : l->who_column + LADDER_GAP;
    }
}

static void write_legend(struct ladder *l)
{
    struct page *p = &l->report->page;
    size_t num_left = 0;
    for (size_t i = 0; i < l->roles.num_hosts; i++) {
        num_left += roles_of(&l->roles, &l->roles.hosts[i]) != ROLE_NONE;
    }
    page_column(p, LADDER_MARK_COLUMN + 2);
    page_style(p, PAGE_FAINT);
    for (size_t i = 0; i < l->roles.num_hosts; i++) {
        const struct role_host *h = &l->roles.hosts[i];
        char buffer[ROLE_WORD_BYTES_MAX];
        struct text t;
        if (roles_of(&l->roles, h) == ROLE_NONE) {
            continue;
        }
        text_init(&t, buffer, sizeof buffer);
        roles_word(&t, &l->roles, &h->address);
        text_add(&t, " is ");
        address_print(&t, &h->address);
        text_add(&t, --num_left > 0 ? "," : "");
        page_word(p, text_bytes(&t));
    }
    page_style(p, PAGE_PLAIN);
    page_end(p);
}

static void write_titles(struct ladder *l)
{
    struct page *p = &l->report->page;
    page_style(p, PAGE_STRONG);
    page_right(p, l->frame_end, bytes_of("Frame"));
    page_right(p, l->time_end, bytes_of("Seconds"));
    page_column(p, l->who_column);
    page_text(p, "Who");
    page_column(p, l->what_column);
    page_text(p, "What happened");
    page_style(p, PAGE_PLAIN);
    page_end(p);
}

void ladder_write(struct text_report *r, const struct attempt_record *a)
{
    struct ladder l = {.report = r};
    if (a->num_events == 0) {
        return;
    }
    roles_learn(&l.roles, r->analysis, a);
    measure(&l);
    write_titles(&l);
    write_rows(&l);
    if (a->num_events_dropped > 0) {
        page_column(&r->page, l.who_column);
        page_number(&r->page, a->num_events_dropped);
        page_text(&r->page, "more were seen and not kept");
        page_end(&r->page);
    }
    write_legend(&l);
}
