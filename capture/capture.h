/* One interface, many sources: a saved capture in any format becomes frames.
 *
 *      struct capture *c;
 *      if (capture_open(&c, path, &options, &trouble) != STATUS_OK) ...
 *      while (capture_next(c, &frame) == CAPTURE_FRAME) ...
 *      capture_info(c)          what was read, and what was not
 *      capture_close(c);
 *
 * The format is told from the content, never from the name. gzip, zstd, xz and lz4 of any format
 * are read. Readers are plain reads into a fixed buffer; nothing is mapped.
 */
#ifndef KRBSCOPE_CAPTURE_CAPTURE_H
#define KRBSCOPE_CAPTURE_CAPTURE_H

#include "base/bytes.h"
#include "base/status.h"

#define CAPTURE_FRAME_BYTES_MAX 262144 /* a longer captured length is damage (tshark's limit) */
#define CAPTURE_INTERFACES_MAX 1024    /* interfaces kept for one pcapng section */
#define CAPTURE_LINK_TYPES_MAX 16      /* different link types listed for one capture */
#define CAPTURE_SPOOL_BYTES_MAX UINT64_C(8589934592) /* default for capture_options.spool_max */

/* How an evidence file of ours names its writer, so that it can be read as what it was taken from:
 * "krbscope evidence 0.1.0 2/3 local-time": the second of three captures, one a section, times as
 * an unknown zone has them. */
#define CAPTURE_EVIDENCE_WRITER "krbscope evidence"
#define CAPTURE_EVIDENCE_LOCAL " local-time"
#define CAPTURE_EVIDENCE_WORDS_MAX 64 /* bytes of all that */

/* Link types are the numbers of the pcap LINKTYPE registry, whatever the file's format calls them.
 * A medium that has no such number is LINK_TYPE_UNSUPPORTED: counted and shown, never decoded. */
enum link_type {
    LINK_TYPE_NULL = 0,
    LINK_TYPE_ETHERNET = 1,
    LINK_TYPE_TOKEN_RING = 6,
    LINK_TYPE_PPP = 9,
    LINK_TYPE_FDDI = 10,
    LINK_TYPE_RAW_BSD = 12, /* DLT_RAW on most systems, 14 on OpenBSD */
    LINK_TYPE_RAW_OPENBSD = 14,
    LINK_TYPE_PPP_ETHER = 51,
    LINK_TYPE_RAW = 101,
    LINK_TYPE_IEEE802_11 = 105,
    LINK_TYPE_LOOP = 108,
    LINK_TYPE_LINUX_SLL = 113,
    LINK_TYPE_IEEE802_11_RADIOTAP = 127,
    LINK_TYPE_IPV4 = 228,
    LINK_TYPE_IPV6 = 229,
    LINK_TYPE_LINUX_SLL2 = 276,
    LINK_TYPE_UNSUPPORTED = 65535,
};

/* One captured frame. Borrowed: valid until the next capture_next() or capture_close(). */
struct frame {
    uint32_t number;       /* as tshark 4.0 numbers it, from 1 */
    uint16_t link_type;    /* enum link_type, or another LINKTYPE number */
    bool has_time;         /* false: a pcapng simple packet block; time_ns is the last known */
    bool big_endian_host;  /* the file's byte order; LINK_TYPE_NULL needs it */
    uint32_t original_len; /* bytes on the wire; at least bytes.len */
    int64_t time_ns;       /* since 1970-01-01, UTC when the time zone says so */
    struct bytes bytes;    /* what was captured */
};

enum capture_format {
    CAPTURE_FORMAT_UNKNOWN,
    CAPTURE_FORMAT_PCAP,
    CAPTURE_FORMAT_PCAP_NS,
    CAPTURE_FORMAT_PCAP_MODIFIED,
    CAPTURE_FORMAT_PCAPNG,
    CAPTURE_FORMAT_NETMON_1_1,
    CAPTURE_FORMAT_NETMON_2_0,
    CAPTURE_FORMAT_NETMON_2_1,
    CAPTURE_FORMAT_NETMON_2_2,
    CAPTURE_FORMAT_NETMON_2_3,
    CAPTURE_FORMAT_LIVE, /* an interface: capture/live.h */
};

/* Zone of the frame times. */
enum capture_zone {
    CAPTURE_ZONE_UTC,     /* the format says so */
    CAPTURE_ZONE_GIVEN,   /* local time, moved to UTC by capture_options.zone */
    CAPTURE_ZONE_UNKNOWN, /* local time of an unknown zone (Network Monitor up to 2.2) */
};

