#include "decode/stream_private.h"

#include <stdlib.h>
#include <string.h>

void stream_free_first(struct stream *s, struct stream_pool *pool)
{
    struct stream_piece *piece = s->held_first;
    s->held_first = piece->next;
    if (s->held_first == NULL) {
        s->held_last = NULL;
    }
    size_t size = sizeof *piece + piece->len;
    s->held -= size;
    pool->used -= size;
    free(piece);
}

void stream_free_held(struct stream *s, struct stream_pool *pool)
{
    while (s->held_first != NULL) {
        stream_free_first(s, pool);
    }
}

static struct stream_piece *new_piece(struct stream_work *w, struct stream *s,
                                      const struct stream_chunk *chunk)
{
    size_t size = sizeof(struct stream_piece) + chunk->bytes.len;
    if (!s->is_settled && w->pool->used > w->pool->size / 2) {
        return NULL; /* mere caution (stream_settle() comes next) leaves room for what is known to
                        lack */
    }
    if (w->pool->size - w->pool->used < size) {
        w->pool->refused++;
        return NULL;
    }
    struct stream_piece *piece = malloc(size);
    if (piece == NULL) {
        w->pool->refused++;
        return NULL;
    }
    *piece = (struct stream_piece){
        .offset = chunk->offset,
        .acked = chunk->acked,
        .place = chunk->place,
        .clock_ns = w->clock_ns,
        .num_frames = w->pair->num_frames,
        .len = (uint32_t)chunk->bytes.len,
        .is_segment_start = chunk->is_segment_start,
    };
    if (chunk->bytes.len > 0) {
        memcpy(piece->bytes, chunk->bytes.at, chunk->bytes.len);
    }
    s->held += size;
    w->pool->used += size;
    return piece;
}

/* Holds the bytes from..to of the chunk between two pieces. false: no room. */
static bool insert_part(struct stream_work *w, struct stream *s, const struct stream_chunk *chunk,
                        uint64_t from, uint64_t to, struct stream_piece *before, uint32_t cut)
{
    struct stream_chunk part = *chunk;
    part.bytes = bytes_part(chunk->bytes, (size_t)(from - chunk->offset), (size_t)(to - from));
    part.offset = from;
    part.is_segment_start = chunk->is_segment_start && from == chunk->offset;
    struct stream_piece *piece = new_piece(w, s, &part);
    if (piece == NULL) {
        return false;
    }
    piece->cut = cut;
    piece->next = before == NULL ? s->held_first : before->next;
    if (before == NULL) {
        s->held_first = piece;
    } else {
        before->next = piece;
    }
    if (piece->next == NULL) {
        s->held_last = piece;
    }
    return true;
}

bool stream_hold(struct stream_work *w, int side, const struct stream_chunk *chunk, uint32_t cut)
{
    struct stream *s = &w->pair->side[side];
    uint64_t from = chunk->offset;
    uint64_t end = chunk->offset + chunk->bytes.len;
    if (s->is_settled && from < s->next) {
        from = s->next;
    }
    struct stream_piece *before = NULL;
    struct stream_piece *piece = s->held_first;
    if (s->held_last != NULL && s->held_last->offset + s->held_last->len <= from) {
        before = s->held_last;
        piece = NULL;
    }
    while (from < end) {
        while (piece != NULL && piece->offset + piece->len <= from) {
            before = piece;
            piece = piece->next;
        }
        uint64_t to = piece == NULL || piece->offset > end ? end : piece->offset;
        if (to > from && !insert_part(w, s, chunk, from, to, before, to == end ? cut : 0)) {
            return false;
        }
        if (piece == NULL) {
            break;
        }
        from = piece->offset + piece->len > from ? piece->offset + piece->len : from;
    }
    return true;
}
