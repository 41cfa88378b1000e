/* Protocols that carry GSS tokens, each in its own copy: what stays beside the tokens. */
#ifndef KRBSCOPE_REDACT_SCRUB_CARRIER_H
#define KRBSCOPE_REDACT_SCRUB_CARRIER_H

#include "redact/copy.h"

/* A message of the NetBIOS session service, SMB1 or SMB2, without what its pipes carry. */
void scrub_smb(const struct copy *c);

/* DCE/RPC PDUs, len bytes at this offset. */
void scrub_rpc(const struct copy *c, size_t at, size_t len);

/* The data of a TDS message without its packets' headers; type is their first byte. */
void scrub_tds(const struct copy *c, uint8_t type);

/* A TLS record: a hello without anything in it, or bytes of an application. */
void scrub_tls(const struct copy *c);

#endif
