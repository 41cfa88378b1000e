/* The three kinds of trouble (docs/ARCHITECTURE.md):
 *   the run failed    enum status + struct trouble: one sentence that says what to do, exit 2
 *   the wire is odd   enum verdict + struct flaw: an event or a counted drop; decoding goes on
 *   we are wrong      assert(), kept in release builds, never about packet contents
 */
#ifndef KRBSCOPE_BASE_STATUS_H
#define KRBSCOPE_BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

enum status {
    STATUS_OK,
    STATUS_USAGE,       /* the command line is wrong */
    STATUS_NO_FILE,     /* cannot be opened or read */
    STATUS_NOT_CAPTURE, /* readable, but no capture that we know */
    STATUS_NO_MEMORY,
    STATUS_OUTPUT, /* cannot be written */
};

#define TROUBLE_TEXT_MAX 512 /* bytes, NUL included */

/* One sentence for the user, what went wrong and what to do; empty when nothing did. */
struct trouble {
    char text[TROUBLE_TEXT_MAX];
};

/* Fills t with a printf-formatted sentence, cut at TROUBLE_TEXT_MAX. t may be NULL. */
void trouble_set(struct trouble *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a parser says of its input. */
enum verdict {
    VERDICT_DONE, /* out is filled, *used bytes were taken */
    VERDICT_MORE, /* the input ends too early; more bytes may help */
    VERDICT_BAD,  /* no amount of further bytes makes this valid */
};

/* Where and why a message was found odd. Strings are literals of ours. */
struct flaw {
    const char *why;    /* "length runs past the message" */
    const char *source; /* "RFC 1035 4.1.4" */
    size_t at;          /* offset from the start of the parser's input */
};

/* Fills f (may be NULL) and returns VERDICT_BAD, so a parser can say `return flaw_set(...)`. */
enum verdict flaw_set(struct flaw *f, size_t at, const char *why, const char *source);

#endif
