/* Offsets between the clocks of captures, from messages that two of them saw.
 *
 * A sending again does no harm: the first sight upstream and any later one downstream only make the
 * one bound wider. Chance (two messages that look alike) is outvoted: the comparisons that count
 * lie close together and are a third of all at least.
 */
#include "diagnose/align_private.h"

#include <stdlib.h>

#define EDGES_MAX 4096                 /* pairs of captures that saw the same */
#define WEIGHT_MIN 2                   /* comparisons that must agree; a handshake gives two */
#define CLUSTER_PART 3                 /* one of so many must agree */
#define ONE_WAY_NS INT64_C(1000000000) /* delay allowed for where no answer was seen */
#define UNMEASURED_NS INT64_C(86400000000000)  /* bound told of what was not measured */
#define TICKET_LIFE_NS INT64_C(36000000000000) /* a ticket may be presented so much later */

struct sample {
    uint16_t a, b; /* groups, a < b */
    bool is_forward;
    uint8_t weight;
    uint64_t hosts;
    int64_t delta_ns; /* time at b - time at a */
};

/* clock(b) - clock(a) */
struct edge {
    uint16_t a, b;
    bool known;
    int64_t value_ns, low_ns, high_ns;
    size_t num_samples;
};

static int by_delta(const void *left, const void *right)
{
    const struct sample *x = left;
    const struct sample *y = right;
    if (x->a != y->a) {
        return x->a < y->a ? -1 : 1;
    }
    if (x->b != y->b) {
        return x->b < y->b ? -1 : 1;
    }
    return x->delta_ns < y->delta_ns ? -1 : x->delta_ns > y->delta_ns;
}

static int by_hosts(const void *left, const void *right)
{
    const struct sample *x = left;
    const struct sample *y = right;
    if (x->hosts != y->hosts) {
        return x->hosts < y->hosts ? -1 : 1;
    }
    if (x->is_forward != y->is_forward) {
        return x->is_forward ? -1 : 1;
    }
    return x->delta_ns < y->delta_ns ? -1 : x->delta_ns > y->delta_ns;
}

static uint64_t address_hash(const struct address *x)
{
    return hash64((struct bytes){.at = (const uint8_t *)x, .len = sizeof *x});
}

/* Every two captures that saw it. Returns the number of samples. */
static size_t samples_of(const struct print *p, struct sample *out, size_t room)
{
    size_t num = 0;
    uint64_t from = address_hash(&p->from);
    uint64_t to = address_hash(&p->to);
    bool is_back = p->kind == PRINT_OPEN_BACK;
    for (size_t i = 0; i < p->num; i++) {
        for (size_t k = 0; k < i && num < room; k++) {
            const struct sight *x = &p->sights[k];
            const struct sight *y = &p->sights[i];
            if (x->is_repeated || y->is_repeated) {
                continue;
            }
            bool is_ordered = x->group < y->group;
            int64_t delta = (int64_t)((uint64_t)y->time_ns - (uint64_t)x->time_ns);
            out[num++] = (struct sample){.a = is_ordered ? x->group : y->group,
                                         .b = is_ordered ? y->group : x->group,
                                         .is_forward = (from < to) != is_back,
                                         .weight = p->kind == PRINT_OPEN || is_back ? 2 : 1,
                                         .hosts = from ^ to,
                                         .delta_ns = is_ordered ? delta : -delta};
        }
    }
    return num;
}

/* The samples of one pair of captures that lie close together and weigh most; *num of them. */
static struct sample *densest(struct sample *s, size_t num_all, size_t *num)
{
    size_t best = 0, best_num = 0;
    unsigned weight = 0, best_weight = 0, all = 0;
    for (size_t from = 0, to = 0; to < num_all; to++) {
        weight += s[to].weight;
        all += s[to].weight;
        while (s[to].delta_ns - s[from].delta_ns > ALIGN_CLUSTER_NS) {
            weight -= s[from++].weight;
        }
        if (weight > best_weight) {
            best_weight = weight;
            best = from;
            best_num = to - from + 1;
        }
    }
    *num = best_weight >= WEIGHT_MIN && best_weight >= all / CLUSTER_PART ? best_num : 0;
    return &s[best];
}

