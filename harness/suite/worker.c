/* worker.c: both ends of the socket: the main process's side, and cmd_worker, which is the worker.
 */
#define _GNU_SOURCE /* asprintf */
#include "harness/suite/worker.h"

#include "harness/process/fork.h"
#include "harness/process/series.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORKER_FD = 3 };

/* ---- starting one ---- */

/* The path, when there is still a file under it: valgrind answers readlink for us, but not exec. */
static const char *own_program(char *path, size_t size)
{
    struct stat about;
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length > 0) {
        path[length] = '\0';
        if (stat(path, &about) == 0)
            return path;
    }
    return "/proc/self/exe";
}

static void add_words(struct words *argv, const char *option, const struct words *values)
{
    for (size_t i = 0; i < values->count; i++) {
        words_add(argv, option);
        words_add(argv, values->items[i]);
    }
}

static _Noreturn void become_worker(const struct worker_setup *setup, int socket)
{
    char path[PATH_MAX], timeout[32];
    const char *program = own_program(path, sizeof path);
    struct words argv = {0};
    snprintf(timeout, sizeof timeout, "%lldns", (long long)setup->run_timeout_ns);
    words_add(&argv, setup->program);
    words_add(&argv, cmd_worker.name);
    words_add(&argv, "--program");
    words_add(&argv, setup->program);
    words_add(&argv, "--run-timeout");
    words_add(&argv, timeout);
    add_words(&argv, "--fault", &setup->extras->faults);
    add_words(&argv, "--property", &setup->extras->properties);
    words_add(&argv, "--");
    for (size_t i = 0; i < setup->plan->scenario_count; i++)
        words_add(&argv, setup->plan->scenarios[i]->path);
    words_add(&argv, NULL);
    if (socket == WORKER_FD)
        fcntl(socket, F_SETFD, 0);
    else
        dup2(socket, WORKER_FD);
    execv(program, (char *const *)(uintptr_t)argv.items);
    _exit(127);
}

int worker_start(struct worker *ret_worker, const struct worker_setup *setup)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return -errno;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become_worker(setup, ends[1]);
    int err = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (err)
        close(ends[0]);
    else
        *ret_worker = (struct worker){.pid = pid, .socket = ends[0]};
    return err;
}

void worker_stop(struct worker *worker)
{
    close(worker->socket);
    kill(worker->pid, SIGKILL);
    fork_reap(worker->pid);
    *worker = (struct worker){.socket = -1};
}

/* ---- talking ---- */

static int send_whole(int socket, const void *data, size_t size)
{
    ssize_t sent;
    do
        sent = send(socket, data, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

/* The next message, heap; NULL at the end. */
static char *receive_whole(int socket, size_t *ret_length)
{
    ssize_t length;
    do
        length = recv(socket, NULL, 0, MSG_PEEK | MSG_TRUNC);
    while (length < 0 && errno == EINTR);
    if (length <= 0)
        return NULL;
    char *data = malloc((size_t)length);
    if (!data)
        abort();
    do
        length = recv(socket, data, (size_t)length, 0);
    while (length < 0 && errno == EINTR);
    *ret_length = (size_t)length;
    return data;
}

int worker_order(const struct worker *worker, const struct job *job)
{
    return send_whole(worker->socket, job, sizeof *job);
}

char *worker_result(const struct worker *worker, size_t *ret_length)
{
    return receive_whole(worker->socket, ret_length);
}

/* ---- the worker itself ---- */

struct worker_options {
    struct extras extras;
    const char *program;
    int64_t run_timeout_ns;
};

#define AT(field) offsetof(struct worker_options, field)
static const struct option worker_table[] = {
    {"program", 0, "PATH", option_text, AT(program), "how replay lines call duress"},
    {"run-timeout", 0, "T", option_duration, AT(run_timeout_ns), "CPU time of one run"},
    {"fault", 0, "POINT=TERM", option_list, AT(extras.faults), "as for run"},
    {"property", 0, "NAME", option_list, AT(extras.properties), "as for run"},
    {0},
};
#undef AT

/* The places in which a worker makes runs. */
struct places {
    struct series series;
    struct child child;
};

/* A failure counts when the run fails in a process of its own, too: then that is the one to tell of. If it does not, it
 * depends on the runs before it, which verifying it will show. */
static char *confirm(struct child *child, const struct child_task *task, char *line, size_t *length)
{
    struct result result = {0};
    size_t own_length;
    char *own = child_run(child, task, &own_length);
    bool held = result_read(own, own_length, &result) == 0 && result.outcome == OUTCOME_PASS;
    result_done(&result);
    free(held ? own : line);
    *length = held ? *length : own_length;
    return held ? line : own;
}

static char *make_run(struct places *places, const struct child_task *task, size_t *ret_length)
{
    bool alone = task->again || task->keep.folder[0] || !task->scenario->system->leaves_nothing;
    bool held;
    if (alone)
        return child_run(&places->child, task, ret_length);
    char *line = series_run(&places->series, task, &held, ret_length);
    return held ? line : confirm(&places->child, task, line, ret_length);
}

static char *execute(struct places *places, const struct child_setup *setup,
                     const struct plan *plan, const struct job *job, size_t *ret_length)
{
    struct tape *tape = tape_new(job->run.seed);
    const struct child_task task = {
        .setup = setup,
        .scenario = plan->scenarios[job->run.scenario],
        .tape = tape,
        .run = job->run,
        .again = job->again,
        .keep = {.folder = job->keep},
    };
    char *line = make_run(places, &task, ret_length);
    tape_free(tape);
    return line;
}

static int serve(const struct child_setup *setup, const struct plan *plan)
{
    struct places places;
    struct job job;
    size_t length;
    int err = 0;
    series_init(&places.series);
    child_init(&places.child);
    for (char *order; !err && (order = receive_whole(WORKER_FD, &length)); free(order)) {
        if (length != sizeof job)
            abort();
        memcpy(&job, order, sizeof job);
        char *line = execute(&places, setup, plan, &job, &length);
        err = send_whole(WORKER_FD, line, length);
        free(line);
    }
    series_done(&places.series);
    child_done(&places.child);
    return err ? EXIT_HARNESS : EXIT_HELD;
}

/* Ctrl-C reaches the whole process group: what it means is decided by the main process alone. */
static void live_and_die_with_parent(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int worker_run(const struct command *command, const struct systems *systems, int argc,
                      char **argv)
{
    struct worker_options options = {.program = "duress"};
    struct words paths = {0};
    struct plan plan;
    char *why = NULL;
    live_and_die_with_parent();
    int code = EXIT_USAGE;
    if (options_parse(command, argc, argv, &options, &paths) == 0) {
        const struct child_setup setup = {.extras = &options.extras,
                                          .program = options.program,
                                          .run_timeout_ns = options.run_timeout_ns,
                                          .close_fd = WORKER_FD,
                                          .leaks = true};
        if (plan_load(&plan, &paths, &options.extras, systems, &why) == 0) {
            code = serve(&setup, &plan);
            plan_done(&plan);
        }
    }
    if (why)
        cli_explain(why);
    free(why);
    words_done(&paths);
    words_done(&options.extras.faults);
    words_done(&options.extras.properties);
    return code;
}

const struct command cmd_worker = {
    .name = "worker",
    .args = "SCENARIO...",
    .about = "runs what the main process orders over file descriptor 3 (internal)",
    .options = worker_table,
    .run = worker_run,
    .hidden = true,
};
