#include "redact/redact.h"

#include "base/hash.h"
#include "capture/writer.h"
#include "decode/decoder.h"
#include "redact/headers.h"
#include "redact/scrub.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHAINS 65536         /* a power of two */
#define CHAIN_STEPS_MAX 4096 /* segments of one chain looked at for one message */
#define COPIES_MAX 16        /* of a message's bytes; what was sent more often stays zero there */
#define MESSAGE_BYTES_MAX 1048576
#define BLOCK_HEAD_BYTES 28 /* of an enhanced packet block, before the frame */

/* A TCP segment's payload in the copy. */
struct placed {
    uint64_t key;
    uint64_t position;    /* in the copy */
    uint64_t checksum_at; /* 0: none */
    uint32_t seq, len;
    uint32_t next; /* index + 1 */
};

struct placed_fragment {
    uint32_t frame;
    uint32_t offset; /* in the IP datagram's data */
    uint32_t len;
    uint64_t position;
};

struct redactor {
    struct pseudonyms *p;
    struct writer *writer;
    int fd;
    struct segmenter *segmenter;
    struct segment segment;
    struct segment_trail trail;
    struct decoder *decoder;
    struct decoder_tap tap;
    uint8_t *frame;    /* the copy of the current one */
    uint8_t *message;  /* the message that is scrubbed */
    uint64_t position; /* of the current frame in the copy */
    struct headers_place place;
    uint16_t link_types[REDACT_LINK_TYPES_MAX]; /* by interface */
    uint32_t num_link_types;
    uint32_t last_number;
    struct placed *placed; /* [REDACT_SEGMENTS_MAX], a ring */
    uint64_t num_placed;
    uint32_t chains[CHAINS];
    struct placed_fragment fragments[REDACT_FRAGMENTS_MAX]; /* a ring */
    uint64_t num_fragments;
    enum status status; /* first failure within a tap */
    struct trouble trouble;
};

void redact_key(struct pseudonyms *p, struct bytes secret)
{
    pseudonym_key(p, secret);
}

static void fail(struct redactor *r)
{
    if (r->status == STATUS_OK) {
        r->status = STATUS_OUTPUT;
        trouble_set(&r->trouble, "The redacted copy of the capture cannot be kept in a temporary "
                                 "file; set TMPDIR.");
    }
}

/* Adds what changed to a checksum; at_odd: the bytes begin at an odd offset of what it covers. */
static void mend_checksum(struct redactor *r, uint64_t at, struct bytes old, struct bytes new,
                          bool at_odd)
{
    uint8_t field[2];
    if (at == 0 || pread(r->fd, field, 2, (off_t)at) != 2) {
        return;
    }
    uint32_t before = headers_sum(0, old);
    uint32_t after = headers_sum(0, new);
    if (at_odd) {
        before = (before >> 8 | before << 8) & 0xffff;
        after = (after >> 8 | after << 8) & 0xffff;
    }
    /* RFC 1624 3: HC' = ~(~HC + ~m + m') */
    uint32_t sum = (~((uint32_t)field[0] << 8 | field[1]) & 0xffff) + (~before & 0xffff) + after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    field[0] = (uint8_t)(~sum >> 8);
    field[1] = (uint8_t)~sum;
    if (pwrite(r->fd, field, 2, (off_t)at) != 2) {
        fail(r);
    }
}

/* Writes bytes over the copy. */
static void patch(struct redactor *r, uint64_t position, struct bytes bytes, uint64_t checksum_at,
                  bool at_odd)
{
    uint8_t old[4096];
    if (r->status != STATUS_OK || writer_flush(r->writer, &r->trouble) != STATUS_OK) {
        r->status = STATUS_OUTPUT;
        return;
    }
    for (size_t at = 0; at < bytes.len;) {
        struct bytes part = bytes_part(bytes, at, sizeof old);
        off_t to = (off_t)(position + at);
        if (pread(r->fd, old, part.len, to) != (ssize_t)part.len ||
            pwrite(r->fd, part.at, part.len, to) != (ssize_t)part.len) {
            fail(r);
            return;
        }
        mend_checksum(r, checksum_at, (struct bytes){.at = old, .len = part.len}, part, at_odd);
        at += part.len;
    }
}

static uint64_t key_of(const struct endpoint *from, const struct endpoint *to)
{
    uint64_t hash = 0;
    const struct endpoint *ends[2] = {from, to};
    for (int i = 0; i < 2; i++) {
        struct bytes octets = {.at = ends[i]->address.octets,
                               .len = sizeof ends[i]->address.octets};
        hash = hash64_step(hash, hash64(octets));
        hash = hash64_step(hash, ends[i]->port);
    }
    return hash;
}

