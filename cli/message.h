/* What is said on standard error. */
#ifndef KRBSCOPE_CLI_MESSAGE_H
#define KRBSCOPE_CLI_MESSAGE_H

#include "base/status.h"

#define EXIT_RUN_FAILED 2

/* "krbscope: …" on a line of its own; file names in it are escaped. */
void message(const struct trouble *trouble);

/* The same for a command line that is wrong, with where to find help: "krbscope analyze". Returns
 * EXIT_RUN_FAILED. */
int message_usage(const char *command, const struct trouble *trouble);

#endif
