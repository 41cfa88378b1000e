/* The inside of diagnose/logs*.c.
 *
 *      logs_clients.c, logs_clients_report.c
 *                       what the logs alone say of each client
 *      logs_join.c      which line tells of which captured request
 *      logs_clock.c     how far the log host's clock is from the capture's
 *      logs_rules.c     what a line testifies (logs.def), and what that does to a verdict
 *      logs_config.c    what applicationHost.config confirms or rules out
 */
#ifndef KRBSCOPE_DIAGNOSE_LOGS_PRIVATE_H
#define KRBSCOPE_DIAGNOSE_LOGS_PRIVATE_H

#include "base/civil.h"
#include "diagnose/case_private.h"
#include "diagnose/logs.h"

#define LOG_CLIENTS_MAX 16384        /* clients whose tries are followed */
#define LOG_FORGET_TRIES_MAX 256     /* of them that are looked at for one that may go */
#define LOG_CANDIDATES_MAX 32768     /* lines that may tell of a captured request */
#define LOG_EXCHANGES_MAX 16         /* kept of one attempt; the latest always is */
#define LOG_WINDOW_S INT64_C(129600) /* clocks that differ by more are not brought together */
#define LOG_TEXT_MAX 64              /* bytes kept of a user or reason */
#define LOG_PATH_MAX 128             /* bytes kept of a path */
#define LOG_RULE_REMEDIES_MAX 4
#define LOG_STAMP_SLACK_NS (100 * NS_PER_MS) /* the stamp against the response's last frame */
#define LOG_SETTLE_S 2 /* a try whose last line is so near to the log's end may go on */
#define ANY (-1)

/* An IIS line is found by client, method and path; a line of HTTP.sys, which may know neither, by
 * the connection. */
enum { KEY_REQUEST, KEY_CONNECTION, KEY_COUNT };

/* A request of a judged attempt, as far as a log can tell of it. */
struct log_exchange {
    uint64_t keys[KEY_COUNT];
    struct log_exchange *next[KEY_COUNT]; /* with the same key */
    uint64_t address;                     /* hash of the client's alone */
    uint32_t voter;
    uint16_t server_port;
    uint16_t capture;
    uint32_t frame;  /* of the response, else of the request */
    unsigned status; /* 0: no response was captured */
    bool has_token;
    bool has_end;   /* end_ns is the response's, or the reset's */
    int64_t end_ns; /* by the case's clock */
    const struct log_candidate *joined;
};

/* A line that may tell of an exchange. */
struct log_candidate {
    uint64_t key, line;
    int64_t time_s;
    int64_t distance_s; /* of the nearest exchange with this key, as if the clocks agreed */
    uint64_t captures;  /* by bits: those that have an exchange joined to it */
    uint16_t log, server_port;
    bool is_error;
    struct log_status status;
    uint8_t reason_len, user_len;
    uint8_t reason[LOG_TEXT_MAX], user[LOG_TEXT_MAX];
};

/* What a line testifies. ANY matches everything; reason NULL: no line of the HTTPERR log. */
struct log_rule {
    int status, substatus;
    int64_t win32;
    const char *reason;
    enum cause cause;
    enum step step;
    enum confidence confidence;
    bool says_why;    /* its words are better than the verdict's own */
    const char *name; /* of the code: "SEC_E_TIME_SKEW" */
    const char *summary;
    const char *remedy[LOG_RULE_REMEDIES_MAX];
};

/* Words for the slots of a rule's texts; empty ones leave "the server" and the like. */
struct log_words {
    struct bytes client, server, method, path, spn, reason, user;
    struct log_status status;
    uint64_t num; /* of 401s in a row */
};

struct log_client_table;
struct log_joiner;

struct config_witness {
    uint16_t log;
    const struct iis_config *config;
};

struct logs {
    struct log_client_table *clients;
    struct log_joiner *joiner;
    struct config_witness *configs; /* LOG_FILES_MAX */
    size_t num_configs;
    struct log_summary *files;
    size_t num_files;
};

struct logs *logs_new(void); /* NULL: no memory */
void logs_free(struct logs *l);

/* Keeps what a log may tell of: called with each attempt when it is judged. */
void logs_keep_exchanges(struct case_file *c, struct record *r, const struct attempt *a);

/* Joins, applies, and fills c->out.logs. Nothing happens in a case without logs. */
void logs_finish(struct case_file *c);

/* logs_clients.c, logs_clients_report.c */
struct log_client_table *log_clients_new(void);
void log_clients_free(struct log_client_table *t);
void log_clients_push(const struct case_file *c, struct log_client_table *t, uint16_t log,
                      const struct log_entry *e);
void log_clients_finish(struct case_file *c, struct log_client_table *t, struct log_report *out);

/* logs_join.c */
struct log_joiner *log_joiner_new(void);
void log_joiner_free(struct log_joiner *j);
void log_joiner_push(struct case_file *c, struct log_joiner *j, uint16_t log,
                     const struct log_entry *e);
void log_joiner_finish(struct case_file *c, struct log_joiner *j);

/* logs_clock.c: pairs of a line and an exchange vote for the offset log minus capture. */
struct log_vote {
    int64_t lag_ns; /* the line's whole second minus the exchange's end */
    uint32_t voter; /* an exchange has one vote for each lag; below num_voters */
};
/* Where the offset is expected, for a choice between equals: the server's own Date, say. */
struct log_hint {
    bool known;
    double value_s;
};
/* log minus capture, in seconds. */
struct log_clock {
    double low_s, high_s;
    size_t num_agreed; /* voters */
    bool is_unsure;    /* another offset fits as well */
};
/* The offset that most voters agree with. false: no votes, or no memory. */
bool log_clock_estimate(const struct log_vote *votes, size_t num, uint32_t num_voters,
                        const struct log_hint *hint, struct log_clock *out);

/* logs_rules.c */
size_t log_rules_count(void);
const struct log_rule *log_rules_at(size_t i);
/* The most particular rule for such an answer, or NULL. reason empty: an IIS log's line. */
const struct log_rule *log_rule_for(const struct log_status *status, struct bytes reason);
/* A 401 that is a step of a healthy handshake, or may be. */
bool log_status_is_challenge(const struct log_status *s);
/* The two rules for clients that were only ever challenged: without and with a token. */
const struct log_rule *log_rule_challenged(bool has_token);
/* A rule's template with its {slots} filled, in the arena; for_command: names that a shell would
 * not take as they are leave <slot>. */
struct bytes log_fill(struct arena *arena, const char *template, const struct log_words *words,
                      bool for_command);
void log_finding(struct arena *arena, const struct log_rule *rule, const struct log_words *words,
                 struct finding *out);
/* "401 2 2148074254", '-' for what the log does not have. */
void log_status_print(struct text *t, const struct log_status *s);
/* What the joined lines do to the record's verdict. */
void log_rules_apply(struct case_file *c, struct record *r);
/* Adds a line as evidence. */
void log_evidence_add(struct arena *arena, struct log_evidence *e, uint16_t log, uint64_t line,
                      struct bytes why);

/* logs_config.c */
void log_configs_apply(struct case_file *c, struct record *r);

#endif
