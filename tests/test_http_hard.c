/* Input that lies, and the watcher's bounds: nothing here is judged right or wrong as HTTP, only
 * that reading stays inside, memory stays bounded, and what is reported is sane. */
#include "tests/battery.h"
#include "tests/http_talk.h"

#include <criterion/criterion.h>

static const struct place somewhere = {.frame = 1, .time_ns = 1};

static const char conversation_request[] =
    "CCM_POST /ccm_system/request HTTP/1.1\r\nHost: mp:80\r\nAuthorization: Negotiate YII=\r\n"
    "Content-Length: 3\r\n\r\nabc"
    "POST http://a:1/b?c HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX: a\r\n b\r\n\r\n"
    "4;e=\"f\"\r\nWiki\r\n0\r\nT: t\r\n\r\n"
    "HEAD / HTTP/1.0\n\n";
static const char conversation_response[] =
    "HTTP/1.1 100 Continue\r\n\r\n"
    "HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 2\r\n\r\nno"
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: x\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.0 204 x\r\n\r\n";

struct sane {
    size_t num;
    uint64_t last_request;
    uint64_t ids;
};

static bool lies_in(struct bytes b, size_t max)
{
    size_t sum = 0;
    for (size_t i = 0; i < b.len; i++) {
        sum += b.at[i]; /* under ASan: may this byte be read? */
    }
    return b.len <= max && sum <= 255 * b.len;
}

/* What holds for every message, whatever the input was. */
static void sane_sink(void *context, const struct http_message *m)
{
    struct sane *s = context;
    s->num++;
    cr_assert_gt(m->id, 0);
    cr_assert(m->head_complete || !m->complete);
    cr_assert_leq(m->num_frames, HTTP_FRAMES_MAX);
    cr_assert_gt(m->num_frames, 0);
    cr_assert_leq(m->authorization.num, HTTP_HEADER_VALUES_MAX);
    cr_assert_leq(m->www_authenticate.num, HTTP_HEADER_VALUES_MAX);
    cr_assert(lies_in(m->method, 32) && lies_in(m->target, HTTP_HEAD_BYTES_MAX));
    cr_assert(lies_in(m->host, HTTP_HEAD_BYTES_MAX) && lies_in(m->path, HTTP_HEAD_BYTES_MAX));
    cr_assert(lies_in(m->body, HTTP_BODY_KEPT_BYTES));
    cr_assert_leq(m->body.len, m->body_len);
    for (size_t i = 0; i < m->authorization.num; i++) {
        cr_assert(lies_in(m->authorization.at[i], HTTP_HEAD_BYTES_MAX));
    }
    if (m->is_request) {
        cr_assert_eq(m->reply_to, 0);
        cr_assert_gt(m->method.len, 0);
        cr_assert_gt(m->target.len, 0);
        s->last_request = m->id;
    } else {
        cr_assert(m->status >= 200 || m->status == 101);
        cr_assert(m->reply_to == 0 || m->reply_to <= s->last_request,
                  "a response before its request");
    }
}

static struct sane run(struct bytes request, struct bytes response)
{
    struct sane sane = {0};
    struct http_conn *h = http_conn_new(sane_sink, &sane);
    http_data(h, 0, request, 0, true, 0, &somewhere);
    http_data(h, 1, response, 0, true, request.len, &somewhere);
    http_end(h, 0, true, &somewhere);
    http_end(h, 1, true, &somewhere);
    http_conn_free(h);
    return sane;
}

Test(http_hard, every_prefix_ends_at_a_guard_page)
{
    struct bytes request = bytes_of(conversation_request);
    struct bytes response = bytes_of(conversation_response);
    cr_assert_eq(run(request, response).num, 7);
    for (size_t len = 0; len <= request.len; len++) {
        struct guarded g = guarded_copy(bytes_part(request, 0, len));
        run(g.bytes, response);
        guarded_free(&g);
    }
    for (size_t len = 0; len <= response.len; len++) {
        struct guarded g = guarded_copy(bytes_part(response, 0, len));
        run(request, g.bytes);
        guarded_free(&g);
    }
    for (size_t len = 0; len <= 20; len++) {
        struct guarded a = guarded_copy(bytes_part(request, 0, len));
        struct guarded b = guarded_copy(bytes_part(response, 0, len));
        cr_assert_eq(http_looks_like_request(a.bytes), len > 9);
        cr_assert_not(http_looks_like_request(b.bytes));
        cr_assert_eq(http_looks_like_response(b.bytes), len > 6);
        guarded_free(&a);
        guarded_free(&b);
    }
}

