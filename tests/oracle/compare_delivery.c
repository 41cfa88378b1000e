/* Compares what `messages` prints of captures with what it prints of the same bytes carried
 * otherwise: one byte a segment, reversed, every frame twice.
 *
 *     compare_delivery CAPTURE...
 *
 * Prints a line a capture and delivery that differ: path, tab, delivery, tab, the first difference.
 * A delivery that would take more than FRAMES_MAX frames is told and left out. Exits with 1 when
 * something differs, with 2 when a capture cannot be read.
 */
#include "page.h"
#include "rewrite.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 2000000
#define WINDOW 8 /* segments of a direction that change places */

static void one_byte(struct recording *out, const struct recording *in)
{
    rewrite_split(out, in, 1, 0);
}

static void reversed(struct recording *out, const struct recording *in)
{
    rewrite_reverse(out, in, WINDOW);
}

static void split_and_reversed(struct recording *out, const struct recording *in)
{
    struct recording pieces;
    rewrite_split(&pieces, in, 48, 0);
    rewrite_reverse(out, &pieces, WINDOW);
    recording_free(&pieces);
}

static const struct {
    const char *name;
    size_t piece; /* bytes of a segment; 0: as they are */
    void (*rewrite)(struct recording *out, const struct recording *in);
} deliveries[] = {
    {"one-byte", 1, one_byte},
    {"reversed", 0, reversed},
    {"reversed-48", 48, split_and_reversed},
    {"twice", 0, rewrite_duplicate},
};
#define DELIVERIES (sizeof deliveries / sizeof deliveries[0])

static const struct messages_options json = {.json = true};

static json_t *messages_of(const struct recording *r)
{
    return page_without_frames(page_of_recording(r, &json));
}

/* Is it short enough to be carried in such pieces? */
static bool is_short(const struct recording *r, size_t piece)
{
    size_t num = 0;
    for (size_t i = 0; i < r->num_frames; i++) {
        num += piece == 0 ? 2 : 1 + r->frames[i].len / piece;
    }
    return num <= FRAMES_MAX;
}

static void print_difference(const char *path, const char *name, json_t *before, json_t *after)
{
    size_t i = 0;
    while (i < json_array_size(before) && i < json_array_size(after) &&
           json_equal(json_array_get(before, i), json_array_get(after, i))) {
        i++;
    }
    char *was = json_dumps(json_array_get(before, i), JSON_COMPACT);
    char *is = json_dumps(json_array_get(after, i), JSON_COMPACT);
    printf("%s\t%s\t%zu and %zu messages; message %zu was %.600s and is %.600s\n", path, name,
           json_array_size(before), json_array_size(after), i + 1, was == NULL ? "none" : was,
           is == NULL ? "none" : is);
    free(was);
    free(is);
}

/* Returns how many deliveries differ. */
static size_t compare(const char *path, const struct recording *r)
{
    size_t num_different = 0;
    json_t *before = messages_of(r);
    for (size_t i = 0; i < DELIVERIES; i++) {
        struct recording carried;
        if (!is_short(r, deliveries[i].piece)) {
            fprintf(stderr, "%s: too long for %s\n", path, deliveries[i].name);
            continue;
        }
        deliveries[i].rewrite(&carried, r);
        json_t *after = messages_of(&carried);
        if (!json_equal(before, after)) {
            print_difference(path, deliveries[i].name, before, after);
            num_different++;
        }
        json_decref(after);
        recording_free(&carried);
    }
    json_decref(before);
    return num_different;
}

int main(int argc, char **argv)
{
    size_t num_different = 0;
    bool is_unreadable = false;
    for (int i = 1; i < argc; i++) {
        struct recording r;
        if (recording_load(&r, argv[i])) {
            num_different += compare(argv[i], &r);
            recording_free(&r);
        } else {
            is_unreadable = true;
        }
    }
    return is_unreadable ? 2 : num_different > 0 ? 1 : 0;
}
