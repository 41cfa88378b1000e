#include "formats.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

/* Little or big endian numbers, one after the other. */
struct sink {
    FILE *out;
    bool big_endian;
};

static void put(const struct sink *s, uint64_t value, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        unsigned shift = 8 * (s->big_endian ? len - 1 - i : i);
        fputc((int)(value >> shift & 0xff), s->out);
    }
}

static void put_bytes(const struct sink *s, const uint8_t *bytes, size_t len)
{
    assert(len == 0 || fwrite(bytes, 1, len, s->out) == len);
}

void format_pcap(FILE *out, const struct recording *r, bool nanoseconds, bool big_endian)
{
    const struct sink s = {out, big_endian};
    put(&s, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 4);
    put(&s, 2, 2);
    put(&s, 4, 2);
    put(&s, 0, 8);
    put(&s, 262144, 4);
    put(&s, LINK_TYPE_ETHERNET, 4);
    for (size_t i = 0; i < r->num_frames; i++) {
        const struct recorded_frame *f = &r->frames[i];
        int64_t fraction = f->time_ns % 1000000000;
        put(&s, (uint64_t)(f->time_ns / 1000000000), 4);
        put(&s, (uint64_t)(nanoseconds ? fraction : fraction / 1000), 4);
        put(&s, f->len, 4);
        put(&s, f->original_len, 4);
        put_bytes(&s, f->bytes, f->len);
    }
}

static void put_packet_block(const struct sink *s, const struct recorded_frame *f)
{
    const size_t padding = (4 - f->len % 4) % 4;
    const size_t total = 32 + f->len + padding;
    put(s, 6, 4);
    put(s, total, 4);
    put(s, 0, 4);
    put(s, (uint64_t)f->time_ns >> 32, 4);
    put(s, (uint64_t)f->time_ns & 0xffffffff, 4);
    put(s, f->len, 4);
    put(s, f->original_len, 4);
    put_bytes(s, f->bytes, f->len);
    put(s, 0, (unsigned)padding);
    put(s, total, 4);
}

void format_pcapng(FILE *out, const struct recording *r, bool big_endian)
{
    const struct sink s = {out, big_endian};
    put(&s, 0x0a0d0d0a, 4); /* section header */
    put(&s, 28, 4);
    put(&s, 0x1a2b3c4d, 4);
    put(&s, 1, 2);
    put(&s, 0, 2);
    put(&s, UINT64_MAX, 8);
    put(&s, 28, 4);
    put(&s, 1, 4); /* interface description */
    put(&s, 32, 4);
    put(&s, LINK_TYPE_ETHERNET, 2);
    put(&s, 0, 2);
    put(&s, 262144, 4);
    put(&s, 9, 2); /* if_tsresol: 10^-9 */
    put(&s, 1, 2);
    put_bytes(&s, (const uint8_t[4]){9}, 4);
    put(&s, 0, 4); /* end of options */
    put(&s, 32, 4);
    for (size_t i = 0; i < r->num_frames; i++) {
        put_packet_block(&s, &r->frames[i]);
    }
}

static void put_systemtime(const struct sink *s, int64_t time_ns)
{
    const time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    put(s, (unsigned)tm.tm_year + 1900, 2);
    put(s, (unsigned)tm.tm_mon + 1, 2);
    put(s, (unsigned)tm.tm_wday, 2);
    put(s, (unsigned)tm.tm_mday, 2);
    put(s, (unsigned)tm.tm_hour, 2);
    put(s, (unsigned)tm.tm_min, 2);
    put(s, (unsigned)tm.tm_sec, 2);
    put(s, (uint64_t)(time_ns % 1000000000 / 1000000), 2);
}

static void put_netmon_frame(const struct sink *s, const struct recorded_frame *f, int64_t start_ns,
                             unsigned version)
{
    const int64_t delta_ns = f->time_ns - start_ns;
    if (version < 20) {
        put(s, (uint64_t)(delta_ns / 1000000), 4);
        put(s, f->original_len, 2);
        put(s, f->len, 2);
    } else {
        put(s, (uint64_t)(delta_ns / 1000), 8);
        put(s, f->original_len, 4);
        put(s, f->len, 4);
    }
    put_bytes(s, f->bytes, f->len);
    if (version >= 21) {
        put(s, 1, 2); /* Ethernet */
    }
    if (version >= 22) {
        put(s, 0xffffffff, 4); /* no process */
    }
    if (version >= 23) { /* FILETIME: 100 ns since 1601 */
        put(s, (uint64_t)f->time_ns / 100 + UINT64_C(116444736000000000), 8);
        put(s, 0, 1);
    }
}

void format_netmon(FILE *out, const struct recording *r, unsigned major, unsigned minor,
                   int32_t zone_s)
{
    const struct sink s = {out, false};
    const unsigned version = 10 * major + minor;
    const int64_t first_ns = r->num_frames > 0 ? r->frames[0].time_ns : 0;
    const int64_t start_ns = first_ns / 1000000 * 1000000; /* the header holds milliseconds */
    uint32_t *offsets = calloc(r->num_frames + 1, sizeof *offsets);
    assert(offsets != NULL);
    for (unsigned i = 0; i < 128; i++) {
        fputc(0, out);
    }
    for (size_t i = 0; i < r->num_frames; i++) {
        offsets[i] = (uint32_t)ftell(out);
        put_netmon_frame(&s, &r->frames[i], start_ns, version);
    }
    const uint32_t table = (uint32_t)ftell(out);
    for (size_t i = 0; i < r->num_frames; i++) {
        put(&s, offsets[i], 4);
    }
    rewind(out);
    put_bytes(&s, (const uint8_t *)(major == 1 ? "RTSS" : "GMBU"), 4);
    put(&s, minor, 1);
    put(&s, major, 1);
    put(&s, 1, 2);
    put_systemtime(&s, start_ns + zone_s * INT64_C(1000000000));
    put(&s, table, 4);
    put(&s, 4 * r->num_frames, 4);
    free(offsets);
}

void format_gzip(const char *path)
{
    FILE *in = fopen(path, "rb");
    assert(in != NULL);
    fseek(in, 0, SEEK_END);
    const long len = ftell(in);
    rewind(in);
    uint8_t *bytes = malloc((size_t)len + 1);
    assert(bytes != NULL && fread(bytes, 1, (size_t)len, in) == (size_t)len);
    fclose(in);
    gzFile out = gzopen(path, "wb6");
    assert(out != NULL);
    assert(gzwrite(out, bytes, (unsigned)len) == (int)len);
    gzclose(out);
    free(bytes);
}
