/* A walk over nested elements with a stack of its own. What a primitive element may keep is told by
 * its tag alone, so that a field nobody thought of cannot get through. */
#include "redact/scrub.h"

#include "base/cursor.h"
#include "decode/krb_transport.h"
#include "krb5asn1/tlv.h"

#include <string.h>

#define DEPTH_MAX 48         /* nested elements; deeper ones become zero */
#define INTEGER_BYTES_MAX 9  /* of numbers that stay; longer ones are keys */
#define BITS_BYTES_MAX 5     /* of flags that stay */
#define NTSTATUS_BYTES 12    /* KERB_EXT_ERROR, MS-KILE 2.2.1 */
#define SIGNATURE_BYTES 16   /* NTLM's */
#define KPASSWD_HEAD_BYTES 6 /* RFC 3244 2 */
#define ADDRESS_FIELD 0xA1u  /* HostAddress: addr-type [0], address [1] (RFC 4120 5.2.5) */

enum {
    TAG_BOOLEAN = 0x01,
    TAG_NULL = 0x05,
    TAG_UTF8 = 0x0C,
    TAG_PRINTABLE = 0x13,
    TAG_TELETEX = 0x14,
    TAG_IA5 = 0x16,
    TAG_UTC_TIME = 0x17,
    TAG_TIME = 0x18,
    TAG_VISIBLE = 0x1A,
    TAG_CONSTRUCTED = 0x20,
    TAG_CLASS = 0xC0,
    TAG_CONTEXT = 0x80, /* an implicit tag, as of PKINIT's signedAuthPack (RFC 4556 3.2.1) */
};

struct level {
    uint8_t *at;
    size_t left;
    unsigned tag;     /* of the element whose content this is */
    bool has_address; /* a HostAddress: its addr-type was an address family */
};

/* NTSTATUS, reserved 0, flags: what a Windows KDC says beside its error. */
static bool is_ext_error(const uint8_t *at, size_t len)
{
    struct bytes b = {.at = at, .len = len};
    return len == NTSTATUS_BYTES && bytes_u32be_at(b, 4) == 0 &&
           (bytes_u8_at(b, 3) == 0xc0 || bytes_u8_at(b, 3) == 0) && bytes_u8_at(b, 9) == 0 &&
           bytes_u8_at(b, 10) == 0 && bytes_u8_at(b, 11) == 0;
}

/* Does an octet string hold one element, whole or cut as the message is? Numbers are none: octets
 * that merely look like one would stay. */
static bool holds_element(uint8_t *at, size_t len, bool is_cut)
{
    struct bytes rest = {.at = at, .len = len};
    struct tlv inner;
    if (len < 2 ||
        ((at[0] & TAG_CONSTRUCTED) == 0 && at[0] != TLV_OCTET_STRING && at[0] != TLV_BIT_STRING) ||
        tlv_next(&rest, &inner) != TLV_OK) {
        return false;
    }
    return inner.header_len + inner.len == len || (is_cut && !inner.whole);
}

/* A public key, bits that are one element: RSA's SEQUENCE (RFC 3279 2.3.1), or a long number of
 * Diffie and Hellman's (2.3.3), behind the count of unused bits. */
static bool holds_key(uint8_t *at, size_t len)
{
    bool is_number = len > INTEGER_BYTES_MAX + 4 && at[0] == 0 && at[1] == TLV_INTEGER;
    struct bytes rest = {.at = at + 1, .len = len - 1};
    struct tlv inner;
    if (is_number && tlv_next(&rest, &inner) == TLV_OK) {
        return inner.len > INTEGER_BYTES_MAX && inner.header_len + inner.len == len - 1;
    }
    return len > 1 && at[0] == 0 && (at[1] & TAG_CONSTRUCTED) != 0 &&
           holds_element(at + 1, len - 1, false);
}

static void octet_string(struct pseudonyms *p, uint8_t *at, size_t len, bool is_address)
{
    static const char ntlmssp[] = "NTLMSSP";         /* with its NUL */
    static const uint8_t signature[] = {1, 0, 0, 0}; /* NTLM's, as mechListMIC: MS-NLMP 2.2.2.9 */
    if (is_address && (len == 4 || len == 16)) {
        pseudonym_address(p, at, len);
    } else if (len == SIGNATURE_BYTES && memcmp(at, signature, sizeof signature) == 0) {
        pseudonym_secret(p, at + sizeof signature, len - sizeof signature, REDACTED_NTLM_SECRETS);
    } else if (len > sizeof ntlmssp && memcmp(at, ntlmssp, sizeof ntlmssp) == 0) {
        scrub_ntlm(p, at, len);
    } else if (!is_ext_error(at, len)) {
        pseudonym_secret(p, at, len, REDACTED_CIPHERTEXTS);
    }
}

