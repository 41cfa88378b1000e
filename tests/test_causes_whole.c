/* Causes that need the whole case, and findings beside the verdict. docs/CAUSES.md. */
#include "story_check.h"

/* ---- causes that need the whole case ---- */

static void present(struct story *s, const char *client, const char *server, uint32_t kvno,
                    int32_t error)
{
    s->client = client;
    s->server = server;
    struct talk t = talk_open(s);
    ASK(&t, .token = TOKEN_KRB, .kvno = kvno, .ticket = kvno);
    if (error == 0) {
        ANSWER(&t, .status = 200);
    } else {
        ANSWER(&t, .status = 401, .krb_error = error);
    }
}

Test(causes, one_node_of_several)
{
    struct story s;
    story_begin(&s, NULL);
    present(&s, CLIENT, MP, 3, 0);
    present(&s, CLIENT_2, MP_2, 3, 41);
    END(&s, 2);
    EXPECT(&s, 0, OUTCOME_APPROVED, CAUSE_NONE, 0);
    EXPECT(&s, 1, OUTCOME_REFUSED, CAUSE_NLB_KEY_MISMATCH, STEP_ACCEPT);
    cr_expect_eq(s.analysis.by_cause[CAUSE_NLB_KEY_MISMATCH], 1);
    cr_expect_eq(s.analysis.by_cause[CAUSE_SERVICE_KEY_MISMATCH], 0);
    story_free(&s);
}

/* Goal: the node that refuses is named by all that tells it from the other one. Method: an attempt
 * that is accepted, then one that is refused; on the latter's connection the server may name itself
 * in an NTLM challenge. */
Test(causes, node_is_named)
{
    static const struct {
        const char *server, *computer;
        uint8_t adapters[2]; /* last octet of the accepting and the refusing one; 0: not known */
        const char *said;    /* NULL: nothing */
    } cases[] = {
        {MP_2, NULL, {0, 0}, "by another, " MP_2 ": the nodes"},
        {MP_2, "mp2.example.com", {0, 0}, "by another, mp2.example.com at " MP_2 ": the nodes"},
        {MP_2, NULL, {7, 9}, "by another, " MP_2 ": the nodes"},
        {MP, NULL, {7, 9}, "by another, with MAC address 02:00:00:00:00:09: the nodes"},
        {MP, "MP2", {7, 9}, "by another, MP2 with MAC address 02:00:00:00:00:09: the nodes"},
        {MP, "MP2", {7, 7}, "by another, MP2: the nodes"},
        {MP, NULL, {7, 7}, "by another: the nodes"},
        {MP, NULL, {0, 9}, "by another: the nodes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct story s;
        story_begin(&s, NULL);
        for (int refuses = 0; refuses < 2; refuses++) {
            uint8_t adapter = cases[i].adapters[refuses];
            s.client = refuses ? CLIENT_2 : CLIENT;
            s.server = refuses ? cases[i].server : MP;
            struct talk t = talk_open(&s);
            t.tcp.hardware[1] = (struct hardware_address){.known = adapter != 0,
                                                          .octets = {2, 0, 0, 0, 0, adapter}};
            if (refuses && cases[i].computer != NULL) {
                ASK(&t, .token = TOKEN_NTLM_1);
                ANSWER(&t, .status = 401, .ntlm_challenge = true, .computer = cases[i].computer);
            }
            ASK(&t, .token = TOKEN_KRB, .kvno = 3, .ticket = 1);
            ANSWER(&t, .status = refuses ? 401 : 200, .krb_error = refuses ? 41 : 0);
        }
        END(&s, 2);
        EXPECT(&s, 1, OUTCOME_REFUSED, CAUSE_NLB_KEY_MISMATCH, STEP_ACCEPT);
        const struct finding *f = &s.analysis.attempts[1]->verdict;
        cr_expect(holds_word(f->summary, cases[i].said), "%zu: %.*s", i, (int)f->summary.len,
                  (const char *)f->summary.at);
        bool is_named = false;
        for (size_t k = 0; k < f->evidence.num; k++) {
            is_named = is_named || holds_word(f->evidence.at[k].why, "names itself");
        }
        cr_expect_eq(is_named, cases[i].computer != NULL);
        story_free(&s);
    }
}

/* Goal: a header that only the refusing server has so names it, one that both have so does not.
 * Method: an attempt that is accepted and one that is refused behind one address, with headers. */
Test(causes, node_is_named_by_its_headers)
{
    static const struct {
        struct answer_words accepts, refuses;
        const char *said;
    } cases[] = {
        {{.node = "MP1"}, {.node = "MP2"}, "by another, with X-Server-Name: MP2: the nodes"},
        {{.node = NULL}, {.node = "MP2"}, "by another, with X-Server-Name: MP2: the nodes"},
        {{.node = "LB"}, {.node = "LB"}, "by another: the nodes"},
        {{.node = "LB"},
         {.node = "LB", .server = "Microsoft-IIS/8.5"},
         "by another, with Server: Microsoft-IIS/8.5: the nodes"},
        {{.powered_by = "ASP.NET"},
         {.powered_by = "PHP/8.2"},
         "by another, with X-Powered-By: PHP/8.2: the nodes"},
        {{.powered_by = "ASP.NET"}, {.powered_by = NULL}, "by another: the nodes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct story s;
        story_begin(&s, NULL);
        for (int refuses = 0; refuses < 2; refuses++) {
            struct answer_words w = refuses ? cases[i].refuses : cases[i].accepts;
            w.status = refuses ? 401 : 200;
            w.krb_error = refuses ? 41 : 0;
            s.client = refuses ? CLIENT_2 : CLIENT;
            struct talk t = talk_open(&s);
            ASK(&t, .token = TOKEN_KRB, .kvno = 3, .ticket = 1);
            talk_response(&t, &w);
        }
        END(&s, 2);
        EXPECT(&s, 1, OUTCOME_REFUSED, CAUSE_NLB_KEY_MISMATCH, STEP_ACCEPT);
        const struct finding *f = &s.analysis.attempts[1]->verdict;
        cr_expect(holds_word(f->summary, cases[i].said), "%zu: %.*s", i, (int)f->summary.len,
                  (const char *)f->summary.at);
        story_free(&s);
    }
}

Test(causes, an_older_key_than_another_clients)
{
    struct story s;
    story_begin(&s, NULL);
    present(&s, CLIENT, MP, 4, 0);
    present(&s, CLIENT_2, MP, 3, 41);
    END(&s, 2);
    EXPECT(&s, 1, OUTCOME_REFUSED, CAUSE_SERVICE_KEY_STALE, STEP_ACCEPT);
    story_free(&s);
}

Test(causes, a_newer_key_is_not_stale)
{
    struct story s;
    story_begin(&s, NULL);
    present(&s, CLIENT, MP, 3, 0);
    present(&s, CLIENT_2, MP, 4, 41);
    END(&s, 2);
    EXPECT(&s, 1, OUTCOME_REFUSED, CAUSE_SERVICE_KEY_MISMATCH, STEP_ACCEPT);
    story_free(&s);
}

/* ---- what goes to `also` ---- */

Test(causes, refused_ntlm_goes_to_also)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_ticket_error(&s, MP_SPN, 7, 0);
    story_ntlm(&s, MP_NAME, 401);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_SPN_MISSING, STEP_TICKET);
    cr_expect_not_null(also_of(s.analysis.attempts[0], CAUSE_NTLM_REFUSED));
    cr_expect_not_null(also_of(s.analysis.attempts[0], CAUSE_SPN_DUPLICATE));
    story_free(&s);
}

