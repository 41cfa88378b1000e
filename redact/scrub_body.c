/* Bodies: zeros, but for two that a verdict may rest on. A registration of Configuration Manager is
 * written anew with only what makes it one; a KDC proxy's message is DER like any other. */
#include "redact/scrub.h"

#include "base/cursor.h"
#include "decode/ccm.h"

#include <string.h>

#define SCRATCH_BYTES (2 * CCM_INFLATED_BYTES_MAX + 65536)

/* What is left of a body: an XML document that says no more than its kind. */
static void rewrite(const struct ccm_message *ccm, uint8_t *at, size_t len)
{
    static const char registration[] = "<ClientRegistrationRequest/>";
    static const char message[] = "<Msg/>";
    const char *kept = ccm->is_registration ? registration : message;
    struct bytes text = bytes_of(kept);
    memset(at, 0, len);
    if (ccm->recognised && text.len <= len) {
        memcpy(at, kept, text.len);
    }
}

void scrub_body(struct pseudonyms *p, uint8_t *at, size_t len)
{
    struct arena arena;
    struct ccm_message ccm = {0};
    struct bytes body = {.at = at, .len = len};
    if (bytes_u8_at(body, 0) == 0x30) {
        scrub_der(p, at, len);
        return;
    }
    p->num[REDACTED_BODIES] += len > 0;
    if (arena_new(&arena, SCRATCH_BYTES)) {
        ccm_decode(body, (struct bytes){0}, &arena, &ccm);
        rewrite(&ccm, at, len);
        arena_free(&arena);
    } else {
        memset(at, 0, len);
    }
}
