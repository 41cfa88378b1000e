/* pcapng files: sections, interfaces, every block, and damage. Which blocks take a frame number and
 * where reading stops was compared with tshark 4.0 on files like these. */
#include "capture_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define S INT64_C(1000000000)

static struct built b;
static struct read_back got;

static void start(bool big)
{
    b.len = 0;
    b.big = big;
}

/* A block begins; its length is set by block_end(). */
static size_t block_begin(uint32_t type)
{
    size_t at = b.len;
    put_u32(&b, type);
    put_u32(&b, 0);
    return at;
}

static void block_end(size_t at)
{
    while (b.len % 4 != 0) {
        put_u8(&b, 0);
    }
    uint32_t len = (uint32_t)(b.len - at + 4);
    put_u32(&b, len);
    set_u32(&b, at + 4, len);
}

static void put_section_version(uint16_t major, uint16_t minor)
{
    size_t at = block_begin(0x0a0d0d0a);
    put_u32(&b, 0x1a2b3c4d);
    put_u16(&b, major);
    put_u16(&b, minor);
    put_u64(&b, UINT64_MAX);
    block_end(at);
}

static void put_section(void)
{
    put_section_version(1, 0);
}

static size_t interface_begin(uint16_t link, uint32_t snap_len)
{
    size_t at = block_begin(1);
    put_u16(&b, link);
    put_u16(&b, 0);
    put_u32(&b, snap_len);
    return at;
}

static void put_interface(uint16_t link)
{
    block_end(interface_begin(link, 0));
}

static void put_option(uint16_t code, uint16_t len, uint64_t value)
{
    put_u16(&b, code);
    put_u16(&b, len);
    put_number(&b, value, len);
    while (b.len % 4 != 0) {
        put_u8(&b, 0);
    }
}

static size_t packet_begin(uint32_t interface, uint64_t stamp, uint32_t captured, uint32_t original)
{
    size_t at = block_begin(6);
    put_u32(&b, interface);
    put_u32(&b, (uint32_t)(stamp >> 32));
    put_u32(&b, (uint32_t)stamp);
    put_u32(&b, captured);
    put_u32(&b, original);
    return at;
}

static void put_packet(uint32_t interface, uint64_t stamp, uint8_t mark)
{
    size_t at = packet_begin(interface, stamp, 59, 59);
    put_ethernet(&b, mark, 59);
    block_end(at);
}

/* A block of any type with len bytes of value in it. */
static void put_block(uint32_t type, size_t len, uint8_t value)
{
    size_t at = block_begin(type);
    for (size_t i = 0; i < len; i++) {
        put_u8(&b, value);
    }
    block_end(at);
}

Test(pcapng, both_byte_orders)
{
    for (int big = 0; big < 2; big++) {
        start(big == 1);
        put_section();
        put_interface(LINK_TYPE_LINUX_SLL);
        put_packet(0, 1700000000123456, 0x42);
        put_packet(0, 1700000000123457, 0x43);
        read_built(&got, &b);
        cr_assert(got.info.format == CAPTURE_FORMAT_PCAPNG && got.info.complete);
        cr_assert(eq(str, (char *)got.info.format_name, "pcapng"));
        cr_assert(eq(sz, got.num_frames, 2));
        cr_assert(eq(i64, got.frames[0].frame.time_ns, 1700000000 * S + 123456000));
        cr_assert(eq(i64, got.frames[1].frame.time_ns, 1700000000 * S + 123457000));
        cr_assert(eq(u8, got.frames[1].first, 0x43));
        cr_assert(eq(u16, got.frames[1].frame.link_type, LINK_TYPE_LINUX_SLL));
        cr_assert(eq(sz, got.frames[1].frame.bytes.len, 59));
        cr_assert(eq(int, got.frames[1].frame.big_endian_host, big));
        cr_assert(eq(u64, got.info.bytes_read, b.len));
    }
}

/* A section has its own interfaces and may have the other byte order. */
Test(pcapng, sections_begin_anew)
{
    start(false);
    put_section();
    put_interface(LINK_TYPE_ETHERNET);
    put_interface(LINK_TYPE_RAW);
    put_packet(1, 1, 1);
    b.big = true;
    put_section_version(1, 2);
    put_interface(LINK_TYPE_LINUX_SLL2);
    put_packet(0, 2, 2);
    size_t offset = b.len;
    put_packet(1, 3, 3);
    read_built(&got, &b);
    cr_assert(eq(sz, got.num_frames, 2));
    cr_assert(eq(u16, got.frames[0].frame.link_type, LINK_TYPE_RAW));
    cr_assert(eq(u16, got.frames[1].frame.link_type, LINK_TYPE_LINUX_SLL2));
    cr_assert(eq(sz, got.info.num_link_types, 2));
    cr_assert(eq(sz, offset, 300));
    cr_assert(eq(str, got.info.damage.text,
                 "The capture is damaged at byte 300, frame 3: interface 1 was not described "
                 "before."));
}

