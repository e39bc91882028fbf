/* runtime.c: the run queue and the clock. One round of runtime_run() fires what is due and gives
 * one turn to every process that was ready when it began; rounds go on until nothing is ready or
 * due. Nothing outlives runtime_free(), and nothing gets to run in it. */
#include "sut/runtime/fiber_switch.h"
#include "sut/runtime/proc_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { PROCS_DEFAULT = 1000000, MAILBOX_DEFAULT = 1000000 };
enum {
    CLOCK_TURNS = 32
}; /* what is due may wait for so many turns: the clock costs as much as one */

struct runtime *runtime_new(struct env *env, const struct runtime_options *options)
{
    static const struct runtime_options none;
    if (!options)
        options = &none;
    struct heap *heap = env->heap;
    struct runtime *runtime = heap_alloc(heap, sizeof *runtime);
    runtime->env = env;
    runtime->procs_max = options->procs_max ? options->procs_max : PROCS_DEFAULT;
    runtime->trace_signals = options->trace_signals;
    runtime->mailbox_max = options->mailbox_max ? options->mailbox_max : MAILBOX_DEFAULT;
    runtime->fibers = fiber_pool_new(heap, options->stack_bytes, options->spares);
    id_table_init(&runtime->procs, heap);
    id_table_init(&runtime->monitors, heap);
    id_table_init(&runtime->aliases, heap);
    id_table_init(&runtime->delayed, heap);
    id_table_init(&runtime->names, heap);
    timers_init(&runtime->timers, heap);
    return runtime;
}

static void jobs_forget(struct runtime *runtime)
{
    for (struct job *job = runtime->jobs, *next; job; job = next) {
        next = job->next;
        if (job->proc)
            job->proc->job = NULL;
        heap_release(runtime->env->heap, job);
    }
    runtime->jobs = NULL;
}

void runtime_free(struct runtime *runtime)
{
    if (!runtime)
        return;
    struct heap *heap = runtime->env->heap;
    jobs_forget(runtime);
    for (struct id_node *node; (node = id_table_any(&runtime->procs));)
        proc_erase(CONTAINER_OF(node, struct proc, by_id));
    ets_space_free(runtime);
    delayed_names_clear(runtime);
    timers_done(&runtime->timers);
    id_table_done(&runtime->names);
    id_table_done(&runtime->delayed);
    id_table_done(&runtime->aliases);
    id_table_done(&runtime->monitors);
    id_table_done(&runtime->procs);
    fiber_pool_free(runtime->fibers);
    heap_spares_done(&runtime->spares);
    heap_release(heap, runtime);
}

static void proc_start(void *arg)
{
    struct proc *self = arg;
    if (self->turn)
        turns_run(self);
    self->main(self, self->arg);
    proc_exit(self, (struct reason){.kind = EXIT_NORMAL});
}

static bool fiber_ensure(struct proc *proc)
{
    if (!proc->fiber)
        proc->fiber = fiber_new(proc->runtime->fibers, proc_start, proc);
    return proc->fiber;
}

static void turn_give(struct proc *proc)
{
    struct runtime *runtime = proc->runtime;
    proc_unready(proc);
    if (!fiber_ensure(proc)) {
        struct reason reason = {.kind = EXIT_ERROR, .text = "no memory for a stack"};
        proc_end(proc, &reason);
        return;
    }
    proc->state = PROC_RUNNING;
    runtime->current = proc;
    fiber_switch_inline(proc->fiber);
    runtime->current = NULL;
    if (proc->state == PROC_DEAD) {
        proc_erase(proc);
    } else if (proc->fiber->ended) { /* parked */
        fiber_free(runtime->fibers, proc->fiber);
        proc->fiber = NULL;
    }
}

/* Whose turn it is. The environment may put them into another order than that of their waiting; all that a
 * process can rely on is the order of the signals between two of them. */
static struct proc *runtime_pick(struct runtime *runtime)
{
    enum { CHOICE_MAX = 64 };
    uint64_t ready[CHOICE_MAX];
    size_t count = 0;
    struct env *env = runtime->env;
    struct proc *proc = runtime->ready;
    if (!env->ops->pick || runtime->ready_count < 2)
        return proc;
    do
        ready[count++] = proc->by_id.id;
    while ((proc = proc->next) && count < CHOICE_MAX);
    size_t pick = env->ops->pick(env, ready, count);
    assert(pick < count);
    for (proc = runtime->ready; pick > 0; pick--)
        proc = proc->next;
    return proc;
}

static void runtime_round(struct runtime *runtime)
{
    runtime->turns += runtime->ready_count;
    for (size_t turns = runtime->ready_count; turns > 0; --turns) {
        if (!runtime->ready || runtime->abandoned)
            return;
        turn_give(runtime_pick(runtime));
    }
}

static int64_t clock_read(struct runtime *runtime)
{
    runtime->turns = 0;
    return env_mono_ns(runtime->env);
}

int64_t runtime_run(struct runtime *runtime)
{
    assert(!runtime->running);
    runtime->running = true;
    int64_t now = clock_read(runtime);
    while (!runtime->abandoned) {
        timers_fire(&runtime->timers, now);
        runtime_round(runtime);
        if (!runtime->ready || runtime->turns >= CLOCK_TURNS)
            now = clock_read(runtime);
        if (!runtime->ready && timers_next(&runtime->timers) > now)
            break;
    }
    runtime->running = false;
    return runtime->abandoned ? INT64_MIN : timers_next(&runtime->timers);
}

_Noreturn void runtime_abandon(struct runtime *runtime)
{
    assert(runtime->current);
    runtime->abandoned = true;
    fiber_leave(runtime->current->fiber);
}

struct env *runtime_env(struct runtime *runtime)
{
    return runtime->env;
}

struct proc *runtime_current(struct runtime *runtime)
{
    return runtime->current;
}

size_t runtime_count(const struct runtime *runtime)
{
    return runtime->procs.count;
}

proc_id proc_next(const struct runtime *runtime, proc_id after)
{
    for (proc_id id = after + 1; id <= runtime->last_id; id++)
        if (runtime_find(runtime, id))
            return id;
    return 0;
}

void runtime_on_wake(struct runtime *runtime, void (*wake)(void *ctx), void *ctx)
{
    runtime->wake = wake;
    runtime->wake_ctx = ctx;
}

bool proc_alive(struct runtime *runtime, proc_id id)
{
    return runtime_find(runtime, id);
}
