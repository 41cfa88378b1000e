/* DNS, mDNS, LLMNR and NetBIOS names (RFC 1035 4.1, RFC 1002 4.2). Labels are replaced where they
 * lie, each once, whoever points at them. */
#include "redact/scrub.h"

#include "base/cursor.h"

#include <string.h>

#define MESSAGE_BYTES_MAX 65535
#define NAME_LABELS_MAX 128
#define NAME_BYTES_MAX 255
#define RECORDS_MAX 4096
#define NETBIOS_LABEL_BYTES 32 /* a name of 16 bytes, a nibble a letter */
#define NETBIOS_NAME_BYTES 15

enum {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_MX = 15,
    TYPE_AAAA = 28,
    TYPE_NB = 32,
    TYPE_SRV = 33,
    TYPE_DNAME = 39,
    TYPE_TKEY = 249
};

struct dns_copy {
    struct pseudonyms *p;
    const uint8_t *was;
    uint8_t *out;
    size_t len;
    bool is_netbios;
    uint8_t done[MESSAGE_BYTES_MAX / 8 + 1]; /* labels, by where they begin */
};

static unsigned byte_at(const struct dns_copy *m, size_t at)
{
    return bytes_u8_at((struct bytes){.at = m->was, .len = m->len}, at);
}

static unsigned word_at(const struct dns_copy *m, size_t at)
{
    return bytes_u16be_at((struct bytes){.at = m->was, .len = m->len}, at);
}

static void keep(const struct dns_copy *m, size_t at, size_t len)
{
    if (at < m->len) {
        memcpy(m->out + at, m->was + at, len < m->len - at ? len : m->len - at);
    }
}

/* RFC 1001 14.1: 'A' + nibble, twice for each byte of a name that blanks fill to 15 bytes. */
static void netbios_label(const struct dns_copy *m, size_t at)
{
    uint8_t text[NETBIOS_NAME_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < NETBIOS_NAME_BYTES; i++) {
        text[i] =
            (uint8_t)((m->was[at + 2 * i] - 'A') << 4 | ((m->was[at + 2 * i + 1] - 'A') & 15));
        len = text[i] > ' ' ? i + 1 : len;
    }
    pseudonym_text(m->p, text, len);
    keep(m, at, NETBIOS_LABEL_BYTES);
    for (size_t i = 0; i < NETBIOS_NAME_BYTES; i++) {
        m->out[at + 2 * i] = (uint8_t)('A' + (text[i] >> 4));
        m->out[at + 2 * i + 1] = (uint8_t)('A' + (text[i] & 15));
    }
}

/* The labels of a name that begins at `at`, gathered as text with dots, replaced and put back.
 * Returns where the name ends at its place. */
static size_t name(struct dns_copy *m, size_t at)
{
    uint8_t text[NAME_BYTES_MAX + 1];
    size_t places[NAME_LABELS_MAX];
    size_t lens[NAME_LABELS_MAX];
    size_t num = 0;
    size_t len = 0;
    size_t end = 0; /* 0: no pointer was followed yet */
    for (size_t steps = 0; steps < NAME_LABELS_MAX && at < m->len; steps++) {
        unsigned size = byte_at(m, at);
        if (size >= 0xc0) {
            keep(m, at, 2);
            end = end == 0 ? at + 2 : end;
            size_t to = word_at(m, at) & 0x3fffu;
            if (to >= at) {
                break;
            }
            at = to;
            continue;
        }
        keep(m, at, 1);
        at++;
        if (size == 0 || size > 63 || size > m->len - at || len + size + 1 > sizeof text) {
            break;
        }
        places[num] = at;
        lens[num++] = size;
        memcpy(text + len, m->was + at, size);
        text[len + size] = '.';
        len += size + 1;
        at += size;
    }
    end = end == 0 ? at : end;
    for (size_t i = 0; i < len; i++) { /* a dot within a label is none between two */
        text[i] = text[i] <= ' ' ? '_' : text[i];
    }
    pseudonym_text(m->p, text, len > 0 ? len - 1 : 0);
    for (size_t i = 0, from = 0; i < num; from += lens[i++] + 1) {
        uint8_t *flags = &m->done[places[i] / 8];
        uint8_t flag = (uint8_t)(1u << places[i] % 8);
        if ((*flags & flag) != 0) {
            continue;
        }
        *flags |= flag;
        if (m->is_netbios && i == 0 && lens[i] == NETBIOS_LABEL_BYTES) {
            netbios_label(m, places[i]);
        } else {
            memcpy(m->out + places[i], text + from, lens[i]);
        }
    }
    return end;
}

