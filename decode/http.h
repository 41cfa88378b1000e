/* HTTP/1.x as it passes by (RFC 9112): framing of its own, both directions of one connection,
 * gaps included. It only watches: it never blocks on one side, never needs the body.
 *
 *      client ── requests ──►  http_data(dir 0)   start line, head, body by arithmetic
 *      server ◄─ responses ──  http_data(dir 1)   a response belongs to the last request whose
 *                                                 end it acknowledges
 */
#ifndef KRBSCOPE_DECODE_HTTP_H
#define KRBSCOPE_DECODE_HTTP_H

#include "base/arena.h"
#include "base/status.h"
#include "decode/tap.h"

#define HTTP_HEAD_BYTES_MAX 262144 /* longer heads are given up: resynchronise */
#define HTTP_BODY_KEPT_BYTES 65536 /* body kept of a CCM_POST, and of Kerberos through a proxy */
#define HTTP_PIECES_MAX 256        /* chunks of such a body whose place is known */
#define HTTP_PIPELINE_MAX 16       /* requests waiting for their response on one connection */
#define HTTP_FRAMES_MAX 32         /* frame numbers kept of one message */
#define HTTP_HEADER_VALUES_MAX 8   /* values kept of one repeated authentication header */

/* Where a chunk of a stream came from. */
struct place {
    uint32_t frame;
    uint16_t capture; /* the piece that holds it */
    uint16_t turn;    /* which piece of those read that is; goes round */
    int64_t time_ns;
};

/* Does the place lie in a piece that was read before that of last? */
bool place_is_in_earlier_piece(const struct place *place, const struct place *last);

/* Name and value of a header that repeats. */
struct http_values {
    struct bytes at[HTTP_HEADER_VALUES_MAX];
    size_t num;
};

/* A message as the watcher saw it. Slices point into the head buffer: valid during the sink call.
 */
struct http_message {
    bool is_request;
    uint64_t id;       /* of this message on this connection, from 1 */
    uint64_t reply_to; /* response: id of its request; 0: unpaired, and no evidence */
    bool head_complete;
    bool complete;        /* the body came to its end too */
    bool seen_from_start; /* no gap on this direction before it, and the stream from its SYN */

    struct bytes method, target; /* request */
    struct bytes host;           /* Host header, or the absolute URI's authority; port stripped */
    uint16_t host_port;          /* 0: none given */
    struct bytes path;           /* target without scheme, authority and query */
    unsigned status;             /* response */
    unsigned version_minor;      /* HTTP/1.0 or 1.1 */

    struct http_values authorization, proxy_authorization;   /* request */
    struct http_values www_authenticate, proxy_authenticate; /* response */
    struct bytes server, date, via, user_agent, allow, content_type, location, powered_by;
    bool is_behind_tls;      /* request: a proxy says that the client spoke TLS with it */
    const char *node_header; /* response: the header of http_nodes.def that it has, or NULL */
    struct bytes node;       /* its value: which machine answered */
    bool connection_close;
    bool has_content_length;
    uint64_t content_length;
    struct bytes body; /* beginning of a body that is kept, HTTP_BODY_KEPT_BYTES at most */
    uint64_t body_len; /* bytes of body seen */

    struct place first;    /* where its first byte lay */
    struct place head_end; /* where the head's last byte lay */
    struct place end;      /* where its last byte lay (head_end when the body never completed) */
    uint32_t frames[HTTP_FRAMES_MAX];
    size_t num_frames; /* kept */
};

typedef void http_sink(void *context, const struct http_message *message);

/* Bytes of direction dir that were understood: heads, kept bodies, and what frames chunks. */
typedef void http_tap(void *context, int dir, const struct tap_message *message);

struct http_conn;

/* State for one connection. Head and body buffers come from malloc, HTTP_HEAD_BYTES_MAX at most a
 * direction, and grow as needed. NULL: no memory. */
struct http_conn *http_conn_new(http_sink *sink, void *context);
void http_conn_free(struct http_conn *h);

/* The tap is called with the sink's context. */
void http_conn_set_tap(struct http_conn *h, http_tap *tap);

/* Bytes of memory held now (for the decoder's bound). */
size_t http_conn_memory(const struct http_conn *h);

/* Is the body of this Content-Type a Kerberos message for or from a proxy (MS-KKDCP 2.1)? */
bool http_is_kkdcp(struct bytes content_type);

/* Does this segment start look like HTTP? A method token and " " with " HTTP/1." to come or an
 * absolute-form/origin-form target, or "HTTP/1.". Looks at 16 bytes at most. */
bool http_looks_like_request(struct bytes b);
bool http_looks_like_response(struct bytes b);

/* In-order bytes of direction dir: 0 from the client (who sends requests), 1 from the server.
 * offset is the first byte's place in the stream (64 bits, no wrap). is_segment_start: a segment
 * of the wire began with this byte (after a gap only there a start line is looked for). acked: for
 * dir 1 the offset in direction 0 up to which this segment acknowledges; 0 when unknown. */
void http_data(struct http_conn *h, int dir, struct bytes chunk, uint64_t offset,
               bool is_segment_start, uint64_t acked, const struct place *place);

/* len bytes of direction dir were never seen; len 0: unknown number (stream joined midway). */
void http_gap(struct http_conn *h, int dir, uint64_t len, const struct place *place);

/* The direction ended (FIN, RST, capture end): a body without length is complete by a FIN only. */
void http_end(struct http_conn *h, int dir, bool by_fin, const struct place *place);

/* Everything unfinished is reported with complete = false. */
void http_flush(struct http_conn *h);

#endif
