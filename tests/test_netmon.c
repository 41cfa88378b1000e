/* Network Monitor captures of all versions, whole and damaged. Frame numbers and times were
 * compared with tshark 4.0 on files like these. */
#include "capture_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define S INT64_C(1000000000)
#define START_S INT64_C(1795345962) /* 2026-11-22T11:12:42 */
#define FILETIME_S INT64_C(1700000000)
#define HEADER 128
#define ENTRIES_MAX 4000

static struct built b;
static struct read_back got;
static uint8_t version_major;
static uint8_t version_minor;
static uint32_t offsets[ENTRIES_MAX];
static uint32_t num_offsets;

static void start(uint8_t major, uint8_t minor, uint16_t media)
{
    static const uint16_t system_time[] = {2026, 11, 0, 22, 11, 12, 42, 728};
    b.len = 0;
    b.big = false;
    version_major = major;
    version_minor = minor;
    num_offsets = 0;
    put_bytes(&b, major == 1 ? "RTSS" : "GMBU", 4);
    put_u8(&b, minor);
    put_u8(&b, major);
    put_u16(&b, media);
    for (size_t i = 0; i < 8; i++) {
        put_u16(&b, system_time[i]);
    }
    while (b.len < HEADER) {
        put_u8(&b, 0);
    }
}

/* delta in the unit of the version: ms, µs. */
static void frame_begin(int64_t delta, uint32_t captured, uint32_t original)
{
    offsets[num_offsets++] = (uint32_t)b.len;
    if (version_major == 1) {
        put_u32(&b, (uint32_t)delta);
        put_u16(&b, (uint16_t)original);
        put_u16(&b, (uint16_t)captured);
    } else {
        put_u64(&b, (uint64_t)delta);
        put_u32(&b, original);
        put_u32(&b, captured);
    }
}

static void frame_end(int64_t delta, uint16_t media)
{
    if (version_major == 2 && version_minor >= 1) {
        put_u16(&b, media);
    }
    if (version_major == 2 && version_minor >= 2) {
        put_u32(&b, UINT32_MAX);
    }
    if (version_major == 2 && version_minor >= 3) {
        put_u64(&b, (uint64_t)(116444736000000000 + FILETIME_S * 10000000 + delta * 10));
        put_u8(&b, 0);
    }
}

static void put_frame(int64_t delta, uint16_t media, uint8_t mark)
{
    frame_begin(delta, 60, 61);
    put_ethernet(&b, mark, 60);
    frame_end(delta, media);
}

static void put_table(void)
{
    set_u32(&b, 24, (uint32_t)b.len);
    set_u32(&b, 28, num_offsets * 4);
    for (uint32_t i = 0; i < num_offsets; i++) {
        put_u32(&b, offsets[i]);
    }
}

static const struct {
    uint8_t major;
    uint8_t minor;
    enum capture_format format;
    const char *name;
} versions[] = {
    {1, 0, CAPTURE_FORMAT_NETMON_1_1, "netmon-1.1"},
    {1, 1, CAPTURE_FORMAT_NETMON_1_1, "netmon-1.1"},
    {2, 0, CAPTURE_FORMAT_NETMON_2_0, "netmon-2.0"},
    {2, 1, CAPTURE_FORMAT_NETMON_2_1, "netmon-2.1"},
    {2, 2, CAPTURE_FORMAT_NETMON_2_2, "netmon-2.2"},
    {2, 3, CAPTURE_FORMAT_NETMON_2_3, "netmon-2.3"},
    {2, 4, CAPTURE_FORMAT_NETMON_2_3, "netmon-2.3"},
};
#define NUM_VERSIONS (sizeof versions / sizeof versions[0])

