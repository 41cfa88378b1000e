/* Does a system call from inside another program, as whoever had taken it over would.
 *
 *     intruder CALL PROGRAM [ARGUMENT]...
 *
 * CALL is what PROGRAM is made to do instead of its first read, receive or wait after it entered
 * its filter of system calls; with `late-` in front, instead of its end, filter or not:
 *
 *     write   opens intruder.out in the working directory for writing
 *     both    opens it for reading and writing
 *     exec    becomes /bin/true
 *     socket  makes a TCP socket
 *     none    asks for its own number
 *
 * Then the call that it had meant is done. The last lines on standard output are "confined" when
 * PROGRAM entered a filter, "tried" when the call was made, "refused" or "returned NUMBER".
 * The exit status is PROGRAM's; 77: this machine or its rights do not allow it; 78: no occasion.
 *
 * The kernel judges a call after the tracer changed it, by the filter of the traced process.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_SKIPPED 77
#define EXIT_NO_OCCASION 78

#if defined(__x86_64__) && defined(__linux__)

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#define STOP_BY_CALL (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */
#define BELOW_STACK 4096              /* beyond the red zone: the path is put here */
#define INSTRUCTION_BYTES 2           /* of `syscall` */

struct visit {
    pid_t pid;
    const char *what; /* CALL without its late- */
    bool late;
    bool inside;   /* between a call's entry and its return */
    bool confined; /* the filter was entered */
    bool tried;    /* the call in our place is under way, or was done */
    bool returned; /* it came back */
    bool refused;  /* SIGSYS */
    long result;
    long long entered; /* the call that is under way */
    struct user_regs_struct meant;
};

static bool puts_path(const struct visit *v, unsigned long long at, const char *path)
{
    char bytes[32] = "";
    strncpy(bytes, path, sizeof bytes - 1);
    for (size_t i = 0; i < sizeof bytes; i += sizeof(long)) {
        long word = 0;
        memcpy(&word, bytes + i, sizeof word);
        if (ptrace(PTRACE_POKEDATA, v->pid, (void *)(at + i), (void *)word) != 0) {
            return false;
        }
    }
    return true;
}

/* At the entry of a call: makes another one of it. */
static bool change_call(struct visit *v)
{
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, v->pid, NULL, &r) != 0) {
        return false;
    }
    v->meant = r;
    unsigned long long path = r.rsp - BELOW_STACK;
    if (strcmp(v->what, "write") == 0 || strcmp(v->what, "both") == 0) {
        r.orig_rax = SYS_openat;
        r.rdi = (unsigned long long)(long long)AT_FDCWD;
        r.rsi = path;
        r.rdx = (v->what[0] == 'w' ? O_WRONLY : O_RDWR) | O_CREAT;
        r.r10 = 0600;
        (void)puts_path(v, path, "intruder.out");
    } else if (strcmp(v->what, "exec") == 0) {
        r.orig_rax = SYS_execve;
        r.rdi = path;
        r.rsi = r.rdx = 0;
        (void)puts_path(v, path, "/bin/true");
    } else if (strcmp(v->what, "socket") == 0) {
        r.orig_rax = SYS_socket;
        r.rdi = AF_INET;
        r.rsi = SOCK_STREAM;
        r.rdx = 0;
    } else {
        r.orig_rax = SYS_getpid;
    }
    v->tried = true;
    return ptrace(PTRACE_SETREGS, v->pid, NULL, &r) == 0;
}

/* At the return of ours: the one that was meant is done now. */
static bool give_back(struct visit *v, long long result)
{
    struct user_regs_struct r = v->meant;
    v->returned = true;
    v->result = (long)result;
    r.rip -= INSTRUCTION_BYTES;
    r.rax = r.orig_rax;
    return ptrace(PTRACE_SETREGS, v->pid, NULL, &r) == 0;
}

static bool is_occasion(const struct visit *v, long long call)
{
    if (v->late) {
        return call == SYS_exit_group;
    }
    return v->confined && (call == SYS_read || call == SYS_pread64 || call == SYS_recvfrom ||
                           call == SYS_recvmsg || call == SYS_poll || call == SYS_ppoll);
}

/* One stop at a call: its entry or its return. */
static bool on_call(struct visit *v)
{
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, v->pid, NULL, &r) != 0) {
        return false;
    }
    v->inside = !v->inside;
    if (v->inside) {
        v->entered = (long long)r.orig_rax;
        return v->tried || !is_occasion(v, v->entered) || change_call(v);
    }
    bool is_filter =
        v->entered == SYS_seccomp || (v->entered == SYS_prctl && r.rdi == PR_SET_SECCOMP);
    v->confined = v->confined || (is_filter && (long long)r.rax >= 0);
    return !v->tried || v->returned || give_back(v, (long long)r.rax);
}

static void start(char **argv)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        _exit(EXIT_SKIPPED);
    }
    (void)execv(argv[0], argv);
    perror(argv[0]);
    _exit(EXIT_SKIPPED);
}

static int watch(struct visit *v)
{
    int status = 0;
    if (waitpid(v->pid, &status, 0) != v->pid || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, v->pid, NULL,
               (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) != 0) {
        return EXIT_SKIPPED;
    }
    int signal = 0;
    while (ptrace(PTRACE_SYSCALL, v->pid, NULL, (void *)(long)signal) == 0 &&
           waitpid(v->pid, &status, 0) == v->pid && WIFSTOPPED(status)) {
        signal = WSTOPSIG(status);
        if (signal == STOP_BY_CALL) {
            signal = 0;
            if (!on_call(v)) {
                return EXIT_SKIPPED;
            }
        } else if (signal == SIGSYS) {
            v->refused = v->tried; /* what looked like its return was none */
        } else if (signal == SIGTRAP) {
            signal = 0; /* it became another program */
        }
    }
    printf("%s%s", v->confined ? "confined\n" : "", v->tried ? "tried\n" : "");
    if (v->refused) {
        printf("refused\n");
    } else if (v->returned) {
        printf("returned %ld\n", v->result);
    }
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return v->tried ? code : EXIT_NO_OCCASION;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: intruder CALL PROGRAM [ARGUMENT]...\n");
        return EXIT_SKIPPED;
    }
    struct visit v = {.late = strncmp(argv[1], "late-", 5) == 0};
    v.what = argv[1] + (v.late ? 5 : 0);
    v.pid = fork();
    if (v.pid == 0) {
        start(argv + 2);
    }
    return v.pid < 0 ? EXIT_SKIPPED : watch(&v);
}

#else

int main(void)
{
    return EXIT_SKIPPED; /* registers are those of x86-64 */
}

#endif
