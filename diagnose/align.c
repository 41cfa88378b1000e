/* The survey: what each capture saw, and when. */
#include "diagnose/align_private.h"

#include <stdlib.h>
#include <string.h>

struct align *align_new(void)
{
    struct align *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    a->prints = calloc(ALIGN_PRINTS_MAX, sizeof *a->prints);
    a->slots = calloc(ALIGN_SLOTS, sizeof *a->slots);
    a->conns = calloc(ALIGN_CONNS_MAX, sizeof *a->conns);
    a->conn_slots = calloc(ALIGN_CONN_SLOTS, sizeof *a->conn_slots);
    a->host_pairs = calloc(ALIGN_HOST_SLOTS, sizeof *a->host_pairs);
    if (a->prints == NULL || a->slots == NULL || a->conns == NULL || a->conn_slots == NULL ||
        a->host_pairs == NULL) {
        align_free(a);
        return NULL;
    }
    for (size_t i = 0; i < ALIGN_CAPTURES_MAX; i++) {
        a->captures[i].scene = (uint16_t)i;
        a->captures[i].shift.base = (uint16_t)i;
    }
    return a;
}

void align_free(struct align *a)
{
    if (a == NULL) {
        return;
    }
    free(a->prints);
    free(a->slots);
    free(a->conns);
    free(a->conn_slots);
    free(a->host_pairs);
    free(a->frames);
    free(a);
}

static uint32_t *slot_of(const struct align *a, uint64_t hash)
{
    size_t at = hash % ALIGN_SLOTS;
    while (a->slots[at] != 0 && a->prints[a->slots[at] - 1].hash != hash) {
        at = (at + 1) % ALIGN_SLOTS;
    }
    return &a->slots[at];
}

struct print *align_find(const struct align *a, uint64_t hash)
{
    uint32_t index = *slot_of(a, hash);
    return index == 0 ? NULL : &a->prints[index - 1];
}

/* The entry of a fingerprint, made when there is none; NULL: no room. */
static struct print *print_get(struct align *a, uint64_t hash)
{
    uint32_t *slot = slot_of(a, hash);
    if (*slot != 0) {
        return &a->prints[*slot - 1];
    }
    if (a->num_prints == ALIGN_PRINTS_MAX) {
        a->is_full = true;
        return NULL;
    }
    struct print *p = &a->prints[a->num_prints++];
    *slot = (uint32_t)a->num_prints;
    p->hash = hash;
    return p;
}

static bool is_copy(const struct sight *s, int64_t time_ns)
{
    return time_ns - s->time_ns <= ALIGN_COPY_NS && s->time_ns - time_ns <= ALIGN_COPY_NS;
}

/* What one event says of a fingerprint. */
struct sighting {
    uint64_t hash;
    enum print_kind kind;
    bool is_answer, is_presented;
    int64_t time_ns;
    const struct event *event;
};

static void see(struct align *a, const struct sighting *now)
{
    const struct event *e = now->event;
    struct print *p = print_get(a, now->hash);
    if (p == NULL) {
        return;
    }
    if (p->num == 0) {
        p->kind = (uint8_t)now->kind;
        p->is_answer = now->is_answer;
        p->from = e->from.address;
        p->to = e->to.address;
    }
    for (size_t i = 0; i < p->num; i++) {
        if (p->sights[i].group == e->group) {
            p->sights[i].is_repeated |= !is_copy(&p->sights[i], now->time_ns);
            return;
        }
    }
    if (p->num < ALIGN_SIGHTS_MAX) {
        p->sights[p->num++] = (struct sight){.time_ns = now->time_ns,
                                             .frame = e->frame,
                                             .group = e->group,
                                             .capture = e->capture,
                                             .is_presented = now->is_presented};
    }
}

static void see_message(struct align *a, const struct event *e)
{
    struct sighting now = {.hash = align_print(e), .event = e, .time_ns = e->first_time_ns};
    if (now.hash == 0) {
        return;
    }
    now.kind = PRINT_MESSAGE;
    now.is_answer = e->kind == EVENT_DNS
                        ? e->dns->is_response
                        : e->krb->type == KRB_AS_REP || e->krb->type == KRB_TGS_REP ||
                              e->krb->type == KRB_ERROR_MSG;
    see(a, &now);
}

static void see_ticket(struct align *a, const struct event *e, const struct krb_ticket *ticket,
                       bool is_presented)
{
    see(a, &(struct sighting){.hash = hash64_step(7, ticket->hash.low) | 1,
                              .kind = PRINT_TICKET,
                              .is_presented = is_presented,
                              .time_ns = is_presented ? e->first_time_ns : e->time_ns,
                              .event = e});
}

static void see_open(struct align *a, const struct event *e)
{
    const struct tcp_facts *t = e->tcp;
    bool has_both = t->initial_seq[0] != 0 && t->initial_seq[1] != 0;
    if (!has_both || t->syn_time_ns == 0 || t->synack_time_ns == 0) {
        return;
    }
    uint64_t both = (uint64_t)t->initial_seq[0] << 32 | t->initial_seq[1];
    see(a, &(struct sighting){.hash = hash64_step(3, both) | 1,
                              .kind = PRINT_OPEN,
                              .time_ns = t->syn_time_ns,
                              .event = e});
    see(a, &(struct sighting){.hash = hash64_step(4, both) | 1,
                              .kind = PRINT_OPEN_BACK,
                              .is_answer = true,
                              .time_ns = t->synack_time_ns,
                              .event = e});
}

