/* Clients by outcome and cause: what a report of many attempts begins with. */
#include "diagnose/case_private.h"

#include <stdlib.h>
#include <string.h>

static int by_group_and_client(const void *left, const void *right)
{
    const struct attempt_record *x = *(const struct attempt_record *const *)left;
    const struct attempt_record *y = *(const struct attempt_record *const *)right;
    enum cause x_cause = x->has_verdict ? x->verdict.cause : CAUSE_NONE;
    enum cause y_cause = y->has_verdict ? y->verdict.cause : CAUSE_NONE;
    if (x->outcome != y->outcome) {
        return x->outcome < y->outcome ? -1 : 1;
    }
    if (x_cause != y_cause) {
        return x_cause < y_cause ? -1 : 1;
    }
    int order = memcmp(&x->client.address, &y->client.address, sizeof x->client.address);
    if (order != 0) {
        return order;
    }
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_client(const void *left, const void *right)
{
    const struct attempt_record *x = *(const struct attempt_record *const *)left;
    const struct attempt_record *y = *(const struct attempt_record *const *)right;
    return memcmp(&x->client.address, &y->client.address, sizeof x->client.address);
}

static bool is_failure(enum outcome outcome)
{
    return outcome == OUTCOME_REFUSED || outcome == OUTCOME_FAILED ||
           outcome == OUTCOME_ACCEPTED_ANONYMOUS;
}

static int by_weight(const void *left, const void *right)
{
    const struct outcome_group *x = left;
    const struct outcome_group *y = right;
    if (is_failure(x->outcome) != is_failure(y->outcome)) {
        return is_failure(x->outcome) ? -1 : 1;
    }
    if (x->num_attempts != y->num_attempts) {
        return x->num_attempts > y->num_attempts ? -1 : 1;
    }
    return x->first->id < y->first->id ? -1 : x->first->id > y->first->id;
}

static void add(struct outcome_group *g, const struct attempt_record *a, bool is_new_client)
{
    if (g->num_attempts++ == 0) {
        g->outcome = a->outcome;
        g->cause = a->has_verdict ? a->verdict.cause : CAUSE_NONE;
        g->first = a;
        g->first_time_ns = a->first_time_ns;
        g->last_time_ns = a->last_time_ns;
    }
    g->num_clients += is_new_client;
    g->first = a->id < g->first->id ? a : g->first;
    g->first_time_ns = a->first_time_ns < g->first_time_ns ? a->first_time_ns : g->first_time_ns;
    g->last_time_ns = a->last_time_ns > g->last_time_ns ? a->last_time_ns : g->last_time_ns;
}

static bool is_same_group(const struct attempt_record *x, const struct attempt_record *y)
{
    enum cause x_cause = x->has_verdict ? x->verdict.cause : CAUSE_NONE;
    enum cause y_cause = y->has_verdict ? y->verdict.cause : CAUSE_NONE;
    return x->outcome == y->outcome && x_cause == y_cause;
}

void groups_fill(struct case_file *c)
{
    struct analysis *out = &c->out;
    size_t num = out->num_attempts;
    const struct attempt_record **sorted = calloc(num + 1, sizeof(const struct attempt_record *));
    if (sorted == NULL || num == 0) {
        free(sorted);
        return;
    }
    for (size_t i = 0; i < num; i++) {
        sorted[i] = out->attempts[i];
    }
    qsort(sorted, num, sizeof(const struct attempt_record *), by_client);
    for (size_t i = 0; i < num; i++) {
        out->num_clients += i == 0 || by_client(&sorted[i - 1], &sorted[i]) != 0;
    }
    qsort(sorted, num, sizeof(const struct attempt_record *), by_group_and_client);
    size_t num_groups = 1;
    for (size_t i = 1; i < num; i++) {
        num_groups += !is_same_group(sorted[i - 1], sorted[i]);
    }
    struct outcome_group *groups = arena_alloc_array(&out->arena, num_groups, sizeof *groups);
    size_t at = 0;
    for (size_t i = 0; groups != NULL && i < num; i++) {
        bool is_next = i > 0 && !is_same_group(sorted[i - 1], sorted[i]);
        at += is_next;
        add(&groups[at], sorted[i],
            i == 0 || is_next || by_client(&sorted[i - 1], &sorted[i]) != 0);
    }
    if (groups != NULL) {
        qsort(groups, num_groups, sizeof *groups, by_weight);
        out->groups = groups;
        out->num_groups = num_groups;
    }
    free(sorted);
}
