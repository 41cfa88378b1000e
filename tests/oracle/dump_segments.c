/* dump_segments FILE
 *
 * Prints a line for each frame that holds TCP or UDP: frame number, protocol, addresses, ports, TCP
 * sequence number or UDP length, separated by tabs. For comparison with tshark; see segments.sh.
 */
#include "base/text.h"
#include "capture/capture.h"
#include "decode/segment.h"

#include <inttypes.h>
#include <stdio.h>

static void print_segment(const struct frame *frame, const struct segment *segment)
{
    char from[64];
    char to[64];
    struct text t;
    bool is_tcp = segment->kind == SEGMENT_TCP;
    if (!is_tcp && segment->kind != SEGMENT_UDP) {
        return;
    }
    text_init(&t, from, sizeof from);
    address_print(&t, &segment->from.address);
    text_init(&t, to, sizeof to);
    address_print(&t, &segment->to.address);
    printf("%" PRIu32 "\t%s\t%s\t%s\t%u\t%u\t%" PRIu32 "\n", frame->number, is_tcp ? "tcp" : "udp",
           from, to, (unsigned)segment->from.port, (unsigned)segment->to.port,
           is_tcp ? segment->seq : segment->payload_len + 8);
}

int main(int argc, char **argv)
{
    const struct capture_options options = {0};
    struct capture *c;
    struct trouble trouble = {.text = ""};
    struct frame frame;
    struct segment segment;
    if (argc != 2) {
        fprintf(stderr, "dump_segments FILE\n");
        return 2;
    }
    if (capture_open(&c, argv[1], &options, &trouble) != STATUS_OK) {
        fprintf(stderr, "%s\n", trouble.text);
        return 2;
    }
    struct segmenter *s = segmenter_new();
    while (s != NULL && capture_next(c, &frame) == CAPTURE_FRAME) {
        segment_parse(s, &frame, &segment);
        print_segment(&frame, &segment);
    }
    segmenter_free(s);
    capture_close(c);
    return 0;
}
