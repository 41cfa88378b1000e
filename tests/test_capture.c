/* What all formats have in common: packings, pipes, filters, second readings, refusals. */
#include "capture_fixture.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct built b;
static struct read_back got;
static struct read_back plain;

/* Frames in a pcap file; each is a UDP packet to port 88 when its number is even, else to 53. */
static void build_pcap(uint32_t num_frames, uint16_t link)
{
    b.len = 0;
    b.big = false;
    put_u32(&b, 0xa1b2c3d4);
    put_u16(&b, 2);
    put_u16(&b, 4);
    put_u64(&b, 0);
    put_u32(&b, 65535);
    put_u32(&b, link);
    for (uint32_t i = 1; i <= num_frames; i++) {
        static const uint8_t ip[] = {0x45, 0, 0,  40, 0, 0, 0,  0, 64, 17,
                                     0,    0, 10, 0,  0, 1, 10, 0, 0,  2};
        uint32_t start_len = link == LINK_TYPE_ETHERNET ? 14 : 0;
        put_u32(&b, 1700000000 + i);
        put_u32(&b, 0);
        put_u32(&b, start_len + 40);
        put_u32(&b, start_len + 40);
        if (link == LINK_TYPE_ETHERNET) {
            put_bytes(&b, "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0", 14);
        }
        put_bytes(&b, ip, sizeof ip);
        put_bytes(&b, i % 2 == 0 ? "\xc0\0\0\x58" : "\xc0\0\0\x35", 4);
        put_bytes(&b, "\0\x14\0\0", 4);
        for (uint32_t k = 0; k < 12; k++) {
            put_u8(&b, (uint8_t)(i * 31 + k * i * i)); /* something that does not pack well */
        }
    }
}

/* A Network Monitor 2.1 capture of three frames. */
static void build_netmon(void)
{
    uint32_t offsets[3];
    static const uint16_t system_time[] = {2026, 11, 0, 22, 11, 12, 42, 0};
    b.len = 0;
    b.big = false;
    put_bytes(&b, "GMBU\1\2\1\0", 8);
    for (size_t i = 0; i < 8; i++) {
        put_u16(&b, system_time[i]);
    }
    while (b.len < 128) {
        put_u8(&b, 0);
    }
    for (uint8_t i = 0; i < 3; i++) {
        offsets[i] = (uint32_t)b.len;
        put_u64(&b, i);
        put_u32(&b, 60);
        put_u32(&b, 60);
        put_ethernet(&b, i, 60);
        put_u16(&b, 1);
    }
    set_u32(&b, 24, (uint32_t)b.len);
    set_u32(&b, 28, sizeof offsets);
    for (size_t i = 0; i < 3; i++) {
        put_u32(&b, offsets[i]);
    }
}

static const struct {
    const char *name;
    int filter;
} packings[] = {
    {"gzip", ARCHIVE_FILTER_GZIP},
    {"zstd", ARCHIVE_FILTER_ZSTD},
    {"xz", ARCHIVE_FILTER_XZ},
    {"lz4", ARCHIVE_FILTER_LZ4},
};
#define NUM_PACKINGS (sizeof packings / sizeof packings[0])

static uint8_t packed[BUILT_BYTES_MAX];

