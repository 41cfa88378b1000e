/* Memory that is taken piece by piece and given back all at once.
 *
 * An arena never grows beyond the size given at its start: a request that does not fit returns
 * NULL, is counted in `refused`, and the caller drops what it was building, with a reason.
 * An arena with storage of its own takes it block by block, the first of 1 MiB, so that a large
 * bound costs nothing where little is needed.
 */
#ifndef KRBSCOPE_BASE_ARENA_H
#define KRBSCOPE_BASE_ARENA_H

#include "base/bytes.h"

struct arena {
    uint8_t *start;             /* of the block that is being filled; NULL: an arena of size 0 */
    size_t size;                /* bytes, all blocks */
    size_t used;                /* bytes, the unused ends of full blocks included */
    uint64_t refused;           /* requests that did not fit since arena_init/_new */
    struct arena_block *blocks; /* newest first, of arena_new; NULL: the caller's storage */
};

/* An arena over the caller's storage (any alignment). */
void arena_init(struct arena *a, void *storage, size_t size);

/* An arena over up to size bytes from malloc, the first block of which is taken at once.
 * false: no memory, *a is an arena of size 0. Free with arena_free(). */
bool arena_new(struct arena *a, size_t size);
void arena_free(struct arena *a);

/* len zeroed bytes, aligned for any type; NULL when they do not fit or malloc has no block for
 * them. len 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t len);

/* num zeroed items of len bytes each; NULL when they do not fit or the product overflows. */
void *arena_alloc_array(struct arena *a, size_t num, size_t len);

/* The same, aligned, but not zeroed: for a table whose entries are written when they are added. */
void *arena_reserve_array(struct arena *a, size_t num, size_t len);

/* Copies b into the arena; *out is empty when that does not fit (false). */
bool arena_copy(struct arena *a, struct bytes b, struct bytes *out);

/* len bytes for a buffer that is written at once: as arena_alloc(), but neither zeroed nor aligned.
 * Its unused end goes back with arena_trim(). */
uint8_t *arena_reserve(struct arena *a, size_t len);

/* Of what was taken last, at `at`, only the first len bytes are needed: the rest goes back to
 * the block that is being filled. */
void arena_trim(struct arena *a, const uint8_t *at, size_t len);

/* Everything taken since mark is given back; mark is a former a->used. */
void arena_rewind(struct arena *a, size_t mark);

/* Gives everything back. */
void arena_reset(struct arena *a);

#endif
