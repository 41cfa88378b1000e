/* What the servers' logs say by themselves: each client's tries. */
#include "diagnose/logs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define T0 INT64_C(1795345962) /* 2026-11-22T11:12:42Z */
#define NORMAL 2148074254U     /* SEC_E_NO_CREDENTIALS */

struct told {
    struct case_file *c;
    struct log_summary file;
    struct analysis a;
    uint64_t line;
};

static void begin_with(struct told *t, const struct case_options *options)
{
    *t = (struct told){.c = case_new(options), .file = {.path = "u_ex.log"}};
    cr_assert_not_null(t->c);
    case_settle(t->c, NULL, 0);
}

static void begin(struct told *t)
{
    const struct case_options options = {.has_logs = true};
    begin_with(t, &options);
}

struct words {
    int at; /* seconds after T0 */
    const char *client, *method, *path, *user, *reason, *host, *server;
    unsigned status, substatus;
    uint32_t win32;
    bool no_user_column;
};

static void say(struct told *t, const struct words *w)
{
    struct log_entry e = {
        .line = ++t->line,
        .time_s = T0 + w->at,
        .method = bytes_of(w->method == NULL ? "CCM_POST" : w->method),
        .path = bytes_of(w->path == NULL ? "/ccm_system_windowsauth/request" : w->path),
        .user = bytes_of(w->user),
        .reason = bytes_of(w->reason),
        .server_port = 80,
        .has_status = true,
        .has_substatus = w->reason == NULL,
        .has_win32 = w->reason == NULL,
        .status = w->status,
        .substatus = w->substatus,
        .win32 = w->win32,
        .has_user_column = !w->no_user_column && w->reason == NULL,
        .is_error = w->reason != NULL};
    cr_assert(address_parse(bytes_of(w->client == NULL ? "192.0.2.7" : w->client), &e.client));
    e.host = bytes_of(w->host);
    if (w->server != NULL) {
        cr_assert(address_parse(bytes_of(w->server), &e.server));
    }
    case_log_push(t->c, 0, &e);
}
#define SAY(t, ...) say(t, &(struct words){__VA_ARGS__})

static const struct log_report *end(struct told *t)
{
    case_logs_end(t->c, &t->file, 1);
    cr_assert_eq(case_end(t->c, NULL, 0, &t->a), STATUS_OK);
    return &t->a.logs;
}

static void drop(struct told *t)
{
    analysis_free(&t->a);
    case_free(t->c);
}

/* The line after which the log goes on for long. */
static void later(struct told *t)
{
    SAY(t, .at = 100000, .client = "192.0.2.99", .user = "EXAMPLE\\PC99$", .status = 200);
}

static const struct log_client *only(const struct log_report *r)
{
    for (size_t i = 0; i < r->num_clients; i++) {
        if (r->clients[i]->address.octets[3] == 7) {
            return r->clients[i];
        }
    }
    cr_assert_fail("the client is not there");
    return NULL;
}

/* Goal: a healthy log has no cause. Method: every kind of success and of noise that
 * docs/CAUSES.md says is no failure. */
Test(log_clients, a_healthy_log_has_no_cause)
{
    struct told t;
    begin(&t);
    /* Kerberos, and the next day again */
    for (int day = 0; day < 2; day++) {
        SAY(&t, .at = day * 86400, .status = 401, .substatus = 2, .win32 = NORMAL);
        SAY(&t, .at = day * 86400, .user = "EXAMPLE\\PC01$", .status = 200);
    }
    /* NTLM: two 401s in a row, then in */
    SAY(&t, .client = "192.0.2.8", .status = 401, .substatus = 2, .win32 = NORMAL);
    SAY(&t, .client = "192.0.2.8", .status = 401, .substatus = 1, .win32 = NORMAL);
    SAY(&t, .client = "192.0.2.8", .user = "EXAMPLE\\PC02$", .status = 200);
    SAY(&t, .client = "192.0.2.9", .status = 401, .substatus = 2, .win32 = 5);
    SAY(&t, .client = "192.0.2.9", .status = 401, .substatus = 1, .win32 = 590610);
    SAY(&t, .client = "192.0.2.9", .user = "EXAMPLE\\PC03$", .status = 200);
    /* one challenge that nothing follows */
    SAY(&t, .client = "192.0.2.10", .status = 401, .substatus = 2, .win32 = NORMAL);
    /* a probe, for hours */
    for (int i = 0; i < 1000; i++) {
        SAY(&t, .at = i * 5, .client = "192.0.2.11", .method = "GET", .path = "/", .status = 401,
            .substatus = 2, .win32 = NORMAL);
        SAY(&t, .at = i * 5, .client = "192.0.2.12", .method = "GET", .path = "/sms_mp/.sms_aut",
            .status = 200);
    }
    /* everyday posts and misses elsewhere */
    SAY(&t, .client = "192.0.2.13", .path = "/ccm_system/request", .status = 200);
    SAY(&t, .client = "192.0.2.13", .method = "GET", .path = "/favicon.ico", .status = 404);
    SAY(&t, .client = "192.0.2.13", .reason = "Timer_ConnectionIdle");
    later(&t);
    const struct log_report *r = end(&t);
    cr_expect_eq(r->num_bad_clients, 0);
    for (size_t i = 0; i < r->num_clients; i++) {
        cr_expect_not(r->clients[i]->has_verdict, "client .%u", r->clients[i]->address.octets[3]);
    }
    cr_expect_eq(only(r)->num_approved, 2);
    cr_expect_eq(only(r)->outcome, OUTCOME_APPROVED);
    drop(&t);
}

