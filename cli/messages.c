/* krbscope messages: saved captures in, a line or a JSON object a message out. */
#include "report/messages.h"

#include "cli/commands.h"
#include "cli/confine.h"
#include "cli/feed.h"
#include "cli/message.h"
#include "cli/output.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#define ERROR_CODES_MAX 256 /* names of errors are looked for below */

static const char help[] =
    "Examples:\n"
    "  krbscope messages trace.cap                   a line a message\n"
    "  krbscope messages --protocol kerberos -v trace.cap\n"
    "  krbscope messages --type TGS-REQ,TGS-REP trace.cap\n"
    "  krbscope messages --error KDC_ERR_S_PRINCIPAL_UNKNOWN trace.cap\n"
    "  krbscope messages --format json trace.cap | jq -c 'select(.error_code)'\n"
    "  krbscope messages --redact trace.cap          the same without names\n"
    "\n"
    "Usage: krbscope messages [options] FILE...\n"
    "\n"
    "Prints every Kerberos, HTTP and DNS message that a capture holds, with the SPNEGO, Kerberos\n"
    "and NTLM messages nested in them, and those that SMB, LDAP, DCE/RPC and others carry. '-' is\n"
    "standard input.\n"
    "\n"
    "  --format text|json         a line, or a JSON object on a line (text)\n"
    "  --type T[,T]               only these: AS-REQ, TGS-REP, KRB-ERROR, HTTP-REQUEST,\n"
    "                             DNS-RESPONSE, NTLM-CHALLENGE, ...\n"
    "  --protocol P[,P]           only kerberos, spnego, ntlm, http, dns\n"
    "  --carrier C[,C]            only messages that udp, tcp, http, smb, ldap, dcerpc, dns or\n"
    "                             other carries, or with one so carried in it\n"
    "  --error N[,N]              only Kerberos errors of this number or name\n"
    "  -v, --verbose              all that a message says, indented below its line\n"
    "  -f, --filter FILTER        only frames that a libpcap filter lets through\n"
    "  --capture-zone +HH:MM|UTC  zone of captures that carry local time\n"
    "  --redact                   pseudonyms for names and addresses\n"
    "  --redact-key F             the same pseudonyms in every run with key file F\n"
    "  --ascii                    nothing but ASCII\n"
    "  --no-sandbox               parse without the filter of system calls\n"
    "  -h, --help                 this\n"
    "\n"
    "A message is selected by what is nested in it too. Exit status: 0, or 2 when the run "
    "failed.\n";

enum option_id {
    OPTION_FORMAT = 256, /* behind every character */
    OPTION_TYPE,
    OPTION_PROTOCOL,
    OPTION_CARRIER,
    OPTION_ERROR,
    OPTION_CAPTURE_ZONE,
    OPTION_ASCII,
    OPTION_REDACT,
    OPTION_REDACT_KEY,
    OPTION_NO_SANDBOX,
};

