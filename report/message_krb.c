/* What a Kerberos message says, as a tree. */
#include "base/civil.h"
#include "report/messages_private.h"

#define FX_FAST 136
#define KPASSWD_SET 0xff80
#define FLAGS_BITS 32
#define SHA256_TEXT_MAX (2 * KRB_SHA256_BYTES + 1)

struct bit_name {
    unsigned bit;
    const char *name;
};

/* RFC 4120 5.4.1, RFC 6806 3 (15), RFC 8062 3 (16), MS-SFU 2.2.3 (14). */
static const struct bit_name kdc_options[] = {
    {1, "forwardable"},   {2, "forwarded"},          {3, "proxiable"},
    {4, "proxy"},         {5, "allow-postdate"},     {6, "postdated"},
    {8, "renewable"},     {11, "opt-hardware-auth"}, {14, "cname-in-addl-tkt"},
    {15, "canonicalize"}, {16, "request-anonymous"}, {26, "disable-transited-check"},
    {27, "renewable-ok"}, {28, "enc-tkt-in-skey"},   {30, "renew"},
    {31, "validate"},
};

/* RFC 4120 5.5.1. */
static const struct bit_name ap_options[] = {{1, "use-session-key"}, {2, "mutual-required"}};

/* MS-KILE 2.2.10, MS-SFU 2.2.5. */
static const struct bit_name pac_options[] = {
    {0, "claims"},
    {1, "branch-aware"},
    {2, "forward-to-full-dc"},
    {3, "resource-based-constrained-delegation"},
};

#define NUM_OF(table) (sizeof(table) / sizeof(table)[0])

const char *message_bit_name(enum message_bits kind, unsigned bit)
{
    static const struct {
        const struct bit_name *names;
        size_t num;
    } tables[] = {
        [BITS_KDC_OPTIONS] = {kdc_options, NUM_OF(kdc_options)},
        [BITS_AP_OPTIONS] = {ap_options, NUM_OF(ap_options)},
        [BITS_PAC_OPTIONS] = {pac_options, NUM_OF(pac_options)},
    };
    for (size_t i = 0; i < tables[kind].num; i++) {
        if (tables[kind].names[i].bit == bit) {
            return tables[kind].names[i].name;
        }
    }
    return NULL;
}

bool message_has_option(const struct krb_message *krb, unsigned bit)
{
    return (krb->kdc_options >> (31 - bit) & 1) != 0;
}

void message_put_bit(struct tree_builder *b, const char *name, unsigned bit)
{
    char buffer[32];
    struct text t;
    if (name != NULL) {
        tree_word(b, NULL, name);
        return;
    }
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "bit-%u", bit);
    tree_text(b, NULL, &t);
}

void message_put_bits(struct tree_builder *b, const char *name, enum message_bits kind,
                      uint32_t flags)
{
    struct tree *former = tree_enter(b, name, TREE_LIST);
    for (unsigned bit = 0; bit < FLAGS_BITS; bit++) {
        if ((flags >> (31 - bit) & 1) != 0) {
            message_put_bit(b, message_bit_name(kind, bit), bit);
        }
    }
    tree_leave(b, former);
}

void message_put_name(struct tree_builder *b, const char *name, const struct krb_name *n)
{
    if (!n->present) {
        tree_null(b, name);
        return;
    }
    struct tree *former = tree_enter(b, name, TREE_OBJECT);
    tree_noted(b, "type", n->type, krb_name_type_name(n->type));
    tree_bytes(b, "name", n->text);
    tree_leave(b, former);
}

void message_put_time(struct tree_builder *b, const char *name, const struct krb_time *time)
{
    if (!time->present || time->seconds > INT64_MAX / NS_PER_S ||
        time->seconds < INT64_MIN / NS_PER_S) {
        tree_null(b, name);
    } else {
        tree_time(b, name, time->seconds * NS_PER_S, 0, true);
    }
}

void message_put_usec(struct tree_builder *b, const char *name, const struct krb_time *time)
{
    if (!time->present || time->usec < 0) {
        tree_null(b, name);
    } else {
        tree_number(b, name, time->usec);
    }
}

