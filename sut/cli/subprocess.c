/* subprocess.c: see subprocess.h. fork and exec by hand, because the child must ask the kernel to die with
 * its parent, which libuv's own cannot do. Between fork and exec only functions are called that
 * are safe there: other threads may hold any lock. */
#define _GNU_SOURCE /* execveat, memfd_create, pipe2 */
#include "sut/cli/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

enum { CANNOT_EXECUTE = 126, READ_SIZE = 16384 };

/* ---- in the child ---- */

static void say(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; ++number)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void subprocess_main(struct subprocesses *children, const struct program *program,
                                      pid_t parent, int input, int output)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(CANNOT_EXECUTE); /* it died before it could be asked for */
    reaper_watch(&children->reaper, getpid());
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    reset_signals();
    if (program->memory_max)
        setrlimit(RLIMIT_AS, &(struct rlimit){.rlim_cur = program->memory_max,
                                              .rlim_max = program->memory_max});
    execveat(AT_FDCWD, program->path, program->argv, program->env, AT_SYMLINK_NOFOLLOW);
    say("cannot be executed: ");
    say(strerrordesc_np(errno));
    _exit(CANNOT_EXECUTE);
}

/* ---- starting ---- */

/* A file in memory, so that nobody has to feed a pipe. */
static int input_open(const struct program *program)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    size_t done = 0;
    while (fd >= 0 && done < program->input_size) {
        ssize_t written = write(fd, program->input + done, program->input_size - done);
        if (written <= 0) {
            close(fd);
            return -1;
        }
        done += (size_t)written;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* No signal may be handled in the child by the parent's handlers: they would write to the
 * parent's loop. */
static pid_t fork_quietly(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    int err = errno;
    if (pid != 0)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = err;
    return pid;
}

static void on_output(uv_poll_t *poll, int status, int events);

/* With the caller's reference. NULL: its output cannot be watched. */
static struct subprocess *subprocess_new(struct subprocesses *children, int fd)
{
    struct subprocess *child = heap_alloc(children->live->env.heap, sizeof *child);
    child->all = children;
    child->refs = 1;
    child->fd = fd;
    child->output.data = child;
    if (uv_poll_init(&children->live->loop, &child->output, fd) == 0)
        return child;
    heap_release(children->live->env.heap, child);
    return NULL;
}

static void subprocess_runs(struct subprocess *child, pid_t pid)
{
    subprocess_ref(child);
    child->pid = pid;
    setpgid(pid, pid); /* as the child itself does: whoever comes first */
    uv_poll_start(&child->output, UV_READABLE, on_output);
    DL_APPEND(child->all->first, child);
}

static void on_closed(uv_handle_t *handle)
{
    subprocess_unref(handle->data);
}

/* Gives up one reference. */
static void subprocess_close(struct subprocess *child)
{
    uv_close((uv_handle_t *)&child->output, on_closed);
    close(child->fd);
}

static int start(struct subprocesses *children, const struct program *program, int input,
                 int output, struct subprocess *child)
{
    pid_t self = getpid(), pid = fork_quietly();
    if (pid == 0)
        subprocess_main(children, program, self, input, output);
    if (pid < 0)
        return -errno;
    subprocess_runs(child, pid);
    return 0;
}

int subprocess_start(struct subprocesses *children, const struct program *program,
                     struct subprocess **ret_child)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    int input = input_open(program), err = input < 0 ? -errno : 0;
    struct subprocess *child = err ? NULL : subprocess_new(children, ends[0]);
    if (child)
        err = start(children, program, input, ends[1], child);
    else
        close(ends[0]);
    if (child && err)
        subprocess_close(child);
    close(ends[1]);
    if (input >= 0)
        close(input);
    if (!child || err)
        return err ? err : -ENOMEM;
    *ret_child = child;
    return 0;
}

/* ---- output ---- */

/* As read(). */
static ssize_t subprocess_read(struct subprocess *child)
{
    char bytes[READ_SIZE];
    ssize_t got = read(child->fd, bytes, sizeof bytes);
    if (got > 0)
        last_line_feed(&child->line, bytes, (size_t)got);
    return got;
}

/* A program may close its output long before it ends. */
static void on_output(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    ssize_t got = subprocess_read(poll->data);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        uv_poll_stop(poll);
}

/* ---- the end ---- */

/* Its zombie keeps the group's number from being used again until all of that is done. What was
 * written before it ended is in the pipe by now; a process that left the group may hold the
 * other end for ever, so nobody waits for its end. */
static void subprocess_end(struct subprocess *child)
{
    kill(-child->pid, SIGKILL);
    reaper_forget(&child->all->reaper, child->pid);
    waitpid(child->pid, &child->status, 0);
    for (size_t most = 1 << 20; most && subprocess_read(child) > 0; most -= READ_SIZE)
        ;
    last_line_end(&child->line);
    child->reaped = true;
    DL_DELETE(child->all->first, child);
    subprocess_close(child);
    if (child->awaited)
        child->work.done(&child->work);
}

static void on_exit_signal(uv_signal_t *handle, int number)
{
    struct subprocesses *children = handle->data;
    struct subprocess *child = NULL, *next = NULL;
    (void)number; /* SIGCHLD, perhaps for several of them */
    DL_FOREACH_SAFE (children->first, child, next) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
            subprocess_end(child);
    }
}

static void await(void *ctx, struct work *work)
{
    struct subprocess *child = (struct subprocess *)work;
    (void)ctx;
    child->awaited = true;
    if (child->reaped)
        work->done(work);
}

static void drop(struct work *work)
{
    subprocess_unref((struct subprocess *)work);
}

void subprocess_wait(struct proc *self, struct subprocess *child)
{
    proc_work_via(self, &child->work, await, NULL, drop, WAIT_FOREVER);
}

void subprocess_signal(struct subprocess *child, int number)
{
    if (!child->reaped)
        kill(-child->pid, number);
}

struct subprocess *subprocess_ref(struct subprocess *child)
{
    ++child->refs;
    return child;
}

void subprocess_unref(struct subprocess *child)
{
    if (--child->refs == 0)
        heap_release(child->all->live->env.heap, child);
}

/* ---- all of them ---- */

void subprocesses_init(struct subprocesses *children, struct env_live *live)
{
    *children = (struct subprocesses){.live = live};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a database that may not grow is an error, and may pass */
    reaper_start(&children->reaper);
    uv_signal_init(&live->loop, &children->on_exit);
    uv_signal_start(&children->on_exit, on_exit_signal, SIGCHLD);
    children->on_exit.data = children;
}

void subprocesses_done(struct subprocesses *children)
{
    struct subprocess *child = NULL, *next = NULL;
    uv_close((uv_handle_t *)&children->on_exit, NULL);
    DL_FOREACH_SAFE (children->first, child, next) {
        subprocess_signal(child, SIGKILL);
        DL_DELETE(children->first, child);
        subprocess_close(child);
    }
    reaper_stop(&children->reaper);
}
