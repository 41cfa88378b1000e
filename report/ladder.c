/* The ladder: one line an event, the client always on the left, so that the arrows line up. */
#include "report/text_private.h"

#define LADDER_HOSTS_MAX 24  /* hosts that get a word; others are shown by address */
#define LADDER_ROWS_MAX 40   /* longer ladders are thinned, unless verbose */
#define LADDER_ROWS_FIRST 14 /* events kept of a thinned ladder at its begin … */
#define LADDER_ROWS_LAST 18  /* … and at its end; failures and evidence always stay */
#define LADDER_MARK_COLUMN 2
#define LADDER_GAP 2
#define CLOCK_SHIFT_S_MAX 1e9 /* no two clocks differ by more */
#define HOST_WORD_BYTES_MAX 64

enum role { ROLE_NONE, ROLE_CLIENT, ROLE_MP, ROLE_SERVER, ROLE_DC, ROLE_KDC, ROLE_DNS };

static const char *const role_words[] = {
    [ROLE_NONE] = "", [ROLE_CLIENT] = "client", [ROLE_MP] = "MP",   [ROLE_SERVER] = "server",
    [ROLE_DC] = "DC", [ROLE_KDC] = "KDC",       [ROLE_DNS] = "DNS",
};

/* What a host is to this attempt, told from the messages it answers. */
struct ladder_host {
    struct address address;
    bool is_client, is_server, is_dns, is_kdc;
};

struct ladder {
    struct text_report *report;
    const struct attempt_record *attempt;
    struct ladder_host hosts[LADDER_HOSTS_MAX];
    size_t num_hosts;
    int64_t start_ns; /* time of the first event */
    size_t frame_end, time_end, who_column, what_column;
};

static struct ladder_host *find_host(struct ladder *l, const struct address *address)
{
    for (size_t i = 0; i < l->num_hosts; i++) {
        if (address_equal(&l->hosts[i].address, address)) {
            return &l->hosts[i];
        }
    }
    return NULL;
}

/* The entry of the address, a new one when there is room; NULL for none. */
static struct ladder_host *add_host(struct ladder *l, const struct address *address)
{
    struct ladder_host *host = find_host(l, address);
    if (host == NULL && l->num_hosts < LADDER_HOSTS_MAX && address->family != ADDRESS_NONE &&
        !address_is_group(address)) {
        host = &l->hosts[l->num_hosts++];
        *host = (struct ladder_host){.address = *address};
    }
    return host;
}

static bool is_kind(const struct event_summary *e, const char *kind)
{
    return bytes_is(bytes_of(e->kind), kind);
}

static void learn_roles(struct ladder *l, const struct event_summary *e)
{
    struct ladder_host *to = add_host(l, &e->to.address);
    struct ladder_host *from = add_host(l, &e->from.address);
    if (is_kind(e, "DNS-QUERY") && to != NULL) {
        to->is_dns = true;
    } else if (is_kind(e, "DNS-RESPONSE") && from != NULL) {
        from->is_dns = true;
    } else if ((is_kind(e, "AS-REQ") || is_kind(e, "TGS-REQ")) && to != NULL) {
        to->is_kdc = true;
    } else if ((is_kind(e, "AS-REP") || is_kind(e, "TGS-REP") || is_kind(e, "KRB-ERROR")) &&
               from != NULL) {
        from->is_kdc = true;
    }
}

static enum role role_of(const struct ladder *l, const struct ladder_host *h)
{
    if (h->is_client) {
        return ROLE_CLIENT;
    }
    if (h->is_server) {
        return l->attempt->kind == KIND_CCM_APPROVAL ? ROLE_MP : ROLE_SERVER;
    }
    if (h->is_dns && h->is_kdc) {
        return ROLE_DC;
    }
    return h->is_kdc ? ROLE_KDC : h->is_dns ? ROLE_DNS : ROLE_NONE;
}

/* "KDC", "KDC 2" when there are several, the address for a host without a role. */
static void host_word(struct text *t, const struct ladder *l, const struct address *address)
{
    enum role role = ROLE_NONE;
    unsigned number = 0;
    unsigned num_same = 0;
    for (size_t i = 0; i < l->num_hosts; i++) {
        if (address_equal(&l->hosts[i].address, address)) {
            role = role_of(l, &l->hosts[i]);
        }
    }
    if (role == ROLE_NONE) {
        address_print(t, address);
        return;
    }
    for (size_t i = 0; i < l->num_hosts; i++) {
        num_same += role_of(l, &l->hosts[i]) == role;
        if (address_equal(&l->hosts[i].address, address)) {
            number = num_same;
        }
    }
    text_add(t, role_words[role]);
    if (num_same > 1) {
        text_format(t, " %u", number);
    }
}

