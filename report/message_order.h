/* Lines in the order of their frames. A connection that waits for bytes gives its messages late,
 * and how late depends on how they were carried; so lines are kept while one waits, or while a
 * message that has begun did not end. */
#ifndef KRBSCOPE_REPORT_MESSAGE_ORDER_H
#define KRBSCOPE_REPORT_MESSAGE_ORDER_H

#include "base/bytes.h"
#include "decode/event.h"

#include <stdio.h>

#define MESSAGE_ORDER_LINES_MAX 4096     /* kept at once; the first in order is written then */
#define MESSAGE_ORDER_BYTES_MAX 16777216 /* of all lines kept */

struct ordered_line {
    struct ordered_line *next, *prev;
    uint16_t capture;
    uint32_t frame;
    int64_t time_ns;
    uint64_t connection; /* 0: none */
    size_t len;
    char bytes[];
};

struct message_order {
    struct ordered_line *first, *last;
    size_t num_lines, num_bytes;
    uint16_t written_capture; /* of the last line that went out, and its frame */
    uint32_t written_frame;
};

/* Keeps a copy of the line that this event gave. Events of one connection stay in the order in
 * which they come; else those of one capture are ordered by frame, those of several by time. When
 * more is kept than the bounds allow, the first lines go to out. false: no memory; it went to out.
 */
bool message_order_add(struct message_order *o, FILE *out, const struct event *e,
                       struct bytes line);

/* Writes all that is kept. */
void message_order_flush(struct message_order *o, FILE *out);

/* Frees it unwritten. */
void message_order_drop(struct message_order *o);

#endif