/* The bytes that two runs of sequence numbers share: their offsets in each. false: none. */
static bool overlap(uint32_t a_seq, uint32_t a_len, uint32_t b_seq, size_t b_len, uint32_t *a_at,
                    uint32_t *b_at, size_t *len)
{
    uint32_t ahead = b_seq - a_seq; /* b begins so far behind a's first byte */
    uint32_t behind = a_seq - b_seq;
    if (ahead < a_len) {
        *a_at = ahead;
        *b_at = 0;
    } else if (behind < b_len) {
        *a_at = 0;
        *b_at = behind;
    } else {
        return false;
    }
    size_t a_left = a_len - *a_at;
    size_t b_left = b_len - *b_at;
    *len = a_left < b_left ? a_left : b_left;
    return *len > 0;
}

static const struct placed *first_placed(const struct redactor *r, uint64_t key)
{
    uint32_t index = r->chains[key % CHAINS];
    return index == 0 ? NULL : &r->placed[index - 1];
}

static const struct placed *next_placed(const struct redactor *r, const struct placed *e)
{
    return e->next == 0 ? NULL : &r->placed[e->next - 1];
}

/* Writes bytes of a stream into the segments that carried some of them. */
static void patch_segments(struct redactor *r, uint64_t key, uint32_t seq, struct bytes bytes)
{
    unsigned steps = 0;
    size_t left = COPIES_MAX * bytes.len;
    for (const struct placed *e = first_placed(r, key);
         e != NULL && left > 0 && steps < CHAIN_STEPS_MAX; e = next_placed(r, e), steps++) {
        uint32_t at, message_at;
        size_t len;
        if (e->key == key && overlap(e->seq, e->len, seq, bytes.len, &at, &message_at, &len)) {
            patch(r, e->position + at, bytes_part(bytes, message_at, len), e->checksum_at,
                  at % 2 != 0);
            left -= len < left ? len : left;
        }
    }
}

static void on_stream(void *context, const struct endpoint *from, const struct endpoint *to,
                      uint32_t base_seq, const struct tap_message *m)
{
    struct redactor *r = context;
    uint64_t key = key_of(from, to);
    size_t len = m->bytes.len;
    if (len > MESSAGE_BYTES_MAX) {
        return;
    }
    memcpy(r->message, m->bytes.at, len);
    switch (m->kind) {
    case TAP_KRB:
        scrub_krb(r->p, r->message, len);
        break;
    case TAP_DNS:
        scrub_dns(r->p, r->message, len, DNS_PLAIN);
        break;
    case TAP_HTTP_HEAD:
        scrub_http(r->p, r->message, len);
        break;
    case TAP_HTTP_BODY:
        scrub_body(r->p, r->message, len);
        break;
    case TAP_CARRIER:
        scrub_carrier(r->p, r->message, len, m->carrier);
        break;
    case TAP_FRAMING:
        break;
    }
    struct bytes rest = {.at = r->message, .len = len};
    for (size_t i = 0; i < m->num_pieces; i++) {
        const struct tap_piece *piece = &m->pieces[i];
        patch_segments(r, key, base_seq + (uint32_t)piece->offset, bytes_part(rest, 0, piece->len));
        rest = bytes_part(rest, piece->len, rest.len);
    }
}

/* Patches the parts of a datagram's payload in the frames of its fragments. */
static void patch_fragments(struct redactor *r, const struct segment *g, struct bytes payload)
{
    enum { UDP_HEADER_BYTES = 8 };
    size_t num = r->num_fragments < REDACT_FRAGMENTS_MAX ? r->num_fragments : REDACT_FRAGMENTS_MAX;
    for (size_t i = 0; i < num; i++) {
        const struct placed_fragment *f = &r->fragments[i];
        bool is_of_it = false;
        for (size_t j = 0; j < g->num_frames && !is_of_it; j++) {
            is_of_it = g->frames[j] == f->frame;
        }
        uint32_t at, payload_at;
        size_t len;
        if (is_of_it &&
            overlap(f->offset, f->len, UDP_HEADER_BYTES, payload.len, &at, &payload_at, &len)) {
            patch(r, f->position + at, bytes_part(payload, payload_at, len), 0, false);
        }
    }
}

