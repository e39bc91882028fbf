/* exec_worker.c: see exec_worker.h. Two processes of the runtime look after a program: the job's
 * own waits for its end, and a guard watches the clock and the job's process, which may be
 * killed at any moment. */
#define _GNU_SOURCE /* vasprintf, sigabbrev_np */
#include "sut/cli/exec_worker.h"
#include "sut/cli/words.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_CANCEL = 10, EXIT_DISCARD = 11, EXIT_SNOOZE = 12, BUSY_SNOOZE_S = 5 };

#define TERM_NS (2 * NS_PER_S) /* between SIGTERM and SIGKILL */

/* ---- which file ---- */

bool exec_name_allowed(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return name[0] && name[0] != '.' && name[strspn(name, allowed)] == '\0';
}

const char *exec_file_wrong(int directory_fd, const char *name)
{
    struct stat file;
    if (fstatat(directory_fd, name, &file, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? "does not exist" : strerrordesc_np(errno);
    if (S_ISLNK(file.st_mode))
        return "is a symbolic link; it must be the file itself";
    if (!S_ISREG(file.st_mode))
        return "is not a regular file";
    if (faccessat(directory_fd, name, X_OK, AT_EACCESS) != 0)
        return "is not executable";
    return NULL;
}

/* ---- the program's surroundings ---- */

static char *format(struct heap *heap, const char *pattern, ...)
    __attribute__((format(printf, 2, 3)));

static char *format(struct heap *heap, const char *pattern, ...)
{
    char *text;
    va_list args;
    va_start(args, pattern);
    int length = vasprintf(&text, pattern, args);
    va_end(args);
    if (length < 0)
        out_of_memory("a text");
    char *copy = heap_strdup(heap, text);
    free(text);
    return copy;
}

static const char *env_or(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value ? value : fallback;
}

static char **environment(struct heap *heap, const struct job *job)
{
    char key[32], **env = heap_alloc(heap, 12 * sizeof *env), **next = env;
    job_idempotency_key(job, key);
    *next++ = format(heap, "JOB_ID=%" PRIu64, job->id);
    *next++ = format(heap, "JOB_ATTEMPT=%u", job->attempt);
    *next++ = format(heap, "JOB_MAX_ATTEMPTS=%u", job->max_attempts);
    *next++ = format(heap, "JOB_QUEUE=%s", job->queue);
    *next++ = format(heap, "JOB_WORKER=%s", job->worker);
    *next++ = format(heap, "JOB_LEASE=%" PRIu64, job->lease);
    *next++ = format(heap, "JOB_IDEMPOTENCY_KEY=%s", key);
    *next++ = format(heap, "PATH=%s", env_or("PATH", "/usr/local/bin:/usr/bin:/bin"));
    *next++ = format(heap, "HOME=%s", env_or("HOME", "/"));
    *next++ = format(heap, "LANG=%s", env_or("LANG", "C.UTF-8"));
    return env;
}

static int program_start(struct proc *self, struct exec_workers *workers, const struct job *job,
                         struct subprocess **ret_child)
{
    struct heap *heap = proc_heap(self);
    char *path = format(heap, "%s/%s", workers->directory, job->worker);
    char *argv[] = {path, NULL};
    struct program program = {.path = path,
                              .argv = argv,
                              .env = environment(heap, job),
                              .input = job->args,
                              .input_size = strlen(job->args),
                              .memory_max = workers->memory_max};
    return subprocess_start(&workers->children, &program, ret_child);
}

/* ---- the guard ---- */

struct watch {
    struct subprocess *child; /* its own reference */
    proc_id job;
    int64_t timeout_ns; /* 0: none */
};

static void guard_main(struct proc *self, void *arg)
{
    struct watch *watch = arg;
    proc_monitor(self, watch->job);
    const struct message *down =
        proc_receive(self, watch->timeout_ns ? watch->timeout_ns : WAIT_FOREVER);
    if (!down) {
        watch->child->timed_out = true;
        subprocess_signal(watch->child, SIGTERM);
        down = proc_receive(self, TERM_NS);
    }
    subprocess_signal(watch->child, SIGKILL);
    while (!down)
        down = proc_receive(self, WAIT_FOREVER);
    subprocess_unref(watch->child);
}

/* Without a guard there is nobody to kill it in time: so it is killed now. */
static void guard_start(struct proc *self, struct subprocess *child, int64_t timeout_ns)
{
    struct watch watch = {
        .child = subprocess_ref(child), .job = proc_self(self), .timeout_ns = timeout_ns};
    if (proc_spawn(proc_runtime(self), &(struct proc_spec){.label = "guard",
                                                           .main = guard_main,
                                                           .arg = &watch,
                                                           .arg_size = sizeof watch}))
        return;
    subprocess_signal(child, SIGKILL);
    subprocess_unref(child);
}

/* ---- the outcome ---- */

static struct job_outcome snooze_outcome(const char *line)
{
    int64_t seconds;
    if (!words_number(line, 0, JOB_DELAY_MAX_MS / 1000, &seconds))
        return job_outcome_make(
            JOB_ERROR, "exit status 12 (snooze), but the last line is no number of seconds: %.120s",
            line[0] ? line : "there is none");
    struct job_outcome outcome = job_outcome_make(JOB_SNOOZE, "%s", "");
    outcome.snooze_s = seconds;
    return outcome;
}

static struct job_outcome exit_outcome(int code, const char *line)
{
    switch (code) {
    case 0: return job_outcome_make(JOB_OK, "%s", "");
    case EXIT_CANCEL: return job_outcome_make(JOB_CANCEL, "%s", line);
    case EXIT_DISCARD: return job_outcome_make(JOB_DISCARD, "%s", line);
    case EXIT_SNOOZE: return snooze_outcome(line);
    default: break;
    }
    return line[0] ? job_outcome_make(JOB_ERROR, "%s", line)
                   : job_outcome_make(JOB_ERROR, "exit status %d", code);
}

static struct job_outcome subprocess_outcome(const struct subprocess *child, int64_t timeout_ns)
{
    char limit[32];
    if (child->timed_out)
        return job_outcome_make(JOB_ERROR, "timed out after %s",
                                words_of_duration(timeout_ns, limit));
    if (!WIFSIGNALED(child->status))
        return exit_outcome(WEXITSTATUS(child->status), child->line.last);
    const char *name = sigabbrev_np(WTERMSIG(child->status));
    return name ? job_outcome_make(JOB_ERROR, "killed by SIG%s", name)
                : job_outcome_make(JOB_ERROR, "killed by signal %d", WTERMSIG(child->status));
}

/* What this machine is short of is no fault of the job: its attempt is given back. */
static struct job_outcome unstarted_outcome(int err)
{
    if (err != -EAGAIN && err != -ENOMEM && err != -EMFILE && err != -ENFILE)
        return job_outcome_make(JOB_ERROR, "cannot be started: %s", strerror(-err));
    struct job_outcome outcome =
        job_outcome_make(JOB_SNOOZE, "this machine is too busy: %s", strerror(-err));
    outcome.snooze_s = BUSY_SNOOZE_S;
    return outcome;
}

static struct job_outcome program_run(struct proc *self, struct exec_workers *workers,
                                      const struct job *job)
{
    struct subprocess *child;
    int err = program_start(self, workers, job, &child);
    if (err)
        return unstarted_outcome(err);
    int64_t timeout_ns = job_time_limit_ns(job, workers->timeout_ns);
    guard_start(self, child, timeout_ns);
    subprocess_wait(self, child);
    struct job_outcome outcome = subprocess_outcome(child, timeout_ns);
    subprocess_unref(child);
    return outcome;
}

struct job_outcome exec_perform(struct proc *self, const struct job *job, void *ctx)
{
    struct exec_workers *workers = ctx;
    if (!exec_name_allowed(job->worker))
        return job_outcome_make(
            JOB_DISCARD, "worker '%.127s' is no file name of letters, digits, '.', '_' and '-'",
            job->worker);
    if (!workers->directory)
        return job_outcome_make(JOB_ERROR, "unknown worker '%.127s': no loaded file has it",
                                job->worker);
    const char *wrong = exec_file_wrong(workers->directory_fd, job->worker);
    if (wrong)
        return job_outcome_make(JOB_ERROR, "worker '%.127s' %s", job->worker, wrong);
    return program_run(self, workers, job);
}

/* ---- life ---- */

/* Its real name, in memory from malloc(), and itself; or a negative errno. */
static int directory_open(const char *directory, char **ret_real)
{
    *ret_real = realpath(directory, NULL);
    int fd = *ret_real ? open(*ret_real, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0)
        return fd;
    int err = errno;
    free(*ret_real);
    return -err;
}

int exec_workers_init(struct exec_workers *workers, struct env_live *live, const char *directory,
                      int64_t timeout_ns)
{
    *workers = (struct exec_workers){.directory_fd = -1, .timeout_ns = timeout_ns};
    int err = directory ? exec_workers_move(workers, live->env.heap, directory) : 0;
    if (!err)
        subprocesses_init(&workers->children, live);
    return err;
}

int exec_workers_move(struct exec_workers *workers, struct heap *heap, const char *directory)
{
    char *real;
    int fd = directory_open(directory, &real);
    if (fd < 0)
        return fd;
    if (workers->directory_fd >= 0)
        close(workers->directory_fd);
    heap_release(heap, (void *)(uintptr_t)workers->directory);
    workers->directory = heap_strdup(heap, real);
    workers->directory_fd = fd;
    free(real);
    return 0;
}

int exec_directory_wrong(const char *directory)
{
    char *real;
    int fd = directory_open(directory, &real);
    if (fd < 0)
        return fd;
    free(real);
    close(fd);
    return 0;
}

void exec_workers_done(struct exec_workers *workers)
{
    subprocesses_done(&workers->children);
    if (workers->directory_fd >= 0)
        close(workers->directory_fd);
}
