/* Words of anyone as Markdown (CommonMark with GFM's tables): whatever is no plain word of a
 * sentence becomes a code span, in which nothing has a meaning. */
#ifndef KRBSCOPE_REPORT_MARKDOWN_WORDS_H
#define KRBSCOPE_REPORT_MARKDOWN_WORDS_H

#include "base/bytes.h"

#include <stdio.h>

#define MARKDOWN_WORD_BYTES_MAX 1024 /* of a longer word the rest is counted, not shown */

struct markdown_words {
    FILE *out;
    bool ascii;    /* other characters appear as \xNN */
    bool is_table; /* a pipe would end the cell */
};

/* A sentence: words are split at blanks. */
void markdown_prose(const struct markdown_words *w, struct bytes text);

/* All of it as one code span, blanks included; nothing for nothing. */
void markdown_code(const struct markdown_words *w, struct bytes text);

/* A fenced block of one line. */
void markdown_block(const struct markdown_words *w, struct bytes line);

#endif