/* b, packed; returns the length. */
static size_t pack(size_t packing)
{
    size_t len = 0;
    struct archive *a = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    cr_assert(archive_write_set_format_raw(a) == ARCHIVE_OK);
    cr_assert(archive_write_add_filter(a, packings[packing].filter) == ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(a, 1);
    cr_assert(archive_write_open_memory(a, packed, sizeof packed, &len) == ARCHIVE_OK);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_pathname(entry, "data");
    cr_assert(archive_write_header(a, entry) == ARCHIVE_OK);
    cr_assert(archive_write_data(a, b.bytes, b.len) == (la_ssize_t)b.len);
    cr_assert(archive_write_close(a) == ARCHIVE_OK);
    archive_write_free(a);
    archive_entry_free(entry);
    return len;
}

static void check_as_plain(void)
{
    cr_assert(eq(int, (int)got.status, STATUS_OK), "%s", got.trouble.text);
    cr_assert(eq(sz, got.num_frames, plain.num_frames));
    cr_assert(eq(int, got.info.complete, plain.info.complete), "%s", got.info.damage.text);
    for (size_t i = 0; i < got.num_frames; i++) {
        cr_assert(eq(u32, got.frames[i].sum, plain.frames[i].sum));
        cr_assert(eq(i64, got.frames[i].frame.time_ns, plain.frames[i].frame.time_ns));
        cr_assert(eq(u32, got.frames[i].frame.number, plain.frames[i].frame.number));
    }
}

/* Any format in any packing, whatever the name; Network Monitor needs a spool. */
Test(capture, packings)
{
    for (size_t p = 0; p < NUM_PACKINGS * 2; p++) {
        bool netmon = p % 2 == 1;
        if (netmon) {
            build_netmon();
        } else {
            build_pcap(3000, LINK_TYPE_ETHERNET);
        }
        read_built(&plain, &b);
        cr_assert(eq(sz, plain.num_frames, netmon ? 3 : 3000));
        cr_assert(plain.info.compression == NULL);
        size_t len = pack(p / 2);
        read_bytes(&got, packed, len, NULL);
        check_as_plain();
        cr_assert(eq(str, (char *)got.info.compression, (char *)packings[p / 2].name));
        cr_assert(eq(u64, got.info.bytes, len));
        cr_assert(got.info.bytes_read <= len && got.info.bytes_read > len / 2);
    }
}

/* gzip members one after the other are one file; what follows that is no member is ignored. */
Test(capture, gzip_members)
{
    static uint8_t two[BUILT_BYTES_MAX];
    build_pcap(3000, LINK_TYPE_ETHERNET);
    read_built(&plain, &b);
    size_t whole = b.len;
    b.len = 1000;
    size_t len = pack(0);
    memcpy(two, packed, len);
    memmove(b.bytes, b.bytes + 1000, whole - 1000);
    b.len = whole - 1000;
    size_t second = pack(0);
    memcpy(two + len, packed, second);
    memset(two + len + second, 0, 100);
    read_bytes(&got, two, len + second, NULL);
    check_as_plain();
    read_bytes(&got, two, len + second + 100, NULL);
    check_as_plain();
}

/* Cut anywhere, packed data gives a prefix of the frames, and says that it is cut. */
Test(capture, packed_and_cut, .timeout = 120)
{
    for (size_t p = 0; p < NUM_PACKINGS; p++) {
        build_pcap(40, LINK_TYPE_ETHERNET);
        size_t len = pack(p);
        size_t last = 0;
        for (size_t cut = 0; cut < len; cut++) {
            read_bytes(&got, packed, cut, NULL);
            if (got.status == STATUS_OK) {
                /* the check sum at the end may be cut when all frames are there */
                cr_assert(not(got.info.complete), "%s cut at %zu", packings[p].name, cut);
                cr_assert(ge(sz, got.num_frames, last));
                last = got.num_frames;
            } else {
                cr_assert(eq(int, (int)got.status, STATUS_NOT_CAPTURE));
                cr_assert(eq(sz, last, 0));
            }
        }
        if (p == 0) { /* zlib gives all that can be known */
            cr_assert(eq(sz, last, 40));
        }
    }
}

/* No flipped bit in packed data does harm. */
Test(capture, packed_and_corrupt, .timeout = 120)
{
    for (size_t p = 0; p < NUM_PACKINGS; p++) {
        build_pcap(10, LINK_TYPE_ETHERNET);
        size_t len = pack(p);
        for (size_t i = 0; i < len; i++) {
            packed[i] ^= 0x10;
            read_bytes(&got, packed, len, NULL);
            packed[i] ^= 0x10;
            cr_assert(le(sz, got.num_frames, 4096));
        }
    }
}

/* Standard input becomes a pipe that a child writes; returns the child. */
static pid_t feed_stdin(const uint8_t *at, size_t len)
{
    int ends[2];
    cr_assert(pipe(ends) == 0);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        while (len > 0) {
            ssize_t put = write(ends[1], at, len < 999 ? len : 999);
            if (put <= 0) {
                break;
            }
            at += put;
            len -= (size_t)put;
        }
        _exit(0);
    }
    (void)close(ends[1]);
    cr_assert(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    (void)close(ends[0]);
    return child;
}

static void end_feed(pid_t child)
{
    int null = open("/dev/null", O_RDONLY);
    (void)dup2(null, STDIN_FILENO);
    (void)close(null);
    cr_assert(waitpid(child, NULL, 0) == child);
}

static void read_twice(const struct capture_options *options, enum status second)
{
    struct capture *c;
    got = (struct read_back){.status = STATUS_OK};
    got.status = capture_open(&c, "-", options, &got.trouble);
    cr_assert(eq(int, (int)got.status, STATUS_OK), "%s", got.trouble.text);
    read_frames(c, &got);
    check_as_plain();
    cr_assert(eq(u64, got.info.bytes, plain.info.bytes));
    enum status status = capture_rewind(c, &got.trouble);
    cr_assert(eq(int, (int)status, (int)second), "%s", got.trouble.text);
    got.num_frames = 0;
    read_frames(c, &got);
    if (second == STATUS_OK) {
        check_as_plain();
        cr_assert(eq(u64, got.info.bytes, plain.info.bytes));
    } else {
        cr_assert(eq(sz, got.num_frames, 0));
        cr_assert(strstr(got.trouble.text, "second time") != NULL);
    }
    capture_close(c);
}

/* Packed and plain, a pipe is read once, or twice when that was asked for. */
Test(capture, pipes)
{
    const struct capture_options keep = {.rereadable = true};
    const struct capture_options small = {.rereadable = true, .spool_max = 1000};
    for (size_t p = 0; p <= NUM_PACKINGS; p++) {
        build_pcap(3000, LINK_TYPE_ETHERNET);
        uint8_t *at = b.bytes;
        size_t len = b.len;
        if (p > 0) {
            len = pack(p - 1);
            at = packed;
        }
        read_bytes(&plain, at, len, NULL);
        pid_t child = feed_stdin(at, len);
        read_twice(NULL, STATUS_NO_FILE);
        end_feed(child);
        child = feed_stdin(at, len);
        read_twice(&keep, STATUS_OK);
        end_feed(child);
        child = feed_stdin(at, len);
        read_twice(&small, STATUS_NO_FILE);
        end_feed(child);
    }
}

/* Going back before the end of a pipe loses nothing. */
Test(capture, rewind_in_the_middle_of_a_pipe)
{
    const struct capture_options keep = {.rereadable = true};
    struct capture *c;
    struct frame frame;
    build_pcap(3000, LINK_TYPE_ETHERNET);
    read_built(&plain, &b);
    pid_t child = feed_stdin(b.bytes, b.len);
    got = (struct read_back){.status = STATUS_OK};
    cr_assert(capture_open(&c, "-", &keep, &got.trouble) == STATUS_OK);
    cr_assert(capture_next(c, &frame) == CAPTURE_FRAME);
    cr_assert(capture_rewind(c, &got.trouble) == STATUS_OK);
    read_frames(c, &got);
    check_as_plain();
    capture_close(c);
    end_feed(child);
}

/* Network Monitor out of a pipe goes through the spool, which has a bound. */
Test(capture, netmon_pipes)
{
    const struct capture_options small = {.spool_max = 100};
    build_netmon();
    read_built(&plain, &b);
    pid_t child = feed_stdin(b.bytes, b.len);
    read_twice(NULL, STATUS_OK);
    end_feed(child);
    child = feed_stdin(b.bytes, b.len);
    read_path(&got, "-", &small);
    cr_assert(eq(int, (int)got.status, STATUS_NO_FILE));
    cr_assert(strstr(got.trouble.text, "--spool-max") != NULL, "%s", got.trouble.text);
    end_feed(child);
}

/* Redirected from a file, standard input can be read again, from where it stood. */
Test(capture, stdin_is_a_file)
{
    build_pcap(30, LINK_TYPE_ETHERNET);
    read_built(&plain, &b);
    memmove(b.bytes + 7, b.bytes, b.len);
    const char *path = bytes_file(b.bytes, b.len + 7);
    int fd = open(path, O_RDONLY);
    cr_assert(lseek(fd, 7, SEEK_SET) == 7);
    (void)dup2(fd, STDIN_FILENO);
    (void)close(fd);
    read_twice(NULL, STATUS_OK);
    (void)unlink(path);
}

Test(capture, rewind_of_files)
{
    for (size_t p = 0; p < 2 * (NUM_PACKINGS + 1); p++) {
        struct capture *c;
        if (p % 2 == 0) {
            build_pcap(3000, LINK_TYPE_ETHERNET);
        } else {
            build_netmon();
        }
        uint8_t *at = b.bytes;
        size_t len = b.len;
        if (p > 1) {
            len = pack(p / 2 - 1);
            at = packed;
        }
        const char *path = bytes_file(at, len);
        read_path(&plain, path, NULL);
        cr_assert(capture_open(&c, path, NULL, NULL) == STATUS_OK);
        for (int round = 0; round < 3; round++) {
            got = (struct read_back){.status = STATUS_OK};
            read_frames(c, &got);
            check_as_plain();
            cr_assert(eq(u64, got.info.frames, plain.info.frames));
            cr_assert(eq(u64, got.info.bytes, len));
            cr_assert(capture_rewind(c, NULL) == STATUS_OK);
        }
        capture_close(c);
        (void)unlink(path);
    }
}

/* Filtered frames keep their numbers and are counted. */
Test(capture, filter)
{
    static const uint16_t links[] = {LINK_TYPE_ETHERNET, LINK_TYPE_RAW, LINK_TYPE_RAW_BSD,
                                     LINK_TYPE_RAW_OPENBSD, LINK_TYPE_IPV4};
    const struct capture_options options = {.filter = "udp dst port 88"};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        build_pcap(9, links[i]);
        read_bytes(&got, b.bytes, b.len, &options);
        cr_assert(eq(sz, got.num_frames, 4));
        for (uint32_t k = 0; k < 4; k++) {
            cr_assert(eq(u32, got.frames[k].frame.number, 2 * k + 2));
        }
        cr_assert(eq(u64, got.info.frames, 9));
        cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_FILTERED], 5));
    }
}