Test(http_hard, every_byte_corrupted)
{
    static const uint8_t odd[] = {0, '\n', '\r', ' ', ':', '9', 'f', ';', 'H', 0x7f, 0xff};
    char request[sizeof conversation_request], response[sizeof conversation_response];
    for (int dir = 0; dir < 2; dir++) {
        size_t size = dir == 0 ? sizeof request - 1 : sizeof response - 1;
        for (size_t at = 0; at < size; at++) {
            for (size_t i = 0; i < sizeof odd; i++) {
                memcpy(request, conversation_request, sizeof request);
                memcpy(response, conversation_response, sizeof response);
                (dir == 0 ? request : response)[at] = (char)odd[i];
                run((struct bytes){(uint8_t *)request, sizeof request - 1},
                    (struct bytes){(uint8_t *)response, sizeof response - 1});
            }
        }
    }
}

/* Random pieces, gaps of known and unknown length, ends and flushes, from fixed seeds. */
Test(http_hard, random_loss_never_pairs_forward)
{
    struct bytes bytes[2] = {bytes_of(conversation_request), bytes_of(conversation_response)};
    for (uint32_t seed = 1; seed <= 20000; seed++) {
        uint32_t random = seed;
        struct sane sane = {0};
        struct http_conn *h = http_conn_new(sane_sink, &sane);
        uint64_t offset[2] = {0, 0};
        for (unsigned step = 0; step < 24; step++) {
            int dir = (int)(talk_random(&random) % 2);
            uint32_t dice = talk_random(&random) % 20;
            size_t from = (size_t)(offset[dir] % bytes[dir].len);
            struct bytes piece = bytes_part(bytes[dir], from, talk_random(&random) % 120 + 1);
            if (dice == 0) {
                http_gap(h, dir, 0, &somewhere);
            } else if (dice <= 3) {
                http_gap(h, dir, piece.len, &somewhere);
            } else if (dice == 4) {
                http_flush(h);
            } else if (dice == 5 && step > 16) {
                http_end(h, dir, true, &somewhere);
            } else {
                talk_give(h, dir, piece.at, piece.len, offset[dir], dice % 2 == 0,
                          dice % 3 == 0 ? 0 : offset[0], step);
            }
            offset[dir] += piece.len;
        }
        http_flush(h);
        http_conn_free(h);
    }
}

static void give(struct http_conn *h, int dir, const char *text, uint64_t *offset)
{
    struct bytes b = bytes_of(text);
    http_data(h, dir, b, *offset, true, UINT64_MAX / 2, &somewhere);
    *offset += b.len;
}

Test(http_hard, a_head_over_the_limit_is_given_up)
{
    static char line[4097];
    struct sane sane = {0};
    struct http_conn *h = http_conn_new(sane_sink, &sane);
    uint64_t offset = 0;
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "X-Long: ", 8);
    memcpy(line + sizeof line - 3, "\r\n", 2);
    give(h, 0, "GET / HTTP/1.1\r\n", &offset);
    for (size_t i = 0; i < HTTP_HEAD_BYTES_MAX / 4096 - 1; i++) {
        give(h, 0, line, &offset);
        cr_assert_leq(http_conn_memory(h), HTTP_HEAD_BYTES_MAX + 16384);
    }
    cr_assert_eq(sane.num, 0);
    give(h, 0, line, &offset);
    cr_assert_eq(sane.num, 1, "reported with the fields that it had");
    cr_assert_leq(http_conn_memory(h), 16384);
    give(h, 0, line, &offset);
    give(h, 0, "\r\n", &offset);
    cr_assert_eq(sane.num, 1);
    give(h, 0, "GET /next HTTP/1.1\r\n\r\n", &offset);
    cr_assert_eq(sane.num, 2);
    http_conn_free(h);
}

