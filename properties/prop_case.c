/* prop_case.c: executes one case, in this process or in a child of its own.
 *
 * A child may die anywhere, so what it draws is copied into shared memory as it goes: the parent then knows the
 * sequence of a case that crashed, and can shrink it. A child leaves with _exit(), always: whatever it has inherited
 * (buffers, a test framework's channel) is the parent's.
 */
#define _GNU_SOURCE /* memfd_create, sigabbrev_np */
#include "harness/process/crash.h"
#include "harness/process/fork.h"
#include "properties/prop_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LIMIT_NS = 2000000000,
    HANG_FACTOR = 10,
    IDLE_FACTOR = 1000,
    NOISE_MAX = 16384,
    SPANS_MAX = 4 * CHOICES_MAX
};

struct shared {
    struct outcome outcome;
    bool finished, overrun;
    size_t choice_count, span_count;
    struct sequence_choice choices[CHOICES_MAX];
    struct sequence_span spans[SPANS_MAX];
};

void executor_init(struct executor *executor, const struct prop *prop)
{
    *executor = (struct executor){.prop = prop, .noise = -1};
    if (!prop->isolate) {
        executor->outcome = calloc(1, sizeof *executor->outcome);
        if (!executor->outcome)
            abort();
        return;
    }
    executor->shared = mmap(NULL, sizeof *executor->shared, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    executor->noise = memfd_create("duress-noise", MFD_CLOEXEC);
    if (executor->shared == MAP_FAILED || executor->noise < 0)
        abort();
    executor->outcome = &executor->shared->outcome;
    crash_prepare();
}

void executor_done(struct executor *executor)
{
    if (!executor->shared) {
        free(executor->outcome);
        return;
    }
    munmap(executor->shared, sizeof *executor->shared);
    close(executor->noise);
}

static void outcome_clear(struct outcome *outcome)
{
    memset(outcome, 0, offsetof(struct outcome, labels));
    outcome->place[0] = outcome->message[0] = outcome->shown[0] = '\0';
    outcome->shown_length = 0;
}

/* ---- in this process ---- */

static void drew(struct gen *gen)
{
    struct prop_case *executed = (struct prop_case *)gen;
    if (executed->synced)
        executed->synced(executed);
    if (!sequence_overrun(gen->sequence) || executed->leaving)
        return;
    /* A list that rejected too much is an assumption that did not hold. */
    bool full = sequence_length(gen->sequence) >= CHOICES_MAX;
    case_leave(executed, full ? CASE_TOO_LARGE : CASE_DISCARDED);
}

static void execute(struct executor *executor, struct sequence *sequence, bool telling,
                    void (*synced)(struct prop_case *))
{
    struct prop_case executed = {
        .gen = {.sequence = sequence, .drew = drew},
        .prop = executor->prop,
        .outcome = executor->outcome,
        .telling = telling,
        .synced = synced,
    };
    executed.gen.arena = &executed.arena;
    outcome_clear(executed.outcome);
    struct prop_case *outer = prop_current_set(&executed);
    if (setjmp(executed.exit) == 0)
        executor->prop->body();
    executed.leaving = true;
    arena_clear(&executed.arena);
    prop_current_set(outer);
}

/* ---- in a child ---- */

static struct shared *sync_into; /* of the child */

/* Spans that were open at the last call, and the new ones: the others do not change any more. */
static void sync_spans(struct shared *shared, const struct sequence_span *spans, size_t count)
{
    for (size_t i = shared->span_count ? shared->span_count - 1 : SIZE_MAX; i != SIZE_MAX;
         i = spans[i].parent)
        shared->spans[i] = spans[i];
    for (size_t i = shared->span_count; i < count; i++)
        shared->spans[i] = spans[i];
    shared->span_count = count;
}

static void sync_draws(struct prop_case *executed)
{
    struct shared *shared = sync_into;
    struct sequence *sequence = executed->gen.sequence;
    size_t count, length = sequence_length(sequence);
    const struct sequence_span *spans = sequence_spans(sequence, &count);
    if (count > SPANS_MAX)
        case_leave(executed, CASE_TOO_LARGE);
    for (size_t i = shared->choice_count; i < length; i++)
        shared->choices[i] = sequence_choices(sequence)[i];
    shared->choice_count = length;
    sync_spans(shared, spans, count);
    shared->overrun = sequence_overrun(sequence);
}

static int64_t limit_of(const struct prop *prop)
{
    return prop->limit_ns ? prop->limit_ns : LIMIT_NS;
}

_Noreturn static void child_main(struct executor *executor, struct sequence *sequence, bool telling)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(executor->noise, STDOUT_FILENO);
    dup2(executor->noise, STDERR_FILENO);
    crash_catch(NULL, NULL, 0);
    crash_limit(limit_of(executor->prop));
    sync_into = executor->shared;
    execute(executor, sequence, telling, sync_draws);
    fflush(stdout);
    executor->shared->finished = true;
    _exit(0);
}

