#include "krb5asn1/padata.h"

#include "base/cursor.h"
#include "krb5asn1/copy.h"
#include "krb5asn1/tlv.h"

#include "mskile_asn1.h"

#define ETYPE_INFOS_MAX KRB_ETYPES_MAX
#define EXT_ERROR_LEN 12 /* MS-KILE 2.2.2: status, reserved, flags; 4 bytes each */

/* MS-KILE 2.2.1, data-type */
#define ERROR_DATA_SKEW 2
#define ERROR_DATA_EXTENDED 3

static void read_etype_info(struct arena *arena, struct krb_padata *out, struct bytes value)
{
    ETYPE_INFO list;
    if (decode_ETYPE_INFO(value.at, value.len, &list, NULL) != 0) {
        return;
    }
    size_t num = list.len < ETYPE_INFOS_MAX ? list.len : ETYPE_INFOS_MAX;
    struct krb_etype_info *infos = arena_alloc_array(arena, num, sizeof *infos);
    for (size_t i = 0; infos != NULL && i < num; i++) {
        const ETYPE_INFO_ENTRY *entry = &list.val[i];
        infos[i].etype = (int32_t)entry->etype;
        infos[i].has_salt = entry->salt != NULL;
        if (infos[i].has_salt) {
            infos[i].salt = copy_octets(arena, entry->salt);
        }
    }
    out->infos = infos;
    out->num_infos = infos != NULL ? num : 0;
    free_ETYPE_INFO(&list);
}

static void read_etype_info2(struct arena *arena, struct krb_padata *out, struct bytes value)
{
    ETYPE_INFO2 list;
    if (decode_ETYPE_INFO2(value.at, value.len, &list, NULL) != 0) {
        return;
    }
    size_t num = list.len < ETYPE_INFOS_MAX ? list.len : ETYPE_INFOS_MAX;
    struct krb_etype_info *infos = arena_alloc_array(arena, num, sizeof *infos);
    for (size_t i = 0; infos != NULL && i < num; i++) {
        const ETYPE_INFO2_ENTRY *entry = &list.val[i];
        infos[i].etype = (int32_t)entry->etype;
        infos[i].has_salt = entry->salt != NULL;
        if (infos[i].has_salt) {
            infos[i].salt = copy_string(arena, *entry->salt);
        }
    }
    out->infos = infos;
    out->num_infos = infos != NULL ? num : 0;
    free_ETYPE_INFO2(&list);
}

static void read_encrypted(struct krb_padata *out, struct bytes value)
{
    EncryptedData enc;
    if (decode_EncryptedData(value.at, value.len, &enc, NULL) == 0) {
        out->enc = copy_enc(&enc);
        free_EncryptedData(&enc);
    }
}

static void read_for_user(struct arena *arena, struct krb_padata *out, struct bytes value)
{
    PA_S4U2Self self;
    if (decode_PA_S4U2Self(value.at, value.len, &self, NULL) == 0) {
        out->user = copy_name(arena, &self.name);
        out->user_realm = copy_string(arena, self.realm);
        free_PA_S4U2Self(&self);
    }
}

static void read_for_x509_user(struct arena *arena, struct krb_padata *out, struct bytes value)
{
    MSKILE_S4U_X509_USER x509;
    if (decode_MSKILE_S4U_X509_USER(value.at, value.len, &x509, NULL) == 0) {
        if (x509.user_id.cname != NULL) {
            out->user = copy_name(arena, x509.user_id.cname);
        }
        out->user_realm = copy_string(arena, x509.user_id.crealm);
        free_MSKILE_S4U_X509_USER(&x509);
    }
}

static void read_pac_request(struct krb_padata *out, struct bytes value)
{
    PA_PAC_REQUEST request;
    if (decode_PA_PAC_REQUEST(value.at, value.len, &request, NULL) == 0) {
        out->has_flags = true;
        out->flags = request.include_pac != 0;
        free_PA_PAC_REQUEST(&request);
    }
}

/* MS-KILE 2.2.10: KerberosFlags, 32 bits or more. */
static void read_pac_options(struct krb_padata *out, struct bytes value)
{
    MSKILE_PAC_OPTIONS options;
    if (decode_MSKILE_PAC_OPTIONS(value.at, value.len, &options, NULL) != 0) {
        return;
    }
    struct bytes bits = {.at = options.flags.data, .len = (options.flags.length + 7) / 8};
    out->has_flags = true;
    for (size_t i = 0; i < 4; i++) {
        out->flags = out->flags << 8 | bytes_u8_at(bits, i);
    }
    free_MSKILE_PAC_OPTIONS(&options);
}

/* RFC 6113 5.4.2 and 5.4.3. A reply has no req-checksum, so it never passes for a request. In
 * METHOD-DATA the value is empty. */
