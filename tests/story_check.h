/* What the tests of stories ask of an analysis. */
#ifndef KRBSCOPE_TESTS_STORY_CHECK_H
#define KRBSCOPE_TESTS_STORY_CHECK_H

#include "story.h"

#include <criterion/criterion.h>

/* Ends the story: exactly num attempts, and no flaw in any text. */
#define END(s, num)                                                                                \
    do {                                                                                           \
        const struct analysis *end_ = story_end(s);                                                \
        cr_expect_str_eq((s)->flaw, "", "%s", (s)->flaw);                                          \
        cr_assert_eq(end_->num_attempts, (size_t)(num), "%zu attempts, not %zu",                   \
                     end_->num_attempts, (size_t)(num));                                           \
    } while (0)

/* Attempt i ended so; cause CAUSE_NONE: no verdict. */
#define EXPECT(s, i, outcome_, cause_, step_)                                                      \
    do {                                                                                           \
        const struct attempt_record *a_ = (s)->analysis.attempts[i];                               \
        enum cause is_ = a_->has_verdict ? a_->verdict.cause : CAUSE_NONE;                         \
        cr_expect_eq(a_->outcome, (outcome_), "outcome %s", outcome_word(a_->outcome));            \
        cr_expect_eq(is_, (enum cause)(cause_), "cause %s",                                        \
                     is_ == CAUSE_NONE ? "none" : cause_id(is_));                                  \
        cr_expect(is_ == CAUSE_NONE || a_->verdict.step == (step_), "step %s",                     \
                  step_word(a_->verdict.step));                                                    \
    } while (0)

#define EXPECT_CONFIDENCE(s, i, confidence_)                                                       \
    cr_expect_eq((s)->analysis.attempts[i]->verdict.confidence, (confidence_), "confidence %s",    \
                 confidence_word((s)->analysis.attempts[i]->verdict.confidence))

#define EXPECT_KIND(s, i, kind_)                                                                   \
    cr_expect_eq((s)->analysis.attempts[i]->kind, (kind_), "kind %s",                              \
                 attempt_kind_word((s)->analysis.attempts[i]->kind))

/* The finding with that cause in `also`, or NULL. */
static inline const struct finding *also_of(const struct attempt_record *a, enum cause cause)
{
    for (size_t i = 0; i < a->num_also; i++) {
        if (a->also[i].cause == cause) {
            return &a->also[i];
        }
    }
    return NULL;
}

static inline bool is_ruled_out(const struct attempt_record *a, enum cause cause)
{
    for (size_t i = 0; i < a->num_ruled_out; i++) {
        if (a->ruled_out[i].cause == cause) {
            return true;
        }
    }
    return false;
}

/* Does text hold word? */
static inline bool holds_word(struct bytes text, const char *word)
{
    struct bytes w = bytes_of(word);
    for (size_t i = 0; i + w.len <= text.len; i++) {
        if (bytes_equal(bytes_part(text, i, w.len), w)) {
            return true;
        }
    }
    return false;
}

static inline bool has_note(const struct attempt_record *a, const char *word)
{
    for (size_t i = 0; i < a->num_notes; i++) {
        if (holds_word(a->notes[i], word)) {
            return true;
        }
    }
    return false;
}

#endif
