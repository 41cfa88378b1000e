/* docs/CAUSES.md, "Never a failure by itself": stories without a cause. */
#include "story_check.h"

/* Ends the story: one attempt, approved, nothing to say of it. */
#define EXPECT_APPROVED(s)                                                                         \
    do {                                                                                           \
        END(s, 1);                                                                                 \
        EXPECT(s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);                                             \
        cr_expect_eq((s)->analysis.attempts[0]->num_also, 0);                                      \
        story_free(s);                                                                             \
    } while (0)

#define EXPECT_NOTHING(s)                                                                          \
    do {                                                                                           \
        END(s, 0);                                                                                 \
        story_free(s);                                                                             \
    } while (0)

static void begin(struct story *s)
{
    story_begin(s, NULL);
    story_client_side(s);
}

static void approve(struct story *s)
{
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = 200);
}

Test(harmless, first_401)
{
    struct story s;
    begin(&s);
    approve(&s);
    EXPECT_APPROVED(&s);
}

Test(harmless, first_407)
{
    struct story s;
    begin(&s);
    struct talk t = talk_open(&s);
    ASK(&t, .method = "GET", .path = "/");
    ANSWER(&t, .status = 407);
    ASK(&t, .token = TOKEN_PROXY_NTLM_3);
    ANSWER(&t, .status = 200);
    END(&s, 1);
    cr_expect_eq(s.analysis.attempts[0]->outcome, OUTCOME_APPROVED_NTLM);
    cr_expect_neq(s.analysis.attempts[0]->verdict.cause, CAUSE_PROXY_AUTHENTICATION);
    story_free(&s);
}

Test(harmless, probes_without_token)
{
    struct story s;
    begin(&s);
    for (int i = 0; i < 10; i++) {
        struct talk t = talk_open(&s);
        ASK(&t, .method = "GET", .path = "/SMS_MP/.sms_aut");
        ANSWER(&t, .status = 401);
        talk_fin(&t, false);
        talk_end(&t, TCP_END_CLOSED);
        story_wait(&s, 30);
    }
    EXPECT_NOTHING(&s);
}

Test(harmless, another_scheme_succeeds)
{
    struct story s;
    begin(&s);
    struct talk t = talk_open(&s);
    ASK(&t, .method = "GET", .path = "/");
    ANSWER(&t, .status = 401, .offers = "Negotiate Basic");
    ASK(&t, .token = TOKEN_BASIC);
    ANSWER(&t, .status = 200);
    EXPECT_NOTHING(&s);
}

Test(harmless, request_without_token_on_an_authenticated_connection)
{
    struct story s;
    begin(&s);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 200);
    ASK(&t, .token = TOKEN_NOTHING);
    ANSWER(&t, .status = 200);
    EXPECT_APPROVED(&s);
}

Test(harmless, changepw)
{
    struct story s;
    begin(&s);
    story_logon(&s);
    KRB(&s, .type = KRB_AS_REQ, .sname = "kadmin/changepw");
    KRB(&s, .type = KRB_ERROR_MSG, .sname = "kadmin/changepw", .error = 25);
    KRB(&s, .type = KRB_AS_REQ, .sname = "kadmin/changepw", .has_preauth = true);
    KRB(&s, .type = KRB_AS_REP, .sname = "kadmin/changepw");
    EXPECT_NOTHING(&s);
}

Test(harmless, demand_for_preauthentication)
{
    struct story s;
    begin(&s);
    story_logon(&s);
    story_ticket(&s, MP_SPN, 1);
    approve(&s);
    EXPECT_APPROVED(&s);
}

Test(harmless, one_demand_for_preauthentication_that_nothing_follows)
{
    struct story s;
    begin(&s);
    KRB(&s, .type = KRB_AS_REQ);
    KRB(&s, .type = KRB_ERROR_MSG, .error = 25);
    story_wait(&s, 30); /* somebody is typing the password */
    story_meet(&s, KDC, KDC_2);
    EXPECT_NOTHING(&s);
}

