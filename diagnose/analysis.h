/* What krbscope concluded: the only thing that report/ reads.
 *
 * Everything lies in the analysis' arena and dies with it. struct bytes are raw: parts may come
 * from the wire (names), so report/escape.c is the only way to an output. const char * are literals
 * of ours. Names follow the JSON contract (docs/report.schema.json).
 */
#ifndef KRBSCOPE_DIAGNOSE_ANALYSIS_H
#define KRBSCOPE_DIAGNOSE_ANALYSIS_H

#include "base/address.h"
#include "base/arena.h"
#include "capture/capture.h"
#include "decode/decoder.h"
#include "logs/log.h"

enum cause {
    CAUSE_NONE,
#define CAUSE(name, id, generalises) CAUSE_##name,
#include "diagnose/causes.def"
#undef CAUSE
    CAUSE_COUNT,
};

enum step {
    STEP_RESOLVE,
    STEP_CONNECT,
    STEP_CHALLENGE,
    STEP_REACH_KDC,
    STEP_TGT,
    STEP_TICKET,
    STEP_PRESENT,
    STEP_ACCEPT,
    STEP_COUNT,
};

enum step_state { STATE_NOT_SEEN, STATE_OK, STATE_FAILED, STATE_NOT_NEEDED, STATE_NOT_VISIBLE };
enum confidence { CONFIDENCE_POSSIBLE, CONFIDENCE_LIKELY, CONFIDENCE_CERTAIN };
enum attempt_kind {
    KIND_CCM_APPROVAL,
    KIND_HTTP_NEGOTIATE,
    KIND_KERBEROS_ONLY,
    KIND_APPROACH_ONLY
};

enum outcome {
    OUTCOME_INCOMPLETE,
    OUTCOME_APPROVED,
    OUTCOME_APPROVED_NTLM,
    OUTCOME_ACCEPTED_ANONYMOUS,
    OUTCOME_REFUSED,
    OUTCOME_FAILED,
    OUTCOME_COUNT,
};

enum authenticated_by { BY_NOBODY, BY_KERBEROS, BY_NTLM, BY_OTHER };
enum vantage { VANTAGE_BETWEEN, VANTAGE_CLIENT, VANTAGE_MP, VANTAGE_KDC };

/* A frame and why it counts. */
struct frame_ref {
    uint16_t capture;
    uint32_t frame;
    struct bytes why;
};

struct evidence {
    const struct frame_ref *at;
    size_t num;
};

/* A line of a server's log or configuration (index in analysis.logs) and why it counts. */
struct log_ref {
    uint16_t log;
    uint64_t line;
    struct bytes why;
};

struct log_evidence {
    const struct log_ref *at;
    size_t num;
};

struct finding {
    enum cause cause;
    enum step step;
    enum confidence confidence;
    bool is_note;               /* severity note: nothing is broken (NTLM that works) */
    struct bytes summary;       /* one sentence, names filled in */
    const struct bytes *remedy; /* commands and advice, one a line, names filled in */
    size_t num_remedies;
    struct bytes tell_apart; /* in `also`: what would decide between this and the verdict */
    const char *source;      /* "RFC 4120 7.5.9" */
    struct evidence evidence;
    struct log_evidence logs;
};

struct ruled_out {
    enum cause cause;
    struct bytes why;
    struct evidence evidence;
    struct log_evidence logs;
};

struct step_result {
    enum step_state state;
    struct bytes detail; /* "mp.example.com is 192.0.2.21"; may be empty */
    struct evidence evidence;
};

/* clock(Y) - clock(X) in seconds, with bounds; positive: Y is ahead. */
struct offset {
    bool known;
    double value, low, high;
    struct evidence evidence;
};

struct attempt_clocks {
    struct offset client_to_kdc, client_to_server, kdc_to_server;
    double limit_s;
};

struct attempt_connection {
    uint16_t capture;
    struct endpoint client, server;
    uint32_t first_frame, last_frame;
};

/* Key and value for events[].fields; value is text, or a number when is_number. */
struct event_field {
    const char *name;
    struct bytes value;
    bool is_number;
};

