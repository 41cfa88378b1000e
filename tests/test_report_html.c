/* The HTML report: one page of ASCII that needs nothing, whatever the wire holds. How it looks and
 * works in a browser is the business of tests/browser. */
#include "report_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

static char *html_of(const struct analysis *a, size_t *len)
{
    char *out = NULL;
    FILE *stream = open_memstream(&out, len);
    struct trouble trouble = {{0}};
    const struct report_options options = {.width = 80};
    cr_assert_eq(report_html(stream, a, &options, &trouble), STATUS_OK, "%s", trouble.text);
    fclose(stream);
    cr_assert_eq(strlen(out), *len);
    return out;
}

static size_t count(const char *text, const char *what)
{
    size_t num = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        num++;
    }
    return num;
}

static char *html_of_attempts(struct attempt_record **attempts, size_t num, size_t *len)
{
    static struct capture_summary capture;
    static struct analysis a;
    capture = fixture_capture("trace.cap");
    fixture_analysis(&a, attempts, num, &capture, 1);
    return html_of(&a, len);
}

/* Goal: the page of one attempt begins with the verdict and holds all that the analysis says.
 * Method: look for each part, in its order. */
Test(report_html, one_attempt_verdict_first)
{
    struct attempt_record *a = fixture_refused(1);
    size_t len = 0;
    char *html = html_of_attempts(&a, 1, &len);
    static const char *const parts[] = {
        "<!DOCTYPE html>",
        "Content-Security-Policy\" content=\"default-src &#x27;none&#x27;",
        "<title>refused: No account holds HTTP/mp03.corp.test.",
        "<h1 class=\"verdict\">No account holds HTTP/mp03.corp.test.</h1>",
        "<code>spn-missing</code>, likely, at step 6 <b>ticket</b>",
        "PC01$@CORP.TEST",
        "What to do",
        "<pre><code>setspn -Q HTTP/mp03.corp.test</code></pre>",
        "Evidence",
        "<a href=\"#a1-0-41\">41</a>",
        "frame.number in {41, 57}",
        "The eight steps",
        "What happened",
        "id=\"a1-0-41\"",
        "<dt>error_code</dt><dd>7</dd>",
        "Clocks",
        "Ruled out",
        "Also possible",
        "What this capture cannot show",
        "Next capture to take",
        "Captures",
    };
    const char *at = html;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *part = i == 1 ? "content=\"default-src 'none'; style-src 'sha256-" : parts[i];
        const char *found = strstr(at, part);
        cr_expect_not_null(found, "%s is not where it belongs", part);
        at = found == NULL ? at : found;
    }
    cr_expect_eq(count(html, "class=\"ar\""), a->num_events);
    cr_expect_eq(count(html, "<li class=\"good\">"), 4);
    free(html);
}

/* Goal: every realm asked for the ticket, what it said, and that it comes round again. */
Test(report_html, referrals)
{
    struct attempt_record *a = fixture_refused(1);
    size_t len = 0;
    char *without = html_of_attempts(&a, 1, &len);
    fixture_referrals(a);
    char *html = html_of_attempts(&a, 1, &len);
    static const char *const parts[] = {
        ("Referrals</h2>\n<ol><li><code>NORTH.TEST</code> at <code>10.9.8.2</code>: referred to "
         "<code>SOUTH.&#x3c;TEST&#x3e;</code> <span class=\"fr\">(frame "),
        "error KDC_ERR_POLICY (12), again: <b>a loop</b> <span class=\"fr\">(frame ",
        "<li><code>EAST.TEST</code>: kdc-not-found</li></ol>",
    };
    cr_expect_null(strstr(without, "Referrals"));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        cr_expect_not_null(strstr(html, parts[i]), "%s", parts[i]);
    }
    free(without);
    free(html);
}

/* Goal: nothing of the page is fetched, and nothing but the one style sheet and script applies. */
Test(report_html, needs_nothing)
{
    struct attempt_record *a = fixture_refused(1);
    size_t len = 0;
    char *html = html_of_attempts(&a, 1, &len);
    static const char *const banned[] = {"http:",   "https:",  "src=\"", "@import", "url(",
                                         " style=", "onclick", "<link",  "<img"};
    for (size_t i = 0; i < sizeof banned / sizeof banned[0]; i++) {
        cr_expect_null(strstr(html, banned[i]), "%s", banned[i]);
    }
    cr_expect_eq(count(html, "<script"), 1);
    cr_expect_eq(count(html, "<style"), 1);
    free(html);
}

