/* The live path is the same correlator: the last revision of every attempt is what `analyze` says
 * of it. Every case of pcaps/ is judged both ways and compared attempt by attempt; by hand-written
 * events it is then tried when revisions come, and that nothing is kept for ever.
 */
#include "recording.h"
#include "story.h"

#include "base/civil.h"
#include "diagnose/live.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEWS_MAX 4096
#define LINE_MAX_BYTES 1200

/* What is compared of one attempt. */
struct line {
    uint32_t id, revision;
    bool final;
    char text[LINE_MAX_BYTES];
};

struct heard {
    struct line *lines; /* NEWS_MAX */
    size_t num;
    unsigned num_first_final;
    uint64_t num_calls;
    bool is_brief;
    unsigned num_brief; /* told without what no line shows */
};

static void put_name(struct text *t, struct bytes b)
{
    text_add(t, " '");
    text_add_bytes(t, b);
    text_add(t, "'");
}

/* is_brief: of what succeeds, only what a line shows. */
static void describe(char out[LINE_MAX_BYTES], const struct attempt_record *a, bool is_brief)
{
    struct text t;
    bool is_whole = !is_brief || a->outcome != OUTCOME_APPROVED;
    text_init(&t, out, LINE_MAX_BYTES);
    text_format(&t, "%s %s ", attempt_kind_word(a->kind), outcome_word(a->outcome));
    address_print(&t, &a->client.address);
    put_name(&t, a->host);
    put_name(&t, a->spn);
    text_format(&t, " %lld-%lld", (long long)a->first_time_ns, (long long)a->last_time_ns);
    text_format(&t, " also %zu", a->num_also);
    if (is_whole) {
        text_format(&t, " events %zu notes %zu", a->num_events, a->num_notes);
    }
    if (a->has_verdict) {
        text_format(&t, " %s %s %s", cause_id(a->verdict.cause), step_word(a->verdict.step),
                    confidence_word(a->verdict.confidence));
        put_name(&t, a->verdict.summary);
        text_format(&t, " evidence %zu", a->verdict.evidence.num);
    }
    for (size_t i = 0; i < STEP_COUNT && is_whole; i++) {
        text_format(&t, " %s", step_state_word(a->steps[i].state));
    }
}

static void hear(void *context, const struct case_news *news)
{
    struct heard *h = context;
    struct line *line = NULL;
    h->num_calls++;
    h->num_first_final += news->is_first_final;
    for (size_t i = 0; i < h->num && line == NULL; i++) {
        line = h->lines[i].id == news->attempt->id ? &h->lines[i] : NULL;
    }
    if (line == NULL) {
        cr_assert_lt(h->num, NEWS_MAX);
        line = &h->lines[h->num++];
        *line = (struct line){.id = news->attempt->id};
    }
    cr_assert_eq(news->revision, line->revision + 1);
    cr_assert(news->final || !line->final, "a final attempt is open again");
    line->revision = news->revision;
    line->final = news->final;
    describe(line->text, news->attempt, h->is_brief);
    h->num_brief += news->attempt->is_brief;
    cr_assert_eq(news->attempt->is_brief,
                 h->is_brief && news->attempt->outcome == OUTCOME_APPROVED);
    cr_assert(!news->attempt->is_brief || news->attempt->num_events == 0);
}

static void hear_begin(struct heard *h)
{
    *h = (struct heard){.lines = calloc(NEWS_MAX, sizeof *h->lines)};
    cr_assert_not_null(h->lines);
}

/* Judges the recording live. */
static void judge_live(const struct recording *r, struct heard *h)
{
    const struct case_options options = {.all = true};
    struct capture_summary summary = {.path = "x", .info = r->info};
    const struct case_live live = {.sink = hear,
                                   .context = h,
                                   .captures = &summary,
                                   .num_captures = 1,
                                   .is_brief = h->is_brief};
    struct case_file *c = case_new(&options);
    cr_assert_not_null(c);
    cr_assert_eq(case_go_live(c, &live), STATUS_OK);
    const struct decoder_options none = {0};
    struct decoder *d = decoder_new(&none, case_sink, c);
    for (size_t i = 0; i < r->num_frames; i++) {
        const struct frame frame = recording_frame(&r->frames[i]);
        decoder_push(d, &frame);
    }
    decoder_end(d);
    decoder_free(d);
    struct analysis a;
    cr_assert_eq(case_end(c, &summary, 1, &a), STATUS_OK);
    uint64_t num = 0;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        num += a.by_outcome[i];
    }
    cr_assert_eq(num, h->num);
    cr_assert_eq(a.num_attempts_dropped, h->num);
    cr_assert_eq(h->num_first_final, h->num, "every attempt becomes final once");
    case_free(c);
}

static bool take(struct heard *h, const char *text)
{
    for (size_t i = 0; i < h->num; i++) {
        if (h->lines[i].id != 0 && strcmp(h->lines[i].text, text) == 0) {
            h->lines[i].id = 0;
            return true;
        }
    }
    return false;
}

