#include "logs/w3c.h"

#include "base/civil.h"

#include <assert.h>
#include <string.h>

#define DATE_LEN 10 /* 2026-11-22 */
#define TIME_LEN 8  /* 11:12:43 */
#define DAY_S 86400
#define SOURCE "W3C extended log file format"

static const struct {
    const char *name;
    enum w3c_column column;
} names[] = {
    {"date", W3C_DATE},
    {"time", W3C_TIME},
    {"c-ip", W3C_CLIENT},
    {"c-port", W3C_CLIENT_PORT},
    {"s-ip", W3C_SERVER},
    {"s-port", W3C_SERVER_PORT},
    {"cs-method", W3C_METHOD},
    {"cs-uri-stem", W3C_STEM},
    {"cs-uri", W3C_URI},
    {"cs-username", W3C_USER},
    {"cs-host", W3C_HOST},
    {"cs(Host)", W3C_HOST},
    {"sc-status", W3C_STATUS},
    {"sc-substatus", W3C_SUBSTATUS},
    {"sc-win32-status", W3C_WIN32},
    {"s-sitename", W3C_SITE},
    {"s-siteid", W3C_SITE},
    {"s-reason", W3C_REASON},
    {"s-queuename", W3C_QUEUE},
};

static enum w3c_column column_of(struct bytes name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bytes_is_nocase(name, names[i].name)) {
            return names[i].column;
        }
    }
    return W3C_OTHER;
}

/* Two decimal digits, or -1. */
static int two_digits(const uint8_t *at)
{
    bool good = at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9';
    return good ? (at[0] - '0') * 10 + (at[1] - '0') : -1;
}

/* Lines of one day follow each other: the day is worked out when it changes. */
static bool take_date(struct w3c_fields *f, struct bytes date)
{
    if (f->has_day && bytes_equal(date, f->seen_date)) {
        return true;
    }
    if (date.len != DATE_LEN || date.at[4] != '-' || date.at[7] != '-') {
        return false;
    }
    int century = two_digits(date.at);
    int year = two_digits(date.at + 2);
    int month = two_digits(date.at + 5);
    int day = two_digits(date.at + 8);
    if (century < 0 || year < 0 || month < 0 || day < 0) {
        return false;
    }
    const struct civil c = {
        .year = century * 100 + year, .month = (unsigned)month, .day = (unsigned)day};
    int64_t day_s;
    if (!civil_to_seconds(&c, &day_s)) {
        return false;
    }
    f->day_s = day_s;
    memcpy(f->date_text, date.at, DATE_LEN);
    f->seen_date = (struct bytes){.at = f->date_text, .len = DATE_LEN};
    f->has_day = true;
    return true;
}

static bool take_time(struct bytes time, int64_t *second_of_day)
{
    /* A fraction, which some tools write, is read over. */
    if (time.len < TIME_LEN || time.at[2] != ':' || time.at[5] != ':' ||
        (time.len > TIME_LEN && time.at[TIME_LEN] != '.')) {
        return false;
    }
    int hour = two_digits(time.at);
    int minute = two_digits(time.at + 3);
    int second = two_digits(time.at + 6);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
        return false;
    }
    *second_of_day = (int64_t)hour * 3600 + minute * 60 + second;
    return true;
}

static void take_fields(struct w3c_fields *f, struct bytes list)
{
    f->num = 0;
    f->has_user = false;
    f->has_date = false;
    f->has_reason = false;
    for (size_t at = 0; at < list.len;) {
        size_t end = bytes_find(list, ' ', at);
        struct bytes name = bytes_trim(bytes_part(list, at, end - at));
        at = end + 1;
        if (name.len == 0) {
            continue;
        }
        enum w3c_column column = column_of(name);
        if (f->num < LOG_COLUMNS_MAX) {
            f->columns[f->num] = (uint8_t)column;
        }
        f->num++;
        f->has_user = f->has_user || column == W3C_USER;
        f->has_date = f->has_date || column == W3C_DATE;
        f->has_reason = f->has_reason || column == W3C_REASON;
    }
}

void w3c_directive(struct w3c_fields *f, struct bytes line)
{
    size_t colon = bytes_find(line, ':', 0);
    struct bytes name = bytes_part(line, 0, colon);
    struct bytes value = bytes_trim(bytes_part(line, colon + 1, line.len));
    if (bytes_is_nocase(name, "#Fields")) {
        take_fields(f, value);
    } else if (bytes_is_nocase(name, "#Date")) {
        (void)take_date(f, bytes_part(value, 0, DATE_LEN));
    }
}

/* A number of at most max, or nothing ('-'). */
static bool take_number(struct bytes value, uint64_t max, uint64_t *number, bool *has)
{
    *has = value.len > 0;
    return value.len == 0 || bytes_to_u64(value, max, number);
}

