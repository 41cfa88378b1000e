/* Writes a large capture that is mostly bulk: many long TCP transfers, and a conversation worth
 * finding every few seconds. It is what a mirror port of a busy server gives.
 *
 *     generate OUT.pcap MEGABYTES CONVERSATION.pcap
 *
 * CONVERSATION is a little-endian pcap in µs, such as pcaps/multi-client/capture.pcap.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS 500               /* transfers at a time */
#define SEGMENT_BYTES 1448      /* payload of a full segment with time stamps */
#define BULK_STEP_US 200        /* between two bulk frames */
#define BURST_EVERY_US 14000000 /* a conversation begins */
#define BURSTS_MAX 512
#define CONVERSATION_BYTES_MAX 16777216

struct conversation {
    uint8_t bytes[CONVERSATION_BYTES_MAX];
    size_t len;
    uint64_t first_us;
};

static uint32_t le32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put_le32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static void put_be(uint8_t *at, uint32_t value, int len)
{
    for (int i = 0; i < len; i++) {
        at[i] = (uint8_t)(value >> 8 * (len - 1 - i));
    }
}

static void fail(const char *why)
{
    fprintf(stderr, "generate: %s\n", why);
    exit(2);
}

static void write_frame(FILE *out, uint64_t time_us, const uint8_t *bytes, size_t len)
{
    uint8_t record[16];
    put_le32(record, (uint32_t)(time_us / 1000000));
    put_le32(record + 4, (uint32_t)(time_us % 1000000));
    put_le32(record + 8, (uint32_t)len);
    put_le32(record + 12, (uint32_t)len);
    if (fwrite(record, 1, sizeof record, out) != sizeof record ||
        fwrite(bytes, 1, len, out) != len) {
        fail("cannot write");
    }
}

static uint64_t conversation_us(const struct conversation *c, size_t at)
{
    return (uint64_t)le32(c->bytes + at) * 1000000 + le32(c->bytes + at + 4);
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
    c->first_us = conversation_us(c, 24);
}

/* Frames of all conversations that have begun, up to now. */
static void write_bursts(FILE *out, const struct conversation *c, size_t *at, uint64_t start_us,
                         uint64_t now_us)
{
    for (size_t i = 0; i < BURSTS_MAX && start_us + i * BURST_EVERY_US <= now_us; i++) {
        const uint64_t shift_us = start_us + i * BURST_EVERY_US - c->first_us;
        while (at[i] + 16 <= c->len && conversation_us(c, at[i]) + shift_us <= now_us) {
            const size_t len = le32(c->bytes + at[i] + 8);
            write_frame(out, conversation_us(c, at[i]) + shift_us, c->bytes + at[i] + 16, len);
            at[i] += 16 + len;
        }
    }
}

/* The n-th bulk frame: two full segments from the server, then the client's acknowledgement. */
static size_t bulk_frame(uint8_t *frame, uint64_t n, const uint8_t *noise, uint32_t *sent)
{
    const uint32_t flow = (uint32_t)(n / 3 % FLOWS);
    const int to_server = n % 3 == 2;
    const size_t payload = to_server ? 0 : SEGMENT_BYTES;
    uint8_t server[4] = {192, 0, 2, (uint8_t)(flow % 7 + 1)};
    uint8_t client[4] = {198, 51, 100, (uint8_t)(flow % 200 + 1)};
    const uint32_t ports[2] = {flow % 3 == 0 ? 445 : flow % 3 == 1 ? 443 : 8080, 50000 + flow};
    memset(frame, 0, 66);
    memcpy(frame, "\2\0\0\0\0\1\2\0\0\0\0\2\x08\x00\x45", 15);
    put_be(frame + 16, (uint32_t)(52 + payload), 2);
    frame[22] = 64;
    frame[23] = 6;
    memcpy(frame + 26, to_server ? client : server, 4);
    memcpy(frame + 30, to_server ? server : client, 4);
    put_be(frame + 34, ports[to_server], 2);
    put_be(frame + 36, ports[!to_server], 2);
    put_be(frame + 38, to_server ? 1 : sent[flow], 4);
    put_be(frame + 42, to_server ? sent[flow] : 1, 4);
    frame[46] = 0x80;
    frame[47] = 0x10;
    put_be(frame + 48, 65535, 2);
    memcpy(frame + 54, "\1\1\x08\x0a", 4);
    memcpy(frame + 66, noise + n * 7919 % 60000, payload);
    sent[flow] += (uint32_t)payload;
    return 66 + payload;
}

int main(int argc, char **argv)
{
    static struct conversation conversation;
    static uint8_t noise[65536], frame[2048];
    static uint32_t sent[FLOWS];
    static size_t at[BURSTS_MAX];
    static uint8_t header[24];
    const uint64_t start_us = UINT64_C(1790000000) * 1000000;
    uint32_t state = 1;
    if (argc != 4) {
        fail("usage: generate OUT.pcap MEGABYTES CONVERSATION.pcap");
    }
    read_conversation(&conversation, argv[3]);
    memcpy(header, conversation.bytes, sizeof header);
    for (size_t i = 0; i < sizeof noise; i++) {
        state = state * 1664525 + 1013904223;
        noise[i] = (uint8_t)(state >> 24);
    }
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
        const size_t len = bulk_frame(frame, n, noise, sent);
        write_frame(out, now_us, frame, len);
        written += len + 16;
    }
    return fclose(out) == 0 ? 0 : 2;
}
