/* Files without a name that keep what a pipe gave. */
#include "base/text.h"
#include "capture/source_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPOOL_PATH_MAX 4096
#define RESERVE_MAX 256 /* file descriptors */

/* Made by capture_reserve_spools(). */
static int reserve[RESERVE_MAX];
static size_t num_reserved;

static int make_file(struct trouble *trouble)
{
    char path[SPOOL_PATH_MAX];
    struct text t;
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || folder[0] == '\0') {
        folder = "/tmp";
    }
    text_init(&t, path, sizeof path);
    text_add(&t, folder);
    text_add(&t, "/krbscope-XXXXXX");
    int fd = t.cut ? -1 : mkstemp(path); /* mkstemp() gives mode 0600 */
    if (fd < 0) {
        trouble_set(trouble, "A temporary file cannot be made in %.200s (%s); set TMPDIR.", folder,
                    t.cut ? "the path is too long" : strerror(errno));
        return -1;
    }
    (void)unlink(path);
    return fd;
}

int spool_open(struct trouble *trouble)
{
    return num_reserved > 0 ? reserve[--num_reserved] : make_file(trouble);
}

bool capture_reserve_spools(size_t num, struct trouble *trouble)
{
    while (num_reserved < num) {
        if (num_reserved == RESERVE_MAX) {
            trouble_set(trouble, "So many captures cannot be unpacked at a time.");
            return false;
        }
        int fd = make_file(trouble);
        if (fd < 0) {
            return false;
        }
        reserve[num_reserved++] = fd;
    }
    return true;
}

bool spool_write(int fd, const uint8_t *at, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, at, len);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        at += put;
        len -= (size_t)put;
    }
    return true;
}

int capture_temporary_file(struct trouble *trouble)
{
    return spool_open(trouble);
}
