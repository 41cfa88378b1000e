/* What the files of the alignment share: align.c (survey), align_print.c (fingerprints),
 * align_clock.c (offsets and scenes), align_conn.c (connections), align_loss.c. */
#ifndef KRBSCOPE_DIAGNOSE_ALIGN_PRIVATE_H
#define KRBSCOPE_DIAGNOSE_ALIGN_PRIVATE_H

#include "base/hash.h"
#include "diagnose/align.h"

#define ALIGN_SLOTS (2 * ALIGN_PRINTS_MAX)     /* of the index: a power of two */
#define ALIGN_CONN_SLOTS (2 * ALIGN_CONNS_MAX) /* the same for connections */
#define ALIGN_HOST_PAIRS_MAX 65536             /* pairs of hosts seen by a capture, all captures */
#define ALIGN_HOST_SLOTS (2 * ALIGN_HOST_PAIRS_MAX)

enum print_kind {
    PRINT_MESSAGE,   /* a DNS or Kerberos message */
    PRINT_SYN,       /* tells what arrived, no clock: it may be sent again */
    PRINT_OPEN,      /* SYN of a connection whose answer was seen too */
    PRINT_OPEN_BACK, /* and that answer */
    PRINT_REQUEST,   /* HTTP on a connection that was joined midway */
    PRINT_TICKET,    /* a ticket handed out, or presented: that is later */
};

/* One capture's sight of a fingerprint. */
struct sight {
    int64_t time_ns; /* of its first frame, by the capture's own clock */
    uint32_t frame;
    uint16_t group, capture;
    bool is_repeated;  /* sent again: which of the sendings another capture saw is not known */
    bool is_presented; /* PRINT_TICKET: to its server */
};

struct print {
    uint64_t hash;
    struct address from, to; /* as the first capture had them */
    uint8_t kind;            /* enum print_kind */
    uint8_t num;
    bool is_answer;
    struct sight sights[ALIGN_SIGHTS_MAX];
};

/* One connection in one capture. */
struct align_conn_entry {
    uint64_t connection;
    struct endpoint client, server;
    int64_t first_ns, last_ns; /* by the capture's own clock */
    uint64_t bytes_seen[2];
    uint64_t bytes_lost[2];
    uint32_t initial_seq[2];
    uint32_t same;              /* index of the set's first member, its own when alone */
    uint32_t next;              /* index of another member: they form a ring */
    struct align_place last[2]; /* where the latest message of either side ended; frame 0: none */
    struct align_place hole[2]; /* where the latest gap was noticed */
    int64_t last_message_ns[2];
    bool acked_unseen[2];
    uint16_t group;
    bool has_client_seq, has_server_seq;
    bool is_whole; /* from its SYN on, nothing lost */
    bool is_primary;
    bool is_shared;
    struct endpoint told_client, told_server; /* as the capture nearest to the client has them */
};

struct align_capture {
    bool seen;
    int64_t first_ns, last_ns; /* by its own clock */
    struct address common[2];  /* hosts of every pair so far */
    size_t num_common, num_pairs;
    uint16_t scene;
    struct clock_shift shift;
};

struct align {
    struct print *prints;
    size_t num_prints;
    uint32_t *slots; /* index + 1 by hash */
    bool is_full;    /* prints were left out: what is missing proves nothing */
    struct align_conn_entry *conns;
    size_t num_conns;
    uint32_t *conn_slots; /* index + 1 by group and connection */
    uint64_t *host_pairs; /* hashes of capture and hosts, 0 empty */
    size_t num_host_pairs;
    struct align_capture captures[ALIGN_CAPTURES_MAX];
    uint16_t num_captures;      /* highest group seen + 1 */
    struct frame_index *frames; /* by capture and frame, made by align_finish() */
    size_t num_frames;
    bool is_finished;
};

struct frame_index {
    uint16_t capture;
    uint32_t frame;
    uint32_t print;
};

/* align.c: the entry of a fingerprint, NULL when there is none. */
struct print *align_find(const struct align *a, uint64_t hash);
uint64_t align_host_pair(uint16_t group, const struct address *x, const struct address *y);
bool align_has_host_pair(const struct align *a, uint64_t hash);

/* align_clock.c */
void align_clocks(struct align *a);

/* align_conn.c */
void align_take_conn(struct align *a, const struct event *e);
void align_conns(struct align *a);
const struct align_conn_entry *align_conn_find(const struct align *a, uint16_t group,
                                               uint64_t connection);

/* align_loss.c */
void align_index_frames(struct align *a);

/* A time of the capture's own clock as the case's. */
int64_t align_case_ns(const struct align *a, uint16_t group, int64_t time_ns);

#endif
