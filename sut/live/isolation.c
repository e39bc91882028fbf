/* isolation.c: the program's side of isolation.h.
 *
 *     ASKED --the order is sent--> SENT --the report comes, or the server is gone--> done
 *        \--killed before that--> done
 *
 * An order waits when the server is behind with its mail: the loop never does. */
#define _GNU_SOURCE /* memfd_create */
#include "sut/live/isolation.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

struct isolated {
    struct isolation *isolation;
    struct child_work *work;
    uint64_t number;
    int input; /* the file; -1: it is sent */
    bool sent, kill, kill_sent;
    struct isolated *prev, *next;
};

static void end(struct isolated *run, const struct isolation_report *report)
{
    struct isolation *isolation = run->isolation;
    struct child_work *work = run->work;
    DL_DELETE(isolation->first, run);
    if (run->input >= 0)
        close(run->input);
    heap_release(isolation->live->env.heap, run);
    work->err = report->err;
    work->status = report->status;
    work->answer_size = report->answer_size;
    memcpy(work->answer, report->answer, sizeof work->answer);
    work->work.driver = NULL;
    work->work.done(&work->work);
}

/* Its children died with it; what was not sent yet has not begun. */
static void server_gone(struct isolation *isolation)
{
    if (isolation->fd < 0)
        return;
    env_log(&isolation->live->env, LOG_ERROR,
            "the process that makes processes for jobs is gone: none can be made here any more");
    uv_poll_stop(&isolation->poll);
    close(isolation->fd);
    isolation->fd = -1;
    waitpid(isolation->pid, NULL, 0);
    while (isolation->first) {
        const struct isolated *run = isolation->first;
        end(isolation->first,
            &(struct isolation_report){.err = run->sent ? 0 : -EPIPE, .status = SIGKILL});
    }
}

/* ---- orders ---- */

/* A file in memory: no order is too long for the socket. */
static int input_open(const struct child_work *work)
{
    int fd = memfd_create("job", MFD_CLOEXEC);
    const char *input = work->input;
    size_t done = 0;
    while (fd >= 0 && done < work->input_size) {
        ssize_t written = write(fd, input + done, work->input_size - done);
        if (written <= 0) {
            close(fd);
            return -1;
        }
        done += (size_t)written;
    }
    return fd;
}

/* 0, or a negative errno; -EAGAIN: the server is behind. */
static int order_send(const struct isolation *isolation, struct isolation_order *order, int input)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = order, .iov_len = sizeof *order};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (input >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *file = CMSG_FIRSTHDR(&message);
        file->cmsg_level = SOL_SOCKET;
        file->cmsg_type = SCM_RIGHTS;
        file->cmsg_len = CMSG_LEN(sizeof input);
        memcpy(CMSG_DATA(file), &input, sizeof input);
    }
    return sendmsg(isolation->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int run_send(struct isolated *run)
{
    struct isolation_order order = {.kind = ISOLATION_RUN,
                                    .number = run->number,
                                    .memory_max = run->work->memory_max,
                                    .input_size = run->work->input_size};
    int err = order_send(run->isolation, &order, run->input);
    if (err)
        return err;
    close(run->input);
    run->input = -1;
    run->sent = true;
    return 0;
}

static int kill_send(struct isolated *run)
{
    struct isolation_order order = {.kind = ISOLATION_KILL, .number = run->number};
    int err = order_send(run->isolation, &order, -1);
    run->kill_sent = err == 0;
    return err;
}

static void on_ready(uv_poll_t *poll, int status, int events);

/* Sends what is to be sent, as far as it goes. */
static void orders_send(struct isolation *isolation)
{
    struct isolated *run = NULL;
    int err = 0;
    DL_FOREACH (isolation->first, run) {
        if (!run->sent)
            err = run_send(run);
        if (!err && run->kill && !run->kill_sent)
            err = kill_send(run);
        if (err)
            break;
    }
    if (err && err != -EAGAIN && err != -ETOOMANYREFS)
        server_gone(isolation);
    else
        uv_poll_start(&isolation->poll, UV_READABLE | (err ? UV_WRITABLE : 0), on_ready);
}

static void start_child(struct env *env, struct child_work *work)
{
    struct isolation *isolation = ((struct env_live *)env)->isolation;
    struct isolated *run = heap_alloc(env->heap, sizeof *run);
    *run = (struct isolated){.isolation = isolation,
                             .work = work,
                             .number = ++isolation->count,
                             .input = input_open(work)};
    int err = isolation->fd < 0 ? -EPIPE : run->input < 0 ? -errno : 0;
    work->work.driver = run;
    DL_APPEND(isolation->first, run);
    if (err)
        end(run, &(struct isolation_report){.err = err});
    else
        orders_send(isolation);
}

static void kill_child(struct env *env, struct child_work *work)
{
    struct isolation *isolation = ((struct env_live *)env)->isolation;
    struct isolated *run = work->work.driver;
    run->kill = true;
    if (!run->sent)
        end(run, &(struct isolation_report){.status = SIGKILL});
    else
        orders_send(isolation);
}

/* ---- reports ---- */

static void report_take(struct isolation *isolation, const struct isolation_report *report)
{
    struct isolated *run = NULL;
    DL_SEARCH_SCALAR(isolation->first, run, number, report->number);
    if (run)
        end(run, report);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct isolation *isolation = poll->data;
    struct isolation_report report;
    ssize_t got;
    (void)status, (void)events;
    while ((got = recv(isolation->fd, &report, sizeof report, MSG_DONTWAIT)) == sizeof report)
        report_take(isolation, &report);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        orders_send(isolation);
    else
        server_gone(isolation);
}

/* ---- life ---- */

static size_t threads_count(void)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *task;
    while (tasks && (task = readdir(tasks)))
        count += task->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return count;
}

static int refuse(int err, const char *sentence, char *why, size_t why_size)
{
    snprintf(why, why_size, "jobs cannot have processes of their own: %s", sentence);
    return err;
}

int isolation_start(struct isolation *isolation, struct env_live *live,
                    const struct worker *workers, size_t count, char *why, size_t why_size)
{
    int ends[2];
    if (threads_count() > 1)
        return refuse(-EBUSY, "the program has threads already; start isolation before them", why,
                      why_size);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return refuse(-errno, strerror(errno), why, why_size);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        isolation_serve(ends[1], &live->env, workers, count);
    }
    int err = pid < 0 ? -errno : 0;
    close(ends[1]);
    *isolation = (struct isolation){.live = live, .pid = pid, .fd = ends[0]};
    isolation->poll.data = isolation;
    if (!err && uv_poll_init(&live->loop, &isolation->poll, ends[0]) != 0)
        err = -ENOMEM;
    if (err) {
        close(ends[0]);
        return refuse(err, strerror(-err), why, why_size);
    }
    uv_poll_start(&isolation->poll, UV_READABLE, on_ready);
    uv_unref((uv_handle_t *)&isolation->poll);
    live->isolation = isolation;
    live->ops.child_start = start_child;
    live->ops.child_kill = kill_child;
    return 0;
}

void isolation_done(struct isolation *isolation)
{
    uv_close((uv_handle_t *)&isolation->poll, NULL);
    while (isolation->first) {
        struct isolated *run = isolation->first;
        DL_DELETE(isolation->first, run);
        if (run->input >= 0)
            close(run->input);
    }
    if (isolation->fd >= 0) {
        close(isolation->fd);
        waitpid(isolation->pid, NULL, 0);
    }
    isolation->fd = -1;
}
