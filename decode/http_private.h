/* What the files of the HTTP watcher share.
 *
 *      http.c        the public side: bytes, gaps and ends go in, messages come out
 *      http_state.c  one direction's state machine: start line, head
 *      http_body.c   the same, inside a body
 *      http_head.c   the grammar of a head: start line, header fields, what frames the body
 *      http_pair.c   which request a response belongs to
 */
#ifndef KRBSCOPE_DECODE_HTTP_PRIVATE_H
#define KRBSCOPE_DECODE_HTTP_PRIVATE_H

#include "decode/http.h"

#define HTTP_LOOK_BYTES 16         /* of a segment start, to tell HTTP from anything else */
#define HTTP_METHOD_BYTES_MAX 32   /* a longer token is no method */
#define HTTP_START_LINE_MAX 65536  /* bytes; a longer first line is no start line */
#define HTTP_CHUNK_LINE_MAX 4096   /* bytes of a chunk's size and extensions */
#define HTTP_TRAILER_MAX 65536     /* bytes of trailer fields behind the last chunk */
#define HTTP_CHUNK_DIGITS_MAX 16   /* hexadecimal digits of a chunk's size: 64 bits */
#define HTTP_BUFFER_BYTES_MIN 4096 /* a buffer's first size */

enum http_state {
    HTTP_START,      /* between messages: a start line is next, blank lines are skipped */
    HTTP_HEAD,       /* start line and header fields are collected */
    HTTP_COUNTED,    /* `left` bytes of body are to come */
    HTTP_CHUNK_SIZE, /* a chunk's first line */
    HTTP_CHUNK_DATA, /* `left` bytes of this chunk are to come */
    HTTP_CHUNK_END,  /* the line end behind a chunk's bytes */
    HTTP_TRAILER,    /* fields behind the last chunk, to an empty line */
    HTTP_UNTIL_END,  /* a body that ends with the stream */
    HTTP_LOST,       /* out of step: a start line is looked for where a segment begins */
    HTTP_SILENT,     /* no HTTP any more: a tunnel, or the direction ended */
    HTTP_STATE_COUNT,
};

/* Bytes that grow up to a maximum given with each call. */
struct http_buffer {
    uint8_t *at;
    size_t len;
    size_t size;
};

/* The message that a direction is in. */
struct http_making {
    bool exists;  /* from its first byte to its last, and while it is held back */
    bool started; /* its start line is whole and good */
    bool strict;  /* found after a gap: only what surely is a start line is taken for one */
    bool head_complete;
    bool registered; /* request: has its id, and waited or waits for a response */
    bool emitted;
    bool done;       /* framing reached its end */
    bool bytes_lost; /* a gap took bytes of the body */
    bool end_lost;   /* … the last one among them */
    bool keeps_body;
    bool expects_continue;
    bool seen_from_start;
    bool in_doubt;          /* whether the body that the head announces will come */
    bool is_head;           /* of a HEAD, or a response to one: then without a body */
    bool is_connect;        /* of a CONNECT, or a response to one: a 2xx begins a tunnel */
    bool line_cut;          /* request: the capture lacks the end of its first line */
    bool paired;            /* response: its request was looked for */
    unsigned status;        /* response */
    uint64_t id;            /* request: once registered */
    uint64_t reply_to;      /* response: id of its request */
    uint64_t start;         /* offset of the first byte */
    uint64_t acked;         /* response: what the segment of its first byte acknowledged */
    uint64_t response_gaps; /* request: gaps of the other direction up to its first byte */
    uint64_t body_len;
    bool wants_pieces;        /* a tap does */
    struct tap_piece *pieces; /* [HTTP_PIECES_MAX] of what is kept of the body; NULL: none */
    size_t num_pieces;
    size_t num_fields; /* whole header lines so far */
    size_t line;       /* where in head the unfinished line begins */
    struct http_buffer head;
    struct http_buffer body;
    struct place first, head_end, last;
    uint32_t frames[HTTP_FRAMES_MAX];
    size_t num_frames;
};

struct http_side {
    enum http_state state;
    bool is_request;       /* this direction carries requests */
    bool has_next;         /* next is known */
    bool gap_seen;         /* bytes of this direction were lost, or it was joined midway */
    bool at_segment_start; /* nothing but line ends since a segment began */
    bool in_extension;     /* HTTP_CHUNK_SIZE: behind the digits */
    uint64_t next;         /* offset of the next byte */
    uint64_t acked;        /* by the segment that is read now */
    uint64_t left;         /* HTTP_COUNTED, HTTP_CHUNK_DATA: bytes to come */
    size_t line_len;       /* HTTP_CHUNK_SIZE, HTTP_TRAILER: bytes of this line */
    size_t trailer_len;
    size_t num_digits; /* HTTP_CHUNK_SIZE */
    uint8_t probe[HTTP_LOOK_BYTES];
    size_t probe_len; /* first bytes of a body that is in doubt */
    struct place probe_first, probe_last;
    struct http_making making;
};

