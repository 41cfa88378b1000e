/* Evidence is what a finding rests on, and its confidence is no more than that.
 *
 * Method: of every case's findings, each piece of evidence is taken away, with what then says the
 * same in its place (a question is asked again, an error answered twice). The finding must go, its
 * confidence fall, or other evidence be left that says something else and is enough by itself;
 * without all of its evidence it must go or weaken.
 *
 *     KRBSCOPE_CASE=name    only that case
 */
#include "recording.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 4096
#define WHY_MAX 300
#define SLACK_NS INT64_C(1000000000) /* an attempt that lost frames begins or ends elsewhere */

static bool dropped[FRAMES_MAX];

/* The words of a piece of evidence without its numbers: what it says. */
static void say(char out[WHY_MAX], struct bytes why)
{
    size_t len = 0;
    for (size_t i = 0; i < why.len && len < WHY_MAX - 1; i++) {
        if (why.at[i] < '0' || why.at[i] > '9') {
            out[len++] = (char)why.at[i];
        }
    }
    out[len] = '\0';
}

static bool says(const struct frame_ref *ref, const char *what)
{
    char words[WHY_MAX];
    say(words, ref->why);
    return what == NULL || strcmp(words, what) == 0;
}

/* The finding that is left of one, NULL: none. */
static const struct finding *left_of(const struct analysis *a, const struct attempt_record *was)
{
    for (size_t i = 0; i < a->num_attempts; i++) {
        const struct attempt_record *x = a->attempts[i];
        if (x->has_verdict && x->kind == was->kind && x->verdict.cause == was->verdict.cause &&
            address_equal(&x->client.address, &was->client.address) &&
            x->first_time_ns <= was->last_time_ns + SLACK_NS &&
            was->first_time_ns <= x->last_time_ns + SLACK_NS) {
            return &x->verdict;
        }
    }
    return NULL;
}

static size_t drop(const struct recording *r, const struct finding *f, const char *what)
{
    size_t num = 0;
    for (size_t i = 0; i < f->evidence.num; i++) {
        for (size_t n = 0; n < r->num_frames && says(&f->evidence.at[i], what); n++) {
            if (r->frames[n].number == f->evidence.at[i].frame && !dropped[n]) {
                dropped[n] = true;
                num++;
            }
        }
    }
    return num;
}

/* What is left of the finding when nothing says `what` (NULL: anything) any more. */
static bool stands_without(const struct recording *r, const struct attempt_record *was,
                           const char *what, bool *has_other)
{
    struct judgement now;
    bool stands = true, is_judged = false;
    const struct finding *f = &was->verdict;
    memset(dropped, 0, sizeof dropped);
    while (stands && drop(r, f, what) > 0) {
        if (is_judged) {
            judgement_free(&now);
        }
        recording_judge(r, dropped, &now);
        is_judged = true;
        f = left_of(&now.analysis, was);
        stands = f != NULL && f->confidence >= was->verdict.confidence;
    }
    *has_other = stands && f->evidence.num > 0;
    if (is_judged) {
        judgement_free(&now);
    }
    return stands;
}

static unsigned check_finding(const char *name, const struct recording *r,
                              const struct attempt_record *a)
{
    unsigned num_bad = 0;
    bool has_other;
    for (size_t i = 0; i < a->verdict.evidence.num; i++) {
        char what[WHY_MAX];
        say(what, a->verdict.evidence.at[i].why);
        if (stands_without(r, a, what, &has_other) && !has_other) {
            printf("%s: %s stands without \"%s\"\n", name, cause_id(a->verdict.cause), what);
            num_bad++;
        }
    }
    if (stands_without(r, a, NULL, &has_other)) {
        printf("%s: %s stands without all of its evidence\n", name, cause_id(a->verdict.cause));
        num_bad++;
    }
    return num_bad;
}

/* The same frames in another format show nothing more. */
static bool is_conversion(const char *name)
{
    return strstr(name, ".nm1") != NULL || strstr(name, ".nm2") != NULL ||
           strstr(name, ".pcapng") != NULL;
}

Test(confidence, rests_on_the_evidence)
{
    static char names[CASES_MAX][CASE_NAME_MAX];
    const char *only = getenv("KRBSCOPE_CASE");
    const size_t num = cases_list(names);
    unsigned num_bad = 0, num_findings = 0;
    for (size_t i = 0; i < num; i++) {
        struct recording r;
        struct judgement j;
        if (only != NULL ? strcmp(only, names[i]) != 0 : is_conversion(names[i])) {
            continue;
        }
        cr_assert(recording_load_case(&r, names[i]));
        cr_assert_leq(r.num_frames, FRAMES_MAX);
        recording_judge(&r, NULL, &j);
        for (size_t k = 0; k < j.analysis.num_attempts; k++) {
            const struct attempt_record *a = j.analysis.attempts[k];
            if (a->has_verdict && a->verdict.cause != CAUSE_CAPTURE_INCOMPLETE) {
                cr_expect_gt(a->verdict.evidence.num, 0, "%s: no evidence", names[i]);
                num_bad += check_finding(names[i], &r, a);
                num_findings++;
            }
        }
        judgement_free(&j);
        recording_free(&r);
    }
    fflush(stdout);
    cr_expect(num_findings > 0);
    cr_assert_eq(num_bad, 0, "%u of %u findings", num_bad, num_findings);
}
