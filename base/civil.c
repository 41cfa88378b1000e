#include "base/civil.h"

#include <assert.h>

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in_month(int year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01; the year is counted from March, so that the leap day comes last. */
static int64_t days_from_civil(int year, unsigned month, unsigned day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t month_from_march = (int64_t)month + (month > 2 ? -3 : 9);
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

bool civil_to_seconds(const struct civil *c, int64_t *seconds)
{
    *seconds = 0;
    if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > days_in_month(c->year, c->month) || c->hour > 23 || c->minute > 59 ||
        c->second > 60) {
        return false;
    }
    *seconds = days_from_civil(c->year, c->month, c->day) * 86400 + (int64_t)c->hour * 3600 +
               (int64_t)c->minute * 60 + (int64_t)c->second;
    return true;
}

void civil_from_seconds(int64_t seconds, struct civil *c)
{
    int64_t days = seconds / 86400;
    int64_t rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    c->day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    c->month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    c->year = (int)(yoe + era * 400 + (c->month <= 2));
    c->hour = (unsigned)(rest / 3600);
    c->minute = (unsigned)(rest / 60 % 60);
    c->second = (unsigned)(rest % 60);
}

int64_t civil_filetime_to_ns(uint64_t filetime)
{
    const int64_t max = INT64_MAX / 100;
    int64_t ticks = filetime > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)filetime;
    ticks -= FILETIME_UNIX_EPOCH;
    return ticks > max ? INT64_MAX : ticks < -max ? INT64_MIN : ticks * 100;
}

void civil_print(struct text *t, int64_t time_ns, unsigned digits, bool utc)
{
    struct civil c;
    int64_t seconds = time_ns / NS_PER_S;
    int64_t fraction = time_ns % NS_PER_S;
    assert(digits <= 9);
    if (fraction < 0) {
        fraction += NS_PER_S;
        seconds--;
    }
    civil_from_seconds(seconds, &c);
    text_format(t, "%04d-%02u-%02uT%02u:%02u:%02u", c.year, c.month, c.day, c.hour, c.minute,
                c.second);
    if (digits > 0) {
        for (unsigned i = digits; i < 9; i++) {
            fraction /= 10;
        }
        text_format(t, ".%0*lld", (int)digits, (long long)fraction);
    }
    text_add(t, utc ? "Z" : "");
}
