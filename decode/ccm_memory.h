/* Bodies of CCM_POST decoded of late. A client that is challenged sends its body again with the
 * token, on the same connection or on a new one: it is read once. */
#ifndef KRBSCOPE_DECODE_CCM_MEMORY_H
#define KRBSCOPE_DECODE_CCM_MEMORY_H

#include "decode/ccm.h"

#define CCM_MEMORY_BODIES 64       /* places for bodies, by their bytes */
#define CCM_MEMORY_TEXT_BYTES 1024 /* of one body's texts; one with more is decoded again */

struct ccm_memory;

/* NULL: no memory. Free with ccm_memory_free(), which takes NULL, too. */
struct ccm_memory *ccm_memory_new(void);
void ccm_memory_free(struct ccm_memory *m);

/* As ccm_decode(), unless a body that is the same, byte for byte, and of the same type is
 * remembered. Its texts lie in m then, until the next call, else in the arena. */
void ccm_memory_decode(struct ccm_memory *m, struct bytes body, struct bytes content_type,
                       struct arena *arena, struct ccm_message *out);

#endif
