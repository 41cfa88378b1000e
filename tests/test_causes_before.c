/* NTLM, and what the client had learned of Kerberos before it used it. docs/CAUSES.md. */
#include "story_check.h"

/* Presents a ticket that is refused, goes on with NTLM, which gets that status. */
static void ntlm_after_ticket(struct story *s, int32_t error, unsigned status)
{
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = 401, .krb_error = error);
    ASK(&t, .token = TOKEN_NTLM_1);
    talk_ntlm_on(&t, status);
}

/* Goal: what became of the ticket is the cause, whatever NTLM does then; NTLM refused is told
 * beside it. Method: each error of a server, seen from the client and from the server, with NTLM
 * refused and let in. */
Test(causes, ntlm_after_a_refused_ticket)
{
    static const struct {
        int32_t error;
        enum cause cause;
    } cases[] = {
        {41, CAUSE_SERVICE_KEY_MISMATCH}, {44, CAUSE_SERVICE_KEY_STALE}, {34, CAUSE_REPLAY},
        {37, CAUSE_CLOCK_SKEW},           {33, CAUSE_CLOCK_SKEW},        {0, CAUSE_TICKET_REFUSED},
    };
    for (size_t i = 0; i < 4 * sizeof cases / sizeof cases[0]; i++) {
        enum cause cause = cases[i / 4].cause;
        bool is_let_in = i % 2 == 1, is_at_client = i / 2 % 2 == 1;
        struct story s;
        story_begin(&s, NULL);
        if (is_at_client) {
            story_client_side(&s);
        } else {
            story_meet(&s, CLIENT, MP);
        }
        ntlm_after_ticket(&s, cases[i / 4].error, is_let_in ? 200 : 401);
        END(&s, 1);
        EXPECT(&s, 0, is_let_in ? OUTCOME_APPROVED_NTLM : OUTCOME_REFUSED, cause, STEP_ACCEPT);
        const struct attempt_record *a = s.analysis.attempts[0];
        cr_expect_eq(a->verdict.is_note, is_let_in);
        cr_expect_eq(also_of(a, CAUSE_NTLM_REFUSED) != NULL, !is_let_in);
        cr_expect_null(also_of(a, CAUSE_NTLM_WITHOUT_KERBEROS));
        cr_expect_null(also_of(a, CAUSE_NTLM_INSTEAD_OF_KERBEROS));
        cr_expect_eq(a->steps[STEP_ACCEPT].state, is_let_in ? STATE_OK : STATE_FAILED);
        story_free(&s);
    }
}

/* Goal: what ends the attempt otherwise is its cause, not the ticket that was refused before.
 * Method: 503 to the NTLM that follows. */
Test(causes, another_end_after_a_refused_ticket)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    ntlm_after_ticket(&s, 41, 503);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_MP_UNAVAILABLE, STEP_ACCEPT);
    story_free(&s);
}

/* Goal: a ticket that is taken in the end was never refused for good. Method: refused, then another
 * one accepted. */
Test(causes, a_later_ticket_mends_it)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 401, .krb_error = 44);
    ASK(&t, .token = TOKEN_KRB, .ticket = 2, .kvno = 4);
    ANSWER(&t, .status = 200);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    story_free(&s);
}

/* Goal: a client that the KDC told that there is no such name does not ask again for a while, and
 * the name is why; not after an hour, for another name, or for another client. Method: error 7 and
 * NTLM, then NTLM alone. */
Test(causes, a_missing_name_explains_the_next_attempts)
{
    static const struct {
        const char *client, *host;
        double pause_s;
        bool is_explained;
    } cases[] = {
        {CLIENT, MP_NAME, 5, true},     {CLIENT, MP_NAME, 800, true},
        {CLIENT, MP_NAME, 1000, false}, {CLIENT, "mp3.example.com", 5, false},
        {CLIENT_2, MP_NAME, 5, false},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        bool is_let_in = i % 2 == 1, is_explained = cases[i / 2].is_explained;
        unsigned status = is_let_in ? 200 : 401;
        struct story s;
        story_begin(&s, NULL);
        story_client_side(&s);
        story_meet(&s, CLIENT_2, KDC);
        story_ticket_error(&s, MP_SPN, 7, 0);
        story_ntlm(&s, MP_NAME, status);
        story_wait(&s, cases[i / 2].pause_s);
        s.client = cases[i / 2].client;
        story_ntlm(&s, cases[i / 2].host, status);
        END(&s, 2);
        enum outcome outcome = is_let_in ? OUTCOME_APPROVED_NTLM : OUTCOME_REFUSED;
        EXPECT(&s, 0, outcome, CAUSE_SPN_MISSING, STEP_TICKET);
        EXPECT(&s, 1, outcome, is_explained ? CAUSE_SPN_MISSING : CAUSE_NTLM_WITHOUT_KERBEROS,
               is_explained ? STEP_TICKET : STEP_PRESENT);
        const struct attempt_record *a = s.analysis.attempts[1];
        cr_expect_eq(a->verdict.is_note, is_let_in);
        cr_expect_eq(also_of(a, CAUSE_NTLM_REFUSED) != NULL, !is_let_in);
        cr_expect_eq(a->steps[STEP_TICKET].state == STATE_FAILED, is_explained);
        story_free(&s);
    }
}

