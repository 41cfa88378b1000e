/* What an analysis says, reduced to what must not change when the capture is written differently:
 * for every attempt who, what kind, how it ended and why. Frame numbers and times are left out.
 */
#ifndef KRBSCOPE_TESTS_VERDICTS_H
#define KRBSCOPE_TESTS_VERDICTS_H

#include "diagnose/analysis.h"

#define VERDICTS_MAX 128     /* attempts of one case */
#define VERDICT_TEXT_MAX 160 /* bytes, NUL included */

struct verdict_line {
    struct address client;
    enum attempt_kind kind;
    enum outcome outcome;
    enum cause cause;                 /* CAUSE_NONE: no verdict */
    enum step step;                   /* valid with a cause */
    uint32_t first_frame, last_frame; /* of its events; 0 without */
};

struct verdicts {
    struct verdict_line lines[VERDICTS_MAX];
    size_t num;
};

/* In the order of the analysis. */
void verdicts_of(struct verdicts *out, const struct analysis *analysis);

/* "10.0.0.1 ccm-approval refused spn-missing ticket". */
void verdict_print(char out[VERDICT_TEXT_MAX], const struct verdict_line *line);

/* The same attempts, in any order, frame numbers aside. On false, *why (any size) says one
 * difference. */
bool verdicts_equal(const struct verdicts *a, const struct verdicts *b, char *why, size_t size);

/* May the attempt come out when frames of `whole` are missing? It, or what says less of it: no
 * other cause, and nothing bad of what was fine (tests/test_loss.c). */
bool verdict_is_allowed(const struct verdicts *whole, const struct verdict_line *now);

#endif
