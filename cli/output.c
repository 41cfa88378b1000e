#include "cli/output.h"

#include "cli/evidence.h"
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0666 /* the umask takes its part */

static bool is_standard(const struct output *o)
{
    return bytes_is(bytes_of(o->path), "-");
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A report must not overwrite the capture it is made from, nor another report. */
static enum status check_unshared(const struct output_files *out, const struct options *options,
                                  const char *path, struct trouble *trouble)
{
    struct stat mine, other;
    if (stat(path, &mine) != 0 || !S_ISREG(mine.st_mode)) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < options->num_files; i++) {
        if (stat(options->files[i], &other) == 0 && is_same_file(&mine, &other)) {
            trouble_set(trouble, "%.200s is to be read and to be written; name another output.",
                        path);
            return STATUS_USAGE;
        }
    }
    for (size_t i = 0; i < options->num_logs; i++) {
        if (stat(options->logs[i].path, &other) == 0 && is_same_file(&mine, &other)) {
            trouble_set(trouble, "%.200s is to be read and to be written; name another output.",
                        path);
            return STATUS_USAGE;
        }
    }
    for (size_t i = 0; i < out->num_files; i++) {
        if (out->files[i].fd >= 0 && fstat(out->files[i].fd, &other) == 0 &&
            is_same_file(&mine, &other)) {
            trouble_set(trouble, "%.200s is given for two outputs.", path);
            return STATUS_USAGE;
        }
    }
    return STATUS_OK;
}

static enum status open_one(struct output_files *out, const struct output *o,
                            struct trouble *trouble)
{
    struct output_file *file = &out->files[out->num_files];
    *file = (struct output_file){.output = o, .fd = -1};
    if (!is_standard(o)) {
        file->fd = open(o->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
        file->is_created = file->fd >= 0;
        if (file->fd < 0 && errno == EEXIST) {
            file->fd = open(o->path, O_WRONLY | O_CLOEXEC);
        }
        if (file->fd < 0) {
            trouble_set(trouble, "%.200s cannot be written: %s.", o->path, strerror(errno));
            return STATUS_OUTPUT;
        }
    }
    out->num_files++;
    return STATUS_OK;
}

enum status output_open(struct output_files *out, const struct options *options,
                        struct trouble *trouble)
{
    enum status status = STATUS_OK;
    *out = (struct output_files){0};
    for (size_t i = 0; i < options->num_outputs && status == STATUS_OK; i++) {
        const struct output *o = &options->outputs[i];
        status = is_standard(o) ? STATUS_OK : check_unshared(out, options, o->path, trouble);
        if (status == STATUS_OK) {
            status = open_one(out, o, trouble);
        }
    }
    return status;
}

/* no-color.org: set and not empty. */
static bool wants_color(const struct options *options, bool is_terminal)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (options->color != WHEN_AUTO) {
        return options->color == WHEN_ALWAYS;
    }
    return is_terminal && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
           !bytes_is(bytes_of(term), "dumb");
}

bool output_wants_ascii(bool is_asked, bool is_terminal)
{
    if (is_asked || !is_terminal) {
        return is_asked;
    }
    (void)setlocale(LC_CTYPE, "");
    bool is_utf8 = bytes_is_nocase(bytes_of(nl_langinfo(CODESET)), "UTF-8");
    (void)setlocale(LC_CTYPE, "C");
    return !is_utf8;
}

static enum status write_form(FILE *stream, const struct output_file *file, struct feed *f,
                              const struct options *options, const struct analysis *analysis,
                              struct trouble *trouble)
{
    bool is_terminal = stream == stdout && isatty(STDOUT_FILENO) == 1;
    const struct report_options report = {
        .width = options->width,
        .color = wants_color(options, is_terminal),
        .ascii = output_wants_ascii(options->ascii, is_terminal),
        .all = options->all,
        .verbose = options->verbose,
    };
    switch (file->output->format) {
    case OUTPUT_TEXT:
        return report_text(stream, analysis, &report, trouble);
    case OUTPUT_JSON:
        return report_json(stream, analysis, trouble);
    case OUTPUT_MARKDOWN:
        return report_markdown(stream, analysis, &report, trouble);
    case OUTPUT_HTML:
        return report_html(stream, analysis, &report, trouble);
    case OUTPUT_EVIDENCE:
        if (fflush(stream) != 0) {
            trouble_set(trouble, "%s", strerror(errno));
            return STATUS_OUTPUT;
        }
        return evidence_file(fileno(stream), file->output->path, f, options, analysis, trouble);
    }
    return STATUS_OUTPUT;
}

static enum status write_one(struct output_file *file, struct feed *f,
                             const struct options *options, const struct analysis *analysis,
                             struct trouble *trouble)
{
    struct trouble why = {{0}};
    FILE *stream = stdout;
    if (file->fd >= 0) {
        struct stat is;
        bool is_regular = fstat(file->fd, &is) == 0 && S_ISREG(is.st_mode);
        stream = is_regular && ftruncate(file->fd, 0) != 0 ? NULL : fdopen(file->fd, "w");
        if (stream == NULL) {
            trouble_set(trouble, "%.200s cannot be written: %s.", file->output->path,
                        strerror(errno));
            return STATUS_OUTPUT;
        }
        file->fd = -1; /* the stream's now */
        file->is_created = false;
    }
    enum status status = write_form(stream, file, f, options, analysis, &why);
    if (stream != stdout && fclose(stream) != 0 && status == STATUS_OK) {
        trouble_set(&why, "%s", strerror(errno));
        status = STATUS_OUTPUT;
    }
    if (status != STATUS_OK && file->output->format == OUTPUT_EVIDENCE) {
        *trouble = why; /* names its file, or the capture that cannot be read again */
    } else if (status != STATUS_OK) {
        trouble_set(trouble, "%.200s cannot be written: %.200s.",
                    is_standard(file->output) ? "Standard output" : file->output->path, why.text);
    }
    return status;
}

enum status output_write(struct output_files *out, struct feed *f, const struct options *options,
                         const struct analysis *analysis, struct trouble *trouble)
{
    enum status first = STATUS_OK;
    for (size_t i = 0; i < out->num_files; i++) {
        struct trouble why = {{0}};
        enum status status = write_one(&out->files[i], f, options, analysis, &why);
        if (status != STATUS_OK && first == STATUS_OK) {
            first = status;
            *trouble = why;
        }
    }
    return first;
}

void output_close(struct output_files *out)
{
    for (size_t i = 0; i < out->num_files; i++) {
        struct output_file *file = &out->files[i];
        if (file->fd >= 0) {
            (void)close(file->fd);
            if (file->is_created) {
                (void)unlink(file->output->path);
            }
        }
    }
    *out = (struct output_files){0};
}
