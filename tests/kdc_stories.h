/* Stories of KDCs: not found, not reached, and what they answer. Only cause_stories.h includes
 * this.
 */
#ifndef KRBSCOPE_TESTS_KDC_STORIES_H
#define KRBSCOPE_TESTS_KDC_STORIES_H

#include "story.h"

static void arp_in_vain(struct story *s, const char *target)
{
    for (int i = 0; i < 4; i++) {
        story_arp(s, target, false);
        story_wait(s, 1);
    }
}

/* ---- reach-kdc, tgt, ticket ---- */

static void tell_no_srv(struct story *s, const struct row *r)
{
    (void)r;
    story_meet(s, CLIENT, KDC);
    LOOK_UP(s, .name = "_kerberos._udp.EXAMPLE.COM", .type = DNS_SRV);
    RESOLVE(s, .name = "_kerberos._udp.EXAMPLE.COM", .type = DNS_SRV, .rcode = 3);
}

static void tell_kdc_silence(struct story *s, const struct row *r)
{
    (void)r;
    story_meet(s, CLIENT, KDC);
    for (int i = 0; i < 3; i++) {
        KRB(s, .type = KRB_AS_REQ, .nonce = 42);
        story_wait(s, 1);
    }
}

static void tell_kdc_absent(struct story *s, const struct row *r)
{
    (void)r;
    story_client_side(s);
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401);
    arp_in_vain(s, KDC_2);
    story_wait(s, 11);
}

/* The same of a host that SRV records name. */
static void tell_known_kdc_absent(struct story *s, const struct row *r)
{
    story_client_side(s);
    LOOK_UP(s, .name = "_kerberos._udp.EXAMPLE.COM", .type = DNS_SRV);
    RESOLVE(s, .name = "_kerberos._udp.EXAMPLE.COM", .type = DNS_SRV, .target = "dc2.example.com");
    LOOK_UP(s, .name = "dc2.example.com");
    RESOLVE(s, .name = "dc2.example.com", .address = KDC_2);
    tell_kdc_absent(s, r);
}

/* The same of the KDC that gave the TGT. */
static void tell_kdc_gone(struct story *s, const struct row *r)
{
    (void)r;
    story_client_side(s);
    story_logon(s);
    story_wait(s, 100);
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401);
    arp_in_vain(s, KDC);
    story_wait(s, 11);
}

static void tell_kdc_closed(struct story *s, const struct row *r)
{
    (void)r;
    story_meet(s, CLIENT, KDC);
    KRB(s, .type = KRB_AS_REQ);
    story_icmp(s, story_endpoint(CLIENT, 53088), story_endpoint(KDC, 88), 17);
}

/* ICMP with that code answers the request, or (a status above it) the SYN. */
static void tell_kdc_icmp(struct story *s, const struct row *r)
{
    story_meet(s, CLIENT, KDC);
    s->icmp_code = (uint8_t)r->code;
    KRB(s, .type = KRB_AS_REQ);
    story_icmp(s, story_endpoint(CLIENT, 53088), story_endpoint(KDC, 88), 17);
}

static void tell_kdc_icmp_tcp(struct story *s, const struct row *r)
{
    story_meet(s, CLIENT, KDC);
    LOOK_UP(s, .name = "_kerberos._udp.EXAMPLE.COM", .type = DNS_SRV);
    RESOLVE(s, .name = "_kerberos._udp.EXAMPLE.COM", .type = DNS_SRV, .target = "kdc.example.com");
    s->icmp_code = (uint8_t)r->code;
    struct talk t = talk_syn(s, KDC, 88);
    story_icmp(s, t.client, t.server, 6);
    talk_end(&t, TCP_END_CAPTURE);
}

static void tell_tcp_blocked(struct story *s, const struct row *r)
{
    (void)r;
    story_meet(s, CLIENT, KDC);
    KRB(s, .type = KRB_AS_REQ, .has_preauth = true);
    KRB(s, .type = KRB_ERROR_MSG, .error = 52);
    struct talk t = talk_syn(s, KDC, 88);
    talk_refused(&t);
}

static void tell_as_error(struct story *s, const struct row *r)
{
    story_meet(s, CLIENT, KDC);
    story_logon_error(s, r->code, r->ntstatus);
}

static void tell_users_error(struct story *s, const struct row *r)
{
    story_meet(s, CLIENT, KDC);
    KRB(s, .type = KRB_AS_REQ, .cname = "alice", .has_preauth = true);
    KRB(s, .type = KRB_ERROR_MSG, .error = r->code);
}

/* The error carries the clocks of both. */
static void tell_as_error_with_clocks(struct story *s, const struct row *r)
{
    s->kdc_ahead_s = -900;
    story_meet(s, CLIENT, KDC);
    KRB(s, .type = KRB_AS_REQ, .has_preauth = true);
    KRB(s, .type = KRB_ERROR_MSG, .error = r->code, .has_ctime = true, .has_usec = true);
}

static void tell_tgs_error_with_clocks(struct story *s, const struct row *r)
{
    s->kdc_ahead_s = 36000;
    story_meet(s, CLIENT, KDC);
    story_logon(s);
    KRB(s, .type = KRB_TGS_REQ);
    KRB(s, .type = KRB_ERROR_MSG, .sname = MP_SPN, .error = r->code, .has_ctime = true);
}

static void tell_only_25(struct story *s, const struct row *r)
{
    (void)r;
    story_meet(s, CLIENT, KDC);
    for (int i = 0; i < 2; i++) {
        KRB(s, .type = KRB_AS_REQ);
        KRB(s, .type = KRB_ERROR_MSG, .error = 25);
        story_wait(s, 3);
    }
}

static void tell_tgs_error(struct story *s, const struct row *r)
{
    story_meet(s, CLIENT, KDC);
    story_logon(s);
    story_ticket_error(s, MP_SPN, r->code, r->ntstatus);
}

static void tell_alias(struct story *s, const struct row *r)
{
    story_client_side(s);
    LOOK_UP(s, .name = MP_NAME);
    RESOLVE(s, .alias_of = "node1.example.com", .address = MP);
    story_logon(s);
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401);
    story_ticket_error(s, r->code == 0 ? MP_SPN : "HTTP/node1.example.com", 7, 0);
    story_ntlm(s, MP_NAME, 401);
}

static void tell_short_name(struct story *s, const struct row *r)
{
    (void)r;
    story_client_side(s);
    story_logon(s);
    struct talk t = talk_open(s);
    ASK(&t, .host = "mp");
    ANSWER(&t, .status = 401);
    story_ticket_error(s, "HTTP/mp", 7, 0);
    story_wait(s, 11);
}

#endif
