/* Heimdal's decoded structs into ours. Everything kept is copied into the arena, so the caller can
 * free Heimdal's struct at once. What does not fit stays empty: arena->refused tells. */
#ifndef KRBSCOPE_KRB5ASN1_COPY_H
#define KRBSCOPE_KRB5ASN1_COPY_H

#include "krb5asn1/heimdal.h"
#include "krb5asn1/krb.h"
#include "krb5asn1/tlv.h"

/* A GeneralString or NULL (gives the empty run). */
struct bytes copy_string(struct arena *arena, const char *string);

/* An OCTET STRING. */
struct bytes copy_octets(struct arena *arena, const heim_octet_string *octets);

/* The bytes of an OCTET STRING, borrowed. */
struct bytes octets_borrowed(const heim_octet_string *octets);

/* Unused elements of the list behind the first KRB_NAME_PARTS_MAX are in text but not in parts. */
struct krb_name copy_name(struct arena *arena, const PrincipalName *in);

/* in and usec may be NULL. */
struct krb_time copy_time(const time_t *in, const int *usec);

/* A KerberosTime as it stands on the wire; left as it is when it is none. */
void copy_time_element(const struct tlv *element, struct krb_time *out);

/* Adds the microseconds that follow it. */
void copy_usec_element(const struct tlv *element, struct krb_time *time);

struct krb_enc copy_enc(const EncryptedData *in);

/* raw: the Ticket's DER as it stands on the wire, for the hash. */
struct krb_ticket copy_ticket(struct arena *arena, const Ticket *in, struct bytes raw);

void copy_etype(struct krb_message *out, int32_t etype);
void copy_addresses(struct arena *arena, struct krb_message *out, const HostAddresses *in);

#endif
