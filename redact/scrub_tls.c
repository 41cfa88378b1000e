/* TLS (RFC 8446 4.1.2, 4.1.3, 5.1): a hello keeps its kind and length and says nothing else; the
 * records behind it become records of an application, in which no reader looks for a handshake.
 *
 *      hello   | 22 | version | length | 1, 2 | length | version | 32 zeros | 0 | …
 *      client  … | 2 | 00 ff | 1 | 0 | extensions
 *      server  … | suite | 0 | extensions        one extension: padding (RFC 7685)
 */
#include "redact/scrub_carrier.h"

#include "base/cursor.h"

enum {
    HEADER_BYTES = 5,
    TYPE_HANDSHAKE = 22,
    TYPE_DATA = 23,
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    KIND_BYTES = 4, /* of a hello: kind, length */
    VERSION_BYTES = 2,
    RANDOM_BYTES = 32,
    SUITE_NONE = 0xff, /* TLS_EMPTY_RENEGOTIATION_INFO_SCSV: 00 ff */
    PADDING = 21,
    LENGTH_BYTES = 2,
};

static void put(const struct copy *c, size_t at, size_t value)
{
    if (at + 1 < c->len) {
        c->out[at] = (uint8_t)(value >> 8);
        c->out[at + 1] = (uint8_t)value;
    }
}

static void hello(const struct copy *c, uint8_t kind)
{
    size_t end = HEADER_BYTES + KIND_BYTES + (bytes_u32be_at(copy_was(c), HEADER_BYTES) & 0xffffff);
    size_t at = HEADER_BYTES + KIND_BYTES + VERSION_BYTES + RANDOM_BYTES + 1;
    copy_keep(c, HEADER_BYTES, KIND_BYTES + VERSION_BYTES);
    if (kind == CLIENT_HELLO) {
        put(c, at, 2);
        put(c, at + 2, SUITE_NONE);
        put(c, at + 4, 1 << 8);
        at += 6;
    } else {
        put(c, at, SUITE_NONE);
        at += 3;
    }
    if (at + 3 * LENGTH_BYTES <= end) {
        put(c, at, end - at - LENGTH_BYTES);
        put(c, at + 2, PADDING);
        put(c, at + 4, end - at - 3 * LENGTH_BYTES);
    }
}

void scrub_tls(const struct copy *c)
{
    uint8_t kind = bytes_u8_at(copy_was(c), HEADER_BYTES);
    bool is_handshake = bytes_u8_at(copy_was(c), 0) == TYPE_HANDSHAKE;
    copy_keep(c, 0, HEADER_BYTES);
    if (is_handshake && (kind == CLIENT_HELLO || kind == SERVER_HELLO)) {
        hello(c, kind);
    } else if (c->len > 0) {
        c->out[0] = TYPE_DATA;
    }
}