Test(causes, refused_ntlm_without_kerberos_goes_to_also)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_ntlm(&s, MP_NAME, 401);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_NTLM_WITHOUT_KERBEROS, STEP_PRESENT);
    cr_expect_not_null(also_of(s.analysis.attempts[0], CAUSE_NTLM_REFUSED));
    story_free(&s);
}

/* approved-ntlm always has a verdict, a note: why Kerberos was not used. */
Test(causes, ntlm_success_always_has_a_note)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_ticket(&s, MP_SPN, 1); /* the ticket was there, and NTLM was used all the same */
    story_ntlm(&s, MP_NAME, 200);
    END(&s, 1);
    const struct attempt_record *a = s.analysis.attempts[0];
    cr_expect_eq(a->outcome, OUTCOME_APPROVED_NTLM);
    cr_assert(a->has_verdict);
    cr_expect(a->verdict.is_note);
    cr_expect_not(holds_word(a->verdict.summary, "failed"));
    story_free(&s);
}

/* NTLM's middle 401 is no refusal, even where the client leaves it there. */
Test(causes, handshake_left_in_its_middle)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    struct talk t = talk_present(&s, TOKEN_NTLM_1);
    ANSWER(&t, .status = 401, .ntlm_challenge = true);
    story_wait(&s, 11);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_NTLM_WITHOUT_KERBEROS, STEP_PRESENT);
    cr_expect_null(also_of(s.analysis.attempts[0], CAUSE_NTLM_REFUSED));
    story_free(&s);
}

/* Goal: a ticket asked for in advance is its own host's, though another attempt ends in between.
 * Method: two hosts' tickets asked for at once and refused each in its way, then a request to the
 * one and to the other. */
Test(causes, tickets_for_two_hosts_asked_for_at_once)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_ticket_error(&s, MP_SPN, 7, 0);
    story_ticket_error(&s, "HTTP/mp2.example.com", 14, 0);
    story_ntlm(&s, MP_NAME, 401);
    story_wait(&s, 2);
    s.server = MP_2;
    story_ntlm(&s, "mp2.example.com", 401);
    END(&s, 2);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_SPN_MISSING, STEP_TICKET);
    EXPECT(&s, 1, OUTCOME_REFUSED, CAUSE_SERVICE_ETYPE_UNSUPPORTED, STEP_TICKET);
    cr_expect_eq(s.analysis.num_other_failures, 0);
    story_free(&s);
}

/* Goal: what a client goes on to ask in vain after its last request is that attempt's, and hides
 * nothing of the next one. Method: error 7 before and after the last 401; later the same client
 * finds no KDC. */
