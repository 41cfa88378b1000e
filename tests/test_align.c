/* Captures of one run taken at several places: one attempt, and the clocks' difference measured. */
#include "rewrite.h"
#include "together.h"
#include "verdicts.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MS INT64_C(1000000)
#define DELAY_S 0.0005 /* the lab's hosts are no further from each other */

/* The client's capture of a run, and what was captured of it elsewhere. */
static const struct {
    const char *client, *elsewhere;
    double ahead_s; /* the other capture's clock, as the lab set it */
} pairs[] = {
    {"success", "success.mp1", 0},
    {"success", "success.mp1-clock+600s", 600},
    {"success", "success.dc", 0},
    {"clock-skew-mp", "clock-skew-mp.mp2", 0},
    {"clock-skew-mp", "clock-skew-mp.mp2-clock-600s", -600},
    {"clock-skew-mp-behind", "clock-skew-mp-behind.mp2", 0},
};

/* 0.5 s, 7 min 12 s, -12 h, none, a year. */
static const int64_t shifts_ns[] = {500 * MS, 432000 * MS, -43200000 * MS, 0,
                                    INT64_C(31536000000) * MS};

static const uint8_t client_address[4] = {10, 77, 0, 101};
static const uint8_t outside_address[4] = {192, 0, 2, 77};

static unsigned num_bad;

static void complain(const char *pair, const char *how, const char *what)
{
    printf("%s, %s: %s\n", pair, how, what);
    num_bad++;
}

/* The verdicts must be those of the client's capture alone, and the offset as it was made. */
static void check(const char *pair, const char *how, const struct recording *client,
                  const struct recording *other, double expected_s, bool client_is_first)
{
    static struct verdicts alone, both;
    struct judgement j;
    struct together t;
    char why[400];
    const struct recording *in_order[2] = {client_is_first ? client : other,
                                           client_is_first ? other : client};
    recording_judge(client, NULL, &j);
    verdicts_of(&alone, &j.analysis);
    together_judge(in_order, 2, &t);
    verdicts_of(&both, &t.analysis);
    if (!verdicts_equal(&alone, &both, why, sizeof why)) {
        complain(pair, how, why);
    }
    const struct capture_summary *s = &t.summaries[1];
    double wanted_s = client_is_first ? -expected_s : expected_s;
    if (!s->has_clock_offset || fabs(s->clock_offset_s - wanted_s) > 0.001 + DELAY_S) {
        snprintf(why, sizeof why, "offset %f is not %f", s->clock_offset_s, wanted_s);
        complain(pair, how, why);
    }
    if (wanted_s < s->clock_offset_low_s - 1e-6 || wanted_s > s->clock_offset_high_s + 1e-6) {
        snprintf(why, sizeof why, "%f is not between %f and %f", wanted_s, s->clock_offset_low_s,
                 s->clock_offset_high_s);
        complain(pair, how, why);
    }
    together_free(&t);
    judgement_free(&j);
}

typedef void rewriting(struct recording *out, const struct recording *in);

static void as_it_is(struct recording *out, const struct recording *in)
{
    rewrite_time(out, in, 0);
}

static void translated(struct recording *out, const struct recording *in)
{
    rewrite_address(out, in, client_address, outside_address, 1111);
}

static void check_pairs(const char *how, rewriting *rewrite_other, bool client_is_first)
{
    num_bad = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct recording client, loaded, carried;
        cr_assert(recording_load_case(&client, pairs[i].client));
        cr_assert(recording_load_case(&loaded, pairs[i].elsewhere));
        rewrite_other(&carried, &loaded);
        for (size_t k = 0; k < sizeof shifts_ns / sizeof shifts_ns[0]; k++) {
            struct recording shifted;
            char text[80];
            snprintf(text, sizeof text, "%s, %+.1f s", how, (double)shifts_ns[k] / 1e9);
            rewrite_time(&shifted, &carried, shifts_ns[k]);
            check(pairs[i].elsewhere, text, &client, &shifted,
                  pairs[i].ahead_s + (double)shifts_ns[k] / 1e9, client_is_first);
            recording_free(&shifted);
        }
        recording_free(&carried);
        recording_free(&loaded);
        recording_free(&client);
    }
    fflush(stdout);
    cr_assert_eq(num_bad, 0, "%u bad", num_bad);
}

