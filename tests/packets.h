/* Frames made by hand for the decoder's tests: Ethernet, IPv4 or IPv6, TCP, UDP; and a list of what
 * came out. */
#ifndef KRBSCOPE_TESTS_PACKETS_H
#define KRBSCOPE_TESTS_PACKETS_H

#include "decode/decoder.h"
#include "krb5asn1/krb.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_BYTES_MAX 70000
#define SEEN_MAX 4096
#define PACKET_MS INT64_C(1000000)

/* An event, as far as the tests look at it. */
struct seen {
    enum event_kind kind;
    uint64_t id, reply_to, connection;
    uint16_t capture;
    uint32_t frame;
    uint32_t frames[EVENT_FRAMES_MAX];
    size_t num_frames;
    int64_t time_ns, first_time_ns;
    struct endpoint from, to;
    enum carrier carrier;
    bool complete;
    bool has_tcp;
    struct tcp_facts tcp;
    unsigned status;
    bool seen_from_start;
    bool authorization_repeated;
    size_t num_schemes;
    bool has_date;
    int64_t date_ns;
    char text[128]; /* HTTP: method or reason, path; DNS: name; Kerberos: type name */
    size_t kept_values;
    struct icmp_facts icmp;
    struct address target;
};

struct seen_list {
    struct seen at[SEEN_MAX];
    size_t num;
};

struct packet_end {
    uint8_t host; /* 10.0.0.host, or fd00::host */
    uint16_t port;
};

/* A capture being written straight into a decoder. */
struct packets {
    struct decoder *decoder;
    uint32_t number;
    int64_t time_ns;
    bool is_ipv6;
    uint32_t snap_len; /* 0: none */
};

static inline void packets_note(void *context, const struct event *event)
{
    struct seen_list *list = context;
    if (list->num == SEEN_MAX) {
        return;
    }
    struct seen *s = &list->at[list->num++];
    *s = (struct seen){
        .kind = event->kind,
        .id = event->id,
        .reply_to = event->reply_to,
        .connection = event->connection,
        .capture = event->capture,
        .frame = event->frame,
        .num_frames = event->num_frames,
        .time_ns = event->time_ns,
        .first_time_ns = event->first_time_ns,
        .from = event->from,
        .to = event->to,
        .carrier = event->carrier,
        .complete = event->complete,
        .target = event->target,
    };
    memcpy(s->frames, event->frames, sizeof s->frames);
    struct text t;
    text_init(&t, s->text, sizeof s->text);
    if (event->tcp != NULL) {
        s->has_tcp = true;
        s->tcp = *event->tcp;
    }
    if (event->icmp != NULL) {
        s->icmp = *event->icmp;
    }
    if (event->http != NULL) {
        const struct http_message *m = &event->http->message;
        s->status = m->status;
        s->seen_from_start = m->seen_from_start;
        s->authorization_repeated = event->http->authorization_repeated;
        s->num_schemes = event->http->auth.num_schemes;
        s->has_date = event->http->has_date;
        s->date_ns = event->http->date_ns;
        s->kept_values = m->authorization.num + m->www_authenticate.num + m->body.len;
        text_add_bytes(&t, m->method);
        text_add(&t, m->is_request ? " " : "");
        text_add_bytes(&t, m->path);
    }
    if (event->dns != NULL) {
        text_add(&t, event->dns->is_response ? "! " : "? ");
        text_add_bytes(&t, event->dns->question);
    }
    if (event->krb != NULL) {
        text_add(&t, krb_type_name(event->krb->type));
        text_add(&t, event->kpasswd == NULL ? "" : " of a password change");
    }
}

static inline void packets_be16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void packets_be32(uint8_t *p, uint32_t value)
{
    packets_be16(p, value >> 16);
    packets_be16(p + 2, value & 0xffff);
}

static inline void packets_raw(struct packets *k, const uint8_t *bytes, size_t len)
{
    size_t captured = k->snap_len != 0 && len > k->snap_len ? k->snap_len : len;
    uint8_t *exact = malloc(captured); /* so that a read behind it is seen */
    memcpy(exact, bytes, captured);
    struct frame frame = {
        .number = ++k->number,
        .link_type = LINK_TYPE_ETHERNET,
        .has_time = true,
        .original_len = (uint32_t)len,
        .time_ns = k->time_ns,
        .bytes = {.at = exact, .len = captured},
    };
    decoder_push(k->decoder, &frame);
    free(exact);
}

