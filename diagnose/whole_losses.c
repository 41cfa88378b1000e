/* What became, at the other captures' places, of the frames that a verdict rests on: seen there
 * too, or sent here and never arrived there. */
#include "diagnose/case_private.h"
#include "diagnose/join.h"

#include "base/civil.h"

#define MORE_FRAMES_MAX 6 /* added to one verdict's evidence */
#define SUMMARY_BYTES_MAX 900

static const char *path_of(const struct case_file *c, uint16_t group)
{
    return group < c->out.num_captures ? c->out.captures[group].path : "another capture";
}

/* Causes that silence is the evidence of. */
static bool is_about_silence(enum cause cause)
{
    return cause == CAUSE_MP_UNREACHABLE || cause == CAUSE_KDC_UNREACHABLE ||
           cause == CAUSE_KDC_TCP_BLOCKED || cause == CAUSE_DNS_SERVER_UNREACHABLE;
}

/* The evidence as it grows. */
struct growing {
    struct frame_ref *refs;
    size_t num, room;
};

static void grow(struct growing *g, uint16_t capture, uint32_t frame, struct bytes why)
{
    for (size_t i = 0; i < g->num; i++) {
        if (g->refs[i].capture == capture && g->refs[i].frame == frame) {
            return;
        }
    }
    if (g->num < g->room) {
        g->refs[g->num++] = (struct frame_ref){.capture = capture, .frame = frame, .why = why};
    }
}

static struct bytes and_lost(struct case_file *c, struct bytes why, const struct align_loss *lost)
{
    char buffer[500];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_add_bytes(&t, why);
    text_format(&t, "; it left here, and never arrived where %s was captured",
                path_of(c, lost->group));
    return text_keep(&t, &c->out.arena);
}

static void add_sentence(struct case_file *c, struct finding *f, const char *sentence)
{
    char buffer[SUMMARY_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_add_bytes(&t, f->summary);
    text_add(&t, f->summary.len == 0 ? "" : " ");
    text_add(&t, sentence);
    f->summary = text_keep(&t, &c->out.arena);
}

/* Answers that left a server's place and never came to this client, while it waited. */
static size_t add_lost_answers(struct case_file *c, const struct attempt_record *out,
                               struct growing *g)
{
    size_t num = 0;
    for (size_t i = 0; i < c->num_lost_answers; i++) {
        const struct lost_answer *l = &c->lost_answers[i];
        if (address_equal(&l->to, &out->client.address) && l->time_ns >= out->first_time_ns &&
            l->time_ns <= out->last_time_ns + LOST_ANSWER_NS) {
            grow(g, l->capture, l->frame,
                 bytes_of("the answer, which left here and never arrived at the client"));
            num++;
        }
    }
    return num;
}

/* On a connection that stands: which of the two sides' bytes get lost between the captures. */
static void tell_lost_bytes(struct case_file *c, const struct record *r)
{
    struct finding *f = &r->out->verdict;
    const uint64_t lane = UINT64_C(1) << JOIN_LANE_BITS;
    struct align_gone gone;
    struct growing g = {.room = f->evidence.num + MORE_FRAMES_MAX};
    if (f->cause != CAUSE_MP_NO_REPLY ||
        !align_conn_is_lost(c->align, (uint16_t)(r->connection / lane), r->connection % lane,
                            &gone)) {
        return;
    }
    g.refs = arena_alloc_array(&c->out.arena, g.room, sizeof *g.refs);
    if (g.refs == NULL) {
        return;
    }
    for (size_t i = 0; i < f->evidence.num; i++) {
        const struct frame_ref *ref = &f->evidence.at[i];
        bool is_gone = !gone.is_answer && ref->frame == gone.seen.frame;
        struct align_loss lost = {.group = gone.group};
        grow(&g, ref->capture, ref->frame, is_gone ? and_lost(c, ref->why, &lost) : ref->why);
    }
    if (gone.is_answer && gone.seen.frame != 0) {
        grow(&g, gone.seen.capture, gone.seen.frame,
             bytes_of("the answer, which left here and never arrived at the client"));
    }
    if (gone.hole.frame != 0) {
        grow(&g, gone.hole.capture, gone.hole.frame,
             bytes_of("bytes are missing here that the other capture shows, and nobody confirms "
                      "them"));
    }
    f->evidence = (struct evidence){.at = g.refs, .num = g.num};
    f->confidence = CONFIDENCE_CERTAIN;
    if (gone.is_answer) {
        f->summary = (struct bytes){0};
        add_sentence(c, f,
                     "The server answers, and its answer never comes to the client: something "
                     "between the two captures drops it, a firewall, or a router that takes no "
                     "large packets (MTU).");
    } else {
        add_sentence(c, f,
                     "It left the client and never arrived whole at the other capture: something "
                     "between the two drops it, a firewall, or a router that takes no large "
                     "packets (MTU).");
    }
}

void whole_losses(struct case_file *c, struct record *r)
{
    struct finding *f = &r->out->verdict;
    if (c->align == NULL || !r->out->has_verdict) {
        return;
    }
    tell_lost_bytes(c, r);
    struct growing g = {.room = f->evidence.num + MORE_FRAMES_MAX};
    g.refs = arena_alloc_array(&c->out.arena, g.room, sizeof *g.refs);
    if (g.refs == NULL) {
        return;
    }
    bool is_lost = false, is_seen = false;
    for (size_t i = 0; i < f->evidence.num; i++) {
        const struct frame_ref *ref = &f->evidence.at[i];
        struct align_loss lost;
        bool is_lost_here = align_frame_is_lost(c->align, ref->capture, ref->frame, &lost);
        grow(&g, ref->capture, ref->frame, is_lost_here ? and_lost(c, ref->why, &lost) : ref->why);
        is_lost = is_lost || is_lost_here;
    }
    for (size_t i = 0; i < f->evidence.num; i++) {
        struct align_place place;
        if (align_frame_elsewhere(c->align, f->evidence.at[i].capture, f->evidence.at[i].frame,
                                  &place)) {
            grow(&g, place.capture, place.frame, bytes_of("the same message, seen here too"));
            is_seen = true;
        }
    }
    size_t num_answers = is_about_silence(f->cause) ? add_lost_answers(c, r->out, &g) : 0;
    f->evidence = (struct evidence){.at = g.refs, .num = g.num};
    if (!is_about_silence(f->cause)) {
        return;
    }
    if (num_answers > 0) {
        f->confidence = CONFIDENCE_CERTAIN;
        add_sentence(c, f,
                     "It was answered, and the answer was lost on its way: something between "
                     "the two captures drops it, a firewall perhaps.");
    } else if (is_lost) {
        f->confidence = CONFIDENCE_CERTAIN;
        add_sentence(c, f,
                     "What the client sent never arrived at the other capture: something "
                     "between the two drops it, a firewall perhaps.");
    } else if (is_seen) {
        add_sentence(c, f,
                     "What the client sent arrived at the other capture: the host does not "
                     "answer, or its answer is lost.");
    }
}
