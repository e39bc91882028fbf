/* child.c: see child.h. */
#define _GNU_SOURCE /* memfd_create, sigabbrev_np, pipe2 */
#include "harness/child.h"

#include "harness/crash.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOISE_MAX = 16 * 1024, HANG_FACTOR = 10, HANG_GRACE_MS = 10000 };

static int noise_fd = -1; /* one per process, as stderr is */

void child_prepare(void)
{
    noise_fd = memfd_create("duress-noise", MFD_CLOEXEC);
    if (noise_fd < 0)
        abort();
    fcntl(noise_fd, F_SETFL, O_APPEND);
    crash_prepare();
}

/* ---- in the child ---- */

struct execution {
    const struct child_config *config;
    const struct job *job;
    const struct scenario *scenario;
    struct tape *tape;
    struct run run;
};

static void keep(struct execution *x, const struct result *result)
{
    const struct failure_source source = {x->scenario->name, x->scenario->path, x->config->program,
                                          &x->config->extras};
    struct report_failure failure;
    failure_of_result(&failure, result, &source);
    int err =
        failure_write(x->job->keep, &x->run, x->scenario, x->tape, &failure, &x->config->extras);
    if (err)
        dprintf(STDERR_FILENO, "cannot write %s: %s\n", x->job->keep, strerror(-err));
    failure_done(&failure);
}

/* In a copy of the crashed process: the trace up to the crash, if it can still be read. */
static void keep_crash(void *ctx, int signal)
{
    struct execution *x = ctx;
    if (!x->job->keep[0] || !x->run.trace)
        return;
    struct result result = {.run = x->job->run, .outcome = OUTCOME_CRASH, .property = "crash"};
    result.at = trace_count(x->run.trace);
    crash_describe(result.message, sizeof result.message, signal, x->config->run_timeout_ns);
    x->run.outcome = result.outcome;
    x->run.event = x->run.events = result.at;
    trace_fingerprint(x->run.trace, x->run.fingerprint);
    memcpy(x->run.property, result.property, sizeof x->run.property);
    memcpy(x->run.message, result.message, sizeof x->run.message);
    keep(x, &result);
}

static char *result_line(const struct result *result, size_t *ret_length)
{
    char *line;
    FILE *out = open_memstream(&line, ret_length);
    if (!out)
        abort();
    result_write(result, out);
    fclose(out);
    return line;
}

static void write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno != EINTR)
            _exit(1);
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        }
    }
}

/* With LeakSanitizer: every run gives back all its memory. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

static _Noreturn void child_main(const struct child_config *config, const struct job *job, int out)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(noise_fd, STDOUT_FILENO);
    dup2(noise_fd, STDERR_FILENO);
    struct execution x = {
        .config = config,
        .job = job,
        .scenario = config->plan.scenarios[job->run.scenario],
        .tape = tape_new(job->run.seed),
    };
    crash_catch(keep_crash, &x, 0);
    crash_limit(config->run_timeout_ns);
    run_execute(&x.run, x.scenario, x.tape, UINT64_MAX);

    struct result result;
    result_of_run(&result, &job->run, &x.run);
    result.again = job->again;
    if (job->keep[0])
        keep(&x, &result);
    size_t length;
    char *line = result_line(&result, &length);
    result_done(&result);
    run_done(&x.run);
    tape_free(x.tape);
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
        _exit(1);
    write_all(out, line, length);
    free(line);
    fflush(NULL);
    _exit(0);
}

/* ---- in the worker ---- */

struct buffer {
    char *data;
    size_t length;
};

static bool read_more(int fd, struct buffer *buffer)
{
    enum { STEP = 8192 };
    char *grown = realloc(buffer->data, buffer->length + STEP);
    if (!grown)
        abort();
    buffer->data = grown;
    ssize_t got = read(fd, buffer->data + buffer->length, STEP);
    if (got > 0)
        buffer->length += (size_t)got;
    return got > 0 || (got < 0 && errno == EINTR);
}

/* Reads until the child has closed its end. A child that stands still without using CPU time is
 * made to die of SIGABRT, so that it tells where it was. Returns whether that was necessary. */
