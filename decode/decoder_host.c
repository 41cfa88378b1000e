#include "decode/decoder_private.h"

#include "base/hash.h"

#include <string.h>

#define HOST_PROBES 8 /* places where one pair may lie */

static uint64_t pair_hash(const struct address *from, const struct address *to)
{
    uint8_t key[2 * sizeof from->octets];
    size_t len = from->family == ADDRESS_IPV4 ? 4 : sizeof from->octets;
    memcpy(key, from->octets, len);
    memcpy(key + len, to->octets, len);
    uint64_t hash = hash64((struct bytes){.at = key, .len = 2 * len});
    return hash == 0 ? 1 : hash; /* 0 is an empty slot */
}

/* The pair's place among its few neighbours, or NULL. */
static struct decoder_host_pair *find_pair(const struct decoder *d, uint64_t hash)
{
    for (size_t i = 0; i < HOST_PROBES; i++) {
        struct decoder_host_pair *p = &d->host_pairs[(hash + i) & (DECODER_HOST_SLOTS - 1)];
        if (p->hash == hash) {
            return p;
        }
    }
    return NULL;
}

/* A free place, else that of the pair announced longest ago. */
static struct decoder_host_pair *place_for(const struct decoder *d, uint64_t hash)
{
    struct decoder_host_pair *place = NULL;
    for (size_t i = 0; i < HOST_PROBES; i++) {
        struct decoder_host_pair *p = &d->host_pairs[(hash + i) & (DECODER_HOST_SLOTS - 1)];
        if (place == NULL || (place->hash != 0 && (p->hash == 0 || p->time_ns < place->time_ns))) {
            place = p;
        }
    }
    return place;
}

/* A pair is due again after DECODER_HOST_AGAIN_NS: whoever listens may have forgotten its hosts. */
static bool is_new_pair(struct decoder *d, uint64_t hash)
{
    struct decoder_host_pair *p = find_pair(d, hash);
    if (p != NULL && d->place.time_ns - p->time_ns < DECODER_HOST_AGAIN_NS) {
        return false;
    }
    p = p == NULL ? place_for(d, hash) : p;
    *p = (struct decoder_host_pair){.hash = hash, .time_ns = d->place.time_ns};
    return true;
}

void decoder_host_seen(struct decoder *d, const struct segment *segment)
{
    const struct address *from = &segment->from.address;
    const struct address *to = &segment->to.address;
    bool are_hosts = from->family != ADDRESS_NONE && to->family == from->family &&
                     !address_is_group(to) && !address_is_group(from);
    if (!are_hosts || !is_new_pair(d, pair_hash(from, to))) {
        return;
    }
    struct event event = decoder_event(EVENT_HOST_SEEN, &d->place);
    event.from.address = *from;
    event.to.address = *to;
    event.is_mutual = find_pair(d, pair_hash(to, from)) != NULL;
    event.adapters[0] = segment->from_hardware;
    event.adapters[1] = segment->to_hardware;
    decoder_emit(d, &event);
}

void decoder_icmp(struct decoder *d, const struct segment *segment)
{
    struct decoder_duplicate *slot = NULL;
    decoder_host_seen(d, segment);
    if (decoder_is_duplicate(d, segment, segment->payload, &slot)) {
        return;
    }
    struct icmp_facts facts = {
        .type = segment->icmp_type,
        .code = segment->icmp_code,
        .quoted_protocol = segment->quoted_protocol,
        .quoted_from = segment->quoted_from,
        .quoted_to = segment->quoted_to,
    };
    struct event event = decoder_event(EVENT_ICMP_UNREACHABLE, &d->place);
    event.from = segment->from;
    event.to = segment->to;
    event.icmp = &facts;
    slot->event = decoder_emit(d, &event);
}

void decoder_neighbour(struct decoder *d, const struct segment *segment)
{
    struct decoder_duplicate *slot = NULL;
    struct bytes target = {.at = segment->target.octets, .len = sizeof segment->target.octets};
    decoder_host_seen(d, segment);
    if (decoder_is_duplicate(d, segment, target, &slot)) {
        return; /* its slot has no event: copies of these are not announced */
    }
    bool is_request = segment->kind == SEGMENT_NEIGHBOUR_REQUEST;
    struct event event =
        decoder_event(is_request ? EVENT_NEIGHBOUR_REQUEST : EVENT_NEIGHBOUR_REPLY, &d->place);
    event.from.address = segment->from.address;
    event.to.address = segment->to.address;
    event.target = segment->target;
    decoder_emit(d, &event);
}
