#include "decode/krb_transport.h"

#include "base/cursor.h"

#include <assert.h>
#include <string.h>

#define LENGTH_BYTES 4
#define MESSAGE_BYTES_MIN 10 /* tag, length, SEQUENCE, pvno, msg-type */
#define KPASSWD_HEAD_BYTES 6
#define KPASSWD_CHANGE 1   /* RFC 3244 2: change, and every reply */
#define KPASSWD_SET 0xff80 /* RFC 3244 2: set */

/* First octets of the messages that a password change is made of (RFC 4120 5.10). */
enum { TAG_AP_REQ = 0x6e, TAG_AP_REP = 0x6f, TAG_KRB_PRIV = 0x75, TAG_KRB_ERROR = 0x7e };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum verdict kpasswd_decode(struct bytes input, struct kpasswd_message *out, size_t *used,
                            struct flaw *flaw)
{
    struct cursor c = cursor_over(input);
    size_t total = cursor_u16be(&c);
    size_t ap_len = 0;
    size_t inner_len = 0;
    *out = (struct kpasswd_message){0};
    *used = 0;
    out->version = cursor_u16be(&c);
    ap_len = cursor_u16be(&c);
    if (!cursor_ok(&c)) {
        return VERDICT_MORE;
    }
    if (total < KPASSWD_HEAD_BYTES + MESSAGE_BYTES_MIN) {
        return flaw_set(flaw, 0, "message length leaves no room for a message", "RFC 3244 2");
    }
    if (out->version != KPASSWD_CHANGE && out->version != KPASSWD_SET) {
        return flaw_set(flaw, 2, "unknown protocol version", "RFC 3244 2");
    }
    if (ap_len > total - KPASSWD_HEAD_BYTES) {
        return flaw_set(flaw, 4, "AP-REQ length runs past the message", "RFC 3244 2");
    }
    struct bytes body = bytes_part(input, KPASSWD_HEAD_BYTES, total - KPASSWD_HEAD_BYTES);
    out->ap = bytes_part(body, 0, ap_len);
    out->second = bytes_part(body, ap_len, body.len);
    *used = total;
    if (body.len == 0) {
        return VERDICT_MORE;
    }
    uint8_t tag = bytes_u8_at(body, 0);
    bool tag_fits = ap_len == 0 ? tag == TAG_KRB_ERROR : tag == TAG_AP_REQ || tag == TAG_AP_REP;
    size_t first_len = ap_len == 0 ? total - KPASSWD_HEAD_BYTES : ap_len;
    bool is_kerberos = krb_looks_like(body, &inner_len) && inner_len == first_len;
    /* 16 bytes suffice for krb_looks_like(); with fewer it cannot be held against the message. */
    if (!tag_fits || (!is_kerberos && body.len >= least(first_len, 16))) {
        return flaw_set(flaw, KPASSWD_HEAD_BYTES, "no Kerberos message inside", "RFC 3244 2");
    }
    tag = bytes_u8_at(out->second, 0);
    if (ap_len != 0 && out->second.len > 0 && tag != TAG_KRB_PRIV && tag != TAG_KRB_ERROR) {
        return flaw_set(flaw, KPASSWD_HEAD_BYTES + ap_len, "no KRB-PRIV behind the AP-REQ",
                        "RFC 3244 2");
    }
    return input.len < total ? VERDICT_MORE : VERDICT_DONE;
}

