/* Text built in a buffer of fixed size; what does not fit is left off and `cut` is set. */
#ifndef KRBSCOPE_BASE_TEXT_H
#define KRBSCOPE_BASE_TEXT_H

#include "base/arena.h"

#include <stdarg.h>

struct text {
    char *at;    /* always NUL-terminated when size > 0 */
    size_t size; /* bytes of the buffer, NUL included */
    size_t len;  /* bytes written, NUL excluded */
    bool cut;
};

/* An empty text over the caller's buffer of size bytes (at least 1). */
void text_init(struct text *t, char *buffer, size_t size);

/* Append a C string, raw bytes (as they are, NUL included), one character, printf. */
void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, struct bytes b);
void text_add_char(struct text *t, char c);
void text_format(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with the arguments of a function of the caller's. */
void text_format_list(struct text *t, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* What was written, borrowed. */
struct bytes text_bytes(const struct text *t);

/* What was written, copied into the arena; empty when it does not fit. */
struct bytes text_keep(const struct text *t, struct arena *a);

#endif
