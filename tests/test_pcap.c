/* pcap files of every kind, whole and damaged. */
#include "capture_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define MAGIC_US 0xa1b2c3d4
#define MAGIC_NS 0xa1b23c4d
#define MAGIC_MODIFIED 0xa1b2cd34

static struct built b;
static struct read_back got;

static void put_header(bool big, uint32_t magic, uint16_t minor, uint32_t link)
{
    b.len = 0;
    b.big = big;
    put_u32(&b, magic);
    put_u16(&b, 2);
    put_u16(&b, minor);
    put_u64(&b, 0);
    put_u32(&b, 65535);
    put_u32(&b, link);
}

static void put_record(uint32_t seconds, uint32_t fraction, uint32_t captured, uint32_t original)
{
    put_u32(&b, seconds);
    put_u32(&b, fraction);
    put_u32(&b, captured);
    put_u32(&b, original);
}

Test(pcap, all_magics_and_byte_orders)
{
    static const struct {
        uint32_t magic;
        enum capture_format format;
        const char *name;
        int64_t unit_ns;
        size_t extra;
    } kinds[] = {
        {MAGIC_US, CAPTURE_FORMAT_PCAP, "pcap", 1000, 0},
        {MAGIC_NS, CAPTURE_FORMAT_PCAP_NS, "pcap-ns", 1, 0},
        {MAGIC_MODIFIED, CAPTURE_FORMAT_PCAP_MODIFIED, "pcap-modified", 1000, 8},
    };
    for (size_t k = 0; k < 6; k++) {
        bool big = k % 2 == 1;
        put_header(big, kinds[k / 2].magic, 4, LINK_TYPE_ETHERNET);
        for (uint8_t i = 0; i < 3; i++) {
            put_record(1700000000U + i, 999999U - i, 60, 60U + i);
            put_bytes(&b, "\0\0\0\0\0\0\0\0", kinds[k / 2].extra);
            put_ethernet(&b, (uint8_t)(0x20 + i), 60);
        }
        read_built(&got, &b);
        cr_assert(eq(int, (int)got.status, STATUS_OK));
        cr_assert(eq(int, (int)got.info.format, (int)kinds[k / 2].format));
        cr_assert(eq(str, (char *)got.info.format_name, (char *)kinds[k / 2].name));
        cr_assert(eq(sz, got.num_frames, 3));
        cr_assert(got.info.complete && got.info.frames == 3 && got.info.last_number == 3);
        cr_assert(got.info.zone == CAPTURE_ZONE_UTC && got.info.has_times);
        for (uint8_t i = 0; i < 3; i++) {
            const struct frame *f = &got.frames[i].frame;
            cr_assert(eq(u32, f->number, i + 1U));
            cr_assert(
                eq(i64, f->time_ns,
                   (1700000000 + i) * INT64_C(1000000000) + (999999 - i) * kinds[k / 2].unit_ns));
            cr_assert(eq(u32, f->original_len, 60U + i));
            cr_assert(eq(sz, f->bytes.len, 60));
            cr_assert(eq(u8, got.frames[i].first, (uint8_t)(0x20 + i)));
            cr_assert(f->has_time && f->big_endian_host == big);
        }
        cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_FRAME_CUT], 2));
        cr_assert(eq(u64, got.info.bytes, b.len));
        cr_assert(eq(u64, got.info.bytes_read, b.len));
        cr_assert(eq(i64, got.info.first_time_ns, got.frames[0].frame.time_ns));
        cr_assert(eq(i64, got.info.last_time_ns, got.frames[2].frame.time_ns));
    }
}

/* Upper bits of the link type tell the length of a check sum. */
Test(pcap, link_type_is_the_low_half)
{
    static const uint16_t types[] = {0, 1, 12, 14, 101, 113, 228, 276, 9999};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        put_header(false, MAGIC_US, 4, 0x44000000U | types[i]);
        put_record(1, 0, 60, 60);
        put_ethernet(&b, 1, 60);
        read_built(&got, &b);
        cr_assert(eq(sz, got.num_frames, 1));
        cr_assert(eq(u16, got.frames[0].frame.link_type, types[i]));
        cr_assert(eq(sz, got.info.num_link_types, 1));
        cr_assert(eq(u16, got.info.link_types[0], types[i]));
    }
}

/* Versions before 2.3 have the original length first; 2.3 was written either way. */
Test(pcap, old_versions_swap_the_lengths)
{
    static const struct {
        uint16_t minor;
        uint32_t first;
        uint32_t second;
    } cases[] = {{2, 90, 60}, {0, 90, 60}, {3, 90, 60}, {3, 60, 90}, {4, 60, 90}, {5, 60, 90}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_header(i % 2 == 0, MAGIC_US, cases[i].minor, 1);
        put_record(1, 0, cases[i].first, cases[i].second);
        put_ethernet(&b, 7, 60);
        read_built(&got, &b);
        cr_assert(got.num_frames == 1 && got.info.complete, "case %zu: %s", i,
                  got.info.damage.text);
        cr_assert(eq(sz, got.frames[0].frame.bytes.len, 60));
        cr_assert(eq(u32, got.frames[0].frame.original_len, 90));
    }
}

