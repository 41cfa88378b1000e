/* What evidence.c (which frames) and evidence_write.c (how they are written) share. */
#ifndef KRBSCOPE_REPORT_EVIDENCE_PRIVATE_H
#define KRBSCOPE_REPORT_EVIDENCE_PRIVATE_H

#include "decode/segment.h"
#include "report/evidence.h"

#define EVIDENCE_FLOW_SLOTS (2 * EVIDENCE_FLOWS_MAX)
#define EVIDENCE_FLOW_PROBES 32
#define EVIDENCE_INTERFACES_MAX CAPTURE_INTERFACES_MAX

/* A frame that is wanted, and one of the reasons. */
struct evidence_note {
    uint16_t capture;
    bool is_taken_along; /* the report does not name it */
    uint32_t frame;
    struct bytes why; /* of the analysis, or a literal */
};

struct evidence_notes {
    const struct evidence_note *at;
    size_t num;
};

struct evidence_flow {
    uint64_t hash; /* 0: free */
    bool is_wanted;
    uint16_t capture;    /* whose frame … */
    uint32_t last_named; /* … is the last that the report names */
    uint32_t num_frames;
};

struct evidence_client {
    struct address address;
    int64_t first_ns, last_ns;
};

struct evidence_ends {
    uint32_t first, last;
    int64_t first_ns, last_ns;
    bool big_endian;
};

struct evidence_interface {
    uint16_t capture;
    uint16_t link_type;
};

struct evidence_plan {
    const struct analysis *analysis;
    struct evidence_options options;
    struct segmenter *segmenter;
    struct evidence_note *notes;
    size_t num_notes, notes_size;
    uint64_t num_dropped;
    struct evidence_flow *flows; /* [EVIDENCE_FLOW_SLOTS] */
    size_t num_flows;
    struct evidence_client *clients;
    size_t num_clients;
    struct evidence_ends *ends; /* of each capture */
    size_t num_pairs;
    /* Of the section that is being written. */
    struct evidence_interface interfaces[EVIDENCE_INTERFACES_MAX];
    size_t num_interfaces;
};

/* The notes of a frame; of all frames of the capture when frame is 0. */
struct evidence_notes evidence_notes_of(const struct evidence_plan *p, uint16_t capture,
                                        uint32_t frame);

#endif
