#include "decode/fragment_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define UNITS_MAX ((FRAGMENT_DATAGRAM_BYTES + FRAGMENT_UNIT_BYTES) / FRAGMENT_UNIT_BYTES)
#define LEN_UNKNOWN SIZE_MAX

enum datagram_state {
    DATAGRAM_FREE,
    DATAGRAM_OPEN, /* pieces are missing */
    DATAGRAM_DONE, /* was given out; its bytes are kept for a while to know late copies by */
};

/* What only an open datagram needs. RFC 791 3.2: a table with a bit for each 8 bytes. */
struct datagram_buffer {
    uint32_t frames[SEGMENT_FRAMES_MAX]; /* ascending */
    uint8_t seen[(UNITS_MAX + 7) / 8];
    uint8_t bytes[UNITS_MAX * FRAGMENT_UNIT_BYTES];
};

struct datagram {
    enum datagram_state state;
    bool is_nested; /* its fragments lay in reassembled datagrams themselves */
    bool is_copy;   /* OPEN: all so far equals the datagram that this slot held before */
    uint8_t protocol;
    uint32_t id;
    struct address from, to;
    int64_t since_ns; /* OPEN: its first fragment; DONE: when it became whole */
    uint64_t used;    /* frame count at its last fragment */
    size_t wire_len;  /* LEN_UNKNOWN until the last fragment came */
    size_t end;       /* highest end of a fragment so far */
    size_t captured;  /* no byte from here on is sure: a fragment was cut by the snap length */
    size_t num_seen;  /* units */
    size_t num_frames;
    size_t copied_len;              /* is_copy: bytes known of the former datagram */
    struct datagram_buffer *buffer; /* from the first use of the slot until fragments_free() */
};

struct fragments {
    struct datagram datagrams[FRAGMENT_DATAGRAMS_MAX];
    int64_t now_ns;
    uint64_t num_frames; /* calls of fragments_set_time() */
    uint64_t num_lost;
};

struct fragments *fragments_new(void)
{
    return calloc(1, sizeof(struct fragments));
}

void fragments_free(struct fragments *t)
{
    if (t == NULL) {
        return;
    }
    for (size_t i = 0; i < FRAGMENT_DATAGRAMS_MAX; i++) {
        free(t->datagrams[i].buffer);
    }
    free(t);
}

/* later - earlier, 0 when it is not later; any two stamps. */
static uint64_t elapsed_ns(int64_t later, int64_t earlier)
{
    return later > earlier ? (uint64_t)later - (uint64_t)earlier : 0;
}

void fragments_set_time(struct fragments *t, int64_t time_ns)
{
    uint64_t leap = elapsed_ns(time_ns, t->now_ns) + elapsed_ns(t->now_ns, time_ns);
    t->now_ns = time_ns;
    t->num_frames++;
    if (leap <= FRAGMENT_LEAP_NS) {
        return;
    }
    for (size_t i = 0; i < FRAGMENT_DATAGRAMS_MAX; i++) {
        t->datagrams[i].since_ns = time_ns; /* the clock was moved; ages begin anew */
    }
}

static bool is_of(const struct datagram *d, const struct fragment *f)
{
    return d->state != DATAGRAM_FREE && d->id == f->id && d->is_nested == f->is_nested &&
           (f->from.family == ADDRESS_IPV6 || d->protocol == f->protocol) &&
           address_equal(&d->from, &f->from) && address_equal(&d->to, &f->to);
}

/* Missing pieces of this one are a loss. Mirror ports show fragments twice, and those that come
 * after their datagram became whole begin one that nothing completes: no loss. */
static bool is_loss(const struct datagram *d)
{
    return d->state == DATAGRAM_OPEN && !d->is_copy;
}

static bool is_too_old(const struct fragments *t, const struct datagram *d)
{
    int64_t age_max = d->state == DATAGRAM_OPEN ? FRAGMENT_AGE_NS : FRAGMENT_DONE_NS;
    return elapsed_ns(t->now_ns, d->since_ns) > (uint64_t)age_max;
}

uint64_t fragments_lost(const struct fragments *t)
{
    uint64_t num_lost = t->num_lost;
    for (size_t i = 0; i < FRAGMENT_DATAGRAMS_MAX; i++) {
        const struct datagram *d = &t->datagrams[i];
        num_lost += is_loss(d) && is_too_old(t, d) ? 1 : 0; /* not yet swept */
    }
    return num_lost;
}

/* Is a better than b to make room? Free ones first, then those done, then the one longest unused.
 */
static bool is_cheaper(const struct datagram *a, const struct datagram *b)
{
    int cost_a = a->state == DATAGRAM_FREE ? 0 : a->state == DATAGRAM_DONE ? 1 : 2;
    int cost_b = b->state == DATAGRAM_FREE ? 0 : b->state == DATAGRAM_DONE ? 1 : 2;
    return cost_a != cost_b ? cost_a < cost_b : a->used < b->used;
}

/* The datagram of f, or a free slot for it. A datagram that the frame at hand completed is not
 * touched: the caller reads it while it looks for fragments inside. */
static struct datagram *find(struct fragments *t, enum segment_drop *loss, const struct fragment *f)
{
    struct datagram *room = NULL;
    for (size_t i = 0; i < FRAGMENT_DATAGRAMS_MAX; i++) {
        struct datagram *d = &t->datagrams[i];
        if (d->state != DATAGRAM_FREE && is_too_old(t, d)) {
            if (is_loss(d)) {
                t->num_lost++;
                *loss = SEGMENT_DROP_FRAGMENT_EXPIRED;
            }
            d->state = DATAGRAM_FREE;
        }
        bool is_lent = d->state == DATAGRAM_DONE && d->used == t->num_frames;
        if (!is_lent && is_of(d, f)) {
            return d;
        }
        if (!is_lent && (room == NULL || is_cheaper(d, room))) {
            room = d;
        }
    }
    assert(room != NULL); /* SEGMENT_LAYERS_MAX of them are lent at most */
    if (is_loss(room)) {
        t->num_lost++;
        *loss = SEGMENT_DROP_FRAGMENT_FULL;
    }
    room->state = DATAGRAM_FREE;
    return room;
}

