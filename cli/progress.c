#include "cli/progress.h"

#include "base/civil.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define CALLS_A_LOOK 4096                      /* frames between two looks at the clock */
#define FIRST_AFTER_NS (NS_PER_S / 2)          /* short work shows nothing */
#define AGAIN_AFTER_NS (NS_PER_S / 5)          /* on a terminal */
#define AGAIN_IN_A_LOG_AFTER_NS (2 * NS_PER_S) /* elsewhere each state is a line */
#define LINE_BYTES_MAX 160
#define LEFT_S_MAX 360000.0 /* beyond a hundred hours no estimate is worth a word */

static int64_t now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

void progress_begin(struct progress *p, bool on, const char *what, uint64_t total)
{
    *p = (struct progress){.on = on, .what = what, .total = total};
    if (on) {
        p->is_terminal = isatty(STDERR_FILENO) == 1;
        p->start_ns = now_ns();
    }
}

static void show(struct progress *p, const struct text *line)
{
    size_t columns = line->len;
    if (!p->is_terminal) {
        (void)fprintf(stderr, "%s\n", line->at);
        return;
    }
    size_t blanks = p->columns > columns ? p->columns - columns : 0;
    (void)fprintf(stderr, "\r%s%*s", line->at, (int)blanks, "");
    (void)fflush(stderr);
    p->columns = columns;
}

/* "8 s", "2 min 10 s", "3 h 5 min". */
static void add_left(struct text *t, double seconds)
{
    uint64_t s = (uint64_t)(seconds + 0.5);
    if (s < 60) {
        text_format(t, ", %llu s left", (unsigned long long)s);
    } else if (s < 3600) {
        text_format(t, ", %llu min %llu s left", (unsigned long long)(s / 60),
                    (unsigned long long)(s % 60));
    } else {
        text_format(t, ", %llu h %llu min left", (unsigned long long)(s / 3600),
                    (unsigned long long)(s / 60 % 60));
    }
}

void progress_line(struct text *line, const struct progress *p, uint64_t done, uint64_t number,
                   int64_t elapsed_ns)
{
    double seconds = (double)elapsed_ns / 1e9;
    double rate = seconds > 0 ? (double)done / seconds : 0; /* bytes a second */
    text_format(line, "%s: ", p->what);
    if (p->total > 0) {
        double percent = 100.0 * (double)done / (double)p->total;
        text_format(line, "%.0f %%, ", percent > 100 ? 100.0 : percent);
    }
    text_format(line, "%llu %s, %.1f MB, %.1f MB/s", (unsigned long long)number,
                p->unit == NULL ? "frames" : p->unit, (double)done / 1e6, rate / 1e6);
    if (p->total > done && rate > 0) {
        double left = (double)(p->total - done) / rate;
        if (left < LEFT_S_MAX) {
            add_left(line, left);
        }
    }
}

void progress_tick(struct progress *p, uint64_t done, uint64_t number)
{
    char buffer[LINE_BYTES_MAX];
    struct text line;
    if (!p->on || ++p->num_calls < CALLS_A_LOOK) {
        return;
    }
    p->num_calls = 0;
    int64_t now = now_ns();
    int64_t again = p->shown_ns == 0 ? FIRST_AFTER_NS
                    : p->is_terminal ? AGAIN_AFTER_NS
                                     : AGAIN_IN_A_LOG_AFTER_NS;
    if (now - (p->shown_ns == 0 ? p->start_ns : p->shown_ns) < again) {
        return;
    }
    p->shown_ns = now;
    text_init(&line, buffer, sizeof buffer);
    progress_line(&line, p, done, number, now - p->start_ns);
    show(p, &line);
}

void progress_end(struct progress *p)
{
    if (p->columns > 0) {
        (void)fprintf(stderr, "\r%*s\r", (int)p->columns, "");
        (void)fflush(stderr);
        p->columns = 0;
    }
}
