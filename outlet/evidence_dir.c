/* The frames and the report of each attempt that failed, in a folder that stays small. */
#include "outlet/outlet_private.h"

#include "base/civil.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MODE 0640
#define FILES_A_CASE 2 /* .pcapng and .txt */
#define PREFIX "krbscope-"

static bool is_evidence(const char *name, const void *context)
{
    struct bytes b = bytes_of(name);
    (void)context;
    return bytes_begins_nocase(b, PREFIX) &&
           (bytes_ends_nocase(b, ".pcapng") || bytes_ends_nocase(b, ".txt"));
}

static void path_of(const struct evidence_dir *d, const char *ending, char out[PATH_BYTES_MAX])
{
    struct text t;
    text_init(&t, out, PATH_BYTES_MAX);
    text_format(&t, "%s%s", d->name, ending);
}

bool evidence_dir_check(struct evidence_dir *d, const struct outlet_options *options,
                        struct trouble *trouble)
{
    *d = (struct evidence_dir){.options = options};
    if (access(options->evidence_dir, W_OK | X_OK) != 0) {
        trouble_set(trouble, "%.200s cannot take evidence: %s.", options->evidence_dir,
                    strerror(errno));
        return false;
    }
    return true;
}

/* "krbscope-20261122T111244-000017": by name is by time. */
void evidence_dir_begin(struct evidence_dir *d, uint32_t attempt_id, int64_t time_ns)
{
    struct trouble why = {{0}};
    char path[PATH_BYTES_MAX], stamp[48];
    struct text t, when;
    if (d->options == NULL || d->is_open) {
        return;
    }
    text_init(&when, stamp, sizeof stamp);
    civil_print(&when, time_ns, 0, false);
    text_init(&t, d->name, sizeof d->name);
    text_format(&t, "%s/" PREFIX, d->options->evidence_dir);
    for (size_t i = 0; i < when.len; i++) {
        if (when.at[i] != '-' && when.at[i] != ':') {
            text_add_char(&t, when.at[i]);
        }
    }
    text_format(&t, "-%06u", (unsigned)attempt_id);
    path_of(d, ".pcapng", path);
    d->is_open = frame_file_open(&d->file, path, d->options, &why);
    if (!d->is_open) {
        outlet_complain("evidence", why.text);
    }
}

void evidence_dir_frame(struct evidence_dir *d, size_t interface, const struct frame *frame,
                        struct bytes comment)
{
    struct trouble why = {{0}};
    if (d->is_open && !frame_file_put(&d->file, interface, frame, comment, &why)) {
        outlet_complain("evidence", why.text);
        d->is_open = false;
        writer_free(d->file.writer);
        (void)close(d->file.fd);
    }
}

void evidence_dir_end(struct evidence_dir *d, struct bytes report)
{
    struct trouble why = {{0}};
    char path[PATH_BYTES_MAX];
    if (!d->is_open) {
        return;
    }
    d->is_open = false;
    if (!frame_file_close(&d->file, &why)) {
        outlet_complain("evidence", why.text);
    }
    path_of(d, ".txt", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    bool good = fd >= 0 && write_all(fd, report.at, report.len);
    good = (fd < 0 || close(fd) == 0) && good;
    if (!good) {
        outlet_complain(path, strerror(errno));
    }
    folder_trim(d->options->evidence_dir, is_evidence, NULL,
                (size_t)OUTLET_EVIDENCE_FILES * FILES_A_CASE, OUTLET_EVIDENCE_BYTES);
}
