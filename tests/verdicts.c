#include "verdicts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct verdict_line line_of(const struct attempt_record *a)
{
    struct verdict_line line = {
        .client = a->client.address,
        .kind = a->kind,
        .outcome = a->outcome,
        .cause = a->has_verdict ? a->verdict.cause : CAUSE_NONE,
        .step = a->has_verdict ? a->verdict.step : STEP_COUNT,
    };
    for (size_t i = 0; i < a->num_events; i++) {
        const uint32_t frame = a->events[i].frame;
        if (line.first_frame == 0 || frame < line.first_frame) {
            line.first_frame = frame;
        }
        if (frame > line.last_frame) {
            line.last_frame = frame;
        }
    }
    return line;
}

void verdicts_of(struct verdicts *out, const struct analysis *analysis)
{
    out->num = 0;
    for (size_t i = 0; i < analysis->num_attempts && out->num < VERDICTS_MAX; i++) {
        out->lines[out->num++] = line_of(analysis->attempts[i]);
    }
}

void verdict_print(char out[VERDICT_TEXT_MAX], const struct verdict_line *line)
{
    char address[64];
    struct text t;
    text_init(&t, address, sizeof address);
    address_print(&t, &line->client);
    const char *cause = line->cause == CAUSE_NONE ? "-" : cause_id(line->cause);
    const char *step = line->cause == CAUSE_NONE ? "-" : step_word(line->step);
    snprintf(out, VERDICT_TEXT_MAX, "%s %s %s %s %s", address, attempt_kind_word(line->kind),
             outcome_word(line->outcome), cause, step);
}

static bool line_equal(const struct verdict_line *a, const struct verdict_line *b)
{
    return address_equal(&a->client, &b->client) && a->kind == b->kind &&
           a->outcome == b->outcome && a->cause == b->cause && a->step == b->step;
}

/* The first line of a that has no partner in b, or NULL. */
static const struct verdict_line *unmatched(const struct verdicts *a, const struct verdicts *b)
{
    bool taken[VERDICTS_MAX] = {false};
    for (size_t i = 0; i < a->num; i++) {
        size_t at = 0;
        while (at < b->num && (taken[at] || !line_equal(&a->lines[i], &b->lines[at]))) {
            at++;
        }
        if (at == b->num) {
            return &a->lines[i];
        }
        taken[at] = true;
    }
    return NULL;
}

bool verdicts_equal(const struct verdicts *a, const struct verdicts *b, char *why, size_t size)
{
    char before[VERDICT_TEXT_MAX] = "nothing";
    char after[VERDICT_TEXT_MAX] = "nothing";
    const struct verdict_line *lost = unmatched(a, b);
    const struct verdict_line *gained = unmatched(b, a);
    if (lost == NULL && gained == NULL) {
        return true;
    }
    if (lost != NULL) {
        verdict_print(before, lost);
    }
    if (gained != NULL) {
        verdict_print(after, gained);
    }
    snprintf(why, size, "%s became %s", before, after);
    return false;
}

static bool weakened(enum cause from, enum cause to)
{
    /* The chain ends in capture-incomplete, which generalises to itself. */
    for (int hops = 0; hops < CAUSE_COUNT; hops++) {
        if (from == to) {
            return true;
        }
        if (from == CAUSE_NONE || from == CAUSE_CAPTURE_INCOMPLETE) {
            return false;
        }
        from = cause_generalises(from);
    }
    return false;
}

static bool says_nothing(const struct verdict_line *line)
{
    return line->outcome == OUTCOME_INCOMPLETE &&
           (line->cause == CAUSE_NONE || line->cause == CAUSE_CAPTURE_INCOMPLETE);
}

static bool overlaps(const struct verdict_line *a, const struct verdict_line *b)
{
    return a->first_frame <= b->last_frame && b->first_frame <= a->last_frame;
}

/* May the attempt `was` look like `now` when frames are missing? */
static bool may_become(const struct verdict_line *was, const struct verdict_line *now)
{
    const bool outcome_kept = was->outcome == now->outcome;
    if (was->cause == CAUSE_NONE) {
        return now->cause == CAUSE_NONE && outcome_kept;
    }
    if (now->cause == CAUSE_CAPTURE_INCOMPLETE) {
        return outcome_kept;
    }
    return weakened(was->cause, now->cause) &&
           (outcome_kept || now->outcome == OUTCOME_INCOMPLETE || was->kind != now->kind);
}

/* Some attempt of that client may look so; one that shares frames with it decides, if there is. */
bool verdict_is_allowed(const struct verdicts *whole, const struct verdict_line *now)
{
    bool shares = false;
    bool shared_ok = false;
    bool any_ok = false;
    if (says_nothing(now)) {
        return true;
    }
    for (size_t i = 0; i < whole->num; i++) {
        const struct verdict_line *was = &whole->lines[i];
        if (!address_equal(&was->client, &now->client)) {
            continue;
        }
        const bool ok = may_become(was, now);
        any_ok = any_ok || ok;
        if (overlaps(was, now)) {
            shares = true;
            shared_ok = shared_ok || ok;
        }
    }
    return shares ? shared_ok : any_ok;
}
