/* krbscope analyze: saved captures in, verdicts out. */
#include "cli/commands.h"
#include "cli/confine.h"
#include "cli/feed.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXIT_LET_IN 0
#define EXIT_KEPT_OUT 1
#define EXIT_NO_ATTEMPT 3

static const char help[] =
    "Examples:\n"
    "  krbscope analyze trace.cap                    what went wrong, and what to do\n"
    "  krbscope analyze --html report.html trace.cap a page for the ticket as well\n"
    "  krbscope analyze --json - trace.pcapng        the same as JSON\n"
    "  krbscope analyze client.cap mp.cap dc.cap     one case seen from three places\n"
    "  krbscope analyze --host mp.example.com big.pcapng.gz\n"
    "  tcpdump -w - 'port 53 or 80 or 88' | krbscope analyze -\n"
    "  krbscope --iis-log u_ex261122.log mp.cap       with what the server logged\n"
    "  krbscope --iis-log u_ex261122.log              the log alone: who was refused\n"
    "\n"
    "Usage: krbscope analyze [options] FILE...\n"
    "\n"
    "Reads saved captures (pcap, pcapng, Network Monitor; gzip, zstd, xz, lz4) and names the\n"
    "cause of every logon that failed. '-' is standard input.\n"
    "\n"
    "What is written, and where:\n"
    "  --format text|json|markdown|html\n"
    "                             form on standard output (text)\n"
    "  --text F, --json F, --markdown F, --html F\n"
    "                             also write that form to file F; '-' is standard output\n"
    "  --evidence F               pcapng file F with only the frames that the report rests on\n"
    "  --evidence-flows           … and all of the connections they belong to\n"
    "  --redact                   pseudonyms for names and addresses, nothing secret, in all "
    "outputs\n"
    "  --redact-key F             the same pseudonyms in every run with key file F\n"
    "  --spool-max BYTES          room for captures from pipes that are read again (8G)\n"
    "  --all                      in detail: attempts that succeeded, and other failures\n"
    "  --color auto|always|never  colour (auto: on a terminal, unless NO_COLOR is set)\n"
    "  --ascii                    nothing but ASCII\n"
    "  --width N                  columns of the text report, 40 to 1000 (80)\n"
    "  -v, --verbose              every event, every note\n"
    "  -q, --quiet                no progress and no remarks on standard error\n"
    "  --progress auto|always|never\n"
    "\n"
    "What is looked at:\n"
    "  --host NAME|ADDR           only attempts at this server; may be repeated\n"
    "  --client NAME|ADDR         only attempts of this client; may be repeated\n"
    "  --no-sandbox               parse without the filter of system calls\n"
    "  -f, --filter FILTER        only frames that a libpcap filter lets through\n"
    "  --http-port P[,P]          a hint; HTTP is found on every port anyway\n"
    "  --capture-zone +HH:MM|UTC  zone of captures that carry local time\n"
    "  --skew-limit S             clocks may differ by so many seconds (300)\n"
    "\n"
    "Witnesses on the server's side; each may be repeated, and packed like a capture:\n"
    "  --iis-log F                IIS log in W3C format (u_ex*.log)\n"
    "  --httperr-log F            error log of HTTP.sys (httperr*.log)\n"
    "  --iis-config F             applicationHost.config\n"
    "With such a log no capture is needed.\n"
    "\n"
    "  -h, --help                 this\n"
    "  --version                  the version\n"
    "\n"
    "Exit status: 0 every logon succeeded, 1 one was refused, failed or let in anonymously,\n"
    "2 the run failed, 3 no attempt was found or the capture shows no end of any. Where a\n"
    "capture shows no attempt, the tries in the logs count.\n";

static bool wants_progress(const struct options *options)
{
    if (options->progress != WHEN_AUTO) {
        return options->progress == WHEN_ALWAYS;
    }
    return !options->quiet && isatty(STDERR_FILENO) == 1;
}

static int exit_status(const struct analysis *a)
{
    uint64_t num_bad = a->by_outcome[OUTCOME_REFUSED] + a->by_outcome[OUTCOME_FAILED] +
                       a->by_outcome[OUTCOME_ACCEPTED_ANONYMOUS];
    uint64_t num_good = a->by_outcome[OUTCOME_APPROVED] + a->by_outcome[OUTCOME_APPROVED_NTLM];
    if (num_bad + num_good == 0) { /* no attempt with an end: the logs speak */
        num_bad = a->logs.num_bad_clients;
        num_good = a->logs.num_clients_by_outcome[OUTCOME_APPROVED];
    }
    if (num_bad > 0) {
        return EXIT_KEPT_OUT;
    }
    return num_good > 0 ? EXIT_LET_IN : EXIT_NO_ATTEMPT;
}

