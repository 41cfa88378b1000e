/* Clocks that can be read on the wire, and their differences (docs: REFERENCE 4.9 facts).
 *
 *      request seen at t1 ──►         A reply stamped s lies between them, so
 *      ◄── reply seen at t2           clock - capture is in [s - t2, s + resolution - t1].
 */
#ifndef KRBSCOPE_DIAGNOSE_CLOCK_H
#define KRBSCOPE_DIAGNOSE_CLOCK_H

#include "diagnose/reading.h"

#define CLOCK_EVIDENCE_MAX 4

/* A host's clock minus the capture's, as an interval in seconds. */
struct clock_span {
    bool known;
    double low, high;
    const struct moment *evidence[CLOCK_EVIDENCE_MAX];
    size_t num_evidence;
};

struct clocks {
    struct clock_span kdc, server, client; /* against the capture's clock */
};

/* Reads the clocks of one view, and adds samples to its capture's zone estimate. */
void clocks_read(const struct view *v, struct clocks *out);

/* clock(y) - clock(x) as an offset with evidence in the arena; unknown when one of them is. */
struct offset clock_offset(const struct clock_span *x, const struct clock_span *y,
                           struct arena *arena);

/* The same against the capture's own clock. */
struct offset clock_offset_of_capture(const struct clock_span *y, struct arena *arena);

/* Is it known to be beyond, or within, the limit? Both false: unknown, or the interval straddles.
 */
bool offset_is_beyond(const struct offset *o, double limit_s);
bool offset_is_within(const struct offset *o, double limit_s);

#endif
