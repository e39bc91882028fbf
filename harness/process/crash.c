/* crash.c: see crash.h. Everything below on_crash runs in a signal handler on a stack of its own:
 * the process's memory may be in any state, its stack may be used up. */
#define _GNU_SOURCE /* sigabbrev_np, _Fork */
#include "harness/process/crash.h"

#include "harness/fault.h"

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK_SIZE = 256 * 1024, FRAMES_MAX = 64, AFTER_SECONDS = 5 };

/* One per process: a signal handler has no other way to its context. */
static struct {
    void *stack;
    void (*after)(void *ctx, int signal);
    void *ctx;
    int exit_code;
} crash;

#ifdef __has_feature
#define DURESS_HAS_FEATURE(x) __has_feature(x)
#else
#define DURESS_HAS_FEATURE(x) 0
#endif

/* AddressSanitizer reports faults better than we do. */
#if defined(__SANITIZE_ADDRESS__) || DURESS_HAS_FEATURE(address_sanitizer)
static const int signals[] = {SIGABRT, SIGTRAP, SIGPROF};
#else
static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGPROF};
#endif

static void put(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return;
}

static void put_address(uintptr_t address)
{
    char text[2 + 2 * sizeof address + 1] = "0x";
    size_t digits = 1;
    while (digits < 2 * sizeof address && address >> (4 * digits))
        digits++;
    for (size_t i = 0; i < digits; i++)
        text[2 + i] = "0123456789abcdef"[(address >> (4 * (digits - 1 - i))) & 15];
    text[2 + digits] = '\0';
    put(text);
}

static void put_story(int signal, const siginfo_t *info)
{
    void *frames[FRAMES_MAX];
    const char *name = sigabbrev_np(signal);
    put("signal: SIG");
    put(name ? name : "?");
    if (signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE) {
        put(" at ");
        put_address((uintptr_t)info->si_addr);
    }
    put("\nbacktrace:\n");
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
}

/* A copy may do what a crashed process must not: take locks, allocate. If it hangs, the alarm ends
 * it. */
static void run_after(int signal)
{
    if (!crash.after)
        return;
    pid_t pid = _Fork();
    if (pid == 0) {
        struct sigaction plain = {.sa_handler = SIG_DFL};
        for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
            sigaction(signals[i], &plain, NULL);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        alarm(AFTER_SECONDS);
        crash.after(crash.ctx, signal);
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void on_crash(int signal, siginfo_t *info, void *context)
{
    (void)context;
    put_story(signal, info);
    run_after(signal);
    if (crash.exit_code)
        _exit(crash.exit_code);
    raise(signal); /* SA_RESETHAND: this time for good */
}

void crash_prepare(void)
{
    void *frame;
    if (crash.stack)
        return;
    backtrace(&frame, 1); /* loads the unwinder, which allocates */
    crash.stack = malloc(STACK_SIZE);
    if (!crash.stack)
        abort();
}

void crash_catch(void (*after)(void *ctx, int signal), void *ctx, int exit_code)
{
    crash.after = after;
    crash.ctx = ctx;
    crash.exit_code = exit_code;
    sigaltstack(&(stack_t){.ss_sp = crash.stack, .ss_size = STACK_SIZE}, NULL);
    struct sigaction action = {
        .sa_sigaction = on_crash,
        .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND),
    };
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}

void crash_timer(int64_t cpu_ns)
{
    struct itimerval timer = {
        .it_value = {.tv_sec = cpu_ns / 1000000000, .tv_usec = cpu_ns % 1000000000 / 1000}};
    setitimer(ITIMER_PROF, &timer, NULL);
}

void crash_limit(int64_t cpu_ns)
{
    crash_timer(cpu_ns);
    rlim_t hard = (rlim_t)(cpu_ns / 1000000000) + 2 * AFTER_SECONDS;
    setrlimit(RLIMIT_CPU, &(struct rlimit){hard, hard});
}

void crash_describe(char *out, size_t size, int signal, int64_t cpu_ns)
{
    char within[32];
    if (signal == SIGPROF)
        snprintf(out, size, "endless loop: more than %s of CPU time in one run",
                 duration_print(cpu_ns, within, sizeof within));
    else
        snprintf(out, size, "SIG%s (%s)", sigabbrev_np(signal), sigdescr_np(signal));
}

void crash_hint(const char *noise, char *out, size_t size)
{
    static const char *const marks[] = {"Assertion ", "ERROR: ", "runtime error: "};
    out[0] = '\0';
    for (size_t i = 0; noise && i < sizeof marks / sizeof *marks; i++) {
        const char *at = strstr(noise, marks[i]);
        if (!at)
            continue;
        while (at > noise && at[-1] != '\n')
            at--;
        snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
        return;
    }
}
