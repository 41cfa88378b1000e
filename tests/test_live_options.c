/* The command line of live: values arrive where they belong, what is none is told, and options that
 * need a whole capture are answered with the way to have them.
 */
#include "cli/live_options.c"
#include "cli/option_values.c"

#include <criterion/criterion.h>
#include <string.h>

#define ARGUMENTS_MAX 32

static struct live_command command;
static struct trouble trouble;

/* Reads "live " + line split at blanks. */
static enum status read_line(const char *line)
{
    static char words[256];
    char *arguments[ARGUMENTS_MAX + 1] = {"live"};
    int num = 1;
    cr_assert(strlen(line) < sizeof words);
    strcpy(words, line);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
        cr_assert(num < ARGUMENTS_MAX);
        arguments[num++] = word;
    }
    trouble = (struct trouble){{0}};
    return live_options_read(&command, num, arguments, &trouble);
}

Test(live_options, arrive)
{
    cr_assert_eq(read_line("-i eth0 -i any --http-port 80,8530 --buffer 16 -c 7 --duration 1.5 "
                           "--host mp --client 10.0.0.1 --skew-limit 60 --width 120"),
                 STATUS_OK, "%s", trouble.text);
    cr_expect_eq(command.capture.num_interfaces, 2);
    cr_expect_str_eq(command.capture.interfaces[1], "any");
    cr_expect_eq(command.capture.num_http_ports, 2);
    cr_expect_eq(command.capture.http_ports[1], 8530);
    cr_expect_eq(command.capture.buffer_mb, 16);
    cr_expect_eq(command.num_frames, 7);
    cr_expect_eq(command.duration_s, 1.5);
    cr_expect_eq(command.hosts.num, 1);
    cr_expect_str_eq(command.clients.at[0], "10.0.0.1");
    cr_expect_eq(command.skew_limit_s, 60);
    cr_expect_eq(command.report.width, 120);
}

Test(live_options, of_a_ring)
{
    cr_assert_eq(read_line("--read x -w r.pcapng --ring-size 3"), STATUS_OK);
    cr_expect_eq(command.outlet.ring_bytes, 3 * BYTES_PER_MB);
    cr_expect_eq(command.outlet.ring_files, OUTLET_RING_FILES_DEFAULT);
    cr_assert_eq(read_line("--read x -w r.pcapng --ring-files 3"), STATUS_OK);
    cr_expect_eq(command.outlet.ring_bytes, (uint64_t)OUTLET_RING_MB_DEFAULT * BYTES_PER_MB);
    cr_assert_eq(read_line("--read x -w r.pcapng"), STATUS_OK);
    cr_expect_eq(command.outlet.ring_files, 1);
    cr_expect_eq(command.outlet.ring_bytes, 0);
}

Test(live_options, that_are_none_are_told)
{
    static const struct {
        const char *line, *told;
    } cases[] = {
        {"", "No interface is named"},
        {"-i a --read b", "exclude each other"},
        {"-i a -i a", "given twice"},
        {"-i a x", "'x' is no option"},
        {"-i a -f x --every-port", "exclude each other"},
        {"-i a --buffer 0", "--buffer: '0' is not a number from 1 to 2047"},
        {"-i a --buffer 4000", "--buffer"},
        {"-i a --duration -1", "--duration: '-1' is not a number of seconds above 0"},
        {"-i a --width 39", "--width: '39' is not"},
        {"-i a --color blue", "--color: 'blue' is not auto, always or never"},
        {"-i a --format html", "--format: 'html' is not text or json"},
        {"-i a --ring-files 2", "need -w"},
        {"-i a --ring-files 10001 -w x", "--ring-files"},
        {"-i a --json x --text x", "given for two outputs"},
        {"-i a --http-port 80,", "--http-port: '80,' is not"},
        {"-i a --nonsense", "unknown option '--nonsense'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(read_line(cases[i].line), STATUS_USAGE, "%s", cases[i].line);
        cr_expect(strstr(trouble.text, cases[i].told) != NULL, "%s: %s", cases[i].line,
                  trouble.text);
    }
}

/* Pseudonyms are drawn in a copy of the capture, which a run that never ends has not. */
Test(live_options, of_whole_captures_are_answered)
{
    static const char *const lines[] = {"-i a --redact", "-i a --redact-key=k", "--iis-log l -i a",
                                        "-i a --html=h"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        cr_expect_eq(read_line(lines[i]), STATUS_USAGE, "%s", lines[i]);
        cr_expect(strstr(trouble.text, "is for saved captures: keep the frames with -w") != NULL,
                  "%s: %s", lines[i], trouble.text);
    }
}
