#include "cli/feed.h"

#include "cli/message.h"
#include "cli/progress.h"
#include "diagnose/join.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool is_standard_input(const char *path)
{
    return bytes_is(bytes_of(path), "-");
}

/* The file was named before, by this or another path. */
static bool is_named_before(char **files, size_t index)
{
    struct stat a, b;
    for (size_t i = 0; i < index; i++) {
        if (is_standard_input(files[i]) || is_standard_input(files[index])) {
            if (bytes_is(bytes_of(files[i]), files[index])) {
                return true;
            }
        } else if (stat(files[i], &a) == 0 && stat(files[index], &b) == 0 && S_ISREG(a.st_mode) &&
                   a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
            return true;
        }
    }
    return false;
}

static enum status check_files(const struct options *options, struct trouble *trouble)
{
    if (options->num_files > SOURCES_MAX) {
        trouble_set(trouble, "At most %d files in one run; join pieces with mergecap.",
                    SOURCES_MAX);
        return STATUS_USAGE;
    }
    for (size_t i = 0; i < options->num_files; i++) {
        if (is_named_before(options->files, i)) {
            trouble_set(trouble, "%.200s is given twice.", options->files[i]);
            return STATUS_USAGE;
        }
        if (is_standard_input(options->files[i]) && isatty(STDIN_FILENO) == 1) {
            trouble_set(trouble, "Standard input is a terminal; pipe a capture into krbscope.");
            return STATUS_USAGE;
        }
    }
    return STATUS_OK;
}

static void count_unreadable(struct feed *f, const struct trouble *why)
{
    message(why);
    f->num_unreadable++;
}

/* What is known of the source; of a redacted copy, what was known of the original. */
static void note_info(struct source *s)
{
    s->info = s->has_copy ? s->original : *capture_info(s->capture);
}

/* Reads the source to its end only to know its times, link types and flows, and makes it readable
 * again. Only needed to tell pieces from vantages, so never for a single file. */
static enum status scan(struct source *s, struct progress *progress, struct trouble *why)
{
    struct frame frame;
    struct segment segment;
    struct segmenter *segmenter = segmenter_new();
    s->flows = calloc(1, sizeof *s->flows);
    while (capture_next(s->capture, &frame) == CAPTURE_FRAME) {
        const struct capture_info *info = capture_info(s->capture);
        progress_tick(progress, info->bytes_read, info->frames);
        if (segmenter != NULL && s->flows != NULL) {
            segment_parse(segmenter, &frame, &segment);
            source_add_frame(s->flows, &segment);
        }
    }
    segmenter_free(segmenter);
    note_info(s);
    if (is_standard_input(s->path)) {
        return capture_rewind(s->capture, why);
    }
    capture_close(s->capture); /* hundreds of files must not stay open at once */
    s->capture = NULL;
    return STATUS_OK;
}

enum status feed_open_source(const struct feed *f, struct source *s, struct trouble *trouble)
{
    struct capture_options options = f->capture_options;
    if (s->has_copy) { /* filtered, in UTC if it could be, and one section already */
        options = (struct capture_options){.spool_max = options.spool_max};
        return capture_open(&s->capture, s->copy_path, &options, trouble);
    }
    options.section = s->section;
    return capture_open(&s->capture, s->path, &options, trouble);
}

/* One capture of a file; *num says how many it has. is_one_of_many: others are read beside it. */
static enum status open_capture(struct feed *f, const char *path, unsigned number, unsigned section,
                                bool is_one_of_many, unsigned *num, struct trouble *trouble)
{
    struct source *s = &f->sources[f->num_sources];
    struct trouble why = {{0}};
    struct progress progress;
    *s = (struct source){.path = path,
                         .index = (uint16_t)f->num_sources,
                         .is_first_piece = true,
                         .section = section};
    enum status status = feed_open_source(f, s, &why);
    if (status == STATUS_USAGE || status == STATUS_NO_MEMORY) {
        *trouble = why;
        return status;
    }
    if (status == STATUS_OK) {
        *num = is_standard_input(path) ? 1 : capture_info(s->capture)->num_captures;
    }
    if (status == STATUS_OK && *num > 1 && section == 0) {
        capture_close(s->capture); /* an evidence file: each of its captures by itself */
        s->capture = NULL;
        return STATUS_OK;
    }
    if (status == STATUS_OK && f->redaction != NULL) {
        status = redaction_copy(f->redaction, s, number, trouble);
        if (status != STATUS_OK || feed_open_source(f, s, trouble) != STATUS_OK) {
            return status == STATUS_OK ? STATUS_NO_FILE : status;
        }
    }
    if (status == STATUS_OK && is_one_of_many) {
        progress_begin(&progress, f->show_progress, "looking at times",
                       capture_info(s->capture)->bytes);
        status = scan(s, &progress, &why);
        progress_end(&progress);
    }
    if (status != STATUS_OK) {
        capture_close(s->capture);
        s->capture = NULL;
        free(s->flows);
        s->flows = NULL;
        count_unreadable(f, &why);
        return STATUS_OK;
    }
    f->num_sources++;
    return STATUS_OK;
}

