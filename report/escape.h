/* The only way of wire bytes to an output: nothing that a capture holds may move a terminal's
 * cursor, end a JSON string, or pass for a line of ours. */
#ifndef KRBSCOPE_REPORT_ESCAPE_H
#define KRBSCOPE_REPORT_ESCAPE_H

#include "base/bytes.h"

#include <stdio.h>

/* One character read from the front of some bytes. */
struct escape_character {
    uint32_t code; /* Unicode; undefined when !valid */
    size_t len;    /* bytes taken, at least 1: of an invalid sequence its first byte only */
    bool valid;    /* well-formed UTF-8 (RFC 3629: shortest form, no surrogates, up to 10FFFF) */
};

/* Reads the character at offset at < b.len. */
struct escape_character escape_next(struct bytes b, size_t at);

/* All of it is well-formed UTF-8. */
bool escape_is_utf8(struct bytes b);

/* Writes b as terminal text. Control characters (newline and tab too), characters that nobody sees
 * or that change the order of others (bidirectional controls, zero width, line separators, tags),
 * and bytes that are no UTF-8 appear as \xNN, byte by byte; with ascii all bytes from 80 up do.
 * A backslash stays as it is, so that CORP\PC01$ can be copied. */
void escape_text(FILE *out, struct bytes b, bool ascii);

/* Columns that escape_text() fills: wide East Asian characters count two, combining marks none. */
size_t escape_width(struct bytes b, bool ascii);

/* Writes b as text or attribute value of HTML, in ASCII: markup and all from 80 up as character
 * references, U+FFFD for each byte that is no UTF-8, and characters that nobody sees or that change
 * the order of others by their number, as \u202e. Returns the bytes written. */
size_t escape_html(FILE *out, struct bytes b);

/* b with U+FFFD for each byte that is no UTF-8, in memory from malloc, not NUL-terminated.
 * NULL: no memory. *len is its length. */
char *escape_utf8_new(struct bytes b, size_t *len);

/* b as lower-case hexadecimal digits, in memory from malloc, not NUL-terminated: 2 * b.len of
 * them. NULL: no memory. */
char *escape_hex_new(struct bytes b, size_t *len);

#endif
