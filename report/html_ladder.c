/* The ladder: a row an event, an arrow between the columns of two hosts, and all that is known of
 * the event behind it, unfolded without a script. The rails lie behind the rows once.
 *
 *     frame  seconds  client    DC       MP
 *        41    0.043    |<-------|        |    KRB-ERROR ... */
#include "report/html_private.h"

#define LANE_MARGIN 32  /* units of the drawing left of the first rail and right of the last */
#define LANE_PITCH 92   /* between two rails … */
#define LANE_PITCH_5 76 /* … with five of them … */
#define LANE_PITCH_6 60 /* … with more */
#define ARROW_HEIGHT 24
#define ARROW_MIDDLE 12
#define HEAD_LEN 7
#define HEAD_HALF 4
#define CROSS_HALF 4

struct ladder {
    struct html *html;
    struct roles roles;
    size_t lane_of[ROLES_HOSTS_MAX]; /* of each host */
    size_t num_lanes;
    size_t others; /* the lane that hosts without one share; num_lanes: there is none */
};

static unsigned rank_of(enum role role)
{
    static const unsigned ranks[] = {
        [ROLE_CLIENT] = 0, [ROLE_DNS] = 1,    [ROLE_DC] = 2, [ROLE_KDC] = 3,
        [ROLE_NONE] = 4,   [ROLE_SERVER] = 5, [ROLE_MP] = 5};
    return ranks[role];
}

/* Client left, server right, the rest between them in the order of the approval chain. */
static void settle_lanes(struct ladder *l)
{
    size_t num_single = l->roles.num_hosts <= HTML_LANES_MAX ? HTML_LANES_MAX : HTML_LANES_MAX - 2;
    for (unsigned rank = 0; rank <= rank_of(ROLE_MP); rank++) {
        bool is_last = rank == rank_of(ROLE_MP);
        if (is_last && l->roles.num_hosts > HTML_LANES_MAX) {
            l->others = l->num_lanes++;
        }
        for (size_t i = 0; i < l->roles.num_hosts; i++) {
            bool has_lane = is_last || l->num_lanes < num_single;
            if (rank_of(roles_of(&l->roles, &l->roles.hosts[i])) == rank) {
                l->lane_of[i] = has_lane ? l->num_lanes++ : HTML_LANES_MAX;
            }
        }
    }
    if (l->roles.num_hosts <= HTML_LANES_MAX) {
        l->others = l->num_lanes;
    }
    for (size_t i = 0; i < l->roles.num_hosts; i++) {
        l->lane_of[i] = l->lane_of[i] == HTML_LANES_MAX ? l->others : l->lane_of[i];
    }
}

static unsigned lane_x(const struct ladder *l, size_t lane)
{
    unsigned pitch = l->num_lanes < 5    ? LANE_PITCH
                     : l->num_lanes == 5 ? LANE_PITCH_5
                                         : LANE_PITCH_6;
    return LANE_MARGIN + (unsigned)lane * pitch;
}

static unsigned ladder_width(const struct ladder *l)
{
    return lane_x(l, l->num_lanes == 0 ? 0 : l->num_lanes - 1) + LANE_MARGIN;
}

/* num_lanes: nowhere. */
static size_t lane_of(const struct ladder *l, const struct address *address)
{
    size_t host = roles_find(&l->roles, address);
    return host < l->roles.num_hosts ? l->lane_of[host] : l->others;
}

