/* The overview of many clients. */
#include "recording.h"

#include <criterion/criterion.h>
#include <string.h>

static bool is_failure(enum outcome outcome)
{
    return outcome == OUTCOME_REFUSED || outcome == OUTCOME_FAILED ||
           outcome == OUTCOME_ACCEPTED_ANONYMOUS;
}

static bool is_of(const struct attempt_record *a, const struct outcome_group *g)
{
    enum cause cause = a->has_verdict ? a->verdict.cause : CAUSE_NONE;
    return a->outcome == g->outcome && cause == g->cause;
}

static size_t count_clients(const struct analysis *a, const struct outcome_group *g)
{
    size_t num = 0;
    for (size_t i = 0; i < a->num_attempts; i++) {
        bool is_new = is_of(a->attempts[i], g);
        for (size_t k = 0; k < i && is_new; k++) {
            is_new = !is_of(a->attempts[k], g) || !address_equal(&a->attempts[k]->client.address,
                                                                 &a->attempts[i]->client.address);
        }
        num += is_new;
    }
    return num;
}

static void check_group(const struct analysis *a, const struct outcome_group *g)
{
    uint64_t num = 0;
    const struct attempt_record *first = NULL;
    int64_t last_ns = INT64_MIN;
    for (size_t i = 0; i < a->num_attempts; i++) {
        const struct attempt_record *x = a->attempts[i];
        if (is_of(x, g)) {
            num++;
            first = first == NULL ? x : first;
            last_ns = x->last_time_ns > last_ns ? x->last_time_ns : last_ns;
        }
    }
    cr_assert_not_null(first);
    cr_expect_eq(g->num_attempts, num);
    cr_expect_eq(g->num_clients, count_clients(a, g));
    cr_expect_eq(g->first, first);
    cr_expect_eq(g->first_time_ns, first->first_time_ns);
    cr_expect_eq(g->last_time_ns, last_ns);
}

/* Goal: every attempt is counted once, under its outcome and cause, with the clients and times that
 * belong to it; failures and frequent ones first. Method: count a case of many clients anew. */
Test(groups, count_every_attempt_once)
{
    struct recording r;
    struct judgement j;
    uint64_t num = 0;
    cr_assert(recording_load_case(&r, "multi-client"));
    recording_judge(&r, NULL, &j);
    const struct analysis *a = &j.analysis;
    cr_assert_gt(a->num_groups, 3);
    cr_expect_eq(a->num_clients, 20);
    for (size_t i = 0; i < a->num_groups; i++) {
        const struct outcome_group *g = &a->groups[i];
        num += g->num_attempts;
        check_group(a, g);
        if (i > 0) {
            const struct outcome_group *before = &a->groups[i - 1];
            cr_expect(is_failure(before->outcome) >= is_failure(g->outcome));
            cr_expect(is_failure(before->outcome) != is_failure(g->outcome) ||
                      before->num_attempts >= g->num_attempts);
        }
    }
    cr_expect_eq(num, a->num_attempts);
    judgement_free(&j);
    recording_free(&r);
}