/* Goal: each code says its cause. Method: the ordinary challenge, then that code. */
Test(log_clients, what_the_codes_say)
{
    static const struct {
        unsigned substatus;
        uint32_t win32;
        enum cause cause;
    } codes[] = {
        {1, 0x80090324, CAUSE_CLOCK_SKEW},
        {1, 1398, CAUSE_CLOCK_SKEW},
        {1, 0x8009030F, CAUSE_SERVICE_KEY_MISMATCH},
        {1, 0x80090322, CAUSE_SERVICE_KEY_MISMATCH},
        {1, 0x8009030C, CAUSE_NTLM_REFUSED},
        {1, 0x80090305, CAUSE_TICKET_REFUSED},
        {1, 0x80090308, CAUSE_TICKET_REFUSED},
        {1, 0x80090346, CAUSE_TICKET_REFUSED},
        {1, 1331, CAUSE_CLIENT_DISABLED},
        {1, 1909, CAUSE_CLIENT_LOCKED_OUT},
        {3, 5, CAUSE_MP_FORBIDDEN},
        {5, 0, CAUSE_MP_FORBIDDEN},
        {503, 0, CAUSE_MP_FORBIDDEN},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct told t;
        begin(&t);
        SAY(&t, .status = 401, .substatus = 2, .win32 = NORMAL);
        SAY(&t, .at = 1, .status = 401, .substatus = codes[i].substatus, .win32 = codes[i].win32);
        const struct log_report *r = end(&t);
        const struct log_client *c = only(r);
        cr_assert(c->has_verdict, "%u %u", codes[i].substatus, codes[i].win32);
        cr_expect_eq(c->verdict.cause, codes[i].cause, "%u %u gives %s", codes[i].substatus,
                     codes[i].win32, cause_id(c->verdict.cause));
        cr_expect_eq(c->num_refused, 1);
        cr_expect_eq(c->outcome, OUTCOME_REFUSED);
        cr_assert_eq(c->verdict.logs.num, 2);
        cr_expect_eq(c->verdict.logs.at[1].line, 2);
        cr_expect_eq(r->by_cause[codes[i].cause], 1);
        drop(&t);
    }
}

/* Goal: two ordinary challenges in a row say "not authenticated", near to each other or days apart;
 * a success between them takes that back. */
Test(log_clients, two_challenges_in_a_row)
{
    for (int gap = 1; gap < 400000; gap *= 100) {
        for (int with_success = 0; with_success < 2; with_success++) {
            struct told t;
            begin(&t);
            SAY(&t, .status = 401, .substatus = 2, .win32 = NORMAL);
            if (with_success) {
                SAY(&t, .user = "EXAMPLE\\PC01$", .status = 200);
            }
            SAY(&t, .at = gap, .status = 401, .substatus = 2, .win32 = NORMAL);
            later(&t);
            const struct log_client *c = only(end(&t));
            cr_expect_eq(c->num_refused, !with_success, "%d s apart", gap);
            cr_expect_eq(c->has_verdict, !with_success);
            cr_expect(with_success || c->verdict.cause == CAUSE_NO_CREDENTIALS_SENT);
            cr_expect(with_success || c->verdict.confidence == CONFIDENCE_POSSIBLE);
            drop(&t);
        }
    }
}

