/* The text report: layout, hostile names, many attempts. */
#include "report_fixture.h"

#include "report/escape.h"

#include <criterion/criterion.h>
#include <stdio.h>

static char *text_of(const struct analysis *a, const struct report_options *options)
{
    char *out = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&out, &len);
    struct trouble trouble = {{0}};
    cr_assert_eq(report_text(stream, a, options, &trouble), STATUS_OK, "%s", trouble.text);
    fclose(stream);
    cr_assert_eq(strlen(out), len, "no NUL may come out");
    return out;
}

static size_t count(const char *text, const char *part)
{
    size_t num = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        num++;
    }
    return num;
}

/* The line ends with one word at the begin of its column. */
static bool ends_with_lone_word(const char *line, size_t len)
{
    size_t start = len;
    while (start > 0 && line[start - 1] != ' ') {
        start--;
    }
    return start == 0 || (start >= 2 && line[start - 2] == ' ');
}

/* Every line fits, or its last word alone is too long. */
static void check_width(const char *text, size_t width, bool ascii, bool commands)
{
    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        struct bytes b = {(const uint8_t *)line, len};
        size_t indent = strspn(line, " ");
        bool one_word = ends_with_lone_word(line, len);
        bool command = commands && indent >= 6 && strncmp(line + indent, "setspn", 6) == 0;
        cr_expect(escape_width(b, ascii) <= width || one_word || command, "%zu: %.*s", width,
                  (int)len, line);
        cr_expect(len == 0 || line[len - 1] != ' ', "blank at the end: %.*s|", (int)len, line);
        line += len + 1;
    }
}

static void make_one(struct analysis *out, struct attempt_record *a)
{
    static struct capture_summary capture;
    static struct attempt_record *attempts[1];
    capture = fixture_capture("trace.cap");
    attempts[0] = a;
    fixture_analysis(out, attempts, 1, &capture, 1);
}

Test(report_text, has_all_parts_in_order_and_the_verdict_last)
{
    struct analysis a;
    make_one(&a, fixture_refused(1));
    char *text = text_of(&a, &(struct report_options){0});
    static const char *const parts[] = {
        ("krbscope " KRBSCOPE_VERSION),
        "trace.cap",
        "netmon-2.3",
        "105 frames",
        "25.0 kB",
        "2026-11-22 11:12:41.728905",
        "UTC",
        "ATTEMPT 1",
        "REFUSED",
        "PC01$@CORP.TEST at 10.77.0.101 \xe2\x86\x92 mp03.corp.test at 10.77.0.21:80",
        "CCM_POST /ccm_system_windowsauth/request",
        "client \xe2\x86\x92 DC  DNS-QUERY A mp03.corp.test",
        "client \xe2\x86\x92 MP  TCP-CONNECT",
        "\xe2\x9c\x97    41    0.022  client \xe2\x86\x90 DC  KRB-ERROR",
        "1 resolve    ok            mp03.corp.test is 10.77.0.21 (frame 20)",
        "\xe2\x9c\x97 6 ticket     failed",
        "server minus KDC: -0.4 s, between -0.9 s and +0.1 s (frames 12 and 28)",
        "spn-missing (likely, step 6 ticket)",
        "No account holds HTTP/mp03.corp.test.",
        "frame 41  the KDC answered",
        "RFC 4120 7.5.9",
        "spn-duplicate (possible, step 6 ticket):",
        "setspn -X",
        "clock-skew: KDC and server clocks differ by 0.4 s (frames 12 and 28)",
        "\n      setspn -Q HTTP/mp03.corp.test\n",
        "\n      setspn -S HTTP/mp03.corp.test CORP\\<account that runs the pool>\n",
        "What this capture cannot show",
        "Next capture to take",
        "1 attempt: refused\n  spn-missing (likely)\n  No account holds HTTP/mp03.corp.test.\n",
    };
    const char *at = text;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *found = strstr(at, parts[i]);
        cr_assert_not_null(found, "'%s' is missing, or not in its place in:\n%s", parts[i], text);
        at = found;
    }
    cr_expect_null(strchr(text, '\x1b'), "no colour unless asked for");
    check_width(text, 80, false, true);
    free(text);
}

Test(report_text, keeps_every_width)
{
    struct analysis a;
    make_one(&a, fixture_refused(1));
    for (unsigned width = REPORT_WIDTH_MIN; width <= 200; width++) {
        for (int ascii = 0; ascii <= 1; ascii++) {
            char *text = text_of(&a, &(struct report_options){.width = width, .ascii = ascii == 1});
            check_width(text, width, ascii == 1, true);
            free(text);
        }
    }
}

