/* count_frames [-f] FILE...
 *
 * Prints for each file: path, frames, complete (1 or 0), last frame number, separated by tabs; with
 * -f a line a frame: number, time in s with 9 digits (empty when the frame has none), original
 * length, captured length. For comparison with tshark; see frame_counts.sh.
 */
#include "base/civil.h"
#include "capture/capture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_frame(const struct frame *frame)
{
    int64_t seconds = frame->time_ns / NS_PER_S;
    int64_t ns = frame->time_ns % NS_PER_S;
    const char *sign = frame->time_ns < 0 ? "-" : "";
    printf("%" PRIu32 "\t", frame->number);
    if (frame->has_time) {
        printf("%s%" PRId64 ".%09" PRId64, sign, seconds < 0 ? -seconds : seconds,
               ns < 0 ? -ns : ns);
    }
    printf("\t%" PRIu32 "\t%zu\n", frame->original_len, frame->bytes.len);
}

static int count(const char *path, bool each)
{
    const struct capture_options options = {0};
    struct capture *c;
    struct trouble trouble = {.text = ""};
    struct frame frame;
    enum status status = capture_open(&c, path, &options, &trouble);
    if (status != STATUS_OK) {
        printf("%s\t-\t%d\t%s\n", path, (int)status, trouble.text);
        return 1;
    }
    while (capture_next(c, &frame) == CAPTURE_FRAME) {
        if (each) {
            print_frame(&frame);
        }
    }
    const struct capture_info *info = capture_info(c);
    if (!each) {
        printf("%s\t%" PRIu64 "\t%d\t%" PRIu32 "\t%s\n", path, info->frames, info->complete,
               info->last_number, info->damage.text);
    }
    capture_close(c);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    bool each = argc > 1 && strcmp(argv[1], "-f") == 0;
    for (int i = each ? 2 : 1; i < argc; i++) {
        failed |= count(argv[i], each);
    }
    return failed;
}
