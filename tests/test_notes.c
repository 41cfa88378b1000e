/* docs/CAUSES.md, "Notes worth printing beside a verdict": a story each, and one without the thing.
 */
#include "story_check.h"

#include <string.h>

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

/* Goal: connections to KDCs that fail before one succeeds are told with their time. Method: a SYN
 * refused and one without answer, then a connection; the connection alone. */
Test(notes, several_kdcs_tried_over_tcp)
{
    for (int fails = 0; fails < 2; fails++) {
        struct story s;
        begin(&s);
        if (fails) {
            struct talk refused = talk_syn(&s, KDC_2, 88);
            talk_refused(&refused);
            talk_end(&refused, TCP_END_CLOSED);
            struct talk silent = talk_syn(&s, MP_2, 88);
            story_wait(&s, 2);
            talk_end(&silent, TCP_END_CAPTURE);
        }
        struct talk t = talk_open_to(&s, KDC, 88);
        KRB(&s, .type = KRB_TGS_REQ, .over = &t);
        KRB(&s, .type = KRB_TGS_REP, .over = &t, .ticket = 1);
        cr_expect_eq(ends_with_note(&s, 18, "cost the client 2.0 s in all"), fails);
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

/* Goal: an unusual error of a ticket request points somewhere. Method: each of them, and one that
 * has a cause of its own. */
Test(notes, unusual_errors_have_a_hint)
{
    static const struct {
        int32_t code;
        const char *hint;
    } cases[] = {{13, "delegate"},
                 {26, "another server or realm"},
                 {35, "another server or realm"},
                 {36, "locates"},
                 {6, "Windows Authorization Access Group"},
                 {93, "armoring"},
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

/* Goal: unusual errors of a logon have their own hints, not those of a ticket request. Method: a
 * few of both. */
Test(notes, unusual_errors_of_a_logon_have_a_hint)
{
    static const struct {
        int32_t code;
        const char *hint;
        bool is_told;
    } cases[] = {{21, "not valid yet", true},
                 {93, "armoring", true},
                 {10, "compare the clocks", true},
                 {13, "delegate", false},
                 {6, "Windows Authorization", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct story s;
        begin(&s);
        story_logon_error(&s, cases[i].code, 0);
        story_wait(&s, 3);
        cr_expect_eq(fails_with_note(&s, cases[i].hint), cases[i].is_told, "%zu", i);
    }
}

/* Goal: a server that asks for authentication over and over on one connection is told, one that
 * asks once a connection is not. Method: two requests on one connection, each challenged, each with
 * a token at once; and on two connections. */
Test(notes, authenticated_again_and_again)
{
    for (int i = 0; i < 3; i++) {
        struct story s;
        begin(&s);
        struct talk t = talk_present(&s, TOKEN_KRB);
        ANSWER(&t, .status = 200);
        if (i == 2) {
            t = talk_open(&s);
        }
        if (i != 1) {
            ASK(&t, .token = TOKEN_NOTHING);
            ANSWER(&t, .status = 401);
        }
        ASK(&t, .token = TOKEN_KRB);
        ANSWER(&t, .status = 200);
        END(&s, 2);
        cr_expect_not(has_note(s.analysis.attempts[0], "authPersistNonNTLM"));
        cr_expect_eq(has_note(s.analysis.attempts[1], "authPersistNonNTLM"), i != 2, "%d", i);
        EXPECT(&s, 1, OUTCOME_APPROVED, CAUSE_NONE, 0);
        story_free(&s);
    }
}

/* Goal: a handshake of NTLM that is parted over two connections is told. Method: the last message
 * on the connection of the challenge, and on another. */
Test(notes, ntlm_over_two_connections)
{
    for (int is_parted = 0; is_parted < 2; is_parted++) {
        struct story s;
        begin(&s);
        struct talk t = talk_present(&s, TOKEN_NTLM_1);
        ANSWER(&t, .status = 401, .ntlm_challenge = true);
        struct talk u = is_parted ? talk_open(&s) : t;
        ASK(&u, .token = TOKEN_NTLM_3);
        ANSWER(&u, .status = 401);
        cr_expect_eq(fails_with_note(&s, "another connection than the challenge"), is_parted);
    }
}

/* Goal: fragments that may be lost are told beside a KDC that is silent, or that knows none of
 * several services. Method: ticket requests of one frame and of three: unanswered; answered 7, for
 * one service and for two; two refused and a third one issued. */
Test(notes, requests_in_fragments)
{
    enum { SILENT, ONE, TWO, TWO_AND_ISSUED, CASES };
    for (unsigned i = 0; i < 2 * CASES; i++) {
        const unsigned kind = i / 2, num_frames = i % 2 == 1 ? 3 : 1;
        struct story s;
        begin(&s);
        if (kind == TWO_AND_ISSUED) {
            story_ticket(&s, "cifs/files.example.com", 8);
        }
        struct talk t = talk_open(&s);
        ASK(&t, .token = TOKEN_NOTHING);
        ANSWER(&t, .status = 401);
        for (unsigned k = 0; kind == SILENT && k < 3; k++) {
            KRB(&s, .type = KRB_TGS_REQ, .nonce = 77, .num_frames = num_frames);
            story_wait(&s, 2);
        }
        if (kind >= TWO) {
            story_ticket_error(&s, "ldap/dc.example.com", 7, 0);
        }
        if (kind != SILENT) {
            KRB(&s, .type = KRB_TGS_REQ, .num_frames = num_frames);
            KRB(&s, .type = KRB_ERROR_MSG, .sname = MP_SPN, .error = 7);
        }
        ASK(&t, .token = TOKEN_NTLM_1);
        talk_ntlm_on(&t, 401);
        bool is_told = num_frames > 1 && (kind == SILENT || kind == TWO);
        cr_expect_eq(fails_with_note(&s, "MaxPacketSize"), is_told, "%u", i);
    }
}

/* Goal: what the server's own name says of a ticket that it cannot decrypt. Method: a PTR record of
 * its address, and the name in its NTLM challenge, equal to the ticket's and not; a refusal for
 * another reason. */
Test(notes, the_servers_own_name)
{
    static const struct {
        const char *pointer, *computer;
        int32_t error;
        const char *said; /* NULL: nothing */
    } cases[] = {
        {"node2.example.com", NULL, 41, "the A record leads to the wrong host"},
        {MP_NAME, NULL, 41, "it is the right host"},
        {NULL, "node2.example.com", 41, "the A record leads to the wrong host"},
        {NULL, "MP", 41, "it is the right host"},
        {NULL, "node2.example.com", 0, "the A record leads to the wrong host"},
        {"node2.example.com", "node2.example.com", 37, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct story s;
        begin(&s);
        if (cases[i].pointer != NULL) {
            static const char question[] = "21.2.0.192.in-addr.arpa";
            LOOK_UP(&s, .name = question, .type = DNS_PTR);
            RESOLVE(&s, .name = question, .type = DNS_PTR, .target = cases[i].pointer);
        }
        struct talk t = talk_present(&s, TOKEN_KRB);
        ANSWER(&t, .status = 401, .krb_error = cases[i].error);
        if (cases[i].computer != NULL) {
            ASK(&t, .token = TOKEN_NTLM_1);
            ANSWER(&t, .status = 401, .ntlm_challenge = true, .computer = cases[i].computer);
            ASK(&t, .token = TOKEN_NTLM_3);
            ANSWER(&t, .status = 401);
        }
        bool found = fails_with_note(&s, cases[i].said == NULL ? "host." : cases[i].said);
        cr_expect_eq(found, cases[i].said != NULL, "%zu", i);
    }
}

/* Goal: channel binding is named where TLS ends in front of the server and the refusal has no other
 * reason. Method: with and without the proxy's header, with and without an error token. */
Test(notes, tls_ends_in_front_of_the_server)
{
    for (int i = 0; i < 4; i++) {
        const bool is_behind_tls = i % 2 == 1;
        const int32_t error = i < 2 ? 0 : 41;
        struct story s;
        begin(&s);
        struct talk t = talk_open(&s);
        ASK(&t, .token = TOKEN_NOTHING);
        ANSWER(&t, .status = 401);
        ASK(&t, .token = TOKEN_KRB, .is_behind_tls = is_behind_tls);
        ANSWER(&t, .status = 401, .krb_error = error);
        cr_expect_eq(fails_with_note(&s, "Extended Protection"), is_behind_tls && error == 0, "%d",
                     i);
    }
}

/* Goal: slow DNS is told with its time, one question or several. Method: an answer after 3 s, and
 * after a moment. */
Test(notes, slow_dns)
{
    static const double waits[] = {3, 0.5};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        struct story s;
        begin(&s);
        LOOK_UP(&s, .name = MP_NAME);
        story_wait(&s, waits[i]);
        RESOLVE(&s, .address = MP);
        cr_expect_eq(ends_with_note(&s, 18, "DNS took 3.0 s and 1 query to answer"), i == 0);
    }
}

/* Does the analysis have that note of the whole case? */
static bool has_case_note(const struct story *s, const char *id)
{
    for (size_t i = 0; i < s->analysis.num_notes; i++) {
        if (strcmp(s->analysis.notes[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* Goal: a capture with a snap length, and one with frames in it twice, are told as such. Method: a
 * duplicate; frames that the reader counted as cut; neither. */
Test(notes, flaws_of_the_capture)
{
    for (int i = 0; i < 3; i++) {
        struct story s;
        begin(&s);
        struct talk t = talk_present(&s, TOKEN_KRB);
        if (i == 1) {
            story_duplicate(&s);
        }
        ANSWER(&t, .status = 200);
        s.capture.info.drops[CAPTURE_DROP_FRAME_CUT] = i == 2 ? 7 : 0;
        END(&s, 1);
        EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
        cr_expect_eq(has_case_note(&s, "duplicated-frames"), i == 1);
        cr_expect_eq(has_case_note(&s, "frames-cut"), i == 2);
        story_free(&s);
    }
}
