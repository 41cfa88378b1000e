/* A capture that lost frames may say less, never something else.
 *
 * Method: judge every case whole, then without each single frame, without each pair (cases of fewer
 * than PAIRS_FRAMES_MAX frames), and 200 times without 5 % of its frames. What may come out for an
 * attempt: the same; incomplete, with no verdict or capture-incomplete; its cause weakened along
 * cause_generalises(). An attempt may vanish, and it may fall into pieces. It may not get a cause
 * that no attempt of its client had, and one that was fine stays fine or becomes incomplete.
 *
 *     KRBSCOPE_CASE=name    only that case; prints every violation with its frames
 */
#include "recording.h"
#include "verdicts.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_FRAMES_MAX 60 /* frames; larger cases lose no pairs */
#define SEEDS 200           /* random losses of each case */
#define LOSS_PERCENT 5      /* of the frames, in a random loss */
#define SHARDS 8            /* tests that run side by side */
#define EXAMPLES_MAX 64     /* different violations told of one case */
#define FRAMES_MAX 4096     /* of one case */
#define FRAMES_TEXT_MAX 96  /* bytes of a list of frames, NUL included */

/* One kind of violation in one case, with the first loss that showed it. */
struct example {
    char got[VERDICT_TEXT_MAX];
    char frames[FRAMES_TEXT_MAX];
    unsigned num;
};

struct run {
    const char *name;
    const struct recording *recording;
    struct verdicts whole; /* nothing lost */
    bool dropped[FRAMES_MAX];
    struct example examples[EXAMPLES_MAX];
    size_t num_examples;
    unsigned num_violations;
    unsigned num_judged;
};

static void frames_print(char out[FRAMES_TEXT_MAX], const struct run *run)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < run->recording->num_frames; i++) {
        if (run->dropped[i] && len + 12 < FRAMES_TEXT_MAX) {
            len += (size_t)snprintf(out + len, FRAMES_TEXT_MAX - len, "%s%u", len > 0 ? "," : "",
                                    (unsigned)run->recording->frames[i].number);
        }
    }
}

static void violation(struct run *run, const struct verdict_line *now)
{
    char got[VERDICT_TEXT_MAX];
    char frames[FRAMES_TEXT_MAX];
    run->num_violations++;
    verdict_print(got, now);
    frames_print(frames, run);
    if (getenv("KRBSCOPE_CASE") != NULL) {
        printf("%s without %s: %s\n", run->name, frames, got);
    }
    for (size_t i = 0; i < run->num_examples; i++) {
        if (strcmp(run->examples[i].got, got) == 0) {
            run->examples[i].num++;
            return;
        }
    }
    if (run->num_examples < EXAMPLES_MAX) {
        struct example *e = &run->examples[run->num_examples++];
        memcpy(e->got, got, sizeof got);
        memcpy(e->frames, frames, sizeof frames);
        e->num = 1;
    }
}

/* Judges the case without the frames that are marked in run->dropped. */
static void judge(struct run *run)
{
    static struct verdicts now;
    struct judgement j;
    recording_judge(run->recording, run->dropped, &j);
    verdicts_of(&now, &j.analysis);
    judgement_free(&j);
    run->num_judged++;
    for (size_t i = 0; i < now.num; i++) {
        if (!verdict_is_allowed(&run->whole, &now.lines[i])) {
            violation(run, &now.lines[i]);
        }
    }
}

static void lose_one(struct run *run)
{
    for (size_t i = 0; i < run->recording->num_frames; i++) {
        run->dropped[i] = true;
        judge(run);
        run->dropped[i] = false;
    }
}

static void lose_pairs(struct run *run)
{
    const size_t num = run->recording->num_frames;
    for (size_t i = 0; i < num && num < PAIRS_FRAMES_MAX; i++) {
        run->dropped[i] = true;
        for (size_t k = i + 1; k < num; k++) {
            run->dropped[k] = true;
            judge(run);
            run->dropped[k] = false;
        }
        run->dropped[i] = false;
    }
}

/* xorshift32: the same losses on every machine. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void lose_some(struct run *run)
{
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        uint32_t state = seed * UINT32_C(2654435761);
        for (size_t i = 0; i < run->recording->num_frames; i++) {
            run->dropped[i] = next_random(&state) % 100 < LOSS_PERCENT;
        }
        judge(run);
    }
    memset(run->dropped, 0, sizeof run->dropped);
}

static void print_run(const struct run *run)
{
    if (run->num_violations == 0) {
        return;
    }
    printf("%s: %u violations in %u losses; whole:\n", run->name, run->num_violations,
           run->num_judged);
    for (size_t i = 0; i < run->whole.num && i < 4; i++) {
        char text[VERDICT_TEXT_MAX];
        verdict_print(text, &run->whole.lines[i]);
        printf("    = %s\n", text);
    }
    for (size_t i = 0; i < run->num_examples; i++) {
        printf("  %5u x %s, first without %s\n", run->examples[i].num, run->examples[i].got,
               run->examples[i].frames);
    }
}

/* The same frames in another format show nothing more. */
static bool is_conversion(const char *name)
{
    return strstr(name, ".nm1") != NULL || strstr(name, ".nm2") != NULL ||
           strstr(name, ".pcapng") != NULL;
}

static unsigned check_case(const char *name)
{
    static struct run run;
    struct recording r;
    struct judgement j;
    memset(&run, 0, sizeof run);
    cr_assert(recording_load_case(&r, name));
    cr_assert_leq(r.num_frames, FRAMES_MAX);
    run.name = name;
    run.recording = &r;
    recording_judge(&r, NULL, &j);
    verdicts_of(&run.whole, &j.analysis);
    judgement_free(&j);
    lose_one(&run);
    lose_pairs(&run);
    lose_some(&run);
    print_run(&run);
    fflush(stdout);
    recording_free(&r);
    return run.num_violations;
}

ParameterizedTestParameters(loss, a_capture_with_losses_says_less_not_other)
{
    static int shards[SHARDS];
    for (int i = 0; i < SHARDS; i++) {
        shards[i] = i;
    }
    return cr_make_param_array(int, shards, SHARDS);
}

ParameterizedTest(int *shard, loss, a_capture_with_losses_says_less_not_other)
{
    static char names[CASES_MAX][CASE_NAME_MAX];
    const char *only = getenv("KRBSCOPE_CASE");
    const size_t num = cases_list(names);
    unsigned num_violations = 0;
    size_t at = 0;
    for (size_t i = 0; i < num; i++) {
        if (only != NULL ? strcmp(only, names[i]) != 0 : is_conversion(names[i])) {
            continue;
        }
        if (at++ % SHARDS == (size_t)*shard) {
            num_violations += check_case(names[i]);
        }
    }
    cr_assert_eq(num_violations, 0, "%u violations", num_violations);
}
