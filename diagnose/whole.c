/* What only the whole case shows: nodes compared, names used by others, order, counts, captures. */
#include "diagnose/case_private.h"

#include "diagnose/logs_private.h"

#include <math.h>
#include <stdlib.h>

#define NOTES_MAX 16
#define QUARTER_HOUR_S 900.0
#define ZONE_MAX_S 50400.0 /* UTC+14 is the farthest */

void also_drop(struct case_file *c, struct attempt_record *out, enum cause cause)
{
    struct finding *kept = arena_alloc_array(&c->out.arena, out->num_also, sizeof *kept);
    size_t num = 0;
    for (size_t i = 0; kept != NULL && i < out->num_also; i++) {
        if (out->also[i].cause != cause) {
            kept[num++] = out->also[i];
        }
    }
    out->also = kept;
    out->num_also = num;
}

static bool is_used_by_others(const struct case_file *c, const struct record *r)
{
    for (const struct record *x = c->first_record; x != NULL; x = x->next) {
        if (!x->is_dropped && !x->is_provisional && x->out->host.len > 0 &&
            bytes_equal_nocase(x->out->host, r->out->host)) {
            return true;
        }
    }
    return false;
}

/* Another record of that client shows more: it was forgotten in between. */
static bool is_better_known(const struct case_file *c, const struct record *r)
{
    for (const struct record *x = c->first_record; x != NULL; x = x->next) {
        if (!x->is_dropped && x->out->kind != KIND_APPROACH_ONLY &&
            address_equal(&x->out->client.address, &r->out->client.address)) {
            return true;
        }
    }
    return false;
}

/* CONTRACT "approach-only": named by --host, used by another attempt, or nothing better. */
void whole_settle_approach(struct case_file *c, struct record *r)
{
    if (!r->is_provisional || r->is_dropped || c->options.num_hosts > 0 ||
        is_used_by_others(c, r)) {
        return;
    }
    if (r->client_has_better || is_better_known(c, r)) {
        r->is_dropped = true;
        return;
    }
    r->out->verdict.confidence = CONFIDENCE_POSSIBLE;
}

static int by_time(const void *a, const void *b)
{
    const struct attempt_record *const *x = a;
    const struct attempt_record *const *y = b;
    if ((*x)->first_time_ns != (*y)->first_time_ns) {
        return (*x)->first_time_ns < (*y)->first_time_ns ? -1 : 1;
    }
    return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

static void order(struct case_file *c)
{
    struct attempt_record **list =
        arena_alloc_array(&c->out.arena, c->num_records, sizeof(struct attempt_record *));
    size_t num = 0;
    for (struct record *r = c->first_record; list != NULL && r != NULL; r = r->next) {
        if (!r->is_dropped) {
            r->out->id = (uint32_t)num;
            list[num++] = r->out;
        }
    }
    if (list == NULL) {
        return;
    }
    qsort(list, num, sizeof(struct attempt_record *), by_time);
    for (size_t i = 0; i < num; i++) {
        list[i]->id = (uint32_t)i + 1;
        c->out.by_outcome[list[i]->outcome]++;
        if (list[i]->has_verdict) {
            c->out.by_cause[list[i]->verdict.cause]++;
        }
    }
    c->out.attempts = (const struct attempt_record *const *)list;
    c->out.num_attempts = num;
}

/* The multiple of 15 minutes that most wire clocks are nearest to; of several the one that they are
 * nearest to by seconds. It is a zone, never a skew. */
static void estimate_zone(const struct group_state *g, struct capture_summary *s)
{
    size_t best_votes = 0;
    double best_distance = QUARTER_HOUR_S;
    if (s->info.zone != CAPTURE_ZONE_UNKNOWN) {
        return;
    }
    for (size_t i = 0; i < g->num_clock_samples; i++) {
        double zone = -QUARTER_HOUR_S * round(g->clock_samples[i] / QUARTER_HOUR_S);
        double distance = fabs(g->clock_samples[i] + zone);
        size_t votes = 0;
        for (size_t k = 0; k < g->num_clock_samples; k++) {
            votes += fabs(g->clock_samples[k] + zone) < QUARTER_HOUR_S / 2;
        }
        bool is_better = votes > best_votes || (votes == best_votes && distance < best_distance);
        if (is_better && fabs(zone) <= ZONE_MAX_S) {
            best_votes = votes;
            best_distance = distance;
            s->zone_estimated = true;
            s->zone_estimate_s = (int32_t)zone;
        }
    }
}

/* The zone of local times, by a capture of the same scene whose zone is known: what lies between
 * the two clocks, to the nearest quarter of an hour. Better than clocks on the wire, which may be
 * wrong.
 */
static void take_zone_of_another(struct case_file *c, struct capture_summary *captures, size_t num,
                                 size_t i)
{
    struct clock_shift mine = case_shift(c, (uint16_t)i);
    for (size_t k = 0; k < num && captures[i].info.zone == CAPTURE_ZONE_UNKNOWN; k++) {
        struct clock_shift other = case_shift(c, (uint16_t)k);
        double apart_s = (double)(other.add_ns - mine.add_ns) / 1e9;
        double zone_s = QUARTER_HOUR_S * round(apart_s / QUARTER_HOUR_S);
        if (k != i && captures[k].info.zone != CAPTURE_ZONE_UNKNOWN && mine.known && other.known &&
            mine.base == other.base && fabs(zone_s) <= ZONE_MAX_S) {
            captures[i].zone_estimated = true;
            captures[i].zone_estimate_s = (int32_t)zone_s;
            return;
        }
    }
}

static void fill_captures(struct case_file *c, struct capture_summary *captures, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        uint16_t group = i < CAPTURES_MAX ? c->group_of_capture[i] : 0;
        captures[i].vantage = case_vantage(c, group);
        estimate_zone(case_group(c, group), &captures[i]);
        if (c->align != NULL) {
            take_zone_of_another(c, captures, num, i);
        }
        struct clock_shift shift = case_shift(c, (uint16_t)i);
        captures[i].time_base = shift.base;
        captures[i].has_clock_offset = shift.known && shift.base == 0;
        captures[i].clock_offset_s = (double)shift.add_ns / 1e9;
        captures[i].clock_offset_low_s = (double)shift.low_ns / 1e9;
        captures[i].clock_offset_high_s = (double)shift.high_ns / 1e9;
    }
    c->out.captures = captures;
    c->out.num_captures = num;
}