Test(harmless, too_big_for_udp)
{
    struct story s;
    begin(&s);
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true);
    KRB(&s, .type = KRB_ERROR_MSG, .error = 52);
    struct talk t = talk_open_to(&s, KDC, 88);
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true, .over = &t);
    KRB(&s, .type = KRB_AS_REP, .over = &t);
    KRB(&s, .type = KRB_TGS_REQ);
    KRB(&s, .type = KRB_ERROR_MSG, .sname = MP_SPN, .error = 52);
    struct talk u = talk_open_to(&s, KDC, 88);
    KRB(&s, .type = KRB_TGS_REQ, .over = &u);
    KRB(&s, .type = KRB_TGS_REP, .over = &u);
    approve(&s);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    cr_expect_eq(s.analysis.num_other_failures, 0, "a step of an exchange is no failure");
    story_free(&s);
}

Test(harmless, wrong_realm_and_referral_followed_by_a_ticket)
{
    struct story s;
    begin(&s);
    story_logon(&s);
    KRB(&s, .type = KRB_TGS_REQ);
    KRB(&s, .type = KRB_TGS_REP, .sname = "krbtgt/OTHER.EXAMPLE.COM");
    KRB(&s, .type = KRB_TGS_REQ, .realm = "OTHER.EXAMPLE.COM", .kdc = KDC_2);
    KRB(&s, .type = KRB_TGS_REP, .realm = "OTHER.EXAMPLE.COM", .kdc = KDC_2, .ticket = 1);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 200);
    EXPECT_APPROVED(&s);

    begin(&s);
    story_logon_error(&s, 68, 0);
    KRB(&s, .type = KRB_AS_REQ, .realm = "OTHER.EXAMPLE.COM", .has_preauth = true);
    KRB(&s, .type = KRB_AS_REP, .realm = "OTHER.EXAMPLE.COM");
    EXPECT_NOTHING(&s);
}

Test(harmless, more_preauthentication_data)
{
    struct story s;
    begin(&s);
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true);
    KRB(&s, .type = KRB_ERROR_MSG, .error = 91);
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true);
    KRB(&s, .type = KRB_AS_REP);
    END(&s, 0);
    cr_expect_eq(s.analysis.num_other_failures, 0, "a step of an exchange is no failure");
    story_free(&s);
}

/* 37 or 32 where the client repeats and succeeds: at the KDC's logon, its tickets, at the server.
 */
Test(harmless, skew_that_the_client_mends)
{
    static const int32_t codes[] = {37, 32};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct story s;
        begin(&s);
        story_logon_error(&s, codes[i], 0);
        KRB(&s, .type = KRB_AS_REQ, .has_preauth = true);
        KRB(&s, .type = KRB_AS_REP);
        EXPECT_NOTHING(&s);

        begin(&s);
        story_ticket_error(&s, MP_SPN, codes[i], 0);
        story_logon(&s);
        story_ticket(&s, MP_SPN, 1);
        approve(&s);
        EXPECT_APPROVED(&s);

        begin(&s);
        struct talk t = talk_present(&s, TOKEN_KRB);
        ANSWER(&t, .status = 401, .krb_error = codes[i]);
        ASK(&t, .token = TOKEN_KRB, .ticket = 2);
        ANSWER(&t, .status = 200);
        EXPECT_APPROVED(&s);
    }
}

Test(harmless, middle_401_of_ntlm)
{
    struct story s;
    begin(&s);
    struct talk t = talk_present(&s, TOKEN_NTLM_1);
    talk_ntlm_on(&t, 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED_NTLM, CAUSE_NTLM_WITHOUT_KERBEROS, STEP_PRESENT);
    cr_expect_null(also_of(s.analysis.attempts[0], CAUSE_NTLM_REFUSED));
    story_free(&s);
}

