#include "capture/unpacked.h"

#include "capture/source_private.h"

#include <assert.h>
#include <stdlib.h>

struct unpacked {
    struct source source;
};

_Static_assert(UNPACKED_PEEK_MAX <= SOURCE_ENSURE_MAX, "the window holds what can be asked for");

enum status unpacked_open(struct unpacked **out, const char *path, struct trouble *trouble)
{
    static const struct capture_options plain = {0};
    *out = NULL;
    struct unpacked *u = calloc(1, sizeof *u);
    if (u == NULL) {
        trouble_set(trouble, "There is no memory to read %.200s.", path);
        return STATUS_NO_MEMORY;
    }
    enum status status = source_open(&u->source, path, &plain, trouble);
    if (status != STATUS_OK) {
        free(u);
        return status;
    }
    status = source_unpack(&u->source, trouble);
    if (status != STATUS_OK) {
        unpacked_close(u);
        return status;
    }
    *out = u;
    return STATUS_OK;
}

struct bytes unpacked_peek(struct unpacked *u, size_t least)
{
    struct source *s = &u->source;
    assert(least <= UNPACKED_PEEK_MAX);
    (void)source_ensure(s, least);
    return (struct bytes){.at = s->window + s->start, .len = source_available(s)};
}

void unpacked_consume(struct unpacked *u, size_t len)
{
    assert(len <= source_available(&u->source));
    source_consume(&u->source, len);
}

const char *unpacked_compression(const struct unpacked *u)
{
    return u->source.compression;
}

uint64_t unpacked_disk_size(const struct unpacked *u)
{
    return source_disk_size(&u->source);
}

uint64_t unpacked_disk_used(const struct unpacked *u)
{
    return source_disk_used(&u->source);
}

uint64_t unpacked_offset(const struct unpacked *u)
{
    return source_offset(&u->source);
}

const char *unpacked_failure(const struct unpacked *u)
{
    return u->source.failure.text;
}

void unpacked_close(struct unpacked *u)
{
    if (u != NULL) {
        source_close(&u->source);
        free(u);
    }
}
