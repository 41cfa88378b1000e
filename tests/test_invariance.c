/* A verdict is about a conversation, not about how it was carried or saved. Every case is written
 * in another way, judged again, and must give the same attempts with the same verdicts, frame
 * numbers aside.
 *
 *     KRBSCOPE_CASE=name    only that case
 */
#include "formats.h"
#include "recording.h"
#include "rewrite.h"
#include "verdicts.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned num_compared;
static unsigned num_changed;

static void compare(const char *name, const char *how, const struct verdicts *before,
                    const struct recording *rewritten)
{
    static struct verdicts after;
    struct judgement j;
    char why[512];
    recording_judge(rewritten, NULL, &j);
    verdicts_of(&after, &j.analysis);
    judgement_free(&j);
    num_compared++;
    if (!verdicts_equal(before, &after, why, sizeof why)) {
        num_changed++;
        printf("%s, %s: %s\n", name, how, why);
    }
}

/* Runs check on every case: its frames and the verdicts that they give as they are. */
static void with_every_case(void (*check)(const char *name, const struct recording *r,
                                          const struct verdicts *before))
{
    static char names[CASES_MAX][CASE_NAME_MAX];
    const char *only = getenv("KRBSCOPE_CASE");
    size_t num = cases_list(names);
    for (size_t i = 0; i < num; i++) {
        static struct verdicts before;
        struct recording r;
        struct judgement j;
        if (only != NULL && strcmp(only, names[i]) != 0) {
            continue;
        }
        cr_assert(recording_load_case(&r, names[i]));
        recording_judge(&r, NULL, &j);
        verdicts_of(&before, &j.analysis);
        judgement_free(&j);
        check(names[i], &r, &before);
        recording_free(&r);
    }
    fflush(stdout);
    cr_assert(num_compared > 0 || only != NULL);
    cr_assert_eq(num_changed, 0, "%u of %u changed", num_changed, num_compared);
}

static void check_carried(const char *name, const char *how, const struct verdicts *before,
                          struct recording *rewritten)
{
    compare(name, how, before, rewritten);
    recording_free(rewritten);
}

static void check_vlan(const char *name, const struct recording *r, const struct verdicts *before)
{
    struct recording out;
    rewrite_vlan(&out, r);
    check_carried(name, "VLAN", before, &out);
}

/* Goal: tags are looked through. */
Test(invariance, vlan)
{
    with_every_case(check_vlan);
}

static void check_ipv6(const char *name, const struct recording *r, const struct verdicts *before)
{
    struct recording out;
    struct verdicts expected = *before;
    if (!rewrite_is_whole(r)) {
        return;
    }
    if (!rewrite_ipv6(&out, r)) {
        num_changed++;
        printf("%s: a frame cannot be said in IPv6\n", name);
        return;
    }
    for (size_t i = 0; i < expected.num; i++) {
        expected.lines[i].client = rewrite_ipv6_address(expected.lines[i].client);
    }
    check_carried(name, "IPv6", &expected, &out);
}

/* Goal: IPv6 is as good as IPv4, from neighbour discovery to fragments. */
Test(invariance, ipv6)
{
    with_every_case(check_ipv6);
}

static void check_split(const char *name, const struct recording *r, const struct verdicts *before)
{
    struct recording out;
    if (rewrite_is_whole(r)) {
        rewrite_split(&out, r, 1, 0);
        check_carried(name, "one byte a segment", before, &out);
    }
}

/* Goal: no parser rests on where a segment begins or ends. */
Test(invariance, one_byte_segments)
{
    with_every_case(check_split);
}

static void check_reverse(const char *name, const struct recording *r,
                          const struct verdicts *before)
{
    struct recording pieces;
    struct recording out;
    rewrite_reverse(&out, r, 16);
    check_carried(name, "reversed", before, &out);
    if (rewrite_is_whole(r)) {
        rewrite_split(&pieces, r, 48, 0);
        rewrite_reverse(&out, &pieces, 16);
        recording_free(&pieces);
        check_carried(name, "48 bytes a segment, reversed by 16", before, &out);
    }
}

/* Goal: order on the wire does not matter, only sequence numbers do. */
Test(invariance, reversed_segments)
{
    with_every_case(check_reverse);
}

