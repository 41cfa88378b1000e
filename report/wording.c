#include "report/wording.h"

const char *wording_kind(enum attempt_kind kind)
{
    switch (kind) {
    case KIND_CCM_APPROVAL:
        return "client approval";
    case KIND_HTTP_NEGOTIATE:
        return "HTTP logon";
    case KIND_KERBEROS_ONLY:
        return "Kerberos, no HTTP seen";
    case KIND_APPROACH_ONLY:
        return "on the way to the server";
    }
    return "";
}

const char *wording_outcome(const struct attempt_record *a)
{
    switch (a->outcome) {
    case OUTCOME_APPROVED:
        return a->authenticated_by == BY_KERBEROS ? "approved by Kerberos" : "approved";
    case OUTCOME_APPROVED_NTLM:
        return "approved over NTLM, not Kerberos";
    case OUTCOME_ACCEPTED_ANONYMOUS:
        return "accepted anonymously";
    case OUTCOME_REFUSED:
    case OUTCOME_FAILED:
    case OUTCOME_INCOMPLETE:
    case OUTCOME_COUNT:
        break;
    }
    return outcome_word(a->outcome);
}

enum mood wording_mood(enum outcome outcome)
{
    static const enum mood moods[OUTCOME_COUNT] = {
        [OUTCOME_INCOMPLETE] = MOOD_OPEN,        [OUTCOME_APPROVED] = MOOD_GOOD,
        [OUTCOME_APPROVED_NTLM] = MOOD_NOTE,     [OUTCOME_REFUSED] = MOOD_BAD,
        [OUTCOME_ACCEPTED_ANONYMOUS] = MOOD_BAD, [OUTCOME_FAILED] = MOOD_BAD,
    };
    return moods[outcome];
}

struct bytes wording_headline(const struct attempt_record *a)
{
    static const char *const sentences[OUTCOME_COUNT] = {
        [OUTCOME_INCOMPLETE] = "The capture does not show how this logon ended.",
        [OUTCOME_APPROVED] = "The client was let in.",
        [OUTCOME_APPROVED_NTLM] = "The client was let in over NTLM, not Kerberos.",
        [OUTCOME_ACCEPTED_ANONYMOUS] = "The request was accepted, but nobody logged on.",
        [OUTCOME_REFUSED] = "The server refused the client.",
        [OUTCOME_FAILED] = "The client did not get in.",
    };
    if (a->has_verdict) {
        return a->verdict.summary;
    }
    return bytes_of(a->outcome == OUTCOME_APPROVED && a->authenticated_by == BY_KERBEROS
                        ? "The client was let in by Kerberos."
                        : sentences[a->outcome]);
}

const char *wording_step(enum step step)
{
    static const char *const words[STEP_COUNT] = {
        [STEP_RESOLVE] = "Find the server's address",
        [STEP_CONNECT] = "Connect to the server",
        [STEP_CHALLENGE] = "Be asked to log on",
        [STEP_REACH_KDC] = "Reach a domain controller",
        [STEP_TGT] = "Log on to the domain",
        [STEP_TICKET] = "Get a ticket for the server",
        [STEP_PRESENT] = "Present the ticket",
        [STEP_ACCEPT] = "Be let in",
    };
    return words[step];
}

const char *wording_vantage(enum vantage v)
{
    switch (v) {
    case VANTAGE_CLIENT:
        return "at the client";
    case VANTAGE_MP:
        return "at the server";
    case VANTAGE_KDC:
        return "at the KDC";
    case VANTAGE_BETWEEN:
        break;
    }
    return "between the hosts, or unclear where";
}

void wording_client(struct text *t, const struct attempt_record *a)
{
    if (a->principal.len > 0) {
        text_add_bytes(t, a->principal);
    } else {
        address_print(t, &a->client.address);
    }
}

void wording_server(struct text *t, const struct attempt_record *a)
{
    if (a->host.len > 0 || a->spn.len > 0) {
        text_add_bytes(t, a->host.len > 0 ? a->host : a->spn);
    } else if (a->server.address.family != ADDRESS_NONE) {
        address_print(t, &a->server.address);
    } else {
        text_add(t, "unknown server");
    }
}

void wording_offsets(struct offset_words out[OFFSETS], const struct attempt_clocks *clocks)
{
    out[0] = (struct offset_words){"KDC minus client", &clocks->client_to_kdc};
    out[1] = (struct offset_words){"server minus client", &clocks->client_to_server};
    out[2] = (struct offset_words){"server minus KDC", &clocks->kdc_to_server};
}
