/* child_main.c: the child's side: makes the run, and tells of it. See child.h. */
#include "harness/process/child_internal.h"

#include "harness/process/crash.h"
#include "harness/process/recording.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

void child_write(int fd, const void *data, size_t length)
{
    const char *text = data;
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

static void send_recording(const struct child_task *task, int to)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        abort();
    recording_write(task->tape, task->record, out);
    fclose(out);
    child_write(to, text, length);
    free(text);
}

/* In a copy of the crashed process: the trace up to the crash, if it can still be read. */
static void keep_crash(void *ctx, int signal)
{
    struct execution *x = ctx;
    if (!x->run.trace)
        return;
    if (x->task.record && !x->task.tell)
        send_recording(&x->task, x->out);
    if (!child_keeps(&x->task))
        return;
    struct result result = {.run = x->task.run, .outcome = OUTCOME_CRASH, .property = "crash"};
    result.at = trace_count(x->run.trace);
    crash_describe(result.message, sizeof result.message, signal, x->task.setup->run_timeout_ns);
    x->run.outcome = result.outcome;
    x->run.event = x->run.events = result.at;
    trace_fingerprint(x->run.trace, x->run.fingerprint);
    memcpy(x->run.property, result.property, sizeof x->run.property);
    memcpy(x->run.message, result.message, sizeof x->run.message);
    child_keep(&x->task, &result, &x->run);
}

char *child_message(const struct result *result, size_t *ret_length)
{
    char *text;
    FILE *out = open_memstream(&text, ret_length);
    if (!out)
        abort();
    result_write(result, out);
    fclose(out);
    return text;
}

/* The result line, and what else is to be told. */
static char *whole_message(const struct execution *x, const struct result *result,
                           size_t *ret_length)
{
    const struct child_task *task = &x->task;
    char *text;
    FILE *out = open_memstream(&text, ret_length);
    if (!out)
        abort();
    result_write(result, out);
    if (task->tell)
        task->tell(task->tell_ctx, &x->run, task->tape, out);
    else if (task->record)
        recording_write(task->tape, task->record, out);
    fclose(out);
    return text;
}

__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

void child_check_leaks(const struct child_setup *setup)
{
    if (setup->leaks && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
        _exit(1);
}

/* Ctrl-C reaches the whole process group: what it means is decided by the parent alone. */
void child_settle(int noise)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(noise, STDOUT_FILENO);
    dup2(noise, STDERR_FILENO);
}

void execution_begin(struct execution *x, const struct child_task *task, int out, int noise)
{
    x->task = *task;
    x->out = out;
    child_settle(noise);
    crash_limit(task->setup->run_timeout_ns);
}

_Noreturn void child_main(const struct child_task *task, int out, int noise)
{
    struct execution x = {0};
    execution_begin(&x, task, out, noise);
    crash_catch(keep_crash, &x, 0);
    if (task->record)
        tape_record(task->tape, task->record);
    if (task->branch_count)
        stem_execute(&x);
    else
        run_execute(&x.run, task->scenario, task->tape, UINT64_MAX);

    struct result result;
    result_of_run(&result, &x.task.run, &x.run);
    result.again = x.task.again;
    if (child_keeps(&x.task))
        child_keep(&x.task, &result, &x.run);
    size_t length;
    char *message = whole_message(&x, &result, &length);
    result_done(&result);
    run_done(&x.run);
    child_check_leaks(task->setup);
    child_write(x.out, message, length);
    free(message);
    fflush(NULL);
    _exit(0);
}
