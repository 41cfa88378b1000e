/* TLS records (RFC 8446 5.1), stepped over: what they hold is nobody's business.
 *
 *      0      1         3        5
 *      | type | 3 minor | length | …     type 20 to 24
 */
#include "decode/carrier_private.h"

enum { HEADER_BYTES = 5, TYPE_MIN = 20, TYPE_MAX = 24, MINOR_MAX = 4 };

/* Never by itself: decoder_content.c tells TLS by its hello. */
bool tls_begins(struct bytes start)
{
    (void)start;
    return false;
}

enum verdict tls_frame(struct bytes pdu, struct carrier_frame *out)
{
    uint8_t type = bytes_u8_at(pdu, 0);
    if (pdu.len < HEADER_BYTES) {
        return VERDICT_MORE;
    }
    out->len = HEADER_BYTES + bytes_u16be_at(pdu, 3);
    bool is_ours = type >= TYPE_MIN && type <= TYPE_MAX && bytes_u8_at(pdu, 1) == 3 &&
                   bytes_u8_at(pdu, 2) <= MINOR_MAX;
    return is_ours ? VERDICT_DONE : VERDICT_BAD;
}

enum verdict tls_decode(struct carrier_reader *r)
{
    (void)r;
    return VERDICT_DONE;
}
