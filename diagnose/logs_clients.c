/* What the logs alone say: each client's tries, followed line by line.
 *
 *      401 2 2148074254              the ordinary challenge
 *      401 1 2148074254 or 590610    NTLM's middle, or a token of which nothing was taken
 *      401 1 2148074276 …            refused, and why (logs.def)
 *      200 with a user name          let in
 *
 * A try ends when the client is let in, or pauses for ATTEMPT_GAP_S. One challenge that nothing
 * follows is nothing; two in a row with CCM_POST, or a token that led nowhere, is a refusal. A
 * client that is only ever challenged and uses other verbs is a probe as likely as not. */
#include "diagnose/logs_tries.h"

#include "base/hash.h"
#include "diagnose/view.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS (2 * LOG_CLIENTS_MAX)

struct log_client_table *log_clients_new(void)
{
    struct log_client_table *t = calloc(1, sizeof *t);
    if (t != NULL) {
        t->states = calloc(LOG_CLIENTS_MAX, sizeof *t->states);
        t->buckets = calloc(BUCKETS, sizeof *t->buckets);
        if (t->states == NULL || t->buckets == NULL) {
            log_clients_free(t);
            return NULL;
        }
    }
    return t;
}

void log_clients_free(struct log_client_table *t)
{
    if (t != NULL) {
        free(t->states);
        free(t->buckets);
        free(t);
    }
}

static size_t bucket_of(const struct address *address)
{
    return hash64((struct bytes){.at = address->octets, .len = sizeof address->octets}) % BUCKETS;
}

/* Takes the state out of the index; those behind it that it kept from their place move up. */
static void unlist(struct log_client_table *t, const struct client_state *s)
{
    size_t hole = bucket_of(&s->out.address);
    while (&t->states[t->buckets[hole] - 1] != s) {
        hole = (hole + 1) % BUCKETS;
    }
    for (size_t at = (hole + 1) % BUCKETS; t->buckets[at] != 0; at = (at + 1) % BUCKETS) {
        size_t home = bucket_of(&t->states[t->buckets[at] - 1].out.address);
        if ((at + BUCKETS - home) % BUCKETS >= (at + BUCKETS - hole) % BUCKETS) {
            t->buckets[hole] = t->buckets[at];
            hole = at;
        }
    }
    t->buckets[hole] = 0;
}

/* Nothing will be said of it but that it was let in. */
static bool is_well(const struct client_state *s)
{
    return s->is_let_in && s->now.num == 0 && s->lone.num == 0 &&
           s->out.num_refused + s->out.num_failed == 0;
}

/* A place for one more client: that of one that is well, which is only counted from now on. */
static struct client_state *make_room(struct log_client_table *t)
{
    if (t->num < LOG_CLIENTS_MAX) {
        return &t->states[t->num++];
    }
    for (size_t i = 0; i < LOG_FORGET_TRIES_MAX; i++) {
        struct client_state *s = &t->states[t->hand];
        t->hand = (t->hand + 1) % LOG_CLIENTS_MAX;
        if (is_well(s)) {
            unlist(t, s);
            t->num_forgotten[s->out.outcome]++;
            memset(s, 0, sizeof *s);
            return s;
        }
    }
    return NULL;
}

static struct client_state *find(struct log_client_table *t, const struct address *address,
                                 bool may_add)
{
    size_t at = bucket_of(address);
    while (t->buckets[at] != 0) {
        struct client_state *s = &t->states[t->buckets[at] - 1];
        if (address_equal(&s->out.address, address)) {
            return s;
        }
        at = (at + 1) % BUCKETS;
    }
    struct client_state *s = may_add ? make_room(t) : NULL;
    if (s == NULL) {
        t->num_lines_dropped += may_add;
        return NULL;
    }
    for (at = bucket_of(address); t->buckets[at] != 0;) { /* one that went may have left a place */
        at = (at + 1) % BUCKETS;
    }
    s->out.address = *address;
    t->buckets[at] = (uint32_t)(s - t->states) + 1;
    return s;
}

static size_t keep(uint8_t *to, size_t room, struct bytes from)
{
    size_t len = from.len < room ? from.len : room;
    if (len > 0) {
        memcpy(to, from.at, len);
    }
    return len;
}

static struct log_status status_of(const struct log_entry *e)
{
    return (struct log_status){.has_status = e->has_status,
                               .has_substatus = e->has_substatus,
                               .has_win32 = e->has_win32,
                               .status = e->status,
                               .substatus = e->substatus,
                               .win32 = e->win32};
}

static bool status_equal(const struct log_status *a, const struct log_status *b)
{
    return a->has_status == b->has_status && a->has_substatus == b->has_substatus &&
           a->has_win32 == b->has_win32 && a->status == b->status && a->substatus == b->substatus &&
           a->win32 == b->win32;
}