/* Goal: the end of the log is not the end of a handshake. */
Test(log_clients, the_end_of_the_log)
{
    struct told t;
    begin(&t);
    SAY(&t, .status = 401, .substatus = 2, .win32 = NORMAL);
    SAY(&t, .status = 401, .substatus = 1, .win32 = NORMAL);
    cr_expect_eq(only(end(&t))->num_refused, 0, "NTLM's middle may be what this is");
    drop(&t);
    begin(&t);
    SAY(&t, .status = 401, .substatus = 2, .win32 = NORMAL);
    SAY(&t, .status = 401, .substatus = 1, .win32 = NORMAL);
    later(&t);
    cr_expect_eq(only(end(&t))->num_refused, 1, "nothing followed it");
    drop(&t);
}

/* Goal: the fallback to the anonymous path is no success; an anonymous success on a protected path
 * is one of its own kind. */
Test(log_clients, anonymous_paths)
{
    struct told t;
    begin(&t);
    SAY(&t, .status = 401, .substatus = 2, .win32 = NORMAL);
    SAY(&t, .status = 401, .substatus = 1, .win32 = 0x8009030F);
    SAY(&t, .path = "/ccm_system/request", .status = 200);
    later(&t);
    cr_expect_eq(only(end(&t))->num_refused, 1);
    drop(&t);
    begin(&t);
    SAY(&t, .status = 200);
    later(&t);
    const struct log_client *c = only(end(&t));
    cr_expect_eq(c->num_anonymous, 1);
    cr_expect_eq(c->outcome, OUTCOME_ACCEPTED_ANONYMOUS);
    drop(&t);
}

/* Goal: a log without user names is followed by path. */
Test(log_clients, without_user_names)
{
    struct told t;
    begin(&t);
    SAY(&t, .path = "/app/x", .method = "GET", .status = 401, .substatus = 2, .win32 = NORMAL,
        .no_user_column = true);
    SAY(&t, .path = "/app/y", .method = "GET", .status = 200, .no_user_column = true);
    SAY(&t, .path = "/app/x", .method = "GET", .status = 401, .substatus = 1, .win32 = 0x8009030C,
        .no_user_column = true);
    SAY(&t, .path = "/app/x", .method = "GET", .status = 200, .no_user_column = true);
    later(&t);
    const struct log_client *c = only(end(&t));
    cr_expect_eq(c->num_approved, 1);
    cr_expect_eq(c->num_refused, 0);
    drop(&t);
}

/* Goal: what HTTP.sys answered by itself. */
Test(log_clients, http_sys)
{
    static const struct {
        const char *reason;
        unsigned status;
        enum cause cause;
    } rows[] = {{"AppOffline", 503, CAUSE_MP_UNAVAILABLE},
                {"QueueFull", 503, CAUSE_MP_UNAVAILABLE},
                {"FieldLength", 400, CAUSE_TOKEN_TOO_LARGE},
                {"RequestLength", 400, CAUSE_TOKEN_TOO_LARGE},
                {"Connection_Abandoned_By_AppPool", 0, CAUSE_MP_CONNECTION_RESET}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct told t;
        begin(&t);
        SAY(&t, .reason = rows[i].reason, .status = rows[i].status);
        const struct log_client *c = only(end(&t));
        cr_assert(c->has_verdict, "%s", rows[i].reason);
        cr_expect_eq(c->verdict.cause, rows[i].cause, "%s", rows[i].reason);
        cr_expect_eq(c->outcome, OUTCOME_FAILED);
        drop(&t);
    }
}

/* Goal: the worst first, and the summary says how many, since when, and who was first. */
Test(log_clients, many)
{
    struct told t;
    begin(&t);
    for (int i = 0; i < 17; i++) {
        char client[32];
        snprintf(client, sizeof client, "192.0.2.%d", 100 + i);
        for (int k = 0; k <= i; k++) {
            SAY(&t, .at = 3600 * k + 60 * (17 - i), .client = client, .status = 401, .substatus = 1,
                .win32 = 0x8009030C);
        }
    }
    const struct log_report *r = end(&t);
    cr_expect_eq(r->num_bad_clients, 17);
    cr_expect_eq(r->num_bad_tries, 17 * 18 / 2);
    cr_expect_eq(r->clients[0]->address.octets[3], 116);
    cr_expect_eq(r->clients[0]->num_refused, 17);
    cr_expect_eq(r->first_bad_s, T0 + 60);
    cr_expect_eq(r->first_bad->address.octets[3], 116);
    char text[400] = "";
    memcpy(text, r->summary.at, r->summary.len < 399 ? r->summary.len : 399);
    cr_expect_str_eq(text, "17 clients were refused or failed since 2026-11-22T11:13:42Z, first "
                           "192.0.2.116; 153 tries in all, the last at 2026-11-23T03:13:42Z.");
    cr_expect_gt(r->num_next_capture, 0);
    drop(&t);
}