struct body_seen {
    size_t num, kept;
    uint64_t len;
    bool complete, same;
};

static void body_sink(void *context, const struct http_message *m)
{
    struct body_seen *s = context;
    s->num++;
    s->kept = m->body.len;
    s->len = m->body_len;
    s->complete = m->complete;
    s->same = true;
    for (size_t i = 0; i < m->body.len; i++) {
        s->same = s->same && m->body.at[i] == (uint8_t)('a' + i % 10);
    }
}

Test(http_hard, a_head_of_the_limit_is_read)
{
    static char head[HTTP_HEAD_BYTES_MAX + 1];
    for (size_t over = 0; over < 2; over++) {
        struct body_seen seen = {0};
        struct http_conn *h = http_conn_new(body_sink, &seen);
        size_t len = HTTP_HEAD_BYTES_MAX + over;
        memset(head, 'x', len);
        memcpy(head, "GET / HTTP/1.1\r\nX: ", 19);
        memcpy(head + len - 4, "\r\n\r\n", 4);
        http_data(h, 0, (struct bytes){(uint8_t *)head, len}, 0, true, 0, &somewhere);
        cr_assert_eq(seen.num, 1);
        cr_assert_eq(seen.complete, over == 0);
        cr_assert_leq(http_conn_memory(h), 16384);
        http_conn_free(h);
    }
}

Test(http_hard, the_beginning_of_a_ccm_post_is_kept_dechunked)
{
    struct body_seen seen = {0};
    struct http_conn *h = http_conn_new(body_sink, &seen);
    uint64_t offset = 0;
    give(h, 0, "CCM_POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", &offset);
    for (size_t i = 0; i < 10000; i++) {
        give(h, 0, "a\r\nabcdefghij\r\n", &offset);
        cr_assert_leq(http_conn_memory(h), HTTP_BODY_KEPT_BYTES + 16384);
    }
    give(h, 0, "0\r\n\r\n", &offset);
    cr_assert_eq(seen.num, 1);
    cr_assert_eq(seen.kept, HTTP_BODY_KEPT_BYTES);
    cr_assert_eq(seen.len, 100000);
    cr_assert(seen.complete);
    cr_assert(seen.same);
    cr_assert_leq(http_conn_memory(h), 16384, "an idle connection holds no buffers");
    http_conn_free(h);
}

Test(http_hard, what_is_behind_a_gap_is_not_kept)
{
    struct body_seen seen = {0};
    struct http_conn *h = http_conn_new(body_sink, &seen);
    uint64_t offset = 0;
    give(h, 0, "CCM_POST / HTTP/1.1\r\nContent-Length: 30\r\n\r\nabcdefghij", &offset);
    http_gap(h, 0, 10, &somewhere);
    offset += 10;
    give(h, 0, "klmnopqrst", &offset);
    cr_assert_eq(seen.num, 1);
    cr_assert_eq(seen.kept, 10);
    cr_assert_eq(seen.len, 20);
    cr_assert_not(seen.complete);
    http_conn_free(h);
}

Test(http_hard, a_jump_of_the_offset_is_a_gap)
{
    struct body_seen seen = {0};
    struct http_conn *h = http_conn_new(body_sink, &seen);
    uint64_t offset = 0;
    give(h, 0, "CCM_POST / HTTP/1.1\r\nContent-Length: 30\r\n\r\nabcdefghij", &offset);
    offset += 10;
    give(h, 0, "klmnopqrst", &offset);
    cr_assert_eq(seen.num, 1);
    cr_assert_eq(seen.len, 20);
    cr_assert_not(seen.complete);
    http_conn_free(h);
}

