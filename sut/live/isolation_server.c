/* isolation_server.c: the process that forks, and the children. See isolation.h. It keeps a row of what runs, and the kernel's word
 * that a child is dead (SIGCHLD, as a file). Nothing here can wait for ever but for an order. */
#define _GNU_SOURCE /* pipe2 */
#include "sut/live/isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    uint64_t number;
    pid_t pid;
    int answer; /* reads what it answers */
};

struct server {
    int fd, deaths;
    struct env *env;
    const struct worker *workers;
    size_t worker_count;
    struct child *children;
    size_t count, room;
};

/* ---- the child ---- */

/* What the program has mapped is not the job's doing. */
static void memory_limit(uint64_t bytes)
{
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm || fscanf(statm, "%lu", &pages) != 1)
        _exit(1);
    fclose(statm);
    rlim_t limit = pages * (rlim_t)sysconf(_SC_PAGESIZE) + bytes;
    if (setrlimit(RLIMIT_AS, &(struct rlimit){.rlim_cur = limit, .rlim_max = limit}) != 0)
        _exit(1);
}

static void *input_read(int fd, size_t size)
{
    char *input = malloc(size + 1);
    size_t done = 0;
    while (input && done < size) {
        ssize_t got = pread(fd, input + done, size - done, (off_t)done);
        if (got <= 0)
            _exit(1);
        done += (size_t)got;
    }
    if (!input)
        _exit(1);
    close(fd);
    return input;
}

static void forget_server(const struct server *server, pid_t parent)
{
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); /* it died before it could be asked for */
    close(server->fd);
    close(server->deaths);
    for (size_t i = 0; i < server->count; ++i)
        close(server->children[i].answer);
    for (int number = 1; number < NSIG; ++number)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child_main(const struct server *server, const struct isolation_order *order,
                                 int input_fd, int answer_fd, pid_t parent)
{
    unsigned char answer[CHILD_ANSWER_MAX];
    setpgid(0, 0);
    prctl(PR_SET_NAME, "job");
    forget_server(server, parent);
    void *input = input_read(input_fd, order->input_size);
    if (order->memory_max)
        memory_limit(order->memory_max);
    size_t size = jobs_child_run(server->env, server->workers, server->worker_count, input,
                                 order->input_size, answer);
    fflush(NULL);
    _exit(write(answer_fd, answer, size) == (ssize_t)size ? 0 : 1);
}

/* ---- orders ---- */

static void report(const struct server *server, const struct isolation_report *report)
{
    if (send(server->fd, report, sizeof *report, MSG_NOSIGNAL) < 0)
        _exit(0); /* nobody is there; what runs dies with us */
}

static void child_add(struct server *server, struct child child)
{
    if (server->count == server->room) {
        server->room = server->room ? 2 * server->room : 16;
        server->children = realloc(server->children, server->room * sizeof *server->children);
        if (!server->children)
            _exit(1);
    }
    server->children[server->count++] = child;
}

/* 0, or a negative errno. */
static int child_fork(struct server *server, const struct isolation_order *order, int input_fd)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -errno;
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        child_main(server, order, input_fd, ends[1], self);
    int err = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (err) {
        close(ends[0]);
        return err;
    }
    setpgid(pid, pid); /* as the child itself does: whoever comes first */
    child_add(server, (struct child){.number = order->number, .pid = pid, .answer = ends[0]});
    return 0;
}

static void order_run(struct server *server, const struct isolation_order *order, int input_fd)
{
    int err = input_fd < 0 ? -EMFILE : child_fork(server, order, input_fd);
    if (input_fd >= 0)
        close(input_fd);
    if (err)
        report(server, &(struct isolation_report){.number = order->number, .err = err});
}

/* Its number is not used again before it is reaped, below. */
static void order_kill(const struct server *server, const struct isolation_order *order)
{
    for (size_t i = 0; i < server->count; ++i)
        if (server->children[i].number == order->number)
            kill(-server->children[i].pid, SIGKILL);
}

/* The file that came along; -1: none. */
static int file_of(struct msghdr *message)
{
    int fd = -1;
    struct cmsghdr *part = CMSG_FIRSTHDR(message);
    if (part && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(part), sizeof fd);
    return fd;
}

static _Noreturn void serve_end(const struct server *server)
{
    for (size_t i = 0; i < server->count; ++i)
        kill(-server->children[i].pid, SIGKILL);
    _exit(0);
}

static void order_take(struct server *server)
{
    struct isolation_order order = {0};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = &order, .iov_len = sizeof order};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(server->fd, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got != sizeof order)
        serve_end(server);
    if (order.kind == ISOLATION_RUN)
        order_run(server, &order, file_of(&message));
    else
        order_kill(server, &order);
}

/* ---- deaths ---- */

/* Its zombie keeps the group's number from being used again until the rest of the group is killed. */
static void child_end(const struct server *server, const struct child *child)
{
    struct isolation_report end = {.number = child->number};
    kill(-child->pid, SIGKILL);
    waitpid(child->pid, &end.status, 0);
    ssize_t got = read(child->answer, end.answer, sizeof end.answer);
    end.answer_size = got > 0 ? (size_t)got : 0;
    close(child->answer);
    report(server, &end);
}

static void deaths_take(struct server *server)
{
    struct signalfd_siginfo told;
    size_t left = 0;
    while (read(server->deaths, &told, sizeof told) > 0)
        ; /* one signal may stand for several deaths */
    for (size_t i = 0; i < server->count; ++i) {
        struct child child = server->children[i];
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
            child_end(server, &child);
        else
            server->children[left++] = child;
    }
    server->count = left;
}

/* ---- its life ---- */

/* Out of the reach of Ctrl-C, and of signals to the program's group: a drain is for the program to begin. */
static void signals_prepare(struct server *server)
{
    sigset_t deaths;
    setsid();
    for (int number = 1; number < NSIG; ++number)
        signal(number, SIG_DFL);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigemptyset(&deaths);
    sigaddset(&deaths, SIGCHLD);
    sigprocmask(SIG_SETMASK, &deaths, NULL);
    server->deaths = signalfd(-1, &deaths, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->deaths < 0)
        _exit(1);
}

_Noreturn void isolation_serve(int fd, struct env *env, const struct worker *workers, size_t count)
{
    struct server server = {.fd = fd, .env = env, .workers = workers, .worker_count = count};
    prctl(PR_SET_NAME, "jobs-isolation");
    signals_prepare(&server);
    for (;;) {
        struct pollfd waits[] = {{.fd = fd, .events = POLLIN},
                                 {.fd = server.deaths, .events = POLLIN}};
        if (poll(waits, 2, -1) < 0 && errno != EINTR)
            serve_end(&server);
        if (waits[1].revents)
            deaths_take(&server);
        if (waits[0].revents)
            order_take(&server);
    }
}
