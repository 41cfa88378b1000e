#include "decode/utf16.h"

#include "base/cursor.h"

#include <string.h>

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
    static const uint8_t others[2][8] = {/* bits of no ASCII character, in four units */
                                         {0x80, 0xff, 0x80, 0xff, 0x80, 0xff, 0x80, 0xff},
                                         {0xff, 0x80, 0xff, 0x80, 0xff, 0x80, 0xff, 0x80}};
    uint64_t other = 0;
    size_t len = 0;
    memcpy(&other, others[big_endian], sizeof other);
    for (; 2 * len + sizeof other <= in.len; len += 4) {
        const uint8_t *from = in.at + 2 * len;
        uint64_t units = 0;
        memcpy(&units, from, sizeof units);
        if ((units & other) != 0) {
            break;
        }
        for (size_t i = 0; i < 4; i++) {
            at[len + i] = from[2 * i + big_endian];
        }
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
