/* Any conversation, as steps of two bytes and what they announce:
 *
 *      byte 0   bit 0 direction, bits 1-2 kind: data, data, gap, end or flush,
 *               bit 3 no segment begins here, bit 4 the acknowledgement is unknown
 *      byte 1   length of the data that follow, or of the gap
 *
 * It is played whole and byte by byte, which must report the same. */
#include "decode/http.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct digest {
    uint64_t num;
    uint64_t value;
    uint64_t last_request;
};

static void add(struct digest *d, uint64_t value)
{
    d->value = (d->value ^ value) * UINT64_C(0x100000001b3);
}

static void add_bytes(struct digest *d, struct bytes b)
{
    add(d, b.len);
    for (size_t i = 0; i < b.len; i++) {
        add(d, b.at[i]);
    }
}

static void sink(void *context, const struct http_message *m)
{
    struct digest *d = context;
    d->num++;
    assert(m->id > 0);
    assert(m->head_complete || !m->complete);
    assert(m->num_frames > 0);
    assert(m->num_frames <= HTTP_FRAMES_MAX);
    assert(m->body.len <= m->body_len);
    assert(m->is_request || m->reply_to <= d->last_request);
    if (m->is_request) {
        d->last_request = m->id;
    }
    add(d, m->id);
    add(d, m->reply_to);
    add(d, m->complete);
    add(d, m->head_complete);
    add(d, m->body_len);
    add(d, m->status);
    add(d, m->first.frame);
    add(d, m->head_end.frame);
    add(d, m->end.frame);
    add_bytes(d, m->method);
    add_bytes(d, m->target);
    add_bytes(d, m->host);
    add_bytes(d, m->path);
    add_bytes(d, m->body);
    for (size_t i = 0; i < m->authorization.num; i++) {
        add_bytes(d, m->authorization.at[i]);
    }
    for (size_t i = 0; i < m->www_authenticate.num; i++) {
        add_bytes(d, m->www_authenticate.at[i]);
    }
}

static void play_data(struct http_conn *h, int dir, struct bytes b, uint64_t offset, bool is_start,
                      uint64_t acked, const struct place *place, bool per_byte)
{
    size_t step = per_byte ? 1 : b.len;
    for (size_t at = 0; at < b.len; at += step) {
        http_data(h, dir, bytes_part(b, at, step), offset + at, is_start && at == 0, acked, place);
    }
}

static struct digest play(struct bytes input, bool per_byte)
{
    struct digest digest = {0};
    uint64_t offset[2] = {0, 0};
    struct http_conn *h = http_conn_new(sink, &digest);
    assert(h != NULL);
    size_t at = 0;
    for (uint32_t frame = 1; at + 2 <= input.len; frame++) {
        uint8_t what = input.at[at];
        struct place place = {.frame = frame, .time_ns = frame};
        struct bytes b = bytes_part(input, at + 2, input.at[at + 1]);
        int dir = what & 1;
        at += 2;
        switch (what >> 1 & 3) {
        case 2:
            http_gap(h, dir, b.len, &place);
            offset[dir] += b.len;
            break;
        case 3:
            if ((what & 8) != 0) {
                http_end(h, dir, (what & 16) != 0, &place);
            } else {
                http_flush(h);
            }
            break;
        default:
            play_data(h, dir, b, offset[dir], (what & 8) == 0, (what & 16) != 0 ? 0 : offset[0],
                      &place, per_byte);
            offset[dir] += b.len;
            at += b.len;
            break;
        }
        assert(http_conn_memory(h) <= 2 * (HTTP_HEAD_BYTES_MAX + HTTP_BODY_KEPT_BYTES) + 16384);
    }
    http_flush(h);
    http_conn_free(h);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = {.at = data, .len = size};
    struct digest whole = play(input, false);
    struct digest bytewise = play(input, true);
    assert(whole.num == bytewise.num);
    assert(whole.value == bytewise.value);
    (void)http_looks_like_request(input);
    (void)http_looks_like_response(input);
    return 0;
}
