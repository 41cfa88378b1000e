/* docs/CONTRACT.md, "Clocks", and clock-skew in docs/CAUSES.md. */
#include "base/civil.h"
#include "diagnose/clock.h"
#include "story_check.h"

#include <math.h>

#define NEAR 1e-6 /* seconds: what doubles of these sizes keep */

/* A stamp and the frames around it, as the test itself reckons them. */
struct span {
    double low, high;
};

static struct span span_of(int64_t stamp_ns, int64_t resolution_ns, int64_t t1_ns, int64_t t2_ns)
{
    return (struct span){.low = (double)(stamp_ns - t2_ns) / 1e9,
                         .high = (double)(stamp_ns + resolution_ns - t1_ns) / 1e9};
}

#define EXPECT_SPAN(offset_, x, y)                                                                 \
    do {                                                                                           \
        const struct offset *o_ = &(offset_);                                                      \
        cr_assert(o_->known);                                                                      \
        cr_expect(fabs(o_->low - ((y).low - (x).high)) < NEAR, "low %.6f, not %.6f", o_->low,      \
                  (y).low - (x).high);                                                             \
        cr_expect(fabs(o_->high - ((y).high - (x).low)) < NEAR, "high %.6f, not %.6f", o_->high,   \
                  (y).high - (x).low);                                                             \
        cr_expect(o_->low <= o_->value && o_->value <= o_->high);                                  \
        cr_expect_gt(o_->evidence.num, 0);                                                         \
    } while (0)

static const struct attempt_clocks *clocks_of(const struct story *s, size_t i)
{
    return &s->analysis.attempts[i]->clocks;
}

/* An error for another service: nothing but its stime matters. */
static struct span kdc_says(struct story *s, bool has_usec)
{
    KRB(s, .type = KRB_TGS_REQ, .sname = "cifs/files.example.com");
    int64_t t1 = s->now_ns;
    KRB(s, .type = KRB_ERROR_MSG, .sname = "cifs/files.example.com", .error = 7,
        .has_usec = has_usec);
    int64_t t2 = s->now_ns;
    int64_t stamp = t2 + (int64_t)(s->kdc_ahead_s * 1e9);
    int64_t resolution = has_usec ? 1000 : NS_PER_S;
    return span_of(stamp / resolution * resolution, resolution, t1, t2);
}

/* A request with a ticket and the server's answer with Date. */
static struct span server_says(struct story *s)
{
    struct talk t = talk_open(s);
    ASK(&t, .token = TOKEN_KRB);
    int64_t t1 = s->now_ns;
    ANSWER(&t, .status = 200);
    int64_t stamp = s->now_ns + (int64_t)(s->server_ahead_s * 1e9);
    return span_of(stamp / NS_PER_S * NS_PER_S, NS_PER_S, t1, s->now_ns);
}

/* ---- bounds ---- */

Test(clocks, stime_and_date_bound_the_offset)
{
    static const double aheads[] = {0, 0.7, 100, -100, 36000, -3.25};
    for (size_t i = 0; i < sizeof aheads / sizeof aheads[0]; i++) {
        struct story s;
        story_begin(&s, NULL);
        s.step_s = 0.125;
        s.server_ahead_s = aheads[i];
        struct span kdc = kdc_says(&s, false);
        struct span server = server_says(&s);
        END(&s, 1);
        EXPECT_SPAN(clocks_of(&s, 0)->kdc_to_server, kdc, server);
        cr_expect_leq(clocks_of(&s, 0)->kdc_to_server.low, aheads[i]);
        cr_expect_geq(clocks_of(&s, 0)->kdc_to_server.high, aheads[i]);
        story_free(&s);
    }
}