static void check_duplicate(const char *name, const struct recording *r,
                            const struct verdicts *before)
{
    struct recording out;
    rewrite_duplicate(&out, r);
    check_carried(name, "every frame twice", before, &out);
}

/* Goal: a copy is no retry, no replay and no silence. */
Test(invariance, duplicated_frames)
{
    with_every_case(check_duplicate);
}

static void check_overlap(const char *name, const struct recording *r,
                          const struct verdicts *before)
{
    struct recording out;
    if (rewrite_is_whole(r)) {
        rewrite_split(&out, r, 50, 20);
        check_carried(name, "segments that overlap", before, &out);
    }
}

/* Goal: bytes that were resent with others are taken once. */
Test(invariance, overlapping_segments)
{
    with_every_case(check_overlap);
}

/* The formats that a capture can be saved in. */
enum format {
    FORMAT_PCAP_BE,
    FORMAT_PCAP_NS,
    FORMAT_PCAPNG_LE,
    FORMAT_PCAPNG_BE,
    FORMAT_NETMON_1_1,
    FORMAT_NETMON_2_0,
    FORMAT_NETMON_2_1,
    FORMAT_NETMON_2_2,
    FORMAT_NETMON_2_3,
    FORMAT_GZIP,
    FORMAT_COUNT,
};

static const char *const format_names[FORMAT_COUNT] = {
    "pcap, big endian", "pcap, nanoseconds", "pcapng",     "pcapng, big endian", "netmon 1.1",
    "netmon 2.0",       "netmon 2.1",        "netmon 2.2", "netmon 2.3",         "gzip",
};

static const int32_t zones_s[] = {0, 2 * 3600, -5 * 3600, 5 * 3600 + 45 * 60};

static void write_format(const char *path, const struct recording *r, enum format format,
                         int32_t zone_s)
{
    FILE *out = fopen(path, "wb");
    cr_assert_not_null(out);
    switch (format) {
    case FORMAT_PCAP_BE:
        format_pcap(out, r, false, true);
        break;
    case FORMAT_PCAP_NS:
        format_pcap(out, r, true, false);
        break;
    case FORMAT_PCAPNG_LE:
    case FORMAT_GZIP:
        format_pcapng(out, r, false);
        break;
    case FORMAT_PCAPNG_BE:
        format_pcapng(out, r, true);
        break;
    case FORMAT_NETMON_1_1:
        format_netmon(out, r, 1, 1, zone_s);
        break;
    default:
        format_netmon(out, r, 2, (unsigned)format - FORMAT_NETMON_2_0, zone_s);
        break;
    }
    fclose(out);
    if (format == FORMAT_GZIP) {
        format_gzip(path);
    }
}

static void check_format(const char *name, const struct recording *r, const struct verdicts *before,
                         const char *path, enum format format, int32_t zone_s)
{
    struct recording out;
    char how[64];
    snprintf(how, sizeof how, "%s, zone %+d min", format_names[format], (int)zone_s / 60);
    write_format(path, r, format, zone_s);
    cr_assert(recording_load(&out, path), "%s, %s", name, how);
    bool same = out.num_frames == r->num_frames && out.info.complete;
    for (size_t i = 0; same && i < r->num_frames; i++) {
        same = out.frames[i].len == r->frames[i].len &&
               out.frames[i].original_len == r->frames[i].original_len &&
               memcmp(out.frames[i].bytes, r->frames[i].bytes, r->frames[i].len) == 0;
    }
    if (!same) {
        num_changed++;
        printf("%s, %s: other frames are read back\n", name, how);
    }
    compare(name, how, before, &out);
    recording_free(&out);
}

static void check_formats(const char *name, const struct recording *r,
                          const struct verdicts *before)
{
    char path[] = "/tmp/krbscope-formats-XXXXXX";
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    close(file);
    for (int format = 0; format < FORMAT_COUNT; format++) {
        bool has_zone = format >= FORMAT_NETMON_1_1 && format <= FORMAT_NETMON_2_3;
        size_t num_zones = has_zone ? sizeof zones_s / sizeof zones_s[0] : 1;
        for (size_t i = 0; i < num_zones; i++) {
            check_format(name, r, before, path, (enum format)format, zones_s[i]);
        }
    }
    unlink(path);
}

/* Goal: the format of the file and the zone of the host that wrote it change nothing. */
Test(invariance, file_formats)
{
    with_every_case(check_formats);
}