/* Is this a record's beginning? DONE: yes, *message_len is set; MORE: too short to tell. */
static enum verdict judge(struct bytes record, size_t *message_len, struct flaw *flaw)
{
    size_t inner_len = 0;
    size_t used = 0;
    struct kpasswd_message kpasswd;
    *message_len = 0;
    if (record.len < LENGTH_BYTES) {
        return VERDICT_MORE;
    }
    /* A set high bit is RFC 5021's extension, which nobody sends and no KDC answers but with 61. */
    size_t len = bytes_u32be_at(record, 0);
    if (len < MESSAGE_BYTES_MIN || len > KRB_TRANSPORT_MESSAGE_MAX) {
        return flaw_set(flaw, 0, "record length is out of range", "RFC 4120 7.2.2");
    }
    struct bytes message = bytes_part(record, LENGTH_BYTES, len);
    if (krb_looks_like(message, &inner_len) && inner_len == len) {
        *message_len = len;
        return VERDICT_DONE;
    }
    bool enough = message.len >= least(len, KRB_TRANSPORT_HEAD_BYTES - LENGTH_BYTES);
    if (kpasswd_decode(message, &kpasswd, &used, NULL) != VERDICT_BAD && used == len && enough) {
        *message_len = len;
        return VERDICT_DONE;
    }
    return enough ? flaw_set(flaw, LENGTH_BYTES, "no Kerberos message of the record's length",
                             "RFC 4120 7.2.2")
                  : VERDICT_MORE;
}

bool krb_transport_looks_like(struct bytes segment_start, size_t *message_len)
{
    return judge(segment_start, message_len, NULL) == VERDICT_DONE;
}

void krb_transport_init(struct krb_transport *t, bool from_start)
{
    *t = (struct krb_transport){.is_lost = !from_start};
}

void krb_transport_push(struct krb_transport *t, struct bytes piece, bool at_segment_start)
{
    assert(t->input.len == 0);
    t->input = piece;
    t->at_segment_start = at_segment_start;
}

static struct bytes consume(struct krb_transport *t, size_t len)
{
    struct bytes taken = bytes_part(t->input, 0, len);
    t->input = bytes_part(t->input, taken.len, t->input.len);
    t->at_segment_start = t->at_segment_start && taken.len == 0;
    return taken;
}

/* Copies from the input until the kept beginning of a record has len bytes, if
 * there are as many.
 */
static void keep_head(struct krb_transport *t, size_t len)
{
    assert(len <= sizeof t->head);
    if (t->head_len < len) {
        struct bytes taken = consume(t, len - t->head_len);
        if (taken.len > 0) {
            memcpy(t->head + t->head_len, taken.at, taken.len);
        }
        t->head_len += taken.len;
    }
}

/* Bytes of the message begun that were consumed so far. */
static size_t consumed(const struct krb_transport *t)
{
    size_t in_head = t->head_len > LENGTH_BYTES ? t->head_len - LENGTH_BYTES : 0;
    return t->have > in_head ? t->have : in_head;
}

static void forget_message(struct krb_transport *t)
{
    t->message_len = 0;
    t->head_len = 0;
    t->have = 0;
    t->asked = false;
}

/* The message begun is passed over by arithmetic. */
static void pass_over(struct krb_transport *t)
{
    t->skip = t->message_len - consumed(t);
    t->lost_bytes += t->message_len;
    forget_message(t);
}

/* The kept beginning with as much of the input as belongs to it, judged, nothing consumed. */
static enum verdict judge_next(const struct krb_transport *t, size_t *message_len,
                               struct flaw *flaw)
{
    uint8_t joined[KRB_TRANSPORT_HEAD_BYTES];
    if (t->head_len == 0) {
        return judge(t->input, message_len, flaw);
    }
    struct bytes more = bytes_part(t->input, 0, sizeof joined - t->head_len);
    memcpy(joined, t->head, t->head_len);
    if (more.len > 0) {
        memcpy(joined + t->head_len, more.at, more.len);
    }
    return judge((struct bytes){.at = joined, .len = t->head_len + more.len}, message_len, flaw);
}

/* Between records, with input. false: go on looking. true: *step is to be returned. */
static bool begin_record(struct krb_transport *t, enum krb_transport_step *step, struct flaw *flaw)
{
    size_t message_len = 0;
    if (t->is_lost && t->head_len == 0 && !t->at_segment_start) {
        t->lost_bytes += consume(t, t->input.len).len;
        return false;
    }
    switch (judge_next(t, &message_len, flaw)) {
    case VERDICT_DONE:
        t->is_lost = false;
        t->message_len = message_len;
        keep_head(t, LENGTH_BYTES);
        return false;
    case VERDICT_MORE:
        keep_head(t, sizeof t->head);
        assert(t->input.len == 0);
        return false;
    case VERDICT_BAD:
        break;
    }
    bool was_lost = t->is_lost;
    t->is_lost = true;
    t->lost_bytes += t->head_len;
    /* What was kept from earlier pieces is to blame first: this piece may still begin a record. */
    if (t->head_len == 0 || !t->at_segment_start) {
        t->lost_bytes += consume(t, t->input.len).len;
    }
    t->head_len = 0;
    *step = KRB_TRANSPORT_LOST;
    return !was_lost;
}

