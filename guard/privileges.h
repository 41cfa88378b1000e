/* Root and capabilities are for opening a device; nothing that follows needs them. */
#ifndef KRBSCOPE_GUARD_PRIVILEGES_H
#define KRBSCOPE_GUARD_PRIVILEGES_H

#include "base/status.h"

/* Gives up all capabilities for good, and root: for user, or where that is NULL for the user who
 * called sudo, else for nobody. A user of "root" keeps the number 0, without its rights. No program
 * that is started later gets them back.
 * STATUS_USAGE: there is no such user. STATUS_NO_FILE: they could not be given up.
 * remark: what could only be done in part (a container without other users), or empty. */
enum status privileges_drop(const char *user, struct trouble *remark, struct trouble *trouble);

/* The user that privileges_drop() made us, for messages; "" when nothing was changed. */
const char *privileges_user(void);

#endif
