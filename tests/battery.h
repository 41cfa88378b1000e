/* What every message parser is tried with: bytes from hex, and copies that end at a page which
 * nobody may read, so that one byte too many is a crash. */
#ifndef KRBSCOPE_TESTS_BATTERY_H
#define KRBSCOPE_TESTS_BATTERY_H

#include "base/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bytes from hex digits, blanks between them ignored; never freed before the test ends. */
static inline struct bytes battery_hex(const char *hex)
{
    static uint8_t pool[65536];
    static size_t used;
    size_t start = used;
    int high = -1;
    for (; *hex != '\0'; hex++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = strchr(digits, *hex);
        if (digit == NULL) {
            continue;
        }
        if (high < 0) {
            high = (int)(digit - digits);
        } else {
            assert(used < sizeof pool);
            pool[used++] = (uint8_t)(high << 4 | (int)(digit - digits));
            high = -1;
        }
    }
    return (struct bytes){.at = pool + start, .len = used - start};
}

struct guarded {
    uint8_t *map;
    size_t map_len;
    uint8_t *at; /* writable */
    struct bytes bytes;
};

/* A copy whose last byte is the last one before a PROT_NONE page. */
static inline struct guarded guarded_copy(struct bytes b)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = (b.len / page + 1) * page;
    struct guarded g = {.map_len = body + page};
    g.map = mmap(NULL, g.map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(g.map != MAP_FAILED);
    assert(mprotect(g.map + body, page, PROT_NONE) == 0);
    g.at = g.map + body - b.len;
    if (b.len > 0) {
        memcpy(g.at, b.at, b.len);
    }
    g.bytes = (struct bytes){.at = g.at, .len = b.len};
    return g;
}

static inline void guarded_free(struct guarded *g)
{
    munmap(g->map, g->map_len);
}

#endif
