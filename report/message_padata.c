/* What PA-DATA says in clear, as a tree. */
#include "report/messages_private.h"

#define FX_FAST 136
#define PAC_OPTIONS 167
#define FLAGS_BITS 32
#define NUM_OF(table) (sizeof(table) / sizeof(table)[0])

/* MS-KILE 2.2.7, from the least significant bit. */
static const char *const supported_etypes[FLAGS_BITS] = {
    [0] = "des-cbc-crc",
    [1] = "des-cbc-md5",
    [2] = "rc4-hmac",
    [3] = "aes128-cts-hmac-sha1-96",
    [4] = "aes256-cts-hmac-sha1-96",
    [5] = "aes256-cts-hmac-sha1-96-sk",
    [16] = "fast-supported",
    [17] = "compound-identity-supported",
    [18] = "claims-supported",
    [19] = "resource-sid-compression-disabled",
};

static void put_supported_etypes(struct tree_builder *b, uint32_t mask)
{
    tree_hex(b, "mask", mask);
    struct tree *former = tree_enter(b, "etypes", TREE_LIST);
    for (unsigned bit = 0; bit < FLAGS_BITS; bit++) {
        if ((mask >> bit & 1) != 0) {
            message_put_bit(b, supported_etypes[bit], bit);
        }
    }
    tree_leave(b, former);
}

static void put_etype_infos(struct tree_builder *b, const struct krb_padata *pa)
{
    struct tree *former = tree_enter(b, "infos", TREE_LIST);
    for (size_t i = 0; i < pa->num_infos; i++) {
        struct tree *list = tree_enter(b, NULL, TREE_OBJECT);
        tree_noted(b, "etype", pa->infos[i].etype, krb_etype_name(pa->infos[i].etype));
        if (pa->infos[i].has_salt) {
            tree_bytes(b, "salt", pa->infos[i].salt);
        } else {
            tree_null(b, "salt");
        }
        tree_leave(b, list);
    }
    tree_leave(b, former);
}

/* RFC 4556 3.2.1, 3.2.3. */
static void put_pkinit(struct tree_builder *b, const struct krb_padata *pa)
{
    const struct krb_pkinit *pkinit = pa->pkinit;
    bool is_request = pa->type == 16;
    if (pkinit->is_signed_data) {
        tree_number(b, "certificates", (int64_t)pkinit->num_certificates);
    }
    if (is_request && pkinit->has_authenticator) {
        message_put_time(b, "ctime", &pkinit->ctime);
        message_put_usec(b, "cusec", &pkinit->ctime);
        tree_word(b, "key", pkinit->has_dh_key ? "diffie-hellman" : "key-transport");
    }
    if (pkinit->has_nonce) {
        tree_number(b, "nonce", pkinit->nonce);
    }
    if (is_request) {
        tree_number(b, "trusted_certifiers", (int64_t)pkinit->num_trusted_certifiers);
        tree_bool(b, "kdc_pk_id", pkinit->has_kdc_pk_id);
    } else {
        tree_bool(b, "server_nonce", pkinit->has_server_nonce);
    }
}

/* RFC 9588 12.2. */
static const char *spake_group_name(int32_t group)
{
    static const char *const names[] = {
        [1] = "edwards25519", [2] = "P-256", [3] = "P-384", [4] = "P-521"};
    return group > 0 && group < (int32_t)NUM_OF(names) ? names[group] : NULL;
}

static void put_groups(struct tree_builder *b, const struct krb_padata *pa)
{
    struct tree *former = tree_enter(b, "groups", TREE_LIST);
    for (size_t i = 0; i < pa->num_groups; i++) {
        tree_noted(b, NULL, pa->groups[i], spake_group_name(pa->groups[i]));
    }
    tree_leave(b, former);
}

void message_padata_contents(struct tree_builder *b, const struct krb_padata *pa)
{
    if (pa->enc.present) {
        message_put_enc(b, &pa->enc, true);
    }
    if (pa->num_infos > 0) {
        put_etype_infos(b, pa);
    }
    if (pa->user.present || pa->user_realm.len > 0) {
        message_put_name(b, "user", &pa->user);
        tree_known(b, "realm", pa->user_realm);
    }
    if (pa->has_flags && pa->type == 128) {
        tree_bool(b, "include_pac", pa->flags != 0);
    } else if (pa->has_flags && pa->type == PAC_OPTIONS) {
        message_put_bits(b, "options", BITS_PAC_OPTIONS, pa->flags);
    } else if (pa->has_flags) {
        put_supported_etypes(b, pa->flags);
    }
    if (pa->has_ntstatus) {
        message_put_ntstatus(b, pa->ntstatus);
    }
    if (pa->has_salt) {
        tree_bytes(b, "salt", pa->salt);
    }
    if (pa->has_checksum) {
        tree_number(b, "checksum_type", pa->checksum_type);
    }
    if (pa->form != NULL) {
        tree_word(b, "form", pa->form);
    }
    if (pa->pkinit != NULL) {
        put_pkinit(b, pa);
    }
    if (pa->num_groups > 0) {
        put_groups(b, pa);
    }
    if (pa->type == FX_FAST && pa->value_len > 0) { /* RFC 6113 5.4 */
        tree_word(b, "fast", pa->fast_rep ? "reply" : "request");
        if (pa->armor_type != 0) {
            tree_noted(b, "armor_type", pa->armor_type,
                       pa->armor_type == 1 ? "FX_FAST_ARMOR_AP_REQUEST" : NULL);
        }
    }
}
