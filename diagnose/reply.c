#include "diagnose/reply.h"

#include "base/civil.h"

#include <stdlib.h>

#define KRB_WINDOW_NS (120 * NS_PER_S) /* nobody waits longer for a KDC */
#define DNS_WINDOW_NS (60 * NS_PER_S)
#define KDC_OPTION_CANONICALIZE (UINT32_C(1) << (31 - 15))
#define KDC_OPTION_ANONYMOUS (UINT32_C(1) << (31 - 16)) /* RFC 8062 3: another realm answers */

#define CHAINS 4096 /* a power of two */

/* A request as it is remembered: hashes of its names, not the names. */
struct asked {
    uint64_t key; /* of the two ends (and of the question, for DNS) */
    uint16_t group;
    struct reply_place place;
    struct reply_place first; /* of its first copy anywhere */
    int64_t time_ns;
    uint32_t next; /* index + 1 in the ring, 0 ends the chain */
    uint64_t event;
    /* Kerberos */
    enum krb_type type;
    bool canonicalize, is_anonymous, is_answered, has_nonce;
    uint64_t nonce;               /* of an armored request the hash of its bytes */
    uint64_t sname, cname, realm; /* 0: absent */
};

struct ring {
    struct asked at[REPLY_REQUESTS_MAX];
    uint32_t chains[CHAINS];
    uint64_t num_added;
};

struct reply_tables {
    struct ring krb;       /* by the two ends */
    struct ring questions; /* Kerberos requests by client and nonce */
    struct ring dns, http, tokens;
};

struct reply_tables *reply_tables_new(void)
{
    return calloc(1, sizeof(struct reply_tables));
}

void reply_tables_free(struct reply_tables *t)
{
    free(t);
}

static uint64_t name_hash(struct bytes name)
{
    uint64_t hash = 1; /* 0 is for absent names */
    if (name.len == 0) {
        return 0;
    }
    for (size_t i = 0; i < name.len; i++) { /* realms and services are compared without case */
        uint8_t c = name.at[i];
        hash = hash64_step(hash, c >= 'A' && c <= 'Z' ? (uint64_t)c + 32 : c);
    }
    return hash == 0 ? 1 : hash;
}

static uint64_t address_hash(uint64_t hash, const struct address *a)
{
    return hash64_step(hash, hash64((struct bytes){.at = a->octets, .len = sizeof a->octets}));
}

/* The same for both directions, turned: from the asking end to the asked one. */
static uint64_t ends_hash(const struct event *e, bool is_reply)
{
    const struct endpoint *asking = is_reply ? &e->to : &e->from;
    const struct endpoint *asked = is_reply ? &e->from : &e->to;
    uint64_t hash = hash64_step(e->group, e->connection);
    hash = hash64_step(address_hash(hash, &asking->address), asking->port);
    return hash64_step(address_hash(hash, &asked->address), asked->port);
}

static uint32_t *chain_of(struct ring *r, uint64_t key)
{
    return &r->chains[key & (CHAINS - 1)];
}

static struct asked *first_of(struct ring *r, uint64_t key)
{
    uint32_t index = *chain_of(r, key);
    return index == 0 ? NULL : &r->at[index - 1];
}

static struct asked *next_of(struct ring *r, const struct asked *a)
{
    return a->next == 0 ? NULL : &r->at[a->next - 1];
}

/* Takes the place of the oldest. */
static struct asked *add(struct ring *r, uint64_t key, const struct event *e)
{
    uint32_t index = (uint32_t)(r->num_added++ % REPLY_REQUESTS_MAX) + 1;
    struct asked *a = &r->at[index - 1];
    if (r->num_added > REPLY_REQUESTS_MAX) { /* the oldest is the last of its chain */
        uint32_t *link = chain_of(r, a->key);
        while (*link != 0 && *link != index) {
            link = &r->at[*link - 1].next;
        }
        *link = 0;
    }
    *a = (struct asked){.key = key,
                        .group = e->group,
                        .place = {.known = true, .capture = e->capture, .frame = e->frame},
                        .time_ns = e->time_ns,
                        .event = e->id,
                        .next = *chain_of(r, key)};
    *chain_of(r, key) = index;
    return a;
}

static bool is_near(const struct asked *a, const struct event *e, int64_t window_ns)
{
    return e->time_ns >= a->time_ns - window_ns && e->time_ns <= a->time_ns + window_ns;
}