void message_put_enc(struct tree_builder *b, const struct krb_enc *enc, bool with_kvno)
{
    tree_noted(b, "etype", enc->etype, krb_etype_name(enc->etype));
    if (with_kvno && enc->has_kvno) {
        tree_number(b, "kvno", enc->kvno);
    } else if (with_kvno) {
        tree_null(b, "kvno");
    }
    tree_number(b, "cipher_len", (int64_t)enc->cipher_len);
}

static void put_enc(struct tree_builder *b, const char *name, const struct krb_enc *enc,
                    bool with_kvno)
{
    if (!enc->present) {
        tree_null(b, name);
        return;
    }
    struct tree *former = tree_enter(b, name, TREE_OBJECT);
    message_put_enc(b, enc, with_kvno);
    tree_leave(b, former);
}

static void put_ticket(struct tree_builder *b, const char *name, const struct krb_ticket *ticket)
{
    char buffer[SHA256_TEXT_MAX];
    struct text hex;
    if (!ticket->present) {
        tree_null(b, name);
        return;
    }
    struct tree *former = tree_enter(b, name, TREE_OBJECT);
    tree_known(b, "realm", ticket->realm);
    message_put_name(b, "sname", &ticket->sname);
    if (ticket->enc.present) {
        message_put_enc(b, &ticket->enc, true);
    }
    text_init(&hex, buffer, sizeof buffer);
    for (size_t i = 0; i < KRB_SHA256_BYTES && ticket->has_sha256; i++) {
        text_format(&hex, "%02x", ticket->sha256[i]);
    }
    if (ticket->has_sha256) {
        tree_text(b, "sha256", &hex);
    } else {
        tree_null(b, "sha256");
    }
    tree_leave(b, former);
}

void message_put_ntstatus(struct tree_builder *b, uint32_t status)
{
    tree_hex(b, "ntstatus", status);
    tree_word(b, "ntstatus_name", krb_ntstatus_name(status));
}

void message_krb_nested(struct tree_builder *b, const char *name, const struct krb_message *krb)
{
    struct tree *former = tree_enter(b, name, TREE_OBJECT);
    tree_word(b, "protocol", "kerberos");
    tree_word(b, "type", krb_type_name(krb->type));
    message_krb_tree(b, krb);
    tree_bool(b, "complete", krb->complete);
    tree_leave(b, former);
}

/* The message was cut within this element: there is nothing of it but the message in it. */
static void put_cut_padata(struct tree_builder *b, int32_t type, const struct krb_message *krb)
{
    if (krb != NULL) {
        struct tree *former = tree_enter(b, NULL, TREE_OBJECT);
        tree_number(b, "type", type);
        tree_word(b, "name", krb_padata_name(type));
        message_krb_nested(b, "message", krb);
        tree_leave(b, former);
    }
}

/* The AP-REQ of a TGS-REQ stands where it stood: in its PA-TGS-REQ (RFC 4120 5.2.7.1); so does that
 * of the armor, in PA-FX-FAST (RFC 6113 5.4.1.1). */
static void put_padata(struct tree_builder *b, const struct krb_message *krb)
{
    const struct krb_message *ap_req = krb->ap_req;
    const struct krb_message *armor = krb->armor;
    struct tree *former = tree_enter(b, "padata", TREE_LIST);
    for (size_t i = 0; i < krb->num_padata; i++) {
        const struct krb_padata *pa = &krb->padata[i];
        struct tree *list = tree_enter(b, NULL, TREE_OBJECT);
        tree_number(b, "type", pa->type);
        tree_word(b, "name", krb_padata_name(pa->type));
        tree_number(b, "value_len", (int64_t)pa->value_len);
        message_padata_contents(b, pa);
        if (pa->type == 1 && ap_req != NULL) {
            message_krb_nested(b, "message", ap_req);
            ap_req = NULL;
        } else if (pa->type == FX_FAST && armor != NULL) {
            message_krb_nested(b, "message", armor);
            armor = NULL;
        }
        tree_leave(b, list);
    }
    put_cut_padata(b, 1, ap_req);
    put_cut_padata(b, FX_FAST, armor);
    tree_leave(b, former);
}

static void put_addresses(struct tree_builder *b, const struct krb_message *krb)
{
    struct tree *former = tree_enter(b, "addresses", TREE_LIST);
    for (size_t i = 0; i < krb->num_addresses; i++) {
        tree_address(b, NULL, &krb->addresses[i]);
    }
    tree_leave(b, former);
    if (krb->netbios_address.len > 0) {
        tree_bytes(b, "netbios_address", krb->netbios_address);
    }
}