/* Inside a message, with input. true: *step is to be returned. */
static bool continue_message(struct krb_transport *t, enum krb_transport_step *step,
                             struct bytes *message)
{
    if (consumed(t) == 0 && t->input.len >= t->message_len) {
        *message = consume(t, t->message_len);
        t->messages++;
        forget_message(t);
        *step = KRB_TRANSPORT_MESSAGE;
        return true;
    }
    if (t->buffer == NULL || t->buffer_size < t->message_len) {
        *step = KRB_TRANSPORT_BUFFER;
        if (t->asked) {
            pass_over(t);
            return false;
        }
        t->asked = true;
        return true;
    }
    if (t->have == 0 && t->head_len > LENGTH_BYTES) {
        t->have = t->head_len - LENGTH_BYTES;
        memcpy(t->buffer, t->head + LENGTH_BYTES, t->have);
    }
    struct bytes taken = consume(t, t->message_len - t->have);
    if (taken.len > 0) {
        memcpy(t->buffer + t->have, taken.at, taken.len);
    }
    t->have += taken.len;
    if (t->have < t->message_len) {
        return false;
    }
    *message = (struct bytes){.at = t->buffer, .len = t->message_len};
    t->messages++;
    forget_message(t);
    *step = KRB_TRANSPORT_MESSAGE;
    return true;
}

enum krb_transport_step krb_transport_next(struct krb_transport *t, struct bytes *message,
                                           struct flaw *flaw)
{
    enum krb_transport_step step = KRB_TRANSPORT_MORE;
    *message = (struct bytes){0};
    /* Each round consumes input, or leaves the loop, or changes state once for a record. */
    while (t->input.len > 0) {
        if (t->skip > 0) {
            t->skip -= consume(t, t->skip).len;
        } else if (t->message_len == 0) {
            if (begin_record(t, &step, flaw)) {
                return step;
            }
        } else if (continue_message(t, &step, message)) {
            return step;
        }
    }
    return KRB_TRANSPORT_MORE;
}

size_t krb_transport_need(const struct krb_transport *t)
{
    return t->asked && !krb_transport_holds_buffer(t) ? t->message_len : 0;
}

void krb_transport_lend(struct krb_transport *t, uint8_t *buffer, size_t size)
{
    assert(!krb_transport_holds_buffer(t));
    t->buffer = buffer;
    t->buffer_size = buffer == NULL ? 0 : size;
}

bool krb_transport_holds_buffer(const struct krb_transport *t)
{
    return t->message_len > 0 && t->buffer != NULL && t->buffer_size >= t->message_len;
}

uint8_t *krb_transport_take_back(struct krb_transport *t)
{
    uint8_t *buffer = t->buffer;
    if (krb_transport_holds_buffer(t)) {
        pass_over(t);
    }
    t->buffer = NULL;
    t->buffer_size = 0;
    return buffer;
}

void krb_transport_gap(struct krb_transport *t, uint64_t gap_len, struct bytes *part)
{
    size_t rest = t->message_len > 0 ? t->message_len - consumed(t) : t->skip;
    assert(t->input.len == 0);
    *part = (struct bytes){0};
    if (krb_transport_holds_buffer(t)) {
        *part = (struct bytes){.at = t->buffer, .len = t->have};
    }
    t->lost_bytes += t->message_len > 0 ? consumed(t) : t->head_len;
    forget_message(t);
    t->skip = 0;
    if (gap_len != 0 && gap_len <= rest) {
        t->skip = rest - (size_t)gap_len;
    } else {
        t->is_lost = true;
    }
}
