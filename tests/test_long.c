/* Goal: a capture that goes on for long after a failure gives the verdict that the short one gives:
 * attempts are judged when they are idle, long before their connections' last word. Method: every
 * case that ends in silence, the client's end of the connection taken away, with other traffic of
 * another network every 20 s behind it.
 */
#include "recording.h"
#include "verdicts.h"

#include "base/civil.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define GOES_ON_S 1200
#define EVERY_S 20
#define TICK_LEN 46

/* An Ethernet frame with a UDP datagram of two hosts that nothing else speaks of. */
static const uint8_t tick[TICK_LEN] = {
    0x02, 0,  0,   0,  0,   0x71, 0x02, 0,  0,    0,    0,    0x72, 0x08, 0x00, /* MACs, IPv4 */
    0x45, 0,  0,   32, 0,   1,    0,    0,  64,   17,   0,    0,                /* RFC 791 3.1 */
    198,  51, 100, 71, 198, 51,   100,  72, 0x9c, 0x40, 0x9c, 0x41, 0,    12,   0, 0,
};

static void go_on(struct recording *r)
{
    const struct recorded_frame last = r->frames[r->num_frames - 1];
    for (int i = 1; i <= GOES_ON_S / EVERY_S; i++) {
        struct recorded_frame *f = recording_add(r, &last, tick, sizeof tick);
        f->time_ns = last.time_ns + (int64_t)i * EVERY_S * NS_PER_S;
        f->original_len = sizeof tick;
    }
    recording_renumber(r);
}

static void expect_same(const char *name, size_t num_frames)
{
    struct recording r;
    struct judgement before, after;
    struct verdicts short_ones, long_ones;
    char why[300];
    cr_assert(recording_load_case(&r, name));
    cr_assert_leq(num_frames, r.num_frames);
    for (size_t i = num_frames; num_frames > 0 && i < r.num_frames; i++) {
        free(r.frames[i].bytes);
    }
    r.num_frames = num_frames > 0 ? num_frames : r.num_frames;
    recording_judge(&r, NULL, &before);
    verdicts_of(&short_ones, &before.analysis);
    if (num_frames > 0) { /* nothing but time shows that no reply comes */
        short_ones.lines[0].outcome = OUTCOME_FAILED;
        short_ones.lines[0].cause = CAUSE_MP_NO_REPLY;
        short_ones.lines[0].step = STEP_ACCEPT;
    }
    go_on(&r);
    recording_judge(&r, NULL, &after);
    verdicts_of(&long_ones, &after.analysis);
    cr_expect(verdicts_equal(&short_ones, &long_ones, why, sizeof why), "%s: %s", name, why);
    judgement_free(&before);
    judgement_free(&after);
    recording_free(&r);
}

Test(long_captures, keep_the_verdicts_of_silence)
{
    static const char *const names[] = {
        "mp-hang",         "mp-no-reply-anonymous", "mp-large-dropped", "mp-large-lost",
        "kdc-unreachable", "dns-timeout",           "mp-timeout"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        expect_same(names[i], 0);
    }
}

/* The client waits and says nothing more: 34 frames, to the acknowledgement of its token. */
Test(long_captures, connection_that_stays_open)
{
    expect_same("mp-hang", 34);
}

/* Goal: a time that nobody can have meant is no trouble, wherever it stands. Method: the extremes
 * in place of each frame's. */
Test(long_captures, times_that_cannot_be)
{
    static const char *const names[] = {"spn-missing",  "clock-skew-mp", "kdc-unreachable",
                                        "dns-timeout",  "referral-loop", "mp-hang",
                                        "ntlm-fallback"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        struct recording r;
        cr_assert(recording_load_case(&r, names[n]));
        for (size_t i = 0; i < r.num_frames; i++) {
            int64_t kept = r.frames[i].time_ns;
            for (int k = 0; k < 2; k++) {
                struct judgement j;
                r.frames[i].time_ns = k == 0 ? INT64_MIN : INT64_MAX;
                recording_judge(&r, NULL, &j);
                judgement_free(&j);
            }
            r.frames[i].time_ns = kept;
        }
        recording_free(&r);
    }
}
