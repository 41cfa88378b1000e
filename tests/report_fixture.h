/* Analyses written by hand for the tests of report/. */
#ifndef KRBSCOPE_TESTS_REPORT_FIXTURE_H
#define KRBSCOPE_TESTS_REPORT_FIXTURE_H

#include "report/report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* 2026-11-22T11:12:42.728905Z */
#define FIXTURE_TIME_NS INT64_C(1795345962728905000)

#define FIXTURE_EVENTS_MAX 1024    /* in one test */
#define FIXTURE_ATTEMPTS_MAX 12288 /* in one test */
#define FIXTURE_GROUPS_MAX 16      /* in one analysis */

#define BYTES(literal)                                                                             \
    ((struct bytes){.at = (const uint8_t *)(literal), .len = sizeof(literal) - 1})
#define EVIDENCE(array)                                                                            \
    ((struct evidence){.at = (array), .num = sizeof(array) / sizeof((array)[0])})

static inline struct endpoint fixture_endpoint(const char *address, uint16_t port)
{
    struct endpoint e = {.port = port};
    (void)address_parse(bytes_of(address), &e.address);
    return e;
}

static inline struct event_summary fixture_event(uint32_t frame, int64_t ms, struct endpoint from,
                                                 struct endpoint to, const char *kind,
                                                 const char *summary)
{
    static uint32_t pool[FIXTURE_EVENTS_MAX];
    static size_t num_used;
    assert(num_used < FIXTURE_EVENTS_MAX);
    uint32_t *frames = &pool[num_used++];
    frames[0] = frame;
    return (struct event_summary){.frame = frame,
                                  .frames = frames,
                                  .num_frames = 1,
                                  .time_ns = FIXTURE_TIME_NS + ms * 1000000,
                                  .from = from,
                                  .to = to,
                                  .kind = kind,
                                  .summary = bytes_of(summary),
                                  .complete = true};
}

static inline struct capture_summary fixture_capture(const char *path)
{
    struct capture_summary c = {.path = path, .vantage = VANTAGE_CLIENT, .has_clock_offset = true};
    c.info = (struct capture_info){.format = CAPTURE_FORMAT_NETMON_2_3,
                                   .format_name = "netmon-2.3",
                                   .frames = 105,
                                   .bytes = 25000,
                                   .bytes_read = 25000,
                                   .first_time_ns = FIXTURE_TIME_NS - 1000000000,
                                   .last_time_ns = FIXTURE_TIME_NS + 17391095000,
                                   .has_times = true,
                                   .link_types = {LINK_TYPE_ETHERNET},
                                   .num_link_types = 1,
                                   .complete = true};
    return c;
}

static inline const struct event_summary *fixture_events(size_t *num)
{
    static struct event_summary events[12];
    static size_t num_events;
    *num = num_events;
    if (num_events > 0) {
        return events;
    }
    struct endpoint client = fixture_endpoint("10.77.0.101", 41288);
    struct endpoint resolver = fixture_endpoint("10.77.0.101", 50195);
    struct endpoint dns = fixture_endpoint("10.77.0.10", 53);
    struct endpoint kdc = fixture_endpoint("10.77.0.10", 88);
    struct endpoint mp = fixture_endpoint("10.77.0.21", 80);
    static const struct event_field fields[] = {
        {.name = "error_code", .value = BYTES("7"), .is_number = true},
        {.name = "sname", .value = BYTES("HTTP/mp03.corp.test")}};
    size_t i = 0;
    events[i++] = fixture_event(19, 0, resolver, dns, "DNS-QUERY", "A mp03.corp.test");
    events[i++] =
        fixture_event(20, 1, dns, resolver, "DNS-RESPONSE", "mp03.corp.test is 10.77.0.21");
    events[i++] = fixture_event(23, 2, client, mp, "TCP-CONNECT", "");
    events[i++] = fixture_event(26, 5, client, mp, "HTTP-REQUEST",
                                "CCM_POST /ccm_system_windowsauth/request without a token");
    events[i++] = fixture_event(28, 9, mp, client, "HTTP-RESPONSE", "401 offering Negotiate, NTLM");
    events[i++] = fixture_event(38, 20, resolver, kdc, "TGS-REQ",
                                "HTTP/mp03.corp.test@CORP.TEST for PC01$@CORP.TEST, "
                                "etypes 18 17 23");
    events[i] = fixture_event(41, 22, kdc, resolver, "KRB-ERROR",
                              "KDC_ERR_S_PRINCIPAL_UNKNOWN (7) for HTTP/mp03.corp.test");
    events[i].is_failure = true;
    events[i].fields = fields;
    events[i++].num_fields = 2;
    events[i++] = fixture_event(50, 30, client, mp, "HTTP-REQUEST",
                                "CCM_POST /ccm_system_windowsauth/request with NTLM NEGOTIATE");
    events[i++] = fixture_event(52, 31, mp, client, "HTTP-RESPONSE", "401 NTLM CHALLENGE");
    events[i++] = fixture_event(55, 33, client, mp, "HTTP-REQUEST",
                                "CCM_POST /ccm_system_windowsauth/request with NTLM AUTHENTICATE");
    events[i] = fixture_event(57, 412, mp, client, "HTTP-RESPONSE", "401 offering Negotiate, NTLM");
    events[i++].is_failure = true;
    *num = num_events = i;
    return events;
}

