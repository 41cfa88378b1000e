/* Servers' logs: lines, columns, and what a file can do wrong. */
#include "logs/lines.h"
#include "logs/log.h"
#include "logs/w3c.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define FIELDS                                                                                     \
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "          \
    "cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken"
#define LINE_401                                                                                   \
    "2026-11-22 11:12:43 192.0.2.21 CCM_POST /ccm_system_windowsauth/request - 80 - 192.0.2.101 "  \
    "ccmhttp 401 2 2148074254 15"
#define TIME_S INT64_C(1795345963) /* 2026-11-22T11:12:43Z */

/* A file of these bytes; the caller unlinks it. */
static void write_file(char path[64], const void *at, size_t len)
{
    strcpy(path, "/tmp/krbscope-log-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, at, len), (ssize_t)len);
    close(fd);
}

static struct log_file *open_bytes(char path[64], const void *at, size_t len)
{
    struct log_file *l;
    struct trouble trouble;
    write_file(path, at, len);
    cr_assert_eq(log_open(&l, path, LOG_FORMAT_IIS, &trouble), STATUS_OK, "%s", trouble.text);
    unlink(path);
    return l;
}

static struct log_file *open_text(char path[64], const char *text)
{
    return open_bytes(path, text, strlen(text));
}

/* Goal: every column that counts arrives, '-' as nothing. Method: one line of IIS' default set. */
Test(log, a_line_of_iis)
{
    char path[64];
    struct log_entry e;
    struct log_file *l = open_text(path, FIELDS "\r\n" LINE_401 "\r\n");
    cr_assert(log_next(l, &e));
    cr_expect_eq(e.line, 2);
    cr_expect_eq(e.time_s, TIME_S);
    cr_expect(bytes_is(e.method, "CCM_POST"));
    cr_expect(bytes_is(e.path, "/ccm_system_windowsauth/request"));
    cr_expect_eq(e.user.len, 0);
    cr_expect(e.has_user_column);
    cr_expect_eq(e.server_port, 80);
    cr_expect_eq(e.client_port, 0);
    cr_expect(e.has_status && e.has_substatus && e.has_win32);
    cr_expect_eq(e.status, 401);
    cr_expect_eq(e.substatus, 2);
    cr_expect_eq(e.win32, 2148074254U);
    cr_expect_eq(e.client.octets[3], 101);
    cr_expect_not(e.is_error);
    cr_assert_not(log_next(l, &e));
    const struct log_info *info = log_info(l);
    cr_expect_eq(info->lines, 2);
    cr_expect_eq(info->entries, 1);
    cr_expect_eq(info->unparsed, 0);
    cr_expect(info->complete);
    cr_expect_eq(info->first_time_s, TIME_S);
    log_close(l);
}

/* Goal: columns are those of the latest #Fields, never places. Method: the order changes in
 * mid-file, the user column goes, and the last line has no end. */
Test(log, fields_change_in_mid_file)
{
    char path[64];
    struct log_entry e;
    struct log_file *l = open_text(path, FIELDS "\n" LINE_401 "\n"
                                                "#Software: x\n#Date: 2026-11-23 00:00:00\n"
                                                "#Fields: time c-ip sc-status cs-uri-stem\n"
                                                "00:00:01 2001:db8::7%12 200 /a+b");
    cr_assert(log_next(l, &e));
    cr_assert(log_next(l, &e));
    cr_expect_eq(e.line, 6);
    cr_expect_eq(e.time_s, TIME_S - TIME_S % 86400 + 86400 + 1);
    cr_expect_eq(e.status, 200);
    cr_expect(bytes_is(e.path, "/a+b"));
    cr_expect_eq(e.client.family, ADDRESS_IPV6);
    cr_expect_not(e.has_user_column);
    cr_expect_not(e.has_substatus);
    cr_assert_not(log_next(l, &e));
    cr_expect_eq(log_info(l)->unparsed, 0);
    log_close(l);
}

/* Goal: HTTP.sys' log is known by its columns, whatever option named it. */
Test(log, a_line_of_httperr)
{
    char path[64];
    struct log_entry e;
    struct log_file *l = open_text(
        path, "#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri streamid "
              "sc-status s-siteid s-reason s-queuename transport\n"
              "2026-11-22 11:12:43 ::ffff:192.0.2.101 50001 192.0.2.21 80 HTTP/1.1 CCM_POST "
              "/ccm_system_windowsauth/request?a=b - 503 1 AppOffline CCM+Pool -\n"
              "2026-11-22 11:12:44 192.0.2.101 50001 192.0.2.21 80 - - - - - - "
              "Timer_ConnectionIdle - -\n");
    cr_assert(log_next(l, &e));
    cr_expect(e.is_error);
    cr_expect_eq(log_info(l)->format, LOG_FORMAT_HTTPERR);
    cr_expect(bytes_is(e.reason, "AppOffline"));
    cr_expect(bytes_is(e.queue, "CCM+Pool"));
    cr_expect(bytes_is(e.path, "/ccm_system_windowsauth/request"), "without its query");
    cr_expect_eq(e.client_port, 50001);
    cr_expect_eq(e.client.family, ADDRESS_IPV4);
    cr_expect_eq(e.client.octets[3], 101);
    cr_expect_eq(e.status, 503);
    cr_assert(log_next(l, &e));
    cr_expect_not(e.has_status);
    cr_expect_eq(e.method.len, 0);
    log_close(l);
}

/* Goal: what does not parse is counted, and the first is kept with its reason. */
Test(log, lines_that_do_not_parse)
{
    static const struct {
        const char *line, *why;
    } bad[] = {
        {"no log at all", "the date is none"},
        {"2026-11-22 11:12:43 192.0.2.21", "it has fewer columns than #Fields names"},
        {LINE_401 " more", "it has more columns than #Fields names"},
        {"2026-13-22 11:12:43 a b c d 80 - 192.0.2.1 x 401 2 5 1", "the date is none"},
        {"2026-11-22 24:12:43 a b c d 80 - 192.0.2.1 x 401 2 5 1", "the time is none"},
        {"2026-11-22 11:12:43 a b c d 80 - 192.0.2.1 x 401 2 5 1", "the server's address is none"},
        {"2026-11-22 11:12:43 192.0.2.21 b c d 80 - pc01 x 401 2 5 1",
         "the client's address is none"},
        {"2026-11-22 11:12:43 192.0.2.21 b c d 80 - 192.0.2.1 x 4O1 2 5 1",
         "the status is no number"},
        {"2026-11-22 11:12:43 192.0.2.21 b c d 80 - 192.0.2.1 x 401 2 4294967296 1",
         "the win32 status is no number"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char path[64];
        char text[1000];
        struct log_entry e;
        snprintf(text, sizeof text, FIELDS "\n%s\n%s\nagain\n", LINE_401, bad[i].line);
        struct log_file *l = open_text(path, text);
        cr_assert(log_next(l, &e));
        cr_expect_not(log_next(l, &e), "%s", bad[i].line);
        const struct log_info *info = log_info(l);
        cr_expect_eq(info->unparsed, 2);
        cr_expect_eq(info->first_unparsed, 3);
        cr_expect_str_eq(info->first_unparsed_why, bad[i].why, "%s", bad[i].line);
        struct bytes shown = {info->first_unparsed_text, info->first_unparsed_len};
        cr_expect(bytes_equal(shown, bytes_part(bytes_of(bad[i].line), 0, LOG_SHOWN_BYTES)));
        log_close(l);
    }
}

Test(log, without_fields_nothing_parses)
{
    char path[64];
    struct log_entry e;
    struct log_file *l = open_text(path, LINE_401 "\n");
    cr_expect_not(log_next(l, &e));
    cr_expect_str_eq(log_info(l)->first_unparsed_why, "no #Fields line names its columns");
    log_close(l);
}

/* Goal: a line of any length costs no memory and hides no other. Method: lines just below, at and
 * far beyond the limit, each followed by a good one. */
Test(log, long_lines)
{
    static const size_t lengths[] = {LINE_BYTES_MAX - 1, LINE_BYTES_MAX, LINE_BYTES_MAX + 1,
                                     UNPACKED_PEEK_MAX, 1000000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char path[64];
        struct log_entry e;
        size_t head = strlen(FIELDS "\n");
        size_t tail = strlen("\n" LINE_401 "\n");
        char *text = malloc(head + lengths[i] + tail + 1);
        memcpy(text, FIELDS "\n", head);
        memset(text + head, 'x', lengths[i]);
        memcpy(text + head + lengths[i], "\n" LINE_401 "\n", tail + 1);
        struct log_file *l = open_text(path, text);
        cr_assert(log_next(l, &e), "%zu", lengths[i]);
        cr_expect_eq(e.line, 3);
        cr_expect_eq(e.status, 401);
        cr_expect_not(log_next(l, &e));
        cr_expect_eq(log_info(l)->lines, 3);
        cr_expect_eq(log_info(l)->unparsed, 1);
        cr_expect_eq(log_info(l)->first_unparsed_len, LOG_SHOWN_BYTES);
        cr_expect_eq(strcmp(log_info(l)->first_unparsed_why, "it is too long") == 0,
                     lengths[i] > LINE_BYTES_MAX, "%zu: %s", lengths[i],
                     log_info(l)->first_unparsed_why);
        log_close(l);
        free(text);
    }
}

/* Goal: byte order marks. Method: the same log as UTF-8 with a mark and as UTF-16 of either order,
 * with a mark and without, long enough to be turned in several pieces. */
Test(log, byte_order_marks)
{
    enum { LINES = 3000 };
    char *text = malloc(LINES * (sizeof LINE_401 + 2) + sizeof FIELDS + 16);
    size_t len = (size_t)sprintf(text, FIELDS "\r\n");
    for (int i = 0; i < LINES; i++) {
        len += (size_t)sprintf(text + len, "%s\r\n", LINE_401);
    }
    for (int form = 0; form < 5; form++) {
        char path[64];
        struct log_entry e;
        uint8_t *bytes = malloc(2 * len + 4);
        size_t size = 0;
        if (form == 0) {
            memcpy(bytes, "\xef\xbb\xbf", 3);
            memcpy(bytes + 3, text, len);
            size = len + 3;
        } else {
            const bool is_little = form % 2 == 1;
            if (form < 3) {
                bytes[size++] = is_little ? 0xff : 0xfe;
                bytes[size++] = is_little ? 0xfe : 0xff;
            }
            for (size_t i = 0; i < len; i++) {
                bytes[size++] = is_little ? (uint8_t)text[i] : 0;
                bytes[size++] = is_little ? 0 : (uint8_t)text[i];
            }
        }
        struct log_file *l = open_bytes(path, bytes, size);
        size_t num = 0;
        while (log_next(l, &e)) {
            num++;
            cr_assert_eq(e.status, 401);
            cr_assert_eq(e.line, num + 1);
        }
        cr_expect_eq(num, LINES, "form %d: %zu", form, num);
        cr_expect_eq(log_info(l)->unparsed, 0);
        log_close(l);
        free(bytes);
    }
    free(text);
}

/* Goal: room that HTTP.sys set aside and did not use is no line. Method: zeros before lines,
 * between them, more than a line may have, and at the end. */
Test(log, zeros)
{
    enum { ZEROS = LINE_BYTES_MAX + 100 };
    static const char lines[] = FIELDS "\r\n" LINE_401 "\r\n";
    const size_t len = sizeof lines - 1;
    char path[64];
    struct log_entry e;
    uint8_t *bytes = calloc(1, 2 * (len + ZEROS));
    memcpy(bytes, lines, len);
    memcpy(bytes + len + ZEROS, lines, len);
    struct log_file *l = open_bytes(path, bytes, 2 * (len + ZEROS));
    cr_assert(log_next(l, &e));
    cr_assert(log_next(l, &e));
    cr_expect_eq(e.line, 4);
    cr_expect_not(log_next(l, &e));
    cr_expect_eq(log_info(l)->unparsed, 0);
    log_close(l);
    free(bytes);
}

/* Goal: a day that is none changes nothing for the lines behind it. */
Test(log, a_day_that_is_none)
{
    char path[64];
    struct log_entry e;
    struct log_file *l = open_text(path, FIELDS "\n" LINE_401 "\n2026-13-40"
                                                " 11:12:43 a b c\n" LINE_401 "\n");
    cr_assert(log_next(l, &e));
    cr_expect_eq(e.time_s, TIME_S);
    cr_assert(log_next(l, &e));
    cr_expect_eq(e.time_s, TIME_S);
    cr_expect_eq(log_info(l)->unparsed, 1);
    log_close(l);
}

/* Goal: a packed log is read as a plain one, and one that ends too early up to there. */
Test(log, packed)
{
    enum { LINES = 20000 };
    for (int is_cut = 0; is_cut < 2; is_cut++) {
        char path[64];
        struct log_entry e;
        struct trouble trouble;
        struct log_file *l;
        write_file(path, "", 0);
        gzFile gz = gzopen(path, "wb");
        gzputs(gz, FIELDS "\n");
        for (int i = 0; i < LINES; i++) {
            gzprintf(gz, "%s%d\n", LINE_401, i);
        }
        gzclose(gz);
        if (is_cut) {
            cr_assert_eq(truncate(path, 20000), 0);
        }
        cr_assert_eq(log_open(&l, path, LOG_FORMAT_IIS, &trouble), STATUS_OK);
        unlink(path);
        size_t num = 0;
        while (log_next(l, &e)) {
            num++;
        }
        cr_expect_str_eq(log_info(l)->compression, "gzip");
        cr_expect_eq(log_info(l)->complete, !is_cut);
        cr_expect(is_cut ? num > 0 && num < LINES : num == LINES, "%zu lines", num);
        log_close(l);
    }
}

/* Goal: no prefix of a line is read beyond its end, and none is taken for the whole but one that
 * ends inside its last column. Method: a buffer of exactly each length (a sanitizer watches). */
Test(log, every_prefix_of_a_line)
{
    struct w3c_fields fields = {.num = 0};
    w3c_directive(&fields, bytes_of(FIELDS));
    size_t whole = strlen(LINE_401);
    for (size_t len = 0; len <= whole; len++) {
        uint8_t *copy = malloc(len == 0 ? 1 : len);
        struct log_entry e;
        struct flaw flaw;
        memcpy(copy, LINE_401, len);
        enum verdict v = w3c_parse(&fields, (struct bytes){copy, len}, &e, &flaw);
        cr_expect_eq(v == VERDICT_DONE, len + 2 >= whole, "%zu of %zu bytes", len, whole);
        free(copy);
    }
}