/* One entry a readable file, for case_end(). NULL: no memory. */
static struct capture_summary *summaries_new(const struct feed *f)
{
    struct capture_summary *summaries = calloc(f->num_sources + 1, sizeof *summaries);
    for (size_t i = 0; summaries != NULL && i < f->num_sources; i++) {
        summaries[i].path = f->sources[i].path;
        summaries[i].info = f->sources[i].info;
        summaries[i].decoded = f->sources[i].decoded;
    }
    return summaries;
}

/* The exit status, or EXIT_RUN_FAILED with trouble. */
static int judge_and_write(struct case_file *c, struct feed *f, struct witnesses *w,
                           const struct options *options, struct output_files *outputs,
                           struct trouble *trouble)
{
    struct analysis analysis = {0};
    int result = EXIT_RUN_FAILED;
    if (feed_run(f, c, trouble) != STATUS_OK) {
        return EXIT_RUN_FAILED;
    }
    struct capture_summary *summaries = summaries_new(f);
    if (summaries != NULL && w->num > 0) {
        case_settle(c, summaries, f->num_sources);
        if (witnesses_run(w, c, trouble) != STATUS_OK) {
            free(summaries);
            return EXIT_RUN_FAILED;
        }
    }
    if (summaries == NULL || case_end(c, summaries, f->num_sources, &analysis) != STATUS_OK) {
        trouble_set(trouble, "There is not enough memory for the report.");
    } else {
        analysis.captures = summaries;
        analysis.num_captures = f->num_sources;
        if (f->redaction != NULL) {
            redaction_tell(f->redaction, &analysis);
        }
        if (output_write(outputs, f, options, &analysis, trouble) == STATUS_OK) {
            result = f->num_unreadable + w->num_unreadable > 0 ? EXIT_RUN_FAILED
                                                               : exit_status(&analysis);
        }
    }
    analysis_free(&analysis);
    free(summaries);
    return result;
}

static int analyze(const char *name, struct options *options)
{
    struct trouble trouble = {{0}};
    struct output_files outputs = {0};
    struct feed feed = {0};
    struct witnesses witnesses = {0};
    struct case_file *c = NULL;
    int result = EXIT_RUN_FAILED;
    const struct case_options case_options = {
        .skew_limit_s = options->skew_limit_s,
        .hosts = options->hosts.at,
        .num_hosts = options->hosts.num,
        .clients = options->clients.at,
        .num_clients = options->clients.num,
        .all = options->all,
        .has_logs = options->num_logs > 0,
    };
    enum status status = redaction_new(&feed.redaction, options, &trouble);
    struct redaction *redaction = feed.redaction;
    witnesses.redaction = redaction;
    if (status == STATUS_OK) {
        status = output_open(&outputs, options, &trouble);
    }
    if (status == STATUS_OK) {
        status = feed_open(&feed, options, wants_progress(options), &trouble);
    }
    if (status == STATUS_OK) {
        status = witnesses_open(&witnesses, options, wants_progress(options), &trouble);
    }
    if (status == STATUS_OK && feed.num_sources + witnesses.num > 0) {
        confine(&feed, options);
        c = case_new(&case_options);
        if (c == NULL) {
            trouble_set(&trouble, "There is not enough memory.");
        } else {
            result = judge_and_write(c, &feed, &witnesses, options, &outputs, &trouble);
        }
    }
    if (status == STATUS_USAGE) {
        (void)message_usage(name, &trouble);
    } else if (trouble.text[0] != '\0') {
        message(&trouble);
    }
    case_free(c);
    witnesses_close(&witnesses);
    feed_close(&feed);
    output_close(&outputs);
    redaction_free(redaction);
    return result;
}

int command_analyze(const char *name, int argc, char **argv)
{
    static struct options options;
    struct trouble trouble = {{0}};
    if (options_read(&options, argc, argv, &trouble) != STATUS_OK) {
        return message_usage(name, &trouble);
    }
    if (options.version) {
        return command_version();
    }
    if (options.help) {
        return bytes_is(bytes_of(name), "krbscope")                ? command_help()
               : fputs(help, stdout) == EOF || fflush(stdout) != 0 ? EXIT_RUN_FAILED
                                                                   : EXIT_LET_IN;
    }
    return analyze(name, &options);
}
