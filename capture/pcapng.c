/* The pcapng file format (draft-ietf-opsawg-pcapng).
 *
 *      block = u32 type | u32 total length | body ... | u32 total length again
 *      file  = section header, interface descriptions, packets ... | section header ...
 *
 * A section header begins anew: byte order and interfaces are those of its section. Which blocks
 * take a frame number, and at which faults reading stops, is as tshark 4.0 has it.
 */
#include "base/civil.h"
#include "base/cursor.h"
#include "capture/reader_private.h"

#include <string.h>

#define BLOCK_HEADER_BYTES 8
#define BLOCK_BYTES_MIN 12
#define SECTION_BYTES_MIN 28
#define CUSTOM_BYTES_MIN 16
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define DROPS_UNKNOWN 0xffff /* drop count of an obsolete packet block */

enum block_type {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET_OBSOLETE = 2,
    BLOCK_PACKET_SIMPLE = 3,
    BLOCK_NAMES = 4,
    BLOCK_STATISTICS = 5,
    BLOCK_PACKET = 6,
    BLOCK_JOURNAL = 9,
    BLOCK_SECRETS = 10,
    BLOCK_SYSDIG_EVENT = 0x204,
    BLOCK_SYSDIG_EVENT_2 = 0x216,
    BLOCK_SYSDIG_EVENT_2_LARGE = 0x221,
    BLOCK_CUSTOM = 0xbad,
    BLOCK_CUSTOM_NO_COPY = 0x40000bad,
};

enum option_code {
    OPTION_END = 0,
    OPTION_SECTION_APPLICATION = 4,
    OPTION_PACKET_DROPS = 4,
    OPTION_STATISTICS_DROPPED = 5,
    OPTION_STATISTICS_SYSTEM_DROPPED = 7,
    OPTION_INTERFACE_RESOLUTION = 9,
    OPTION_INTERFACE_OFFSET = 14,
};

struct block {
    uint32_t type;
    uint32_t len;       /* with both lengths and padding */
    uint64_t offset;    /* of its first byte in the capture */
    struct cursor body; /* at most SOURCE_ENSURE_MAX bytes of it */
};

static bool recognise(struct bytes first)
{
    uint32_t magic = bytes_u32be_at(first, 8);
    bool known = magic == BYTE_ORDER_MAGIC || magic == 0x4d3c2b1a;
    return bytes_u32be_at(first, 0) == BLOCK_SECTION && (known || first.len < 12);
}

/* The next option; false at the last one, or when it is cut. */
static bool option_next(struct cursor *c, bool big, uint16_t *code, struct cursor *value)
{
    *code = cursor_u16(c, big);
    uint16_t len = cursor_u16(c, big);
    *value = cursor_sub(c, len);
    if (!cursor_ok(c) || *code == OPTION_END) {
        return false;
    }
    size_t padding = (4 - len % 4U) % 4;
    cursor_skip(c, padding < c->left ? padding : c->left);
    return true;
}

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* dumpcap counts lost packets in statistics blocks, others at each packet; whoever does both counts
 * the same packets twice. */
static void update_drops(struct reader *r)
{
    const struct pcapng_state *p = &r->pcapng;
    r->info->drops[CAPTURE_DROP_BY_SYSTEM] =
        p->frame_drops > p->interface_drops ? p->frame_drops : p->interface_drops;
}

static void set_resolution(struct pcapng_interface *out, uint8_t resolution)
{
    unsigned digits = resolution & 0x7f;
    out->units_per_s = 0;
    out->binary_digits = 0;
    if ((resolution & 0x80) != 0) {
        out->binary_digits = digits;
        out->no_resolution = digits > 63;
        return;
    }
    out->no_resolution = digits > 19; /* 10^19 < 2^64 */
    out->units_per_s = 1;
    for (unsigned i = 0; i < digits && !out->no_resolution; i++) {
        out->units_per_s *= 10;
    }
}

