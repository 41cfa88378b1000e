/* The pcapng writer: what it writes, the reader reads back to the nanosecond, and a disk that is
 * full leaves a readable file. tests/oracle/pcapng_copies.sh asks tshark the same. */
#include "base/civil.h"
#include "capture/writer.h"
#include "capture_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

static struct read_back got;
static struct trouble trouble;
static uint8_t payload[CAPTURE_FRAME_BYTES_MAX];

static int open_new(char path[64])
{
    memcpy(path, "/tmp/krbscope-test-XXXXXX", sizeof "/tmp/krbscope-test-XXXXXX");
    return mkstemp(path);
}

static struct frame frame_at(int64_t time_ns, size_t len, uint32_t original_len)
{
    memset(payload, (int)(len & 0xff), len);
    return (struct frame){.time_ns = time_ns,
                          .has_time = true,
                          .original_len = original_len,
                          .bytes = {.at = payload, .len = len}};
}

/* Goal: every field comes back, in both byte orders. Method: two sections, three interfaces, frames
 * of sizes around the padding, times with every digit of a nanosecond and before 1970. */
static void round_trip(bool big_endian)
{
    char path[64];
    struct writer *w;
    uint32_t ethernet, raw, old;
    const struct writer_section section = {.big_endian = big_endian,
                                           .hardware = bytes_of("x"),
                                           .system = bytes_of("Linux"),
                                           .application = bytes_of("krbscope"),
                                           .comment = bytes_of("why\nthis")};
    const struct writer_interface interfaces[] = {
        {.link_type = LINK_TYPE_ETHERNET,
         .snap_len = 96,
         .name = bytes_of("eth0"),
         .description = bytes_of("first"),
         .filter = bytes_of("port 88"),
         .comment = bytes_of("c")},
        {.link_type = LINK_TYPE_RAW},
        {.link_type = LINK_TYPE_NULL, .offset_s = -1000},
    };
    static const int64_t times[] = {0, 1, INT64_C(1700000000123456789),
                                    INT64_C(9223372036854775000)};
    int fd = open_new(path);
    cr_assert(eq(int, writer_new(&w, fd, path, &trouble), STATUS_OK));
    cr_assert(eq(int, writer_section(w, &section, &trouble), STATUS_OK));
    cr_assert(eq(int, writer_interface(w, &interfaces[0], &ethernet, &trouble), STATUS_OK));
    for (size_t i = 0; i < 4; i++) {
        struct frame f = frame_at(times[i], 60 + i, 1514);
        cr_assert(eq(int, writer_frame(w, ethernet, &f, bytes_of("abc"), &trouble), STATUS_OK));
    }
    cr_assert(eq(int, writer_interface(w, &interfaces[1], &raw, &trouble), STATUS_OK));
    cr_assert(eq(u32, raw, 1));
    struct frame longest = frame_at(5, sizeof payload, sizeof payload);
    cr_assert(eq(int, writer_frame(w, raw, &longest, (struct bytes){0}, &trouble), STATUS_OK));
    const struct writer_counts counts = {.time_ns = 9,
                                         .has_span = true,
                                         .first_time_ns = 1,
                                         .last_time_ns = 9,
                                         .received = 100,
                                         .dropped = 7,
                                         .system_dropped = UINT64_MAX};
    cr_assert(eq(int, writer_statistics(w, ethernet, &counts, &trouble), STATUS_OK));
    cr_assert(eq(int, writer_section(w, &section, &trouble), STATUS_OK));
    cr_assert(eq(int, writer_interface(w, &interfaces[2], &old, &trouble), STATUS_OK));
    cr_assert(eq(u32, old, 0));
    struct frame early = frame_at(-999 * NS_PER_S - 1, 0, 0);
    cr_assert(eq(int, writer_frame(w, old, &early, (struct bytes){0}, &trouble), STATUS_OK));
    uint64_t said = writer_bytes(w);
    cr_assert(eq(int, writer_flush(w, &trouble), STATUS_OK));
    cr_assert(eq(u64, writer_bytes(w), said));
    cr_assert(eq(u64, (uint64_t)lseek(fd, 0, SEEK_CUR), said));
    writer_free(w);
    (void)close(fd);

    read_path(&got, path, NULL);
    (void)unlink(path);
    cr_assert(eq(int, got.status, STATUS_OK));
    cr_assert(got.info.complete);
    cr_assert(eq(sz, got.num_frames, 6));
    for (size_t i = 0; i < 4; i++) {
        const struct frame *f = &got.frames[i].frame;
        cr_assert(eq(i64, f->time_ns, times[i]));
        cr_assert(eq(sz, f->bytes.len, 60 + i));
        cr_assert(eq(u32, f->original_len, 1514));
        cr_assert(eq(u16, f->link_type, LINK_TYPE_ETHERNET));
        cr_assert(eq(u32, got.frames[i].sum, (uint32_t)((60 + i) * (60 + i))));
        cr_assert(eq(int, f->big_endian_host, big_endian));
    }
    cr_assert(eq(sz, got.frames[4].frame.bytes.len, sizeof payload));
    cr_assert(eq(u16, got.frames[4].frame.link_type, LINK_TYPE_RAW));
    cr_assert(eq(u16, got.frames[5].frame.link_type, LINK_TYPE_NULL));
    cr_assert(eq(i64, got.frames[5].frame.time_ns, -999 * NS_PER_S - 1));
    cr_assert(eq(u64, got.info.drops[CAPTURE_DROP_BY_SYSTEM], 7));
}

