/* Any bytes as lines of a server's log: directives as they come, everything else through
 * w3c_parse(). */
#include "logs/w3c.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = {.at = data, .len = size};
    struct w3c_fields fields = {.num = 0};
    for (size_t at = 0; at < size;) {
        size_t end = bytes_find(input, '\n', at);
        struct bytes line = bytes_part(input, at, end - at);
        struct log_entry e;
        struct flaw flaw = {0};
        at = end + 1;
        if (line.len > 0 && line.at[0] == '#') {
            w3c_directive(&fields, line);
        } else if (w3c_parse(&fields, line, &e, &flaw) == VERDICT_DONE) {
            assert(e.status <= 9999 && e.substatus <= 9999);
            assert(e.has_status || e.status == 0);
            assert(e.path.len <= line.len && e.method.len <= line.len);
        } else {
            assert(flaw.why != NULL && flaw.at <= line.len);
        }
    }
    return 0;
}
