/* copy_pcapng FILE OUT: every frame of a capture, written as pcapng with an interface a link type.
 * For comparison with tshark; see pcapng_copies.sh. Exit 3: nothing to copy.
 */
#include "capture/writer.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct copy {
    struct writer *writer;
    uint32_t num_interfaces;
    bool big_endian;
    uint32_t ids[UINT16_MAX + 1]; /* of each link type, plus 1 */
};

static enum status copy_frame(struct copy *c, const struct frame *frame, struct trouble *trouble)
{
    enum status status = STATUS_OK;
    if (c->num_interfaces == 0) {
        const struct writer_section section = {.big_endian = frame->big_endian_host,
                                               .application = bytes_of("copy_pcapng"),
                                               .comment = bytes_of("a copy")};
        status = writer_section(c->writer, &section, trouble);
    }
    if (status == STATUS_OK && c->ids[frame->link_type] == 0) {
        const struct writer_interface interface = {
            .link_type = frame->link_type,
            .offset_s = frame->time_ns < 0 ? frame->time_ns / 1000000000 - 1 : 0,
            .name = bytes_of("from"),
        };
        uint32_t id = 0;
        status = writer_interface(c->writer, &interface, &id, trouble);
        c->ids[frame->link_type] = id + 1;
        c->num_interfaces++;
    }
    return status != STATUS_OK ? status
                               : writer_frame(c->writer, c->ids[frame->link_type] - 1, frame,
                                              bytes_of("copied"), trouble);
}

int main(int argc, char **argv)
{
    static struct copy copy;
    struct trouble trouble = {{0}};
    struct capture *c = NULL;
    struct frame frame;
    if (argc != 3 || capture_open(&c, argv[1], NULL, &trouble) != STATUS_OK) {
        return 3;
    }
    int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    enum status status = writer_new(&copy.writer, fd, argv[2], &trouble);
    while (status == STATUS_OK && capture_next(c, &frame) == CAPTURE_FRAME) {
        status = copy_frame(&copy, &frame, &trouble);
    }
    if (status == STATUS_OK) {
        status = writer_flush(copy.writer, &trouble);
    }
    writer_free(copy.writer);
    capture_close(c);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", trouble.text);
        return 1;
    }
    return copy.num_interfaces == 0 ? 3 : 0;
}
