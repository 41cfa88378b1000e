/* Any bytes as a PDU of each carrier, and as the start of a segment. */
#include "decode/carrier.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_as(enum carrier_kind kind, struct bytes input)
{
    static uint8_t storage[524288];
    static volatile uint8_t last;
    struct arena arena;
    struct carrier_message message;
    struct carrier_frame frame;
    struct flaw flaw;
    size_t used = 0;
    arena_init(&arena, storage, sizeof storage);
    enum verdict framing = carrier_frame(kind, input, &frame);
    enum verdict v = carrier_decode(kind, input, &arena, &message, &used, &flaw);
    assert(framing != VERDICT_DONE || frame.len > 0);
    assert(framing != VERDICT_MORE || input.len < CARRIER_HEAD_BYTES);
    assert(v != VERDICT_DONE || (used == frame.len && used <= input.len));
    assert(message.num <= CARRIER_TOKENS_MAX);
    for (size_t i = 0; i < message.num; i++) {
        assert(message.at[i].token.len > 0);
        last = message.at[i].token.at[message.at[i].token.len - 1];
    }
    (void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = {.at = data, .len = size};
    for (int kind = CARRIER_KIND_NONE; kind <= CARRIER_KIND_GSS_LENGTH; kind++) {
        try_as((enum carrier_kind)kind, input);
    }
    (void)carrier_of(input);
    return 0;
}
