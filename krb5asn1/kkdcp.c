#include "krb5asn1/kkdcp.h"

#include "krb5asn1/heimdal.h"
#include "krb5asn1/tlv.h"

#define RECORD_LENGTH_BYTES 4 /* RFC 4120 7.2.2 */

enum verdict kkdcp_decode(struct bytes input, struct kkdcp_message *out, struct flaw *flaw)
{
    struct tlv sequence;
    struct tlv field;
    int hint;
    *out = (struct kkdcp_message){.has_hint = false};
    enum tlv_result found = tlv_next(&input, &sequence);
    if (found == TLV_END || found == TLV_CUT) {
        return VERDICT_MORE;
    }
    if (found == TLV_WRONG || sequence.tag != TLV_SEQUENCE) {
        return flaw_set(flaw, 0, "no SEQUENCE", "MS-KKDCP 2.2.2");
    }
    if (!tlv_field(sequence.content, 0, &field) || field.tag != TLV_OCTET_STRING) {
        return sequence.whole
                   ? flaw_set(flaw, sequence.header_len, "no kerb-message", "MS-KKDCP 2.2.2")
                   : VERDICT_MORE;
    }
    if (field.whole && field.len < RECORD_LENGTH_BYTES) {
        return flaw_set(flaw, sequence.header_len, "kerb-message without a length",
                        "MS-KKDCP 2.2.2");
    }
    out->message = bytes_part(field.content, RECORD_LENGTH_BYTES, field.content.len);
    if (tlv_field(sequence.content, 1, &field) && field.tag == TLV_GENERAL_STRING && field.whole) {
        out->target_domain = field.content;
    }
    if (tlv_field(sequence.content, 2, &field) && field.tag == TLV_INTEGER && field.whole &&
        der_get_integer(field.content.at, field.content.len, &hint, NULL) == 0) {
        out->has_hint = true;
        out->dclocator_hint = hint;
    }
    return sequence.whole ? VERDICT_DONE : VERDICT_MORE;
}
