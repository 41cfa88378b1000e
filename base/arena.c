#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

void arena_init(struct arena *a, void *storage, size_t size)
{
    *a = (struct arena){.start = storage, .size = size};
}

bool arena_new(struct arena *a, size_t size)
{
    *a = (struct arena){.start = malloc(size), .size = size, .owned = true};
    if (a->start == NULL) {
        *a = (struct arena){0};
        return false;
    }
    return true;
}

void arena_free(struct arena *a)
{
    if (a->owned) {
        free(a->start);
    }
    *a = (struct arena){0};
}

void *arena_alloc(struct arena *a, size_t len)
{
    size_t align = alignof(max_align_t);
    size_t misfit = (size_t)((uintptr_t)(a->start + a->used) % align);
    size_t pad = misfit == 0 ? 0 : align - misfit;
    if (a->start == NULL || pad > a->size - a->used || len > a->size - a->used - pad) {
        a->refused++;
        return NULL;
    }
    void *p = a->start + a->used + pad;
    a->used += pad + len;
    return memset(p, 0, len);
}

void *arena_alloc_array(struct arena *a, size_t num, size_t len)
{
    if (len != 0 && num > SIZE_MAX / len) {
        a->refused++;
        return NULL;
    }
    return arena_alloc(a, num * len);
}

bool arena_copy(struct arena *a, struct bytes b, struct bytes *out)
{
    *out = (struct bytes){0};
    if (b.len == 0) {
        return true;
    }
    if (a->start == NULL || b.len > a->size - a->used) {
        a->refused++;
        return false;
    }
    uint8_t *p = a->start + a->used;
    memcpy(p, b.at, b.len);
    a->used += b.len;
    *out = (struct bytes){.at = p, .len = b.len};
    return true;
}

void arena_rewind(struct arena *a, size_t mark)
{
    assert(mark <= a->used);
    a->used = mark;
}

void arena_reset(struct arena *a)
{
    a->used = 0;
}