static void describe(struct asked *a, const struct krb_message *krb)
{
    const struct krb_message *named = krb;
    a->type = krb->type;
    a->canonicalize = (krb->kdc_options & KDC_OPTION_CANONICALIZE) != 0;
    a->has_nonce = krb->has_nonce;
    a->nonce = krb->is_armored ? krb->hash.low : krb->nonce;
    a->is_anonymous = (krb->kdc_options & KDC_OPTION_ANONYMOUS) != 0;
    a->cname = name_hash(named->cname.text);
    if (krb->type == KRB_AP_REQ) { /* its ticket says for whom it is */
        a->sname = name_hash(krb->ticket.sname.text);
        a->realm = name_hash(krb->ticket.realm);
    } else {
        a->sname = name_hash(krb->sname.text);
        a->realm = name_hash(krb->realm);
    }
}

static bool is_same_request(const struct asked *a, const struct asked *b)
{
    return a->type == b->type && a->has_nonce && b->has_nonce && a->nonce == b->nonce &&
           a->sname == b->sname && a->cname == b->cname && a->realm == b->realm;
}

static struct reply take_krb_request(struct reply_tables *t, const struct event *e)
{
    struct asked now = {0};
    struct reply reply = {0};
    uint64_t ends = ends_hash(e, false);
    describe(&now, e->krb);
    uint64_t question = hash64_step(address_hash(e->group, &e->from.address), now.nonce);
    for (struct asked *a = first_of(&t->questions, question); a != NULL && now.has_nonce;
         a = next_of(&t->questions, a)) {
        if (a->key == question && is_same_request(a, &now) && is_near(a, e, KRB_WINDOW_NS)) {
            reply.repeats = a->place;
            break;
        }
    }
    if (now.has_nonce && !reply.repeats.known) {
        describe(add(&t->questions, question, e), e->krb);
    }
    for (struct asked *a = first_of(&t->krb, ends); a != NULL; a = next_of(&t->krb, a)) {
        if (a->key == ends && is_same_request(a, &now) && is_near(a, e, KRB_WINDOW_NS)) {
            return reply; /* between the same ends the first copy stands for all */
        }
    }
    describe(add(&t->krb, ends, e), e->krb);
    return reply;
}

/* May this name of a reply be the request's? What either leaves out says nothing. */
static bool may_be(uint64_t in_request, uint64_t in_reply)
{
    return in_request == 0 || in_reply == 0 || in_request == in_reply;
}

static bool is_tgs_name(struct bytes sname)
{
    return bytes_begins_nocase(sname, "krbtgt/");
}

/* RFC 4120 3.1.3, 3.3.3, 3.3.4: what a KDC's reply says of the request that it answers. */
static bool krb_answers(const struct krb_message *reply, const struct asked *a)
{
    uint64_t sname = name_hash(reply->ticket.sname.text);
    uint64_t cname = name_hash(reply->cname.text);
    switch (reply->type) {
    case KRB_AS_REP:
        return a->type == KRB_AS_REQ && (a->canonicalize || may_be(a->cname, cname)) &&
               (a->canonicalize || a->is_anonymous || may_be(a->realm, name_hash(reply->crealm)));
    case KRB_TGS_REP: /* another service: a referral, or its canonical name (RFC 6806) */
        return a->type == KRB_TGS_REQ && (a->canonicalize || may_be(a->sname, sname) ||
                                          is_tgs_name(reply->ticket.sname.text));
    case KRB_AP_REP:
        return a->type == KRB_AP_REQ;
    case KRB_ERROR_MSG: /* an error about a TGS-REQ may name the KDC's own krbtgt */
        return may_be(a->sname, name_hash(reply->sname.text)) || is_tgs_name(reply->sname.text);
    case KRB_NONE:
    case KRB_AS_REQ:
    case KRB_TGS_REQ:
    case KRB_AP_REQ:
    case KRB_SAFE:
    case KRB_PRIV:
    case KRB_CRED:
        break;
    }
    return false;
}

/* The names agree, not only fail to contradict. */
static unsigned likeness(const struct krb_message *reply, const struct asked *a)
{
    bool is_error = reply->type == KRB_ERROR_MSG;
    struct bytes sname = is_error ? reply->sname.text : reply->ticket.sname.text;
    unsigned score = a->is_answered ? 0 : 4;
    score += a->sname == name_hash(sname) ? 2 : 0;
    score += a->cname != 0 && a->cname == name_hash(reply->cname.text) ? 1 : 0;
    return score;
}

