/* Goal: the redacted copy of a capture is the same capture, frame by frame, but for what names
 * somebody; and making it takes no more memory for a long one. Method: recorded captures are
 * redacted through files, as the program does it, and compared with what they were made from. */
#include "formats.h"
#include "redact/redact.h"

#include "capture/capture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ETHERNET_BYTES 14
#define SEGMENT_BYTES_MAX 96 /* taken for what is remembered of a segment, with room to spare */
#define DAMAGE_EACH 3        /* every third frame gets a wrong checksum */

#if defined(__SANITIZE_ADDRESS__)
#define KEEPS_FREED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define KEEPS_FREED 1 /* memory that was freed is not used again at once */
#endif
#endif

/* An open file's name. */
static const char *path_of(int fd, char path[64])
{
    (void)snprintf(path, 64, "/proc/self/fd/%d", fd);
    return path;
}

static uint64_t frames_told;

static void count_frame(void *context, const struct capture_info *info)
{
    (void)context;
    cr_assert_gt(info->bytes_read, 0);
    frames_told++;
}

/* Redacts the capture in a file into another one, which is returned. */
static int redact(int from)
{
    static const struct capture_options options;
    struct pseudonyms p = {0};
    struct capture_info info;
    struct capture *c = NULL;
    struct trouble trouble;
    char path[64];
    int to = capture_temporary_file(&trouble);
    cr_assert_geq(to, 0);
    redact_key(&p, bytes_of("a key of this test"));
    cr_assert_eq(capture_open(&c, path_of(from, path), &options, &trouble), STATUS_OK, "%s",
                 trouble.text);
    const struct redact_output out = {.fd = to, .bytes_max = UINT64_MAX, .tick = count_frame};
    cr_assert_eq(redact_capture(&p, c, &out, &info, &trouble), STATUS_OK, "%s", trouble.text);
    capture_close(c);
    return to;
}

static int write_capture(const struct recording *r)
{
    struct trouble trouble;
    int fd = capture_temporary_file(&trouble);
    FILE *file = fdopen(dup(fd), "wb");
    cr_assert_not_null(file);
    format_pcap(file, r, true, false);
    (void)fclose(file);
    return fd;
}

static uint32_t add_up(uint32_t sum, const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
    }
    return sum;
}

static bool is_right(uint32_t sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum == 0xffff;
}

/* Where the checksum of an IPv4 frame's TCP or UDP lies; 0: there is none. */
static size_t checksum_at(const struct recorded_frame *f)
{
    const uint8_t *ip = f->bytes + ETHERNET_BYTES;
    if (f->len < ETHERNET_BYTES + 40 || f->bytes[12] != 8 || f->bytes[13] != 0 ||
        (ip[9] != 6 && ip[9] != 17) || ((ip[6] & 0x3f) | ip[7]) != 0) {
        return 0;
    }
    return ETHERNET_BYTES + (size_t)(ip[0] & 15) * 4 + (ip[9] == 6 ? 16 : 6);
}

/* Bit 0: the IP header's checksum is right, bit 1: that of TCP or UDP. */
static int checksums(const struct recorded_frame *f)
{
    const uint8_t *ip = f->bytes + ETHERNET_BYTES;
    size_t head = (size_t)(ip[0] & 15) * 4;
    size_t len = (size_t)(ip[2] << 8 | ip[3]) - head;
    uint32_t sum = add_up((uint32_t)(ip[9] + len), ip + 12, 8);
    return (is_right(add_up(0, ip, head)) ? 1 : 0) |
           (is_right(add_up(sum, ip + head, len)) ? 2 : 0);
}

/* Goal: a checksum that was right is right, one that was wrong stays wrong. Method: every third
 * frame's are damaged, of TCP and UDP or of IP. */
