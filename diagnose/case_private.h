/* The inside of a case: shared by case.c (its life), intake.c (events), judge.c (verdicts) and
 * whole.c (rules over all).
 */
#ifndef KRBSCOPE_DIAGNOSE_CASE_PRIVATE_H
#define KRBSCOPE_DIAGNOSE_CASE_PRIVATE_H

#include "diagnose/align.h"
#include "diagnose/attempt.h"
#include "diagnose/case.h"

#define ANALYSIS_BYTES_MAX 150994944 /* records, findings and their texts */
#define DETAIL_BYTES_MAX 67108864    /* of them, attempts with all their events; then in brief */
#define RESERVE_BYTES 16777216       /* kept for what is said of all attempts at the end */
#define SCRATCH_BYTES 2097152        /* one attempt's view while it is judged */
#define ADAPTER_ADDRESSES_MAX 4      /* addresses of one host that are told from a router's */
#define TICKETS_MAX 8192             /* tickets whose origin is remembered */
#define CAPTURES_MAX 1024            /* files of one case that get a vantage and a clock */
#define CLOCK_SAMPLES_MAX 64         /* wire clocks against the capture's, a group: zone estimate */
#define AGE_LEAP_NS (INT64_C(3600) * NS_PER_S) /* a stamp that leaps further ages nothing */

/* Where a ticket was first handed out. */
struct ticket_origin {
    struct hash128 hash;
    uint16_t capture;
    uint32_t frame;
    int64_t time_ns;
};

/* An adapter, and the addresses that sent through it: a host's own, or all that lie beyond a
 * router. */
struct adapter {
    struct hardware_address hardware;
    struct address addresses[ADAPTER_ADDRESSES_MAX];
    size_t num_addresses;
    bool has_more;
};

/* Who took part in every pair of hosts so far. */
struct host_pairs {
    struct address common[2];
    size_t num_common, num_pairs;
    struct adapter adapters[2]; /* of the pairs whose adapters are known */
    size_t num_adapters, num_adapter_pairs;
};

/* What is known of one capture (all its pieces). */
struct group_state {
    bool seen;
    int64_t first_ns, last_ns;
    struct host_pairs pairs, mutual; /* of all frames; of hosts that both were seen to send */
    struct address hosts[ADAPTER_ADDRESSES_MAX]; /* of the host that the capture was taken at, as */
    size_t num_hosts;                            /* its vantage says */
    uint64_t num_frames_duplicate;
    uint32_t first_duplicate;
    double clock_samples[CLOCK_SAMPLES_MAX]; /* wire clock - capture clock, s */
    size_t num_clock_samples;
    int near_client, near_server; /* handshakes that look taken at the one or the other end */
};

/* One file of a capture in pieces. Where frames after it show that bytes are missing, a piece in
 * between may not have been given: silence across that place proves nothing. */
struct piece_state {
    bool seen;
    bool has_hole_before;
    int64_t first_ns, last_ns;
};

struct live;

/* What tells one server behind a name from another, all of the same connection. */
struct node_sight {
    struct hardware_address hardware; /* whose frames were captured */
    struct bytes name;                /* what it calls itself by NTLM; or empty */
    struct frame_ref named;           /* where */
    const char *header;               /* of decode/http_nodes.def, or NULL */
    struct bytes header_value;
    struct bytes server, powered_by; /* the headers of these names */
    struct frame_ref answered;       /* the response that has them */
};

/* A record and what the rules over the whole case need beside it. */
struct record {
    struct record *next;
    struct attempt_record *out;
    bool is_provisional;    /* approach-only: counts when somebody else uses the host, … */
    bool client_has_better; /* … or when its client shows nothing better */
    bool is_elsewhere_post; /* a CCM_POST to a path without Windows authentication */
    bool is_dropped;
    struct bytes ticket_sname, ticket_realm;
    bool has_ticket;
    bool has_kvno;
    uint32_t kvno;
    struct node_sight node;                          /* the server that the ticket went to */
    uint64_t connection;                             /* of its last request; 0: none */
    bool has_looked_back;                            /* whole_take_reason() was here */
    struct offset capture_to_kdc, capture_to_server; /* against the capture's own clock */
    struct log_exchange *exchanges;                  /* kept only when logs will come */
    size_t num_exchanges;
    struct client *provisional_of; /* live: whose `provisional` this is */
    struct attempt *told_of;       /* live: the attempt is open, its told.record is this */
    uint32_t revision;             /* live: what was said of it last; 0: nothing yet */
    bool final;
    bool has_settled_clocks; /* live */
    struct record_mark mark;
};

#define LOST_ANSWERS_MAX 1024
#define LOST_ANSWER_NS (INT64_C(30) * NS_PER_S) /* after an attempt's last event */

/* An answer that one capture shows and the asker's does not. */
struct lost_answer {
    uint16_t capture;
    uint32_t frame;
    int64_t time_ns;
    struct address to;
};

struct logs;
struct log_exchange;

