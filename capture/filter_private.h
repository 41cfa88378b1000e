/* A libpcap filter expression, applied to frames of any link type. */
#ifndef KRBSCOPE_CAPTURE_FILTER_PRIVATE_H
#define KRBSCOPE_CAPTURE_FILTER_PRIVATE_H

#include "base/status.h"
#include "capture/capture.h"

struct filter;

/* Compiles the expression, which is copied. STATUS_USAGE: it is right for no link type; trouble
 * says what libpcap says. */
enum status filter_new(struct filter **out, const char *expression, struct trouble *trouble);

/* Does the frame match? Frames of a link type for which the expression has no meaning do not. */
bool filter_matches(struct filter *f, const struct frame *frame);

void filter_free(struct filter *f); /* NULL is fine */

#endif
