/* What left one capture's place and never came to another's, and whose clock is wrong. */
#define _GNU_SOURCE
#include "rewrite.h"
#include "together.h"

#include <criterion/criterion.h>
#include <string.h>

#define S INT64_C(1000000000)

static const uint8_t dc[4] = {10, 77, 0, 10};
static const uint8_t second_dc[4] = {10, 77, 0, 12};
static const uint8_t client[4] = {10, 77, 0, 101};
static const uint8_t somebody[4] = {10, 77, 0, 77};

/* Appends the frames of a case, the first at at_ns, addresses changed; only those sent from or to
 * `only` unless NULL. */
static void paste(struct recording *out, const char *name, int64_t at_ns, const uint8_t from[4],
                  const uint8_t to[4], const uint8_t *only_from)
{
    struct recording loaded, moved, timed;
    cr_assert(recording_load_case(&loaded, name));
    rewrite_address(&moved, &loaded, from, to, 0);
    rewrite_time(&timed, &moved, at_ns - loaded.frames[0].time_ns);
    if (out->num_frames == 0) {
        recording_init_like(out, &timed);
        out->info.first_time_ns = at_ns;
    }
    for (size_t i = 0; i < timed.num_frames; i++) {
        const struct recorded_frame *f = &timed.frames[i];
        bool is_ipv4 = f->len >= 34 && f->bytes[12] == 8 && f->bytes[13] == 0;
        if (only_from == NULL || (is_ipv4 && memcmp(f->bytes + 26, only_from, 4) == 0)) {
            recording_add(out, f, f->bytes, f->len);
            out->info.last_time_ns = f->time_ns;
        }
    }
    recording_renumber(out);
    recording_free(&timed);
    recording_free(&moved);
    recording_free(&loaded);
}

/* The client's capture: a logon through the second DC, and 20 s later another one that gets no
 * answer from there. The DC's: the first, and a stranger's question a minute later. */
struct scene {
    struct recording client, dc;
    struct together t;
    const struct attempt_record *failed;
};

enum arrival { NOTHING_ARRIVES, REQUESTS_ARRIVE, ANSWERS_LEAVE };

static void set_scene(struct scene *s, enum arrival arrival)
{
    memset(s, 0, sizeof *s);
    paste(&s->client, "success", 1000 * S, dc, second_dc, NULL);
    paste(&s->client, "kdc-unreachable", 1020 * S, dc, dc, NULL);
    paste(&s->dc, "success.dc", 1000 * S, dc, second_dc, NULL);
    if (arrival != NOTHING_ARRIVES) {
        for (size_t i = 0; i < s->client.num_frames; i++) {
            const struct recorded_frame *f = &s->client.frames[i];
            if (f->time_ns > 1010 * S && f->len >= 34 && memcmp(f->bytes + 30, second_dc, 4) == 0) {
                recording_add(&s->dc, f, f->bytes, f->len)->time_ns += 100000;
            }
        }
        recording_renumber(&s->dc);
    }
    if (arrival == ANSWERS_LEAVE) {
        paste(&s->dc, "client-unknown", 1025 * S, dc, second_dc, second_dc);
    }
    paste(&s->dc, "client-disabled", 1100 * S, client, somebody, NULL);
    const struct recording *both[2] = {&s->client, &s->dc};
    together_judge(both, 2, &s->t);
    for (size_t i = 0; i < s->t.analysis.num_attempts; i++) {
        const struct attempt_record *a = s->t.analysis.attempts[i];
        if (a->has_verdict && a->verdict.cause == CAUSE_KDC_UNREACHABLE) {
            s->failed = a;
        }
    }
}

static void drop_scene(struct scene *s)
{
    together_free(&s->t);
    recording_free(&s->client);
    recording_free(&s->dc);
}

static bool says(struct bytes text, const char *what)
{
    return memmem(text.at, text.len, what, strlen(what)) != NULL;
}

static bool evidence_says(const struct finding *f, uint16_t capture, const char *what)
{
    for (size_t i = 0; i < f->evidence.num; i++) {
        if (f->evidence.at[i].capture == capture && says(f->evidence.at[i].why, what)) {
            return true;
        }
    }
    return false;
}

