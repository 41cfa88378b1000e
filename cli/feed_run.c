/* Captures that are open, read side by side in the order of time. */
#include "cli/feed_private.h"

#include "cli/progress.h"
#include "diagnose/align.h"
#include "diagnose/join.h"

#include <stdlib.h>

/* One capture being read: its pieces one after the other through one decoder. */
struct lane {
    struct source *source; /* the piece that is read; NULL when all are */
    uint16_t group;        /* index of the first piece */
    struct decoder *decoder;
    struct frame frame; /* the next one, borrowed from source->capture */
    int64_t shift_ns;   /* added to its times */
    bool is_waiting;    /* its decoder is */
    event_sink *sink;
    void *context;
};

/* One run over everything. */
struct run {
    struct feed *feed;
    event_sink *decoder_sink; /* lane_sink or lane_sink_plain, with the lane for its context */
    bool is_survey;           /* everything will be read again */
    struct lane *lanes;       /* ordered by the time they begin */
    size_t num_lanes;
    size_t num_started;
    size_t reading[SOURCES_MAX]; /* lanes that have a frame */
    size_t num_reading;
    size_t num_waiting;               /* decoders that are */
    uint64_t done_bytes, done_frames; /* of files that are closed */
    struct progress progress;
};

/* Numbers of events and connections are a decoder's own; who listens needs them to differ. */
static void lane_sink(void *context, const struct event *event)
{
    const struct lane *lane = context;
    struct event moved;
    struct http_facts http;
    join_renumber(&moved, &http, event, lane->group);
    lane->sink(lane->context, &moved);
}

/* An event as the decoder numbered it, for the survey and the join. */
static void lane_sink_plain(void *context, const struct event *event)
{
    const struct lane *lane = context;
    lane->sink(lane->context, event);
}

static uint64_t bytes_of_feed(const struct feed *f)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < f->num_sources; i++) {
        const struct source *s = &f->sources[i];
        bytes += s->capture == NULL ? s->info.bytes : capture_info(s->capture)->bytes;
    }
    return bytes;
}

static void close_piece(struct run *run, struct source *s)
{
    struct trouble why = {{0}};
    feed_note_info(s);
    run->done_bytes += s->info.bytes_read;
    run->done_frames += s->info.frames;
    if (run->is_survey && feed_is_standard_input(s->path) &&
        capture_rewind(s->capture, &why) == STATUS_OK) {
        return;
    }
    if (run->feed->is_read_again && feed_is_standard_input(s->path)) {
        return; /* nobody could open it a second time */
    }
    capture_close(s->capture);
    s->capture = NULL;
}

/* Opens the lane's piece; a file that has gone since it was looked at is told and left out. */
static bool open_piece(struct run *run, struct source *s)
{
    struct trouble why = {{0}};
    if (s->capture != NULL) {
        return true;
    }
    if (feed_open_source(run->feed, s, &why) == STATUS_OK) {
        return true;
    }
    feed_count_unreadable(run->feed, &why);
    return false;
}

static void note_waiting(struct run *run, struct lane *lane, bool is_waiting)
{
    run->num_waiting += is_waiting ? 1 : 0;
    run->num_waiting -= lane->is_waiting ? 1 : 0;
    lane->is_waiting = is_waiting;
}

/* Brings the lane's next frame; false when all its pieces are read, and the decoder is done. */
static bool advance(struct run *run, struct lane *lane)
{
    while (lane->source != NULL) {
        struct source *s = lane->source;
        if (open_piece(run, s)) {
            if (capture_next(s->capture, &lane->frame) == CAPTURE_FRAME) {
                lane->frame.time_ns += lane->shift_ns;
                return true;
            }
            close_piece(run, s);
        }
        lane->source = s->next_piece;
        if (lane->source != NULL) {
            decoder_set_capture(lane->decoder, lane->source->index);
        }
    }
    run->feed->is_waiting = true; /* what is unfinished is told in no order */
    decoder_end(lane->decoder);
    run->feed->sources[lane->group].decoded = *decoder_stats(lane->decoder);
    decoder_free(lane->decoder);
    lane->decoder = NULL;
    note_waiting(run, lane, false);
    return false;
}