/* A BSD loopback header is in the order of the host that wrote it. */
Test(capture, filter_on_loopback)
{
    const struct capture_options options = {.filter = "ip"};
    for (int big = 0; big < 2; big++) {
        b.len = 0;
        b.big = big == 1;
        put_u32(&b, 0xa1b2c3d4);
        put_u16(&b, 2);
        put_u16(&b, 4);
        put_u64(&b, 0);
        put_u32(&b, 65535);
        put_u32(&b, LINK_TYPE_NULL);
        for (uint32_t family = 2; family <= 24; family += 22) {
            put_u64(&b, 0);
            put_u32(&b, 24);
            put_u32(&b, 24);
            put_u32(&b, family);
            put_bytes(&b, "\x45\0\0\x14\0\0\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2", 20);
        }
        read_bytes(&got, b.bytes, b.len, &options);
        cr_assert(eq(sz, got.num_frames, 1));
        cr_assert(eq(u32, got.frames[0].frame.number, 1));
    }
}

Test(capture, filters_that_do_not_compile)
{
    const struct capture_options wrong = {.filter = "port ninety and"};
    const struct capture_options wifi = {.filter = "type mgt"};
    build_pcap(3, LINK_TYPE_ETHERNET);
    read_bytes(&got, b.bytes, b.len, &wrong);
    cr_assert(eq(int, (int)got.status, STATUS_USAGE));
    cr_assert(strstr(got.trouble.text, "port ninety and") != NULL);
    /* right for Wi-Fi, without meaning for Ethernet */
    read_bytes(&got, b.bytes, b.len, &wifi);
    cr_assert(eq(int, (int)got.status, STATUS_OK));
    cr_assert(eq(sz, got.num_frames, 0));
    cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_FILTERED], 3));
}

