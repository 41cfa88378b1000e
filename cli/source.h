/* The files of a case: which of them are pieces of one capture, and in which order. */
#ifndef KRBSCOPE_CLI_SOURCE_H
#define KRBSCOPE_CLI_SOURCE_H

#include "capture/capture.h"
#include "decode/decoder.h"

#define SOURCES_MAX 1024                    /* files of one case */
#define SOURCE_JOIN_NS INT64_C(5000000000)  /* a piece begins within 5 s of the former's end … */
#define SOURCE_OVERLAP_NS INT64_C(10000000) /* … and no earlier than 10 ms before it */

struct source {
    const char *path;
    uint16_t index;          /* event.capture: its place among the readable files */
    unsigned section;        /* the section of an evidence file that this capture is; 0: none */
    struct capture *capture; /* while open */
    struct capture_info info;
    struct source *next_piece; /* the file that goes on where this one ends, or NULL */
    bool is_first_piece;
    struct decoder_stats decoded; /* of the whole capture, kept with its first piece */
};

/* Finds next_piece and is_first_piece from info: pieces have the same format, zone and link types,
 * and one begins within SOURCE_JOIN_NS of the end of the other. When several captures could go on,
 * it is the one whose path has the longest common beginning, then the one that ended last. */
void source_join_pieces(struct source *sources, size_t num);

#endif
