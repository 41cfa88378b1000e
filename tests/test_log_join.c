/* Lines of a server's log beside a capture: whose they are, what its clock is, what they decide. */
#include "diagnose/logs.h"
#include "logs/iis_config.h"
#include "story_check.h"

#include <string.h>

#define NORMAL 2148074254U

static const struct case_options with_logs = {.has_logs = true};

struct server_log {
    struct story *s;
    struct log_summary files[4];
    size_t num_files;
    uint64_t lines[4];
    bool is_settled;
};

static void log_begin(struct server_log *l, struct story *s)
{
    *l = (struct server_log){.s = s, .num_files = 1};
}

struct line_words {
    int64_t at_s; /* by the log host's clock */
    uint16_t log;
    const char *client, *path, *method, *reason, *user;
    unsigned status, substatus;
    uint32_t win32;
    uint16_t client_port;
    bool no_status;
};

static void say(struct server_log *l, const struct line_words *w)
{
    if (!l->is_settled) {
        l->s->capture.info.has_times = true;
        l->s->capture.info.last_time_ns = l->s->now_ns;
        case_settle(l->s->c, &l->s->capture, 1);
        l->is_settled = true;
    }
    struct log_entry e = {
        .line = ++l->lines[w->log],
        .time_s = w->at_s,
        .method = bytes_of(w->method == NULL ? "CCM_POST" : w->method),
        .path = bytes_of(w->path == NULL ? "/CCM_System_WindowsAuth/request" : w->path),
        .user = bytes_of(w->user),
        .reason = bytes_of(w->reason),
        .server_port = 80,
        .client_port = w->client_port,
        .has_status = !w->no_status,
        .has_substatus = w->reason == NULL,
        .has_win32 = w->reason == NULL,
        .status = w->status,
        .substatus = w->substatus,
        .win32 = w->win32,
        .has_user_column = true,
        .is_error = w->reason != NULL};
    cr_assert(address_parse(bytes_of(w->client == NULL ? CLIENT : w->client), &e.client));
    case_log_push(l->s->c, w->log, &e);
}
#define SAY(l, ...) say(l, &(struct line_words){__VA_ARGS__})

static const struct attempt_record *log_end(struct server_log *l, size_t num)
{
    case_logs_end(l->s->c, l->files, l->num_files);
    END(l->s, num);
    return num == 0 ? NULL : l->s->analysis.attempts[0];
}

static int64_t second(const struct story *s, double ahead_s)
{
    return (int64_t)((double)s->now_ns / 1e9 + ahead_s);
}

/* A ticket that is refused without a word of why. */
static void refused_ticket(struct story *s)
{
    story_client_side(s);
    story_logon(s);
    story_ticket(s, MP_SPN, 1);
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = 401);
}

/* Goal: the log's clock is found, whatever it is, and its bounds hold the truth. Method: the same
 * two lines by clocks that differ by seconds to half a day. */
Test(log_join, any_clock)
{
    static const double clocks[] = {0, 0.5, -0.5, 3, -61, 432, -43200, 86000};
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct story s;
        struct server_log l;
        story_begin(&s, &with_logs);
        refused_ticket(&s);
        log_begin(&l, &s);
        SAY(&l, .at_s = second(&s, clocks[i]), .status = 401, .substatus = 2, .win32 = NORMAL);
        SAY(&l, .at_s = second(&s, clocks[i]), .status = 401, .substatus = 1, .win32 = 0x8009030F);
        const struct attempt_record *a = log_end(&l, 1);
        const struct offset *o = &l.files[0].clock;
        cr_assert(o->known, "%g s", clocks[i]);
        cr_expect_leq(o->low, -clocks[i], "%g s: %g to %g", clocks[i], o->low, o->high);
        cr_expect_geq(o->high, -clocks[i], "%g s: %g to %g", clocks[i], o->low, o->high);
        cr_expect_leq(o->high - o->low, 1.25, "%g s", clocks[i]);
        cr_expect_not(l.files[0].clock_is_unsure);
        cr_expect_eq(l.files[0].num_joined, 2);
        cr_assert_eq(a->num_log_lines, 2);
        cr_expect_eq(a->log_lines[1].line, 2);
        cr_expect_eq(a->log_lines[1].frame, s.frame, "the last response's frame");
        story_free(&s);
    }
}

