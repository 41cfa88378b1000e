/* An arena gives out what it was asked for, up to its size, however its blocks fall.
 *
 * Method: take pieces of many sizes, fill each with its own byte, and look at all of them again
 * after rewinding, trimming, resetting and running into the bound. */
#include "base/arena.h"

#include <criterion/criterion.h>
#include <stdalign.h>
#include <string.h>

#define SIZE 10000000 /* several blocks */
#define BLOCK 1048576 /* the first one */
#define PIECES_MAX 4096

struct piece {
    uint8_t *at;
    size_t len;
};

static struct piece pieces[PIECES_MAX];

static size_t length_of(size_t i)
{
    return i * 7919 % 40001;
}

/* Takes pieces until one does not fit; returns their number. */
static size_t fill(struct arena *a, size_t first)
{
    size_t num = first;
    while (num < PIECES_MAX) {
        size_t len = length_of(num);
        uint8_t *at = arena_alloc(a, len);
        if (at == NULL) {
            break;
        }
        cr_assert_eq((uintptr_t)at % alignof(max_align_t), 0);
        for (size_t i = 0; i < len; i++) {
            cr_assert_eq(at[i], 0, "not zeroed");
        }
        memset(at, (int)(num % 251), len);
        pieces[num++] = (struct piece){.at = at, .len = len};
    }
    return num;
}

static void check(size_t num)
{
    for (size_t p = 0; p < num; p++) {
        for (size_t i = 0; i < pieces[p].len; i++) {
            cr_assert_eq(pieces[p].at[i], p % 251, "piece %zu was written over", p);
        }
    }
}

Test(arena, blocks_hold_what_the_size_allows)
{
    struct arena a;
    cr_assert(arena_new(&a, SIZE));
    size_t num = fill(&a, 0);
    check(num);
    cr_assert_lt(num, PIECES_MAX);
    cr_assert_leq(a.used, (size_t)SIZE);
    cr_assert_gt(a.used, (size_t)SIZE / 10 * 9, "the ends of blocks waste %zu", SIZE - a.used);
    cr_assert_eq(a.refused, 1);
    arena_free(&a);
}

Test(arena, rewinds_over_blocks)
{
    struct arena a;
    cr_assert(arena_new(&a, SIZE));
    size_t marks[64];
    for (size_t num = 0; num < 64; num++) {
        marks[num] = a.used;
        pieces[num] = (struct piece){.at = arena_alloc(&a, length_of(num)), .len = length_of(num)};
        cr_assert_not_null(pieces[num].at);
        memset(pieces[num].at, (int)num, pieces[num].len);
    }
    for (size_t num = 64; num-- > 0;) {
        check(num);
        arena_rewind(&a, marks[num]);
        cr_assert_eq(a.used, marks[num]);
    }
    check(0);
    cr_assert_eq(a.used, 0);
    check(fill(&a, 0));
    arena_free(&a);
}

Test(arena, keeps_one_block_when_reset)
{
    struct arena a;
    cr_assert(arena_new(&a, SIZE));
    size_t first = fill(&a, 0);
    for (int round = 0; round < 5; round++) {
        arena_reset(&a);
        cr_assert_eq(a.used, 0);
        size_t num = fill(&a, 0);
        check(num);
        cr_assert_geq(num, first / 10 * 9);
    }
    arena_free(&a);
}

Test(arena, gives_back_the_end_of_the_last_piece)
{
    struct arena a;
    cr_assert(arena_new(&a, BLOCK));
    for (int round = 0; round < 1000; round++) {
        uint8_t *at = arena_alloc(&a, BLOCK / 2);
        cr_assert_not_null(at, "round %d", round);
        arena_trim(&a, at, 10);
    }
    arena_free(&a);
}

Test(arena, one_piece_may_take_all_but_the_first_block)
{
    struct arena a;
    cr_assert(arena_new(&a, SIZE));
    cr_assert_not_null(arena_alloc(&a, 100));
    cr_assert_not_null(arena_alloc(&a, SIZE - BLOCK));
    cr_assert_null(arena_alloc(&a, 1));
    cr_assert_eq(a.refused, 1);
    arena_free(&a);
}

Test(arena, uses_no_more_than_the_callers_storage)
{
    static uint8_t storage[1000];
    struct arena a;
    struct bytes out;
    arena_init(&a, storage + 1, 900);
    size_t num = 0;
    while (arena_copy(&a, bytes_of("seventeen letters"), &out)) {
        num++;
    }
    cr_assert_eq(num, 900 / 17);
    cr_assert_eq(storage[0], 0);
    cr_assert_eq(storage[901], 0);
    arena_free(&a);
}