Test(pcapng, resolutions_and_offsets)
{
    static const struct {
        int resolution; /* -1: none given */
        int64_t offset_s;
        uint64_t stamp;
        int64_t time_ns;
    } cases[] = {
        {-1, 0, 1500000, 1500000000},
        {0, 0, 7, 7 * S},
        {3, 0, 1500, 1500000000},
        {9, 0, 1234567890123, 1234567890123},
        {12, 0, 1500000000999, 1500000000},
        {19, 0, UINT64_C(15000000000000000000), 1500000000},
        {20, 0, UINT64_MAX, 0},
        {127, 5, UINT64_MAX, 5 * S},
        {0x80, 0, 3, 3 * S},
        {0x80 | 1, 0, 3, 1500000000},
        {0x80 | 10, 0, 1500, 1464843750},
        {0x80 | 31, 0, UINT64_C(3) << 30, 1500000000},
        {0x80 | 32, 0, UINT64_C(3) << 31, 1500000000},
        {0x80 | 40, 0, 123456789012345, 112283295504},
        {0x80 | 63, 0, UINT64_C(3) << 62, 1500000000},
        {0x80 | 64, 0, UINT64_MAX, 0},
        {6, 1000, 1000000, 1001 * S},
        {6, -1000, 1000000, -999 * S},
        {6, INT64_MAX, 1, INT64_MAX},
        {6, 0, UINT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(i % 2 == 0);
        put_section();
        size_t at = interface_begin(1, 0);
        if (cases[i].resolution >= 0) {
            put_option(9, 1, (uint64_t)cases[i].resolution);
        }
        put_option(14, 8, (uint64_t)cases[i].offset_s);
        put_option(0, 0, 0);
        block_end(at);
        put_packet(0, cases[i].stamp, 1);
        read_built(&got, &b);
        cr_assert(eq(sz, got.num_frames, 1));
        cr_assert(eq(i64, got.frames[0].frame.time_ns, cases[i].time_ns), "case %zu", i);
    }
}

/* No time of its own, no captured length of its own. */
Test(pcapng, simple_packets)
{
    start(false);
    put_section();
    block_end(interface_begin(LINK_TYPE_ETHERNET, 32));
    put_packet(0, 5000000, 1);
    size_t at = block_begin(3);
    put_u32(&b, 100);
    put_ethernet(&b, 2, 32);
    block_end(at);
    at = block_begin(3);
    put_u32(&b, 20);
    put_ethernet(&b, 3, 20);
    block_end(at);
    at = block_begin(3); /* the snap length promises more than the block holds */
    put_u32(&b, 32);
    put_ethernet(&b, 3, 20);
    block_end(at);
    read_built(&got, &b);
    cr_assert(eq(sz, got.num_frames, 3));
    cr_assert(not(got.frames[1].frame.has_time));
    cr_assert(eq(i64, got.frames[1].frame.time_ns, 5 * S));
    cr_assert(eq(sz, got.frames[1].frame.bytes.len, 32));
    cr_assert(eq(u32, got.frames[1].frame.original_len, 100));
    cr_assert(eq(sz, got.frames[2].frame.bytes.len, 20));
    cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_FRAME_CUT], 1));
    cr_assert(not(got.info.complete));
}

Test(pcapng, obsolete_packets)
{
    start(true);
    put_section();
    put_interface(LINK_TYPE_ETHERNET);
    for (uint16_t drops = 0; drops < 2; drops++) {
        size_t at = block_begin(2);
        put_u16(&b, 0);
        put_u16(&b, drops == 0 ? 0xffff : 3); /* 0xffff: not known */
        put_u32(&b, 0);
        put_u32(&b, 2000000);
        put_u32(&b, 30);
        put_u32(&b, 60);
        put_ethernet(&b, 4, 30);
        block_end(at);
    }
    read_built(&got, &b);
    cr_assert(got.num_frames == 2 && got.info.complete);
    cr_assert(eq(i64, got.frames[0].frame.time_ns, 2 * S));
    cr_assert(eq(sz, got.frames[0].frame.bytes.len, 30));
    cr_assert(eq(u32, got.frames[0].frame.original_len, 60));
    cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_BY_SYSTEM], 3));
}

/* Journal, custom and event blocks take a number; names, statistics, secrets and the unknown do
 * not. */
