#include "cli/live_options.h"

#include "base/bytes.h"

#include <getopt.h>

#define BYTES_PER_MB 1048576
#define MB_MAX 1048576     /* of a file: a terabyte */
#define BUFFER_MB_MAX 2047 /* what libpcap takes */

enum option_id {
    OPTION_LIST = FIRST_LONG_OPTION,
    OPTION_EVERY_PORT,
    OPTION_HTTP_PORT,
    OPTION_BUFFER,
    OPTION_DURATION,
    OPTION_READ,
    OPTION_FORMAT,
    OPTION_TEXT,
    OPTION_JSON,
    OPTION_ROTATE_SIZE,
    OPTION_ROTATE_FILES,
    OPTION_SYSLOG,
    OPTION_METRICS,
    OPTION_RING_FILES,
    OPTION_RING_SIZE,
    OPTION_EVIDENCE_DIR,
    OPTION_SUMMARY_EVERY,
    OPTION_USER,
    OPTION_NO_SANDBOX,
    OPTION_HOST,
    OPTION_CLIENT,
    OPTION_CAPTURE_ZONE,
    OPTION_SKEW_LIMIT,
    OPTION_COLOR,
    OPTION_ASCII,
    OPTION_WIDTH,
    OPTION_ALL,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"interface", required_argument, NULL, 'i'},
    {"list-interfaces", no_argument, NULL, OPTION_LIST},
    {"filter", required_argument, NULL, 'f'},
    {"every-port", no_argument, NULL, OPTION_EVERY_PORT},
    {"http-port", required_argument, NULL, OPTION_HTTP_PORT},
    {"buffer", required_argument, NULL, OPTION_BUFFER},
    {"count", required_argument, NULL, 'c'},
    {"duration", required_argument, NULL, OPTION_DURATION},
    {"read", required_argument, NULL, OPTION_READ},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"text", required_argument, NULL, OPTION_TEXT},
    {"json", required_argument, NULL, OPTION_JSON},
    {"rotate-size", required_argument, NULL, OPTION_ROTATE_SIZE},
    {"rotate-files", required_argument, NULL, OPTION_ROTATE_FILES},
    {"syslog", required_argument, NULL, OPTION_SYSLOG},
    {"metrics", required_argument, NULL, OPTION_METRICS},
    {"write", required_argument, NULL, 'w'},
    {"ring-files", required_argument, NULL, OPTION_RING_FILES},
    {"ring-size", required_argument, NULL, OPTION_RING_SIZE},
    {"evidence-dir", required_argument, NULL, OPTION_EVIDENCE_DIR},
    {"summary-every", required_argument, NULL, OPTION_SUMMARY_EVERY},
    {"user", required_argument, NULL, OPTION_USER},
    {"no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX},
    {"host", required_argument, NULL, OPTION_HOST},
    {"client", required_argument, NULL, OPTION_CLIENT},
    {"capture-zone", required_argument, NULL, OPTION_CAPTURE_ZONE},
    {"skew-limit", required_argument, NULL, OPTION_SKEW_LIMIT},
    {"color", required_argument, NULL, OPTION_COLOR},
    {"ascii", no_argument, NULL, OPTION_ASCII},
    {"width", required_argument, NULL, OPTION_WIDTH},
    {"all", no_argument, NULL, OPTION_ALL},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

struct reading {
    struct live_command *o;
    struct trouble *trouble;
    enum outlet_form format;
    bool has_format, has_ring_files, has_ring_size;
};

static bool read_path(struct reading *r, const char *option, const char *value, const char **out)
{
    if (value[0] == '\0' || *out != NULL) {
        trouble_set(r->trouble, "%s needs one name, once.", option);
        return false;
    }
    *out = value;
    return true;
}

static bool add_file(struct reading *r, enum outlet_form form, const char *path)
{
    struct outlet_options *w = &r->o->outlet;
    for (size_t i = 0; i < w->num_files; i++) {
        if (bytes_is(bytes_of(w->files[i].path), path)) {
            trouble_set(r->trouble, "%.200s is given for two outputs.", path);
            return false;
        }
    }
    if (path[0] == '\0' || w->num_files + 1 >= OUTLET_FILES_MAX) {
        trouble_set(r->trouble, "--text and --json need the name of a file each, %d at most.",
                    OUTLET_FILES_MAX - 1);
        return false;
    }
    w->files[w->num_files++] = (struct outlet_file){.path = path, .form = form};
    return true;
}

static bool read_format(struct reading *r, const char *value)
{
    r->has_format = true;
    r->format = bytes_is(bytes_of(value), "json") ? OUTLET_JSON : OUTLET_TEXT;
    return r->format == OUTLET_JSON || bytes_is(bytes_of(value), "text") ||
           option_fail(r->trouble, "--format", value, "text or json");
}

static bool add_interface(struct reading *r, const char *value)
{
    struct live_options *c = &r->o->capture;
    if (value[0] == '\0' || c->num_interfaces == LIVE_INTERFACES_MAX) {
        trouble_set(r->trouble, "-i: at most %d interfaces, each by its name.",
                    LIVE_INTERFACES_MAX);
        return false;
    }
    c->interfaces[c->num_interfaces++] = value;
    return true;
}

/* Options that tell where something goes. */
static bool read_output(struct reading *r, int option, const char *value)
{
    struct outlet_options *w = &r->o->outlet;
    uint64_t number = 0;
    switch (option) {
    case OPTION_FORMAT:
        return read_format(r, value);
    case OPTION_TEXT:
        return add_file(r, OUTLET_TEXT, value);
    case OPTION_JSON:
        return add_file(r, OUTLET_JSON, value);
    case OPTION_ROTATE_SIZE:
        if (!option_number(r->trouble, "--rotate-size", value, 1, MB_MAX, &number)) {
            return false;
        }
        w->rotate_bytes = number * BYTES_PER_MB;
        return true;
    case OPTION_ROTATE_FILES:
        if (!option_number(r->trouble, "--rotate-files", value, 1, 1000, &number)) {
            return false;
        }
        w->rotate_files = (unsigned)number;
        return true;
    case OPTION_SYSLOG:
        return read_path(r, "--syslog", value, &w->syslog);
    case OPTION_METRICS:
        return read_path(r, "--metrics", value, &w->metrics);
    case 'w':
        return read_path(r, "-w", value, &w->ring);
    case OPTION_RING_FILES:
        r->has_ring_files = true;
        if (!option_number(r->trouble, "--ring-files", value, 1, OUTLET_RING_FILES_MAX, &number)) {
            return false;
        }
        w->ring_files = (unsigned)number;
        return true;
    case OPTION_RING_SIZE:
        r->has_ring_size = true;
        if (!option_number(r->trouble, "--ring-size", value, 1, MB_MAX, &number)) {
            return false;
        }
        w->ring_bytes = number * BYTES_PER_MB;
        return true;
    case OPTION_EVIDENCE_DIR:
        return read_path(r, "--evidence-dir", value, &w->evidence_dir);
    default:
        return false;
    }
}

/* Options that tell what is looked at, and how. */
static bool read_input(struct reading *r, int option, const char *value)
{
    struct live_command *o = r->o;
    uint64_t number = 0;
    switch (option) {
    case 'i':
        return add_interface(r, value);
    case 'f':
        o->filter = value;
        return true;
    case OPTION_HTTP_PORT:
        return option_ports(r->trouble, value, &o->http_ports);
    case OPTION_BUFFER:
        if (!option_number(r->trouble, "--buffer", value, 1, BUFFER_MB_MAX, &number)) {
            return false;
        }
        o->capture.buffer_mb = (unsigned)number;
        return true;
    case 'c':
        return option_number(r->trouble, "-c", value, 1, UINT64_MAX - 1, &o->num_frames);
    case OPTION_DURATION:
        return option_seconds(r->trouble, "--duration", value, &o->duration_s);
    case OPTION_READ:
        return read_path(r, "--read", value, &o->read_path);
    case OPTION_HOST:
        return option_name(r->trouble, "--host", value, &o->hosts);
    case OPTION_CLIENT:
        return option_name(r->trouble, "--client", value, &o->clients);
    case OPTION_CAPTURE_ZONE:
        o->has_zone = true;
        return options_zone(value, &o->zone_s, r->trouble);
    case OPTION_SKEW_LIMIT:
        return option_seconds(r->trouble, "--skew-limit", value, &o->skew_limit_s);
    case OPTION_SUMMARY_EVERY:
        return option_seconds(r->trouble, "--summary-every", value, &o->summary_s);
    case OPTION_USER:
        return read_path(r, "--user", value, &o->user);
    default:
        return read_output(r, option, value);
    }
}

static bool read_one(struct reading *r, int option, const char *value)
{
    struct live_command *o = r->o;
    switch (option) {
    case OPTION_LIST:
        o->list_interfaces = true;
        return true;
    case OPTION_EVERY_PORT:
        o->capture.every_port = true;
        return true;
    case OPTION_NO_SANDBOX:
        o->no_sandbox = true;
        return true;
    case OPTION_COLOR:
        return option_when(r->trouble, "--color", value, &o->color);
    case OPTION_ASCII:
        o->report.ascii = true;
        return true;
    case OPTION_WIDTH:
        return option_width(r->trouble, value, &o->report.width);
    case OPTION_ALL:
        o->all = true;
        return true;
    case 'q':
        o->quiet = true;
        return true;
    case 'v':
        o->report.verbose = true;
        return true;
    case 'h':
        o->help = true;
        return true;
    case OPTION_VERSION:
        o->version = true;
        return true;
    default:
        return read_input(r, option, value);
    }
}

/* Standard output takes text, unless something else goes there. */
static bool settle_outputs(struct reading *r)
{
    struct outlet_options *w = &r->o->outlet;
    bool is_taken = false;
    for (size_t i = 0; i < w->num_files; i++) {
        is_taken = is_taken || bytes_is(bytes_of(w->files[i].path), "-");
    }
    if (is_taken && r->has_format) {
        trouble_set(r->trouble, "Standard output can take one form only: leave out --format, or "
                                "give the others a file name.");
        return false;
    }
    if (!is_taken) {
        w->files[w->num_files++] = (struct outlet_file){.path = "-", .form = r->format};
    }
    if ((r->has_ring_files || r->has_ring_size) && w->ring == NULL) {
        trouble_set(r->trouble, "--ring-files and --ring-size need -w and the name of a file.");
        return false;
    }
    /* -w F alone is one file that grows, as everywhere; either limit makes it a ring. */
    if (r->has_ring_files && !r->has_ring_size) {
        w->ring_bytes = (uint64_t)OUTLET_RING_MB_DEFAULT * BYTES_PER_MB;
    } else if (r->has_ring_size && !r->has_ring_files) {
        w->ring_files = OUTLET_RING_FILES_DEFAULT;
    }
    if (w->ring_files == 0) {
        w->ring_files = 1;
    }
    if (w->rotate_files == 0) {
        w->rotate_files = OUTLET_ROTATE_FILES_DEFAULT;
    }
    return true;
}

static bool settle_inputs(struct reading *r)
{
    struct live_command *o = r->o;
    bool has_interface = o->capture.num_interfaces > 0;
    if (has_interface == (o->read_path != NULL)) {
        trouble_set(r->trouble, has_interface
                                    ? "-i and --read exclude each other."
                                    : "No interface is named: -i IF, or --read FILE for a saved "
                                      "capture; --list-interfaces shows what there is.");
        return false;
    }
    if (o->filter != NULL && o->capture.every_port) {
        trouble_set(r->trouble, "-f and --every-port exclude each other: a filter is all there "
                                "is.");
        return false;
    }
    o->capture.filter = o->filter;
    o->capture.http_ports = o->http_ports.at;
    o->capture.num_http_ports = o->http_ports.num;
    for (size_t i = 0; i < o->capture.num_interfaces; i++) {
        for (size_t k = 0; k < i; k++) {
            if (bytes_is(bytes_of(o->capture.interfaces[i]), o->capture.interfaces[k])) {
                trouble_set(r->trouble, "Interface %.100s is given twice.",
                            o->capture.interfaces[i]);
                return false;
            }
        }
        o->outlet.interfaces[i] = o->capture.interfaces[i];
    }
    o->outlet.num_interfaces = o->capture.num_interfaces;
    return true;
}

/* Options of `analyze` that need the whole of a capture, or a report of it. */
static bool fail_unknown(int result, char **argv, struct trouble *trouble)
{
    static const char *const others[] = {"--redact",      "--redact-key", "--iis-log",
                                         "--httperr-log", "--markdown",   "--iis-config",
                                         "--evidence",    "--html",       "--evidence-flows"};
    const struct bytes given = bytes_of(optind > 0 ? argv[optind - 1] : "");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        size_t end = bytes_find(given, '=', 0);
        if (result == '?' && bytes_is(bytes_part(given, 0, end), others[i])) {
            trouble_set(trouble,
                        "%s is for saved captures: keep the frames with -w FILE, and look at them "
                        "with 'krbscope analyze %s'.",
                        others[i], others[i]);
            return false;
        }
    }
    return options_fail_unknown(result, argv, trouble);
}

enum status live_options_read(struct live_command *out, int argc, char **argv,
                              struct trouble *trouble)
{
    struct reading r = {.o = out, .trouble = trouble, .format = OUTLET_TEXT};
    int option;
    *out = (struct live_command){.report = {.width = REPORT_WIDTH_DEFAULT},
                                 .outlet = {.application = "krbscope " KRBSCOPE_VERSION}};
    opterr = 0;
    optind = 0; /* glibc: start over, even after an earlier call */
    while ((option = getopt_long(argc, argv, ":i:f:c:w:qvh", long_options, NULL)) != -1) {
        bool good = option == '?' || option == ':' ? fail_unknown(option, argv, trouble)
                                                   : read_one(&r, option, optarg);
        if (!good) {
            return STATUS_USAGE;
        }
    }
    if (out->help || out->version || out->list_interfaces) {
        return STATUS_OK;
    }
    if (optind < argc) {
        trouble_set(trouble, "'%.200s' is no option; a saved capture is read with --read FILE.",
                    argv[optind]);
        return STATUS_USAGE;
    }
    return settle_inputs(&r) && settle_outputs(&r) ? STATUS_OK : STATUS_USAGE;
}
