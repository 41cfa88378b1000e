/* Who is who in an attempt, and when: what every form of the ladder shares. */
#ifndef KRBSCOPE_REPORT_ROLES_H
#define KRBSCOPE_REPORT_ROLES_H

#include "diagnose/analysis.h"

#define ROLES_HOSTS_MAX 24     /* hosts that get a word; others are shown by address */
#define ROLE_WORD_BYTES_MAX 64 /* of roles_word(), NUL included */

enum role {
    ROLE_NONE,
    ROLE_CLIENT,
    ROLE_MP,
    ROLE_SERVER,
    ROLE_DC,
    ROLE_KDC,
    ROLE_DNS,
};

/* What a host is to this attempt, told from the messages it answers. */
struct role_host {
    struct address address;
    bool is_client, is_server, is_dns, is_kdc;
};

struct roles {
    const struct analysis *analysis;
    const struct attempt_record *attempt;
    struct role_host hosts[ROLES_HOSTS_MAX]; /* by first appearance; client and server first */
    size_t num_hosts;
    int64_t start_ns; /* time of the first event, on the clock of the case */
};

/* Fills *r from the attempt's events. */
void roles_learn(struct roles *r, const struct analysis *analysis, const struct attempt_record *a);

enum role roles_of(const struct roles *r, const struct role_host *h);

/* Its place in hosts; num_hosts when it has none. */
size_t roles_find(const struct roles *r, const struct address *address);

/* "KDC", "KDC 2" when there are several, the address for a host without a role. */
void roles_word(struct text *t, const struct roles *r, const struct address *address);

/* Seconds since the first event of the attempt, on the clock of the case. */
double roles_seconds(const struct roles *r, const struct event_summary *e);

/* Does the verdict rest on this event? */
bool roles_is_evidence(const struct attempt_record *a, const struct event_summary *e);

#endif
