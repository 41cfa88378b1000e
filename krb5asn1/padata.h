/* What stands inside PA-DATA (RFC 4120 5.2.7) and in the e-data of a KRB-ERROR. */
#ifndef KRBSCOPE_KRB5ASN1_PADATA_H
#define KRBSCOPE_KRB5ASN1_PADATA_H

#include "krb5asn1/heimdal.h"
#include "krb5asn1/krb_cut.h"

#define PADATA_TGS_REQ 1
#define PADATA_FX_FAST 136

/* Appends the list to out->padata, which must be empty. */
void padata_copy(struct arena *arena, struct krb_message *out, const METHOD_DATA *in);

/* Fills one element from its type and value; value is the whole PA-DATA value. */
void padata_read(struct arena *arena, struct krb_padata *out, int32_t type, struct bytes value,
                 bool in_error);

/* Looks for AP-REQs among the elements of METHOD-DATA (the content of its SEQUENCE). */
struct krb_nested padata_find_nested(struct bytes elements);

/* pkinit.c: the value of a PA-PK-AS-REQ or PA-PK-AS-REP; NULL when it is no such thing or the arena
 * is full. */
const struct krb_pkinit *pkinit_request_read(struct arena *arena, struct bytes value);
const struct krb_pkinit *pkinit_reply_read(struct arena *arena, struct bytes value);

/* Reads a KRB-ERROR's e-data into out->edata, padata, has_ntstatus and ntstatus. */
void edata_read(struct arena *arena, struct krb_message *out, struct bytes edata);

#endif
