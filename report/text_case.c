/* The head of the text report: the files, and what was found beside the attempts. */
#include "report/text_private.h"

#define FILE_COLUMN 2
#define NOTES_SHOWN_MAX 12          /* more only when verbose */
#define OTHER_FAILURES_SHOWN_MAX 10 /* more only with --all */

static void write_facts(struct text_report *r, const struct capture_summary *c, size_t column)
{
    struct page *p = &r->page;
    const struct capture_info *info = &c->info;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    page_column(p, column);
    page_text(p, info->format_name);
    if (info->compression != NULL) {
        page_text(p, "in");
        page_text(p, info->compression);
    }
    text_init(&t, buffer, sizeof buffer);
    text_format(&t, "%s ", page_sign(p, SIGN_DOT));
    phrase_count(&t, info->frames, "frame", "frames");
    text_format(&t, " %s ", page_sign(p, SIGN_DOT));
    phrase_size(&t, info->bytes);
    page_bytes(p, text_bytes(&t));
    for (size_t i = 0; i < info->num_link_types; i++) {
        char name[24];
        text_init(&t, buffer, sizeof buffer);
        text_add(&t, i == 0 ? page_sign(p, SIGN_DOT) : "and");
        text_format(&t, " %s", capture_link_type_name(info->link_types[i], name));
        page_bytes(p, text_bytes(&t));
    }
    page_end(p);
}

static void write_times(struct text_report *r, const struct capture_summary *c, size_t column)
{
    struct page *p = &r->page;
    char buffer[PHRASE_BYTES_MAX];
    struct text t;
    if (c->info.has_times) {
        text_init(&t, buffer, sizeof buffer);
        phrase_time(&t, c->info.first_time_ns);
        text_add(&t, " for ");
        phrase_duration(&t, c->info.last_time_ns - c->info.first_time_ns);
        text_add(&t, ", ");
        phrase_zone(&t, c);
        page_column(p, column);
        page_bytes(p, text_bytes(&t));
        page_end(p);
    }
    text_init(&t, buffer, sizeof buffer);
    if (c->vantage == VANTAGE_BETWEEN) {
        text_add(&t, "taken between the hosts, or unclear where");
    } else {
        text_format(&t, "taken at the %s",
                    c->vantage == VANTAGE_CLIENT ? "client"
                    : c->vantage == VANTAGE_MP   ? "server"
                                                 : "KDC");
    }
    if (c->has_clock_offset && r->analysis->num_captures > 1 && c != r->analysis->captures) {
        text_add(&t, "; clock ");
        phrase_offset(&t, c->clock_offset_s);
        text_add(&t, " to that of file A");
        double size_s = c->clock_offset_high_s - c->clock_offset_low_s;
        if (size_s > 0) {
            text_format(&t, ", within %.3g ms", size_s / 2 * 1e3);
        }
    }
    page_column(p, column);
    page_bytes(p, text_bytes(&t));
    page_end(p);
}

static void begin_warning(struct page *p, size_t column)
{
    page_style(p, PAGE_WARNING);
    page_column(p, column);
    page_text(p, "!");
    page_column(p, column + 2);
}

static void end_warning(struct page *p)
{
    page_style(p, PAGE_PLAIN);
    page_end(p);
}

/* Words for one reason why input was set aside. */
struct drop_words {
    const char *one, *many;
    bool is_warning; /* else a remark for -v */
};

static void write_drop(struct text_report *r, const struct drop_words *words, uint64_t number,
                       size_t column)
{
    struct page *p = &r->page;
    if (number > 0 && words->one != NULL && (words->is_warning || r->options->verbose)) {
        begin_warning(p, column);
        page_number(p, number);
        page_text(p, number == 1 ? words->one : words->many);
        end_warning(p);
    }
}

static void write_decode_drops(struct text_report *r, const struct decoder_stats *decoded,
                               size_t column)
{
    static const struct drop_words segments[SEGMENT_DROP_COUNT] = {
        [SEGMENT_DROP_CUT] = {"frame ends inside its headers", "frames end inside their headers",
                              true},
        [SEGMENT_DROP_MALFORMED] = {"frame has headers that contradict themselves",
                                    "frames have headers that contradict themselves", false},
        [SEGMENT_DROP_LINK_TYPE] = {"frame is of a link type that is not decoded",
                                    "frames are of a link type that is not decoded", true},
        [SEGMENT_DROP_ENCRYPTED] = {"frame is encrypted (802.11, ESP)",
                                    "frames are encrypted (802.11, ESP)", true},
        [SEGMENT_DROP_TOO_DEEP] = {"frame is nested too deep", "frames are nested too deep", true},
        [SEGMENT_DROP_FRAGMENT_EXPIRED] = {"packet lacks fragments", "packets lack fragments",
                                           true},
        [SEGMENT_DROP_FRAGMENT_FULL] = {"fragmented packet was given up for want of room",
                                        "fragmented packets were given up for want of room", true},
    };
    static const struct drop_words messages[DECODER_DROP_COUNT] = {
        [DECODER_DROP_FLOW_EVICTED] = {"connection was forgotten amid a message",
                                       "connections were forgotten amid a message", true},
        [DECODER_DROP_REORDER_FULL] = {"segment came too far out of order",
                                       "segments came too far out of order", true},
        [DECODER_DROP_PARSER_FULL] = {"connection was given up for want of room",
                                      "connections were given up for want of room", true},
        [DECODER_DROP_MESSAGE_BAD] = {"message could not be decoded",
                                      "messages could not be decoded", false},
        [DECODER_DROP_MESSAGE_CUT] = {"message is cut short", "messages are cut short", true},
        [DECODER_DROP_MESSAGE_TOO_LONG] = {"message is too long", "messages are too long", false},
        [DECODER_DROP_DUPLICATE] = {"message was captured twice", "messages were captured twice",
                                    false},
    };
    for (size_t i = 0; i < SEGMENT_DROP_COUNT; i++) {
        write_drop(r, &segments[i], decoded->segment_drops[i], column);
    }
    for (size_t i = 0; i < DECODER_DROP_COUNT; i++) {
        write_drop(r, &messages[i], decoded->drops[i], column);
    }
}