/* Its CPU time is limited; a child that stands still for long is killed. Returns whether that was necessary. */
static bool child_await(int fd, pid_t pid, int64_t limit_ns)
{
    int wait_ms = (int)(limit_ns / 1000000 * HANG_FACTOR), got;
    int64_t before_ns, used_ns = 0;
    do {
        before_ns = used_ns;
        got = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, wait_ms);
        used_ns = fork_cpu_ns(pid);
    } while ((got < 0 && errno == EINTR) ||
             (got == 0 && used_ns - before_ns > limit_ns * HANG_FACTOR / IDLE_FACTOR));
    if (got == 0)
        kill(pid, SIGKILL);
    return got == 0;
}

static int child_fork(struct executor *executor, struct sequence *sequence, bool telling,
                      bool *ret_hung)
{
    int end;
    pid_t pid = fork_piped(&end);
    if (pid == 0)
        child_main(executor, sequence, telling);
    *ret_hung = child_await(end, pid, limit_of(executor->prop));
    close(end);
    return fork_reap(pid);
}

/* What the child wrote, its end; then it is forgotten. */
static void noise_take(int fd, char *out, size_t size)
{
    off_t length = lseek(fd, 0, SEEK_END);
    off_t from = length < (off_t)size ? 0 : length - (off_t)size + 1;
    ssize_t got = pread(fd, out, size - 1, from);
    out[got > 0 ? got : 0] = '\0';
    if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
        abort();
}

/* The part of a hint that is the same for every death of this kind: without addresses. */
static void stable_part(const char *hint, char *out, size_t size)
{
    const char *error = strstr(hint, "ERROR: ");
    const char *from = error ? error : hint;
    const char *end = strstr(from, " on ");
    snprintf(out, size, "%.*s", error && end ? (int)(end - from) : (int)strlen(from), from);
}

static void describe_death(struct executor *executor, int status, bool hung)
{
    struct outcome *outcome = executor->outcome;
    char noise[NOISE_MAX], hint[200], what[96], place[120];
    noise_take(executor->noise, noise, sizeof noise);
    crash_hint(noise, hint, sizeof hint);
    if (hung)
        snprintf(what, sizeof what, "hung: it stood still, without using CPU time");
    else if (WIFSIGNALED(status))
        crash_describe(what, sizeof what, WTERMSIG(status), limit_of(executor->prop));
    else
        snprintf(what, sizeof what, "the process ended with status %d in mid-case",
                 WEXITSTATUS(status));
    stable_part(hint, place, sizeof place);
    snprintf(outcome->place, sizeof outcome->place, "%.60s%s%s", what, place[0] ? ": " : "", place);
    snprintf(outcome->message, sizeof outcome->message, "%s%s%s", what, hint[0] ? ": " : "", hint);
    outcome->verdict = CASE_FAILED;
}

static void execute_isolated(struct executor *executor, struct sequence *sequence, bool telling)
{
    struct shared *shared = executor->shared;
    bool hung;
    shared->finished = shared->overrun = false;
    shared->choice_count = shared->span_count = 0;
    int status = child_fork(executor, sequence, telling, &hung);
    sequence_adopt(sequence, shared->choices, shared->choice_count, shared->spans,
                   shared->span_count, shared->overrun);
    if (!shared->finished || status != 0 || hung)
        describe_death(executor, status, hung);
    else if (ftruncate(executor->noise, 0) || lseek(executor->noise, 0, SEEK_SET))
        abort();
}

/* ---- either ---- */

enum verdict_of_case executor_run(struct executor *executor, struct sequence *sequence,
                                  bool telling)
{
    if (executor->shared)
        execute_isolated(executor, sequence, telling);
    else
        execute(executor, sequence, telling, NULL);
    return executor->outcome->verdict;
}
