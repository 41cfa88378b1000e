/* pcapng files of the writer process: the ring, and the evidence of single attempts. */
#include "outlet/outlet_private.h"

#include "base/civil.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0640 /* captures are nobody else's business */
#define FOLDER_FILES_MAX 20000

bool frame_file_open(struct frame_file *f, const char *path, const struct outlet_options *options,
                     struct trouble *trouble)
{
    const struct writer_section section = {.application = bytes_of(options->application)};
    *f = (struct frame_file){.options = options};
    f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (f->fd < 0) {
        trouble_set(trouble, "%.200s cannot be written: %s.", path, strerror(errno));
        return false;
    }
    if (writer_new(&f->writer, f->fd, path, trouble) != STATUS_OK ||
        writer_section(f->writer, &section, trouble) != STATUS_OK) {
        writer_free(f->writer);
        (void)close(f->fd);
        return false;
    }
    return true;
}

static bool add_interface(struct frame_file *f, size_t interface, uint16_t link_type,
                          struct trouble *trouble)
{
    const struct outlet_options *o = f->options;
    const struct writer_interface is = {.link_type = link_type,
                                        .name = interface < o->num_interfaces
                                                    ? bytes_of(o->interfaces[interface])
                                                    : (struct bytes){0}};
    if (f->is_known[interface] && f->link_types[interface] == link_type) {
        return true;
    }
    f->is_known[interface] = true;
    f->link_types[interface] = link_type;
    return writer_interface(f->writer, &is, &f->ids[interface], trouble) == STATUS_OK;
}

bool frame_file_put(struct frame_file *f, size_t interface, const struct frame *frame,
                    struct bytes comment, struct trouble *trouble)
{
    return add_interface(f, interface, frame->link_type, trouble) &&
           writer_frame(f->writer, f->ids[interface], frame, comment, trouble) == STATUS_OK;
}

