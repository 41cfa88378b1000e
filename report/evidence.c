/* What belongs to the evidence; report/evidence_write.c writes it. */
#include "report/evidence_private.h"

#include "base/civil.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define KEEPS_FLOW bytes_of("of a connection that the verdict rests on")
#define KEEPS_CLIENT bytes_of("what the client did around its attempt")
#define KEEPS_PAIR bytes_of("shows that the capture could see these two hosts")
#define KEEPS_FIRST bytes_of("the capture begins here")
#define KEEPS_LAST bytes_of("the capture goes on at least until here")

#define NOTES_FIRST 1024 /* notes that there is room for at first */

/* The note, to be filled; NULL: no room, counted. */
static struct evidence_note *add_note(struct evidence_plan *p)
{
    if (p->num_notes == p->notes_size) {
        size_t size = p->notes_size == 0 ? NOTES_FIRST : 2 * p->notes_size;
        struct evidence_note *more = p->notes_size >= EVIDENCE_FRAMES_MAX
                                         ? NULL
                                         : realloc(p->notes, size * sizeof *p->notes);
        if (more == NULL) {
            p->num_dropped++;
            return NULL;
        }
        p->notes = more;
        p->notes_size = size;
    }
    return &p->notes[p->num_notes++];
}

/* A frame that the report names. */
static void keep(struct evidence_plan *p, uint16_t capture, uint32_t frame, struct bytes why)
{
    struct evidence_note *n = frame == 0 ? NULL : add_note(p);
    if (n != NULL) {
        *n = (struct evidence_note){.capture = capture, .frame = frame, .why = why};
    }
}

/* One that the same verdict needs all the same. */
static void take_along(struct evidence_plan *p, uint16_t capture, uint32_t frame, struct bytes why)
{
    struct evidence_note *n = frame == 0 ? NULL : add_note(p);
    if (n != NULL) {
        *n = (struct evidence_note){
            .capture = capture, .frame = frame, .why = why, .is_taken_along = true};
    }
}

static void keep_all(struct evidence_plan *p, struct evidence e)
{
    for (size_t i = 0; i < e.num; i++) {
        keep(p, e.at[i].capture, e.at[i].frame, e.at[i].why);
    }
}

static void keep_finding(struct evidence_plan *p, const struct finding *f)
{
    keep_all(p, f->evidence);
}

/* The same for both directions. */
static uint64_t hash_of_pair(const struct endpoint *a, const struct endpoint *b)
{
    uint8_t key[2][sizeof a->address.octets + 2];
    const struct endpoint *ends[2] = {a, b};
    uint64_t sum = 0;
    for (int i = 0; i < 2; i++) {
        memcpy(key[i], ends[i]->address.octets, sizeof a->address.octets);
        memcpy(key[i] + sizeof a->address.octets, &ends[i]->port, 2);
        sum += hash64((struct bytes){.at = key[i], .len = sizeof key[i]});
    }
    return sum | 1;
}

/* The slot of this pair, or a free one; NULL: the table is full. Other captures of the case may
 * have seen the same connection. */
static struct evidence_flow *flow_slot(struct evidence_plan *p, const struct endpoint *a,
                                       const struct endpoint *b)
{
    uint64_t hash = hash_of_pair(a, b);
    for (size_t i = 0; i < EVIDENCE_FLOW_PROBES; i++) {
        struct evidence_flow *f = &p->flows[(hash + i) % EVIDENCE_FLOW_SLOTS];
        if (f->hash == 0 || f->hash == hash) {
            f->hash = hash;
            return f;
        }
    }
    return NULL;
}

static void add_flow(struct evidence_plan *p, uint16_t capture, const struct endpoint *a,
                     const struct endpoint *b, uint32_t last_frame)
{
    if (a->port == 0 || b->port == 0 || p->num_flows == EVIDENCE_FLOWS_MAX) {
        return;
    }
    struct evidence_flow *f = flow_slot(p, a, b);
    if (f != NULL) {
        p->num_flows += !f->is_wanted;
        f->is_wanted = true;
        f->last_named = last_frame > f->last_named ? last_frame : f->last_named;
        f->capture = capture;
    }
}

static struct evidence_flow *find_flow(struct evidence_plan *p, const struct segment *g)
{
    uint64_t hash = hash_of_pair(&g->from, &g->to);
    for (size_t i = 0; i < EVIDENCE_FLOW_PROBES; i++) {
        struct evidence_flow *f = &p->flows[(hash + i) % EVIDENCE_FLOW_SLOTS];
        if (f->hash == hash && f->is_wanted) {
            return f;
        }
        if (f->hash == 0) {
            break;
        }
    }
    return NULL;
}

