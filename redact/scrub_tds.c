/* TDS (MS-TDS 2.2.6, 2.2.7): the numbers of a login with the names of host, user and server, and
 * where the tokens of an answer lie. Passwords, texts, columns and rows become zero. */
#include "redact/scrub_carrier.h"

#include "base/cursor.h"

enum {
    TYPE_RESPONSE = 0x04,
    TYPE_LOGIN7 = 0x10,
    TYPE_SSPI = 0x11,
    TYPE_PRELOGIN = 0x12,

    LOGIN7_BYTES = 94,
    LOGIN7_CLIENT_ID_AT = 72, /* the client's hardware address, six bytes */
    LOGIN7_CLIENT_ID_BYTES = 6,

    OPTION_BYTES = 5, /* of PRELOGIN: kind, offset, length */
    OPTION_VERSION = 0,
    OPTION_ENCRYPTION = 1,
    OPTION_MARS = 4,
    OPTION_END = 0xff,
    OPTIONS_MAX = 16,

    TOKEN_BYTES = 3, /* kind and length */
    TOKEN_SSPI = 0xed,
    TOKEN_ERROR = 0xaa,
    TOKEN_INFO = 0xab,
    TOKEN_LOGINACK = 0xad,
    TOKEN_ENVCHANGE = 0xe3,
    TOKENS_MAX = 64,
};

/* A field that the fixed part names by offset and number of characters. */
static void login_name(const struct copy *c, size_t at)
{
    copy_utf16(c, copy_u16le(c, at), (size_t)2 * copy_u16le(c, at + 2));
}

static void login(const struct copy *c)
{
    enum { HOST = 36, USER = 40, SERVER = 52 };
    size_t behind = LOGIN7_CLIENT_ID_AT + LOGIN7_CLIENT_ID_BYTES;
    login_name(c, HOST);
    login_name(c, USER);
    login_name(c, SERVER);
    copy_keep(c, 0, LOGIN7_CLIENT_ID_AT); /* last: no field lies here */
    for (size_t i = LOGIN7_CLIENT_ID_AT; i < behind && i < c->len; i++) {
        c->out[i] = 0;
    }
    copy_keep(c, behind, LOGIN7_BYTES - behind);
}

/* MS-TDS 2.2.6.5: instance, thread and trace are not kept. */
static void prelogin(const struct copy *c)
{
    size_t at = 0;
    for (unsigned i = 0; i < OPTIONS_MAX && at + OPTION_BYTES <= c->len; i++, at += OPTION_BYTES) {
        uint8_t kind = bytes_u8_at(copy_was(c), at);
        if (kind == OPTION_END) {
            break;
        }
        copy_keep(c, at, OPTION_BYTES);
        if (kind == OPTION_VERSION || kind == OPTION_ENCRYPTION || kind == OPTION_MARS) {
            copy_keep(c, bytes_u16be_at(copy_was(c), at + 1), bytes_u16be_at(copy_was(c), at + 3));
        }
    }
    copy_keep(c, at, 1);
}

static void answer(const struct copy *c)
{
    size_t at = 0;
    for (unsigned i = 0; i < TOKENS_MAX && at + TOKEN_BYTES <= c->len; i++) {
        uint8_t kind = bytes_u8_at(copy_was(c), at);
        if (kind != TOKEN_SSPI && kind != TOKEN_ERROR && kind != TOKEN_INFO &&
            kind != TOKEN_LOGINACK && kind != TOKEN_ENVCHANGE) {
            break;
        }
        copy_keep(c, at, TOKEN_BYTES);
        at += TOKEN_BYTES + copy_u16le(c, at + 1);
    }
}

void scrub_tds(const struct copy *c, uint8_t type)
{
    switch (type) {
    case TYPE_LOGIN7:
        login(c);
        break;
    case TYPE_PRELOGIN:
        prelogin(c);
        break;
    case TYPE_RESPONSE:
        if (bytes_u8_at(copy_was(c), 0) == OPTION_VERSION) {
            prelogin(c); /* the server's */
        } else {
            answer(c);
        }
        break;
    default:
        break;
    }
}