Test(pcapng, blocks_that_take_a_number)
{
    static const struct {
        uint32_t type;
        bool numbered;
        bool unknown;
    } cases[] = {
        {4, false, false},         {5, false, false},      {9, true, false},
        {10, false, false},        {0xbad, true, false},   {0x40000bad, true, false},
        {0x204, true, false},      {0x216, true, false},   {0x221, true, false},
        {0x208, false, true},      {7, false, true},       {8, false, true},
        {0x80000001, false, true}, {0x12345, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(i % 2 == 0);
        put_section();
        put_interface(LINK_TYPE_ETHERNET);
        put_packet(0, 1, 1);
        put_block(cases[i].type, 64, 'x');
        put_packet(0, 2, 2);
        read_built(&got, &b);
        cr_assert(got.num_frames == 2 && got.info.complete, "type %x", cases[i].type);
        cr_assert(eq(u32, got.frames[1].frame.number, cases[i].numbered ? 3 : 2));
        cr_assert(eq(u32, got.info.last_number, cases[i].numbered ? 3 : 2));
        cr_assert(eq(u64, got.info.frames, 2));
        cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_NOT_A_PACKET], cases[i].numbered));
        cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_UNKNOWN_BLOCK], cases[i].unknown));
    }
}

static void put_statistics(uint32_t interface, uint64_t by_interface, uint64_t by_system)
{
    size_t at = block_begin(5);
    put_u32(&b, interface);
    put_u64(&b, 0);
    put_option(4, 8, 1000);
    put_option(5, 8, by_interface);
    put_option(7, 8, by_system);
    put_option(0, 0, 0);
    block_end(at);
}

/* The last statistics of each interface count, and drop counts at packets. */
Test(pcapng, packets_dropped_by_the_system)
{
    start(false);
    put_section();
    put_interface(1);
    put_interface(1);
    put_statistics(0, 5, 1);
    put_statistics(1, 100, 0);
    put_statistics(0, 7, 2);
    put_statistics(9, 1000, 1000); /* no such interface */
    read_built(&got, &b);
    cr_assert(got.info.complete && got.num_frames == 0 && !got.info.has_times);
    cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_BY_SYSTEM], 109));
    put_section();
    put_interface(1);
    put_statistics(0, 1, 0);
    read_built(&got, &b);
    cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_BY_SYSTEM], 110));
    put_statistics(0, UINT64_MAX, 1);
    put_statistics(0, 1, 0);
    read_built(&got, &b);
    cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_BY_SYSTEM], 110));

    start(true);
    put_section();
    put_interface(1);
    for (int i = 0; i < 2; i++) {
        size_t at = packet_begin(0, 1, 59, 59);
        put_ethernet(&b, 1, 59);
        put_u8(&b, 0);
        put_option(2, 4, 1);
        put_option(4, 8, 21);
        put_option(0, 0, 0);
        block_end(at);
    }
    read_built(&got, &b);
    cr_assert(got.num_frames == 2 && got.info.complete);
    cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_BY_SYSTEM], 42));
}

/* More interfaces than are kept: their frames are counted, not decoded. */
Test(pcapng, interfaces_beyond_the_table)
{
    start(false);
    put_section();
    for (int i = 0; i < CAPTURE_INTERFACES_MAX + 1; i++) {
        put_interface(LINK_TYPE_ETHERNET);
    }
    put_packet(CAPTURE_INTERFACES_MAX - 1, 1, 1);
    put_packet(CAPTURE_INTERFACES_MAX, 1, 1);
    read_built(&got, &b);
    cr_assert(got.num_frames == 2 && got.info.complete);
    cr_assert(eq(u16, got.frames[0].frame.link_type, LINK_TYPE_ETHERNET));
    cr_assert(eq(u16, got.frames[1].frame.link_type, LINK_TYPE_UNSUPPORTED));
    cr_assert(not(got.frames[1].frame.has_time));
    cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_UNSUPPORTED_LINK], 1));
}

/* Blocks longer than the window are stepped over, packets in front of long options are read. */
Test(pcapng, long_blocks)
{
    start(false);
    put_section();
    put_interface(1);
    put_block(0x12345, 700000, 'x');
    size_t at = packet_begin(0, 1, 60, 60);
    put_ethernet(&b, 5, 60);
    for (int i = 0; i < 8; i++) {
        put_u16(&b, 1);
        put_u16(&b, 60000);
        for (int k = 0; k < 60000; k++) {
            put_u8(&b, 'c');
        }
    }
    block_end(at);
    put_packet(0, 2, 6);
    read_built(&got, &b);
    cr_assert(got.num_frames == 2 && got.info.complete, "%s", got.info.damage.text);
    cr_assert(eq(u8, got.frames[0].first, 5));
    cr_assert(eq(u8, got.frames[1].first, 6));
}