/* Both ways agree on every case; how many attempts were told briefly. */
static unsigned compare_all(bool is_brief)
{
    static char names[CASES_MAX][CASE_NAME_MAX];
    const char *only = getenv("KRBSCOPE_CASE");
    size_t num = cases_list(names);
    unsigned num_compared = 0;
    unsigned num_wrong = 0;
    unsigned num_brief = 0;
    for (size_t i = 0; i < num; i++) {
        struct recording r;
        struct judgement j;
        struct heard h;
        char text[LINE_MAX_BYTES];
        if (only != NULL && strcmp(only, names[i]) != 0) {
            continue;
        }
        cr_assert(recording_load_case(&r, names[i]));
        recording_judge(&r, NULL, &j);
        hear_begin(&h);
        h.is_brief = is_brief;
        judge_live(&r, &h);
        for (size_t k = 0; k < j.analysis.num_attempts; k++) {
            describe(text, j.analysis.attempts[k], is_brief);
            num_compared++;
            if (!take(&h, text)) {
                num_wrong++;
                printf("%s: only analyze says\n  %s\n", names[i], text);
            }
        }
        for (size_t k = 0; k < h.num; k++) {
            if (h.lines[k].id != 0) {
                num_wrong++;
                printf("%s: only live says\n  %s\n", names[i], h.lines[k].text);
            }
        }
        num_brief += h.num_brief;
        free(h.lines);
        judgement_free(&j);
        recording_free(&r);
    }
    fflush(stdout);
    cr_assert(num_compared > 50 || only != NULL);
    cr_assert_eq(num_wrong, 0, "%u of %u differ", num_wrong, num_compared);
    return num_brief;
}

/* Goal: live and saved agree on everything that a reader acts on, in every case of pcaps/. */
Test(live, agrees_with_analyze)
{
    cr_assert_eq(compare_all(false), 0);
}

/* Goal: where a success is told by a line alone, each verdict is what it was. */
Test(live, agrees_when_brief)
{
    unsigned num_brief = compare_all(true);
    cr_assert(num_brief > 10 || getenv("KRBSCOPE_CASE") != NULL);
}

static void go_live(struct story *s, struct heard *h)
{
    story_begin(s, NULL);
    hear_begin(h);
    const struct case_live live = {
        .sink = hear, .context = h, .captures = &s->capture, .num_captures = 1};
    cr_assert_eq(case_go_live(s->c, &live), STATUS_OK);
}

static void leave(struct story *s, struct heard *h)
{
    story_free(s);
    free(h->lines);
}

/* A logon with a ticket that gets this answer, and is told. closes: its connection ends then. */
static struct talk log_on(struct story *s, unsigned status, bool closes)
{
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = status);
    if (closes) {
        talk_fin(&t, false);
    }
    case_tick(s->c, s->now_ns + 2 * NS_PER_S);
    return t;
}

/* Goal: an attempt with its answer is told a second of packet time later, not at its idle end. */
Test(live, tells_an_approval_at_once)
{
    struct story s;
    struct heard h;
    go_live(&s, &h);
    story_client_side(&s);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 200);
    cr_expect_eq(h.num, 0);
    case_tick(s.c, s.now_ns + 2 * NS_PER_S);
    cr_assert_eq(h.num, 1);
    cr_expect_eq(h.lines[0].revision, 1);
    cr_expect(h.lines[0].final);
    case_tick(s.c, s.now_ns + 200 * NS_PER_S);
    cr_expect_eq(h.num_calls, 1, "an unchanged attempt is not repeated");
    leave(&s, &h);
}

/* Goal: an attempt that nothing can change is forgotten once it is told; not while its connection
 * may carry more. What comes later is judged all the same. */
Test(live, forgets_what_is_settled)
{
    struct story s;
    struct heard h;
    go_live(&s, &h);
    story_client_side(&s);
    (void)log_on(&s, 200, false);
    cr_assert_eq(h.num, 1);
    cr_expect_eq(case_load(s.c).num_attempts, 1, "its connection is open");
    story_wait(&s, 3);
    (void)log_on(&s, 200, true);
    cr_assert_eq(h.num, 2);
    cr_expect_eq(case_load(s.c).num_attempts, 2, "the first one is still open");
    case_tick(s.c, s.now_ns + (ATTEMPT_IDLE_S + 1) * NS_PER_S);
    cr_expect_eq(case_load(s.c).num_attempts, 0);
    s.now_ns += (ATTEMPT_IDLE_S + 1) * NS_PER_S;
    (void)log_on(&s, 200, true);
    cr_assert_eq(h.num, 3);
    cr_expect_eq(case_load(s.c).num_attempts, 0, "nothing can change it");
    story_wait(&s, 5);
    (void)log_on(&s, 401, true);
    cr_assert_eq(h.num, 4);
    cr_expect_eq(case_load(s.c).num_attempts, 1, "a refusal may be corrected");
    cr_expect(strstr(h.lines[3].text, "refused") != NULL);
    cr_expect_eq(h.lines[2].revision, 1);
    leave(&s, &h);
}

/* Goal: a 401 to a token may be followed by another token: told, not final; corrected, not
 * repeated. */
