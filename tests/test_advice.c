/* What a capture cannot show, and the one to take next. */
#define _GNU_SOURCE
#include "recording.h"
#include "story_check.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static bool has(const struct bytes *lines, size_t num, const char *what)
{
    for (size_t i = 0; i < num; i++) {
        if (memmem(lines[i].at, lines[i].len, what, strlen(what)) != NULL) {
            return true;
        }
    }
    return false;
}

/* The attempt of that client, of which there is one. */
static const struct attempt_record *attempt_of(const struct story *s, const char *client)
{
    struct address address = story_endpoint(client, 0).address;
    for (size_t i = 0; i < s->analysis.num_attempts; i++) {
        if (address_equal(&s->analysis.attempts[i]->client.address, &address)) {
            return s->analysis.attempts[i];
        }
    }
    return NULL;
}

/* Goal: from each place what cannot be seen is not visible, and the capture that would show it is
 * asked for. Method: two clients as a capture at the domain controller and at the server shows
 * them.
 */
Test(advice, from_each_vantage)
{
    static const char *const clients[] = {CLIENT, CLIENT_2};
    for (int i = 0; i < 2; i++) {
        const bool is_at_kdc = i == 0;
        struct story s;
        story_begin(&s, NULL);
        for (int k = 0; k < 2; k++) {
            s.client = clients[k];
            story_meet(&s, clients[k], is_at_kdc ? KDC : MP);
            if (is_at_kdc) {
                story_logon(&s);
                KRB(&s, .type = KRB_TGS_REQ);
                KRB(&s, .type = k == 0 ? KRB_TGS_REP : KRB_ERROR_MSG, .sname = MP_SPN, .error = 7);
                continue;
            }
            struct talk t = talk_present(&s, k == 0 ? TOKEN_KRB : TOKEN_NTLM_1);
            if (k == 0) {
                ANSWER(&t, .status = 401, .krb_error = 41);
            } else {
                talk_ntlm_on(&t, 200);
            }
        }
        story_wait(&s, 3);
        story_meet(&s, CLIENT, is_at_kdc ? KDC : MP);
        END(&s, 2);
        cr_expect_eq(s.capture.vantage, is_at_kdc ? VANTAGE_KDC : VANTAGE_MP);
        for (int k = 0; k < 2; k++) {
            const struct attempt_record *a = attempt_of(&s, clients[k]);
            cr_assert_not_null(a);
            const char *hidden =
                is_at_kdc ? "Taken at the domain controller" : "Taken at the server";
            cr_expect(has(a->cannot_show, a->num_cannot_show, hidden), "%d %d", i, k);
            enum step unseen = is_at_kdc ? STEP_ACCEPT : STEP_TICKET;
            cr_expect_eq(a->steps[unseen].state, STATE_NOT_VISIBLE, "%d %d", i, k);
            /* A KDC's own error needs no other capture. */
            bool asks = !is_at_kdc || k == 0;
            cr_expect_eq(has(a->next_capture, a->num_next_capture, "klist -li 0x3e7 purge"), asks);
            cr_expect_eq(has(a->next_capture, a->num_next_capture, "netsh trace start"), asks);
        }
        story_free(&s);
    }
}

/* Goal: each kind of verdict, from each place, asks for the capture that would tell more, with the
 * commands for that place. Method: cases of each kind; what they must ask for, or (NULL) nothing.
 */
Test(advice, every_kind_asks_for_what_it_lacks)
{
    static const struct {
        const char *name, *hidden, *next;
    } cases[] = {
        {"success", NULL, NULL},
        {"spn-missing", NULL, NULL},
        {"clock-skew-mp.mp2", "domain controllers", "klist -li 0x3e7 purge"},
        {"mp-timeout", "other end", "pktmon start --capture --comp nics --pkt-size 0"},
        {"kdc-unreachable", "other end", "on the domain controller"},
        {"dns-timeout", "other end", "on the DNS server"},
        {"mp-hang", "other end", "on the server"},
        {"mp-403", "logs", "IIS log"},
        {"spn-wrong-account", "logs", "HTTPERR log"},
        {"clock-skew-ahead", NULL, "w32tm /stripchart"},
        {"success.early-end", NULL, "netsh trace start capture=yes"},
        {"success.dc", NULL, "netsh trace start capture=yes"},
        {"success.mp1", "domain controllers", NULL},
        {"ntlm-instead-of-kerberos", "domain controllers", "klist -li 0x3e7 purge"},
        {"ntlm-refused", "domain controllers", "netsh trace start capture=yes"},
        {"success-cached-ticket", NULL, NULL},
        {"mp-key-changed", NULL, NULL},
        {"tls-hidden", NULL, "pktmon start --capture --comp nics --pkt-size 0"},
        {"referral-kdc-silent", "other end", "on the domain controller"},
        {"kdc-tcp-blocked", "other end", "tcpdump -i any -s 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct recording r;
        struct judgement j;
        cr_assert(recording_load_case(&r, cases[i].name));
        recording_judge(&r, NULL, &j);
        cr_assert_gt(j.analysis.num_attempts, 0, "%s", cases[i].name);
        const struct attempt_record *a = j.analysis.attempts[0];
        if (cases[i].hidden != NULL) {
            cr_expect(has(a->cannot_show, a->num_cannot_show, cases[i].hidden), "%s: hidden",
                      cases[i].name);
        }
        if (cases[i].next != NULL) {
            cr_expect(has(a->next_capture, a->num_next_capture, cases[i].next), "%s: next",
                      cases[i].name);
        } else {
            cr_expect_eq(a->num_next_capture, 0, "%s asks for more", cases[i].name);
        }
        judgement_free(&j);
        recording_free(&r);
    }
}