static void check_refused(const void *at, size_t len, const char *hint)
{
    read_bytes(&got, at, len, NULL);
    cr_assert(eq(int, (int)got.status, STATUS_NOT_CAPTURE));
    cr_assert(strstr(got.trouble.text, hint) != NULL, "%s", got.trouble.text);
}

/* What is no capture is refused with what to do about it. */
Test(capture, refusals)
{
    static uint8_t etl[0x200] = {0x00, 0x00, 0x01, 0x00};
    for (int bits = 1; bits <= 2; bits++) {
        memcpy(etl + 0x48, bits == 1 ? "\2\0\1\xc0" : "\2\0\2\xc0", 4);
        check_refused(etl, sizeof etl, "etl2pcapng IN.etl OUT.pcapng");
        check_refused(etl, sizeof etl, "pktmon etl2pcap IN.etl --out OUT.pcapng");
        check_refused(etl, 0x4c, "pktmon");
    }
    check_refused("", 0, "is empty");
    check_refused("hello\n", 6, "is text");
    check_refused("snoop\0\0\0\0\0\0\2\0\0\0\4", 16, "editcap -F pcapng");
    check_refused("PK\3\4\0\0", 6, "unpack it first");
    check_refused("BZh91AY", 7, "unpack it first");
    check_refused("MSCF\0\0\0\0", 8, "unpack it first");
    check_refused("\1\2\3\4\5\6\7\10\0\0\0", 11, "editcap -F pcapng");
    check_refused("\xd4\xc3\xb2\xa1", 4, "is cut within the header");
    check_refused("\x1f\x8b\x08", 3, "");
    b.len = 0;
    put_bytes(&b, "hello\n", 6);
    for (size_t p = 0; p < NUM_PACKINGS; p++) {
        size_t len = pack(p);
        check_refused(packed, len, "is text");
    }
}