Test(live, corrects_an_attempt_that_resumes)
{
    struct story s;
    struct heard h;
    go_live(&s, &h);
    story_client_side(&s);
    struct talk t = log_on(&s, 401, false);
    cr_assert_eq(h.num, 1);
    cr_expect(!h.lines[0].final);
    cr_expect(strstr(h.lines[0].text, "refused") != NULL);
    story_wait(&s, 5);
    ASK(&t, .token = TOKEN_KRB, .ticket = 2);
    ANSWER(&t, .status = 200);
    case_tick(s.c, s.now_ns + 2 * NS_PER_S);
    cr_assert_eq(h.num, 1);
    cr_expect_eq(h.lines[0].revision, 2);
    cr_expect(h.lines[0].final);
    cr_expect(strstr(h.lines[0].text, "approved") != NULL);
    leave(&s, &h);
}

/* Goal: a refusal becomes final when its time is up. */
Test(live, ends_an_attempt_whose_time_is_up)
{
    struct story s;
    struct heard h;
    go_live(&s, &h);
    story_client_side(&s);
    struct talk t = talk_present(&s, TOKEN_KRB);
    ANSWER(&t, .status = 401);
    case_tick(s.c, s.now_ns + (ATTEMPT_IDLE_S + 1) * NS_PER_S);
    cr_assert_eq(h.num, 1);
    cr_expect(h.lines[0].final);
    leave(&s, &h);
}

/* Goal: what a client did without HTTP is told when it has been silent for long. */
Test(live, judges_a_client_that_fell_silent)
{
    struct story s;
    struct heard h;
    go_live(&s, &h);
    story_meet(&s, CLIENT, KDC);
    story_logon_error(&s, 6, 0);
    case_tick(s.c, s.now_ns + (LIVE_CLIENT_IDLE_S - 20) * NS_PER_S);
    cr_expect_eq(h.num, 0);
    case_tick(s.c, s.now_ns + (LIVE_CLIENT_IDLE_S + 20) * NS_PER_S);
    cr_assert_eq(h.num, 1);
    cr_expect(strstr(h.lines[0].text, "kerberos-only failed") != NULL, "%s", h.lines[0].text);
    leave(&s, &h);
}

/* Goal: a client that never falls silent is judged in rounds, each failure once. */
Test(live, judges_a_busy_client_in_rounds)
{
    struct story s;
    struct heard h;
    go_live(&s, &h);
    story_meet(&s, CLIENT, KDC);
    story_logon_error(&s, 6, 0);
    for (int i = 0; i < 60; i++) {
        story_wait(&s, 60);
        LOOK_UP(&s, .name = "web.example.com");
        RESOLVE(&s, .name = "web.example.com", .address = MP_2);
    }
    cr_assert_eq(h.num, 1);
    cr_expect(strstr(h.lines[0].text, "kerberos-only failed") != NULL, "%s", h.lines[0].text);
    leave(&s, &h);
}

static void one_attempt(struct story *s, unsigned i)
{
    char address[24];
    snprintf(address, sizeof address, "10.%u.%u.%u", 1 + i % 200, i / 200 % 250, 1 + i / 50000);
    s->client = address;
    story_meet(s, address, KDC);
    story_meet(s, address, MP);
    story_resolve(s);
    story_ticket(s, MP_SPN, i);
    struct talk t = talk_present(s, TOKEN_KRB);
    ANSWER(&t, .status = i % 3 == 0 ? 401 : 200);
    talk_end(&t, TCP_END_CLOSED);
    story_wait(s, 1);
}

static void count_only(void *context, const struct case_news *news)
{
    struct heard *h = context;
    h->num_calls++;
    h->num += news->revision == 1;
    h->num_first_final += news->is_first_final;
}

/* Goal: clients, connections and moments that are remembered do not grow with the day, and every
 * attempt is told once. */
Test(live, remembers_no_more_after_hours_than_after_minutes, .timeout = 120)
{
    enum { ATTEMPTS = 20000, EARLY = 3000 };
    struct story s;
    struct heard h = {0};
    struct client_load early = {0};
    story_begin(&s, NULL);
    const struct case_live live = {
        .sink = count_only, .context = &h, .captures = &s.capture, .num_captures = 1};
    cr_assert_eq(case_go_live(s.c, &live), STATUS_OK);
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        one_attempt(&s, i);
        if (i == EARLY) {
            early = case_load(s.c);
        }
    }
    struct client_load late = case_load(s.c);
    cr_expect_leq(late.num_clients, early.num_clients + 20);
    cr_expect_leq(late.num_attempts, early.num_attempts + 20);
    cr_expect_leq(late.num_conns, early.num_conns + 20);
    cr_expect_leq(late.log_bytes, early.log_bytes + early.log_bytes / 20);
    struct analysis a;
    case_summary(s.c, &a);
    cr_expect_geq(a.num_attempts_dropped, ATTEMPTS - 5);
    case_tick(s.c, s.now_ns + 1000 * NS_PER_S);
    case_tick(s.c, s.now_ns + 2000 * NS_PER_S);
    cr_expect_eq(h.num, ATTEMPTS);
    cr_expect_eq(h.num_first_final, ATTEMPTS);
    story_free(&s);
}
