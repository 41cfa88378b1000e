/* Memory that is taken piece by piece and given back all at once.
 *
 * An arena never grows beyond the size given at its start: a request that does not fit returns
 * NULL, is counted in `refused`, and the caller drops what it was building, with a reason.
 */
#ifndef KRBSCOPE_BASE_ARENA_H
#define KRBSCOPE_BASE_ARENA_H

#include "base/bytes.h"

struct arena {
    uint8_t *start;
    size_t size;      /* bytes */
    size_t used;      /* bytes */
    uint64_t refused; /* requests that did not fit since arena_init/_new */
    bool owned;       /* start came from malloc in arena_new */
};

/* An arena over the caller's storage (any alignment). */
void arena_init(struct arena *a, void *storage, size_t size);

/* An arena over size bytes from malloc; pages that are never used are never touched.
 * false: no memory, *a is an arena of size 0. Free with arena_free(). */
bool arena_new(struct arena *a, size_t size);
void arena_free(struct arena *a);

/* len zeroed bytes, aligned for any type; NULL when they do not fit. len 0 gives a valid pointer.
 */
void *arena_alloc(struct arena *a, size_t len);

/* num zeroed items of len bytes each; NULL when they do not fit or the product overflows. */
void *arena_alloc_array(struct arena *a, size_t num, size_t len);

/* Copies b into the arena; *out is empty when that does not fit (false). */
bool arena_copy(struct arena *a, struct bytes b, struct bytes *out);

/* Everything taken since mark is given back; mark is a former a->used. */
void arena_rewind(struct arena *a, size_t mark);

/* Gives everything back. */
void arena_reset(struct arena *a);

#endif
