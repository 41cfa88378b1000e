/* docs/CONTRACT.md, "What an attempt is", sentence by sentence: where an attempt begins
 * and ends, and its outcome. */
#include "story_check.h"

/* An approval over Kerberos: 401, token, 200. */
static struct talk approve(struct story *s)
{
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = 200);
    return t;
}

Test(boundaries, several_anonymous_requests_are_one_attempt)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    for (int i = 0; i < 3; i++) {
        struct talk t = talk_open(&s);
        ASK(&t, .host = MP_NAME);
        ANSWER(&t, .status = 401);
        ASK(&t, .host = MP_NAME);
        ANSWER(&t, .status = 401);
        story_wait(&s, 5);
    }
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_NO_CREDENTIALS_SENT, STEP_PRESENT);
    cr_expect_eq(s.analysis.attempts[0]->num_connections, 3);
    story_free(&s);
}

Test(boundaries, host_is_compared_without_case)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    ASK(&t, .host = "mp.example.com");
    ANSWER(&t, .status = 401);
    ASK(&t, .host = "MP.Example.COM", .token = TOKEN_KRB);
    ANSWER(&t, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    story_free(&s);
}

Test(boundaries, without_host_the_servers_address_counts)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open_to(&s, MP, 80);
    ASK(&t, .host = "");
    ANSWER(&t, .status = 401);
    struct talk u = talk_open_to(&s, MP_2, 80);
    ASK(&u, .host = "", .token = TOKEN_KRB);
    ANSWER(&u, .status = 200);
    ASK(&t, .host = "", .token = TOKEN_KRB);
    ANSWER(&t, .status = 200);
    END(&s, 2);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    EXPECT(&s, 1, OUTCOME_APPROVED, CAUSE_NONE, 0);
    cr_expect_eq(s.analysis.attempts[0]->num_connections, 1);
    cr_expect_eq(s.analysis.attempts[0]->server.address.octets[3], 21);
    cr_expect_eq(s.analysis.attempts[1]->server.address.octets[3], 22);
    story_free(&s);
}

Test(boundaries, another_host_path_or_client_is_another_attempt)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    ASK(&t, .host = "one.example.com", .token = TOKEN_KRB);
    ANSWER(&t, .status = 401);
    struct talk u = talk_open(&s);
    ASK(&u, .host = "two.example.com", .token = TOKEN_KRB);
    ANSWER(&u, .status = 401);
    struct talk v = talk_open(&s);
    ASK(&v, .host = "one.example.com", .path = "/sms_mp_windowsauth/x", .token = TOKEN_KRB);
    ANSWER(&v, .status = 401);
    s.client = CLIENT_2;
    struct talk w = talk_open(&s);
    ASK(&w, .host = "one.example.com", .token = TOKEN_KRB);
    ANSWER(&w, .status = 401);
    END(&s, 4);
    story_free(&s);
}

/* The next request starts within 60 s of the last event: it goes on; later: a new one. */
static size_t attempts_after_pause(double seconds)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    ASK(&t, .token = TOKEN_KRB);
    ANSWER(&t, .status = 401);
    story_wait(&s, seconds);
    ASK(&t, .token = TOKEN_KRB);
    ANSWER(&t, .status = 200);
    size_t num = story_end(&s)->num_attempts;
    cr_expect_str_eq(s.flaw, "", "%s", s.flaw);
    story_free(&s);
    return num;
}

Test(boundaries, gap_of_60_s)
{
    cr_expect_eq(attempts_after_pause(59.9), 1);
    cr_expect_eq(attempts_after_pause(60 - 0.001), 1); /* and the step: exactly 60 s */
    cr_expect_eq(attempts_after_pause(60.1), 2);
    cr_expect_eq(attempts_after_pause(119), 2);
    cr_expect_eq(attempts_after_pause(200), 2); /* the first was judged meanwhile */
}

Test(boundaries, attempt_goes_on_over_connections)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401);
    talk_fin(&t, false);
    talk_fin(&t, true);
    talk_end(&t, TCP_END_CLOSED);
    story_wait(&s, 2);
    struct talk u = talk_open(&s);
    ASK(&u, .token = TOKEN_KRB);
    ANSWER(&u, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    cr_expect_eq(s.analysis.attempts[0]->num_connections, 2);
    story_free(&s);
}

Test(boundaries, tokenless_2xx_on_the_authenticated_connection_is_counted)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = approve(&s);
    for (int i = 0; i < 3; i++) {
        ASK(&t, .token = TOKEN_NOTHING);
        ANSWER(&t, .status = 200);
    }
    ASK(&t, .method = "GET", .path = "/elsewhere");
    ANSWER(&t, .status = 204);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    cr_expect(has_note(s.analysis.attempts[0], "4 further requests"));
    cr_expect_eq(s.analysis.by_outcome[OUTCOME_ACCEPTED_ANONYMOUS], 0);
    story_free(&s);
}

