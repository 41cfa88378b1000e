/* What the files of the decoder share: decoder.c (life, frames, events), decoder_tcp.c
 * (connections), decoder_content.c (what a stream's bytes are), decoder_http.c, decoder_krb.c,
 * decoder_carrier.c, decoder_dns.c (their messages), decoder_udp.c, decoder_host.c (hosts,
 * neighbours, ICMP). */
#ifndef KRBSCOPE_DECODE_DECODER_PRIVATE_H
#define KRBSCOPE_DECODE_DECODER_PRIVATE_H

#include "decode/ccm_memory.h"
#include "decode/decoder.h"
#include "decode/flow.h"
#include "decode/krb_transport.h"

#define DECODER_START_BYTES 32      /* of a stream, enough to tell what it is */
#define DECODER_TOKENS_MAX 4        /* Authorization values remembered by connection */
#define DECODER_PAIRS_MAX 32        /* HTTP requests that may still be answered */
#define DECODER_ASKED_MAX 16        /* tokens that may still be answered */
#define DECODER_DUPLICATES_MAX 4096 /* datagrams remembered: a power of two */
#define DECODER_HOST_SLOTS (2 * DECODER_HOST_PAIRS_MAX)
#define DECODER_TIME_LEAP_NS INT64_C(3600000000000) /* a leap by over an hour ages nothing */
#define DECODER_DNS_BYTES_MAX 65535                 /* one message on TCP, RFC 1035 4.2.2 */

/* Frames that carried one message, as they come. */
struct decoder_frames {
    uint32_t frames[EVENT_FRAMES_MAX];
    size_t num;
    int64_t first_time_ns;
    struct place last;
};

/* The first bytes of a stream while they are too few to tell what it is. */
struct decoder_start {
    uint8_t bytes[DECODER_START_BYTES];
    size_t len;
    struct stream_chunk chunks[DECODER_START_BYTES]; /* their bytes lie in bytes */
    size_t num_chunks;
};

struct decoder_krb {
    struct krb_transport transport;
    uint64_t next;    /* offset of the byte behind the last piece */
    bool is_unframed; /* this sender leaves the length out */
    struct decoder_frames frames;
    size_t buffer_size;
};

struct decoder_dns {
    uint8_t *buffer; /* NULL between messages */
    size_t need, have;
    uint64_t next; /* offset of the byte behind what it has */
    uint8_t prefix[2];
    size_t prefix_len;
    struct decoder_frames frames;
};

/* One direction of PDUs that may carry tokens. */
struct decoder_carrier {
    enum carrier_kind kind;
    uint8_t head[CARRIER_HEAD_BYTES]; /* of a PDU whose length is not known yet */
    size_t head_len;
    size_t need;     /* bytes of the PDU; 0: unknown */
    size_t have;     /* of those, in the buffer */
    uint64_t skip;   /* bytes of PDUs that nobody wants, still to come */
    uint8_t *buffer; /* need bytes; NULL: none */
    uint64_t begin;  /* stream offset of the PDU's first byte */
    uint64_t end;    /* stream offset behind the bytes read so far */
    uint64_t acked;  /* what the last chunk confirmed of the other direction */
    struct decoder_frames frames;
};

/* A request with a token that may still be answered. */
struct decoder_asked {
    bool has_id;
    enum carrier_pdu pdu;
    uint64_t id;
    uint64_t end; /* stream offset behind its PDU */
    uint64_t event;
    int side;
};

/* State of a connection on which something was found, or may be. */
struct flow_parser {
    struct decoder *decoder;
    struct flow *flow;
    struct flow_parser *more_recent, *less_recent;
    size_t memory;  /* bytes, all that hangs on it included */
    bool has_begun; /* a message that did not end */
    struct http_conn *http;
    int http_client;         /* side that sends the requests */
    size_t http_idle_memory; /* of http between messages */
    struct {
        uint64_t message, event;
    } pairs[DECODER_PAIRS_MAX];
    size_t num_pairs; /* ever added */
    struct hash128 tokens[DECODER_TOKENS_MAX];
    size_t num_tokens; /* ever added */
    struct decoder_start *start[2];
    struct decoder_krb *krb[2];
    struct decoder_dns *dns[2];
    struct decoder_carrier *carrier[2];
    struct decoder_asked asked[DECODER_ASKED_MAX];
    size_t num_asked; /* ever added */
};

/* Datagrams decoded of late, to tell copies. */
struct decoder_duplicate {
    struct hash128 hash; /* of endpoints and payload */
    uint64_t event;      /* id, 0: nothing was told of it */
    int64_t time_ns;
    uint16_t next; /* index + 1 in the ring, 0 ends the chain */
};

struct decoder_duplicates {
    struct decoder_duplicate ring[DECODER_DUPLICATES_MAX];
    uint16_t chains[DECODER_DUPLICATES_MAX]; /* index + 1 in the ring */
    uint64_t num_added;
};

/* Two hosts and when they were announced last. */
struct decoder_host_pair {
    uint64_t hash; /* 0: empty */
    int64_t time_ns;
};

struct decoder {
    struct decoder_options options;
    uint16_t group; /* the first piece's capture */
    event_sink *sink;
    void *context;
    struct decoder_stats stats;
    struct arena scratch;
    struct segmenter *segmenter;
    struct segment segment; /* of the current frame */
    struct flow_table *flows;
    struct stream_pool pool;
    struct place place;                     /* of the current, then of the last frame */
    uint16_t turn;                          /* of the piece that is read: see struct place */
    int64_t clock_ns;                       /* packet time without its leaps */
    int64_t latest_ns;                      /* highest frame time since the last leap */
    int64_t recent_ns[STREAM_GRACE_FRAMES]; /* clock_ns at the last frames, a ring */
    bool has_time;
    uint64_t num_connections;
    struct flow_parser *parser_recent, *parser_idle; /* used last, and longest ago */
    size_t parser_memory;
    size_t num_begun; /* parsers that have begun a message */
    struct decoder_duplicates *duplicates;
    struct ccm_memory *ccm_memory;
    struct decoder_host_pair *host_pairs; /* [DECODER_HOST_SLOTS] */
    bool has_ended;
};