Test(causes, a_ticket_asked_for_again_in_vain)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    struct talk t = talk_open(&s);
    for (int i = 0; i < 2; i++) {
        ASK(&t, .token = TOKEN_NOTHING);
        ANSWER(&t, .status = 401);
        story_ticket_error(&s, MP_SPN, 7, 0);
        story_ticket_error(&s, MP_SPN, 7, 0);
    }
    story_wait(&s, 200);
    t = talk_open(&s);
    ASK(&t, .token = TOKEN_NOTHING);
    ANSWER(&t, .status = 401);
    for (int i = 0; i < 4; i++) {
        story_arp(&s, KDC_2, false);
        story_wait(&s, 1);
    }
    story_wait(&s, 11);
    END(&s, 2);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_SPN_MISSING, STEP_TICKET);
    EXPECT(&s, 1, OUTCOME_REFUSED, CAUSE_KDC_UNREACHABLE, STEP_REACH_KDC);
    story_free(&s);
}

/* Goal: an answer of which the capture does not show the reason is told as that, not as one that is
 * missing. Method: 400 before and after a token that is not long. */
Test(causes, an_answer_without_a_reason)
{
    for (int has_token = 0; has_token < 2; has_token++) {
        struct story s;
        story_begin(&s, NULL);
        struct talk t = talk_open(&s);
        ASK(&t, .token = has_token ? TOKEN_KRB : TOKEN_NOTHING);
        ANSWER(&t, .status = 400);
        END(&s, 1);
        EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_CAPTURE_INCOMPLETE,
               has_token ? STEP_ACCEPT : STEP_CHALLENGE);
        cr_expect(holds_word(s.analysis.attempts[0]->verdict.summary, "answered 400"));
        story_free(&s);
    }
}

/* Goal: a host that is named as absolute, by a dot at its end, is the host of the ticket and of
 * DNS. Method: such a Host header, and error 7 for the name without the dot. */
Test(causes, a_dot_at_the_end_of_the_host)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    story_resolve(&s);
    struct talk t = talk_open(&s);
    ASK(&t, .host = MP_NAME ".");
    ANSWER(&t, .status = 401);
    story_ticket_error(&s, MP_SPN, 7, 0);
    ASK(&t, .token = TOKEN_NTLM_1);
    talk_ntlm_on(&t, 401);
    END(&s, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_SPN_MISSING, STEP_TICKET);
    const struct attempt_record *a = s.analysis.attempts[0];
    cr_expect(bytes_is(a->host, MP_NAME));
    cr_expect_eq(a->steps[STEP_RESOLVE].state, STATE_OK);
    story_free(&s);
}

/* Goal: a ticket for an alias' canonical name that another attempt presents says nothing of the
 * alias. Method: error 7 for the alias, then an attempt by the canonical name that succeeds. */
Test(causes, a_ticket_of_another_attempt)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    LOOK_UP(&s, .name = "alias.example.com");
    RESOLVE(&s, .name = "alias.example.com", .alias_of = MP_NAME, .address = MP);
    struct talk t = talk_open(&s);
    ASK(&t, .host = "alias.example.com");
    ANSWER(&t, .status = 401);
    story_ticket_error(&s, "HTTP/alias.example.com", 7, 0);
    ASK(&t, .token = TOKEN_NOTHING);
    ANSWER(&t, .status = 401);
    struct talk u = talk_open(&s);
    ASK(&u, .host = MP_NAME);
    ANSWER(&u, .status = 401);
    story_ticket(&s, MP_SPN, 6);
    ASK(&u, .token = TOKEN_KRB, .ticket = 6);
    ANSWER(&u, .status = 200);
    END(&s, 2);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_SPN_MISSING_FOR_ALIAS, STEP_TICKET);
    EXPECT(&s, 1, OUTCOME_APPROVED, CAUSE_NONE, 0);
    story_free(&s);
}

/* Goal: what a client does before its next attempt is that one's, however soon it follows this one.
 * Method: this one's KDC refuses; the next one finds another, 1.2 s later. */
Test(causes, logon_before_the_next_attempt)
{
    struct story s;
    story_begin(&s, NULL);
    story_client_side(&s);
    struct talk t = talk_open(&s);
    ASK(&t, .host = "a.example.com");
    ANSWER(&t, .status = 401);
    struct talk kdc = talk_syn(&s, KDC, 88);
    talk_refused(&kdc);
    ASK(&t);
    ANSWER(&t, .status = 401);
    story_wait(&s, 1.2);
    s.kdc = KDC_2;
    (void)talk_open_to(&s, KDC_2, 88);
    story_logon(&s);
    t = talk_open(&s);
    ASK(&t, .host = "b.example.com");
    ANSWER(&t, .status = 401);
    story_ticket_error(&s, "HTTP/b.example.com", 7, 0);
    ASK(&t);
    ANSWER(&t, .status = 401);
    END(&s, 2);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_KDC_REFUSED, STEP_REACH_KDC);
    EXPECT(&s, 1, OUTCOME_REFUSED, CAUSE_SPN_MISSING, STEP_TICKET);
    story_free(&s);
}