Test(clocks, microseconds_bound_closer)
{
    struct story s;
    story_begin(&s, NULL);
    s.kdc_ahead_s = 12.345678;
    struct span kdc = kdc_says(&s, true);
    struct span server = server_says(&s);
    END(&s, 1);
    EXPECT_SPAN(clocks_of(&s, 0)->kdc_to_server, kdc, server);
    cr_expect_lt(kdc.high - kdc.low, 0.002);
    story_free(&s);
}

Test(clocks, ntlm_time_is_the_servers)
{
    struct story s;
    story_begin(&s, NULL);
    s.server_ahead_s = -42.5;
    struct span kdc = kdc_says(&s, true);
    struct talk t = talk_open(&s);
    ASK(&t, .token = TOKEN_NTLM_1);
    int64_t t1 = s.now_ns;
    ANSWER(&t, .status = 401, .ntlm_challenge = true, .has_ntlm_time = true, .no_date = true);
    struct span server = span_of(s.now_ns - 42500 * NS_PER_MS, 100, t1, s.now_ns);
    ASK(&t, .token = TOKEN_NTLM_3);
    ANSWER(&t, .status = 200, .no_date = true);
    END(&s, 1);
    EXPECT_SPAN(clocks_of(&s, 0)->kdc_to_server, kdc, server);
    story_free(&s);
}

Test(clocks, stime_in_the_servers_token)
{
    struct story s;
    story_begin(&s, NULL);
    s.server_ahead_s = 1000.25;
    struct span kdc = kdc_says(&s, true);
    struct talk t = talk_open(&s);
    ASK(&t, .token = TOKEN_KRB);
    int64_t t1 = s.now_ns;
    ANSWER(&t, .status = 401, .krb_error = 37, .no_date = true);
    int64_t stamp = s.now_ns + 1000250 * NS_PER_MS;
    struct span server = span_of(stamp / 1000 * 1000, 1000, t1, s.now_ns);
    END(&s, 1);
    EXPECT_SPAN(clocks_of(&s, 0)->kdc_to_server, kdc, server);
    story_free(&s);
}

Test(clocks, samples_narrow_each_other)
{
    struct story s;
    story_begin(&s, NULL);
    s.step_s = 0.001;
    struct span kdc = kdc_says(&s, false);
    for (int i = 0; i < 9; i++) {
        story_wait(&s, 0.1);
        struct span more = kdc_says(&s, false);
        kdc.low = more.low > kdc.low ? more.low : kdc.low;
        kdc.high = more.high < kdc.high ? more.high : kdc.high;
    }
    struct span server = server_says(&s);
    END(&s, 1);
    EXPECT_SPAN(clocks_of(&s, 0)->kdc_to_server, kdc, server);
    cr_expect_lt(kdc.high - kdc.low, 0.15, "%f", kdc.high - kdc.low);
    story_free(&s);
}

Test(clocks, clock_that_was_set_meanwhile_counts_as_it_is_now)
{
    struct story s;
    story_begin(&s, NULL);
    s.kdc_ahead_s = 500;
    (void)kdc_says(&s, true);
    s.kdc_ahead_s = 2;
    struct span kdc = kdc_says(&s, true);
    struct span server = server_says(&s);
    END(&s, 1);
    EXPECT_SPAN(clocks_of(&s, 0)->kdc_to_server, kdc, server);
    story_free(&s);
}

Test(clocks, ctime_is_the_clients)
{
    struct story s;
    story_begin(&s, NULL);
    s.client_ahead_s = -700;
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true);
    KRB(&s, .type = KRB_ERROR_MSG, .error = 37, .has_ctime = true, .ctime_age_s = 0.01,
        .has_usec = true);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_CLOCK_SKEW, STEP_TGT);
    const struct offset *o = &clocks_of(&s, 0)->client_to_kdc;
    cr_assert(o->known);
    cr_expect_leq(o->low, 700);
    cr_expect_geq(o->high, 700);
    cr_expect_lt(o->high - o->low, 10);
    cr_expect(holds_word(s.analysis.attempts[0]->verdict.summary, "the client is 11 min"));
    cr_expect(holds_word(s.analysis.attempts[0]->verdict.summary, "behind the KDC"));
    story_free(&s);
}

