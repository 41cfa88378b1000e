/* A case's life: made, asked for its parts, settled, ended. Events come in by intake.c. */
#include "diagnose/case_private.h"

#include "base/civil.h"
#include "diagnose/live.h"
#include "diagnose/logs_private.h"

#include <stdlib.h>

struct case_file *case_new(const struct case_options *options)
{
    struct case_file *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->options = *options;
    if (c->options.skew_limit_s <= 0) {
        c->options.skew_limit_s = SKEW_LIMIT_DEFAULT_S;
    }
    c->clients = client_table_new();
    c->groups = calloc(CAPTURES_MAX, sizeof *c->groups);
    c->tickets = calloc(TICKETS_MAX, sizeof *c->tickets);
    c->logs = options->has_logs ? logs_new() : NULL;
    if ((options->has_logs && c->logs == NULL) || c->clients == NULL || c->groups == NULL ||
        c->tickets == NULL || !arena_new(&c->scratch, SCRATCH_BYTES) ||
        !arena_new(&c->out.arena, ANALYSIS_BYTES_MAX)) {
        case_free(c);
        return NULL;
    }
    c->attempts.clients = c->clients;
    c->other_failures =
        arena_alloc_array(&c->out.arena, OTHER_FAILURES_MAX, sizeof *c->other_failures);
    return c;
}

static void forget_attempt(void *context, struct attempt *a)
{
    (void)context;
    (void)a;
}

void case_free(struct case_file *c)
{
    if (c == NULL) {
        return;
    }
    while (c->attempts.oldest != NULL) {
        attempt_close(&c->attempts, c->attempts.oldest, forget_attempt, c);
    }
    moment_free(c->attempts.first_offer);
    client_table_free(c->clients);
    if (c->live != NULL) {
        free(c->other_failures);
        live_free(c->live);
    }
    free(c->groups);
    free(c->tickets);
    logs_free(c->logs);
    arena_free(&c->scratch);
    arena_free(&c->out.arena);
    free(c);
}

struct group_state *case_group(struct case_file *c, uint16_t group)
{
    return &c->groups[group < CAPTURES_MAX ? group : CAPTURES_MAX - 1];
}

struct group_state *case_group_of(struct case_file *c, uint16_t capture)
{
    return case_group(c, capture < CAPTURES_MAX ? c->group_of_capture[capture] : capture);
}

struct clock_shift case_shift(const struct case_file *c, uint16_t capture)
{
    uint16_t group = capture < CAPTURES_MAX ? c->group_of_capture[capture] : capture;
    return c->align == NULL ? (struct clock_shift){.known = true, .base = group}
                            : align_shift(c->align, group);
}

int64_t case_told_shift_ns(const struct case_file *c, uint16_t capture)
{
    struct clock_shift shift = case_shift(c, capture);
    return shift.known && shift.base == 0 ? shift.add_ns : 0;
}

bool case_is_brief(const struct case_file *c)
{
    return c->live == NULL && c->out.arena.used > DETAIL_BYTES_MAX;
}

struct record *case_record(struct case_file *c)
{
    bool is_full =
        c->num_records >= RECORDS_MAX || c->out.arena.used > ANALYSIS_BYTES_MAX - RESERVE_BYTES;
    if (c->live == NULL && is_full) { /* live lets the oldest go */
        return NULL;
    }
    struct record *r = arena_alloc(&c->out.arena, sizeof *r);
    struct attempt_record *out = arena_alloc(&c->out.arena, sizeof *out);
    if (r == NULL || out == NULL) {
        return NULL;
    }
    r->out = out;
    *(c->last_record == NULL ? &c->first_record : &c->last_record->next) = r;
    c->last_record = r;
    c->num_records++;
    return r;
}

void case_other_failure(struct case_file *c, const struct finding *f)
{
    if (c->live != NULL) {
        live_other_failure(c, f);
    } else if (c->num_other_failures < OTHER_FAILURES_MAX && c->other_failures != NULL) {
        c->other_failures[c->num_other_failures++] = *f;
    }
}

void case_set_align(struct case_file *c, const struct align *align)
{
    c->align = align;
}

/* The captures went on after their last event. */
static void case_raise_ends(struct case_file *c, const struct capture_summary *captures,
                            size_t num_captures)
{
    for (size_t i = 0; i < num_captures && i < CAPTURES_MAX; i++) {
        struct group_state *g = case_group_of(c, (uint16_t)i);
        int64_t last_ns = captures[i].info.last_time_ns + case_shift(c, (uint16_t)i).add_ns;
        if (captures[i].info.has_times && last_ns > g->last_ns) {
            g->last_ns = last_ns;
        }
    }
}

void case_settle(struct case_file *c, const struct capture_summary *captures, size_t num_captures)
{
    if (c->is_settled) {
        return;
    }
    c->is_settled = true;
    case_raise_ends(c, captures, num_captures);
    for (struct client *x = client_oldest(c->clients); x != NULL; x = x->newer) {
        while (x->attempts != NULL) {
            attempt_close(&c->attempts, x->attempts, judge_attempt, c);
        }
    }
    for (struct client *x = client_oldest(c->clients); x != NULL; x = x->newer) {
        judge_client(c, x);
    }
}

enum status case_end(struct case_file *c, struct capture_summary *captures, size_t num_captures,
                     struct analysis *out)
{
    if (c->live != NULL) {
        case_raise_ends(c, captures, num_captures);
        live_end(c, captures, num_captures);
        *out = c->out;
        out->arena = (struct arena){0};
        return STATUS_OK;
    }
    case_settle(c, captures, num_captures);
    whole_finish(c, captures, num_captures);
    *out = c->out;
    c->out = (struct analysis){0};
    return out->arena.start == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

void analysis_free(struct analysis *a)
{
    arena_free(&a->arena);
    *a = (struct analysis){0};
}
