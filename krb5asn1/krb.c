#include "krb5asn1/krb.h"

#include "krb5asn1/copy.h"
#include "krb5asn1/krb_cut.h"
#include "krb5asn1/padata.h"
#include "krb5asn1/tlv.h"

#define LOOK_MIN 16        /* bytes that krb_looks_like() wants to see */
#define MESSAGE_LEN_MIN 10 /* content of the application tag: a SEQUENCE, pvno and msg-type */
#define FIELDS_MAX 64      /* of one message */
#define PVNO 5

/* One message on its way from the wire to *out. */
struct reading {
    struct arena *arena;
    struct krb_message *out;
    struct tlv message;       /* the application tag and all within */
    struct bytes fields;      /* content of the SEQUENCE */
    struct krb_nested nested; /* read when the rest is done */
};

/* The message type of an identifier octet; KRB_NONE when it is none of ours. */
static enum krb_type type_of(uint8_t tag)
{
    enum krb_type type = (enum krb_type)(tag & 0x1Fu);
    if ((tag & 0xE0u) != TLV_APPLICATION(0)) {
        return KRB_NONE;
    }
    switch (type) {
    case KRB_AS_REQ:
    case KRB_AS_REP:
    case KRB_TGS_REQ:
    case KRB_TGS_REP:
    case KRB_AP_REQ:
    case KRB_AP_REP:
    case KRB_SAFE:
    case KRB_PRIV:
    case KRB_CRED:
    case KRB_ERROR_MSG:
        return type;
    case KRB_NONE:
        break;
    }
    return KRB_NONE;
}

/* pvno is field [1] of a KDC-REQ and [0] of all others; msg-type follows it (RFC 4120 5.4.1). */
static unsigned pvno_field(enum krb_type type)
{
    return type == KRB_AS_REQ || type == KRB_TGS_REQ ? 1 : 0;
}

/* The Ticket in a context field as it stands on the wire; empty when it is not there. */
static struct bytes ticket_raw(const struct reading *r, unsigned field)
{
    struct tlv element;
    return tlv_field(r->fields, field, &element) ? element.raw : (struct bytes){0};
}

/* list: the tickets' DER, one behind the other. */
static void copy_tickets(const struct reading *r, const Ticket *tickets, size_t num,
                         struct bytes list)
{
    struct krb_message *out = r->out;
    out->num_additional_tickets = num;
    num = num < KRB_TICKETS_MAX ? num : KRB_TICKETS_MAX;
    out->additional_tickets = arena_alloc_array(r->arena, num, sizeof *out->additional_tickets);
    for (size_t i = 0; out->additional_tickets != NULL && i < num; i++) {
        struct tlv raw;
        if (tlv_next(&list, &raw) != TLV_OK) {
            return;
        }
        out->additional_tickets[out->num_tickets_kept++] =
            copy_ticket(r->arena, &tickets[i], raw.raw);
    }
}

/* User-to-user and S4U2Proxy (RFC 4120 5.4.1, MS-SFU 3.1.5.2.1). */
static void copy_additional_tickets(const struct reading *r, const KDC_REQ_BODY *body)
{
    struct tlv element;
    r->out->num_additional_tickets = body->additional_tickets->len;
    if (tlv_field(r->fields, 4, &element) && tlv_field(element.content, 11, &element)) {
        copy_tickets(r, body->additional_tickets->val, body->additional_tickets->len,
                     element.content);
    }
}

static void copy_req_body(const struct reading *r, const KDC_REQ_BODY *body)
{
    struct krb_message *out = r->out;
    struct tlv element;
    if (tlv_field(r->fields, 4, &element) && tlv_field(element.content, 0, &element)) {
        (void)tlv_flags(&element, &out->kdc_options);
    }
    if (body->cname != NULL) {
        out->cname = copy_name(r->arena, body->cname);
    }
    out->realm = copy_string(r->arena, body->realm);
    if (body->sname != NULL) {
        out->sname = copy_name(r->arena, body->sname);
    }
    out->from = copy_time(body->from, NULL);
    out->till = copy_time(body->till, NULL);
    out->rtime = copy_time(body->rtime, NULL);
    out->has_nonce = true;
    out->nonce = (uint32_t)body->nonce;
    for (size_t i = 0; i < body->etype.len; i++) {
        copy_etype(out, (int32_t)body->etype.val[i]);
    }
    if (body->addresses != NULL) {
        copy_addresses(r->arena, out, body->addresses);
    }
    if (body->additional_tickets != NULL) {
        copy_additional_tickets(r, body);
    }
}

