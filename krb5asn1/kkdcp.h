/* Kerberos through an HTTP proxy (MS-KKDCP): what is around the message.
 *
 *      KDC-PROXY-MESSAGE ::= SEQUENCE {
 *          kerb-message    [0] OCTET STRING,       with the length of a TCP record in front
 *          target-domain   [1] KERB-REALM OPTIONAL,
 *          dclocator-hint  [2] INTEGER OPTIONAL }
 */
#ifndef KRBSCOPE_KRB5ASN1_KKDCP_H
#define KRBSCOPE_KRB5ASN1_KKDCP_H

#include "base/bytes.h"
#include "base/status.h"

struct kkdcp_message {
    struct bytes message; /* the Kerberos or password change message, without its record length;
                             cut where the input ends */
    struct bytes target_domain; /* empty: none */
    bool has_hint;
    int32_t dclocator_hint; /* flags of DsGetDcName (MS-KKDCP 2.2.2) */
};

/* Reads one KDC-PROXY-MESSAGE; all slices are the input's.
 *
 * DONE  whole
 * MORE  the input ends before the message does; what was there is filled
 * BAD   no such message
 */
enum verdict kkdcp_decode(struct bytes input, struct kkdcp_message *out, struct flaw *flaw);

#endif
