/* What only the whole case shows: nodes compared, names used by others, order, counts, captures. */
#include "diagnose/case_private.h"

#include "diagnose/logs_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOTES_MAX 16
#define NODE_WORDS_BYTES_MAX 1000
#define QUARTER_HOUR_S 900.0
#define ZONE_MAX_S 50400.0 /* UTC+14 is the farthest */

static bool same_service(const struct record *a, const struct record *b)
{
    return a->has_ticket && b->has_ticket && bytes_equal_nocase(a->ticket_sname, b->ticket_sname) &&
           bytes_equal(a->ticket_realm, b->ticket_realm);
}

static bool same_name_or_address(const struct record *a, const struct record *b)
{
    return address_equal(&a->out->server.address, &b->out->server.address) ||
           (a->out->host.len > 0 && bytes_equal_nocase(a->out->host, b->out->host));
}

void also_drop(struct case_file *c, struct attempt_record *out, enum cause cause)
{
    struct finding *kept = arena_alloc_array(&c->out.arena, out->num_also, sizeof *kept);
    size_t num = 0;
    for (size_t i = 0; kept != NULL && i < out->num_also; i++) {
        if (out->also[i].cause != cause) {
            kept[num++] = out->also[i];
        }
    }
    out->also = kept;
    out->num_also = num;
}

static void restate(struct case_file *c, struct record *r, enum cause cause, struct bytes summary,
                    const struct record *other, const char *why)
{
    struct finding *f = &r->out->verdict;
    struct frame_ref *refs = arena_alloc_array(&c->out.arena, f->evidence.num + 2, sizeof *refs);
    f->cause = cause;
    f->summary = summary;
    also_drop(c, r->out, cause);
    r->out->steps[f->step].detail = bytes_of(cause_id(cause));
    if (refs == NULL) {
        return;
    }
    for (size_t i = 0; i < f->evidence.num; i++) {
        refs[i] = f->evidence.at[i];
    }
    const struct step_result *accepted = &other->out->steps[STEP_ACCEPT];
    size_t num = f->evidence.num;
    if (accepted->evidence.num > 0) {
        refs[num] = accepted->evidence.at[0];
        refs[num++].why = bytes_of(why);
    }
    if (cause == CAUSE_NLB_KEY_MISMATCH && r->node_name.len > 0) {
        refs[num++] = r->node_named;
    }
    f->evidence = (struct evidence){.at = refs, .num = num};
}

static struct bytes words(struct case_file *c, const char *a, struct bytes name, const char *b)
{
    char buffer[700];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, a);
    text_add_bytes(&t, name);
    text_add(&t, b);
    return text_keep(&t, &c->out.arena);
}

/* Which node refused: by its own name, by address, or by the adapter that its frames come from. */
static void name_node(struct text *t, const struct record *refused, const struct record *accepted)
{
    const struct hardware_address *node = &refused->node;
    bool has_own_address =
        !address_equal(&refused->out->server.address, &accepted->out->server.address);
    bool has_own_adapter = node->known && accepted->node.known &&
                           memcmp(node->octets, accepted->node.octets, sizeof node->octets) != 0;
    if (refused->node_name.len > 0) {
        text_add(t, ", ");
        text_add_bytes(t, refused->node_name);
    }
    if (has_own_address) {
        text_add(t, refused->node_name.len > 0 ? " at " : ", ");
        address_print(t, &refused->out->server.address);
    } else if (has_own_adapter) {
        text_format(t, "%s %02x:%02x:%02x:%02x:%02x:%02x",
                    refused->node_name.len > 0 ? " with MAC address" : ", with MAC address",
                    node->octets[0], node->octets[1], node->octets[2], node->octets[3],
                    node->octets[4], node->octets[5]);
    }
}

static struct bytes words_of_nodes(struct case_file *c, const struct record *refused,
                                   const struct record *accepted)
{
    char buffer[NODE_WORDS_BYTES_MAX];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_add(&t, "A ticket for ");
    text_add_bytes(&t, refused->ticket_sname);
    text_add(&t, " is accepted by one server behind this name and refused by another");
    name_node(&t, refused, accepted);
    text_add(&t, ": the nodes do not run under the same account.");
    return text_keep(&t, &c->out.arena);
}

/* One server that changed its mind is not two. */
static bool is_same_node(const struct record *a, const struct record *b)
{
    return a->node_name.len > 0 && bytes_equal_nocase(a->node_name, b->node_name);
}

