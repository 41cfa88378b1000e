/* One small story a row of diagnose/rules.def, and what is to be made of it. Only test_causes.c
 * includes this. */
#ifndef KRBSCOPE_TESTS_CAUSE_STORIES_H
#define KRBSCOPE_TESTS_CAUSE_STORIES_H

#include "story.h"

#define HOST_TOKEN_LIMIT 16384 /* http.sys MaxFieldLength by default */

struct row {
    enum cause cause;
    enum step step;
    enum confidence confidence;
    void (*tell)(struct story *s, const struct row *r);
    int32_t code;      /* error code, HTTP status, … */
    uint32_t ntstatus; /* … */
    bool by_host;      /* with --host, so that the confidence is the rule's own */
};

#include "kdc_stories.h"
#include "referral_stories.h"

/* ---- resolve, connect ---- */

static void tell_rcode(struct story *s, const struct row *r)
{
    story_meet(s, CLIENT, KDC);
    LOOK_UP(s, .name = MP_NAME);
    RESOLVE(s, .rcode = (uint8_t)r->code);
}

static void tell_dns_silence(struct story *s, const struct row *r)
{
    (void)r;
    story_meet(s, CLIENT, KDC);
    for (int i = 0; i < 4; i++) {
        LOOK_UP(s, .name = MP_NAME);
        story_wait(s, 1);
    }
}

static void tell_syn_silence(struct story *s, const struct row *r)
{
    (void)r;
    story_client_side(s);
    story_resolve(s);
    struct talk t = talk_syn(s, MP, 80);
    story_wait(s, 1);
    talk_syn_again(&t);
    story_wait(s, 2);
    talk_syn_again(&t);
    story_wait(s, 4);
    talk_end(&t, TCP_END_CAPTURE);
}

static void tell_arp_silence(struct story *s, const struct row *r)
{
    (void)r;
    story_client_side(s);
    story_resolve(s);
    arp_in_vain(s, MP);
}

static void tell_icmp(struct story *s, const struct row *r)
{
    (void)r;
    story_client_side(s);
    story_resolve(s);
    struct talk t = talk_syn(s, MP, 80);
    story_icmp(s, t.client, t.server, 6);
    talk_end(&t, TCP_END_CAPTURE);
}

static void tell_syn_refused(struct story *s, const struct row *r)
{
    (void)r;
    story_client_side(s);
    story_resolve(s);
    struct talk t = talk_syn(s, MP, 80);
    talk_refused(&t);
}

/* ---- challenge, present, accept ---- */

static void tell_no_negotiate(struct story *s, const struct row *r)
{
    story_client_side(s);
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401, .offers = r->code == 0 ? "" : "NTLM");
    if (r->code != 0) {
        ASK(&t, .token = TOKEN_NTLM_1);
        ANSWER(&t, .status = 401, .offers = "NTLM", .ntlm_challenge = true);
        ASK(&t, .token = TOKEN_NTLM_3);
        ANSWER(&t, .status = 401, .offers = "NTLM");
    }
}

static void tell_registration(struct story *s, const struct row *r)
{
    (void)r;
    struct talk t = talk_open(s);
    ASK(&t, .path = CCM_REQUEST, .is_registration = true);
    ANSWER(&t, .status = 200);
}

static void tell_status(struct story *s, const struct row *r)
{
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = (unsigned)r->code);
}

static void tell_status_after_token(struct story *s, const struct row *r)
{
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = (unsigned)r->code);
}

static void tell_allow(struct story *s, const struct row *r)
{
    (void)r;
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 405, .allow = "GET, HEAD, OPTIONS");
}

static void tell_reset(struct story *s, const struct row *r)
{
    struct talk t = talk_open(s);
    ASK(&t, .token = r->code == 0 ? TOKEN_NOTHING : TOKEN_KRB);
    talk_reset(&t, true);
}