/* Goal: a request that left the client and never came to the KDC is told as that. Method: the KDC's
 * capture shows the time and the hosts, and not the request. */
Test(between, what_never_arrived)
{
    struct scene s;
    set_scene(&s, NOTHING_ARRIVES);
    cr_assert_not_null(s.failed);
    cr_expect(evidence_says(&s.failed->verdict, 0, "never arrived where"));
    cr_expect(says(s.failed->verdict.summary, "never arrived at the other capture"));
    cr_expect_eq(s.failed->verdict.confidence, CONFIDENCE_CERTAIN);
    drop_scene(&s);
}

/* Goal: a request that did arrive is not told as lost, and both sights are evidence. */
Test(between, what_arrived)
{
    struct scene s;
    set_scene(&s, REQUESTS_ARRIVE);
    cr_assert_not_null(s.failed);
    cr_expect_not(says(s.failed->verdict.summary, "never arrived"));
    cr_expect(says(s.failed->verdict.summary, "arrived at the other capture"));
    cr_expect(evidence_says(&s.failed->verdict, 1, "seen here too"));
    drop_scene(&s);
}

/* Goal: an answer that never came to the client is no answer, and is the evidence. */
Test(between, the_answer_that_was_lost)
{
    struct scene s;
    set_scene(&s, ANSWERS_LEAVE);
    cr_assert_not_null(s.failed);
    cr_expect(evidence_says(&s.failed->verdict, 1, "never arrived at the client"));
    cr_expect(says(s.failed->verdict.summary, "the answer was lost on its way"));
    drop_scene(&s);
}

/* Goal: bytes that left the client and never came to the server, on a connection that stands, are
 * told as that; with one capture alone they are not. Method: both ends of a path that drops large
 * packets, in either order. */
Test(between, bytes_that_never_arrived)
{
    struct recording ends[2];
    struct judgement alone;
    cr_assert(recording_load_case(&ends[0], "mp-large-dropped"));
    cr_assert(recording_load_case(&ends[1], "mp-large-dropped.mp"));
    recording_judge(&ends[0], NULL, &alone);
    cr_assert_eq(alone.analysis.num_attempts, 1);
    cr_expect_eq(alone.analysis.attempts[0]->verdict.confidence, CONFIDENCE_LIKELY);
    cr_expect_not(says(alone.analysis.attempts[0]->verdict.summary, "never arrived"));
    judgement_free(&alone);
    for (uint16_t first = 0; first < 2; first++) {
        const struct recording *both[2] = {&ends[first], &ends[1 - first]};
        struct together t;
        together_judge(both, 2, &t);
        cr_assert_eq(t.analysis.num_attempts, 1);
        const struct finding *f = &t.analysis.attempts[0]->verdict;
        cr_expect_eq(f->cause, CAUSE_MP_NO_REPLY);
        cr_expect_eq(f->confidence, CONFIDENCE_CERTAIN);
        cr_expect(says(f->summary, "never arrived whole at the other capture"));
        cr_expect(evidence_says(f, first, "never arrived where"));
        cr_expect(evidence_says(f, 1 - first, "bytes are missing here"));
        together_free(&t);
    }
    recording_free(&ends[0]);
    recording_free(&ends[1]);
}

/* The frame that confirms the last request, from port 80, as a response. */
static void add_response(struct recording *r, const struct recorded_frame *ack, int64_t time_ns)
{
    static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    uint8_t bytes[256];
    const size_t head = 34 + (size_t)(ack->bytes[46] >> 4) * 4;
    const size_t len = head + sizeof response - 1;
    memcpy(bytes, ack->bytes, head);
    memcpy(bytes + head, response, sizeof response - 1);
    bytes[16] = (uint8_t)((len - 14) >> 8);
    bytes[17] = (uint8_t)(len - 14);
    struct recorded_frame *f = recording_add(r, ack, bytes, len);
    f->time_ns = time_ns;
    f->original_len = (uint32_t)len;
}

/* Goal: an answer that left the server, on a connection that stands, and never came to the client
 * is told as that. Method: a client that gives up waiting; the server's capture is the client's
 * with a response, sent three times. */