static bool read_kdc_req(struct reading *r)
{
    KDC_REQ req;
    struct bytes raw = r->message.raw;
    struct tlv padata;
    int refused = r->out->type == KRB_AS_REQ ? decode_AS_REQ(raw.at, raw.len, &req, NULL)
                                             : decode_TGS_REQ(raw.at, raw.len, &req, NULL);
    if (refused != 0) {
        return false;
    }
    r->out->pvno = req.pvno;
    if (req.padata != NULL) {
        padata_copy(r->arena, r->out, req.padata);
    }
    copy_req_body(r, &req.req_body);
    free_AS_REQ(&req); /* AS-REQ and TGS-REQ are one type of Heimdal's */
    if (tlv_field(r->fields, 3, &padata)) {
        r->nested = padata_find_nested(padata.content);
    }
    return true;
}

static bool read_kdc_rep(struct reading *r)
{
    KDC_REP rep;
    struct krb_message *out = r->out;
    struct bytes raw = r->message.raw;
    int refused = out->type == KRB_AS_REP ? decode_AS_REP(raw.at, raw.len, &rep, NULL)
                                          : decode_TGS_REP(raw.at, raw.len, &rep, NULL);
    if (refused != 0) {
        return false;
    }
    out->pvno = rep.pvno;
    if (rep.padata != NULL) {
        padata_copy(r->arena, out, rep.padata);
    }
    out->crealm = copy_string(r->arena, rep.crealm);
    out->cname = copy_name(r->arena, &rep.cname);
    out->ticket = copy_ticket(r->arena, &rep.ticket, ticket_raw(r, 5));
    out->enc_part = copy_enc(&rep.enc_part);
    free_KDC_REP(&rep);
    return true;
}

static bool read_ap_req(struct reading *r)
{
    AP_REQ req;
    struct krb_message *out = r->out;
    struct tlv options;
    if (decode_AP_REQ(r->message.raw.at, r->message.raw.len, &req, NULL) != 0) {
        return false;
    }
    out->pvno = req.pvno;
    if (tlv_field(r->fields, 2, &options)) {
        (void)tlv_flags(&options, &out->ap_options);
    }
    out->ticket = copy_ticket(r->arena, &req.ticket, ticket_raw(r, 3));
    out->enc_part = copy_enc(&req.authenticator);
    free_AP_REQ(&req);
    return true;
}

static bool read_ap_rep(struct reading *r)
{
    AP_REP rep;
    if (decode_AP_REP(r->message.raw.at, r->message.raw.len, &rep, NULL) != 0) {
        return false;
    }
    r->out->pvno = rep.pvno;
    r->out->enc_part = copy_enc(&rep.enc_part);
    free_AP_REP(&rep);
    return true;
}

static bool read_safe(struct reading *r)
{
    heimdal_krb_safe safe;
    if (decode_KRB_SAFE(r->message.raw.at, r->message.raw.len, &safe, NULL) != 0) {
        return false;
    }
    const KRB_SAFE_BODY *body = &safe.safe_body;
    r->out->pvno = safe.pvno;
    r->out->safe = (struct krb_safe_body){.present = true,
                                          .user_data_len = body->user_data.length,
                                          .timestamp = copy_time(body->timestamp, body->usec),
                                          .has_seq_number = body->seq_number != NULL,
                                          .checksum_type = (int32_t)safe.cksum.cksumtype};
    if (body->seq_number != NULL) {
        r->out->safe.seq_number = (uint32_t)*body->seq_number;
    }
    free_KRB_SAFE(&safe);
    return true;
}

static bool read_priv(struct reading *r)
{
    heimdal_krb_priv priv;
    if (decode_KRB_PRIV(r->message.raw.at, r->message.raw.len, &priv, NULL) != 0) {
        return false;
    }
    r->out->pvno = priv.pvno;
    r->out->enc_part = copy_enc(&priv.enc_part);
    free_KRB_PRIV(&priv);
    return true;
}

static bool read_cred(struct reading *r)
{
    heimdal_krb_cred cred;
    if (decode_KRB_CRED(r->message.raw.at, r->message.raw.len, &cred, NULL) != 0) {
        return false;
    }
    struct tlv tickets;
    struct tlv first;
    r->out->pvno = cred.pvno;
    if (cred.tickets.len > 0 && tlv_field(r->fields, 2, &tickets) &&
        tlv_next(&tickets.content, &first) == TLV_OK) {
        r->out->ticket = copy_ticket(r->arena, &cred.tickets.val[0], first.raw);
        copy_tickets(r, &cred.tickets.val[1], cred.tickets.len - 1, tickets.content);
    }
    r->out->enc_part = copy_enc(&cred.enc_part);
    free_KRB_CRED(&cred);
    return true;
}

