/* Ring files: a capture cut into pieces is the capture.
 *
 * Method: every case is cut at frames spread over it and written to files, which the program's own
 * reader then puts together, given in any order, plain and compressed.
 *
 *     KRBSCOPE_CASE=name    only that case
 */
#include "cli/feed.c"
#include "cli/feed_run.c"
#include "cli/message.c"
#include "cli/progress.c"
#include "cli/redaction.c"
#include "cli/source.c"
#include "formats.h"
#include "recording.h"
#include "rewrite.h"
#include "verdicts.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CUTS_MAX 12  /* of one case */
#define PIECES_MAX 3 /* a capture in the midst of which one is missing */
#define PATH_BYTES 64

#define FRAMES_NAMED_MAX 4096 /* frames of one case */

static unsigned num_bad;
static size_t num_captures; /* that the last files were taken for */

/* The frames that attempts, their events and their evidence name, by the whole's numbers. */
struct named {
    bool is_main[FRAMES_NAMED_MAX]; /* by the number: evidence, or where a message ended */
    bool is_any[FRAMES_NAMED_MAX];  /* or it carried a part of one */
};

static void name_frame(struct named *out, size_t frame, bool is_main)
{
    cr_assert_lt(frame, FRAMES_NAMED_MAX);
    out->is_any[frame] = true;
    out->is_main[frame] = out->is_main[frame] || is_main;
}

static void name_evidence(struct named *out, const struct evidence *e, const size_t *before)
{
    for (size_t i = 0; i < e->num; i++) {
        name_frame(out, before[e->at[i].capture] + e->at[i].frame, true);
    }
}

/* before: frames of the whole that come before each capture's first. */
static void named_of(struct named *out, const struct analysis *analysis, const size_t *before)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < analysis->num_attempts; i++) {
        const struct attempt_record *a = analysis->attempts[i];
        for (size_t k = 0; k < a->num_events; k++) {
            const struct event_summary *e = &a->events[k];
            name_frame(out, before[e->capture] + e->frame, true);
            for (size_t n = 0; n < e->num_frames; n++) {
                name_frame(out, before[e->capture] + e->frames[n], false);
            }
        }
        name_evidence(out, &a->verdict.evidence, before);
        for (size_t k = 0; k < STEP_COUNT; k++) {
            name_evidence(out, &a->steps[k].evidence, before);
        }
    }
}

/* The frames [from, to) as a recording of their own. */
static void part(struct recording *out, const struct recording *in, size_t from, size_t to)
{
    recording_init_like(out, in);
    for (size_t i = from; i < to; i++) {
        recording_add(out, &in->frames[i], in->frames[i].bytes, in->frames[i].len);
    }
    recording_renumber(out);
}

static void write_part(const char *path, const struct recording *in, size_t from, size_t to,
                       bool compressed)
{
    struct recording piece;
    FILE *out = fopen(path, "wb");
    cr_assert_not_null(out);
    part(&piece, in, from, to);
    format_pcap(out, &piece, true, false);
    fclose(out);
    recording_free(&piece);
    if (compressed) {
        format_gzip(path);
    }
}

/* What the program says of these files. named, before: see named_of(); NULL: not asked. */
static void judge_files(struct verdicts *out, char **files, size_t num, struct named *named,
                        const size_t *before)
{
    static struct options options;
    struct capture_summary summaries[PIECES_MAX] = {{0}};
    struct trouble trouble = {{0}};
    struct analysis analysis = {0};
    struct feed feed = {0};
    options.files = files;
    options.num_files = num;
    struct case_file *c = case_new(&(struct case_options){0});
    cr_assert_not_null(c);
    cr_assert_eq(feed_open(&feed, &options, false, &trouble), STATUS_OK, "%s", trouble.text);
    cr_assert_eq(feed_run(&feed, c, &trouble), STATUS_OK, "%s", trouble.text);
    num_captures = 0;
    for (size_t i = 0; i < feed.num_sources; i++) {
        num_captures += feed.sources[i].is_first_piece;
        summaries[i].path = feed.sources[i].path;
        summaries[i].info = feed.sources[i].info;
    }
    cr_assert_eq(case_end(c, summaries, feed.num_sources, &analysis), STATUS_OK);
    verdicts_of(out, &analysis);
    if (named != NULL) {
        named_of(named, &analysis, before);
    }
    analysis_free(&analysis);
    case_free(c);
    feed_close(&feed);
}

