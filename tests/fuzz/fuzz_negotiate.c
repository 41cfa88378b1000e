/* Any bytes as authentication header values, a line each; one that ends in a tab counts as cut. */
#include "decode/negotiate.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t storage[1048576];
    struct arena arena;
    struct auth auth = {0};
    struct bytes input = {.at = data, .len = size};
    arena_init(&arena, storage, sizeof storage);
    for (size_t at = 0; at < size;) {
        size_t end = bytes_find(input, '\n', at);
        struct bytes value = bytes_part(input, at, end - at);
        bool is_cut = value.len > 0 && value.at[value.len - 1] == '\t';
        auth_add(&auth, value, !is_cut, &arena);
        at = end + 1;
    }
    assert(auth.num_schemes <= AUTH_SCHEMES_MAX);
    assert(auth.token_scheme != AUTH_NONE || auth.gss == NULL);
    assert(auth.token_len <= auth.header_len);
    return 0;
}
