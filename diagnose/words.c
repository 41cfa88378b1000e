/* The contract's words for the enums of analysis.h. */
#include "diagnose/analysis.h"

#include <assert.h>

static const struct {
    const char *id;
    enum cause generalises;
} causes[CAUSE_COUNT] = {
#define CAUSE(name, text, up) [CAUSE_##name] = {.id = text, .generalises = CAUSE_##up},
#include "diagnose/causes.def"
#undef CAUSE
};

static const char *const step_words[STEP_COUNT] = {
    [STEP_RESOLVE] = "resolve",     [STEP_CONNECT] = "connect", [STEP_CHALLENGE] = "challenge",
    [STEP_REACH_KDC] = "reach-kdc", [STEP_TGT] = "tgt",         [STEP_TICKET] = "ticket",
    [STEP_PRESENT] = "present",     [STEP_ACCEPT] = "accept",
};

static const char *const outcome_words[OUTCOME_COUNT] = {
    [OUTCOME_INCOMPLETE] = "incomplete",
    [OUTCOME_APPROVED] = "approved",
    [OUTCOME_APPROVED_NTLM] = "approved-ntlm",
    [OUTCOME_ACCEPTED_ANONYMOUS] = "accepted-anonymous",
    [OUTCOME_REFUSED] = "refused",
    [OUTCOME_FAILED] = "failed",
};

const char *cause_id(enum cause cause)
{
    assert(cause < CAUSE_COUNT);
    return causes[cause].id;
}

enum cause cause_from_id(struct bytes id)
{
    for (enum cause cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
        if (bytes_is(id, causes[cause].id)) {
            return cause;
        }
    }
    return CAUSE_NONE;
}

enum cause cause_generalises(enum cause cause)
{
    assert(cause > CAUSE_NONE && cause < CAUSE_COUNT);
    return causes[cause].generalises;
}

const char *step_word(enum step step)
{
    assert(step < STEP_COUNT);
    return step_words[step];
}

const char *step_state_word(enum step_state s)
{
    static const char *const words[] = {
        [STATE_NOT_SEEN] = "not-seen",       [STATE_OK] = "ok",
        [STATE_FAILED] = "failed",           [STATE_NOT_NEEDED] = "not-needed",
        [STATE_NOT_VISIBLE] = "not-visible",
    };
    assert(s <= STATE_NOT_VISIBLE);
    return words[s];
}

const char *confidence_word(enum confidence c)
{
    static const char *const words[] = {
        [CONFIDENCE_POSSIBLE] = "possible",
        [CONFIDENCE_LIKELY] = "likely",
        [CONFIDENCE_CERTAIN] = "certain",
    };
    assert(c <= CONFIDENCE_CERTAIN);
    return words[c];
}

const char *attempt_kind_word(enum attempt_kind k)
{
    static const char *const words[] = {
        [KIND_CCM_APPROVAL] = "ccm-approval",
        [KIND_HTTP_NEGOTIATE] = "http-negotiate",
        [KIND_KERBEROS_ONLY] = "kerberos-only",
        [KIND_APPROACH_ONLY] = "approach-only",
    };
    assert(k <= KIND_APPROACH_ONLY);
    return words[k];
}

const char *outcome_word(enum outcome o)
{
    assert(o < OUTCOME_COUNT);
    return outcome_words[o];
}

const char *authenticated_by_word(enum authenticated_by b)
{
    static const char *const words[] = {
        [BY_NOBODY] = NULL,
        [BY_KERBEROS] = "kerberos",
        [BY_NTLM] = "ntlm",
        [BY_OTHER] = "other",
    };
    assert(b <= BY_OTHER);
    return words[b];
}

const char *referral_result_word(enum referral_result r)
{
    static const char *const words[] = {
        [REFERRAL_PENDING] = "not-seen",
        [REFERRAL_REFERRED] = "referred",
        [REFERRAL_ISSUED] = "ticket",
        [REFERRAL_REFUSED_BY_ERROR] = "error",
        [REFERRAL_UNANSWERED] = "no-answer",
        [REFERRAL_UNREACHABLE] = "not-reached",
        [REFERRAL_KDC_NOT_FOUND] = "kdc-not-found",
    };
    assert(r <= REFERRAL_KDC_NOT_FOUND);
    return words[r];
}

const char *vantage_word(enum vantage v)
{
    static const char *const words[] = {
        [VANTAGE_BETWEEN] = "between",
        [VANTAGE_CLIENT] = "client",
        [VANTAGE_MP] = "mp",
        [VANTAGE_KDC] = "kdc",
    };
    assert(v <= VANTAGE_KDC);
    return words[v];
}