static void write_damage(struct text_report *r, const struct capture_info *info, size_t column)
{
    static const struct drop_words drops[CAPTURE_DROP_COUNT] = {
        [CAPTURE_DROP_FRAME_CUT] = {"frame was captured shorter than it was on the wire",
                                    "frames were captured shorter than they were on the wire",
                                    true},
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
    struct page *p = &r->page;
    if (!info->complete) {
        begin_warning(p, column);
        page_text(p, info->damage.text[0] == '\0' ? "The file is cut short or damaged."
                                                  : info->damage.text);
        end_warning(p);
    }
    for (enum capture_drop drop = 0; drop < CAPTURE_DROP_COUNT; drop++) {
        write_drop(r, &drops[drop], info->drops[drop], column);
    }
}

void text_captures(struct text_report *r)
{
    struct page *p = &r->page;
    const struct analysis *a = r->analysis;
    for (size_t i = 0; i < a->num_captures; i++) {
        char buffer[PHRASE_BYTES_MAX];
        struct text t;
        size_t column = FILE_COLUMN;
        text_init(&t, buffer, sizeof buffer);
        page_column(p, FILE_COLUMN);
        page_style(p, PAGE_STRONG);
        if (a->num_captures > 1) {
            phrase_file(&t, i);
            page_bytes(p, text_bytes(&t));
            column += a->num_captures > 26 ? 4 : 3;
            page_column(p, column);
        }
        struct bytes path = bytes_of(a->captures[i].path);
        page_word(p, bytes_is(path, "-") ? bytes_of("standard input") : path);
        page_style(p, PAGE_PLAIN);
        page_end(p);
        write_facts(r, &a->captures[i], column);
        write_times(r, &a->captures[i], column);
        write_damage(r, &a->captures[i].info, column);
        write_decode_drops(r, &a->captures[i].decoded, column);
    }
    page_end(p);
}

static void write_more(struct text_report *r, size_t num, const char *option)
{
    struct page *p = &r->page;
    page_column(p, FILE_COLUMN + 2);
    page_number(p, num);
    page_text(p, "more;");
    page_text(p, option);
    page_text(p, num == 1 ? "shows it" : "shows them");
    page_end(p);
}

void text_case_notes(struct text_report *r)
{
    struct page *p = &r->page;
    const struct analysis *a = r->analysis;
    size_t num = a->num_notes;
    if (num == 0) {
        return;
    }
    page_style(p, PAGE_STRONG);
    page_text(p, "Notes on the whole capture");
    page_style(p, PAGE_PLAIN);
    page_end(p);
    if (num > NOTES_SHOWN_MAX && !r->options->verbose) {
        num = NOTES_SHOWN_MAX;
    }
    for (size_t i = 0; i < num; i++) {
        page_column(p, FILE_COLUMN);
        page_text(p, page_sign(p, SIGN_BULLET));
        page_column(p, FILE_COLUMN + 2);
        page_bytes(p, a->notes[i].text);
        text_frames(r, &a->notes[i].evidence);
        page_end(p);
    }
    if (num < a->num_notes) {
        write_more(r, a->num_notes - num, "-v");
    }
    page_end(p);
}

void text_other_failures(struct text_report *r)
{
    struct page *p = &r->page;
    const struct analysis *a = r->analysis;
    size_t num = a->num_other_failures;
    if (num == 0) {
        return;
    }
    page_style(p, PAGE_STRONG);
    page_text(p, "Other failures, part of no attempt");
    page_style(p, PAGE_PLAIN);
    page_end(p);
    if (num > OTHER_FAILURES_SHOWN_MAX && !r->options->all) {
        num = OTHER_FAILURES_SHOWN_MAX;
    }
    for (size_t i = 0; i < num; i++) {
        const struct finding *f = &a->other_failures[i];
        page_column(p, FILE_COLUMN);
        page_text(p, page_sign(p, SIGN_BULLET));
        page_column(p, FILE_COLUMN + 2);
        if (cause_id(f->cause) != NULL) {
            page_text(p, cause_id(f->cause));
            page_glue(p);
            page_text(p, ":");
        }
        page_bytes(p, f->summary);
        text_frames(r, &f->evidence);
        page_end(p);
    }
    if (num < a->num_other_failures) {
        write_more(r, a->num_other_failures - num, "--all");
    }
    page_end(p);
}
