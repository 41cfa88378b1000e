/* Numbers in the bytes of a pcap and of packets; what the programs here share. */
#ifndef KRBSCOPE_BENCH_BYTES_H
#define KRBSCOPE_BENCH_BYTES_H

#include <stdint.h>

static inline uint32_t le32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline void put_le32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static inline void put_be(uint8_t *at, uint32_t value, int len)
{
    for (int i = 0; i < len; i++) {
        at[i] = (uint8_t)(value >> 8 * (len - 1 - i));
    }
}

/* The time in a pcap record's header, in µs. */
static inline uint64_t record_us(const uint8_t *record)
{
    return (uint64_t)le32(record) * 1000000 + le32(record + 4);
}

static inline void put_record(uint8_t *record, uint64_t time_us, uint32_t len)
{
    put_le32(record, (uint32_t)(time_us / 1000000));
    put_le32(record + 4, (uint32_t)(time_us % 1000000));
    put_le32(record + 8, len);
    put_le32(record + 12, len);
}

#endif
