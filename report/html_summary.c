/* Of several attempts: how they ended and why, a table of them, and when each client tried. */
#include "report/html_private.h"
#include "report/overview.h"

#define TIMELINE_WIDTH 1000 /* units of the drawing; it is stretched to the page */
#define TIMELINE_HEIGHT 18

static uint64_t num_all(const struct analysis *a)
{
    return (uint64_t)a->num_attempts + a->num_attempts_dropped;
}

size_t html_num_shown(const struct analysis *a)
{
    return a->num_attempts < HTML_ATTEMPTS_MAX ? a->num_attempts : HTML_ATTEMPTS_MAX;
}

static void write_headline(struct html *h)
{
    const struct analysis *a = h->analysis;
    uint64_t num = num_all(a);
    uint64_t num_bad = 0;
    bool is_first = true;
    for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        num_bad += wording_mood(outcome) == MOOD_BAD ? a->by_outcome[outcome] : 0;
    }
    html_format(h, "<header class=\"hero %s\"><p class=\"fine\">Logon report</p>\n<h1>",
                num_bad + a->logs.num_bad_clients > 0 ? "bad"
                : a->by_outcome[OUTCOME_APPROVED] > 0 ? "good"
                                                      : "open");
    if (num == 0 && a->logs.num_clients > 0) {
        html_bytes(h, a->logs.summary);
    } else if (num == 0) {
        html_put(h, "No attempt to log on was found.");
    } else if (num_bad == 0) {
        html_format(h, "None of %llu attempts was refused or failed.", (unsigned long long)num);
    } else {
        html_format(h, "%llu of %llu attempts did not end as they should.",
                    (unsigned long long)num_bad, (unsigned long long)num);
    }
    html_put(h, num > 0 ? "</h1>\n<p>" : "</h1>\n");
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        enum outcome outcome = overview_outcome(i);
        if (a->by_outcome[outcome] > 0) {
            html_format(h, "%s<span class=\"chip %s\">%llu %s</span>", is_first ? "" : " ",
                        html_mood(wording_mood(outcome)),
                        (unsigned long long)a->by_outcome[outcome], outcome_word(outcome));
            is_first = false;
        }
    }
    html_put(h, num > 0 ? "</p></header>\n" : "</header>\n");
}

static void write_group(struct html *h, const struct outcome_group *g)
{
    html_format(h, "<tr><th scope=\"row\"><span class=\"chip %s\">%s</span></th><td>",
                html_mood(wording_mood(g->outcome)), outcome_word(g->outcome));
    html_code(h, bytes_of(cause_id(g->cause)));
    html_format(h, "</td><td class=\"num\">%llu of %llu %s</td><td>",
                (unsigned long long)g->num_attempts, (unsigned long long)g->num_clients,
                g->num_clients == 1 ? "client" : "clients");
    html_bytes(h, wording_headline(g->first));
    html_format(h, " <a href=\"#a%u\">attempt&#xa0;%u</a></td></tr>\n", (unsigned)g->first->id,
                (unsigned)g->first->id);
}

static void write_groups(struct html *h)
{
    const struct analysis *a = h->analysis;
    if (a->num_groups == 0) {
        return;
    }
    html_put(h, "<section class=\"causes\"><h2>How they ended, and why</h2>\n<table><thead><tr>"
                "<th scope=\"col\">Outcome</th><th scope=\"col\">Cause</th>"
                "<th scope=\"col\">Attempts</th>"
                "<th scope=\"col\">What happened in the first of them</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < a->num_groups; i++) {
        write_group(h, &a->groups[i]);
    }
    html_put(h, "</tbody></table></section>\n");
}

static void write_row(struct html *h, const struct attempt_record *a)
{
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    html_format(h, "<tr data-o=\"%s\"><td class=\"num\"><a href=\"#a%u\">%u</a></td><td>",
                outcome_word(a->outcome), (unsigned)a->id, (unsigned)a->id);
    text_init(&t, buffer, sizeof buffer);
    phrase_time(&t, a->first_time_ns);
    html_put(h, t.at);
    html_put(h, "</td><td>");
    text_init(&t, buffer, sizeof buffer);
    wording_client(&t, a);
    html_bytes(h, text_bytes(&t));
    html_put(h, "</td><td>");
    text_init(&t, buffer, sizeof buffer);
    wording_server(&t, a);
    html_bytes(h, text_bytes(&t));
    html_format(h, "</td><td><span class=\"chip %s\">%s</span></td><td>",
                html_mood(wording_mood(a->outcome)), outcome_word(a->outcome));
    html_text(h, a->has_verdict ? cause_id(a->verdict.cause) : "");
    html_put(h, "</td></tr>\n");
}

