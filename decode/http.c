/* The watcher's public side: bytes, gaps and ends go in, messages come out in an order that keeps
 * cause before effect: a request before its response, a response before the next request. */
#include "decode/http_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct http_conn *http_conn_new(http_sink *sink, void *context)
{
    struct http_conn *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return NULL;
    }
    h->sink = sink;
    h->context = context;
    h->queue.by_order = true;
    h->side[0].is_request = true;
    return h;
}

void http_conn_set_tap(struct http_conn *h, http_tap *tap)
{
    h->tap = tap;
}

void http_tell(const struct http_conn *h, const struct http_side *s, uint64_t offset,
               enum tap_kind kind, struct bytes bytes)
{
    const struct tap_piece piece = {.offset = offset, .len = bytes.len};
    if (h->tap != NULL && bytes.len > 0) {
        h->tap(
            h->context, s->is_request ? 0 : 1,
            &(struct tap_message){.kind = kind, .bytes = bytes, .pieces = &piece, .num_pieces = 1});
    }
}

static void tell_body(const struct http_conn *h, const struct http_side *s)
{
    const struct http_making *m = &s->making;
    if (h->tap != NULL && m->body.len > 0) {
        h->tap(h->context, s->is_request ? 0 : 1,
               &(struct tap_message){.kind = TAP_HTTP_BODY,
                                     .bytes = {.at = m->body.at, .len = m->body.len},
                                     .pieces = m->pieces,
                                     .num_pieces = m->num_pieces});
    }
}

void http_conn_free(struct http_conn *h)
{
    if (h == NULL) {
        return;
    }
    http_making_drop(&h->side[0].making);
    http_making_drop(&h->side[1].making);
    free(h);
}

size_t http_conn_memory(const struct http_conn *h)
{
    size_t len = sizeof *h;
    for (size_t i = 0; i < 2; i++) {
        const struct http_making *m = &h->side[i].making;
        len += m->head.size + m->body.size;
        len += m->pieces == NULL ? 0 : HTTP_PIECES_MAX * sizeof m->pieces[0];
    }
    return len;
}

bool http_buffer_add(struct http_buffer *b, struct bytes part, size_t max)
{
    size_t take = part.len < max - b->len ? part.len : max - b->len;
    if (take > b->size - b->len) {
        size_t size = b->size > HTTP_BUFFER_BYTES_MIN ? b->size : HTTP_BUFFER_BYTES_MIN;
        while (size < b->len + take) {
            size *= 2;
        }
        size = size < max ? size : max;
        uint8_t *at = realloc(b->at, size);
        if (at == NULL) {
            return false;
        }
        b->at = at;
        b->size = size;
    }
    if (take > 0) {
        memcpy(b->at + b->len, part.at, take);
        b->len += take;
    }
    return true;
}

void http_buffer_drop(struct http_buffer *b)
{
    free(b->at);
    *b = (struct http_buffer){0};
}

void http_making_drop(struct http_making *m)
{
    http_buffer_drop(&m->head);
    http_buffer_drop(&m->body);
    free(m->pieces);
    *m = (struct http_making){0};
}

void http_register(struct http_conn *h)
{
    struct http_side *s = &h->side[0];
    struct http_making *m = &s->making;
    assert(m->started);
    assert(!m->registered);
    m->registered = true;
    m->id = ++h->num_ids;
    http_queue_add(&h->queue, &(struct http_waiting){.id = m->id,
                                                     .start = m->start,
                                                     .head_end = s->next,
                                                     .ack_max = UINT64_MAX,
                                                     .response_gaps = m->response_gaps,
                                                     .is_head = m->is_head,
                                                     .is_connect = m->is_connect});
}

/* A request line that ends amid its target, as a short snap length leaves it: method and the
 * target's beginning are known all the same. */
static bool is_cut_request_line(const struct http_making *m)
{
    struct bytes b = {.at = m->head.at, .len = m->head.len};
    size_t space = bytes_find(b, ' ', 0);
    return !m->started && space > 0 && space + 1 < b.len &&
           http_start_check(b, true, true) == VERDICT_DONE;
}

/* Is enough of a head known to report it? */
static bool is_reportable(const struct http_making *m)
{
    bool is_interim = m->status >= 100 && m->status < 200 && m->status != 101;
    return m->exists && m->started && !is_interim;
}

/* A server that has had enough of a head answers before its end: that request waits too. */
static void register_early(struct http_conn *h, uint64_t acked)
{
    const struct http_side *s = &h->side[0];
    const struct http_making *m = &s->making;
    bool was_read = h->queue.by_order ? acked == 0 || acked > m->start : acked >= s->next;
    if (h->queue.num == 0 && is_reportable(m) && !m->registered && was_read) {
        http_register(h);
    }
}

void http_answer(struct http_conn *h)
{
    struct http_making *m = &h->side[1].making;
    struct http_making *asked = &h->side[0].making;
    struct http_waiting request;
    assert(m->exists);
    assert(!m->paired);
    m->paired = true;
    register_early(h, m->acked);
    if (!http_queue_answer(&h->queue, m->acked, &request)) {
        return;
    }
    m->reply_to = request.id;
    m->is_head = request.is_head;
    m->is_connect = request.is_connect;
    if (asked->id == request.id) {
        /* The client that waits for 100 Continue may go on without sending the body
         * (RFC 9110 10.1.1). */
        asked->in_doubt = asked->expects_continue && asked->head_complete && asked->body_len == 0 &&
                          !asked->bytes_lost && h->side[0].left >= HTTP_LOOK_BYTES;
    }
}