static void write_word(struct ladder *l, const struct address *address)
{
    char buffer[ROLE_WORD_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    roles_word(&t, &l->roles, address);
    html_bytes(l->html, text_bytes(&t));
}

/* Names of the columns; what they stand for is below the ladder. */
static void write_head(struct ladder *l)
{
    struct html *h = l->html;
    html_put(h, "<div class=\"lh\" aria-hidden=\"true\"><span class=\"f\">Frame</span>"
                "<span class=\"t\">Seconds</span>");
    html_format(h, "<svg class=\"ln\" viewBox=\"0 0 %u 20\">", ladder_width(l));
    for (size_t lane = 0; lane < l->num_lanes; lane++) {
        html_format(h, "<text x=\"%u\" y=\"14\">", lane_x(l, lane));
        if (lane == l->others) {
            html_put(h, "others");
        }
        for (size_t i = 0; i < l->roles.num_hosts && lane != l->others; i++) {
            if (l->lane_of[i] == lane) {
                const struct role_host *host = &l->roles.hosts[i];
                if (roles_of(&l->roles, host) == ROLE_NONE) {
                    html_format(h, "host %zu", i + 1);
                } else {
                    write_word(l, &host->address);
                }
            }
        }
        html_put(h, "</text>");
    }
    html_put(h, "</svg><span class=\"w\">What happened</span></div>\n");
}

static void write_rails(struct ladder *l)
{
    html_format(l->html,
                "<svg class=\"rails\" viewBox=\"0 0 %u 1\" preserveAspectRatio=\"none\" "
                "aria-hidden=\"true\"><path d=\"",
                ladder_width(l));
    for (size_t lane = 0; lane < l->num_lanes; lane++) {
        html_format(l->html, "M%u 0v1", lane_x(l, lane));
    }
    html_put(l->html, "\"/></svg>\n");
}

static void write_arrow(struct ladder *l, const struct event_summary *e)
{
    struct html *h = l->html;
    size_t from = lane_of(l, &e->from.address);
    size_t to = lane_of(l, &e->to.address);
    from = from < l->num_lanes ? from : to;
    to = to < l->num_lanes ? to : from;
    html_format(h, "<svg class=\"ar\" viewBox=\"0 0 %u %u\" aria-hidden=\"true\">", ladder_width(l),
                ARROW_HEIGHT);
    if (from == to || l->num_lanes == 0) {
        html_format(h, "<path class=\"d\" d=\"M%u %uh.01\"/>",
                    lane_x(l, to < l->num_lanes ? to : 0), ARROW_MIDDLE);
    } else {
        unsigned x1 = lane_x(l, from);
        unsigned x2 = lane_x(l, to);
        int back = x2 > x1 ? -HEAD_LEN : HEAD_LEN;
        html_format(h, "<path d=\"M%u %uH%u\"/><path class=\"h\" d=\"M%u %ul%d %dv%dz\"/>", x1,
                    ARROW_MIDDLE, x2, x2, ARROW_MIDDLE, back, -HEAD_HALF, 2 * HEAD_HALF);
        if (e->is_failure) {
            html_format(h, "<path class=\"c\" d=\"M%u %ul%d %dm0 %dl%d %d\"/>",
                        (x1 + x2) / 2 - CROSS_HALF, ARROW_MIDDLE - CROSS_HALF, 2 * CROSS_HALF,
                        2 * CROSS_HALF, -2 * CROSS_HALF, -2 * CROSS_HALF, 2 * CROSS_HALF);
        }
    }
    html_put(h, "</svg>");
}

static void write_fact(struct html *h, const char *name)
{
    html_put(h, "<dt>");
    html_text(h, name);
    html_put(h, "</dt><dd>");
}

static void write_facts(struct ladder *l, const struct event_summary *e)
{
    struct html *h = l->html;
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    html_put(h, "<dl>");
    for (size_t i = 0; i < e->num_fields; i++) {
        write_fact(h, e->fields[i].name);
        html_bytes(h, e->fields[i].value);
        html_put(h, "</dd>");
    }
    write_fact(h, "from");
    html_endpoint(h, &e->from);
    html_put(h, " to ");
    html_endpoint(h, &e->to);
    html_put(h, "</dd>");
    write_fact(h, "time");
    text_init(&t, buffer, sizeof buffer);
    phrase_time(&t, e->time_ns);
    html_put(h, t.at);
    html_put(h, "</dd>");
    if (e->num_frames > 1) {
        write_fact(h, "frames");
        for (size_t i = 0; i < e->num_frames; i++) {
            html_format(h, "%s%u", i == 0 ? "" : ", ", (unsigned)e->frames[i]);
        }
        html_put(h, "</dd>");
    }
    html_put(h, "</dl>");
}

/* Two messages may end in one frame: the first of them is what links lead to. */
static bool is_first_of_frame(const struct attempt_record *a, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (a->events[j].capture == a->events[i].capture &&
            a->events[j].frame == a->events[i].frame) {
            return false;
        }
    }
    return true;
}

