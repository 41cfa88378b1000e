/* Kerberos on the wire: records of a TCP stream (RFC 4120 7.2.2) and the frame of the password
 * change protocol (RFC 3244), found on any port by content.
 *
 *      0        4                    4 + length
 *      | length | one message        | length | one message …
 *
 * The length is big-endian, its high bit is reserved and 0. A framer serves one direction of one
 * connection. Pieces come in any split; a message that lies in one piece is handed out as a slice
 * of it, only one that spans pieces needs a buffer, which the caller lends:
 *
 *      krb_transport_push(&t, payload, true);
 *      while ((step = krb_transport_next(&t, &message, &flaw)) != KRB_TRANSPORT_MORE) {
 *          if (step == KRB_TRANSPORT_MESSAGE)
 *              krb_decode(message, …)            valid until the next call on t
 *          else if (step == KRB_TRANSPORT_BUFFER)
 *              krb_transport_lend(&t, buffer, size) of krb_transport_need(&t) bytes, or size 0
 *          else                                  KRB_TRANSPORT_LOST: count flaw
 *      }
 */
#ifndef KRBSCOPE_DECODE_KRB_TRANSPORT_H
#define KRBSCOPE_DECODE_KRB_TRANSPORT_H

#include "krb5asn1/krb.h"

#define KRB_TRANSPORT_MESSAGE_MAX 262144 /* bytes of one record; a longer length is no framing */
#define KRB_TRANSPORT_HEAD_BYTES 32      /* length and enough of the message to judge it */

enum krb_transport_step {
    KRB_TRANSPORT_MORE,    /* the piece is used up: push the next one */
    KRB_TRANSPORT_MESSAGE, /* *message is one whole message (Kerberos or password change) */
    KRB_TRANSPORT_BUFFER,  /* a message goes on in the next piece: lend a buffer, call again */
    KRB_TRANSPORT_LOST,    /* the framing broke: everything up to the next segment start that looks
                              like a record is passed over */
};

/* Zeroed by krb_transport_init(); all fields private but the counters. */
struct krb_transport {
    struct bytes input;    /* what is left of the pushed piece */
    bool at_segment_start; /* input begins where a TCP segment's payload began */
    bool is_lost;          /* looking for a record at a segment start */
    uint8_t head[KRB_TRANSPORT_HEAD_BYTES];
    size_t head_len;    /* bytes of a record's beginning kept over pieces */
    size_t message_len; /* of the message begun; 0: between records */
    uint8_t *buffer;    /* lent; NULL: none */
    size_t buffer_size;
    bool asked;          /* KRB_TRANSPORT_BUFFER was said for this message */
    size_t have;         /* bytes of the message in the buffer */
    size_t skip;         /* bytes of a dropped message still to pass over */
    uint64_t messages;   /* handed out so far, whole ones */
    uint64_t lost_bytes; /* passed over so far, for want of framing or of a buffer */
};

/* A framer at the start of a stream, or anywhere: set from_start false when the stream's beginning
 * was not captured, so that a record is first looked for at a segment start. */
void krb_transport_init(struct krb_transport *t, bool from_start);

/* The next bytes of the stream, in order; they must stay valid until krb_transport_next() has said
 * MORE. The piece before must be used up. */
void krb_transport_push(struct krb_transport *t, struct bytes piece, bool at_segment_start);

/* See the loop above. *message is set with KRB_TRANSPORT_MESSAGE, *flaw (may be NULL) with LOST;
 * flaw->at is an offset in what was left of the piece. */
enum krb_transport_step krb_transport_next(struct krb_transport *t, struct bytes *message,
                                           struct flaw *flaw);

/* Bytes that the message begun needs: 0 when no buffer is wanted. */
size_t krb_transport_need(const struct krb_transport *t);

/* Lends a buffer; it stays lent until krb_transport_take_back(). Too small or NULL: the message is
 * passed over by arithmetic, and the framing is kept. */
void krb_transport_lend(struct krb_transport *t, uint8_t *buffer, size_t size);

/* Is a message under way in the lent buffer? If not, the buffer may go to somebody else. */
bool krb_transport_holds_buffer(const struct krb_transport *t);

/* The buffer back, or NULL; a message that was under way in it is passed over. */
uint8_t *krb_transport_take_back(struct krb_transport *t);

/* gap_len bytes of the stream were never captured (0: unknown number). *part is what was captured
 * of the message that the gap cuts, empty when there is none; krb_decode() says MORE to it. Valid
 * until the next call on t. When the gap ends inside that message the framing is kept, else it is
 * found again at a segment start. Call with the piece used up; at the end of the stream too. */
void krb_transport_gap(struct krb_transport *t, uint64_t gap_len, struct bytes *part);

/* Does a TCP segment's payload begin with a record? Cheap, for every segment of an undecided flow:
 * a length without the high bit and in it a Kerberos message of exactly that length
 * (krb_looks_like()), or a password change message. *message_len is the length without its own four
 * bytes. 20 bytes suffice, 26 for a password change. */
bool krb_transport_looks_like(struct bytes segment_start, size_t *message_len);

/* A password change message (RFC 3244 2), without TCP's length:
 *
 *      0       2         4        6           6 + ap_len
 *      | total | version | ap_len | AP-REQ/REP | KRB-PRIV, or KRB-ERROR when ap_len is 0
 */
struct kpasswd_message {
    uint16_t version;    /* 1 change or any reply, 0xff80 set */
    struct bytes ap;     /* AP-REQ or AP-REP; empty when a KRB-ERROR follows */
    struct bytes second; /* KRB-PRIV or KRB-ERROR, cut where the input ends */
};

/* Splits a datagram or a record. DONE, MORE (cut: filled as far as it goes), BAD (no such message,
 * or what it should hold does not look like Kerberos). *used is the message's total length. */
enum verdict kpasswd_decode(struct bytes input, struct kpasswd_message *out, size_t *used,
                            struct flaw *flaw);

#endif
