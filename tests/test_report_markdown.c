/* The Markdown report: the order of its parts, and that names of the wire stay names. */
#include "report/markdown_words.h"
#include "report_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

static char *markdown_of(struct attempt_record **attempts, size_t num, bool ascii)
{
    char *out = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&out, &len);
    struct trouble trouble = {{0}};
    struct capture_summary capture = fixture_capture("trace.cap");
    struct analysis a;
    const struct report_options options = {.ascii = ascii};
    fixture_analysis(&a, attempts, num, &capture, 1);
    cr_assert_eq(report_markdown(stream, &a, &options, &trouble), STATUS_OK, "%s", trouble.text);
    fclose(stream);
    cr_assert_eq(strlen(out), len);
    return out;
}

static char *words_of(struct bytes text, bool is_table)
{
    char *out = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&out, &len);
    const struct markdown_words w = {.out = stream, .is_table = is_table};
    markdown_prose(&w, text);
    fclose(stream);
    return out;
}

/* Goal: all parts are there, the verdict first. */
Test(report_markdown, one_attempt_verdict_first)
{
    struct attempt_record *a = fixture_refused(1);
    char *text = markdown_of(&a, 1, false);
    static const char *const parts[] = {
        "# Logon report\n\n1 attempt: refused.\n\n## Attempt 1: refused, `spn-missing`\n\n",
        "**No account holds `HTTP/mp03.corp.test`.** (likely, step 6 ticket)\n",
        "- Client: `PC01$@CORP.TEST` at `10.77.0.101`\n",
        "- Request: `CCM_POST` `/ccm_system_windowsauth/request`\n",
        "### Remedy\n\nLook whether any account holds the name:\n\n```text\nsetspn -Q "
        "HTTP/mp03.corp.test\n```\n",
        "### Evidence\n\n- Frame 41: the KDC answered `KDC_ERR_S_PRINCIPAL_UNKNOWN` for ",
        "| 6 ticket | Get a ticket for the server | **failed** | "
        "`KDC_ERR_S_PRINCIPAL_UNKNOWN` (7) for `HTTP/mp03.corp.test` from `10.77.0.10` (frame 41) "
        "|\n",
        "### What happened\n\n```text\n",
        "### Clocks (limit 300 s)\n\n- server minus KDC: -0.4 s",
        "### Also possible\n",
        "### Ruled out\n",
        "### What this capture cannot show\n",
        "### Next capture to take\n",
        "## Capture\n\n- `trace.cap`: netmon-2.3, 105 frames",
    };
    const char *at = text;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *found = strstr(at, parts[i]);
        cr_expect_not_null(found, "%s", parts[i]);
        at = found == NULL ? at : found;
    }
    free(text);
}

/* Goal: every realm asked for the ticket, what it said, and that it comes round again. */
Test(report_markdown, referrals)
{
    struct attempt_record *a = fixture_refused(1);
    char *without = markdown_of(&a, 1, false);
    fixture_referrals(a);
    char *text = markdown_of(&a, 1, false);
    cr_expect_null(strstr(without, "Referrals"));
    cr_expect_not_null(
        strstr(text, "### Referrals\n\n"
                     "- `NORTH.TEST` at `10.9.8.2`: referred to `SOUTH.<TEST>` (frame 82)\n"
                     "- `NORTH.TEST` at `10.9.8.2`: error `KDC_ERR_POLICY` (12), again: a loop "
                     "(frame 102)\n"
                     "- `EAST.TEST`: kdc-not-found\n"),
        "%s", text);
    free(without);
    free(text);
}

/* Goal: what means something in Markdown or HTML stands in a code span, whose fence is longer than
 * any in it; plain words stay plain. Method: words in, Markdown out. */
