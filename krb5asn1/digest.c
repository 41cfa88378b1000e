#include "krb5asn1/digest.h"

#include <nettle/sha2.h>

_Static_assert(KRB_SHA256_BYTES == SHA256_DIGEST_SIZE, "nettle's digest is ours");

/* Set once, before anything is decoded. */
static bool is_wanted;

void krb_keep_sha256(bool wanted)
{
    is_wanted = wanted;
}

void digest_ticket(struct krb_ticket *ticket, struct bytes raw)
{
    struct sha256_ctx context;
    if (!is_wanted || raw.len == 0) {
        return;
    }
    sha256_init(&context);
    sha256_update(&context, raw.len, raw.at);
    sha256_digest(&context, sizeof ticket->sha256, ticket->sha256);
    ticket->has_sha256 = true;
}