static void count_status(struct client_state *s, const struct log_status *status)
{
    struct log_client *out = &s->out;
    for (size_t i = 0; i < out->num_statuses; i++) {
        if (status_equal(&out->statuses[i].status, status)) {
            out->statuses[i].num++;
            return;
        }
    }
    if (out->num_statuses == LOG_STATUSES_MAX) {
        out->num_statuses_dropped++;
        return;
    }
    out->statuses[out->num_statuses].status = *status;
    out->statuses[out->num_statuses++].num = 1;
}

/* A try is over, and it was bad. */
static void note_bad(struct client_state *s, const struct log_rule *rule, enum outcome outcome,
                     int64_t first_s, int64_t last_s)
{
    struct log_client *out = &s->out;
    if (out->num_refused + out->num_failed == 0 || first_s < out->first_bad_s) {
        out->first_bad_s = first_s;
    }
    if (out->num_refused + out->num_failed == 0 || last_s > out->last_bad_s) {
        out->last_bad_s = last_s;
    }
    *(outcome == OUTCOME_REFUSED ? &out->num_refused : &out->num_failed) += 1;
    out->outcome = outcome;
    s->rule = rule;
}

static void note_refused(struct client_state *s, const struct pending *p,
                         const struct log_rule *rule)
{
    note_bad(s, rule, OUTCOME_REFUSED, p->first_s, p->last_s);
    s->refs[0] = p->first;
    s->refs[1] = p->rule != NULL ? p->telling : p->last;
    s->num_refs = p->num > 1 ? 2 : 1;
    if (s->num_refs == 1) {
        s->refs[0] = s->refs[1];
    }
    s->num_in_row = p->num;
}

/* Challenges of several tries, none of which was followed by a success, count together. */
static void add_lone(struct client_state *s)
{
    struct pending *lone = &s->lone;
    if (lone->num == 0) {
        *lone = s->now;
        return;
    }
    lone->num += s->now.num;
    lone->last = s->now.last;
    lone->last_s = s->now.last_s;
}

/* The client paused, or the logs end: what became of its 401s? */
static void settle(struct client_state *s)
{
    struct pending *p = &s->now;
    if (p->num == 0) {
        return;
    }
    if (p->rule != NULL) {
        note_refused(s, p, p->rule);
        s->lone.num = 0;
    } else if (p->num > 1 && (p->has_token || p->has_post)) {
        note_refused(s, p, log_rule_challenged(p->has_token));
        s->lone.num = 0;
    } else if (p->has_post) {
        add_lone(s);
        if (s->lone.num > 1) {
            note_refused(s, &s->lone, log_rule_challenged(false));
            s->lone.num = 1; /* the next one makes two again */
            s->lone.first = s->lone.last;
            s->lone.first_s = s->lone.last_s;
        }
    }
    p->num = 0;
}

static void take_401(struct client_state *s, uint16_t log, const struct log_entry *e)
{
    const struct log_status status = status_of(e);
    const struct line_ref ref = {.log = log, .line = e->line, .status = status};
    const struct log_rule *rule = log_rule_for(&status, e->reason);
    struct pending *p = &s->now;
    if (p->num == 0) {
        *p = (struct pending){.first = ref, .first_s = e->time_s};
    }
    p->num++;
    p->last = ref;
    p->last_s = e->time_s;
    p->path = hash64(e->path);
    p->has_post = p->has_post || bytes_is(e->method, "CCM_POST");
    p->has_token = p->has_token || (status.has_substatus && status.substatus == 1);
    if (rule != NULL) {
        p->rule = rule;
        p->telling = ref;
    }
    s->is_let_in = false;
}

static void let_in(struct client_state *s, const struct log_entry *e, bool is_anonymous)
{
    if (!s->is_let_in) {
        *(is_anonymous ? &s->out.num_anonymous : &s->out.num_approved) += 1;
    }
    s->is_let_in = true;
    s->now.num = 0;
    s->lone.num = 0;
    s->out.outcome = is_anonymous ? OUTCOME_ACCEPTED_ANONYMOUS : OUTCOME_APPROVED;
    if (e->user.len > 0) {
        s->user_len = keep(s->user, sizeof s->user, e->user);
    }
}

static bool is_ours(const struct log_entry *e)
{
    return bytes_is(e->method, "CCM_POST") || attempt_path_is_protected(e->path);
}

static bool is_success(unsigned status)
{
    return status >= 200 && status < 400;
}

