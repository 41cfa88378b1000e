#include "krb5asn1/krb_cut.h"

#include "krb5asn1/copy.h"
#include "krb5asn1/padata.h"
#include "krb5asn1/tlv.h"

#define LEVELS_MAX 2 /* the message and one of: its request body, its ticket */
#define FIELDS_MAX 16
#define LIST_MAX 64 /* elements read of a SEQUENCE OF */

/* The fields of a SEQUENCE by context tag, RFC 4120 5.4 to 5.9: who reads which; NULL is skipped.
 */
struct layout;
struct walk {
    struct arena *arena;
    struct krb_message *out;
    struct krb_nested *nested;
    const struct layout *next; /* the level below, when one was met */
    struct bytes next_fields;
};
struct layout {
    void (*read[FIELDS_MAX])(struct walk *w, const struct tlv *element);
};

static void read_string(struct arena *arena, const struct tlv *element, struct bytes *out)
{
    KerberosString string;
    if (element->whole &&
        decode_KerberosString(element->raw.at, element->raw.len, &string, NULL) == 0) {
        *out = copy_string(arena, string);
        free_KerberosString(&string);
    }
}

static void read_name(struct arena *arena, const struct tlv *element, struct krb_name *out)
{
    PrincipalName name;
    if (element->whole &&
        decode_PrincipalName(element->raw.at, element->raw.len, &name, NULL) == 0) {
        *out = copy_name(arena, &name);
        free_PrincipalName(&name);
    }
}

/* The length of the ciphertext stands in front of it, so it is known even when that is cut. */
static void read_enc(const struct tlv *element, struct krb_enc *out)
{
    struct tlv part;
    int32_t kvno;
    if (element->tag != TLV_SEQUENCE || !tlv_field(element->content, 0, &part) ||
        !tlv_integer(&part, &out->etype)) {
        return;
    }
    out->present = true;
    if (tlv_field(element->content, 1, &part) && tlv_integer(&part, &kvno)) {
        out->has_kvno = true;
        out->kvno = (uint32_t)kvno;
    }
    if (tlv_field(element->content, 2, &part) && part.tag == TLV_OCTET_STRING) {
        out->cipher_len = part.len;
    }
}

static size_t count_items(struct bytes list)
{
    struct tlv item;
    size_t num = 0;
    while (num < LIST_MAX && tlv_next(&list, &item) == TLV_OK) {
        num++;
    }
    return num;
}

static void field_pvno(struct walk *w, const struct tlv *element)
{
    (void)tlv_integer(element, &w->out->pvno);
}

static void field_options(struct walk *w, const struct tlv *element)
{
    (void)tlv_flags(element, &w->out->kdc_options);
}

static void field_crealm(struct walk *w, const struct tlv *element)
{
    read_string(w->arena, element, &w->out->crealm);
}

static void field_cname(struct walk *w, const struct tlv *element)
{
    read_name(w->arena, element, &w->out->cname);
}

static void field_realm(struct walk *w, const struct tlv *element)
{
    read_string(w->arena, element, &w->out->realm);
}

static void field_sname(struct walk *w, const struct tlv *element)
{
    read_name(w->arena, element, &w->out->sname);
}

static void field_from(struct walk *w, const struct tlv *element)
{
    copy_time_element(element, &w->out->from);
}

static void field_till(struct walk *w, const struct tlv *element)
{
    copy_time_element(element, &w->out->till);
}

static void field_rtime(struct walk *w, const struct tlv *element)
{
    copy_time_element(element, &w->out->rtime);
}

static void field_nonce(struct walk *w, const struct tlv *element)
{
    int32_t number = 0;
    w->out->has_nonce = tlv_integer(element, &number);
    w->out->nonce = (uint32_t)number;
}

static void field_ticket_realm(struct walk *w, const struct tlv *element)
{
    read_string(w->arena, element, &w->out->ticket.realm);
}

static void field_ticket_sname(struct walk *w, const struct tlv *element)
{
    read_name(w->arena, element, &w->out->ticket.sname);
}

static void field_ticket_enc(struct walk *w, const struct tlv *element)
{
    read_enc(element, &w->out->ticket.enc);
}

static void field_enc_part(struct walk *w, const struct tlv *element)
{
    read_enc(element, &w->out->enc_part);
}

static void field_ap_options(struct walk *w, const struct tlv *element)
{
    (void)tlv_flags(element, &w->out->ap_options);
}

static void field_ctime(struct walk *w, const struct tlv *element)
{
    copy_time_element(element, &w->out->ctime);
}

static void field_cusec(struct walk *w, const struct tlv *element)
{
    copy_usec_element(element, &w->out->ctime);
}

static void field_stime(struct walk *w, const struct tlv *element)
{
    copy_time_element(element, &w->out->stime);
}

static void field_susec(struct walk *w, const struct tlv *element)
{
    copy_usec_element(element, &w->out->stime);
}

static void field_error_code(struct walk *w, const struct tlv *element)
{
    (void)tlv_integer(element, &w->out->error_code);
}

static void field_etext(struct walk *w, const struct tlv *element)
{
    w->out->has_etext = element->whole;
    read_string(w->arena, element, &w->out->etext);
}

static void field_etypes(struct walk *w, const struct tlv *element)
{
    struct bytes rest = element->content;
    struct tlv item;
    int32_t etype;
    for (size_t i = 0; i < LIST_MAX && tlv_next(&rest, &item) == TLV_OK; i++) {
        if (tlv_integer(&item, &etype)) {
            copy_etype(w->out, etype);
        }
    }
}

