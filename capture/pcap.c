/* The pcap file format (draft-ietf-opsawg-pcap), written with libpcap or anything else.
 *
 *      header 24 bytes | record header 16 (modified: 24) | frame | record header | frame ...
 */
#include "base/civil.h"
#include "base/cursor.h"
#include "capture/reader_private.h"

#define FILE_HEADER_BYTES 24
#define RECORD_HEADER_BYTES 16
#define RECORD_HEADER_MODIFIED_BYTES                                                               \
    24 /* two times 4 bytes of Kuznetzov's patched libpcap follow */

#define MAGIC_US 0xa1b2c3d4U
#define MAGIC_NS 0xa1b23c4dU
#define MAGIC_MODIFIED 0xa1b2cd34U

static bool is_magic(uint32_t magic)
{
    return magic == MAGIC_US || magic == MAGIC_NS || magic == MAGIC_MODIFIED;
}

static bool recognise(struct bytes first)
{
    struct cursor big = cursor_over(first);
    struct cursor little = big;
    return is_magic(cursor_u32be(&big)) || is_magic(cursor_u32le(&little));
}

static void set_kind(struct reader *r, uint32_t magic)
{
    struct capture_info *info = r->info;
    r->pcap.record_len = RECORD_HEADER_BYTES;
    r->pcap.ns_per_unit = 1000;
    if (magic == MAGIC_NS) {
        r->pcap.ns_per_unit = 1;
        info->format = CAPTURE_FORMAT_PCAP_NS;
        info->format_name = "pcap-ns";
    } else if (magic == MAGIC_MODIFIED) {
        r->pcap.record_len = RECORD_HEADER_MODIFIED_BYTES;
        info->format = CAPTURE_FORMAT_PCAP_MODIFIED;
        info->format_name = "pcap-modified";
    } else {
        info->format = CAPTURE_FORMAT_PCAP;
        info->format_name = "pcap";
    }
}

static enum status pcap_open_file(struct reader *r, struct trouble *trouble)
{
    const uint8_t *at = source_ensure(r->source, FILE_HEADER_BYTES);
    if (at == NULL) {
        trouble_set(trouble, "%s is cut within the header of a pcap file; capture again.",
                    r->source->name);
        return STATUS_NOT_CAPTURE;
    }
    struct cursor c = cursor_over((struct bytes){.at = at, .len = FILE_HEADER_BYTES});
    struct cursor magic = c;
    bool big = is_magic(cursor_u32be(&magic));
    r->pcap.big_endian = big;
    set_kind(r, cursor_u32(&c, big));
    uint16_t major = cursor_u16(&c, big);
    uint16_t minor = cursor_u16(&c, big);
    cursor_skip(&c, 12); /* zone and accuracy, which nobody sets; snap length, which may lie */
    uint32_t link = cursor_u32(&c, big);
    if (major < 2) {
        trouble_set(trouble, "%s is a pcap file of version %u.%u, which krbscope does not know.",
                    r->source->name, major, minor);
        return STATUS_NOT_CAPTURE;
    }
    /* The order of the two lengths was changed with version 2.3; DG/UX wrote 543.0 in the old one.
     */
    r->pcap.swapped_lengths = (major == 2 && minor < 3) || major == 543;
    r->pcap.maybe_swapped_lengths = major == 2 && minor == 3;
    r->pcap.link_type = (uint16_t)(link & 0xffff); /* above: length of a check sum and its flag */
    r->pcap.captured_max = reader_captured_max(r->pcap.link_type);
    source_consume(r->source, FILE_HEADER_BYTES);
    return STATUS_OK;
}

static enum reader_result pcap_next_record(struct reader *r, struct frame *out)
{
    struct pcap_state *p = &r->pcap;
    struct source *s = r->source;
    if (p->bytes_to_skip > 0) {
        uint64_t len = p->bytes_to_skip;
        p->bytes_to_skip = 0;
        if (!source_skip(s, len)) {
            return reader_damage(r, source_offset(s), "the last", len, "bytes before it are cut");
        }
    }
    const uint8_t *at = source_ensure(s, p->record_len);
    if (at == NULL) {
        return reader_short(r, "record header", p->record_len);
    }
    struct cursor c = cursor_over((struct bytes){.at = at, .len = p->record_len});
    uint32_t seconds = cursor_u32(&c, p->big_endian);
    uint32_t fraction = cursor_u32(&c, p->big_endian);
    uint32_t captured = cursor_u32(&c, p->big_endian);
    uint32_t original = cursor_u32(&c, p->big_endian);
    if (p->swapped_lengths || (p->maybe_swapped_lengths && captured > original)) {
        uint32_t swapped = captured;
        captured = original;
        original = swapped;
    }
    if (captured > p->captured_max) {
        return reader_damage(r, source_offset(s), "a captured length of", captured,
                             "is more than a frame can have");
    }
    uint32_t shown = captured < CAPTURE_FRAME_BYTES_MAX ? captured : CAPTURE_FRAME_BYTES_MAX;
    at = source_ensure(s, p->record_len + shown);
    if (at == NULL) {
        return reader_short(r, "record", p->record_len + captured);
    }
    *out = (struct frame){
        .link_type = p->link_type,
        .has_time = true,
        .big_endian_host = p->big_endian,
        .original_len = original > captured ? original : captured,
        /* 32 bits of either cannot overflow */
        .time_ns = (int64_t)seconds * NS_PER_S + (int64_t)fraction * p->ns_per_unit,
        .bytes = {.at = at + p->record_len, .len = shown},
    };
    source_consume(s, p->record_len + shown);
    p->bytes_to_skip = captured - shown;
    return READER_FRAME;
}

const struct reader_ops reader_pcap = {recognise, pcap_open_file, pcap_next_record};
