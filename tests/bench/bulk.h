/* Bulk: many long TCP transfers at once, full segments and their acknowledgements. */
#ifndef KRBSCOPE_BENCH_BULK_H
#define KRBSCOPE_BENCH_BULK_H

#include <stddef.h>
#include <stdint.h>

#define BULK_FLOWS 500        /* transfers at a time */
#define BULK_SEGMENT 1448     /* payload of a full segment with time stamps */
#define BULK_FRAME_BYTES 1514 /* of a full one; every third is an acknowledgement of 66 */

/* Writes the n-th frame (n from 0, rising by one), BULK_FRAME_BYTES at most, and returns its
 * length: two full segments from the server, then the client's acknowledgement. */
size_t bulk_frame(uint8_t *frame, uint64_t n);

#endif
