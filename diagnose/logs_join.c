/* Which line tells of which captured request. Lines that could are kept while the logs are read;
 * at the end each log's clock is estimated, and then lines and requests are paired. */
#include "diagnose/logs_private.h"

#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MIN_S 60        /* the window of candidates shrinks no further */
#define VOTES_MAX 262144       /* of one log */
#define PAIRS_MAX 16777216     /* looked at for one log */
#define PATH_BYTES_MAX 1024    /* of a path that are compared */
#define ADDRESSES_FILTER 65536 /* bits that say which clients were captured */
#define HTTPERR_SLACK_S 2      /* a connection's end and its line */

/* Exchanges with one key, and when they were. */
struct slot {
    struct log_exchange *first;
    int64_t from_s, to_s;
};

struct log_joiner {
    bool is_built;
    struct slot *slots;
    size_t num_slots; /* a power of two, 0: no exchanges */
    uint32_t num_voters;
    uint8_t addresses[ADDRESSES_FILTER / 8];
    struct log_candidate *candidates; /* LOG_CANDIDATES_MAX */
    size_t num;
    int64_t window_s;
};

struct log_joiner *log_joiner_new(void)
{
    struct log_joiner *j = calloc(1, sizeof *j);
    if (j != NULL) {
        j->window_s = LOG_WINDOW_S;
        j->candidates = calloc(LOG_CANDIDATES_MAX, sizeof *j->candidates);
        if (j->candidates == NULL) {
            free(j);
            return NULL;
        }
    }
    return j;
}

void log_joiner_free(struct log_joiner *j)
{
    if (j != NULL) {
        free(j->slots);
        free(j->candidates);
        free(j);
    }
}