/* Bounds by the messages between two hosts, sorted: those of one direction, then the other's. */
static struct edge bound(const struct sample *s, size_t num)
{
    struct edge e = {.a = s->a, .b = s->b, .known = true, .num_samples = num};
    size_t num_forward = 0;
    while (num_forward < num && s[num_forward].is_forward) {
        num_forward++;
    }
    if (num_forward == 0 || num_forward == num) {
        e.value_ns = s[num / 2].delta_ns;
        e.low_ns = s[0].delta_ns - ONE_WAY_NS;
        e.high_ns = s[num - 1].delta_ns + ONE_WAY_NS;
        return e;
    }
    int64_t min_forward = s[0].delta_ns, max_forward = s[num_forward - 1].delta_ns;
    int64_t min_back = s[num_forward].delta_ns, max_back = s[num - 1].delta_ns;
    if (max_back <= min_forward) { /* forward messages pass a first */
        e.low_ns = max_back;
        e.high_ns = min_forward;
    } else if (max_forward <= min_back) {
        e.low_ns = max_forward;
        e.high_ns = min_back;
    } else { /* clocks that drift, or were set: somewhere in between */
        e.low_ns = min_forward < min_back ? min_forward : min_back;
        e.high_ns = max_forward > max_back ? max_forward : max_back;
        e.value_ns =
            s[num_forward / 2].delta_ns / 2 + s[num_forward + (num - num_forward) / 2].delta_ns / 2;
        return e;
    }
    e.value_ns = e.low_ns + (e.high_ns - e.low_ns) / 2;
    return e;
}

static void narrow(struct edge *e, const struct edge *other)
{
    int64_t low = e->low_ns > other->low_ns ? e->low_ns : other->low_ns;
    int64_t high = e->high_ns < other->high_ns ? e->high_ns : other->high_ns;
    size_t num = e->num_samples + other->num_samples;
    if (low <= high) {
        bool is_loose =
            e->value_ns < low || e->value_ns > high || e->low_ns != low || e->high_ns != high;
        e->low_ns = low;
        e->high_ns = high;
        e->value_ns = is_loose ? low + (high - low) / 2 : e->value_ns;
    } else if (other->high_ns - other->low_ns < e->high_ns - e->low_ns) {
        *e = *other;
    }
    e->num_samples = num;
}

/* The edge that the samples of one pair of captures give; known is false when they give none. */
static struct edge edge_of(struct sample *s, size_t num_all)
{
    struct edge e = {.a = s->a, .b = s->b};
    size_t num = 0;
    struct sample *close = densest(s, num_all, &num);
    qsort(close, num, sizeof *close, by_hosts);
    for (size_t from = 0, to = 0; from < num; from = to) {
        while (to < num && close[to].hosts == close[from].hosts) {
            to++;
        }
        struct edge one = bound(&close[from], to - from);
        if (!e.known) {
            e = one;
        } else {
            narrow(&e, &one);
        }
    }
    return e;
}

static size_t measured_edges(const struct align *a, struct edge *edges)
{
    struct sample *samples = calloc(ALIGN_SAMPLES_MAX, sizeof *samples);
    size_t num = 0, num_edges = 0;
    if (samples == NULL) {
        return 0;
    }
    for (size_t i = 0; i < a->num_prints; i++) {
        const struct print *p = &a->prints[i];
        if (p->kind != PRINT_SYN && p->kind != PRINT_TICKET) {
            num += samples_of(p, samples + num, ALIGN_SAMPLES_MAX - num);
        }
    }
    qsort(samples, num, sizeof *samples, by_delta);
    for (size_t from = 0, to = 0; from < num && num_edges < EDGES_MAX; from = to) {
        while (to < num && samples[to].a == samples[from].a && samples[to].b == samples[from].b) {
            to++;
        }
        edges[num_edges] = edge_of(&samples[from], to - from);
        num_edges += edges[num_edges].known;
    }
    free(samples);
    return num_edges;
}

