/* One direction's state machine; the same for requests and responses.
 *
 *      START ─► HEAD ─┬─► COUNTED ───────────────────────────────┐
 *        ▲            ├─► CHUNK_SIZE ─► CHUNK_DATA ─► CHUNK_END  │
 *        │            │        └─► TRAILER ──────────────────────┤
 *        │            ├─► UNTIL_END                              │
 *        │            └─► (no body) ─────────────────────────────┤
 *        └───────────────────────────────────────────────────────┘
 *      a gap, or what is no HTTP, leads to LOST; a start line leads back to HEAD
 */
#include "decode/http_private.h"

#include "base/cursor.h"

#include <assert.h>
#include <stdlib.h>

bool place_is_in_earlier_piece(const struct place *place, const struct place *last)
{
    return place->capture != last->capture &&
           (uint16_t)(last->turn - place->turn) <= UINT16_MAX / 2;
}

void http_note_place(struct http_making *m, const struct place *place)
{
    if (m->num_frames > 0 && m->last.capture != place->capture) {
        if (place_is_in_earlier_piece(place, &m->last)) {
            return;
        }
        m->num_frames = 0; /* numbers of two pieces do not mix: the later one's stay */
    }
    m->last = *place;
    if (m->num_frames < HTTP_FRAMES_MAX &&
        (m->num_frames == 0 || m->frames[m->num_frames - 1] != place->frame)) {
        m->frames[m->num_frames++] = place->frame;
    }
}

/* len bytes of the message were read. */
void http_take(struct http_side *s, size_t len, const struct place *place)
{
    s->next += len;
    s->at_segment_start = false;
    http_note_place(&s->making, place);
}

/* Gives the rest of a big buffer back: a head may wait long for its body's end. */
static void buffer_shrink(struct http_buffer *b)
{
    bool is_big = b->len > 0 && b->size - b->len >= HTTP_BUFFER_BYTES_MIN;
    uint8_t *at = is_big ? realloc(b->at, b->len) : NULL;
    if (at != NULL) {
        b->at = at;
        b->size = b->len;
    }
}

void http_begin(struct http_conn *h, struct http_side *s, bool strict, uint64_t start,
                const struct place *place)
{
    if (!s->is_request) {
        http_emit_held(h);
    }
    assert(!s->making.exists);
    s->making = (struct http_making){
        .exists = true,
        .strict = strict,
        .seen_from_start = !s->gap_seen,
        .start = start,
        .acked = s->acked,
        .wants_pieces = h->tap != NULL,
        .response_gaps = h->queue.response_gaps,
        .first = *place,
    };
    s->state = HTTP_HEAD;
}

void http_finish(struct http_conn *h, struct http_side *s)
{
    struct http_making *m = &s->making;
    m->done = true;
    s->state = HTTP_START;
    if (s->is_request) {
        uint64_t id = m->id;
        http_emit(h, s);
        http_making_drop(m);
        if (h->side[1].making.reply_to == id) {
            http_emit_held(h);
        }
        return;
    }
    /* Its request has not come to its end here, though the server acknowledged more of it than was
     * seen, or its head is still being read: the response is held back until it has. */
    const struct http_making *request = &h->side[0].making;
    bool is_early = m->reply_to != 0 && request->id == m->reply_to && !request->emitted &&
                    !m->emitted && (!request->head_complete || m->acked > h->side[0].next);
    if (!is_early) {
        http_emit(h, s);
        http_making_drop(m);
    }
}

void http_lose_step(struct http_conn *h, struct http_side *s)
{
    struct http_making *m = &s->making;
    uint64_t cut_id = 0;
    http_body_settle(s);
    if (!m->done) {
        http_emit_unfinished(h, s);
        cut_id = m->id;
        http_making_drop(m);
    }
    s->state = HTTP_LOST;
    s->at_segment_start = false;
    if (s->is_request) {
        http_queue_request_gap(&h->queue, s->next, cut_id);
        http_emit_held(h);
    } else {
        http_queue_response_gap(&h->queue);
    }
}

/* The same from offset on, which must not depend on the pieces that the bytes come in. */
static void lose_step_at(struct http_conn *h, struct http_side *s, uint64_t offset)
{
    uint64_t next = s->next;
    s->next = offset;
    http_lose_step(h, s);
    s->next = next;
}

