/* What the files of the streams share: stream.c (numbers, order), stream_hold.c (bytes that wait),
 * stream_gap.c (bytes that never come). */
#ifndef KRBSCOPE_DECODE_STREAM_PRIVATE_H
#define KRBSCOPE_DECODE_STREAM_PRIVATE_H

#include "decode/stream.h"

/* Bytes that wait, in a list by offset without overlaps. */
struct stream_piece {
    struct stream_piece *next;
    uint64_t offset;
    uint64_t acked;
    struct place place;
    int64_t clock_ns;
    uint32_t num_frames; /* of the connection, when it came */
    uint32_t len;
    uint32_t cut; /* bytes after len that the frame lacked */
    bool is_segment_start;
    uint8_t bytes[];
};

/* What a call works on. */
struct stream_work {
    struct stream_pair *pair;
    struct stream_pool *pool;
    const struct stream_sink *sink;
    struct place place;
    int64_t clock_ns;
    bool force;
};

/* stream_hold.c */

void stream_free_first(struct stream *s, struct stream_pool *pool);
void stream_free_held(struct stream *s, struct stream_pool *pool);

/* Holds what of the chunk is neither handed out nor held: the bytes that came first stay. cut:
 * bytes behind it that its frame lacked. false: no room. */
bool stream_hold(struct stream_work *w, int side, const struct stream_chunk *chunk, uint32_t cut);

/* stream.c */

/* Hands out what is in order, and not blocked by the other direction. true: something moved. */
bool stream_drain(struct stream_work *w, int side, bool ignore_block);
void stream_drain_both(struct stream_work *w);

/* Joined midway: nothing earlier is to be expected, what is there is the beginning. */
void stream_settle(struct stream_pair *p);

/* Notes since when confirmed bytes are missing with nothing behind them. */
void stream_note_hole(struct stream_work *w, struct stream *s);

/* Bytes up to end are lost. */
void stream_tell_gap(struct stream_work *w, int side, uint64_t end, const struct place *place);

#endif