Test(report_markdown, words)
{
    static const struct {
        struct bytes in;
        const char *out, *table;
    } cases[] = {
        {BYTES("the KDC's answer, 7 (or 8): it doesn't."),
         "the KDC's answer, 7 (or 8): it doesn't.", NULL},
        {BYTES("between -0.5 s and 0.25 s"), "between -0.5 s and 0.25 s", NULL},
        {BYTES("for HTTP/mp.corp.test."), "for `HTTP/mp.corp.test`.", NULL},
        {BYTES("(PC01$@CORP.TEST)"), "(`PC01$@CORP.TEST`)", NULL},
        {BYTES("<script>alert(1)</script>"), "`<script>alert(1)</script>`", NULL},
        {BYTES("a`b ``c"), "`` a`b `` ``` ``c ```", NULL},
        {BYTES("# - + * > | 1. 2)"), "`#` `-` `+` `*` `>` `|` 1. 2)",
         "`#` `-` `+` `*` `>` `\\|` 1. 2)"},
        {BYTES("1. first"), "`1.` first", NULL},
        {BYTES("[x](javascript:y) ![z](w)"), "`[x](javascript:y`) `![z](w`)", NULL},
        {BYTES("www.evil.test &amp; _x_ \\n"), "`www.evil.test` `&amp`; `_x_` `\\n`", NULL},
        {BYTES("a|b"), "`a|b`", "`a\\|b`"},
        {BYTES("x\ny\x1b\xff"), "`x\\x0ay\\x1b\\xff`", NULL},
        {BYTES("  two  blanks "), "two blanks", NULL},
        {BYTES("---"), "`---`", NULL},
        {BYTES(""), "", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *plain = words_of(cases[i].in, false);
        char *table = words_of(cases[i].in, true);
        cr_expect_str_eq(plain, cases[i].out, "%zu: %s", i, plain);
        cr_expect_str_eq(table, cases[i].table == NULL ? cases[i].out : cases[i].table, "%zu: %s",
                         i, table);
        free(plain);
        free(table);
    }
}

/* Goal: a hostile name breaks no block: every fence of ours is closed by ours, no line begins with
 * what the name wants it to begin with, and nothing is HTML. */
Test(report_markdown, hostile_names_stay_names)
{
    static const struct bytes hostile =
        BYTES("```\n# forged\n<script>x</script> | **bold** ` \xe2\x80\xae![](http://x) \xff");
    struct attempt_record *a = fixture_refused(1);
    static struct event_summary events[1];
    events[0] = a->events[0];
    events[0].summary = hostile;
    a->principal = a->host = a->spn = a->method = a->uri = hostile;
    a->verdict.summary = hostile;
    a->verdict.remedy = &hostile;
    a->verdict.num_remedies = 1;
    a->steps[0].detail = hostile;
    a->events = events;
    a->num_events = 1;
    for (int ascii = 0; ascii < 2; ascii++) {
        char *text = markdown_of(&a, 1, ascii == 1);
        cr_expect_null(strstr(text, "\n# forged"));
        cr_expect_null(strstr(text, "\xe2\x80\xae"));
        cr_expect_null(strstr(text, "\xff"));
        size_t fence = 0;
        char *rest = text;
        for (char *line = strtok_r(text, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest)) {
            size_t run = strspn(line, "`");
            if (fence > 0) {
                fence = run >= fence && line[run] == '\0' ? 0 : fence;
            } else if (run >= 3 && strcmp(line + run, "text") == 0) {
                fence = run;
            } else if (line[0] == '|' && line[2] == '1') {
                cr_expect_not_null(strstr(line, "`\\|` `**bold**`"), "%s", line);
            }
        }
        cr_expect_eq(fence, 0);
        free(text);
    }
}

/* Goal: with many attempts a few of each cause are told, and the rest counted. */
Test(report_markdown, many_attempts)
{
    enum { NUM = 60 };
    struct attempt_record *attempts[NUM];
    for (unsigned i = 0; i < NUM; i++) {
        attempts[i] = fixture_refused(i + 1);
    }
    char *text = markdown_of(attempts, NUM, false);
    cr_expect_not_null(
        strstr(text, "- 60 attempts of 1 client refused, `spn-missing`: No account"));
    cr_expect_not_null(strstr(text, "### Attempt 3: Ruled out"));
    cr_expect_null(strstr(text, "## Attempt 4"));
    cr_expect_not_null(strstr(text, "57 more attempts are only counted here."));
    free(text);
}

Test(report_markdown, approved_attempts_are_short)
{
    struct attempt_record *attempts[] = {fixture_refused(1), fixture_approved(2)};
    char *text = markdown_of(attempts, 2, false);
    cr_expect_not_null(strstr(text, "## Other attempts\n\n- Attempt 2, approved by Kerberos: "
                                    "`PC01$@CORP.TEST` to `mp03.corp.test`\n"));
    free(text);
}