static inline void fixture_steps(struct attempt_record *a)
{
    static const struct frame_ref resolved[] = {
        {.frame = 20, .why = BYTES("the DNS server answered 10.77.0.21")}};
    static const struct frame_ref error[] = {
        {.frame = 41, .why = BYTES("the KDC answered KDC_ERR_S_PRINCIPAL_UNKNOWN")}};
    a->steps[STEP_RESOLVE] =
        (struct step_result){STATE_OK, BYTES("mp03.corp.test is 10.77.0.21"), EVIDENCE(resolved)};
    a->steps[STEP_CONNECT] = (struct step_result){STATE_OK, BYTES("TCP port 80 answered"), {0}};
    a->steps[STEP_CHALLENGE] =
        (struct step_result){STATE_OK, BYTES("401 offering Negotiate and NTLM"), {0}};
    a->steps[STEP_REACH_KDC] = (struct step_result){STATE_OK, BYTES("10.77.0.10"), {0}};
    a->steps[STEP_TGT] = (struct step_result){STATE_NOT_NEEDED, BYTES("cached"), {0}};
    a->steps[STEP_TICKET] = (struct step_result){
        STATE_FAILED,
        BYTES("KDC_ERR_S_PRINCIPAL_UNKNOWN (7) for HTTP/mp03.corp.test from 10.77.0.10"),
        EVIDENCE(error)};
    a->steps[STEP_PRESENT] = (struct step_result){STATE_NOT_SEEN, {0}, {0}};
    a->steps[STEP_ACCEPT] = (struct step_result){STATE_NOT_SEEN, {0}, {0}};
}

static inline void fixture_verdict(struct attempt_record *a)
{
    static const struct bytes remedy[] = {
        BYTES("Look whether any account holds the name:"), BYTES("setspn -Q HTTP/mp03.corp.test"),
        BYTES("Then register it on the account that runs the application pool of the Management "
              "Point, and on no other."),
        BYTES("setspn -S HTTP/mp03.corp.test CORP\\<account that runs the pool>")};
    static const struct frame_ref at[] = {
        {.frame = 41,
         .why = BYTES("the KDC answered KDC_ERR_S_PRINCIPAL_UNKNOWN for HTTP/mp03.corp.test")},
        {.frame = 57, .why = BYTES("the server refused the NTLM logon that followed")}};
    static const struct frame_ref clock_at[] = {{.frame = 12, .why = BYTES("stime")},
                                                {.frame = 28, .why = BYTES("Date")}};
    static const struct finding also[] = {
        {.cause = CAUSE_SPN_DUPLICATE,
         .step = STEP_TICKET,
         .confidence = CONFIDENCE_POSSIBLE,
         .summary = BYTES("Two accounts hold HTTP/mp03.corp.test; some KDCs answer that the same "
                          "way."),
         .tell_apart = BYTES("setspn -X")}};
    static const struct ruled_out ruled_out[] = {
        {.cause = CAUSE_CLOCK_SKEW,
         .why = BYTES("KDC and server clocks differ by 0.4 s"),
         .evidence = EVIDENCE(clock_at)}};
    static const struct bytes cannot_show[] = {
        BYTES("whether the SPN is held twice: the directory knows, the wire does not")};
    static const struct bytes next_capture[] = {
        BYTES("On the client, after klist -li 0x3e7 purge, from before the service starts.")};
    a->has_verdict = true;
    a->verdict = (struct finding){.cause = CAUSE_SPN_MISSING,
                                  .step = STEP_TICKET,
                                  .confidence = CONFIDENCE_LIKELY,
                                  .summary = BYTES("No account holds HTTP/mp03.corp.test."),
                                  .remedy = remedy,
                                  .num_remedies = sizeof remedy / sizeof remedy[0],
                                  .source = "RFC 4120 7.5.9",
                                  .evidence = EVIDENCE(at)};
    a->also = also;
    a->num_also = 1;
    a->ruled_out = ruled_out;
    a->num_ruled_out = 1;
    a->cannot_show = cannot_show;
    a->num_cannot_show = 1;
    a->next_capture = next_capture;
    a->num_next_capture = 1;
    a->clocks.kdc_to_server = (struct offset){true, -0.4, -0.9, 0.1, EVIDENCE(clock_at)};
}

