#include "decode/decoder_private.h"

#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct decoder *decoder_new(const struct decoder_options *options, event_sink *sink, void *context)
{
    struct decoder *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return NULL;
    }
    d->options = *options;
    d->group = options->capture;
    d->sink = sink;
    d->context = context;
    d->segmenter = segmenter_new();
    d->flows = flow_table_new(DECODER_FLOWS_MAX);
    d->duplicates = calloc(1, sizeof *d->duplicates);
    d->ccm_memory = ccm_memory_new();
    d->host_pairs = calloc(DECODER_HOST_SLOTS, sizeof *d->host_pairs);
    d->pool = (struct stream_pool){
        .size = DECODER_REORDER_BYTES_MAX,
        .stream_size = DECODER_REORDER_FLOW_BYTES,
        .gap_frames = DECODER_GAP_FRAMES,
        .gap_ns = DECODER_GAP_NS,
    };
    bool has_scratch = arena_new(&d->scratch, DECODER_SCRATCH_BYTES);
    if (!has_scratch || d->segmenter == NULL || d->flows == NULL || d->duplicates == NULL ||
        d->ccm_memory == NULL || d->host_pairs == NULL) {
        decoder_free(d);
        return NULL;
    }
    return d;
}

static void free_flow(struct decoder *d, struct flow *flow)
{
    stream_pair_drop(&flow->streams, &d->pool);
    d->sink = NULL; /* nobody listens any more */
    decoder_parser_free(d, flow);
}

void decoder_free(struct decoder *d)
{
    if (d == NULL) {
        return;
    }
    struct flow *flow = d->flows == NULL ? NULL : flow_first(d->flows);
    while (flow != NULL) {
        free_flow(d, flow);
        flow = flow_after(d->flows, flow);
    }
    flow_table_free(d->flows);
    segmenter_free(d->segmenter);
    arena_free(&d->scratch);
    free(d->duplicates);
    ccm_memory_free(d->ccm_memory);
    free(d->host_pairs);
    free(d);
}

/* What ages holes is packet time. A frame that was captured late turns nothing back, and a stamp
 * that leaps (a clock that was set, captures that were joined) counts as no time at all. */
static void advance_clock(struct decoder *d, int64_t time_ns)
{
    int64_t step_ns = (int64_t)((uint64_t)time_ns - (uint64_t)d->latest_ns);
    bool is_leap = step_ns > DECODER_TIME_LEAP_NS || step_ns < -DECODER_TIME_LEAP_NS;
    if (!d->has_time || is_leap) {
        d->latest_ns = time_ns;
    } else if (step_ns > 0) {
        d->latest_ns = time_ns;
        d->clock_ns += step_ns;
    }
    d->has_time = true;
    int64_t *slot = &d->recent_ns[d->stats.frames % STREAM_GRACE_FRAMES];
    d->pool.settled_ns = *slot;
    *slot = d->clock_ns;
}

/* Times that nobody can have meant are those of damage: between two that are left lies less than
 * 2^63 ns. */
static int64_t sane_time(int64_t time_ns)
{
    const int64_t least = -(INT64_C(1) << 61); /* 1896 */
    const int64_t most = INT64_C(1) << 62;     /* 2116 */
    return time_ns < least ? least : time_ns > most ? most : time_ns;
}

void decoder_push(struct decoder *d, const struct frame *frame)
{
    assert(!d->has_ended);
    d->stats.frames++;
    d->place = (struct place){.frame = frame->number,
                              .capture = d->options.capture,
                              .turn = d->turn,
                              .time_ns = sane_time(frame->time_ns)};
    advance_clock(d, d->place.time_ns);
    decoder_tcp_due(d);
    struct segment *segment = &d->segment;
    segment_parse(d->segmenter, frame, segment);
    switch (segment->kind) {
    case SEGMENT_TCP:
        decoder_tcp(d, segment);
        break;
    case SEGMENT_UDP:
        decoder_udp(d, segment);
        break;
    case SEGMENT_ICMP_UNREACHABLE:
        decoder_icmp(d, segment);
        break;
    case SEGMENT_NEIGHBOUR_REQUEST:
    case SEGMENT_NEIGHBOUR_REPLY:
        decoder_neighbour(d, segment);
        break;
    case SEGMENT_OTHER:
        decoder_host_seen(d, segment);
        break;
    case SEGMENT_NONE:
        break;
    }
    if (segment->drop != SEGMENT_DROP_NONE) {
        d->stats.segment_drops[segment->drop]++;
    }
}

