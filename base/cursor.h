/* The only way to read packet memory.
 *
 *      start            at                       start + len
 *        |---------------|---------- left ----------|
 *
 * A read that does not fit returns zeros, moves nothing, and poisons the cursor: every later read
 * returns zeros too, and short_by keeps how many bytes the first failed read lacked. So a header is
 * read straight down and tested once with cursor_ok(). short_by tells "more bytes would help" from
 * "never": a parser that fails for another reason sets no short_by.
 */
#ifndef KRBSCOPE_BASE_CURSOR_H
#define KRBSCOPE_BASE_CURSOR_H

#include "base/bytes.h"

struct cursor {
    const uint8_t *at;
    size_t left;     /* bytes readable; 0 once poisoned */
    size_t short_by; /* bytes that the first failed read lacked; 0 while all is well */
};

/* A cursor over the bytes; they must outlive it. */
struct cursor cursor_over(struct bytes input);

/* No read has failed so far. */
bool cursor_ok(const struct cursor *c);

uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16be(struct cursor *c);
uint16_t cursor_u16le(struct cursor *c);
uint32_t cursor_u24be(struct cursor *c);
uint32_t cursor_u32be(struct cursor *c);
uint32_t cursor_u32le(struct cursor *c);
uint64_t cursor_u64be(struct cursor *c);
uint64_t cursor_u64le(struct cursor *c);

/* The same in the order of a file's header: big when big_endian. */
uint16_t cursor_u16(struct cursor *c, bool big_endian);
uint32_t cursor_u32(struct cursor *c, bool big_endian);
uint64_t cursor_u64(struct cursor *c, bool big_endian);

/* Steps over len bytes. */
void cursor_skip(struct cursor *c, size_t len);

/* The next len bytes, borrowed from the input; empty (and poisoned) when they are not there. */
struct bytes cursor_take(struct cursor *c, size_t len);

/* All that is left; leaves the cursor at its end. Empty when poisoned. */
struct bytes cursor_rest(struct cursor *c);

/* A cursor over the next len bytes, which it cannot leave; c moves behind them. */
struct cursor cursor_sub(struct cursor *c, size_t len);

/* Reads at fixed offsets for the hot path, checked all the same: 0 when out of range. */
uint8_t bytes_u8_at(struct bytes b, size_t offset);
uint16_t bytes_u16be_at(struct bytes b, size_t offset);
uint32_t bytes_u32be_at(struct bytes b, size_t offset);

#endif
