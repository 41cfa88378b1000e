/* A server's own logs: IIS in W3C extended format (u_ex261122.log) and HTTP.sys' error log
 * (httperr1.log). A file is read line by line; each line that parses is a log_entry.
 *
 *      #Fields: date time s-ip cs-method cs-uri-stem … sc-status sc-substatus sc-win32-status
 *      2026-11-22 11:12:43 192.0.2.21 CCM_POST /ccm_system_windowsauth/request … 401 2 2148074254
 *
 * Columns are found by the latest #Fields line, which may come again in mid-file. Times are UTC and
 * stamp the request's end (REFERENCE: MicrosoftDocs w3c-logging; "Error logging in HTTP API"). */
#ifndef KRBSCOPE_LOGS_LOG_H
#define KRBSCOPE_LOGS_LOG_H

#include "base/address.h"
#include "base/status.h"

#define LOG_COLUMNS_MAX 64  /* columns of one line; those beyond are read over */
#define LOG_SHOWN_BYTES 160 /* kept of the first line that did not parse */

enum log_format { LOG_FORMAT_IIS, LOG_FORMAT_HTTPERR, LOG_FORMAT_CONFIG };

/* One line. Bytes are raw, borrowed until the next line; empty for '-' and for columns that the log
 * does not have. */
struct log_entry {
    uint64_t line; /* from 1 */
    int64_t time_s;
    struct bytes method, path, user, host, reason, site, queue;
    struct address client; /* c-ip: a proxy's or load balancer's, where one is between */
    struct address server;
    uint16_t client_port, server_port; /* 0: not in this log */
    bool has_status;
    unsigned status;
    bool has_substatus;
    unsigned substatus;
    bool has_win32;
    uint32_t win32;
    bool has_user_column; /* user is empty because nobody was logged on */
    bool is_error;        /* of the HTTPERR log */
};

struct log_info {
    enum log_format format;
    const char *compression; /* or NULL */
    uint64_t bytes;          /* of the file on disk */
    uint64_t lines, entries, unparsed;
    uint64_t first_unparsed; /* its number */
    uint8_t first_unparsed_text[LOG_SHOWN_BYTES];
    size_t first_unparsed_len;
    const char *first_unparsed_why; /* a literal of ours */
    bool has_times;
    int64_t first_time_s, last_time_s; /* least and greatest */
    bool complete;
    struct trouble damage; /* why it ended early; empty when complete */
};

struct log_file;

/* Opens path ("-": standard input), packed or not. Otherwise *out is NULL and trouble tells. */
enum status log_open(struct log_file **out, const char *path, enum log_format format,
                     struct trouble *trouble);

/* The next entry. false: the end, or damage (log_info()->complete tells). */
bool log_next(struct log_file *l, struct log_entry *out);

/* What is known so far; borrowed. */
const struct log_info *log_info(const struct log_file *l);

/* Bytes of the file on disk that were read so far. */
uint64_t log_bytes_read(const struct log_file *l);

void log_close(struct log_file *l); /* NULL is fine */

/* "iis", "httperr", "iis-config" */
const char *log_format_word(enum log_format format);

#endif
