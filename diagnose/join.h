/* Events of several captures into one stream: what two of them saw is told once.
 *
 *      client.cap ── events, times corrected ──►  join_push()  ──► case_push()
 *      mp.cap     ── events, times corrected ──►
 *
 * A connection is told by one capture from beginning to end, a datagram by whichever shows it
 * first; the other's are passed on as sightings. An answer that never came to the one who asked is
 * no answer: it is kept as lost.
 */
#ifndef KRBSCOPE_DIAGNOSE_JOIN_H
#define KRBSCOPE_DIAGNOSE_JOIN_H

#include "diagnose/align.h"

#define JOIN_RECENT_MAX 4096            /* datagrams that may still be seen elsewhere */
#define JOIN_ROUTES_MAX 1024            /* endpoints known under another address */
#define JOIN_TWIN_NS INT64_C(400000000) /* two sights of one datagram lie within this */
#define JOIN_LANE_BITS 44               /* events and connections that one decoder may number */

/* The event with numbers that differ between captures; both must live as long as *out is used. */
void join_renumber(struct event *out, struct http_facts *http, const struct event *event,
                   uint16_t group);

struct join;

/* NULL: no memory. align is borrowed, and finished. */
struct join *join_new(const struct align *align, event_sink *sink, void *context);
void join_free(struct join *j);

/* An event of any capture, as its decoder numbered it; its times are the case's. */
void join_push(struct join *j, const struct event *event);

#endif