static void keep_events(struct evidence_plan *p, const struct attempt_record *a)
{
    for (size_t i = 0; i < a->num_events; i++) {
        const struct event_summary *e = &a->events[i];
        keep(p, e->capture, e->frame, e->summary.len > 0 ? e->summary : bytes_of(e->kind));
        for (size_t j = 0; j < e->num_frames; j++) {
            if (e->frames[j] != e->frame) {
                keep(p, e->capture, e->frames[j], bytes_of(e->kind));
            }
        }
        add_flow(p, e->capture, &e->from, &e->to, e->frame);
    }
    for (size_t i = 0; i < a->num_connections; i++) {
        const struct attempt_connection *c = &a->connections[i];
        add_flow(p, c->capture, &c->client, &c->server, c->last_frame);
        take_along(p, c->capture, c->first_frame, KEEPS_FLOW);
        take_along(p, c->capture, c->last_frame, KEEPS_FLOW);
    }
}

static void keep_attempt(struct evidence_plan *p, const struct attempt_record *a)
{
    if (a->has_verdict) {
        keep_finding(p, &a->verdict);
    }
    for (size_t i = 0; i < a->num_also; i++) {
        keep_finding(p, &a->also[i]);
    }
    for (size_t i = 0; i < a->num_ruled_out; i++) {
        keep_all(p, a->ruled_out[i].evidence);
    }
    for (size_t i = 0; i < STEP_COUNT; i++) {
        keep_all(p, a->steps[i].evidence);
    }
    keep_all(p, a->clocks.client_to_kdc.evidence);
    keep_all(p, a->clocks.client_to_server.evidence);
    keep_all(p, a->clocks.kdc_to_server.evidence);
    keep_events(p, a);
    if (p->num_clients < EVIDENCE_CLIENTS_MAX && a->client.address.family != ADDRESS_NONE) {
        p->clients[p->num_clients++] = (struct evidence_client){
            .address = a->client.address,
            .first_ns = a->first_time_ns - EVIDENCE_BEFORE_S * NS_PER_S,
            .last_ns = a->last_time_ns + EVIDENCE_AFTER_S * NS_PER_S,
        };
    }
}

enum status evidence_new(struct evidence_plan **out, const struct analysis *analysis,
                         const struct evidence_options *options, struct trouble *trouble)
{
    struct evidence_plan *p = calloc(1, sizeof *p);
    *out = NULL;
    if (p != NULL) {
        p->segmenter = segmenter_new();
        p->flows = calloc(EVIDENCE_FLOW_SLOTS, sizeof *p->flows);
        p->clients = calloc(analysis->num_attempts + 1, sizeof *p->clients);
        p->ends = calloc(analysis->num_captures + 1, sizeof *p->ends);
    }
    if (p == NULL || p->segmenter == NULL || p->flows == NULL || p->clients == NULL ||
        p->ends == NULL) {
        evidence_free(p);
        trouble_set(trouble, "There is not enough memory for the evidence.");
        return STATUS_NO_MEMORY;
    }
    p->analysis = analysis;
    p->options = *options;
    for (size_t i = 0; i < analysis->num_attempts; i++) {
        keep_attempt(p, analysis->attempts[i]);
    }
    for (size_t i = 0; i < analysis->num_other_failures; i++) {
        keep_finding(p, &analysis->other_failures[i]);
    }
    for (size_t i = 0; i < analysis->num_notes; i++) {
        keep_all(p, analysis->notes[i].evidence);
    }
    *out = p;
    return STATUS_OK;
}

void evidence_free(struct evidence_plan *p)
{
    if (p != NULL) {
        segmenter_free(p->segmenter);
        free(p->notes);
        free(p->flows);
        free(p->clients);
        free(p->ends);
        free(p);
    }
}

/* A frame of a connection: of a long one only what leads to the frames that the report names, and
 * segments without payload, which tell what arrived. */
static void look_at_flow(struct evidence_plan *p, uint16_t capture, const struct frame *frame,
                         const struct segment *g)
{
    struct evidence_flow *f = find_flow(p, g);
    if (f == NULL) {
        return;
    }
    f->num_frames++;
    bool is_wanted = p->options.whole_flows || f->num_frames <= EVIDENCE_FLOW_FRAMES_MAX ||
                     (capture == f->capture && frame->number <= f->last_named) ||
                     (g->kind == SEGMENT_TCP && g->payload_len == 0);
    for (size_t i = 0; i < g->num_frames && is_wanted; i++) {
        take_along(p, capture, g->frames[i], KEEPS_FLOW);
    }
}

void evidence_look_at_frame(struct evidence_plan *p, uint16_t capture, const struct frame *frame)
{
    struct segment g;
    segment_parse(p->segmenter, frame, &g);
    if (frame->link_type == LINK_TYPE_UNSUPPORTED || capture >= p->analysis->num_captures) {
        return;
    }
    struct evidence_ends *ends = &p->ends[capture];
    if (ends->first == 0) {
        ends->first = frame->number;
        ends->big_endian = frame->big_endian_host;
        ends->first_ns = frame->time_ns;
    }
    if (ends->last == 0 || frame->time_ns >= ends->last_ns) {
        ends->last = frame->number;
        ends->last_ns = frame->time_ns;
    }
    if (g.kind == SEGMENT_TCP || g.kind == SEGMENT_UDP) {
        look_at_flow(p, capture, frame, &g);
    }
}

