/* Which request a response belongs to.
 *
 * As long as every byte of both directions was seen, responses come in the order of the requests
 * (RFC 9112 9.3.2) and are counted off. After a gap nothing can be counted any more; then the
 * acknowledgement number of the response's segment tells what the server had read when it spoke:
 *
 *      requests    |--- A ---|xxxxx gap xxxxx|--- B ---|
 *      acked                 ^ A            ^ none     ^ B
 *
 * A wrong pair accuses the wrong logon, a missing one only loses evidence: in doubt there is none.
 */
#include "decode/http_private.h"

#include <assert.h>
#include <string.h>

static void queue_remove(struct http_queue *q, size_t num)
{
    assert(num <= q->num);
    q->num -= num;
    memmove(q->at, q->at + num, q->num * sizeof q->at[0]);
}

void http_queue_add(struct http_queue *q, const struct http_waiting *request)
{
    /* A response acknowledged this request before its bytes came here (frames in disorder): it
     * went unpaired, and the next response is not of this request. */
    if (request->head_end <= q->answered_max) {
        q->by_order = false;
        return;
    }
    if (q->num == HTTP_PIPELINE_MAX) {
        q->by_order = false;
        queue_remove(q, 1);
    }
    q->at[q->num++] = *request;
}

void http_queue_request_gap(struct http_queue *q, uint64_t offset, uint64_t cut_id)
{
    q->by_order = false;
    for (size_t i = 0; i < q->num; i++) {
        struct http_waiting *w = &q->at[i];
        if (w->ack_max > offset) {
            w->ack_max = offset;
        }
    }
    /* The gap took the end of the only request that waits, and no response was lost since that
     * request began: whatever else was in the gap is answered after it. */
    if (cut_id != 0 && q->num == 1 && q->at[0].id == cut_id && !q->pipelines) {
        q->at[0].is_sure = q->at[0].response_gaps == q->response_gaps;
    }
}

void http_queue_response_gap(struct http_queue *q)
{
    q->by_order = false;
    q->response_gaps++;
    for (size_t i = 0; i < q->num; i++) {
        q->at[i].is_sure = false;
    }
}

/* The place in the queue of the request that a response after a gap belongs to; q->num: none. */
static size_t choose_by_ack(const struct http_queue *q, uint64_t acked)
{
    if (q->num > 0 && q->at[0].is_sure && acked > q->at[0].start) {
        return 0;
    }
    size_t best = q->num;
    for (size_t i = 0; i < q->num && q->at[i].head_end <= acked; i++) {
        best = i;
    }
    if (best == q->num || acked > q->at[best].ack_max) {
        return q->num;
    }
    /* Older requests without a response: fine when theirs can have been lost, else this response
     * may be theirs. */
    for (size_t i = 0; i < best; i++) {
        if (q->pipelines || q->at[i].response_gaps == q->response_gaps) {
            return q->num;
        }
    }
    return best;
}

bool http_queue_answer(struct http_queue *q, uint64_t acked, struct http_waiting *out)
{
    size_t chosen = q->num;
    if (q->by_order) {
        /* A server that rejects a head may speak before it read all of it. */
        if (q->num > 0 && (acked == 0 || acked > q->at[0].start)) {
            chosen = 0;
            q->pipelines = q->pipelines || q->num > 1;
        }
    } else if (acked != 0) {
        chosen = choose_by_ack(q, acked);
    }
    if (acked > q->answered_max) {
        q->answered_max = acked;
    }
    if (chosen < q->num) {
        *out = q->at[chosen];
        queue_remove(q, chosen + 1);
        return true;
    }
    /* Whatever it answered, those that it acknowledges cannot be told apart any more. */
    q->by_order = false;
    size_t num_doubtful = 0;
    while (num_doubtful < q->num && (acked == 0 || q->at[num_doubtful].head_end <= acked)) {
        num_doubtful++;
    }
    queue_remove(q, num_doubtful);
    return false;
}