/* Goal: a client without a TGT has none for the next server either; one that has logged on since
 * has. Method: a locked account or a silent KDC and NTLM, then NTLM to the same and to another
 * server; a logon in between. */
Test(causes, a_failed_logon_explains_the_next_attempts)
{
    for (int i = 0; i < 8; i++) {
        const bool is_locked = i % 2 == 1, is_other = i / 2 % 2 == 1, logs_on = i / 4 == 1;
        struct story s;
        story_begin(&s, NULL);
        story_client_side(&s);
        if (is_locked) {
            story_logon_error(&s, 18, 0xC0000234);
        }
        for (int k = 0; !is_locked && k < 3; k++) {
            KRB(&s, .type = KRB_TGS_REQ, .nonce = 5);
            story_wait(&s, 2);
        }
        story_ntlm(&s, MP_NAME, 200);
        story_wait(&s, 5);
        if (logs_on) {
            story_logon(&s);
        }
        story_ntlm(&s, is_other ? "mp2.example.com" : MP_NAME, 200);
        END(&s, 2);
        enum cause cause = is_locked ? CAUSE_CLIENT_LOCKED_OUT : CAUSE_KDC_UNREACHABLE;
        enum step step = is_locked ? STEP_TGT : STEP_REACH_KDC;
        EXPECT(&s, 0, OUTCOME_APPROVED_NTLM, cause, step);
        EXPECT(&s, 1, OUTCOME_APPROVED_NTLM, logs_on ? CAUSE_NTLM_WITHOUT_KERBEROS : cause,
               logs_on ? STEP_PRESENT : step);
        story_free(&s);
    }
}

/* Goal: a ticket that was refused is why the client's next attempt, by NTLM, is none by Kerberos;
 * not one of another client, another server, or long ago. Method: a cached ticket refused, then a
 * request without a token and NTLM, which is an attempt of its own. */
Test(causes, a_refusal_explains_the_next_attempt)
{
    static const struct {
        const char *client, *server, *host;
        double pause_s;
        bool is_explained;
    } cases[] = {
        {CLIENT, MP, MP_NAME, 5, true},
        {CLIENT, MP, MP_NAME, 90, false},
        {CLIENT_2, MP, MP_NAME, 5, false},
        {CLIENT, MP_2, "mp2.example.com", 5, false},
        {CLIENT, MP, "mp2.example.com", 5, false},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        bool is_let_in = i % 2 == 1;
        struct story s;
        story_begin(&s, NULL);
        story_client_side(&s);
        story_meet(&s, CLIENT_2, KDC);
        struct talk t = talk_present(&s, TOKEN_KRB);
        ANSWER(&t, .status = 401, .krb_error = 41);
        story_wait(&s, cases[i / 2].pause_s);
        s.client = cases[i / 2].client;
        s.server = cases[i / 2].server;
        story_ntlm(&s, cases[i / 2].host, is_let_in ? 200 : 401);
        END(&s, 2);
        bool is_explained = cases[i / 2].is_explained;
        EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_SERVICE_KEY_MISMATCH, STEP_ACCEPT);
        EXPECT(&s, 1, is_let_in ? OUTCOME_APPROVED_NTLM : OUTCOME_REFUSED,
               is_explained ? CAUSE_SERVICE_KEY_MISMATCH : CAUSE_NTLM_WITHOUT_KERBEROS,
               is_explained ? STEP_ACCEPT : STEP_PRESENT);
        const struct attempt_record *a = s.analysis.attempts[1];
        cr_expect_eq(a->verdict.is_note, is_let_in);
        cr_expect_eq(also_of(a, CAUSE_NTLM_REFUSED) != NULL, !is_let_in);
        story_free(&s);
    }
}

/* Goal: 403 is no refused ticket, and another host's refusal is not this one's, even at one
 * address. Method: the first attempt is refused, the second is let in by NTLM. */
Test(causes, refusal_of_another_kind_or_host)
{
    for (size_t i = 0; i < 2; i++) {
        struct story s;
        story_begin(&s, NULL);
        story_client_side(&s);
        struct talk t = talk_present(&s, TOKEN_KRB);
        ANSWER(&t, .status = i == 0 ? 403 : 401, .krb_error = i == 0 ? 0 : 41);
        talk_fin(&t, false);
        story_wait(&s, 2);
        story_ntlm(&s, i == 0 ? MP_NAME : "other.example.com", 200);
        END(&s, 2);
        EXPECT(&s, 1, OUTCOME_APPROVED_NTLM, CAUSE_NTLM_WITHOUT_KERBEROS, STEP_PRESENT);
        story_free(&s);
    }
}
