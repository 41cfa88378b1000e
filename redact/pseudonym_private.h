/* What labels and addresses share. */
#ifndef KRBSCOPE_REDACT_PSEUDONYM_PRIVATE_H
#define KRBSCOPE_REDACT_PSEUDONYM_PRIVATE_H

#include "redact/pseudonym.h"

#define PSEUDONYM_MAC_BYTES 32

/* HMAC-SHA-256 under the key over a domain byte and up to two pieces. */
void pseudonym_mac_of(const struct pseudonyms *p, uint8_t domain, struct bytes a, struct bytes b,
                      uint8_t out[PSEUDONYM_MAC_BYTES]);

#endif
