#include "base/cursor.h"

struct cursor cursor_over(struct bytes input)
{
    return (struct cursor){.at = input.at, .left = input.len};
}

bool cursor_ok(const struct cursor *c)
{
    return c->short_by == 0;
}

/* The one function that moves the pointer. NULL: too short, and poisoned from now on. */
static const uint8_t *advance(struct cursor *c, size_t len)
{
    if (c->short_by != 0) {
        return NULL;
    }
    if (len > c->left) {
        c->short_by = len - c->left;
        c->left = 0;
        return NULL;
    }
    const uint8_t *start = c->at;
    if (len > 0) {
        c->at += len;
    }
    c->left -= len;
    return start;
}

static uint64_t read_be(struct cursor *c, size_t len)
{
    const uint8_t *p = advance(c, len);
    uint64_t value = 0;
    for (size_t i = 0; p != NULL && i < len; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

static uint64_t read_le(struct cursor *c, size_t len)
{
    const uint8_t *p = advance(c, len);
    uint64_t value = 0;
    for (size_t i = len; p != NULL && i > 0; i--) {
        value = value << 8 | p[i - 1];
    }
    return value;
}

uint8_t cursor_u8(struct cursor *c)
{
    return (uint8_t)read_be(c, 1);
}

uint16_t cursor_u16be(struct cursor *c)
{
    return (uint16_t)read_be(c, 2);
}

uint16_t cursor_u16le(struct cursor *c)
{
    return (uint16_t)read_le(c, 2);
}

uint32_t cursor_u24be(struct cursor *c)
{
    return (uint32_t)read_be(c, 3);
}

uint32_t cursor_u32be(struct cursor *c)
{
    return (uint32_t)read_be(c, 4);
}

uint32_t cursor_u32le(struct cursor *c)
{
    return (uint32_t)read_le(c, 4);
}

uint64_t cursor_u64be(struct cursor *c)
{
    return read_be(c, 8);
}

uint64_t cursor_u64le(struct cursor *c)
{
    return read_le(c, 8);
}

uint16_t cursor_u16(struct cursor *c, bool big_endian)
{
    return (uint16_t)(big_endian ? read_be(c, 2) : read_le(c, 2));
}

uint32_t cursor_u32(struct cursor *c, bool big_endian)
{
    return (uint32_t)(big_endian ? read_be(c, 4) : read_le(c, 4));
}

uint64_t cursor_u64(struct cursor *c, bool big_endian)
{
    return big_endian ? read_be(c, 8) : read_le(c, 8);
}

void cursor_skip(struct cursor *c, size_t len)
{
    (void)advance(c, len);
}

struct bytes cursor_take(struct cursor *c, size_t len)
{
    const uint8_t *p = advance(c, len);
    return p == NULL ? (struct bytes){0} : (struct bytes){.at = p, .len = len};
}

struct bytes cursor_rest(struct cursor *c)
{
    return cursor_take(c, c->left);
}

struct cursor cursor_sub(struct cursor *c, size_t len)
{
    const uint8_t *p = advance(c, len);
    if (p == NULL && len > 0) {
        return (struct cursor){.short_by = c->short_by};
    }
    return (struct cursor){.at = p, .left = len};
}

uint8_t bytes_u8_at(struct bytes b, size_t offset)
{
    return offset < b.len ? b.at[offset] : 0;
}

uint16_t bytes_u16be_at(struct bytes b, size_t offset)
{
    if (b.len < 2 || offset > b.len - 2) {
        return 0;
    }
    return (uint16_t)((unsigned)b.at[offset] << 8 | b.at[offset + 1]);
}

uint32_t bytes_u32be_at(struct bytes b, size_t offset)
{
    if (b.len < 4 || offset > b.len - 4) {
        return 0;
    }
    return (uint32_t)b.at[offset] << 24 | (uint32_t)b.at[offset + 1] << 16 |
           (uint32_t)b.at[offset + 2] << 8 | b.at[offset + 3];
}
