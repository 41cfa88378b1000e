#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_init(struct text *t, char *buffer, size_t size)
{
    assert(size > 0);
    *t = (struct text){.at = buffer, .size = size};
    buffer[0] = '\0';
}

void text_add_bytes(struct text *t, struct bytes b)
{
    size_t room = t->size - 1 - t->len;
    size_t len = b.len < room ? b.len : room;
    if (len < b.len) {
        t->cut = true;
    }
    if (len > 0) {
        memcpy(t->at + t->len, b.at, len);
    }
    t->len += len;
    t->at[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
    text_add_bytes(t, bytes_of(s));
}

void text_add_char(struct text *t, char c)
{
    text_add_bytes(t, (struct bytes){.at = (const uint8_t *)&c, .len = 1});
}

void text_format_list(struct text *t, const char *format, va_list args)
{
    size_t room = t->size - t->len;
    int wanted = vsnprintf(t->at + t->len, room, format, args);
    if (wanted < 0) {
        t->at[t->len] = '\0';
        t->cut = true;
        return;
    }
    if ((size_t)wanted >= room) {
        t->cut = true;
        t->len = t->size - 1;
        return;
    }
    t->len += (size_t)wanted;
}

void text_format(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_format_list(t, format, args);
    va_end(args);
}

struct bytes text_bytes(const struct text *t)
{
    return (struct bytes){.at = (const uint8_t *)t->at, .len = t->len};
}

struct bytes text_keep(const struct text *t, struct arena *a)
{
    struct bytes kept;
    (void)arena_copy(a, text_bytes(t), &kept);
    return kept;
}