/* MS-SFU 3.1.5.1, RFC 4120 3.7: what kind of question a TGS-REQ is. */
static void put_purpose(struct tree_builder *b, const struct krb_message *krb)
{
    struct tree *former = tree_enter(b, "purpose", TREE_LIST);
    bool for_user = false;
    for (size_t i = 0; i < krb->num_padata; i++) {
        for_user = for_user || krb->padata[i].type == 129 || krb->padata[i].type == 130;
    }
    if (for_user) {
        tree_word(b, NULL, "s4u2self");
    }
    if (message_has_option(krb, 14)) {
        tree_word(b, NULL, "s4u2proxy");
    }
    if (message_has_option(krb, 28)) {
        tree_word(b, NULL, "user-to-user");
    }
    if (message_has_option(krb, 30)) {
        tree_word(b, NULL, "renewal");
    }
    tree_leave(b, former);
}

static void put_additional_tickets(struct tree_builder *b, const struct krb_message *krb)
{
    struct tree *former = tree_enter(b, "additional_tickets", TREE_LIST);
    for (size_t i = 0; i < krb->num_tickets_kept; i++) {
        put_ticket(b, NULL, &krb->additional_tickets[i]);
    }
    tree_leave(b, former);
}

static void put_request(struct tree_builder *b, const struct krb_message *krb)
{
    if (krb->complete || krb->kdc_options != 0) {
        message_put_bits(b, "kdc_options", BITS_KDC_OPTIONS, krb->kdc_options);
    } else { /* cut before them, as far as one can tell */
        tree_null(b, "kdc_options");
    }
    message_put_name(b, "cname", &krb->cname);
    tree_known(b, "realm", krb->realm);
    message_put_name(b, "sname", &krb->sname);
    message_put_time(b, "from_time", &krb->from); /* "from" is the sender */
    message_put_time(b, "till", &krb->till);
    message_put_time(b, "rtime", &krb->rtime);
    if (krb->has_nonce) {
        tree_number(b, "nonce", krb->nonce);
    } else {
        tree_null(b, "nonce");
    }
    struct tree *former = tree_enter(b, "etypes", TREE_LIST);
    for (size_t i = 0; i < krb->num_etypes; i++) {
        tree_noted(b, NULL, krb->etypes[i], krb_etype_name(krb->etypes[i]));
    }
    tree_leave(b, former);
    put_addresses(b, krb);
    put_additional_tickets(b, krb);
    if (krb->type == KRB_TGS_REQ) {
        put_purpose(b, krb);
    }
    put_padata(b, krb);
}

static void put_reply(struct tree_builder *b, const struct krb_message *krb)
{
    tree_known(b, "crealm", krb->crealm);
    message_put_name(b, "cname", &krb->cname);
    put_ticket(b, "ticket", &krb->ticket);
    put_enc(b, "enc_part", &krb->enc_part, true);
    put_padata(b, krb);
}

static void put_edata(struct tree_builder *b, const struct krb_message *krb)
{
    static const char *const kinds[] = {
        [KRB_EDATA_NONE] = NULL,
        [KRB_EDATA_METHOD_DATA] = "method-data",
        [KRB_EDATA_PA_DATA] = "pa-data",
        [KRB_EDATA_TYPED_DATA] = "typed-data",
        [KRB_EDATA_EXT_ERROR] = "kerb-ext-error",
        [KRB_EDATA_SKEW] = "clock-skew",
        [KRB_EDATA_OTHER] = "other",
    };
    if (krb->edata == KRB_EDATA_NONE) {
        tree_null(b, "e_data");
        return;
    }
    struct tree *former = tree_enter(b, "e_data", TREE_OBJECT);
    tree_word(b, "kind", kinds[krb->edata]);
    if (krb->has_ntstatus) {
        message_put_ntstatus(b, krb->ntstatus);
    }
    if (krb->num_padata > 0) {
        put_padata(b, krb);
    }
    tree_leave(b, former);
}