static void check_same(const char *name, size_t cut, const char *how, const struct verdicts *whole,
                       const struct verdicts *now)
{
    char why[400];
    if (!verdicts_equal(whole, now, why, sizeof why)) {
        printf("%s cut before frame %zu, %s: %s\n", name, cut + 1, how, why);
        num_bad++;
    }
}

/* Without all frames up to the MP's leg, and no connection that tells of a hole, a piece is a
 * capture that begins late: why NTLM was chosen is not visible in it, and CAUSES.md makes the
 * refusal that stood beside the verdict the verdict itself. */
static bool is_refusal_alone(const struct verdicts *whole, const struct verdict_line *now)
{
    for (size_t i = 0; i < whole->num; i++) {
        const struct verdict_line *was = &whole->lines[i];
        if (was->cause == CAUSE_NTLM_WITHOUT_KERBEROS && was->outcome == OUTCOME_REFUSED &&
            address_equal(&was->client, &now->client)) {
            return now->cause == CAUSE_NTLM_REFUSED && now->outcome == OUTCOME_REFUSED;
        }
    }
    return false;
}

static void check_named(const char *name, size_t cut, const struct named *whole,
                        const struct named *now)
{
    for (size_t i = 0; i < FRAMES_NAMED_MAX; i++) {
        if ((whole->is_main[i] && !now->is_any[i]) || (now->is_main[i] && !whole->is_any[i])) {
            printf("%s cut before frame %zu: frame %zu is named by %s only\n", name, cut + 1, i,
                   whole->is_main[i] ? "the whole" : "the pieces");
            num_bad++;
            return;
        }
    }
}

static void check_weaker(const char *name, size_t cut, const struct verdicts *whole,
                         const struct verdicts *now)
{
    for (size_t i = 0; i < now->num; i++) {
        struct verdict_line line = now->lines[i];
        char text[VERDICT_TEXT_MAX];
        line.first_frame = 0; /* frames of pieces have other numbers: any attempt of its client */
        line.last_frame = UINT32_MAX;
        if (!verdict_is_allowed(whole, &line) && !is_refusal_alone(whole, &line)) {
            verdict_print(text, &line);
            printf("%s without a piece before frame %zu: %s\n", name, cut + 1, text);
            num_bad++;
        }
    }
}

static void check_cut(const char *name, const struct recording *r, size_t cut, bool is_odd,
                      const struct verdicts *whole, const struct named *whole_named,
                      char paths[PIECES_MAX][PATH_BYTES])
{
    static struct verdicts now;
    static struct named named;
    const size_t before[2] = {is_odd ? cut : 0, is_odd ? 0 : cut};
    char *files[PIECES_MAX] = {paths[0], paths[1], paths[2]};
    char *backwards[PIECES_MAX] = {paths[1], paths[0]};
    const size_t third = cut + (r->num_frames - cut) / 3;
    write_part(paths[0], r, 0, cut, is_odd);
    write_part(paths[1], r, cut, r->num_frames, false);
    judge_files(&now, is_odd ? backwards : files, 2, &named, before);
    check_same(name, cut, is_odd ? "the second given first" : "in order", whole, &now);
    check_named(name, cut, whole_named, &named);
    if (third == cut) {
        return;
    }
    write_part(paths[1], r, third, r->num_frames, is_odd);
    judge_files(&now, is_odd ? backwards : files, 2, NULL, NULL);
    check_weaker(name, cut, whole, &now);
}

static void with_paths(char paths[PIECES_MAX][PATH_BYTES])
{
    for (size_t i = 0; i < PIECES_MAX; i++) {
        snprintf(paths[i], PATH_BYTES, "/tmp/krbscope-ring-%zu-XXXXXX", i);
        int file = mkstemp(paths[i]);
        cr_assert_geq(file, 0);
        close(file);
    }
}

/* Goal: ring files give the verdicts of the whole, and name its frames, wherever they are cut, in
 * whatever order they are named; with a piece missing they say less, never something else. */
