/* Frames as they pass an interface: several of them, read side by side.
 *
 *      live_open(&l, &options, &trouble)       needs CAP_NET_RAW; nothing later does
 *      while (…) live_read(l, max, sink, context)
 *                  0: nothing for a while: time for other things
 *      live_close(l)
 *
 * An interface that goes down is waited for, and so is one that disappears: whatever has its name
 * and its link type later takes its place, with no new rights.
 */
#ifndef KRBSCOPE_CAPTURE_LIVE_H
#define KRBSCOPE_CAPTURE_LIVE_H

#include "capture/capture.h"

#define LIVE_INTERFACES_MAX 16
#define LIVE_PORTS_MAX 64
#define LIVE_SNAP_BYTES 262144    /* whole frames, those that offloading has joined included */
#define LIVE_BUFFER_MB_DEFAULT 64 /* kernel buffer of one interface */
#define LIVE_WAIT_MS 200          /* longest wait for a frame, but for the naps before */
#define LIVE_NAP_NS_MAX 50000000  /* … in which frames gather; less where the buffer is small */
#define LIVE_NAPS_MAX 4           /* in a row, while the buffer is nearly empty */
#define LIVE_BURST 256            /* frames of one interface before the next one's turn */
#define LIVE_DOWN_RETRY_NS INT64_C(500000000) /* between two looks at an interface that is down */
#define LIVE_GONE_RETRY_NS_MAX INT64_C(8000000000) /* the longest pause when it is gone */

struct live_options {
    const char *interfaces[LIVE_INTERFACES_MAX];
    size_t num_interfaces;
    const char *filter; /* libpcap expression; NULL: the default filter, unless every_port */
    bool every_port;
    const uint16_t *http_ports; /* of the default filter; none: LIVE_HTTP_PORTS */
    size_t num_http_ports;
    unsigned buffer_mb; /* 0: LIVE_BUFFER_MB_DEFAULT */
};

/* A frame of interface `which`, the index in options.interfaces; borrowed during the call. */
typedef void live_sink(void *context, size_t which, const struct frame *frame);

struct live_capture;

/* Opens and starts all of them. STATUS_USAGE: an interface that does not exist, a filter that does
 * not compile. STATUS_NO_FILE: no permission, or the interface cannot be captured from.
 * remark: something worth saying although all is well, or empty. */
enum status live_open(struct live_capture **out, const struct live_options *options,
                      struct trouble *remark, struct trouble *trouble);

/* Hands the frames that are there to the sink, LIVE_BURST of each interface and max in all at most
 * (max from 1), where they lie; waits for some when there are none. Returns how many: 0 after
 * LIVE_WAIT_MS, or a signal, without any. Numbers count from 1 for each interface and begin again
 * after 2^32 - 1. */
size_t live_read(struct live_capture *l, size_t max, live_sink *sink, void *context);

/* Reads the kernel's drop counts into live_info(). */
void live_count(struct live_capture *l);

/* What is known of one interface. drops[CAPTURE_DROP_BY_SYSTEM] is as of the last live_count(). */
const struct capture_info *live_info(const struct live_capture *l, size_t which);

/* One sentence: how it is captured from (whose time stamps, which buffer). */
void live_describe(const struct live_capture *l, size_t which, struct trouble *out);

/* Something happened to an interface (down, up, gone) since the last call: true, told in *out. */
bool live_remark(struct live_capture *l, struct trouble *out);

void live_close(struct live_capture *l); /* NULL is fine */

/* One line an interface that can be captured from: name, addresses, description. Each is handed to
 * line() and borrowed. STATUS_NO_FILE with trouble. */
enum status live_list(void (*line)(void *context, struct bytes text), void *context,
                      struct trouble *trouble);

/* The default filter's text: Kerberos, DNS and its relatives, HTTP on the given ports, ARP, ICMP,
 * and later fragments, inside up to two VLAN tags when with_vlan. NULL: no memory. free() it. */
char *live_filter_new(const uint16_t *http_ports, size_t num_http_ports, bool with_vlan);

#endif