void decoder_set_capture(struct decoder *d, uint16_t capture)
{
    d->turn = (uint16_t)(d->turn + (capture != d->options.capture));
    d->options.capture = capture;
}

void decoder_end(struct decoder *d)
{
    if (!d->has_ended) {
        d->has_ended = true;
        decoder_tcp_end(d);
    }
}

bool decoder_is_waiting(const struct decoder *d)
{
    return flow_watched(d->flows, FLOW_WATCH_HOLES) != NULL || d->num_begun > 0;
}

const struct decoder_stats *decoder_stats(const struct decoder *d)
{
    return &d->stats;
}

const char *decoder_drop_name(enum decoder_drop drop)
{
    switch (drop) {
    case DECODER_DROP_FLOW_EVICTED:
        return "flow-evicted";
    case DECODER_DROP_REORDER_FULL:
        return "reorder-full";
    case DECODER_DROP_PARSER_FULL:
        return "parser-full";
    case DECODER_DROP_MESSAGE_BAD:
        return "message-bad";
    case DECODER_DROP_MESSAGE_CUT:
        return "message-cut";
    case DECODER_DROP_MESSAGE_TOO_LONG:
        return "message-too-long";
    case DECODER_DROP_DUPLICATE:
        return "duplicate";
    case DECODER_DROP_COUNT:
        break;
    }
    return "unknown";
}

void decoder_drop(struct decoder *d, enum decoder_drop reason)
{
    d->stats.drops[reason]++;
}

struct event decoder_event(enum event_kind kind, const struct place *place)
{
    return (struct event){
        .kind = kind,
        .capture = place->capture,
        .frame = place->frame,
        .frames = {place->frame},
        .num_frames = 1,
        .time_ns = place->time_ns,
        .first_time_ns = place->time_ns,
        .carrier = CARRIER_OTHER,
        .complete = true,
    };
}

uint64_t decoder_emit(struct decoder *d, struct event *event)
{
    event->group = d->group;
    event->scene = d->group;
    if (d->sink != NULL) {
        event->id = ++d->stats.events;
        d->sink(d->context, event);
    }
    arena_reset(&d->scratch);
    return event->id;
}

void decoder_tell_message(const struct decoder *d, const struct flow *flow, int side,
                          const struct tap_message *message)
{
    const struct decoder_tap *tap = d->options.tap;
    if (tap != NULL && message->bytes.len > 0) {
        tap->stream(tap->context, &flow->end[side], &flow->end[1 - side],
                    flow->streams.side[side].base_seq, message);
    }
}

void decoder_tell(const struct decoder *d, const struct flow *flow, int side, uint64_t offset,
                  enum tap_kind kind, struct bytes bytes)
{
    const struct tap_piece piece = {.offset = offset, .len = bytes.len};
    decoder_tell_message(
        d, flow, side,
        &(struct tap_message){.kind = kind, .bytes = bytes, .pieces = &piece, .num_pieces = 1});
}

void decoder_frames_clear(struct decoder_frames *f)
{
    *f = (struct decoder_frames){0};
}

void decoder_frames_add(struct decoder_frames *f, const struct place *place)
{
    if (f->num == 0 || place->time_ns < f->first_time_ns) {
        f->first_time_ns = place->time_ns;
    }
    if (f->num > 0 && f->last.capture != place->capture) {
        if (place_is_in_earlier_piece(place, &f->last)) {
            return;
        }
        f->num = 0; /* numbers of two pieces do not mix: the later one's stay */
    }
    bool is_known = f->num > 0 && f->frames[f->num - 1] == place->frame;
    f->last = *place;
    if (!is_known && f->num < EVENT_FRAMES_MAX) {
        f->frames[f->num++] = place->frame;
    } else if (!is_known) {
        f->frames[EVENT_FRAMES_MAX - 1] = place->frame; /* the last one matters most */
    }
}

/* Adds a frame where it belongs in ascending order, once. */
static void add_sorted(struct event *event, uint32_t frame)
{
    size_t at = event->num_frames;
    while (at > 0 && event->frames[at - 1] > frame) {
        at--;
    }
    if ((at > 0 && event->frames[at - 1] == frame) || event->num_frames == EVENT_FRAMES_MAX) {
        return;
    }
    memmove(&event->frames[at + 1], &event->frames[at],
            (event->num_frames - at) * sizeof event->frames[0]);
    event->frames[at] = frame;
    event->num_frames++;
}

