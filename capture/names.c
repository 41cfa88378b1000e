/* Words for numbers of captures. */
#include "base/text.h"
#include "capture/capture.h"

#include <assert.h>

#define LINK_TYPE_NAME_BYTES 24

const char *capture_link_type_name(uint16_t link_type, char buffer[24])
{
    static const struct {
        enum link_type type;
        const char *name;
    } names[] = {
        {LINK_TYPE_NULL, "null"},
        {LINK_TYPE_ETHERNET, "ethernet"},
        {LINK_TYPE_TOKEN_RING, "token-ring"},
        {LINK_TYPE_PPP, "ppp"},
        {LINK_TYPE_FDDI, "fddi"},
        {LINK_TYPE_RAW_BSD, "raw-ip"},
        {LINK_TYPE_RAW_OPENBSD, "raw-ip"},
        {LINK_TYPE_PPP_ETHER, "pppoe"},
        {LINK_TYPE_RAW, "raw-ip"},
        {LINK_TYPE_IEEE802_11, "ieee-802.11"},
        {LINK_TYPE_LOOP, "loop"},
        {LINK_TYPE_LINUX_SLL, "linux-sll"},
        {LINK_TYPE_IEEE802_11_RADIOTAP, "ieee-802.11-radiotap"},
        {LINK_TYPE_IPV4, "ipv4"},
        {LINK_TYPE_IPV6, "ipv6"},
        {LINK_TYPE_LINUX_SLL2, "linux-sll2"},
        {LINK_TYPE_UNSUPPORTED, "unsupported"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((uint16_t)names[i].type == link_type) {
            return names[i].name;
        }
    }
    struct text t;
    text_init(&t, buffer, LINK_TYPE_NAME_BYTES);
    text_format(&t, "linktype-%u", (unsigned)link_type);
    return buffer;
}

const char *capture_drop_name(enum capture_drop drop)
{
    switch (drop) {
    case CAPTURE_DROP_FRAME_CUT:
        return "frame-cut";
    case CAPTURE_DROP_BY_SYSTEM:
        return "dropped-by-system";
    case CAPTURE_DROP_NOT_A_PACKET:
        return "not-a-packet";
    case CAPTURE_DROP_UNKNOWN_BLOCK:
        return "unknown-block";
    case CAPTURE_DROP_UNSUPPORTED_LINK:
        return "unsupported-link";
    case CAPTURE_DROP_FILTERED:
        return "filtered";
    case CAPTURE_DROP_COUNT:
        break;
    }
    assert(false); /* no drop reason */
    return "";
}
