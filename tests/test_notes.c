/* docs/CAUSES.md, "Notes worth printing beside a verdict": a story each, and one without the thing.
 */
#include "story_check.h"

static void begin(struct story *s)
{
    story_begin(s, NULL);
    story_client_side(s);
}

/* Presents a ticket, is let in; does the attempt have that note? */
static bool ends_with_note(struct story *s, int32_t etype, const char *word)
{
    struct talk t = talk_open(s);
    ASK(&t, .token = TOKEN_NOTHING);
    ANSWER(&t, .status = 401);
    ASK(&t, .token = TOKEN_KRB, .ticket_etype = etype);
    ANSWER(&t, .status = 200);
    END(s, 1);
    EXPECT(s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    bool found = has_note(s->analysis.attempts[0], word);
    story_free(s);
    return found;
}

/* Goal: a weak ticket is told, and whether the client would have taken a better one. Method: ask
 * for the ticket with RC4 alone and with AES. */
Test(notes, rc4_while_aes_was_offered)
{
    struct story s;
    begin(&s);
    story_logon(&s);
    KRB(&s, .type = KRB_TGS_REQ, .etypes = {18, 17, 23});
    KRB(&s, .type = KRB_TGS_REP, .ticket = 1);
    cr_expect(ends_with_note(&s, 23, "although the client offered AES"));

    begin(&s);
    story_logon(&s);
    KRB(&s, .type = KRB_TGS_REQ, .etypes = {23});
    KRB(&s, .type = KRB_TGS_REP, .ticket = 1);
    cr_expect_not(ends_with_note(&s, 23, "although the client offered AES"));

    begin(&s);
    cr_expect(ends_with_note(&s, 23, "RC4"), "a cached ticket too");
    begin(&s);
    cr_expect_not(ends_with_note(&s, 18, "RC4"));
}

/* Goal: a slow KDC is named with its time. Method: answer after 3 s, and after a moment. */
Test(notes, slow_kdc)
{
    static const double waits[] = {3, 0.5};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        struct story s;
        begin(&s);
        story_logon(&s);
        KRB(&s, .type = KRB_TGS_REQ);
        story_wait(&s, waits[i]);
        KRB(&s, .type = KRB_TGS_REP, .ticket = 1);
        cr_expect_eq(ends_with_note(&s, 18, "took 3.0 s to answer"), waits[i] > 1);
    }
}

/* Goal: useless questions are told, those for a short name are none. Method: the full name with a
 * suffix behind it that does not exist, twice. */
Test(notes, useless_suffixes)
{
    struct story s;
    begin(&s);
    LOOK_UP(&s, .name = "mp.example.com.example.com");
    RESOLVE(&s, .name = "mp.example.com.example.com", .rcode = 3);
    LOOK_UP(&s, .name = "mp.example.com.lab.example.com");
    RESOLVE(&s, .name = "mp.example.com.lab.example.com", .rcode = 3);
    story_resolve(&s);
    cr_expect(ends_with_note(&s, 18, "2 useless questions to DNS"));

    begin(&s);
    LOOK_UP(&s, .name = "mp.example.computer.test");
    RESOLVE(&s, .name = "mp.example.computer.test", .rcode = 3);
    story_resolve(&s);
    cr_expect_not(ends_with_note(&s, 18, "useless"), "another name");
}

/* Goal: clocks that drift apart are told before they fail. Method: a KDC 100 s ahead of all, and 30
 * s, with a limit of 300 s. */
Test(notes, clocks_above_a_fifth_of_the_limit)
{
    static const double ahead[] = {100, 30};
    for (size_t i = 0; i < sizeof ahead / sizeof ahead[0]; i++) {
        struct story s;
        begin(&s);
        s.kdc_ahead_s = ahead[i];
        story_logon(&s);
        story_ticket(&s, MP_SPN, 1);
        cr_expect_eq(ends_with_note(&s, 18, "The server's clock is"), ahead[i] > 60);
    }
}

