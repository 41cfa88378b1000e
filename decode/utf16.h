/* UTF-16 as Windows writes it, to UTF-8. */
#ifndef KRBSCOPE_DECODE_UTF16_H
#define KRBSCOPE_DECODE_UTF16_H

#include "base/arena.h"

/* Converts into the arena; unpaired surrogates become U+FFFD, an odd last byte is left off.
 * false: no room, *out is empty. */
bool utf16_to_utf8(struct bytes in, bool big_endian, struct arena *arena, struct bytes *out);

#endif
