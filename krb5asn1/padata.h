/* What stands inside PA-DATA (RFC 4120 5.2.7) and in the e-data of a KRB-ERROR. */
#ifndef KRBSCOPE_KRB5ASN1_PADATA_H
#define KRBSCOPE_KRB5ASN1_PADATA_H

#include "krb5asn1/heimdal.h"
#include "krb5asn1/krb.h"

#define PADATA_TGS_REQ 1

/* Appends the list to out->padata, which must be empty. */
void padata_copy(struct arena *arena, struct krb_message *out, const METHOD_DATA *in);

/* Fills one element from its type and value; value is the whole PA-DATA value. */
void padata_read(struct arena *arena, struct krb_padata *out, int32_t type, struct bytes value,
                 bool in_error);

/* The value of the first PA-TGS-REQ among the elements of METHOD-DATA (the content of its
 * SEQUENCE), borrowed and perhaps cut; empty when there is none. */
struct bytes padata_find_tgs_req(struct bytes elements);

/* Reads a KRB-ERROR's e-data into out->edata, padata, has_ntstatus and ntstatus. */
void edata_read(struct arena *arena, struct krb_message *out, struct bytes edata);

#endif
