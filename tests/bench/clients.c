/* Writes a capture of many clients: each does what the client of one of the given captures did, one
 * after the other in turn, under an address of its own.
 *
 *     clients OUT.pcap NUMBER CLIENT CONVERSATION.pcap...
 *
 * CLIENT is the address that is replaced, such as 10.77.0.101; a CONVERSATION is a little-endian
 * pcap in µs of Ethernet frames, such as pcaps/spn-missing/capture.pcap.
 */
#include "bytes.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_US 20000 /* a client begins */
#define CONVERSATIONS_MAX 64
#define FRAME_BYTES_MAX 262144

struct frame {
    uint64_t time_us;
    uint32_t client; /* number */
    uint32_t len;
    const uint8_t *bytes;
};

static void fail(const char *why)
{
    fprintf(stderr, "clients: %s\n", why);
    exit(2);
}

struct conversation {
    struct frame *frames;
    size_t num;
};

static struct conversation load(const char *path)
{
    struct conversation c = {0};
    uint8_t head[24], record[16];
    FILE *in = fopen(path, "rb");
    if (in == NULL || fread(head, 1, 24, in) != 24 || le32(head) != 0xa1b2c3d4) {
        fail("a conversation is no little-endian pcap in microseconds");
    }
    while (fread(record, 1, 16, in) == 16) {
        uint32_t len = le32(record + 8);
        uint8_t *bytes = len <= FRAME_BYTES_MAX ? malloc(len + 1) : NULL;
        c.frames = realloc(c.frames, (c.num + 1) * sizeof *c.frames);
        if (bytes == NULL || c.frames == NULL || fread(bytes, 1, len, in) != len) {
            fail("a conversation cannot be read");
        }
        c.frames[c.num++] =
            (struct frame){.time_us = record_us(record), .len = len, .bytes = bytes};
    }
    fclose(in);
    return c;
}

static int by_time(const void *left, const void *right)
{
    const struct frame *a = left;
    const struct frame *b = right;
    if (a->time_us != b->time_us) {
        return a->time_us < b->time_us ? -1 : 1;
    }
    return a->client < b->client ? -1 : a->client > b->client;
}

/* 10.128.0.1, 10.128.0.2, … wherever the client's address stands in an IPv4 or ARP header. */
static void write_frame(FILE *out, const struct frame *f, const uint8_t client[4])
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    uint8_t record[16];
    const uint32_t number = f->client + 1;
    const uint8_t address[4] = {10, (uint8_t)(128 + (number >> 16)), (uint8_t)(number >> 8),
                                (uint8_t)number};
    const size_t places[2][2] = {{26, 30}, {28, 38}};
    memcpy(bytes, f->bytes, f->len);
    int kind = f->len >= 42 && bytes[12] == 8 ? (bytes[13] == 0 ? 0 : bytes[13] == 6 ? 1 : -1) : -1;
    for (int i = 0; kind >= 0 && i < 2; i++) {
        if (memcmp(bytes + places[kind][i], client, 4) == 0) {
            memcpy(bytes + places[kind][i], address, 4);
        }
    }
    put_record(record, f->time_us, f->len);
    if (fwrite(record, 1, 16, out) != 16 || fwrite(bytes, 1, f->len, out) != f->len) {
        fail("cannot write");
    }
}

int main(int argc, char **argv)
{
    static const uint8_t head[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0,
                                     0,    0,    0,    0,    0, 0, 4, 0, 1, 0, 0, 0};
    struct conversation conversations[CONVERSATIONS_MAX];
    uint8_t client[4];
    if (argc < 5 || argc - 4 > CONVERSATIONS_MAX || inet_pton(AF_INET, argv[3], client) != 1) {
        fail("usage: clients OUT.pcap NUMBER CLIENT CONVERSATION.pcap...");
    }
    const uint32_t number = (uint32_t)strtoul(argv[2], NULL, 10);
    const size_t num_kinds = (size_t)argc - 4;
    size_t num = 0, at = 0;
    for (size_t i = 0; i < num_kinds; i++) {
        conversations[i] = load(argv[i + 4]);
    }
    for (uint32_t i = 0; i < number; i++) {
        num += conversations[i % num_kinds].num;
    }
    struct frame *all = calloc(num + 1, sizeof *all);
    FILE *out = fopen(argv[1], "wb");
    if (all == NULL || out == NULL || fwrite(head, 1, sizeof head, out) != sizeof head) {
        fail("cannot begin");
    }
    for (uint32_t i = 0; i < number; i++) {
        const struct conversation *c = &conversations[i % num_kinds];
        for (size_t k = 0; k < c->num; k++) {
            all[at] = c->frames[k];
            all[at].client = i;
            all[at].time_us = UINT64_C(1700000000000000) + (uint64_t)i * STEP_US +
                              (c->frames[k].time_us - c->frames[0].time_us);
            at++;
        }
    }
    qsort(all, num, sizeof *all, by_time);
    for (size_t i = 0; i < num; i++) {
        write_frame(out, &all[i], client);
    }
    if (fclose(out) != 0) {
        fail("cannot write");
    }
    return 0;
}