struct event_summary {
    uint16_t capture;
    uint32_t frame;
    const uint32_t *frames;
    size_t num_frames;
    int64_t time_ns; /* by the capture's own clock: see clock_offset_s */
    struct endpoint from, to;
    const char *kind;     /* CONTRACT's vocabulary: "KRB-ERROR" */
    struct bytes summary; /* "KDC_ERR_S_PRINCIPAL_UNKNOWN (7) for HTTP/mp.example.com" */
    bool is_failure;      /* marked in the ladder */
    bool complete;
    const struct event_field *fields;
    size_t num_fields;
};

/* What a log says of an answer: "401 2 2148074254". */
struct log_status {
    bool has_status, has_substatus, has_win32;
    unsigned status, substatus;
    uint32_t win32;
};

/* A log's line that tells of one of the attempt's requests. */
struct joined_line {
    uint16_t log;
    uint64_t line;
    int64_t time_ns; /* as stamped: by the log host's clock, whole seconds */
    uint16_t capture;
    uint32_t frame; /* of the response, or of the request when that was not captured */
    struct log_status status;
    struct bytes reason; /* of the HTTPERR log, else empty */
    struct bytes user;   /* who was logged on, or empty */
};

/* One realm's KDC on the way to the service's ticket. */
enum referral_result {
    REFERRAL_PENDING, /* asked, and the capture does not show what came of it */
    REFERRAL_REFERRED,
    REFERRAL_ISSUED,
    REFERRAL_REFUSED_BY_ERROR, /* error_code */
    REFERRAL_UNANSWERED,
    REFERRAL_UNREACHABLE,   /* RST, ICMP or no such neighbour */
    REFERRAL_KDC_NOT_FOUND, /* DNS names no KDC for the realm */
};

struct referral {
    struct bytes realm;
    struct address kdc; /* family NONE: none was asked */
    int64_t time_ns;    /* by the capture's own clock: of the answer, else of the question */
    uint16_t capture;
    uint32_t frame;
    enum referral_result result;
    int32_t error_code;
    struct bytes next; /* REFERRAL_REFERRED: the realm that it named */
    bool is_repeat;    /* this realm was asked before: a loop */
};

struct attempt_record {
    uint32_t id; /* from 1, by first_time */
    enum attempt_kind kind;
    struct endpoint client, server; /* ADDRESS_NONE / port 0 when not known */
    struct bytes principal;         /* "PC01$@EXAMPLE.COM"; empty when not known */
    struct bytes host;              /* as the client named it, without port; empty when unknown */
    struct bytes spn;               /* "HTTP/mp.example.com@EXAMPLE.COM"; empty when unknown */
    struct bytes method, uri;       /* empty: no HTTP */
    int64_t first_time_ns, last_time_ns;
    uint16_t capture; /* where it was seen first; its time_base's clock and zone the times have */
    enum vantage vantage; /* where it was seen from */
    enum outcome outcome;
    enum authenticated_by authenticated_by;
    bool has_verdict;
    struct finding verdict;
    const struct finding *also;
    size_t num_also;
    const struct ruled_out *ruled_out;
    size_t num_ruled_out;
    const struct bytes *cannot_show;
    size_t num_cannot_show;
    const struct bytes *next_capture;
    size_t num_next_capture;
    struct step_result steps[STEP_COUNT];
    bool is_brief; /* one of very many: events, notes and alternatives are left out */
    struct attempt_clocks clocks;
    const struct attempt_connection *connections;
    size_t num_connections;
    const struct event_summary *events; /* by time */
    size_t num_events;
    uint32_t num_events_dropped; /* beyond EVENTS_PER_ATTEMPT_MAX */
    const struct bytes *notes;
    size_t num_notes;
    const struct joined_line *log_lines; /* by time */
    size_t num_log_lines;
    const struct referral *referrals; /* the last walk; none when no realm referred to another */
    size_t num_referrals;
};

struct note {
    const char *id; /* "duplicated-frames" */
    struct bytes text;
    struct evidence evidence;
};

/* One file of the case. */
struct capture_summary {
    const char *path; /* as the user gave it */
    struct capture_info info;
    struct decoder_stats
        decoded; /* what decoding set aside; of a capture in pieces: with the first */
    enum vantage vantage;
    uint16_t time_base; /* the capture whose clock its events' times are by */
    bool has_clock_offset;
    double clock_offset_s; /* to be added to its times for the first file's, with bounds */
    double clock_offset_low_s, clock_offset_high_s;
    bool zone_estimated; /* unknown zone, estimated from wire clocks: zone_estimate_s */
    int32_t zone_estimate_s;
};

