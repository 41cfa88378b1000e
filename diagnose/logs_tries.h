/* What the logs alone say of each client, as it is gathered line by line (logs_clients.c) and
 * reported (logs_clients_report.c).
 */
#ifndef KRBSCOPE_DIAGNOSE_LOGS_TRIES_H
#define KRBSCOPE_DIAGNOSE_LOGS_TRIES_H

#include "diagnose/logs_private.h"

struct line_ref {
    uint16_t log;
    uint64_t line;
    struct log_status status;
};

/* The 401s since the client was let in last. */
struct pending {
    unsigned num;
    bool has_post;               /* with CCM_POST */
    bool has_token;              /* substatus 1: it had sent one */
    const struct log_rule *rule; /* what the latest telling one says, or NULL */
    struct line_ref first, last, telling;
    int64_t first_s, last_s;
    uint64_t path; /* hash, for logs without user names */
};

struct client_state {
    struct log_client out;
    int64_t last_s;
    bool is_let_in;           /* its latest line says so, and it did not pause since */
    struct pending now, lone; /* lone: challenges of earlier tries that nothing followed */
    /* what the verdict will be made of: the latest bad try */
    const struct log_rule *rule;
    struct line_ref refs[2];
    size_t num_refs;
    uint64_t num_in_row;
    struct endpoint server;
    uint8_t method[LOG_TEXT_MAX], path[LOG_PATH_MAX], reason[LOG_TEXT_MAX], user[LOG_TEXT_MAX];
    size_t method_len, path_len, reason_len, user_len;
};

struct log_client_table {
    struct client_state *states; /* LOG_CLIENTS_MAX */
    size_t num;
    uint32_t *buckets;                     /* index + 1 */
    size_t hand;                           /* the state that may go next when all are taken */
    uint64_t num_forgotten[OUTCOME_COUNT]; /* clients that were well, by how they were let in */
    uint64_t num_lines_dropped;
    bool has_times;
    int64_t last_s; /* of all lines */
};
/* No further line of the client will come: its last try is over, unless it may go on in the next
 * file. */
void log_client_settle_last(const struct log_client_table *t, struct client_state *s);

#endif
