#include "report/drops.h"

/* Words for one reason why input was set aside. */
struct drop_words {
    const char *one, *many;
    bool is_warning; /* else a remark for those who want all */
};

static const struct drop_words capture_words[CAPTURE_DROP_COUNT] = {
    [CAPTURE_DROP_FRAME_CUT] = {"frame was captured shorter than it was on the wire",
                                "frames were captured shorter than they were on the wire", true},
    [CAPTURE_DROP_BY_SYSTEM] = {"frame was lost by the capturing system",
                                "frames were lost by the capturing system", true},
    [CAPTURE_DROP_NOT_A_PACKET] = {"record is no packet", "records are no packets", false},
    [CAPTURE_DROP_UNKNOWN_BLOCK] = {"block is of a kind that is not known",
                                    "blocks are of a kind that is not known", false},
    [CAPTURE_DROP_UNSUPPORTED_LINK] = {"frame is of a link type that cannot be read",
                                       "frames are of a link type that cannot be read", true},
    [CAPTURE_DROP_FILTERED] = {"frame was left out by the filter",
                               "frames were left out by the filter", true},
};

static const struct drop_words segment_words[SEGMENT_DROP_COUNT] = {
    [SEGMENT_DROP_CUT] = {"frame ends inside its headers", "frames end inside their headers", true},
    [SEGMENT_DROP_MALFORMED] = {"frame has headers that contradict themselves",
                                "frames have headers that contradict themselves", false},
    [SEGMENT_DROP_LINK_TYPE] = {"frame is of a link type that is not decoded",
                                "frames are of a link type that is not decoded", true},
    [SEGMENT_DROP_ENCRYPTED] = {"frame is encrypted (802.11, ESP)",
                                "frames are encrypted (802.11, ESP)", true},
    [SEGMENT_DROP_TOO_DEEP] = {"frame is nested too deep", "frames are nested too deep", true},
    [SEGMENT_DROP_FRAGMENT_EXPIRED] = {"packet lacks fragments", "packets lack fragments", true},
    [SEGMENT_DROP_FRAGMENT_FULL] = {"fragmented packet was given up for want of room",
                                    "fragmented packets were given up for want of room", true},
};

static const struct drop_words decoder_words[DECODER_DROP_COUNT] = {
    [DECODER_DROP_FLOW_EVICTED] = {"connection was forgotten amid a message",
                                   "connections were forgotten amid a message", true},
    [DECODER_DROP_REORDER_FULL] = {"segment came too far out of order",
                                   "segments came too far out of order", true},
    [DECODER_DROP_PARSER_FULL] = {"connection was given up for want of room",
                                  "connections were given up for want of room", true},
    [DECODER_DROP_MESSAGE_BAD] = {"message could not be decoded", "messages could not be decoded",
                                  false},
    [DECODER_DROP_MESSAGE_CUT] = {"message is cut short", "messages are cut short", true},
    [DECODER_DROP_MESSAGE_TOO_LONG] = {"message is too long", "messages are too long", false},
    [DECODER_DROP_DUPLICATE] = {"message was captured twice", "messages were captured twice",
                                false},
};

struct teller {
    bool all;
    void (*write)(void *context, const struct drop_remark *remark);
    void *context;
};

static void tell(const struct teller *t, const struct drop_words *words, uint64_t number)
{
    if (number > 0 && words->one != NULL && (words->is_warning || t->all)) {
        const struct drop_remark remark = {.number = number,
                                           .words = number == 1 ? words->one : words->many};
        t->write(t->context, &remark);
    }
}

void drops_tell(const struct capture_summary *c, bool all,
                void (*write)(void *context, const struct drop_remark *remark), void *context)
{
    const struct teller t = {.all = all, .write = write, .context = context};
    if (!c->info.complete) {
        const struct drop_remark damage = {.words = c->info.damage.text[0] == '\0'
                                                        ? "The file is cut short or damaged."
                                                        : c->info.damage.text};
        write(context, &damage);
    }
    for (enum capture_drop drop = 0; drop < CAPTURE_DROP_COUNT; drop++) {
        tell(&t, &capture_words[drop], c->info.drops[drop]);
    }
    for (size_t i = 0; i < SEGMENT_DROP_COUNT; i++) {
        tell(&t, &segment_words[i], c->decoded.segment_drops[i]);
    }
    for (size_t i = 0; i < DECODER_DROP_COUNT; i++) {
        tell(&t, &decoder_words[i], c->decoded.drops[i]);
    }
}