Test(harmless, names_that_the_attempt_does_not_need)
{
    struct story s;
    begin(&s);
    LOOK_UP(&s, .name = "_kerberos.EXAMPLE.COM", .type = DNS_URI);
    RESOLVE(&s, .name = "_kerberos.EXAMPLE.COM", .type = DNS_URI, .rcode = 3);
    LOOK_UP(&s, .name = "_kerberos._udp.EXAMPLE.COM", .type = DNS_SRV);
    RESOLVE(&s, .name = "_kerberos._udp.EXAMPLE.COM", .type = DNS_SRV, .rcode = 3);
    LOOK_UP(&s, .name = "mp.example.com.example.com");
    RESOLVE(&s, .name = "mp.example.com.example.com", .rcode = 3);
    LOOK_UP(&s, .name = MP_NAME, .type = DNS_AAAA);
    RESOLVE(&s, .name = MP_NAME, .type = DNS_AAAA);
    story_resolve(&s);
    story_logon(&s);
    story_ticket_error(&s, "cifs/files.example.com", 7, 0);
    story_ticket_error(&s, "krbtgt/NOWHERE.EXAMPLE.COM", 7, 0);
    story_ticket(&s, MP_SPN, 1);
    approve(&s);
    EXPECT_APPROVED(&s);
}

Test(harmless, missing_aaaa_without_http)
{
    struct story s;
    begin(&s);
    LOOK_UP(&s, .name = MP_NAME, .type = DNS_AAAA);
    RESOLVE(&s, .name = MP_NAME, .type = DNS_AAAA);
    story_wait(&s, 30);
    story_meet(&s, KDC, KDC_2);
    EXPECT_NOTHING(&s);
}

Test(harmless, first_of_two_dns_servers_fails)
{
    struct story s;
    begin(&s);
    LOOK_UP(&s, .server = KDC_2);
    story_wait(&s, 3);
    LOOK_UP(&s, .server = KDC);
    RESOLVE(&s, .server = KDC, .address = MP);
    approve(&s);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    cr_expect(has_note(s.analysis.attempts[0], "3.0 s"), "what it cost is worth a note");
    story_free(&s);
}

Test(harmless, first_of_two_kdcs_fails)
{
    struct story s;
    begin(&s);
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true, .nonce = 7, .kdc = KDC_2);
    story_wait(&s, 2);
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true, .nonce = 7);
    KRB(&s, .type = KRB_AS_REP);
    story_ticket(&s, MP_SPN, 1);
    approve(&s);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    cr_expect(has_note(s.analysis.attempts[0], "did not answer; another one did after 2.0 s"),
              "what it cost is worth a note");
    story_free(&s);
}

Test(harmless, first_kdc_is_unavailable)
{
    struct story s;
    begin(&s);
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true, .kdc = KDC_2);
    KRB(&s, .type = KRB_ERROR_MSG, .error = 29, .kdc = KDC_2);
    story_logon(&s);
    story_ticket(&s, MP_SPN, 1);
    approve(&s);
    EXPECT_APPROVED(&s);
}

Test(harmless, probe_for_a_users_groups)
{
    static const int32_t codes[] = {6, 25};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct story s;
        begin(&s);
        story_logon(&s);
        KRB(&s, .type = KRB_AS_REQ, .cname = "alice", .pa_type = 128);
        KRB(&s, .type = KRB_ERROR_MSG, .error = codes[i]);
        KRB(&s, .type = KRB_TGS_REQ, .sname = "host/pc01.example.com", .pa_type = 129);
        KRB(&s, .type = KRB_TGS_REP, .sname = "host/pc01.example.com");
        EXPECT_NOTHING(&s);
    }
}

Test(harmless, mistyped_password)
{
    struct story s;
    begin(&s);
    story_logon_error(&s, 24, 0);
    story_logon_error(&s, 24, 0);
    story_logon(&s);
    END(&s, 0);
    cr_assert_geq(s.analysis.num_other_failures, 1);
    cr_expect_eq(s.analysis.other_failures[0].cause, CAUSE_PREAUTH_FAILED);
    story_free(&s);
}

Test(harmless, cached_ticket)
{
    struct story s;
    begin(&s);
    approve(&s);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    cr_expect_eq(s.analysis.attempts[0]->steps[STEP_TICKET].state, STATE_NOT_NEEDED);
    cr_expect_eq(s.analysis.attempts[0]->steps[STEP_TGT].state, STATE_NOT_NEEDED);
    story_free(&s);
}

