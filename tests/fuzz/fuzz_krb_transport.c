/* Any bytes as a TCP stream, cut into pieces by the first byte, with a gap by the second. */
#include "decode/krb_transport.h"

#include <assert.h>

static uint8_t buffer[65536];

static size_t drain(struct krb_transport *t)
{
    struct bytes message;
    struct flaw flaw;
    size_t len = 0;
    enum krb_transport_step step;
    while ((step = krb_transport_next(t, &message, &flaw)) != KRB_TRANSPORT_MORE) {
        if (step == KRB_TRANSPORT_BUFFER) {
            assert(krb_transport_need(t) <= KRB_TRANSPORT_MESSAGE_MAX);
            krb_transport_lend(t, buffer, sizeof buffer);
        }
        len += message.len;
    }
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct krb_transport t;
    struct bytes part;
    size_t len = 0;
    if (size < 2) {
        return 0;
    }
    struct bytes stream = {.at = data + 2, .len = size - 2};
    size_t piece_len = data[0] % 64U + 1;
    size_t gap_at = data[1] * piece_len;
    krb_transport_init(&t, data[0] < 128);
    for (size_t at = 0; at < stream.len; at += piece_len) {
        if (at > 0 && at == gap_at) {
            krb_transport_gap(&t, data[1] % 32U, &part);
        }
        krb_transport_push(&t, bytes_part(stream, at, piece_len), at % 3 == 0);
        len += drain(&t);
    }
    krb_transport_gap(&t, 0, &part);
    assert(len <= stream.len);
    return 0;
}
