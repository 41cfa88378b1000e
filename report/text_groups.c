/* Many clients: who ended how, and why, before anything in detail. */
#include "report/overview.h"
#include "report/text_private.h"

#define GROUPS_CLIENTS_MIN 6 /* with fewer clients the attempts themselves are the overview */
#define GROUPS_SHOWN_MAX 40  /* more only when verbose */
#define COUNT_END_COLUMN 8
#define WORDS_COLUMN 10
#define CAUSE_COLUMN 30

static void write_times(struct text_report *r, const struct outcome_group *g)
{
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    phrase_count(&t, g->num_clients, "client", "clients");
    text_add(&t, ", from ");
    phrase_time(&t, g->first_time_ns);
    if (g->last_time_ns > g->first_time_ns) {
        text_add(&t, " to ");
        phrase_time(&t, g->last_time_ns);
    }
    text_format(&t, g->num_attempts > 1 ? "; first attempt %u, of " : "; attempt %u, of ",
                (unsigned)g->first->id);
    address_print(&t, &g->first->client.address);
    page_column(&r->page, WORDS_COLUMN);
    page_style(&r->page, PAGE_FAINT);
    page_bytes(&r->page, text_bytes(&t));
    page_style(&r->page, PAGE_PLAIN);
    page_end(&r->page);
}

static void write_group(struct text_report *r, const struct outcome_group *g)
{
    struct page *p = &r->page;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    bool is_in = g->outcome == OUTCOME_APPROVED || g->outcome == OUTCOME_APPROVED_NTLM;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%llu", (unsigned long long)g->num_attempts);
    page_right(p, COUNT_END_COLUMN, text_bytes(&t));
    page_column(p, WORDS_COLUMN);
    page_style(p, is_in ? PAGE_GOOD : g->outcome == OUTCOME_INCOMPLETE ? PAGE_PLAIN : PAGE_BAD);
    page_text(p, outcome_word(g->outcome));
    page_style(p, PAGE_PLAIN);
    if (g->cause != CAUSE_NONE) {
        page_column(p, CAUSE_COLUMN);
        page_text(p, cause_id(g->cause));
    }
    page_end(p);
    write_times(r, g);
}

void text_groups(struct text_report *r)
{
    struct page *p = &r->page;
    const struct analysis *a = r->analysis;
    size_t num = a->num_groups;
    if (a->num_clients < GROUPS_CLIENTS_MIN) {
        return;
    }
    if (num > GROUPS_SHOWN_MAX && !r->options->verbose) {
        num = GROUPS_SHOWN_MAX;
    }
    page_style(p, PAGE_STRONG);
    page_number(p, a->num_clients);
    page_text(p, "clients, by outcome and cause");
    page_style(p, PAGE_PLAIN);
    page_end(p);
    for (size_t i = 0; i < num; i++) {
        write_group(r, &a->groups[i]);
    }
    if (num < a->num_groups) {
        page_column(p, WORDS_COLUMN);
        page_number(p, a->num_groups - num);
        page_text(p, "more; -v shows them");
        page_end(p);
    }
    page_end(p);
}