struct case_file {
    struct case_options options;
    struct lost_answer lost_answers[LOST_ANSWERS_MAX];
    size_t num_lost_answers;
    const struct align *align; /* NULL: one capture, or none that belongs to another */
    struct logs *logs;         /* NULL: none will come */
    bool is_settled;
    struct client_table *clients;
    struct attempt_list attempts;
    struct group_state *groups; /* CAPTURES_MAX */
    uint16_t group_of_capture[CAPTURES_MAX];
    struct piece_state pieces[CAPTURES_MAX]; /* by capture */
    unsigned num_holes;                      /* pieces with has_hole_before */
    struct ticket_origin *tickets;           /* TICKETS_MAX, overwritten on collision */
    int64_t now_ns;                          /* packet time of the latest event */
    int64_t age_ns; /* packet time without leaps: what idleness is counted in */
    struct arena scratch;
    struct analysis out;
    struct record *first_record, *last_record;
    size_t num_records;
    struct finding *other_failures;
    size_t num_other_failures;
    struct live *live; /* NULL: records are kept until case_end() */
};

#define OTHER_FAILURES_MAX 256

/* Clients by outcome and cause, of the attempts in their final order (groups.c). */
void groups_fill(struct case_file *c);

/* Notes which piece an event comes from (pieces.c). */
void case_take_piece(struct case_file *c, const struct event *e);

/* Judges one attempt and keeps its record. An attempt_over callback: context is the case. */
void judge_attempt(void *context, struct attempt *a);

/* Fills r as if the attempt were over, and marks its Kerberos as explained. *end_ns: until when its
 * Kerberos went. false: no room. */
bool judge_preview(struct case_file *c, struct attempt *a, struct record *r, int64_t *end_ns);

/* Judges what a client did without HTTP: kerberos-only, approach-only. At its eviction or the end.
 */
void judge_client(struct case_file *c, struct client *client);

/* Adds the client's Kerberos failures that no attempt explains to other_failures. */
void other_failures(struct case_file *c, struct client *client);

/* The rules that need the whole case, then the order and the counts. */
void whole_finish(struct case_file *c, struct capture_summary *captures, size_t num_captures);

/* The clocks of hosts that captures were taken at, and which host's is wrong (whole_clocks.c). */
void whole_clocks(struct case_file *c, struct record *r);

/* What the evidence's frames became elsewhere: seen there too, or lost (whole_losses.c). */
void whole_losses(struct case_file *c, struct record *r);

/* Takes a cause out of `also`: it became the verdict, or fell. */
void also_drop(struct case_file *c, struct attempt_record *out, enum cause cause);

/* One record after whatever else became known; each may be called again. What another attempt tells
 * of it (whole_others.c): the key that another server takes, or that another client has; what the
 * same client learned of Kerberos before it used NTLM. */
void whole_compare_nodes(struct case_file *c, struct record *r);
void whole_take_reason(struct case_file *c, struct record *r);
void whole_settle_approach(struct case_file *c, struct record *r);

/* Vantage and zone of the captures, the notes, other_failures: all but the attempts. */
void whole_describe(struct case_file *c, struct capture_summary *captures, size_t num_captures);

/* live.c: the hooks of case.c and intake.c. */
void live_free(struct live *live);
void live_other_failure(struct case_file *c, const struct finding *f);
void live_attempt_over(void *context, struct attempt *a); /* an attempt_over callback */
void live_client_over(struct case_file *c, struct client *client);
void live_pass(struct case_file *c);
void live_end(struct case_file *c, struct capture_summary *captures, size_t num_captures);
int64_t live_round_end(const struct case_file *c);

struct group_state *case_group(struct case_file *c, uint16_t group);
struct group_state *case_group_of(struct case_file *c, uint16_t capture);

/* What was added to the capture's times; and as much of it as the report tells, which is what lies
 * between event_summary.time_ns and the case's time. */
struct clock_shift case_shift(const struct case_file *c, uint16_t capture);
int64_t case_told_shift_ns(const struct case_file *c, uint16_t capture);

/* The end of what this capture shows without a hole, from the piece with that number on. */
int64_t case_end_ns(struct case_file *c, uint16_t capture);

/* The same for a connection that was left open: what it said behind the piece that shows it last
 * may lie in one that was not given. */
int64_t case_open_end_ns(struct case_file *c, const struct conn *conn);

/* Does a hole lie between these times in this capture (all its pieces)? */
bool case_has_hole(const struct case_file *c, uint16_t capture, int64_t from_ns, int64_t to_ns);

/* vantage.c: a pair of hosts was seen (EVENT_HOST_SEEN); where a capture was taken, as far as the
 * pairs tell by now; whether that is the given host (case_vantage() found it out). */
void vantage_take_pair(struct group_state *g, const struct event *e);
enum vantage case_vantage(struct case_file *c, uint16_t group);
bool case_is_at(struct case_file *c, uint16_t capture, const struct address *host);
const struct ticket_origin *case_ticket(const struct case_file *c, struct hash128 hash);

/* Are attempts from now on kept in brief: outcome, verdict and steps, no events? */
bool case_is_brief(const struct case_file *c);

/* A new zeroed record, at the end of the list; NULL when there is no room for more. */
struct record *case_record(struct case_file *c);

/* Adds one finding to other_failures, OTHER_FAILURES_MAX at most. */
void case_other_failure(struct case_file *c, const struct finding *f);

#endif