/* Two realms that name each other, and a third that nobody finds. */
static inline void fixture_referrals(struct attempt_record *a)
{
    static struct referral hops[] = {
        {.realm = BYTES("NORTH.TEST"),
         .frame = 82,
         .result = REFERRAL_REFERRED,
         .next = BYTES("SOUTH.<TEST>")},
        {.realm = BYTES("NORTH.TEST"),
         .frame = 102,
         .result = REFERRAL_REFUSED_BY_ERROR,
         .error_code = 12,
         .is_repeat = true},
        {.realm = BYTES("EAST.TEST"), .result = REFERRAL_KDC_NOT_FOUND}};
    hops[0].kdc = hops[1].kdc = fixture_endpoint("10.9.8.2", 88).address;
    a->referrals = hops;
    a->num_referrals = sizeof hops / sizeof hops[0];
}

/* A refused client approval with everything filled. */
static inline struct attempt_record *fixture_refused(uint32_t id)
{
    static struct attempt_connection connection;
    static struct attempt_record pool[FIXTURE_ATTEMPTS_MAX];
    static size_t num_used;
    assert(num_used < FIXTURE_ATTEMPTS_MAX);
    struct attempt_record *a = &pool[num_used++];
    a->id = id;
    a->kind = KIND_CCM_APPROVAL;
    a->client = fixture_endpoint("10.77.0.101", 41288);
    a->server = fixture_endpoint("10.77.0.21", 80);
    a->principal = BYTES("PC01$@CORP.TEST");
    a->host = BYTES("mp03.corp.test");
    a->spn = BYTES("HTTP/mp03.corp.test@CORP.TEST");
    a->method = BYTES("CCM_POST");
    a->uri = BYTES("/ccm_system_windowsauth/request");
    a->first_time_ns = FIXTURE_TIME_NS;
    a->last_time_ns = FIXTURE_TIME_NS + 412000000;
    a->outcome = OUTCOME_REFUSED;
    a->clocks.limit_s = 300;
    fixture_steps(a);
    fixture_verdict(a);
    a->events = fixture_events(&a->num_events);
    connection = (struct attempt_connection){
        .client = a->client, .server = a->server, .first_frame = 23, .last_frame = 57};
    a->connections = &connection;
    a->num_connections = 1;
    return a;
}

/* One that was let in, without a verdict. */
static inline struct attempt_record *fixture_approved(uint32_t id)
{
    struct attempt_record *a = fixture_refused(id);
    a->outcome = OUTCOME_APPROVED;
    a->authenticated_by = BY_KERBEROS;
    a->has_verdict = false;
    a->num_also = 0;
    a->num_ruled_out = 0;
    for (enum step step = 0; step < STEP_COUNT; step++) {
        a->steps[step].state = STATE_OK;
    }
    return a;
}

/* Counts the attempt among those that ended alike. */
static inline void fixture_group(struct analysis *out, const struct attempt_record *a)
{
    static struct outcome_group groups[FIXTURE_GROUPS_MAX];
    enum cause cause = a->has_verdict ? a->verdict.cause : CAUSE_NONE;
    size_t i = 0;
    while (i < out->num_groups && (groups[i].outcome != a->outcome || groups[i].cause != cause)) {
        i++;
    }
    assert(i < FIXTURE_GROUPS_MAX);
    if (i == out->num_groups) {
        groups[i] = (struct outcome_group){.outcome = a->outcome,
                                           .cause = cause,
                                           .num_clients = 1,
                                           .first_time_ns = a->first_time_ns,
                                           .last_time_ns = a->first_time_ns,
                                           .first = a};
        out->num_groups++;
    }
    groups[i].num_attempts++;
    out->groups = groups;
}

/* Makes *out of attempts; counts are taken from them. captures: num_captures entries. */
static inline void fixture_analysis(struct analysis *out, struct attempt_record **attempts,
                                    size_t num, const struct capture_summary *captures,
                                    size_t num_captures)
{
    *out = (struct analysis){.captures = captures,
                             .num_captures = num_captures,
                             .attempts = (const struct attempt_record *const *)attempts,
                             .num_attempts = num};
    out->num_clients = num > 0;
    for (size_t i = 0; i < num; i++) {
        out->by_outcome[attempts[i]->outcome]++;
        if (attempts[i]->has_verdict) {
            out->by_cause[attempts[i]->verdict.cause]++;
        }
        fixture_group(out, attempts[i]);
    }
}

#endif
