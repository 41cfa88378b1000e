/* What leaves a live run: lines to standard output, files and syslog, metrics, frames.
 *
 *      parser (sandboxed) ── socket pair ──► writer (a process of its own, opens and writes)
 *
 * The process that reads packets can open nothing; it hands everything finished over a socket. The
 * writer never sees a packet but as bytes to be stored. It ends when the parser closes its side, so
 * a parser that dies takes nothing away that was handed over.
 *
 *      outlet_start(&o, &options, &trouble)    opens files, makes the writer process
 *      outlet_line(o, …), outlet_frame(o, …), …
 *      outlet_flush(o)                         from time to time
 *      outlet_end(o, &trouble)                 waits until all is written
 *
 * Memory is one buffer on either side; a slow disk slows the parser down, and the kernel counts
 * what it drops meanwhile.
 */
#ifndef KRBSCOPE_OUTLET_OUTLET_H
#define KRBSCOPE_OUTLET_OUTLET_H

#include "capture/capture.h"

#define OUTLET_FILES_MAX 8
#define OUTLET_INTERFACES_MAX 16
#define OUTLET_LINE_BYTES_MAX 1048576 /* longer lines are left out and counted */
#define OUTLET_BUFFER_BYTES 65536     /* collected before they are handed over */
#define OUTLET_RING_FILES_DEFAULT 10
#define OUTLET_RING_MB_DEFAULT 100
#define OUTLET_RING_FILES_MAX 10000
#define OUTLET_ROTATE_FILES_DEFAULT 5
#define OUTLET_EVIDENCE_FILES 200       /* attempts whose evidence is kept; the oldest go */
#define OUTLET_EVIDENCE_BYTES 268435456 /* … and all of it together */
#define OUTLET_SYSLOG_RETRY_S 5

/* What a line is: which of the files it goes to. */
enum outlet_form { OUTLET_TEXT, OUTLET_JSON };

struct outlet_file {
    const char *path; /* "-": standard output */
    enum outlet_form form;
};

/* Severities of RFC 5424 6.2.1. */
enum outlet_severity { OUTLET_WARNING = 4, OUTLET_NOTICE = 5, OUTLET_INFO = 6 };

struct outlet_options {
    struct outlet_file files[OUTLET_FILES_MAX];
    size_t num_files;
    uint64_t rotate_bytes; /* of --json and --text files; 0: never */
    unsigned rotate_files; /* old ones kept: F.1, F.2, … */
    const char *syslog;    /* "local", "udp:HOST[:PORT]", "tcp:HOST[:PORT]", or NULL */
    const char *metrics;   /* or NULL */
    const char *ring;      /* -w, or NULL */
    unsigned ring_files;   /* 1: one file that grows */
    uint64_t ring_bytes;   /* of one file; 0: no limit */
    const char *evidence_dir;
    const char *interfaces[OUTLET_INTERFACES_MAX]; /* names, for the pcapng files */
    size_t num_interfaces;
    const char *application; /* "krbscope 0.1.0" */
};

struct outlet;

/* Opens everything once, so that what cannot work is told at once, then divides the process: the
 * caller goes on as the parser. STATUS_OUTPUT, STATUS_USAGE, STATUS_NO_MEMORY. */
enum status outlet_start(struct outlet **out, const struct outlet_options *options,
                         struct trouble *trouble);

/* One line without its newline. JSON lines of severity go to syslog as well when is_for_syslog.
 * All of these: false when the writer is gone; it has said why on standard error. */
bool outlet_line(struct outlet *o, enum outlet_form form, struct bytes line);
bool outlet_syslog(struct outlet *o, enum outlet_severity severity, int64_t time_ns,
                   struct bytes line);
bool outlet_metrics(struct outlet *o, struct bytes text);

/* A frame for the ring. */
bool outlet_frame(struct outlet *o, size_t interface, const struct frame *frame);

/* Evidence of one attempt: begin, frames, its report as text; the writer closes the files. */
bool outlet_evidence_begin(struct outlet *o, uint32_t attempt_id, int64_t time_ns);
bool outlet_evidence_frame(struct outlet *o, size_t interface, const struct frame *frame,
                           struct bytes comment);
bool outlet_evidence_end(struct outlet *o, struct bytes report);

/* SIGHUP: files are closed and opened again by name. */
bool outlet_reopen(struct outlet *o);

bool outlet_flush(struct outlet *o);

/* The writer's process, to be waited for by outlet_end(). STATUS_OUTPUT: something could not be
 * written, and was told on standard error. */
enum status outlet_end(struct outlet *o);

#endif
