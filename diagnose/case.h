/* Events in, verdicts out. One correlator for saved files and live captures.
 *
 *      struct case_file *c = case_new(&options);
 *      for every event: case_push(c, event)          (an event_sink)
 *      case_end(c, captures, num, &analysis)
 */
#ifndef KRBSCOPE_DIAGNOSE_CASE_H
#define KRBSCOPE_DIAGNOSE_CASE_H

#include "diagnose/analysis.h"

#define ATTEMPT_GAP_S 60           /* the next request of an attempt starts within this time */
#define ATTEMPT_IDLE_S 120         /* packet time after which an attempt without end is judged */
#define EVENTS_PER_ATTEMPT_MAX 200 /* event summaries kept of one attempt */
#define RECORDS_MAX 20000          /* attempts kept in full; later ones are counted by cause */
#define SKEW_LIMIT_DEFAULT_S 300.0 /* Windows and MIT default */

struct case_options {
    double skew_limit_s;      /* 0: SKEW_LIMIT_DEFAULT_S */
    const char *const *hosts; /* --host: names or addresses; only these attempts */
    size_t num_hosts;
    const char *const *clients; /* --client */
    size_t num_clients;
    bool has_logs; /* servers' logs or configurations will come (diagnose/logs.h) */
    bool all;      /* --all: Kerberos failures tied to no attempt in other_failures in detail */
};

struct case_file;
struct align;

struct case_file *case_new(const struct case_options *options); /* NULL: no memory */
void case_free(struct case_file *c);

/* Takes what it needs of the event; the event is borrowed during the call. */
void case_push(struct case_file *c, const struct event *event);

/* An event_sink: context is the struct case_file. */
void case_sink(void *context, const struct event *event);

/* How the captures lie to each other: borrowed until case_end(), to be told before the first event
 * that join.h passes on. Without it every capture stands for itself. */
void case_set_align(struct case_file *c, const struct align *align);

/* Judges everything that is open, when no more events will come: before logs are pushed
 * (diagnose/logs.h). case_end() does it too. captures as there. */
void case_settle(struct case_file *c, const struct capture_summary *captures, size_t num_captures);

/* Ends the case: judges what is open, runs the rules that need the whole case.
 * captures: one entry a file, in the order of event.capture, with info filled by the caller;
 * vantage, clock offset and zone estimate are filled here. They are borrowed by *out.
 * *out is to be freed with analysis_free(). STATUS_NO_MEMORY: *out is empty. */
enum status case_end(struct case_file *c, struct capture_summary *captures, size_t num_captures,
                     struct analysis *out);

void analysis_free(struct analysis *a);

#endif
