#include "cli/confine.h"

#include "cli/message.h"
#include "guard/sandbox.h"

#include <iconv.h>
#include <stdlib.h>

#define READINGS_MAX 4 /* so often one file is opened: its times, alignment, the run, evidence */

/* Network Monitor's files are read out of order: compressed, they are unpacked to a spool first. */
static bool needs_spool(const struct capture_info *info)
{
    return info->compression != NULL && info->format >= CAPTURE_FORMAT_NETMON_1_1 &&
           info->format <= CAPTURE_FORMAT_NETMON_2_3;
}

static iconv_t character_sets[2];

static void close_character_sets(void)
{
    for (int i = 0; i < 2; i++) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): iconv_open's word for failure */
        if (character_sets[i] != (iconv_t)-1) {
            (void)iconv_close(character_sets[i]);
        }
    }
}

/* Logs may be in UTF-16; the C library loads its code for that when it is first asked, and keeps
 * it as long as somebody has it open. */
static void load_character_sets(void)
{
    character_sets[0] = iconv_open("UTF-8", "UTF-16LE");
    character_sets[1] = iconv_open("UTF-8", "UTF-16BE");
    (void)atexit(close_character_sets);
}

void confine(const struct feed *feed, const struct options *options)
{
    struct trouble remark = {{0}};
    size_t num_spools = 0;
    if (options->no_sandbox) {
        return;
    }
    for (size_t i = 0; i < feed->num_sources; i++) {
        const struct source *s = &feed->sources[i];
        const struct capture_info *info = s->capture != NULL ? capture_info(s->capture) : &s->info;
        num_spools += needs_spool(info) ? READINGS_MAX : 0;
    }
    load_character_sets();
    if (capture_reserve_spools(num_spools, &remark)) {
        (void)sandbox_enter(SANDBOX_FILES, &remark);
    }
    if (remark.text[0] != '\0' && !options->quiet) {
        message(&remark);
    }
}
