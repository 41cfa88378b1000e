/* Writes a busy day of a management point to standard output as a pcap: two conversations over and
 * over, from many clients, with the packets' own clock. What `krbscope live --read -` soaks in.
 *
 *     cc live_day.c bulk.c
 *     live_day GOOD.pcap BAD.pcap ATTEMPTS RATE CLIENTS [EARLY PROGRESS_FD [MBITS]]
 *
 * GOOD and BAD are little-endian pcaps in µs of one client's attempt over Ethernet and IPv4, such
 * as pcaps/success-cached-tgt and pcaps/spn-missing; every tenth attempt is BAD. RATE is attempts a
 * second. The client's address, its ports, the TCP sequence numbers and the id of its message
 * differ from attempt to attempt, or they would be copies. A byte goes to PROGRESS_FD after EARLY
 * attempts and at the end
 * (-1: to none). MBITS is a background of bulk, in Mbit/s.
 */
#include "bulk.h"
#include "bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONVERSATION_BYTES_MAX 4194304
#define FRAMES_MAX 4096
#define BAD_EVERY 10
#define FILE_HEADER 24
#define RECORD_HEADER 16
#define ETHERNET 14
#define START_US UINT64_C(1795345962000000)
#define PORT_FIRST 10000
#define PORTS 50000

struct conversation {
    uint8_t bytes[CONVERSATION_BYTES_MAX];
    size_t len;
    uint64_t first_us, span_us;
    uint8_t client[4];
};

static struct conversation conversations[2];
static uint64_t mbits; /* of bulk */

static void fail(const char *why)
{
    fprintf(stderr, "live_day: %s\n", why);
    exit(2);
}