/* What brings times of this capture to the clock of the case. */
static int64_t clock_shift_ns(const struct analysis *a, uint16_t capture)
{
    double shift_s = capture < a->num_captures && a->captures[capture].has_clock_offset
                         ? a->captures[capture].clock_offset_s
                         : 0;
    return shift_s > -CLOCK_SHIFT_S_MAX && shift_s < CLOCK_SHIFT_S_MAX ? (int64_t)(shift_s * 1e9)
                                                                       : 0;
}

/* On the clock of the case. Times lie: sums wrap instead of overflowing. */
static int64_t event_time_ns(const struct ladder *l, const struct event_summary *e)
{
    int64_t shift_ns = clock_shift_ns(l->report->analysis, e->capture);
    return (int64_t)((uint64_t)e->time_ns + (uint64_t)shift_ns);
}

/* Since the first event of the ladder. */
static double event_seconds(const struct ladder *l, const struct event_summary *e)
{
    return (double)(int64_t)((uint64_t)event_time_ns(l, e) - (uint64_t)l->start_ns) / 1e9;
}

static void write_who(struct ladder *l, const struct event_summary *e)
{
    struct page *p = &l->report->page;
    char left_buffer[HOST_WORD_BYTES_MAX];
    char right_buffer[HOST_WORD_BYTES_MAX];
    struct text left, right;
    bool is_reply = address_equal(&e->to.address, &l->attempt->client.address) &&
                    !address_equal(&e->from.address, &e->to.address);
    text_init(&left, left_buffer, sizeof left_buffer);
    text_init(&right, right_buffer, sizeof right_buffer);
    host_word(&left, l, is_reply ? &e->to.address : &e->from.address);
    host_word(&right, l, is_reply ? &e->from.address : &e->to.address);
    page_word(p, text_bytes(&left));
    page_text(p, page_sign(p, is_reply ? SIGN_FROM : SIGN_TO));
    page_word(p, text_bytes(&right));
}

static bool is_same(const struct event_summary *a, const struct event_summary *b)
{
    return a->capture == b->capture && is_kind(a, b->kind) && bytes_equal(a->summary, b->summary) &&
           address_equal(&a->from.address, &b->from.address) &&
           address_equal(&a->to.address, &b->to.address);
}

static bool is_evidence(const struct attempt_record *a, const struct event_summary *e)
{
    for (size_t i = 0; a->has_verdict && i < a->verdict.evidence.num; i++) {
        const struct frame_ref *ref = &a->verdict.evidence.at[i];
        if (ref->capture == e->capture && ref->frame == e->frame) {
            return true;
        }
    }
    return false;
}

static bool is_kept(const struct ladder *l, size_t i)
{
    const struct attempt_record *a = l->attempt;
    return l->report->options->verbose || a->num_events <= LADDER_ROWS_MAX ||
           i < LADDER_ROWS_FIRST || i + LADDER_ROWS_LAST >= a->num_events ||
           a->events[i].is_failure || is_evidence(a, &a->events[i]);
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
    text_format(&t, "%.3f", event_seconds(l, e));
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
    const struct attempt_record *a = l->attempt;
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
    const struct attempt_record *a = l->attempt;
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
        text_format(&t, "%.3f", event_seconds(l, &a->events[i]));
        time_len = t.len > time_len ? t.len : time_len;
        text_init(&t, buffer, sizeof buffer);
        host_word(&t, l, &a->events[i].from.address);
        host_word(&t, l, &a->events[i].to.address);
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
    for (size_t i = 0; i < l->num_hosts; i++) {
        num_left += role_of(l, &l->hosts[i]) != ROLE_NONE;
    }
    page_column(p, LADDER_MARK_COLUMN + 2);
    page_style(p, PAGE_FAINT);
    for (size_t i = 0; i < l->num_hosts; i++) {
        const struct ladder_host *h = &l->hosts[i];
        char buffer[HOST_WORD_BYTES_MAX];
        struct text t;
        if (role_of(l, h) == ROLE_NONE) {
            continue;
        }
        text_init(&t, buffer, sizeof buffer);
        host_word(&t, l, &h->address);
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
    struct ladder l = {.report = r, .attempt = a};
    struct ladder_host *client = add_host(&l, &a->client.address);
    struct ladder_host *server = add_host(&l, &a->server.address);
    if (a->num_events == 0) {
        return;
    }
    if (client != NULL) {
        client->is_client = true;
    }
    if (server != NULL && server != client) {
        server->is_server = true;
    }
    for (size_t i = 0; i < a->num_events; i++) {
        learn_roles(&l, &a->events[i]);
    }
    l.start_ns = event_time_ns(&l, &a->events[0]);
    for (size_t i = 0; i < a->num_events; i++) {
        int64_t time_ns = event_time_ns(&l, &a->events[i]);
        l.start_ns = time_ns < l.start_ns ? time_ns : l.start_ns;
    }
    measure(&l);
    page_end(&r->page);
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
