/* Bodies: stepped over by arithmetic, counted; only of a CCM_POST and of Kerberos through a proxy
 * the beginning is kept. */
#include "decode/http_private.h"

#include "base/cursor.h"

#include <stdlib.h>

bool http_is_kkdcp(struct bytes content_type)
{
    return bytes_begins_nocase(bytes_trim(content_type), "application/kerberos");
}

/* Where len bytes of the kept body lie, for a tap. They are of no use when there is no memory. */
static void piece_add(struct http_making *m, uint64_t offset, size_t len)
{
    if (m->pieces == NULL && m->wants_pieces) {
        m->pieces = calloc(HTTP_PIECES_MAX, sizeof *m->pieces);
    }
    struct tap_piece *last = m->num_pieces == 0 ? NULL : &m->pieces[m->num_pieces - 1];
    if (last != NULL && last->offset + last->len == offset) {
        last->len += len;
    } else if (m->pieces != NULL && m->num_pieces < HTTP_PIECES_MAX) {
        m->pieces[m->num_pieces++] = (struct tap_piece){.offset = offset, .len = len};
    }
}

/* Bytes of a body, without what frames them; they begin at this offset of the stream. */
static void body_add(struct http_making *m, uint64_t offset, struct bytes part)
{
    size_t had = m->body.len;
    m->body_len += part.len;
    if (!m->keeps_body || m->emitted || m->bytes_lost) {
        return;
    }
    if (!http_buffer_add(&m->body, part, HTTP_BODY_KEPT_BYTES)) {
        m->keeps_body = false;
    } else if (m->body.len > had) {
        piece_add(m, offset, m->body.len - had);
    }
}

/* The message's body does not come: another message begins here. */
static void body_missing(struct http_conn *h, struct http_side *s)
{
    http_emit(h, s);
    http_making_drop(&s->making);
    s->state = HTTP_START;
}

/* What was looked at was the body after all. */
void http_body_settle(struct http_side *s)
{
    struct http_making *m = &s->making;
    m->in_doubt = false;
    if (s->probe_len > 0) {
        body_add(m, s->next - s->probe_len, (struct bytes){.at = s->probe, .len = s->probe_len});
        s->left -= s->state == HTTP_COUNTED ? s->probe_len : 0;
        s->probe_len = 0;
        http_note_place(m, &s->probe_first);
        http_note_place(m, &s->probe_last);
    }
}

/* A body that perhaps does not come, as after a HEAD that was lost: its first bytes, where a
 * segment begins, tell. left is HTTP_LOOK_BYTES at least. */
static size_t step_doubt(struct http_conn *h, struct http_side *s, struct bytes part,
                         const struct place *place)
{
    enum verdict verdict = VERDICT_MORE;
    size_t len = 0;
    if (s->probe_len == 0) {
        s->probe_first = *place;
    }
    s->probe_last = *place;
    while (len < part.len && s->probe_len < HTTP_LOOK_BYTES && verdict == VERDICT_MORE) {
        s->probe[s->probe_len++] = bytes_u8_at(part, len++);
        struct bytes probe = {.at = s->probe, .len = s->probe_len};
        verdict = http_start_check(probe, s->is_request, true);
    }
    uint64_t start = s->next + len - s->probe_len;
    s->next += len;
    s->at_segment_start = false;
    if (verdict == VERDICT_DONE) {
        struct bytes probe = {.at = s->probe, .len = s->probe_len};
        struct place first = s->probe_first;
        s->probe_len = 0;
        body_missing(h, s);
        http_begin(h, s, false, start, &first);
        http_note_place(&s->making, &first);
        http_note_place(&s->making, place);
        if (!http_buffer_add(&s->making.head, probe, HTTP_HEAD_BYTES_MAX)) {
            http_lose_step(h, s);
        }
    } else if (verdict == VERDICT_BAD || s->probe_len == HTTP_LOOK_BYTES) {
        http_body_settle(s);
        if (s->state == HTTP_COUNTED && s->left == 0) {
            http_finish(h, s);
        }
    }
    return len;
}