Test(redact_capture, checksums_are_as_right_as_they_were)
{
    struct recording r, copy;
    char path[64];
    int num[4] = {0};
    cr_assert(recording_load_case(&r, "spn-missing"));
    for (size_t i = 0; i < r.num_frames; i += DAMAGE_EACH) {
        size_t at = i % 2 == 0 ? checksum_at(&r.frames[i]) : ETHERNET_BYTES + 10;
        r.frames[i].bytes[at] ^= (uint8_t)(at == 0 ? 0 : 0x5a);
    }
    int from = write_capture(&r);
    int to = redact(from);
    cr_assert(recording_load(&copy, path_of(to, path)));
    cr_assert_eq(copy.num_frames, r.num_frames);
    cr_assert_eq(frames_told, r.num_frames); /* for the line that says how far it is */
    for (size_t i = 0; i < r.num_frames; i++) {
        cr_assert_eq(copy.frames[i].len, r.frames[i].len);
        cr_assert_eq(copy.frames[i].time_ns, r.frames[i].time_ns);
        if (checksum_at(&r.frames[i]) != 0) {
            int was = checksums(&r.frames[i]);
            cr_assert_eq(checksums(&copy.frames[i]), was, "frame %zu had %d", i + 1, was);
            num[was]++;
        }
    }
    cr_assert(num[3] > 0 && num[2] > 0 && num[1] > 0, "%d right, %d and %d wrong", num[3], num[2],
              num[1]);
    recording_free(&r);
    recording_free(&copy);
    (void)close(from);
    (void)close(to);
}

/* Goal: of equal frames the copy has equal ones, whatever came between: nothing is random but the
 * key. Method: two copies of one capture are the same bytes. */
Test(redact_capture, one_key_makes_one_copy)
{
    struct recording r;
    cr_assert(recording_load_case(&r, "carrier-smb-kerberos"));
    int from = write_capture(&r);
    int to[2] = {redact(from), redact(from)};
    off_t len = lseek(to[0], 0, SEEK_END);
    cr_assert_gt(len, 10000);
    cr_assert_eq(lseek(to[1], 0, SEEK_END), len);
    for (off_t at = 0; at < len;) {
        uint8_t a[4096], b[4096];
        ssize_t got = pread(to[0], a, sizeof a, at);
        cr_assert(got > 0 && pread(to[1], b, sizeof b, at) == got);
        cr_assert_arr_eq(a, b, (size_t)got);
        at += got;
    }
    recording_free(&r);
}

#ifndef KEEPS_FREED
/* The process' peak after the case's frames were redacted so many times over, each time of other
 * hosts, as sections of one capture. */
static long peak_kib(const struct recording *r, unsigned times)
{
    struct rusage usage;
    struct trouble trouble;
    int from = capture_temporary_file(&trouble);
    FILE *file = fdopen(dup(from), "wb");
    cr_assert_not_null(file);
    for (unsigned i = 0; i < times; i++) {
        for (size_t j = 0; j < r->num_frames; j++) {
            uint8_t *ip = r->frames[j].bytes + ETHERNET_BYTES;
            ip[13] = ip[17] = (uint8_t)i;
            ip[14] = ip[18] = (uint8_t)(i >> 8);
        }
        format_pcapng(file, r, false);
    }
    (void)fclose(file);
    (void)close(redact(from));
    (void)close(from);
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* Goal: the copy of a long capture takes no more memory than REDACT_SEGMENTS_MAX allows. Method:
 * the same frames over and over, until they are several times as much. */
Test(redact_capture, memory_does_not_grow_with_the_capture)
{
    const long allowed = REDACT_SEGMENTS_MAX / 1024 * SEGMENT_BYTES_MAX;
    struct recording r;
    size_t bytes = 0;
    cr_assert(recording_load_case(&r, "token-too-large"));
    for (size_t i = 0; i < r.num_frames; i++) {
        bytes += r.frames[i].len;
    }
    long few = peak_kib(&r, 10);
    long many = peak_kib(&r, (unsigned)((size_t)allowed * 4096 / bytes));
    cr_assert_lt(many - few, allowed, "%ld KiB, then %ld", few, many);
    recording_free(&r);
}
#endif