static enum status start_lane(struct run *run, struct trouble *trouble)
{
    struct lane *lane = &run->lanes[run->num_started];
    const struct decoder_options options = {.capture = lane->source->index};
    lane->decoder = decoder_new(&options, run->decoder_sink, lane);
    if (lane->decoder == NULL) {
        trouble_set(trouble, "There is not enough memory to read %zu captures side by side.",
                    run->num_reading + 1);
        return STATUS_NO_MEMORY;
    }
    if (advance(run, lane)) {
        run->reading[run->num_reading++] = run->num_started;
    }
    run->num_started++;
    return STATUS_OK;
}

/* Index in `reading` of the lane whose next frame is the earliest. */
static size_t earliest(const struct run *run)
{
    size_t best = 0;
    for (size_t i = 1; i < run->num_reading; i++) {
        if (run->lanes[run->reading[i]].frame.time_ns <
            run->lanes[run->reading[best]].frame.time_ns) {
            best = i;
        }
    }
    return best;
}

static int64_t lane_begin(const struct lane *lane)
{
    return lane->source->info.first_time_ns + lane->shift_ns;
}

static bool is_next_lane_due(const struct run *run)
{
    if (run->num_started == run->num_lanes) {
        return false;
    }
    if (run->num_reading == 0) {
        return true;
    }
    int64_t now = run->lanes[run->reading[earliest(run)]].frame.time_ns;
    return lane_begin(&run->lanes[run->num_started]) <= now;
}

static enum status read_lanes(struct run *run, struct trouble *trouble)
{
    while (run->num_reading > 0 || run->num_started < run->num_lanes) {
        if (is_next_lane_due(run)) {
            enum status status = start_lane(run, trouble);
            if (status != STATUS_OK) {
                return status;
            }
            continue;
        }
        size_t at = earliest(run);
        struct lane *lane = &run->lanes[run->reading[at]];
        const struct capture_info *info = capture_info(lane->source->capture);
        progress_tick(&run->progress, run->done_bytes + info->bytes_read,
                      run->done_frames + info->frames);
        run->feed->is_waiting = run->num_waiting > 0;
        decoder_push(lane->decoder, &lane->frame);
        note_waiting(run, lane, decoder_is_waiting(lane->decoder));
        if (!advance(run, lane)) {
            run->reading[at] = run->reading[--run->num_reading];
        }
    }
    return STATUS_OK;
}

static int by_begin(const void *left, const void *right)
{
    const struct lane *a = left;
    const struct lane *b = right;
    if (lane_begin(a) != lane_begin(b)) {
        return lane_begin(a) < lane_begin(b) ? -1 : 1;
    }
    return a->group < b->group ? -1 : a->group > b->group;
}

static int by_size(const void *left, const void *right)
{
    const struct lane *a = left;
    const struct lane *b = right;
    if (a->source->info.bytes != b->source->info.bytes) {
        return a->source->info.bytes < b->source->info.bytes ? -1 : 1;
    }
    return a->group < b->group ? -1 : a->group > b->group;
}

/* The lanes of a run, not yet in any order. */
static enum status run_begin(struct run *run, struct feed *f, struct trouble *trouble)
{
    *run = (struct run){.feed = f, .decoder_sink = lane_sink};
    run->lanes = calloc(f->num_sources + 1, sizeof *run->lanes);
    if (run->lanes == NULL) {
        trouble_set(trouble, "There is not enough memory.");
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < f->num_sources; i++) {
        if (f->sources[i].is_first_piece) {
            run->lanes[run->num_lanes++] =
                (struct lane){.source = &f->sources[i], .group = f->sources[i].index};
        }
    }
    return STATUS_OK;
}

