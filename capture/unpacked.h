/* The bytes of any file, unpacked when it is packed (gzip, zstd, xz, lz4): for what is read like a
 * capture and is none, such as a server's log.
 *
 * One fixed window slides over the bytes: peek at what lies there, consume what was used. */
#ifndef KRBSCOPE_CAPTURE_UNPACKED_H
#define KRBSCOPE_CAPTURE_UNPACKED_H

#include "base/bytes.h"
#include "base/status.h"

#define UNPACKED_PEEK_MAX 262144 /* bytes that can be asked to lie together */

struct unpacked;

/* Opens path ("-": standard input). STATUS_NO_FILE, STATUS_NOT_CAPTURE (its packing is damaged from
 * the start), STATUS_NO_MEMORY: *out is NULL and trouble says why. */
enum status unpacked_open(struct unpacked **out, const char *path, struct trouble *trouble);

/* At least `least` bytes (UNPACKED_PEEK_MAX at most), or all that is left when the file ends
 * before; valid until the next call. Empty: the end, or reading failed. */
struct bytes unpacked_peek(struct unpacked *u, size_t least);

/* Steps over bytes that unpacked_peek() has shown. */
void unpacked_consume(struct unpacked *u, size_t len);

const char *unpacked_compression(const struct unpacked *u); /* NULL: none */
uint64_t unpacked_disk_size(const struct unpacked *u);      /* bytes of the file as it lies there */
uint64_t unpacked_disk_used(const struct unpacked *u);      /* how many of them were read so far */
uint64_t unpacked_offset(const struct unpacked *u);         /* of the next byte, unpacked */

/* Why reading ended before the file's end; empty when it did not. */
const char *unpacked_failure(const struct unpacked *u);

void unpacked_close(struct unpacked *u); /* NULL is fine */

#endif