static bool read_error(struct reading *r)
{
    KRB_ERROR error;
    struct krb_message *out = r->out;
    if (decode_KRB_ERROR(r->message.raw.at, r->message.raw.len, &error, NULL) != 0) {
        return false;
    }
    out->pvno = error.pvno;
    out->ctime = copy_time(error.ctime, error.cusec);
    out->stime = copy_time(&error.stime, &error.susec);
    out->error_code = error.error_code;
    if (error.crealm != NULL) {
        out->crealm = copy_string(r->arena, *error.crealm);
    }
    if (error.cname != NULL) {
        out->cname = copy_name(r->arena, error.cname);
    }
    out->realm = copy_string(r->arena, error.realm);
    out->sname = copy_name(r->arena, &error.sname);
    if (error.e_text != NULL) {
        out->has_etext = true;
        out->etext = copy_string(r->arena, *error.e_text);
    }
    if (error.e_data != NULL) {
        edata_read(r->arena, out, octets_borrowed(error.e_data));
    }
    free_KRB_ERROR(&error);
    return true;
}

/* Heimdal does not mind what is left over behind the fields that it knows. We take further whole
 * fields (macOS puts one into its AP-REP), but no other bytes. */
static bool fields_are_whole(struct bytes fields)
{
    struct tlv field;
    enum tlv_result found = tlv_next(&fields, &field);
    for (size_t i = 0; i < FIELDS_MAX && found == TLV_OK && field.whole; i++) {
        found = tlv_next(&fields, &field);
    }
    return found == TLV_END;
}

static bool read_whole(struct reading *r)
{
    switch (r->out->type) {
    case KRB_AS_REQ:
    case KRB_TGS_REQ:
        return read_kdc_req(r);
    case KRB_AS_REP:
    case KRB_TGS_REP:
        return read_kdc_rep(r);
    case KRB_AP_REQ:
        return read_ap_req(r);
    case KRB_AP_REP:
        return read_ap_rep(r);
    case KRB_SAFE:
        return read_safe(r);
    case KRB_PRIV:
        return read_priv(r);
    case KRB_CRED:
        return read_cred(r);
    case KRB_ERROR_MSG:
        return read_error(r);
    case KRB_NONE:
        break;
    }
    return false;
}

/* Finds the application tag and the SEQUENCE in it, and compares what says the type twice. DONE
 * when r->fields holds anything worth reading. */
static enum verdict open_message(struct reading *r, size_t *used, struct bytes input,
                                 struct flaw *flaw)
{
    struct bytes rest = input;
    struct tlv sequence;
    struct tlv msg_type;
    int number;
    enum tlv_result found = tlv_next(&rest, &r->message);
    if (found == TLV_END) {
        return VERDICT_MORE;
    }
    r->out->type = type_of(input.at[0]);
    if (r->out->type == KRB_NONE) {
        return flaw_set(flaw, 0, "no application tag of a Kerberos message", "RFC 4120 5.10");
    }
    if (found == TLV_CUT) {
        return VERDICT_MORE;
    }
    if (found == TLV_WRONG || r->message.len < MESSAGE_LEN_MIN) {
        return flaw_set(flaw, 1, "no definite length that a Kerberos message has", "X.690 10.1");
    }
    *used = r->message.header_len + r->message.len;
    rest = r->message.content;
    found = tlv_next(&rest, &sequence);
    if (found == TLV_END || found == TLV_CUT) {
        return r->message.whole
                   ? flaw_set(flaw, r->message.header_len, "nothing in the message", "RFC 4120 5.4")
                   : VERDICT_MORE;
    }
    if (found == TLV_WRONG || sequence.tag != TLV_SEQUENCE ||
        sequence.header_len + sequence.len != r->message.len) {
        return flaw_set(flaw, r->message.header_len, "no SEQUENCE that fills the message",
                        "RFC 4120 5.4");
    }
    r->fields = sequence.content;
    if (tlv_field(r->fields, pvno_field(r->out->type) + 1, &msg_type) && msg_type.whole &&
        (msg_type.tag != TLV_INTEGER ||
         der_get_integer(msg_type.content.at, msg_type.content.len, &number, NULL) != 0 ||
         number != (int)r->out->type)) {
        size_t at = (size_t)(msg_type.raw.at - input.at);
        return flaw_set(flaw, at, "msg-type is not that of the application tag", "RFC 4120 5.10");
    }
    return VERDICT_DONE;
}

