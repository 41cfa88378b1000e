#include "capture/ahead.h"

#include <stddef.h>

#define FRAMES 3        /* that are fetched before they are read */
#define FRAME_BYTES 192 /* of each: the kernel's header of it, and its own headers */
#define CACHE_LINE_BYTES 64
#define HEAD_BYTES_MAX 256 /* between two frames; more is another block of the ring */

static size_t key_of(uint32_t earlier, uint32_t later)
{
    return (earlier * 31 + later) % AHEAD_SIZES;
}

void ahead_fetch(struct ahead *a, const uint8_t *bytes, uint32_t len)
{
    uint32_t earlier = a->sizes[1];
    uint32_t later = len;
    const uint8_t *at = bytes + len;
    uintptr_t head = (uintptr_t)bytes - (uintptr_t)a->end;
    a->head = head < HEAD_BYTES_MAX ? (uint32_t)head : a->head;
    a->end = at;
    a->follows[key_of(a->sizes[0], a->sizes[1])] = len;
    a->sizes[0] = a->sizes[1];
    a->sizes[1] = len;
    for (unsigned i = 0; i < FRAMES; i++) {
        for (size_t line = 0; line < FRAME_BYTES; line += CACHE_LINE_BYTES) {
            __builtin_prefetch(at + line);
        }
        uint32_t next = a->follows[key_of(earlier, later)];
        at += a->head + next;
        earlier = later;
        later = next;
    }
}
