/* Any bytes as a DNS message; the first byte chooses the flavour. */
#include "decode/dns.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t storage[65536];
    struct arena arena;
    struct dns_message message;
    struct flaw flaw;
    size_t used = 0;
    if (size == 0) {
        return 0;
    }
    arena_init(&arena, storage, sizeof storage);
    struct bytes input = {.at = data + 1, .len = size - 1};
    enum dns_flavour flavour = (enum dns_flavour)(data[0] % (DNS_MDNS + 1));
    enum verdict v = dns_decode(input, flavour, &arena, &message, &used, &flaw);
    assert(used <= input.len);
    assert((v == VERDICT_DONE) == message.complete);
    assert(message.num_answers <= DNS_ANSWERS_MAX);
    assert(message.question.len < DNS_NAME_BYTES_MAX);
    return 0;
}
