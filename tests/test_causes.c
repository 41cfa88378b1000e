/* One small story a row of diagnose/rules.def: exactly that cause, at that step. docs/CAUSES.md. */
#include "cause_stories.h"
#include "diagnose/rules.h"
#include "story_check.h"

#include <criterion/parameterized.h>
#include <string.h>

#define RULES_MAX 512

static void tell(struct story *s, const struct row *r)
{
    static const char *const hosts[] = {MP_NAME};
    struct case_options options = {.hosts = hosts, .num_hosts = r->by_host ? 1 : 0};
    story_begin(s, &options);
    r->tell(s, r);
    story_wait(s, 3);
    story_meet(s, "192.0.2.200", "192.0.2.201"); /* the capture goes on a little */
    (void)story_end(s);
}

ParameterizedTestParameters(causes, each_row)
{
    static size_t indices[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        indices[i] = i;
    }
    return cr_make_param_array(size_t, indices, ROWS);
}

ParameterizedTest(size_t *index, causes, each_row)
{
    const struct row *r = &rows[*index];
    struct story s;
    tell(&s, r);
    cr_expect_str_eq(s.flaw, "", "row %zu (%s): %s", *index, cause_id(r->cause), s.flaw);
    cr_assert_eq(s.analysis.num_attempts, 1, "row %zu (%s): %zu attempts", *index,
                 cause_id(r->cause), s.analysis.num_attempts);
    const struct attempt_record *a = s.analysis.attempts[0];
    enum cause is = a->has_verdict ? a->verdict.cause : CAUSE_NONE;
    cr_assert_eq(is, r->cause, "row %zu: %s, not %s", *index,
                 is == CAUSE_NONE ? "none" : cause_id(is), cause_id(r->cause));
    cr_expect_eq(a->verdict.step, r->step, "row %zu (%s): step %s", *index, cause_id(r->cause),
                 step_word(a->verdict.step));
    cr_expect_eq(a->verdict.confidence, r->confidence, "row %zu (%s): %s", *index,
                 cause_id(r->cause), confidence_word(a->verdict.confidence));
    cr_expect_gt(a->verdict.num_remedies, 0);
    bool is_note = a->outcome == OUTCOME_APPROVED_NTLM || a->outcome == OUTCOME_INCOMPLETE;
    cr_expect_eq(a->verdict.is_note, is_note, "row %zu (%s): severity", *index, cause_id(r->cause));
    if (!is_note) {
        cr_expect_eq(a->steps[r->step].state, STATE_FAILED, "row %zu (%s)", *index,
                     cause_id(r->cause));
    }
    story_free(&s);
}

/* Could the template with its {slots} filled in have become this text? */
static bool is_filled_from(const char *template, struct bytes text)
{
    size_t at = 0;
    bool is_after_slot = false;
    while (*template != '\0') {
        if (*template == '{') {
            template = strchr(template, '}') + 1;
            is_after_slot = true;
            continue;
        }
        size_t len = strcspn(template, "{");
        struct bytes piece = {.at = (const uint8_t *)template, .len = len};
        while (is_after_slot && at + len <= text.len &&
               !bytes_equal(bytes_part(text, at, len), piece)) {
            at++;
        }
        if (!bytes_equal(bytes_part(text, at, len), piece)) {
            return false;
        }
        at += len;
        template += len;
    }
    return true;
}

static bool is_of_rule(const struct finding *f, const struct rule *rule, const struct row *r)
{
    bool same_confidence = r->by_host || f->confidence == rule->confidence;
    return f->cause == rule->cause && f->step == rule->step && same_confidence &&
           (!rule->is_note || f->is_note) && strcmp(f->source, rule->source) == 0 &&
           is_filled_from(rule->summary, f->summary);
}

/* The verdict, or (for a rule that only stands beside one) a finding in also. */
static bool is_told(const struct attempt_record *a, const struct rule *rule, const struct row *r)
{
    for (size_t i = 0; rule->is_side && i < a->num_also; i++) {
        if (is_of_rule(&a->also[i], rule, r)) {
            return true;
        }
    }
    return !rule->is_side && a->has_verdict && is_of_rule(&a->verdict, rule, r);
}

/* A rule without a story here is a rule that nobody has seen hold. */
Test(causes, every_rule_has_a_story)
{
    bool told[RULES_MAX] = {false};
    cr_assert_leq(rules_count(), RULES_MAX);
    for (size_t i = 0; i < ROWS; i++) {
        struct story s;
        tell(&s, &rows[i]);
        for (size_t k = 0; s.analysis.num_attempts > 0 && k < rules_count(); k++) {
            told[k] = told[k] || is_told(s.analysis.attempts[0], rules_at(k), &rows[i]);
        }
        story_free(&s);
    }
    for (size_t k = 0; k < rules_count(); k++) {
        cr_expect(told[k], "rule %zu (%s at %s): \"%s\"", k, cause_id(rules_at(k)->cause),
                  step_word(rules_at(k)->step), rules_at(k)->summary);
    }
}