/* Addresses may have a scope ("fe80::1%12"), and IPv4 may come as ::ffff:192.0.2.1. */
static bool take_address(struct bytes value, struct address *out)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (value.len == 0) {
        return true;
    }
    if (!address_parse(bytes_part(value, 0, bytes_find(value, '%', 0)), out)) {
        return false;
    }
    if (out->family == ADDRESS_IPV6 && memcmp(out->octets, mapped, sizeof mapped) == 0) {
        *out = address_from((struct bytes){.at = out->octets + sizeof mapped, .len = 4});
    }
    return true;
}

static const char *take_numeric(enum w3c_column column, struct bytes value, struct log_entry *out)
{
    uint64_t number = 0;
    bool has;
    uint64_t max = column == W3C_WIN32                               ? UINT32_MAX
                   : column == W3C_STATUS || column == W3C_SUBSTATUS ? 9999
                                                                     : UINT16_MAX;
    if (!take_number(value, max, &number, &has)) {
        return column == W3C_STATUS      ? "the status is no number"
               : column == W3C_WIN32     ? "the win32 status is no number"
               : column == W3C_SUBSTATUS ? "the substatus is no number"
                                         : "the port is no number";
    }
    switch ((int)column) {
    case W3C_CLIENT_PORT:
        out->client_port = (uint16_t)number;
        break;
    case W3C_SERVER_PORT:
        out->server_port = (uint16_t)number;
        break;
    case W3C_STATUS:
        out->has_status = has;
        out->status = (unsigned)number;
        break;
    case W3C_SUBSTATUS:
        out->has_substatus = has;
        out->substatus = (unsigned)number;
        break;
    default:
        out->has_win32 = has;
        out->win32 = (uint32_t)number;
        break;
    }
    return NULL;
}

/* NULL, or what is wrong with the value. */
static const char *take_value(struct w3c_fields *f, enum w3c_column column, struct bytes value,
                              struct log_entry *out)
{
    switch (column) {
    case W3C_OTHER:
        return NULL;
    case W3C_DATE:
        return take_date(f, value) ? NULL : "the date is none";
    case W3C_TIME:
        return take_time(value, &out->time_s) ? NULL : "the time is none";
    case W3C_CLIENT:
        return take_address(value, &out->client) ? NULL : "the client's address is none";
    case W3C_SERVER:
        return take_address(value, &out->server) ? NULL : "the server's address is none";
    case W3C_METHOD:
        out->method = value;
        return NULL;
    case W3C_STEM:
        out->path = value;
        return NULL;
    case W3C_URI: /* with its query */
        out->path = bytes_part(value, 0, bytes_find(value, '?', 0));
        return NULL;
    case W3C_USER:
        out->user = value;
        return NULL;
    case W3C_HOST:
        out->host = value;
        return NULL;
    case W3C_SITE:
        out->site = value;
        return NULL;
    case W3C_REASON:
        out->reason = value;
        return NULL;
    case W3C_QUEUE:
        out->queue = value;
        return NULL;
    case W3C_CLIENT_PORT:
    case W3C_SERVER_PORT:
    case W3C_STATUS:
    case W3C_SUBSTATUS:
    case W3C_WIN32:
        break;
    }
    return take_numeric(column, value, out);
}

enum verdict w3c_parse(struct w3c_fields *f, struct bytes line, struct log_entry *out,
                       struct flaw *flaw)
{
    size_t at = 0;
    size_t num = 0;
    *out =
        (struct log_entry){.time_s = -1, .has_user_column = f->has_user, .is_error = f->has_reason};
    if (f->num == 0) {
        return flaw_set(flaw, 0, "no #Fields line names its columns", SOURCE);
    }
    while (at <= line.len && num < f->num) {
        const uint8_t *blank = at < line.len ? memchr(line.at + at, ' ', line.len - at) : NULL;
        size_t end = blank == NULL ? line.len : (size_t)(blank - line.at);
        enum w3c_column column = num < LOG_COLUMNS_MAX ? f->columns[num] : W3C_OTHER;
        if (column != W3C_OTHER) {
            struct bytes value = {.at = line.at + at, .len = end - at};
            if (value.len == 1 && value.at[0] == '-') {
                value.len = 0;
            }
            const char *why = take_value(f, column, value, out);
            if (why != NULL) {
                return flaw_set(flaw, at, why, SOURCE);
            }
        }
        num++;
        at = end + 1;
    }
    if (num < f->num) {
        return flaw_set(flaw, line.len, "it has fewer columns than #Fields names", SOURCE);
    }
    if (at <= line.len && bytes_trim(bytes_part(line, at, line.len)).len > 0) {
        return flaw_set(flaw, at, "it has more columns than #Fields names", SOURCE);
    }
    if (out->time_s < 0 || !f->has_day) {
        return flaw_set(flaw, 0, "it has no date and time", SOURCE);
    }
    out->time_s += f->day_s;
    return VERDICT_DONE;
}
