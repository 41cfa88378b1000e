/* Frames out: a pcapng file (draft-ietf-opsawg-pcapng), written from front to back.
 *
 *      writer_new(&w, fd, "trace.pcapng", &trouble)
 *      writer_section(w, &section, &trouble)          once, or again to begin anew
 *      writer_interface(w, &interface, &id, &trouble) one a source and link type
 *      writer_frame(w, id, &frame, comment, &trouble)
 *      writer_statistics(w, id, &counts, &trouble)    what the interface lost; optional
 *      writer_flush(w, &trouble)                      a reader sees all that was written so far
 *      writer_free(w)
 *
 * Times are kept to the nanosecond. Memory is one buffer of fixed size; it goes out at the border
 * of a block, so that whoever reads the file while it grows sees whole blocks but for the moment of
 * a write. When the disk is full the file is cut back to its last whole block and stays readable;
 * every later call fails alike.
 */
#ifndef KRBSCOPE_CAPTURE_WRITER_H
#define KRBSCOPE_CAPTURE_WRITER_H

#include "capture/capture.h"

#define WRITER_TEXT_MAX 8192          /* bytes of one text option; longer ones are cut */
#define WRITER_FRAMES_BUFFERED 131072 /* bytes kept beyond the largest block */

/* Texts are UTF-8, borrowed; an empty one is left out. Control characters are the caller's care. */
struct writer_section {
    bool big_endian;          /* byte order of the section; frames of LINK_TYPE_NULL need theirs */
    struct bytes hardware;    /* of the machine that captured */
    struct bytes system;      /* its operating system */
    struct bytes application; /* what wrote the file: "krbscope 0.1.0" */
    struct bytes comment;
};

struct writer_interface {
    uint16_t link_type;
    uint32_t snap_len; /* 0: none */
    int64_t offset_s;  /* added to the times of its frames; below 0 for times before 1970 */
    struct bytes name; /* "eth0" */
    struct bytes description;
    struct bytes filter; /* libpcap expression */
    struct bytes comment;
};

/* Counts of an interface from first_time_ns to last_time_ns; UINT64_MAX: not known. */
struct writer_counts {
    int64_t time_ns; /* of the counting */
    bool has_span;   /* first_time_ns and last_time_ns are set */
    int64_t first_time_ns;
    int64_t last_time_ns;
    uint64_t received;       /* frames that reached the interface */
    uint64_t dropped;        /* lost by the interface */
    uint64_t system_dropped; /* lost by the operating system */
};

struct writer;

/* A writer to fd, which stays the caller's and is written from where it stands. name is the file's
 * name for messages, copied. STATUS_NO_MEMORY. */
enum status writer_new(struct writer **out, int fd, const char *name, struct trouble *trouble);

/* Begins a section. Interfaces of an earlier one are forgotten. All of these: STATUS_OUTPUT when
 * the file cannot be written, trouble says why. */
enum status writer_section(struct writer *w, const struct writer_section *section,
                           struct trouble *trouble);

/* *id counts from 0 in each section. */
enum status writer_interface(struct writer *w, const struct writer_interface *interface,
                             uint32_t *id, struct trouble *trouble);

/* The frame as it is, whatever its link type says: bytes, original length, time. At most
 * CAPTURE_FRAME_BYTES_MAX bytes. comment may be empty. */
enum status writer_frame(struct writer *w, uint32_t id, const struct frame *frame,
                         struct bytes comment, struct trouble *trouble);

/* A block that takes a frame number and is no frame, as others' special records do. */
enum status writer_filler(struct writer *w, struct trouble *trouble);

enum status writer_statistics(struct writer *w, uint32_t id, const struct writer_counts *counts,
                              struct trouble *trouble);

/* Hands everything to the system. */
enum status writer_flush(struct writer *w, struct trouble *trouble);

/* Bytes of the file so far, those still in the buffer included: when to begin the next of a ring.
 */
uint64_t writer_bytes(const struct writer *w);

void writer_free(struct writer *w); /* NULL is fine; flushes nothing */

#endif
