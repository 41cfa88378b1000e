/* Calendar time in UTC, without the C library's zones. Proleptic Gregorian, years 1 to 9999. */
#ifndef KRBSCOPE_BASE_CIVIL_H
#define KRBSCOPE_BASE_CIVIL_H

#include "base/text.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define FILETIME_UNIX_EPOCH INT64_C(116444736000000000) /* 1970 in 100 ns since 1601 */

struct civil {
    int year;       /* 1 to 9999 */
    unsigned month; /* 1 to 12 */
    unsigned day;   /* 1 to 31 */
    unsigned hour;
    unsigned minute;
    unsigned second; /* 0 to 60 */
};

/* Seconds since 1970-01-01T00:00:00Z. false when a field is out of range. */
bool civil_to_seconds(const struct civil *c, int64_t *seconds);

void civil_from_seconds(int64_t seconds, struct civil *c);

/* Windows FILETIME (100 ns since 1601) to ns since 1970; clamped to what int64_t ns can hold. */
int64_t civil_filetime_to_ns(uint64_t filetime);

/* RFC 3339, "2026-11-22T11:12:42.728905Z": digits of the fraction 0 to 9; the Z only when utc. */
void civil_print(struct text *t, int64_t time_ns, unsigned digits, bool utc);

#endif
