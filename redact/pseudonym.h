/* Pseudonyms: the same for the same value under one key, of the same length and kind of character,
 * so that they fit where the value stood (DER, DNS labels, TCP's sequence numbers).
 *
 *      CLIENT1$@CORP.TEST      ->  QUZKRV4$@HXAW.PMOQ        label by label, case kept
 *      HTTP/mp03.corp.test     ->  HTTP/gz71.hxaw.pmoq       known words stay
 *      10.77.0.21              ->  10.31.5.64                digits an octet kept, prefixes too
 *
 * Labels go through a Feistel network over their letters and digits (as in NIST SP 800-38G, with
 * HMAC-SHA-256 as the round function), so two labels never share a pseudonym. Addresses are mapped
 * octet by octet (IPv4) and nibble by nibble (IPv6), each step keyed with all that stands before
 * it: addresses that share a prefix share one afterwards, as with Crypto-PAn. An octet keeps its
 * number of digits and a nibble that is 0 stays, so that addresses in text keep their length. What
 * stays to be seen: lengths, the kinds of characters, private and group prefixes.
 */
#ifndef KRBSCOPE_REDACT_PSEUDONYM_H
#define KRBSCOPE_REDACT_PSEUDONYM_H

#include "base/address.h"

#define PSEUDONYM_KEY_BYTES 32
#define PSEUDONYM_KNOWN_MAX 1024 /* addresses remembered with what they became */
#define PSEUDONYM_LABEL_MAX                                                                        \
    255 /* bytes of a label that is mapped as one; longer ones in pieces                           \
         */

/* What was replaced, for the note in the report. */
enum redacted_kind {
    REDACTED_NAMES,        /* host, realm, user and domain names, label by label */
    REDACTED_IDS,          /* SMS GUIDs */
    REDACTED_ADDRESSES,    /* IPv4 and IPv6 */
    REDACTED_MACS,         /* hardware addresses */
    REDACTED_CIPHERTEXTS,  /* tickets, authenticators, checksums, keys, values of certificates */
    REDACTED_NTLM_SECRETS, /* responses, challenges, session keys */
    REDACTED_TEXTS,        /* free text: header values, error texts */
    REDACTED_BODIES,       /* messages' bodies and other payload: bytes */
    REDACTED_KIND_COUNT,
};

/* An address that was replaced; len 0: none yet. */
struct pseudonym_known {
    size_t len;
    uint8_t was[16], now[16];
};

struct pseudonyms {
    uint8_t key[PSEUDONYM_KEY_BYTES];
    uint64_t num[REDACTED_KIND_COUNT];
    struct pseudonym_known known[PSEUDONYM_KNOWN_MAX];
};

/* The key is drawn from a secret of the user's. */
void pseudonym_key(struct pseudonyms *p, struct bytes secret);

/* Text that may hold names: labels are replaced in place, known words and separators stay. */
void pseudonym_text(struct pseudonyms *p, uint8_t *at, size_t len);

/* The same for UTF-16, little-endian; len is even. Characters outside ASCII become x. */
void pseudonym_utf16(struct pseudonyms *p, uint8_t *at, size_t len);

/* 4 or 16 bytes of an address. */
void pseudonym_address(struct pseudonyms *p, uint8_t *at, size_t len);

/* Six bytes of a hardware address. */
void pseudonym_mac(struct pseudonyms *p, uint8_t *at);

/* Secret bytes: a keyed tag at their start (16 bytes or fewer), zeros behind it. Equal secrets
 * stay equal and different ones different, so that a ticket can still be followed. */
void pseudonym_secret(struct pseudonyms *p, uint8_t *at, size_t len, enum redacted_kind kind);

/* Free text: letters and digits become x. */
void pseudonym_blank(struct pseudonyms *p, uint8_t *at, size_t len);

#endif