/* Makes d the empty datagram of f. false: no memory. */
static bool open_datagram(struct fragments *t, struct datagram *d, const struct fragment *f)
{
    bool is_copy = d->state == DATAGRAM_DONE;
    size_t copied_len = d->captured < d->wire_len ? d->captured : d->wire_len;
    struct datagram_buffer *buffer = d->buffer;
    if (buffer == NULL) {
        buffer = malloc(sizeof *buffer);
        if (buffer == NULL) {
            return false;
        }
    }
    memset(buffer->seen, 0, sizeof buffer->seen);
    *d = (struct datagram){
        .state = DATAGRAM_OPEN,
        .is_nested = f->is_nested,
        .is_copy = is_copy,
        .copied_len = copied_len,
        .protocol = f->protocol,
        .id = f->id,
        .from = f->from,
        .to = f->to,
        .since_ns = t->now_ns,
        .wire_len = LEN_UNKNOWN,
        .captured = SIZE_MAX,
        .buffer = buffer,
    };
    return true;
}

static void add_frame(struct datagram *d, uint32_t number)
{
    uint32_t *frames = d->buffer->frames;
    size_t at = d->num_frames;
    while (at > 0 && frames[at - 1] > number) {
        at--;
    }
    if (d->num_frames == SEGMENT_FRAMES_MAX || (at > 0 && frames[at - 1] == number)) {
        return;
    }
    memmove(frames + at + 1, frames + at, (d->num_frames - at) * sizeof *frames);
    frames[at] = number;
    d->num_frames++;
}

/* Copies the units that nobody brought before. false: f holds nothing new. */
static bool add_units(struct datagram *d, const struct fragment *f)
{
    bool is_new = false;
    for (size_t done = 0; done < f->wire_len; done += FRAGMENT_UNIT_BYTES) {
        size_t unit = (f->offset + done) / FRAGMENT_UNIT_BYTES;
        uint8_t bit = (uint8_t)(1U << unit % 8);
        if ((d->buffer->seen[unit / 8] & bit) != 0) {
            continue;
        }
        d->buffer->seen[unit / 8] |= bit;
        d->num_seen++;
        is_new = true;
        struct bytes part = bytes_part(f->data, done, FRAGMENT_UNIT_BYTES);
        uint8_t *to = d->buffer->bytes + f->offset + done;
        if (part.len > 0) {
            d->is_copy = d->is_copy && f->offset + done + part.len <= d->copied_len &&
                         memcmp(to, part.at, part.len) == 0;
            memcpy(to, part.at, part.len);
        }
        size_t part_wire_len = f->wire_len - done;
        if (part.len < FRAGMENT_UNIT_BYTES && part.len < part_wire_len &&
            f->offset + done + part.len < d->captured) {
            d->captured = f->offset + done + part.len;
        }
    }
    return is_new;
}

/* Does f contradict itself, or what is known of its datagram? */
static bool is_bad(const struct datagram *d, const struct fragment *f)
{
    size_t end = f->offset + f->wire_len;
    bool is_whole = f->wire_len > 0 && f->wire_len % FRAGMENT_UNIT_BYTES == 0;
    if (end > FRAGMENT_DATAGRAM_BYTES || (f->more && !is_whole)) {
        return true;
    }
    if (d->state != DATAGRAM_OPEN) {
        return false;
    }
    if (d->wire_len != LEN_UNKNOWN) {
        return end > d->wire_len || (!f->more && end != d->wire_len);
    }
    return !f->more && end < d->end;
}

enum fragment_result fragments_add(struct fragments *t, struct fragment_datagram *out,
                                   struct segment *segment, enum segment_drop *loss,
                                   const struct fragment *f)
{
    struct datagram *d = find(t, loss, f);
    if (is_bad(d, f)) {
        return FRAGMENT_BAD;
    }
    if (d->state != DATAGRAM_OPEN && !open_datagram(t, d, f)) {
        t->num_lost++;
        *loss = SEGMENT_DROP_FRAGMENT_FULL;
        return FRAGMENT_HELD;
    }
    d->used = t->num_frames;
    if (f->offset == 0) {
        d->protocol = f->protocol; /* RFC 8200 4.5: only the first fragment's counts */
    }
    if (!f->more) {
        d->wire_len = f->offset + f->wire_len;
    }
    d->end = f->offset + f->wire_len > d->end ? f->offset + f->wire_len : d->end;
    if (add_units(d, f)) {
        for (size_t i = 0; i < segment->num_frames; i++) {
            add_frame(d, segment->frames[i]);
        }
    }
    size_t num_units = (d->wire_len - 1) / FRAGMENT_UNIT_BYTES + 1;
    if (d->wire_len == LEN_UNKNOWN || d->num_seen < num_units) {
        return FRAGMENT_HELD;
    }
    d->state = DATAGRAM_DONE;
    d->since_ns = t->now_ns;
    segment->is_reassembled = true;
    segment->num_frames = d->num_frames;
    memcpy(segment->frames, d->buffer->frames, d->num_frames * sizeof *segment->frames);
    size_t len = d->captured < d->wire_len ? d->captured : d->wire_len;
    *out = (struct fragment_datagram){
        .data = {.at = d->buffer->bytes, .len = len},
        .wire_len = d->wire_len,
        .protocol = d->protocol,
    };
    return FRAGMENT_COMPLETE;
}
