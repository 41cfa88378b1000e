/* The folder of evidence stays small: of the attempts whose evidence is handed over the latest are
 * kept, in number and in bytes, and nothing else in the folder is touched.
 */
#include "outlet/outlet_private.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 1024
#define MORE 7 /* attempts than are kept */
#define SECOND_NS INT64_C(1000000000)

static char folder[] = "/tmp/krbscope-test-outlet-XXXXXX";

static void path_in(char out[PATH_BYTES], const char *name)
{
    (void)snprintf(out, PATH_BYTES, "%s/%s", folder, name);
}

static bool is_there(const char *name)
{
    char path[PATH_BYTES];
    path_in(path, name);
    return access(path, F_OK) == 0;
}

static void make_file(const char *name, size_t len)
{
    char path[PATH_BYTES];
    path_in(path, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    cr_assert(fd >= 0 && ftruncate(fd, (off_t)len) == 0 && close(fd) == 0);
}

static size_t count_files(void)
{
    size_t num = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        num += e->d_name[0] != '.';
    }
    (void)closedir(d);
    return num;
}

static void remove_folder(void)
{
    char path[PATH_BYTES];
    DIR *d = opendir(folder);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] != '.') {
            path_in(path, e->d_name);
            (void)unlink(path);
        }
    }
    (void)closedir(d);
    (void)rmdir(folder);
}

static void begin(void)
{
    cr_assert(mkdtemp(folder) != NULL);
}

static void hand_over(struct outlet *o, uint32_t id)
{
    static const uint8_t bytes[60];
    const struct frame frame = {.number = id,
                                .link_type = 1,
                                .has_time = true,
                                .original_len = sizeof bytes,
                                .time_ns = id * SECOND_NS,
                                .bytes = {.at = bytes, .len = sizeof bytes}};
    cr_assert(outlet_evidence_begin(o, id, id * SECOND_NS));
    cr_assert(outlet_evidence_frame(o, 0, &frame, bytes_of("why")));
    cr_assert(outlet_evidence_end(o, bytes_of("report")));
}

Test(outlet, keeps_the_evidence_of_the_latest, .init = begin, .fini = remove_folder)
{
    const struct outlet_options options = {
        .evidence_dir = folder, .interfaces = {"eth0"}, .num_interfaces = 1, .application = "test"};
    struct trouble trouble = {{0}};
    struct outlet *o = NULL;
    make_file("foreign.pcapng", 10);
    cr_assert_eq(outlet_start(&o, &options, &trouble), STATUS_OK, "%s", trouble.text);
    for (uint32_t id = 1; id <= OUTLET_EVIDENCE_FILES + MORE; id++) {
        hand_over(o, id);
    }
    cr_assert_eq(outlet_end(o), STATUS_OK);
    cr_expect_eq(count_files(), 2 * OUTLET_EVIDENCE_FILES + 1);
    cr_expect(is_there("foreign.pcapng"));
    cr_expect_not(is_there("krbscope-19700101T000007-000007.pcapng"));
    cr_expect_not(is_there("krbscope-19700101T000007-000007.txt"));
    cr_expect(is_there("krbscope-19700101T000008-000008.pcapng"));
    cr_expect(is_there("krbscope-19700101T000327-000207.txt"));
}

static bool is_ours(const char *name, const void *context)
{
    (void)context;
    return name[0] == 'k';
}

Test(outlet, keeps_so_many_bytes, .init = begin, .fini = remove_folder)
{
    static const char *const names[] = {"k1", "k2", "k3", "k4", "other"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        make_file(names[i], 1000);
    }
    folder_trim(folder, is_ours, NULL, 100, 4000);
    cr_expect_eq(count_files(), 5, "all fit");
    folder_trim(folder, is_ours, NULL, 100, 2500);
    cr_expect_eq(count_files(), 3);
    cr_expect(!is_there("k2") && is_there("k3") && is_there("k4") && is_there("other"));
    folder_trim(folder, is_ours, NULL, 1, 2500);
    cr_expect(!is_there("k3") && is_there("k4") && is_there("other"));
}

/* A folder that cannot take evidence is told before the run, not with the first failure. */
Test(outlet, tells_of_a_folder_that_is_not_there)
{
    const struct outlet_options options = {.evidence_dir = "/nonexistent/evidence",
                                           .application = "test"};
    struct trouble trouble = {{0}};
    struct outlet *o = NULL;
    cr_expect_eq(outlet_start(&o, &options, &trouble), STATUS_OUTPUT);
    cr_expect(strstr(trouble.text, "/nonexistent/evidence") != NULL);
    cr_expect_null(o);
}
