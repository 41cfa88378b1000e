/* Reads what is left of a Kerberos message that was cut short (snap length, lost segment). */
#ifndef KRBSCOPE_KRB5ASN1_KRB_CUT_H
#define KRBSCOPE_KRB5ASN1_KRB_CUT_H

#include "krb5asn1/krb.h"

/* Fills the fields of out that stand whole in front of the cut; of an EncryptedData or a Ticket
 * also the parts in front of it. out->type must be set.
 *
 * fields      the content of the message's SEQUENCE, as much as there is
 * tgs_ap_req  set to what there is of the AP-REQ in PA-TGS-REQ, borrowed
 */
void krb_cut_read(struct arena *arena, struct krb_message *out, struct bytes *tgs_ap_req,
                  struct bytes fields);

#endif
