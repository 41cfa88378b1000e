/* How far the log host's clock is ahead of the capture's.
 *
 * A line stamped with the whole second T tells of a request that ended at c by the capture's clock:
 * if it is the right line, the offset lies in [T - c, T - c + 1 s). Of all such intervals, right
 * and wrong ones, the right ones have a point in common. The point that lies in the intervals of
 * most exchanges is the offset (Marzullo 1984), and what they have in common its bounds. */
#include "diagnose/logs_private.h"

#include <math.h>
#include <stdlib.h>

#define SAME_REGION_S 3.0 /* peaks so near to each other are one */
#define VOTERS_FEW 3      /* with more of them one alone convinces nobody … */
#define VOTERS_SHARE 3    /* … but one in so many must agree */

struct border {
    int64_t at_ns;
    uint32_t voter;
    bool is_begin;
};

static int by_place(const void *a, const void *b)
{
    const struct border *x = a;
    const struct border *y = b;
    if (x->at_ns != y->at_ns) {
        return x->at_ns < y->at_ns ? -1 : 1;
    }
    return (int)y->is_begin - (int)x->is_begin; /* touching intervals meet */
}

/* A stretch in which the same most voters agree. */
struct peak {
    size_t num;
    double low_s, high_s;
};

static double distance(const struct peak *p, double from_s)
{
    return from_s < p->low_s ? p->low_s - from_s : from_s > p->high_s ? from_s - p->high_s : 0;
}

struct sweep {
    const struct log_hint *hint;
    struct peak best;
    bool has_rival; /* a peak as high, elsewhere */
    double rival_s; /* how far the nearest such is from what is expected */
};

/* Takes a peak in: the higher one, between equals the one nearer to what is expected. */
static void take_peak(struct sweep *w, const struct peak *p)
{
    double expected = w->hint->known ? w->hint->value_s : 0;
    if (p->num > w->best.num) {
        w->best = *p;
        w->has_rival = false;
        return;
    }
    if (p->num < w->best.num) {
        return;
    }
    bool is_nearer = distance(p, expected) < distance(&w->best, expected);
    bool is_neighbour = p->low_s - w->best.high_s < SAME_REGION_S;
    const struct peak *rival = is_nearer ? &w->best : p;
    if (!is_neighbour) {
        double away = distance(rival, expected);
        w->rival_s = w->has_rival && w->rival_s < away ? w->rival_s : away;
        w->has_rival = true;
    }
    if (is_nearer) {
        w->best = *p;
    }
}

static void run_sweep(struct sweep *w, const struct border *borders, size_t num, uint32_t *active)
{
    size_t height = 0;
    bool rising = false;
    for (size_t i = 0; i < num; i++) {
        const struct border *b = &borders[i];
        if (b->is_begin) {
            height += active[b->voter]++ == 0;
            rising = true;
            continue;
        }
        if (rising) { /* from the last begin to this end they all agree */
            const struct peak p = {.num = height,
                                   .low_s = (double)borders[i - 1].at_ns / 1e9,
                                   .high_s = (double)b->at_ns / 1e9};
            take_peak(w, &p);
            rising = false;
        }
        height -= --active[b->voter] == 0;
    }
}

static size_t count_voters(const struct log_vote *votes, size_t num, uint32_t *active,
                           uint32_t num_voters)
{
    size_t count = 0;
    for (size_t i = 0; i < num; i++) {
        count += active[votes[i].voter]++ == 0;
    }
    for (uint32_t i = 0; i < num_voters; i++) {
        active[i] = 0;
    }
    return count;
}

bool log_clock_estimate(const struct log_vote *votes, size_t num, uint32_t num_voters,
                        const struct log_hint *hint, struct log_clock *out)
{
    struct border *borders = num == 0 ? NULL : calloc(2 * num, sizeof *borders);
    uint32_t *active = num == 0 ? NULL : calloc(num_voters, sizeof *active);
    struct sweep w = {.hint = hint};
    if (borders != NULL && active != NULL) {
        for (size_t i = 0; i < num; i++) {
            borders[2 * i] = (struct border){.at_ns = votes[i].lag_ns - LOG_STAMP_SLACK_NS,
                                             .voter = votes[i].voter,
                                             .is_begin = true};
            borders[2 * i + 1] = (struct border){
                .at_ns = votes[i].lag_ns + NS_PER_S + LOG_STAMP_SLACK_NS, .voter = votes[i].voter};
        }
        qsort(borders, 2 * num, sizeof *borders, by_place);
        size_t voters = count_voters(votes, num, active, num_voters);
        run_sweep(&w, borders, 2 * num, active);
        /* A clock read off the wire settles a choice between equals. */
        bool by_hint = hint->known && distance(&w.best, hint->value_s) < SAME_REGION_S &&
                       w.rival_s > SAME_REGION_S;
        *out = (struct log_clock){.low_s = w.best.low_s,
                                  .high_s = w.best.high_s,
                                  .num_agreed = w.best.num,
                                  .is_unsure =
                                      (w.has_rival && !by_hint) ||
                                      (voters > VOTERS_FEW && w.best.num * VOTERS_SHARE < voters)};
    }
    free(borders);
    free(active);
    return w.best.num > 0;
}
