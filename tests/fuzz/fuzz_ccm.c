/* Any bytes as the body of a CCM_POST; the first line is its content type. */
#include "decode/ccm.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t storage[1048576];
    struct arena arena;
    struct ccm_message message;
    struct bytes input = {.at = data, .len = size};
    size_t line_end = bytes_find(input, '\n', 0);
    arena_init(&arena, storage, sizeof storage);
    ccm_decode(bytes_part(input, line_end + 1, size), bytes_part(input, 0, line_end), &arena,
               &message);
    assert(!message.is_registration || message.recognised);
    assert(arena.used <= 16384); /* only the values that were found stay */
    return 0;
}
