/* Frames of the kernel's ring, fetched into the caches before they are read. They lie one behind
 * the other, and nobody has touched those to come: each would be waited for.
 */
#ifndef KRBSCOPE_CAPTURE_AHEAD_H
#define KRBSCOPE_CAPTURE_AHEAD_H

#include <stdint.h>

#define AHEAD_SIZES 256 /* pairs of sizes, by hash */

/* What is known of one ring; zeroed at first. */
struct ahead {
    uint32_t follows[AHEAD_SIZES]; /* bytes of the frame that came after two others of such sizes */
    uint32_t sizes[2];             /* of the last two frames, the later one last */
    uint32_t head;                 /* bytes between two frames */
    const uint8_t *end;            /* of the last frame */
};

/* The frame of len bytes is read now: fetches those behind it, from where they lie if the sizes go
 * on as they did before. Nothing there is read: a wrong guess costs nothing. */
void ahead_fetch(struct ahead *a, const uint8_t *bytes, uint32_t len);

#endif
