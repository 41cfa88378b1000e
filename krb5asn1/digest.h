/* SHA-256 of a ticket (FIPS 180-4), to tie it to its other sightings in this capture and in other
 * tools. Only `messages` prints it; nobody else pays for it. */
#ifndef KRBSCOPE_KRB5ASN1_DIGEST_H
#define KRBSCOPE_KRB5ASN1_DIGEST_H

#include "krb5asn1/krb.h"

/* Fills ticket->sha256 from its DER when krb_keep_sha256() asked for it. */
void digest_ticket(struct krb_ticket *ticket, struct bytes raw);

#endif
