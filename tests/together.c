#include "together.h"

#include "decode/decoder.h"
#include "diagnose/case.h"
#include "diagnose/join.h"

#include <assert.h>
#include <string.h>

static void push_to_align(void *context, const struct event *event)
{
    align_push(context, event);
}

static void push_to_join(void *context, const struct event *event)
{
    join_push(context, event);
}

static void push_frame(struct decoder *d, const struct recorded_frame *f, int64_t shift_ns)
{
    struct frame frame = recording_frame(f);
    frame.time_ns += shift_ns;
    decoder_push(d, &frame);
}

static void survey(const struct recording *const *recordings, size_t num, struct align *align)
{
    for (size_t i = 0; i < num; i++) {
        struct decoder *d =
            decoder_new(&(struct decoder_options){.capture = (uint16_t)i}, push_to_align, align);
        assert(d != NULL);
        for (size_t k = 0; k < recordings[i]->num_frames; k++) {
            push_frame(d, &recordings[i]->frames[k], 0);
        }
        decoder_end(d);
        decoder_free(d);
    }
    align_finish(align);
}

/* The recording whose next frame is the earliest by the case's clock; num when all are read. */
static size_t earliest(const struct recording *const *recordings, size_t num, const size_t *at,
                       const struct align *align)
{
    size_t best = num;
    int64_t best_ns = 0;
    for (size_t i = 0; i < num; i++) {
        if (at[i] < recordings[i]->num_frames) {
            int64_t now =
                recordings[i]->frames[at[i]].time_ns + align_shift(align, (uint16_t)i).add_ns;
            if (best == num || now < best_ns) {
                best = i;
                best_ns = now;
            }
        }
    }
    return best;
}

void together_judge(const struct recording *const *recordings, size_t num, struct together *out)
{
    struct decoder *decoders[TOGETHER_MAX];
    size_t at[TOGETHER_MAX] = {0};
    struct align *align = align_new();
    struct case_file *c = case_new(&(struct case_options){0});
    assert(num <= TOGETHER_MAX && align != NULL && c != NULL);
    survey(recordings, num, align);
    struct join *join = join_new(align, case_sink, c);
    assert(join != NULL);
    case_set_align(c, align);
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < num; i++) {
        decoders[i] =
            decoder_new(&(struct decoder_options){.capture = (uint16_t)i}, push_to_join, join);
        assert(decoders[i] != NULL);
        out->summaries[i].path = "capture";
        out->summaries[i].info = recordings[i]->info;
    }
    for (size_t i = earliest(recordings, num, at, align); i < num;
         i = earliest(recordings, num, at, align)) {
        push_frame(decoders[i], &recordings[i]->frames[at[i]],
                   align_shift(align, (uint16_t)i).add_ns);
        at[i]++;
        if (at[i] == recordings[i]->num_frames) {
            decoder_end(decoders[i]);
        }
    }
    enum status status = case_end(c, out->summaries, num, &out->analysis);
    assert(status == STATUS_OK);
    (void)status;
    for (size_t i = 0; i < num; i++) {
        decoder_free(decoders[i]);
    }
    join_free(join);
    align_free(align);
    case_free(c);
}

void together_free(struct together *t)
{
    analysis_free(&t->analysis);
}
