#include "story_private.h"

#include "base/civil.h"

#include <assert.h>
#include <string.h>

struct endpoint story_endpoint(const char *address, uint16_t port)
{
    struct endpoint e = {.port = port};
    bool is_address = address_parse(bytes_of(address), &e.address);
    assert(is_address);
    return e;
}

const char *story_or(const char *a, const char *b)
{
    return a == NULL ? b : a;
}

int64_t story_ns(double seconds)
{
    return (int64_t)(seconds * 1e9);
}

void story_begin(struct story *s, const struct case_options *options)
{
    static const struct case_options none;
    *s = (struct story){.now_ns = STORY_NS,
                        .step_s = 0.001,
                        .client = CLIENT,
                        .server = MP,
                        .kdc = KDC,
                        .server_port = 80,
                        .port = 50000};
    s->c = case_new(options == NULL ? &none : options);
    assert(s->c != NULL);
    s->capture = (struct capture_summary){.path = "story"};
    s->capture.info.zone = CAPTURE_ZONE_UTC;
}

void story_wait(struct story *s, double seconds)
{
    s->now_ns += story_ns(seconds);
}

struct event story_next(struct story *s, enum event_kind kind, struct endpoint from,
                        struct endpoint to)
{
    s->now_ns += story_ns(s->step_s);
    s->frame++;
    struct event e = {.kind = kind,
                      .id = ++s->id,
                      .frame = s->frame,
                      .num_frames = 1,
                      .time_ns = s->now_ns,
                      .first_time_ns = s->now_ns,
                      .from = from,
                      .to = to,
                      .complete = true};
    e.frames[0] = s->frame;
    return e;
}

/* A text of ours with a slot left in it, or none at all. */
static void inspect(struct story *s, const char *what, struct bytes text)
{
    struct text flaw;
    bool is_empty = text.len == 0;
    if (!is_empty && bytes_find(text, '{', 0) == text.len) {
        return;
    }
    text_init(&flaw, s->flaw, sizeof s->flaw);
    text_format(&flaw, "%s %s: ", what, is_empty ? "is empty" : "keeps a slot");
    text_add_bytes(&flaw, text);
}

static void inspect_finding(struct story *s, const struct finding *f, bool is_verdict)
{
    inspect(s, "summary", f->summary);
    for (size_t i = 0; i < f->num_remedies; i++) {
        inspect(s, "remedy", f->remedy[i]);
    }
    if (f->tell_apart.len > 0) {
        inspect(s, "tell_apart", f->tell_apart);
    }
    if (is_verdict && f->evidence.num == 0) {
        inspect(s, "evidence of a verdict", (struct bytes){0});
    }
    for (size_t i = 0; i < f->evidence.num; i++) {
        inspect(s, "why", f->evidence.at[i].why);
    }
}

static void inspect_attempt(struct story *s, const struct attempt_record *a)
{
    if (a->has_verdict) {
        inspect_finding(s, &a->verdict, true);
    }
    for (size_t i = 0; i < a->num_also; i++) {
        inspect_finding(s, &a->also[i], false);
        if (a->has_verdict && a->also[i].cause == a->verdict.cause) {
            inspect(s, "also: the verdict's own cause", (struct bytes){0});
        }
    }
    for (size_t i = 0; i < a->num_ruled_out; i++) {
        inspect(s, "ruled_out", a->ruled_out[i].why);
        if (a->has_verdict && a->ruled_out[i].cause == a->verdict.cause) {
            inspect(s, "ruled_out: the verdict's own cause", (struct bytes){0});
        }
    }
    for (size_t i = 0; i < a->num_notes; i++) {
        inspect(s, "note", a->notes[i]);
    }
}

const struct analysis *story_end(struct story *s)
{
    assert(!s->ended);
    s->capture.info.has_times = s->frame > 0;
    s->capture.info.frames = s->frame;
    s->capture.info.first_time_ns = STORY_NS;
    s->capture.info.last_time_ns = s->now_ns;
    enum status status = case_end(s->c, &s->capture, 1, &s->analysis);
    assert(status == STATUS_OK);
    s->ended = true;
    for (size_t i = 0; i < s->analysis.num_attempts; i++) {
        inspect_attempt(s, s->analysis.attempts[i]);
    }
    for (size_t i = 0; i < s->analysis.num_other_failures; i++) {
        inspect_finding(s, &s->analysis.other_failures[i], false);
    }
    return &s->analysis;
}

void story_free(struct story *s)
{
    if (s->ended) {
        analysis_free(&s->analysis);
    }
    case_free(s->c);
    s->c = NULL;
}

