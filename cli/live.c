/* krbscope live: the same verdicts as they happen. */
#include "cli/commands.h"
#include "cli/live_run.h"
#include "cli/message.h"
#include "cli/output.h"
#include "guard/privileges.h"
#include "guard/sandbox.h"

#include "base/civil.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXIT_CLEAN 0
#define NUM_OF(array) (sizeof(array) / sizeof((array)[0]))
#define KEYS_MAX 64                     /* bytes of one line typed at the terminal */
#define TICK_LAG_NS INT64_C(1000000000) /* frames may wait so long in the kernel */

static const char help[] =
    "Examples:\n"
    "  krbscope live -i eth0                          a line as each logon ends\n"
    "  krbscope live -i any --format json             the same as NDJSON, for programs\n"
    "  krbscope live -i eth0 --json /var/log/krbscope.json --rotate-size 100\n"
    "  krbscope live -i eth0 -w ring.pcapng --ring-files 10 --ring-size 100 --evidence-dir bad\n"
    "  krbscope live --read trace.pcapng              the live path on a saved capture\n"
    "\n"
    "Usage: krbscope live [options] -i IF [-i IF]...\n"
    "       krbscope live [options] --read FILE\n"
    "       krbscope live --list-interfaces\n"
    "\n"
    "Prints a line as each attempt to log on ends, and a summary at the end, on SIGUSR1, and\n"
    "when Return is pressed. SIGHUP opens the output files anew.\n"
    "\n"
    "What is looked at:\n"
    "  -i, --interface IF         capture here; may be repeated; any: all of them\n"
    "  --list-interfaces          show what there is\n"
    "  -f, --filter FILTER        a libpcap filter instead of the default one\n"
    "  --http-port P[,P]          HTTP ports of the default filter (80,443,8080,8530,8531)\n"
    "  --every-port               no filter; HTTP and Kerberos are told by their content\n"
    "  --buffer MB                kernel buffer of each interface (64)\n"
    "  -c, --count N              end after so many frames\n"
    "  --duration S               end after so many seconds\n"
    "  --read FILE                a saved capture, by packet time; '-' is standard input\n"
    "  --host, --client, --skew-limit, --capture-zone    as in analyze\n"
    "\n"
    "What is written, and where:\n"
    "  --format text|json         form on standard output (text)\n"
    "  --text F, --json F         also write that form to file F, behind what it holds\n"
    "  --rotate-size MB           begin a new file then; the old one becomes F.1\n"
    "  --rotate-files N           old files that are kept (5)\n"
    "  --syslog TARGET            local, udp:HOST[:PORT] or tcp:HOST[:PORT]; RFC 5424\n"
    "  --metrics F                a Prometheus text file, written anew every 15 seconds\n"
    "  -w, --write F              the frames as pcapng\n"
    "  --ring-files N, --ring-size MB    so many files of that size, the oldest goes\n"
    "  --evidence-dir D           frames and report of each attempt that failed\n"
    "  --summary-every S          a summary at intervals, too\n"
    "  --all                      reports of attempts that succeeded in detail, too\n"
    "  --color auto|always|never, --ascii, --width N    as in analyze\n"
    "  -v, --verbose, -q, --quiet                       as in analyze\n"
    "\n"
    "Rights: root or the capability cap_net_raw is needed to open an interface, and given up\n"
    "at once; then parsing is confined by a filter of system calls.\n"
    "  --user NAME                the user to become when root (who called sudo, else nobody)\n"
    "  --no-sandbox               without the filter of system calls\n"
    "\n"
    "  -h, --help                 this\n"
    "  --version                  the version\n"
    "\n"
    "Exit status: 0 after a clean end, 2 the run failed.\n";

static volatile sig_atomic_t wants_end, wants_summary, wants_reopen;

static void on_signal(int number)
{
    if (number == SIGUSR1) {
        wants_summary = 1;
    } else if (number == SIGHUP) {
        wants_reopen = 1;
    } else {
        wants_end = 1;
    }
}

