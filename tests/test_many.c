/* Very many clients: all are counted, and memory stays within its bounds.
 *
 * Method: a capture of twenty clients over and over, every time under other addresses, through one
 * decoder.
 */
#include "decode/decoder.h"
#include "diagnose/case.h"
#include "recording.h"

#include <criterion/criterion.h>
#include <string.h>

#define COPIES 500                    /* of twenty clients each */
#define PERIOD_NS INT64_C(7000000000) /* from one copy to the next */
#define FRAME_BYTES_MAX 2048

/* The lab's clients are 10.77.0.101 to .130: each copy's are others. */
static void move_client(uint8_t *address, size_t copy)
{
    static const uint8_t lab[3] = {10, 77, 0};
    if (memcmp(address, lab, sizeof lab) == 0 && address[3] > 100 && address[3] <= 130) {
        address[1] = (uint8_t)(100 + copy / 200);
        address[2] = (uint8_t)(copy % 200);
    }
}

static void push_copy(struct decoder *d, const struct recorded_frame *f, size_t copy,
                      uint32_t number)
{
    uint8_t bytes[FRAME_BYTES_MAX];
    cr_assert(f->len <= sizeof bytes && f->len >= 42);
    memcpy(bytes, f->bytes, f->len);
    const bool is_arp = bytes[12] == 8 && bytes[13] == 6;
    const bool is_ipv4 = bytes[12] == 8 && bytes[13] == 0;
    if (is_arp || is_ipv4) {
        move_client(bytes + (is_arp ? 28 : 26), copy);
        move_client(bytes + (is_arp ? 38 : 30), copy);
    }
    const struct frame frame = {
        .number = number,
        .link_type = f->link_type,
        .has_time = true,
        .original_len = f->original_len,
        .time_ns = f->time_ns,
        .bytes = {.at = bytes, .len = f->len},
    };
    decoder_push(d, &frame);
}

/* The copies overlap: a client that waits for a silent KDC takes longer than the period. */
static void push_all(struct decoder *d, const struct recording *r)
{
    size_t at[COPIES] = {0};
    uint32_t number = 0;
    size_t oldest = 0;
    for (size_t num = 0; oldest < COPIES;) {
        size_t best = COPIES;
        int64_t best_ns = 0;
        for (size_t i = oldest; i < COPIES && i <= oldest + 3; i++) {
            int64_t now =
                at[i] == r->num_frames ? 0 : r->frames[at[i]].time_ns + (int64_t)i * PERIOD_NS;
            if (at[i] < r->num_frames && (best == COPIES || now < best_ns)) {
                best = i;
                best_ns = now;
            }
        }
        cr_assert_lt(best, COPIES);
        struct recorded_frame f = r->frames[at[best]++];
        f.time_ns = best_ns;
        push_copy(d, &f, best, ++number);
        num++;
        while (oldest < COPIES && at[oldest] == r->num_frames) {
            oldest++;
        }
    }
}

Test(many, clients_are_all_counted)
{
    struct recording r;
    struct judgement one;
    struct capture_summary summary = {.path = "many"};
    struct analysis a = {0};
    uint64_t num_brief = 0;
    cr_assert(recording_load_case(&r, "multi-client"));
    recording_judge(&r, NULL, &one);
    struct case_file *c = case_new(&(struct case_options){0});
    struct decoder *d = decoder_new(&(struct decoder_options){0}, case_sink, c);
    cr_assert(c != NULL && d != NULL);
    push_all(d, &r);
    decoder_end(d);
    summary.info = r.info;
    summary.info.last_time_ns += (COPIES - 1) * PERIOD_NS;
    cr_assert_eq(case_end(c, &summary, 1, &a), STATUS_OK);
    cr_expect_eq(a.num_attempts_dropped, 0);
    cr_expect_eq(a.arena.refused, 0);
    cr_expect_eq(a.num_attempts, COPIES * one.analysis.num_attempts, "%zu", a.num_attempts);
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        cr_expect_eq(a.by_outcome[i], COPIES * one.analysis.by_outcome[i]);
    }
    for (size_t i = 0; i < CAUSE_COUNT; i++) {
        cr_expect_eq(a.by_cause[i], COPIES * one.analysis.by_cause[i], "%s",
                     cause_id((enum cause)i));
    }
    for (size_t i = 0; i < a.num_attempts; i++) {
        const struct attempt_record *x = a.attempts[i];
        num_brief += x->is_brief;
        cr_assert(x->first_time_ns != 0 && (x->is_brief || x->num_events > 0));
    }
    cr_expect_gt(num_brief, 0);
    cr_expect_lt(num_brief, a.num_attempts);
    decoder_free(d);
    analysis_free(&a);
    case_free(c);
    judgement_free(&one);
    recording_free(&r);
}