/* A ticket that one capture shows being issued and another one being presented joins the two; the
 * offset is only bounded: presented is later. */
static size_t ticket_edges(const struct align *a, struct edge *edges, size_t num)
{
    for (size_t i = 0; i < a->num_prints && num < EDGES_MAX; i++) {
        const struct print *p = &a->prints[i];
        const struct sight *issued = NULL, *presented = NULL;
        for (size_t k = 0; p->kind == PRINT_TICKET && k < p->num; k++) {
            *(p->sights[k].is_presented ? &presented : &issued) = &p->sights[k];
        }
        if (issued == NULL || presented == NULL) {
            continue;
        }
        int64_t wait_ns = (int64_t)((uint64_t)presented->time_ns - (uint64_t)issued->time_ns);
        int64_t value = wait_ns >= 0 && wait_ns <= TICKET_LIFE_NS ? 0 : wait_ns;
        bool is_ordered = issued->group < presented->group;
        edges[num++] = (struct edge){.a = is_ordered ? issued->group : presented->group,
                                     .b = is_ordered ? presented->group : issued->group,
                                     .value_ns = is_ordered ? value : -value,
                                     .low_ns = -UNMEASURED_NS,
                                     .high_ns = UNMEASURED_NS,
                                     .num_samples = 1};
    }
    return num;
}

/* Puts b on the clock that a is on already, or a on b's. */
static void place(struct align *a, const struct edge *e, bool b_is_new)
{
    const struct align_capture *from = &a->captures[b_is_new ? e->a : e->b];
    struct align_capture *to = &a->captures[b_is_new ? e->b : e->a];
    const struct clock_shift *s = &from->shift;
    to->scene = from->scene;
    to->shift = (struct clock_shift){
        .known = s->known && e->known, .base = s->base, .num_samples = e->num_samples};
    to->shift.add_ns = s->add_ns + (b_is_new ? -e->value_ns : e->value_ns);
    to->shift.low_ns = s->low_ns + (b_is_new ? -e->high_ns : e->low_ns);
    to->shift.high_ns = s->high_ns + (b_is_new ? -e->low_ns : e->high_ns);
}

/* The narrowest edge from a capture of this scene to one that is not placed yet. */
static const struct edge *next_edge(const struct edge *edges, size_t num, const bool *placed,
                                    const struct align *a, uint16_t scene)
{
    const struct edge *best = NULL;
    for (size_t i = 0; i < num; i++) {
        const struct edge *e = &edges[i];
        bool has_a = placed[e->a] && a->captures[e->a].scene == scene;
        bool has_b = placed[e->b] && a->captures[e->b].scene == scene;
        bool is_new = (has_a && !placed[e->b]) || (has_b && !placed[e->a]);
        if (is_new && (best == NULL || e->high_ns - e->low_ns < best->high_ns - best->low_ns)) {
            best = e;
        }
    }
    return best;
}

void align_clocks(struct align *a)
{
    struct edge *edges = calloc(EDGES_MAX, sizeof *edges);
    bool placed[ALIGN_CAPTURES_MAX] = {false};
    if (edges == NULL) {
        return;
    }
    size_t num = ticket_edges(a, edges, measured_edges(a, edges));
    for (uint16_t group = 0; group < a->num_captures; group++) {
        if (placed[group] || !a->captures[group].seen) {
            continue;
        }
        placed[group] = true;
        a->captures[group].shift = (struct clock_shift){.known = true, .base = group};
        const struct edge *e = next_edge(edges, num, placed, a, group);
        while (e != NULL) {
            bool b_is_new = !placed[e->b];
            place(a, e, b_is_new);
            placed[b_is_new ? e->b : e->a] = true;
            e = next_edge(edges, num, placed, a, group);
        }
    }
    free(edges);
}