static int hex_value(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* IIS logs the path decoded, with '+' for a blank; the wire has it as it was sent. Letters' case
 * means nothing to IIS. */
static uint64_t hash_path(struct bytes path)
{
    uint8_t plain[PATH_BYTES_MAX];
    size_t len = 0;
    for (size_t i = 0; i < path.len && len < sizeof plain; i++) {
        uint8_t c = path.at[i];
        if (c == '%' && i + 2 < path.len && hex_value(path.at[i + 1]) >= 0 &&
            hex_value(path.at[i + 2]) >= 0) {
            c = (uint8_t)(hex_value(path.at[i + 1]) * 16 + hex_value(path.at[i + 2]));
            i += 2;
        }
        c = c == ' ' ? '+' : c;
        plain[len++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
    }
    return hash64((struct bytes){.at = plain, .len = len});
}

static uint64_t hash_address(const struct address *a)
{
    return hash64((struct bytes){.at = a->octets, .len = sizeof a->octets});
}

static uint64_t request_key(uint64_t address, struct bytes method, struct bytes path)
{
    return hash64_step(hash64_step(address, hash64(method)), hash_path(path)) | 1;
}

static uint64_t connection_key(uint64_t address, uint16_t port)
{
    return hash64_step(address, port) << 1; /* never equal to a request's */
}

static void keep_exchange(struct log_exchange *out, const struct exchange *x)
{
    const struct moment *request = x->request;
    const struct moment *response = x->response;
    const struct conn *conn = x->conn;
    bool was_reset = response == NULL && conn != NULL && conn->reset;
    *out = (struct log_exchange){.address = hash_address(&request->from.address),
                                 .server_port = request->to.port,
                                 .capture = request->capture,
                                 .frame = response != NULL ? response->frame : request->frame,
                                 .status = response != NULL ? response->u.http.status : 0,
                                 .has_token = moment_has_token(request),
                                 .has_end = response != NULL || was_reset,
                                 .end_ns = response != NULL ? response->time_ns
                                           : was_reset      ? conn->reset_ns
                                                            : request->time_ns};
    out->keys[KEY_REQUEST] =
        request_key(out->address, request->u.http.method, request->u.http.path);
    out->keys[KEY_CONNECTION] = connection_key(out->address, request->from.port);
}

void logs_keep_exchanges(struct case_file *c, struct record *r, const struct attempt *a)
{
    if (c->logs == NULL || r->is_dropped || a->num_exchanges == 0) {
        return;
    }
    size_t num = a->num_exchanges < LOG_EXCHANGES_MAX ? a->num_exchanges : LOG_EXCHANGES_MAX;
    size_t skipped = a->num_exchanges - num; /* the latest tell most */
    r->exchanges = arena_alloc_array(&c->out.arena, num, sizeof *r->exchanges);
    for (size_t i = 0; r->exchanges != NULL && i < num; i++) {
        keep_exchange(&r->exchanges[i], &a->exchanges[skipped + i]);
    }
    r->num_exchanges = r->exchanges == NULL ? 0 : num;
}

/* Requests' and connections' keys lie in one table, told apart by their last bit. */
static int kind_of_key(uint64_t key)
{
    return key & 1 ? KEY_REQUEST : KEY_CONNECTION;
}

static struct slot *find_slot(const struct log_joiner *j, uint64_t key)
{
    size_t at = (size_t)(key >> 1) & (j->num_slots - 1);
    int which = kind_of_key(key);
    while (j->slots[at].first != NULL && j->slots[at].first->keys[which] != key) {
        at = (at + 1) & (j->num_slots - 1);
    }
    return &j->slots[at];
}

static void add_to_slot(struct log_joiner *j, struct log_exchange *x, int which)
{
    struct slot *s = find_slot(j, x->keys[which]);
    int64_t end_s = x->end_ns / NS_PER_S;
    if (s->first == NULL || end_s < s->from_s) {
        s->from_s = end_s;
    }
    if (s->first == NULL || end_s > s->to_s) {
        s->to_s = end_s;
    }
    x->next[which] = s->first;
    s->first = x;
}

/* All attempts are judged: from here on their exchanges stay where they are. */
static void build(struct case_file *c, struct log_joiner *j)
{
    size_t num = 0;
    j->is_built = true;
    for (const struct record *r = c->first_record; r != NULL; r = r->next) {
        num += r->num_exchanges;
    }
    size_t size = 4;
    while (size < 4 * num) { /* two keys each, half of it empty */
        size *= 2;
    }
    j->slots = num == 0 ? NULL : calloc(size, sizeof *j->slots);
    if (j->slots == NULL) {
        return;
    }
    j->num_slots = size;
    for (struct record *r = c->first_record; r != NULL; r = r->next) {
        for (size_t i = 0; i < r->num_exchanges; i++) {
            struct log_exchange *x = &r->exchanges[i];
            x->voter = j->num_voters++;
            add_to_slot(j, x, KEY_REQUEST);
            add_to_slot(j, x, KEY_CONNECTION);
            size_t bit = x->address % ADDRESSES_FILTER;
            j->addresses[bit / 8] |= (uint8_t)(1U << (bit % 8));
        }
    }
}

/* Too many lines may tell of captured requests: those nearest in time stay. */
static void shrink(struct log_joiner *j)
{
    while (j->num > LOG_CANDIDATES_MAX / 2 && j->window_s > WINDOW_MIN_S) {
        size_t num = 0;
        j->window_s /= 2;
        for (size_t i = 0; i < j->num; i++) {
            if (j->candidates[i].distance_s <= j->window_s) {
                j->candidates[num++] = j->candidates[i];
            }
        }
        j->num = num;
    }
}

static uint8_t keep_text(uint8_t *to, struct bytes from)
{
    size_t len = from.len < LOG_TEXT_MAX ? from.len : LOG_TEXT_MAX;
    if (len > 0) {
        memcpy(to, from.at, len);
    }
    return (uint8_t)len;
}

void log_joiner_push(struct case_file *c, struct log_joiner *j, uint16_t log,
                     const struct log_entry *e)
{
    if (!j->is_built) {
        build(c, j);
    }
    if (j->num_slots == 0 || e->client.family == ADDRESS_NONE) {
        return;
    }
    uint64_t address = hash_address(&e->client);
    size_t bit = address % ADDRESSES_FILTER;
    if ((j->addresses[bit / 8] >> (bit % 8) & 1) == 0) {
        return;
    }
    uint64_t key = e->is_error ? connection_key(address, e->client_port)
                               : request_key(address, e->method, e->path);
    const struct slot *s = find_slot(j, key);
    if (s->first == NULL) {
        return;
    }
    int64_t distance = e->time_s < s->from_s ? s->from_s - e->time_s
                       : e->time_s > s->to_s ? e->time_s - s->to_s
                                             : 0;
    if (distance <= j->window_s && j->num == LOG_CANDIDATES_MAX) {
        shrink(j);
    }
    if (distance > j->window_s || j->num == LOG_CANDIDATES_MAX) {
        return;
    }
    struct log_candidate *candidate = &j->candidates[j->num++];
    *candidate = (struct log_candidate){.key = key,
                                        .line = e->line,
                                        .time_s = e->time_s,
                                        .distance_s = distance,
                                        .log = log,
                                        .server_port = e->server_port,
                                        .is_error = e->is_error,
                                        .status = {.has_status = e->has_status,
                                                   .has_substatus = e->has_substatus,
                                                   .has_win32 = e->has_win32,
                                                   .status = e->status,
                                                   .substatus = e->substatus,
                                                   .win32 = e->win32}};
    candidate->reason_len = keep_text(candidate->reason, e->reason);
    candidate->user_len = keep_text(candidate->user, e->user);
}

/* By everything but time. A line of HTTP.sys may lack what a request that was cut off lacks. */
static bool may_tell(const struct log_candidate *l, const struct log_exchange *x)
{
    if (l->server_port != 0 && l->server_port != x->server_port) {
        return false;
    }
    if (l->is_error) {
        return !l->status.has_status || l->status.status == x->status;
    }
    return l->status.has_status && l->status.status == x->status;
}

static int64_t lag_of(const struct log_candidate *l, const struct log_exchange *x)
{
    return l->time_s * NS_PER_S - x->end_ns;
}

static size_t collect_votes(const struct log_joiner *j, uint16_t log, struct log_vote *votes)
{
    size_t num = 0;
    size_t num_pairs = 0;
    for (size_t i = 0; i < j->num; i++) {
        const struct log_candidate *l = &j->candidates[i];
        if (l->log != log) {
            continue;
        }
        int which = kind_of_key(l->key);
        const struct log_exchange *x = find_slot(j, l->key)->first;
        for (; x != NULL && num_pairs < PAIRS_MAX; x = x->next[which]) {
            num_pairs++;
            int64_t lag = lag_of(l, x);
            bool is_near = lag < j->window_s * NS_PER_S && lag > -j->window_s * NS_PER_S;
            if (x->has_end && is_near && may_tell(l, x) && num < VOTES_MAX) {
                votes[num++] = (struct log_vote){.lag_ns = lag, .voter = x->voter};
            }
        }
    }
    return num;
}

/* The server's own Date against the capture's clock, where any attempt shows it. */
static void find_hint(const struct case_file *c, struct log_hint *hint)
{
    for (const struct record *r = c->first_record; r != NULL && !hint->known; r = r->next) {
        if (!r->is_dropped && r->capture_to_server.known) {
            *hint = (struct log_hint){.known = true, .value_s = r->capture_to_server.value};
        }
    }
}

static int by_place(const void *a, const void *b)
{
    const struct log_candidate *x = a;
    const struct log_candidate *y = b;
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    if (x->log != y->log) {
        return x->log < y->log ? -1 : 1;
    }
    return x->line < y->line ? -1 : x->line > y->line;
}

/* Candidates of one key and log, in the order of their lines: from the result to *end. */
static size_t range_of(const struct log_joiner *j, uint64_t key, uint16_t log, size_t *end)
{
    size_t low = 0;
    size_t high = j->num;
    const struct log_candidate wanted = {.key = key, .log = log};
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_place(&j->candidates[middle], &wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *end = low;
    while (*end < j->num && j->candidates[*end].key == key && j->candidates[*end].log == log) {
        ++*end;
    }
    return low;
}

static bool says_the_same(const struct log_candidate *a, const struct log_candidate *b)
{
    return a->status.substatus == b->status.substatus && a->status.win32 == b->status.win32 &&
           a->reason_len == b->reason_len && memcmp(a->reason, b->reason, a->reason_len) == 0;
}

/* A 401 of one second may be any of several: of a request without a token IIS logs the plain
 * challenge, of one with a token as a rule something else. */
static bool is_likely(const struct log_candidate *l, const struct log_exchange *x)
{
    bool is_plain = l->status.substatus == 2 && log_status_is_challenge(&l->status);
    return x->status != 401 || l->is_error || is_plain != x->has_token;
}

/* The first line of this key at the right time that tells of no other request of this capture.
 * Requests are asked in the order of time, and so are lines. With an unsure clock a line counts
 * only when every line that it may be confused with says the same. */
static void pair(struct log_joiner *j, uint16_t log, const struct log_clock *clock,
                 struct log_exchange *x, int which, bool only_likely)
{
    uint64_t capture = UINT64_C(1) << (x->capture % 64);
    struct log_candidate *found = NULL;
    size_t end;
    for (size_t i = range_of(j, x->keys[which], log, &end); i < end; i++) {
        struct log_candidate *l = &j->candidates[i];
        if (!may_tell(l, x) || !(x->has_end || l->is_error) || (only_likely && !is_likely(l, x))) {
            continue;
        }
        if (clock->is_unsure && found != NULL && !says_the_same(found, l)) {
            return;
        }
        double lag_s = (double)lag_of(l, x) / 1e9;
        double slack_s = l->is_error ? HTTPERR_SLACK_S : (double)LOG_STAMP_SLACK_NS / 1e9;
        bool is_now = lag_s >= clock->low_s - 1 - slack_s && lag_s <= clock->high_s + slack_s;
        if (found == NULL && (clock->is_unsure || (is_now && (l->captures & capture) == 0))) {
            found = l;
        }
        if (found != NULL && !clock->is_unsure) {
            break;
        }
    }
    if (found != NULL) {
        found->captures |= capture;
        x->joined = found;
    }
}

/* Estimates the log's clock. false: none of its lines tells of a captured request. */
static bool find_clock(struct case_file *c, struct log_joiner *j, uint16_t log,
                       const struct log_hint *hint, struct log_vote *votes, struct log_clock *clock)
{
    size_t num_votes = collect_votes(j, log, votes);
    if (!log_clock_estimate(votes, num_votes, j->num_voters, hint, clock)) {
        return false;
    }
    struct log_summary *s = &c->logs->files[log];
    s->clock = (struct offset){.known = true,
                               .value = -(clock->low_s + clock->high_s) / 2,
                               .low = -clock->high_s,
                               .high = -clock->low_s};
    s->clock_is_unsure = clock->is_unsure;
    return true;
}

static void join_log(struct case_file *c, struct log_joiner *j, uint16_t log,
                     const struct log_clock *clock, bool only_likely)
{
    for (struct record *r = c->first_record; r != NULL; r = r->next) {
        for (size_t i = 0; i < r->num_exchanges; i++) {
            struct log_exchange *x = &r->exchanges[i];
            for (int which = 0; which < KEY_COUNT && x->joined == NULL; which++) {
                pair(j, log, clock, x, which, only_likely);
                c->logs->files[log].num_joined += x->joined != NULL;
            }
        }
    }
}

static struct bytes copy(struct case_file *c, const uint8_t *at, size_t len)
{
    struct bytes out = {0};
    (void)arena_copy(&c->out.arena, (struct bytes){.at = at, .len = len}, &out);
    return out;
}

static void fill_lines(struct case_file *c, struct record *r)
{
    struct joined_line *lines = arena_alloc_array(&c->out.arena, r->num_exchanges, sizeof *lines);
    for (size_t i = 0; lines != NULL && i < r->num_exchanges; i++) {
        const struct log_exchange *x = &r->exchanges[i];
        const struct log_candidate *l = x->joined;
        if (l != NULL) {
            lines[r->out->num_log_lines++] =
                (struct joined_line){.log = l->log,
                                     .line = l->line,
                                     .time_ns = l->time_s * NS_PER_S,
                                     .capture = x->capture,
                                     .frame = x->frame,
                                     .status = l->status,
                                     .reason = copy(c, l->reason, l->reason_len),
                                     .user = copy(c, l->user, l->user_len)};
        }
    }
    r->out->log_lines = lines;
}

void log_joiner_finish(struct case_file *c, struct log_joiner *j)
{
    struct log_hint hint = {0};
    size_t num_files = c->logs->num_files;
    struct log_vote *votes = j->num == 0 ? NULL : calloc(VOTES_MAX, sizeof *votes);
    struct log_clock *clocks = votes == NULL ? NULL : calloc(num_files, sizeof *clocks);
    bool *has_clock = clocks == NULL ? NULL : calloc(num_files, sizeof *has_clock);
    if (has_clock != NULL) {
        find_hint(c, &hint);
        qsort(j->candidates, j->num, sizeof *j->candidates, by_place);
        for (size_t i = 0; i < num_files; i++) {
            has_clock[i] = find_clock(c, j, (uint16_t)i, &hint, votes, &clocks[i]);
        }
        /* What fits well goes first, in every log; then what fits at all. */
        for (size_t i = 0; i < 2 * num_files; i++) {
            if (has_clock[i % num_files]) {
                join_log(c, j, (uint16_t)(i % num_files), &clocks[i % num_files], i < num_files);
            }
        }
        for (struct record *r = c->first_record; r != NULL; r = r->next) {
            if (!r->is_dropped && r->num_exchanges > 0) {
                fill_lines(c, r);
            }
        }
    }
    free(votes);
    free(clocks);
    free(has_clock);
}
