/* krbscope: which command is meant. */
#include "base/bytes.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "report/report.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const char help[] =
    "Examples:\n"
    "  krbscope trace.cap                   why was the client not let in?\n"
    "  krbscope client.pcapng mp.pcapng     the same case seen from both ends\n"
    "  krbscope --html case.html trace.cap  a page for the ticket as well (or --markdown)\n"
    "  krbscope --json - trace.pcapng.gz    verdicts as JSON\n"
    "  krbscope messages trace.cap          every Kerberos, HTTP and DNS message, a line each\n"
    "  krbscope live -i eth0                the same verdicts as they happen\n"
    "  krbscope explain spn-missing         what a verdict means\n"
    "  krbscope explain 0x7                 what an error number means\n"
    "\n"
    "Usage: krbscope FILE...                the same as krbscope analyze FILE...\n"
    "       krbscope analyze [options] FILE...\n"
    "       krbscope messages [options] FILE...\n"
    "       krbscope live [options] -i IF\n"
    "       krbscope explain [WORD]\n"
    "       krbscope --version | --help\n"
    "\n"
    "krbscope reads packet captures, ties DNS, Kerberos and HTTP logons together, and names the\n"
    "cause of each logon that failed, with the frames that prove it and what to do about it.\n"
    "\n"
    "Every command has --help. The manual is krbscope(1).\n";

int command_version(void)
{
    bool good = puts("krbscope " KRBSCOPE_VERSION) != EOF && fflush(stdout) == 0;
    return good ? 0 : EXIT_RUN_FAILED;
}

int command_help(void)
{
    bool good = fputs(help, stdout) != EOF && fflush(stdout) == 0;
    return good ? 0 : EXIT_RUN_FAILED;
}

/* A word that is no command and looks like no file: more likely a command that is meant. */
static bool is_mistaken_command(const char *word)
{
    struct bytes b = bytes_of(word);
    for (size_t i = 0; i < b.len; i++) {
        if (b.at[i] < 'a' || b.at[i] > 'z') {
            return false;
        }
    }
    return b.len > 0 && access(word, F_OK) != 0;
}

int main(int argc, char **argv)
{
    struct trouble trouble = {{0}};
    /* A reader that goes away (krbscope … | head) is an output error, not a silent death. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        trouble_set(&trouble, "No capture file is named.");
        return message_usage("krbscope", &trouble);
    }
    struct bytes word = bytes_of(argv[1]);
    if (bytes_is(word, "analyze")) {
        return command_analyze("krbscope analyze", argc - 1, argv + 1);
    }
    if (bytes_is(word, "messages")) {
        return command_messages(argc - 1, argv + 1);
    }
    if (bytes_is(word, "live")) {
        return command_live(argc - 1, argv + 1);
    }
    if (bytes_is(word, "explain")) {
        return command_explain(argc - 1, argv + 1);
    }
    if (is_mistaken_command(argv[1])) {
        trouble_set(&trouble, "'%.100s' is neither a command nor a file.", argv[1]);
        return message_usage("krbscope", &trouble);
    }
    return command_analyze("krbscope", argc, argv);
}
