/* Live: when attempts and clients are judged, told, corrected and forgotten. Nothing grows: records
 * lie in a ring (live_records.c); clients that fell silent are judged and forgotten, the others in
 * rounds.
 */
#include "diagnose/live_private.h"

#include "base/civil.h"
#include "diagnose/view.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define SPARE_BYTES 16384 /* what a correction of one record may take of the window */

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

/* It was let in without a word against it. */
static bool is_plain(const struct attempt_told *t)
{
    return t->mark.outcome == OUTCOME_APPROVED && t->mark.cause == CAUSE_NONE;
}

/* What was told of the attempt stays true, and can be told no better: nothing happened since, and
 * either it is plain, or its client's log has lost what it rests on. */
static bool stands(const struct attempt *a)
{
    const struct attempt_told *t = &a->told;
    return t->final && t->is_looked_at && t->num_later_requests == a->num_later_requests &&
           t->has_fallback == (a->fallback != NULL) &&
           (is_plain(t) || t->num_lost != a->client->num_lost);
}

/* Nothing can come that would change it, or that it would change: its connections are over, and
 * its client has no other attempt open. */
static bool is_settled(const struct attempt *a)
{
    bool is_over = a->client->attempts == a && a->next == NULL;
    for (size_t i = 0; i < a->num_exchanges && is_over; i++) {
        is_over = conn_is_over(a->exchanges[i].conn);
    }
    return is_over && is_plain(&a->told) && stands(a);
}

/* Judges it for good; the record stays for comparison. */
static void judge_again(struct case_file *c, struct attempt *a)
{
    live_window_open(c);
    struct record *former = a->client->provisional;
    if (a->told.record != NULL) {
        a->told.record->is_dropped = true; /* the new one takes its place */
        live_part(a->told.record);
    }
    judge_attempt(c, a);
    if (former != NULL && a->client->provisional != former) {
        former->provisional_of = NULL; /* two registrations are two attempts */
        if (!former->is_dropped) {
            live_tell(c, former, true);
        }
    }
    struct record *r = live_window_first(c);
    if (r != NULL) {
        r->out->id = a->told.id;
        r->revision = a->told.revision;
        r->final = a->told.final;
        r->mark = a->told.mark;
        if (a->client->provisional == r) {
            r->provisional_of = a->client;
        } else if (!r->is_dropped) {
            live_tell(c, r, true);
        }
    }
    live_window_close(c);
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
        live_part(a->told.record);
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
        live_tell(c, r, final);
    }
    t->id = r->out->id;
    if (!final || r->is_dropped) {
        r->is_dropped = true;
        live_part(r);
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
    live_window_open(c);
    if (a->told.record != NULL) {
        a->told.record->is_dropped = true;
        live_part(a->told.record);
    }
    tell_early(c, a, !may_go_on);
    live_window_close(c);
    client->has_attempt_end = had_end;
    client->last_attempt_end_ns = end_ns;
}

/* Attempts that were answered, and quiet since. The list is ordered by last event. */
static void look_at_attempts(struct case_file *c)
{
    struct attempt *a;
    while ((a = c->attempts.unlooked) != NULL && c->age_ns - a->touched_ns >= LIVE_SETTLE_NS) {
        bool may_go_on;
        c->attempts.unlooked = a->newer;
        a->told.is_looked_at = true;
        bool is_one = (a->is_ccm || a->has_token) && !attempt_is_elsewhere(a);
        if (is_one && attempt_is_answered(a, &may_go_on)) {
            preview(c, a, may_go_on);
        }
        if (is_settled(a)) {
            attempt_close(&c->attempts, a, live_attempt_over, c);
        }
    }
}

/* Judges what the client did without HTTP. */
static void judge_the_rest(struct case_file *c, struct client *client)
{
    live_window_open(c);
    struct record *provisional = client->provisional;
    judge_client(c, client);
    if (provisional != NULL) {
        client->provisional = NULL;
        provisional->provisional_of = NULL;
        if (!provisional->is_dropped) {
            live_tell(c, provisional, true);
        }
    }
    for (struct record *r = live_window_first(c); r != NULL; r = r->next) {
        if (!r->is_dropped && !r->is_provisional) {
            live_tell(c, r, true);
        }
    }
    live_window_close(c);
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
    live_window_open(c);
    for (struct record *r = c->first_record; r != NULL; r = r->next) {
        if (r->is_dropped || r->provisional_of != NULL ||
            c->out.arena.size - c->out.arena.used < SPARE_BYTES) {
            continue;
        }
        if (r->revision == 0) {
            whole_settle_approach(c, r);
        }
        whole_compare_nodes(c, r);
        whole_take_reason(c, r);
        if (!r->is_dropped) {
            live_tell(c, r, true);
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
    live_window_open(c);
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
