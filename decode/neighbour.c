#include "decode/segment_private.h"

/* 0.0.0.0 and :: are no addresses. */
static struct address address_or_none(struct bytes octets)
{
    for (size_t i = 0; i < octets.len; i++) {
        if (bytes_u8_at(octets, i) != 0) {
            return address_from(octets);
        }
    }
    return (struct address){0};
}

/* RFC 826, with hardware addresses of h bytes:
 *      0          2          4     5     6           8       8+h     12+h    12+2h   16+2h
 *      | hardware | protocol | h   | 4   | operation | its MAC | its IP | MAC   | IP   |
 * A request to oneself is an announcement (RFC 5227 2.3): target equals from.address.
 */
enum layer neighbour_arp_step(struct walk *w)
{
    if (!walk_has(w, 8)) {
        return LAYER_DONE;
    }
    size_t hardware_len = bytes_u8_at(w->rest, 4);
    uint16_t operation = bytes_u16be_at(w->rest, 6);
    bool is_ipv4 = bytes_u16be_at(w->rest, 2) == 0x0800 && bytes_u8_at(w->rest, 5) == 4;
    if (!is_ipv4 || (operation != 1 && operation != 2)) {
        w->has_ip = false;
        return walk_other(w);
    }
    if (!walk_has(w, 16 + 2 * hardware_len)) {
        return LAYER_DONE;
    }
    struct segment *out = w->out;
    struct address sender = address_or_none(bytes_part(w->rest, 8 + hardware_len, 4));
    struct address target = address_or_none(bytes_part(w->rest, 12 + 2 * hardware_len, 4));
    out->from = (struct endpoint){.address = sender};
    out->to = (struct endpoint){.address = operation == 2 ? target : (struct address){0}};
    out->kind = operation == 1 ? SEGMENT_NEIGHBOUR_REQUEST : SEGMENT_NEIGHBOUR_REPLY;
    out->target = operation == 1 ? target : sender;
    return LAYER_DONE;
}

/*      0      1      2          4                     8        24
 *      | type | code | checksum | reserved or flags   | target |                RFC 4861 4.3, 4.4
 */
enum layer neighbour_discovery_step(struct walk *w)
{
    if (!walk_has(w, 24)) {
        return LAYER_DONE;
    }
    struct segment *out = w->out;
    bool is_request = bytes_u8_at(w->rest, 0) == 135;
    out->kind = is_request ? SEGMENT_NEIGHBOUR_REQUEST : SEGMENT_NEIGHBOUR_REPLY;
    out->target = address_from(bytes_part(w->rest, 8, 16));
    struct bytes from = {.at = out->from.address.octets, .len = sizeof out->from.address.octets};
    out->from.address = address_or_none(from); /* :: is a probe, RFC 4862 5.4.2 */
    return LAYER_DONE;
}
