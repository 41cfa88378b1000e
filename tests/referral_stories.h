/* Stories of realms that refer to each other, and of what an error 7 says beside its number. Only
 * cause_stories.h includes this. */
#ifndef KRBSCOPE_TESTS_REFERRAL_STORIES_H
#define KRBSCOPE_TESTS_REFERRAL_STORIES_H

#include "story.h"

#define OTHER_REALM "OTHER.EXAMPLE"

/* 401, then the own realm's KDC names OTHER_REALM. */
static void refer(struct story *s)
{
    story_client_side(s);
    story_resolve(s);
    story_logon(s);
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401);
    KRB(s, .type = KRB_TGS_REQ, .sname = MP_SPN);
    KRB(s, .type = KRB_TGS_REP, .sname = "krbtgt/" OTHER_REALM, .ticket = 77);
}

static void give_up(struct story *s)
{
    story_wait(s, 12);
    LOOK_UP(s, .name = MP_NAME);
    RESOLVE(s, .address = MP);
}

static void ask_other(struct story *s)
{
    KRB(s, .type = KRB_TGS_REQ, .sname = MP_SPN, .realm = OTHER_REALM, .kdc = KDC_2, .nonce = 4711,
        .etypes = {18, 17});
}

static void tell_next_not_found(struct story *s, const struct row *r)
{
    (void)r;
    refer(s);
    LOOK_UP(s, .name = "_kerberos._udp." OTHER_REALM, .type = DNS_SRV);
    RESOLVE(s, .name = "_kerberos._udp." OTHER_REALM, .type = DNS_SRV, .rcode = 3);
    give_up(s);
}

static void tell_next_silent(struct story *s, const struct row *r)
{
    (void)r;
    refer(s);
    for (int i = 0; i < 3; i++) {
        ask_other(s);
        story_wait(s, 2);
    }
    give_up(s);
}

static void tell_next_closed(struct story *s, const struct row *r)
{
    (void)r;
    refer(s);
    struct talk t = talk_syn(s, KDC_2, 88);
    talk_refused(&t);
    talk_end(&t, TCP_END_CLOSED);
    give_up(s);
}

static void tell_next_error(struct story *s, const struct row *r)
{
    refer(s);
    ask_other(s);
    KRB(s, .type = KRB_ERROR_MSG, .sname = MP_SPN, .realm = OTHER_REALM, .kdc = KDC_2,
        .error = r->code);
    give_up(s);
}

static void tell_circle(struct story *s, const struct row *r)
{
    (void)r;
    refer(s);
    ask_other(s);
    KRB(s, .type = KRB_TGS_REP, .sname = "krbtgt/" REALM, .realm = OTHER_REALM, .kdc = KDC_2,
        .ticket = 78);
    story_ticket_error(s, MP_SPN, 12, 0);
    give_up(s);
}

/* The client asks its own realm's KDC for the way to another realm after the challenge. */
static struct talk cross(struct story *s)
{
    story_client_side(s);
    story_resolve(s);
    story_logon(s);
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401);
    KRB(s, .type = KRB_TGS_REQ, .sname = "krbtgt/" OTHER_REALM, .etypes = {18, 17});
    return t;
}

static void tell_crossing(struct story *s, const struct row *r)
{
    struct talk t = cross(s);
    KRB(s, .type = KRB_ERROR_MSG, .sname = "krbtgt/" OTHER_REALM, .error = r->code);
    ASK(&t, .token = TOKEN_NTLM_1);
    talk_ntlm_on(&t, 401);
}

static void tell_crossing_not_found(struct story *s, const struct row *r)
{
    (void)r;
    (void)cross(s);
    KRB(s, .type = KRB_TGS_REP, .sname = "krbtgt/" OTHER_REALM, .ticket = 77);
    LOOK_UP(s, .name = "_kerberos._udp." OTHER_REALM, .type = DNS_SRV);
    RESOLVE(s, .name = "_kerberos._udp." OTHER_REALM, .type = DNS_SRV, .rcode = 3);
    give_up(s);
}

/* Error 7 with an e-text, or (a code) with an NTSTATUS. */
static void tell_words(struct story *s, const struct row *r)
{
    static const char *const texts[] = {NULL, "LOOKING_UP_SERVER", "PRINCIPAL_NOT_UNIQUE",
                                        "SERVER LOCKED OUT"};
    story_client_side(s);
    story_resolve(s);
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401);
    KRB(s, .type = KRB_TGS_REQ, .sname = MP_SPN);
    KRB(s, .type = KRB_ERROR_MSG, .sname = MP_SPN, .error = 7, .ntstatus = r->ntstatus,
        .etext = texts[r->code]);
    give_up(s);
}

static void tell_other_verb(struct story *s, const struct row *r)
{
    (void)r;
    struct talk t = talk_open(s);
    ASK(&t, .method = "GET", .host = MP_NAME);
    ANSWER(&t, .status = 200);
    ASK(&t, .method = "CCM_POST", .host = MP_NAME);
    ANSWER(&t, .status = 404);
    ASK(&t, .method = "GET", .host = MP_NAME, .path = "/another/path");
    ANSWER(&t, .status = 200);
}

static void tell_via(struct story *s, const struct row *r)
{
    (void)r;
    story_client_side(s);
    struct talk t = talk_present(s, TOKEN_NTLM_1);
    ANSWER(&t, .status = 401, .ntlm_challenge = true, .via = "1.1 proxy");
    ASK(&t, .token = TOKEN_NTLM_3);
    ANSWER(&t, .status = 401, .via = "1.1 proxy");
}

static void tell_not_authorised(struct story *s, const struct row *r)
{
    (void)r;
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = 401, .offers = "Negotiate", .has_neg_state = true,
           .neg_state = NEG_STATE_ACCEPT_COMPLETED);
}

static void tell_tls(struct story *s, const struct row *r)
{
    (void)r;
    story_client_side(s);
    story_resolve(s);
    story_logon(s);
    story_ticket(s, MP_SPN, 5);
    struct talk t = talk_open_to(s, MP, 443);
    talk_tls(&t);
    talk_end(&t, TCP_END_CLOSED);
}

static void tell_tls_alone(struct story *s, const struct row *r)
{
    (void)r;
    story_client_side(s);
    story_resolve(s);
    struct talk t = talk_open_to(s, MP, 443);
    talk_tls(&t);
    talk_end(&t, TCP_END_CLOSED);
}

#endif
