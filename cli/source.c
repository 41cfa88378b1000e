#include "cli/source.h"

#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>

#define FRAME_BEGIN_BYTES 64 /* of a payload, in a frame's fingerprint */
#define FRAME_BEGIN_MIN 12   /* shorter ones tell nothing */
#define SAME_ANSWERS_MIN 2   /* answers that both files show, and as many questions: one traffic */

static int by_first_time(const void *left, const void *right)
{
    const struct source *a = *(struct source *const *)left;
    const struct source *b = *(struct source *const *)right;
    if (a->info.first_time_ns != b->info.first_time_ns) {
        return a->info.first_time_ns < b->info.first_time_ns ? -1 : 1;
    }
    if (a->info.last_time_ns != b->info.last_time_ns) { /* clocks of whole milliseconds */
        return a->info.last_time_ns < b->info.last_time_ns ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static bool has_link_type(const struct capture_info *info, uint16_t link_type)
{
    for (size_t i = 0; i < info->num_link_types; i++) {
        if (info->link_types[i] == link_type) {
            return true;
        }
    }
    return false;
}

/* Both are sections of one evidence file: captures of which every piece lies in its section. */
static bool is_settled(const struct source *a, const struct source *b)
{
    return a->section != 0 && b->section != 0 && bytes_is(bytes_of(a->path), b->path);
}

static bool is_alike(const struct capture_info *a, const struct capture_info *b)
{
    if (a->format != b->format || a->zone != b->zone || a->num_link_types != b->num_link_types) {
        return false;
    }
    for (size_t i = 0; i < a->num_link_types; i++) {
        if (!has_link_type(b, a->link_types[i])) {
            return false;
        }
    }
    return true;
}

static void add_flow(struct source_flows *flows, uint64_t hash)
{
    size_t num_last = flows->num_last < SOURCE_FLOWS_MAX ? flows->num_last : SOURCE_FLOWS_MAX;
    bool is_first = hash != 0 && flows->num_first < SOURCE_FLOWS_MAX;
    bool is_last = hash != 0;
    for (size_t i = 0; i < flows->num_first && is_first; i++) {
        is_first = flows->first[i] != hash;
    }
    for (size_t i = 0; i < num_last && is_last; i++) {
        is_last = flows->last[i] != hash;
    }
    if (is_first) {
        flows->first[flows->num_first++] = hash;
    }
    if (is_last) {
        flows->last[flows->num_last++ % SOURCE_FLOWS_MAX] = hash;
    }
}

static uint64_t endpoint_hash(const struct endpoint *e)
{
    struct bytes address = {.at = e->address.octets, .len = sizeof e->address.octets};
    return hash64_step(hash64(address), e->port);
}

/* The same for both directions of a flow, 0 for what is neither TCP nor UDP. */
static uint64_t flow_hash(const struct segment *segment)
{
    bool has_ports = segment->kind == SEGMENT_TCP || segment->kind == SEGMENT_UDP;
    if (!has_ports || address_is_group(&segment->to.address)) {
        return 0;
    }
    uint64_t both = endpoint_hash(&segment->from) ^ endpoint_hash(&segment->to);
    return hash64_step(both, (uint64_t)segment->kind) | 1;
}

/* What another capture of the same frame has in common with this one: sequence numbers, the
 * beginning of the payload. 0: nothing telling. */
static uint64_t frame_hash(const struct segment *s)
{
    struct bytes begin = bytes_part(s->payload, 0, FRAME_BEGIN_BYTES);
    uint64_t payload = begin.len == 0 ? 0 : hash64(begin);
    bool is_answer = s->from.port < s->to.port;
    if (s->kind == SEGMENT_UDP && begin.len >= FRAME_BEGIN_MIN &&
        !address_is_group(&s->to.address)) {
        return (hash64_step(1, payload) & ~UINT64_C(1)) | is_answer | 2;
    }
    bool is_syn = s->kind == SEGMENT_TCP && (s->flags & TCP_SYN) != 0;
    if (is_syn || (s->kind == SEGMENT_TCP && begin.len >= FRAME_BEGIN_MIN)) {
        uint64_t numbers = (uint64_t)s->seq << 32 | (is_syn && (s->flags & TCP_ACK) ? s->ack : 0);
        return (hash64_step(hash64_step(2, numbers), payload) & ~UINT64_C(1)) | is_answer | 2;
    }
    return 0;
}

void source_add_frame(struct source_flows *flows, const struct segment *segment, int64_t time_ns)
{
    add_flow(flows, flow_hash(segment));
    uint64_t hash = flows->num_frames < SOURCE_FLOWS_MAX ? frame_hash(segment) : 0;
    for (size_t i = 0; i < flows->num_frames && hash != 0; i++) {
        hash = flows->frames[i] == hash ? 0 : hash;
    }
    if (hash != 0) {
        flows->frame_ns[flows->num_frames] = time_ns;
        flows->frames[flows->num_frames++] = hash;
    }
}

/* Do both begin with the same frames? A ring's pieces have only what was sent again in common:
 * questions, hardly an answer. */
static bool shows_the_same(const struct source_flows *a, const struct source_flows *b)
{
    size_t num = 0, num_answers = 0;
    for (size_t i = 0; a != NULL && b != NULL && i < a->num_frames; i++) {
        for (size_t k = 0; k < b->num_frames; k++) {
            if (a->frames[i] == b->frames[k]) {
                num++;
                num_answers += a->frames[i] & 1;
            }
        }
    }
    return num_answers >= SAME_ANSWERS_MIN && num >= 2 * SAME_ANSWERS_MIN;
}

static int by_ns(const void *left, const void *right)
{
    const int64_t *a = left;
    const int64_t *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* b's clock minus a's by the frames that both show: the middle of what questions and answers say,
 * which travel in opposite directions. */
static int64_t offset_ns(const struct source_flows *a, const struct source_flows *b)
{
    int64_t samples[2][SOURCE_FLOWS_MAX];
    size_t num[2] = {0};
    for (size_t i = 0; i < a->num_frames; i++) {
        for (size_t k = 0; k < b->num_frames; k++) {
            if (a->frames[i] == b->frames[k]) {
                const size_t way = a->frames[i] & 1;
                samples[way][num[way]++] =
                    (int64_t)((uint64_t)b->frame_ns[k] - (uint64_t)a->frame_ns[i]);
                break;
            }
        }
    }
    int64_t middle[2] = {0};
    for (size_t way = 0; way < 2; way++) {
        qsort(samples[way], num[way], sizeof samples[way][0], by_ns);
        middle[way] = num[way] == 0 ? 0 : samples[way][num[way] / 2];
    }
    return middle[0] + (middle[1] - middle[0]) / 2;
}

/* A third file shows what either of the two does, and by it their clocks differ: they were captured
 * at two places. */
static bool have_two_clocks(const struct source *sources, size_t num, const struct source *a,
                            const struct source *b)
{
    for (size_t i = 0; i < num; i++) {
        const struct source *third = &sources[i];
        if (third != a && third != b && shows_the_same(a->flows, third->flows) &&
            shows_the_same(b->flows, third->flows)) {
            int64_t apart = offset_ns(a->flows, third->flows) - offset_ns(b->flows, third->flows);
            if (apart > SOURCE_CLOCK_NS || apart < -SOURCE_CLOCK_NS) {
                return true;
            }
        }
    }
    return false;
}

/* Does the one begin with a flow that the other ended with? */
static bool shares_flow(const struct source_flows *before, const struct source_flows *next)
{
    size_t num_last = 0;
    if (before != NULL && next != NULL) {
        num_last = before->num_last < SOURCE_FLOWS_MAX ? before->num_last : SOURCE_FLOWS_MAX;
    }
    for (size_t i = 0; i < num_last; i++) {
        for (size_t k = 0; k < next->num_first; k++) {
            if (before->last[i] == next->first[k]) {
                return true;
            }
        }
    }
    return false;
}

/* Could `next` be what was captured after `before`? */
static bool continues(const struct source *a, const struct source *b)
{
    const struct capture_info *before = &a->info;
    const struct capture_info *next = &b->info;
    int64_t end = before->last_time_ns;
    if (!before->has_times || !next->has_times || !is_alike(before, next) ||
        end > INT64_MAX - SOURCE_RING_NS || end < INT64_MIN + SOURCE_OVERLAP_NS ||
        next->first_time_ns < end - SOURCE_OVERLAP_NS || shows_the_same(a->flows, b->flows)) {
        return false;
    }
    return next->first_time_ns <= end + SOURCE_JOIN_NS ||
           (next->first_time_ns <= end + SOURCE_RING_NS && shares_flow(a->flows, b->flows));
}

static size_t common_len(const char *a, const char *b)
{
    size_t len = 0;
    while (a[len] != '\0' && a[len] == b[len]) {
        len++;
    }
    return len;
}

static bool is_better(const struct source *candidate, const struct source *best,
                      const struct source *next)
{
    if (best == NULL) {
        return true;
    }
    size_t len = common_len(candidate->path, next->path);
    size_t best_len = common_len(best->path, next->path);
    if (len != best_len) {
        return len > best_len;
    }
    return candidate->info.last_time_ns > best->info.last_time_ns;
}

void source_join_pieces(struct source *sources, size_t num)
{
    struct source *sorted[SOURCES_MAX];
    assert(num <= SOURCES_MAX);
    for (size_t i = 0; i < num; i++) {
        sorted[i] = &sources[i];
        sources[i].next_piece = NULL;
        sources[i].is_first_piece = true;
    }
    qsort(sorted, num, sizeof(struct source *), by_first_time);
    for (size_t i = 1; i < num; i++) {
        struct source *best = NULL;
        for (size_t j = 0; j < i; j++) {
            if (sorted[j]->next_piece == NULL && !is_settled(sorted[j], sorted[i]) &&
                continues(sorted[j], sorted[i]) &&
                !have_two_clocks(sources, num, sorted[j], sorted[i]) &&
                is_better(sorted[j], best, sorted[i])) {
                best = sorted[j];
            }
        }
        if (best != NULL) {
            best->next_piece = sorted[i];
            sorted[i]->is_first_piece = false;
        }
    }
}