static void address(const struct dns_copy *m, size_t at, size_t len)
{
    if (at + len <= m->len) {
        keep(m, at, len);
        pseudonym_address(m->p, m->out + at, len);
    }
}

/* RFC 2930 2: algorithm, times, mode, error, the key's length, the key, other data by length. */
static void tkey(struct dns_copy *m, size_t at, size_t end)
{
    enum { NUMBERS_BYTES = 14, LENGTH_BYTES = 2 };
    size_t numbers = name(m, at);
    size_t key = numbers + NUMBERS_BYTES;
    if (key > end) {
        return;
    }
    size_t len = word_at(m, key - LENGTH_BYTES);
    len = len < end - key ? len : end - key;
    keep(m, numbers, NUMBERS_BYTES + len + LENGTH_BYTES);
    scrub_token(m->p, m->out + key, len);
}

static void data(struct dns_copy *m, unsigned type, size_t at, size_t len)
{
    switch (type) {
    case TYPE_A:
        if (len == 4) {
            address(m, at, len);
        }
        break;
    case TYPE_AAAA:
        if (len == 16) {
            address(m, at, len);
        }
        break;
    case TYPE_NS:
    case TYPE_CNAME:
    case TYPE_PTR:
    case TYPE_DNAME:
        (void)name(m, at);
        break;
    case TYPE_SOA:
        keep(m, name(m, name(m, at)), 20);
        break;
    case TYPE_MX:
        keep(m, at, 2);
        (void)name(m, at + 2);
        break;
    case TYPE_SRV:
        if (m->is_netbios) { /* 33 is NBSTAT there */
            break;
        }
        keep(m, at, 6);
        (void)name(m, at + 6);
        break;
    case TYPE_TKEY:
        tkey(m, at, at + len);
        break;
    case TYPE_NB:
        for (size_t i = 0; m->is_netbios && i + 6 <= len; i += 6) {
            keep(m, at + i, 2);
            address(m, at + i + 2, 4);
        }
        break;
    default:
        break;
    }
}

void scrub_dns(struct pseudonyms *p, uint8_t *at, size_t len, enum dns_flavour flavour)
{
    static uint8_t was[MESSAGE_BYTES_MAX]; /* one message at a time */
    static struct dns_copy m;
    if (len > sizeof was) {
        memset(at, 0, len);
        return;
    }
    memcpy(was, at, len);
    memset(at, 0, len);
    m = (struct dns_copy){
        .p = p, .was = was, .out = at, .len = len, .is_netbios = flavour == DNS_NBNS};
    keep(&m, 0, 12);
    size_t next = 12;
    size_t questions = word_at(&m, 4);
    size_t records = (size_t)word_at(&m, 6) + word_at(&m, 8) + word_at(&m, 10);
    for (size_t i = 0; i < questions && i < RECORDS_MAX && next < len; i++) {
        next = name(&m, next);
        keep(&m, next, 4);
        next += 4;
    }
    for (size_t i = 0; i < records && i < RECORDS_MAX && next < len; i++) {
        next = name(&m, next);
        keep(&m, next, 10); /* type, class, time to live, length */
        unsigned type = word_at(&m, next);
        size_t data_len = word_at(&m, next + 8);
        next += 10;
        if (next < len) {
            data(&m, type, next, data_len < len - next ? data_len : len - next);
        }
        next += data_len;
    }
}
