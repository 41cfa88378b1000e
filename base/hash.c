#include "base/hash.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

static struct {
    uint64_t word[2];
    bool drawn;
} keys;

static void draw_keys(void)
{
    if (getrandom(keys.word, sizeof keys.word, GRND_NONBLOCK) != (ssize_t)sizeof keys.word) {
        keys.word[0] = (uint64_t)time(NULL) * UINT64_C(0x9e3779b97f4a7c15);
        keys.word[1] = keys.word[0] ^ (uint64_t)(uintptr_t)&keys;
    }
    keys.drawn = true;
}

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* The state after all of the bytes. wide: of the 128-bit form. */
static void sip_take(uint64_t v[4], struct bytes b, bool wide)
{
    uint64_t word = 0;
    size_t whole = b.len - b.len % 8;
    v[0] = keys.word[0] ^ UINT64_C(0x736f6d6570736575);
    v[1] = keys.word[1] ^ UINT64_C(0x646f72616e646f6d) ^ (wide ? 0xee : 0);
    v[2] = keys.word[0] ^ UINT64_C(0x6c7967656e657261);
    v[3] = keys.word[1] ^ UINT64_C(0x7465646279746573);
    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&word, b.at + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)b.len << 56;
    for (size_t i = whole; i < b.len; i++) {
        word |= (uint64_t)b.at[i] << 8 * (i - whole);
    }
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= wide ? 0xee : 0xff;
}

static uint64_t sip_end(uint64_t v[4])
{
    for (int i = 0; i < 3; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash64(struct bytes b)
{
    uint64_t v[4];
    if (!keys.drawn) {
        draw_keys();
    }
    sip_take(v, b, false);
    return sip_end(v);
}

uint64_t hash64_step(uint64_t hash, uint64_t word)
{
    if (!keys.drawn) {
        draw_keys();
    }
    /* Multiply and fold, as wyhash does: each bit of the word reaches each bit of the result. */
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)(word ^ keys.word[0]) * ((hash ^ keys.word[1]) | 1);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

struct hash128 hash128(struct bytes b)
{
    if (b.len == 0) {
        return (struct hash128){0};
    }
    if (!keys.drawn) {
        draw_keys();
    }
    uint64_t v[4];
    sip_take(v, b, true);
    uint64_t low = sip_end(v);
    v[1] ^= 0xdd;
    return (struct hash128){.high = sip_end(v), .low = low | 1};
}

bool hash128_equal(struct hash128 a, struct hash128 b)
{
    return a.high == b.high && a.low == b.low;
}