static const struct evidence_client *find_client(const struct evidence_plan *p,
                                                 const struct event *e)
{
    const struct capture_summary *s = &p->analysis->captures[e->group];
    int64_t offset_ns = s->has_clock_offset ? (int64_t)(s->clock_offset_s * 1e9) : 0;
    for (size_t i = 0; i < p->num_clients; i++) {
        const struct evidence_client *c = &p->clients[i];
        bool is_there =
            address_equal(&c->address, &e->from.address) ||
            address_equal(&c->address, &e->to.address) ||
            (e->icmp != NULL && (address_equal(&c->address, &e->icmp->quoted_from.address) ||
                                 address_equal(&c->address, &e->icmp->quoted_to.address)));
        if (is_there && e->time_ns + offset_ns >= c->first_ns &&
            e->first_time_ns + offset_ns <= c->last_ns) {
            return c;
        }
    }
    return NULL;
}

/* Does this kind of event tell of a client what an attempt may rest on? Its HTTP messages are the
 * attempts themselves, or none of our business; but one CCM_POST makes another count. */
static bool may_matter(const struct event *e)
{
    switch (e->kind) {
    case EVENT_KRB:
    case EVENT_DNS:
    case EVENT_TCP_SYN:
    case EVENT_TCP_CONNECT:
    case EVENT_TCP_REFUSED:
    case EVENT_ICMP_UNREACHABLE:
    case EVENT_NEIGHBOUR_REQUEST:
    case EVENT_NEIGHBOUR_REPLY:
    case EVENT_DUPLICATE:
    case EVENT_TLS:
        return true;
    case EVENT_HTTP_REQUEST:
        return bytes_is(e->http->message.method, "CCM_POST");
    case EVENT_NONE:
    case EVENT_TOKEN:
    case EVENT_HTTP_RESPONSE:
    case EVENT_TCP_FIN:
    case EVENT_TCP_RESET:
    case EVENT_TCP_SILENCE:
    case EVENT_TCP_END:
    case EVENT_GAP:
    case EVENT_HOST_SEEN:
        break;
    }
    return false;
}

void evidence_look_at_event(void *plan, const struct event *event)
{
    struct evidence_plan *p = plan;
    if (event->kind == EVENT_HOST_SEEN) {
        if (p->num_pairs < EVIDENCE_PAIRS_MAX) {
            p->num_pairs++;
            take_along(p, event->capture, event->frame, KEEPS_PAIR);
        }
        return;
    }
    if (may_matter(event) && find_client(p, event) != NULL) {
        for (size_t i = 0; i < event->num_frames; i++) {
            take_along(p, event->capture, event->frames[i], KEEPS_CLIENT);
        }
    }
}

static int by_place(const void *left, const void *right)
{
    const struct evidence_note *a = left;
    const struct evidence_note *b = right;
    if (a->capture != b->capture) {
        return a->capture < b->capture ? -1 : 1;
    }
    return a->frame < b->frame ? -1 : a->frame > b->frame;
}

void evidence_settle(struct evidence_plan *p)
{
    for (size_t i = 0; i < p->analysis->num_captures; i++) {
        take_along(p, (uint16_t)i, p->ends[i].first, KEEPS_FIRST);
        take_along(p, (uint16_t)i, p->ends[i].last, KEEPS_LAST);
    }
    if (p->num_notes > 0) {
        qsort(p->notes, p->num_notes, sizeof *p->notes, by_place);
    }
}

size_t evidence_num_frames(const struct evidence_plan *p)
{
    size_t num = 0;
    for (size_t i = 0; i < p->num_notes; i++) {
        num += i == 0 || by_place(&p->notes[i - 1], &p->notes[i]) != 0;
    }
    return num;
}

uint64_t evidence_num_dropped(const struct evidence_plan *p)
{
    return p->num_dropped;
}

bool evidence_wants(const struct evidence_plan *p, uint16_t capture)
{
    return evidence_notes_of(p, capture, 0).num > 0;
}

/* Index of the first note that is not before this place. */
static size_t lower_bound(const struct evidence_plan *p, uint16_t capture, uint64_t frame)
{
    size_t low = 0;
    size_t high = p->num_notes;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct evidence_note *n = &p->notes[middle];
        if (n->capture < capture || (n->capture == capture && n->frame < frame)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct evidence_notes evidence_notes_of(const struct evidence_plan *p, uint16_t capture,
                                        uint32_t frame)
{
    size_t from = lower_bound(p, capture, frame);
    size_t to = lower_bound(p, capture, frame == 0 ? UINT64_MAX : (uint64_t)frame + 1);
    return (struct evidence_notes){p->notes == NULL ? NULL : p->notes + from, to - from};
}
