/* The values of options that several commands have: read and checked the same everywhere.
 *
 * All of these return false when the value is none, and say so in trouble: "--color: 'x' is not …".
 * Strings are borrowed from argv.
 */
#ifndef KRBSCOPE_CLI_OPTION_VALUES_H
#define KRBSCOPE_CLI_OPTION_VALUES_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define OPTIONS_HOSTS_MAX 256           /* --host, --client: each so often */
#define OPTIONS_PORTS_MAX 64            /* --http-port */
#define FIRST_LONG_OPTION 256           /* of options without a letter: behind every character */
#define OPTION_SECONDS_MAX 3155760000.0 /* a hundred years */

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

/* Names or addresses, of --host or --client. */
struct option_names {
    const char *at[OPTIONS_HOSTS_MAX];
    size_t num;
};

/* Of --http-port. */
struct option_ports {
    uint16_t at[OPTIONS_PORTS_MAX];
    size_t num;
};

/* Says that value is not what is wanted. Always false. */
bool option_fail(struct trouble *trouble, const char *option, const char *value,
                 const char *wanted);

/* A whole number from min to max. */
bool option_number(struct trouble *trouble, const char *option, const char *value, uint64_t min,
                   uint64_t max, uint64_t *out);

/* A number of seconds above 0, OPTION_SECONDS_MAX at most. */
bool option_seconds(struct trouble *trouble, const char *option, const char *value, double *out);

/* auto, always, never. */
bool option_when(struct trouble *trouble, const char *option, const char *value, enum when *out);

/* --width: columns. */
bool option_width(struct trouble *trouble, const char *value, unsigned *out);

/* One more name; it is not empty. */
bool option_name(struct trouble *trouble, const char *option, const char *value,
                 struct option_names *names);

/* --http-port: "80,8530"; they are added to those that are there. */
bool option_ports(struct trouble *trouble, const char *value, struct option_ports *ports);

/* The value of --capture-zone: "UTC", "Z", "+02:00", "-0530", "+1". Seconds east of UTC. */
bool options_zone(const char *value, int32_t *zone_s, struct trouble *trouble);

/* What getopt_long() said with '?' or ':', in our words. Always false. */
bool options_fail_unknown(int result, char **argv, struct trouble *trouble);

#endif