static bool read_result(int fd, pid_t pid, int64_t timeout_ns, struct buffer *buffer)
{
    int wait_ms = (int)(timeout_ns / 1000000 * HANG_FACTOR);
    bool hung = false;
    for (;;) {
        int ready = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, wait_ms);
        if (ready == 0) {
            kill(pid, hung ? SIGKILL : SIGABRT);
            hung = true;
            wait_ms = HANG_GRACE_MS;
        } else if (ready > 0 && !read_more(fd, buffer)) {
            return hung;
        }
    }
}

static char *noise_take(void)
{
    struct stat about;
    if (fstat(noise_fd, &about) || about.st_size == 0)
        return NULL;
    size_t length = about.st_size < NOISE_MAX ? (size_t)about.st_size : NOISE_MAX;
    char *noise = calloc(1, length + 1);
    if (!noise)
        abort();
    /* The end is what tells. */
    ssize_t got = pread(noise_fd, noise, length, about.st_size - (off_t)length);
    noise[got > 0 ? got : 0] = '\0';
    if (ftruncate(noise_fd, 0))
        abort();
    return noise;
}

/* The line of the noise that says most. */
static void find_hint(const char *noise, char *out, size_t size)
{
    static const char *const marks[] = {"Assertion ", "ERROR: ", "runtime error: "};
    out[0] = '\0';
    for (size_t i = 0; noise && i < sizeof marks / sizeof *marks; i++) {
        const char *at = strstr(noise, marks[i]);
        if (!at)
            continue;
        while (at > noise && at[-1] != '\n')
            at--;
        snprintf(out, size, ": %.*s", (int)strcspn(at, "\n"), at);
        return;
    }
}

static void describe_end(char *out, size_t size, int status, bool hung, int64_t timeout_ns,
                         const char *noise)
{
    char hint[200], what[96];
    find_hint(noise, hint, sizeof hint);
    if (hung)
        snprintf(out, size, "hung: it stood still, without using CPU time");
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        snprintf(out, size, "SIGKILL: out of memory, stuck beyond %s of CPU time, or from outside",
                 duration_print(timeout_ns, what, sizeof what));
    else if (WIFSIGNALED(status)) {
        crash_describe(what, sizeof what, WTERMSIG(status), timeout_ns);
        snprintf(out, size, "%s%s", what, hint);
    } else
        snprintf(out, size, "the process ended with status %d in mid-run%s", WEXITSTATUS(status),
                 hint);
}

static void crash_result(const struct child_config *config, const struct job *job, int status,
                         bool hung, char *noise, struct result *ret_result)
{
    *ret_result = (struct result){
        .run = job->run,
        .again = job->again,
        .outcome = OUTCOME_CRASH,
        .property = "crash",
        .noise = noise,
    };
    describe_end(ret_result->message, sizeof ret_result->message, status, hung,
                 config->run_timeout_ns, noise);
    if (!job->keep[0])
        return;
    const struct scenario *scenario = config->plan.scenarios[job->run.scenario];
    const struct failure_source source = {scenario->name, scenario->path, config->program,
                                          &config->extras};
    struct report_failure failure;
    failure_of_result(&failure, ret_result, &source);
    int err = failure_write_crash(job->keep, scenario, &failure, &config->extras, noise);
    if (err)
        fprintf(stderr, "duress: cannot write %s: %s\n", job->keep, strerror(-err));
    failure_done(&failure);
}

/* What a run says without dying (a sanitizer's warning, a stray printf) must not get lost. */
static void pass_on(char *noise)
{
    if (noise)
        fputs(noise, stderr);
    free(noise);
}

char *child_run(const struct child_config *config, const struct job *job, int close_fd,
                size_t *ret_length)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        abort();
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        close(ends[0]);
        close(close_fd);
        child_main(config, job, ends[1]);
    }
    close(ends[1]);
    struct buffer buffer = {0};
    bool hung = read_result(ends[0], pid, config->run_timeout_ns, &buffer);
    close(ends[0]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    char *noise = noise_take();
    bool whole = buffer.length > 0 && buffer.data[buffer.length - 1] == '\n';
    if (status == 0 && whole) {
        pass_on(noise);
        *ret_length = buffer.length;
        return buffer.data;
    }
    free(buffer.data);
    struct result result;
    crash_result(config, job, status, hung, noise, &result);
    char *line = result_line(&result, ret_length);
    result_done(&result);
    return line;
}
