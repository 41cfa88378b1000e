#include "logs/lines.h"

#include <assert.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#define WIDE_INPUT_BYTES 32768                   /* of UTF-16 turned at once … */
#define WIDE_BUFFER_BYTES (2 * WIDE_INPUT_BYTES) /* … three bytes for every two at most */
#define WIDE_ROOM_BYTES (LINE_BYTES_MAX + 2 + WIDE_BUFFER_BYTES)

struct lines {
    struct unpacked *file;
    uint64_t number;
    bool has_begun;
    size_t taken; /* bytes of the last line, its end included: stepped over at the next call */
    /* UTF-16 only */
    iconv_t turn;
    bool is_wide;
    bool wide_ended;
    char *wide; /* what is UTF-8 already */
    size_t wide_start, wide_end;
    uint8_t head[LINE_HEAD_BYTES]; /* how a line begins that is too long to be kept */
};

struct lines *lines_new(struct unpacked *file)
{
    struct lines *l = calloc(1, sizeof *l);
    if (l == NULL) {
        unpacked_close(file);
        return NULL;
    }
    l->file = file;
    return l;
}

void lines_free(struct lines *l)
{
    if (l == NULL) {
        return;
    }
    if (l->is_wide) {
        (void)iconv_close(l->turn);
    }
    free(l->wide);
    unpacked_close(l->file);
    free(l);
}

/* Byte order marks: EF BB BF is stepped over, FF FE and FE FF say that all of it is UTF-16; so does
 * the '#' that such a log begins with. */
static void begin(struct lines *l)
{
    struct bytes first = unpacked_peek(l->file, 3);
    l->has_begun = true;
    if (first.len >= 3 && memcmp(first.at, "\xef\xbb\xbf", 3) == 0) {
        unpacked_consume(l->file, 3);
        return;
    }
    bool has_mark = first.len >= 2 && first.at[0] + first.at[1] == 0xff + 0xfe;
    bool is_little =
        first.len >= 2 && (has_mark ? first.at[0] == 0xff : first.at[0] == '#' && first.at[1] == 0);
    bool is_big =
        first.len >= 2 && (has_mark ? first.at[0] == 0xfe : first.at[0] == 0 && first.at[1] == '#');
    if (!is_little && !is_big) {
        return;
    }
    l->turn = iconv_open("UTF-8", is_little ? "UTF-16LE" : "UTF-16BE");
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): iconv_open's word for failure */
    l->wide = l->turn == (iconv_t)-1 ? NULL : malloc(WIDE_ROOM_BYTES);
    if (l->wide == NULL) { /* it stays what it is, and no line of it can be read */
        /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
        if (l->turn != (iconv_t)-1) {
            (void)iconv_close(l->turn);
        }
        return;
    }
    l->is_wide = true;
    unpacked_consume(l->file, has_mark ? 2 : 0);
}

/* More UTF-8 behind what there is: true when something came. What is no UTF-16 becomes '?'. */
static bool wide_fill(struct lines *l)
{
    if (l->wide_start > 0) {
        memmove(l->wide, l->wide + l->wide_start, l->wide_end - l->wide_start);
        l->wide_end -= l->wide_start;
        l->wide_start = 0;
    }
    struct bytes raw = bytes_part(unpacked_peek(l->file, WIDE_INPUT_BYTES), 0, WIDE_INPUT_BYTES);
    if (raw.len < 2 || l->wide_end + WIDE_BUFFER_BYTES > WIDE_ROOM_BYTES) {
        l->wide_ended = l->wide_ended || raw.len < 2;
        return false;
    }
    char copy[WIDE_INPUT_BYTES]; /* iconv() wants to write to what it only reads */
    memcpy(copy, raw.at, raw.len);
    char *in = copy;
    size_t in_left = raw.len;
    char *out = l->wide + l->wide_end;
    size_t out_left = WIDE_BUFFER_BYTES;
    while (in_left >= 2 && iconv(l->turn, &in, &in_left, &out, &out_left) == (size_t)-1) {
        bool is_tail = in_left < 4 && raw.len == WIDE_INPUT_BYTES; /* half a pair of surrogates */
        if (is_tail || out_left == 0) {
            break;
        }
        in += 2;
        in_left -= 2;
        *out++ = '?';
        out_left--;
    }
    unpacked_consume(l->file, raw.len - in_left);
    l->wide_end = (size_t)(out - l->wide);
    return true;
}

static struct bytes wide_peek(struct lines *l, size_t least)
{
    while (l->wide_end - l->wide_start < least && !l->wide_ended && wide_fill(l)) {
    }
    return (struct bytes){.at = (const uint8_t *)l->wide + l->wide_start,
                          .len = l->wide_end - l->wide_start};
}

static struct bytes peek(struct lines *l, size_t least)
{
    return l->is_wide ? wide_peek(l, least) : unpacked_peek(l->file, least);
}

static void consume(struct lines *l, size_t len)
{
    if (l->is_wide) {
        l->wide_start += len;
    } else {
        unpacked_consume(l->file, len);
    }
}

/* The rest of a line that is too long: it is stepped over piece by piece. */
static void skip_line(struct lines *l)
{
    for (;;) {
        struct bytes here = peek(l, 1);
        if (here.len == 0) {
            return;
        }
        size_t end = bytes_find(here, '\n', 0);
        consume(l, end < here.len ? end + 1 : here.len);
        if (end < here.len) {
            return;
        }
    }
}

/* HTTP.sys sets room aside in its files: what it did not get to write stays zero. */
static void skip_zeros(struct lines *l)
{
    struct bytes here = peek(l, 1);
    while (here.len > 0 && here.at[0] == 0) {
        size_t num = 0;
        while (num < here.len && here.at[num] == 0) {
            num++;
        }
        consume(l, num);
        here = peek(l, 1);
    }
}

bool lines_next(struct lines *l, struct bytes *line, bool *cut)
{
    if (!l->has_begun) {
        begin(l);
    }
    consume(l, l->taken);
    l->taken = 0;
    *cut = false;
    skip_zeros(l);
    struct bytes here = peek(l, 1);
    size_t end = bytes_find(here, '\n', 0);
    if (end == here.len && here.len <= LINE_BYTES_MAX) {
        here = peek(l, LINE_BYTES_MAX + 2);
        end = bytes_find(here, '\n', 0);
    }
    if (here.len == 0) {
        return false;
    }
    l->number++;
    *line = bytes_part(here, 0, end);
    l->taken = end < here.len ? end + 1 : here.len;
    if (line->len > 0 && line->at[line->len - 1] == '\r') {
        line->len--;
    }
    if (line->len > LINE_BYTES_MAX) {
        *cut = true;
        line->len = LINE_BYTES_MAX;
        if (end == here.len) { /* it leaves the window before its end is found */
            memcpy(l->head, line->at, sizeof l->head);
            *line = (struct bytes){.at = l->head, .len = sizeof l->head};
            consume(l, l->taken);
            l->taken = 0;
            skip_line(l);
        }
    }
    return true;
}

uint64_t lines_number(const struct lines *l)
{
    return l->number;
}

const struct unpacked *lines_file(const struct lines *l)
{
    return l->file;
}