/* Does the line tell of a logon at all? Everything else of the log is passed over. */
static bool is_telling(const struct log_entry *e, const struct client_state *s)
{
    if (e->is_error) {
        const struct log_status status = status_of(e);
        const struct log_rule *rule = log_rule_for(&status, e->reason);
        return rule != NULL && e->reason.len > 0 &&
               (rule->cause == CAUSE_TOKEN_TOO_LARGE || is_ours(e));
    }
    if (!e->has_status) {
        return false;
    }
    if (e->status == 401 || e->user.len > 0) {
        return true;
    }
    if (is_success(e->status)) {
        return attempt_path_is_protected(e->path) ||
               (!e->has_user_column && s != NULL && s->now.num > 0 &&
                s->now.path == hash64(e->path));
    }
    return is_ours(e);
}

static void take_failure(struct client_state *s, uint16_t log, const struct log_entry *e)
{
    const struct log_status status = status_of(e);
    const struct log_rule *rule = log_rule_for(&status, e->reason);
    if (rule == NULL || !(is_ours(e) || rule->cause == CAUSE_TOKEN_TOO_LARGE)) {
        return;
    }
    bool is_refusal = status.has_status && status.status == 403 && e->user.len > 0;
    settle(s);
    note_bad(s, rule, is_refusal ? OUTCOME_REFUSED : OUTCOME_FAILED, e->time_s, e->time_s);
    s->refs[0] = (struct line_ref){.log = log, .line = e->line, .status = status};
    s->num_refs = 1;
    s->num_in_row = 1;
    s->is_let_in = false;
}

static void keep_words(struct client_state *s, const struct log_entry *e)
{
    s->method_len = keep(s->method, sizeof s->method, e->method);
    s->path_len = keep(s->path, sizeof s->path, e->path);
    s->reason_len = keep(s->reason, sizeof s->reason, e->reason);
    s->server = (struct endpoint){.address = e->server, .port = e->server_port};
}

/* --host against what the line knows of the server: its address (s-ip), its name (cs-host, without
 * the port). What a line does not know cannot rule it out. */
static bool is_of_wanted_host(const struct case_file *c, const struct log_entry *e)
{
    const struct bytes host = bytes_part(e->host, 0, bytes_find(e->host, ':', 0));
    bool is_wanted = c->options.num_hosts == 0;
    for (size_t i = 0; i < c->options.num_hosts && !is_wanted; i++) {
        const struct bytes name = bytes_of(c->options.hosts[i]);
        struct address address;
        is_wanted = address_parse(name, &address)
                        ? e->server.family == ADDRESS_NONE || address_equal(&address, &e->server)
                        : host.len == 0 || host_matches(name, host);
    }
    return is_wanted;
}
void log_clients_push(const struct case_file *c, struct log_client_table *t, uint16_t log,
                      const struct log_entry *e)
{
    t->last_s = t->has_times && t->last_s > e->time_s ? t->last_s : e->time_s;
    t->has_times = true;
    if (e->client.family == ADDRESS_NONE || !is_of_wanted_host(c, e)) {
        return;
    }
    /* Without user names a success counts only after a challenge: one look-up more. */
    bool needs_state = !e->has_user_column && !e->is_error;
    if (!is_telling(e, needs_state ? find(t, &e->client, false) : NULL)) {
        return;
    }
    struct client_state *s = find(t, &e->client, true);
    if (s == NULL) {
        return;
    }
    int64_t gap = e->time_s - s->last_s;
    if (s->out.num_requests > 0 && (gap > ATTEMPT_GAP_S || gap < -ATTEMPT_GAP_S)) {
        settle(s);
        s->is_let_in = false;
    }
    const struct log_status status = status_of(e);
    s->last_s = e->time_s;
    if (s->out.num_requests++ == 0) {
        s->out.first_time_s = e->time_s;
        s->out.last_time_s = e->time_s;
    }
    s->out.first_time_s = e->time_s < s->out.first_time_s ? e->time_s : s->out.first_time_s;
    s->out.last_time_s = e->time_s > s->out.last_time_s ? e->time_s : s->out.last_time_s;
    count_status(s, &status);
    if (e->has_status && e->status == 401) {
        take_401(s, log, e);
        keep_words(s, e);
    } else if (e->has_status && is_success(e->status)) {
        let_in(s, e, e->has_user_column && e->user.len == 0);
    } else {
        keep_words(s, e);
        take_failure(s, log, e);
    }
}

/* The last line of a log is not the end of a handshake: what follows may lie in the next file, or
 * in HTTP.sys' buffer. */
void log_client_settle_last(const struct log_client_table *t, struct client_state *s)
{
    bool may_go_on = s->now.num == 1 || s->now.has_token;
    bool is_open = may_go_on && s->now.rule == NULL && t->last_s - s->last_s < LOG_SETTLE_S;
    if (!is_open) {
        settle(s);
    }
}
