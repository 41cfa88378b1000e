#include "capture/capture.h"

#include "capture/filter_private.h"
#include "capture/reader_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct capture {
    struct source source;
    struct reader reader;
    const struct reader_ops *ops;
    struct filter *filter; /* NULL: every frame */
    bool has_zone;
    int32_t zone_s;
    unsigned section; /* 0: all */
    bool ended;
    struct capture_info info;
};

static const struct reader_ops *const readers[] = {&reader_pcapng, &reader_pcap, &reader_netmon};

/* Up to len first bytes of the capture. */
static struct bytes first_bytes(struct source *s, size_t len)
{
    const uint8_t *at = source_ensure(s, len);
    size_t have = source_available(s);
    return (struct bytes){.at = at != NULL ? at : s->window + s->start,
                          .len = have < len ? have : len};
}

static enum status reader_start(struct capture *c, struct trouble *trouble)
{
    struct bytes first = first_bytes(&c->source, UNKNOWN_CONTENT_BYTES);
    c->ops = NULL;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (readers[i]->recognise(first)) {
            c->ops = readers[i];
            break;
        }
    }
    if (c->ops != NULL) {
        return c->ops->open(&c->reader, trouble);
    }
    if (first.len == 0 && c->source.failure.text[0] != '\0') {
        bool packed = c->source.compression != NULL;
        trouble_set(trouble, "%s cannot be read: %.200s.", c->source.name, c->source.failure.text);
        return packed ? STATUS_NOT_CAPTURE : STATUS_NO_FILE;
    }
    unknown_content(trouble, c->source.name, first);
    return STATUS_NOT_CAPTURE;
}

/* Everything that capture_open() and capture_rewind() have in common. */
static enum status capture_start(struct capture *c, struct trouble *trouble)
{
    c->ended = false;
    c->info = (struct capture_info){.format_name = "unknown", .complete = true, .num_captures = 1};
    c->reader = (struct reader){
        .source = &c->source,
        .info = &c->info,
        .has_zone = c->has_zone,
        .zone_s = c->zone_s,
    };
    enum status status = reader_start(c, trouble);
    c->info.compression = c->source.compression;
    c->info.bytes = source_disk_size(&c->source);
    c->info.bytes_read = source_disk_used(&c->source);
    return status;
}

enum status capture_open(struct capture **out, const char *path,
                         const struct capture_options *options, struct trouble *trouble)
{
    static const struct capture_options no_options = {0};
    *out = NULL;
    if (options == NULL) {
        options = &no_options;
    }
    struct capture *c = calloc(1, sizeof *c);
    if (c == NULL) {
        trouble_set(trouble, "There is no memory to read %.200s.", path);
        return STATUS_NO_MEMORY;
    }
    c->has_zone = options->has_zone;
    c->zone_s = options->zone_s;
    c->section = options->section;
    enum status status = source_open(&c->source, path, options, trouble);
    if (status != STATUS_OK) {
        free(c);
        return status;
    }
    if (options->filter != NULL) {
        status = filter_new(&c->filter, options->filter, trouble);
    }
    if (status == STATUS_OK) {
        status = source_unpack(&c->source, trouble);
    }
    if (status == STATUS_OK) {
        status = capture_start(c, trouble);
    }
    if (status != STATUS_OK) {
        capture_close(c);
        return status;
    }
    *out = c;
    return STATUS_OK;
}

static void note_link_type(struct capture_info *info, uint16_t link_type)
{
    size_t num = info->num_link_types;
    for (size_t i = num; i > 0; i--) {
        if (info->link_types[i - 1] == link_type) {
            return;
        }
    }
    if (num < CAPTURE_LINK_TYPES_MAX) {
        info->link_types[info->num_link_types++] = link_type;
    }
}

static void note_frame(struct capture_info *info, const struct frame *frame)
{
    info->frames++;
    if (frame->has_time) {
        if (!info->has_times || frame->time_ns < info->first_time_ns) {
            info->first_time_ns = frame->time_ns;
        }
        if (!info->has_times || frame->time_ns > info->last_time_ns) {
            info->last_time_ns = frame->time_ns;
        }
        info->has_times = true;
    }
    if (frame->original_len > frame->bytes.len) {
        info->drops[CAPTURE_DROP_FRAME_CUT]++;
    }
    if (frame->link_type == LINK_TYPE_UNSUPPORTED) {
        info->drops[CAPTURE_DROP_UNSUPPORTED_LINK]++;
    }
    note_link_type(info, frame->link_type);
}

static enum capture_result capture_finish(struct capture *c)
{
    c->ended = true;
    c->info.bytes = source_disk_size(&c->source);
    c->info.bytes_read = source_disk_used(&c->source);
    return CAPTURE_END;
}

enum capture_result capture_next(struct capture *c, struct frame *out)
{
    struct capture_info *info = &c->info;
    while (!c->ended && info->complete) {
        enum reader_result result = c->ops->next(&c->reader, out);
        if (result == READER_END) {
            break;
        }
        if (info->last_number == UINT32_MAX) {
            info->complete = false;
            trouble_set(&info->damage, "The capture has more frames than can be numbered.");
            break;
        }
        info->last_number++;
        info->bytes = source_disk_size(&c->source);
        info->bytes_read = source_disk_used(&c->source);
        if (result == READER_SPECIAL) {
            info->drops[CAPTURE_DROP_NOT_A_PACKET]++;
            continue;
        }
        if (c->section != 0 && c->section != info->section) {
            continue;
        }
        out->number = info->last_number;
        note_frame(info, out);
        if (c->filter == NULL || filter_matches(c->filter, out)) {
            return CAPTURE_FRAME;
        }
        info->drops[CAPTURE_DROP_FILTERED]++;
    }
    return capture_finish(c);
}

const struct capture_info *capture_info(const struct capture *c)
{
    return &c->info;
}

enum status capture_rewind(struct capture *c, struct trouble *trouble)
{
    enum status status = source_rewind(&c->source, trouble);
    if (status == STATUS_OK) {
        status = capture_start(c, trouble);
    }
    if (status != STATUS_OK) {
        c->ended = true;
    }
    return status;
}

void capture_close(struct capture *c)
{
    if (c != NULL) {
        source_close(&c->source);
        filter_free(c->filter);
        free(c);
    }
}
