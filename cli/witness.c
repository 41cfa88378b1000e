/* Logs of several servers, or rotated ones, are merged by their time stamps: a client that is
 * challenged by one node and let in by the next is not refused. Only logs that overlap are open at
 * the same time. */
#include "cli/witness.h"

#include "cli/message.h"
#include "cli/progress.h"

#include <stdlib.h>
#include <sys/stat.h>

struct witness {
    const struct named_log *named;
    uint16_t index;
    struct log_file *log;   /* while it is read */
    struct log_entry entry; /* the next one */
    bool has_entry;
    bool is_done;
    int64_t first_s; /* of the first entry; what it is ordered by */
    struct iis_config *config;
    char shown_path[REDACTION_PATH_BYTES]; /* redacted */
};

static bool is_standard_input(const char *path)
{
    return bytes_is(bytes_of(path), "-");
}

/* The same file is named before, or standard input is a capture too. */
static bool is_named_before(const struct options *o, size_t index)
{
    struct stat a, b;
    const char *path = o->logs[index].path;
    for (size_t i = 0; i < o->num_files && is_standard_input(path); i++) {
        if (is_standard_input(o->files[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < index; i++) {
        if (is_standard_input(path) || is_standard_input(o->logs[i].path)) {
            if (bytes_is(bytes_of(path), o->logs[i].path)) {
                return true;
            }
        } else if (stat(o->logs[i].path, &a) == 0 && stat(path, &b) == 0 && S_ISREG(a.st_mode) &&
                   a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
            return true;
        }
    }
    return false;
}

static enum log_format format_of(const struct named_log *named)
{
    return named->kind == OPTION_LOG_HTTPERR ? LOG_FORMAT_HTTPERR : LOG_FORMAT_IIS;
}

/* The next entry of the log, or its end. */
static void advance(struct witness *x)
{
    x->has_entry = log_next(x->log, &x->entry);
    x->is_done = !x->has_entry;
}

/* Reads up to the first entry, which tells when the log begins. A file that can be opened again is
 * closed until it is due: hundreds of them must not stay open at once. */
static enum status look_at(struct witness *x, struct redaction *r, struct log_summary *s,
                           struct trouble *why)
{
    enum status status;
    if (x->named->kind == OPTION_LOG_CONFIG) {
        status = iis_config_read(&x->config, x->named->path, why);
        if (status == STATUS_OK && r != NULL && !redaction_config(r, x->config)) {
            trouble_set(why, "%.200s holds more names than can be redacted.", x->named->path);
            iis_config_free(x->config);
            x->config = NULL;
            status = STATUS_NOT_CAPTURE;
        }
        if (status == STATUS_OK) {
            s->info = *iis_config_info(x->config);
        }
        x->is_done = true;
        return status;
    }
    status = log_open(&x->log, x->named->path, format_of(x->named), why);
    if (status != STATUS_OK) {
        return status;
    }
    advance(x);
    s->info = *log_info(x->log);
    x->first_s = x->has_entry ? x->entry.time_s : 0;
    if (x->is_done || !is_standard_input(x->named->path)) {
        log_close(x->log);
        x->log = NULL;
        x->has_entry = false;
    }
    return STATUS_OK;
}

enum status witnesses_open(struct witnesses *w, const struct options *options, bool show_progress,
                           struct trouble *trouble)
{
    *w = (struct witnesses){.show_progress = show_progress, .redaction = w->redaction};
    if (options->num_logs == 0) {
        return STATUS_OK;
    }
    w->all = calloc(options->num_logs, sizeof *w->all);
    w->summaries = calloc(options->num_logs, sizeof *w->summaries);
    if (w->all == NULL || w->summaries == NULL) {
        trouble_set(trouble, "There is not enough memory.");
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < options->num_logs; i++) {
        struct trouble why = {{0}};
        struct witness *x = &w->all[w->num];
        if (is_named_before(options, i)) {
            trouble_set(trouble, "%.200s is given twice.", options->logs[i].path);
            return STATUS_USAGE;
        }
        *x = (struct witness){.named = &options->logs[i], .index = (uint16_t)w->num};
        w->summaries[w->num] = (struct log_summary){.path = options->logs[i].path};
        enum status status = look_at(x, w->redaction, &w->summaries[w->num], &why);
        if (status == STATUS_NO_MEMORY) {
            *trouble = why;
            return status;
        }
        if (status != STATUS_OK) {
            message(&why);
            w->num_unreadable++;
            continue;
        }
        w->num++;
    }
    return STATUS_OK;
}

static int by_begin(const void *left, const void *right)
{
    const struct witness *a = *(const struct witness *const *)left;
    const struct witness *b = *(const struct witness *const *)right;
    if (a->first_s != b->first_s) {
        return a->first_s < b->first_s ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

struct run {
    struct witnesses *w;
    struct witness **order; /* logs by the time they begin */
    size_t num_order, num_started;
    struct witness **reading;
    size_t num_reading;
    uint64_t done_bytes, done_lines;
    struct progress progress;
    uint8_t *room; /* of the redacted entry; NULL: nothing is redacted */
};

static void close_log(struct run *run, struct witness *x)
{
    struct log_summary *s = &run->w->summaries[x->index];
    s->info = *log_info(x->log);
    run->done_bytes += s->info.bytes;
    run->done_lines += s->info.lines;
    log_close(x->log);
    x->log = NULL;
}

static void start_next(struct run *run)
{
    struct trouble why = {{0}};
    struct witness *x = run->order[run->num_started++];
    if (x->log == NULL) {
        if (log_open(&x->log, x->named->path, format_of(x->named), &why) != STATUS_OK) {
            message(&why); /* it was there a moment ago */
            run->w->num_unreadable++;
            return;
        }
        advance(x);
    }
    if (x->has_entry) {
        run->reading[run->num_reading++] = x;
    } else {
        close_log(run, x);
    }
}

static size_t earliest(const struct run *run)
{
    size_t best = 0;
    for (size_t i = 1; i < run->num_reading; i++) {
        const struct witness *a = run->reading[i];
        const struct witness *b = run->reading[best];
        if (a->entry.time_s < b->entry.time_s ||
            (a->entry.time_s == b->entry.time_s && a->index < b->index)) {
            best = i;
        }
    }
    return best;
}

static void read_all(struct run *run, struct case_file *c)
{
    while (run->num_reading > 0 || run->num_started < run->num_order) {
        size_t at = run->num_reading == 0 ? 0 : earliest(run);
        bool is_due = run->num_started < run->num_order &&
                      (run->num_reading == 0 ||
                       run->order[run->num_started]->first_s <= run->reading[at]->entry.time_s);
        if (is_due) {
            start_next(run);
            continue;
        }
        struct witness *x = run->reading[at];
        if (run->room != NULL) {
            redaction_entry(run->w->redaction, &x->entry, run->room);
        }
        case_log_push(c, x->index, &x->entry);
        advance(x);
        progress_tick(&run->progress, run->done_bytes + log_bytes_read(x->log),
                      run->done_lines + log_info(x->log)->lines);
        if (x->is_done) {
            close_log(run, x);
            run->reading[at] = run->reading[--run->num_reading];
        }
    }
}

static uint64_t bytes_of_all(const struct witnesses *w)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < w->num; i++) {
        bytes += w->summaries[i].info.bytes;
    }
    return bytes;
}

static void run_end(struct run *run)
{
    free(run->order);
    free(run->reading);
    free(run->room);
}

enum status witnesses_run(struct witnesses *w, struct case_file *c, struct trouble *trouble)
{
    if (w->num == 0) {
        return STATUS_OK;
    }
    struct run run = {.w = w};
    run.order = calloc(w->num, sizeof(struct witness *));
    run.reading = calloc(w->num, sizeof(struct witness *));
    run.room = w->redaction != NULL ? malloc(REDACTION_LINE_BYTES) : NULL;
    if (run.order == NULL || run.reading == NULL || (w->redaction != NULL && run.room == NULL)) {
        run_end(&run);
        trouble_set(trouble, "There is not enough memory.");
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < w->num; i++) {
        struct witness *x = &w->all[i];
        if (x->config != NULL) {
            case_log_config(c, x->index, x->config);
        } else if (!x->is_done) {
            run.order[run.num_order++] = x;
        }
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): a list of pointers */
    qsort(run.order, run.num_order, sizeof *run.order, by_begin);
    progress_begin(&run.progress, w->show_progress, "reading logs", bytes_of_all(w));
    run.progress.unit = "lines";
    read_all(&run, c);
    progress_end(&run.progress);
    run_end(&run);
    for (size_t i = 0; i < w->num && w->redaction != NULL; i++) {
        redaction_log(w->redaction, &w->summaries[i], w->all[i].shown_path, (unsigned)i + 1);
    }
    case_logs_end(c, w->summaries, w->num);
    return STATUS_OK;
}

void witnesses_close(struct witnesses *w)
{
    for (size_t i = 0; i < w->num; i++) {
        log_close(w->all[i].log);
        iis_config_free(w->all[i].config);
    }
    free(w->all);
    free(w->summaries);
    *w = (struct witnesses){0};
}
