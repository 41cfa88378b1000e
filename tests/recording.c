#include "recording.h"

#include "decode/decoder.h"
#include "diagnose/case.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

size_t cases_list(char names[CASES_MAX][CASE_NAME_MAX])
{
    size_t num = 0;
    DIR *folder = opendir(KRBSCOPE_SOURCE_DIR "/pcaps");
    assert(folder != NULL);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char path[CASE_PATH_MAX];
        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= CASE_NAME_MAX) {
            continue;
        }
        case_path(path, entry->d_name, "expect.json");
        if (access(path, R_OK) == 0) {
            assert(num < CASES_MAX);
            strcpy(names[num++], entry->d_name);
        }
    }
    closedir(folder);
    qsort(names, num, CASE_NAME_MAX, by_name);
    return num;
}

static void capture_path(char out[CASE_PATH_MAX], const char *folder_path)
{
    DIR *folder = opendir(folder_path);
    out[0] = '\0';
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strncmp(entry->d_name, "capture.", 8) == 0) {
            int len = snprintf(out, CASE_PATH_MAX, "%s/%s", folder_path, entry->d_name);
            assert(len > 0 && len < CASE_PATH_MAX);
        }
    }
    closedir(folder);
}

void case_path(char out[CASE_PATH_MAX], const char *name, const char *file)
{
    char folder[CASE_PATH_MAX];
    int len = snprintf(folder, sizeof folder, "%s/pcaps/%s", KRBSCOPE_SOURCE_DIR, name);
    assert(len > 0 && len < CASE_PATH_MAX);
    if (file == NULL) {
        capture_path(out, folder);
        return;
    }
    len = snprintf(out, CASE_PATH_MAX, "%s/pcaps/%s/%s", KRBSCOPE_SOURCE_DIR, name, file);
    assert(len > 0 && len < CASE_PATH_MAX);
}

void recording_init_like(struct recording *out, const struct recording *like)
{
    memset(out, 0, sizeof *out);
    out->info = like->info;
}

struct recorded_frame *recording_add(struct recording *r, const struct recorded_frame *like,
                                     const uint8_t *bytes, size_t len)
{
    if (r->num_frames == r->room) {
        r->room = r->room == 0 ? 64 : 2 * r->room;
        r->frames = realloc(r->frames, r->room * sizeof *r->frames);
        assert(r->frames != NULL);
    }
    struct recorded_frame *f = &r->frames[r->num_frames++];
    *f = *like;
    f->bytes = malloc(len == 0 ? 1 : len);
    assert(f->bytes != NULL);
    if (len > 0) {
        memcpy(f->bytes, bytes, len);
    }
    f->len = len;
    return f;
}

void recording_renumber(struct recording *r)
{
    for (size_t i = 0; i < r->num_frames; i++) {
        r->frames[i].number = (uint32_t)(i + 1);
    }
    r->info.frames = r->num_frames;
}

bool recording_load(struct recording *out, const char *path)
{
    struct capture *c = NULL;
    struct trouble trouble = {{0}};
    struct frame frame;
    memset(out, 0, sizeof *out);
    if (capture_open(&c, path, &(struct capture_options){0}, &trouble) != STATUS_OK) {
        fprintf(stderr, "%s: %s\n", path, trouble.text);
        return false;
    }
    while (capture_next(c, &frame) == CAPTURE_FRAME) {
        const struct recorded_frame like = {
            .number = frame.number,
            .link_type = frame.link_type,
            .has_time = frame.has_time,
            .big_endian_host = frame.big_endian_host,
            .original_len = frame.original_len,
            .time_ns = frame.time_ns,
        };
        recording_add(out, &like, frame.bytes.at, frame.bytes.len);
    }
    out->info = *capture_info(c);
    capture_close(c);
    return true;
}

bool recording_load_case(struct recording *out, const char *name)
{
    char path[CASE_PATH_MAX];
    case_path(path, name, NULL);
    return recording_load(out, path);
}

void recording_free(struct recording *r)
{
    for (size_t i = 0; i < r->num_frames; i++) {
        free(r->frames[i].bytes);
    }
    free(r->frames);
    memset(r, 0, sizeof *r);
}

struct frame recording_frame(const struct recorded_frame *f)
{
    return (struct frame){
        .number = f->number,
        .link_type = f->link_type,
        .has_time = f->has_time,
        .big_endian_host = f->big_endian_host,
        .original_len = f->original_len,
        .time_ns = f->time_ns,
        .bytes = {.at = f->bytes, .len = f->len},
    };
}

void recording_judge(const struct recording *r, const bool *dropped, struct judgement *out)
{
    struct case_file *c = case_new(&(struct case_options){0});
    assert(c != NULL);
    struct decoder *d = decoder_new(&(struct decoder_options){0}, case_sink, c);
    assert(d != NULL);
    memset(out, 0, sizeof *out);
    out->summary.path = "capture";
    out->summary.info = r->info;
    for (size_t i = 0; i < r->num_frames; i++) {
        const struct frame frame = recording_frame(&r->frames[i]);
        if (dropped == NULL || !dropped[i]) {
            decoder_push(d, &frame);
        }
    }
    decoder_end(d);
    enum status status = case_end(c, &out->summary, 1, &out->analysis);
    assert(status == STATUS_OK);
    (void)status;
    decoder_free(d);
    case_free(c);
}

void judgement_free(struct judgement *j)
{
    analysis_free(&j->analysis);
}
