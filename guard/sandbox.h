/* Packets are read and parsed behind a filter of system calls: whoever takes over the parser can
 * neither open a file for writing, nor start a program, nor make a socket.
 *
 * Files and sockets that are to be written to are opened before. What the filter refuses ends the
 * program with a message and exit status 2.
 */
#ifndef KRBSCOPE_GUARD_SANDBOX_H
#define KRBSCOPE_GUARD_SANDBOX_H

#include "base/status.h"

enum sandbox {
    SANDBOX_FILES, /* files may be opened for reading: a case has many */
    SANDBOX_LIVE,  /* nothing may be opened; devices can be read */
};

/* Enters it; there is no way out. false: this system has no such filter (remark says so), and the
 * program goes on without. */
bool sandbox_enter(enum sandbox sandbox, struct trouble *remark);

#endif
