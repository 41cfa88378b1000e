/* Live: records are handed out as they are judged, kept for comparison while there is room, and
 * forgotten, oldest first.
 *
 *      ring of bytes    [ old … | window | … older ]
 *                         records  ^ what is judged now is written here; the records that lay
 *                                    there before are the oldest, and go
 *
 * Nothing else grows: clients that fell silent are judged and forgotten, the others in rounds.
 */
#include "diagnose/live.h"

#include "base/civil.h"
#include "diagnose/view.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define SPARE_BYTES 16384 /* what a correction of one record may take of the window */

struct live {
    struct case_live options;
    uint8_t *ring;         /* LIVE_RECORDS_BYTES */
    size_t head;           /* where the window lies */
    struct record *before; /* the last record when the window was opened */
    uint32_t last_id;
    uint64_t num_attempts;
    uint64_t by_outcome[OUTCOME_COUNT], by_cause[CAUSE_COUNT];
    struct arena failures; /* texts of other_failures since the last summary */
    bool failures_are_told;
    int64_t looked_ns, swept_ns, settled_ns; /* case's age */
    int64_t round_end_ns;
};

enum status case_go_live(struct case_file *c, const struct case_live *options)
{
    struct live *live = calloc(1, sizeof *live);
    if (live == NULL) {
        return STATUS_NO_MEMORY;
    }
    live->options = *options;
    live->round_end_ns = INT64_MAX;
    live->ring = malloc(LIVE_RECORDS_BYTES);
    struct finding *failures = calloc(OTHER_FAILURES_MAX, sizeof *failures);
    if (live->ring == NULL || failures == NULL ||
        !arena_new(&live->failures, LIVE_FAILURES_BYTES)) {
        free(failures);
        live_free(live);
        return STATUS_NO_MEMORY;
    }
    arena_free(&c->out.arena);
    c->other_failures = failures;
    c->live = live;
    return STATUS_OK;
}

void live_free(struct live *live)
{
    if (live != NULL) {
        free(live->ring);
        arena_free(&live->failures);
        free(live);
    }
}

int64_t live_round_end(const struct case_file *c)
{
    return c->live->round_end_ns;
}

static struct record_mark mark_of(const struct attempt_record *out)
{
    struct record_mark m;
    memset(&m, 0, sizeof m); /* marks are compared as bytes */
    m.outcome = out->outcome;
    m.cause = out->has_verdict ? out->verdict.cause : CAUSE_NONE;
    m.step = out->has_verdict ? out->verdict.step : STEP_RESOLVE;
    m.confidence = out->has_verdict ? out->verdict.confidence : CONFIDENCE_POSSIBLE;
    m.num_evidence = out->has_verdict ? out->verdict.evidence.num : 0;
    m.num_events = out->num_events;
    m.num_also = out->num_also;
    m.num_notes = out->num_notes;
    m.has_clock[0] = out->clocks.client_to_kdc.known;
    m.has_clock[1] = out->clocks.client_to_server.known;
    m.has_clock[2] = out->clocks.kdc_to_server.known;
    return m;
}

static bool mark_equal(const struct record_mark *a, const struct record_mark *b)
{
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): marks are zeroed first */
    return memcmp(a, b, sizeof *a) == 0;
}

static void count(struct live *live, const struct record_mark *m, bool is_added)
{
    uint64_t step = is_added ? 1 : UINT64_MAX; /* UINT64_MAX takes one away */
    live->by_outcome[m->outcome] += step;
    if (m->cause != CAUSE_NONE) {
        live->by_cause[m->cause] += step;
    }
}

/* The clocks of captures that were taken at a host. Once: what is said of them is added to. */
static void settle_clocks(struct case_file *c, struct record *r)
{
    const struct case_live *o = &c->live->options;
    if (r->has_settled_clocks || c->out.arena.start == NULL) {
        return;
    }
    for (size_t i = 0; i < o->num_captures && i < CAPTURES_MAX; i++) {
        o->captures[i].vantage = case_vantage(c, c->group_of_capture[i]);
    }
    c->out.captures = o->captures;
    c->out.num_captures = o->num_captures;
    whole_clocks(c, r);
    r->has_settled_clocks = true;
}

/* Hands the record out when it says something new. */
static void tell(struct case_file *c, struct record *r, bool final)
{
    struct live *live = c->live;
    settle_clocks(c, r);
    struct record_mark mark = mark_of(r->out);
    bool is_first = r->revision == 0;
    bool is_first_final = final && !r->final;
    bool is_unchanged = !is_first && mark_equal(&mark, &r->mark);
    if (is_unchanged && !is_first_final) {
        return;
    }
    if (is_first) {
        r->out->id = ++live->last_id;
        live->num_attempts++;
    } else {
        count(live, &r->mark, false);
    }
    count(live, &mark, true);
    r->mark = mark;
    r->final = r->final || final;
    r->revision++;
    const struct case_news news = {
        .attempt = r->out,
        .revision = r->revision,
        .final = r->final,
        .is_first_final = is_first_final,
        .is_unchanged = is_unchanged,
    };
    live->options.sink(live->options.context, &news);
}

