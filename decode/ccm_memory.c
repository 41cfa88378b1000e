#include "decode/ccm_memory.h"

#include "base/hash.h"

#include <stdlib.h>

struct remembered {
    uint64_t connection; /* 0: nothing is remembered */
    struct hash128 body, content_type;
    struct ccm_message message; /* its texts lie in text */
    uint8_t text[CCM_MEMORY_TEXT_BYTES];
};

struct ccm_memory {
    struct remembered bodies[CCM_MEMORY_BODIES]; /* by connection */
};

struct ccm_memory *ccm_memory_new(void)
{
    return calloc(1, sizeof(struct ccm_memory));
}

void ccm_memory_free(struct ccm_memory *m)
{
    free(m);
}

/* false: its texts are too long. */
static bool keep(struct remembered *r, const struct ccm_message *message)
{
    struct arena arena;
    struct ccm_message *kept = &r->message;
    arena_init(&arena, r->text, sizeof r->text);
    *kept = *message;
    return arena_copy(&arena, message->source_host, &kept->source_host) &&
           arena_copy(&arena, message->target_host, &kept->target_host) &&
           arena_copy(&arena, message->target_endpoint, &kept->target_endpoint) &&
           arena_copy(&arena, message->request_type, &kept->request_type) &&
           arena_copy(&arena, message->sms_id, &kept->sms_id) &&
           arena_copy(&arena, message->netbios_name, &kept->netbios_name) &&
           arena_copy(&arena, message->fq_name, &kept->fq_name);
}

void ccm_memory_decode(struct ccm_memory *m, uint64_t connection, struct bytes body,
                       struct bytes content_type, struct arena *arena, struct ccm_message *out)
{
    struct remembered *r = &m->bodies[connection % CCM_MEMORY_BODIES];
    const struct hash128 body_hash = hash128(body);
    const struct hash128 type_hash = hash128(content_type);
    if (r->connection == connection && hash128_equal(r->body, body_hash) &&
        hash128_equal(r->content_type, type_hash)) {
        *out = r->message;
        return;
    }
    ccm_decode(body, content_type, arena, out);
    r->connection = keep(r, out) ? connection : 0;
    r->body = body_hash;
    r->content_type = type_hash;
}