/* The same ticket's key is right on one node and wrong on another. */
void whole_compare_nodes(struct case_file *c, struct record *r)
{
    if (!r->out->has_verdict || r->out->verdict.cause != CAUSE_SERVICE_KEY_MISMATCH) {
        return;
    }
    for (struct record *x = c->first_record; x != NULL; x = x->next) {
        if (x == r || x->is_dropped || !same_service(r, x)) {
            continue;
        }
        bool accepted = x->out->outcome == OUTCOME_APPROVED;
        bool same_key = !r->has_kvno || !x->has_kvno || r->kvno == x->kvno;
        if (accepted && same_key && same_name_or_address(r, x) && !is_same_node(r, x)) {
            restate(c, r, CAUSE_NLB_KEY_MISMATCH, words_of_nodes(c, r, x), x,
                    "the same service ticket's key is accepted here");
            return;
        }
        if (r->has_kvno && x->has_kvno && r->kvno < x->kvno) {
            restate(c, r, CAUSE_SERVICE_KEY_STALE,
                    words(c, "The ticket for ", r->ticket_sname,
                          " was made with an older key than another client's: the account's "
                          "password changed."),
                    x, "another client's ticket has a newer key");
            return;
        }
    }
}

static bool is_used_by_others(const struct case_file *c, const struct record *r)
{
    for (const struct record *x = c->first_record; x != NULL; x = x->next) {
        if (!x->is_dropped && !x->is_provisional && x->out->host.len > 0 &&
            bytes_equal_nocase(x->out->host, r->out->host)) {
            return true;
        }
    }
    return false;
}

/* CONTRACT "approach-only": named by --host, used by another attempt, or nothing better. */
void whole_settle_approach(struct case_file *c, struct record *r)
{
    if (!r->is_provisional || r->is_dropped || c->options.num_hosts > 0 ||
        is_used_by_others(c, r)) {
        return;
    }
    if (r->client_has_better) {
        r->is_dropped = true;
        return;
    }
    r->out->verdict.confidence = CONFIDENCE_POSSIBLE;
}