Test(capture, paths_that_are_no_file)
{
    read_path(&got, "/tmp/krbscope-test-is-not-there", NULL);
    cr_assert(eq(int, (int)got.status, STATUS_NO_FILE));
    cr_assert(strstr(got.trouble.text, "No such file") != NULL);
    read_path(&got, "/tmp", NULL);
    cr_assert(eq(int, (int)got.status, STATUS_NO_FILE));
    cr_assert(strstr(got.trouble.text, "is a directory") != NULL);
    capture_close(NULL);
}

/* Times of captures whose frames are out of order. */
Test(capture, first_and_last_time)
{
    build_pcap(3, LINK_TYPE_ETHERNET);
    set_u32(&b, 24 + 70, 5);
    read_built(&got, &b);
    cr_assert(eq(i64, got.info.first_time_ns, INT64_C(5000000000)));
    cr_assert(eq(i64, got.info.last_time_ns, INT64_C(1700000003000000000)));
}

Test(capture, names)
{
    char buffer[24];
    cr_assert(eq(str, (char *)capture_link_type_name(LINK_TYPE_ETHERNET, buffer), "ethernet"));
    cr_assert(eq(str, (char *)capture_link_type_name(LINK_TYPE_RAW, buffer), "raw-ip"));
    cr_assert(eq(str, (char *)capture_link_type_name(9999, buffer), "linktype-9999"));
    cr_assert(eq(str, (char *)capture_link_type_name(65535, buffer), "unsupported"));
    cr_assert(eq(str, (char *)capture_drop_name(CAPTURE_DROP_FRAME_CUT), "frame-cut"));
    cr_assert(eq(str, (char *)capture_drop_name(CAPTURE_DROP_FILTERED), "filtered"));
    for (int i = 0; i < CAPTURE_DROP_COUNT; i++) {
        for (int k = 0; k < i; k++) {
            cr_assert(strcmp(capture_drop_name((enum capture_drop)i),
                             capture_drop_name((enum capture_drop)k)) != 0);
        }
    }
}
