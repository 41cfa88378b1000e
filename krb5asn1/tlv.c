#include "krb5asn1/tlv.h"

#include "base/cursor.h"
#include "krb5asn1/heimdal.h"

#define LENGTH_OCTETS_MAX 4 /* behind the first one; 32 bits name more than any capture holds */
#define FIELDS_MAX 64       /* elements looked at in one SEQUENCE */

enum tlv_result tlv_next(struct bytes *rest, struct tlv *out)
{
    Der_class class;
    Der_type form;
    unsigned tag;
    size_t tag_len;
    size_t len;
    size_t length_len;
    *out = (struct tlv){0};
    if (rest->len == 0) {
        return TLV_END;
    }
    if ((rest->at[0] & 0x1F) == 0x1F ||
        der_get_tag(rest->at, rest->len, &class, &form, &tag, &tag_len) != 0) {
        return TLV_WRONG;
    }
    struct bytes after = bytes_part(*rest, tag_len, rest->len);
    if (after.len == 0) {
        return TLV_CUT;
    }
    size_t octets = after.at[0] < 0x80 ? 0 : after.at[0] & 0x7Fu;
    if (after.at[0] == 0x80 || octets > LENGTH_OCTETS_MAX) {
        return TLV_WRONG;
    }
    if (after.len < 1 + octets) {
        return TLV_CUT;
    }
    if (der_get_length(after.at, after.len, &len, &length_len) != 0) {
        return TLV_WRONG;
    }
    out->tag = MAKE_TAG((unsigned)class, (unsigned)form, tag);
    out->header_len = tag_len + length_len;
    out->len = len;
    out->content = bytes_part(*rest, out->header_len, len);
    out->raw = bytes_part(*rest, 0, out->header_len + out->content.len);
    out->whole = out->content.len == len;
    *rest = bytes_part(*rest, out->raw.len, rest->len);
    return TLV_OK;
}

bool tlv_expect(struct bytes *rest, unsigned tag, struct tlv *out)
{
    return tlv_next(rest, out) == TLV_OK && out->tag == tag;
}

bool tlv_field(struct bytes sequence, unsigned number, struct tlv *out)
{
    struct tlv field;
    for (size_t i = 0; i < FIELDS_MAX && tlv_next(&sequence, &field) == TLV_OK; i++) {
        if (field.tag == TLV_CONTEXT(number)) {
            struct bytes inside = field.content;
            return tlv_next(&inside, out) == TLV_OK;
        }
    }
    return false;
}

bool tlv_integer(const struct tlv *element, int32_t *out)
{
    struct bytes octets = element->content;
    int value;
    if (element->tag != TLV_INTEGER || !element->whole) {
        return false;
    }
    if (octets.len == 5 && octets.at[0] == 0) {
        *out = (int32_t)bytes_u32be_at(octets, 1);
        return true;
    }
    if (der_get_integer(octets.at, octets.len, &value, NULL) != 0) {
        return false;
    }
    *out = value;
    return true;
}

bool tlv_flags(const struct tlv *element, uint32_t *out)
{
    /* The first octet counts the unused bits at the end. */
    if (element->tag != TLV_BIT_STRING || !element->whole || element->content.len < 2) {
        return false;
    }
    uint32_t flags = 0;
    for (size_t i = 1; i <= 4; i++) {
        flags = flags << 8 | (i < element->content.len ? element->content.at[i] : 0u);
    }
    *out = flags;
    return true;
}