static void read_fast(struct krb_padata *out, struct bytes value)
{
    PA_FX_FAST_REQUEST request;
    PA_FX_FAST_REPLY reply;
    if (decode_PA_FX_FAST_REQUEST(value.at, value.len, &request, NULL) == 0) {
        if (request.element == choice_PA_FX_FAST_REQUEST_armored_data &&
            request.u.armored_data.armor != NULL) {
            out->armor_type = request.u.armored_data.armor->armor_type;
        }
        free_PA_FX_FAST_REQUEST(&request);
    } else if (decode_PA_FX_FAST_REPLY(value.at, value.len, &reply, NULL) == 0) {
        out->fast_rep = reply.element == choice_PA_FX_FAST_REPLY_armored_data;
        free_PA_FX_FAST_REPLY(&reply);
    }
}

/* MS-KILE 2.2.11: SEQUENCE OF Int32. */
static void read_key_list(struct arena *arena, struct krb_padata *out, struct bytes value)
{
    struct tlv list;
    struct tlv item;
    int etype;
    if (!tlv_expect(&value, TLV_SEQUENCE, &list)) {
        return;
    }
    struct krb_etype_info *infos = arena_alloc_array(arena, ETYPE_INFOS_MAX, sizeof *infos);
    while (infos != NULL && out->num_infos < ETYPE_INFOS_MAX &&
           tlv_expect(&list.content, TLV_INTEGER, &item) && item.whole &&
           der_get_integer(item.content.at, item.content.len, &etype, NULL) == 0) {
        infos[out->num_infos++].etype = etype;
    }
    out->infos = infos;
}

/* Which alternative of a CHOICE: RFC 4556 3.2.3 (17), draft-ietf-kitten-krb-spake-preauth (151). A
 * PA-PK-AS-REQ (RFC 4556 3.2.1) is no CHOICE. */
static void read_form(struct krb_padata *out, struct bytes value)
{
    static const char *const spake[] = {"support", "challenge", "response", "encrypted-data"};
    static const char *const pk_rep[] = {"dh-info", "encrypted-key"};
    struct tlv element;
    if (tlv_next(&value, &element) != TLV_OK) {
        return;
    }
    unsigned choice = element.tag & 0x1fU;
    if (out->type == 16 && element.tag == TLV_SEQUENCE) {
        out->form = "signed-auth-pack";
    } else if (out->type == 17 && element.tag >= 0x80 && choice < 2) {
        out->form = pk_rep[choice];
    } else if (out->type == 151 && element.tag >= TLV_CONTEXT(0) && choice < 4) {
        out->form = spake[choice];
    }
}

static bool read_ext_error(uint32_t *ntstatus, struct bytes value)
{
    if (value.len != EXT_ERROR_LEN) {
        return false;
    }
    struct cursor c = cursor_over(value);
    *ntstatus = cursor_u32le(&c);
    return true;
}

void padata_read(struct arena *arena, struct krb_padata *out, int32_t type, struct bytes value,
                 bool in_error)
{
    *out = (struct krb_padata){.type = type, .value_len = value.len};
    if (value.len == 0) {
        return;
    }
    switch (type) {
    case KRB5_PADATA_ENC_TIMESTAMP:
    case KRB5_PADATA_ENCRYPTED_CHALLENGE:
        read_encrypted(out, value);
        break;
    case KRB5_PADATA_PW_SALT:
        out->has_ntstatus = in_error && read_ext_error(&out->ntstatus, value);
        break;
    case KRB5_PADATA_ETYPE_INFO:
        read_etype_info(arena, out, value);
        break;
    case KRB5_PADATA_ETYPE_INFO2:
        read_etype_info2(arena, out, value);
        break;
    case KRB5_PADATA_PA_PAC_REQUEST:
        read_pac_request(out, value);
        break;
    case KRB5_PADATA_FOR_USER:
        read_for_user(arena, out, value);
        break;
    case KRB5_PADATA_FOR_X509_USER:
        read_for_x509_user(arena, out, value);
        break;
    case KRB5_PADATA_FX_FAST:
        read_fast(out, value);
        break;
    case KRB5_PADATA_PK_AS_REQ:
    case KRB5_PADATA_PK_AS_REP:
    case 151: /* PA-SPAKE; not in Heimdal's list */
        read_form(out, value);
        break;
    case 161: /* KERB-KEY-LIST-REQ; not in Heimdal's list */
        read_key_list(arena, out, value);
        break;
    case KRB5_PADATA_SUPPORTED_ETYPES: /* MS-KILE 2.2.8 */
        if (value.len == 4) {
            struct cursor c = cursor_over(value);
            out->has_flags = true;
            out->flags = cursor_u32le(&c);
        }
        break;
    case 167: /* PA-PAC-OPTIONS; not in Heimdal's list */
        read_pac_options(out, value);
        break;
    default:
        break;
    }
}