Test(http_hard, offsets_beyond_32_bits_and_bodies_beyond_memory)
{
    struct body_seen seen = {0};
    struct http_conn *h = http_conn_new(body_sink, &seen);
    uint64_t offset = UINT64_C(1) << 40;
    give(h, 0, "PUT / HTTP/1.1\r\nContent-Length: 1099511627776\r\n\r\n", &offset);
    http_gap(h, 0, (UINT64_C(1) << 40) - 1, &somewhere);
    offset += (UINT64_C(1) << 40) - 1;
    cr_assert_eq(seen.num, 0);
    give(h, 0, "jGET / HTTP/1.1\r\n\r\n", &offset);
    cr_assert_eq(seen.num, 2);
    http_conn_free(h);
}

struct order_seen {
    size_t num_requests, num_responses, num_unpaired;
};

static void order_sink(void *context, const struct http_message *m)
{
    struct order_seen *s = context;
    if (m->is_request) {
        s->num_requests++;
    } else {
        s->num_responses++;
        s->num_unpaired += m->reply_to == 0;
    }
}

Test(http_hard, more_requests_in_flight_than_are_kept)
{
    struct order_seen seen = {0};
    struct http_conn *h = http_conn_new(order_sink, &seen);
    uint64_t offset[2] = {0, 0};
    for (size_t i = 0; i < HTTP_PIPELINE_MAX; i++) {
        give(h, 0, "GET / HTTP/1.1\r\n\r\n", &offset[0]);
    }
    for (size_t i = 0; i < HTTP_PIPELINE_MAX; i++) {
        give(h, 1, "HTTP/1.1 204 x\r\n\r\n", &offset[1]);
    }
    cr_assert_eq(seen.num_requests, HTTP_PIPELINE_MAX);
    cr_assert_eq(seen.num_unpaired, 0);
    http_conn_free(h);

    seen = (struct order_seen){0};
    h = http_conn_new(order_sink, &seen);
    for (size_t i = 0; i < 2 * HTTP_PIPELINE_MAX; i++) {
        give(h, 0, "GET / HTTP/1.1\r\n\r\n", &offset[0]);
    }
    for (size_t i = 0; i < 2 * HTTP_PIPELINE_MAX; i++) {
        give(h, 1, "HTTP/1.1 204 x\r\n\r\n", &offset[1]);
    }
    cr_assert_eq(seen.num_responses, 2 * HTTP_PIPELINE_MAX);
    cr_assert_eq(seen.num_unpaired, 2 * HTTP_PIPELINE_MAX, "not one is guessed");
    http_conn_free(h);
}

struct frames_seen {
    size_t num;
    struct http_message m;
};

static void frames_sink(void *context, const struct http_message *m)
{
    struct frames_seen *s = context;
    s->num++;
    s->m = *m;
}

Test(http_hard, frames_of_a_message_are_kept_to_a_bound)
{
    struct frames_seen seen = {0};
    struct http_conn *h = http_conn_new(frames_sink, &seen);
    struct bytes bytes = bytes_of("POST / HTTP/1.1\r\nContent-Length: 40\r\n\r\n"
                                  "0123456789012345678901234567890123456789");
    for (size_t i = 0; i < bytes.len; i++) {
        struct place place = {.frame = (uint32_t)(100 + i / 2), .time_ns = (int64_t)i};
        http_data(h, 0, bytes_part(bytes, i, 1), i, i % 2 == 0, 0, &place);
    }
    cr_assert_eq(seen.num, 1);
    cr_assert_eq(seen.m.num_frames, HTTP_FRAMES_MAX);
    for (size_t i = 0; i < HTTP_FRAMES_MAX; i++) {
        cr_assert_eq(seen.m.frames[i], 100 + i);
    }
    cr_assert_eq(seen.m.first.time_ns, 0);
    cr_assert_eq(seen.m.head_end.time_ns, (int64_t)bytes.len - 40 - 1);
    cr_assert_eq(seen.m.end.time_ns, (int64_t)bytes.len - 1);
    cr_assert_eq(seen.m.end.frame, 100 + (bytes.len - 1) / 2);
    http_conn_free(h);
}