static void primitive(struct pseudonyms *p, unsigned tag, uint8_t *at, size_t len, bool is_address)
{
    switch (tag) {
    case TAG_BOOLEAN:
    case TAG_NULL:
    case TLV_OID:
    case TLV_ENUMERATED:
    case TAG_UTC_TIME:
    case TAG_TIME:
        if (len <= 32) {
            return;
        }
        break;
    case TLV_INTEGER:
        if (len <= INTEGER_BYTES_MAX) {
            return;
        }
        break;
    case TLV_BIT_STRING:
        if (len > BITS_BYTES_MAX) { /* the first byte counts unused bits: X.690 8.6.2 */
            pseudonym_secret(p, at + 1, len - 1, REDACTED_CIPHERTEXTS);
        }
        return;
    case TLV_GENERAL_STRING:
    case TAG_UTF8:
    case TAG_PRINTABLE:
    case TAG_TELETEX:
    case TAG_IA5:
    case TAG_VISIBLE:
        pseudonym_text(p, at, len);
        return;
    case TLV_OCTET_STRING:
        octet_string(p, at, len, is_address);
        return;
    default:
        break;
    }
    pseudonym_secret(p, at, len, REDACTED_CIPHERTEXTS);
}

/* The address families of RFC 4120 7.5.3 whose octets are an address of ours. */
static bool is_address_type(const uint8_t *at, size_t len)
{
    return len == 1 && (at[0] == 2 || at[0] == 24);
}

void scrub_der(struct pseudonyms *p, uint8_t *at, size_t len)
{
    struct level stack[DEPTH_MAX];
    size_t depth = 1;
    stack[0] = (struct level){.at = at, .left = len};
    while (depth > 0) {
        struct level *l = &stack[depth - 1];
        struct bytes rest = {.at = l->at, .len = l->left};
        struct tlv t;
        if (l->left == 0) {
            depth--;
            continue;
        }
        if (tlv_next(&rest, &t) != TLV_OK) { /* none, or cut in its header */
            pseudonym_secret(p, l->at, l->left, REDACTED_CIPHERTEXTS);
            depth--;
            continue;
        }
        uint8_t *content = l->at + (t.content.at == NULL ? l->left : t.header_len);
        size_t content_len = t.content.len;
        size_t taken = content_len + t.header_len;
        taken = taken < l->left ? taken : l->left;
        l->at += taken;
        l->left -= taken;
        /* HostAddress: the number of [0] says what the octets of [1] are */
        struct level *sequence = depth > 1 ? &stack[depth - 2] : NULL;
        if (t.tag == TLV_INTEGER && l->tag == TLV_CONTEXT(0) && sequence != NULL) {
            sequence->has_address = is_address_type(content, content_len);
        }
        bool is_address =
            l->tag == ADDRESS_FIELD && sequence != NULL && sequence->has_address && t.whole;
        bool is_octets = t.tag == TLV_OCTET_STRING || (t.tag & TAG_CLASS) == TAG_CONTEXT;
        bool is_key = t.tag == TLV_BIT_STRING && holds_key(content, content_len);
        bool descends = (t.tag & TAG_CONSTRUCTED) != 0 || is_key ||
                        (is_octets && !is_address && holds_element(content, content_len, !t.whole));
        content += is_key ? 1 : 0;
        content_len -= is_key ? 1 : 0;
        if (!descends) {
            primitive(p, t.tag, content, content_len, is_address);
        } else if (depth == DEPTH_MAX) {
            pseudonym_secret(p, content, content_len, REDACTED_CIPHERTEXTS);
        } else {
            stack[depth++] = (struct level){.at = content, .left = content_len, .tag = t.tag};
        }
    }
}

void scrub_krb(struct pseudonyms *p, uint8_t *at, size_t len)
{
    struct bytes message = {.at = at, .len = len};
    struct kpasswd_message kpasswd = {0};
    size_t used = 0;
    if (krb_looks_like(message, &used) ||
        kpasswd_decode(message, &kpasswd, &used, NULL) == VERDICT_BAD) {
        scrub_der(p, at, len);
    } else if (len > KPASSWD_HEAD_BYTES) {
        size_t ap_len = kpasswd.ap.len;
        scrub_der(p, at + KPASSWD_HEAD_BYTES, ap_len);
        scrub_der(p, at + KPASSWD_HEAD_BYTES + ap_len, len - KPASSWD_HEAD_BYTES - ap_len);
    }
}

void scrub_token(struct pseudonyms *p, uint8_t *at, size_t len)
{
    static const char ntlmssp[] = "NTLMSSP";
    if (len >= sizeof ntlmssp && memcmp(at, ntlmssp, sizeof ntlmssp) == 0) {
        scrub_ntlm(p, at, len);
    } else {
        scrub_der(p, at, len);
    }
}