size_t http_step_body(struct http_conn *h, struct http_side *s, struct bytes part,
                      const struct place *place)
{
    struct http_making *m = &s->making;
    if (m->in_doubt && (s->probe_len > 0 || s->at_segment_start)) {
        return step_doubt(h, s, part, place);
    }
    m->in_doubt = false;
    size_t len = part.len;
    if (s->state != HTTP_UNTIL_END) {
        len = part.len < s->left ? part.len : (size_t)s->left;
        s->left -= len;
    }
    http_take(s, len, place);
    body_add(m, s->next - len, bytes_part(part, 0, len));
    if (s->state == HTTP_COUNTED && s->left == 0) {
        http_finish(h, s);
    } else if (s->state == HTTP_CHUNK_DATA && s->left == 0) {
        s->state = HTTP_CHUNK_END;
    }
    return len;
}

bool http_step_over(struct http_conn *h, struct http_side *s, uint64_t len)
{
    if (s->state != HTTP_COUNTED) {
        return false;
    }
    http_body_settle(s);
    if (len > s->left) {
        return false;
    }
    s->left -= len;
    s->making.bytes_lost = true;
    if (s->left == 0) {
        s->making.end_lost = true;
        http_finish(h, s);
    }
    return true;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* chunk-size [chunk-ext] CRLF (RFC 9112 7.1), one byte; blanks behind the size: IIS pads it. */
size_t http_step_chunk_size(struct http_conn *h, struct http_side *s, struct bytes part,
                            const struct place *place)
{
    uint8_t c = bytes_u8_at(part, 0);
    struct http_making *m = &s->making;
    if (m->in_doubt && s->at_segment_start && c == 'H') {
        body_missing(h, s);
        return http_step_start(h, s, part, place);
    }
    m->in_doubt = false;
    if (!s->in_extension || c == '\r' || c == '\n') {
        http_tell(h, s, s->next, TAP_FRAMING, bytes_part(part, 0, 1));
    }
    http_take(s, 1, place);
    int value = s->in_extension ? -1 : hex_value(c);
    bool is_good = ++s->line_len <= HTTP_CHUNK_LINE_MAX;
    if (value >= 0) {
        is_good = is_good && ++s->num_digits <= HTTP_CHUNK_DIGITS_MAX;
        s->left = s->left << 4 | (uint64_t)value;
    } else if (c == '\n') {
        is_good = is_good && s->num_digits > 0;
        s->state = s->left > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILER;
        s->line_len = 0;
        s->num_digits = 0;
        s->in_extension = false;
    } else {
        bool may_follow = c == ';' || c == ' ' || c == '\t' || c == '\r';
        is_good = is_good && s->num_digits > 0 && (s->in_extension || may_follow);
        s->in_extension = true;
    }
    if (!is_good) {
        http_lose_step(h, s);
    }
    return 1;
}

size_t http_step_chunk_end(struct http_conn *h, struct http_side *s, struct bytes part,
                           const struct place *place)
{
    uint8_t c = bytes_u8_at(part, 0);
    http_tell(h, s, s->next, TAP_FRAMING, bytes_part(part, 0, 1));
    http_take(s, 1, place);
    if (c == '\n') {
        s->line_len = 0;
        s->state = HTTP_CHUNK_SIZE;
    } else if (c != '\r' || s->line_len++ > 0) {
        http_lose_step(h, s);
    }
    return 1;
}

size_t http_step_trailer(struct http_conn *h, struct http_side *s, struct bytes part,
                         const struct place *place)
{
    uint8_t c = bytes_u8_at(part, 0);
    if (c == '\r' || c == '\n') {
        http_tell(h, s, s->next, TAP_FRAMING, bytes_part(part, 0, 1));
    }
    http_take(s, 1, place);
    if (++s->trailer_len > HTTP_TRAILER_MAX) {
        http_lose_step(h, s);
    } else if (c == '\n') {
        if (s->line_len == 0) {
            http_finish(h, s);
        }
        s->line_len = 0;
    } else if (c != '\r') {
        s->line_len++;
    }
    return 1;
}
