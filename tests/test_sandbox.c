/* Whoever takes over the parser must find no way out. Each test enters the sandbox in a process of
 * its own (Criterion's) and tries one thing: what is refused ends that process with status 2, what
 * parsing needs goes on.
 */
#include "guard/privileges.h"
#include "guard/sandbox.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REFUSED 2
#define REACHED 7 /* the call went through: the filter is leaky */
#define NO_FILTER 77

/* Does what() behind the filter; the exit status of the process that did. */
static int behind(enum sandbox sandbox, void (*what)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct trouble remark = {{0}};
        if (!sandbox_enter(sandbox, &remark)) {
            _exit(NO_FILTER);
        }
        what();
        _exit(REACHED);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER) {
        cr_skip_test("this system has no seccomp");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void open_for_writing(void)
{
    (void)open("/tmp/krbscope-sandbox-test", O_WRONLY | O_CREAT, 0600);
}

static void open_for_both(void)
{
    (void)open("/dev/null", O_RDWR);
}

static void execute(void)
{
    char *const argv[] = {"true", NULL};
    (void)execv("/bin/true", argv);
}

static void make_socket(void)
{
    (void)socket(AF_INET, SOCK_STREAM, 0);
}

static void (*const refused[])(void) = {open_for_writing, open_for_both, execute, make_socket};

/* Goal: the three ways out that matter most are shut, in both sandboxes. */
Test(sandbox, refuses_the_ways_out)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        cr_expect_eq(behind(SANDBOX_FILES, refused[i]), REFUSED, "files, case %zu", i);
        cr_expect_eq(behind(SANDBOX_LIVE, refused[i]), REFUSED, "live, case %zu", i);
    }
    cr_expect_neq(access("/tmp/krbscope-sandbox-test", F_OK), 0);
}

static void do_what_parsing_does(void)
{
    char *memory = malloc(50000000);
    if (memory == NULL) {
        return;
    }
    memset(memory, 1, 50000000);
    free(memory);
    int fd = open("/proc/self/status", O_RDONLY);
    char line[10];
    if (fd >= 0 && read(fd, line, sizeof line) > 0 && close(fd) == 0) {
        _exit(0);
    }
}

/* Goal: memory, reading and writing to what is open still work. */
Test(sandbox, lets_parsing_work)
{
    cr_expect_eq(behind(SANDBOX_FILES, do_what_parsing_does), 0);
}

#ifndef KRBSCOPE_SANITIZED
static void open_for_reading(void)
{
    if (open("/proc/self/status", O_RDONLY) < 0) {
        _exit(0); /* refused with an error, not with death: libpcap tries this */
    }
}

static void map_code(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_process(void)
{
    (void)fork();
}

/* Goal: live opens nothing at all, and nobody makes code or processes. (Sanitizers need these.) */
Test(sandbox, lists_what_is_needed)
{
    cr_expect_eq(behind(SANDBOX_LIVE, open_for_reading), 0);
    cr_expect_eq(behind(SANDBOX_FILES, map_code), REFUSED);
    cr_expect_eq(behind(SANDBOX_FILES, make_process), REFUSED);
}
#endif

static void give_up_and_say(void)
{
    struct trouble remark = {{0}}, trouble = {{0}};
    if (privileges_drop(NULL, &remark, &trouble) != STATUS_OK) {
        _exit(1);
    }
    _exit(geteuid() == 0 && remark.text[0] == '\0' ? 1 : setuid(0) == 0 ? 1 : 0);
}

/* Goal: root is given up for good. */
Test(privileges, are_given_up)
{
    int status = 0;
    if (geteuid() != 0) {
        cr_skip_test("needs root");
    }
    pid_t pid = fork();
    if (pid == 0) {
        give_up_and_say();
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Goal: a user that does not exist is told, not ignored. */
Test(privileges, of_an_unknown_user)
{
    struct trouble remark = {{0}}, trouble = {{0}};
    cr_expect_eq(privileges_drop("nobody-of-that-name", &remark, &trouble), STATUS_USAGE);
    cr_expect(strstr(trouble.text, "nobody-of-that-name") != NULL);
}
