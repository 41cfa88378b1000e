#include "report/overview.h"

enum detail overview_detail(struct overview_choice *choice, const struct attempt_record *a)
{
    bool is_many = choice->analysis->num_attempts > ATTEMPTS_IN_FULL_MAX;
    if (choice->all) {
        return DETAIL_FULL;
    }
    if (!a->has_verdict) {
        return is_many ? DETAIL_NONE : DETAIL_BRIEF;
    }
    if (is_many && choice->num_full[a->verdict.cause] >= ATTEMPTS_A_CAUSE_MAX) {
        return DETAIL_NONE;
    }
    choice->num_full[a->verdict.cause]++;
    return DETAIL_FULL;
}

enum outcome overview_outcome(size_t i)
{
    static const enum outcome order[OUTCOME_COUNT] = {
        OUTCOME_REFUSED,       OUTCOME_FAILED,   OUTCOME_ACCEPTED_ANONYMOUS,
        OUTCOME_APPROVED_NTLM, OUTCOME_APPROVED, OUTCOME_INCOMPLETE,
    };
    return order[i];
}

enum cause overview_next_cause(const struct analysis *a, enum cause last)
{
    enum cause best = CAUSE_NONE;
    uint64_t limit = a->by_cause[last];
    for (enum cause cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
        uint64_t number = a->by_cause[cause];
        bool is_left = last == CAUSE_NONE || number < limit || (number == limit && cause > last);
        if (number > 0 && is_left && (best == CAUSE_NONE || number > a->by_cause[best])) {
            best = cause;
        }
    }
    return best;
}

const struct attempt_record *overview_first(const struct analysis *a, enum cause cause)
{
    for (size_t i = 0; i < a->num_attempts; i++) {
        if (a->attempts[i]->has_verdict && a->attempts[i]->verdict.cause == cause) {
            return a->attempts[i];
        }
    }
    return NULL;
}
