/* Two faults in one capture, on different clients or on one: each stays where it belongs.
 *
 * Method: the frames of two cases are put together as if they had been captured at once by one
 * capture point, the second case's client under another address; or one after the other, by one
 * client. The attempts that come out must be those of the one and of the other.
 *
 *     KRBSCOPE_CASE=name    only pairs with that case
 */
#include "rewrite.h"
#include "verdicts.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRIDES 8               /* every case is mixed with so many others */
#define SHARDS 4                /* tests that run side by side */
#define LAG_NS INT64_C(3000000) /* the second begins so much later */
#define WINDOWSAUTH_PATH "/ccm_system_windowsauth/request" /* posts elsewhere are everyday ones */
#define PAUSE_NS INT64_C(200000000000) /* between what one client does and what it does then */

static const uint8_t lab_client[4] = {10, 77, 0, 101};
static const uint8_t other_client[4] = {10, 77, 0, 203};

/* A case that can be mixed, with what it says alone. */
struct part {
    char name[CASE_NAME_MAX];
    struct recording recording;
    struct verdicts alone;
    bool is_sure; /* seen at the client, each attempt by HTTP and to its end: of one client too */
};

static bool is_lab_client(const struct address *a)
{
    return a->family == ADDRESS_IPV4 && memcmp(a->octets, lab_client, 4) == 0;
}

/* Whole Ethernet frames of a single client under its usual address. */
static bool can_be_mixed(const struct part *p)
{
    for (size_t i = 0; i < p->alone.num; i++) {
        if (!is_lab_client(&p->alone.lines[i].client)) {
            return false;
        }
    }
    return p->alone.num > 0 && rewrite_is_whole(&p->recording);
}

/* What one client did before and after changes no such attempt: not what is only told when there is
 * nothing better, nor what a longer capture may continue. */
static bool is_sure(const struct judgement *j)
{
    bool is_sure = j->summary.vantage == VANTAGE_CLIENT && j->analysis.num_attempts > 0;
    for (size_t i = 0; i < j->analysis.num_attempts; i++) {
        const struct attempt_record *a = j->analysis.attempts[i];
        bool is_http = a->kind == KIND_HTTP_NEGOTIATE ||
                       (a->kind == KIND_CCM_APPROVAL && bytes_is_nocase(a->uri, WINDOWSAUTH_PATH));
        is_sure = is_sure && is_http && a->outcome != OUTCOME_INCOMPLETE &&
                  (!a->has_verdict || a->verdict.confidence != CONFIDENCE_POSSIBLE);
    }
    return is_sure;
}

static size_t load_parts(struct part *parts)
{
    static char names[CASES_MAX][CASE_NAME_MAX];
    size_t num_names = cases_list(names);
    size_t num = 0;
    for (size_t i = 0; i < num_names; i++) {
        struct part *p = &parts[num];
        struct judgement j;
        cr_assert(recording_load_case(&p->recording, names[i]));
        memcpy(p->name, names[i], sizeof p->name);
        recording_judge(&p->recording, NULL, &j);
        verdicts_of(&p->alone, &j.analysis);
        p->is_sure = is_sure(&j);
        judgement_free(&j);
        if (can_be_mixed(p)) {
            num++;
        } else {
            recording_free(&p->recording);
        }
    }
    return num;
}

/* Both by time, the second shifted to begin when the first does. */
static void mix(struct recording *out, const struct recording *a, const struct recording *b)
{
    struct recording other, shifted;
    const int64_t add_ns = a->frames[0].time_ns + LAG_NS - b->frames[0].time_ns;
    rewrite_address(&other, b, lab_client, other_client, 0);
    rewrite_time(&shifted, &other, add_ns);
    recording_init_like(out, a);
    size_t i = 0, k = 0;
    while (i < a->num_frames || k < shifted.num_frames) {
        bool is_first = k == shifted.num_frames ||
                        (i < a->num_frames && a->frames[i].time_ns <= shifted.frames[k].time_ns);
        const struct recorded_frame *f = is_first ? &a->frames[i++] : &shifted.frames[k++];
        recording_add(out, f, f->bytes, f->len);
    }
    if (shifted.info.last_time_ns > out->info.last_time_ns) {
        out->info.last_time_ns = shifted.info.last_time_ns;
    }
    recording_renumber(out);
    recording_free(&other);
    recording_free(&shifted);
}

static void add_lines(struct verdicts *out, const struct verdicts *in, const uint8_t client[4])
{
    for (size_t i = 0; i < in->num && out->num < VERDICTS_MAX; i++) {
        struct verdict_line *line = &out->lines[out->num++];
        *line = in->lines[i];
        memcpy(line->client.octets, client, 4);
    }
}

static bool is_capture_end(const struct verdict_line *line)
{
    return line->outcome == OUTCOME_INCOMPLETE;
}

/* What another client's attempts rightly tell of this one's: its key is refused where others' is
 * accepted, or older; and an attempt that a capture's end left open may end in a longer one. */
