/* SipHash-1-3 with a key drawn once a run: table hashes that a capture cannot steer, and 128-bit
 * names for tickets (its 128-bit form). Not a secret, never printed. */
#ifndef KRBSCOPE_BASE_HASH_H
#define KRBSCOPE_BASE_HASH_H

#include "base/bytes.h"

struct hash128 {
    uint64_t high;
    uint64_t low;
};

/* Keyed 64-bit hash of the bytes. */
uint64_t hash64(struct bytes b);

/* One step of a quick keyed hash over words, for the table that every frame is looked up in: begin
 * with hash 0 and go on with the last result. Weaker than hash64(), and a third of its cost. */
uint64_t hash64_step(uint64_t hash, uint64_t word);

/* Keyed 128-bit hash of the bytes; {0,0} is returned for no input only. */
struct hash128 hash128(struct bytes b);

bool hash128_equal(struct hash128 a, struct hash128 b);

#endif
