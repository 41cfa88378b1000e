/* A capture in which nobody can be found any more: frame by frame the same numbers, times, lengths
 * and link types, with pseudonyms for names and addresses and zeros for secrets and for every byte
 * that was not decoded. All outputs of a run with --redact are made from such a copy, so they agree
 * and cannot hold what it does not.
 *
 *      frame -> headers kept by list, payload zero -> copy
 *                      |                               ^
 *                   decoder -> tap: "these bytes are …" -> scrub -> written where the bytes lay,
 *                                                                   in every frame that carried
 * them
 */
#ifndef KRBSCOPE_REDACT_REDACT_H
#define KRBSCOPE_REDACT_REDACT_H

#include "capture/capture.h"
#include "redact/pseudonym.h"

#define REDACT_SEGMENTS_MAX                                                                        \
    262144                        /* TCP segments whose place in the copy is remembered; a message \
                                     that completes later than that many segments stays zero */
#define REDACT_FRAGMENTS_MAX 4096 /* the same for IP fragments */
#define REDACT_LINK_TYPES_MAX 64  /* different link types of one capture; others become empty */

/* Where the copy goes. */
struct redact_output {
    int fd; /* an empty file that can be read and written */
    uint64_t bytes_max;
    /* Told a frame at a time how far c was read; NULL: nobody wants to know. */
    void (*tick)(void *context, const struct capture_info *info);
    void *context;
};

/* Reads c to its end and writes its copy. *info is what was known of c at its end. STATUS_OUTPUT,
 * STATUS_NO_MEMORY with trouble. */
enum status redact_capture(struct pseudonyms *p, struct capture *c, const struct redact_output *out,
                           struct capture_info *info, struct trouble *trouble);

/* A key from len bytes that the user keeps secret. */
void redact_key(struct pseudonyms *p, struct bytes secret);

#endif
