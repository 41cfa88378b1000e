/* What goes over the socket pair, and the parts of the writer. */
#ifndef KRBSCOPE_OUTLET_OUTLET_PRIVATE_H
#define KRBSCOPE_OUTLET_OUTLET_PRIVATE_H

#include "capture/writer.h"
#include "outlet/outlet.h"

#include "base/text.h"

#define PATH_BYTES_MAX 4096
#define PIECE_BYTES_MAX (OUTLET_LINE_BYTES_MAX + CAPTURE_FRAME_BYTES_MAX + 65536)

enum piece_kind {
    PIECE_TEXT,
    PIECE_JSON,
    PIECE_SYSLOG,
    PIECE_METRICS,
    PIECE_FRAME,
    PIECE_EVIDENCE_BEGIN,
    PIECE_EVIDENCE_FRAME,
    PIECE_EVIDENCE_END,
    PIECE_REOPEN,
};

/* In front of each piece; both sides are the same program. */
struct piece {
    uint32_t kind;   /* enum piece_kind */
    uint32_t len;    /* of the body that follows; PIECE_BYTES_MAX at most */
    uint32_t number; /* severity, attempt, or frame */
    uint32_t original_len;
    uint16_t interface, link_type;
    uint32_t comment_len; /* the body begins with so many bytes of comment */
    int64_t time_ns;
};

/* "krbscope: …" on standard error. */
void outlet_complain(const char *what, const char *why);

/* A file of lines, by name, with rotation. */
struct line_file {
    const char *path;
    enum outlet_form form;
    int fd;
    uint64_t bytes;
    uint64_t rotate_bytes;
    unsigned rotate_files;
};
bool line_file_open(struct line_file *f, struct trouble *trouble);
bool line_file_put(struct line_file *f, struct bytes line); /* false: cannot be written; told */
bool line_file_reopen(struct line_file *f);
void line_file_close(struct line_file *f);

/* Syslog, RFC 5424. */
struct syslog_out {
    bool is_used;
    enum { SYSLOG_LOCAL, SYSLOG_UDP, SYSLOG_TCP } transport;
    char host[256], port[8];
    int fd; /* -1: not connected */
    int64_t retry_s;
    bool is_told; /* that nobody takes the messages */
    uint64_t num_lost;
    char name[256]; /* of this host */
};
bool syslog_parse(struct syslog_out *s, const char *target, struct trouble *trouble);
void syslog_put(struct syslog_out *s, unsigned severity, int64_t time_ns, struct bytes line);
void syslog_close(struct syslog_out *s);

/* pcapng files: of the ring, and of one attempt's evidence. */
struct frame_file {
    int fd;
    struct writer *writer;
    uint32_t ids[OUTLET_INTERFACES_MAX];
    uint16_t link_types[OUTLET_INTERFACES_MAX];
    bool is_known[OUTLET_INTERFACES_MAX];
    const struct outlet_options *options;
};
bool frame_file_open(struct frame_file *f, const char *path, const struct outlet_options *options,
                     struct trouble *trouble);
bool frame_file_put(struct frame_file *f, size_t interface, const struct frame *frame,
                    struct bytes comment, struct trouble *trouble);
bool frame_file_close(struct frame_file *f, struct trouble *trouble);

struct ring {
    const struct outlet_options *options; /* NULL: no ring */
    struct frame_file file;
    bool is_open;
    uint64_t next; /* number of the next file */
    bool is_broken;
};
bool ring_open(struct ring *r, const struct outlet_options *options, struct trouble *trouble);
void ring_put(struct ring *r, size_t interface, const struct frame *frame);
void ring_flush(struct ring *r);
void ring_reopen(struct ring *r);
void ring_close(struct ring *r);

struct evidence_dir {
    const struct outlet_options *options; /* NULL: none */
    struct frame_file file;
    bool is_open;
    char name[PATH_BYTES_MAX]; /* of the files that are open, without their ending */
};
bool evidence_dir_check(struct evidence_dir *d, const struct outlet_options *options,
                        struct trouble *trouble);
void evidence_dir_begin(struct evidence_dir *d, uint32_t attempt_id, int64_t time_ns);
void evidence_dir_frame(struct evidence_dir *d, size_t interface, const struct frame *frame,
                        struct bytes comment);
void evidence_dir_end(struct evidence_dir *d, struct bytes report);

/* Files of a folder that a test of their name admits, oldest first by name; at most max.
 * Removes the first ones until no more than keep_files, and keep_bytes in all, remain. */
void folder_trim(const char *folder, bool (*is_ours)(const char *name, const void *context),
                 const void *context, size_t keep_files, uint64_t keep_bytes);

/* Writes all; false with errno. */
bool write_all(int fd, const void *at, size_t len);

/* The writer's life; returns its exit status. */
int outlet_write(int socket, const struct outlet_options *options, struct line_file *files,
                 size_t num_files, struct syslog_out *syslog, struct ring *ring,
                 struct evidence_dir *evidence);

#endif