/* Goal: --client and --host choose among the logs' clients too. Method: clients that differ in
 * address, user, host and server; a line that does not name its host may be of any. */
Test(log_clients, filters)
{
    static const struct {
        const char *client, *host;
        const char *kept; /* last octets, most refusals first */
    } cases[] = {
        {NULL, NULL, "7 8 9 "},
        {"192.0.2.8", NULL, "8 "},
        {"pc07", NULL, "7 "},
        {"PC99", NULL, ""},
        {NULL, "mp.example.com", "7 9 "},
        {NULL, "mp", "7 9 "},
        {NULL, "10.0.0.2", "8 9 "},
        {"192.0.2.7", "other.example.com", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct told t;
        const struct case_options options = {.has_logs = true,
                                             .clients = &cases[i].client,
                                             .num_clients = cases[i].client != NULL,
                                             .hosts = &cases[i].host,
                                             .num_hosts = cases[i].host != NULL};
        begin_with(&t, &options);
        SAY(&t, .user = "EXAMPLE\\PC07$", .status = 200, .host = "MP.example.com:8530",
            .server = "10.0.0.1");
        for (int k = 0; k < 3; k++) {
            SAY(&t, .at = 4000 * k, .status = 401, .substatus = 1, .win32 = 0x8009030C,
                .host = "MP.example.com:8530", .server = "10.0.0.1");
        }
        for (int k = 0; k < 2; k++) {
            SAY(&t, .at = 4000 * k, .client = "192.0.2.8", .status = 401, .substatus = 1,
                .win32 = 0x8009030C, .host = "other.example.com", .server = "10.0.0.2");
        }
        SAY(&t, .client = "192.0.2.9", .status = 401, .substatus = 1, .win32 = 0x8009030C);
        const struct log_report *r = end(&t);
        char kept[40] = "";
        for (size_t k = 0; k < r->num_clients; k++) {
            size_t len = strlen(kept);
            snprintf(kept + len, sizeof kept - len, "%d ", r->clients[k]->address.octets[3]);
        }
        cr_expect_str_eq(kept, cases[i].kept, "%zu: %s", i, kept);
        cr_expect_eq(r->num_bad_clients, r->num_clients);
        drop(&t);
    }
}

/* Goal: clients beyond the table are counted, not followed, and cost nothing. */
Test(log_clients, too_many)
{
    struct told t;
    begin(&t);
    for (int i = 0; i < 20000; i++) {
        char client[32];
        snprintf(client, sizeof client, "10.%d.%d.%d", i / 65536, i / 256 % 256, i % 256);
        SAY(&t, .client = client, .status = 401, .substatus = 1, .win32 = 0x8009030C);
    }
    const struct log_report *r = end(&t);
    cr_expect_eq(r->num_bad_clients, 16384);
    cr_expect_eq(r->num_lines_dropped, 20000 - 16384);
    drop(&t);
}

/* Goal: however many clients are well, one that is not is told. Method: more of them than are
 * followed, among them now and then one that is refused, twice, the second time at the end. */
Test(log_clients, refused_among_very_many)
{
    enum { WELL = 40000, BAD_EVERY = 2000, NUM_BAD = WELL / BAD_EVERY };
    struct told t;
    char address[32];
    begin(&t);
    for (int i = 0; i < WELL; i++) {
        snprintf(address, sizeof address, "10.1.%d.%d", i / 256, i % 256);
        SAY(&t, .at = i, .client = address, .status = 401, .substatus = 2, .win32 = NORMAL);
        SAY(&t, .at = i, .client = address, .user = "EXAMPLE\\PC$", .status = 200);
        if (i % BAD_EVERY == 0) {
            snprintf(address, sizeof address, "10.2.0.%d", i / BAD_EVERY);
            SAY(&t, .at = i, .client = address, .status = 401, .substatus = 1, .win32 = 2148074252);
        }
    }
    for (int i = 0; i < NUM_BAD; i++) {
        snprintf(address, sizeof address, "10.2.0.%d", i);
        SAY(&t, .at = 2 * WELL, .client = address, .status = 401, .substatus = 1,
            .win32 = 2148074252);
    }
    SAY(&t, .at = 3 * WELL, .status = 200, .user = "EXAMPLE\\PC$");
    const struct log_report *r = end(&t);
    cr_expect_eq(r->num_bad_clients, NUM_BAD);
    cr_expect_eq(r->num_bad_tries, 2 * NUM_BAD);
    cr_expect_eq(r->num_clients_by_outcome[OUTCOME_APPROVED], WELL + 1);
    cr_expect_eq(r->num_lines_dropped, 0);
    drop(&t);
}