static void tell_silence(struct story *s, const struct row *r)
{
    story_meet(s, CLIENT, MP);
    struct talk t = talk_open(s);
    ASK(&t, .token = r->code == 0 ? TOKEN_NOTHING : TOKEN_KRB);
    talk_ack(&t);
    story_wait(s, 6);
    talk_fin(&t, false);
    talk_end(&t, TCP_END_CAPTURE);
}

static void tell_undelivered(struct story *s, const struct row *r)
{
    story_meet(s, CLIENT, MP);
    struct talk t = talk_open(s);
    ASK(&t, .token = r->code == 0 ? TOKEN_NOTHING : TOKEN_KRB);
    talk_send_again(&t);
    talk_end(&t, TCP_END_CAPTURE);
}

static void tell_long_token(struct story *s, const struct row *r)
{
    struct talk t = talk_open(s);
    ASK(&t, .token = TOKEN_KRB, .header_len = HOST_TOKEN_LIMIT + 1);
    if (r->code == 0) {
        talk_reset(&t, true);
    } else {
        ANSWER(&t, .status = (unsigned)r->code);
    }
}

/* HTTP.sys answers by itself. */
static void tell_long_token_to_httpsys(struct story *s, const struct row *r)
{
    struct talk t = talk_open(s);
    ASK(&t, .token = TOKEN_KRB, .header_len = HOST_TOKEN_LIMIT + 1);
    ANSWER(&t, .status = (unsigned)r->code, .server = "Microsoft-HTTPAPI/2.0");
}

static void tell_no_token(struct story *s, const struct row *r)
{
    if (r->code == 0) {
        story_meet(s, CLIENT, MP);
    } else {
        story_client_side(s);
    }
    if (r->code == 2) {
        story_ticket(s, MP_SPN, 1);
    }
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401);
    story_wait(s, 11);
}

static void tell_ntlm_at_client(struct story *s, const struct row *r)
{
    story_client_side(s);
    story_ntlm(s, MP_NAME, (unsigned)r->code);
}

static void tell_ntlm_at_server(struct story *s, const struct row *r)
{
    story_meet(s, CLIENT, MP);
    story_ntlm(s, MP_NAME, (unsigned)r->code);
}

static void tell_literal(struct story *s, const struct row *r)
{
    if (r->code == 0) {
        story_meet(s, CLIENT, MP);
    } else {
        story_client_side(s);
    }
    story_ntlm(s, MP, 200);
}

static void tell_ap_error(struct story *s, const struct row *r)
{
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = 401, .krb_error = r->code);
}

/* The KDC's clock is on the wire too; the server's differs by the second number. */
static void tell_ap_error_with_clocks(struct story *s, const struct row *r)
{
    s->server_ahead_s = r->ntstatus;
    story_client_side(s);
    story_logon(s);
    story_ticket(s, MP_SPN, 1);
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = 401, .krb_error = r->code);
}

#define CERTAIN CONFIDENCE_CERTAIN
#define LIKELY CONFIDENCE_LIKELY
#define POSSIBLE CONFIDENCE_POSSIBLE

