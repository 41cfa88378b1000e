/* Lines of a text file, in UTF-8 or whatever one-byte encoding it has; UTF-16 with a byte order
 * mark, or a '#' at its start, becomes UTF-8. CRLF and LF end a line alike; zeros before a line are
 * none of it. */
#ifndef KRBSCOPE_LOGS_LINES_H
#define KRBSCOPE_LOGS_LINES_H

#include "capture/unpacked.h"

#define LINE_BYTES_MAX 65536 /* of a longer line no more is given … */
#define LINE_HEAD_BYTES 256  /* … and no less */

struct lines;

/* Takes the file over, also when there is no memory (NULL). */
struct lines *lines_new(struct unpacked *file);
void lines_free(struct lines *l); /* closes the file; NULL is fine */

/* The next line without its end, borrowed until the next call; *cut when it is longer than
 * LINE_BYTES_MAX. false: there is none. The last line needs no end. */
bool lines_next(struct lines *l, struct bytes *line, bool *cut);

/* Number of the line that lines_next() gave last, from 1. */
uint64_t lines_number(const struct lines *l);

const struct unpacked *lines_file(const struct lines *l);

#endif
