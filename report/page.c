#include "report/page.h"

#include "base/text.h"
#include "report/escape.h"

#include <assert.h>

void page_init(struct page *p, FILE *out, size_t width, bool color, bool ascii)
{
    assert(width > 0 && width <= PAGE_WIDTH_MAX);
    *p = (struct page){.out = out, .width = width, .color = color, .ascii = ascii};
}

static void fill(struct page *p, size_t column)
{
    for (; p->column < column; p->column++) {
        (void)fputc(' ', p->out);
    }
}

static void break_line(struct page *p)
{
    (void)fputc('\n', p->out);
    p->column = 0;
}

void page_column(struct page *p, size_t column)
{
    if (p->column > 0 && p->column >= column) {
        break_line(p);
    }
    p->indent = column;
    p->glue = true;
    fill(p, column);
}

/* Bytes of the word that are shown, whole characters only. */
static struct bytes shown_part(struct bytes word)
{
    size_t len = word.len;
    if (len > PAGE_WORD_BYTES_MAX) {
        for (len = 0; len < PAGE_WORD_BYTES_MAX;) {
            len += escape_next(word, len).len;
        }
    }
    return bytes_part(word, 0, len);
}

void page_word(struct page *p, struct bytes word)
{
    struct bytes shown = shown_part(word);
    char rest_buffer[64];
    struct text rest;
    text_init(&rest, rest_buffer, sizeof rest_buffer);
    if (shown.len < word.len) {
        text_format(&rest, "%s[%zu more bytes]", page_sign(p, SIGN_ELLIPSIS), word.len - shown.len);
    }
    size_t columns = escape_width(shown, p->ascii) + escape_width(text_bytes(&rest), p->ascii);
    if (columns == 0) {
        return;
    }
    bool at_start = p->column <= p->indent;
    size_t blank = at_start || p->glue ? 0 : 1;
    if (!at_start && p->column + blank + columns > p->width) {
        break_line(p);
        blank = 0;
    }
    fill(p, p->column < p->indent ? p->indent : p->column + blank);
    escape_text(p->out, shown, p->ascii);
    escape_text(p->out, text_bytes(&rest), p->ascii);
    p->column += columns;
    p->glue = false;
}

void page_bytes(struct page *p, struct bytes text)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = bytes_find(text, ' ', at);
        page_word(p, bytes_part(text, at, end - at));
        at = end + 1;
    }
}

void page_text(struct page *p, const char *text)
{
    page_bytes(p, bytes_of(text));
}

void page_right(struct page *p, size_t column, struct bytes word)
{
    size_t columns = escape_width(word, p->ascii);
    page_column(p, column > columns ? column - columns : 0);
    page_word(p, word);
}

void page_number(struct page *p, uint64_t number)
{
    char buffer[24];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%llu", (unsigned long long)number);
    page_word(p, text_bytes(&t));
}

void page_glue(struct page *p)
{
    p->glue = true;
}

const char *page_sign(const struct page *p, enum page_sign sign)
{
    static const struct {
        const char *plain, *ascii;
    } signs[] = {
        [SIGN_TO] = {"\xe2\x86\x92", "->"},    /* U+2192 rightwards arrow */
        [SIGN_FROM] = {"\xe2\x86\x90", "<-"},  /* U+2190 leftwards arrow */
        [SIGN_FAILED] = {"\xe2\x9c\x97", "x"}, /* U+2717 ballot x */
        [SIGN_OK] = {"\xe2\x9c\x93", "+"},     /* U+2713 check mark */
        [SIGN_OPEN] = {"?", "?"},
        [SIGN_BULLET] = {"\xe2\x80\xa2", "-"},     /* U+2022 bullet */
        [SIGN_DOT] = {"\xc2\xb7", "|"},            /* U+00B7 middle dot */
        [SIGN_ELLIPSIS] = {"\xe2\x80\xa6", "..."}, /* U+2026 ellipsis */
        [SIGN_TIMES] = {"\xc3\x97", "x"},          /* U+00D7 multiplication sign */
    };
    return p->ascii ? signs[sign].ascii : signs[sign].plain;
}

void page_style(struct page *p, enum page_style style)
{
    /* ECMA-48 8.3.117 SGR: bold, faint, green, red, yellow. */
    static const char *const codes[] = {
        [PAGE_PLAIN] = "\x1b[0m", [PAGE_STRONG] = "\x1b[1m", [PAGE_FAINT] = "\x1b[2m",
        [PAGE_GOOD] = "\x1b[32m", [PAGE_BAD] = "\x1b[1;31m", [PAGE_WARNING] = "\x1b[33m",
    };
    if (p->color) {
        (void)fputs(codes[style], p->out);
    }
}

void page_end(struct page *p)
{
    break_line(p);
    p->indent = 0;
    p->glue = false;
}

void page_rule(struct page *p, bool heavy)
{
    const char *plain = heavy ? "\xe2\x94\x81" : "\xe2\x94\x80"; /* U+2501, U+2500 */
    for (size_t i = 0; i < p->width; i++) {
        (void)fputs(p->ascii ? (heavy ? "=" : "-") : plain, p->out);
    }
    page_end(p);
}
