/* child.c: the parent's side: starts a child, listens to it, and says how it died if it did. See
 * child.h. */
#define _GNU_SOURCE /* memfd_create, pipe2 */
#include "harness/process/child_internal.h"

#include "harness/clock.h"
#include "harness/process/backtrace.h"
#include "harness/process/crash.h"
#include "harness/process/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOISE_MAX = 16 * 1024, HANG_FACTOR = 10, STEM_FACTOR = 10, IDLE_FACTOR = 1000 };
#define HANG_GRACE_NS INT64_C(10000000000)

void child_init(struct child *child)
{
    *child = (struct child){.pipe = -1, .noise = memfd_create("duress-noise", MFD_CLOEXEC)};
    if (child->noise < 0)
        abort();
    fcntl(child->noise, F_SETFL, O_APPEND);
    crash_prepare();
}

void child_done(struct child *child)
{
    child_kill(child);
    close(child->noise);
}

/* For how long it may stand still. A stem stands still while its branches run, and looks after them itself. */
static int64_t patience_of(const struct child *child)
{
    int64_t factor = child->task.branch_count ? HANG_FACTOR * STEM_FACTOR : HANG_FACTOR;
    return child->task.setup->run_timeout_ns * factor;
}

void child_expect(struct child *child, const struct child_task *task)
{
    child->task = *task;
    child->hung = false;
    child->cpu_ns = fork_cpu_ns(child->pid);
    child->patience_ns = clock_now_ns() + patience_of(child);
}

int child_fork(struct child *child, const struct child_task *task)
{
    int end;
    child_expect(child, task);
    pid_t pid = fork_piped(&end);
    if (pid == 0)
        return end;
    child->pid = pid;
    child->cpu_ns = 0;
    child->pipe = end;
    return -1;
}

void child_start(struct child *child, const struct child_task *task)
{
    int out = child_fork(child, task);
    if (out < 0)
        return;
    if (task->setup->close_fd >= 0)
        close(task->setup->close_fd);
    child_main(task, out, child->noise);
}

bool child_read(struct child *child)
{
    enum { STEP = 8192 };
    char *grown = realloc(child->sent, child->length + STEP);
    if (!grown)
        abort();
    child->sent = grown;
    ssize_t got = read(child->pipe, child->sent + child->length, STEP);
    if (got > 0) {
        child->length += (size_t)got;
        child->patience_ns = clock_now_ns() + patience_of(child);
    }
    return got > 0 || (got < 0 && errno == EINTR);
}

/* On a busy machine a run may take long without standing still: what counts is whether it has moved since the last look.
 * One that goes in circles meets the limit of its CPU time. */
static bool child_moves(struct child *child)
{
    int64_t used = fork_cpu_ns(child->pid);
    bool moves = used - child->cpu_ns > patience_of(child) / IDLE_FACTOR;
    child->cpu_ns = used;
    return moves;
}