Test(clocks, one_clock_is_no_offset)
{
    struct story s;
    story_begin(&s, NULL);
    (void)server_says(&s);
    END(&s, 1);
    cr_expect_not(clocks_of(&s, 0)->kdc_to_server.known);
    cr_expect_not(clocks_of(&s, 0)->client_to_kdc.known);
    cr_expect_not(clocks_of(&s, 0)->client_to_server.known);
    cr_expect_float_eq(clocks_of(&s, 0)->limit_s, SKEW_LIMIT_DEFAULT_S, NEAR);
    story_free(&s);
}

/* ---- the capture's own clock ---- */

Test(clocks, captures_clock_is_the_clients_where_it_was_taken)
{
    struct story s;
    story_begin(&s, NULL);
    s.kdc_ahead_s = 30;
    story_client_side(&s);
    struct span kdc = kdc_says(&s, true);
    struct span server = server_says(&s);
    END(&s, 1);
    cr_assert_eq(s.capture.vantage, VANTAGE_CLIENT);
    struct span none = {0};
    EXPECT_SPAN(clocks_of(&s, 0)->client_to_kdc, none, kdc);
    EXPECT_SPAN(clocks_of(&s, 0)->client_to_server, none, server);
    story_free(&s);
}

Test(clocks, captures_clock_is_nobodys_elsewhere)
{
    struct story s;
    story_begin(&s, NULL);
    s.kdc_ahead_s = s.server_ahead_s = 4000;
    story_client_side(&s);
    story_meet(&s, KDC, MP); /* a mirror port */
    (void)kdc_says(&s, true);
    (void)server_says(&s);
    END(&s, 1);
    cr_assert_eq(s.capture.vantage, VANTAGE_BETWEEN);
    cr_expect_not(clocks_of(&s, 0)->client_to_kdc.known);
    cr_expect_not(clocks_of(&s, 0)->client_to_server.known);
    cr_expect(clocks_of(&s, 0)->kdc_to_server.known);
    story_free(&s);
}

Test(clocks, unknown_zone_is_compared_with_nothing_absolute)
{
    struct story s;
    story_begin(&s, NULL);
    s.capture.info.zone = CAPTURE_ZONE_UNKNOWN;
    s.kdc_ahead_s = -7200;
    s.server_ahead_s = -7200 + 20;
    story_client_side(&s);
    struct span kdc = kdc_says(&s, true);
    struct span server = server_says(&s);
    END(&s, 1);
    cr_expect_not(clocks_of(&s, 0)->client_to_kdc.known);
    cr_expect_not(clocks_of(&s, 0)->client_to_server.known);
    EXPECT_SPAN(clocks_of(&s, 0)->kdc_to_server, kdc, server);
    story_free(&s);
}

/* ---- zone estimates ---- */

static void expect_zone(double capture_zone_s, double skew_s, bool is_estimated, int32_t estimate_s)
{
    struct story s;
    story_begin(&s, NULL);
    s.capture.info.zone = CAPTURE_ZONE_UNKNOWN;
    s.kdc_ahead_s = s.server_ahead_s = skew_s - capture_zone_s;
    (void)kdc_says(&s, false);
    (void)server_says(&s);
    (void)story_end(&s);
    cr_expect_eq(s.capture.zone_estimated, is_estimated, "%.0f", capture_zone_s);
    cr_expect(!is_estimated || s.capture.zone_estimate_s == estimate_s, "%.0f: %d", capture_zone_s,
              (int)s.capture.zone_estimate_s);
    story_free(&s);
}

