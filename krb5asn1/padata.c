#include "krb5asn1/padata.h"

#include "base/cursor.h"
#include "krb5asn1/copy.h"
#include "krb5asn1/tlv.h"

#include "mskile_asn1.h"

#define ETYPE_INFOS_MAX KRB_ETYPES_MAX
#define ARMOR_AP_REQUEST 1 /* RFC 6113 5.4.1, FX_FAST_ARMOR_AP_REQUEST */
#define EXT_ERROR_LEN 12   /* MS-KILE 2.2.2: status, reserved, flags; 4 bytes each */

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
        if (request.element == choice_PA_FX_FAST_REQUEST_armored_data) {
            const KrbFastArmoredReq *armored = &request.u.armored_data;
            out->armor_type = armored->armor == NULL ? 0 : armored->armor->armor_type;
            out->has_checksum = true;
            out->checksum_type = (int32_t)armored->req_checksum.cksumtype;
            out->enc = copy_enc(&armored->enc_fast_req);
        }
        free_PA_FX_FAST_REQUEST(&request);
    } else if (decode_PA_FX_FAST_REPLY(value.at, value.len, &reply, NULL) == 0) {
        out->fast_rep = reply.element == choice_PA_FX_FAST_REPLY_armored_data;
        if (out->fast_rep) {
            out->enc = copy_enc(&reply.u.armored_data.enc_fast_rep);
        }
        free_PA_FX_FAST_REPLY(&reply);
    }
}

/* MS-KILE 2.2.11: SEQUENCE OF Int32. */
static void read_key_list(struct arena *arena, struct krb_padata *out, struct bytes value)
{
    struct tlv list;
    struct tlv item;
    int32_t etype;
    if (!tlv_expect(&value, TLV_SEQUENCE, &list)) {
        return;
    }
    struct krb_etype_info *infos = arena_alloc_array(arena, ETYPE_INFOS_MAX, sizeof *infos);
    while (infos != NULL && out->num_infos < ETYPE_INFOS_MAX &&
           tlv_next(&list.content, &item) == TLV_OK && tlv_integer(&item, &etype)) {
        infos[out->num_infos++].etype = etype;
    }
    out->infos = infos;
}

/* MS-KILE 2.2.12: SEQUENCE OF EncryptionKey. Windows sends it encrypted only; in clear its keys are
 * still none of ours. */
static void read_key_list_reply(struct arena *arena, struct krb_padata *out, struct bytes value)
{
    struct tlv list;
    struct tlv item;
    struct tlv type;
    int32_t etype;
    if (!tlv_expect(&value, TLV_SEQUENCE, &list)) {
        return;
    }
    struct krb_etype_info *infos = arena_alloc_array(arena, ETYPE_INFOS_MAX, sizeof *infos);
    while (infos != NULL && out->num_infos < ETYPE_INFOS_MAX &&
           tlv_expect(&list.content, TLV_SEQUENCE, &item) && tlv_field(item.content, 0, &type) &&
           tlv_integer(&type, &etype)) {
        infos[out->num_infos++].etype = etype;
    }
    out->infos = infos;
}

/* Which alternative of the CHOICE (RFC 4556 3.2.3). A PA-PK-AS-REQ (3.2.1) is none. */
static void read_pkinit(struct arena *arena, struct krb_padata *out, struct bytes value)
{
    static const char *const pk_rep[] = {"dh-info", "encrypted-key"};
    struct bytes rest = value;
    struct tlv element;
    if (tlv_next(&rest, &element) != TLV_OK) {
        return;
    }
    unsigned choice = element.tag & 0x1fU;
    if (out->type == 16 && element.tag == TLV_SEQUENCE) {
        out->form = "signed-auth-pack";
        out->pkinit = pkinit_request_read(arena, value);
    } else if (out->type == 17 && element.tag >= 0x80 && choice < 2) {
        out->form = pk_rep[choice];
        out->pkinit = pkinit_reply_read(arena, value);
    }
}

