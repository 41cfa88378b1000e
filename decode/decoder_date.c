#include "decode/decoder_private.h"

#include "base/civil.h"

#include <string.h>

#define YEAR_DIGITS_PIVOT 70 /* RFC 850 dates: 70..99 are 19xx */

/* What a cursor is to binary: words and numbers taken from the front. */
static bool take_text(struct bytes *b, const char *text)
{
    struct bytes word = bytes_of(text);
    if (!bytes_begins_nocase(*b, text)) {
        return false;
    }
    *b = bytes_part(*b, word.len, b->len);
    return true;
}

/* An integer of min to max digits. */
static bool take_number(struct bytes *b, size_t min, size_t max, uint64_t *out)
{
    size_t len = 0;
    while (len < max && len < b->len && b->at[len] >= '0' && b->at[len] <= '9') {
        len++;
    }
    if (len < min || !bytes_to_u64(bytes_part(*b, 0, len), UINT32_MAX, out)) {
        return false;
    }
    *b = bytes_part(*b, len, b->len);
    return true;
}

static bool take_month(struct bytes *b, unsigned *month)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (unsigned i = 0; i < 12; i++) {
        if (take_text(b, names[i])) {
            *month = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_clock(struct bytes *b, struct civil *c)
{
    uint64_t hour = 0;
    uint64_t minute = 0;
    uint64_t second = 0;
    bool is_good = take_number(b, 2, 2, &hour) && take_text(b, ":") &&
                   take_number(b, 2, 2, &minute) && take_text(b, ":") &&
                   take_number(b, 2, 2, &second);
    c->hour = (unsigned)hour;
    c->minute = (unsigned)minute;
    c->second = (unsigned)second;
    return is_good;
}

/* "06 Nov 1994 08:49:37 GMT" or "06-Nov-94 08:49:37 GMT", behind "Sun, " or "Sunday, ". */
static bool take_dated(struct bytes *b, struct civil *c)
{
    uint64_t day = 0;
    uint64_t year = 0;
    bool is_good = take_number(b, 1, 2, &day);
    bool has_dashes = is_good && take_text(b, "-");
    is_good = is_good && (has_dashes || take_text(b, " ")) && take_month(b, &c->month) &&
              take_text(b, has_dashes ? "-" : " ") && take_number(b, 2, 4, &year) &&
              take_text(b, " ") && take_clock(b, c) && take_text(b, " GMT");
    if (has_dashes && year < 100) {
        year += year < YEAR_DIGITS_PIVOT ? 2000 : 1900;
    }
    c->day = (unsigned)day;
    c->year = (int)year;
    return is_good;
}

/* asctime: "Nov  6 08:49:37 1994", behind "Sun ". */
static bool take_asctime(struct bytes *b, struct civil *c)
{
    uint64_t day = 0;
    uint64_t year = 0;
    bool is_good = take_month(b, &c->month) && take_text(b, " ");
    (void)take_text(b, " ");
    is_good = is_good && take_number(b, 1, 2, &day) && take_text(b, " ") && take_clock(b, c) &&
              take_text(b, " ") && take_number(b, 4, 4, &year);
    c->day = (unsigned)day;
    c->year = (int)year;
    return is_good;
}

/* RFC 9110 5.6.7: the fixed form, and the two obsolete ones that recipients must accept. */
bool decoder_date_parse(struct bytes text, int64_t *time_ns)
{
    struct civil c = {0};
    int64_t seconds = 0;
    struct bytes b = bytes_trim(text);
    size_t comma = bytes_find(b, ',', 0);
    size_t blank = bytes_find(b, ' ', 0);
    bool has_comma = comma < b.len;
    size_t skip = has_comma ? comma + 1 : blank;
    b = bytes_part(b, skip, b.len);
    bool is_good = take_text(&b, " ") && (has_comma ? take_dated(&b, &c) : take_asctime(&b, &c)) &&
                   b.len == 0 && civil_to_seconds(&c, &seconds) && seconds > -4000000000 &&
                   seconds < 9000000000;
    *time_ns = is_good ? seconds * NS_PER_S : 0;
    return is_good;
}