/* The head gives the start in local time; from 2.3 on each frame has its time in UTC. */
Test(netmon, all_versions)
{
    for (size_t v = 0; v < NUM_VERSIONS; v++) {
        start(versions[v].major, versions[v].minor, 1);
        for (uint8_t i = 0; i < 3; i++) {
            put_frame(i * 7, 1, (uint8_t)(0x30 + i));
        }
        put_table();
        read_built(&got, &b);
        cr_assert(eq(int, (int)got.status, STATUS_OK), "%s", got.trouble.text);
        cr_assert(eq(int, (int)got.info.format, (int)versions[v].format));
        cr_assert(eq(str, (char *)got.info.format_name, (char *)versions[v].name));
        cr_assert(got.num_frames == 3 && got.info.complete, "%s", got.info.damage.text);
        bool utc = versions[v].format == CAPTURE_FORMAT_NETMON_2_3;
        int64_t unit_ns = versions[v].major == 1 ? 1000000 : 1000;
        int64_t zero_ns = utc ? FILETIME_S * S : START_S * S + 728000000;
        cr_assert(eq(int, (int)got.info.zone, utc ? CAPTURE_ZONE_UTC : CAPTURE_ZONE_UNKNOWN));
        for (uint8_t i = 0; i < 3; i++) {
            const struct frame *f = &got.frames[i].frame;
            cr_assert(eq(i64, f->time_ns, zero_ns + i * 7 * unit_ns));
            cr_assert(eq(u16, f->link_type, LINK_TYPE_ETHERNET));
            cr_assert(eq(sz, f->bytes.len, 60));
            cr_assert(eq(u32, f->original_len, 61));
            cr_assert(eq(u32, f->number, i + 1U));
            cr_assert(eq(u8, got.frames[i].first, (uint8_t)(0x30 + i)));
        }
    }
}

/* --capture-zone moves local times to UTC, and leaves times in UTC alone. */
Test(netmon, given_zone)
{
    const struct capture_options options = {.has_zone = true, .zone_s = 7200};
    for (size_t v = 0; v < NUM_VERSIONS; v++) {
        start(versions[v].major, versions[v].minor, 1);
        put_frame(0, 1, 1);
        put_table();
        read_bytes(&got, b.bytes, b.len, &options);
        bool utc = versions[v].format == CAPTURE_FORMAT_NETMON_2_3;
        cr_assert(eq(int, (int)got.info.zone, utc ? CAPTURE_ZONE_UTC : CAPTURE_ZONE_GIVEN));
        cr_assert(eq(i64, got.frames[0].frame.time_ns,
                     utc ? FILETIME_S * S : (START_S - 7200) * S + 728000000));
    }
}

Test(netmon, deltas_are_signed_and_saturate)
{
    start(2, 1, 1);
    put_frame(-5000000, 1, 1);
    put_frame(INT64_MIN, 1, 1);
    put_frame(INT64_MAX, 1, 1);
    put_table();
    read_built(&got, &b);
    cr_assert(eq(sz, got.num_frames, 3));
    cr_assert(eq(i64, got.frames[0].frame.time_ns, START_S * S + 728000000 - 5 * S));
    cr_assert(got.frames[1].frame.time_ns < INT64_MIN + 2 * START_S * S);
    cr_assert(eq(i64, got.frames[2].frame.time_ns, INT64_MAX));
    cr_assert(eq(i64, got.info.first_time_ns, got.frames[1].frame.time_ns));
    cr_assert(eq(i64, got.info.last_time_ns, INT64_MAX));
}

/* A head without a date: no frame has a time, but in 2.3. */
Test(netmon, start_without_a_date)
{
    for (uint8_t minor = 2; minor <= 3; minor++) {
        start(2, minor, 1);
        set_u32(&b, 8, 0);
        put_frame(0, 1, 1);
        put_table();
        read_built(&got, &b);
        cr_assert(eq(sz, got.num_frames, 1));
        cr_assert(eq(int, got.frames[0].frame.has_time, minor == 3));
        cr_assert(eq(int, got.info.has_times, minor == 3));
    }
}

Test(netmon, media)
{
    static const struct {
        uint16_t media;
        uint16_t link;
    } cases[] = {
        {0, LINK_TYPE_ETHERNET},
        {1, LINK_TYPE_ETHERNET},
        {2, LINK_TYPE_TOKEN_RING},
        {3, LINK_TYPE_FDDI},
        {4, LINK_TYPE_UNSUPPORTED},
        {5, LINK_TYPE_UNSUPPORTED},
        {7, LINK_TYPE_RAW},
        {8, LINK_TYPE_RAW},
        {9, LINK_TYPE_RAW},
        {10, LINK_TYPE_UNSUPPORTED},
        {0xe001, 1},
        {0xe071, LINK_TYPE_LINUX_SLL},
        {0xe07f, 127},
        {0xe080, LINK_TYPE_UNSUPPORTED},
        {0xe08a, LINK_TYPE_UNSUPPORTED},
        {0xe08b, 139},
        {0xefff, 0xfff},
        {0xf000, LINK_TYPE_UNSUPPORTED},
        {0x1234, LINK_TYPE_UNSUPPORTED},
    };
    size_t num_unsupported = 0;
    start(2, 1, 0x77); /* what the head says of the media means nothing here */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_frame(0, cases[i].media, 1);
        num_unsupported += cases[i].link == LINK_TYPE_UNSUPPORTED;
    }
    put_table();
    read_built(&got, &b);
    cr_assert(eq(sz, got.num_frames, sizeof cases / sizeof cases[0]));
    for (size_t i = 0; i < got.num_frames; i++) {
        cr_assert(eq(u16, got.frames[i].frame.link_type, cases[i].link), "%x", cases[i].media);
    }
    cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_UNSUPPORTED_LINK], num_unsupported));

    start(2, 0, 0xe071); /* and everything in versions up to 2.0 */
    put_frame(0, 0, 1);
    put_table();
    read_built(&got, &b);
    cr_assert(eq(u16, got.frames[0].frame.link_type, LINK_TYPE_LINUX_SLL));
}

