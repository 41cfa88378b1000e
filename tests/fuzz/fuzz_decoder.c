/* decoder_push() on a capture of records, most of them segments of a few connections, so that the
 * fuzzer's bytes reach the parsers behind the streams in any order.
 *
 *      0    1        2        3           5           7     8
 *      | op | flags  | 10 ms  | seq (u16) | ack (u16) | len | payload | next record …
 *
 * op: bits 0..1 connection, bit 2 side, bit 3 UDP instead of TCP, bit 4 no Ethernet frame is made:
 * the payload is the frame, bit 5 the frame is cut to half.
 */
#include "base/cursor.h"
#include "decode/decoder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 512
#define HEAD_BYTES_MAX 54

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct record {
    uint8_t op, flags;
    uint16_t seq, ack;
    struct bytes payload;
};

static uint64_t last_id;

static void check(void *context, const struct event *event)
{
    (void)context;
    assert(event->id == ++last_id);
    assert(event->kind != EVENT_NONE);
    assert(event->num_frames >= 1 && event->num_frames <= EVENT_FRAMES_MAX);
    for (size_t i = 1; i < event->num_frames; i++) {
        assert(event->frames[i - 1] < event->frames[i]);
    }
    assert(event->reply_to < event->id);
    if (event->http != NULL) {
        assert(event->http->message.body.len == 0);
        assert(event->http->message.authorization.num == 0);
        assert(event->http->message.www_authenticate.num == 0);
        assert(event->tcp != NULL);
    }
    if (event->tcp != NULL) {
        assert(event->tcp->gap_side == 0 || event->tcp->gap_side == 1);
    }
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Ethernet, IPv4, and TCP or UDP before the payload. */
static size_t make_frame(const struct record *r, uint8_t *frame)
{
    static const uint16_t ports[] = {80, 88, 53, 8080};
    bool is_udp = (r->op & 8) != 0;
    bool is_server = (r->op & 4) != 0;
    size_t head = is_udp ? 42 : 54;
    memset(frame, 0, head);
    put16(frame + 12, 0x0800);
    frame[14] = 0x45;
    put16(frame + 16, (unsigned)(head - 14 + r->payload.len));
    frame[22] = 64;
    frame[23] = is_udp ? 17 : 6;
    frame[26] = frame[30] = 10;
    frame[29] = is_server ? 2 : 1;
    frame[33] = is_server ? 1 : 2;
    put16(frame + 34, is_server ? ports[r->op & 3] : 40000);
    put16(frame + 36, is_server ? 40000 : ports[r->op & 3]);
    if (is_udp) {
        put16(frame + 38, (unsigned)(8 + r->payload.len));
    } else {
        put16(frame + 40, r->seq);
        put16(frame + 44, r->ack);
        frame[46] = 0x50;
        frame[47] = r->flags;
    }
    if (r->payload.len > 0) {
        memcpy(frame + head, r->payload.at, r->payload.len);
    }
    return head + r->payload.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cursor c = cursor_over((struct bytes){.at = data, .len = len});
    struct decoder_options options = {0};
    struct decoder *d = decoder_new(&options, check, NULL);
    int64_t time_ns = 0;
    assert(d != NULL);
    last_id = 0;
    for (uint32_t number = 1; number <= RECORDS_MAX && c.left > 0; number++) {
        struct record r = {.op = cursor_u8(&c), .flags = cursor_u8(&c)};
        time_ns += cursor_u8(&c) * INT64_C(10000000);
        r.seq = cursor_u16be(&c);
        r.ack = cursor_u16be(&c);
        size_t payload_len = cursor_u8(&c);
        r.payload = cursor_take(&c, payload_len < c.left ? payload_len : c.left);
        uint8_t *frame = malloc(HEAD_BYTES_MAX + r.payload.len);
        assert(frame != NULL);
        size_t whole = r.payload.len;
        if ((r.op & 16) == 0) {
            whole = make_frame(&r, frame);
        } else if (whole > 0) {
            memcpy(frame, r.payload.at, whole);
        }
        size_t captured = (r.op & 32) != 0 ? whole / 2 : whole;
        uint8_t *exact = malloc(captured > 0 ? captured : 1); /* a read behind it is seen */
        assert(exact != NULL);
        memcpy(exact, frame, captured);
        free(frame);
        struct frame out = {.number = number,
                            .link_type = LINK_TYPE_ETHERNET,
                            .has_time = true,
                            .original_len = (uint32_t)whole,
                            .time_ns = time_ns,
                            .bytes = {.at = exact, .len = captured}};
        decoder_push(d, &out);
        free(exact);
    }
    decoder_end(d);
    assert(decoder_stats(d)->events == last_id);
    decoder_free(d);
    return 0;
}