/* What was collected is no start line. */
static void not_http(struct http_conn *h, struct http_side *s)
{
    bool was_lost = s->making.strict;
    uint64_t start = s->making.start;
    http_making_drop(&s->making);
    s->state = HTTP_LOST;
    if (!was_lost) {
        lose_step_at(h, s, start);
    }
}

static void tunnel(struct http_conn *h)
{
    http_emit_unfinished(h, &h->side[0]);
    for (size_t i = 0; i < 2; i++) {
        http_making_drop(&h->side[i].making);
        h->side[i].state = HTTP_SILENT;
    }
}

/* A new request: the response before it is over for its client, whatever its body's framing says;
 * unless other requests wait, then the client does not wait for responses. */
static void end_last_response(struct http_conn *h)
{
    struct http_side *s = &h->side[1];
    if (h->queue.num > 0 || !s->making.head_complete) {
        return;
    }
    if (s->making.done) {
        http_emit_held(h);
        return;
    }
    http_emit(h, s);
    if (s->state == HTTP_UNTIL_END) {
        http_making_drop(&s->making);
        s->state = HTTP_LOST;
    }
}

/* The first line is whole. */
static void start_line_done(struct http_conn *h, struct http_side *s, struct bytes line)
{
    struct http_making *m = &s->making;
    struct http_message message = {0};
    if (!http_start_line(&message, line, s->is_request, m->strict)) {
        not_http(h, s);
        return;
    }
    m->started = true;
    m->status = message.status;
    m->is_head = bytes_is(message.method, "HEAD");
    m->is_connect = bytes_is(message.method, "CONNECT");
    m->keeps_body = bytes_is(message.method, "CCM_POST");
    if (s->is_request) {
        end_last_response(h);
    } else if (m->strict) {
        /* Responses may have gone by between the gap and here. */
        http_queue_response_gap(&h->queue);
    }
}

/* The state that a body's framing begins in; HTTP_START: there is none, HTTP_LOST: nobody knows
 * where it ends (RFC 9112 6.3). */
static enum http_state body_state(const struct http_head *head)
{
    const struct http_message *m = &head->message;
    if (head->is_chunked) {
        return HTTP_CHUNK_SIZE;
    }
    if (head->has_transfer_encoding) {
        return m->is_request ? HTTP_LOST : HTTP_UNTIL_END;
    }
    if (head->bad_length) {
        return HTTP_LOST;
    }
    if (m->has_content_length) {
        return m->content_length > 0 ? HTTP_COUNTED : HTTP_START;
    }
    return m->is_request ? HTTP_START : HTTP_UNTIL_END;
}

static void body_begin(struct http_conn *h, struct http_side *s, const struct http_head *head,
                       enum http_state state)
{
    s->left = state == HTTP_COUNTED ? head->message.content_length : 0;
    s->line_len = 0;
    s->num_digits = 0;
    s->in_extension = false;
    s->trailer_len = 0;
    if (state == HTTP_START) {
        http_finish(h, s);
    } else if (state == HTTP_LOST) {
        http_lose_step(h, s);
    } else {
        s->state = state;
    }
}

static void response_head_done(struct http_conn *h, struct http_side *s,
                               const struct http_head *head)
{
    struct http_making *m = &s->making;
    unsigned status = m->status;
    if (status < 200 && status != 101) {
        http_making_drop(m);
        s->state = HTTP_START;
        return;
    }
    if (!m->paired) {
        http_answer(h);
    }
    bool is_tunnel = status == 101 || (m->is_connect && status < 300);
    bool is_bodyless = is_tunnel || status == 204 || status == 304 || m->is_head;
    enum http_state state = is_bodyless ? HTTP_START : body_state(head);
    m->in_doubt = m->reply_to == 0 &&
                  (state != HTTP_COUNTED || head->message.content_length >= HTTP_LOOK_BYTES);
    body_begin(h, s, head, state);
    if (is_tunnel) {
        http_emit_held(h);
        tunnel(h);
    }
}