/* Attempts that ended alike for the same reason. */
struct outcome_group {
    enum outcome outcome;
    enum cause cause; /* CAUSE_NONE: nothing went wrong */
    uint64_t num_attempts;
    uint64_t num_clients;                /* addresses */
    int64_t first_time_ns, last_time_ns; /* of the attempts, by the clock of `first` */
    const struct attempt_record *first;  /* the earliest of them */
};

/* One file of the servers' logs, or a configuration. */
struct log_summary {
    const char *path; /* as the user gave it */
    struct log_info info;
    uint64_t num_joined;  /* lines that tell of a request in a capture */
    struct offset clock;  /* to be added to its times for the time of the case */
    bool clock_is_unsure; /* several offsets fit as well; the one nearest to none was taken */
};

#define LOG_STATUSES_MAX 6 /* different answers kept of one client */

/* What the logs alone say of one client (c-ip: a proxy's address where one is between). A try is
 * what it does until it is let in, or pauses for ATTEMPT_GAP_S. */
struct log_client {
    struct address address;
    enum outcome outcome;  /* of its last try; OUTCOME_INCOMPLETE: it was only ever challenged */
    uint64_t num_requests; /* lines of it that have to do with authentication */
    uint64_t num_approved, num_anonymous, num_refused, num_failed; /* tries */
    int64_t first_time_s, last_time_s;                             /* of those lines */
    int64_t first_bad_s, last_bad_s; /* of those that were refused or failed */
    struct {
        struct log_status status;
        uint64_t num;
    } statuses[LOG_STATUSES_MAX];
    size_t num_statuses;
    uint64_t num_statuses_dropped; /* lines with further ones */
    struct bytes user;             /* who was logged on last; empty: nobody */
    bool has_verdict;
    struct finding verdict;
};

/* What the logs alone say. */
struct log_report {
    const struct log_summary *files;
    size_t num_files;
    const struct log_client *const *clients; /* refused and failed first, most frequent first */
    size_t num_clients;
    uint64_t num_clients_by_outcome[OUTCOME_COUNT];
    uint64_t num_lines_dropped;     /* of clients beyond LOG_CLIENTS_MAX */
    struct bytes summary;           /* "17 clients were refused since …, first …" */
    uint64_t by_cause[CAUSE_COUNT]; /* clients, by their verdict */
    uint64_t num_bad_clients;       /* refused or failed at least once */
    uint64_t num_bad_tries;
    int64_t first_bad_s, last_bad_s;
    const struct log_client *first_bad;
    const struct bytes *next_capture;
    size_t num_next_capture;
};

struct analysis {
    struct arena arena;
    const struct capture_summary *captures; /* set by cli from capture_info() */
    size_t num_captures;
    const struct attempt_record *const *attempts; /* by first_time */
    size_t num_attempts;
    uint64_t num_attempts_dropped; /* beyond RECORDS_MAX: only in the counts below */
    uint64_t by_outcome[OUTCOME_COUNT];
    uint64_t by_cause[CAUSE_COUNT];     /* verdicts */
    const struct outcome_group *groups; /* failures first, then the most frequent first */
    size_t num_groups;
    uint64_t num_clients; /* addresses that attempts came from */
    const struct finding *other_failures;
    size_t num_other_failures;
    const struct note *notes;
    size_t num_notes;
    struct log_report logs; /* zeroed without logs */
};

const char *cause_id(enum cause cause);         /* "spn-missing"; NULL for CAUSE_NONE */
enum cause cause_from_id(struct bytes id);      /* CAUSE_NONE when unknown */
enum cause cause_generalises(enum cause cause); /* one step up the chain; CAPTURE_INCOMPLETE last */
const char *step_word(enum step step);          /* "reach-kdc" */
const char *step_state_word(enum step_state s); /* "not-seen" */
const char *confidence_word(enum confidence c); /* "likely" */
const char *attempt_kind_word(enum attempt_kind k);
const char *outcome_word(enum outcome o);                   /* "approved-ntlm" */
const char *authenticated_by_word(enum authenticated_by b); /* NULL for BY_NOBODY */
const char *referral_result_word(enum referral_result r);   /* "kdc-not-found" */
const char *vantage_word(enum vantage v);

#endif
