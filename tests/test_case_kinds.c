/* docs/CONTRACT.md, "What an attempt is": what HTTP opens an attempt of which kind. */
#include "story_check.h"

Test(kinds, ccm_post_to_a_windowsauth_path_whatever_the_status)
{
    static const unsigned statuses[] = {200, 401, 403, 404, 405, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct story s;
        story_begin(&s, NULL);
        struct talk t = talk_open(&s);
        ASK(&t, .path = "/SMS_MP_WindowsAuth/request");
        ANSWER(&t, .status = statuses[i]);
        END(&s, 1);
        EXPECT_KIND(&s, 0, KIND_CCM_APPROVAL);
        cr_expect(bytes_is(s.analysis.attempts[0]->method, "CCM_POST"));
        story_free(&s);
    }
}

Test(kinds, registration_elsewhere_is_windowsauth_not_used)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    ASK(&t, .path = CCM_REQUEST, .is_registration = true);
    ANSWER(&t, .status = 200);
    ASK(&t, .path = CCM_REQUEST); /* everyday */
    ANSWER(&t, .status = 200);
    END(&s, 1);
    EXPECT_KIND(&s, 0, KIND_CCM_APPROVAL);
    EXPECT(&s, 0, OUTCOME_ACCEPTED_ANONYMOUS, CAUSE_WINDOWSAUTH_NOT_USED, STEP_CHALLENGE);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_LIKELY);
    story_free(&s);
}

Test(kinds, the_only_post_elsewhere_is_possible)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    ASK(&t, .path = CCM_REQUEST);
    ANSWER(&t, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_ACCEPTED_ANONYMOUS, CAUSE_WINDOWSAUTH_NOT_USED, STEP_CHALLENGE);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_POSSIBLE);
    story_free(&s);
}

Test(kinds, everyday_posts_are_no_attempts)
{
    struct story s;
    story_begin(&s, NULL);
    for (int i = 0; i < 4; i++) {
        struct talk t = talk_open(&s);
        ASK(&t, .path = CCM_REQUEST);
        ANSWER(&t, .status = 200);
        talk_fin(&t, false);
        talk_end(&t, TCP_END_CLOSED);
        story_wait(&s, i % 2 == 0 ? 30 : 400);
    }
    END(&s, 0);
    story_free(&s);
}

static void refuse_then_post_elsewhere(struct story *s, unsigned status)
{
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = status);
    story_wait(s, 3);
    struct talk u = talk_open(s);
    ASK(&u, .path = CCM_REQUEST, .is_registration = true);
    ANSWER(&u, .status = 200);
}

Test(kinds, post_elsewhere_after_a_failure_is_its_fallback)
{
    struct story s;
    story_begin(&s, NULL);
    refuse_then_post_elsewhere(&s, 401);
    uint32_t fallback = s.frame - 1;
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_TICKET_REFUSED, STEP_ACCEPT);
    const struct attempt_record *a = s.analysis.attempts[0];
    cr_expect(has_note(a, "registered, not approved"));
    bool is_event = false;
    for (size_t i = 0; i < a->num_events; i++) {
        is_event = is_event || a->events[i].frame == fallback;
    }
    cr_expect(is_event, "the fallback is no event");
    story_free(&s);
}

Test(kinds, fallback_changes_no_outcome)
{
    struct story s;
    story_begin(&s, NULL);
    refuse_then_post_elsewhere(&s, 503);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_MP_UNAVAILABLE, STEP_ACCEPT);
    cr_expect(has_note(s.analysis.attempts[0], "registered, not approved"));
    story_free(&s);
}

Test(kinds, post_elsewhere_after_a_success_is_no_fallback)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_NTLM_1);
    talk_ntlm_on(&t, 200);
    struct talk u = talk_open(&s);
    ASK(&u, .path = CCM_REQUEST);
    ANSWER(&u, .status = 200);
    ASK(&u, .path = CCM_REQUEST);
    ANSWER(&u, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED_NTLM, CAUSE_NTLM_INSTEAD_OF_KERBEROS, STEP_PRESENT);
    cr_expect_not(has_note(s.analysis.attempts[0], "registered, not approved"));
    story_free(&s);
}

Test(kinds, late_fallback_is_no_attempt_either)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 401);
    story_wait(&s, 500);
    struct talk u = talk_open(&s);
    ASK(&u, .path = CCM_REQUEST, .is_registration = true);
    ANSWER(&u, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_TICKET_REFUSED, STEP_ACCEPT);
    story_free(&s);
}

Test(kinds, other_http_with_negotiate_is_http_negotiate)
{
    static const unsigned statuses[] = {200, 204, 302, 304, 404, 410};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct story s;
        story_begin(&s, NULL);
        struct talk t = talk_open(&s);
        ASK(&t, .method = "GET", .path = "/report", .token = TOKEN_KRB);
        ANSWER(&t, .status = statuses[i]);
        END(&s, 1);
        EXPECT_KIND(&s, 0, KIND_HTTP_NEGOTIATE);
        EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
        cr_expect_eq(s.analysis.attempts[0]->authenticated_by, BY_KERBEROS);
        story_free(&s);
    }
}

Test(kinds, other_http_that_is_not_let_in)
{
    static const struct {
        unsigned status;
        enum outcome outcome;
    } rows[] = {{401, OUTCOME_REFUSED},
                {403, OUTCOME_REFUSED},
                {407, OUTCOME_REFUSED},
                {500, OUTCOME_FAILED},
                {503, OUTCOME_FAILED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct story s;
        story_begin(&s, NULL);
        struct talk t = talk_open(&s);
        ASK(&t, .method = "GET", .path = "/report", .token = TOKEN_KRB);
        ANSWER(&t, .status = rows[i].status);
        END(&s, 1);
        cr_expect_eq(s.analysis.attempts[0]->outcome, rows[i].outcome, "%u", rows[i].status);
        cr_expect_eq(s.analysis.attempts[0]->authenticated_by, BY_NOBODY);
        story_free(&s);
    }
}

Test(kinds, offers_alone_are_counted_elsewhere)
{
    struct story s;
    story_begin(&s, NULL);
    for (int i = 0; i < 3; i++) {
        struct talk t = talk_open(&s);
        ASK(&t, .method = "GET", .path = "/probe");
        ANSWER(&t, .status = 401);
        story_wait(&s, 100);
    }
    END(&s, 0);
    cr_assert_eq(s.analysis.num_other_failures, 1);
    cr_expect(holds_word(s.analysis.other_failures[0].summary, "3 offers"));
    story_free(&s);
}

Test(kinds, anonymous_clients_are_no_attempt)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    ASK(&t, .method = "GET", .path = "/");
    ANSWER(&t, .status = 200);
    ASK(&t, .method = "GET", .path = "/missing");
    ANSWER(&t, .status = 404);
    ASK(&t, .method = "GET", .path = "/basic");
    ANSWER(&t, .status = 401, .offers = "Basic");
    ASK(&t, .method = "GET", .path = "/basic", .token = TOKEN_BASIC);
    ANSWER(&t, .status = 200);
    END(&s, 0);
    story_free(&s);
}