static enum reader_result read_interface(struct reader *r, struct block *b)
{
    struct pcapng_state *p = &r->pcapng;
    struct pcapng_interface found = {.units_per_s = 1000000};
    found.link_type = cursor_u16(&b->body, p->big_endian);
    cursor_skip(&b->body, 2);
    found.snap_len = cursor_u32(&b->body, p->big_endian);
    if (!cursor_ok(&b->body)) {
        return reader_damage(r, b->offset, "a length of", b->len,
                             "is too little for an interface description block");
    }
    uint16_t code;
    struct cursor value;
    while (option_next(&b->body, p->big_endian, &code, &value)) {
        if (code == OPTION_INTERFACE_RESOLUTION && value.left == 1) {
            set_resolution(&found, cursor_u8(&value));
        } else if (code == OPTION_INTERFACE_OFFSET && value.left == 8) {
            uint64_t offset_s = cursor_u64(&value, p->big_endian);
            memcpy(&found.offset_s, &offset_s, sizeof found.offset_s);
        }
    }
    if (p->num_interfaces < CAPTURE_INTERFACES_MAX) {
        p->interfaces[p->num_interfaces] = found;
    }
    if (p->num_interfaces < UINT32_MAX) {
        p->num_interfaces++;
    }
    return READER_SPECIAL;
}

static void read_statistics(struct reader *r, struct block *b)
{
    struct pcapng_state *p = &r->pcapng;
    uint32_t id = cursor_u32(&b->body, p->big_endian);
    uint64_t dropped = 0;
    uint16_t code;
    struct cursor value;
    cursor_skip(&b->body, 8);
    while (option_next(&b->body, p->big_endian, &code, &value)) {
        if ((code == OPTION_STATISTICS_DROPPED || code == OPTION_STATISTICS_SYSTEM_DROPPED) &&
            value.left == 8) {
            dropped = add_saturating(dropped, cursor_u64(&value, p->big_endian));
        }
    }
    if (id < p->num_interfaces && id < CAPTURE_INTERFACES_MAX) {
        struct pcapng_interface *of = &p->interfaces[id];
        p->interface_drops -= of->dropped;
        /* clamped, so that the sum can be taken back again */
        of->dropped = dropped < UINT64_MAX - p->interface_drops ? dropped : 0;
        p->interface_drops += of->dropped;
        update_drops(r);
    }
}

/* "krbscope evidence 0.1.0 2/3 local-time": what our own evidence files say of themselves. */
static void read_application(struct reader *r, struct bytes value)
{
    struct capture_info *info = r->info;
    struct bytes local = bytes_of(CAPTURE_EVIDENCE_LOCAL);
    uint64_t num = 0;
    if (!bytes_begins_nocase(value, CAPTURE_EVIDENCE_WRITER " ")) {
        return;
    }
    r->pcapng.is_local = bytes_ends_nocase(value, CAPTURE_EVIDENCE_LOCAL);
    if (r->pcapng.is_local) {
        value.len -= local.len;
        info->zone = r->has_zone ? CAPTURE_ZONE_GIVEN : CAPTURE_ZONE_UNKNOWN;
    }
    struct bytes rest = bytes_part(value, bytes_find(value, '/', 0) + 1, value.len);
    if (bytes_to_u64(rest, UINT16_MAX, &num) && num > 1) {
        info->num_captures = (unsigned)num;
    }
}

static enum reader_result read_section(struct reader *r, struct block *b)
{
    struct pcapng_state *p = &r->pcapng;
    cursor_skip(&b->body, 4); /* the byte order, read with the header of the block */
    uint16_t major = cursor_u16(&b->body, p->big_endian);
    uint16_t minor = cursor_u16(&b->body, p->big_endian);
    if (b->len < SECTION_BYTES_MIN) {
        return reader_damage(r, b->offset, "a length of", b->len,
                             "is too little for a section header");
    }
    if (major != 1 || (minor != 0 && minor != 2)) { /* draft 4.1: 2 is to be treated as 0 */
        return reader_damage(r, b->offset, "a section of version", major * 1000U + minor,
                             "(major * 1000 + minor) is unknown");
    }
    p->num_interfaces = 0;
    p->is_local = false;
    r->info->section++;
    uint16_t code;
    struct cursor value;
    cursor_skip(&b->body, 8); /* length of the section */
    while (option_next(&b->body, p->big_endian, &code, &value)) {
        if (code == OPTION_SECTION_APPLICATION) {
            read_application(r, cursor_rest(&value));
        }
    }
    return READER_SPECIAL;
}