static struct reply take_krb_reply(struct reply_tables *t, const struct event *e)
{
    struct reply reply = {0};
    struct asked *best = NULL;
    unsigned best_score = 0;
    uint64_t ends = ends_hash(e, true);
    /* From the latest on: of requests that are alike it is the latest. */
    for (struct asked *a = first_of(&t->krb, ends); a != NULL; a = next_of(&t->krb, a)) {
        if (a->key != ends || !is_near(a, e, KRB_WINDOW_NS) || !krb_answers(e->krb, a)) {
            continue;
        }
        unsigned score = likeness(e->krb, a);
        if (best == NULL || score > best_score) {
            best = a;
            best_score = score;
        }
    }
    if (best != NULL) {
        best->is_answered = true;
        reply.reply_to = best->place;
        reply.asked_for_other = e->krb->type == KRB_TGS_REP && best->sname != 0 &&
                                best->sname != name_hash(e->krb->ticket.sname.text);
    }
    return reply;
}

static struct reply take_krb(struct reply_tables *t, const struct event *e)
{
    switch (e->krb->type) {
    case KRB_AS_REQ:
    case KRB_TGS_REQ:
    case KRB_AP_REQ:
        return take_krb_request(t, e);
    case KRB_AS_REP:
    case KRB_TGS_REP:
    case KRB_AP_REP:
    case KRB_ERROR_MSG:
        return take_krb_reply(t, e);
    case KRB_NONE:
    case KRB_SAFE:
    case KRB_PRIV:
    case KRB_CRED:
        break;
    }
    return (struct reply){0};
}

/* A response may come from another address than the group that was asked (LLMNR, mDNS). */
static uint64_t dns_key(const struct event *e, bool is_response)
{
    const struct endpoint *asking = is_response ? &e->to : &e->from;
    const struct endpoint *asked = is_response ? &e->from : &e->to;
    uint64_t hash = hash64_step(e->group, e->connection);
    hash = hash64_step(hash, (uint64_t)e->dns->id << 16 | e->dns->question_type);
    hash = hash64_step(hash, name_hash(e->dns->question));
    hash = hash64_step(address_hash(hash, &asking->address), asking->port);
    hash = hash64_step(hash, e->dns->flavour);
    return e->dns->flavour == DNS_PLAIN
               ? hash64_step(address_hash(hash, &asked->address), asked->port)
               : hash;
}

static struct reply take_dns(struct reply_tables *t, const struct event *e)
{
    struct reply reply = {0};
    uint64_t key = dns_key(e, e->dns->is_response);
    struct asked *found = first_of(&t->dns, key);
    while (found != NULL && (found->key != key || !is_near(found, e, DNS_WINDOW_NS))) {
        found = next_of(&t->dns, found);
    }
    if (e->dns->is_response) {
        reply.reply_to = found == NULL ? (struct reply_place){0} : found->place;
    } else if (found != NULL) {
        reply.repeats = found->place;
    } else {
        (void)add(&t->dns, key, e);
    }
    return reply;
}

/* What the decoder paired: request_id is the event that is answered, 0 none. */
static struct reply take_paired(struct ring *r, const struct event *e, bool is_request,
                                uint64_t request_id)
{
    struct reply reply = {0};
    if (is_request) {
        (void)add(r, hash64_step(e->group, e->id), e);
        return reply;
    }
    uint64_t key = hash64_step(e->group, request_id);
    for (const struct asked *a = first_of(r, key); a != NULL && request_id != 0;
         a = next_of(r, a)) {
        if (a->event == request_id && a->group == e->group) {
            reply.reply_to = a->place;
            break;
        }
    }
    return reply;
}

struct reply reply_find(struct reply_tables *t, const struct event *e)
{
    if (e->krb != NULL) {
        return take_krb(t, e);
    }
    if (e->dns != NULL) {
        return take_dns(t, e);
    }
    if (e->http != NULL && (e->kind == EVENT_HTTP_REQUEST || e->kind == EVENT_HTTP_RESPONSE)) {
        bool is_request = e->kind == EVENT_HTTP_REQUEST;
        return take_paired(&t->http, e, is_request, e->http->request_id);
    }
    if (e->kind == EVENT_TOKEN) {
        return take_paired(&t->tokens, e, !e->token->is_response, e->token->request_id);
    }
    return (struct reply){0};
}