static void field_addresses(struct walk *w, const struct tlv *element)
{
    HostAddresses list;
    if (element->whole &&
        decode_HostAddresses(element->raw.at, element->raw.len, &list, NULL) == 0) {
        copy_addresses(w->arena, w->out, &list);
        free_HostAddresses(&list);
    }
}

/* PA-DATA one by one, as many as are whole. */
static void field_padata(struct walk *w, const struct tlv *element)
{
    *w->nested = padata_find_nested(element->content);
    size_t room = count_items(element->content);
    room = room < KRB_PADATA_MAX ? room : KRB_PADATA_MAX;
    struct krb_padata *padata = arena_alloc_array(w->arena, room, sizeof *padata);
    struct bytes rest = element->content;
    struct tlv item;
    size_t num = 0;
    while (padata != NULL && num < room && tlv_next(&rest, &item) == TLV_OK) {
        PA_DATA data;
        if (!item.whole || decode_PA_DATA(item.raw.at, item.raw.len, &data, NULL) != 0) {
            break;
        }
        padata_read(w->arena, &padata[num++], (int32_t)data.padata_type,
                    octets_borrowed(&data.padata_value), false);
        free_PA_DATA(&data);
    }
    w->out->padata = padata;
    w->out->num_padata = num;
}

static void field_additional_tickets(struct walk *w, const struct tlv *element)
{
    w->out->num_additional_tickets = count_items(element->content);
}

static const struct layout kdc_req_body = {
    {field_options, field_cname, field_realm, field_sname, field_from, field_till, field_rtime,
     field_nonce, field_etypes, field_addresses, NULL, field_additional_tickets}};

static void field_body(struct walk *w, const struct tlv *element)
{
    w->next = &kdc_req_body;
    w->next_fields = element->content;
}

static const struct layout ticket = {
    {NULL, field_ticket_realm, field_ticket_sname, field_ticket_enc}};

/* A whole ticket is hashed and read at once; of a cut one the fields are walked next. */
static void field_ticket(struct walk *w, const struct tlv *element)
{
    Ticket whole;
    w->out->ticket.present = true;
    if (element->whole) {
        if (decode_Ticket(element->raw.at, element->raw.len, &whole, NULL) == 0) {
            w->out->ticket = copy_ticket(w->arena, &whole, element->raw);
            free_Ticket(&whole);
        }
        return;
    }
    struct bytes rest = element->content;
    struct tlv sequence;
    if (element->tag == TLV_APPLICATION(1) && tlv_expect(&rest, TLV_SEQUENCE, &sequence)) {
        w->next = &ticket;
        w->next_fields = sequence.content;
    }
}

static void field_tickets(struct walk *w, const struct tlv *element)
{
    struct bytes rest = element->content;
    struct tlv first;
    if (tlv_next(&rest, &first) == TLV_OK) {
        field_ticket(w, &first);
        w->out->num_additional_tickets = count_items(rest);
    }
}

static void field_edata(struct walk *w, const struct tlv *element)
{
    w->out->edata = KRB_EDATA_OTHER;
    if (element->tag == TLV_OCTET_STRING && element->whole) {
        edata_read(w->arena, w->out, element->content);
    }
}

/* [1] msg-type was compared by the caller. */
static const struct layout kdc_req = {{NULL, field_pvno, NULL, field_padata, field_body}};
static const struct layout kdc_rep = {
    {field_pvno, NULL, field_padata, field_crealm, field_cname, field_ticket, field_enc_part}};
static const struct layout ap_req = {
    {field_pvno, NULL, field_ap_options, field_ticket, field_enc_part}};
static const struct layout ap_rep = {{field_pvno, NULL, field_enc_part}};
static const struct layout safe = {{field_pvno}};
static const struct layout priv = {{field_pvno, NULL, NULL, field_enc_part}};
static const struct layout cred = {{field_pvno, NULL, field_tickets, field_enc_part}};
static const struct layout error = {{field_pvno, NULL, field_ctime, field_cusec, field_stime,
                                     field_susec, field_error_code, field_crealm, field_cname,
                                     field_realm, field_sname, field_etext, field_edata}};

static const struct layout *layout_of(enum krb_type type)
{
    switch (type) {
    case KRB_AS_REQ:
    case KRB_TGS_REQ:
        return &kdc_req;
    case KRB_AS_REP:
    case KRB_TGS_REP:
        return &kdc_rep;
    case KRB_AP_REQ:
        return &ap_req;
    case KRB_AP_REP:
        return &ap_rep;
    case KRB_SAFE:
        return &safe;
    case KRB_PRIV:
        return &priv;
    case KRB_CRED:
        return &cred;
    case KRB_ERROR_MSG:
        return &error;
    case KRB_NONE:
        break;
    }
    return NULL;
}

void krb_cut_read(struct arena *arena, struct krb_message *out, struct krb_nested *nested,
                  struct bytes fields)
{
    struct walk w = {.arena = arena,
                     .out = out,
                     .nested = nested,
                     .next = layout_of(out->type),
                     .next_fields = fields};
    *nested = (struct krb_nested){0};
    for (size_t level = 0; level < LEVELS_MAX && w.next != NULL; level++) {
        const struct layout *layout = w.next;
        struct bytes rest = w.next_fields;
        struct tlv field;
        struct tlv element;
        w.next = NULL;
        for (size_t i = 0; i < FIELDS_MAX && tlv_next(&rest, &field) == TLV_OK; i++) {
            unsigned number = field.tag & 0x1Fu;
            struct bytes inside = field.content;
            if (field.tag == TLV_CONTEXT(number) && number < FIELDS_MAX &&
                layout->read[number] != NULL && tlv_next(&inside, &element) == TLV_OK) {
                layout->read[number](&w, &element);
            }
        }
    }
}