Test(boundaries, token_after_2xx_starts_a_new_attempt)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = approve(&s);
    ASK(&t, .token = TOKEN_KRB);
    ANSWER(&t, .status = 200);
    END(&s, 2);
    EXPECT(&s, 1, OUTCOME_APPROVED, CAUSE_NONE, 0);
    story_free(&s);
}

Test(boundaries, demand_after_2xx_starts_a_new_attempt)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = approve(&s);
    ASK(&t, .token = TOKEN_NOTHING);
    ANSWER(&t, .status = 401);
    ASK(&t, .token = TOKEN_KRB);
    ANSWER(&t, .status = 401);
    END(&s, 2);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    EXPECT(&s, 1, OUTCOME_REFUSED, CAUSE_TICKET_REFUSED, STEP_ACCEPT);
    story_free(&s);
}

Test(boundaries, in_flight_on_two_connections_are_two_attempts)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    struct talk u = talk_open(&s);
    ASK(&t, .token = TOKEN_KRB);
    ASK(&u, .token = TOKEN_KRB);
    ANSWER(&t, .status = 200);
    ANSWER(&u, .status = 401);
    END(&s, 2);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    EXPECT(&s, 1, OUTCOME_REFUSED, CAUSE_TICKET_REFUSED, STEP_ACCEPT);
    story_free(&s);
}

Test(boundaries, retry_after_a_reset_is_the_same_attempt)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    ASK(&t, .token = TOKEN_KRB);
    talk_reset(&t, true);
    story_wait(&s, 1);
    struct talk u = talk_open(&s);
    ASK(&u, .token = TOKEN_KRB);
    ANSWER(&u, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    story_free(&s);
}

Test(boundaries, retry_after_a_time_out_is_the_same_attempt)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    ASK(&t, .token = TOKEN_KRB);
    talk_ack(&t);
    story_wait(&s, 30);
    talk_fin(&t, false);
    talk_end(&t, TCP_END_CLOSED);
    struct talk u = talk_open(&s);
    ASK(&u, .token = TOKEN_KRB);
    ANSWER(&u, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    story_free(&s);
}

Test(boundaries, token_after_a_refused_token_goes_on)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 401, .krb_error = 37);
    ASK(&t, .token = TOKEN_KRB);
    ANSWER(&t, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    story_free(&s);
}

Test(boundaries, request_without_token_after_a_refused_token_is_new)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 401);
    ASK(&t, .token = TOKEN_NOTHING);
    ANSWER(&t, .status = 401);
    ASK(&t, .token = TOKEN_KRB);
    ANSWER(&t, .status = 200);
    END(&s, 2);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_TICKET_REFUSED, STEP_ACCEPT);
    EXPECT(&s, 1, OUTCOME_APPROVED, CAUSE_NONE, 0);
    story_free(&s);
}

Test(boundaries, middle_of_ntlm_is_no_refusal)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_NTLM_1);
    ANSWER(&t, .status = 401, .ntlm_challenge = true, .has_neg_state = true,
           .neg_state = NEG_STATE_ACCEPT_INCOMPLETE);
    ASK(&t, .token = TOKEN_NTLM_3);
    ANSWER(&t, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED_NTLM, CAUSE_NTLM_INSTEAD_OF_KERBEROS, STEP_PRESENT);
    cr_expect_eq(s.analysis.attempts[0]->authenticated_by, BY_NTLM);
    cr_expect(s.analysis.attempts[0]->verdict.is_note);
    story_free(&s);
}

Test(boundaries, idle_attempts_are_judged_while_the_capture_goes_on)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_KRB);
    talk_ack(&t);
    talk_fin(&t, true);
    for (int i = 0; i < 20; i++) {
        story_wait(&s, 10);
        story_meet(&s, KDC, KDC_2);
    }
    ANSWER(&t, .status = 200); /* too late */
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_MP_NO_REPLY, STEP_ACCEPT);
    story_free(&s);
}

Test(outcomes, accepted_anonymous_from_the_syn_only)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    ASK(&t, .token = TOKEN_NOTHING);
    ANSWER(&t, .status = 200);
    s.client = CLIENT_2;
    struct talk u = talk_joined(&s);
    ASK(&u, .token = TOKEN_NOTHING);
    ANSWER(&u, .status = 200);
    END(&s, 2);
    EXPECT(&s, 0, OUTCOME_ACCEPTED_ANONYMOUS, CAUSE_ANONYMOUS_ACCEPTED, STEP_CHALLENGE);
    EXPECT(&s, 1, OUTCOME_INCOMPLETE, CAUSE_CAPTURE_INCOMPLETE, STEP_PRESENT);
    story_free(&s);
}

