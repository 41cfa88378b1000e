/* What the parts of a story share. */
#ifndef KRBSCOPE_TESTS_STORY_PRIVATE_H
#define KRBSCOPE_TESTS_STORY_PRIVATE_H

#include "story.h"

/* The next event: a frame of its own, a little later. */
struct event story_next(struct story *s, enum event_kind kind, struct endpoint from,
                        struct endpoint to);

const char *story_or(const char *a, const char *b); /* a, or b where a is NULL */
int64_t story_ns(double seconds);

/* A host's clock at the next event: the capture's and by how much it is ahead. */
int64_t story_clock_ns(const struct story *s, double ahead_s);

struct krb_name story_name(const char *text); /* NULL: absent */
struct krb_ticket story_ticket_of(unsigned number, const char *sname, uint32_t kvno, int32_t etype);
struct krb_time story_time_of(int64_t ns, bool has_usec);

#endif
