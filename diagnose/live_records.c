/* The ring of records: what was handed out is kept for comparison while there is room, and
 * forgotten, oldest first.
 *
 *      ring of bytes    [ old … | window | … older ]
 *                         records  ^ what is judged now is written here; the records that lay
 *                                    there before are the oldest, and go
 */
#include "diagnose/live_private.h"

#include <stdalign.h>
#include <string.h>

static struct record_mark mark_of(const struct attempt_record *out)
{
    struct record_mark m;
    memset(&m, 0, sizeof m); /* marks are compared as bytes */
    m.outcome = out->outcome;
    m.cause = out->has_verdict ? out->verdict.cause : CAUSE_NONE;
    m.step = out->has_verdict ? out->verdict.step : STEP_RESOLVE;
    m.confidence = out->has_verdict ? out->verdict.confidence : CONFIDENCE_POSSIBLE;
    m.num_evidence = out->has_verdict ? out->verdict.evidence.num : 0;
    m.num_events = out->num_events;
    m.num_also = out->num_also;
    m.num_notes = out->num_notes;
    m.has_clock[0] = out->clocks.client_to_kdc.known;
    m.has_clock[1] = out->clocks.client_to_server.known;
    m.has_clock[2] = out->clocks.kdc_to_server.known;
    return m;
}

static bool mark_equal(const struct record_mark *a, const struct record_mark *b)
{
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): marks are zeroed first */
    return memcmp(a, b, sizeof *a) == 0;
}

static void count(struct live *live, const struct record_mark *m, bool is_added)
{
    uint64_t step = is_added ? 1 : UINT64_MAX; /* UINT64_MAX takes one away */
    live->by_outcome[m->outcome] += step;
    if (m->cause != CAUSE_NONE) {
        live->by_cause[m->cause] += step;
    }
}

/* The clocks of captures that were taken at a host. Once: what is said of them is added to. */
static void settle_clocks(struct case_file *c, struct record *r)
{
    const struct case_live *o = &c->live->options;
    if (r->has_settled_clocks || c->out.arena.start == NULL) {
        return;
    }
    for (size_t i = 0; i < o->num_captures && i < CAPTURES_MAX; i++) {
        o->captures[i].vantage = case_vantage(c, c->group_of_capture[i]);
    }
    c->out.captures = o->captures;
    c->out.num_captures = o->num_captures;
    whole_clocks(c, r);
    r->has_settled_clocks = true;
}

void live_tell(struct case_file *c, struct record *r, bool final)
{
    struct live *live = c->live;
    settle_clocks(c, r);
    struct record_mark mark = mark_of(r->out);
    bool is_first = r->revision == 0;
    bool is_first_final = final && !r->final;
    bool is_unchanged = !is_first && mark_equal(&mark, &r->mark);
    if (is_unchanged && !is_first_final) {
        return;
    }
    if (is_first) {
        r->out->id = ++live->last_id;
        live->num_attempts++;
    } else {
        count(live, &r->mark, false);
    }
    count(live, &mark, true);
    r->mark = mark;
    r->final = r->final || final;
    r->revision++;
    const struct case_news news = {
        .attempt = r->out,
        .revision = r->revision,
        .final = r->final,
        .is_first_final = is_first_final,
        .is_unchanged = is_unchanged,
    };
    live->options.sink(live->options.context, &news);
}

void live_part(struct record *r)
{
    struct attempt *a = r->told_of;
    if (a != NULL) {
        a->told.record = NULL;
        a->told.revision = r->revision;
        a->told.final = r->final;
        a->told.mark = r->mark;
        r->told_of = NULL;
    }
}

static void drop_oldest(struct case_file *c)
{
    struct record *r = c->first_record;
    bool is_untold = r->revision == 0 && !r->is_dropped;
    if (r->provisional_of != NULL) {
        r->provisional_of->provisional = NULL;
        is_untold = false; /* its client may yet show something better: it is no attempt */
    }
    if (is_untold) {
        whole_settle_approach(c, r);
        if (!r->is_dropped) {
            live_tell(c, r, true);
        }
    }
    live_part(r);
    c->first_record = r->next;
    if (c->first_record == NULL) {
        c->last_record = NULL;
    }
    c->num_records--;
}

static size_t place_of(const struct live *live, const struct record *r)
{
    return (size_t)((const uint8_t *)r - live->ring);
}

/* Until live_window_close() the analysis' arena is a part of the ring that no record uses. The list
 * is in the order of the ring: first what the last lap left ahead of the head, then this lap. */
void live_window_open(struct case_file *c)
{
    struct live *live = c->live;
    if (live->head + LIVE_WINDOW_BYTES > LIVE_RECORDS_BYTES) {
        while (c->first_record != NULL && place_of(live, c->first_record) >= live->head) {
            drop_oldest(c);
        }
        live->head = 0;
    }
    while (c->first_record != NULL && place_of(live, c->first_record) >= live->head &&
           place_of(live, c->first_record) < live->head + LIVE_WINDOW_BYTES) {
        drop_oldest(c);
    }
    arena_init(&c->out.arena, live->ring + live->head, LIVE_WINDOW_BYTES);
    live->before = c->last_record;
}

struct record *live_window_first(const struct case_file *c)
{
    return c->live->before == NULL ? c->first_record : c->live->before->next;
}

/* Takes out of the list what was made in this window and set aside. */
static void window_sift(struct case_file *c)
{
    struct record **slot = c->live->before == NULL ? &c->first_record : &c->live->before->next;
    struct record *last = c->live->before;
    while (*slot != NULL) {
        struct record *r = *slot;
        if (r->is_dropped && r->provisional_of == NULL) {
            *slot = r->next;
            c->num_records--;
        } else {
            last = r;
            slot = &r->next;
        }
    }
    c->last_record = last;
}

void live_window_close(struct case_file *c)
{
    struct live *live = c->live;
    window_sift(c);
    size_t align = alignof(max_align_t);
    size_t end = live->head + (c->out.arena.used + align - 1) / align * align;
    if (live_window_first(c) != NULL) {
        live->head = end;
    }
    c->out.arena = (struct arena){0};
}