static void on_datagram(void *context, const struct segment *g, enum tap_kind kind,
                        enum dns_flavour flavour)
{
    struct redactor *r = context;
    struct bytes payload = {.at = r->message, .len = g->payload.len};
    if (payload.len == 0 || payload.len > MESSAGE_BYTES_MAX) {
        return;
    }
    memcpy(r->message, g->payload.at, payload.len);
    if (kind == TAP_DNS) {
        scrub_dns(r->p, r->message, payload.len, flavour);
    } else {
        scrub_krb(r->p, r->message, payload.len);
    }
    if (g->is_reassembled) {
        patch_fragments(r, g, payload);
        return;
    }
    uint64_t checksum_at = r->place.checksum_at == 0 ? 0 : r->position + r->place.checksum_at;
    patch(r, r->position + r->place.payload_at, payload, checksum_at, false);
}

/* Takes the entry that is about to be overwritten out of its chain: it is the last one there. */
static void forget_placed(struct redactor *r, uint32_t index)
{
    uint32_t *link = &r->chains[r->placed[index - 1].key % CHAINS];
    while (*link != 0 && *link != index) {
        link = &r->placed[*link - 1].next;
    }
    *link = 0;
}

/* Remembers where a segment's payload lies; bytes that another segment brought before are copied.
 */
static void place_segment(struct redactor *r, const struct segment *g)
{
    uint64_t key = key_of(&g->from, &g->to);
    uint32_t index = (uint32_t)(r->num_placed % REDACT_SEGMENTS_MAX) + 1;
    if (r->num_placed >= REDACT_SEGMENTS_MAX) {
        forget_placed(r, index);
    }
    r->num_placed++;
    struct placed e = {
        .key = key,
        .position = r->position + r->place.payload_at,
        .checksum_at = r->place.checksum_at == 0 ? 0 : r->position + r->place.checksum_at,
        .seq = g->seq + ((g->flags & TCP_SYN) != 0 ? 1 : 0),
        .len = (uint32_t)g->payload.len,
        .next = r->chains[key % CHAINS],
    };
    unsigned steps = 0;
    bool is_whole = false; /* the youngest copy is as good as any */
    for (const struct placed *old = first_placed(r, key);
         old != NULL && !is_whole && steps < CHAIN_STEPS_MAX; old = next_placed(r, old), steps++) {
        uint32_t at, old_at;
        size_t len;
        if (old->key == key && overlap(e.seq, e.len, old->seq, old->len, &at, &old_at, &len) &&
            len <= MESSAGE_BYTES_MAX && writer_flush(r->writer, &r->trouble) == STATUS_OK &&
            pread(r->fd, r->message, len, (off_t)(old->position + old_at)) == (ssize_t)len) {
            patch(r, e.position + at, (struct bytes){.at = r->message, .len = len}, e.checksum_at,
                  at % 2 != 0);
            is_whole = len == e.len;
        }
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): open_parts() allocated it */
    r->placed[index - 1] = e;
    r->chains[key % CHAINS] = index;
}

static void place_fragment(struct redactor *r, const struct frame *frame)
{
    r->fragments[r->num_fragments++ % REDACT_FRAGMENTS_MAX] = (struct placed_fragment){
        .frame = frame->number,
        .offset = r->trail.fragment_offset,
        .len = (uint32_t)(frame->bytes.len - r->trail.payload_at),
        .position = r->position + r->trail.payload_at,
    };
}

static enum status begin(struct redactor *r, const struct frame *frame,
                         const struct capture_info *info, struct trouble *trouble)
{
    bool is_local = info->zone == CAPTURE_ZONE_UNKNOWN;
    const struct writer_section section = {
        .big_endian = frame->big_endian_host,
        .application = bytes_of(is_local ? CAPTURE_EVIDENCE_WRITER " 1/1" CAPTURE_EVIDENCE_LOCAL
                                         : CAPTURE_EVIDENCE_WRITER " 1/1"),
    };
    return writer_section(r->writer, &section, trouble);
}

/* The interface of this link type. */
static enum status interface_of(struct redactor *r, const struct frame *frame, uint32_t *id,
                                struct trouble *trouble)
{
    for (uint32_t i = 0; i < r->num_link_types; i++) {
        if (r->link_types[i] == frame->link_type || i + 1 == REDACT_LINK_TYPES_MAX) {
            *id = i;
            return STATUS_OK;
        }
    }
    const struct writer_interface interface = {
        .link_type = frame->link_type,
        .offset_s = frame->time_ns < 0 ? frame->time_ns / 1000000000 - 1 : 0,
    };
    r->link_types[r->num_link_types++] = frame->link_type;
    return writer_interface(r->writer, &interface, id, trouble);
}