/* Wi-Fi: Network Monitor's description precedes the frame and is taken off. */
Test(netmon, wifi_metadata)
{
    static const uint16_t lens[] = {32, 40, 3, 2, 0, 1000};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        bool valid = i < 3;
        start(2, 2, 6);
        frame_begin(0, 100, 120);
        put_u8(&b, 2);
        put_u16(&b, lens[i]);
        for (uint8_t k = 3; k < 100; k++) {
            put_u8(&b, k);
        }
        frame_end(0, 6);
        put_table();
        read_built(&got, &b);
        const struct frame *f = &got.frames[0].frame;
        cr_assert(eq(sz, got.num_frames, 1));
        cr_assert(eq(u16, f->link_type, valid ? LINK_TYPE_IEEE802_11 : LINK_TYPE_UNSUPPORTED));
        cr_assert(eq(sz, f->bytes.len, valid ? 100U - lens[i] : 100U));
        cr_assert(eq(u32, f->original_len, valid ? 120U - lens[i] : 120U));
        cr_assert(eq(u8, got.frames[0].first, valid ? (uint8_t)lens[i] : 2));
    }
}

/* 0xFFE0, 0xFFFB and 0xFFFF take a frame number, 0xFFFC to 0xFFFE do not; none is a frame. */
Test(netmon, special_records)
{
    static const struct {
        uint16_t media;
        bool numbered;
    } cases[] = {{0xffe0, true},  {0xfffb, true},  {0xfffc, false},
                 {0xfffd, false}, {0xfffe, false}, {0xffff, true}};
    for (uint8_t minor = 1; minor <= 3; minor++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            start(2, minor, 1);
            put_frame(0, 1, 1);
            put_frame(1, cases[i].media, 1);
            put_frame(2, 1, 2);
            put_table();
            read_built(&got, &b);
            cr_assert(got.num_frames == 2 && got.info.complete);
            cr_assert(eq(u32, got.frames[1].frame.number, cases[i].numbered ? 3 : 2));
            cr_assert(eq(u32, got.info.last_number, cases[i].numbered ? 3 : 2));
            cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_NOT_A_PACKET], 1));
        }
    }
}

/* The table, not the file, gives the order; long tables are read in pieces, far frames are found
 * in either direction. */
Test(netmon, table_order)
{
    for (int order = 0; order < 3; order++) {
        enum { FRAMES = 3000 };
        uint32_t placed[FRAMES];
        start(2, 1, 1);
        for (uint32_t i = 0; i < FRAMES; i++) {
            frame_begin(i, 60 + i % 900, 60 + i % 900);
            put_ethernet(&b, (uint8_t)i, 60 + i % 900);
            frame_end(i, 1);
        }
        memcpy(placed, offsets, sizeof placed);
        uint32_t from[FRAMES];
        for (uint32_t i = 0; i < FRAMES; i++) { /* 1777 and 3000 have no common divisor */
            from[i] = order == 0 ? i : order == 1 ? FRAMES - 1 - i : i * 1777 % FRAMES;
            offsets[i] = placed[from[i]];
        }
        put_table();
        read_built(&got, &b);
        cr_assert(got.num_frames == FRAMES && got.info.complete, "%s", got.info.damage.text);
        for (uint32_t i = 0; i < FRAMES; i++) {
            uint32_t len = 60 + from[i] % 900;
            cr_assert(eq(sz, got.frames[i].frame.bytes.len, len));
            cr_assert(eq(u32, got.frames[i].sum, (len - 2) * (uint8_t)from[i] + 0x08 + 0x06));
            cr_assert(eq(i64, got.frames[i].frame.time_ns,
                         START_S * S + 728000000 + from[i] * INT64_C(1000)));
        }
    }
}