static enum status open_file(struct feed *f, const char *path, unsigned number, bool is_one_of_many,
                             struct trouble *trouble)
{
    unsigned num = 1;
    enum status status = open_capture(f, path, number, 0, is_one_of_many, &num, trouble);
    for (unsigned section = 1; num > 1 && section <= num && status == STATUS_OK; section++) {
        unsigned same = num;
        if (f->num_sources == SOURCES_MAX) {
            trouble_set(trouble, "At most %d captures in one run.", SOURCES_MAX);
            return STATUS_USAGE;
        }
        status = open_capture(f, path, number, section, true, &same, trouble);
    }
    return status;
}

enum status feed_open(struct feed *f, const struct options *options, bool show_progress,
                      struct trouble *trouble)
{
    *f = (struct feed){.show_progress = show_progress, .redaction = f->redaction};
    f->capture_options = (struct capture_options){.filter = options->filter,
                                                  .has_zone = options->has_zone,
                                                  .zone_s = options->zone_s,
                                                  .spool_max = options->spool_max,
                                                  .rereadable = options->num_files > 1};
    for (size_t i = 0; i < options->num_outputs; i++) {
        f->is_read_again |= options->outputs[i].format == OUTPUT_EVIDENCE;
    }
    f->capture_options.rereadable |= f->is_read_again;
    enum status status = check_files(options, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    f->sources = calloc(SOURCES_MAX, sizeof *f->sources);
    if (f->sources == NULL) {
        trouble_set(trouble, "There is not enough memory.");
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < options->num_files && status == STATUS_OK; i++) {
        status = open_file(f, options->files[i], (unsigned)i + 1, options->num_files > 1, trouble);
    }
    if (status != STATUS_OK) {
        return status;
    }
    source_join_pieces(f->sources, f->num_sources);
    return STATUS_OK;
}

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
    note_info(s);
    run->done_bytes += s->info.bytes_read;
    run->done_frames += s->info.frames;
    if (run->is_survey && is_standard_input(s->path) &&
        capture_rewind(s->capture, &why) == STATUS_OK) {
        return;
    }
    if (run->feed->is_read_again && is_standard_input(s->path)) {
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
    count_unreadable(run->feed, &why);
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

enum status feed_run_into(struct feed *f, event_sink *sink, void *context, struct trouble *trouble)
{
    struct run run;
    enum status status = run_begin(&run, f, trouble);
    if (status == STATUS_OK) {
        qsort(run.lanes, run.num_lanes, sizeof *run.lanes, by_begin);
        status = run_read(&run, "analysing", sink, context, trouble);
        run_end(&run);
    }
    return status;
}

static void push_to_align(void *context, const struct event *event)
{
    align_push(context, event);
}

/* Reads the captures one by one, the smallest first, only to find what they have in common. */
static enum status survey(struct feed *f, struct align *align, struct trouble *trouble)
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
        status = run_read(&run, "comparing captures", push_to_align, align, trouble);
    }
    run.lanes = all;
    run.num_lanes = num;
    run_end(&run);
    align_finish(align);
    return status;
}

static void push_to_join(void *context, const struct event *event)
{
    join_push(context, event);
}

/* Captures of one case: aligned, and what two of them saw told once. */
static enum status run_joined(struct feed *f, struct case_file *c, struct trouble *trouble)
{
    struct run run;
    enum status status = survey(f, f->align, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    struct join *join = join_new(f->align, case_sink, c);
    status = join == NULL ? STATUS_NO_MEMORY : run_begin(&run, f, trouble);
    if (join == NULL) {
        trouble_set(trouble, "There is not enough memory to compare the captures.");
        return status;
    }
    if (status == STATUS_OK) {
        for (size_t i = 0; i < run.num_lanes; i++) {
            run.lanes[i].shift_ns = align_shift(f->align, run.lanes[i].group).add_ns;
        }
        qsort(run.lanes, run.num_lanes, sizeof *run.lanes, by_begin);
        run.decoder_sink = lane_sink_plain;
        case_set_align(c, f->align);
        status = run_read(&run, "analysing", push_to_join, join, trouble);
        run_end(&run);
    }
    join_free(join);
    return status;
}

enum status feed_run(struct feed *f, struct case_file *c, struct trouble *trouble)
{
    size_t num_captures = 0;
    for (size_t i = 0; i < f->num_sources; i++) {
        num_captures += f->sources[i].is_first_piece;
    }
    if (num_captures < 2) {
        return feed_run_into(f, case_sink, c, trouble);
    }
    f->align = align_new();
    if (f->align == NULL) {
        trouble_set(trouble, "There is not enough memory to compare the captures.");
        return STATUS_NO_MEMORY;
    }
    return run_joined(f, c, trouble);
}

bool feed_zone_is_known(const struct feed *f, uint16_t capture)
{
    if (capture >= f->num_sources) {
        return false;
    }
    const struct source *s = &f->sources[capture];
    const struct capture_info *info = s->capture != NULL ? capture_info(s->capture) : &s->info;
    return info->zone != CAPTURE_ZONE_UNKNOWN;
}

void feed_close(struct feed *f)
{
    for (size_t i = 0; i < f->num_sources; i++) {
        capture_close(f->sources[i].capture);
        free(f->sources[i].flows);
        if (f->sources[i].has_copy) {
            (void)close(f->sources[i].copy_fd);
        }
    }
    align_free(f->align);
    free(f->sources);
    *f = (struct feed){0};
}
