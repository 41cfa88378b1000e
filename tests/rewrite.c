#include "rewrite.h"

#include "base/hash.h"
#include "rewrite_packet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool rewrite_is_whole(const struct recording *in)
{
    for (size_t i = 0; i < in->num_frames; i++) {
        if (in->frames[i].link_type != LINK_TYPE_ETHERNET ||
            in->frames[i].original_len != in->frames[i].len) {
            return false;
        }
    }
    return true;
}

void rewrite_vlan(struct recording *out, const struct recording *in)
{
    static const uint8_t tag[4] = {0x81, 0x00, 0x00, 0x64}; /* VLAN 100 */
    uint8_t bytes[PACKET_BYTES_MAX];
    recording_init_like(out, in);
    for (size_t i = 0; i < in->num_frames; i++) {
        const struct recorded_frame *f = &in->frames[i];
        assert(f->len >= 14 && f->len + sizeof tag <= sizeof bytes);
        memcpy(bytes, f->bytes, 12);
        memcpy(bytes + 12, tag, sizeof tag);
        memcpy(bytes + 16, f->bytes + 12, f->len - 12);
        recording_add(out, f, bytes, f->len + sizeof tag)->original_len += sizeof tag;
    }
    recording_renumber(out);
}

static void split_frame(struct recording *out, const struct recorded_frame *f,
                        const struct packet *p, size_t piece, size_t overlap)
{
    uint8_t bytes[PACKET_BYTES_MAX];
    for (size_t at = 0; at < p->payload_len; at += piece) {
        const size_t from = at > overlap ? at - overlap : 0;
        const size_t end = at + piece < p->payload_len ? at + piece : p->payload_len;
        size_t len = packet_tcp_part(bytes, f, p, from, end - from, end == p->payload_len);
        recording_add(out, f, bytes, len)->original_len = (uint32_t)len;
    }
}

void rewrite_split(struct recording *out, const struct recording *in, size_t piece, size_t overlap)
{
    recording_init_like(out, in);
    for (size_t i = 0; i < in->num_frames; i++) {
        const struct recorded_frame *f = &in->frames[i];
        struct packet p;
        packet_look(&p, f);
        if (p.is_tcp && p.payload_len > 1 && !p.is_syn) {
            split_frame(out, f, &p, piece, overlap);
        } else {
            recording_add(out, f, f->bytes, f->len);
        }
    }
    recording_renumber(out);
}

#define RUN_MAX 64 /* segments */

/* Data segments of one direction of a flow that came one after the other. */
struct run {
    uint8_t key[12]; /* addresses and ports, lower end first */
    bool is_used;
    bool from_lower;
    uint32_t slots[RUN_MAX];
    size_t num;
};

/* The run of a flow, in a table with more slots than there are flows. */
static struct run *run_of(struct run *runs, size_t num_slots, const struct recorded_frame *f,
                          const struct packet *p, bool *from_lower)
{
    uint8_t key[12];
    packet_flow_key(key, from_lower, f, p);
    size_t at = hash64((struct bytes){.at = key, .len = sizeof key}) % num_slots;
    while (runs[at].is_used && memcmp(runs[at].key, key, sizeof key) != 0) {
        at = (at + 1) % num_slots;
    }
    runs[at].is_used = true;
    memcpy(runs[at].key, key, sizeof key);
    return &runs[at];
}

static void run_reverse(struct run *run, size_t *order)
{
    for (size_t i = 0; i < run->num / 2; i++) {
        const size_t other = run->slots[run->num - 1 - i];
        const size_t kept = order[run->slots[i]];
        order[run->slots[i]] = order[other];
        order[other] = kept;
    }
    run->num = 0;
}

void rewrite_reverse(struct recording *out, const struct recording *in, size_t window)
{
    size_t num_slots = 2 * in->num_frames + 1;
    struct run *runs = calloc(num_slots, sizeof *runs);
    size_t *order = calloc(in->num_frames + 1, sizeof *order);
    assert(runs != NULL && order != NULL && window <= RUN_MAX);
    recording_init_like(out, in);
    for (size_t i = 0; i < in->num_frames; i++) {
        struct packet p;
        bool from_lower = false;
        order[i] = i;
        packet_look(&p, &in->frames[i]);
        if (!p.is_tcp) {
            continue;
        }
        struct run *run = run_of(runs, num_slots, &in->frames[i], &p, &from_lower);
        if (run->num == window || run->from_lower != from_lower || p.payload_len == 0) {
            run_reverse(run, order);
        }
        run->from_lower = from_lower;
        if (p.payload_len > 0 && !p.is_syn) {
            run->slots[run->num++] = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < num_slots; i++) {
        run_reverse(&runs[i], order);
    }
    for (size_t i = 0; i < in->num_frames; i++) {
        const struct recorded_frame *f = &in->frames[order[i]];
        recording_add(out, f, f->bytes, f->len)->time_ns = in->frames[i].time_ns;
    }
    free(order);
    free(runs);
    recording_renumber(out);
}

void rewrite_duplicate(struct recording *out, const struct recording *in)
{
    recording_init_like(out, in);
    for (size_t i = 0; i < in->num_frames; i++) {
        const struct recorded_frame *f = &in->frames[i];
        recording_add(out, f, f->bytes, f->len);
        recording_add(out, f, f->bytes, f->len)->time_ns += 10000;
    }
    recording_renumber(out);
}