Test(netmon, damage)
{
    start(2, 1, 1);
    put_frame(0, 1, 1);
    offsets[num_offsets++] = 63;
    put_table();
    read_built(&got, &b);
    cr_assert(eq(sz, got.num_frames, 1));
    cr_assert(eq(str, got.info.damage.text,
                 "The capture is damaged at byte 210, frame 2: the frame table points to byte 63 "
                 "within the header."));

    start(2, 1, 1);
    put_frame(0, 1, 1);
    offsets[num_offsets++] = 100000;
    put_table();
    read_built(&got, &b);
    cr_assert(eq(sz, got.num_frames, 1));
    cr_assert(eq(str, got.info.damage.text,
                 "The capture is cut at byte 100000, frame 2: 0 of 16 bytes of its record header "
                 "are there."));

    start(2, 1, 1);
    put_frame(0, 1, 1);
    frame_begin(0, CAPTURE_FRAME_BYTES_MAX + 1, 60);
    put_table();
    read_built(&got, &b);
    cr_assert(got.num_frames == 1 && !got.info.complete);

    start(2, 1, 1);
    put_frame(0, 1, 1);
    put_table();
    set_u32(&b, 28, 5);
    read_built(&got, &b);
    cr_assert(eq(int, (int)got.status, STATUS_OK));
    cr_assert(got.num_frames == 0 && !got.info.complete);
    cr_assert(eq(str, got.info.damage.text,
                 "The capture is damaged at byte 28, frame 1: a frame table of 5 bytes is "
                 "impossible."));
}

/* A file that was cut before its table: what cannot be a frame ends it. */
Test(netmon, table_is_lost)
{
    start(2, 1, 1);
    put_frame(0, 1, 1);
    put_frame(1, 0xfffb, 2);
    put_frame(2, 0xfffd, 3);
    put_frame(3, 1, 4);
    frame_begin(4, 60, 60); /* no such medium */
    put_ethernet(&b, 5, 60);
    frame_end(4, 0x4242);
    set_u32(&b, 24, 100000);
    set_u32(&b, 28, 5 * 4);
    read_built(&got, &b);
    cr_assert(eq(sz, got.num_frames, 2));
    cr_assert(eq(u32, got.frames[1].frame.number, 3));
    cr_assert(eq(str, got.info.damage.text,
                 "The capture is damaged at byte 440, frame 4: the frame table at byte 100000 is "
                 "missing (frames were taken in the order in which they lie)."));
    set_u32(&b, 24, 0); /* the writer never came to it */
    set_u32(&b, 28, 0);
    read_built(&got, &b);
    cr_assert(got.num_frames == 2 && !got.info.complete);
}

Test(netmon, other_versions_are_refused)
{
    start(3, 0, 1);
    put_frame(0, 1, 1);
    put_table();
    read_built(&got, &b);
    cr_assert(eq(int, (int)got.status, STATUS_NOT_CAPTURE));
    cr_assert(strstr(got.trouble.text, "Network Monitor capture of version 3.0") != NULL);
}

Test(netmon, no_frames)
{
    start(2, 3, 1);
    put_table();
    read_built(&got, &b);
    cr_assert(got.status == STATUS_OK && got.num_frames == 0 && got.info.complete);
}

Test(netmon, every_truncation, .timeout = 60)
{
    for (size_t v = 0; v < NUM_VERSIONS; v++) {
        start(versions[v].major, versions[v].minor, 1);
        for (uint8_t i = 0; i < 3; i++) {
            put_frame(i, 1, i);
        }
        size_t table = b.len;
        put_table();
        for (size_t len = 0; len <= b.len; len++) {
            read_bytes(&got, b.bytes, len, NULL);
            cr_assert(eq(int, (int)got.status, len < 64 ? STATUS_NOT_CAPTURE : STATUS_OK));
            cr_assert(eq(int, got.status == STATUS_OK && got.info.complete, len == b.len));
            if (len < table + 4 && len >= 128) { /* without the table, as they lie */
                cr_assert(eq(sz, got.num_frames, (len - 128) / ((table - 128) / 3)));
            }
            if (len >= table + 4) {
                cr_assert(eq(sz, got.num_frames, (len - table) / 4));
            }
        }
    }
}

Test(netmon, every_corrupt_byte, .timeout = 60)
{
    for (size_t v = 1; v < NUM_VERSIONS; v += 4) {
        start(versions[v].major, versions[v].minor, 1);
        frame_begin(0, 20, 20);
        put_ethernet(&b, 1, 20);
        frame_end(0, 1);
        put_table();
        corrupt_every_byte(&b, &got);
        read_built(&got, &b);
        cr_assert(got.num_frames == 1 && got.info.complete);
    }
}
