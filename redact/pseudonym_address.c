/* Addresses octet by octet and nibble by nibble, see pseudonym.h. Each step takes many hashes, so
 * the addresses of late are remembered. */
#include "redact/pseudonym_private.h"

#include "base/hash.h"

#include <string.h>

/* A number of `low` to `high` by a keyed permutation of that range: ranks are drawn by sorting.
 * Ranges are small (256 at most). */
static uint8_t permuted(const struct pseudonyms *p, struct bytes before, uint8_t value,
                        unsigned low, unsigned high)
{
    uint8_t order[256];
    uint8_t stream[PSEUDONYM_MAC_BYTES];
    unsigned num = high - low + 1;
    for (unsigned i = 0; i < num; i++) {
        order[i] = (uint8_t)(low + i);
    }
    for (unsigned i = num - 1; i > 0; i--) { /* Fisher and Yates */
        uint8_t tweak[] = {(uint8_t)i, (uint8_t)low};
        pseudonym_mac_of(p, 'A', before, (struct bytes){.at = tweak, .len = sizeof tweak}, stream);
        unsigned j = ((unsigned)stream[0] << 16 | (unsigned)stream[1] << 8 | stream[2]) % (i + 1);
        uint8_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    return order[value - low];
}

/* How many octets of a private, link-local, loopback or group address stay. */
static size_t kept_v4(const uint8_t *a)
{
    if (a[0] == 0 || a[0] == 127 || a[0] >= 224) {
        return 4;
    }
    if (a[0] == 10) {
        return 1;
    }
    bool is_private = (a[0] == 172 && a[1] >= 16 && a[1] <= 31) || (a[0] == 192 && a[1] == 168) ||
                      (a[0] == 169 && a[1] == 254);
    return is_private ? 2 : 0;
}

static void map_v4(struct pseudonyms *p, uint8_t *at)
{
    const uint8_t was[4] = {at[0], at[1], at[2], at[3]};
    for (size_t i = kept_v4(was); i < 4; i++) {
        unsigned low = was[i] < 10 ? 0 : was[i] < 100 ? 10 : 100;
        unsigned high = was[i] < 10 ? 9 : was[i] < 100 ? 99 : i == 0 ? 223 : 254;
        if (i == 0) { /* neither 0/8 nor 10/8 nor loopback may come out */
            low = low == 0 ? 1 : low == 10 ? 11 : 128;
        }
        if (was[i] < low || was[i] > high) {
            continue; /* 255: a broadcast stays one */
        }
        at[i] = permuted(p, (struct bytes){.at = was, .len = i}, was[i], low, high);
    }
}

/* The first bytes of a link-local, unique local or group address stay, and :: and ::1. */
static size_t kept_v6(const uint8_t *a)
{
    size_t num_zero = 0;
    while (num_zero < 15 && a[num_zero] == 0) {
        num_zero++;
    }
    if (num_zero == 15 && a[15] <= 1) {
        return 16;
    }
    return a[0] == 0xff || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) ? 2
           : (a[0] & 0xfe) == 0xfc                                 ? 1
                                                                   : 0;
}

static void map_v6(struct pseudonyms *p, uint8_t *at)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t all_nodes[2] = {0xff, 0x02};
    uint8_t nibbles[32];
    if (memcmp(at, mapped, sizeof mapped) == 0) {
        map_v4(p, at + 12);
        return;
    }
    bool is_well_known = memcmp(at, all_nodes, 2) == 0 && at[11] != 1;
    if (is_well_known) { /* ff02::1, ::2, ::1:2: no host; solicited nodes are ff02::1:ffXX:XXXX */
        return;
    }
    for (size_t i = 0; i < 32; i++) {
        nibbles[i] = i % 2 == 0 ? at[i / 2] >> 4 : at[i / 2] & 15;
    }
    for (size_t i = 2 * kept_v6(at); i < 32; i++) {
        uint8_t now = nibbles[i];
        if (now != 0) {
            now = permuted(p, (struct bytes){.at = nibbles, .len = i}, now, 1, 15);
        }
        unsigned octet = i % 2 == 0 ? (at[i / 2] & 15U) | (unsigned)now << 4
                                    : (at[i / 2] & 0xf0U) | (unsigned)now;
        at[i / 2] = (uint8_t)(octet & 0xffU);
    }
}

void pseudonym_address(struct pseudonyms *p, uint8_t *at, size_t len)
{
    if (len != 4 && len != 16) {
        pseudonym_secret(p, at, len, REDACTED_ADDRESSES);
        return;
    }
    uint64_t place = hash64((struct bytes){.at = at, .len = len});
    struct pseudonym_known *known = &p->known[place % PSEUDONYM_KNOWN_MAX];
    p->num[REDACTED_ADDRESSES]++;
    if (known->len != len || memcmp(known->was, at, len) != 0) {
        known->len = len;
        memcpy(known->was, at, len);
        if (len == 4) {
            map_v4(p, at);
        } else {
            map_v6(p, at);
        }
        memcpy(known->now, at, len);
        return;
    }
    memcpy(at, known->now, len);
}

/* The group bit and the kind stay; of a group that is made from an address, its prefix. */
void pseudonym_mac(struct pseudonyms *p, uint8_t *at)
{
    static const uint8_t none[6] = {0};
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint8_t mac[PSEUDONYM_MAC_BYTES];
    if (memcmp(at, none, 6) == 0 || memcmp(at, all, 6) == 0) {
        return;
    }
    bool is_group = (at[0] & 1) != 0;
    pseudonym_mac_of(p, 'M', (struct bytes){.at = at, .len = 6}, (struct bytes){0}, mac);
    size_t from = is_group ? 3 : 1;
    if (!is_group) {
        at[0] = (uint8_t)((at[0] & 3) | (mac[0] & 0xfc));
    }
    memcpy(at + from, mac + from, 6 - from);
    p->num[REDACTED_MACS]++;
}
