/* The headers of a frame, kept by list. */
#ifndef KRBSCOPE_REDACT_HEADERS_H
#define KRBSCOPE_REDACT_HEADERS_H

#include "decode/tap.h"
#include "redact/pseudonym.h"

/* Where the copy of a frame holds its transport payload. */
struct headers_place {
    uint32_t payload_at;  /* offset in the frame */
    uint32_t checksum_at; /* of TCP or UDP, 0: none that covers the payload */
};

/* Writes the redacted headers of a frame into out (as long as the frame, zeroed). */
void headers_redact(struct pseudonyms *p, uint8_t *out, struct bytes frame,
                    const struct segment_trail *trail, const struct segment *segment,
                    struct headers_place *place);

/* The 16-bit ones' complement sum of RFC 1071 goes on from sum. */
uint32_t headers_sum(uint32_t sum, struct bytes b);

#endif
