#include "cli/evidence.h"

#include "cli/message.h"
#include "cli/progress.h"
#include "report/evidence.h"

/* What is done with each frame of a capture. */
struct reading {
    struct feed *feed;
    struct evidence_plan *plan;
    struct decoder *decoder; /* second reading */
    struct writer *writer;   /* third reading */
    unsigned number, num;    /* of the captures that are written */
    bool has_section;
    struct progress progress;
    uint64_t done_bytes, done_frames;
};

static enum status take_frame(struct reading *r, const struct source *s, const struct frame *frame,
                              struct trouble *trouble)
{
    if (r->decoder != NULL) {
        evidence_look_at_frame(r->plan, s->index, frame);
        decoder_push(r->decoder, frame);
        return STATUS_OK;
    }
    if (!r->has_section) {
        r->has_section = true;
        enum status status = evidence_begin(r->plan, r->writer, s->index, r->number, r->num,
                                            frame->big_endian_host, trouble);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return evidence_frame(r->plan, r->writer, s->index, frame, trouble);
}

/* One file, from its start. Standard input is open still, and stays so. */
static enum status read_piece(struct reading *r, struct source *s, struct trouble *trouble)
{
    struct frame frame;
    bool is_kept = s->capture != NULL;
    enum status status =
        is_kept ? capture_rewind(s->capture, trouble) : feed_open_source(r->feed, s, trouble);
    while (status == STATUS_OK && capture_next(s->capture, &frame) == CAPTURE_FRAME) {
        const struct capture_info *info = capture_info(s->capture);
        progress_tick(&r->progress, r->done_bytes + info->bytes_read,
                      r->done_frames + frame.number);
        status = take_frame(r, s, &frame, trouble);
    }
    if (s->capture != NULL) {
        r->done_bytes += capture_info(s->capture)->bytes_read;
        r->done_frames += capture_info(s->capture)->frames;
    }
    if (!is_kept) {
        capture_close(s->capture);
        s->capture = NULL;
    }
    return status;
}

/* A capture: its pieces one after the other. */
static enum status read_capture(struct reading *r, struct source *first, struct trouble *trouble)
{
    enum status status = STATUS_OK;
    for (struct source *s = first; s != NULL && status == STATUS_OK; s = s->next_piece) {
        if (r->decoder != NULL) {
            decoder_set_capture(r->decoder, s->index);
        }
        status = read_piece(r, s, trouble);
    }
    return status;
}

static uint64_t bytes_of_feed(const struct feed *f)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < f->num_sources; i++) {
        bytes += f->sources[i].info.bytes;
    }
    return bytes;
}

static void begin(struct reading *r, const char *what)
{
    r->done_bytes = 0;
    r->done_frames = 0;
    progress_begin(&r->progress, r->feed->show_progress, what, bytes_of_feed(r->feed));
}

static enum status look(struct reading *r, struct trouble *trouble)
{
    enum status status = STATUS_OK;
    begin(r, "gathering evidence");
    for (size_t i = 0; i < r->feed->num_sources && status == STATUS_OK; i++) {
        struct source *s = &r->feed->sources[i];
        if (!s->is_first_piece) {
            continue;
        }
        const struct decoder_options options = {.capture = s->index};
        r->decoder = decoder_new(&options, evidence_look_at_event, r->plan);
        if (r->decoder == NULL) {
            trouble_set(trouble, "There is not enough memory for the evidence.");
            status = STATUS_NO_MEMORY;
            break;
        }
        status = read_capture(r, s, trouble);
        decoder_end(r->decoder);
        decoder_free(r->decoder);
        r->decoder = NULL;
    }
    progress_end(&r->progress);
    return status;
}

static bool is_wanted(const struct reading *r, const struct source *first)
{
    bool wanted = false;
    for (const struct source *s = first; s != NULL && !wanted; s = s->next_piece) {
        wanted = evidence_wants(r->plan, s->index);
    }
    return wanted;
}

static enum status write_captures(struct reading *r, struct trouble *trouble)
{
    struct feed *f = r->feed;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < f->num_sources; i++) {
        r->num += f->sources[i].is_first_piece && is_wanted(r, &f->sources[i]);
    }
    begin(r, "writing evidence");
    for (size_t i = 0; i < f->num_sources && status == STATUS_OK; i++) {
        if (f->sources[i].is_first_piece && is_wanted(r, &f->sources[i])) {
            r->number++;
            r->has_section = false;
            status = read_capture(r, &f->sources[i], trouble);
            if (status == STATUS_OK && r->has_section) {
                status = evidence_end(r->plan, r->writer, trouble);
            }
        }
    }
    progress_end(&r->progress);
    if (r->num == 0 && status == STATUS_OK) { /* no frame at all: a file that says so */
        status = evidence_begin(r->plan, r->writer, 0, 1, 1, false, trouble);
    }
    return status == STATUS_OK ? writer_flush(r->writer, trouble) : status;
}

enum status evidence_file(int fd, const char *path, struct feed *f, const struct options *options,
                          const struct analysis *analysis, struct trouble *trouble)
{
    struct reading r = {.feed = f};
    const struct evidence_options evidence = {.whole_flows = options->evidence_flows};
    enum status status = evidence_new(&r.plan, analysis, &evidence, trouble);
    if (status == STATUS_OK) {
        status = look(&r, trouble);
    }
    if (status == STATUS_OK) {
        evidence_settle(r.plan);
        status = writer_new(&r.writer, fd, path, trouble);
    }
    if (status == STATUS_OK) {
        status = write_captures(&r, trouble);
    }
    if (status == STATUS_OK && evidence_num_dropped(r.plan) > 0) {
        struct trouble note;
        trouble_set(&note,
                    "%.200s lacks frames: more than %d belong to it; choose attempts with "
                    "--client or --host.",
                    path, EVIDENCE_FRAMES_MAX);
        message(&note);
    }
    writer_free(r.writer);
    evidence_free(r.plan);
    return status;
}