static void check_damage(const char *text)
{
    put_packet(0, 3, 3);
    read_built(&got, &b);
    cr_assert(eq(sz, got.num_frames, 1));
    cr_assert(not(got.info.complete));
    cr_assert(eq(str, got.info.damage.text, (char *)text));
}

static size_t start_with_a_packet(void)
{
    start(false);
    put_section();
    put_interface(1);
    put_packet(0, 1, 1);
    return b.len;
}

Test(pcapng, damage_ends_it)
{
    size_t at = start_with_a_packet();
    cr_assert(eq(sz, at, 140));
    put_packet(0, 2, 2);
    set_u32(&b, b.len - 4, 1234);
    check_damage(
        "The capture is damaged at byte 140, frame 2: its block ends with a length of 1234 "
        "that differs from the one it begins with.");
    start_with_a_packet();
    put_u32(&b, 6);
    put_u32(&b, 8);
    check_damage("The capture is damaged at byte 140, frame 2: a block length of 8 is impossible.");
    start_with_a_packet();
    at = packet_begin(0, 1, 70, 70);
    put_ethernet(&b, 2, 60);
    block_end(at);
    check_damage(
        "The capture is damaged at byte 140, frame 2: a captured length of 70 is more than "
        "its block or a frame can have.");
    start_with_a_packet();
    put_section_version(2, 0);
    check_damage("The capture is damaged at byte 140, frame 2: a section of version 2000 (major * "
                 "1000 + minor) is unknown.");
    start_with_a_packet();
    put_block(1, 4, 0);
    check_damage("The capture is damaged at byte 140, frame 2: a length of 16 is too little for an "
                 "interface description block.");
    start_with_a_packet();
    put_block(0xbad, 0, 0);
    check_damage("The capture is damaged at byte 140, frame 2: a length of 12 is too little for a "
                 "custom block.");
}

/* Some writers give a length without the padding, which is there all the same. */
Test(pcapng, length_without_padding)
{
    size_t at = start_with_a_packet();
    put_packet(0, 2, 2);
    set_u32(&b, at + 4, 91);
    set_u32(&b, b.len - 4, 91);
    put_packet(0, 3, 3);
    read_built(&got, &b);
    cr_assert(got.num_frames == 3 && got.info.complete, "%s", got.info.damage.text);
}

/* A packet does not lose its bytes to an option that is cut. */
Test(pcapng, odd_options_are_tolerated)
{
    start(false);
    put_section();
    put_interface(1);
    size_t at = packet_begin(0, 1, 60, 60);
    put_ethernet(&b, 5, 60);
    put_u16(&b, 2);
    put_u16(&b, 400);
    put_u32(&b, 0);
    block_end(at);
    put_packet(0, 2, 6);
    read_built(&got, &b);
    cr_assert(got.num_frames == 2 && got.info.complete);
}

Test(pcapng, every_truncation, .timeout = 60)
{
    for (int big = 0; big < 2; big++) {
        start(big == 1);
        put_section();
        put_interface(1);
        size_t ends[3];
        for (uint8_t i = 0; i < 3; i++) {
            put_packet(0, i, i);
            ends[i] = b.len;
        }
        for (size_t len = 0; len <= b.len; len++) {
            read_bytes(&got, b.bytes, len, NULL);
            cr_assert(eq(int, (int)got.status, len < 28 ? STATUS_NOT_CAPTURE : STATUS_OK));
            size_t wanted = (len >= ends[0]) + (len >= ends[1]) + (len >= ends[2]);
            bool whole = len == 28 || len == 48 || (wanted > 0 && len == ends[wanted - 1]);
            cr_assert(eq(sz, got.num_frames, wanted));
            cr_assert(eq(int, got.info.complete, whole), "%zu bytes: %s", len,
                      got.info.damage.text);
        }
    }
}

Test(pcapng, every_corrupt_byte, .timeout = 60)
{
    start(true);
    put_section();
    size_t at = interface_begin(1, 0);
    put_option(9, 1, 6);
    put_option(14, 8, 1);
    put_option(0, 0, 0);
    block_end(at);
    at = packet_begin(0, 1, 16, 16);
    put_ethernet(&b, 1, 16);
    put_option(4, 8, 21);
    block_end(at);
    put_statistics(0, 1, 2);
    at = block_begin(3);
    put_u32(&b, 16);
    put_ethernet(&b, 2, 16);
    block_end(at);
    corrupt_every_byte(&b, &got);
    read_built(&got, &b);
    cr_assert(got.num_frames == 2 && got.info.complete, "%s", got.info.damage.text);
}