/* decoder.c */

/* An event of this place, carried by its frame alone. */
struct event decoder_event(enum event_kind kind, const struct place *place);

/* Numbers the event, hands it out and resets the scratch. Returns its id. */
uint64_t decoder_emit(struct decoder *d, struct event *event);

void decoder_drop(struct decoder *d, enum decoder_drop reason);

void decoder_frames_add(struct decoder_frames *f, const struct place *place);
void decoder_frames_clear(struct decoder_frames *f);

/* Sets an event's frames in ascending order, and its place: the current frame when that is one of
 * them (it filled the last hole), else the one that carried the last byte. */
void decoder_frames_set(const struct decoder *d, const struct decoder_frames *f,
                        struct event *event);

/* Were the same bytes seen between the same endpoints within DECODER_DUPLICATE_NS? Then
 * EVENT_DUPLICATE was emitted. If not, the caller writes the id of its event to (*slot)->event. */
bool decoder_is_duplicate(struct decoder *d, const struct segment *segment, struct bytes payload,
                          struct decoder_duplicate **slot);

/* len bytes of a stream were understood: those at this offset. */
void decoder_tell(const struct decoder *d, const struct flow *flow, int side, uint64_t offset,
                  enum tap_kind kind, struct bytes bytes);
void decoder_tell_message(const struct decoder *d, const struct flow *flow, int side,
                          const struct tap_message *message);

/* decoder_host.c */
void decoder_host_seen(struct decoder *d, const struct segment *segment);
void decoder_icmp(struct decoder *d, const struct segment *segment);
void decoder_neighbour(struct decoder *d, const struct segment *segment);

/* decoder_udp.c */
void decoder_udp(struct decoder *d, const struct segment *segment);

/* decoder_tcp.c */
void decoder_tcp(struct decoder *d, const struct segment *segment);
void decoder_tcp_facts(const struct flow *flow, struct tcp_facts *facts);
void decoder_tcp_role(struct flow *flow, int client, enum flow_role role);
void decoder_tcp_due(struct decoder *d);
void decoder_tcp_end(struct decoder *d);

/* decoder_content.c */

/* Is this segment start one of ours? FLOW_UNDECIDED: no. Cheap: most bytes fail the first test. */
enum flow_content decoder_content_of(const struct flow *flow, struct bytes start);
void decoder_content_data(struct decoder *d, struct flow *flow, int side,
                          const struct stream_chunk *chunk);
void decoder_content_gap(struct decoder *d, struct flow *flow, int side, uint64_t len,
                         const struct place *place);
void decoder_content_end(struct decoder *d, struct flow *flow, int side, bool by_fin,
                         const struct place *place);

/* The flow's parser, made when it has none; NULL: no memory, counted. */
struct flow_parser *decoder_parser_of(struct decoder *d, struct flow *flow);

/* Reports what is unfinished and frees the parser. */
void decoder_parser_free(struct decoder *d, struct flow *flow);

/* Takes note of memory that the parser now holds more or less. */
void decoder_parser_memory(struct decoder *d, struct flow_parser *parser);

/* decoder_http.c */
bool decoder_http_begin(struct decoder *d, struct flow *flow, int side, bool is_request);
bool decoder_http_is_under_way(const struct flow *flow);
void decoder_http_data(struct flow *flow, int side, const struct stream_chunk *chunk);

/* decoder_date.c: a Date header, as ns since 1970. false: it has none of the three forms. */
bool decoder_date_parse(struct bytes text, int64_t *time_ns);

/* decoder_krb.c */
/* A direction begins, or begins anew, with these bytes; they may come in pieces afterwards. */
bool decoder_krb_begin(struct decoder *d, struct flow *flow, int side, struct bytes start);
void decoder_krb_data(struct decoder *d, struct flow *flow, int side,
                      const struct stream_chunk *chunk);
void decoder_krb_gap(struct decoder *d, struct flow *flow, int side, uint64_t len);

/* Decodes a message, or the frame of a password change around one, into the scratch. BAD: it is
 * none, *krb is NULL. */
enum verdict decoder_krb_read(struct decoder *d, struct bytes message,
                              const struct krb_message **krb, const struct kpasswd_facts **kpasswd);

/* Decodes a message on UDP or TCP and fills the event; false: it is none, and counted. */
bool decoder_krb_decode(struct decoder *d, struct bytes message, struct event *event);

/* decoder_dns.c */
void decoder_dns_data(struct decoder *d, struct flow *flow, int side,
                      const struct stream_chunk *chunk);
void decoder_dns_gap(struct decoder *d, struct flow *flow, int side);
bool decoder_dns_decode(struct decoder *d, struct bytes message, enum dns_flavour flavour,
                        struct event *event);

/* decoder_carrier.c */

/* PDUs begin here; the direction's state is made, or begun anew. false: no memory, counted. */
bool decoder_carrier_begin(struct decoder *d, struct flow *flow, int side, struct bytes start);
void decoder_carrier_data(struct decoder *d, struct flow *flow, int side,
                          const struct stream_chunk *chunk);
void decoder_carrier_gap(struct decoder *d, struct flow *flow, int side, uint64_t len);
void decoder_carrier_free(struct flow_parser *parser, int side);

/* Decodes a token into the scratch. NULL: it is none that says anything. */
struct token_facts *decoder_token(struct decoder *d, struct bytes token, bool complete);

#endif
