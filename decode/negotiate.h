/* HTTP authentication headers (RFC 9110 11, RFC 4559): schemes and the tokens they carry. */
#ifndef KRBSCOPE_DECODE_NEGOTIATE_H
#define KRBSCOPE_DECODE_NEGOTIATE_H

#include "decode/ntlm.h"
#include "krb5asn1/spnego.h"

#define AUTH_SCHEMES_MAX 8 /* schemes kept of one response */

enum auth_scheme {
    AUTH_NONE,
    AUTH_NEGOTIATE,
    AUTH_KERBEROS,
    AUTH_NTLM,
    AUTH_NEGO2,
    AUTH_BASIC,
    AUTH_DIGEST,
    AUTH_BEARER,
    AUTH_OTHER,
};

/* Authorization, WWW-Authenticate, or their Proxy- twins, of one HTTP message. */
struct auth {
    enum auth_scheme schemes[AUTH_SCHEMES_MAX]; /* in order of appearance, each once */
    size_t num_schemes;                         /* 0: the header is absent */
    enum auth_scheme token_scheme;              /* of the token below; AUTH_NONE: no token */
    size_t token_len;                           /* base64 characters of the token */
    size_t header_len;                          /* bytes of the value that held the token */
    bool bad_base64;
    struct gss_token *gss;     /* Negotiate, Kerberos; also raw NTLM inside them; or NULL */
    struct ntlm_message *ntlm; /* NTLM anywhere in the token, or NULL */
};

/* Adds one header value to *auth (zeroed before the first): several challenges may share a line,
 * several lines may come. Values of schemes that are not ours are not kept, tokens are decoded and
 * forgotten. is_complete false: the value was cut, so is its token. */
void auth_add(struct auth *auth, struct bytes value, bool is_complete, struct arena *arena);

bool auth_offers(const struct auth *auth, enum auth_scheme scheme);
const char *auth_scheme_name(enum auth_scheme scheme); /* "Negotiate" */

/* RFC 4648 base64, padding optional, no other characters. false: not base64 (out holds what came
 * before), or out is too small. *len is what was written. */
bool base64_decode(struct bytes in, uint8_t *out, size_t size, size_t *len);

#endif
