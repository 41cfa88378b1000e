/* Writes a large capture that is mostly bulk: many long TCP transfers, and a conversation worth
 * finding every few seconds. It is what a mirror port of a busy server gives.
 *
 *     cc generate.c bulk.c
 *     generate OUT.pcap MEGABYTES CONVERSATION.pcap
 *
 * CONVERSATION is a little-endian pcap in µs, such as pcaps/multi-client/capture.pcap.
 */
#include "bulk.h"
#include "bytes.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BULK_STEP_US 200        /* between two bulk frames */
#define BURST_EVERY_US 14000000 /* a conversation begins */
#define BURSTS_MAX 512
#define CONVERSATION_BYTES_MAX 16777216

struct conversation {
    uint8_t bytes[CONVERSATION_BYTES_MAX];
    size_t len;
    uint64_t first_us;
};

static void fail(const char *why)
{
    fprintf(stderr, "generate: %s\n", why);
    exit(2);
}

static void write_frame(FILE *out, uint64_t time_us, const uint8_t *bytes, size_t len)
{
    uint8_t record[16];
    put_record(record, time_us, (uint32_t)len);
    if (fwrite(record, 1, sizeof record, out) != sizeof record ||
        fwrite(bytes, 1, len, out) != len) {
        fail("cannot write");
    }
}

static void read_conversation(struct conversation *c, const char *path)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        fail("cannot open the conversation");
    }
    c->len = fread(c->bytes, 1, sizeof c->bytes, in);
    fclose(in);
    if (c->len < 40 || le32(c->bytes) != 0xa1b2c3d4) {
        fail("the conversation is no little-endian pcap in microseconds");
    }
    c->first_us = record_us(c->bytes + 24);
}

/* Frames of all conversations that have begun, up to now. */
static void write_bursts(FILE *out, const struct conversation *c, size_t *at, uint64_t start_us,
                         uint64_t now_us)
{
    for (size_t i = 0; i < BURSTS_MAX && start_us + i * BURST_EVERY_US <= now_us; i++) {
        const uint64_t shift_us = start_us + i * BURST_EVERY_US - c->first_us;
        while (at[i] + 16 <= c->len && record_us(c->bytes + at[i]) + shift_us <= now_us) {
            const size_t len = le32(c->bytes + at[i] + 8);
            write_frame(out, record_us(c->bytes + at[i]) + shift_us, c->bytes + at[i] + 16, len);
            at[i] += 16 + len;
        }
    }
}

int main(int argc, char **argv)
{
    static struct conversation conversation;
    static uint8_t frame[BULK_FRAME_BYTES];
    static size_t at[BURSTS_MAX];
    static uint8_t header[24];
    const uint64_t start_us = UINT64_C(1790000000) * 1000000;
    if (argc != 4) {
        fail("usage: generate OUT.pcap MEGABYTES CONVERSATION.pcap");
    }
    read_conversation(&conversation, argv[3]);
    memcpy(header, conversation.bytes, sizeof header);
    for (size_t i = 0; i < BURSTS_MAX; i++) {
        at[i] = sizeof header;
    }
    FILE *out = fopen(argv[1], "wb");
    if (out == NULL) {
        fail("cannot create the output");
    }
    fwrite(header, 1, sizeof header, out);
    const uint64_t bytes_max = strtoull(argv[2], NULL, 10) * 1000000;
    uint64_t written = 0;
    for (uint64_t n = 0; written < bytes_max; n++) {
        const uint64_t now_us = start_us + n * BULK_STEP_US;
        write_bursts(out, &conversation, at, start_us, now_us);
        const size_t len = bulk_frame(frame, n);
        write_frame(out, now_us, frame, len);
        written += len + 16;
    }
    return fclose(out) == 0 ? 0 : 2;
}