bool frame_file_close(struct frame_file *f, struct trouble *trouble)
{
    bool good = writer_flush(f->writer, trouble) == STATUS_OK;
    writer_free(f->writer);
    if (close(f->fd) != 0 && good) {
        trouble_set(trouble, "a file could not be closed: %s", strerror(errno));
        good = false;
    }
    return good;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint64_t size_of(const char *folder, const char *name, char path[PATH_BYTES_MAX])
{
    struct stat is;
    struct text t;
    text_init(&t, path, PATH_BYTES_MAX);
    text_format(&t, "%s/%s", folder, name);
    return !t.cut && stat(path, &is) == 0 && is.st_size > 0 ? (uint64_t)is.st_size : 0;
}

/* The names in the folder that are ours, in order; each to be freed, as the list. */
static size_t list_names(const char *folder, bool (*is_ours)(const char *, const void *),
                         const void *context, char ***out)
{
    DIR *dir = opendir(folder);
    size_t num = 0;
    size_t room = 0;
    const struct dirent *e;
    *out = NULL;
    while (dir != NULL && num < FOLDER_FILES_MAX && (e = readdir(dir)) != NULL) {
        if (!is_ours(e->d_name, context)) {
            continue;
        }
        if (num == room) {
            room = room == 0 ? 64 : room * 2;
            char **more = realloc(*out, room * sizeof **out);
            if (more == NULL) {
                break;
            }
            *out = more;
        }
        (*out)[num] = strdup(e->d_name);
        if ((*out)[num] == NULL) {
            break;
        }
        num++;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    if (num > 0) {
        qsort(*out, num, sizeof **out, by_name);
    }
    return num;
}

void folder_trim(const char *folder, bool (*is_ours)(const char *name, const void *context),
                 const void *context, size_t keep_files, uint64_t keep_bytes)
{
    char path[PATH_BYTES_MAX];
    char **names;
    uint64_t bytes = 0;
    size_t num = list_names(folder, is_ours, context, &names);
    for (size_t i = 0; i < num; i++) {
        bytes += size_of(folder, names[i], path);
    }
    for (size_t i = 0; i < num; i++) {
        bool is_too_many = num - i > keep_files || bytes > keep_bytes;
        if (is_too_many) {
            bytes -= size_of(folder, names[i], path);
            (void)unlink(path);
        }
        free(names[i]);
    }
    free(names);
}

/* The ring: F is "trace.pcapng", its files are trace-00000001.pcapng and so on. */
struct ring_name {
    struct bytes folder, stem, ending;
};

static struct ring_name split_name(const char *path)
{
    struct bytes all = bytes_of(path);
    size_t slash = 0;
    for (size_t at = bytes_find(all, '/', 0); at < all.len; at = bytes_find(all, '/', at + 1)) {
        slash = at + 1;
    }
    struct bytes name = bytes_part(all, slash, all.len);
    size_t dot = name.len;
    for (size_t at = bytes_find(name, '.', 0); at < name.len; at = bytes_find(name, '.', at + 1)) {
        dot = at;
    }
    return (struct ring_name){.folder = slash == 0 ? bytes_of(".") : bytes_part(all, 0, slash),
                              .stem = bytes_part(name, 0, dot),
                              .ending = bytes_part(name, dot, name.len)};
}

#define RING_DIGITS 8

/* The number in the name of a file of this ring; 0: it is none. */
static uint64_t ring_number(const struct ring_name *n, const char *file)
{
    struct bytes name = bytes_of(file);
    struct bytes rest = bytes_part(name, n->stem.len, name.len);
    uint64_t number = 0;
    bool is_ours = bytes_equal(bytes_part(name, 0, n->stem.len), n->stem) &&
                   rest.len == 1 + RING_DIGITS + n->ending.len && rest.at[0] == '-' &&
                   bytes_equal(bytes_part(rest, 1 + RING_DIGITS, n->ending.len), n->ending) &&
                   bytes_to_u64(bytes_part(rest, 1, RING_DIGITS), UINT32_MAX, &number);
    return is_ours ? number : 0;
}

static bool is_of_ring(const char *name, const void *context)
{
    return ring_number(context, name) > 0;
}

static void folder_of(const struct ring_name *n, char out[PATH_BYTES_MAX])
{
    struct text t;
    text_init(&t, out, PATH_BYTES_MAX);
    text_add_bytes(&t, n->folder);
}

/* Behind the files of an earlier run: those are part of the ring. */
static uint64_t next_number(const struct ring_name *n)
{
    char folder[PATH_BYTES_MAX];
    char **names;
    folder_of(n, folder);
    size_t num = list_names(folder, is_of_ring, n, &names);
    uint64_t next = num == 0 ? 1 : ring_number(n, names[num - 1]) + 1;
    for (size_t i = 0; i < num; i++) {
        free(names[i]);
    }
    free(names);
    return next;
}

static bool open_next(struct ring *r, struct trouble *trouble)
{
    const struct outlet_options *o = r->options;
    const struct ring_name n = split_name(o->ring);
    char path[PATH_BYTES_MAX], folder[PATH_BYTES_MAX];
    struct text t;
    text_init(&t, path, sizeof path);
    if (o->ring_files <= 1) {
        text_add(&t, o->ring);
    } else {
        folder_of(&n, folder);
        folder_trim(folder, is_of_ring, &n, o->ring_files - 1, UINT64_MAX);
        text_format(&t, "%s/%.*s-%0*llu%.*s", folder, (int)n.stem.len, (const char *)n.stem.at,
                    RING_DIGITS, (unsigned long long)r->next, (int)n.ending.len,
                    (const char *)n.ending.at);
        r->next++;
    }
    if (t.cut) {
        trouble_set(trouble, "The name of the ring is too long.");
        return false;
    }
    r->is_open = frame_file_open(&r->file, path, o, trouble);
    return r->is_open;
}

bool ring_open(struct ring *r, const struct outlet_options *options, struct trouble *trouble)
{
    const struct ring_name n = split_name(options->ring);
    *r = (struct ring){.options = options, .next = next_number(&n)};
    return open_next(r, trouble);
}

/* Told once; the run goes on without a ring. */
static void give_up(struct ring *r, const struct trouble *why)
{
    (void)fprintf(stderr, "krbscope: %s; no more frames are kept\n", why->text);
    r->is_broken = true;
    ring_close(r);
}

void ring_put(struct ring *r, size_t interface, const struct frame *frame)
{
    struct trouble why = {{0}};
    if (!r->is_open || r->is_broken) {
        return;
    }
    bool is_full =
        r->options->ring_bytes > 0 && writer_bytes(r->file.writer) >= r->options->ring_bytes;
    if (is_full) {
        r->is_open = false;
        if (!frame_file_close(&r->file, &why) || !open_next(r, &why)) {
            give_up(r, &why);
            return;
        }
    }
    if (!frame_file_put(&r->file, interface, frame, (struct bytes){0}, &why)) {
        give_up(r, &why);
    }
}

void ring_flush(struct ring *r)
{
    struct trouble why = {{0}};
    if (r->is_open && writer_flush(r->file.writer, &why) != STATUS_OK) {
        give_up(r, &why);
    }
}

void ring_close(struct ring *r)
{
    struct trouble why = {{0}};
    if (r->is_open) {
        r->is_open = false;
        if (!frame_file_close(&r->file, &why) && !r->is_broken) {
            outlet_complain("the ring", why.text);
        }
    }
}

void ring_reopen(struct ring *r)
{
    struct trouble why = {{0}};
    if (r->is_open && r->options->ring_files > 1) {
        ring_close(r);
        if (!open_next(r, &why)) {
            give_up(r, &why);
        }
    }
}