Test(clocks, zone_is_the_nearest_quarter_of_an_hour)
{
    expect_zone(0, 0, true, 0);
    expect_zone(3600, 0, true, 3600);
    expect_zone(-18000, 0, true, -18000);
    expect_zone(20700, 0, true, 20700); /* +05:45 */
    expect_zone(7200, 240, true, 7200); /* a zone, not a skew */
    expect_zone(7200, -240, true, 7200);
    expect_zone(200000, 0, false, 0); /* no zone is so far from UTC */
}

Test(clocks, zone_is_what_most_clocks_say)
{
    struct story s;
    story_begin(&s, NULL);
    s.capture.info.zone = CAPTURE_ZONE_UNKNOWN;
    for (int i = 0; i < 5; i++) {
        s.server_ahead_s = i == 2 ? 90000 : -3600;
        (void)server_says(&s);
        story_wait(&s, 100);
    }
    (void)story_end(&s);
    cr_expect(s.capture.zone_estimated);
    cr_expect_eq(s.capture.zone_estimate_s, 3600);
    story_free(&s);
}

Test(clocks, known_zone_is_not_estimated)
{
    struct story s;
    story_begin(&s, NULL);
    s.kdc_ahead_s = s.server_ahead_s = 3600;
    (void)kdc_says(&s, false);
    (void)server_says(&s);
    (void)story_end(&s);
    cr_expect_not(s.capture.zone_estimated);
    cr_expect(s.capture.has_clock_offset);
    cr_expect_float_eq(s.capture.clock_offset_s, 0, NEAR);
    story_free(&s);
}

/* ---- clock-skew ---- */

Test(skew, error_37_alone_is_certain)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 401, .krb_error = 37);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_CLOCK_SKEW, STEP_ACCEPT);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_CERTAIN);
    cr_expect(holds_word(s.analysis.attempts[0]->verdict.summary, "does not show by how much"));
    story_free(&s);
}

Test(skew, not_yet_valid_is_likely)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 401, .krb_error = 33);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_CLOCK_SKEW, STEP_ACCEPT);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_LIKELY);
    story_free(&s);
}

static void refuse(struct story *s, int32_t error)
{
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = 401, .krb_error = error);
}

Test(skew, amount_and_direction_where_both_clocks_are_read)
{
    struct story s;
    story_begin(&s, NULL);
    s.server_ahead_s = 600;
    (void)kdc_says(&s, true);
    refuse(&s, 37);
    END(&s, 1);
    struct bytes summary = s.analysis.attempts[0]->verdict.summary;
    cr_expect(holds_word(summary, "the server is 10 min 0 s ahead of the KDC"), "%.*s",
              (int)summary.len, (const char *)summary.at);
    story_free(&s);

    story_begin(&s, NULL);
    s.server_ahead_s = -7200;
    (void)kdc_says(&s, true);
    refuse(&s, 37);
    END(&s, 1);
    summary = s.analysis.attempts[0]->verdict.summary;
    cr_expect(holds_word(summary, "the server is 2.0 hours behind the KDC"), "%.*s",
              (int)summary.len, (const char *)summary.at);
    story_free(&s);
}

/* The KDC says 37, and the clocks that can be read do not differ: no number is told. */
Test(skew, no_amount_from_clocks_that_agree)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_logon_error(&s, 37, 0);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_CLOCK_SKEW, STEP_TGT);
    cr_expect(holds_word(s.analysis.attempts[0]->verdict.summary, "does not show by how much"));
    cr_expect_not(clocks_of(&s, 0)->client_to_kdc.known);
    story_free(&s);
}

Test(skew, amount_from_the_clients_own_capture)
{
    struct story s;
    story_begin(&s, NULL);
    s.kdc_ahead_s = 900;
    story_client_side(&s);
    story_logon_error(&s, 37, 0);
    END(&s, 1);
    struct bytes summary = s.analysis.attempts[0]->verdict.summary;
    cr_expect(holds_word(summary, "the client is 15 min"), "%.*s", (int)summary.len,
              (const char *)summary.at);
    cr_expect(holds_word(summary, "behind the KDC"));
    cr_expect(clocks_of(&s, 0)->client_to_kdc.known);
    story_free(&s);
}

