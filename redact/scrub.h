/* Messages with everything taken out that names somebody or is secret, in place: lengths, tags,
 * numbers and times stay, so that they decode as before. What is not understood becomes zero. */
#ifndef KRBSCOPE_REDACT_SCRUB_H
#define KRBSCOPE_REDACT_SCRUB_H

#include "decode/carrier.h"
#include "decode/dns.h"
#include "redact/pseudonym.h"

/* DER: Kerberos, SPNEGO, GSS tokens, KDC proxy messages and what lies in them, cut or whole. */
void scrub_der(struct pseudonyms *p, uint8_t *at, size_t len);

/* A Kerberos message, or a password change that wraps some. */
void scrub_krb(struct pseudonyms *p, uint8_t *at, size_t len);

/* An NTLMSSP message. */
void scrub_ntlm(struct pseudonyms *p, uint8_t *at, size_t len);

/* A GSS token of any kind: SPNEGO, krb5, raw NTLM. */
void scrub_token(struct pseudonyms *p, uint8_t *at, size_t len);

void scrub_dns(struct pseudonyms *p, uint8_t *at, size_t len, enum dns_flavour flavour);

/* The head of an HTTP message, or its beginning. */
void scrub_http(struct pseudonyms *p, uint8_t *at, size_t len);

/* The body of a CCM_POST, or of a message to a KDC proxy: as much of it as is understood stays. */
void scrub_body(struct pseudonyms *p, uint8_t *at, size_t len);

/* A PDU that may carry a token, or its beginning; what lies behind CARRIER_PDU_MAX bytes of it
 * becomes zero. */
void scrub_carrier(struct pseudonyms *p, uint8_t *at, size_t len, enum carrier_kind kind);

#endif