static int by_time(const void *a, const void *b)
{
    const struct attempt_record *const *x = a;
    const struct attempt_record *const *y = b;
    if ((*x)->first_time_ns != (*y)->first_time_ns) {
        return (*x)->first_time_ns < (*y)->first_time_ns ? -1 : 1;
    }
    return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

static void order(struct case_file *c)
{
    struct attempt_record **list =
        arena_alloc_array(&c->out.arena, c->num_records, sizeof(struct attempt_record *));
    size_t num = 0;
    for (struct record *r = c->first_record; list != NULL && r != NULL; r = r->next) {
        if (!r->is_dropped) {
            r->out->id = (uint32_t)num;
            list[num++] = r->out;
        }
    }
    if (list == NULL) {
        return;
    }
    qsort(list, num, sizeof(struct attempt_record *), by_time);
    for (size_t i = 0; i < num; i++) {
        list[i]->id = (uint32_t)i + 1;
        c->out.by_outcome[list[i]->outcome]++;
        if (list[i]->has_verdict) {
            c->out.by_cause[list[i]->verdict.cause]++;
        }
    }
    c->out.attempts = (const struct attempt_record *const *)list;
    c->out.num_attempts = num;
}

/* What the host in every pair does tells whose side the capture was taken on. */
enum vantage case_vantage(struct case_file *c, uint16_t group)
{
    struct group_state *g = case_group(c, group);
    uint16_t scene = c->align == NULL ? group : align_scene(c->align, group);
    struct client *host = NULL;
    if (g->num_common == 1 && g->num_pairs > 1) {
        host = client_find(c->clients, &g->common[0], scene);
    } else if (g->num_common == 2 && g->near_client != g->near_server) {
        /* One pair only: the handshake's times decide, when they agree. */
        for (size_t i = 0; i < 2 && (g->near_client == 0 || g->near_server == 0); i++) {
            struct client *x = client_find(c->clients, &g->common[i], scene);
            bool serves = x != NULL && (x->num_http_served > 0 || x->num_krb_served > 0);
            if (x != NULL && serves == (g->near_server > 0)) {
                host = x;
            }
        }
    }
    if (host == NULL) {
        return VANTAGE_BETWEEN;
    }
    g->host = host->address;
    if (host->num_http_served > 0) {
        return VANTAGE_MP;
    }
    if (host->num_krb_served > 0) {
        return VANTAGE_KDC;
    }
    return host->num_http_sent > 0 || host->num_krb_sent > 0 || host->logs[LOG_DNS].num > 0
               ? VANTAGE_CLIENT
               : VANTAGE_BETWEEN;
}

/* The multiple of 15 minutes that most wire clocks are nearest to; of several the one that they are
 * nearest to by seconds. It is a zone, never a skew. */
static void estimate_zone(const struct group_state *g, struct capture_summary *s)
{
    size_t best_votes = 0;
    double best_distance = QUARTER_HOUR_S;
    if (s->info.zone != CAPTURE_ZONE_UNKNOWN) {
        return;
    }
    for (size_t i = 0; i < g->num_clock_samples; i++) {
        double zone = -QUARTER_HOUR_S * round(g->clock_samples[i] / QUARTER_HOUR_S);
        double distance = fabs(g->clock_samples[i] + zone);
        size_t votes = 0;
        for (size_t k = 0; k < g->num_clock_samples; k++) {
            votes += fabs(g->clock_samples[k] + zone) < QUARTER_HOUR_S / 2;
        }
        bool is_better = votes > best_votes || (votes == best_votes && distance < best_distance);
        if (is_better && fabs(zone) <= ZONE_MAX_S) {
            best_votes = votes;
            best_distance = distance;
            s->zone_estimated = true;
            s->zone_estimate_s = (int32_t)zone;
        }
    }
}

/* The zone of local times, by a capture of the same scene whose zone is known: what lies between
 * the two clocks, to the nearest quarter of an hour. Better than clocks on the wire, which may be
 * wrong.
 */
static void take_zone_of_another(struct case_file *c, struct capture_summary *captures, size_t num,
                                 size_t i)
{
    struct clock_shift mine = case_shift(c, (uint16_t)i);
    for (size_t k = 0; k < num && captures[i].info.zone == CAPTURE_ZONE_UNKNOWN; k++) {
        struct clock_shift other = case_shift(c, (uint16_t)k);
        double apart_s = (double)(other.add_ns - mine.add_ns) / 1e9;
        double zone_s = QUARTER_HOUR_S * round(apart_s / QUARTER_HOUR_S);
        if (k != i && captures[k].info.zone != CAPTURE_ZONE_UNKNOWN && mine.known && other.known &&
            mine.base == other.base && fabs(zone_s) <= ZONE_MAX_S) {
            captures[i].zone_estimated = true;
            captures[i].zone_estimate_s = (int32_t)zone_s;
            return;
        }
    }
}

static void fill_captures(struct case_file *c, struct capture_summary *captures, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        uint16_t group = i < CAPTURES_MAX ? c->group_of_capture[i] : 0;
        captures[i].vantage = case_vantage(c, group);
        estimate_zone(case_group(c, group), &captures[i]);
        if (c->align != NULL) {
            take_zone_of_another(c, captures, num, i);
        }
        struct clock_shift shift = case_shift(c, (uint16_t)i);
        captures[i].time_base = shift.base;
        captures[i].has_clock_offset = shift.known && shift.base == 0;
        captures[i].clock_offset_s = (double)shift.add_ns / 1e9;
        captures[i].clock_offset_low_s = (double)shift.low_ns / 1e9;
        captures[i].clock_offset_high_s = (double)shift.high_ns / 1e9;
    }
    c->out.captures = captures;
    c->out.num_captures = num;
}

static void add_note(struct case_file *c, struct note *notes, const char *id, struct bytes text,
                     uint16_t capture, uint32_t frame)
{
    if (notes == NULL || c->out.num_notes == NOTES_MAX) {
        return;
    }
    struct note *n = &notes[c->out.num_notes++];
    *n = (struct note){.id = id, .text = text};
    struct frame_ref *ref = frame == 0 ? NULL : arena_alloc(&c->out.arena, sizeof *ref);
    if (ref != NULL) {
        *ref = (struct frame_ref){capture, frame, bytes_of("the first of them")};
        n->evidence = (struct evidence){.at = ref, .num = 1};
    }
}

static struct bytes count_text(struct case_file *c, uint64_t n, const char *rest)
{
    char buffer[300];
    struct text t;
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%llu %s", (unsigned long long)n, rest);
    return text_keep(&t, &c->out.arena);
}

