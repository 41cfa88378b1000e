/* One line of a W3C extended log, by the columns that #Fields named. */
#ifndef KRBSCOPE_LOGS_W3C_H
#define KRBSCOPE_LOGS_W3C_H

#include "logs/log.h"

/* Columns that are looked at; everything else is W3C_OTHER. */
enum w3c_column {
    W3C_OTHER,
    W3C_DATE,
    W3C_TIME,
    W3C_CLIENT,
    W3C_CLIENT_PORT,
    W3C_SERVER,
    W3C_SERVER_PORT,
    W3C_METHOD,
    W3C_STEM,
    W3C_URI,
    W3C_USER,
    W3C_HOST,
    W3C_STATUS,
    W3C_SUBSTATUS,
    W3C_WIN32,
    W3C_SITE,
    W3C_REASON,
    W3C_QUEUE,
};

/* What directives said so far; zeroed at the start of a file. */
struct w3c_fields {
    uint8_t columns[LOG_COLUMNS_MAX]; /* enum w3c_column */
    size_t num;
    bool has_user, has_date, has_reason;
    struct bytes seen_date; /* the date that day_s is of: in date_text */
    uint8_t date_text[10];
    int64_t day_s; /* midnight of it */
    bool has_day;  /* by #Date or by a line */
};

/* A line that begins with '#': takes #Fields and #Date, ignores the others. */
void w3c_directive(struct w3c_fields *f, struct bytes line);

/* Fills *out but for its line number. VERDICT_BAD: flaw says why, out is undefined. */
enum verdict w3c_parse(struct w3c_fields *f, struct bytes line, struct log_entry *out,
                       struct flaw *flaw);

#endif