static void see_syn(struct align *a, const struct event *e)
{
    uint64_t key = (uint64_t)e->tcp->initial_seq[0] << 16 | e->to.port;
    see(a,
        &(struct sighting){
            .hash = hash64_step(5, key) | 1, .kind = PRINT_SYN, .time_ns = e->time_ns, .event = e});
}

static const struct krb_ticket *presented(const struct event *e)
{
    const struct gss_token *g = e->http->auth.gss;
    return g == NULL || g->krb == NULL || !g->krb->ticket.present ? NULL : &g->krb->ticket;
}

/* On a connection that the capture joined midway nothing else tells one request from another. */
static void see_request(struct align *a, const struct event *e)
{
    const struct http_message *m = &e->http->message;
    const struct krb_ticket *ticket = presented(e);
    if (ticket != NULL) {
        see_ticket(a, e, ticket, true);
    }
    if (!e->complete) {
        return;
    }
    uint64_t hash = hash64_step(6, m->path.len == 0 ? 0 : hash64(m->path));
    hash = hash64_step(hash, m->host.len == 0 ? 0 : hash64(m->host));
    hash = hash64_step(hash, m->body.len == 0 ? m->body_len : hash64(m->body));
    hash = hash64_step(hash, (uint64_t)e->http->auth.token_len << 32 | e->from.port);
    hash = hash64_step(hash, ticket == NULL ? 0 : ticket->hash.low);
    see(a, &(struct sighting){
               .hash = hash | 1, .kind = PRINT_REQUEST, .time_ns = e->first_time_ns, .event = e});
}

uint64_t align_host_pair(uint16_t group, const struct address *x, const struct address *y)
{
    uint64_t hosts = hash64((struct bytes){.at = (const uint8_t *)x, .len = sizeof *x}) ^
                     hash64((struct bytes){.at = (const uint8_t *)y, .len = sizeof *y});
    return hash64_step(hosts, group) | 1;
}

static uint64_t *host_slot(const struct align *a, uint64_t hash)
{
    size_t at = hash % ALIGN_HOST_SLOTS;
    while (a->host_pairs[at] != 0 && a->host_pairs[at] != hash) {
        at = (at + 1) % ALIGN_HOST_SLOTS;
    }
    return &a->host_pairs[at];
}

bool align_has_host_pair(const struct align *a, uint64_t hash)
{
    return *host_slot(a, hash) == hash;
}

static void take_hosts(struct align *a, struct align_capture *s, const struct event *e)
{
    const struct address *x = &e->from.address;
    const struct address *y = &e->to.address;
    if (address_is_group(x) || address_is_group(y) || x->family == ADDRESS_NONE ||
        y->family == ADDRESS_NONE) {
        return;
    }
    uint64_t hash = align_host_pair(e->group, x, y);
    uint64_t *slot = host_slot(a, hash);
    if (*slot == 0 && a->num_host_pairs < ALIGN_HOST_PAIRS_MAX) {
        *slot = hash;
        a->num_host_pairs++;
    }
    size_t num = 0;
    for (size_t i = 0; i < s->num_common; i++) {
        if (address_equal(&s->common[i], x) || address_equal(&s->common[i], y)) {
            s->common[num++] = s->common[i];
        }
    }
    s->num_common = num;
    if (s->num_pairs++ == 0) {
        s->common[0] = *x;
        s->common[1] = *y;
        s->num_common = 2;
    }
}

void align_push(struct align *a, const struct event *e)
{
    if (e->group >= ALIGN_CAPTURES_MAX) {
        return;
    }
    struct align_capture *s = &a->captures[e->group];
    s->first_ns = !s->seen || e->first_time_ns < s->first_ns ? e->first_time_ns : s->first_ns;
    s->last_ns = !s->seen || e->time_ns > s->last_ns ? e->time_ns : s->last_ns;
    s->seen = true;
    a->num_captures = e->group >= a->num_captures ? (uint16_t)(e->group + 1) : a->num_captures;
    if (e->connection != 0 && e->tcp != NULL) {
        align_take_conn(a, e);
        if (e->kind == EVENT_TCP_SYN) {
            see_syn(a, e);
        } else if (e->kind == EVENT_TCP_CONNECT) {
            see_open(a, e);
        }
    }
    switch ((int)e->kind) {
    case EVENT_KRB:
        see_message(a, e);
        if (e->krb->type == KRB_TGS_REP && e->krb->ticket.present) {
            see_ticket(a, e, &e->krb->ticket, false);
        }
        break;
    case EVENT_DNS:
        see_message(a, e);
        break;
    case EVENT_HTTP_REQUEST:
        see_request(a, e);
        break;
    case EVENT_HOST_SEEN:
        take_hosts(a, s, e);
        break;
    default:
        break;
    }
}

void align_finish(struct align *a)
{
    a->is_finished = true;
    align_clocks(a);
    align_conns(a);
    align_index_frames(a);
}

struct clock_shift align_shift(const struct align *a, uint16_t group)
{
    return group < ALIGN_CAPTURES_MAX ? a->captures[group].shift
                                      : (struct clock_shift){.base = group};
}

uint16_t align_scene(const struct align *a, uint16_t group)
{
    return group < ALIGN_CAPTURES_MAX ? a->captures[group].scene : group;
}

int64_t align_case_ns(const struct align *a, uint16_t group, int64_t time_ns)
{
    return time_ns + a->captures[group].shift.add_ns;
}