static inline void packets_ip(struct packets *k, uint8_t from, uint8_t to, uint8_t protocol,
                              const uint8_t *payload, size_t len)
{
    static uint8_t frame[PACKET_BYTES_MAX];
    memset(frame, 0, 54);
    uint8_t *ip = frame + 14;
    size_t head = k->is_ipv6 ? 40 : 20;
    if (k->is_ipv6) {
        packets_be16(frame + 12, 0x86dd);
        ip[0] = 0x60;
        packets_be16(ip + 4, (unsigned)len);
        ip[6] = protocol;
        ip[7] = 64;
        ip[8] = ip[24] = 0xfd;
        ip[23] = from;
        ip[39] = to;
    } else {
        packets_be16(frame + 12, 0x0800);
        ip[0] = 0x45;
        packets_be16(ip + 2, (unsigned)(20 + len));
        ip[8] = 64;
        ip[9] = protocol;
        packets_be32(ip + 12, 0x0a000000u | from);
        packets_be32(ip + 16, 0x0a000000u | to);
    }
    memcpy(ip + head, payload, len);
    packets_raw(k, frame, 14 + head + len);
}

static inline void packets_udp(struct packets *k, struct packet_end from, struct packet_end to,
                               const void *payload, size_t len)
{
    static uint8_t datagram[PACKET_BYTES_MAX];
    packets_be16(datagram, from.port);
    packets_be16(datagram + 2, to.port);
    packets_be16(datagram + 4, (unsigned)(8 + len));
    packets_be16(datagram + 6, 0);
    memcpy(datagram + 8, payload, len);
    packets_ip(k, from.host, to.host, 17, datagram, 8 + len);
}

static inline void packets_tcp(struct packets *k, struct packet_end from, struct packet_end to,
                               uint32_t seq, uint32_t ack, unsigned flags, const void *payload,
                               size_t len)
{
    static uint8_t segment[PACKET_BYTES_MAX];
    memset(segment, 0, 20);
    packets_be16(segment, from.port);
    packets_be16(segment + 2, to.port);
    packets_be32(segment + 4, seq);
    packets_be32(segment + 8, ack);
    segment[12] = 0x50;
    segment[13] = (uint8_t)flags;
    packets_be16(segment + 14, 65535);
    if (len > 0) {
        memcpy(segment + 20, payload, len);
    }
    packets_ip(k, from.host, to.host, 6, segment, 20 + len);
}

/* A connection that is spoken on: keeps the numbers. */
struct packet_talk {
    struct packets *k;
    struct packet_end end[2]; /* client, server */
    uint32_t next[2];
};

/* A decoder that tells the sink, and a connection to that port of 10.0.0.2, not opened yet. The
 * server's numbers wrap around soon. */
static inline void talk_begin(struct packet_talk *t, struct packets *k,
                              const struct decoder_options *options, event_sink *sink,
                              void *context, uint16_t port)
{
    *k = (struct packets){.time_ns = 1000 * PACKET_MS};
    k->decoder = decoder_new(options, sink, context);
    assert(k->decoder != NULL);
    *t = (struct packet_talk){.k = k,
                              .end = {{.host = 1, .port = 40000}, {.host = 2, .port = port}},
                              .next = {1000, 0xfffffff0}};
}

static inline void talk_say(struct packet_talk *t, int side, unsigned flags, const void *bytes,
                            size_t len)
{
    packets_tcp(t->k, t->end[side], t->end[1 - side], t->next[side], t->next[1 - side],
                flags | TCP_ACK, bytes, len);
    t->next[side] += (uint32_t)len + ((flags & TCP_FIN) != 0 ? 1 : 0);
}

static inline void talk_text(struct packet_talk *t, int side, const char *text)
{
    talk_say(t, side, TCP_PSH, text, strlen(text));
}

static inline void talk_ack(struct packet_talk *t, int side)
{
    talk_say(t, side, 0, NULL, 0);
}

static inline void talk_syn(struct packet_talk *t)
{
    packets_tcp(t->k, t->end[0], t->end[1], t->next[0] - 1, 0, TCP_SYN, NULL, 0);
}

static inline void talk_synack(struct packet_talk *t)
{
    packets_tcp(t->k, t->end[1], t->end[0], t->next[1] - 1, t->next[0], TCP_SYN | TCP_ACK, NULL, 0);
}

static inline void talk_open(struct packet_talk *t)
{
    talk_syn(t);
    talk_synack(t);
    talk_ack(t, 0);
}

static inline void talk_close(struct packet_talk *t)
{
    talk_say(t, 0, TCP_FIN, NULL, 0);
    talk_say(t, 1, TCP_FIN, NULL, 0);
    talk_ack(t, 0);
}

static inline size_t seen_count(const struct seen_list *list, enum event_kind kind)
{
    size_t num = 0;
    for (size_t i = 0; i < list->num; i++) {
        num += list->at[i].kind == kind ? 1 : 0;
    }
    return num;
}

/* The nth event of a kind, from 0; NULL. */
static inline const struct seen *seen_of(const struct seen_list *list, enum event_kind kind,
                                         size_t nth)
{
    for (size_t i = 0; i < list->num; i++) {
        if (list->at[i].kind == kind && nth-- == 0) {
            return &list->at[i];
        }
    }
    return NULL;
}

#endif
