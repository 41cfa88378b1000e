/* frames in, events out: the one fan-out. It owns flows, streams, reassembly and protocol state,
 * all bounded by the constants below; what does not fit is dropped and counted by reason. */
#ifndef KRBSCOPE_DECODE_DECODER_H
#define KRBSCOPE_DECODE_DECODER_H

#include "capture/capture.h"
#include "decode/event.h"
#include "decode/segment.h"
#include "decode/tap.h"

#define DECODER_FLOWS_MAX 65536           /* TCP connections known at once, oldest evicted first */
#define DECODER_REORDER_BYTES_MAX 8388608 /* held out-of-order bytes, all flows */
#define DECODER_REORDER_FLOW_BYTES 262144 /* the same, one stream: then a gap is closed as lost */
#define DECODER_GAP_FRAMES 64             /* frames of the flow after which an acknowledged hole */
#define DECODER_SILENCE_NS (15 * INT64_C(1000000000)) /* a request waited so long: it is told */
#define DECODER_SILENCES_MAX 3                        /* … and again, that often */
#define DECODER_GAP_NS INT64_C(1000000000)     /* … or time after which it is closed as lost */
#define DECODER_PARSER_BYTES_MAX 16777216      /* head, body and message buffers, all flows */
#define DECODER_DUPLICATE_NS INT64_C(20000000) /* UDP copies within 20 ms are one message */
#define DECODER_HOST_PAIRS_MAX                                                                     \
    16384 /* pairs for EVENT_HOST_SEEN; older ones are announced again                             \
           */
#define DECODER_HOST_AGAIN_NS                                                                      \
    INT64_C(300000000000)             /* a pair is announced again after this time                 \
                                       */
#define DECODER_SCRATCH_BYTES 1048576 /* one message decoded */

enum decoder_drop {
    DECODER_DROP_FLOW_EVICTED, /* a connection with unfinished messages was forgotten */
    DECODER_DROP_REORDER_FULL,
    DECODER_DROP_PARSER_FULL,
    DECODER_DROP_MESSAGE_BAD, /* framed as Kerberos, DNS or HTTP and not decodable */
    DECODER_DROP_MESSAGE_CUT, /* cut by snap length or loss */
    DECODER_DROP_MESSAGE_TOO_LONG,
    DECODER_DROP_DUPLICATE, /* captured twice; counted, not lost */
    DECODER_DROP_COUNT,
};

struct decoder_options {
    uint16_t capture; /* event.capture of what follows; decoder_set_capture() changes it */
    const struct decoder_tap *tap; /* or NULL; kept while the decoder lives */
};

struct decoder_stats {
    uint64_t frames;
    uint64_t flows; /* TCP connections begun */
    uint64_t events;
    uint64_t segment_drops[SEGMENT_DROP_COUNT];
    uint64_t drops[DECODER_DROP_COUNT];
};

struct decoder;

/* NULL: no memory. The sink is called during decoder_push() and decoder_end(). */
struct decoder *decoder_new(const struct decoder_options *options, event_sink *sink, void *context);
void decoder_free(struct decoder *d);

/* One frame, in the order of the capture. Time is packet time; a stamp that leaps ages nothing. */
void decoder_push(struct decoder *d, const struct frame *frame);

/* The next frames come from another piece of the same capture. */
void decoder_set_capture(struct decoder *d, uint16_t capture);

/* No more frames: gaps are closed, unfinished messages reported, every flow gets its TCP_END. */
void decoder_end(struct decoder *d);

/* Does a connection wait for bytes or for its end, or has one begun a message that did not end?
 * Otherwise all that was pushed has been told, and the next events are of frames to come. */
bool decoder_is_waiting(const struct decoder *d);

const struct decoder_stats *decoder_stats(const struct decoder *d);
const char *decoder_drop_name(enum decoder_drop drop);

#endif
