/* Conversations as text for the tests of the HTTP watcher, after libhtp's .t files.
 *
 *      ">>> GET / HTTP/1.1\n\n"    a segment of the client; \n becomes CR LF
 *      "<<< HTTP/1.1 200\n\n"      a segment of the server, acknowledging all that the client sent
 *      "<<<@57 …"                  the same, acknowledging 57; "<<<@0": unknown
 *      ">>- …" "<<- …"             as above, and \n stays
 *      ">>+ …" "<<+ …"             as ">>-", and no segment begins here
 *      "><> 100" "<>< 100"         a gap of 100 bytes in what the client, the server sent; 0:
 * unknown
 *      ">>| fin" "<<| rst"         a direction ends
 *      "flush"
 *
 * Step n is frame n. A message becomes one line:
 *
 *      #1 CCM_POST /ccm_system/request mp:80 body=12 @1-1-2 complete start
 *      #2 401 re=1 body=0 @3-3-3 complete start
 */
#ifndef KRBSCOPE_TESTS_HTTP_TALK_H
#define KRBSCOPE_TESTS_HTTP_TALK_H

#include "base/text.h"
#include "decode/http.h"

#include <stdlib.h>
#include <string.h>

#define TALK_STEPS_MAX 24
#define TALK_BYTES_MAX 8192
#define TALK_OUT_MAX 16384

struct talk {
    const char *name;
    const char *step[TALK_STEPS_MAX];
    const char *expect;
};

/* How a segment's bytes are handed over. */
enum talk_cut {
    TALK_WHOLE,
    TALK_PER_BYTE,
    TALK_AT_STEP, /* step `step` in two, at byte `at` */
    TALK_RANDOM,  /* seeded by `at` */
};

struct talk_how {
    enum talk_cut cut;
    size_t step;
    size_t at;
};

/* xorshift32: the same everywhere. */
static inline uint32_t talk_random(uint32_t *state)
{
    uint32_t x = *state != 0 ? *state : 1;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static inline void talk_sink(void *context, const struct http_message *m)
{
    struct text *t = context;
    text_format(t, "#%llu ", (unsigned long long)m->id);
    if (m->is_request) {
        text_add_bytes(t, m->method);
        text_add(t, " ");
        text_add_bytes(t, m->path);
        text_add(t, " ");
        text_add_bytes(t, m->host);
        if (m->host_port != 0) {
            text_format(t, ":%u", (unsigned)m->host_port);
        }
    } else {
        text_format(t, "%u re=%llu", m->status, (unsigned long long)m->reply_to);
    }
    text_format(t, " body=%llu @%u-%u-%u%s%s%s\n", (unsigned long long)m->body_len,
                (unsigned)m->first.frame, (unsigned)m->head_end.frame, (unsigned)m->end.frame,
                m->complete ? " complete" : "", m->head_complete ? "" : " cut-head",
                m->seen_from_start ? " start" : "");
}

/* The bytes of a data step, in out (TALK_BYTES_MAX). */
static inline size_t talk_bytes(const char *step, uint8_t *out)
{
    bool convert = step[2] == step[1];
    const char *at = strchr(step, ' ') + 1;
    size_t len = 0;
    for (; *at != '\0' && len + 2 < TALK_BYTES_MAX; at++) {
        if (*at == '\n' && convert) {
            out[len++] = '\r';
        }
        out[len++] = (uint8_t)*at;
    }
    return len;
}

/* An exact copy in the heap, so that reading over its end is seen by the sanitizer. */
static inline void talk_give(struct http_conn *h, int dir, const uint8_t *at, size_t len,
                             uint64_t offset, bool is_start, uint64_t acked, uint32_t frame)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, at, len);
    struct place place = {.frame = frame, .time_ns = (int64_t)frame * 1000};
    http_data(h, dir, (struct bytes){.at = copy, .len = len}, offset, is_start, acked, &place);
    free(copy);
}

struct talk_state {
    struct http_conn *h;
    uint64_t offset[2];
    uint32_t random;
    struct talk_how how;
};

static inline void talk_data(struct talk_state *s, const char *step, size_t index)
{
    static uint8_t bytes[TALK_BYTES_MAX];
    int dir = step[0] == '>' ? 0 : 1;
    size_t len = talk_bytes(step, bytes);
    uint64_t acked = dir == 1 ? s->offset[0] : 0;
    if (step[3] == '@') {
        acked = strtoull(step + 4, NULL, 10);
    }
    size_t done = 0;
    while (done < len) {
        size_t take = len - done;
        if (s->how.cut == TALK_PER_BYTE) {
            take = 1;
        } else if (s->how.cut == TALK_AT_STEP && s->how.step == index && done < s->how.at) {
            take = s->how.at - done < take ? s->how.at - done : take;
        } else if (s->how.cut == TALK_RANDOM) {
            size_t want = 1 + talk_random(&s->random) % 40;
            take = want < take ? want : take;
        }
        talk_give(s->h, dir, bytes + done, take, s->offset[dir], done == 0 && step[2] != '+', acked,
                  (uint32_t)index + 1);
        s->offset[dir] += take;
        done += take;
    }
}

/* Plays the conversation; out receives the messages' lines. */
static inline void talk_play(const struct talk *talk, struct talk_how how, struct text *out)
{
    struct talk_state s = {.how = how, .random = (uint32_t)how.at};
    s.h = http_conn_new(talk_sink, out);
    for (size_t i = 0; i < TALK_STEPS_MAX && talk->step[i] != NULL; i++) {
        const char *step = talk->step[i];
        struct place place = {.frame = (uint32_t)i + 1};
        int dir = step[0] == '>' ? 0 : 1;
        if (strcmp(step, "flush") == 0) {
            http_flush(s.h);
        } else if (step[1] != step[0]) {
            uint64_t len = strtoull(step + 4, NULL, 10);
            http_gap(s.h, dir, len, &place);
            s.offset[dir] += len;
        } else if (step[2] == '|') {
            http_end(s.h, dir, strcmp(step + 4, "fin") == 0, &place);
        } else {
            talk_data(&s, step, i);
        }
    }
    http_flush(s.h);
    http_conn_free(s.h);
}

#endif