/* The record is no open attempt's any more; what was said of it is kept with the attempt. */
static void part(struct record *r)
{
    struct attempt *a = r->told_of;
    if (a != NULL) {
        a->told.record = NULL;
        a->told.revision = r->revision;
        a->told.final = r->final;
        a->told.mark = r->mark;
        r->told_of = NULL;
    }
}

static void drop_oldest(struct case_file *c)
{
    struct record *r = c->first_record;
    bool is_untold = r->revision == 0 && !r->is_dropped;
    if (r->provisional_of != NULL) {
        r->provisional_of->provisional = NULL;
        is_untold = false; /* its client may yet show something better: it is no attempt */
    }
    if (is_untold) {
        whole_settle_approach(c, r);
        if (!r->is_dropped) {
            tell(c, r, true);
        }
    }
    part(r);
    c->first_record = r->next;
    if (c->first_record == NULL) {
        c->last_record = NULL;
    }
    c->num_records--;
}

static size_t place_of(const struct live *live, const struct record *r)
{
    return (size_t)((const uint8_t *)r - live->ring);
}

/* Until window_close() the analysis' arena is a part of the ring that no record uses. The list is
 * in the order of the ring: first what the last lap left ahead of the head, then this lap. */
static void window_open(struct case_file *c)
{
    struct live *live = c->live;
    if (live->head + LIVE_WINDOW_BYTES > LIVE_RECORDS_BYTES) {
        while (c->first_record != NULL && place_of(live, c->first_record) >= live->head) {
            drop_oldest(c);
        }
        live->head = 0;
    }
    while (c->first_record != NULL && place_of(live, c->first_record) >= live->head &&
           place_of(live, c->first_record) < live->head + LIVE_WINDOW_BYTES) {
        drop_oldest(c);
    }
    arena_init(&c->out.arena, live->ring + live->head, LIVE_WINDOW_BYTES);
    live->before = c->last_record;
}

/* The records made since window_open(), first to last. */
static struct record *window_first(const struct case_file *c)
{
    return c->live->before == NULL ? c->first_record : c->live->before->next;
}

/* Takes out of the list what was made in this window and set aside. */
static void window_sift(struct case_file *c)
{
    struct record **slot = c->live->before == NULL ? &c->first_record : &c->live->before->next;
    struct record *last = c->live->before;
    while (*slot != NULL) {
        struct record *r = *slot;
        if (r->is_dropped && r->provisional_of == NULL) {
            *slot = r->next;
            c->num_records--;
        } else {
            last = r;
            slot = &r->next;
        }
    }
    c->last_record = last;
}

static void window_close(struct case_file *c)
{
    struct live *live = c->live;
    window_sift(c);
    size_t align = alignof(max_align_t);
    size_t end = live->head + (c->out.arena.used + align - 1) / align * align;
    if (window_first(c) != NULL) {
        live->head = end;
    }
    c->out.arena = (struct arena){0};
}

static void forget_failures(struct case_file *c)
{
    c->num_other_failures = 0;
    arena_reset(&c->live->failures);
    c->live->failures_are_told = false;
}

void live_other_failure(struct case_file *c, const struct finding *f)
{
    struct live *live = c->live;
    if (live->failures_are_told) {
        forget_failures(c);
    }
    if (c->num_other_failures == OTHER_FAILURES_MAX) {
        return;
    }
    struct finding kept = *f;
    size_t num = f->evidence.num;
    struct frame_ref *refs = arena_alloc_array(&live->failures, num, sizeof *refs);
    if (refs == NULL || !arena_copy(&live->failures, f->summary, &kept.summary)) {
        return;
    }
    for (size_t i = 0; i < num; i++) {
        refs[i] = f->evidence.at[i];
        (void)arena_copy(&live->failures, f->evidence.at[i].why, &refs[i].why);
    }
    kept.evidence = (struct evidence){.at = refs, .num = num};
    c->other_failures[c->num_other_failures++] = kept;
}

/* What was told of the attempt stays true, and can be told no better: nothing happened since, and
 * either it was let in without a word against it, or its client's log has lost what it rests on. */