/* RFC 9588 4: PA-SPAKE ::= CHOICE { support [0], challenge [1], response [2], encdata [3] }. */
static void read_spake(struct arena *arena, struct krb_padata *out, struct bytes value)
{
    static const char *const forms[] = {"support", "challenge", "response", "encrypted-data"};
    struct tlv choice;
    struct tlv body;
    struct tlv field;
    if (tlv_next(&value, &choice) != TLV_OK || choice.tag < TLV_CONTEXT(0) ||
        choice.tag > TLV_CONTEXT(3)) {
        return;
    }
    unsigned form = choice.tag & 0x1fU;
    out->form = forms[form];
    if (form == 3) {
        read_encrypted(out, choice.content);
        return;
    }
    int32_t *groups = arena_alloc_array(arena, KRB_SPAKE_GROUPS_MAX, sizeof *groups);
    int32_t group;
    if (groups == NULL || !tlv_expect(&choice.content, TLV_SEQUENCE, &body)) {
        return;
    }
    out->groups = groups;
    if (form == 2 && tlv_field(body.content, 1, &field)) {
        read_encrypted(out, field.raw);
    } else if (form == 1 && tlv_field(body.content, 0, &field) && tlv_integer(&field, &group)) {
        groups[out->num_groups++] = group;
    } else if (form == 0 && tlv_field(body.content, 0, &field) && field.tag == TLV_SEQUENCE) {
        struct tlv item;
        while (out->num_groups < KRB_SPAKE_GROUPS_MAX &&
               tlv_next(&field.content, &item) == TLV_OK && tlv_integer(&item, &group)) {
            groups[out->num_groups++] = group;
        }
    }
}

/* RFC 6806 11: empty in a request, a Checksum in the reply. */
static void read_checksum(struct krb_padata *out, struct bytes value)
{
    Checksum checksum;
    if (decode_Checksum(value.at, value.len, &checksum, NULL) == 0) {
        out->has_checksum = true;
        out->checksum_type = (int32_t)checksum.cksumtype;
        free_Checksum(&checksum);
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

/* RFC 4120 5.2.7.3: text, where it is no status. */
static void read_salt(struct arena *arena, struct krb_padata *out, struct bytes value)
{
    out->has_salt = !out->has_ntstatus && arena_copy(arena, value, &out->salt);
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
        read_salt(arena, out, value);
        break;
    case KRB5_PADATA_AFS3_SALT:
        read_salt(arena, out, value);
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
        read_pkinit(arena, out, value);
        break;
    case KRB5_PADATA_REQ_ENC_PA_REP:
        read_checksum(out, value);
        break;
    case 151: /* PA-SPAKE; not in Heimdal's list */
        read_spake(arena, out, value);
        break;
    case 161: /* KERB-KEY-LIST-REQ; not in Heimdal's list */
        read_key_list(arena, out, value);
        break;
    case 162: /* KERB-KEY-LIST-REP; not in Heimdal's list */
        read_key_list_reply(arena, out, value);
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

/* RFC 6113 5.4.2: PA-FX-FAST-REQUEST ::= CHOICE { armored-data [0] SEQUENCE { armor [0] SEQUENCE {
 * armor-type [0], armor-value [1] OCTET STRING }, … } }. */
static struct bytes find_armor(struct bytes value)
{
    struct tlv choice;
    struct tlv armored;
    struct tlv armor;
    struct tlv type;
    struct tlv content;
    int32_t number;
    if (tlv_expect(&value, TLV_CONTEXT(0), &choice) &&
        tlv_expect(&choice.content, TLV_SEQUENCE, &armored) &&
        tlv_field(armored.content, 0, &armor) && tlv_field(armor.content, 0, &type) &&
        tlv_integer(&type, &number) && number == ARMOR_AP_REQUEST &&
        tlv_field(armor.content, 1, &content) && content.tag == TLV_OCTET_STRING) {
        return content.content;
    }
    return (struct bytes){0};
}

struct krb_nested padata_find_nested(struct bytes elements)
{
    struct krb_nested found = {{0}, {0}};
    struct tlv element;
    struct tlv type;
    struct tlv value;
    int32_t number;
    for (size_t i = 0; i < KRB_PADATA_MAX && tlv_expect(&elements, TLV_SEQUENCE, &element); i++) {
        if (!tlv_field(element.content, 1, &type) || !tlv_integer(&type, &number) ||
            !tlv_field(element.content, 2, &value) || value.tag != TLV_OCTET_STRING) {
            continue;
        }
        if (number == PADATA_TGS_REQ && found.tgs_req.len == 0) {
            found.tgs_req = value.content;
        } else if (number == PADATA_FX_FAST && found.armor.len == 0) {
            found.armor = find_armor(value.content);
        }
    }
    return found;
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
    } else {
        (void)arena_copy(arena, bytes_part(edata, 0, KRB_EDATA_OTHER_MAX), &out->edata_other);
    }
}
