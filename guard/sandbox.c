#include "guard/sandbox.h"

#include "base/text.h"

#include <seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXIT_REFUSED 2

/* Sanitizers do at exit what no filter can list: there only what must never happen is refused. */
#ifdef KRBSCOPE_SANITIZED
#define ONLY_REFUSALS 1
#else
#define ONLY_REFUSALS 0
#endif

#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)

/* Calls that may have any arguments. */
static const int plain_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(fstatfs),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(futex),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(getrandom),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fcntl),
    SCMP_SYS(wait4),
    SCMP_SYS(fsync),
    SCMP_SYS(fadvise64),
    SCMP_SYS(getrusage),
};

/* Beside those: looking at files. */
static const int file_calls[] = {
    SCMP_SYS(stat),       SCMP_SYS(lstat),    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),      SCMP_SYS(access),   SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(getcwd),
};

/* Beside those: reading devices, and finding one that was made anew. */
static const int live_calls[] = {SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(getsockopt),
                                 SCMP_SYS(getsockname), SCMP_SYS(bind)};

/* Asked for by libraries that do well without: refused politely. */
static const int polite_calls[] = {SCMP_SYS(unlink), SCMP_SYS(unlinkat)};

static const unsigned long ioctls[] = {TCGETS, TIOCGWINSZ, TIOCGPGRP, FIONREAD};
static const unsigned long live_ioctls[] = {SIOCGIFNAME, SIOCGIFINDEX, SIOCGIFFLAGS};

#define NUM_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Asynchronous-signal-safe throughout. */
static void refused(int number, siginfo_t *info, void *context)
{
    static const char before[] = "krbscope: the sandbox refused system call ";
    static const char after[] =
        "; the run ends here. This is a fault of krbscope or the work of a hostile capture;"
        " --no-sandbox runs without it.\n";
    char digits[12];
    size_t at = sizeof digits;
    unsigned call = (unsigned)info->si_syscall;
    (void)number;
    (void)context;
    do {
        digits[--at] = (char)('0' + call % 10);
        call /= 10;
    } while (call > 0 && at > 0);
    bool told = write(STDERR_FILENO, before, sizeof before - 1) > 0 &&
                write(STDERR_FILENO, digits + at, sizeof digits - at) > 0 &&
                write(STDERR_FILENO, after, sizeof after - 1) > 0;
    (void)told;
    _exit(EXIT_REFUSED);
}

static bool allow_all(scmp_filter_ctx f, uint32_t action, const int *calls, size_t num)
{
    bool good = true;
    for (size_t i = 0; i < num; i++) {
        good = seccomp_rule_add(f, action, calls[i], 0) == 0 && good;
    }
    return good;
}

static bool allow_ioctls(scmp_filter_ctx f, const unsigned long *requests, size_t num)
{
    bool good = true;
    for (size_t i = 0; i < num; i++) {
        good = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                SCMP_A1(SCMP_CMP_EQ, requests[i])) == 0 &&
               good;
    }
    return good;
}

/* Memory may be had, but none that holds code. */
static bool allow_memory(scmp_filter_ctx f)
{
    const struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_code) == 0 &&
           seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code) == 0;
}

/* abort() raises a signal in this very process. */
static bool allow_abort(scmp_filter_ctx f)
{
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())) == 0;
}

static bool allow_reading(scmp_filter_ctx f, uint32_t action)
{
    return seccomp_rule_add(f, action, SCMP_SYS(openat), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, OPEN_FLAGS, O_RDONLY)) == 0 &&
           seccomp_rule_add(f, action, SCMP_SYS(open), 1,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, OPEN_FLAGS, O_RDONLY)) == 0;
}

static bool list_what_is_needed(scmp_filter_ctx f, enum sandbox sandbox)
{
    const uint32_t no = SCMP_ACT_ERRNO(EACCES);
    bool is_live = sandbox == SANDBOX_LIVE;
    bool good = allow_all(f, SCMP_ACT_ALLOW, plain_calls, NUM_OF(plain_calls)) &&
                allow_all(f, no, polite_calls, NUM_OF(polite_calls)) &&
                allow_ioctls(f, ioctls, NUM_OF(ioctls)) && allow_memory(f) && allow_abort(f) &&
                allow_all(f, SCMP_ACT_ALLOW, file_calls, NUM_OF(file_calls));
    if (!is_live) {
        return good && allow_reading(f, SCMP_ACT_ALLOW);
    }
    /* libpcap looks into the files of the interface for counts, and does without. */
    return good && allow_reading(f, no) &&
           allow_all(f, SCMP_ACT_ALLOW, live_calls, NUM_OF(live_calls)) &&
           allow_ioctls(f, live_ioctls, NUM_OF(live_ioctls)) &&
           /* libpcap gives back its ring. */
           seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 1,
                            SCMP_A1(SCMP_CMP_EQ, SOL_PACKET)) == 0;
}

static bool list_what_is_refused(scmp_filter_ctx f)
{
    static const int calls[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(socket)};
    bool good = allow_all(f, SCMP_ACT_TRAP, calls, NUM_OF(calls));
    for (unsigned mode = O_WRONLY; mode <= O_RDWR; mode++) {
        good = seccomp_rule_add(f, SCMP_ACT_TRAP, SCMP_SYS(openat), 1,
                                SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE, mode)) == 0 &&
               good;
    }
    return good;
}

bool sandbox_enter(enum sandbox sandbox, struct trouble *remark)
{
    struct sigaction action = {.sa_sigaction = refused, .sa_flags = SA_SIGINFO | SA_NODEFER};
    scmp_filter_ctx f = seccomp_init(ONLY_REFUSALS ? SCMP_ACT_ALLOW : SCMP_ACT_TRAP);
    bool good = f != NULL;
    (void)sigemptyset(&action.sa_mask);
    good = good && sigaction(SIGSYS, &action, NULL) == 0 &&
           (ONLY_REFUSALS ? list_what_is_refused(f) : list_what_is_needed(f, sandbox));
    int error = good ? seccomp_load(f) : -EINVAL;
    if (f != NULL) {
        seccomp_release(f);
    }
    if (error != 0) {
        trouble_set(remark,
                    "This system has no system call filter (%.100s); parsing goes on "
                    "without one.",
                    strerror(-error));
    }
    return error == 0;
}