static void head_done(struct http_conn *h, struct http_side *s)
{
    struct http_making *m = &s->making;
    struct http_head head;
    struct bytes all = {.at = m->head.at, .len = m->head.len};
    bool is_good = http_head_parse(&head, all, s->is_request);
    assert(is_good);
    (void)is_good;
    m->head_complete = true;
    m->head_end = m->last;
    http_tell(h, s, m->start, TAP_HTTP_HEAD, all);
    m->expects_continue = head.expects_continue;
    m->keeps_body = m->keeps_body || http_is_kkdcp(head.message.content_type);
    buffer_shrink(&m->head);
    if (!s->is_request) {
        response_head_done(h, s, &head);
        return;
    }
    if (!m->registered) {
        http_register(h);
    }
    body_begin(h, s, &head, body_state(&head));
}

/* A line that begins with a blank continues the one before (RFC 9112 5.2): its line end becomes
 * blanks. */
static void unfold(struct http_making *m)
{
    for (size_t i = m->line; i > 0; i--) {
        uint8_t c = m->head.at[i - 1];
        if (c != '\n' && c != '\r') {
            break;
        }
        m->head.at[i - 1] = ' ';
    }
}

static void line_done(struct http_conn *h, struct http_side *s)
{
    struct http_making *m = &s->making;
    struct bytes line = {.at = m->head.at + m->line, .len = m->head.len - m->line - 1};
    while (line.len > 0 && bytes_u8_at(line, line.len - 1) == '\r') {
        line.len--;
    }
    if (!m->started) {
        m->line = m->head.len;
        start_line_done(h, s, line);
        return;
    }
    uint8_t c = bytes_u8_at(line, 0);
    if (line.len > 0 && (c == ' ' || c == '\t') && m->num_fields > 0) {
        unfold(m);
    }
    m->line = m->head.len;
    if (line.len == 0) {
        head_done(h, s);
    } else {
        m->num_fields++;
    }
}

static size_t step_head(struct http_conn *h, struct http_side *s, struct bytes part,
                        const struct place *place)
{
    struct http_making *m = &s->making;
    size_t end = bytes_find(part, '\n', 0);
    size_t len = end < part.len ? end + 1 : part.len;
    size_t room = HTTP_HEAD_BYTES_MAX - m->head.len;
    if (room > 0) {
        http_note_place(m, place);
    }
    s->at_segment_start = false;
    s->next += len;
    if (len > room || !http_buffer_add(&m->head, bytes_part(part, 0, len), HTTP_HEAD_BYTES_MAX)) {
        lose_step_at(h, s, m->start + HTTP_HEAD_BYTES_MAX);
        return len;
    }
    struct bytes head = {.at = m->head.at, .len = m->head.len};
    if (!m->started && (head.len > HTTP_START_LINE_MAX ||
                        http_start_check(head, s->is_request, m->strict) == VERDICT_BAD)) {
        not_http(h, s);
    } else if (end < part.len) {
        line_done(h, s);
    }
    return len;
}

/* Between messages; blank lines before a start line are let pass (RFC 9112 2.2). */
size_t http_step_start(struct http_conn *h, struct http_side *s, struct bytes part,
                       const struct place *place)
{
    uint8_t c = bytes_u8_at(part, 0);
    if (c == '\r' || c == '\n') {
        http_tell(h, s, s->next, TAP_FRAMING, bytes_part(part, 0, 1));
        s->next++;
        return 1;
    }
    bool strict = s->state == HTTP_LOST;
    if (strict &&
        (!s->at_segment_start || http_start_check(part, s->is_request, true) == VERDICT_BAD)) {
        s->next += part.len;
        s->at_segment_start = false;
        return part.len;
    }
    http_begin(h, s, strict, s->next, place);
    return step_head(h, s, part, place);
}

size_t http_step(struct http_conn *h, struct http_side *s, struct bytes part,
                 const struct place *place)
{
    switch (s->state) {
    case HTTP_START:
    case HTTP_LOST:
        return http_step_start(h, s, part, place);
    case HTTP_HEAD:
        return step_head(h, s, part, place);
    case HTTP_COUNTED:
    case HTTP_CHUNK_DATA:
    case HTTP_UNTIL_END:
        return http_step_body(h, s, part, place);
    case HTTP_CHUNK_SIZE:
        return http_step_chunk_size(h, s, part, place);
    case HTTP_CHUNK_END:
        return http_step_chunk_end(h, s, part, place);
    case HTTP_TRAILER:
        return http_step_trailer(h, s, part, place);
    case HTTP_SILENT:
    case HTTP_STATE_COUNT:
        break;
    }
    return part.len;
}
