#include "decode/decoder_private.h"

#include <string.h>

enum {
    PORT_DNS = 53,
    PORT_KERBEROS = 88,
    PORT_NETBIOS_NAME = 137,
    PORT_KPASSWD = 464,
    PORT_MDNS = 5353,
    PORT_LLMNR = 5355,
};

static bool has_port(const struct segment *segment, uint16_t port)
{
    return segment->from.port == port || segment->to.port == port;
}

static bool flavour_of(const struct segment *segment, enum dns_flavour *flavour)
{
    bool is_dns = true;
    if (has_port(segment, PORT_DNS)) {
        *flavour = DNS_PLAIN;
    } else if (has_port(segment, PORT_LLMNR)) {
        *flavour = DNS_LLMNR;
    } else if (has_port(segment, PORT_MDNS)) {
        *flavour = DNS_MDNS;
    } else if (has_port(segment, PORT_NETBIOS_NAME)) {
        *flavour = DNS_NBNS;
    } else {
        is_dns = false;
    }
    return is_dns;
}

static struct event datagram_event(const struct decoder *d, const struct segment *segment,
                                   enum event_kind kind)
{
    struct event event = decoder_event(kind, &d->place);
    event.from = segment->from;
    event.to = segment->to;
    event.carrier = CARRIER_UDP;
    if (segment->is_reassembled && segment->num_frames > 0) {
        struct decoder_frames frames = {0};
        for (size_t i = 0; i < segment->num_frames; i++) {
            struct place place = d->place;
            place.frame = segment->frames[i];
            decoder_frames_add(&frames, &place);
        }
        decoder_frames_set(d, &frames, &event);
    }
    return event;
}

static void tell(const struct decoder *d, const struct segment *segment, enum tap_kind kind,
                 enum dns_flavour flavour)
{
    const struct decoder_tap *tap = d->options.tap;
    if (tap != NULL) {
        tap->datagram(tap->context, segment, kind, flavour);
    }
}

static void kerberos(struct decoder *d, const struct segment *segment)
{
    tell(d, segment, TAP_KRB, DNS_PLAIN);
    struct decoder_duplicate *slot = NULL;
    if (decoder_is_duplicate(d, segment, segment->payload, &slot)) {
        return;
    }
    struct event event = datagram_event(d, segment, EVENT_KRB);
    if (decoder_krb_decode(d, segment->payload, &event)) {
        slot->event = decoder_emit(d, &event);
    }
}

static void dns(struct decoder *d, const struct segment *segment, enum dns_flavour flavour)
{
    tell(d, segment, TAP_DNS, flavour);
    struct decoder_duplicate *slot = NULL;
    if (decoder_is_duplicate(d, segment, segment->payload, &slot)) {
        return;
    }
    struct event event = datagram_event(d, segment, EVENT_DNS);
    if (decoder_dns_decode(d, segment->payload, flavour, &event)) {
        slot->event = decoder_emit(d, &event);
    }
}

void decoder_udp(struct decoder *d, const struct segment *segment)
{
    size_t len = 0;
    enum dns_flavour flavour = DNS_PLAIN;
    decoder_host_seen(d, segment);
    if (segment->payload.len == 0) {
        return;
    }
    if (has_port(segment, PORT_KERBEROS) || has_port(segment, PORT_KPASSWD) ||
        krb_looks_like(segment->payload, &len)) {
        kerberos(d, segment);
    } else if (flavour_of(segment, &flavour)) {
        dns(d, segment, flavour);
    }
}