/* The copy keeps the frame's number: records that are no frames took some. */
static enum status fill_numbers(struct redactor *r, uint32_t number, struct trouble *trouble)
{
    enum status status = STATUS_OK;
    while (r->last_number + 1 < number && status == STATUS_OK) {
        status = writer_filler(r->writer, trouble);
        r->last_number++;
    }
    r->last_number = number;
    return status;
}

static enum status take(struct redactor *r, const struct frame *frame,
                        const struct capture_info *info, struct trouble *trouble)
{
    uint32_t id = 0;
    struct frame copy = *frame;
    enum status status = STATUS_OK;
    if (r->num_link_types == 0) {
        status = begin(r, frame, info, trouble);
    }
    if (status == STATUS_OK) {
        status = interface_of(r, frame, &id, trouble);
    }
    if (status == STATUS_OK) {
        status = fill_numbers(r, frame->number, trouble);
    }
    if (status != STATUS_OK) {
        return status;
    }
    memset(r->frame, 0, frame->bytes.len);
    segment_parse(r->segmenter, frame, &r->segment);
    headers_redact(r->p, r->frame, frame->bytes, &r->trail, &r->segment, &r->place);
    copy.bytes.at = r->frame;
    r->position = writer_bytes(r->writer) + BLOCK_HEAD_BYTES;
    status = writer_frame(r->writer, id, &copy, (struct bytes){0}, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    const struct segment *g = &r->segment;
    if (r->trail.is_fragment) {
        place_fragment(r, frame);
    } else if (g->kind == SEGMENT_TCP && g->payload.len > 0 && !g->is_reassembled) {
        place_segment(r, g);
    }
    decoder_push(r->decoder, frame);
    if (r->status != STATUS_OK) {
        *trouble = r->trouble;
    }
    return r->status;
}

static void ignore_event(void *context, const struct event *event)
{
    (void)context;
    (void)event;
}

static bool open_parts(struct redactor *r)
{
    static const struct decoder_options none;
    struct decoder_options options = none;
    r->tap = (struct decoder_tap){.context = r, .datagram = on_datagram, .stream = on_stream};
    options.tap = &r->tap;
    r->frame = malloc(CAPTURE_FRAME_BYTES_MAX);
    r->message = malloc(MESSAGE_BYTES_MAX);
    r->placed = calloc(REDACT_SEGMENTS_MAX, sizeof *r->placed);
    r->segmenter = segmenter_new();
    r->decoder = decoder_new(&options, ignore_event, NULL);
    if (r->frame == NULL || r->message == NULL || r->placed == NULL || r->segmenter == NULL ||
        r->decoder == NULL) {
        return false;
    }
    segmenter_set_trail(r->segmenter, &r->trail);
    return true;
}

static void close_parts(struct redactor *r)
{
    decoder_free(r->decoder);
    segmenter_free(r->segmenter);
    writer_free(r->writer);
    free(r->frame);
    free(r->message);
    free(r->placed);
    free(r);
}

enum status redact_capture(struct pseudonyms *p, struct capture *c, const struct redact_output *out,
                           struct capture_info *info, struct trouble *trouble)
{
    struct frame frame;
    struct redactor *r = calloc(1, sizeof *r);
    if (r == NULL || !open_parts(r)) {
        if (r != NULL) {
            close_parts(r);
        }
        trouble_set(trouble, "There is not enough memory to redact a capture.");
        return STATUS_NO_MEMORY;
    }
    r->p = p;
    r->fd = out->fd;
    enum status status = writer_new(&r->writer, out->fd, "The redacted copy", trouble);
    while (status == STATUS_OK && capture_next(c, &frame) == CAPTURE_FRAME) {
        status = take(r, &frame, capture_info(c), trouble);
        if (out->tick != NULL) {
            out->tick(out->context, capture_info(c));
        }
        if (status == STATUS_OK && writer_bytes(r->writer) > out->bytes_max) {
            trouble_set(trouble,
                        "The redacted copy would need more than %llu bytes of temporary "
                        "space; raise --spool-max.",
                        (unsigned long long)out->bytes_max);
            status = STATUS_OUTPUT;
        }
    }
    if (status == STATUS_OK && r->num_link_types == 0) {
        static const struct frame empty;
        status = begin(r, &empty, capture_info(c), trouble);
    }
    if (status == STATUS_OK) {
        decoder_end(r->decoder); /* what was cut is told now */
        status = r->status == STATUS_OK ? writer_flush(r->writer, trouble) : r->status;
    }
    *info = *capture_info(c);
    close_parts(r);
    return status;
}
