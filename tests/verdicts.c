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