enum capture_drop {
    CAPTURE_DROP_FRAME_CUT,     /* captured shorter than on the wire (snap length) */
    CAPTURE_DROP_BY_SYSTEM,     /* the capturing system lost them (ISB, EPB drop count) */
    CAPTURE_DROP_NOT_A_PACKET,  /* special records: NetMon 0xFFxx, journal, custom blocks */
    CAPTURE_DROP_UNKNOWN_BLOCK, /* pcapng blocks of an unknown type */
    CAPTURE_DROP_UNSUPPORTED_LINK,
    CAPTURE_DROP_FILTERED, /* the -f filter said no */
    CAPTURE_DROP_COUNT,    /* number of reasons */
};

struct capture_options {
    const char *filter; /* libpcap filter expression or NULL; frames keep their numbers */
    bool has_zone;      /* zone_s is given (--capture-zone) */
    int32_t zone_s;     /* east of UTC, seconds; applies to captures in local time only */
    uint64_t spool_max; /* bytes a pipe may be spooled to; 0: CAPTURE_SPOOL_BYTES_MAX */
    bool rereadable;    /* a pipe is spooled as it is read, so that capture_rewind() works */
    unsigned section;   /* only frames of this section of a pcapng file, from 1; 0: of all */
};

struct capture_info {
    enum capture_format format;
    const char *format_name; /* "pcap", "pcapng", "netmon-2.1", … (CONTRACT: captures[].format) */
    const char *compression; /* "gzip", "zstd", "xz", "lz4", or NULL */
    uint64_t frames;         /* returned so far, filtered ones included */
    uint32_t last_number;    /* highest frame number so far, those of special records included */
    uint64_t bytes;          /* bytes of the file as it lies on disk; read so far for a pipe */
    uint64_t bytes_read;     /* of those, consumed so far: progress */
    int64_t first_time_ns;   /* lowest and highest time so far; 0 when no frame had one */
    int64_t last_time_ns;
    bool has_times;
    enum capture_zone zone;
    uint16_t link_types[CAPTURE_LINK_TYPES_MAX];
    size_t num_link_types;
    unsigned section;      /* of a pcapng file: of the last frame, from 1 */
    unsigned num_captures; /* an evidence file of ours: captures it was taken from, else 1 */
    bool complete;         /* false: damaged or cut; damage says how. Final after CAPTURE_END. */
    struct trouble damage; /* one sentence, empty when complete */
    uint64_t drops[CAPTURE_DROP_COUNT];
};

enum capture_result {
    CAPTURE_FRAME, /* *out is filled */
    CAPTURE_END,   /* no more: the end, or damage (capture_info()->complete tells) */
};

struct capture;

/* Opens path ("-": standard input) and reads as much as it takes to know the format.
 * STATUS_OK: *out is to be closed with capture_close(). Otherwise *out is NULL and trouble says
 * what to do: STATUS_NO_FILE (not there, no permission, a directory), STATUS_NOT_CAPTURE (empty,
 * unknown content, ETL: with the command that converts it), STATUS_USAGE (the filter does not
 * compile), STATUS_NO_MEMORY. A file that is damaged before its first frame is opened and ends at
 * once, when its header was whole. */
enum status capture_open(struct capture **out, const char *path,
                         const struct capture_options *options, struct trouble *trouble);

/* The next frame. Damage ends the capture as its end does: complete and damage tell. */
enum capture_result capture_next(struct capture *c, struct frame *out);

/* Makes so many of the nameless files that captures are spooled to, for later: a process that soon
 * can open nothing for writing may still read what must be unpacked first. */
bool capture_reserve_spools(size_t num, struct trouble *trouble);

/* What is known of the capture so far; borrowed, valid until capture_close(). */
const struct capture_info *capture_info(const struct capture *c);

/* Reads the source from its start again (regular files, spooled pipes).
 * STATUS_NO_FILE: this source cannot be read again. */
enum status capture_rewind(struct capture *c, struct trouble *trouble);

void capture_close(struct capture *c); /* NULL is fine */

/* A new file without a name, for reading and writing, in TMPDIR. -1: none can be made. */
int capture_temporary_file(struct trouble *trouble);

/* Short name of a link type ("ethernet"), or "linktype-N" written to the caller's 24 bytes. */
const char *capture_link_type_name(uint16_t link_type, char buffer[24]);

/* Stable words for JSON: "frame-cut", "dropped-by-system", … */
const char *capture_drop_name(enum capture_drop drop);

#endif