static const struct option long_options[] = {
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"type", required_argument, NULL, OPTION_TYPE},
    {"protocol", required_argument, NULL, OPTION_PROTOCOL},
    {"carrier", required_argument, NULL, OPTION_CARRIER},
    {"error", required_argument, NULL, OPTION_ERROR},
    {"capture-zone", required_argument, NULL, OPTION_CAPTURE_ZONE},
    {"redact", no_argument, NULL, OPTION_REDACT},
    {"redact-key", required_argument, NULL, OPTION_REDACT_KEY},
    {"ascii", no_argument, NULL, OPTION_ASCII},
    {"no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX},
    {"filter", required_argument, NULL, 'f'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* The command line. */
struct wish {
    struct messages_options messages;
    struct options options; /* what feed.h needs of them */
    struct trouble *trouble;
};

static bool fail(struct wish *w, const char *option, struct bytes value, const char *wanted)
{
    trouble_set(w->trouble, "%s: '%.*s' is not %s.", option,
                (int)(value.len < 200 ? value.len : 200),
                value.len == 0 ? "" : (const char *)value.at, wanted);
    return false;
}

static bool fail_many(struct wish *w, const char *option)
{
    trouble_set(w->trouble, "%s: at most %d in one run.", option, MESSAGES_SELECT_MAX);
    return false;
}

static bool add_type(struct wish *w, struct bytes word)
{
    struct messages_selection *s = &w->messages.selection;
    const char *type = messages_type_word(word);
    if (type == NULL) {
        return fail(w, "--type", word, "a type of message, as AS-REQ, KRB-ERROR or HTTP-REQUEST");
    }
    if (s->num_types == MESSAGES_SELECT_MAX) {
        return fail_many(w, "--type");
    }
    s->types[s->num_types++] = type;
    return true;
}

static bool add_protocol(struct wish *w, struct bytes word)
{
    struct messages_selection *s = &w->messages.selection;
    const char *protocol = messages_protocol_word(word);
    if (protocol == NULL) {
        return fail(w, "--protocol", word, "kerberos, spnego, ntlm, http or dns");
    }
    if (s->num_protocols == MESSAGES_SELECT_MAX) {
        return fail_many(w, "--protocol");
    }
    s->protocols[s->num_protocols++] = protocol;
    return true;
}

static bool add_carrier(struct wish *w, struct bytes word)
{
    struct messages_selection *s = &w->messages.selection;
    const char *carrier = messages_carrier_word(word);
    if (carrier == NULL) {
        return fail(w, "--carrier", word, "udp, tcp, http, smb, ldap, dcerpc, dns or other");
    }
    if (s->num_carriers == MESSAGES_SELECT_MAX) {
        return fail_many(w, "--carrier");
    }
    s->carriers[s->num_carriers++] = carrier;
    return true;
}

/* "7", "0x7", "KDC_ERR_S_PRINCIPAL_UNKNOWN". */
static bool read_error(struct bytes word, int32_t *code)
{
    uint64_t number = 0;
    if (bytes_to_u64(word, INT32_MAX, &number)) {
        *code = (int32_t)number;
        return true;
    }
    if (bytes_begins_nocase(word, "0x") && word.len > 2 && word.len <= 10) {
        char digits[16];
        struct text t;
        char *end;
        text_init(&t, digits, sizeof digits);
        text_add_bytes(&t, bytes_part(word, 2, word.len));
        number = strtoull(t.at, &end, 16);
        *code = (int32_t)number;
        return *end == '\0' && digits[0] != '-' && digits[0] != '+' && number <= INT32_MAX;
    }
    for (int32_t i = 0; i < ERROR_CODES_MAX; i++) {
        const char *name = krb_error_name(i);
        if (name != NULL && bytes_is_nocase(word, name)) {
            *code = i;
            return true;
        }
    }
    return false;
}

static bool add_error(struct wish *w, struct bytes word)
{
    struct messages_selection *s = &w->messages.selection;
    int32_t code = 0;
    if (!read_error(word, &code)) {
        return fail(w, "--error", word, "a number or name of a Kerberos error");
    }
    if (s->num_errors == MESSAGES_SELECT_MAX) {
        return fail_many(w, "--error");
    }
    s->errors[s->num_errors++] = code;
    return true;
}

/* Words between commas. */
static bool read_list(struct wish *w, const char *value,
                      bool (*add)(struct wish *w, struct bytes word))
{
    struct bytes list = bytes_of(value);
    for (size_t at = 0; at <= list.len;) {
        size_t end = bytes_find(list, ',', at);
        if (!add(w, bytes_trim(bytes_part(list, at, end - at)))) {
            return false;
        }
        at = end + 1;
    }
    return true;
}

static bool read_one(struct wish *w, int option, const char *value)
{
    switch (option) {
    case OPTION_FORMAT:
        w->messages.json = bytes_is(bytes_of(value), "json");
        return w->messages.json || bytes_is(bytes_of(value), "text") ||
               fail(w, "--format", bytes_of(value), "text or json");
    case OPTION_TYPE:
        return read_list(w, value, add_type);
    case OPTION_PROTOCOL:
        return read_list(w, value, add_protocol);
    case OPTION_CARRIER:
        return read_list(w, value, add_carrier);
    case OPTION_ERROR:
        return read_list(w, value, add_error);
    case OPTION_CAPTURE_ZONE:
        w->options.has_zone = true;
        return options_zone(value, &w->options.zone_s, w->trouble);
    case OPTION_REDACT:
        w->options.redact = true;
        return true;
    case OPTION_REDACT_KEY:
        w->options.redact = true;
        w->options.redact_key = value;
        return true;
    case OPTION_ASCII:
        w->messages.ascii = true;
        return true;
    case OPTION_NO_SANDBOX:
        w->options.no_sandbox = true;
        return true;
    case 'f':
        w->options.filter = value;
        return true;
    case 'v':
        w->messages.verbose = true;
        return true;
    case 'h':
        w->options.help = true;
        return true;
    default:
        return false;
    }
}

static bool read_wish(struct wish *w, int argc, char **argv)
{
    int option;
    opterr = 0;
    optind = 0; /* glibc: start over */
    while ((option = getopt_long(argc, argv, ":f:vh", long_options, NULL)) != -1) {
        if (option == '?' || option == ':') {
            return options_fail_unknown(option, argv, w->trouble);
        }
        if (!read_one(w, option, optarg)) {
            return false;
        }
    }
    w->options.files = argv + optind;
    w->options.num_files = (size_t)(argc - optind);
    w->messages.has_several = w->options.num_files > 1;
    if (w->options.num_files == 0 && !w->options.help) {
        trouble_set(w->trouble, "No capture file is named.");
        return false;
    }
    return true;
}

/* Events on their way to the page. */
struct run {
    struct feed feed;
    struct redaction *redaction;
    struct reply_tables *replies;
    struct messages *messages;
};

static void take(void *context, const struct event *e)
{
    struct run *run = context;
    struct reply reply = reply_find(run->replies, e);
    messages_write(run->messages, e, &reply, feed_zone_is_known(&run->feed, e),
                   run->feed.is_waiting);
}

static enum status print_all(struct run *run, struct wish *w)
{
    enum status status = redaction_new(&run->feed.redaction, &w->options, w->trouble);
    if (status != STATUS_OK) {
        return status;
    }
    run->redaction = run->feed.redaction;
    status = feed_open(&run->feed, &w->options, false, w->trouble);
    if (status != STATUS_OK || run->feed.num_sources == 0) {
        return status;
    }
    confine(&run->feed, &w->options);
    run->replies = reply_tables_new();
    run->messages = messages_new(stdout, &w->messages);
    if (run->replies == NULL || run->messages == NULL) {
        trouble_set(w->trouble, "There is not enough memory.");
        return STATUS_NO_MEMORY;
    }
    krb_keep_sha256(w->messages.json || w->messages.verbose);
    status = feed_run_into(&run->feed, take, run, w->trouble);
    enum status written = messages_end(run->messages, w->trouble);
    return status == STATUS_OK ? written : status;
}

int command_messages(int argc, char **argv)
{
    static struct wish wish;
    static struct run run;
    struct trouble trouble = {{0}};
    wish = (struct wish){.trouble = &trouble};
    if (!read_wish(&wish, argc, argv)) {
        return message_usage("krbscope messages", &trouble);
    }
    if (wish.options.help) {
        return fputs(help, stdout) == EOF || fflush(stdout) != 0 ? EXIT_RUN_FAILED : 0;
    }
    wish.messages.ascii = output_wants_ascii(wish.messages.ascii, isatty(STDOUT_FILENO) == 1);
    enum status status = print_all(&run, &wish);
    if (status == STATUS_USAGE) {
        (void)message_usage("krbscope messages", &trouble);
    } else if (status != STATUS_OK) {
        message(&trouble);
    }
    int result = status == STATUS_OK && run.feed.num_unreadable == 0 ? 0 : EXIT_RUN_FAILED;
    messages_free(run.messages);
    reply_tables_free(run.replies);
    feed_close(&run.feed);
    redaction_free(run.redaction);
    return result;
}
