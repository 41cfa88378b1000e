#include "report/markdown_words.h"

#include "base/cursor.h"
#include "report/escape.h"

#include <stdlib.h>

#define FENCE_MIN 3 /* CommonMark 4.5 */

/* At least one backtick more than the longest run inside (CommonMark 6.1). */
static size_t fence_len(struct bytes text, size_t least)
{
    size_t longest = 0;
    size_t run = 0;
    for (size_t i = 0; i < text.len; i++) {
        run = text.at[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest + 1 > least ? longest + 1 : least;
}

static void put_fence(const struct markdown_words *w, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        (void)fputc('`', w->out);
    }
}

/* Escapes for terminals serve here too; a pipe in a table's cell needs a backslash, even in code
 * (GFM 4.10). */
static void put_text(const struct markdown_words *w, struct bytes text)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = w->is_table ? bytes_find(text, '|', at) : text.len;
        escape_text(w->out, bytes_part(text, at, end - at), w->ascii);
        if (end < text.len) {
            (void)fputs("\\|", w->out);
        }
        at = end + 1;
    }
}

static struct bytes shown_part(struct bytes text)
{
    size_t len = text.len;
    if (len > MARKDOWN_WORD_BYTES_MAX) {
        for (len = 0; len < MARKDOWN_WORD_BYTES_MAX;) {
            len += escape_next(text, len).len;
        }
    }
    return bytes_part(text, 0, len);
}

static void put_blank(const struct markdown_words *w, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        (void)fputs("\\x20", w->out);
    }
}

void markdown_code(const struct markdown_words *w, struct bytes text)
{
    struct bytes shown = shown_part(text);
    size_t begin = 0;
    size_t end = shown.len;
    if (text.len == 0) {
        return;
    }
    while (begin < end && shown.at[begin] == ' ') {
        begin++;
    }
    while (end > begin && shown.at[end - 1] == ' ') {
        end--;
    }
    size_t len = fence_len(shown, 1);
    /* A blank between the fence and a backtick that is shown is taken away again. */
    bool padded = len > 1;
    put_fence(w, len);
    (void)fputs(padded ? " " : "", w->out);
    put_blank(w, begin);
    put_text(w, bytes_part(shown, begin, end - begin));
    put_blank(w, shown.len - end);
    (void)fputs(padded ? " " : "", w->out);
    put_fence(w, len);
    if (shown.len < text.len) {
        (void)fprintf(w->out, " (%zu more bytes)", text.len - shown.len);
    }
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Letters and digits, with hyphens and apostrophes inside; numbers with a point, and with a sign
 * where that begins no list. */
static bool is_plain(struct bytes word, bool is_first)
{
    bool is_number = true;
    if (!is_first && word.len > 1 && (word.at[0] == '-' || word.at[0] == '+') &&
        is_digit(word.at[1])) {
        word = bytes_part(word, 1, word.len);
    }
    for (size_t i = 0; i < word.len; i++) {
        is_number = is_number && (is_digit(word.at[i]) || (i > 0 && word.at[i] == '.'));
    }
    size_t num_points = 0;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.at[i];
        bool inside = i > 0 && i + 1 < word.len;
        num_points += c == '.';
        if (!is_letter(c) && !is_digit(c) && !(inside && (c == '-' || c == '\'')) &&
            !(inside && is_number && c == '.')) {
            return false;
        }
    }
    return word.len > 0 && num_points <= 1;
}

static bool is_opening(uint8_t c)
{
    return c == '(' || c == '\'';
}

static bool is_closing(uint8_t c)
{
    return c == '.' || c == ',' || c == ';' || c == ':' || c == ')' || c == '?' || c == '\'';
}

/* "(HTTP/mp)," keeps its brackets and comma outside the code span. */
static void put_word(const struct markdown_words *w, struct bytes word, bool is_first)
{
    size_t begin = 0;
    size_t end = word.len;
    while (begin < end && is_opening(word.at[begin])) {
        begin++;
    }
    while (end > begin && is_closing(word.at[end - 1])) {
        end--;
    }
    struct bytes core = bytes_part(word, begin, end - begin);
    /* "1." and "1)" begin a list. */
    bool is_marker = is_first && core.len > 0 && is_digit(core.at[0]) && end < word.len;
    if (core.len == 0 || is_marker) {
        markdown_code(w, word);
        return;
    }
    put_text(w, bytes_part(word, 0, begin));
    if (is_plain(core, is_first)) {
        put_text(w, core);
    } else {
        markdown_code(w, core);
    }
    put_text(w, bytes_part(word, end, word.len));
}

void markdown_prose(const struct markdown_words *w, struct bytes text)
{
    bool is_first = true;
    for (size_t at = 0; at < text.len;) {
        size_t end = bytes_find(text, ' ', at);
        if (end > at) {
            (void)fputs(is_first ? "" : " ", w->out);
            put_word(w, bytes_part(text, at, end - at), is_first);
            is_first = false;
        }
        at = end + 1;
    }
}

void markdown_block(const struct markdown_words *w, struct bytes line)
{
    size_t len = fence_len(line, FENCE_MIN);
    put_fence(w, len);
    (void)fputs("text\n", w->out);
    escape_text(w->out, line, w->ascii);
    (void)fputc('\n', w->out);
    put_fence(w, len);
    (void)fputc('\n', w->out);
}
