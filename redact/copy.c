#include "redact/copy.h"

#include "base/cursor.h"
#include "redact/scrub.h"

#include <string.h>

struct bytes copy_was(const struct copy *c)
{
    return (struct bytes){.at = c->was, .len = c->len};
}

uint16_t copy_u16le(const struct copy *c, size_t at)
{
    struct cursor cursor = cursor_over(bytes_part(copy_was(c), at, 2));
    return cursor_u16le(&cursor);
}

uint32_t copy_u32le(const struct copy *c, size_t at)
{
    struct cursor cursor = cursor_over(bytes_part(copy_was(c), at, 4));
    return cursor_u32le(&cursor);
}

/* How many of len bytes at this offset there are. */
static size_t there(const struct copy *c, size_t at, size_t len)
{
    size_t left = at < c->len ? c->len - at : 0;
    return len < left ? len : left;
}

void copy_keep(const struct copy *c, size_t at, size_t len)
{
    size_t n = there(c, at, len);
    if (n > 0) {
        memcpy(c->out + at, c->was + at, n);
    }
}

void copy_token(const struct copy *c, size_t at, size_t len)
{
    size_t n = there(c, at, len);
    copy_keep(c, at, n);
    if (n > 0) {
        scrub_token(c->p, c->out + at, n);
    }
}

void copy_utf16(const struct copy *c, size_t at, size_t len)
{
    size_t n = there(c, at, len);
    copy_keep(c, at, n);
    if (n > 1) {
        pseudonym_utf16(c->p, c->out + at, n - n % 2);
    }
}

void copy_text(const struct copy *c, size_t at, size_t len)
{
    size_t n = there(c, at, len);
    copy_keep(c, at, n);
    if (n > 0) {
        pseudonym_text(c->p, c->out + at, n);
    }
}
