#include "krb5asn1/copy.h"

#include "krb5asn1/digest.h"

#include <string.h>

#define USEC_MAX 999999

/* RFC 4120 7.5.3 */
#define ADDRESS_TYPE_IPV4 2
#define ADDRESS_TYPE_NETBIOS 20
#define ADDRESS_TYPE_IPV6 24

struct bytes copy_string(struct arena *arena, const char *string)
{
    struct bytes kept;
    (void)arena_copy(arena, bytes_of(string), &kept);
    return kept;
}

struct bytes octets_borrowed(const heim_octet_string *octets)
{
    return (struct bytes){.at = octets->data, .len = octets->length};
}

struct bytes copy_octets(struct arena *arena, const heim_octet_string *octets)
{
    struct bytes kept;
    (void)arena_copy(arena, octets_borrowed(octets), &kept);
    return kept;
}

struct krb_name copy_name(struct arena *arena, const PrincipalName *in)
{
    struct krb_name name = {
        .present = true, .type = (int32_t)in->name_type, .num_parts = in->name_string.len};
    size_t len = name.num_parts > 1 ? name.num_parts - 1 : 0; /* the slashes */
    for (size_t i = 0; i < name.num_parts; i++) {
        len += bytes_of(in->name_string.val[i]).len;
    }
    uint8_t *text = arena_alloc_array(arena, len, 1);
    if (text == NULL) {
        return name;
    }
    name.text = (struct bytes){.at = text, .len = len};
    size_t at = 0;
    for (size_t i = 0; i < name.num_parts; i++) {
        if (i > 0) {
            text[at++] = '/';
        }
        struct bytes part = bytes_of(in->name_string.val[i]);
        if (part.len > 0) {
            memcpy(text + at, part.at, part.len);
        }
        if (i < KRB_NAME_PARTS_MAX) {
            name.parts[i] = bytes_part(name.text, at, part.len);
        }
        at += part.len;
    }
    return name;
}

struct krb_time copy_time(const time_t *in, const int *usec)
{
    /* Heimdal gives -1 for a date that no calendar has, without an error. */
    if (in == NULL || *in == (time_t)-1) {
        return (struct krb_time){0};
    }
    bool fraction = usec != NULL && *usec >= 0 && *usec <= USEC_MAX;
    return (struct krb_time){.present = true, .seconds = *in, .usec = fraction ? *usec : -1};
}

void copy_time_element(const struct tlv *element, struct krb_time *out)
{
    KerberosTime seconds;
    if (element->whole &&
        decode_KerberosTime(element->raw.at, element->raw.len, &seconds, NULL) == 0) {
        *out = copy_time(&seconds, NULL);
    }
}

void copy_usec_element(const struct tlv *element, struct krb_time *time)
{
    int32_t usec;
    if (time->present && tlv_integer(element, &usec)) {
        time_t seconds = time->seconds;
        *time = copy_time(&seconds, &usec);
    }
}

struct krb_enc copy_enc(const EncryptedData *in)
{
    return (struct krb_enc){.present = true,
                            .etype = (int32_t)in->etype,
                            .has_kvno = in->kvno != NULL,
                            .kvno = in->kvno != NULL ? (uint32_t)*in->kvno : 0,
                            .cipher_len = in->cipher.length};
}

struct krb_ticket copy_ticket(struct arena *arena, const Ticket *in, struct bytes raw)
{
    struct krb_ticket ticket = {.present = true,
                                .realm = copy_string(arena, in->realm),
                                .sname = copy_name(arena, &in->sname),
                                .enc = copy_enc(&in->enc_part),
                                .hash = hash128(raw)};
    digest_ticket(&ticket, raw);
    return ticket;
}

void copy_etype(struct krb_message *out, int32_t etype)
{
    if (out->num_etypes < KRB_ETYPES_MAX) {
        out->etypes[out->num_etypes++] = etype;
    }
}

/* NetBIOS names fill 16 bytes with blanks; the last byte tells the service, often a blank too. */
static struct bytes netbios_trim(struct bytes name)
{
    while (name.len > 0 && (name.at[name.len - 1] == ' ' || name.at[name.len - 1] == '\0')) {
        name.len--;
    }
    return name;
}

void copy_addresses(struct arena *arena, struct krb_message *out, const HostAddresses *in)
{
    for (size_t i = 0; i < in->len; i++) {
        const HostAddress *host = &in->val[i];
        if (host->addr_type == ADDRESS_TYPE_NETBIOS && out->netbios_address.len == 0) {
            struct bytes name = netbios_trim(octets_borrowed(&host->address));
            (void)arena_copy(arena, name, &out->netbios_address);
        }
        if (host->addr_type != ADDRESS_TYPE_IPV4 && host->addr_type != ADDRESS_TYPE_IPV6) {
            continue;
        }
        struct address address = address_from(octets_borrowed(&host->address));
        if (address.family != ADDRESS_NONE && out->num_addresses < KRB_ADDRESSES_MAX) {
            out->addresses[out->num_addresses++] = address;
        }
    }
}