Test(report_text, ascii_is_ascii)
{
    struct analysis a;
    struct attempt_record *attempt = fixture_refused(1);
    attempt->host = BYTES("m\xc3\xbcnchen.corp.test");
    make_one(&a, attempt);
    char *text = text_of(&a, &(struct report_options){.ascii = true});
    for (const char *c = text; *c != '\0'; c++) {
        cr_assert(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
    }
    cr_expect_not_null(strstr(text, "m\\xc3\\xbcnchen.corp.test"));
    cr_expect_not_null(strstr(text, "client -> DC"));
    cr_expect_not_null(strstr(text, "client <- DC"));
    cr_expect_not_null(strstr(text, "  x    41"));
    free(text);
}

Test(report_text, colour_is_all_that_colour_adds)
{
    struct analysis a;
    make_one(&a, fixture_refused(1));
    char *plain = text_of(&a, &(struct report_options){0});
    char *color = text_of(&a, &(struct report_options){.color = true});
    cr_assert_not_null(strstr(color, "\x1b[1;31m"));
    char *to = color;
    for (const char *from = color; *from != '\0';) {
        if (*from == '\x1b') {
            from += strcspn(from, "m") + 1;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    cr_expect_str_eq(plain, color);
    free(plain);
    free(color);
}

/* Goal: a hostile name neither drives the terminal nor forges a line. */
Test(report_text, hostile_names_stay_names)
{
    static const struct bytes hostile = BYTES("evil\x1b]0;x\x07\n  Verdict\n    none\0\xff\xc2\x9b"
                                              "\xe2\x80\xae<script>");
    static uint8_t long_name[70000];
    memset(long_name, 'a', sizeof long_name);
    struct bytes fields[] = {hostile, {long_name, sizeof long_name}};
    for (size_t i = 0; i < 2; i++) {
        struct analysis a;
        struct attempt_record *attempt = fixture_refused(1);
        struct frame_ref ref = {.frame = 3, .why = fields[i]};
        struct event_summary event = attempt->events[0];
        struct bytes remedy[] = {fields[i]};
        struct note note = {"x", fields[i], {&ref, 1}};
        struct finding other = {.cause = CAUSE_KDC_ERROR, .summary = fields[i]};
        attempt->host = attempt->spn = attempt->principal = attempt->uri = attempt->method =
            fields[i];
        attempt->verdict.summary = fields[i];
        attempt->verdict.evidence = (struct evidence){&ref, 1};
        attempt->verdict.remedy = remedy;
        attempt->verdict.num_remedies = 1;
        attempt->notes = attempt->cannot_show = attempt->next_capture = remedy;
        attempt->num_notes = attempt->num_cannot_show = attempt->num_next_capture = 1;
        attempt->steps[0].detail = fields[i];
        event.summary = fields[i];
        attempt->events = &event;
        attempt->num_events = 1;
        make_one(&a, attempt);
        a.notes = &note;
        a.num_notes = 1;
        a.other_failures = &other;
        a.num_other_failures = 1;
        char *text = text_of(&a, &(struct report_options){0});
        cr_expect_null(strchr(text, '\x1b'));
        cr_expect_null(strstr(text, "\n  Verdict\n    none"));
        cr_expect_null(strstr(text, "\xc2\x9b"));
        cr_expect_null(strstr(text, "\xe2\x80\xae"));
        cr_expect(escape_is_utf8(bytes_of(text)));
        cr_expect_lt(strlen(text), 40000, "a long name must not bury the report");
        free(text);
    }
}

Test(report_text, attempts_that_succeeded_take_two_lines)
{
    struct analysis a;
    make_one(&a, fixture_approved(1));
    char *text = text_of(&a, &(struct report_options){0});
    cr_expect_null(strstr(text, "The eight steps"));
    cr_expect_not_null(strstr(text, "APPROVED by Kerberos"));
    cr_expect_not_null(strstr(text, "1 attempt: approved\n"));
    free(text);
    text = text_of(&a, &(struct report_options){.all = true});
    cr_expect_not_null(strstr(text, "The eight steps"));
    free(text);
}

Test(report_text, many_attempts_stay_readable)
{
    enum { NUM = 1000 };
    static struct attempt_record *attempts[NUM];
    struct capture_summary capture = fixture_capture("trace.cap");
    struct analysis a;
    for (uint32_t i = 0; i < NUM; i++) {
        attempts[i] = i % 10 == 0 ? fixture_approved(i + 1) : fixture_refused(i + 1);
        if (i % 10 == 1) {
            attempts[i]->verdict.cause = CAUSE_CLOCK_SKEW;
        }
    }
    fixture_analysis(&a, attempts, NUM, &capture, 1);
    char *text = text_of(&a, &(struct report_options){0});
    cr_expect_eq(count(text, "\nATTEMPT "), 6, "three of each cause");
    cr_expect_not_null(strstr(text, "1000 attempts: 900 refused, 100 approved\n"));
    const char *most = strstr(text, "   800 \xc3\x97  spn-missing\n");
    const char *less = strstr(text, "   100 \xc3\x97  clock-skew\n");
    cr_assert_not_null(most);
    cr_assert_not_null(less);
    cr_expect_lt(most, less, "the most frequent cause comes first");
    cr_expect_not_null(strstr(text, "994 attempts are only counted here; --all prints every one."));
    check_width(text, 80, false, true);
    free(text);
    text = text_of(&a, &(struct report_options){.all = true});
    cr_expect_eq(count(text, "\nATTEMPT "), NUM);
    cr_expect_null(strstr(text, "only counted"));
    free(text);
}

Test(report_text, long_ladders_are_thinned_but_keep_what_counts)
{
    enum { NUM = 150 };
    static struct event_summary events[NUM];
    struct attempt_record *attempt = fixture_refused(1);
    struct analysis a;
    for (uint32_t i = 0; i < NUM; i++) {
        events[i] = fixture_event(1000 + i, i, attempt->client, attempt->server, "HTTP-REQUEST",
                                  i % 2 == 0 ? "even" : "odd");
    }
    events[70].is_failure = true;
    attempt->events = events;
    attempt->num_events = NUM;
    make_one(&a, attempt);
    char *text = text_of(&a, &(struct report_options){0});
    cr_expect_not_null(strstr(text, " 1000    0.000"));
    cr_expect_not_null(strstr(text, " 1070    0.070"));
    cr_expect_not_null(strstr(text, " 1149    0.149"));
    cr_expect_null(strstr(text, " 1080    0.080"));
    cr_expect_not_null(strstr(text, "more events (-v shows them)"));
    free(text);
    text = text_of(&a, &(struct report_options){.verbose = true});
    cr_expect_not_null(strstr(text, " 1080    0.080"));
    free(text);
    for (size_t i = 0; i < NUM; i++) {
        events[i].summary = BYTES("same");
        events[i].is_failure = false;
    }
    text = text_of(&a, &(struct report_options){0});
    cr_expect_eq(count(text, "HTTP-REQUEST"), 1);
    cr_expect_not_null(strstr(text, "(150 times, to frame 1149)"));
    free(text);
}

Test(report_text, several_files_have_letters_and_one_clock)
{
    struct capture_summary captures[30];
    static struct attempt_record *attempts[1];
    struct analysis a;
    for (size_t i = 0; i < 30; i++) {
        captures[i] = fixture_capture("trace.cap");
    }
    captures[1].clock_offset_s = -3725;
    captures[1].info.zone = CAPTURE_ZONE_UNKNOWN;
    captures[1].zone_estimated = true;
    captures[1].zone_estimate_s = -19800;
    captures[1].info.complete = false;
    trouble_set(&captures[1].info.damage, "cut at byte 77");
    captures[1].info.drops[CAPTURE_DROP_FRAME_CUT] = 1;
    attempts[0] = fixture_refused(1);
    struct event_summary event = attempts[0]->events[0];
    event.capture = 1;
    event.time_ns = FIXTURE_TIME_NS + INT64_C(3730) * 1000000000;
    const struct event_summary events[] = {attempts[0]->events[0], event};
    attempts[0]->events = events;
    attempts[0]->num_events = 2;
    fixture_analysis(&a, attempts, 1, captures, 30);
    char *text = text_of(&a, &(struct report_options){0});
    cr_expect_not_null(strstr(text, "  A   trace.cap"));
    cr_expect_not_null(strstr(text, "  AD  trace.cap"));
    cr_expect_not_null(strstr(text, "local time (about UTC-05:30)"));
    cr_expect_not_null(strstr(text, "clock -1 h 2 min to that of file A"));
    cr_expect_not_null(strstr(text, "! cut at byte 77"));
    cr_expect_not_null(strstr(text, "! 1 frame was captured shorter than it was on the wire"));
    cr_expect_not_null(strstr(text, " B:19    5.000 "), "the ladder is on one clock: %s", text);
    cr_expect_not_null(strstr(text, "frame A:41  the KDC"));
    free(text);
}

Test(report_text, says_when_there_is_nothing)
{
    struct analysis a;
    struct capture_summary capture = fixture_capture("trace.cap");
    capture.info.frames = 1;
    capture.info.has_times = false;
    capture.info.bytes = 1;
    fixture_analysis(&a, NULL, 0, &capture, 1);
    char *text = text_of(&a, &(struct report_options){0});
    cr_expect_not_null(strstr(text, "1 frame \xc2\xb7 1 byte"));
    cr_expect_not_null(strstr(text, "No attempt to log on was found.\n"));
    free(text);
}

Test(report_text, a_full_disk_is_told)
{
    struct analysis a;
    struct trouble trouble = {{0}};
    FILE *full = fopen("/dev/full", "w");
    make_one(&a, fixture_refused(1));
    cr_assert_not_null(full);
    cr_expect_eq(report_text(full, &a, &(struct report_options){0}, &trouble), STATUS_OUTPUT);
    cr_expect_str_not_empty(trouble.text);
    fclose(full);
}