/* Goal: nobody takes 2xx for approval. Method: let a registration in by NTLM, and by Kerberos. */
Test(notes, success_is_no_proof_of_approval)
{
    struct story s;
    begin(&s);
    struct talk t = talk_present(&s, TOKEN_NTLM_1);
    talk_ntlm_on(&t, 200);
    END(&s, 1);
    cr_expect(has_note(s.analysis.attempts[0], "no proof of approval"));
    story_free(&s);

    begin(&s);
    cr_expect_not(ends_with_note(&s, 18, "no proof of approval"));
}

/* Does a failed attempt, told by the caller so far, have that note? */
static bool fails_with_note(struct story *s, const char *word)
{
    END(s, 1);
    bool found = has_note(s->analysis.attempts[0], word);
    cr_expect_str_eq(s->flaw, "");
    story_free(s);
    return found;
}

/* Goal: an unusual error of a ticket request points somewhere. Method: each of the four, and one
 * that has a cause of its own. */
Test(notes, unusual_errors_have_a_hint)
{
    static const struct {
        int32_t code;
        const char *hint;
    } cases[] = {{13, "delegate"},
                 {26, "another server or realm"},
                 {35, "another server or realm"},
                 {36, "locates"},
                 {7, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct story s;
        begin(&s);
        story_logon(&s);
        struct talk t = talk_open(&s);
        ASK(&t, .token = TOKEN_NOTHING);
        ANSWER(&t, .status = 401);
        story_ticket_error(&s, MP_SPN, cases[i].code, 0);
        ASK(&t, .token = TOKEN_NTLM_1);
        talk_ntlm_on(&t, 401);
        bool found = fails_with_note(&s, cases[i].hint == NULL ? "check" : cases[i].hint);
        cr_expect_eq(found, cases[i].hint != NULL, "%zu", i);
    }
}

/* Goal: NTLM from a host to itself is told apart. Method: refuse it to another host and to itself.
 */
Test(notes, loopback)
{
    for (int is_same = 0; is_same < 2; is_same++) {
        struct story s;
        begin(&s);
        s.client = is_same ? MP : CLIENT;
        struct talk t = talk_present(&s, TOKEN_NTLM_1);
        talk_ntlm_on(&t, 401);
        cr_expect_eq(fails_with_note(&s, "BackConnectionHostNames"), is_same);
    }
}

/* Goal: a token that is sent again and again and never arrives points to the path. Method: the same
 * silence with and without segments that were sent again. */
Test(notes, large_packets_are_lost)
{
    for (unsigned resent = 0; resent < 4; resent += 3) {
        struct story s;
        begin(&s);
        struct talk t = talk_open(&s);
        ASK(&t, .token = TOKEN_NOTHING);
        ANSWER(&t, .status = 401);
        ASK(&t, .token = TOKEN_KRB);
        t.tcp.num_resent[0] = resent;
        story_wait(&s, 20);
        talk_end(&t, TCP_END_CLOSED);
        cr_expect_eq(fails_with_note(&s, "(MTU)"), resent == 3);
    }
}

/* Goal: a TGT of a read-only domain controller is told beside error 7. Method: the number of its
 * key with and without the high half that only such a controller sets. */
Test(notes, tgt_of_a_read_only_kdc)
{
    static const uint32_t kvnos[] = {0x10003, 0xffff};
    for (size_t i = 0; i < sizeof kvnos / sizeof kvnos[0]; i++) {
        struct story s;
        begin(&s);
        KRB(&s, .type = KRB_AS_REQ, .has_preauth = true);
        KRB(&s, .type = KRB_AS_REP, .kvno = kvnos[i], .ticket = 1);
        struct talk t = talk_open(&s);
        ASK(&t, .token = TOKEN_NOTHING);
        ANSWER(&t, .status = 401);
        story_ticket_error(&s, MP_SPN, 7, 0);
        ASK(&t, .token = TOKEN_NTLM_1);
        talk_ntlm_on(&t, 401);
        cr_expect_eq(fails_with_note(&s, "read-only"), i == 0);
    }
}
