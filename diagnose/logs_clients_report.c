/* From the tries that the logs tell of to the report: verdicts, order, counts, a summary. */
#include "diagnose/judge.h"
#include "diagnose/logs_tries.h"

#include <stdlib.h>
#include <string.h>

#define SUMMARY_BYTES_MAX 300

/* --client: by address, or by the user that the log names, "EXAMPLE\\PC01$". */
static bool is_wanted_client(const struct case_file *c, const struct client_state *s)
{
    struct bytes user = {.at = s->user, .len = s->user_len};
    size_t slash = bytes_find(user, '\\', 0);
    struct bytes name = slash < user.len ? bytes_part(user, slash + 1, user.len) : user;
    return judge_client_is_wanted(c, &s->out.address, name);
}
static struct bytes copy(struct arena *arena, const uint8_t *at, size_t len)
{
    struct bytes out = {0};
    (void)arena_copy(arena, (struct bytes){.at = at, .len = len}, &out);
    return out;
}

static struct bytes status_text(struct arena *arena, const struct log_status *status)
{
    char buffer[64];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    log_status_print(&t, status);
    return text_keep(&t, arena);
}

static void fill_verdict(struct arena *arena, struct client_state *s)
{
    struct log_client *out = &s->out;
    char buffer[80];
    struct text t;
    struct log_words w = {.method = copy(arena, s->method, s->method_len),
                          .path = copy(arena, s->path, s->path_len),
                          .reason = copy(arena, s->reason, s->reason_len),
                          .status = s->refs[s->num_refs - 1].status,
                          .num = s->num_in_row};
    text_init(&t, buffer, sizeof buffer);
    address_print(&t, &out->address);
    w.client = text_keep(&t, arena);
    if (s->server.address.family != ADDRESS_NONE) {
        text_init(&t, buffer, sizeof buffer);
        address_print(&t, &s->server.address);
        w.server = text_keep(&t, arena);
    }
    log_finding(arena, s->rule, &w, &out->verdict);
    for (size_t i = 0; i < s->num_refs; i++) {
        log_evidence_add(arena, &out->verdict.logs, s->refs[i].log, s->refs[i].line,
                         status_text(arena, &s->refs[i].status));
    }
    out->has_verdict = true;
}
static bool is_bad(const struct log_client *c)
{
    return c->num_refused + c->num_failed > 0;
}

static int by_badness(const void *a, const void *b)
{
    const struct log_client *x = *(const struct log_client *const *)a;
    const struct log_client *y = *(const struct log_client *const *)b;
    uint64_t bad_x = x->num_refused + x->num_failed;
    uint64_t bad_y = y->num_refused + y->num_failed;
    if (bad_x != bad_y) {
        return bad_x > bad_y ? -1 : 1;
    }
    if (x->first_time_s != y->first_time_s) {
        return x->first_time_s < y->first_time_s ? -1 : 1;
    }
    return memcmp(x->address.octets, y->address.octets, sizeof x->address.octets);
}

static void count_client(struct log_report *out, const struct log_client *client)
{
    out->num_clients_by_outcome[client->outcome]++;
    if (!is_bad(client)) {
        return;
    }
    if (out->num_bad_clients == 0 || client->first_bad_s < out->first_bad_s) {
        out->first_bad_s = client->first_bad_s;
        out->first_bad = client;
    }
    if (out->num_bad_clients == 0 || client->last_bad_s > out->last_bad_s) {
        out->last_bad_s = client->last_bad_s;
    }
    out->num_bad_clients++;
    out->by_cause[client->verdict.cause]++;
    out->num_bad_tries += client->num_refused + client->num_failed;
}

static void add_advice(struct arena *arena, struct log_report *out)
{
    static const char *const lines[] = {
        "On such a client, as administrator, with nothing cut off:",
        "klist -li 0x3e7 purge",
        "ipconfig /flushdns",
        "netsh trace start capture=yes report=disabled maxsize=512 tracefile=client.etl",
        "Repeat the failing request, wait a minute, then:",
        "netsh trace stop",
        "etl2pcapng client.etl client.pcapng",
        "On the server, so that its log is whole:",
        "netsh http flush logbuffer",
    };
    struct bytes *list = arena_alloc_array(arena, sizeof lines / sizeof lines[0], sizeof *list);
    for (size_t i = 0; list != NULL && i < sizeof lines / sizeof lines[0]; i++) {
        list[out->num_next_capture++] = bytes_of(lines[i]);
    }
    out->next_capture = list;
}

/* One sentence for people in a hurry. */
static struct bytes summary_of(struct arena *arena, const struct log_report *r)
{
    char buffer[SUMMARY_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    if (r->num_clients == 0) {
        return bytes_of("No line of the logs tells of a client that logs on.");
    }
    if (r->num_bad_clients == 0) {
        text_format(&t, "No client%s was refused; %llu %s let in.",
                    r->num_lines_dropped > 0 ? " that was looked at" : "",
                    (unsigned long long)r->num_clients_by_outcome[OUTCOME_APPROVED],
                    r->num_clients_by_outcome[OUTCOME_APPROVED] == 1 ? "was" : "were");
        return text_keep(&t, arena);
    }
    text_format(&t, "%s%llu %s refused or failed since ",
                r->num_lines_dropped > 0 ? "At least " : "", (unsigned long long)r->num_bad_clients,
                r->num_bad_clients == 1 ? "client was" : "clients were");
    civil_print(&t, r->first_bad_s * NS_PER_S, 0, true);
    text_add(&t, ", first ");
    address_print(&t, &r->first_bad->address);
    text_format(&t, "; %llu %s in all, the last at ", (unsigned long long)r->num_bad_tries,
                r->num_bad_tries == 1 ? "try" : "tries");
    civil_print(&t, r->last_bad_s * NS_PER_S, 0, true);
    text_add(&t, ".");
    return text_keep(&t, arena);
}

void log_clients_finish(struct case_file *c, struct log_client_table *t, struct log_report *out)
{
    struct arena *arena = &c->out.arena;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers */
    const struct log_client **list = arena_alloc_array(arena, t->num, sizeof *list);
    for (size_t i = 0; list != NULL && i < t->num; i++) {
        struct client_state *s = &t->states[i];
        log_client_settle_last(t, s);
        if (!is_wanted_client(c, s)) {
            continue;
        }
        struct log_client *client = arena_alloc(arena, sizeof *client);
        if (client == NULL) {
            out->num_lines_dropped += s->out.num_requests;
            continue;
        }
        if (is_bad(&s->out)) {
            fill_verdict(arena, s);
        }
        s->out.user = copy(arena, s->user, s->user_len);
        *client = s->out;
        list[out->num_clients++] = client;
        count_client(out, client);
    }
    if (list != NULL) {
        /* NOLINTNEXTLINE(bugprone-sizeof-expression) */
        qsort(list, out->num_clients, sizeof *list, by_badness);
    }
    out->clients = list;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        out->num_clients_by_outcome[i] += t->num_forgotten[i];
    }
    out->num_lines_dropped += t->num_lines_dropped;
    out->summary = summary_of(arena, out);
    if (out->num_bad_clients > 0) {
        add_advice(arena, out);
    }
}