static void write_table(struct html *h)
{
    const struct analysis *a = h->analysis;
    size_t num = html_num_shown(a);
    html_put(h,
             "<section class=\"table\"><h2 id=\"all\">Attempts</h2>\n"
             "<table class=\"attempts\" aria-labelledby=\"all\"><thead><tr>"
             "<th scope=\"col\">No.</th><th scope=\"col\">Began</th><th scope=\"col\">Client</th>"
             "<th scope=\"col\">Server</th><th scope=\"col\">Outcome</th>"
             "<th scope=\"col\">Cause</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < num && !ferror(h->out); i++) {
        write_row(h, a->attempts[i]);
    }
    html_put(h, "</tbody></table>\n");
    if (num < num_all(a)) {
        html_format(h, "<p class=\"fine\">%llu more attempts are only counted here.</p>\n",
                    (unsigned long long)(num_all(a) - num));
    }
    html_put(h, "</section>\n");
}

static bool is_same_client(const struct attempt_record *a, const struct attempt_record *b)
{
    return address_equal(&a->client.address, &b->client.address);
}

static double fraction_of(int64_t time_ns, int64_t begin_ns, int64_t end_ns)
{
    double span = (double)(end_ns - begin_ns);
    return span > 0 ? (double)(time_ns - begin_ns) / span : 0.5;
}

/* One client's line. Dots are lines of no length: they stay round however the drawing is
 * stretched. */
static void write_line(struct html *h, size_t first, size_t num, int64_t begin_ns, int64_t end_ns)
{
    const struct attempt_record *client = h->analysis->attempts[first];
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    html_put(h, "<tr><th scope=\"row\">");
    text_init(&t, buffer, sizeof buffer);
    wording_client(&t, client);
    html_bytes(h, text_bytes(&t));
    html_format(h,
                "</th><td class=\"pic\"><svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
                "aria-hidden=\"true\"><path class=\"axis\" d=\"M0 %dH%d\"/>",
                TIMELINE_WIDTH, TIMELINE_HEIGHT, TIMELINE_HEIGHT / 2, TIMELINE_WIDTH);
    size_t num_bad = 0;
    size_t num_own = 0;
    for (size_t i = first; i < num; i++) {
        const struct attempt_record *a = h->analysis->attempts[i];
        if (is_same_client(client, a)) {
            double x = 8 + (TIMELINE_WIDTH - 16) * fraction_of(a->first_time_ns, begin_ns, end_ns);
            num_own++;
            num_bad += wording_mood(a->outcome) == MOOD_BAD;
            html_format(h,
                        "<path class=\"m %s\" data-a=\"%u\" d=\"M%.0f %dh.01\"><title>%u "
                        "%s</title></path>",
                        html_mood(wording_mood(a->outcome)), (unsigned)a->id, x,
                        TIMELINE_HEIGHT / 2, (unsigned)a->id, outcome_word(a->outcome));
        }
    }
    html_format(h, "</svg></td><td>%zu</td><td>%zu</td></tr>\n", num_own, num_bad);
}

static bool is_first_of_client(const struct analysis *a, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (is_same_client(a->attempts[j], a->attempts[i])) {
            return false;
        }
    }
    return true;
}

static void write_timeline(struct html *h)
{
    const struct analysis *a = h->analysis;
    size_t num = html_num_shown(a);
    size_t num_clients = 0;
    size_t num_more = 0;
    int64_t begin_ns = a->attempts[0]->first_time_ns;
    int64_t end_ns = begin_ns;
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    for (size_t i = 0; i < num; i++) {
        int64_t time_ns = a->attempts[i]->first_time_ns;
        begin_ns = time_ns < begin_ns ? time_ns : begin_ns;
        end_ns = time_ns > end_ns ? time_ns : end_ns;
    }
    text_init(&t, buffer, sizeof buffer);
    phrase_time(&t, begin_ns);
    html_put(h, "<section class=\"timeline\"><h2>When each client tried</h2>\n<table><thead><tr>"
                "<th scope=\"col\">Client</th><th scope=\"col\" class=\"pic\">"
                "<span class=\"ends\"><span>");
    html_put(h, t.at);
    text_init(&t, buffer, sizeof buffer);
    phrase_duration(&t, begin_ns, end_ns);
    html_format(h,
                "</span><span>%s later</span></span></th><th scope=\"col\">Attempts</th>"
                "<th scope=\"col\">Bad</th></tr></thead><tbody>\n",
                t.at);
    for (size_t i = 0; i < num; i++) {
        if (!is_first_of_client(a, i)) {
            continue;
        }
        if (num_clients < HTML_TIMELINE_CLIENTS_MAX) {
            write_line(h, i, num, begin_ns, end_ns);
            num_clients++;
        } else {
            num_more++;
        }
    }
    html_put(h, "</tbody></table>\n");
    if (num_more > 0) {
        html_format(h, "<p class=\"fine\">%zu more clients are in the table above.</p>\n",
                    num_more);
    }
    html_put(h, "<p class=\"fine key\"><span class=\"good\">let in</span> "
                "<span class=\"note\">let in over NTLM</span> "
                "<span class=\"bad\">refused, failed or anonymous</span> "
                "<span class=\"open\">end not seen</span></p></section>\n");
}

void html_summary(struct html *h)
{
    write_headline(h);
    if (h->analysis->num_attempts > 0) {
        write_groups(h);
        write_table(h);
        write_timeline(h);
    }
}
