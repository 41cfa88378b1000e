#include "capture/reader_private.h"

#define KIND_CAPTURED_MAX (128U << 20) /* bytes: USB and D-Bus messages, as tshark has it */

enum reader_result reader_damage(struct reader *r, uint64_t offset, const char *what,
                                 uint64_t number, const char *rest)
{
    r->info->complete = false;
    trouble_set(&r->info->damage, "The capture is damaged at byte %llu, frame %llu: %s %llu %s.",
                (unsigned long long)offset, (unsigned long long)r->info->last_number + 1, what,
                (unsigned long long)number, rest);
    return READER_END;
}

enum reader_result reader_cut(struct reader *r, const char *what, uint64_t wanted)
{
    const struct source *s = r->source;
    unsigned long long offset = source_offset(s);
    unsigned long long number = (unsigned long long)r->info->last_number + 1;
    r->info->complete = false;
    if (s->failure.text[0] != '\0') {
        trouble_set(&r->info->damage, "The capture is damaged at byte %llu, frame %llu: %.300s.",
                    offset, number, s->failure.text);
    } else {
        trouble_set(&r->info->damage,
                    "The capture is cut at byte %llu, frame %llu: %llu of %llu bytes of its %s are "
                    "there.",
                    offset, number, (unsigned long long)source_available(s),
                    (unsigned long long)wanted, what);
    }
    return READER_END;
}

enum reader_result reader_short(struct reader *r, const char *what, uint64_t wanted)
{
    const struct source *s = r->source;
    bool at_end = source_available(s) == 0 && s->failure.text[0] == '\0';
    return at_end ? READER_END : reader_cut(r, what, wanted);
}

uint32_t reader_captured_max(uint16_t link_type)
{
    switch (link_type) {
    case 189: /* USB_LINUX */
    case 220: /* USB_LINUX_MMAPPED */
    case 231: /* DBUS */
    case 249: /* USBPCAP */
        return KIND_CAPTURED_MAX;
    default:
        return CAPTURE_FRAME_BYTES_MAX;
    }
}