static void put_error(struct tree_builder *b, const struct krb_message *krb)
{
    tree_known(b, "realm", krb->realm);
    message_put_name(b, "sname", &krb->sname);
    message_put_name(b, "cname", &krb->cname);
    tree_known(b, "crealm", krb->crealm);
    if (krb->complete || krb->error_code != 0) {
        tree_number(b, "error_code", krb->error_code);
        tree_word(b, "error_name", krb_error_name(krb->error_code));
    } else {
        tree_null(b, "error_code");
        tree_null(b, "error_name");
    }
    message_put_time(b, "ctime", &krb->ctime);
    message_put_usec(b, "cusec", &krb->ctime);
    message_put_time(b, "stime", &krb->stime);
    message_put_usec(b, "susec", &krb->stime);
    if (krb->has_etext) {
        tree_bytes(b, "e_text", krb->etext);
    } else {
        tree_null(b, "e_text");
    }
    put_edata(b, krb);
}

/* RFC 4120 5.6.1. */
static void put_safe(struct tree_builder *b, const struct krb_safe_body *safe)
{
    if (!safe->present) {
        return;
    }
    tree_number(b, "user_data_len", (int64_t)safe->user_data_len);
    message_put_time(b, "timestamp", &safe->timestamp);
    message_put_usec(b, "usec", &safe->timestamp);
    if (safe->has_seq_number) {
        tree_number(b, "seq_number", safe->seq_number);
    } else {
        tree_null(b, "seq_number");
    }
    tree_number(b, "checksum_type", safe->checksum_type);
}

void message_krb_tree(struct tree_builder *b, const struct krb_message *krb)
{
    tree_number(b, "pvno", krb->pvno);
    tree_number(b, "msg_type", (int64_t)krb->type);
    switch (krb->type) {
    case KRB_AS_REQ:
    case KRB_TGS_REQ:
        put_request(b, krb);
        break;
    case KRB_AS_REP:
    case KRB_TGS_REP:
        put_reply(b, krb);
        break;
    case KRB_AP_REQ:
        message_put_bits(b, "ap_options", BITS_AP_OPTIONS, krb->ap_options);
        put_ticket(b, "ticket", &krb->ticket);
        put_enc(b, "authenticator", &krb->enc_part, false);
        break;
    case KRB_CRED:
        put_ticket(b, "ticket", &krb->ticket);
        put_additional_tickets(b, krb);
        put_enc(b, "enc_part", &krb->enc_part, true);
        break;
    case KRB_AP_REP:
    case KRB_PRIV:
        put_enc(b, "enc_part", &krb->enc_part, true);
        break;
    case KRB_ERROR_MSG:
        put_error(b, krb);
        break;
    case KRB_SAFE:
        put_safe(b, &krb->safe);
        break;
    case KRB_NONE:
        break;
    }
}

/* RFC 3244 2. */
const char *message_kpasswd_result(uint16_t code)
{
    static const char *const names[] = {
        "KRB5_KPASSWD_SUCCESS",     "KRB5_KPASSWD_MALFORMED",           "KRB5_KPASSWD_HARDERROR",
        "KRB5_KPASSWD_AUTHERROR",   "KRB5_KPASSWD_SOFTERROR",           "KRB5_KPASSWD_ACCESSDENIED",
        "KRB5_KPASSWD_BAD_VERSION", "KRB5_KPASSWD_INITIAL_FLAG_NEEDED",
    };
    return code < NUM_OF(names) ? names[code] : NULL;
}

const char *message_kpasswd_operation(const struct kpasswd_facts *facts,
                                      const struct krb_message *krb)
{
    return krb->type != KRB_AP_REQ ? "reply" : facts->version == KPASSWD_SET ? "set" : "change";
}

void message_kpasswd_tree(struct tree_builder *b, const struct kpasswd_facts *facts,
                          const struct krb_message *krb)
{
    struct tree *former = tree_enter(b, "kpasswd", TREE_OBJECT);
    tree_number(b, "version", facts->version);
    tree_word(b, "operation", message_kpasswd_operation(facts, krb));
    if (facts->has_result) {
        tree_number(b, "result_code", facts->result_code);
        tree_word(b, "result_name", message_kpasswd_result(facts->result_code));
        tree_bytes(b, "result_text", facts->result_text);
    }
    if (facts->after != NULL) {
        message_krb_nested(b, "message", facts->after);
    }
    tree_leave(b, former);
}
