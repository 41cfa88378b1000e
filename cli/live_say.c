#include "cli/live_run.h"

#include <stdlib.h>
#include <string.h>

static void begin_page(struct live_run *run)
{
    rewind(run->page);
}

/* What was written since begin_page(), without the last newline. */
static struct bytes end_page(struct live_run *run)
{
    if (fflush(run->page) != 0) {
        return (struct bytes){0};
    }
    /* The stream's length is that of its position, whatever lies behind from longer pages. */
    size_t len = run->page_len;
    if (len > 0 && run->page_bytes[len - 1] == '\n') {
        len--;
    }
    return (struct bytes){.at = (const uint8_t *)run->page_bytes, .len = len};
}

bool live_say_open(struct live_run *run)
{
    run->page = open_memstream(&run->page_bytes, &run->page_len);
    return run->page != NULL;
}

void live_say_close(struct live_run *run)
{
    if (run->page != NULL) {
        (void)fclose(run->page);
        free(run->page_bytes);
    }
    run->page = NULL;
}

static bool is_failure(const struct attempt_record *a)
{
    return a->outcome == OUTCOME_REFUSED || a->outcome == OUTCOME_FAILED ||
           a->outcome == OUTCOME_ACCEPTED_ANONYMOUS;
}

static enum outlet_severity severity_of(const struct attempt_record *a)
{
    return is_failure(a)                         ? OUTLET_WARNING
           : a->outcome == OUTCOME_APPROVED_NTLM ? OUTLET_NOTICE
                                                 : OUTLET_INFO;
}

/* Frames that were sent already, so that each goes into the evidence once. */
struct sent {
    uint32_t frames[LIVE_EVIDENCE_FRAMES_MAX];
    uint16_t captures[LIVE_EVIDENCE_FRAMES_MAX];
    size_t num;
    unsigned num_gone;
};

static void send_frame(struct live_run *run, struct sent *s, uint16_t capture, uint32_t number,
                       struct bytes why)
{
    struct frame frame;
    for (size_t i = 0; i < s->num; i++) {
        if (s->frames[i] == number && s->captures[i] == capture) {
            return;
        }
    }
    if (s->num == LIVE_EVIDENCE_FRAMES_MAX) {
        return;
    }
    s->frames[s->num] = number;
    s->captures[s->num++] = capture;
    if (recent_find(run->recent, capture, number, &frame)) {
        run->is_broken =
            !outlet_evidence_frame(run->outlet, capture, &frame, why) || run->is_broken;
    } else {
        s->num_gone++;
    }
}

static void send_refs(struct live_run *run, struct sent *s, const struct evidence *e)
{
    for (size_t i = 0; i < e->num; i++) {
        send_frame(run, s, e->at[i].capture, e->at[i].frame, e->at[i].why);
    }
}

/* The report that `analyze` would print of this attempt alone. */
static struct bytes report_of(struct live_run *run, const struct attempt_record *a,
                              const struct sent *s)
{
    struct trouble ignored;
    struct report_options plain = {.all = true, .ascii = run->command->report.ascii};
    struct analysis one = run->view;
    one.attempts = &a;
    one.num_attempts = 1;
    one.by_outcome[a->outcome] = 1;
    if (a->has_verdict) {
        one.by_cause[a->verdict.cause] = 1;
    }
    begin_page(run);
    (void)report_text(run->page, &one, &plain, &ignored);
    if (s->num_gone > 0) {
        (void)fprintf(run->page, "%u of its frames were no longer in memory.\n", s->num_gone);
    }
    (void)fputc('\n', run->page); /* one newline is left off */
    return end_page(run);
}

static void send_evidence(struct live_run *run, const struct attempt_record *a)
{
    static struct sent s;
    s.num = 0;
    s.num_gone = 0;
    (void)outlet_evidence_begin(run->outlet, a->id, a->first_time_ns);
    if (a->has_verdict) {
        send_refs(run, &s, &a->verdict.evidence);
    }
    for (size_t i = 0; i < STEP_COUNT; i++) {
        send_refs(run, &s, &a->steps[i].evidence);
    }
    for (size_t i = 0; i < a->num_events; i++) {
        const struct event_summary *e = &a->events[i];
        for (size_t k = 0; k < e->num_frames; k++) {
            send_frame(run, &s, e->capture, e->frames[k], bytes_of(e->kind));
        }
    }
    run->is_broken = !outlet_evidence_end(run->outlet, report_of(run, a, &s)) || run->is_broken;
}

void live_say_news(void *context, const struct case_news *news)
{
    struct live_run *run = context;
    const struct attempt_record *a = news->attempt;
    struct trouble why = {{0}};
    bool good = true;
    meter_news(&run->meter, news);
    if (run->wants_text && (news->revision == 1 || !news->is_unchanged)) {
        begin_page(run);
        (void)report_live_text(run->page, &run->view, news, &run->command->report, &why);
        good = outlet_line(run->outlet, OUTLET_TEXT, end_page(run)) && good;
    }
    if (run->wants_json || run->command->outlet.syslog != NULL) {
        begin_page(run);
        (void)report_live_json(run->page, &run->view, news, &why);
        struct bytes line = end_page(run);
        good = outlet_line(run->outlet, OUTLET_JSON, line) && good;
        if (run->command->outlet.syslog != NULL) {
            good = outlet_syslog(run->outlet, severity_of(a), a->last_time_ns, line) && good;
        }
    }
    if (run->recent != NULL && is_failure(a) && (news->revision == 1 || !news->is_unchanged)) {
        send_evidence(run, a);
    }
    run->is_broken = run->is_broken || !good;
}

static struct live_state state_of(const struct live_run *run, const char *reason)
{
    struct client_load load = case_load(run->c);
    return (struct live_state){.time_ns = run->now_ns,
                               .reason = reason,
                               .flows_open = load.num_conns,
                               .clients = load.num_clients};
}

void live_say_summary(struct live_run *run, const struct analysis *analysis, const char *reason)
{
    struct trouble why = {{0}};
    const struct live_state state = state_of(run, reason);
    bool good = true;
    if (run->wants_text) {
        begin_page(run);
        (void)report_live_summary_text(run->page, analysis, &state, &run->command->report, &why);
        good = outlet_line(run->outlet, OUTLET_TEXT, end_page(run)) && good;
    }
    if (run->wants_json) {
        begin_page(run);
        (void)report_live_summary_json(run->page, analysis, &state, &why);
        good = outlet_line(run->outlet, OUTLET_JSON, end_page(run)) && good;
    }
    run->is_broken = !outlet_flush(run->outlet) || !good || run->is_broken;
}

void live_say_metrics(struct live_run *run)
{
    struct trouble why = {{0}};
    const struct live_state state = state_of(run, NULL);
    if (run->command->outlet.metrics == NULL) {
        return;
    }
    begin_page(run);
    (void)report_metrics(run->page, &run->view, &run->meter, &state, &why);
    (void)fputc('\n', run->page); /* one newline is left off */
    run->is_broken =
        !outlet_metrics(run->outlet, end_page(run)) || !outlet_flush(run->outlet) || run->is_broken;
}