/* Goal: a hostile name is text and nothing else, in every place where a name is written. */
Test(report_html, hostile_names_stay_names)
{
    static const struct bytes hostile =
        BYTES("<script>x</script>\"'><img src=x>&amp;\xff\x1b[31m\xe2\x80\xae\n\0end");
    struct attempt_record *a = fixture_refused(1);
    struct attempt_record *b = fixture_refused(2);
    struct attempt_record *attempts[] = {a, b};
    static struct event_summary events[1];
    static const struct event_field field[] = {{.name = "sname", .value = BYTES("<b>\xc3\xbc")}};
    events[0] = a->events[0];
    events[0].summary = hostile;
    events[0].fields = field;
    events[0].num_fields = 1;
    a->principal = a->host = a->spn = a->method = a->uri = hostile;
    a->verdict.summary = hostile;
    a->verdict.remedy = &hostile;
    a->verdict.num_remedies = 1;
    a->steps[0].detail = hostile;
    a->notes = &hostile;
    a->num_notes = 1;
    a->events = events;
    a->num_events = 1;
    for (size_t num = 1; num <= 2; num++) {
        size_t len = 0;
        char *html = html_of_attempts(attempts, num, &len);
        cr_expect_eq(count(html, "<script"), 1);
        cr_expect_eq(count(html, "<img"), 0);
        cr_expect_geq(count(html, "&#x3c;script&#x3e;"), 8);
        cr_expect_not_null(strstr(html, "&#xfffd;\\u001b[31m\\u202e\\u000a\\u0000end"));
        cr_expect_not_null(strstr(html, "<dd>&#x3c;b&#x3e;&#xfc;</dd>"));
        for (size_t i = 0; i < len; i++) {
            cr_assert(html[i] == '\n' || (html[i] >= ' ' && html[i] <= '~'), "byte %zu", i);
        }
        free(html);
    }
}

/* Goal: a page of many attempts stays small, and each of them has its row and its place.
 * Method: a thousand of them, told in full at first and briefly later. */
Test(report_html, a_thousand_attempts)
{
    enum { NUM = 1000 };
    static struct attempt_record *attempts[NUM];
    for (unsigned i = 0; i < NUM; i++) {
        attempts[i] = i % 3 == 0 ? fixture_approved(i + 1) : fixture_refused(i + 1);
        attempts[i]->client = fixture_endpoint("10.77.1.0", 40000);
        attempts[i]->client.address.octets[3] = (uint8_t)(i % 60);
        attempts[i]->first_time_ns += i * INT64_C(1000000000);
    }
    size_t len = 0;
    char *html = html_of_attempts(attempts, NUM, &len);
    cr_expect_lt(len, 5000000);
    cr_expect_eq(count(html, "<tr data-o="), NUM);
    cr_expect_eq(count(html, "<details class=\"one\">"), NUM);
    cr_expect_gt(count(html, "Told briefly"), 0);
    cr_expect_not_null(strstr(html, "<article id=\"a1000\">"));
    cr_expect_not_null(strstr(html, "666 of 1000 attempts did not end as they should."));
    cr_expect_not_null(strstr(html, "20 more clients are in the table above."));
    free(html);
}

/* Goal: one attempt with as many events as are kept stays under 1 MB. */
Test(report_html, one_long_attempt)
{
    enum { NUM = 200 };
    static struct event_summary events[NUM];
    struct attempt_record *a = fixture_refused(1);
    for (size_t i = 0; i < NUM; i++) {
        events[i] = a->events[i % a->num_events];
        events[i].frame = (uint32_t)i + 1;
    }
    a->events = events;
    a->num_events = NUM;
    a->num_events_dropped = 12;
    size_t len = 0;
    char *html = html_of_attempts(&a, 1, &len);
    cr_expect_lt(len, 1000000);
    cr_expect_eq(count(html, "class=\"ar\""), NUM);
    cr_expect_not_null(strstr(html, "12 more were seen and not kept"));
    free(html);
}

/* Goal: hosts beyond the columns of a ladder share one, and none is drawn outside it. */
Test(report_html, more_hosts_than_columns)
{
    enum { NUM = 40 };
    static struct event_summary events[NUM];
    struct attempt_record *a = fixture_refused(1);
    for (size_t i = 0; i < NUM; i++) {
        struct endpoint dns = fixture_endpoint("10.77.2.0", 53);
        dns.address.octets[3] = (uint8_t)(i + 1);
        events[i] = fixture_event((uint32_t)i + 1, (int64_t)i, a->client, dns, "DNS-QUERY", "A x");
    }
    a->events = events;
    a->num_events = NUM;
    size_t len = 0;
    char *html = html_of_attempts(&a, 1, &len);
    cr_expect_not_null(strstr(html, "<div class=\"lad l8\">"));
    cr_expect_not_null(strstr(html, "others</text>"));
    cr_expect_eq(count(html, "class=\"ar\" viewBox=\"0 0 484 24\""), NUM);
    free(html);
}

/* Goal: an empty case is a page too. */
Test(report_html, no_attempt)
{
    size_t len = 0;
    char *html = html_of_attempts(NULL, 0, &len);
    cr_expect_not_null(strstr(html, "No attempt to log on was found."));
    cr_expect_null(strstr(html, "<table class=\"attempts\""));
    free(html);
}

Test(report_html, a_full_disk_is_told)
{
    struct attempt_record *a = fixture_refused(1);
    struct capture_summary capture = fixture_capture("trace.cap");
    struct analysis analysis;
    struct trouble trouble = {{0}};
    const struct report_options options = {.width = 80};
    FILE *full = fopen("/dev/full", "w");
    fixture_analysis(&analysis, &a, 1, &capture, 1);
    if (full == NULL) {
        cr_skip("there is no /dev/full");
    }
    cr_expect_eq(report_html(full, &analysis, &options, &trouble), STATUS_OUTPUT);
    cr_expect_neq(trouble.text[0], '\0');
    fclose(full);
}
