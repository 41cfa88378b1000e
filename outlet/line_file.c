#include "outlet/outlet_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0666 /* the umask takes its part */

static bool is_standard(const struct line_file *f)
{
    return bytes_is(bytes_of(f->path), "-");
}

bool line_file_open(struct line_file *f, struct trouble *trouble)
{
    struct stat is;
    if (is_standard(f)) {
        f->fd = STDOUT_FILENO;
        return true;
    }
    f->fd = open(f->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, FILE_MODE);
    if (f->fd < 0) {
        trouble_set(trouble, "%.200s cannot be written: %s.", f->path, strerror(errno));
        return false;
    }
    f->bytes = fstat(f->fd, &is) == 0 && is.st_size > 0 ? (uint64_t)is.st_size : 0;
    return true;
}

void line_file_close(struct line_file *f)
{
    if (f->fd >= 0 && !is_standard(f)) {
        (void)close(f->fd);
    }
    f->fd = -1;
}

bool line_file_reopen(struct line_file *f)
{
    struct trouble why = {{0}};
    if (is_standard(f)) {
        return true;
    }
    line_file_close(f);
    if (!line_file_open(f, &why)) {
        outlet_complain(f->path, why.text);
        return false;
    }
    return true;
}

/* F becomes F.1, F.1 becomes F.2, and so on; the last goes. */
static void shift(const struct line_file *f)
{
    char from[PATH_BYTES_MAX], to[PATH_BYTES_MAX];
    for (unsigned i = f->rotate_files; i > 0; i--) {
        struct text a, b;
        text_init(&a, from, sizeof from);
        text_init(&b, to, sizeof to);
        text_add(&a, f->path);
        if (i > 1) {
            text_format(&a, ".%u", i - 1);
        }
        text_format(&b, "%s.%u", f->path, i);
        if (rename(from, to) != 0 && errno != ENOENT) {
            outlet_complain(to, strerror(errno));
        }
    }
}

/* A file that cannot be begun anew (the folder is not ours to write) grows on. */
static bool rotate(struct line_file *f)
{
    shift(f);
    return line_file_reopen(f);
}

bool line_file_put(struct line_file *f, struct bytes line)
{
    struct stat is;
    bool is_full = f->rotate_bytes > 0 && f->bytes > 0 && f->bytes + line.len >= f->rotate_bytes;
    if (is_full && !is_standard(f) && fstat(f->fd, &is) == 0 && S_ISREG(is.st_mode) && !rotate(f)) {
        return false;
    }
    if (!write_all(f->fd, line.at, line.len) || !write_all(f->fd, "\n", 1)) {
        outlet_complain(is_standard(f) ? "standard output" : f->path, strerror(errno));
        return false;
    }
    f->bytes += line.len + 1;
    return true;
}