/* A request that waits for its response. */
struct http_waiting {
    uint64_t id;
    uint64_t start;         /* offset of its first byte */
    uint64_t head_end;      /* offset behind its head, as far as seen */
    uint64_t ack_max;       /* where a gap began behind it: later responses may be of another */
    uint64_t response_gaps; /* gaps of the response direction up to its first byte */
    bool is_head;           /* its response has no body */
    bool is_connect;        /* a 2xx turns the connection into a tunnel */
    bool is_sure;           /* a gap took its end, but the next response can only be its own */
};

struct http_queue {
    struct http_waiting at[HTTP_PIPELINE_MAX]; /* oldest first */
    size_t num;
    uint64_t answered_max; /* highest offset that a final response acknowledged */
    uint64_t response_gaps;
    bool by_order;  /* every request and response so far was seen: pairs are counted off */
    bool pipelines; /* this client sends requests without waiting */
};

struct http_conn {
    http_sink *sink;
    http_tap *tap; /* or NULL */
    void *context;
    uint64_t num_ids;
    struct http_queue queue;
    struct http_side side[2]; /* 0: requests, 1: responses */
};

/* What a head says. */
struct http_head {
    struct http_message message; /* the fields read from the head; slices into it */
    bool has_host;
    bool has_transfer_encoding;
    bool is_chunked; /* the last transfer coding is chunked */
    bool bad_length; /* Content-Length makes no sense, or two of them differ */
    bool expects_continue;
};

/* http_head.c */

/* Can b be the beginning of a start line? Looks at HTTP_METHOD_BYTES_MAX + 8 bytes at most.
 * DONE: it begins like one; MORE: as far as it goes. strict: only methods in capitals and the
 * target forms of RFC 9112 3.2. */
enum verdict http_start_check(struct bytes b, bool is_request, bool strict);

/* A whole start line without its line end. false: it is none. */
bool http_start_line(struct http_message *out, struct bytes line, bool is_request, bool strict);

/* A head, or the whole lines of a part of one. false: its start line is none. */
bool http_head_parse(struct http_head *out, struct bytes head, bool is_request);

/* http_pair.c */

/* A request's head was read. */
void http_queue_add(struct http_queue *q, const struct http_waiting *request);

/* Bytes from offset on of the request direction are unknown; cut_id: the request that they cut,
 * 0 for none. */
void http_queue_request_gap(struct http_queue *q, uint64_t offset, uint64_t cut_id);

/* Responses may have been lost. */
void http_queue_response_gap(struct http_queue *q);

/* Takes the request of a final response out of the queue. acked: 0 unknown. false: none, or it
 * cannot be told. */
bool http_queue_answer(struct http_queue *q, uint64_t acked, struct http_waiting *out);

/* http_state.c */

/* A message begins at offset start. strict: only what surely is a start line is taken for one. */
void http_begin(struct http_conn *h, struct http_side *s, bool strict, uint64_t start,
                const struct place *place);

/* len bytes of the message were read. */
void http_take(struct http_side *s, size_t len, const struct place *place);
void http_note_place(struct http_making *m, const struct place *place);

/* Takes at least one byte of a non-empty part. */
size_t http_step(struct http_conn *h, struct http_side *s, struct bytes part,
                 const struct place *place);

/* HTTP_START and HTTP_LOST: looks for a start line. */
size_t http_step_start(struct http_conn *h, struct http_side *s, struct bytes part,
                       const struct place *place);

/* The direction is out of step from s->next on: what was read of a message is reported. */
void http_lose_step(struct http_conn *h, struct http_side *s);

/* The message's framing reached its end. */
void http_finish(struct http_conn *h, struct http_side *s);

/* http_body.c: steps like http_step(), each for its states. */
size_t http_step_body(struct http_conn *h, struct http_side *s, struct bytes part,
                      const struct place *place);
size_t http_step_chunk_size(struct http_conn *h, struct http_side *s, struct bytes part,
                            const struct place *place);
size_t http_step_chunk_end(struct http_conn *h, struct http_side *s, struct bytes part,
                           const struct place *place);
size_t http_step_trailer(struct http_conn *h, struct http_side *s, struct bytes part,
                         const struct place *place);

/* len bytes of a counted body were never seen. false: they are more than that. */
bool http_step_over(struct http_conn *h, struct http_side *s, uint64_t len);

/* Bytes that were looked at to know whether they are the body are it. */
void http_body_settle(struct http_side *s);

/* http.c */

/* The bytes of this direction at this offset were understood. */
void http_tell(const struct http_conn *h, const struct http_side *s, uint64_t offset,
               enum tap_kind kind, struct bytes bytes);

/* Reports what a direction knows of its message, unless that was done, or too little is known. */
void http_emit(struct http_conn *h, struct http_side *s);

/* The same for a message that may not even have its whole head. */
void http_emit_unfinished(struct http_conn *h, struct http_side *s);

/* Reports a response that was held back until its request ended. */
void http_emit_held(struct http_conn *h);

/* Gives the request that is being read its id and lets it wait for its response. */
void http_register(struct http_conn *h);

/* Looks for the request of the response that is being read. */
void http_answer(struct http_conn *h);

/* Frees what the message holds, and forgets it. */
void http_making_drop(struct http_making *m);

/* Appends as much as max allows; false: no memory. */
bool http_buffer_add(struct http_buffer *b, struct bytes part, size_t max);
void http_buffer_drop(struct http_buffer *b);

#endif