/* Goal: many requests narrow the clock down. */
Test(log_join, many_requests_narrow_the_clock)
{
    struct story s;
    struct server_log l;
    double ahead = 432.25;
    story_begin(&s, &with_logs);
    log_begin(&l, &s);
    int64_t stamps[40];
    for (int i = 0; i < 40; i++) {
        struct talk t = talk_open(&s);
        ASK(&t, .token = TOKEN_KRB, .ticket = 1);
        ANSWER(&t, .status = 401);
        stamps[i] = second(&s, ahead);
        talk_fin(&t, false);
        talk_end(&t, TCP_END_CLOSED);
        story_wait(&s, 61.37);
    }
    for (int i = 0; i < 40; i++) {
        SAY(&l, .at_s = stamps[i], .status = 401, .substatus = 1, .win32 = 0x8009030F);
        SAY(&l, .at_s = stamps[i] + 7, .client = CLIENT_2, .status = 401, .substatus = 1,
            .win32 = 5);
    }
    (void)log_end(&l, 40);
    const struct offset *o = &l.files[0].clock;
    cr_expect(o->low <= -ahead && -ahead <= o->high, "%g to %g", o->low, o->high);
    cr_expect_leq(o->high - o->low, 0.4);
    cr_expect_eq(l.files[0].num_joined, 40);
    story_free(&s);
}