/* Captures of the same time that nothing joins: their attempts are not joined either. */
static bool have_overlap(struct case_file *c)
{
    for (size_t i = 0; i < c->out.num_captures && i < CAPTURES_MAX; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct group_state *a = case_group(c, (uint16_t)i);
            const struct group_state *b = case_group(c, (uint16_t)k);
            bool is_one_scene = c->align != NULL && align_scene(c->align, (uint16_t)i) ==
                                                        align_scene(c->align, (uint16_t)k);
            if (a->seen && b->seen && !is_one_scene && a->first_ns <= b->last_ns &&
                b->first_ns <= a->last_ns) {
                return true;
            }
        }
    }
    return false;
}

/* Is a capture joined to others with no message in common? */
static bool has_unmeasured(const struct case_file *c)
{
    for (size_t i = 0; i < c->out.num_captures && c->align != NULL; i++) {
        if (!case_shift(c, (uint16_t)i).known) {
            return true;
        }
    }
    return false;
}

static void fill_notes(struct case_file *c)
{
    struct note *notes = arena_alloc_array(&c->out.arena, NOTES_MAX, sizeof *notes);
    for (size_t i = 0; i < c->out.num_captures && i < CAPTURES_MAX; i++) {
        const struct capture_summary *s = &c->out.captures[i];
        struct group_state *g = case_group(c, (uint16_t)i);
        if (g->num_frames_duplicate > 0) {
            add_note(c, notes, "duplicated-frames",
                     count_text(c, g->num_frames_duplicate,
                                "messages were captured twice; each counts once."),
                     (uint16_t)i, g->first_duplicate);
        }
        if (s->info.zone == CAPTURE_ZONE_UNKNOWN && s->info.frames > 0) {
            add_note(c, notes, "zone-unknown",
                     bytes_of("The capture's times are local times of an unknown zone; give "
                              "--capture-zone to show UTC. Verdicts do not depend on it."),
                     (uint16_t)i, 0);
        }
    }
    if (c->num_holes > 0) {
        add_note(
            c, notes, "piece-missing",
            bytes_of("Connections go on in a file without their bytes before it: a file between "
                     "seems to be missing, and silence across that place proves nothing."),
            0, 0);
    }
    if (has_unmeasured(c)) {
        add_note(c, notes, "offset-unmeasured",
                 bytes_of("Captures are joined by tickets alone, issued in one and presented in "
                          "another: the offset of their clocks is not measured."),
                 0, 0);
    }
    if (have_overlap(c)) {
        add_note(c, notes, "captures-overlap",
                 bytes_of("Captures of the same time have no message in common and are judged one "
                          "by one: an attempt that two of them show is listed twice."),
                 0, 0);
    }
    if (c->attempts.offers_unanswered > 0) {
        const struct moment *m = c->attempts.first_offer;
        struct finding f = {.cause = CAUSE_NO_CREDENTIALS_SENT,
                            .step = STEP_PRESENT,
                            .confidence = CONFIDENCE_POSSIBLE,
                            .is_note = true,
                            .source = "RFC 4559 5"};
        f.summary = count_text(c, c->attempts.offers_unanswered,
                               "offers of Negotiate were never answered with a token.");
        struct frame_ref *ref = m == NULL ? NULL : arena_alloc(&c->out.arena, sizeof *ref);
        if (ref != NULL) {
            *ref = (struct frame_ref){m->capture, m->frame, bytes_of("the first of them")};
            f.evidence = (struct evidence){.at = ref, .num = 1};
        }
        case_other_failure(c, &f);
    }
    c->out.notes = notes;
}

void whole_describe(struct case_file *c, struct capture_summary *captures, size_t num_captures)
{
    fill_captures(c, captures, num_captures);
    fill_notes(c);
    c->out.other_failures = c->other_failures;
    c->out.num_other_failures = c->num_other_failures;
}

void whole_finish(struct case_file *c, struct capture_summary *captures, size_t num_captures)
{
    for (struct record *r = c->first_record; r != NULL; r = r->next) {
        if (!r->is_dropped) {
            whole_compare_nodes(c, r);
            whole_settle_approach(c, r);
        }
    }
    fill_captures(c, captures, num_captures);
    for (struct record *r = c->first_record; r != NULL; r = r->next) {
        if (!r->is_dropped && r->out->capture < num_captures) {
            whole_clocks(c, r);
            whole_losses(c, r);
        }
    }
    logs_finish(c);
    fill_notes(c);
    order(c);
    groups_fill(c);
    c->out.other_failures = c->other_failures;
    c->out.num_other_failures = c->num_other_failures;
}
