/* series.c: see series.h. Orders and messages travel over a socket that keeps them whole; the process that gives the
 * orders has the scenario at the same address. */
#include "harness/process/series.h"

#include "harness/process/child_internal.h"
#include "harness/process/crash.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct series_order {
    const struct scenario *scenario;
    struct plan_run run;
};

/* Behind it comes the message. */
struct series_reply {
    bool held;
};

/* ---- the process ---- */

/* Sends it, and says whether it held. */
static bool make_run(int socket, const struct series_order *order)
{
    struct tape *tape = tape_new(order->run.seed);
    struct run run;
    struct result result;
    size_t length;
    run_execute(&run, order->scenario, tape, UINT64_MAX);
    result_of_run(&result, &order->run, &run);
    struct series_reply reply = {.held = run.outcome == OUTCOME_PASS};
    char *message = child_message(&result, &length);
    result_done(&result);
    run_done(&run);
    tape_free(tape);
    struct iovec parts[] = {{&reply, sizeof reply}, {message, length}};
    const struct msghdr whole = {.msg_iov = parts, .msg_iovlen = 2};
    bool sent = sendmsg(socket, &whole, MSG_NOSIGNAL) >= 0;
    free(message);
    return sent && reply.held;
}

/* Ends by itself after a failure: nothing follows it here. */
static _Noreturn void series_main(const struct child_setup *setup, int socket, int noise)
{
    struct series_order order;
    child_settle(noise);
    while (recv(socket, &order, sizeof order, 0) == (ssize_t)sizeof order) {
        crash_timer(setup->run_timeout_ns);
        if (!make_run(socket, &order))
            break;
        child_check_leaks(setup);
        fflush(NULL);
    }
    _exit(0);
}

/* ---- who orders ---- */

void series_init(struct series *series)
{
    *series = (struct series){0};
    child_init(&series->child);
}

void series_done(struct series *series)
{
    child_done(&series->child);
}

static void series_start(struct series *series, const struct child_setup *setup)
{
    int ends[2];
    struct child *child = &series->child;
    fflush(NULL); /* or it would say it too */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        abort();
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        close(ends[0]);
        if (setup->close_fd >= 0)
            close(setup->close_fd);
        series_main(setup, ends[1], child->noise);
    }
    close(ends[1]);
    child->pid = pid;
    child->pipe = ends[0];
    series->runs = 0;
}

/* False: it has died. */
static bool reply_wait(struct child *child, ssize_t *ret_length)
{
    for (;;) {
        struct pollfd pipe = {.fd = child->pipe, .events = POLLIN};
        if (poll(&pipe, 1, child_watch(child)) <= 0)
            continue;
        *ret_length = recv(child->pipe, NULL, 0, MSG_PEEK | MSG_TRUNC);
        return *ret_length > (ssize_t)sizeof(struct series_reply);
    }
}

static char *reply_take(struct child *child, ssize_t length, bool *ret_held, size_t *ret_length)
{
    struct series_reply reply;
    *ret_length = (size_t)length - sizeof reply;
    char *message = malloc(*ret_length);
    if (!message)
        abort();
    struct iovec parts[] = {{&reply, sizeof reply}, {message, *ret_length}};
    struct msghdr whole = {.msg_iov = parts, .msg_iovlen = 2};
    if (recvmsg(child->pipe, &whole, 0) != length)
        abort();
    child_noise(child);
    *ret_held = reply.held;
    return message;
}

char *series_run(struct series *series, const struct child_task *task, bool *ret_held,
                 size_t *ret_length)
{
    struct child *child = &series->child;
    const struct series_order order = {task->scenario, task->run};
    ssize_t length;
    if (series->runs == SERIES_RUNS)
        child_kill(child);
    if (child->pipe < 0)
        series_start(series, task->setup);
    series->runs++;
    child_expect(child, task);
    /* When it cannot take the order, it is dead: then there is no reply, either. */
    (void)!send(child->pipe, &order, sizeof order, MSG_NOSIGNAL);
    *ret_held = false;
    if (!reply_wait(child, &length))
        return child_end(child, ret_length);
    char *message = reply_take(child, length, ret_held, ret_length);
    if (!*ret_held)
        child_kill(child);
    return message;
}