static bool stands(const struct attempt *a)
{
    const struct attempt_told *t = &a->told;
    bool is_plain = t->mark.outcome == OUTCOME_APPROVED && t->mark.cause == CAUSE_NONE;
    return t->final && t->is_looked_at && t->num_later_requests == a->num_later_requests &&
           t->has_fallback == (a->fallback != NULL) &&
           (is_plain || t->num_lost != a->client->num_lost);
}

/* Judges it for good; the record stays for comparison. */
static void judge_again(struct case_file *c, struct attempt *a)
{
    window_open(c);
    struct record *former = a->client->provisional;
    if (a->told.record != NULL) {
        a->told.record->is_dropped = true; /* the new one takes its place */
        part(a->told.record);
    }
    judge_attempt(c, a);
    if (former != NULL && a->client->provisional != former) {
        former->provisional_of = NULL; /* two registrations are two attempts */
        if (!former->is_dropped) {
            tell(c, former, true);
        }
    }
    struct record *r = window_first(c);
    if (r != NULL) {
        r->out->id = a->told.id;
        r->revision = a->told.revision;
        r->final = a->told.final;
        r->mark = a->told.mark;
        if (a->client->provisional == r) {
            r->provisional_of = a->client;
        } else if (!r->is_dropped) {
            tell(c, r, true);
        }
    }
    window_close(c);
}

void live_attempt_over(void *context, struct attempt *a)
{
    struct case_file *c = context;
    struct client *client = a->client;
    if (!stands(a)) {
        judge_again(c, a);
        return;
    }
    if (a->told.record != NULL) {
        part(a->told.record);
    }
    client->num_attempts++;
    client->has_attempt_end = true;
    client->last_attempt_end_ns = a->told.end_ns;
}

/* Fills a record of this window and tells it; it stays when it is final. */
static void tell_early(struct case_file *c, struct attempt *a, bool final)
{
    struct attempt_told *t = &a->told;
    struct record *r = case_record(c);
    if (r == NULL || !judge_preview(c, a, r, &t->end_ns)) {
        if (r != NULL) {
            r->is_dropped = true;
        }
        return;
    }
    t->has_end = true;
    t->num_later_requests = a->num_later_requests;
    t->has_fallback = a->fallback != NULL;
    t->num_lost = a->client->num_lost;
    r->out->id = t->id;
    r->revision = t->revision;
    r->final = t->final;
    r->mark = t->mark;
    r->told_of = a;
    t->record = r;
    if (!r->is_dropped) {
        tell(c, r, final);
    }
    t->id = r->out->id;
    if (!final || r->is_dropped) {
        r->is_dropped = true;
        part(r);
    } else {
        t->revision = r->revision;
        t->final = r->final;
        t->mark = r->mark;
    }
}

/* The attempt has its answer: says so now, though it may go on. */
static void preview(struct case_file *c, struct attempt *a, bool may_go_on)
{
    struct client *client = a->client;
    const bool had_end = client->has_attempt_end;
    const int64_t end_ns = client->last_attempt_end_ns;
    for (const struct attempt *x = client->attempts; x != a; x = x->next) {
        if (x->told.has_end) {
            client->has_attempt_end = true;
            client->last_attempt_end_ns = x->told.end_ns;
        }
    }
    window_open(c);
    if (a->told.record != NULL) {
        a->told.record->is_dropped = true;
        part(a->told.record);
    }
    tell_early(c, a, !may_go_on);
    window_close(c);
    client->has_attempt_end = had_end;
    client->last_attempt_end_ns = end_ns;
}

/* Attempts that were answered, and quiet since. The list is ordered by last event. */
static void look_at_attempts(struct case_file *c)
{
    for (struct attempt *a = c->attempts.newest; a != NULL && !a->told.is_looked_at; a = a->older) {
        bool may_go_on;
        if (c->age_ns - a->touched_ns < LIVE_SETTLE_NS) {
            continue;
        }
        a->told.is_looked_at = true;
        bool is_one = (a->is_ccm || a->has_token) && !attempt_is_elsewhere(a);
        if (is_one && attempt_is_answered(a, &may_go_on)) {
            preview(c, a, may_go_on);
        }
    }
}

/* Judges what the client did without HTTP. */
static void judge_the_rest(struct case_file *c, struct client *client)
{
    window_open(c);
    struct record *provisional = client->provisional;
    judge_client(c, client);
    if (provisional != NULL) {
        client->provisional = NULL;
        provisional->provisional_of = NULL;
        if (!provisional->is_dropped) {
            tell(c, provisional, true);
        }
    }
    for (struct record *r = window_first(c); r != NULL; r = r->next) {
        if (!r->is_dropped && !r->is_provisional) {
            tell(c, r, true);
        }
    }
    window_close(c);
}

