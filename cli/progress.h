/* A line on standard error for work that takes long: how far, how fast, how long it goes on. */
#ifndef KRBSCOPE_CLI_PROGRESS_H
#define KRBSCOPE_CLI_PROGRESS_H

#include "base/text.h"

struct progress {
    bool on;
    bool is_terminal;
    const char *what;   /* "reading" */
    const char *unit;   /* NULL: frames */
    uint64_t total;     /* bytes; 0: unknown */
    unsigned num_calls; /* since the clock was looked at */
    int64_t start_ns, shown_ns;
    size_t columns; /* of the line that stands there */
};

void progress_begin(struct progress *p, bool on, const char *what, uint64_t total);

/* To be called a frame (or unit) at a time; does little most of the time. done: bytes. */
void progress_tick(struct progress *p, uint64_t done, uint64_t number);

/* The line after elapsed_ns: "reading: 45 %, 81920 frames, 123.4 MB, 61.7 MB/s, 3 s left". Without
 * a total neither share nor time left. */
void progress_line(struct text *line, const struct progress *p, uint64_t done, uint64_t number,
                   int64_t elapsed_ns);

/* Takes the line away. */
void progress_end(struct progress *p);

#endif