/* Fills the frame of the len bytes at the body's place; id is that of its interface. */
static enum reader_result fill_frame(struct reader *r, struct block *b, uint32_t id,
                                     uint32_t captured, uint32_t original, struct frame *out)
{
    const struct pcapng_state *p = &r->pcapng;
    uint32_t fixed_len = b->type == BLOCK_PACKET_SIMPLE ? 16 : 32;
    if (id >= p->num_interfaces) {
        return reader_damage(r, b->offset, "interface", id, "was not described before");
    }
    bool kept = id < CAPTURE_INTERFACES_MAX;
    uint16_t link_type = kept ? p->interfaces[id].link_type : LINK_TYPE_UNSUPPORTED;
    if (b->len < fixed_len || captured > b->len - fixed_len ||
        captured > reader_captured_max(link_type)) {
        return reader_damage(r, b->offset, "a captured length of", captured,
                             "is more than its block or a frame can have");
    }
    uint32_t shown = captured < CAPTURE_FRAME_BYTES_MAX ? captured : CAPTURE_FRAME_BYTES_MAX;
    *out = (struct frame){
        .link_type = link_type,
        .big_endian_host = p->big_endian,
        .original_len = original > captured ? original : captured,
        .time_ns = p->last_time_ns,
        .bytes = cursor_take(&b->body, shown),
    };
    return READER_FRAME;
}

static enum reader_result read_packet(struct reader *r, struct block *b, struct frame *out)
{
    struct pcapng_state *p = &r->pcapng;
    bool obsolete = b->type == BLOCK_PACKET_OBSOLETE;
    uint32_t id =
        obsolete ? cursor_u16(&b->body, p->big_endian) : cursor_u32(&b->body, p->big_endian);
    uint64_t drops = obsolete ? cursor_u16(&b->body, p->big_endian) : 0;
    uint64_t high = cursor_u32(&b->body, p->big_endian);
    uint64_t low = cursor_u32(&b->body, p->big_endian);
    uint32_t captured = cursor_u32(&b->body, p->big_endian);
    uint32_t original = cursor_u32(&b->body, p->big_endian);
    enum reader_result result = fill_frame(r, b, id, captured, original, out);
    if (result != READER_FRAME) {
        return result;
    }
    if (id < CAPTURE_INTERFACES_MAX) {
        out->has_time = true;
        out->time_ns = pcapng_time_ns(&p->interfaces[id], high << 32 | low);
        if (p->is_local && r->has_zone) {
            out->time_ns = time_add(out->time_ns, -(int64_t)r->zone_s * NS_PER_S);
        }
        p->last_time_ns = out->time_ns;
    }
    if (obsolete && drops == DROPS_UNKNOWN) {
        drops = 0;
    }
    if (!obsolete && captured <= CAPTURE_FRAME_BYTES_MAX) {
        uint16_t code;
        struct cursor value;
        size_t padding = (4 - captured % 4) % 4;
        cursor_skip(&b->body, padding);
        while (option_next(&b->body, p->big_endian, &code, &value)) {
            if (code == OPTION_PACKET_DROPS && value.left == 8) {
                drops = cursor_u64(&value, p->big_endian);
            }
        }
    }
    if (drops > 0) {
        p->frame_drops = add_saturating(p->frame_drops, drops);
        update_drops(r);
    }
    return READER_FRAME;
}

/* A simple packet block has no captured length of its own: it is the original length, the snap
 * length of interface 0, whichever is less. */
static enum reader_result read_simple_packet(struct reader *r, struct block *b, struct frame *out)
{
    const struct pcapng_state *p = &r->pcapng;
    uint32_t original = cursor_u32(&b->body, p->big_endian);
    uint32_t snap_len = p->num_interfaces > 0 ? p->interfaces[0].snap_len : 0;
    uint32_t captured = snap_len != 0 && snap_len < original ? snap_len : original;
    return fill_frame(r, b, 0, captured, original, out);
}

/* READER_FRAME: out is filled; READER_SPECIAL: *numbered tells whether it takes a number. */
static enum reader_result read_block(struct reader *r, struct block *b, struct frame *out,
                                     bool *numbered)
{
    *numbered = false;
    switch (b->type) {
    case BLOCK_SECTION:
        return read_section(r, b);
    case BLOCK_INTERFACE:
        return read_interface(r, b);
    case BLOCK_PACKET:
    case BLOCK_PACKET_OBSOLETE:
        return read_packet(r, b, out);
    case BLOCK_PACKET_SIMPLE:
        return read_simple_packet(r, b, out);
    case BLOCK_STATISTICS:
        read_statistics(r, b);
        return READER_SPECIAL;
    case BLOCK_NAMES:
    case BLOCK_SECRETS:
        return READER_SPECIAL;
    case BLOCK_CUSTOM:
    case BLOCK_CUSTOM_NO_COPY:
        if (b->len < CUSTOM_BYTES_MIN) {
            return reader_damage(r, b->offset, "a length of", b->len,
                                 "is too little for a custom block");
        }
        *numbered = true;
        return READER_SPECIAL;
    case BLOCK_JOURNAL:
    case BLOCK_SYSDIG_EVENT:
    case BLOCK_SYSDIG_EVENT_2:
    case BLOCK_SYSDIG_EVENT_2_LARGE:
        *numbered = true;
        return READER_SPECIAL;
    default:
        r->info->drops[CAPTURE_DROP_UNKNOWN_BLOCK]++;
        return READER_SPECIAL;
    }
}

