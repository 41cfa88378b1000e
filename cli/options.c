#include "cli/options.h"

#include "base/bytes.h"
#include "report/report.h"

#include <getopt.h>

/* Options without a letter. */
enum option_id {
    OPTION_FORMAT = FIRST_LONG_OPTION,
    OPTION_TEXT,
    OPTION_JSON,
    OPTION_MARKDOWN,
    OPTION_HTML,
    OPTION_EVIDENCE,
    OPTION_EVIDENCE_FLOWS,
    OPTION_SPOOL_MAX,
    OPTION_REDACT,
    OPTION_REDACT_KEY,
    OPTION_HOST,
    OPTION_CLIENT,
    OPTION_HTTP_PORT,
    OPTION_IIS_LOG,
    OPTION_HTTPERR_LOG,
    OPTION_IIS_CONFIG,
    OPTION_CAPTURE_ZONE,
    OPTION_SKEW_LIMIT,
    OPTION_ALL,
    OPTION_COLOR,
    OPTION_ASCII,
    OPTION_WIDTH,
    OPTION_PROGRESS,
    OPTION_NO_SANDBOX,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"text", required_argument, NULL, OPTION_TEXT},
    {"json", required_argument, NULL, OPTION_JSON},
    {"markdown", required_argument, NULL, OPTION_MARKDOWN},
    {"html", required_argument, NULL, OPTION_HTML},
    {"evidence", required_argument, NULL, OPTION_EVIDENCE},
    {"evidence-flows", no_argument, NULL, OPTION_EVIDENCE_FLOWS},
    {"redact", no_argument, NULL, OPTION_REDACT},
    {"redact-key", required_argument, NULL, OPTION_REDACT_KEY},
    {"spool-max", required_argument, NULL, OPTION_SPOOL_MAX},
    {"host", required_argument, NULL, OPTION_HOST},
    {"client", required_argument, NULL, OPTION_CLIENT},
    {"http-port", required_argument, NULL, OPTION_HTTP_PORT},
    {"iis-log", required_argument, NULL, OPTION_IIS_LOG},
    {"httperr-log", required_argument, NULL, OPTION_HTTPERR_LOG},
    {"iis-config", required_argument, NULL, OPTION_IIS_CONFIG},
    {"capture-zone", required_argument, NULL, OPTION_CAPTURE_ZONE},
    {"skew-limit", required_argument, NULL, OPTION_SKEW_LIMIT},
    {"all", no_argument, NULL, OPTION_ALL},
    {"color", required_argument, NULL, OPTION_COLOR},
    {"ascii", no_argument, NULL, OPTION_ASCII},
    {"width", required_argument, NULL, OPTION_WIDTH},
    {"progress", required_argument, NULL, OPTION_PROGRESS},
    {"no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX},
    {"filter", required_argument, NULL, 'f'},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* What is known while options are read and forgotten afterwards. */
struct reading {
    struct options *options;
    struct trouble *trouble;
    bool has_format;
    enum output_format format; /* --format */
};

static bool read_format(struct reading *r, const char *value)
{
    static const char *const words[] = {[OUTPUT_TEXT] = "text",
                                        [OUTPUT_JSON] = "json",
                                        [OUTPUT_MARKDOWN] = "markdown",
                                        [OUTPUT_HTML] = "html"};
    r->has_format = true;
    for (enum output_format format = OUTPUT_TEXT; format <= OUTPUT_HTML; format++) {
        if (bytes_is(bytes_of(value), words[format])) {
            r->format = format;
            return true;
        }
    }
    return option_fail(r->trouble, "--format", value, "text, json, markdown or html");
}

static bool add_output(struct reading *r, enum output_format format, const char *path)
{
    struct options *o = r->options;
    if (path[0] == '\0') {
        trouble_set(r->trouble, "An output needs the name of a file, or - for standard output.");
        return false;
    }
    if (o->num_outputs + 1 >= OPTIONS_OUTPUTS_MAX) {
        trouble_set(r->trouble, "At most %d outputs in one run.", OPTIONS_OUTPUTS_MAX - 1);
        return false;
    }
    o->outputs[o->num_outputs++] = (struct output){.format = format, .path = path};
    return true;
}

static bool add_log(struct reading *r, enum option_log kind, const char *path)
{
    struct options *o = r->options;
    if (path[0] == '\0') {
        trouble_set(r->trouble, "--iis-log, --httperr-log and --iis-config need the name of a "
                                "file.");
        return false;
    }
    if (o->num_logs == OPTIONS_LOGS_MAX) {
        trouble_set(r->trouble, "At most %d logs in one run.", OPTIONS_LOGS_MAX);
        return false;
    }
    o->logs[o->num_logs++] = (struct named_log){.kind = kind, .path = path};
    return true;
}

/* "512M": bytes, with K, M, G or T for powers of 1024. */
static bool read_spool_max(struct reading *r, const char *value)
{
    static const char units[] = "KMGT";
    struct bytes text = bytes_of(value);
    uint64_t number = 0;
    unsigned shift = 0;
    for (unsigned i = 0; text.len > 0 && units[i] != '\0'; i++) {
        if (value[text.len - 1] == units[i]) {
            shift = 10 * (i + 1);
        }
    }
    text.len -= shift != 0;
    if (!bytes_to_u64(text, UINT64_MAX >> 1 >> shift, &number) || number == 0) {
        return option_fail(r->trouble, "--spool-max", value,
                           "a number of bytes, as in 500M or 20G");
    }
    r->options->spool_max = number << shift;
    return true;
}

static bool read_one(struct reading *r, int option, const char *value)
{
    struct options *o = r->options;
    switch (option) {
    case OPTION_FORMAT:
        return read_format(r, value);
    case OPTION_TEXT:
        return add_output(r, OUTPUT_TEXT, value);
    case OPTION_JSON:
        return add_output(r, OUTPUT_JSON, value);
    case OPTION_MARKDOWN:
        return add_output(r, OUTPUT_MARKDOWN, value);
    case OPTION_HTML:
        return add_output(r, OUTPUT_HTML, value);
    case OPTION_EVIDENCE:
        return add_output(r, OUTPUT_EVIDENCE, value);
    case OPTION_EVIDENCE_FLOWS:
        o->evidence_flows = true;
        return true;
    case OPTION_REDACT:
        o->redact = true;
        return true;
    case OPTION_REDACT_KEY:
        o->redact = true;
        o->redact_key = value;
        return true;
    case OPTION_SPOOL_MAX:
        return read_spool_max(r, value);
    case OPTION_HOST:
        return option_name(r->trouble, "--host", value, &o->hosts);
    case OPTION_CLIENT:
        return option_name(r->trouble, "--client", value, &o->clients);
    case OPTION_HTTP_PORT:
        return option_ports(r->trouble, value, &o->http_ports);
    case OPTION_IIS_LOG:
        return add_log(r, OPTION_LOG_IIS, value);
    case OPTION_HTTPERR_LOG:
        return add_log(r, OPTION_LOG_HTTPERR, value);
    case OPTION_IIS_CONFIG:
        return add_log(r, OPTION_LOG_CONFIG, value);
    case OPTION_CAPTURE_ZONE:
        o->has_zone = true;
        return options_zone(value, &o->zone_s, r->trouble);
    case OPTION_SKEW_LIMIT:
        return option_seconds(r->trouble, "--skew-limit", value, &o->skew_limit_s);
    case OPTION_COLOR:
        return option_when(r->trouble, "--color", value, &o->color);
    case OPTION_PROGRESS:
        return option_when(r->trouble, "--progress", value, &o->progress);
    case OPTION_WIDTH:
        return option_width(r->trouble, value, &o->width);
    case OPTION_ALL:
        o->all = true;
        return true;
    case OPTION_ASCII:
        o->ascii = true;
        return true;
    case OPTION_NO_SANDBOX:
        o->no_sandbox = true;
        return true;
    case OPTION_VERSION:
        o->version = true;
        return true;
    case 'f':
        o->filter = value;
        return true;
    case 'q':
        o->quiet = true;
        return true;
    case 'v':
        o->verbose = true;
        return true;
    case 'h':
        o->help = true;
        return true;
    default:
        return false;
    }
}

/* --format is for standard output, unless --text - or another form took that. */
static bool settle_outputs(struct reading *r)
{
    struct options *o = r->options;
    size_t num_standard = 0;
    for (size_t i = 0; i < o->num_outputs; i++) {
        num_standard += bytes_is(bytes_of(o->outputs[i].path), "-");
        for (size_t j = 0; j < i; j++) {
            if (bytes_is(bytes_of(o->outputs[i].path), o->outputs[j].path) &&
                !bytes_is(bytes_of(o->outputs[i].path), "-")) {
                trouble_set(r->trouble, "%.200s is given for two outputs.", o->outputs[i].path);
                return false;
            }
        }
    }
    if (num_standard > 1 || (num_standard == 1 && r->has_format)) {
        trouble_set(r->trouble, "Standard output can take one form only: leave out --format, or "
                                "give the others a file name.");
        return false;
    }
    if (num_standard == 0) {
        o->outputs[o->num_outputs++] = (struct output){.format = r->format, .path = "-"};
    }
    return true;
}

enum status options_read(struct options *out, int argc, char **argv, struct trouble *trouble)
{
    struct reading r = {.options = out, .trouble = trouble};
    int option;
    *out = (struct options){.width = REPORT_WIDTH_DEFAULT};
    opterr = 0;
    optind = 0; /* glibc: start over, even after an earlier call */
    while ((option = getopt_long(argc, argv, ":f:qvh", long_options, NULL)) != -1) {
        bool good = option == '?' || option == ':' ? options_fail_unknown(option, argv, trouble)
                                                   : read_one(&r, option, optarg);
        if (!good) {
            return STATUS_USAGE;
        }
    }
    out->files = argv + optind;
    out->num_files = (size_t)(argc - optind);
    if (out->help || out->version) {
        return STATUS_OK;
    }
    if (out->num_files == 0 && out->num_logs == 0) {
        trouble_set(trouble, "No capture file is named.");
        return STATUS_USAGE;
    }
    bool has_evidence = false;
    for (size_t i = 0; i < out->num_outputs; i++) {
        has_evidence |= out->outputs[i].format == OUTPUT_EVIDENCE;
    }
    if (out->evidence_flows && !has_evidence) {
        trouble_set(trouble, "--evidence-flows says how much --evidence takes; name its file.");
        return STATUS_USAGE;
    }
    return settle_outputs(&r) ? STATUS_OK : STATUS_USAGE;
}