Test(pcap, original_length_is_at_least_the_captured_one)
{
    put_header(false, MAGIC_US, 4, 1);
    put_record(1, 0, 60, 10);
    put_ethernet(&b, 7, 60);
    read_built(&got, &b);
    cr_assert(got.num_frames == 1 && got.info.complete);
    cr_assert(eq(u32, got.frames[0].frame.original_len, 60));
}

Test(pcap, seconds_are_unsigned)
{
    put_header(false, MAGIC_NS, 4, 1);
    put_record(UINT32_MAX, UINT32_MAX, 0, 0);
    read_built(&got, &b);
    cr_assert(eq(sz, got.num_frames, 1));
    cr_assert(eq(i64, got.frames[0].frame.time_ns, UINT32_MAX * INT64_C(1000000000) + UINT32_MAX));
}

/* The largest frame is read; one byte more is damage, whose place is told. */
Test(pcap, captured_length_has_a_limit)
{
    put_header(false, MAGIC_US, 4, 1);
    put_record(1, 0, CAPTURE_FRAME_BYTES_MAX, CAPTURE_FRAME_BYTES_MAX);
    put_ethernet(&b, 7, CAPTURE_FRAME_BYTES_MAX);
    size_t offset = b.len;
    put_record(1, 0, CAPTURE_FRAME_BYTES_MAX + 1, CAPTURE_FRAME_BYTES_MAX + 1);
    put_ethernet(&b, 7, CAPTURE_FRAME_BYTES_MAX + 1);
    read_built(&got, &b);
    cr_assert(eq(sz, got.num_frames, 1));
    cr_assert(eq(sz, got.frames[0].frame.bytes.len, CAPTURE_FRAME_BYTES_MAX));
    cr_assert(not(got.info.complete));
    cr_assert(eq(str, got.info.damage.text,
                 "The capture is damaged at byte 262184, frame 2: a captured length of 262145 is "
                 "more than a frame can have."));
    cr_assert(eq(sz, offset, 262184));
}

/* USB transfers may be larger; what is shown of them has the usual limit. */
Test(pcap, usb_frames_are_shown_up_to_the_limit)
{
    put_header(false, MAGIC_US, 4, 220);
    put_record(1, 0, 400000, 400000);
    put_ethernet(&b, 7, 400000);
    put_record(2, 0, 60, 60);
    put_ethernet(&b, 9, 60);
    read_built(&got, &b);
    cr_assert(got.num_frames == 2 && got.info.complete, "%s", got.info.damage.text);
    cr_assert(eq(sz, got.frames[0].frame.bytes.len, CAPTURE_FRAME_BYTES_MAX));
    cr_assert(eq(u32, got.frames[0].frame.original_len, 400000));
    cr_assert(eq(u8, got.frames[1].first, 9));
    b.len -= 60 + 16 + 1;
    read_built(&got, &b);
    cr_assert(got.num_frames == 1 && !got.info.complete);
}

/* Cut anywhere, all whole records are returned, and a rest is told. */
Test(pcap, every_truncation)
{
    enum { RECORD = 16 + 60 };
    put_header(false, MAGIC_US, 4, 1);
    for (uint32_t i = 0; i < 3; i++) {
        put_record(i, 0, 60, 60);
        put_ethernet(&b, 7, 60);
    }
    for (size_t len = 0; len <= b.len; len++) {
        read_bytes(&got, b.bytes, len, NULL);
        cr_assert(eq(int, (int)got.status, len < 24 ? STATUS_NOT_CAPTURE : STATUS_OK));
        if (len >= 24) {
            size_t rest = (len - 24) % RECORD;
            cr_assert(eq(sz, got.num_frames, (len - 24) / RECORD));
            cr_assert(eq(int, got.info.complete, rest == 0));
            cr_assert(eq(int, got.info.damage.text[0] == '\0', rest == 0));
        }
    }
    read_bytes(&got, b.bytes, 24 + RECORD + 20, NULL);
    cr_assert(eq(str, got.info.damage.text,
                 "The capture is cut at byte 100, frame 2: 20 of 76 bytes of its record are "
                 "there."));
}

Test(pcap, every_corrupt_byte, .timeout = 60)
{
    put_header(true, MAGIC_NS, 4, 1);
    for (uint32_t i = 0; i < 2; i++) {
        put_record(i, 0, 20, 20);
        put_ethernet(&b, 7, 20);
    }
    corrupt_every_byte(&b, &got);
    read_built(&got, &b);
    cr_assert(got.num_frames == 2 && got.info.complete);
}

/* More data than the window holds: frames at every place of it. */
Test(pcap, window_slides)
{
    put_header(false, MAGIC_US, 4, 1);
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t len = 14 + i * 7919 % 2500;
        put_record(i, 0, len, len);
        put_ethernet(&b, (uint8_t)i, len);
    }
    read_built(&got, &b);
    cr_assert(got.num_frames == 3000 && got.info.complete, "%s", got.info.damage.text);
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t len = 14 + i * 7919 % 2500;
        cr_assert(eq(sz, got.frames[i].frame.bytes.len, len));
        cr_assert(eq(u32, got.frames[i].sum, (len - 2) * (uint8_t)i + 0x08 + 0x06));
    }
}