static void add_note(struct case_file *c, struct note *notes, const char *id, struct bytes text,
                     uint16_t capture, uint32_t frame)
{
    if (notes == NULL || c->out.num_notes == NOTES_MAX) {
        return;
    }
    struct note *n = &notes[c->out.num_notes++];
    *n = (struct note){.id = id, .text = text};
    struct frame_ref *ref = frame == 0 ? NULL : arena_alloc(&c->out.arena, sizeof *ref);
    if (ref != NULL) {
        *ref = (struct frame_ref){capture, frame, bytes_of("the first of them")};
        n->evidence = (struct evidence){.at = ref, .num = 1};
    }
}

static struct bytes count_text(struct case_file *c, uint64_t n, const char *rest)
{
    char buffer[300];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%llu %s", (unsigned long long)n, rest);
    return text_keep(&t, &c->out.arena);
}

/* Captures of the same time that nothing joins: their attempts are not joined either. */
static bool have_overlap(struct case_file *c)
{
    for (size_t i = 0; i < c->out.num_captures && i < CAPTURES_MAX; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct group_state *a = case_group(c, (uint16_t)i);
            const struct group_state *b = case_group(c, (uint16_t)k);
            bool is_one_scene = c->align != NULL && align_scene(c->align, (uint16_t)i) ==
                                                        align_scene(c->align, (uint16_t)k);
            if (a->seen && b->seen && !is_one_scene && a->first_ns <= b->last_ns &&
                b->first_ns <= a->last_ns) {
                return true;
            }
        }
    }
    return false;
}

/* Is a capture joined to others with no message in common? */
static bool has_unmeasured(const struct case_file *c)
{
    for (size_t i = 0; i < c->out.num_captures && c->align != NULL; i++) {
        if (!case_shift(c, (uint16_t)i).known) {
            return true;
        }
    }
    return false;
}

static uint64_t num_brief(const struct case_file *c)
{
    uint64_t num = 0;
    for (size_t i = 0; i < c->out.num_attempts; i++) {
        num += c->out.attempts[i]->is_brief;
    }
    return num;
}