Test(writer, reads_back_little_endian)
{
    round_trip(false);
}

Test(writer, reads_back_big_endian)
{
    round_trip(true);
}

/* Goal: a text that is too long loses whole characters, never half a one, and the block still
 * parses. Method: euro signs, three bytes each, around the limit. */
Test(writer, long_text_is_cut_between_characters)
{
    char path[64];
    static char text[WRITER_TEXT_MAX + 100];
    struct writer *w;
    uint32_t id;
    for (size_t i = 0; i + 3 <= sizeof text; i += 3) {
        memcpy(text + i, "\xe2\x82\xac", 3);
    }
    int fd = open_new(path);
    const struct writer_section section = {.comment = {(const uint8_t *)text, sizeof text}};
    const struct writer_interface interface = {.link_type = LINK_TYPE_ETHERNET,
                                               .filter = section.comment,
                                               .name = section.comment,
                                               .description = section.comment,
                                               .comment = section.comment};
    struct frame f = frame_at(1, sizeof payload, sizeof payload);
    cr_assert(eq(int, writer_new(&w, fd, path, &trouble), STATUS_OK));
    cr_assert(eq(int, writer_section(w, &section, &trouble), STATUS_OK));
    cr_assert(eq(int, writer_interface(w, &interface, &id, &trouble), STATUS_OK));
    cr_assert(eq(int, writer_frame(w, id, &f, section.comment, &trouble), STATUS_OK));
    cr_assert(eq(int, writer_flush(w, &trouble), STATUS_OK));
    writer_free(w);
    uint8_t head[64];
    cr_assert(eq(sz, (size_t)pread(fd, head, sizeof head, 0), sizeof head));
    cr_assert(eq(int, head[26] | head[27] << 8, WRITER_TEXT_MAX / 3 * 3));
    (void)close(fd);
    read_path(&got, path, NULL);
    (void)unlink(path);
    cr_assert(got.info.complete);
    cr_assert(eq(sz, got.num_frames, 1));
}

/* Goal: a full disk is told, stays told, and the file is cut back to whole blocks. Method: a limit
 * on the size of files, which write() meets halfway through a buffer. */
Test(writer, full_disk_leaves_whole_blocks)
{
    char path[64];
    struct writer *w;
    uint32_t id;
    const struct rlimit limit = {.rlim_cur = 1000000, .rlim_max = RLIM_INFINITY};
    const struct writer_section section = {0};
    const struct writer_interface interface = {.link_type = LINK_TYPE_ETHERNET};
    struct frame f = frame_at(1, 1000, 1000);
    enum status status = STATUS_OK;
    int fd = open_new(path);
    (void)signal(SIGXFSZ, SIG_IGN);
    cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &limit), 0));
    cr_assert(eq(int, writer_new(&w, fd, "ring.pcapng", &trouble), STATUS_OK));
    cr_assert(eq(int, writer_section(w, &section, &trouble), STATUS_OK));
    cr_assert(eq(int, writer_interface(w, &interface, &id, &trouble), STATUS_OK));
    size_t num = 0;
    for (; num < 3000 && status == STATUS_OK; num++) {
        status = writer_frame(w, id, &f, (struct bytes){0}, &trouble);
    }
    cr_assert(eq(int, status, STATUS_OUTPUT));
    cr_assert(eq(str, trouble.text, "ring.pcapng cannot be written: File too large."));
    trouble.text[0] = '\0';
    cr_assert(eq(int, writer_section(w, &section, &trouble), STATUS_OUTPUT));
    cr_assert(eq(int, writer_flush(w, &trouble), STATUS_OUTPUT));
    cr_assert(ne(chr, trouble.text[0], '\0'));
    writer_free(w);
    (void)close(fd);
    read_path(&got, path, NULL);
    (void)unlink(path);
    cr_assert(got.info.complete, "%s", got.info.damage.text);
    cr_assert(gt(sz, got.num_frames, 500));
    cr_assert(lt(sz, got.num_frames, num));
}

/* Goal: nothing is written twice or lost when a pipe takes little at a time, and a device that is
 * full is told. Method: /dev/full. */
Test(writer, full_device)
{
    struct writer *w;
    const struct writer_section section = {0};
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert(eq(int, writer_new(&w, fd, "/dev/full", &trouble), STATUS_OK));
    cr_assert(eq(int, writer_section(w, &section, &trouble), STATUS_OK));
    cr_assert(eq(int, writer_flush(w, &trouble), STATUS_OUTPUT));
    cr_assert(eq(str, trouble.text, "/dev/full cannot be written: No space left on device."));
    writer_free(w);
    (void)close(fd);
}
