/* NTLMSSP (MS-NLMP 2.2.1): everything becomes zero but the fixed part and the fields that are
 * understood, which are written back with their names replaced. */
#include "redact/scrub.h"

#include "base/cursor.h"
#include "decode/ntlm.h"

#include <string.h>

#define NTLM_BYTES_MAX 65536 /* of a message; a longer one becomes zero as a whole */
#define UNICODE 0x00000001u  /* NTLMSSP_NEGOTIATE_UNICODE */
#define VERSION 0x02000000u  /* NTLMSSP_NEGOTIATE_VERSION */
#define REVISION 0x0f000000u /* NTLMSSP_REVISION_W2K3 behind three zeros */
#define VERSION_BYTES 8
#define FIELD_BYTES 8      /* length, room, offset */
#define PROOF_BYTES 16     /* NTLMv2: NTProofStr, then the blob */
#define BLOB_HEAD_BYTES 28 /* versions, time, client challenge */
#define AV_PAIRS_MAX 32

enum { AV_END = 0, AV_FLAGS = 6, AV_TIME = 7, AV_TARGET = 9, AV_BINDINGS = 10 };

struct ntlm_copy {
    struct pseudonyms *p;
    const uint8_t *was;
    uint8_t *out;
    size_t len;
    bool is_unicode, has_version;
};

static uint32_t u32_at(const struct ntlm_copy *m, size_t offset)
{
    struct bytes all = {.at = m->was, .len = m->len};
    struct cursor c = cursor_over(bytes_part(all, offset, 4));
    return cursor_u32le(&c);
}

static uint16_t u16_at(const struct ntlm_copy *m, size_t offset)
{
    struct bytes all = {.at = m->was, .len = m->len};
    struct cursor c = cursor_over(bytes_part(all, offset, 2));
    return cursor_u16le(&c);
}

static void keep(const struct ntlm_copy *m, size_t offset, size_t len)
{
    if (offset < m->len) {
        memcpy(m->out + offset, m->was + offset, len < m->len - offset ? len : m->len - offset);
    }
}

/* Where a field of the fixed part points; false: nowhere. */
static bool field(const struct ntlm_copy *m, size_t at, size_t *offset, size_t *len)
{
    *len = u16_at(m, at);
    *offset = u32_at(m, at + 4);
    if (*len == 0 || *offset >= m->len || at + FIELD_BYTES > m->len) {
        return false;
    }
    *len = *len < m->len - *offset ? *len : m->len - *offset;
    return true;
}

static void name(const struct ntlm_copy *m, size_t offset, size_t len, bool is_unicode)
{
    keep(m, offset, len);
    if (is_unicode) {
        pseudonym_utf16(m->p, m->out + offset, len - len % 2);
    } else {
        pseudonym_text(m->p, m->out + offset, len);
    }
}

static void name_field(const struct ntlm_copy *m, size_t at, bool is_unicode)
{
    size_t offset, len;
    if (field(m, at, &offset, &len)) {
        name(m, offset, len, is_unicode);
    }
}

static void secret_field(const struct ntlm_copy *m, size_t at)
{
    size_t offset, len;
    if (field(m, at, &offset, &len)) {
        keep(m, offset, len);
        pseudonym_secret(m->p, m->out + offset, len, REDACTED_NTLM_SECRETS);
    }
}

/* 2.2.2.1: id, length, value. */
static void av_pairs(const struct ntlm_copy *m, size_t offset, size_t end)
{
    for (unsigned i = 0; i < AV_PAIRS_MAX && offset + 4 <= end; i++) {
        uint16_t id = u16_at(m, offset);
        size_t len = u16_at(m, offset + 2);
        keep(m, offset, 4);
        offset += 4;
        if (id == AV_END || len > end - offset) {
            return;
        }
        if ((id >= 1 && id <= 5) || id == AV_TARGET) {
            name(m, offset, len, true);
        } else if ((id == AV_TIME && len == 8) || (id == AV_FLAGS && len == 4)) {
            keep(m, offset, len);
        } else {
            bool is_zero = true;
            for (size_t j = 0; j < len; j++) {
                is_zero = is_zero && m->was[offset + j] == 0;
            }
            keep(m, offset, len);
            if (!is_zero) {
                pseudonym_secret(m->p, m->out + offset, len, REDACTED_NTLM_SECRETS);
            }
        }
        offset += len;
    }
}

/* 2.2.2.7, 2.2.2.8: a proof, then times and the names that the client was told. */
static void nt_response(const struct ntlm_copy *m, size_t at)
{
    size_t offset, len;
    if (!field(m, at, &offset, &len)) {
        return;
    }
    if (len <= PROOF_BYTES + BLOB_HEAD_BYTES) {
        secret_field(m, at);
        return;
    }
    keep(m, offset, PROOF_BYTES + 16); /* versions, reserved and time; the challenge is not kept */
    pseudonym_secret(m->p, m->out + offset, PROOF_BYTES, REDACTED_NTLM_SECRETS);
    av_pairs(m, offset + PROOF_BYTES + BLOB_HEAD_BYTES, offset + len);
}

/* 2.2.2.10: numbers of a Windows, three zeros, the revision. */
static void version(const struct ntlm_copy *m, size_t at)
{
    if (m->has_version && u32_at(m, at + 4) == REVISION) {
        keep(m, at, VERSION_BYTES);
    }
}

static void fields(const struct ntlm_copy *m, uint32_t type)
{
    size_t offset, len;
    switch (type) {
    case NTLM_NEGOTIATE:
        keep(m, 0, 32);
        version(m, 32);
        name_field(m, 16, false);
        name_field(m, 24, false);
        break;
    case NTLM_CHALLENGE:
        keep(m, 0, 24); /* not the challenge */
        keep(m, 32, 16);
        version(m, 48);
        name_field(m, 12, m->is_unicode);
        if (field(m, 40, &offset, &len)) {
            av_pairs(m, offset, offset + len);
        }
        break;
    case NTLM_AUTHENTICATE:
        keep(m, 0, 64);
        version(m, 64);
        secret_field(m, 12);
        nt_response(m, 20);
        name_field(m, 28, m->is_unicode);
        name_field(m, 36, m->is_unicode);
        name_field(m, 44, m->is_unicode);
        secret_field(m, 52);
        break;
    default:
        keep(m, 0, 12);
        break;
    }
}

void scrub_ntlm(struct pseudonyms *p, uint8_t *at, size_t len)
{
    static uint8_t was[NTLM_BYTES_MAX]; /* one message at a time */
    struct ntlm_copy m = {.p = p, .was = was, .out = at, .len = len};
    if (len > sizeof was) {
        pseudonym_secret(p, at, len, REDACTED_NTLM_SECRETS);
        return;
    }
    memcpy(was, at, len);
    memset(at, 0, len);
    uint32_t type = u32_at(&m, 8);
    uint32_t flags = u32_at(&m, type == NTLM_NEGOTIATE ? 12 : type == NTLM_CHALLENGE ? 20 : 60);
    m.is_unicode = (flags & UNICODE) != 0;
    m.has_version = (flags & VERSION) != 0;
    fields(&m, type);
    /* the fixed part again: a field that points there must not have changed it */
    static const size_t fixed[] = {12, 32, 24, 64};
    size_t head = type <= NTLM_AUTHENTICATE ? fixed[type] : 12;
    keep(&m, 0, head);
}