static void fill_notes(struct case_file *c)
{
    struct note *notes = arena_alloc_array(&c->out.arena, NOTES_MAX, sizeof *notes);
    for (size_t i = 0; i < c->out.num_captures && i < CAPTURES_MAX; i++) {
        const struct capture_summary *s = &c->out.captures[i];
        struct group_state *g = case_group(c, (uint16_t)i);
        if (g->num_frames_duplicate > 0) {
            add_note(c, notes, "duplicated-frames",
                     count_text(c, g->num_frames_duplicate,
                                "messages were captured twice; each counts once."),
                     (uint16_t)i, g->first_duplicate);
        }
        if (s->info.drops[CAPTURE_DROP_FRAME_CUT] > 0) {
            add_note(c, notes, "frames-cut",
                     count_text(c, s->info.drops[CAPTURE_DROP_FRAME_CUT],
                                "frames were captured shorter than they were: tickets and tokens "
                                "behind the cut cannot be read. Take the next capture without a "
                                "snap length (tcpdump -s 0, pktmon --pkt-size 0)."),
                     (uint16_t)i, 0);
        }
        if (s->info.zone == CAPTURE_ZONE_UNKNOWN && s->info.frames > 0) {
            add_note(c, notes, "zone-unknown",
                     bytes_of("The capture's times are local times of an unknown zone; give "
                              "--capture-zone to show UTC. Verdicts do not depend on it."),
                     (uint16_t)i, 0);
        }
    }
    if (c->num_holes > 0) {
        add_note(
            c, notes, "piece-missing",
            bytes_of("Connections go on in a file without their bytes before it: a file between "
                     "seems to be missing, and silence across that place proves nothing."),
            0, 0);
    }
    if (num_brief(c) > 0) {
        add_note(c, notes, "attempts-in-brief",
                 count_text(c, num_brief(c),
                            "attempts are kept in brief, without their messages: --client or "
                            "--host shows all of one."),
                 0, 0);
    }
    if (has_unmeasured(c)) {
        add_note(c, notes, "offset-unmeasured",
                 bytes_of("Captures are joined by tickets alone, issued in one and presented in "
                          "another: the offset of their clocks is not measured."),
                 0, 0);
    }
    if (have_overlap(c)) {
        add_note(c, notes, "captures-overlap",
                 bytes_of("Captures of the same time have no message in common and are judged one "
                          "by one: an attempt that two of them show is listed twice."),
                 0, 0);
    }
    if (c->attempts.offers_unanswered > 0) {
        const struct moment *m = c->attempts.first_offer;
        struct finding f = {.cause = CAUSE_NO_CREDENTIALS_SENT,
                            .step = STEP_PRESENT,
                            .confidence = CONFIDENCE_POSSIBLE,
                            .is_note = true,
                            .source = "RFC 4559 5"};
        f.summary = count_text(c, c->attempts.offers_unanswered,
                               "offers of Negotiate were never answered with a token.");
        struct frame_ref *ref = m == NULL ? NULL : arena_alloc(&c->out.arena, sizeof *ref);
        if (ref != NULL) {
            *ref = (struct frame_ref){m->capture, m->frame, bytes_of("the first of them")};
            f.evidence = (struct evidence){.at = ref, .num = 1};
        }
        case_other_failure(c, &f);
    }
    c->out.notes = notes;
}

void whole_describe(struct case_file *c, struct capture_summary *captures, size_t num_captures)
{
    fill_captures(c, captures, num_captures);
    fill_notes(c);
    c->out.other_failures = c->other_failures;
    c->out.num_other_failures = c->num_other_failures;
}

void whole_finish(struct case_file *c, struct capture_summary *captures, size_t num_captures)
{
    for (struct record *r = c->first_record; r != NULL; r = r->next) {
        if (!r->is_dropped) {
            whole_compare_nodes(c, r);
            whole_settle_approach(c, r);
        }
    }
    for (struct record *r = c->first_record; r != NULL; r = r->next) {
        if (!r->is_dropped) {
            whole_take_reason(c, r);
        }
    }
    fill_captures(c, captures, num_captures);
    for (struct record *r = c->first_record; r != NULL; r = r->next) {
        if (!r->is_dropped && r->out->capture < num_captures) {
            whole_clocks(c, r);
            whole_losses(c, r);
        }
    }
    logs_finish(c);
    order(c);
    groups_fill(c);
    fill_notes(c);
    c->out.other_failures = c->other_failures;
    c->out.num_other_failures = c->num_other_failures;
}