static const struct row rows[] = {
    {CAUSE_DNS_NAME_NOT_FOUND, STEP_RESOLVE, LIKELY, tell_rcode, .code = 3, .by_host = true},
    {CAUSE_DNS_NO_ADDRESS, STEP_RESOLVE, LIKELY, tell_rcode, .code = 0, .by_host = true},
    {CAUSE_DNS_SERVER_FAILURE, STEP_RESOLVE, LIKELY, tell_rcode, .code = 2, .by_host = true},
    {CAUSE_DNS_SERVER_FAILURE, STEP_RESOLVE, LIKELY, tell_rcode, .code = 5, .by_host = true},
    {CAUSE_DNS_SERVER_UNREACHABLE, STEP_RESOLVE, LIKELY, tell_dns_silence, .code = 0,
     .by_host = true},
    {CAUSE_MP_UNREACHABLE, STEP_CONNECT, LIKELY, tell_syn_silence, .code = 0, .by_host = true},
    {CAUSE_MP_UNREACHABLE, STEP_CONNECT, LIKELY, tell_arp_silence, .code = 0, .by_host = true},
    {CAUSE_MP_UNREACHABLE, STEP_CONNECT, LIKELY, tell_icmp, .code = 0, .by_host = true},
    {CAUSE_MP_REFUSED, STEP_CONNECT, LIKELY, tell_syn_refused, .code = 0, .by_host = true},

    {CAUSE_NEGOTIATE_NOT_OFFERED, STEP_CHALLENGE, CERTAIN, tell_no_negotiate, .code = 0},
    {CAUSE_NEGOTIATE_NOT_OFFERED, STEP_CHALLENGE, CERTAIN, tell_no_negotiate, .code = 1},
    {CAUSE_WINDOWSAUTH_NOT_USED, STEP_CHALLENGE, LIKELY, tell_registration, .code = 0},
    {CAUSE_ANONYMOUS_ACCEPTED, STEP_CHALLENGE, CERTAIN, tell_status, .code = 200},
    {CAUSE_PROXY_AUTHENTICATION, STEP_CHALLENGE, CERTAIN, tell_status_after_token, .code = 407},
    {CAUSE_MP_VERB_BLOCKED, STEP_CHALLENGE, LIKELY, tell_status, .code = 405},
    {CAUSE_MP_VERB_BLOCKED, STEP_CHALLENGE, LIKELY, tell_status_after_token, .code = 405},
    {CAUSE_MP_VERB_BLOCKED, STEP_CHALLENGE, CERTAIN, tell_allow, .code = 0},
    {CAUSE_MP_VERB_BLOCKED, STEP_CHALLENGE, CERTAIN, tell_status, .code = 501},
    {CAUSE_MP_VERB_BLOCKED, STEP_CHALLENGE, LIKELY, tell_other_verb, .code = 0},
    {CAUSE_PROXY_AUTHENTICATION, STEP_CHALLENGE, LIKELY, tell_via, .code = 0},
    {CAUSE_MP_NOT_FOUND, STEP_CHALLENGE, LIKELY, tell_status, .code = 404},
    {CAUSE_MP_NOT_FOUND, STEP_CHALLENGE, LIKELY, tell_status_after_token, .code = 404},
    {CAUSE_MP_CONNECTION_RESET, STEP_CHALLENGE, LIKELY, tell_reset, .code = 0},
    {CAUSE_MP_CONNECTION_RESET, STEP_ACCEPT, LIKELY, tell_reset, .code = 1},
    {CAUSE_MP_NO_REPLY, STEP_CHALLENGE, LIKELY, tell_silence, .code = 0},
    {CAUSE_MP_NO_REPLY, STEP_ACCEPT, LIKELY, tell_silence, .code = 1},
    {CAUSE_MP_NO_REPLY, STEP_CHALLENGE, LIKELY, tell_undelivered, .code = 0},
    {CAUSE_MP_NO_REPLY, STEP_ACCEPT, LIKELY, tell_undelivered, .code = 1},
    {CAUSE_MP_ERROR, STEP_CHALLENGE, CERTAIN, tell_status, .code = 500},
    {CAUSE_MP_ERROR, STEP_ACCEPT, CERTAIN, tell_status_after_token, .code = 500},
    {CAUSE_MP_UNAVAILABLE, STEP_CHALLENGE, CERTAIN, tell_status, .code = 503},
    {CAUSE_MP_UNAVAILABLE, STEP_ACCEPT, CERTAIN, tell_status_after_token, .code = 503},

    {CAUSE_KDC_NOT_LOCATED, STEP_REACH_KDC, LIKELY, tell_no_srv, .code = 0},
    {CAUSE_KDC_UNREACHABLE, STEP_REACH_KDC, LIKELY, tell_kdc_silence, .code = 0},
    {CAUSE_KDC_UNREACHABLE, STEP_REACH_KDC, POSSIBLE, tell_kdc_absent, .code = 0},
    {CAUSE_KDC_UNREACHABLE, STEP_REACH_KDC, LIKELY, tell_known_kdc_absent, .code = 0},
    {CAUSE_KDC_UNREACHABLE, STEP_REACH_KDC, LIKELY, tell_kdc_gone, .code = 0},
    {CAUSE_KDC_REFUSED, STEP_REACH_KDC, CERTAIN, tell_kdc_closed, .code = 0},
    {CAUSE_KDC_REFUSED, STEP_REACH_KDC, CERTAIN, tell_kdc_icmp, .code = 3},
    {CAUSE_KDC_UNREACHABLE, STEP_REACH_KDC, LIKELY, tell_kdc_icmp, .code = 1},
    {CAUSE_KDC_UNREACHABLE, STEP_REACH_KDC, LIKELY, tell_kdc_icmp, .code = 13},
    {CAUSE_KDC_REFUSED, STEP_REACH_KDC, CERTAIN, tell_kdc_icmp_tcp, .code = 3},
    {CAUSE_KDC_UNREACHABLE, STEP_REACH_KDC, LIKELY, tell_kdc_icmp_tcp, .code = 10},
    {CAUSE_KDC_TCP_BLOCKED, STEP_REACH_KDC, CERTAIN, tell_tcp_blocked, .code = 0},
    {CAUSE_KDC_UNAVAILABLE, STEP_REACH_KDC, CERTAIN, tell_as_error, .code = 29},
    {CAUSE_KDC_UNAVAILABLE, STEP_REACH_KDC, CERTAIN, tell_tgs_error, .code = 29},

    {CAUSE_CLOCK_SKEW, STEP_TGT, CERTAIN, tell_as_error, .code = 37},
    {CAUSE_CLOCK_SKEW, STEP_TGT, LIKELY, tell_as_error_with_clocks, .code = 11},
    {CAUSE_CLOCK_SKEW, STEP_TGT, LIKELY, tell_as_error_with_clocks, .code = 10},
    {CAUSE_CLOCK_SKEW, STEP_TGT, LIKELY, tell_as_error, .code = 33},
    {CAUSE_CLIENT_UNKNOWN, STEP_TGT, CERTAIN, tell_as_error, .code = 6},
    {CAUSE_CLIENT_UNKNOWN, STEP_TGT, CERTAIN, tell_users_error, .code = 6},
    {CAUSE_CLIENT_DISABLED, STEP_TGT, CERTAIN, tell_as_error, .code = 18, .ntstatus = 0xC0000072},
    {CAUSE_CLIENT_LOCKED_OUT, STEP_TGT, CERTAIN, tell_as_error, .code = 18, .ntstatus = 0xC0000234},
    {CAUSE_CLIENT_EXPIRED, STEP_TGT, CERTAIN, tell_as_error, .code = 18, .ntstatus = 0xC0000193},
    {CAUSE_CLIENT_EXPIRED, STEP_TGT, CERTAIN, tell_as_error, .code = 1},
    {CAUSE_CLIENT_EXPIRED, STEP_TGT, CERTAIN, tell_as_error, .code = 1, .ntstatus = 0xC0000193},
    {CAUSE_CLIENT_LOGON_HOURS, STEP_TGT, CERTAIN, tell_as_error, .code = 18,
     .ntstatus = 0xC000006F},
    {CAUSE_CLIENT_LOGON_HOURS, STEP_TGT, CERTAIN, tell_as_error, .code = 12,
     .ntstatus = 0xC000006F},
    {CAUSE_CLIENT_WORKSTATION, STEP_TGT, CERTAIN, tell_as_error, .code = 18,
     .ntstatus = 0xC0000070},
    {CAUSE_CLIENT_WORKSTATION, STEP_TGT, CERTAIN, tell_as_error, .code = 12,
     .ntstatus = 0xC0000070},
    {CAUSE_CLIENT_REVOKED, STEP_TGT, LIKELY, tell_as_error, .code = 18},
    {CAUSE_CLIENT_PASSWORD_EXPIRED, STEP_TGT, CERTAIN, tell_as_error, .code = 23},
    {CAUSE_CLIENT_PASSWORD_EXPIRED, STEP_TGT, CERTAIN, tell_as_error, .code = 12,
     .ntstatus = 0xC0000071},
    {CAUSE_CLIENT_PASSWORD_EXPIRED, STEP_TGT, CERTAIN, tell_as_error, .code = 12,
     .ntstatus = 0xC0000224},
    {CAUSE_CLIENT_PASSWORD_EXPIRED, STEP_TGT, CERTAIN, tell_as_error, .code = 18,
     .ntstatus = 0xC0000071},
    {CAUSE_PREAUTH_FAILED, STEP_TGT, CERTAIN, tell_as_error, .code = 24},
    {CAUSE_PREAUTH_FAILED, STEP_TGT, CERTAIN, tell_users_error, .code = 24},
    {CAUSE_PREAUTH_UNSUPPORTED, STEP_TGT, LIKELY, tell_as_error, .code = 16},
    {CAUSE_PREAUTH_UNSUPPORTED, STEP_TGT, POSSIBLE, tell_only_25, .code = 0},
    {CAUSE_PKINIT_FAILED, STEP_TGT, CERTAIN, tell_as_error, .code = 62},
    {CAUSE_PKINIT_FAILED, STEP_TGT, CERTAIN, tell_as_error, .code = 66},
    {CAUSE_PKINIT_FAILED, STEP_TGT, CERTAIN, tell_as_error, .code = 70},
    {CAUSE_PKINIT_FAILED, STEP_TGT, CERTAIN, tell_as_error, .code = 81},
    {CAUSE_CLIENT_ETYPE_UNSUPPORTED, STEP_TGT, CERTAIN, tell_as_error, .code = 14},
    {CAUSE_CLIENT_KEY_MISSING, STEP_TGT, CERTAIN, tell_as_error, .code = 9},
    {CAUSE_POLICY_REFUSED, STEP_TGT, LIKELY, tell_as_error, .code = 12},
    {CAUSE_KDC_ERROR, STEP_TGT, LIKELY, tell_as_error, .code = 60},
    {CAUSE_KDC_ERROR, STEP_TGT, LIKELY, tell_as_error, .code = 11},
    {CAUSE_KDC_ERROR, STEP_TGT, LIKELY, tell_as_error, .code = 10},

    {CAUSE_CLOCK_SKEW, STEP_TICKET, CERTAIN, tell_tgs_error, .code = 37},
    {CAUSE_CLOCK_SKEW, STEP_TICKET, LIKELY, tell_tgs_error, .code = 33},
    {CAUSE_CLOCK_SKEW, STEP_TICKET, LIKELY, tell_tgs_error_with_clocks, .code = 11},
    {CAUSE_CLOCK_SKEW, STEP_TICKET, LIKELY, tell_tgs_error_with_clocks, .code = 32},
    {CAUSE_SPN_MISSING, STEP_TICKET, LIKELY, tell_tgs_error, .code = 7},
    {CAUSE_SPN_MISSING, STEP_TICKET, CERTAIN, tell_words, .code = 1},
    {CAUSE_SPN_MISSING, STEP_TICKET, CERTAIN, tell_words, .code = 0, .ntstatus = 0xC000018B},
    {CAUSE_SPN_MISSING, STEP_TICKET, LIKELY, tell_next_error, .code = 7},
    {CAUSE_SPN_DUPLICATE, STEP_TICKET, CERTAIN, tell_words, .code = 2},
    {CAUSE_SPN_DUPLICATE, STEP_TICKET, CERTAIN, tell_words, .code = 0, .ntstatus = 0xC00000BD},
    {CAUSE_SERVICE_DISABLED, STEP_TICKET, CERTAIN, tell_words, .code = 3},
    {CAUSE_SERVICE_ETYPE_UNSUPPORTED, STEP_TICKET, CERTAIN, tell_next_error, .code = 14},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_next_not_found, .code = 0},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_next_silent, .code = 0},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_next_closed, .code = 0},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_next_error, .code = 60},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_next_error, .code = 41},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_next_error, .code = 12},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_next_error, .code = 29},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, CERTAIN, tell_circle, .code = 0},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_as_error, .code = 68},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_tgs_error, .code = 68},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_crossing, .code = 7},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_crossing, .code = 12},
    {CAUSE_REFERRAL_FAILED, STEP_TICKET, LIKELY, tell_crossing_not_found, .code = 0},
    {CAUSE_SERVICE_ETYPE_UNSUPPORTED, STEP_TICKET, CERTAIN, tell_crossing, .code = 14},
    {CAUSE_TGT_REJECTED, STEP_TICKET, LIKELY, tell_crossing, .code = 20},
    {CAUSE_CLOCK_SKEW, STEP_TICKET, CERTAIN, tell_crossing, .code = 37},
    {CAUSE_KDC_UNAVAILABLE, STEP_REACH_KDC, CERTAIN, tell_crossing, .code = 29},
    {CAUSE_SPN_MISSING_FOR_ALIAS, STEP_TICKET, LIKELY, tell_alias, .code = 0},
    {CAUSE_SPN_MISSING_FOR_ALIAS, STEP_TICKET, LIKELY, tell_alias, .code = 1},
    {CAUSE_SPN_MISSING_FOR_SHORT_NAME, STEP_TICKET, LIKELY, tell_short_name, .code = 0},
    {CAUSE_SPN_DUPLICATE, STEP_TICKET, CERTAIN, tell_tgs_error, .code = 8},
    {CAUSE_SERVICE_ETYPE_UNSUPPORTED, STEP_TICKET, CERTAIN, tell_tgs_error, .code = 14},
    {CAUSE_SERVICE_DISABLED, STEP_TICKET, CERTAIN, tell_tgs_error, .code = 19},
    {CAUSE_SERVICE_DISABLED, STEP_TICKET, CERTAIN, tell_tgs_error, .code = 2},
    {CAUSE_SERVICE_DISABLED, STEP_TICKET, CERTAIN, tell_tgs_error, .code = 22},
    {CAUSE_SELECTIVE_AUTHENTICATION, STEP_TICKET, CERTAIN, tell_tgs_error, .code = 12,
     .ntstatus = 0xC0000413},
    {CAUSE_POLICY_REFUSED, STEP_TICKET, LIKELY, tell_tgs_error, .code = 12},
    {CAUSE_USER_TO_USER_REQUIRED, STEP_TICKET, LIKELY, tell_tgs_error, .code = 27},
    {CAUSE_USER_TO_USER_REQUIRED, STEP_TICKET, LIKELY, tell_tgs_error, .code = 69},
    {CAUSE_TGT_REJECTED, STEP_TICKET, LIKELY, tell_tgs_error, .code = 20},
    {CAUSE_TGT_REJECTED, STEP_TICKET, LIKELY, tell_tgs_error, .code = 31},
    {CAUSE_TGT_REJECTED, STEP_TICKET, LIKELY, tell_tgs_error, .code = 32},
    {CAUSE_TGT_REJECTED, STEP_TICKET, LIKELY, tell_tgs_error, .code = 41},
    {CAUSE_TGT_REJECTED, STEP_TICKET, LIKELY, tell_tgs_error, .code = 44},
    {CAUSE_KDC_ERROR, STEP_TICKET, LIKELY, tell_tgs_error, .code = 60},
    {CAUSE_KDC_ERROR, STEP_TICKET, LIKELY, tell_tgs_error, .code = 11},
    {CAUSE_KDC_ERROR, STEP_TICKET, LIKELY, tell_tgs_error, .code = 13},

    {CAUSE_NO_CREDENTIALS_SENT, STEP_PRESENT, LIKELY, tell_no_token, .code = 1},
    {CAUSE_NO_CREDENTIALS_SENT, STEP_PRESENT, POSSIBLE, tell_no_token, .code = 0},
    {CAUSE_NO_CREDENTIALS_SENT, STEP_PRESENT, LIKELY, tell_no_token, .code = 2},
    {CAUSE_NTLM_WITHOUT_KERBEROS, STEP_PRESENT, LIKELY, tell_ntlm_at_client, .code = 200},
    {CAUSE_NTLM_WITHOUT_KERBEROS, STEP_PRESENT, LIKELY, tell_ntlm_at_client, .code = 401},
    {CAUSE_HOST_IS_IP_ADDRESS, STEP_PRESENT, CERTAIN, tell_literal, .code = 1},
    {CAUSE_HOST_IS_IP_ADDRESS, STEP_PRESENT, LIKELY, tell_literal, .code = 0},
    {CAUSE_NTLM_INSTEAD_OF_KERBEROS, STEP_PRESENT, LIKELY, tell_ntlm_at_server, .code = 200},
    {CAUSE_TOKEN_TOO_LARGE, STEP_PRESENT, LIKELY, tell_long_token, .code = 400},
    {CAUSE_TOKEN_TOO_LARGE, STEP_PRESENT, CERTAIN, tell_long_token_to_httpsys, .code = 400},
    {CAUSE_TOKEN_TOO_LARGE, STEP_PRESENT, CERTAIN, tell_long_token, .code = 431},
    {CAUSE_TOKEN_TOO_LARGE, STEP_PRESENT, POSSIBLE, tell_long_token, .code = 0},

    {CAUSE_MP_FORBIDDEN, STEP_ACCEPT, LIKELY, tell_status_after_token, .code = 403},
    {CAUSE_MP_FORBIDDEN, STEP_ACCEPT, LIKELY, tell_status, .code = 403},
    {CAUSE_MP_FORBIDDEN, STEP_ACCEPT, LIKELY, tell_not_authorised, .code = 0},
    {CAUSE_TLS_HIDDEN, STEP_ACCEPT, LIKELY, tell_tls, .code = 0},
    {CAUSE_TLS_HIDDEN, STEP_ACCEPT, LIKELY, tell_tls_alone, .code = 0, .by_host = true},
    {CAUSE_NTLM_REFUSED, STEP_ACCEPT, LIKELY, tell_ntlm_at_server, .code = 401},
    {CAUSE_SERVICE_KEY_MISMATCH, STEP_ACCEPT, LIKELY, tell_ap_error, .code = 41},
    {CAUSE_SERVICE_KEY_MISMATCH, STEP_ACCEPT, LIKELY, tell_ap_error, .code = 31},
    {CAUSE_SERVICE_KEY_MISMATCH, STEP_ACCEPT, LIKELY, tell_ap_error, .code = 35},
    {CAUSE_SERVICE_KEY_MISMATCH, STEP_ACCEPT, LIKELY, tell_ap_error, .code = 45},
    {CAUSE_SERVICE_KEY_STALE, STEP_ACCEPT, LIKELY, tell_ap_error, .code = 44},
    {CAUSE_REPLAY, STEP_ACCEPT, CERTAIN, tell_ap_error, .code = 34},
    {CAUSE_CLOCK_SKEW, STEP_ACCEPT, CERTAIN, tell_ap_error, .code = 37},
    {CAUSE_CLOCK_SKEW, STEP_ACCEPT, LIKELY, tell_ap_error, .code = 33},
    {CAUSE_CLOCK_SKEW, STEP_ACCEPT, CERTAIN, tell_ap_error_with_clocks, .code = 32,
     .ntstatus = 36000},
    {CAUSE_TICKET_EXPIRED, STEP_ACCEPT, LIKELY, tell_ap_error_with_clocks, .code = 32,
     .ntstatus = 0},
    {CAUSE_CAPTURE_INCOMPLETE, STEP_ACCEPT, LIKELY, tell_ap_error, .code = 32},
    {CAUSE_TICKET_REFUSED, STEP_ACCEPT, LIKELY, tell_ap_error, .code = 60},
    {CAUSE_TICKET_REFUSED, STEP_ACCEPT, LIKELY, tell_ap_error, .code = 48},
    {CAUSE_TICKET_REFUSED, STEP_ACCEPT, LIKELY, tell_ap_error, .code = 0},
};

#define ROWS (sizeof rows / sizeof rows[0])

#endif