/* A section header tells its byte order behind its length. false: neither order. */
static bool set_byte_order(struct reader *r, struct bytes header)
{
    uint32_t magic = bytes_u32be_at(header, BLOCK_HEADER_BYTES);
    r->pcapng.big_endian = magic == BYTE_ORDER_MAGIC;
    return magic == BYTE_ORDER_MAGIC || magic == 0x4d3c2b1a;
}

/* Type, length and, as far as they fit the window, all bytes of the next block. READER_SPECIAL: b
 * is filled. */
static enum reader_result next_block(struct reader *r, struct block *b)
{
    struct source *s = r->source;
    const uint8_t *at = source_ensure(s, BLOCK_BYTES_MIN);
    if (at == NULL) {
        return reader_short(r, "block header", BLOCK_BYTES_MIN);
    }
    struct bytes header = {.at = at, .len = BLOCK_BYTES_MIN};
    b->offset = source_offset(s);
    if (bytes_u32be_at(header, 0) == BLOCK_SECTION && !set_byte_order(r, header)) {
        return reader_damage(r, b->offset, "the byte order",
                             bytes_u32be_at(header, BLOCK_HEADER_BYTES), "is unknown");
    }
    struct cursor c = cursor_over(header);
    b->type = cursor_u32(&c, r->pcapng.big_endian);
    uint32_t said = cursor_u32(&c, r->pcapng.big_endian);
    if (said < BLOCK_BYTES_MIN || said > UINT32_MAX - 3) {
        return reader_damage(r, b->offset, "a block length of", said, "is impossible");
    }
    b->len = (said + 3) & ~3U; /* some writers leave the padding out of the length */
    uint32_t shown = b->len < SOURCE_ENSURE_MAX ? b->len : SOURCE_ENSURE_MAX;
    at = source_ensure(s, shown);
    if (at == NULL) {
        return reader_cut(r, "block", b->len);
    }
    c = cursor_over((struct bytes){.at = at, .len = shown});
    cursor_skip(&c, BLOCK_HEADER_BYTES);
    b->body = c;
    if (b->len == shown) {
        b->body = cursor_sub(&c, b->len - BLOCK_BYTES_MIN);
        uint32_t again = cursor_u32(&c, r->pcapng.big_endian);
        if (again != said && again != b->len) {
            return reader_damage(r, b->offset, "its block ends with a length of", again,
                                 "that differs from the one it begins with");
        }
    }
    source_consume(s, shown);
    r->pcapng.bytes_to_skip = b->len - shown;
    return READER_SPECIAL;
}

static enum reader_result pcapng_next_frame(struct reader *r, struct frame *out)
{
    struct source *s = r->source;
    for (;;) { /* ends with the source: each round takes a block from it */
        uint64_t skip = r->pcapng.bytes_to_skip;
        r->pcapng.bytes_to_skip = 0;
        if (skip > 0 && !source_skip(s, skip)) {
            return reader_damage(r, source_offset(s), "the last", skip, "bytes before it are cut");
        }
        struct block b = {0};
        bool numbered = false;
        enum reader_result result = next_block(r, &b);
        if (result == READER_SPECIAL) {
            result = read_block(r, &b, out, &numbered);
        }
        if (result != READER_SPECIAL || numbered) {
            return result;
        }
    }
}

static enum status pcapng_open_file(struct reader *r, struct trouble *trouble)
{
    r->info->format = CAPTURE_FORMAT_PCAPNG;
    r->info->format_name = "pcapng";
    const uint8_t *at = source_ensure(r->source, SECTION_BYTES_MIN);
    if (at == NULL) {
        trouble_set(trouble, "%s is cut within the header of a pcapng file; capture again.",
                    r->source->name);
        return STATUS_NOT_CAPTURE;
    }
    struct block b = {0};
    if (next_block(r, &b) == READER_SPECIAL && b.type == BLOCK_SECTION) {
        (void)read_section(r, &b); /* damage shows when the first frame is asked for */
    }
    return STATUS_OK;
}

const struct reader_ops reader_pcapng = {recognise, pcapng_open_file, pcapng_next_frame};