void live_client_over(struct case_file *c, struct client *client)
{
    while (client->attempts != NULL) {
        attempt_close(&c->attempts, client->attempts, live_attempt_over, c);
    }
    judge_the_rest(c, client);
}

static bool has_old_moments(const struct client *client, int64_t before_ns)
{
    const struct moment *krb = client->logs[LOG_KRB].first;
    const struct moment *dns = client->logs[LOG_DNS].first;
    return (krb != NULL && krb->time_ns < before_ns) || (dns != NULL && dns->time_ns < before_ns);
}

/* A client that is never silent: what lies too far back for any attempt to come is judged. */
static void judge_round(struct case_file *c, struct client *client)
{
    int64_t end_ns = c->now_ns - VIEW_BEFORE_S * NS_PER_S;
    bool had_recent = client->attempts != NULL ||
                      (client->has_attempt_end && client->last_attempt_end_ns >= end_ns);
    client->num_attempts += client->attempts != NULL;
    c->live->round_end_ns = end_ns - 1;
    judge_the_rest(c, client);
    c->live->round_end_ns = INT64_MAX;
    client->num_attempts = had_recent;
    client->is_judged_in_part = true;
    client->judged_to_ns = end_ns;
    client_log_forget(c->clients, client, end_ns);
}

static void sweep_clients(struct case_file *c)
{
    struct client *x;
    while ((x = client_oldest(c->clients)) != NULL &&
           c->age_ns - x->last_ns > LIVE_CLIENT_IDLE_S * NS_PER_S) {
        live_client_over(c, x);
        client_forget(c->clients, x);
    }
    for (; x != NULL; x = x->newer) {
        if (has_old_moments(x, c->now_ns - LIVE_ROUND_S * NS_PER_S)) {
            judge_round(c, x);
        }
    }
}

/* What only the whole case shows, as far as it is known by now. Corrections are written into the
 * window: behind all records that they correct. */
static void settle(struct case_file *c)
{
    window_open(c);
    for (struct record *r = c->first_record; r != NULL; r = r->next) {
        if (r->is_dropped || r->provisional_of != NULL ||
            c->out.arena.size - c->out.arena.used < SPARE_BYTES) {
            continue;
        }
        if (r->revision == 0) {
            whole_settle_approach(c, r);
        }
        whole_compare_nodes(c, r);
        if (!r->is_dropped) {
            tell(c, r, true);
        }
    }
    /* What was written lives as long as the newest record does. */
    if (c->last_record != NULL && c->out.arena.used > 0) {
        size_t align = alignof(max_align_t);
        c->live->head += (c->out.arena.used + align - 1) / align * align;
    }
    c->out.arena = (struct arena){0};
}

void live_pass(struct case_file *c)
{
    struct live *live = c->live;
    if (c->age_ns - live->looked_ns >= LIVE_LOOK_NS) {
        live->looked_ns = c->age_ns;
        look_at_attempts(c);
    }
    if (c->age_ns - live->swept_ns >= LIVE_SWEEP_S * NS_PER_S) {
        live->swept_ns = c->age_ns;
        sweep_clients(c);
    }
    if (c->age_ns - live->settled_ns >= LIVE_COMPARE_S * NS_PER_S) {
        live->settled_ns = c->age_ns;
        settle(c);
    }
}

static void describe(struct case_file *c, struct capture_summary *captures, size_t num)
{
    struct live *live = c->live;
    window_open(c);
    c->out.num_notes = 0;
    whole_describe(c, captures, num);
    live->failures_are_told = true;
    memcpy(c->out.by_outcome, live->by_outcome, sizeof live->by_outcome);
    memcpy(c->out.by_cause, live->by_cause, sizeof live->by_cause);
    c->out.num_attempts_dropped = live->num_attempts; /* none is kept: all are in the counts */
}

void case_summary(struct case_file *c, struct analysis *out)
{
    settle(c);
    describe(c, c->live->options.captures, c->live->options.num_captures);
    *out = c->out;
    out->arena = (struct arena){0};
    c->out.arena = (struct arena){0};
}

void live_end(struct case_file *c, struct capture_summary *captures, size_t num_captures)
{
    for (struct client *x = client_oldest(c->clients); x != NULL; x = x->newer) {
        while (x->attempts != NULL) {
            attempt_close(&c->attempts, x->attempts, live_attempt_over, c);
        }
    }
    for (struct client *x = client_oldest(c->clients); x != NULL; x = x->newer) {
        judge_the_rest(c, x);
    }
    settle(c);
    describe(c, captures, num_captures);
}

struct client_load case_load(const struct case_file *c)
{
    struct client_load load = client_load(c->clients);
    load.num_attempts = c->attempts.num_open;
    return load;
}
