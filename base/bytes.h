/* A run of bytes that somebody else owns: pointer and length, nothing more.
 *
 * Used for everything that comes from the wire, names included: such bytes may hold NUL, ESC or
 * anything else, and stay raw until report/escape.c.
 */
#ifndef KRBSCOPE_BASE_BYTES_H
#define KRBSCOPE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    const uint8_t *at; /* may be NULL when len is 0 */
    size_t len;
};

/* The bytes of a C string of ours, without its NUL. NULL gives the empty run. */
struct bytes bytes_of(const char *text);

/* Same length and same bytes. */
bool bytes_equal(struct bytes a, struct bytes b);

/* The same with ASCII letters compared without case (host names, header names, URL paths). */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

/* bytes_equal / bytes_equal_nocase against a C string of ours. */
bool bytes_is(struct bytes a, const char *text);
bool bytes_is_nocase(struct bytes a, const char *text);

/* Does a begin with the text, ASCII case ignored? */
bool bytes_begins_nocase(struct bytes a, const char *text);

/* Does a end with the text, ASCII case ignored? */
bool bytes_ends_nocase(struct bytes a, const char *text);

/* Offset of the first byte c at or after from, or a.len when there is none. */
size_t bytes_find(struct bytes a, uint8_t c, size_t from);

/* Part of a: from offset from (clamped to a.len), at most len bytes. */
struct bytes bytes_part(struct bytes a, size_t from, size_t len);

/* a without blanks and tabs at either end. */
struct bytes bytes_trim(struct bytes a);

/* Unsigned decimal number that fills a entirely; false when empty, not digits, or over max. */
bool bytes_to_u64(struct bytes a, uint64_t max, uint64_t *out);

#endif
