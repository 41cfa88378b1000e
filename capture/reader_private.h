/* What capture.c asks of the reader of one file format. */
#ifndef KRBSCOPE_CAPTURE_READER_PRIVATE_H
#define KRBSCOPE_CAPTURE_READER_PRIVATE_H

#include "capture/source_private.h"
#include "capture/time_private.h"

enum reader_result {
    READER_FRAME,   /* out is filled but for its number */
    READER_SPECIAL, /* a record that takes a frame number and is no frame */
    READER_END,     /* the end, or damage: info->complete tells */
};

struct pcap_state {
    bool big_endian;
    bool swapped_lengths;       /* versions 2.0 to 2.2 and 543: original length comes first */
    bool maybe_swapped_lengths; /* version 2.3: the larger one is the original length */
    uint16_t link_type;
    size_t record_len;      /* bytes of the header of a record */
    int64_t ns_per_unit;    /* of the fraction */
    uint32_t captured_max;  /* a record that claims more is damage */
    uint64_t bytes_to_skip; /* rest of a record that was too long to be shown whole */
};

struct pcapng_interface {
    uint64_t units_per_s; /* decimal resolution; 0: binary_digits counts */
    unsigned binary_digits;
    bool no_resolution; /* finer than 64 bits can tell: only the offset counts */
    int64_t offset_s;
    uint32_t snap_len; /* 0: none */
    uint16_t link_type;
    uint64_t dropped; /* by the interface and the system, from its last statistics block */
};

struct pcapng_state {
    bool big_endian;
    bool is_local; /* an evidence file of ours: its times are those of an unknown zone */
    int64_t last_time_ns;
    uint64_t bytes_to_skip;
    uint64_t frame_drops;     /* sum of the drop counts of packet blocks */
    uint64_t interface_drops; /* sum over the interfaces of all sections */
    uint32_t num_interfaces;  /* declared; only CAPTURE_INTERFACES_MAX are kept */
    struct pcapng_interface interfaces[CAPTURE_INTERFACES_MAX];
};

#define NETMON_PIECE_ENTRIES 1024 /* entries of the frame table that are read at once */

struct netmon_state {
    uint8_t major;
    uint8_t minor;
    uint16_t media; /* of the file; 2.1 and later have one for each frame */
    bool has_start;
    int64_t start_ns; /* UTC when the zone is known, else local */
    uint64_t table_offset;
    uint32_t num_entries;
    uint32_t next_entry;
    bool table_lost;      /* the file was cut before it: frames are taken as they lie */
    uint64_t next_offset; /* of them */
    uint32_t piece_first; /* number of the entry at piece[0] */
    uint32_t piece_entries;
    uint8_t piece[NETMON_PIECE_ENTRIES * 4];
};

struct reader {
    struct source *source;
    struct capture_info *info; /* last_number, drops, complete and damage are kept by readers */
    bool has_zone;
    int32_t zone_s;
    union {
        struct pcap_state pcap;
        struct pcapng_state pcapng;
        struct netmon_state netmon;
    };
};

struct reader_ops {
    /* Do these bytes, the first of the capture (fewer when it is shorter), begin this format? */
    bool (*recognise)(struct bytes first);
    /* Reads the head of the file. STATUS_NOT_CAPTURE: a version that nobody knows. A head that is
     * cut is STATUS_NOT_CAPTURE, too. Damage beyond it is told with reader_damage(). */
    enum status (*open)(struct reader *r, struct trouble *trouble);
    enum reader_result (*next)(struct reader *r, struct frame *out);
};

extern const struct reader_ops reader_pcap;
extern const struct reader_ops reader_pcapng;
extern const struct reader_ops reader_netmon;

/* Records that the capture is damaged at offset, where the next frame should be: "frame N: what
 * number rest". Returns READER_END. */
enum reader_result reader_damage(struct reader *r, uint64_t offset, const char *what,
                                 uint64_t number, const char *rest);

/* The source ended where a record of at least `wanted` bytes was asked for: a plain end when
 * nothing was left, else damage. Returns READER_END. */
enum reader_result reader_short(struct reader *r, const char *what, uint64_t wanted);

/* The same where something must follow: always damage. */
enum reader_result reader_cut(struct reader *r, const char *what, uint64_t wanted);

/* Most bytes that a frame of this link type may have captured, as tshark has it. */
uint32_t reader_captured_max(uint16_t link_type);

/* capture_open() failed on content that no reader knows: why, and what to do. */
void unknown_content(struct trouble *trouble, const char *name, struct bytes first);

#define UNKNOWN_CONTENT_BYTES 512 /* of the capture's start that unknown_content() looks at */

#endif
