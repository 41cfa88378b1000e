#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES_MIN 1048576 /* of an arena's first block; smaller arenas are one block */
#define BLOCK_BYTES_MAX 8388608 /* blocks double up to this */

struct arena_block {
    struct arena_block *older;
    size_t base; /* what the older blocks count for in a->used */
    size_t size; /* bytes that follow */
    alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *a, void *storage, size_t size)
{
    *a = (struct arena){.start = storage, .size = size};
}

/* Begins a block that has room for len bytes. false: beyond the arena's size, or no memory. */
static bool begin_block(struct arena *a, size_t len)
{
    const struct arena_block *last = a->blocks;
    size_t base = last == NULL ? 0 : last->base + last->size;
    size_t size = last == NULL                        ? BLOCK_BYTES_MIN
                  : last->size >= BLOCK_BYTES_MAX / 2 ? BLOCK_BYTES_MAX
                                                      : 2 * last->size;
    size_t left = a->size - base;
    size = size < len ? len : size;
    size = size < left ? size : left;
    struct arena_block *block = len > left ? NULL : malloc(sizeof *block + size);
    if (block == NULL) {
        return false;
    }
    block->older = a->blocks;
    block->base = base;
    block->size = size;
    a->blocks = block;
    a->start = block->bytes;
    a->used = base;
    return true;
}

bool arena_new(struct arena *a, size_t size)
{
    *a = (struct arena){.size = size};
    if (!begin_block(a, 0)) {
        *a = (struct arena){0};
        return false;
    }
    return true;
}

/* Frees the newest block. */
static void end_block(struct arena *a)
{
    struct arena_block *block = a->blocks;
    a->blocks = block->older;
    a->start = a->blocks == NULL ? NULL : a->blocks->bytes;
    free(block);
}

void arena_free(struct arena *a)
{
    while (a->blocks != NULL) {
        end_block(a);
    }
    *a = (struct arena){0};
}

/* Where the next byte goes in the block that is being filled, and how many it has left. */
static uint8_t *next_byte(const struct arena *a, size_t *left)
{
    size_t base = a->blocks == NULL ? 0 : a->blocks->base;
    size_t end = a->blocks == NULL ? a->size : base + a->blocks->size;
    *left = end - a->used;
    return a->start + (a->used - base);
}

/* len bytes at a multiple of align; NULL, counted, when they do not fit. */
static uint8_t *take(struct arena *a, size_t len, size_t align)
{
    size_t left = 0;
    uint8_t *next = a->start == NULL ? NULL : next_byte(a, &left);
    size_t misfit = (size_t)((uintptr_t)next % align);
    size_t pad = misfit == 0 ? 0 : align - misfit;
    if (next != NULL && (pad > left || len > left - pad)) {
        next = a->blocks != NULL && begin_block(a, len) ? next_byte(a, &left) : NULL;
        pad = 0; /* a block begins aligned */
    }
    if (next == NULL) {
        a->refused++;
        return NULL;
    }
    a->used += pad + len;
    return next + pad;
}

void *arena_alloc(struct arena *a, size_t len)
{
    void *p = take(a, len, alignof(max_align_t));
    return p == NULL ? NULL : memset(p, 0, len);
}

uint8_t *arena_reserve(struct arena *a, size_t len)
{
    return take(a, len, 1);
}

void *arena_reserve_array(struct arena *a, size_t num, size_t len)
{
    if (len != 0 && num > SIZE_MAX / len) {
        a->refused++;
        return NULL;
    }
    return take(a, num * len, alignof(max_align_t));
}

void *arena_alloc_array(struct arena *a, size_t num, size_t len)
{
    void *p = arena_reserve_array(a, num, len);
    return p == NULL ? NULL : memset(p, 0, num * len);
}

bool arena_copy(struct arena *a, struct bytes b, struct bytes *out)
{
    *out = (struct bytes){0};
    if (b.len == 0) {
        return true;
    }
    uint8_t *p = arena_reserve(a, b.len);
    if (p == NULL) {
        return false;
    }
    memcpy(p, b.at, b.len);
    *out = (struct bytes){.at = p, .len = b.len};
    return true;
}

void arena_trim(struct arena *a, const uint8_t *at, size_t len)
{
    size_t left = 0;
    const uint8_t *end = next_byte(a, &left);
    assert(at >= a->start && at + len <= end);
    a->used -= (size_t)(end - (at + len));
}

void arena_rewind(struct arena *a, size_t mark)
{
    assert(mark <= a->used);
    while (a->blocks != NULL && a->blocks->older != NULL && mark < a->blocks->base) {
        end_block(a);
    }
    a->used = mark;
}

void arena_reset(struct arena *a)
{
    /* The newest block is the largest: an arena that is used again and again keeps it. */
    if (a->blocks != NULL) {
        while (a->blocks->older != NULL) {
            struct arena_block *block = a->blocks->older;
            a->blocks->older = block->older;
            free(block);
        }
        a->blocks->base = 0;
    }
    a->used = 0;
}