/* No SA_RESTART: a read that waits for frames shall notice. The second SIGINT ends at once. */
static void catch_signals(void)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
    for (size_t i = 0; i < NUM_OF(caught); i++) {
        bool is_end = caught[i] == SIGINT || caught[i] == SIGTERM;
        struct sigaction action = {.sa_handler = on_signal,
                                   .sa_flags = is_end ? (int)SA_RESETHAND : 0};
        (void)sigemptyset(&action.sa_mask);
        (void)sigaction(caught[i], &action, NULL);
    }
    (void)signal(SIGTTIN, SIG_IGN); /* a key in the background is nobody's */
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void remark(const struct live_run *run, const struct trouble *text)
{
    if (text->text[0] != '\0' && !run->command->quiet) {
        message(text);
    }
}

/* Info of the sources as it is now, for reports. */
static void refresh(struct live_run *run)
{
    for (size_t i = 0; i < run->num_captures; i++) {
        run->captures[i].info =
            run->live != NULL ? *live_info(run->live, i) : *capture_info(run->saved);
    }
    if (run->decoder != NULL) {
        run->captures[0].decoded = *decoder_stats(run->decoder);
    }
}

static void summary(struct live_run *run, const char *reason)
{
    struct analysis analysis;
    if (run->live != NULL) {
        live_count(run->live);
    }
    refresh(run);
    case_summary(run->c, &analysis);
    live_say_summary(run, &analysis, reason);
    run->summary_ns = run->now_ns;
}

/* Drops are told at once when they begin, then once a minute while they go on. */
static void watch_drops(struct live_run *run)
{
    int64_t now = clock_ns(CLOCK_MONOTONIC);
    uint64_t drops = 0;
    struct trouble text = {{0}};
    if (run->live == NULL || now - run->count_ns < LIVE_COUNT_NS) {
        return;
    }
    run->count_ns = now;
    live_count(run->live);
    for (size_t i = 0; i < run->num_captures; i++) {
        drops += live_info(run->live, i)->drops[CAPTURE_DROP_BY_SYSTEM];
    }
    bool is_due = run->warned_ns == 0 || now - run->warned_ns >= LIVE_WARN_AGAIN_NS;
    if (drops > run->drops_told && is_due) {
        trouble_set(&text,
                    "%llu frames were dropped by the system since the last look; verdicts may be "
                    "weaker. A larger --buffer or a narrower -f helps.",
                    (unsigned long long)(drops - run->drops_told));
        message(&text);
        run->drops_told = drops;
        run->warned_ns = now;
    }
    if (live_remark(run->live, &text)) {
        message(&text);
    }
}

/* Return pressed at the terminal. */
static bool key_was_pressed(bool *has_terminal)
{
    char line[KEYS_MAX];
    struct pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN};
    if (!*has_terminal || poll(&wait, 1, 0) != 1) {
        return false;
    }
    ssize_t got = read(STDIN_FILENO, line, sizeof line);
    *has_terminal = got > 0;
    return got > 0;
}

static void do_what_is_asked(struct live_run *run, bool *has_terminal)
{
    if (wants_reopen) {
        wants_reopen = 0;
        run->is_broken = !outlet_reopen(run->outlet) || run->is_broken;
    }
    if (key_was_pressed(has_terminal)) {
        wants_summary = 1;
    }
    if (wants_summary) {
        wants_summary = 0;
        summary(run, "request");
    }
}

static void do_what_is_due(struct live_run *run)
{
    const struct live_command *o = run->command;
    watch_drops(run);
    if (run->now_ns - run->metrics_ns >= LIVE_METRICS_NS || run->now_ns < run->metrics_ns) {
        run->metrics_ns = run->now_ns;
        refresh(run);
        live_say_metrics(run);
    }
    if (o->summary_s > 0 && run->first_ns != 0 &&
        (double)(run->now_ns - run->summary_ns) / 1e9 >= o->summary_s) {
        summary(run, "interval");
    }
}

static void take_event(void *context, const struct event *event)
{
    struct live_run *run = context;
    meter_event(&run->meter, event);
    case_push(run->c, event);
}

static void take_frame(void *context, size_t which, const struct frame *frame)
{
    struct live_run *run = context;
    if (frame->has_time) {
        run->now_ns = frame->time_ns;
    }
    if (run->first_ns == 0) {
        run->first_ns = run->summary_ns = run->metrics_ns = run->now_ns;
    }
    if (run->recent != NULL) {
        recent_put(run->recent, which, frame);
    }
    run->is_broken = !outlet_frame(run->outlet, which, frame) || run->is_broken;
    if (run->num_captures > 1) {
        decoder_set_capture(run->decoder, (uint16_t)which);
    }
    decoder_push(run->decoder, frame);
}

