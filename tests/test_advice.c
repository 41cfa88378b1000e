/* What a capture cannot show, and the one to take next. */
#define _GNU_SOURCE
#include "recording.h"

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
