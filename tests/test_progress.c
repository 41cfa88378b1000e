/* The progress line: what it says, without looking at a clock. */
#include "cli/progress.c"

#include <criterion/criterion.h>
#include <string.h>

static const char *line_of(uint64_t total, uint64_t done, uint64_t frames, int64_t elapsed_ns)
{
    static char buffer[LINE_BYTES_MAX];
    const struct progress p = {.what = "reading", .total = total};
    struct text line;
    text_init(&line, buffer, sizeof buffer);
    progress_line(&line, &p, done, frames, elapsed_ns);
    return buffer;
}

/* Goal: share, rate and time left follow from bytes and time. Method: numbers in, a line out. */
Test(progress, line)
{
    cr_expect_str_eq(line_of(200000000, 50000000, 81920, 2 * NS_PER_S),
                     "reading: 25 %, 81920 frames, 50.0 MB, 25.0 MB/s, 6 s left");
    cr_expect_str_eq(line_of(4000000000, 50000000, 1, 2 * NS_PER_S),
                     "reading: 1 %, 1 frames, 50.0 MB, 25.0 MB/s, 2 min 38 s left");
    cr_expect_str_eq(line_of(4000000000, 1000000, 1, 4 * NS_PER_S),
                     "reading: 0 %, 1 frames, 1.0 MB, 0.2 MB/s, 4 h 26 min left");
    cr_expect_str_eq(line_of(0, 50000000, 5, NS_PER_S), "reading: 5 frames, 50.0 MB, 50.0 MB/s");
    cr_expect_str_eq(line_of(50, 100, 5, NS_PER_S), "reading: 100 %, 5 frames, 0.0 MB, 0.0 MB/s");
}

/* Goal: nothing that is divided by is 0, and no estimate is absurd. */
Test(progress, line_without_numbers)
{
    cr_expect_null(strstr(line_of(100, 0, 0, 0), "left"));
    cr_expect_null(strstr(line_of(100, 50, 0, 0), "left"));
    cr_expect_null(strstr(line_of(UINT64_MAX, 1, 1, NS_PER_S), "left"));
    cr_expect(strlen(line_of(UINT64_MAX, UINT64_MAX / 2, UINT64_MAX, INT64_MAX)) <
              LINE_BYTES_MAX - 1);
}

/* Goal: a line of ordinary work fits into a terminal of 80 columns. */
Test(progress, line_is_short)
{
    cr_expect_leq(
        strlen(line_of(UINT64_C(99000000000), UINT64_C(21000000000), 123456789, 100 * NS_PER_S)),
        79);
}