static void run_end(struct run *run)
{
    for (size_t i = 0; i < run->num_lanes; i++) {
        decoder_free(run->lanes[i].decoder);
    }
    free(run->lanes);
}

/* Reads every lane into the sink. */
static enum status run_read(struct run *run, const char *what, event_sink *sink, void *context,
                            struct trouble *trouble)
{
    for (size_t i = 0; i < run->num_lanes; i++) {
        run->lanes[i].sink = sink;
        run->lanes[i].context = context;
    }
    progress_begin(&run->progress, run->feed->show_progress, what, bytes_of_feed(run->feed));
    enum status status = read_lanes(run, trouble);
    progress_end(&run->progress);
    return status;
}

static void push_to_align(void *context, const struct event *event)
{
    align_push(context, event);
}

/* Reads the captures one by one, the smallest first, only to find what they have in common. */
static enum status survey(struct feed *f, struct trouble *trouble)
{
    struct run run;
    enum status status = run_begin(&run, f, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    size_t num = run.num_lanes;
    struct lane *all = run.lanes;
    qsort(all, num, sizeof *all, by_size);
    run.is_survey = true;
    run.decoder_sink = lane_sink_plain;
    run.num_lanes = 1;
    for (size_t i = 0; i < num && status == STATUS_OK; i++) {
        run.lanes = &all[i];
        run.num_started = 0;
        status = run_read(&run, "comparing captures", push_to_align, f->align, trouble);
    }
    run.lanes = all;
    run.num_lanes = num;
    run_end(&run);
    align_finish(f->align);
    return status;
}

/* Of several captures, what they have in common: f->align. */
static enum status align_captures(struct feed *f, struct trouble *trouble)
{
    size_t num_captures = 0;
    for (size_t i = 0; i < f->num_sources; i++) {
        num_captures += f->sources[i].is_first_piece;
    }
    if (num_captures < 2) {
        return STATUS_OK;
    }
    f->align = align_new();
    if (f->align == NULL) {
        trouble_set(trouble, "There is not enough memory to compare the captures.");
        return STATUS_NO_MEMORY;
    }
    return survey(f, trouble);
}

/* Reads all captures by the case's time. */
static enum status read_all(struct feed *f, event_sink *decoder_sink, event_sink *sink,
                            void *context, struct trouble *trouble)
{
    struct run run;
    enum status status = run_begin(&run, f, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < run.num_lanes && f->align != NULL; i++) {
        run.lanes[i].shift_ns = align_shift(f->align, run.lanes[i].group).add_ns;
    }
    qsort(run.lanes, run.num_lanes, sizeof *run.lanes, by_begin);
    run.decoder_sink = decoder_sink;
    status = run_read(&run, "analysing", sink, context, trouble);
    run_end(&run);
    return status;
}

enum status feed_run_into(struct feed *f, event_sink *sink, void *context, struct trouble *trouble)
{
    enum status status = align_captures(f, trouble);
    return status == STATUS_OK ? read_all(f, lane_sink, sink, context, trouble) : status;
}

static void push_to_join(void *context, const struct event *event)
{
    join_push(context, event);
}

enum status feed_run(struct feed *f, struct case_file *c, struct trouble *trouble)
{
    enum status status = align_captures(f, trouble);
    if (status != STATUS_OK || f->align == NULL) {
        return status == STATUS_OK ? read_all(f, lane_sink, case_sink, c, trouble) : status;
    }
    struct join *join = join_new(f->align, case_sink, c); /* what two of them saw is told once */
    if (join == NULL) {
        trouble_set(trouble, "There is not enough memory to compare the captures.");
        return STATUS_NO_MEMORY;
    }
    case_set_align(c, f->align);
    status = read_all(f, lane_sink_plain, push_to_join, join, trouble);
    join_free(join);
    return status;
}
