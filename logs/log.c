#include "logs/log.h"

#include "logs/lines.h"
#include "logs/w3c.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct log_file {
    struct lines *lines;
    struct w3c_fields fields;
    struct log_info info;
};

enum status log_open(struct log_file **out, const char *path, enum log_format format,
                     struct trouble *trouble)
{
    struct unpacked *file;
    *out = NULL;
    enum status status = unpacked_open(&file, path, trouble);
    if (status != STATUS_OK) {
        return status;
    }
    struct log_file *l = calloc(1, sizeof *l);
    if (l == NULL) {
        unpacked_close(file);
    } else {
        l->lines = lines_new(file);
    }
    if (l == NULL || l->lines == NULL) {
        free(l);
        trouble_set(trouble, "There is no memory to read %.200s.", path);
        return STATUS_NO_MEMORY;
    }
    l->info = (struct log_info){.format = format,
                                .compression = unpacked_compression(file),
                                .bytes = unpacked_disk_size(file),
                                .complete = true};
    *out = l;
    return STATUS_OK;
}

static void count_unparsed(struct log_info *info, uint64_t number, struct bytes line,
                           const char *why)
{
    if (info->unparsed++ > 0) {
        return;
    }
    info->first_unparsed = number;
    info->first_unparsed_why = why;
    info->first_unparsed_len = line.len < LOG_SHOWN_BYTES ? line.len : LOG_SHOWN_BYTES;
    if (line.len > 0) {
        memcpy(info->first_unparsed_text, line.at, info->first_unparsed_len);
    }
}

static void take_time(struct log_info *info, int64_t time_s)
{
    if (!info->has_times || time_s < info->first_time_s) {
        info->first_time_s = time_s;
    }
    if (!info->has_times || time_s > info->last_time_s) {
        info->last_time_s = time_s;
    }
    info->has_times = true;
}

static void end(struct log_file *l)
{
    const struct unpacked *file = lines_file(l->lines);
    const char *failure = unpacked_failure(file);
    l->info.bytes = unpacked_disk_size(file);
    if (failure[0] != '\0') {
        l->info.complete = false;
        trouble_set(&l->info.damage, "it ends too early: %.300s", failure);
    }
}

bool log_next(struct log_file *l, struct log_entry *out)
{
    struct bytes line;
    bool cut;
    while (lines_next(l->lines, &line, &cut)) {
        l->info.lines++;
        if (line.len == 0) {
            continue;
        }
        if (line.at[0] == '#') {
            w3c_directive(&l->fields, line);
            if (l->fields.num > 0) { /* what it holds counts, not what it was called */
                l->info.format = l->fields.has_reason ? LOG_FORMAT_HTTPERR : LOG_FORMAT_IIS;
            }
            continue;
        }
        struct flaw flaw = {.why = "it is too long"};
        if (cut || w3c_parse(&l->fields, line, out, &flaw) != VERDICT_DONE) {
            count_unparsed(&l->info, lines_number(l->lines), line, flaw.why);
            continue;
        }
        out->line = lines_number(l->lines);
        l->info.entries++;
        take_time(&l->info, out->time_s);
        return true;
    }
    end(l);
    return false;
}

const struct log_info *log_info(const struct log_file *l)
{
    return &l->info;
}

uint64_t log_bytes_read(const struct log_file *l)
{
    return unpacked_disk_used(lines_file(l->lines));
}

void log_close(struct log_file *l)
{
    if (l != NULL) {
        lines_free(l->lines);
        free(l);
    }
}

const char *log_format_word(enum log_format format)
{
    static const char *const words[] = {[LOG_FORMAT_IIS] = "iis",
                                        [LOG_FORMAT_HTTPERR] = "httperr",
                                        [LOG_FORMAT_CONFIG] = "iis-config"};
    assert(format <= LOG_FORMAT_CONFIG);
    return words[format];
}