/* Goal: the win32 status decides between what the capture leaves open. */
Test(log_join, the_win32_status_decides)
{
    static const struct {
        uint32_t win32;
        enum cause cause;
        enum confidence confidence;
        bool key_falls, skew_falls;
    } rows[] = {
        {0x80090324, CAUSE_CLOCK_SKEW, CONFIDENCE_CERTAIN, true, false},
        {0x8009030F, CAUSE_SERVICE_KEY_MISMATCH, CONFIDENCE_LIKELY, false, true},
        {0x80090322, CAUSE_SERVICE_KEY_MISMATCH, CONFIDENCE_LIKELY, false, true},
        {0x80090346, CAUSE_TICKET_REFUSED, CONFIDENCE_LIKELY, false, true},
        {0x80090305, CAUSE_TICKET_REFUSED, CONFIDENCE_LIKELY, false, false},
        {0x8009030C, CAUSE_TICKET_REFUSED, CONFIDENCE_LIKELY, false, false},
        {NORMAL, CAUSE_TICKET_REFUSED, CONFIDENCE_LIKELY, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct story s;
        struct server_log l;
        story_begin(&s, &with_logs);
        refused_ticket(&s);
        log_begin(&l, &s);
        SAY(&l, .at_s = second(&s, 9), .status = 401, .substatus = 2, .win32 = NORMAL);
        SAY(&l, .at_s = second(&s, 9), .status = 401, .substatus = 1, .win32 = rows[i].win32);
        const struct attempt_record *a = log_end(&l, 1);
        EXPECT(&s, 0, OUTCOME_REFUSED, rows[i].cause, STEP_ACCEPT);
        EXPECT_CONFIDENCE(&s, 0, rows[i].confidence);
        cr_assert_eq(a->verdict.logs.num, 1, "%u", rows[i].win32);
        cr_expect_eq(a->verdict.logs.at[0].line, 2);
        cr_expect_gt(a->verdict.evidence.num, 0, "the frames stay");
        cr_expect_eq(is_ruled_out(a, CAUSE_CLOCK_SKEW), rows[i].skew_falls, "%u", rows[i].win32);
        bool key_listed = also_of(a, CAUSE_SERVICE_KEY_MISMATCH) != NULL ||
                          rows[i].cause == CAUSE_SERVICE_KEY_MISMATCH;
        cr_expect_eq(key_listed, !rows[i].key_falls, "%u", rows[i].win32);
        story_free(&s);
    }
}

/* Goal: an earlier step's verdict stands; what the log adds goes to `also`. */
Test(log_join, an_earlier_step_stands)
{
    struct story s;
    struct server_log l;
    story_begin(&s, &with_logs);
    story_client_side(&s);
    story_ticket_error(&s, MP_SPN, 7, 0);
    struct talk t = talk_open(&s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = 401);
    ASK(&t, .token = TOKEN_NTLM_1);
    talk_ntlm_on(&t, 401);
    log_begin(&l, &s);
    SAY(&l, .at_s = second(&s, 0), .status = 401, .substatus = 2, .win32 = NORMAL);
    SAY(&l, .at_s = second(&s, 0), .status = 401, .substatus = 1, .win32 = 590610);
    SAY(&l, .at_s = second(&s, 0), .status = 401, .substatus = 1, .win32 = 0x8009030C);
    const struct attempt_record *a = log_end(&l, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_SPN_MISSING, STEP_TICKET);
    const struct finding *ntlm = also_of(a, CAUSE_NTLM_REFUSED);
    cr_assert_not_null(ntlm);
    cr_expect_eq(ntlm->logs.num, 1);
    story_free(&s);
}

static void one_status(struct story *s, unsigned status)
{
    story_begin(s, &with_logs);
    struct talk t = talk_open(s);
    ASK(&t, .host = MP_NAME);
    ANSWER(&t, .status = status);
}

/* Goal: 404.6 is the verb, 404.0 is not. */
Test(log_join, substatus_of_404)
{
    struct story s;
    struct server_log l;
    one_status(&s, 404);
    log_begin(&l, &s);
    SAY(&l, .at_s = second(&s, 5), .status = 404, .substatus = 6);
    (void)log_end(&l, 1);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_MP_VERB_BLOCKED, STEP_CHALLENGE);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_CERTAIN);
    story_free(&s);
    one_status(&s, 404);
    log_begin(&l, &s);
    SAY(&l, .at_s = second(&s, 5), .status = 404, .substatus = 0, .win32 = 2);
    const struct attempt_record *a = log_end(&l, 1);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_MP_NOT_FOUND, STEP_CHALLENGE);
    EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_CERTAIN);
    cr_expect(is_ruled_out(a, CAUSE_MP_VERB_BLOCKED));
    story_free(&s);
}

/* Goal: HTTP.sys' log says why it is 503; the connection ties the line. */
Test(log_join, http_sys_says_why)
{
    struct story s;
    struct server_log l;
    one_status(&s, 503);
    log_begin(&l, &s);
    SAY(&l, .at_s = second(&s, -30), .status = 503, .reason = "Disabled", .client_port = 1);
    SAY(&l, .at_s = second(&s, -30), .status = 503, .reason = "AppOffline",
        .client_port = (uint16_t)(s.port - 1));
    const struct attempt_record *a = log_end(&l, 1);
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_MP_UNAVAILABLE, STEP_CHALLENGE);
    cr_expect(holds_word(a->verdict.summary, "AppOffline"));
    cr_assert_eq(a->num_log_lines, 1);
    cr_expect(bytes_is(a->log_lines[0].reason, "AppOffline"));
    story_free(&s);
}

