/* A capture held in memory, so that tests can change it and judge it again, thousands of times a
 * second: frames in, analysis out, without a file or a process.
 */
#ifndef KRBSCOPE_TESTS_RECORDING_H
#define KRBSCOPE_TESTS_RECORDING_H

#include "diagnose/analysis.h"

#define CASE_NAME_MAX 64   /* bytes of a folder's name in pcaps/, NUL included */
#define CASES_MAX 512      /* folders in pcaps/ */
#define CASE_PATH_MAX 1024 /* bytes, NUL included */

struct recorded_frame {
    uint32_t number;
    uint16_t link_type;
    bool has_time;
    bool big_endian_host;
    uint32_t original_len;
    int64_t time_ns;
    uint8_t *bytes; /* owned by the recording */
    size_t len;
};

struct recording {
    struct recorded_frame *frames;
    size_t num_frames;
    size_t room;
    struct capture_info info; /* as the reader left it */
};

/* Everything of one judgement; free with judgement_free(). */
struct judgement {
    struct capture_summary summary; /* borrowed by analysis */
    struct analysis analysis;
};

/* The folders of pcaps/ that hold an expect.json, by name. Returns their number. */
size_t cases_list(char names[CASES_MAX][CASE_NAME_MAX]);

/* pcaps/<name>/<file>; with file NULL its capture.*, empty when there is none. */
void case_path(char out[CASE_PATH_MAX], const char *name, const char *file);

/* Reads a capture through capture.h; false (and a line on stderr) when it cannot be opened. */
bool recording_load(struct recording *out, const char *path);
bool recording_load_case(struct recording *out, const char *name);
void recording_free(struct recording *r);

/* Appends a copy of the bytes as a frame like `like` and returns it. */
struct recorded_frame *recording_add(struct recording *r, const struct recorded_frame *like,
                                     const uint8_t *bytes, size_t len);

/* A new, empty recording of the same kind. */
void recording_init_like(struct recording *out, const struct recording *like);

/* Numbers the frames 1, 2, … in their order and counts them anew. */
void recording_renumber(struct recording *r);

/* The frame as a decoder takes it; its bytes stay the recording's. */
struct frame recording_frame(const struct recorded_frame *f);

/* Judges the frames as one capture. dropped: NULL, or a flag a frame: as if never captured. */
void recording_judge(const struct recording *r, const bool *dropped, struct judgement *out);
void judgement_free(struct judgement *j);

#endif
