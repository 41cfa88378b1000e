/* Microsoft Network Monitor 1.x and 2.x captures ("Network Monitor Capture File Format" in
 * Microsoft's documentation). All integers are little-endian.
 *
 *      header 128 bytes | frame | frame | other records ... | frame table: offset of each frame
 *
 *      frame 1.x   u32 delta ms, u16 original, u16 captured, data
 *      frame 2.0   u64 delta µs, u32 original, u32 captured, data
 *      from 2.1    ... u16 media
 *      from 2.2    ... u32 process
 *      from 2.3    ... u64 FILETIME in UTC, u8 zone
 *
 * Only the frame table tells where a frame is and which comes first. It is written last: when a
 * file was cut before it, the frames are taken as they lie.
 */
#include "base/civil.h"
#include "base/cursor.h"
#include "capture/reader_private.h"

#include <string.h>

#define HEADER_BYTES 64 /* the rest of what is reserved has no meaning for us */
#define HEADER_RESERVED_BYTES 128
#define FRAME_HEADER_1_BYTES 8
#define FRAME_HEADER_2_BYTES 16
#define TABLE_ENTRIES_MAX (512U << 20) /* as tshark has it */
#define WLAN_METADATA_BYTES_MIN 3      /* version and length, which tells where the frame begins */

enum media {
    MEDIA_NONE = 0, /* Network Monitor 3.4 on VPN adapters: Ethernet */
    MEDIA_ETHERNET = 1,
    MEDIA_TOKEN_RING = 2,
    MEDIA_FDDI = 3,
    MEDIA_WLAN = 6,
    MEDIA_TUNNEL = 7,
    MEDIA_WWAN = 8,
    MEDIA_RAW_IP = 9,
    MEDIA_LINKTYPE_FIRST = 0xe000, /* plus a number of the pcap registry */
    MEDIA_LINKTYPE_LAST = 0xefff,
    MEDIA_ANALYZER_FIRST = 0xe080, /* Message Analyzer used numbers within that range */
    MEDIA_ANALYZER_LAST = 0xe08a,
    MEDIA_NET_EVENT = 0xffe0,
    MEDIA_NETWORK_INFO_EX = 0xfffb,
    MEDIA_PAYLOAD_HEADER = 0xfffc,
    MEDIA_NETWORK_INFO = 0xfffd,
    MEDIA_DNS_CACHE = 0xfffe,
    MEDIA_FILTER = 0xffff,
};

static bool recognise(struct bytes first)
{
    uint32_t magic = bytes_u32be_at(first, 0);
    return magic == 0x52545353 /* RTSS */ || magic == 0x474d4255 /* GMBU */;
}

static bool has_frame_media(const struct netmon_state *n)
{
    return n->major == 2 && n->minor >= 1;
}

static bool has_frame_time(const struct netmon_state *n)
{
    return n->major == 2 && n->minor >= 3;
}

static size_t trailer_len(const struct netmon_state *n)
{
    size_t process = n->minor >= 2 ? 4 : 0;
    size_t time = n->minor >= 3 ? 9 : 0;
    return has_frame_media(n) ? 2 + process + time : 0;
}

static void set_format(struct capture_info *info, const struct netmon_state *n)
{
    static const struct {
        enum capture_format format;
        const char *name;
    } formats[] = {
        {CAPTURE_FORMAT_NETMON_2_0, "netmon-2.0"},
        {CAPTURE_FORMAT_NETMON_2_1, "netmon-2.1"},
        {CAPTURE_FORMAT_NETMON_2_2, "netmon-2.2"},
        {CAPTURE_FORMAT_NETMON_2_3, "netmon-2.3"},
    };
    if (n->major == 1) {
        info->format = CAPTURE_FORMAT_NETMON_1_1;
        info->format_name = "netmon-1.1";
        return;
    }
    size_t i = n->minor < 3 ? n->minor : 3;
    info->format = formats[i].format;
    info->format_name = formats[i].name;
}

/* SYSTEMTIME: local time of the host that captured. */
static void read_start(struct reader *r, struct cursor *c)
{
    struct civil civil = {0};
    int64_t seconds;
    civil.year = cursor_u16le(c);
    civil.month = cursor_u16le(c);
    cursor_skip(c, 2); /* day of the week */
    civil.day = cursor_u16le(c);
    civil.hour = cursor_u16le(c);
    civil.minute = cursor_u16le(c);
    civil.second = cursor_u16le(c);
    uint16_t ms = cursor_u16le(c);
    r->netmon.has_start = civil_to_seconds(&civil, &seconds);
    if (r->has_zone) {
        seconds -= r->zone_s;
    }
    r->netmon.start_ns = time_add(time_multiply(seconds, NS_PER_S), ms * NS_PER_MS);
}

static bool is_empty(const struct reader *r)
{
    uint8_t byte;
    return source_read_at(r->source, HEADER_RESERVED_BYTES, &byte, 1) == 0;
}

static void table_lost(struct netmon_state *n)
{
    n->table_lost = true;
    n->next_offset = HEADER_RESERVED_BYTES;
    n->num_entries = 1; /* one that is never taken; the frames themselves end the capture */
    n->next_entry = 0;
}

