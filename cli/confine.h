/* Saved captures are parsed behind the filter of system calls, too. */
#ifndef KRBSCOPE_CLI_CONFINE_H
#define KRBSCOPE_CLI_CONFINE_H

#include "cli/feed.h"

/* Enters the sandbox: outputs are open by now, and of the captures all that has to be made. Where
 * it cannot be had, a remark says so, and the run goes on. */
void confine(const struct feed *feed, const struct options *options);

#endif
