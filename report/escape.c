#include "report/escape.h"

#include "base/cursor.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define REPLACEMENT_LEN 3
#define REPLACEMENT_CODE 0xfffdU

static const char digits[] = "0123456789abcdef";

struct range {
    uint32_t first, last;
};

/* Characters that are not seen, or that make others appear elsewhere than they stand (the trick of
 * CVE-2021-42574): Unicode general categories Cc, Cf, Zl, Zp and the fillers, ascending. */
static const struct range hidden[] = {
    {0x0000, 0x001f},    /* C0: ESC among them */
    {0x007f, 0x009f},    /* DEL, C1: CSI as one character */
    {0x00ad, 0x00ad},    /* soft hyphen */
    {0x034f, 0x034f},    /* combining grapheme joiner */
    {0x0600, 0x0605},    /* Arabic number signs */
    {0x061c, 0x061c},    /* Arabic letter mark */
    {0x06dd, 0x06dd},    /* end of ayah */
    {0x070f, 0x070f},    /* Syriac abbreviation mark */
    {0x115f, 0x1160},    /* Hangul fillers */
    {0x17b4, 0x17b5},    /* Khmer inherent vowels */
    {0x180b, 0x180f},    /* Mongolian selectors */
    {0x200b, 0x200f},    /* zero width, left-to-right and right-to-left marks */
    {0x2028, 0x202e},    /* line and paragraph separator, embeddings and overrides */
    {0x2060, 0x206f},    /* word joiner, isolates */
    {0x3164, 0x3164},    /* Hangul filler */
    {0xfe00, 0xfe0f},    /* variation selectors */
    {0xfeff, 0xfeff},    /* byte order mark */
    {0xffa0, 0xffa0},    /* halfwidth Hangul filler */
    {0xfff0, 0xfffb},    /* specials */
    {0xfffe, 0xffff},    /* no characters */
    {0x110bd, 0x110cd},  /* Kaithi number signs */
    {0x13430, 0x1345f},  /* hieroglyph format controls */
    {0x1bca0, 0x1bca3},  /* shorthand format controls */
    {0x1d173, 0x1d17a},  /* musical format controls */
    {0xe0000, 0xe0fff},  /* tags, variation selectors */
    {0xf0000, 0x10ffff}, /* private planes */
};

static const struct range wide[] = {
    {0x1100, 0x115e}, {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf}, {0x4e00, 0x9fff},
    {0xa000, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f}, {0xff00, 0xff60},
    {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd},
};

static const struct range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe20, 0xfe2f},
};

#define NUM_OF(table) (sizeof(table) / sizeof(table)[0])

static bool is_in(const struct range *table, size_t num, uint32_t code)
{
    for (size_t i = 0; i < num; i++) {
        if (code >= table[i].first && code <= table[i].last) {
            return true;
        }
    }
    return false;
}

/* RFC 3629 3: how many bytes a first byte announces, 0 when it cannot be one. */
static size_t sequence_len(uint8_t first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

struct escape_character escape_next(struct bytes b, size_t at)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const struct escape_character bad = {.len = 1};
    uint8_t first = bytes_u8_at(b, at);
    size_t len = sequence_len(first);
    if (len == 0 || at >= b.len || len > b.len - at) {
        return bad;
    }
    if (len == 1) {
        return (struct escape_character){.code = first, .len = 1, .valid = true};
    }
    uint32_t code = first & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        uint8_t next = bytes_u8_at(b, at + i);
        if ((next & 0xc0) != 0x80) {
            return bad;
        }
        code = code << 6 | (next & 0x3fU);
    }
    if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return bad;
    }
    return (struct escape_character){.code = code, .len = len, .valid = true};
}

bool escape_is_utf8(struct bytes b)
{
    for (size_t at = 0; at < b.len;) {
        struct escape_character c = escape_next(b, at);
        if (!c.valid) {
            return false;
        }
        at += c.len;
    }
    return true;
}

static bool is_shown(struct escape_character c, bool ascii)
{
    return c.valid && !(ascii && c.code > 0x7e) && !is_in(hidden, NUM_OF(hidden), c.code);
}

void escape_text(FILE *out, struct bytes b, bool ascii)
{
    for (size_t at = 0; at < b.len;) {
        struct escape_character c = escape_next(b, at);
        if (is_shown(c, ascii)) {
            (void)fwrite(b.at + at, 1, c.len, out);
        } else {
            for (size_t i = 0; i < c.len; i++) {
                uint8_t byte = bytes_u8_at(b, at + i);
                const char shown[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
                (void)fwrite(shown, 1, sizeof shown, out);
            }
        }
        at += c.len;
    }
}

size_t escape_width(struct bytes b, bool ascii)
{
    size_t columns = 0;
    for (size_t at = 0; at < b.len;) {
        struct escape_character c = escape_next(b, at);
        if (!is_shown(c, ascii)) {
            columns += 4 * c.len;
        } else if (is_in(wide, NUM_OF(wide), c.code)) {
            columns += 2;
        } else {
            columns += is_in(combining, NUM_OF(combining), c.code) ? 0 : 1;
        }
        at += c.len;
    }
    return columns;
}

/* HTML 13.1.4: as text and between double or single quotes these would be markup. */
static bool is_markup(uint32_t code)
{
    return code == '&' || code == '<' || code == '>' || code == '"' || code == '\'';
}

size_t escape_html(FILE *out, struct bytes b)
{
    size_t num = 0;
    for (size_t at = 0; at < b.len;) {
        struct escape_character c = escape_next(b, at);
        int written = 1;
        if (c.valid && is_in(hidden, NUM_OF(hidden), c.code)) {
            written = fprintf(out, "\\u%04x", (unsigned)c.code);
        } else if (!c.valid || c.code > 0x7e || is_markup(c.code)) {
            written = fprintf(out, "&#x%x;", c.valid ? (unsigned)c.code : REPLACEMENT_CODE);
        } else {
            (void)fputc((int)c.code, out);
        }
        num += written > 0 ? (size_t)written : 0;
        at += c.len;
    }
    return num;
}

static void add_bytes(char *to, size_t *len, struct bytes b)
{
    memcpy(to + *len, b.at, b.len);
    *len += b.len;
}

char *escape_utf8_new(struct bytes b, size_t *len)
{
    *len = 0;
    if (b.len > SIZE_MAX / REPLACEMENT_LEN - 1) {
        return NULL;
    }
    char *copy = malloc(b.len * REPLACEMENT_LEN + 1);
    if (copy == NULL) {
        return NULL;
    }
    for (size_t at = 0; at < b.len;) {
        struct escape_character c = escape_next(b, at);
        if (c.valid) {
            add_bytes(copy, len, bytes_part(b, at, c.len));
        } else {
            add_bytes(copy, len, bytes_of(REPLACEMENT));
        }
        at += c.len;
    }
    return copy;
}

char *escape_hex_new(struct bytes b, size_t *len)
{
    *len = 0;
    if (b.len > SIZE_MAX / 2 - 1) {
        return NULL;
    }
    char *copy = malloc(b.len * 2 + 1);
    if (copy == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < b.len; i++) {
        uint8_t byte = bytes_u8_at(b, i);
        copy[(*len)++] = digits[byte >> 4];
        copy[(*len)++] = digits[byte & 15];
    }
    return copy;
}