/* Goal: the offset of a shifted clock is found to 1 ms, and an attempt that two captures show is
 * one. Method: captures of one run from two places, the one shifted by known amounts. */
Test(align, a_shifted_clock_is_measured)
{
    check_pairs("as it is", as_it_is, true);
}

/* Goal: the order of the files changes nothing but whose clock is the case's. */
Test(align, the_other_capture_may_come_first)
{
    check_pairs("other first", as_it_is, false);
}

/* Goal: address translation between the two places hides nothing. Method: the client's address and
 * ports are others in the server's capture. */
Test(align, behind_address_translation)
{
    check_pairs("translated", translated, true);
    check_pairs("translated, other first", translated, false);
}

/* Goal: a mirror port's copies do not matter. */
Test(align, every_frame_twice)
{
    check_pairs("every frame twice", rewrite_duplicate, true);
}

static void split(struct recording *out, const struct recording *in)
{
    rewrite_split(out, in, 100, 0);
}

/* Goal: segments need not be cut alike at both places (offloading). */
Test(align, other_segments)
{
    check_pairs("other segments", split, true);
}

/* Goal: local times of an unknown zone are placed by another capture whose zone is known. Method:
 * the server's capture as if from a host at UTC-05:00, 40 s wrong. */
Test(align, a_zone_by_another_capture)
{
    struct recording client, other, local;
    struct together t;
    cr_assert(recording_load_case(&client, "success"));
    cr_assert(recording_load_case(&other, "success.mp1"));
    rewrite_time(&local, &other, INT64_C(-5) * 3600 * 1000 * MS + 40000 * MS);
    local.info.zone = CAPTURE_ZONE_UNKNOWN;
    const struct recording *orders[2][2] = {{&client, &local}, {&local, &client}};
    for (size_t i = 0; i < 2; i++) {
        together_judge(orders[i], 2, &t);
        cr_expect(t.summaries[1 - i].zone_estimated);
        cr_expect_eq(t.summaries[1 - i].zone_estimate_s, -5 * 3600);
        cr_expect_not(t.summaries[i].zone_estimated);
        together_free(&t);
    }
    recording_free(&local);
    recording_free(&other);
    recording_free(&client);
}

static void drop_between(struct recording *out, const struct recording *in, const uint8_t host[4])
{
    recording_init_like(out, in);
    for (size_t i = 0; i < in->num_frames; i++) {
        const struct recorded_frame *f = &in->frames[i];
        bool is_ipv4 = f->len >= 34 && f->bytes[12] == 8 && f->bytes[13] == 0;
        if (!is_ipv4 ||
            (memcmp(f->bytes + 26, host, 4) != 0 && memcmp(f->bytes + 30, host, 4) != 0)) {
            recording_add(out, f, f->bytes, f->len);
        }
    }
}

/* Goal: the KDC's leg in one capture and the server's in another make one attempt with all its
 * steps, though no message is in both. Method: the server's traffic taken out of the client's
 * capture; the ticket is all that is left in common. */
Test(align, joined_by_the_ticket_alone)
{
    static const uint8_t server[4] = {10, 77, 0, 21};
    struct recording client, kdc_leg, other, shifted;
    struct together t;
    cr_assert(recording_load_case(&client, "success"));
    cr_assert(recording_load_case(&other, "success.mp1"));
    drop_between(&kdc_leg, &client, server);
    for (size_t k = 0; k < sizeof shifts_ns / sizeof shifts_ns[0]; k++) {
        rewrite_time(&shifted, &other, shifts_ns[k]);
        const struct recording *both[2] = {&kdc_leg, &shifted};
        together_judge(both, 2, &t);
        cr_assert_eq(t.analysis.num_attempts, 1);
        const struct attempt_record *a = t.analysis.attempts[0];
        cr_expect_eq(a->outcome, OUTCOME_APPROVED);
        for (size_t i = 0; i < STEP_COUNT && k == 3; i++) {
            cr_expect_eq(a->steps[i].state, STATE_OK, "%s", step_word((enum step)i));
        }
        cr_expect_not(t.summaries[1].has_clock_offset);
        together_free(&t);
        recording_free(&shifted);
    }
    recording_free(&kdc_leg);
    recording_free(&other);
    recording_free(&client);
}