Test(between, an_answer_on_a_connection_that_was_lost)
{
    struct recording end, server;
    struct together t;
    size_t ack = 0;
    cr_assert(recording_load_case(&end, "mp-hang"));
    for (size_t i = 0; i < end.num_frames; i++) {
        const uint8_t *b = end.frames[i].bytes;
        bool is_pause =
            i + 1 < end.num_frames && end.frames[i + 1].time_ns - end.frames[i].time_ns > 3 * S;
        ack = end.frames[i].len >= 66 && b[12] == 8 && b[13] == 0 && b[34] == 0 && b[35] == 80
                  ? i
                  : ack;
        if (is_pause) {
            break;
        }
    }
    cr_assert_neq(ack, 0);
    recording_init_like(&server, &end);
    for (size_t i = 0, sent = 0; i < end.num_frames; i++) {
        for (; sent < 3 && i > ack && end.frames[i].time_ns > end.frames[ack].time_ns; sent++) {
            add_response(&server, &end.frames[ack],
                         end.frames[ack].time_ns + (int64_t)(sent + 1) * 100000);
        }
        recording_add(&server, &end.frames[i], end.frames[i].bytes, end.frames[i].len);
    }
    recording_renumber(&server);
    const struct recording *both[2] = {&end, &server};
    together_judge(both, 2, &t);
    cr_assert_eq(t.analysis.num_attempts, 1);
    const struct finding *f = &t.analysis.attempts[0]->verdict;
    cr_expect_eq(t.analysis.attempts[0]->outcome, OUTCOME_FAILED);
    cr_expect_eq(f->cause, CAUSE_MP_NO_REPLY);
    cr_expect_eq(f->confidence, CONFIDENCE_CERTAIN);
    cr_expect(says(f->summary, "its answer never comes to the client"));
    cr_expect(evidence_says(f, 1, "never arrived at the client"));
    together_free(&t);
    recording_free(&server);
    recording_free(&end);
}

/* Goal: where the other capture ends too soon, nothing is said of what it lacks. */
Test(between, a_capture_that_ended_proves_nothing)
{
    struct scene s;
    struct together t;
    set_scene(&s, NOTHING_ARRIVES);
    size_t num = s.dc.num_frames;
    while (s.dc.frames[num - 1].time_ns > 1010 * S) {
        num--;
    }
    struct recording shorter = s.dc;
    shorter.num_frames = num;
    shorter.info.last_time_ns = s.dc.frames[num - 1].time_ns;
    const struct recording *both[2] = {&s.client, &shorter};
    together_judge(both, 2, &t);
    for (size_t i = 0; i < t.analysis.num_attempts; i++) {
        const struct attempt_record *a = t.analysis.attempts[i];
        cr_expect_not(a->has_verdict && says(a->verdict.summary, "never arrived"));
    }
    together_free(&t);
    drop_scene(&s);
}

/* Goal: the host whose clock is wrong is named when a third clock agrees with another's, with two
 * captures as with one. */
Test(between, whose_clock_is_wrong)
{
    struct recording a, b, shifted;
    struct together t;
    cr_assert(recording_load_case(&a, "clock-skew-mp"));
    cr_assert(recording_load_case(&b, "clock-skew-mp.mp2"));
    rewrite_time(&shifted, &b, 600 * S);
    const struct recording *orders[2][2] = {{&a, &shifted}, {&shifted, &a}};
    for (size_t i = 0; i < 2; i++) {
        together_judge(orders[i], 2, &t);
        cr_assert_eq(t.analysis.num_attempts, 1);
        const struct attempt_record *x = t.analysis.attempts[0];
        cr_expect_eq(x->verdict.cause, CAUSE_CLOCK_SKEW);
        cr_expect(says(x->verdict.summary, "client and KDC agree, so the server's is wrong"));
        cr_expect(x->clocks.client_to_kdc.known);
        cr_expect_float_eq(x->clocks.client_to_kdc.value, 0, 1);
        cr_expect_float_eq(x->clocks.kdc_to_server.value, 600, 1);
        together_free(&t);
    }
    recording_free(&shifted);
    recording_free(&a);
    recording_free(&b);
}
