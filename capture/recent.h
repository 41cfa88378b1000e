/* The frames of the last moments, for evidence of what turns out to have failed. One block of
 * memory; the oldest go. */
#ifndef KRBSCOPE_CAPTURE_RECENT_H
#define KRBSCOPE_CAPTURE_RECENT_H

#include "capture/capture.h"

#define RECENT_BYTES 50331648 /* frames and their heads */
#define RECENT_SLOTS 262144   /* frames that can be found by number */

struct recent;

struct recent *recent_new(void); /* NULL: no memory */
void recent_free(struct recent *r);

/* Keeps a copy of the frame of interface or file `which`. */
void recent_put(struct recent *r, size_t which, const struct frame *frame);

/* The frame with that number, or false: it is gone. Borrowed until the next recent_put(). */
bool recent_find(const struct recent *r, size_t which, uint32_t number, struct frame *out);

#endif
