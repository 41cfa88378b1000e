/* analysis -> a capture that holds only the frames that the report rests on.
 *
 *      evidence_new()            the frames that the report names, the connections they belong to
 *      evidence_look_at_frame()  second reading: frames of those connections, the capture's ends
 *      evidence_look_at_event()  … and what the same clients did around their attempts
 *      evidence_settle()
 *      evidence_begin(), _frame(), _end()   third reading: writes them, each with its comment
 *
 * Facts rest on more than the frames that a report names: on acknowledgements, on what the client
 * showed of other hosts, on the time that passed without an answer. So the plan holds, beside the
 * named frames, the handshakes, ends and other frames of the connections, the client's look-ups and
 * Kerberos messages, the first frame of each pair of hosts, the first and the last frame. Then the
 * evidence analysed again gives the same verdict.
 */
#ifndef KRBSCOPE_REPORT_EVIDENCE_H
#define KRBSCOPE_REPORT_EVIDENCE_H

#include "capture/writer.h"
#include "decode/event.h"
#include "diagnose/analysis.h"

#define EVIDENCE_FRAMES_MAX 4194304 /* notes of frames kept; beyond them the evidence is cut */
#define EVIDENCE_FLOWS_MAX 65536    /* connections looked for, an attempt's own ones first */
#define EVIDENCE_FLOW_FRAMES_MAX                                                                   \
    400                            /* of a connection taken whole; of a longer one its part up to  \
                                      the last frame that the report names, and empty segments */
#define EVIDENCE_PAIRS_MAX 256     /* pairs of hosts shown, each by its first frame */
#define EVIDENCE_CLIENTS_MAX 65536 /* attempts whose clients are looked after */
#define EVIDENCE_COMMENT_MAX 4096  /* bytes of a comment */
#define EVIDENCE_SECTION_ATTEMPTS_MAX 20 /* attempts told in the comment of a section */
#define EVIDENCE_BEFORE_S 600            /* a client's look-ups so long before its attempt … */
#define EVIDENCE_AFTER_S 60              /* … and so long after it */

struct evidence_options {
    bool whole_flows; /* --evidence-flows: all frames of the connections */
};

struct evidence_plan;

/* Everything that the report names; analysis is borrowed. STATUS_NO_MEMORY. */
enum status evidence_new(struct evidence_plan **out, const struct analysis *analysis,
                         const struct evidence_options *options, struct trouble *trouble);
void evidence_free(struct evidence_plan *p); /* NULL is fine */

/* Second reading, frames and events of all captures in any order between captures. */
void evidence_look_at_frame(struct evidence_plan *p, uint16_t capture, const struct frame *frame);
void evidence_look_at_event(void *plan, const struct event *event); /* an event_sink */

/* Sorts what was found. After that: how many frames of the case will be written. */
void evidence_settle(struct evidence_plan *p);
size_t evidence_num_frames(const struct evidence_plan *p);

/* Frames that did not fit EVIDENCE_FRAMES_MAX. */
uint64_t evidence_num_dropped(const struct evidence_plan *p);

/* Third reading, one capture (with its pieces) after the other. number of num: which of the
 * captures this is, from 1; only captures that have frames are written. */
enum status evidence_begin(struct evidence_plan *p, struct writer *w, uint16_t capture,
                           unsigned number, unsigned num, bool big_endian, struct trouble *trouble);

/* Writes the frame if it is wanted. */
enum status evidence_frame(struct evidence_plan *p, struct writer *w, uint16_t capture,
                           const struct frame *frame, struct trouble *trouble);

/* Tells what the capture had lost. info: of its last piece. */
enum status evidence_end(struct evidence_plan *p, struct writer *w, struct trouble *trouble);

/* Is a frame of this capture wanted? */
bool evidence_wants(const struct evidence_plan *p, uint16_t capture);

#endif
