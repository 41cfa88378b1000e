/* Reads what is left of a Kerberos message that was cut short (snap length, lost segment). */
#ifndef KRBSCOPE_KRB5ASN1_KRB_CUT_H
#define KRBSCOPE_KRB5ASN1_KRB_CUT_H

#include "krb5asn1/krb.h"

/* AP-REQs inside PA-DATA, borrowed and perhaps cut; empty when there is none. */
struct krb_nested {
    struct bytes tgs_req; /* the value of the first PA-TGS-REQ (RFC 4120 5.2.7.1) */
    struct bytes armor;   /* of the first PA-FX-FAST, armor of type 1 (RFC 6113 5.4.1.1) */
};

/* Fills the fields of out that stand whole in front of the cut; of an EncryptedData or a Ticket
 * also the parts in front of it. out->type must be set.
 *
 * fields      the content of the message's SEQUENCE, as much as there is
 * nested      set to what there is of the AP-REQs in its PA-DATA, borrowed
 */
void krb_cut_read(struct arena *arena, struct krb_message *out, struct krb_nested *nested,
                  struct bytes fields);

#endif
