/* task_stream.h: one task for each element of an input, so many at once, as Elixir's Task.async_stream (STR- rules).
 *
 * Elements are pulled one at a time, only when the consumer asks for a result and a task may run (STR-17). Results come in the
 * order of the input, or as they come (`unordered`). A result counts when its task has ended (STR-14); a slot is free then,
 * so a slow first task does not hold up the others: their results wait, however many they are (STR-12).
 *
 * A process in the middle is linked with the consumer and with the tasks, watches them and their time, and traps exits just when
 * the consumer does (STR-16). So a failing task takes a consumer along that does not trap exits (STR-04), and is a result for one that
 * does (STR-05). Below a supervisor and `nolink` it is always a result, and when the consumer ends such tasks go on (STR-20).
 *
 *     struct task_stream *stream;
 *     task_stream_open(self, &(struct task_stream_spec){.next = .., .body = .., .max_concurrency = 10}, &stream);
 *     while (task_stream_next(self, stream, &item) == 1) ...
 *     task_stream_close(self, stream);       also in the middle: what runs is killed, and nothing is left of it (STR-10)
 */
#ifndef SUT_TASK_STREAM_H
#define SUT_TASK_STREAM_H

#include "sut/runtime/task.h"

struct task_stream;

struct task_stream_spec {
    /* The next element, copied at once; false: there are no more. Runs in the consumer. */
    bool (*next)(struct proc *self, void *ctx, struct task_value *ret_element);
    void *ctx;
    const char *label;
    task_body *body;        /* its argument is the element */
    size_t max_concurrency; /* at least 1 */
    bool unordered;
    bool zip_input; /* items of tasks that failed have their input (STR-06) */
    bool
        kill_late; /* a task whose time is up is an item "timeout" (STR-08); else the end of the stream (STR-07) */
    int64_t timeout_ns; /* of each task, from its start; 0: 5 s; WAIT_FOREVER */
    proc_id supervisor; /* 0: none */
    bool nolink;        /* with a supervisor */
};

struct task_stream_item {
    struct task_result result; /* TASK_OK or TASK_EXIT; its value is the consumer's */
    struct task_value input;   /* with zip_input and TASK_EXIT; else NULL; until the next item */
};

/* 0; -EINVAL: no concurrency, a negative time, no body or input (STR-13); -EAGAIN: there are too many processes. */
int task_stream_open(struct proc *self, const struct task_stream_spec *spec,
                     struct task_stream **ret_stream);
/* 1: an item. 0: that was all. Less: the stream has ended too soon, its tasks are gone, and task_stream_why() says why: -ETIMEDOUT:
 * a task was late; -ENOSPC: max_children (STR-18); -EAGAIN: no process; -ESRCH: no supervisor; -EPIPE: the process in the
 * middle died; -EPERM: it is another one's. */
int task_stream_next(struct proc *self, struct task_stream *stream,
                     struct task_stream_item *ret_item);
/* The same; when the stream ends too soon the caller exits with {REASON,{task,stream}}. */
bool task_stream_next_or_exit(struct proc *self, struct task_stream *stream,
                              struct task_stream_item *ret_item);
struct reason task_stream_why(const struct task_stream *stream);
void task_stream_close(struct proc *self, struct task_stream *stream); /* frees it */

#endif