static void write_row(struct ladder *l, size_t i)
{
    struct html *h = l->html;
    const struct attempt_record *a = l->roles.attempt;
    const struct event_summary *e = &a->events[i];
    bool is_evidence = roles_is_evidence(a, e);
    char buffer[HTML_PHRASE_BYTES_MAX];
    struct text t;
    html_format(h, "<li><details class=\"ev%s%s\"", e->is_failure ? " bad" : "",
                is_evidence ? " proof" : "");
    if (is_first_of_frame(a, i)) {
        html_format(h, " id=\"a%u-%u-%u\"", (unsigned)a->id, e->capture, (unsigned)e->frame);
    }
    text_init(&t, buffer, sizeof buffer);
    phrase_frame(&t, h->analysis, e->capture, e->frame);
    html_format(h, "><summary><span class=\"f\">%s</span><span class=\"t\">%.3f</span>", t.at,
                roles_seconds(&l->roles, e));
    write_arrow(l, e);
    html_put(h, "<span class=\"w\"><span class=\"vh\">");
    write_word(l, &e->from.address);
    html_put(h, " to ");
    write_word(l, &e->to.address);
    html_put(h, e->is_failure ? ", failed: </span><b>" : ": </span><b>");
    html_text(h, e->kind);
    html_put(h, "</b> ");
    html_bytes(h, e->summary);
    html_put(h, e->complete ? "" : " (cut short)");
    html_put(h, is_evidence ? " <i>evidence</i></span></summary>" : "</span></summary>");
    write_facts(l, e);
    html_put(h, "</details></li>\n");
}

static void write_legend(struct ladder *l)
{
    struct html *h = l->html;
    bool is_first = true;
    html_put(h, "<p class=\"fine\">");
    for (size_t i = 0; i < l->roles.num_hosts; i++) {
        const struct role_host *host = &l->roles.hosts[i];
        const struct endpoint e = {.address = host->address};
        html_put(h, is_first ? "" : ", ");
        is_first = false;
        if (roles_of(&l->roles, host) == ROLE_NONE) {
            html_format(h, "host %zu", i + 1);
        } else {
            write_word(l, &host->address);
        }
        html_put(h, " is ");
        html_endpoint(h, &e);
    }
    html_put(h, ". Open a row for what its message says.</p>\n");
}

void html_ladder(struct html *h, const struct attempt_record *a)
{
    struct ladder l = {.html = h};
    if (a->num_events == 0) {
        return;
    }
    roles_learn(&l.roles, h->analysis, a);
    settle_lanes(&l);
    html_put(h, "<section class=\"ladder\">");
    html_heading(h, "What happened");
    html_format(h, "<div class=\"lad l%zu\">\n", l.num_lanes == 0 ? 1 : l.num_lanes);
    write_rails(&l);
    write_head(&l);
    html_put(h, "<ol>\n");
    for (size_t i = 0; i < a->num_events; i++) {
        write_row(&l, i);
    }
    html_put(h, "</ol>\n</div>\n");
    if (a->num_events_dropped > 0) {
        html_format(h, "<p class=\"fine\">%u more were seen and not kept.</p>\n",
                    (unsigned)a->num_events_dropped);
    }
    write_legend(&l);
    html_put(h, "</section>\n");
}
