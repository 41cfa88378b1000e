/* Heimdal's headers in the order in which they compile, for this folder only. They bring short
 * names (Ticket, Realm, krb_error) and functions called decode_*, encode_* and der_*. */
#ifndef KRBSCOPE_KRB5ASN1_HEIMDAL_H
#define KRBSCOPE_KRB5ASN1_HEIMDAL_H

#include <stdint.h>
#include <time.h>

#include <krb5-types.h>

/* Three of Heimdal's types are named as our message types are. */
#define KRB_SAFE heimdal_krb_safe
#define KRB_PRIV heimdal_krb_priv
#define KRB_CRED heimdal_krb_cred
#include <krb5_asn1.h>
#undef KRB_SAFE
#undef KRB_PRIV
#undef KRB_CRED

#include <der.h>

#endif
