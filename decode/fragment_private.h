/* IP fragments to datagrams, both families (RFC 791 3.2, RFC 8200 4.5). */
#ifndef KRBSCOPE_DECODE_FRAGMENT_PRIVATE_H
#define KRBSCOPE_DECODE_FRAGMENT_PRIVATE_H

#include "decode/segment.h"

#define FRAGMENT_LEAP_NS INT64_C(3600000000000) /* a time stamp that leaps further ages nothing */
#define FRAGMENT_DONE_NS                                                                           \
    INT64_C(1000000000)       /* so long late copies of a whole datagram are known                 \
                               */
#define FRAGMENT_UNIT_BYTES 8 /* offsets count in these */

/* One fragment, as its IP header tells it. */
struct fragment {
    struct address from, to;
    uint32_t id;
    uint8_t protocol; /* IPv4: part of the key; IPv6: what follows, valid at offset 0 */
    bool more;        /* not the last one */
    bool is_nested;   /* it lay in a reassembled datagram; part of the key */
    size_t offset;    /* of its data in the datagram's, bytes */
    size_t wire_len;  /* bytes of data on the wire; data.len may be less */
    struct bytes data;
};

/* A datagram put together; bytes belong to the table until the next fragment of a later frame. */
struct fragment_datagram {
    struct bytes data; /* up to the first byte that no fragment's capture held */
    size_t wire_len;
    uint8_t protocol;
};

enum fragment_result {
    FRAGMENT_HELD,     /* not complete yet, or a copy of what is known */
    FRAGMENT_COMPLETE, /* *out is filled */
    FRAGMENT_BAD,      /* contradicts itself or the others; left out */
};

struct fragments;

struct fragments *fragments_new(void);
void fragments_free(struct fragments *t);

/* A new frame begins, at this time. */
void fragments_set_time(struct fragments *t, int64_t time_ns);

/* Adds a fragment that the frames segment->frames hold. When it completes its datagram, segment
 * gets all frames of it. *loss tells when another datagram was given up for room or age. */
enum fragment_result fragments_add(struct fragments *t, struct fragment_datagram *out,
                                   struct segment *segment, enum segment_drop *loss,
                                   const struct fragment *f);

uint64_t fragments_lost(const struct fragments *t);

#endif
