#include "cli/option_values.h"

#include "base/bytes.h"
#include "report/report.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>

#define WIDTH_MAX 1000        /* columns */
#define ZONE_MINUTES_MAX 1079 /* +-17:59 reaches every zone that ever was */

bool option_fail(struct trouble *trouble, const char *option, const char *value, const char *wanted)
{
    trouble_set(trouble, "%s: '%.200s' is not %s.", option, value, wanted);
    return false;
}

bool option_number(struct trouble *trouble, const char *option, const char *value, uint64_t min,
                   uint64_t max, uint64_t *out)
{
    if (!bytes_to_u64(bytes_of(value), max, out) || *out < min) {
        trouble_set(trouble, "%s: '%.200s' is not a number from %llu to %llu.", option, value,
                    (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    return true;
}

bool option_seconds(struct trouble *trouble, const char *option, const char *value, double *out)
{
    char *end;
    double seconds = strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(seconds) || seconds <= 0 ||
        seconds > OPTION_SECONDS_MAX) {
        return option_fail(trouble, option, value, "a number of seconds above 0");
    }
    *out = seconds;
    return true;
}

bool option_when(struct trouble *trouble, const char *option, const char *value, enum when *out)
{
    static const char *const words[] = {
        [WHEN_AUTO] = "auto", [WHEN_ALWAYS] = "always", [WHEN_NEVER] = "never"};
    for (enum when when = WHEN_AUTO; when <= WHEN_NEVER; when++) {
        if (bytes_is(bytes_of(value), words[when])) {
            *out = when;
            return true;
        }
    }
    return option_fail(trouble, option, value, "auto, always or never");
}

bool option_width(struct trouble *trouble, const char *value, unsigned *out)
{
    uint64_t width = 0;
    if (!bytes_to_u64(bytes_of(value), WIDTH_MAX, &width) || width < REPORT_WIDTH_MIN) {
        return option_fail(trouble, "--width", value, "a number of columns from 40 to 1000");
    }
    *out = (unsigned)width;
    return true;
}

bool option_name(struct trouble *trouble, const char *option, const char *value,
                 struct option_names *names)
{
    if (value[0] == '\0') {
        return option_fail(trouble, option, value, "a name or an address");
    }
    if (names->num == OPTIONS_HOSTS_MAX) {
        trouble_set(trouble, "%s: at most %d in one run.", option, OPTIONS_HOSTS_MAX);
        return false;
    }
    names->at[names->num++] = value;
    return true;
}

bool option_ports(struct trouble *trouble, const char *value, struct option_ports *ports)
{
    struct bytes list = bytes_of(value);
    for (size_t at = 0; at <= list.len;) {
        size_t end = bytes_find(list, ',', at);
        uint64_t port = 0;
        if (!bytes_to_u64(bytes_part(list, at, end - at), UINT16_MAX, &port) || port == 0) {
            return option_fail(trouble, "--http-port", value,
                               "a list of ports from 1 to 65535, as in 80,8530");
        }
        if (ports->num == OPTIONS_PORTS_MAX) {
            trouble_set(trouble, "--http-port: at most %d ports.", OPTIONS_PORTS_MAX);
            return false;
        }
        ports->at[ports->num++] = (uint16_t)port;
        at = end + 1;
    }
    return true;
}

bool options_zone(const char *value, int32_t *zone_s, struct trouble *trouble)
{
    struct bytes text = bytes_of(value);
    uint64_t hours = 0;
    uint64_t minutes = 0;
    if (bytes_is_nocase(text, "UTC") || bytes_is_nocase(text, "Z")) {
        *zone_s = 0;
        return true;
    }
    size_t colon = bytes_find(text, ':', 0);
    size_t hours_end = colon < text.len ? colon : text.len > 3 ? 3 : text.len;
    struct bytes rest = bytes_part(text, colon < text.len ? colon + 1 : hours_end, text.len);
    if (text.len < 2 || (value[0] != '+' && value[0] != '-') || hours_end > 3 ||
        !bytes_to_u64(bytes_part(text, 1, hours_end - 1), 17, &hours) ||
        (hours_end < text.len && (rest.len != 2 || !bytes_to_u64(rest, 59, &minutes))) ||
        hours * 60 + minutes > ZONE_MINUTES_MAX) {
        trouble_set(trouble,
                    "--capture-zone: '%.200s' is not UTC or a difference to it like +02:00 or "
                    "-05:30.",
                    value);
        return false;
    }
    *zone_s = (int32_t)(hours * 3600 + minutes * 60);
    if (value[0] == '-') {
        *zone_s = -*zone_s;
    }
    return true;
}

bool options_fail_unknown(int result, char **argv, struct trouble *trouble)
{
    const char *given = optind > 0 ? argv[optind - 1] : "";
    if (result == ':') {
        trouble_set(trouble, "option '%.200s' needs a value.", given);
    } else if (optopt > 0 && optopt < FIRST_LONG_OPTION &&
               !bytes_begins_nocase(bytes_of(given), "--")) {
        trouble_set(trouble, "unknown option '-%c'.", optopt);
    } else if (optopt > 0) {
        trouble_set(trouble, "option '%.200s' takes no value.", given);
    } else {
        trouble_set(trouble, "unknown option '%.200s'.", given);
    }
    return false;
}