static enum verdict read_message(struct reading *r, size_t *used, struct bytes input,
                                 struct flaw *flaw)
{
    uint64_t refused = r->arena->refused;
    enum verdict verdict = open_message(r, used, input, flaw);
    if (verdict != VERDICT_DONE) {
        return verdict;
    }
    if (r->message.whole) {
        r->out->complete = fields_are_whole(r->fields) && read_whole(r);
        if (!r->out->complete) {
            return flaw_set(flaw, r->message.header_len, "not the DER of its message type",
                            "RFC 4120 5.4");
        }
    } else {
        krb_cut_read(r->arena, r->out, &r->nested, r->fields);
        verdict = VERDICT_MORE;
    }
    if (r->arena->refused != refused) {
        return flaw_set(flaw, 0, "no room for the decoded message", "");
    }
    return verdict;
}

/* A message inside a message. An AP-REQ holds none, so it goes no deeper. Broken, it does not break
 * the request around it. NULL: it is no AP-REQ. */
static struct krb_message *read_nested(struct arena *arena, struct bytes input)
{
    struct krb_message *inner = input.len == 0 ? NULL : arena_alloc(arena, sizeof *inner);
    if (inner == NULL) {
        return NULL;
    }
    *inner = (struct krb_message){0};
    struct reading ap_req = {.arena = arena, .out = inner};
    size_t used = 0;
    enum verdict verdict = read_message(&ap_req, &used, input, NULL);
    return verdict != VERDICT_BAD && inner->type == KRB_AP_REQ ? inner : NULL;
}

enum verdict krb_decode(struct bytes input, struct arena *arena, struct krb_message *out,
                        size_t *used, struct flaw *flaw)
{
    struct reading outer = {.arena = arena, .out = out};
    uint64_t refused = arena->refused;
    *out = (struct krb_message){0};
    *used = 0;
    enum verdict verdict = read_message(&outer, used, input, flaw);
    if (verdict == VERDICT_BAD || (out->type != KRB_TGS_REQ && out->type != KRB_AS_REQ)) {
        return verdict;
    }
    if (out->type == KRB_TGS_REQ) {
        out->ap_req = read_nested(arena, outer.nested.tgs_req);
    }
    out->armor = read_nested(arena, outer.nested.armor);
    for (size_t i = 0; i < out->num_padata; i++) {
        out->is_armored = out->is_armored ||
                          (out->padata[i].type == PADATA_FX_FAST && out->padata[i].value_len > 0);
    }
    if (out->is_armored) {
        out->hash = hash128(outer.message.raw);
    }
    return arena->refused == refused ? verdict
                                     : flaw_set(flaw, 0, "no room for the decoded message", "");
}

/*      6C 82 05 A1   30 82 05 9D   A1 03 02 01 05   A2 03 02 01 0C
 *      TGS-REQ       SEQUENCE      [1] pvno 5       [2] msg-type 12
 */
bool krb_looks_like(struct bytes input, size_t *len)
{
    if (input.len < LOOK_MIN || type_of(input.at[0]) == KRB_NONE) {
        return false;
    }
    enum krb_type type = type_of(input.at[0]);
    struct bytes rest = input;
    struct tlv message;
    struct tlv sequence;
    if (tlv_next(&rest, &message) != TLV_OK || message.len < MESSAGE_LEN_MIN) {
        return false;
    }
    rest = message.content;
    if (!tlv_expect(&rest, TLV_SEQUENCE, &sequence) ||
        sequence.header_len + sequence.len != message.len) {
        return false;
    }
    uint8_t field = (uint8_t)TLV_CONTEXT(pvno_field(type));
    const uint8_t head[] = {field,       3, TLV_INTEGER,  1, PVNO, (uint8_t)(field + 1), 3,
                            TLV_INTEGER, 1, (uint8_t)type};
    /* Long lengths push msg-type behind the 16th byte: it is compared as far as it is seen. */
    struct bytes seen = bytes_part(sequence.content, 0, sizeof head);
    struct bytes wanted = {.at = head, .len = seen.len};
    if (seen.len < 5 || !bytes_equal(seen, wanted)) {
        return false;
    }
    *len = message.header_len + message.len;
    return true;
}