/* Room for num elements, KRB_PADATA_MAX at most. */
static size_t padata_room(struct arena *arena, struct krb_message *out, size_t num)
{
    num = num < KRB_PADATA_MAX ? num : KRB_PADATA_MAX;
    out->padata = arena_alloc_array(arena, num, sizeof *out->padata);
    out->num_padata = out->padata != NULL ? num : 0;
    return out->num_padata;
}

static void take_ntstatus(struct krb_message *out, const struct krb_padata *padata)
{
    if (padata->has_ntstatus) {
        out->has_ntstatus = true;
        out->ntstatus = padata->ntstatus;
    }
}

void padata_copy(struct arena *arena, struct krb_message *out, const METHOD_DATA *in)
{
    bool in_error = out->type == KRB_ERROR_MSG;
    size_t num = padata_room(arena, out, in->len);
    for (size_t i = 0; i < num; i++) {
        padata_read(arena, &out->padata[i], (int32_t)in->val[i].padata_type,
                    octets_borrowed(&in->val[i].padata_value), in_error);
        take_ntstatus(out, &out->padata[i]);
    }
}

struct bytes padata_find_tgs_req(struct bytes elements)
{
    struct tlv element;
    struct tlv type;
    struct tlv value;
    int number;
    for (size_t i = 0; i < KRB_PADATA_MAX && tlv_expect(&elements, TLV_SEQUENCE, &element); i++) {
        if (tlv_field(element.content, 1, &type) && type.tag == TLV_INTEGER && type.whole &&
            der_get_integer(type.content.at, type.content.len, &number, NULL) == 0 &&
            number == PADATA_TGS_REQ && tlv_field(element.content, 2, &value) &&
            value.tag == TLV_OCTET_STRING) {
            return value.content;
        }
    }
    return (struct bytes){0};
}

/* The elements of TYPED-DATA (RFC 4120 5.9.1) share the numbers of PA-DATA. */
static void typed_data_copy(struct arena *arena, struct krb_message *out,
                            const MSKILE_TYPED_DATA *in)
{
    size_t num = padata_room(arena, out, in->len);
    for (size_t i = 0; i < num; i++) {
        struct bytes value = {0};
        if (in->val[i].data_value != NULL) {
            value = octets_borrowed(in->val[i].data_value);
        }
        padata_read(arena, &out->padata[i], in->val[i].data_type, value, true);
        take_ntstatus(out, &out->padata[i]);
    }
}

/* KERB-ERROR-DATA and a single PA-DATA look the same: SEQUENCE { [1] type, [2] value }. Type 3 with
 * 12 bytes and type 2 with nothing are Microsoft's (a PA-PW-SALT is text, a PA-ENC-TIMESTAMP is
 * never empty when it stands alone). */
static void error_data_read(struct arena *arena, struct krb_message *out,
                            const MSKILE_ERROR_DATA *in)
{
    struct bytes value = {0};
    if (in->data_value != NULL) {
        value = octets_borrowed(in->data_value);
    }
    if (in->data_type == ERROR_DATA_EXTENDED && read_ext_error(&out->ntstatus, value)) {
        out->edata = KRB_EDATA_EXT_ERROR;
        out->has_ntstatus = true;
        return;
    }
    if (in->data_type == ERROR_DATA_SKEW && value.len == 0) {
        out->edata = KRB_EDATA_SKEW;
        return;
    }
    out->edata = KRB_EDATA_PA_DATA;
    if (padata_room(arena, out, 1) == 1) {
        padata_read(arena, out->padata, in->data_type, value, true);
        take_ntstatus(out, out->padata);
    }
}

void edata_read(struct arena *arena, struct krb_message *out, struct bytes edata)
{
    METHOD_DATA methods;
    MSKILE_TYPED_DATA typed;
    MSKILE_ERROR_DATA data;
    size_t size = 0;
    out->edata = KRB_EDATA_OTHER;
    if (edata.len == 0) {
        return;
    }
    if (decode_METHOD_DATA(edata.at, edata.len, &methods, &size) == 0) {
        out->edata = KRB_EDATA_METHOD_DATA;
        padata_copy(arena, out, &methods);
        free_METHOD_DATA(&methods);
    } else if (decode_MSKILE_TYPED_DATA(edata.at, edata.len, &typed, &size) == 0) {
        out->edata = KRB_EDATA_TYPED_DATA;
        typed_data_copy(arena, out, &typed);
        free_MSKILE_TYPED_DATA(&typed);
    } else if (decode_MSKILE_ERROR_DATA(edata.at, edata.len, &data, &size) == 0) {
        error_data_read(arena, out, &data);
        free_MSKILE_ERROR_DATA(&data);
    }
}