Test(outcomes, accepted_anonymous_needs_a_whole_connection)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_open(&s);
    talk_gap(&t, 0);
    ASK(&t, .token = TOKEN_NOTHING);
    ANSWER(&t, .status = 200);
    END(&s, 1);
    cr_expect_eq(s.analysis.attempts[0]->outcome, OUTCOME_INCOMPLETE);
    story_free(&s);
}

Test(outcomes, forbidden_after_and_before_a_token)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 403);
    s.client = CLIENT_2;
    struct talk u = talk_open(&s);
    ASK(&u, .token = TOKEN_NOTHING);
    ANSWER(&u, .status = 403);
    END(&s, 2);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_MP_FORBIDDEN, STEP_ACCEPT);
    EXPECT(&s, 1, OUTCOME_FAILED, CAUSE_MP_FORBIDDEN, STEP_ACCEPT);
    story_free(&s);
}

Test(outcomes, proxys_demand_is_a_refusal)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_PROXY_NTLM_3);
    ANSWER(&t, .status = 407);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_PROXY_AUTHENTICATION, STEP_CHALLENGE);
    story_free(&s);
}

Test(outcomes, ends_without_access)
{
    static const unsigned statuses[] = {400, 404, 405, 410, 500, 501, 502, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        for (int with_token = 0; with_token < 2; with_token++) {
            struct story s;
            story_begin(&s, NULL);
            struct talk t = talk_open(&s);
            ASK(&t, .token = with_token == 1 ? TOKEN_KRB : TOKEN_NOTHING);
            ANSWER(&t, .status = statuses[i]);
            END(&s, 1);
            cr_expect_eq(s.analysis.attempts[0]->outcome, OUTCOME_FAILED, "%u", statuses[i]);
            cr_expect(s.analysis.attempts[0]->has_verdict, "%u", statuses[i]);
            story_free(&s);
        }
    }
}

Test(outcomes, other_token_that_is_let_in)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_ODD);
    ANSWER(&t, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    cr_expect_eq(s.analysis.attempts[0]->authenticated_by, BY_OTHER);
    story_free(&s);
}

Test(outcomes, first_401_at_the_captures_end_is_incomplete)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    struct talk t = talk_open(&s);
    ASK(&t, .token = TOKEN_NOTHING);
    ANSWER(&t, .status = 401);
    story_wait(&s, 9);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_INCOMPLETE, CAUSE_CAPTURE_INCOMPLETE, STEP_PRESENT);
    story_free(&s);
}

Test(outcomes, first_401_that_is_never_answered_is_a_refusal)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    struct talk t = talk_open(&s);
    ASK(&t, .token = TOKEN_NOTHING);
    ANSWER(&t, .status = 401);
    story_wait(&s, 11);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_NO_CREDENTIALS_SENT, STEP_PRESENT);
    story_free(&s);
}

Test(outcomes, request_at_the_captures_end_is_incomplete)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_KRB);
    talk_ack(&t);
    story_wait(&s, 1);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_INCOMPLETE, CAUSE_CAPTURE_INCOMPLETE, STEP_ACCEPT);
    story_free(&s);
}

Test(outcomes, client_option_selects)
{
    const char *clients[] = {CLIENT_2};
    struct case_options options = {.clients = clients, .num_clients = 1};
    struct story s;
    story_begin(&s, &options);
    approve(&s);
    s.client = CLIENT_2;
    approve(&s);
    END(&s, 1);
    cr_expect_eq(s.analysis.attempts[0]->client.address.octets[3], 102);
    cr_expect_eq(s.analysis.attempts[0]->id, 1);
    story_free(&s);
}

Test(outcomes, attempts_are_numbered_by_time)
{
    struct story s;
    story_begin(&s, NULL);
    struct talk t = talk_present(&s, TOKEN_KRB);
    s.client = CLIENT_2;
    approve(&s);
    ANSWER(&t, .status = 401);
    END(&s, 2);
    cr_expect_eq(s.analysis.attempts[0]->id, 1);
    cr_expect_eq(s.analysis.attempts[1]->id, 2);
    cr_expect_lt(s.analysis.attempts[0]->first_time_ns, s.analysis.attempts[1]->first_time_ns);
    cr_expect_eq(s.analysis.by_outcome[OUTCOME_REFUSED], 1);
    cr_expect_eq(s.analysis.by_outcome[OUTCOME_APPROVED], 1);
    cr_expect_eq(s.analysis.by_cause[CAUSE_TICKET_REFUSED], 1);
    story_free(&s);
}
