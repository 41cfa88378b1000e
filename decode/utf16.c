#include "decode/utf16.h"

#include "base/cursor.h"

#define UTF8_PER_UNIT_MAX 3 /* bytes that one 16-bit unit needs at most; a pair needs 4 */
#define REPLACEMENT 0xfffdU

static size_t put_utf8(uint8_t *at, uint32_t c)
{
    if (c < 0x80) {
        at[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        at[0] = (uint8_t)(0xc0 | c >> 6);
        at[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        at[0] = (uint8_t)(0xe0 | c >> 12);
        at[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        at[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    at[0] = (uint8_t)(0xf0 | c >> 18);
    at[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    at[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    at[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

/* The next code point, RFC 2781 2.2; a low surrogate that does not come is not consumed. */
static uint32_t next_code_point(struct cursor *c, bool big_endian)
{
    uint32_t unit = cursor_u16(c, big_endian);
    if (unit < 0xd800 || unit > 0xdfff) {
        return unit;
    }
    struct cursor ahead = *c;
    uint32_t low = cursor_u16(&ahead, big_endian);
    if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff) {
        return REPLACEMENT;
    }
    *c = ahead;
    return 0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00));
}

/* Most text begins with it, or is nothing else. How many characters there are. */
static size_t copy_ascii(uint8_t *at, struct bytes in, bool big_endian)
{
    const uint32_t other = big_endian ? 0xff80ff80 : 0x80ff80ff; /* bits of no ASCII character */
    const unsigned shift = big_endian ? 0 : 8;
    size_t len = 0;
    for (; 2 * len + 4 <= in.len; len += 2) { /* two at a time */
        uint32_t units = bytes_u32be_at(in, 2 * len);
        if ((units & other) != 0) {
            break;
        }
        at[len] = (uint8_t)(units >> (16 + shift));
        at[len + 1] = (uint8_t)(units >> shift);
    }
    return len;
}

bool utf16_to_utf8(struct bytes in, bool big_endian, struct arena *arena, struct bytes *out)
{
    size_t len = 0;
    *out = (struct bytes){0};
    if (in.len < 2) {
        return true;
    }
    uint8_t *at = arena_reserve(arena, in.len / 2 * UTF8_PER_UNIT_MAX);
    if (at == NULL) {
        return false;
    }
    len = copy_ascii(at, in, big_endian);
    struct cursor c = cursor_over(bytes_part(in, 2 * len, in.len));
    while (c.left >= 2) {
        len += put_utf8(at + len, next_code_point(&c, big_endian));
    }
    /* What the worst case reserved and the text did not need goes back; padding stays. */
    arena_trim(arena, at, len);
    *out = (struct bytes){.at = at, .len = len};
    return true;
}