/* Goal: lines of other clients, paths, methods, ports or answers tell of nothing here. */
Test(log_join, lines_of_others)
{
    static const struct line_words lines[] = {
        {.client = CLIENT_2, .status = 401, .win32 = 0x80090324},
        {.path = "/ccm_system/request", .status = 401, .win32 = 0x80090324},
        {.method = "GET", .status = 401, .win32 = 0x80090324},
        {.status = 200, .user = "EXAMPLE\\PC01$"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct story s;
        struct server_log l;
        story_begin(&s, &with_logs);
        refused_ticket(&s);
        log_begin(&l, &s);
        struct line_words w = lines[i];
        w.at_s = second(&s, 0);
        say(&l, &w);
        const struct attempt_record *a = log_end(&l, 1);
        cr_expect_eq(a->num_log_lines, 0, "line %zu", i);
        cr_expect_not(l.files[0].clock.known);
        EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_TICKET_REFUSED, STEP_ACCEPT);
        story_free(&s);
    }
}

/* Goal: where several moments of the log fit, nothing is claimed unless they all say the same.
 * Method: a log in which the client is refused at every full hour, without the server's Date. */
Test(log_join, several_moments_fit)
{
    for (int differ = 0; differ < 2; differ++) {
        struct story s;
        struct server_log l;
        story_begin(&s, &with_logs);
        struct talk t = talk_open(&s);
        ASK(&t, .host = MP_NAME);
        ANSWER(&t, .status = 401, .no_date = true);
        ASK(&t, .token = TOKEN_KRB);
        ANSWER(&t, .status = 401, .no_date = true);
        log_begin(&l, &s);
        for (int hour = -3; hour < 3; hour++) {
            uint32_t win32 = differ && hour % 2 != 0 ? 0x8009030F : 0x80090324;
            SAY(&l, .at_s = second(&s, 1800 + 3600 * hour), .status = 401, .substatus = 1,
                .win32 = win32);
        }
        const struct attempt_record *a = log_end(&l, 1);
        cr_expect(l.files[0].clock_is_unsure);
        cr_expect_eq(a->has_verdict && a->verdict.cause == CAUSE_CLOCK_SKEW, !differ, "they %s",
                     differ ? "differ" : "agree");
        cr_expect_eq(a->num_log_lines > 0, !differ);
        story_free(&s);
    }
}

/* Goal: the log of another node tells of nothing, and does not disturb the right one. */
Test(log_join, two_nodes)
{
    struct story s;
    struct server_log l;
    story_begin(&s, &with_logs);
    refused_ticket(&s);
    log_begin(&l, &s);
    l.num_files = 2;
    SAY(&l, .log = 1, .at_s = second(&s, 30), .client = CLIENT_2, .status = 401, .substatus = 2,
        .win32 = NORMAL);
    SAY(&l, .log = 0, .at_s = second(&s, 60), .status = 401, .substatus = 2, .win32 = NORMAL);
    SAY(&l, .log = 0, .at_s = second(&s, 60), .status = 401, .substatus = 1, .win32 = 0x80090322);
    const struct attempt_record *a = log_end(&l, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_SERVICE_KEY_MISMATCH, STEP_ACCEPT);
    cr_assert_eq(a->num_log_lines, 2);
    cr_expect_eq(a->log_lines[0].log, 0);
    cr_expect_not(l.files[1].clock.known);
    story_free(&s);
}

/* Goal: memory does not grow with the log. Method: a million lines that could all tell of the one
 * captured request; the right ones are found all the same. */
Test(log_join, a_million_lines)
{
    struct story s;
    struct server_log l;
    story_begin(&s, &with_logs);
    refused_ticket(&s);
    log_begin(&l, &s);
    int64_t now = second(&s, 0);
    for (int i = -500000; i < 500000; i++) {
        if (i == 0) {
            SAY(&l, .at_s = now, .status = 401, .substatus = 2, .win32 = NORMAL);
            SAY(&l, .at_s = now, .status = 401, .substatus = 1, .win32 = 0x80090324);
        }
        SAY(&l, .at_s = now + i * 3, .status = 403, .substatus = 7);
    }
    (void)log_end(&l, 1);
    EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_CLOCK_SKEW, STEP_ACCEPT);
    story_free(&s);
}

/* ---- applicationHost.config ---- */

