/* Any bytes as an NTLMSSP message. */
#include "decode/ntlm.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t storage[262144];
    struct arena arena;
    struct ntlm_message message;
    struct flaw flaw;
    size_t used = 0;
    struct bytes input = {.at = data, .len = size};
    arena_init(&arena, storage, sizeof storage);
    enum verdict v = ntlm_decode(input, &arena, &message, &used, &flaw);
    assert((v == VERDICT_DONE) == message.complete);
    assert(v != VERDICT_DONE || used <= size);
    return 0;
}