/* Between so many frames nothing but frames is looked at. */
#define FRAMES_A_ROUND 64

/* The next frames, max at most; how many. is_over: the file has no more. */
static size_t read_round(struct live_run *run, size_t max, bool *is_over)
{
    struct frame frame;
    size_t num = 0;
    if (run->live != NULL) {
        num = live_read(run->live, max, take_frame, run);
        if (num == 0) {
            run->now_ns = clock_ns(CLOCK_REALTIME);
            case_tick(run->c, run->now_ns - TICK_LAG_NS);
        }
        return num;
    }
    /* From a pipe frames may come one at a time, and signals between them. */
    while (num < max && !wants_summary && !wants_reopen && !wants_end && !*is_over) {
        *is_over = capture_next(run->saved, &frame) != CAPTURE_FRAME;
        if (!*is_over) {
            take_frame(run, 0, &frame);
            num++;
        }
    }
    return num;
}

static void read_on(struct live_run *run)
{
    const struct live_command *o = run->command;
    const int64_t began = clock_ns(CLOCK_MONOTONIC);
    bool has_terminal = run->live != NULL && isatty(STDIN_FILENO) == 1;
    uint64_t left = o->num_frames > 0 ? o->num_frames : UINT64_MAX;
    bool is_over = false;
    while (!is_over && !wants_end && !run->is_broken) {
        size_t max = left < FRAMES_A_ROUND ? (size_t)left : FRAMES_A_ROUND;
        size_t num = read_round(run, max, &is_over);
        left -= o->num_frames > 0 ? num : 0;
        int64_t passed =
            run->live != NULL ? clock_ns(CLOCK_MONOTONIC) - began : run->now_ns - run->first_ns;
        is_over =
            is_over || left == 0 || (o->duration_s > 0 && (double)passed / 1e9 >= o->duration_s);
        do_what_is_asked(run, &has_terminal);
        do_what_is_due(run);
        if (num == 0) {
            run->is_broken = !outlet_flush(run->outlet) || run->is_broken;
        }
    }
}

static void end_run(struct live_run *run)
{
    struct analysis analysis;
    if (run->live != NULL) {
        live_count(run->live);
    }
    decoder_end(run->decoder);
    refresh(run);
    if (case_end(run->c, run->captures, run->num_captures, &analysis) == STATUS_OK) {
        live_say_summary(run, &analysis, "end");
    }
    live_say_metrics(run);
}

static enum status open_input(struct live_run *run, struct trouble *trouble)
{
    const struct live_command *o = run->command;
    struct trouble text = {{0}};
    if (o->read_path != NULL) {
        const struct capture_options options = {
            .filter = o->filter, .has_zone = o->has_zone, .zone_s = o->zone_s};
        run->num_captures = 1;
        run->captures[0].path = o->read_path;
        if (bytes_is(bytes_of(o->read_path), "-") && isatty(STDIN_FILENO) == 1) {
            trouble_set(trouble, "Standard input is a terminal; pipe a capture into krbscope.");
            return STATUS_USAGE;
        }
        return capture_open(&run->saved, o->read_path, &options, trouble);
    }
    enum status status = live_open(&run->live, &o->capture, &text, trouble);
    remark(run, &text);
    run->num_captures = o->capture.num_interfaces;
    for (size_t i = 0; i < run->num_captures; i++) {
        run->captures[i].path = o->capture.interfaces[i];
        if (status == STATUS_OK && o->report.verbose) {
            live_describe(run->live, i, &text);
            remark(run, &text);
        }
    }
    return status;
}

static enum status open_case(struct live_run *run, struct trouble *trouble)
{
    const struct live_command *o = run->command;
    const struct case_options options = {.skew_limit_s = o->skew_limit_s,
                                         .hosts = o->hosts.at,
                                         .num_hosts = o->hosts.num,
                                         .clients = o->clients.at,
                                         .num_clients = o->clients.num,
                                         .all = o->all};
    const struct decoder_options none = {0};
    run->view.captures = run->captures;
    run->view.num_captures = run->num_captures;
    for (size_t i = 0; i < o->outlet.num_files; i++) {
        bool is_text = o->outlet.files[i].form == OUTLET_TEXT;
        *(is_text ? &run->wants_text : &run->wants_json) = true;
    }
    const struct case_live live = {.sink = live_say_news,
                                   .context = run,
                                   .captures = run->captures,
                                   .num_captures = run->num_captures,
                                   .is_brief = !run->wants_json && o->outlet.syslog == NULL &&
                                               o->outlet.metrics == NULL};
    run->c = case_new(&options);
    run->decoder = decoder_new(&none, take_event, run);
    run->recent = o->outlet.evidence_dir == NULL ? NULL : recent_new();
    if (run->c == NULL || run->decoder == NULL || case_go_live(run->c, &live) != STATUS_OK ||
        (o->outlet.evidence_dir != NULL && run->recent == NULL) || !live_say_open(run)) {
        trouble_set(trouble, "There is not enough memory.");
        return STATUS_NO_MEMORY;
    }
    refresh(run);
    return STATUS_OK;
}

