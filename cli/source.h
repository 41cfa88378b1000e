/* The files of a case: which of them are pieces of one capture, and in which order. */
#ifndef KRBSCOPE_CLI_SOURCE_H
#define KRBSCOPE_CLI_SOURCE_H

#include "capture/capture.h"
#include "decode/decoder.h"
#include "decode/segment.h"

#define SOURCES_MAX 1024                    /* files of one case */
#define SOURCE_JOIN_NS INT64_C(5000000000)  /* a piece begins within 5 s of the former's end … */
#define SOURCE_OVERLAP_NS INT64_C(10000000) /* … and no earlier than 10 ms before it */

#define SOURCE_CLOCK_NS INT64_C(20000000) /* clocks further apart than this are two */

#define SOURCE_RING_NS INT64_C(600000000000) /* … or later, when it goes on with its flows */
#define SOURCE_FLOWS_MAX 256                 /* flows kept of a file's beginning, and of its end */

/* The flows met first and last in a file, as hashes of both endpoints; and fingerprints of its
 * first frames that address translation leaves alone, the lowest bit set in those of answers. */
struct source_flows {
    uint64_t frames[SOURCE_FLOWS_MAX];
    int64_t frame_ns[SOURCE_FLOWS_MAX]; /* when, by the file's own clock */
    size_t num_frames;
    uint64_t first[SOURCE_FLOWS_MAX];
    uint64_t last[SOURCE_FLOWS_MAX]; /* a ring */
    size_t num_first;
    size_t num_last; /* ever added */
};

struct source {
    const char *path;        /* as the user gave it; of a redacted copy a name that says nothing */
    uint16_t index;          /* event.capture: its place among the readable files */
    unsigned section;        /* the section of an evidence file that this capture is; 0: none */
    struct capture *capture; /* while open */
    bool has_copy;           /* --redact: what is read is copy_fd, by copy_path */
    int copy_fd;
    char copy_path[32], shown_path[32];
    struct capture_info original; /* of the capture that the copy was made from */
    struct capture_info info;
    struct source *next_piece; /* the file that goes on where this one ends, or NULL */
    bool is_first_piece;
    struct source_flows *flows;   /* owned; NULL: not looked at */
    struct decoder_stats decoded; /* of the whole capture, kept with its first piece */
};

/* Notes a frame, captured at time_ns: its flow, and its fingerprint. */
void source_add_frame(struct source_flows *flows, const struct segment *segment, int64_t time_ns);

/* Finds next_piece and is_first_piece from info: pieces have the same format, zone and link types,
 * and one begins within SOURCE_JOIN_NS of the end of the other, or within SOURCE_RING_NS and with
 * flows that the other ended with; files that show the same frames are none, nor are those whose
 * clocks differ by a third file that shows what either of them does. When several captures
 * could go on, it is the one whose path has the longest common beginning, then the one that ended
 * last. */
void source_join_pieces(struct source *sources, size_t num);

#endif
