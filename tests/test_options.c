/* The command line of analyze. */
#include "cli/option_values.c"
#include "cli/options.c"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MAX 32

static struct options options;
static struct trouble trouble;
static char words[ARGUMENTS_MAX][128];
static char *arguments[ARGUMENTS_MAX + 1];

/* Reads "krbscope " + line split at blanks. */
static enum status read_line(const char *line)
{
    int num = 1;
    strcpy(words[0], "krbscope");
    for (size_t at = 0; line[at] != '\0';) {
        size_t len = strcspn(line + at, " ");
        cr_assert_lt(num, ARGUMENTS_MAX);
        snprintf(words[num++], sizeof words[0], "%.*s", (int)len, line + at);
        at += len + (line[at + len] == ' ');
    }
    for (int i = 0; i < num; i++) {
        arguments[i] = words[i];
    }
    arguments[num] = NULL;
    trouble.text[0] = '\0';
    return options_read(&options, num, arguments, &trouble);
}

Test(options, one_file_and_defaults)
{
    cr_assert_eq(read_line("trace.cap"), STATUS_OK);
    cr_expect_eq(options.num_files, 1);
    cr_expect_str_eq(options.files[0], "trace.cap");
    cr_expect_eq(options.num_outputs, 1);
    cr_expect_eq(options.outputs[0].format, OUTPUT_TEXT);
    cr_expect_str_eq(options.outputs[0].path, "-");
    cr_expect_eq(options.width, 80);
    cr_expect_not(options.has_zone);
    cr_expect_null(options.filter);
}

Test(options, every_option_is_taken)
{
    cr_assert_eq(read_line("a.cap --host mp --client 10.0.0.1 --http-port 80,8530 --all --ascii "
                           "--color never --progress always -q -v --width 120"),
                 STATUS_OK);
    cr_expect_str_eq(options.hosts.at[0], "mp");
    cr_expect_str_eq(options.clients.at[0], "10.0.0.1");
    cr_expect_eq(options.http_ports.num, 2);
    cr_expect_eq(options.http_ports.at[1], 8530);
    cr_expect(options.all && options.ascii && options.quiet && options.verbose);
    cr_expect_eq(options.color, WHEN_NEVER);
    cr_expect_eq(options.progress, WHEN_ALWAYS);
    cr_expect_eq(options.width, 120);
    cr_assert_eq(read_line("-f host x --skew-limit 0.5 --capture-zone -05:30"), STATUS_OK);
    cr_expect_str_eq(options.filter, "host");
    cr_expect_float_eq(options.skew_limit_s, 0.5, 1e-12);
    cr_expect_eq(options.zone_s, -19800);
}

Test(options, outputs_mix_and_share_no_standard_output)
{
    cr_assert_eq(read_line("--json r.json a.cap"), STATUS_OK);
    cr_assert_eq(options.num_outputs, 2);
    cr_expect_str_eq(options.outputs[0].path, "r.json");
    cr_expect_eq(options.outputs[1].format, OUTPUT_TEXT);
    cr_assert_eq(read_line("--json - --text r.txt a.cap"), STATUS_OK);
    cr_assert_eq(options.num_outputs, 2);
    cr_expect_eq(options.outputs[0].format, OUTPUT_JSON);
    cr_assert_eq(read_line("--format json a.cap"), STATUS_OK);
    cr_assert_eq(options.num_outputs, 1);
    cr_expect_eq(options.outputs[0].format, OUTPUT_JSON);
    cr_expect_eq(read_line("--json - --text - a.cap"), STATUS_USAGE);
    cr_expect_eq(read_line("--format text --json - a.cap"), STATUS_USAGE);
    cr_expect_eq(read_line("--json x --text x a.cap"), STATUS_USAGE);
}

Test(options, zones)
{
    static const struct {
        const char *text;
        int32_t seconds;
    } good[] = {{"UTC", 0},       {"utc", 0},         {"Z", 0},         {"+00:00", 0},
                {"+02:00", 7200}, {"-05:30", -19800}, {"+0545", 20700}, {"+1", 3600},
                {"-11", -39600},  {"+14:00", 50400}};
    static const char *const bad[] = {"",      "2",       "02:00", "+24:00", "+18:00",
                                      "+2:60", "+02:0",   "+:30",  "++2",    "+02:000",
                                      "CET",   "+02:00x", "-",     "+123456"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int32_t zone_s = -1;
        cr_expect(options_zone(good[i].text, &zone_s, &trouble), "%s", good[i].text);
        cr_expect_eq(zone_s, good[i].seconds, "%s: %d", good[i].text, zone_s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int32_t zone_s = -1;
        cr_expect_not(options_zone(bad[i], &zone_s, &trouble), "%s", bad[i]);
    }
}

Test(options, wrong_lines_are_refused_with_a_reason)
{
    static const struct {
        const char *line, *reason;
    } cases[] = {
        {"--nonsense a.cap", "unknown option '--nonsense'"},
        {"-z a.cap", "unknown option '-z'"},
        {"a.cap --all=yes", "takes no value"},
        {"a.cap --verbose=yes", "takes no value"},
        {"a.cap -f", "needs a value"},
        {"a.cap --host", "needs a value"},
        {"--format xml a.cap", "text, json, markdown or html"},
        {"--color sometimes a.cap", "auto, always or never"},
        {"--progress 1 a.cap", "auto, always or never"},
        {"--width 39 a.cap", "40 to 1000"},
        {"--width 1001 a.cap", "40 to 1000"},
        {"--width 80x a.cap", "40 to 1000"},
        {"--skew-limit 0 a.cap", "above 0"},
        {"--skew-limit -5 a.cap", "above 0"},
        {"--skew-limit inf a.cap", "above 0"},
        {"--skew-limit 5x a.cap", "above 0"},
        {"--http-port 0 a.cap", "1 to 65535"},
        {"--http-port 80, a.cap", "1 to 65535"},
        {"--http-port 65536 a.cap", "1 to 65535"},
        {"--capture-zone CET a.cap", "UTC"},
        {"--all", "No capture file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(read_line(cases[i].line), STATUS_USAGE, "%s", cases[i].line);
        cr_expect_not_null(strstr(trouble.text, cases[i].reason), "%s: %s", cases[i].line,
                           trouble.text);
    }
}

Test(options, help_needs_nothing_else)
{
    cr_expect_eq(read_line("--help"), STATUS_OK);
    cr_expect(options.help);
    cr_expect_eq(read_line("--version"), STATUS_OK);
    cr_expect(options.version);
}

Test(options, too_many_are_refused)
{
    struct reading r = {.options = &options, .trouble = &trouble};
    for (size_t i = 0; i < OPTIONS_HOSTS_MAX; i++) {
        cr_assert(option_name(&trouble, "--host", "x", &options.hosts));
    }
    cr_expect_not(option_name(&trouble, "--host", "x", &options.hosts));
    options.num_outputs = 0;
    for (size_t i = 0; i + 1 < OPTIONS_OUTPUTS_MAX; i++) {
        cr_assert(add_output(&r, OUTPUT_TEXT, "x"));
    }
    cr_expect_not(add_output(&r, OUTPUT_TEXT, "x"));
}