/* no-color.org: set and not empty. */
static bool wants_color(const struct live_command *o)
{
    const char *no_color = getenv("NO_COLOR");
    if (o->color != WHEN_AUTO) {
        return o->color == WHEN_ALWAYS;
    }
    return isatty(STDOUT_FILENO) == 1 && (no_color == NULL || no_color[0] == '\0');
}

/* Devices with rights, files without, packets without either. */
static enum status prepare(struct live_run *run, struct trouble *trouble)
{
    const struct live_command *o = run->command;
    struct trouble text = {{0}};
    enum status status = open_input(run, trouble);
    if (status == STATUS_OK && (run->live != NULL || o->user != NULL)) {
        status = privileges_drop(o->user, &text, trouble);
        remark(run, &text);
    }
    if (status == STATUS_OK) {
        status = outlet_start(&run->outlet, &o->outlet, trouble);
        if (status == STATUS_OUTPUT && privileges_user()[0] != '\0') {
            struct trouble why = *trouble;
            trouble_set(trouble,
                        "%.300s (krbscope gave up root and is user %.60s now; --user "
                        "chooses another.)",
                        why.text, privileges_user());
        }
    }
    if (status == STATUS_OK) {
        status = open_case(run, trouble);
    }
    if (status == STATUS_OK && !o->no_sandbox) {
        text.text[0] = '\0';
        (void)sandbox_enter(run->live != NULL ? SANDBOX_LIVE : SANDBOX_FILES, &text);
        remark(run, &text);
    }
    return status;
}

static int run_live(struct live_command *command)
{
    static struct live_run run;
    struct trouble trouble = {{0}};
    int result = EXIT_RUN_FAILED;
    run = (struct live_run){.command = command};
    command->report.color = wants_color(command);
    command->report.ascii = output_wants_ascii(command->report.ascii, isatty(STDOUT_FILENO) == 1);
    catch_signals();
    enum status status = prepare(&run, &trouble);
    if (status == STATUS_OK) {
        read_on(&run);
        end_run(&run);
        result = EXIT_CLEAN;
        if (run.saved != NULL && !capture_info(run.saved)->complete && !command->quiet) {
            message(&capture_info(run.saved)->damage);
        }
    } else if (status == STATUS_USAGE) {
        (void)message_usage("krbscope live", &trouble);
    } else {
        message(&trouble);
    }
    if (outlet_end(run.outlet) != STATUS_OK || run.is_broken) {
        result = EXIT_RUN_FAILED;
    }
    live_say_close(&run);
    case_free(run.c);
    decoder_free(run.decoder);
    recent_free(run.recent);
    capture_close(run.saved);
    live_close(run.live);
    return result;
}

static void print_line(void *context, struct bytes text)
{
    (void)fwrite(text.at, 1, text.len, context);
    (void)fputc('\n', context);
}

int command_live(int argc, char **argv)
{
    static struct live_command command;
    struct trouble trouble = {{0}};
    if (live_options_read(&command, argc, argv, &trouble) != STATUS_OK) {
        return message_usage("krbscope live", &trouble);
    }
    if (command.version) {
        return command_version();
    }
    if (command.help) {
        return fputs(help, stdout) == EOF || fflush(stdout) != 0 ? EXIT_RUN_FAILED : EXIT_CLEAN;
    }
    if (command.list_interfaces) {
        if (live_list(print_line, stdout, &trouble) != STATUS_OK) {
            message(&trouble);
            return EXIT_RUN_FAILED;
        }
        return fflush(stdout) == 0 ? EXIT_CLEAN : EXIT_RUN_FAILED;
    }
    return run_live(&command);
}