static bool may_tell_more(const struct verdict_line *alone, const struct verdict_line *mixed)
{
    bool is_key =
        alone->cause == CAUSE_SERVICE_KEY_MISMATCH &&
        (mixed->cause == CAUSE_NLB_KEY_MISMATCH || mixed->cause == CAUSE_SERVICE_KEY_STALE);
    return address_equal(&alone->client, &mixed->client) && (is_key || is_capture_end(alone));
}

/* The second after the first, by the same client. */
static void append(struct recording *out, const struct recording *a, const struct recording *b)
{
    struct recording later;
    rewrite_time(&later, b, a->frames[a->num_frames - 1].time_ns + PAUSE_NS - b->frames[0].time_ns);
    recording_init_like(out, a);
    const struct recording *parts[] = {a, &later};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < parts[i]->num_frames; k++) {
            const struct recorded_frame *f = &parts[i]->frames[k];
            recording_add(out, f, f->bytes, f->len);
        }
    }
    out->info.last_time_ns = later.info.last_time_ns;
    recording_renumber(out);
    recording_free(&later);
}

static unsigned check_pair(const struct part *a, const struct part *b, bool is_one_client)
{
    static struct verdicts expected, got;
    struct recording mixed;
    struct judgement j;
    unsigned num_bad = 0;
    expected.num = 0;
    add_lines(&expected, &a->alone, lab_client);
    add_lines(&expected, &b->alone, is_one_client ? lab_client : other_client);
    if (is_one_client) {
        append(&mixed, &a->recording, &b->recording);
    } else {
        mix(&mixed, &a->recording, &b->recording);
    }
    recording_judge(&mixed, NULL, &j);
    verdicts_of(&got, &j.analysis);
    bool taken[VERDICTS_MAX] = {false};
    for (size_t i = 0; i < expected.num; i++) {
        const struct verdict_line *line = &expected.lines[i];
        size_t at = got.num, like = got.num;
        for (size_t k = got.num; k > 0; k--) {
            const struct verdict_line *x = &got.lines[k - 1];
            bool is_same = address_equal(&line->client, &x->client) && line->kind == x->kind &&
                           line->outcome == x->outcome && line->cause == x->cause;
            at = !taken[k - 1] && is_same ? k - 1 : at;
            like = !taken[k - 1] && may_tell_more(line, x) ? k - 1 : like;
        }
        at = at < got.num ? at : like;
        if (at < got.num) {
            taken[at] = true;
        } else if (!is_capture_end(line)) {
            char text[VERDICT_TEXT_MAX];
            verdict_print(text, line);
            printf("%s + %s: missing: %s\n", a->name, b->name, text);
            num_bad++;
        }
    }
    for (size_t k = 0; k < got.num; k++) {
        if (!taken[k]) {
            char text[VERDICT_TEXT_MAX];
            verdict_print(text, &got.lines[k]);
            printf("%s + %s: unexpected: %s\n", a->name, b->name, text);
            num_bad++;
        }
    }
    judgement_free(&j);
    recording_free(&mixed);
    return num_bad;
}

static unsigned check_shard(size_t shard, bool is_one_client)
{
    static struct part parts[CASES_MAX];
    const char *only = getenv("KRBSCOPE_CASE");
    const size_t num = load_parts(parts);
    unsigned num_bad = 0, num_pairs = 0;
    cr_assert(num > STRIDES);
    for (size_t i = shard; i < num; i += SHARDS) {
        for (size_t k = 1; k <= STRIDES; k++) {
            const struct part *a = &parts[i];
            const struct part *b = &parts[(i + k * k + k) % num];
            if (a == b || (is_one_client && (!a->is_sure || !b->is_sure)) ||
                (only != NULL && strcmp(only, a->name) != 0 && strcmp(only, b->name) != 0)) {
                continue;
            }
            num_bad += check_pair(a, b, is_one_client);
            num_pairs++;
        }
    }
    for (size_t i = 0; i < num; i++) {
        recording_free(&parts[i].recording);
    }
    cr_assert(num_pairs > 0 || only != NULL);
    if (num_bad > 0) {
        printf("%u wrong in %u mixtures\n", num_bad, num_pairs);
    }
    fflush(stdout);
    return num_bad;
}

static struct criterion_test_params all_shards(void)
{
    static int shards[SHARDS];
    for (int i = 0; i < SHARDS; i++) {
        shards[i] = i;
    }
    return cr_make_param_array(int, shards, SHARDS);
}

ParameterizedTestParameters(mixtures, each_fault_stays_where_it_belongs)
{
    return all_shards();
}

/* Goal: no client's fault colours another's verdict. Method: above. */
ParameterizedTest(const int *shard, mixtures, each_fault_stays_where_it_belongs)
{
    cr_assert_eq(check_shard((size_t)*shard, false), 0);
}

ParameterizedTestParameters(mixtures, what_a_client_did_before_stays_there)
{
    return all_shards();
}

/* Goal: a client's fault colours no later verdict on it. Method: above. */
ParameterizedTest(const int *shard, mixtures, what_a_client_did_before_stays_there)
{
    cr_assert_eq(check_shard((size_t)*shard, true), 0);
}
