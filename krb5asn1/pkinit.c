/* What is readable of PKINIT (RFC 4556): the outline of its CMS, and the client's time. */
#include "krb5asn1/copy.h"
#include "krb5asn1/padata.h"

#include <cms_asn1.h>
#include <pkinit_asn1.h>

/* The content that a CMS ContentInfo signs (RFC 5652 5.1), in *out until free_SignedData(). */
static bool open_signed_data(SignedData *out, const heim_octet_string *cms)
{
    ContentInfo info;
    bool is_open = false;
    if (decode_ContentInfo(cms->data, cms->length, &info, NULL) != 0) {
        return false;
    }
    if (info.content != NULL &&
        der_heim_oid_cmp(&info.contentType, &asn1_oid_id_pkcs7_signedData) == 0) {
        is_open = decode_SignedData(info.content->data, info.content->length, out, NULL) == 0;
    }
    free_ContentInfo(&info);
    return is_open;
}

static void take_certificates(struct krb_pkinit *out, const SignedData *data)
{
    out->is_signed_data = true;
    out->num_certificates = data->certificates == NULL ? 0 : data->certificates->len;
}

/* RFC 4556 3.2.1: AuthPack ::= SEQUENCE { pkAuthenticator [0] SEQUENCE { cusec [0], ctime [1],
 * nonce [2], … }, clientPublicValue [1], … }. By hand, since Heimdal refuses the freshness token
 * that RFC 8070 added. */
static void read_auth_pack(struct krb_pkinit *out, const heim_octet_string *content)
{
    struct bytes rest = octets_borrowed(content);
    struct tlv pack;
    struct tlv authenticator;
    struct tlv field;
    int32_t nonce;
    if (!tlv_expect(&rest, TLV_SEQUENCE, &pack) || !tlv_field(pack.content, 0, &authenticator) ||
        !tlv_field(authenticator.content, 1, &field)) {
        return;
    }
    copy_time_element(&field, &out->ctime);
    out->has_authenticator = out->ctime.present;
    if (tlv_field(authenticator.content, 0, &field)) {
        copy_usec_element(&field, &out->ctime);
    }
    if (tlv_field(authenticator.content, 2, &field) && tlv_integer(&field, &nonce)) {
        out->has_nonce = true;
        out->nonce = (uint32_t)nonce;
    }
    out->has_dh_key = tlv_field(pack.content, 1, &field);
}

const struct krb_pkinit *pkinit_request_read(struct arena *arena, struct bytes value)
{
    PA_PK_AS_REQ request;
    SignedData data;
    struct krb_pkinit *out = arena_alloc(arena, sizeof *out);
    if (out == NULL || decode_PA_PK_AS_REQ(value.at, value.len, &request, NULL) != 0) {
        return NULL;
    }
    *out = (struct krb_pkinit){.has_kdc_pk_id = request.kdcPkId != NULL};
    out->num_trusted_certifiers =
        request.trustedCertifiers == NULL ? 0 : request.trustedCertifiers->len;
    if (open_signed_data(&data, &request.signedAuthPack)) {
        take_certificates(out, &data);
        if (data.encapContentInfo.eContent != NULL) {
            read_auth_pack(out, data.encapContentInfo.eContent);
        }
        free_SignedData(&data);
    }
    free_PA_PK_AS_REQ(&request);
    return out;
}

const struct krb_pkinit *pkinit_reply_read(struct arena *arena, struct bytes value)
{
    PA_PK_AS_REP reply;
    SignedData data;
    KDCDHKeyInfo key;
    struct krb_pkinit *out = arena_alloc(arena, sizeof *out);
    if (out == NULL || decode_PA_PK_AS_REP(value.at, value.len, &reply, NULL) != 0) {
        return NULL;
    }
    *out = (struct krb_pkinit){0};
    if (reply.element == choice_PA_PK_AS_REP_dhInfo) {
        out->has_server_nonce = reply.u.dhInfo.serverDHNonce != NULL;
        if (open_signed_data(&data, &reply.u.dhInfo.dhSignedData)) {
            take_certificates(out, &data);
            const heim_octet_string *content = data.encapContentInfo.eContent;
            if (content != NULL &&
                decode_KDCDHKeyInfo(content->data, content->length, &key, NULL) == 0) {
                out->has_nonce = true;
                out->nonce = key.nonce;
                free_KDCDHKeyInfo(&key);
            }
            free_SignedData(&data);
        }
    }
    free_PA_PK_AS_REP(&reply);
    return out;
}
