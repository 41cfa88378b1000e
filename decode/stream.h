/* Both directions of a TCP connection put in order: any order of capture, overlaps, repeats, loss.
 *
 *      captured        [seq 30]  [seq 10]  [seq 10]  [seq 20]      ack of the peer
 *      offsets          20..30    0..10     again     10..20
 *      handed out                 0..10               10..20 20..30
 *
 * Sequence numbers become 64-bit offsets, 0 being the byte after the SYN. A chunk is handed out
 * when all bytes before it were, and when the bytes that its own ACK number confirms were handed
 * out too: so a response never passes the request it answers, however the frames were captured.
 * What is missing is waited for and then told as a gap (docs/ARCHITECTURE.md, Gaps).
 */
#ifndef KRBSCOPE_DECODE_STREAM_H
#define KRBSCOPE_DECODE_STREAM_H

#include "base/bytes.h"
#include "decode/http.h"

#define STREAM_GRACE_FRAMES 16      /* a connection joined midway waits so long for earlier bytes */
#define STREAM_WINDOW_BYTES 1048576 /* a sequence number farther away belongs to something else */
#define STREAM_DUPLICATE_NS INT64_C(20000000)    /* a copy within 20 ms was captured twice */
#define STREAM_MIDWAY_OFFSET (UINT64_C(1) << 30) /* first byte seen of a stream joined midway */

/* What may be held, shared by all connections of a decoder. */
struct stream_pool {
    size_t used;         /* bytes, with each piece's header */
    size_t size;         /* of all streams */
    size_t stream_size;  /* of one stream: more closes its first hole */
    uint32_t gap_frames; /* frames of the connection after which a hole is closed */
    int64_t gap_ns;      /* … or time */
    int64_t settled_ns;  /* packet time for certain over: frames may be captured late, and one that
                            comes after a pause is no reason yet to give up those before it */
    uint64_t refused;    /* pieces that found no room, or no memory */
};

/* A run of bytes in order. */
struct stream_chunk {
    struct bytes bytes;    /* borrowed during the call */
    uint64_t offset;       /* of its first byte */
    uint64_t acked;        /* offset of the other direction that its segment confirms; 0 unknown */
    bool is_segment_start; /* a segment of the wire began here */
    struct place place;    /* the segment that brought it */
};

/* Who gets the bytes. data() may clear is_wanted of either direction. */
struct stream_sink {
    void *context;
    void (*data)(void *context, int side, const struct stream_chunk *chunk);
    void (*gap)(void *context, int side, uint64_t len, const struct place *place);
    void (*fin)(void *context, int side, const struct place *place);
};

struct stream_piece;

/* Of a connection that nobody wants only the first cache line is looked at, and the next of the
 * direction that sends: with many connections each line is a wait for memory. */
struct stream {
    uint64_t next;  /* offset of the byte to hand out next */
    uint64_t seen;  /* offset up to which bytes were captured, holes or not */
    uint64_t acked; /* offset up to which the other side confirmed */
    int64_t last_data_ns;
    int64_t last_seen_ns;
    int64_t mark_ns;
    uint32_t base_seq; /* sequence number of offset 0 */
    bool is_based;     /* base_seq is known */
    bool is_from_syn;  /* `first` is known from the handshake */
    bool is_settled;   /* `next` is known; before that all is held */
    bool is_wanted;    /* false: nobody wants the bytes, nothing is held */
    bool has_frames;   /* a segment of this direction was captured */
    bool is_absent;    /* none was, and the other side's ACKs alone tell of it */
    bool fin_seen;
    bool fin_told;
    bool is_fin_assumed; /* one number was confirmed and not captured: a FIN, it seems */
    bool has_hole;
    uint64_t mark, old_mark; /* `seen` at mark_ns, and some 20 ms before */
    struct stream_piece *held_first, *held_last;
    size_t held;    /* bytes in pieces, with their headers */
    uint64_t first; /* offset of the first byte: after the SYN, or where the capture joined */
    uint64_t lost;  /* bytes in gaps */
    int64_t hole_ns;
    uint32_t hole_frames; /* when the bytes confirmed, but not captured, were noticed */
    uint32_t num_resent;  /* segments whose bytes had been captured over 20 ms before */
    uint64_t fin_at;
    uint64_t fin_acked;
    struct place fin_place;
    uint64_t unused[3]; /* up to the next cache line */
};

struct stream_pair {
    uint32_t num_frames;
    bool is_past_grace;
    struct stream side[2];
};

/* One segment as captured. */
struct stream_segment {
    uint32_t seq; /* of the first payload byte */
    uint32_t ack;
    bool has_ack;
    bool has_fin;
    struct bytes payload;
    uint32_t wire_len; /* payload on the wire; more than payload.len when the frame was cut */
    struct place place;
    int64_t clock_ns; /* packet time without leaps */
};

void stream_pair_init(struct stream_pair *p);

/* Frees what is held. */
void stream_pair_drop(struct stream_pair *p, struct stream_pool *pool);

/* The offset of a sequence number, near the bytes handed out last. The stream is based. */
uint64_t stream_offset(const struct stream *s, uint32_t seq);

/* The direction's first byte has this sequence number: its SYN was seen, or the other's ACK of it.
 * Works late too, while nothing was handed out. */
void stream_begin(struct stream *s, uint32_t first_seq);

/* Nobody wants this direction's bytes any more: what is held is freed. */
void stream_forget(struct stream *s, struct stream_pool *pool);

/* A direction that nobody wanted is wanted again, from this offset on. */
void stream_resume(struct stream *s, uint64_t offset);

/* A segment (no SYN, FIN, RST) of a direction that nobody wants: facts only. */
void stream_skip(struct stream_pair *p, int side, const struct stream_segment *segment);

/* A segment of a wanted direction. */
void stream_push(struct stream_pair *p, int side, const struct stream_segment *segment,
                 struct stream_pool *pool, const struct stream_sink *sink);

/* Closes the holes whose time has come; all of them when force is set. */
void stream_close_holes(struct stream_pair *p, const struct place *place, int64_t clock_ns,
                        bool force, struct stream_pool *pool, const struct stream_sink *sink);

/* Bytes are held or missing: stream_close_holes() is due within pool->gap_ns. */
bool stream_is_waiting(const struct stream_pair *p);

#endif