static enum cause cause_of_expired(double server_ahead_s, double limit_s, bool kdc_is_read)
{
    struct case_options options = {.skew_limit_s = limit_s};
    struct story s;
    story_begin(&s, &options);
    s.server_ahead_s = server_ahead_s;
    if (kdc_is_read) {
        (void)kdc_says(&s, true);
    }
    refuse(&s, 32);
    END(&s, 1);
    enum cause cause = s.analysis.attempts[0]->verdict.cause;
    story_free(&s);
    return cause;
}

Test(skew, expired_ticket_needs_a_measured_offset)
{
    cr_expect_eq(cause_of_expired(400, 0, true), CAUSE_CLOCK_SKEW);
    cr_expect_eq(cause_of_expired(-400, 0, true), CAUSE_CLOCK_SKEW);
    cr_expect_eq(cause_of_expired(200, 0, true), CAUSE_TICKET_EXPIRED);
    cr_expect_eq(cause_of_expired(0, 0, true), CAUSE_TICKET_EXPIRED);
    cr_expect_neq(cause_of_expired(36000, 0, false), CAUSE_CLOCK_SKEW);
}

Test(skew, limit_is_an_option)
{
    cr_expect_eq(cause_of_expired(200, 100, true), CAUSE_CLOCK_SKEW);
    cr_expect_eq(cause_of_expired(400, 500, true), CAUSE_TICKET_EXPIRED);
}

/* An offset that may lie on either side of the limit proves nothing. */
Test(skew, offset_across_the_limit_decides_nothing)
{
    struct offset across = {.known = true, .low = 299.5, .high = 300.5, .value = 300};
    struct offset beyond = {.known = true, .low = 300.5, .high = 301.5, .value = 301};
    struct offset behind = {.known = true, .low = -301.5, .high = -300.5, .value = -301};
    struct offset within = {.known = true, .low = -300, .high = 300, .value = 0};
    struct offset unknown = {.low = 400, .high = 500};
    cr_expect_not(offset_is_beyond(&across, 300));
    cr_expect_not(offset_is_within(&across, 300));
    cr_expect(offset_is_beyond(&beyond, 300));
    cr_expect(offset_is_beyond(&behind, 300));
    cr_expect(offset_is_within(&within, 300));
    cr_expect_not(offset_is_beyond(&unknown, 300));
    cr_expect_not(offset_is_within(&unknown, 300));
}

Test(skew, never_valid_needs_a_measured_offset)
{
    struct story s;
    story_begin(&s, NULL);
    story_meet(&s, CLIENT, KDC);
    story_logon_error(&s, 11, 0);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_KDC_ERROR, STEP_TGT);
    story_free(&s);
}

Test(skew, offset_above_a_fifth_of_the_limit_is_a_note)
{
    struct story s;
    story_begin(&s, NULL);
    s.server_ahead_s = 100;
    (void)kdc_says(&s, true);
    (void)server_says(&s);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    cr_expect(has_note(s.analysis.attempts[0], "ahead of the KDC's (limit 300 s)"));
    story_free(&s);

    story_begin(&s, NULL);
    s.server_ahead_s = 30;
    (void)kdc_says(&s, true);
    (void)server_says(&s);
    END(&s, 1);
    cr_expect_eq(s.analysis.attempts[0]->num_notes, 0);
    story_free(&s);
}

/* Clients correct towards the KDC: they repeat, and what counts is how it ended. */
Test(skew, mended_at_the_server)
{
    struct story s;
    story_begin(&s, NULL);
    s.server_ahead_s = 600;
    (void)kdc_says(&s, true);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 401, .krb_error = 37);
    ASK(&t, .token = TOKEN_KRB);
    ANSWER(&t, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    story_free(&s);
}