static uint32_t be(const uint8_t *at, int len)
{
    uint32_t value = 0;
    for (int i = 0; i < len; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

/* Does the frame hold IPv4 with TCP or UDP? */
static int protocol_of(const uint8_t *frame, size_t len)
{
    return len >= ETHERNET + 28 && be(frame + 12, 2) == 0x0800 && frame[ETHERNET] >> 4 == 4
               ? frame[ETHERNET + 9]
               : 0;
}

/* The client is who opens the first connection to port 80. */
static void find_client(struct conversation *c)
{
    for (size_t at = FILE_HEADER; at + RECORD_HEADER < c->len;) {
        const uint8_t *frame = c->bytes + at + RECORD_HEADER;
        size_t len = le32(c->bytes + at + 8);
        const uint8_t *ip = frame + ETHERNET;
        if (protocol_of(frame, len) == 6 && be(ip + (ip[0] & 15) * 4 + 2, 2) == 80) {
            memcpy(c->client, ip + 12, 4);
            return;
        }
        at += RECORD_HEADER + len;
    }
    fail("a conversation has no connection to port 80");
}

static void load(struct conversation *c, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        fail("a conversation cannot be read");
    }
    c->len = fread(c->bytes, 1, sizeof c->bytes, f);
    fclose(f);
    if (c->len < FILE_HEADER + RECORD_HEADER || le32(c->bytes) != 0xa1b2c3d4) {
        fail("a conversation is no little-endian pcap in microseconds");
    }
    c->first_us = record_us(c->bytes + FILE_HEADER);
    for (size_t at = FILE_HEADER; at + RECORD_HEADER < c->len;) {
        c->span_us = record_us(c->bytes + at) - c->first_us + 1;
        at += RECORD_HEADER + le32(c->bytes + at + 8);
    }
    find_client(c);
}

static void move_port(uint8_t *at, uint32_t round)
{
    put_be(at, PORT_FIRST + (be(at, 2) + round * 61) % PORTS, 2);
}

/* The frame as another client would have sent or got it. */
static void disguise(uint8_t *frame, size_t len, const struct conversation *c, uint32_t client,
                     uint32_t round)
{
    int protocol = protocol_of(frame, len);
    uint8_t *ip = frame + ETHERNET;
    uint8_t *transport = ip + (ip[0] & 15) * 4;
    if (protocol != 6 && protocol != 17) {
        return;
    }
    for (int side = 0; side < 2; side++) {
        uint8_t *address = ip + 12 + side * 4;
        if (memcmp(address, c->client, 4) == 0) {
            put_be(address, 0x0a400000 + client, 4);
            move_port(transport + side * 2, round);
        }
    }
    if (protocol == 6) {
        put_be(transport + 4, be(transport + 4, 4) + round * 7919, 4);
        put_be(transport + 8, be(transport + 8, 4) + round * 7919, 4);
    }
}

/* No two clients register with the same body: its message gets an id of its own, in UTF-16. */
static void give_id(uint8_t *frame, size_t len, uint32_t id)
{
    static const uint8_t before[] = {'<', 0, 'I', 0, 'D', 0, '>', 0, '{', 0};
    for (size_t at = 0; at + sizeof before + 16 <= len; at++) {
        if (memcmp(frame + at, before, sizeof before) == 0) {
            for (size_t i = 0; i < 8; i++) {
                frame[at + sizeof before + 2 * i] = (uint8_t) "0123456789ABCDEF"[id >> 4 * i & 15];
            }
            return;
        }
    }
}

/* What fits between attempts: bulk at mbits Mbit/s of frames, up to this time. */
static void write_bulk(uint64_t now_us)
{
    static uint8_t record[RECORD_HEADER + BULK_FRAME_BYTES];
    static uint64_t num, bits;
    while (mbits > 0 && START_US + bits / mbits <= now_us) {
        size_t len = bulk_frame(record + RECORD_HEADER, num++);
        put_record(record, START_US + bits / mbits, (uint32_t)len);
        bits += len * 8;
        if (fwrite(record, 1, RECORD_HEADER + len, stdout) != RECORD_HEADER + len) {
            exit(1); /* the reader is gone */
        }
    }
}

static void write_attempt(const struct conversation *c, uint64_t start_us, uint64_t room_us,
                          uint32_t client, uint32_t round, uint32_t id)
{
    static uint8_t record[RECORD_HEADER + 65536];
    for (size_t at = FILE_HEADER; at + RECORD_HEADER < c->len;) {
        size_t len = le32(c->bytes + at + 8);
        uint64_t offset_us = record_us(c->bytes + at) - c->first_us;
        if (len > 65536 || at + RECORD_HEADER + len > c->len) {
            fail("a conversation is damaged");
        }
        if (c->span_us > room_us) { /* attempts follow each other: none reaches into the next */
            offset_us = offset_us * room_us / c->span_us;
        }
        memcpy(record, c->bytes + at, RECORD_HEADER + len);
        write_bulk(start_us + offset_us);
        put_record(record, start_us + offset_us, (uint32_t)len);
        disguise(record + RECORD_HEADER, len, c, client, round);
        give_id(record + RECORD_HEADER, len, id);
        if (fwrite(record, 1, RECORD_HEADER + len, stdout) != RECORD_HEADER + len) {
            exit(1); /* the reader is gone */
        }
        at += RECORD_HEADER + len;
    }
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fail(
            "usage: live_day GOOD.pcap BAD.pcap ATTEMPTS RATE CLIENTS [EARLY PROGRESS_FD [MBITS]]");
    }
    load(&conversations[0], argv[1]);
    load(&conversations[1], argv[2]);
    uint64_t num = strtoull(argv[3], NULL, 10);
    double rate = strtod(argv[4], NULL);
    uint32_t clients = (uint32_t)strtoul(argv[5], NULL, 10);
    uint64_t early = argc > 7 ? strtoull(argv[6], NULL, 10) : 0;
    int progress = argc > 7 ? atoi(argv[7]) : -1;
    mbits = argc > 8 ? strtoull(argv[8], NULL, 10) : 0;
    uint64_t step_us = (uint64_t)(1e6 / rate);
    if (num == 0 || clients == 0 || step_us == 0) {
        fail("ATTEMPTS, RATE and CLIENTS are above 0");
    }
    if (fwrite(conversations[0].bytes, 1, FILE_HEADER, stdout) != FILE_HEADER) {
        return 1;
    }
    for (uint64_t i = 0; i < num; i++) {
        const struct conversation *c = &conversations[i % BAD_EVERY == BAD_EVERY - 1];
        write_attempt(c, START_US + i * step_us, step_us * 9 / 10, (uint32_t)(i % clients),
                      (uint32_t)(i / clients), (uint32_t)i);
        bool is_due = i + 1 == early || i + 1 == num;
        if (progress >= 0 && is_due && (fflush(stdout) != 0 || write(progress, "x", 1) != 1)) {
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
