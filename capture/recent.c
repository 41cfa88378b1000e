#include "capture/recent.h"

#include <stdlib.h>
#include <string.h>

#define SOURCES_APART 16 /* interfaces share the slots without crowding each other */

/* Where a frame lies; places count up and never wrap, the block does. */
struct slot {
    uint64_t place;
    uint32_t number;
    uint16_t which;
    bool is_used;
    struct frame head; /* bytes.at is not set */
};

struct recent {
    uint8_t *block;
    uint64_t end; /* place behind the newest frame */
    struct slot slots[RECENT_SLOTS];
};

struct recent *recent_new(void)
{
    struct recent *r = calloc(1, sizeof *r);
    if (r != NULL) {
        r->block = malloc(RECENT_BYTES);
    }
    if (r != NULL && r->block == NULL) {
        free(r);
        return NULL;
    }
    return r;
}

void recent_free(struct recent *r)
{
    if (r != NULL) {
        free(r->block);
        free(r);
    }
}

/* Frames of one source follow each other; sources begin apart. */
static size_t slot_of(size_t which, uint32_t number)
{
    return ((size_t)number + which * (RECENT_SLOTS / SOURCES_APART)) % RECENT_SLOTS;
}

void recent_put(struct recent *r, size_t which, const struct frame *frame)
{
    size_t len = frame->bytes.len;
    size_t at = (size_t)(r->end % RECENT_BYTES);
    if (len > RECENT_BYTES) {
        return;
    }
    if (at + len > RECENT_BYTES) { /* a frame lies in one piece */
        r->end += RECENT_BYTES - at;
        at = 0;
    }
    struct slot *s = &r->slots[slot_of(which, frame->number)];
    *s = (struct slot){.place = r->end,
                       .number = frame->number,
                       .which = (uint16_t)which,
                       .is_used = true,
                       .head = *frame};
    if (len > 0) {
        memcpy(r->block + at, frame->bytes.at, len);
    }
    r->end += len;
}

bool recent_find(const struct recent *r, size_t which, uint32_t number, struct frame *out)
{
    const struct slot *s = &r->slots[slot_of(which, number)];
    if (!s->is_used || s->number != number || s->which != which ||
        r->end - s->place > RECENT_BYTES) {
        return false;
    }
    *out = s->head;
    out->bytes.at = r->block + s->place % RECENT_BYTES;
    return true;
}
