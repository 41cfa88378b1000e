/* segment_parse() on a run of frames, so that fragments meet each other.
 *
 *      0              1         2              3              4
 *      | link type no | seconds | captured len | missing len  | captured bytes | next frame …
 */
#include "base/cursor.h"
#include "decode/segment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint16_t link_types[] = {
    LINK_TYPE_ETHERNET,
    LINK_TYPE_NULL,
    LINK_TYPE_TOKEN_RING,
    LINK_TYPE_PPP,
    LINK_TYPE_FDDI,
    LINK_TYPE_RAW,
    LINK_TYPE_PPP_ETHER,
    LINK_TYPE_IEEE802_11,
    LINK_TYPE_IEEE802_11_RADIOTAP,
    LINK_TYPE_LOOP,
    LINK_TYPE_LINUX_SLL,
    LINK_TYPE_LINUX_SLL2,
    LINK_TYPE_UNSUPPORTED,
    LINK_TYPE_IPV4,
    LINK_TYPE_IPV6,
    104,
    192,
};

static volatile unsigned sink;

static void check(const struct segment *out, const struct frame *frame)
{
    assert(out->drop < SEGMENT_DROP_COUNT);
    assert(out->num_frames >= 1 && out->num_frames <= SEGMENT_FRAMES_MAX);
    assert(out->kind == SEGMENT_NONE || out->drop == SEGMENT_DROP_NONE);
    assert(out->payload.len <= out->payload_len);
    for (size_t i = 0; i < out->payload.len; i++) {
        sink += out->payload.at[i];
    }
    for (size_t i = 1; i < out->num_frames; i++) {
        assert(out->frames[i - 1] < out->frames[i]);
    }
    assert(out->is_reassembled || out->frames[0] == frame->number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cursor c = cursor_over((struct bytes){.at = data, .len = len});
    struct segmenter *s = segmenter_new();
    int64_t time_ns = 0;
    assert(s != NULL);
    for (uint32_t number = 1; number <= FRAMES_MAX && c.left > 0; number++) {
        size_t link = cursor_u8(&c) % (sizeof link_types / sizeof *link_types);
        time_ns += cursor_u8(&c) * INT64_C(1000000000);
        size_t captured_len = cursor_u8(&c);
        uint32_t missing_len = cursor_u8(&c);
        struct bytes part = cursor_take(&c, captured_len < c.left ? captured_len : c.left);
        uint8_t *copy = malloc(part.len > 0 ? part.len : 1);
        assert(copy != NULL);
        if (part.len > 0) {
            memcpy(copy, part.at, part.len);
        }
        struct frame frame = {.number = number,
                              .link_type = link_types[link],
                              .original_len = (uint32_t)part.len + missing_len,
                              .time_ns = time_ns,
                              .bytes = {.at = copy, .len = part.len}};
        struct segment out;
        segment_parse(s, &frame, &out);
        check(&out, &frame);
        free(copy);
    }
    segmenter_free(s);
    return 0;
}