Test(rings, cut_anywhere)
{
    static char names[CASES_MAX][CASE_NAME_MAX];
    static const size_t none_before[1] = {0};
    static struct verdicts whole;
    static struct named named;
    char paths[PIECES_MAX][PATH_BYTES];
    const char *only = getenv("KRBSCOPE_CASE");
    const size_t num = cases_list(names);
    unsigned num_cuts = 0;
    with_paths(paths);
    for (size_t i = 0; i < num; i++) {
        struct recording r;
        struct judgement j;
        if (only != NULL && strcmp(only, names[i]) != 0) {
            continue;
        }
        cr_assert(recording_load_case(&r, names[i]));
        recording_judge(&r, NULL, &j);
        verdicts_of(&whole, &j.analysis);
        named_of(&named, &j.analysis, none_before);
        judgement_free(&j);
        const size_t step = r.num_frames / CUTS_MAX + 1;
        bool is_ethernet = r.info.num_link_types == 1 && r.info.link_types[0] == LINK_TYPE_ETHERNET;
        for (size_t cut = 1 + i % step; cut < r.num_frames && is_ethernet; cut += step) {
            check_cut(names[i], &r, cut, (cut + i) % 2 == 1, &whole, &named, paths);
            num_cuts++;
        }
        recording_free(&r);
    }
    for (size_t i = 0; i < PIECES_MAX; i++) {
        unlink(paths[i]);
    }
    fflush(stdout);
    cr_assert(num_cuts > 0);
    cr_assert_eq(num_bad, 0, "%u of %u cuts changed something", num_bad, num_cuts);
}

/* Goal: two captures of the same traffic are no pieces of one, however their clocks put them behind
 * each other. Method: the client's and the server's capture of a run, the latter's clock ahead by
 * so much that it begins just when the client's ends. */
Test(rings, two_places_are_no_pieces)
{
    static const char *const others[] = {"success.mp1", "success.dc"};
    char paths[PIECES_MAX][PATH_BYTES];
    struct recording client, other, shifted;
    static struct verdicts whole, now;
    struct judgement j;
    with_paths(paths);
    char *files[2] = {paths[0], paths[1]};
    cr_assert(recording_load_case(&client, "success"));
    recording_judge(&client, NULL, &j);
    verdicts_of(&whole, &j.analysis);
    judgement_free(&j);
    for (size_t i = 0; i < 2; i++) {
        cr_assert(recording_load_case(&other, others[i]));
        rewrite_time(&shifted, &other, INT64_C(500000000));
        write_part(paths[0], &client, 0, client.num_frames, false);
        write_part(paths[1], &shifted, 0, shifted.num_frames, false);
        judge_files(&now, files, 2, NULL, NULL);
        cr_expect_eq(num_captures, 2, "%s is taken for a piece", others[i]);
        check_same(others[i], 0, "half a second ahead", &whole, &now);
        recording_free(&shifted);
        recording_free(&other);
    }
    recording_free(&client);
    for (size_t i = 0; i < PIECES_MAX; i++) {
        unlink(paths[i]);
    }
    fflush(stdout);
    cr_assert_eq(num_bad, 0);
}

/* Goal: nor are two captures of different traffic, one behind the other by their clocks, when a
 * third shows what either does and says that they are two clocks. Method: the client's, the
 * server's and the KDC's capture of a run, the server's half a second to three ahead, in several
 * orders. */
Test(rings, a_third_place_tells_two_clocks)
{
    static const char *const names[3] = {"success", "success.mp1", "success.dc"};
    static const size_t orders[3][3] = {{0, 1, 2}, {1, 2, 0}, {2, 0, 1}};
    static struct verdicts whole, now;
    char paths[PIECES_MAX][PATH_BYTES];
    struct recording places[3];
    struct judgement j;
    with_paths(paths);
    for (size_t i = 0; i < 3; i++) {
        cr_assert(recording_load_case(&places[i], names[i]));
        write_part(paths[i], &places[i], 0, places[i].num_frames, false);
    }
    recording_judge(&places[0], NULL, &j);
    verdicts_of(&whole, &j.analysis);
    judgement_free(&j);
    for (int64_t ahead_ns = 500000000; ahead_ns <= 3000000000; ahead_ns += 500000000) {
        struct recording shifted;
        rewrite_time(&shifted, &places[1], ahead_ns);
        write_part(paths[1], &shifted, 0, shifted.num_frames, false);
        recording_free(&shifted);
        for (size_t i = 0; i < 3; i++) {
            char *files[3] = {paths[orders[i][0]], paths[orders[i][1]], paths[orders[i][2]]};
            judge_files(&now, files, 3, NULL, NULL);
            cr_expect_eq(num_captures, 3, "%zu captures", num_captures);
            check_same("success", 0, "three places", &whole, &now);
        }
    }
    for (size_t i = 0; i < PIECES_MAX; i++) {
        recording_free(&places[i]);
        unlink(paths[i]);
    }
    fflush(stdout);
    cr_assert_eq(num_bad, 0);
}