void story_meet(struct story *s, const char *a, const char *b)
{
    struct event there = story_next(s, EVENT_HOST_SEEN, story_endpoint(a, 0), story_endpoint(b, 0));
    case_push(s->c, &there);
    struct event back = story_next(s, EVENT_HOST_SEEN, story_endpoint(b, 0), story_endpoint(a, 0));
    back.is_mutual = true;
    case_push(s->c, &back);
}

void story_meet_by(struct story *s, const char *a, uint8_t a_adapter, const char *b,
                   uint8_t b_adapter, bool is_stray)
{
    struct hardware_address from = {.known = true, .octets = {2, 0, 0, 0, 0, a_adapter}};
    struct hardware_address to = {.known = true, .octets = {2, 0, 0, 0, 0, b_adapter}};
    struct event there = story_next(s, EVENT_HOST_SEEN, story_endpoint(a, 0), story_endpoint(b, 0));
    there.adapters[0] = from;
    there.adapters[1] = to;
    case_push(s->c, &there);
    if (is_stray) {
        return;
    }
    struct event back = story_next(s, EVENT_HOST_SEEN, story_endpoint(b, 0), story_endpoint(a, 0));
    back.adapters[0] = to;
    back.adapters[1] = from;
    back.is_mutual = true;
    case_push(s->c, &back);
}

void story_client_side(struct story *s)
{
    story_meet(s, s->client, s->kdc);
    story_meet(s, s->client, s->server);
}

static void push_dns(struct story *s, const struct dns_words *w, bool is_response)
{
    struct endpoint client = story_endpoint(s->client, 53001);
    struct endpoint server = story_endpoint(story_or(w->server, KDC), 53);
    struct dns_record records[2];
    struct dns_message d = {.is_response = is_response,
                            .question = bytes_of(story_or(w->name, MP_NAME)),
                            .question_type = w->type == 0 ? DNS_A : w->type,
                            .num_questions = 1,
                            .rcode = w->rcode,
                            .answers = records,
                            .complete = true};
    struct bytes owner = d.question;
    memset(records, 0, sizeof records);
    if (w->alias_of != NULL) {
        records[d.num_answers++] =
            (struct dns_record){.name = owner, .type = DNS_CNAME, .target = bytes_of(w->alias_of)};
        owner = bytes_of(w->alias_of);
    }
    if (w->address != NULL) {
        records[d.num_answers++] =
            (struct dns_record){.name = owner,
                                .type = d.question_type,
                                .address = story_endpoint(w->address, 0).address};
    } else if (w->target != NULL) {
        records[d.num_answers++] = (struct dns_record){
            .name = owner, .type = d.question_type, .target = bytes_of(w->target), .port = 88};
    }
    struct event e =
        story_next(s, EVENT_DNS, is_response ? server : client, is_response ? client : server);
    e.carrier = CARRIER_UDP;
    e.dns = &d;
    case_push(s->c, &e);
}

void story_dns_query(struct story *s, const struct dns_words *w)
{
    push_dns(s, w, false);
}

void story_dns_response(struct story *s, const struct dns_words *w)
{
    push_dns(s, w, true);
}

void story_resolve(struct story *s)
{
    LOOK_UP(s, .name = MP_NAME);
    RESOLVE(s, .address = s->server);
}

void story_arp(struct story *s, const char *target, bool is_reply)
{
    struct endpoint client = story_endpoint(s->client, 0);
    struct endpoint other = story_endpoint(target, 0);
    struct event e = is_reply ? story_next(s, EVENT_NEIGHBOUR_REPLY, other, client)
                              : story_next(s, EVENT_NEIGHBOUR_REQUEST, client, other);
    e.target = other.address;
    e.carrier = CARRIER_OTHER;
    case_push(s->c, &e);
}

void story_icmp(struct story *s, struct endpoint from, struct endpoint to, uint8_t protocol)
{
    struct icmp_facts icmp = {.type = 3,
                              .code = s->icmp_code == 0 ? 3 : s->icmp_code,
                              .quoted_protocol = protocol,
                              .quoted_from = from,
                              .quoted_to = to};
    struct event e = story_next(s, EVENT_ICMP_UNREACHABLE, to, from);
    e.carrier = CARRIER_OTHER;
    e.icmp = &icmp;
    case_push(s->c, &e);
}

void story_duplicate(struct story *s)
{
    struct event e =
        story_next(s, EVENT_DUPLICATE, story_endpoint(s->client, 1), story_endpoint(s->server, 80));
    e.reply_to = s->id - 1;
    case_push(s->c, &e);
}
