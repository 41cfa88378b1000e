/* Captures of one case taken at several places: which of them show the same hosts, by how much
 * their clocks differ, and which connections two of them saw.
 *
 *      client.cap   ── events ──►  align_push()   fingerprints of what was seen, and when
 *      mp.cap       ── events ──►                 (each capture by itself, in any order)
 *                                  align_finish()  offsets, scenes, connections that are one
 *
 * Then the captures are read again, with their times corrected, through join.h.
 *
 *      seen at A: t1 ─ request ─►  seen at B: t2      t2 - t1 = offset + delay
 *      seen at A: t4 ◄── reply ──  seen at B: t3      t3 - t4 = offset - delay'
 *
 * so clock(B) - clock(A) lies between the largest of the one and the smallest of the other.
 */
#ifndef KRBSCOPE_DIAGNOSE_ALIGN_H
#define KRBSCOPE_DIAGNOSE_ALIGN_H

#include "decode/event.h"

#define ALIGN_CAPTURES_MAX 1024              /* captures of one case that can be aligned */
#define ALIGN_PRINTS_MAX 131072              /* fingerprints kept, all captures */
#define ALIGN_SIGHTS_MAX 6                   /* captures that one fingerprint is remembered of */
#define ALIGN_CONNS_MAX 131072               /* connections kept, all captures */
#define ALIGN_SAMPLES_MAX 262144             /* comparisons of two captures' times */
#define ALIGN_COPY_NS INT64_C(20000000)      /* a copy within 20 ms is no second sending */
#define ALIGN_CLUSTER_NS INT64_C(2000000000) /* delays differ by less than this */

/* What is to be added to a capture's times to get the case's time. */
struct clock_shift {
    bool known; /* measured by messages that two captures saw */
    int64_t add_ns;
    int64_t low_ns, high_ns; /* bounds of add_ns */
    uint16_t base;           /* the capture (group) whose clock the case's time is */
    size_t num_samples;      /* comparisons that agree */
};

/* A connection as the join needs it. */
struct align_view {
    bool is_shared;                 /* another capture saw it too */
    bool is_primary;                /* and this one tells it */
    struct endpoint client, server; /* as the capture nearest to the client has them */
    struct endpoint client_here;    /* as this capture has it */
};

struct align;

struct align *align_new(void); /* NULL: no memory */
void align_free(struct align *a);

/* One event of the survey. Events of one capture (group) come in their order. */
void align_push(struct align *a, const struct event *e);

/* Compares. No more events. */
void align_finish(struct align *a);

/* The shift of a capture (group). */
struct clock_shift align_shift(const struct align *a, uint16_t group);

/* The scene of a capture: the lowest group of those that it is joined with. */
uint16_t align_scene(const struct align *a, uint16_t group);

/* What became of a connection, by the number its own decoder gave it. */
struct align_view align_conn(const struct align *a, uint16_t group, uint64_t connection);

/* The fingerprint of a message on UDP; 0: it has none. */
uint64_t align_print(const struct event *e);

/* Where something that was sent is missing. */
struct align_loss {
    uint16_t group; /* the capture that would have shown it, had it got there */
};

/* Was the message that this event tells seen by its own capture only, although another one of the
 * scene, nearer to the receiver, shows these hosts at that time? The event's times are the case's.
 */
bool align_is_lost(const struct align *a, const struct event *e, struct align_loss *out);

/* The same of an event that was told before, by its capture and frame. */
bool align_frame_is_lost(const struct align *a, uint16_t capture, uint32_t frame,
                         struct align_loss *out);

/* A frame of a capture. */
struct align_place {
    uint16_t capture;
    uint32_t frame;
};

/* What of a connection left one capture's place and never came to another's. */
struct align_gone {
    bool is_answer;          /* the server's bytes; else the client's */
    uint16_t group;          /* the capture that shows less */
    struct align_place seen; /* the latest message that the one which shows more has of that side */
    struct align_place hole; /* where the one that shows less misses it; frame 0: at its end */
};

/* Of a connection that this capture tells, by the number its own decoder gave it: did another one
 * see fewer of the client's bytes, or more of the server's? Where the receiver confirmed the bytes,
 * they came, and the capture lost them: that is no such loss. */
bool align_conn_is_lost(const struct align *a, uint16_t group, uint64_t connection,
                        struct align_gone *out);

/* Where else a frame's message was seen. false: nowhere else. */
bool align_frame_elsewhere(const struct align *a, uint16_t capture, uint32_t frame,
                           struct align_place *out);

#endif
