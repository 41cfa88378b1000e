#include "bulk.h"

#include "bytes.h"

#include <string.h>

#define NOISE_BYTES 65536
#define NOISE_START_MAX 60000 /* a payload begins before */

static void make_noise(uint8_t *noise)
{
    uint32_t state = 1;
    for (size_t i = 0; i < NOISE_BYTES; i++) {
        state = state * 1664525 + 1013904223;
        noise[i] = (uint8_t)(state >> 24);
    }
}

size_t bulk_frame(uint8_t *frame, uint64_t n)
{
    static uint8_t noise[NOISE_BYTES];
    static uint32_t sent[BULK_FLOWS];
    const uint32_t flow = (uint32_t)(n / 3 % BULK_FLOWS);
    const int to_server = n % 3 == 2;
    const size_t payload = to_server ? 0 : BULK_SEGMENT;
    uint8_t server[4] = {192, 0, 2, (uint8_t)(flow % 7 + 1)};
    uint8_t client[4] = {198, 51, 100, (uint8_t)(flow % 200 + 1)};
    const uint32_t ports[2] = {flow % 3 == 0 ? 445 : flow % 3 == 1 ? 443 : 8080, 50000 + flow};
    if (n == 0) {
        make_noise(noise);
    }
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
    memcpy(frame + 66, noise + n * 7919 % NOISE_START_MAX, payload);
    sent[flow] += (uint32_t)payload;
    return 66 + payload;
}
