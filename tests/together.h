/* Several recordings judged as one case, as krbscope does with several files: survey, alignment,
 * then everything read again in the order of the case's time.
 */
#ifndef KRBSCOPE_TESTS_TOGETHER_H
#define KRBSCOPE_TESTS_TOGETHER_H

#include "recording.h"

#define TOGETHER_MAX 8 /* recordings of one case */

struct together {
    struct capture_summary summaries[TOGETHER_MAX]; /* borrowed by analysis */
    struct analysis analysis;
};

/* Judges the recordings as captures 0, 1, …; free with together_free(). */
void together_judge(const struct recording *const *recordings, size_t num, struct together *out);
void together_free(struct together *t);

#endif