/* Hands the message over; the head buffer's whole lines are all that is known of it. */
static void message_report(struct http_conn *h, struct http_side *s)
{
    struct http_making *m = &s->making;
    struct http_head head = {0};
    size_t len = m->head_complete ? m->head.len : m->line;
    if (!m->head_complete) {
        http_tell(h, s, m->start, TAP_HTTP_HEAD,
                  (struct bytes){.at = m->head.at, .len = m->head.len});
    }
    tell_body(h, s);
    if (m->line_cut) {
        struct bytes line = {.at = m->head.at, .len = m->head.len};
        size_t space = bytes_find(line, ' ', 0);
        head.message.is_request = true;
        head.message.method = bytes_part(line, 0, space);
        head.message.target = bytes_part(line, space + 1, line.len);
        head.message.path = head.message.target;
    } else if (!http_head_parse(&head, (struct bytes){.at = m->head.at, .len = len},
                                s->is_request)) {
        return;
    }
    struct http_message *out = &head.message;
    out->id = s->is_request ? m->id : ++h->num_ids;
    out->reply_to = m->reply_to;
    out->head_complete = m->head_complete;
    out->complete = m->head_complete && m->done && !m->bytes_lost;
    out->seen_from_start = m->seen_from_start;
    out->body = (struct bytes){.at = m->body.at, .len = m->body.len};
    out->body_len = m->body_len;
    out->first = m->first;
    out->head_end = m->head_complete ? m->head_end : m->last;
    out->end = m->done && !m->end_lost ? m->last : out->head_end;
    if (out->end.capture == m->last.capture) {
        memcpy(out->frames, m->frames, m->num_frames * sizeof m->frames[0]);
        out->num_frames = m->num_frames;
    }
    h->sink(h->context, out);
}

void http_emit(struct http_conn *h, struct http_side *s)
{
    struct http_making *m = &s->making;
    if (!is_reportable(m) || m->emitted) {
        return;
    }
    struct http_making *request = &h->side[0].making;
    m->emitted = true;
    if (!s->is_request && m->reply_to != 0 && request->id == m->reply_to) {
        http_emit(h, &h->side[0]);
    }
    message_report(h, s);
    /* An unfinished head is still needed to know the body's framing. */
    if (m->head_complete) {
        http_buffer_drop(&m->head);
        http_buffer_drop(&m->body);
    }
}

void http_emit_unfinished(struct http_conn *h, struct http_side *s)
{
    struct http_making *m = &s->making;
    if (m->exists && s->is_request && is_cut_request_line(m)) {
        m->started = true;
        m->line_cut = true;
    }
    if (is_reportable(m) && !m->head_complete) {
        if (s->is_request && !m->registered) {
            http_register(h);
        } else if (!s->is_request && !m->paired) {
            http_answer(h);
        }
    }
    http_emit(h, s);
}

void http_emit_held(struct http_conn *h)
{
    struct http_making *response = &h->side[1].making;
    if (response->exists && response->done) {
        http_emit(h, &h->side[1]);
        http_making_drop(response);
    }
}

void http_data(struct http_conn *h, int dir, struct bytes chunk, uint64_t offset,
               bool is_segment_start, uint64_t acked, const struct place *place)
{
    assert(dir == 0 || dir == 1);
    struct http_side *s = &h->side[dir];
    if (s->has_next && offset > s->next) {
        http_gap(h, dir, offset - s->next, place);
    }
    s->next = offset;
    s->has_next = true;
    s->acked = acked;
    if (is_segment_start) {
        s->at_segment_start = true;
    }
    while (chunk.len > 0 && s->state != HTTP_SILENT) {
        size_t used = http_step(h, s, chunk, place);
        assert(used > 0);
        assert(used <= chunk.len);
        chunk = bytes_part(chunk, used, chunk.len);
    }
    s->next += chunk.len;
}

void http_gap(struct http_conn *h, int dir, uint64_t len, const struct place *place)
{
    assert(dir == 0 || dir == 1);
    (void)place;
    struct http_side *s = &h->side[dir];
    if (s->state == HTTP_SILENT) {
        return;
    }
    if (len == 0 || !http_step_over(h, s, len)) {
        http_lose_step(h, s);
        s->has_next = s->has_next && len != 0;
    }
    s->next += len;
    s->at_segment_start = false;
    s->gap_seen = true;
}

void http_end(struct http_conn *h, int dir, bool by_fin, const struct place *place)
{
    assert(dir == 0 || dir == 1);
    (void)place;
    struct http_side *s = &h->side[dir];
    http_body_settle(s);
    if (s->state == HTTP_UNTIL_END && by_fin) {
        http_finish(h, s);
    }
    if (!s->making.done) {
        http_emit_unfinished(h, s);
        http_making_drop(&s->making);
    }
    http_emit_held(h);
    s->state = HTTP_SILENT;
}

void http_flush(struct http_conn *h)
{
    /* The response first: it is older than the request that is being read, or answers it. */
    http_emit_unfinished(h, &h->side[1]);
    http_emit_held(h);
    http_emit_unfinished(h, &h->side[0]);
}