#define CONFIG(windows)                                                                            \
    "<configuration>\n<system.applicationHost>\n<applicationPools>\n<add name='P'>\n"              \
    "<processModel identityType='SpecificUser' userName='EXAMPLE\\svc' password='geheim'/>\n"      \
    "</add></applicationPools><sites><site name='Default Web Site' id='1'>"                        \
    "<application path='/CCM_System_WindowsAuth' applicationPool='P'/><bindings>"                  \
    "<binding protocol='http' bindingInformation='*:80:'/></bindings></site></sites>"              \
    "</system.applicationHost>\n<system.webServer><security>" windows                              \
    "</security></system.webServer></configuration>"

static const struct attempt_record *judge_with(struct story *s, struct server_log *l,
                                               struct iis_config **config, const char *text)
{
    struct trouble trouble;
    log_begin(l, s);
    cr_assert_eq(iis_config_parse(config, bytes_of(text), &trouble), STATUS_OK);
    case_log_config(s->c, 0, *config);
    return log_end(l, 1);
}

/* Goal: whose key opens tickets is said for all three settings, with the line that says so. */
Test(log_join, whose_key_opens_the_ticket)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {CONFIG("<authentication><windowsAuthentication enabled='true' useKernelMode='true'/>"
                "</authentication>"),
         "with the key of the computer's account"},
        {CONFIG("<authentication><windowsAuthentication enabled='true' useKernelMode='true' "
                "useAppPoolCredentials='true'/></authentication>"),
         "the pool's identity EXAMPLE\\svc"},
        {CONFIG("<authentication><windowsAuthentication enabled='true' useKernelMode='false'/>"
                "</authentication>"),
         "the pool's identity EXAMPLE\\svc"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct story s;
        struct server_log l;
        struct iis_config *config;
        story_begin(&s, &with_logs);
        struct talk t = talk_present(&s, TOKEN_KRB);
        ANSWER(&t, .status = 401, .krb_error = 41);
        const struct attempt_record *a = judge_with(&s, &l, &config, rows[i].text);
        EXPECT(&s, 0, OUTCOME_REFUSED, CAUSE_SERVICE_KEY_MISMATCH, STEP_ACCEPT);
        EXPECT_CONFIDENCE(&s, 0, CONFIDENCE_LIKELY);
        cr_expect(has_note(a, rows[i].words), "row %zu", i);
        cr_expect_gt(a->verdict.logs.num, 0);
        bool names_fix = false;
        for (size_t k = 0; k < a->verdict.num_remedies; k++) {
            names_fix =
                names_fix || holds_word(a->verdict.remedy[k], "-useAppPoolCredentials:true");
            cr_expect_not(holds_word(a->verdict.remedy[k], "geheim"));
        }
        cr_expect_eq(names_fix, i == 0, "row %zu", i);
        story_free(&s);
        iis_config_free(config);
    }
}

/* Goal: request filtering makes a 404 a denied verb, or rules that out. */
Test(log_join, verbs_of_the_configuration)
{
    struct story s;
    struct server_log l;
    struct iis_config *config;
    one_status(&s, 404);
    const struct attempt_record *a = judge_with(
        &s, &l, &config,
        CONFIG("<requestFiltering><verbs allowUnlisted='false'><add verb='GET' allowed='true'/>"
               "</verbs></requestFiltering>"));
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_MP_VERB_BLOCKED, STEP_CHALLENGE);
    cr_expect_eq(a->verdict.logs.num, 1);
    cr_expect_null(also_of(a, CAUSE_MP_VERB_BLOCKED));
    story_free(&s);
    iis_config_free(config);
    one_status(&s, 404);
    a = judge_with(&s, &l, &config, CONFIG(""));
    EXPECT(&s, 0, OUTCOME_FAILED, CAUSE_MP_NOT_FOUND, STEP_CHALLENGE);
    cr_expect(is_ruled_out(a, CAUSE_MP_VERB_BLOCKED));
    story_free(&s);
    iis_config_free(config);
}