void decoder_frames_set(const struct decoder *d, const struct decoder_frames *f,
                        struct event *event)
{
    event->num_frames = 0;
    event->capture = f->last.capture;
    event->frame = f->last.frame;
    event->time_ns = f->last.time_ns;
    event->first_time_ns = f->first_time_ns;
    for (size_t i = 0; i < f->num; i++) {
        add_sorted(event, f->frames[i]);
        if (f->frames[i] == d->place.frame && f->last.capture == d->place.capture) {
            event->frame = d->place.frame;
            event->time_ns = d->place.time_ns;
        }
    }
}

/* Endpoints, kind and payload as one hash; fields one by one, as structs have padding. */
static struct hash128 hash_of(const struct segment *segment, struct bytes payload)
{
    struct hash128 payload_hash = hash128(payload);
    const struct endpoint *ends[2] = {&segment->from, &segment->to};
    uint8_t key[2 * (sizeof ends[0]->address.octets + sizeof ends[0]->port) + 16 + 1];
    size_t len = 0;
    for (int i = 0; i < 2; i++) {
        memcpy(key + len, ends[i]->address.octets, sizeof ends[i]->address.octets);
        len += sizeof ends[i]->address.octets;
        memcpy(key + len, &ends[i]->port, sizeof ends[i]->port);
        len += sizeof ends[i]->port;
    }
    memcpy(key + len, &payload_hash.high, 8);
    memcpy(key + len + 8, &payload_hash.low, 8);
    key[len + 16] = (uint8_t)segment->kind;
    return hash128((struct bytes){.at = key, .len = len + 17});
}

/* The memory of datagrams: a ring, oldest overwritten, with chains by hash through it. */
static uint16_t *chain_of(struct decoder_duplicates *t, struct hash128 hash)
{
    return &t->chains[hash.low & (DECODER_DUPLICATES_MAX - 1)];
}

static struct decoder_duplicate *find_copied(struct decoder_duplicates *t, struct hash128 hash)
{
    uint16_t index = *chain_of(t, hash);
    while (index != 0 && !hash128_equal(t->ring[index - 1].hash, hash)) {
        index = t->ring[index - 1].next;
    }
    return index == 0 ? NULL : &t->ring[index - 1];
}

static struct decoder_duplicate *remember(struct decoder_duplicates *t, struct hash128 hash)
{
    uint16_t index = (uint16_t)(t->num_added++ % DECODER_DUPLICATES_MAX + 1);
    struct decoder_duplicate *entry = &t->ring[index - 1];
    if (t->num_added > DECODER_DUPLICATES_MAX) {
        uint16_t *link = chain_of(t, entry->hash);
        while (*link != index) {
            assert(*link != 0);
            link = &t->ring[*link - 1].next;
        }
        *link = entry->next;
    }
    uint16_t *chain = chain_of(t, hash);
    *entry = (struct decoder_duplicate){.hash = hash, .next = *chain};
    *chain = index;
    return entry;
}

bool decoder_is_duplicate(struct decoder *d, const struct segment *segment, struct bytes payload,
                          struct decoder_duplicate **slot)
{
    struct hash128 hash = hash_of(segment, payload);
    struct decoder_duplicate *found = find_copied(d->duplicates, hash);
    int64_t age_ns =
        found == NULL ? 0 : (int64_t)((uint64_t)d->place.time_ns - (uint64_t)found->time_ns);
    bool is_duplicate =
        found != NULL && age_ns <= DECODER_DUPLICATE_NS && age_ns >= -DECODER_DUPLICATE_NS;
    if (!is_duplicate) {
        *slot = found == NULL ? remember(d->duplicates, hash) : found;
        (*slot)->time_ns = d->place.time_ns;
        (*slot)->event = 0;
        return false;
    }
    decoder_drop(d, DECODER_DROP_DUPLICATE);
    if (found->event != 0) { /* only what was decoded is worth a word */
        struct event event = decoder_event(EVENT_DUPLICATE, &d->place);
        event.reply_to = found->event;
        event.from = segment->from;
        event.to = segment->to;
        event.carrier = segment->kind == SEGMENT_UDP ? CARRIER_UDP : CARRIER_OTHER;
        decoder_emit(d, &event);
    }
    return true;
}