static enum status netmon_open_file(struct reader *r, struct trouble *trouble)
{
    struct netmon_state *n = &r->netmon;
    const uint8_t *at = source_ensure(r->source, HEADER_BYTES);
    if (at == NULL) {
        trouble_set(trouble,
                    "%s is cut within the header of a Network Monitor file; capture again.",
                    r->source->name);
        return STATUS_NOT_CAPTURE;
    }
    struct cursor c = cursor_over((struct bytes){.at = at, .len = HEADER_BYTES});
    cursor_skip(&c, 4);
    n->minor = cursor_u8(&c);
    n->major = cursor_u8(&c);
    if (n->major != 1 && n->major != 2) {
        trouble_set(trouble,
                    "%s is a Network Monitor capture of version %u.%u, which krbscope does not "
                    "know; convert it with editcap -F pcapng.",
                    r->source->name, n->major, n->minor);
        return STATUS_NOT_CAPTURE;
    }
    set_format(r->info, n);
    n->media = cursor_u16le(&c);
    read_start(r, &c);
    n->table_offset = cursor_u32le(&c);
    uint32_t table_len = cursor_u32le(&c);
    n->num_entries = table_len / 4;
    if (!has_frame_time(n)) {
        r->info->zone = r->has_zone ? CAPTURE_ZONE_GIVEN : CAPTURE_ZONE_UNKNOWN;
    }
    enum status status = source_make_seekable(r->source, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    if (table_len % 4 != 0 || n->num_entries > TABLE_ENTRIES_MAX) {
        (void)reader_damage(r, 28, "a frame table of", table_len, "bytes is impossible");
        n->num_entries = 0;
    } else if (table_len == 0 && !is_empty(r)) { /* the writer never came to the table */
        table_lost(n);
    }
    return STATUS_OK;
}

/* The offset of the next frame; false: the table is cut. */
static bool next_offset(struct reader *r, uint32_t *offset)
{
    struct netmon_state *n = &r->netmon;
    uint32_t in_piece = n->next_entry - n->piece_first;
    if (in_piece >= n->piece_entries) {
        uint32_t left = n->num_entries - n->next_entry;
        uint32_t wanted = left < NETMON_PIECE_ENTRIES ? left : NETMON_PIECE_ENTRIES;
        size_t got = source_read_at(r->source, n->table_offset + (uint64_t)n->next_entry * 4,
                                    n->piece, (size_t)wanted * 4);
        n->piece_first = n->next_entry;
        n->piece_entries = (uint32_t)(got / 4);
        in_piece = 0;
        if (n->piece_entries == 0) {
            return false;
        }
    }
    struct bytes piece = {.at = n->piece, .len = (size_t)n->piece_entries * 4};
    struct cursor c = cursor_over(bytes_part(piece, (size_t)in_piece * 4, 4));
    *offset = cursor_u32le(&c);
    n->next_entry++;
    return true;
}

/* Moves *bytes behind Network Monitor's description of a Wi-Fi frame: u8 version, u16 length. */
static uint16_t wlan_link_type(struct frame *out)
{
    struct cursor c = cursor_over(out->bytes);
    (void)cursor_u8(&c);
    uint16_t len = cursor_u16le(&c);
    if (!cursor_ok(&c) || len < WLAN_METADATA_BYTES_MIN || len > out->bytes.len) {
        return LINK_TYPE_UNSUPPORTED;
    }
    out->bytes = bytes_part(out->bytes, len, out->bytes.len);
    out->original_len -= len;
    return LINK_TYPE_IEEE802_11;
}

/* The link type of a medium; frame bytes that precede the link layer are taken off. */
static uint16_t media_link_type(uint16_t media, struct frame *out)
{
    if (media >= MEDIA_ANALYZER_FIRST && media <= MEDIA_ANALYZER_LAST) {
        return LINK_TYPE_UNSUPPORTED;
    }
    if (media >= MEDIA_LINKTYPE_FIRST && media <= MEDIA_LINKTYPE_LAST) {
        return media - MEDIA_LINKTYPE_FIRST;
    }
    switch (media) {
    case MEDIA_NONE:
    case MEDIA_ETHERNET:
        return LINK_TYPE_ETHERNET;
    case MEDIA_TOKEN_RING:
        return LINK_TYPE_TOKEN_RING;
    case MEDIA_FDDI:
        return LINK_TYPE_FDDI;
    case MEDIA_WLAN:
        return wlan_link_type(out);
    case MEDIA_TUNNEL:
    case MEDIA_WWAN:
    case MEDIA_RAW_IP:
        return LINK_TYPE_RAW;
    default:
        return LINK_TYPE_UNSUPPORTED;
    }
}

static bool is_numbered_special(uint16_t media)
{
    return media == MEDIA_NETWORK_INFO_EX || media == MEDIA_FILTER || media == MEDIA_NET_EVENT;
}

static bool is_unnumbered_special(uint16_t media)
{
    return media >= MEDIA_PAYLOAD_HEADER && media <= MEDIA_DNS_CACHE;
}

struct frame_head {
    size_t len;
    int64_t delta_ns;
    uint32_t original;
    uint32_t captured;
};

static bool read_frame_head(struct reader *r, struct frame_head *head)
{
    bool old = r->netmon.major == 1;
    head->len = old ? FRAME_HEADER_1_BYTES : FRAME_HEADER_2_BYTES;
    const uint8_t *at = source_ensure(r->source, head->len);
    if (at == NULL) {
        return false;
    }
    struct cursor c = cursor_over((struct bytes){.at = at, .len = head->len});
    if (old) {
        head->delta_ns = (int64_t)cursor_u32le(&c) * NS_PER_MS;
        head->original = cursor_u16le(&c);
        head->captured = cursor_u16le(&c);
    } else {
        uint64_t delta_us = cursor_u64le(&c);
        int64_t signed_us; /* negative for frames before the time of the header */
        memcpy(&signed_us, &delta_us, sizeof signed_us);
        head->delta_ns = time_multiply(signed_us, 1000);
        head->original = cursor_u32le(&c);
        head->captured = cursor_u32le(&c);
    }
    return true;
}

/* The frame at the source's place. */
static enum reader_result read_frame(struct reader *r, struct frame *out, uint16_t *media)
{
    struct netmon_state *n = &r->netmon;
    struct source *s = r->source;
    struct frame_head head;
    if (!read_frame_head(r, &head)) {
        return reader_cut(r, "record header", head.len);
    }
    if (head.captured > CAPTURE_FRAME_BYTES_MAX) {
        return reader_damage(r, source_offset(s), "a captured length of", head.captured,
                             "is more than a frame can have");
    }
    size_t len = head.len + head.captured + trailer_len(n);
    const uint8_t *at = source_ensure(s, len);
    if (at == NULL) {
        return reader_cut(r, "record", len);
    }
    struct cursor c = cursor_over((struct bytes){.at = at, .len = len});
    cursor_skip(&c, head.len);
    *out = (struct frame){
        .has_time = n->has_start || has_frame_time(n),
        .original_len = head.original > head.captured ? head.original : head.captured,
        .bytes = cursor_take(&c, head.captured),
        .time_ns = time_add(n->start_ns, head.delta_ns),
    };
    *media = has_frame_media(n) ? cursor_u16le(&c) : n->media;
    if (has_frame_time(n)) {
        cursor_skip(&c, 4);
        out->time_ns = civil_filetime_to_ns(cursor_u64le(&c));
    }
    source_consume(s, len);
    out->link_type = media_link_type(*media, out);
    return READER_FRAME;
}

/* The place of the next frame. READER_SPECIAL: *offset is set. */
static enum reader_result next_place(struct reader *r, uint64_t *offset)
{
    struct netmon_state *n = &r->netmon;
    uint32_t entry;
    if (!n->table_lost && !next_offset(r, &entry)) {
        if (n->next_entry > 0) {
            return reader_damage(r, n->table_offset, "the frame table ends before entry",
                                 n->next_entry, "(the file is cut)");
        }
        table_lost(n);
    }
    *offset = n->table_lost ? n->next_offset : entry;
    if (*offset < HEADER_BYTES) {
        return reader_damage(r, n->table_offset + (uint64_t)(n->next_entry - 1) * 4,
                             "the frame table points to byte", *offset, "within the header");
    }
    return READER_SPECIAL;
}

/* Without the table anything may lie behind a frame: it is one only when all fields make sense. */
static bool is_plausible(const struct frame *frame, uint16_t media)
{
    return frame->bytes.len > 0 && frame->original_len <= CAPTURE_FRAME_BYTES_MAX &&
           (frame->link_type != LINK_TYPE_UNSUPPORTED || is_numbered_special(media) ||
            is_unnumbered_special(media));
}

static enum reader_result table_lost_end(struct reader *r)
{
    return reader_damage(r, r->netmon.next_offset, "the frame table at byte",
                         r->netmon.table_offset,
                         "is missing (frames were taken in the order in which they lie)");
}

static enum reader_result netmon_next_frame(struct reader *r, struct frame *out)
{
    struct netmon_state *n = &r->netmon;
    while (n->next_entry < n->num_entries) {
        uint64_t offset = 0;
        uint16_t media = MEDIA_NONE;
        if (next_place(r, &offset) != READER_SPECIAL) {
            return READER_END;
        }
        source_seek(r->source, offset);
        if (read_frame(r, out, &media) != READER_FRAME) {
            return n->table_lost ? table_lost_end(r) : READER_END;
        }
        if (n->table_lost) {
            if (!is_plausible(out, media)) {
                return table_lost_end(r);
            }
            n->next_offset = source_offset(r->source);
        }
        if (is_unnumbered_special(media)) {
            r->info->drops[CAPTURE_DROP_NOT_A_PACKET]++;
            continue;
        }
        return is_numbered_special(media) ? READER_SPECIAL : READER_FRAME;
    }
    return READER_END;
}

const struct reader_ops reader_netmon = {recognise, netmon_open_file, netmon_next_frame};