Test(harmless, clocks_that_differ)
{
    struct story s;
    begin(&s);
    s.kdc_ahead_s = 4000;
    s.server_ahead_s = -4000;
    story_logon(&s);
    story_ticket(&s, MP_SPN, 1);
    approve(&s);
    EXPECT_APPROVED(&s);
}

/* One lost frame makes nothing unreachable; a capture that ends at once simply ends. */
Test(harmless, one_lost_answer)
{
    struct story s;
    begin(&s);
    LOOK_UP(&s, .name = MP_NAME);
    story_wait(&s, 1.5);
    EXPECT_NOTHING(&s);

    begin(&s);
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true);
    story_wait(&s, 1.5);
    EXPECT_NOTHING(&s);

    begin(&s);
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true);
    story_wait(&s, 20); /* its answer was lost: the client asks for a ticket next */
    KRB(&s, .type = KRB_TGS_REQ, .sname = "cifs/files.example.com");
    KRB(&s, .type = KRB_TGS_REP, .sname = "cifs/files.example.com");
    EXPECT_NOTHING(&s);

    begin(&s);
    story_resolve(&s);
    struct talk t = talk_syn(&s, MP, 80);
    story_wait(&s, 1.5);
    talk_end(&t, TCP_END_CAPTURE);
    EXPECT_NOTHING(&s);
}

/* ICMP that says no more than that a packet was too large, or after which the capture ends while
 * another KDC may be asked. */
Test(harmless, icmp_that_proves_nothing)
{
    struct story s;
    begin(&s);
    s.icmp_code = 4;
    KRB(&s, .type = KRB_AS_REQ);
    story_icmp(&s, story_endpoint(CLIENT, 53088), story_endpoint(KDC, 88), 17);
    story_wait(&s, 5);
    story_meet(&s, KDC, KDC_2);
    EXPECT_NOTHING(&s);

    begin(&s);
    s.icmp_code = 13;
    KRB(&s, .type = KRB_AS_REQ);
    story_icmp(&s, story_endpoint(CLIENT, 53088), story_endpoint(KDC, 88), 17);
    EXPECT_NOTHING(&s);

    begin(&s);
    s.icmp_code = 13;
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true, .nonce = 7, .kdc = KDC_2);
    story_icmp(&s, story_endpoint(CLIENT, 53088), story_endpoint(KDC_2, 88), 17);
    KRB(&s, .type = KRB_AS_REQ, .has_preauth = true, .nonce = 7);
    KRB(&s, .type = KRB_AS_REP);
    story_ticket(&s, MP_SPN, 1);
    approve(&s);
    EXPECT_APPROVED(&s);
}

/* Asked twice within a second and a half: who asks may still be waiting when the capture ends. */
Test(harmless, capture_that_ends_within_two_seconds)
{
    struct story s;
    begin(&s);
    LOOK_UP(&s, .name = MP_NAME);
    story_wait(&s, 1.2);
    LOOK_UP(&s, .name = MP_NAME);
    story_wait(&s, 0.5);
    EXPECT_NOTHING(&s);

    begin(&s);
    KRB(&s, .type = KRB_AS_REQ, .nonce = 42);
    story_wait(&s, 1.2);
    KRB(&s, .type = KRB_AS_REQ, .nonce = 42);
    story_wait(&s, 0.5);
    EXPECT_NOTHING(&s);

    begin(&s);
    story_resolve(&s);
    struct talk t = talk_syn(&s, MP, 80);
    story_wait(&s, 1.2);
    talk_syn_again(&t);
    story_wait(&s, 0.5);
    talk_end(&t, TCP_END_CAPTURE);
    EXPECT_NOTHING(&s);
}

Test(harmless, acknowledged_bytes_that_were_not_captured)
{
    struct story s;
    begin(&s);
    struct talk t = talk_present(&s, TOKEN_KRB);
    talk_ack(&t);
    t.tcp.acked_unseen[1] = true;
    story_wait(&s, 6);
    talk_fin(&t, false);
    talk_end(&t, TCP_END_CAPTURE);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_INCOMPLETE, CAUSE_CAPTURE_INCOMPLETE, STEP_ACCEPT);
    story_free(&s);
}
