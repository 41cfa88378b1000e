#include "cli/feed_private.h"

#include "cli/message.h"
#include "cli/progress.h"
#include "diagnose/align.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool feed_is_standard_input(const char *path)
{
    return bytes_is(bytes_of(path), "-");
}

/* The file was named before, by this or another path. */
static bool is_named_before(char **files, size_t index)
{
    struct stat a, b;
    for (size_t i = 0; i < index; i++) {
        if (feed_is_standard_input(files[i]) || feed_is_standard_input(files[index])) {
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
        if (feed_is_standard_input(options->files[i]) && isatty(STDIN_FILENO) == 1) {
            trouble_set(trouble, "Standard input is a terminal; pipe a capture into krbscope.");
            return STATUS_USAGE;
        }
    }
    return STATUS_OK;
}

void feed_count_unreadable(struct feed *f, const struct trouble *why)
{
    message(why);
    f->num_unreadable++;
}

void feed_note_info(struct source *s)
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
            source_add_frame(s->flows, &segment, frame.time_ns);
        }
    }
    segmenter_free(segmenter);
    feed_note_info(s);
    if (feed_is_standard_input(s->path)) {
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
        *num = feed_is_standard_input(path) ? 1 : capture_info(s->capture)->num_captures;
    }
    if (status == STATUS_OK && *num > 1 && section == 0) {
        capture_close(s->capture); /* an evidence file: each of its captures by itself */
        s->capture = NULL;
        return STATUS_OK;
    }
    if (status == STATUS_OK && f->redaction != NULL) {
        status = redaction_copy(f->redaction, s, number, f->show_progress, trouble);
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
        feed_count_unreadable(f, &why);
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

bool feed_zone_is_known(const struct feed *f, const struct event *e)
{
    uint16_t capture = e->capture;
    struct clock_shift shift =
        f->align == NULL ? (struct clock_shift){0} : align_shift(f->align, e->group);
    if (shift.known) {
        capture = shift.base; /* its clock tells this one's times */
    }
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