int child_watch(struct child *child)
{
    int64_t now = clock_now_ns();
    if (now >= child->patience_ns && !child->hung && child_moves(child)) {
        child->patience_ns = now + patience_of(child);
    } else if (now >= child->patience_ns) {
        kill(child->pid, child->hung ? SIGKILL : SIGABRT);
        child->hung = true;
        child->patience_ns = now + HANG_GRACE_NS;
    }
    int64_t ms = (child->patience_ns - now) / 1000000 + 1;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* ---- its end ---- */

static int child_reap(struct child *child)
{
    close(child->pipe);
    child->pipe = -1;
    return fork_reap(child->pid);
}

static char *noise_take(const struct child *child)
{
    struct stat about;
    if (fstat(child->noise, &about) || about.st_size == 0)
        return NULL;
    size_t length = about.st_size < NOISE_MAX ? (size_t)about.st_size : NOISE_MAX;
    char *noise = calloc(1, length + 1);
    if (!noise)
        abort();
    /* The end is what tells. */
    ssize_t got = pread(child->noise, noise, length, about.st_size - (off_t)length);
    noise[got > 0 ? got : 0] = '\0';
    if (ftruncate(child->noise, 0))
        abort();
    return noise;
}

static void describe_end(char *out, size_t size, int status, const struct child *child,
                         const char *noise)
{
    char line[200], hint[202], what[96];
    int64_t timeout_ns = child->task.setup->run_timeout_ns;
    crash_hint(noise, line, sizeof line);
    snprintf(hint, sizeof hint, "%s%s", line[0] ? ": " : "", line);
    if (child->hung)
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

void child_keep(const struct child_task *task, const struct result *result, const struct run *run)
{
    const struct child_setup *setup = task->setup;
    const struct failure_source source = {task->scenario->name, task->scenario->path,
                                          setup->program, setup->extras};
    const struct failure_into into = {task->keep.folder, task->keep.prefix,
                                      task->keep.replay != NULL};
    struct report_failure failure;
    failure_of_result(&failure, result, &source);
    if (task->keep.replay) {
        free(failure.replay);
        failure.replay = strdup(task->keep.replay);
    }
    int err = run ? failure_write(&into, run, task->scenario, task->tape, &failure, setup->extras)
                  : failure_write_crash(&into, task->scenario, task->tape, &failure, setup->extras,
                                        result->noise);
    if (err)
        fprintf(stderr, "duress: cannot write %s: %s\n", task->keep.folder, strerror(-err));
    failure_done(&failure);
}

/* In an endless loop it is chance where it is met. */
static void find_place(char *out, size_t size, int status, const char *noise)
{
    bool loops = WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF;
    uintptr_t place = loops ? 0 : backtrace_place(noise);
    if (WIFEXITED(status))
        snprintf(out, size, "status %d", WEXITSTATUS(status));
    else if (place)
        snprintf(out, size, "SIG%s at +0x%" PRIxPTR, sigabbrev_np(WTERMSIG(status)), place);
    else
        snprintf(out, size, "SIG%s", sigabbrev_np(WTERMSIG(status)));
}

static char *crash_message(const struct child *child, int status, char *noise, size_t *ret_length)
{
    struct result result = {
        .run = child->task.run,
        .again = child->task.again,
        .outcome = OUTCOME_CRASH,
        .property = "crash",
        .noise = noise,
    };
    describe_end(result.message, sizeof result.message, status, child, noise);
    find_place(result.place, sizeof result.place, status, noise);
    if (child_keeps(&child->task))
        child_keep(&child->task, &result, NULL);
    char *message = child_message(&result, ret_length);
    result_done(&result);
    return message;
}

void child_noise(const struct child *child)
{
    char *noise = noise_take(child);
    if (noise)
        fputs(noise, stderr);
    free(noise);
}

char *child_end(struct child *child, size_t *ret_length)
{
    int status = child_reap(child);
    char *sent = child->sent;
    size_t length = child->length;
    child->sent = NULL;
    child->length = 0;
    /* It exits with 0 once it has sent everything; but so may the system under test, before. A
     * crashed one may have sent its recording. */
    if (status == 0 && length > 0) {
        child_noise(child);
        *ret_length = length;
        return sent;
    }
    size_t line;
    char *message = crash_message(child, status, noise_take(child), &line);
    *ret_length = line + length;
    message = realloc(message, *ret_length);
    if (!message)
        abort();
    if (length)
        memcpy(message + line, sent, length);
    free(sent);
    return message;
}

void child_dismiss(struct child *child)
{
    child_reap(child);
    child_noise(child);
    free(child->sent);
    child->sent = NULL;
    child->length = 0;
}

void child_kill(struct child *child)
{
    if (child->pipe < 0)
        return;
    kill(child->pid, SIGKILL);
    child_reap(child);
    free(noise_take(child));
    free(child->sent);
    child->sent = NULL;
    child->length = 0;
}

char *child_listen(struct child *child, size_t *ret_length)
{
    for (;;) {
        struct pollfd pipe = {.fd = child->pipe, .events = POLLIN};
        int ready = poll(&pipe, 1, child_watch(child));
        if (ready > 0 && !child_read(child))
            return child_end(child, ret_length);
    }
}

char *child_run(struct child *child, const struct child_task *task, size_t *ret_length)
{
    child_start(child, task);
    return child_listen(child, ret_length);
}
