/* Text laid out in columns: words wrap at the page's width under a hanging indent.
 *
 *      |<- indent ->|words of wire or of ours, wrapped here ->|width
 *
 * A word is never broken: one that is too long has a line of its own. Everything goes through
 * report/escape.c. Errors of the stream are kept by stdio and asked for once, at the end. */
#ifndef KRBSCOPE_REPORT_PAGE_H
#define KRBSCOPE_REPORT_PAGE_H

#include "base/bytes.h"

#include <stdio.h>

#define PAGE_WIDTH_MAX 1000      /* columns */
#define PAGE_WORD_BYTES_MAX 1024 /* of a longer word the rest is counted, not shown */

enum page_style {
    PAGE_PLAIN,
    PAGE_STRONG, /* headings, verdicts */
    PAGE_FAINT,  /* what matters least */
    PAGE_GOOD,
    PAGE_BAD,
    PAGE_WARNING,
};

/* Signs that have a twin in ASCII. */
enum page_sign {
    SIGN_TO,       /* -> */
    SIGN_FROM,     /* <- */
    SIGN_FAILED,   /* x */
    SIGN_OK,       /* + */
    SIGN_OPEN,     /* ? */
    SIGN_BULLET,   /* - */
    SIGN_DOT,      /* , between facts of one line */
    SIGN_ELLIPSIS, /* ... */
    SIGN_TIMES,    /* x */
};

struct page {
    FILE *out;
    size_t width;
    bool color, ascii;
    size_t indent; /* where a wrapped line goes on */
    size_t column; /* columns filled of this line */
    bool glue;     /* the next word follows without a blank */
};

void page_init(struct page *p, FILE *out, size_t width, bool color, bool ascii);

/* Goes to the column (at least one blank, or a new line when it is passed already) and lets wrapped
 * words go on there. */
void page_column(struct page *p, size_t column);

/* A literal of ours, or bytes of anyone, as words. */
void page_text(struct page *p, const char *text);
void page_bytes(struct page *p, struct bytes text);

/* One word that ends before the column, as numbers do in a table. */
void page_right(struct page *p, size_t column, struct bytes word);

void page_number(struct page *p, uint64_t number);

/* All of it as one word, blanks included: a command that shall be copied, a name. */
void page_word(struct page *p, struct bytes word);

/* No blank before the next word. */
void page_glue(struct page *p);

const char *page_sign(const struct page *p, enum page_sign sign);

/* Style of what follows, until PAGE_PLAIN. Nothing without colour. */
void page_style(struct page *p, enum page_style style);

/* Ends the line (an empty one when it is empty already); indent is 0 again. */
void page_end(struct page *p);

/* A line across the page, heavy or light. */
void page_rule(struct page *p, bool heavy);

#endif
