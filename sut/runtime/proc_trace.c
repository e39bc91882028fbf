/* proc_trace.c: watching one process: what it sends and gets, spawns, links, and how it ends is told to a function, or as
 * messages to another process. A process that nobody watches pays for one look at a pointer. */
#include "sut/runtime/proc_internal.h"

#include <errno.h>

struct tracer {
    trace_seen *seen; /* NULL: `to` gets messages */
    void *ctx;
    proc_id to;
};

static int tracer_set(struct runtime *runtime, proc_id pid, const struct tracer *tracer)
{
    struct proc *proc = runtime_find(runtime, pid);
    if (!proc)
        return -ESRCH;
    runtime->traced -= proc->tracer != NULL;
    heap_release(&proc->heap, proc->tracer);
    proc->tracer = tracer ? heap_memdup(&proc->heap, tracer, sizeof *tracer) : NULL;
    runtime->traced += proc->tracer != NULL;
    return 0;
}

int runtime_trace(struct runtime *runtime, proc_id pid, trace_seen *seen, void *ctx)
{
    return tracer_set(runtime, pid, &(struct tracer){.seen = seen, .ctx = ctx});
}

int runtime_trace_to(struct runtime *runtime, proc_id pid, proc_id tracer)
{
    if (pid == tracer)
        return -EDEADLK;
    return tracer_set(runtime, pid, &(struct tracer){.to = tracer});
}

int runtime_untrace(struct runtime *runtime, proc_id pid)
{
    return tracer_set(runtime, pid, NULL);
}

void trace_tell(struct proc *proc, enum traced what, proc_id other, uint32_t tag)
{
    const struct tracer *tracer = proc->tracer;
    struct trace_message trace = {
        .what = what, .pid = proc_id_of(proc), .other = other, .tag = tag};
    if (tracer->seen) {
        tracer->seen(tracer->ctx, &trace);
        return;
    }
    struct proc *to = runtime_find(proc->runtime, tracer->to);
    if (to && !to->tracer) /* two that watch each other would never end */
        proc_post(to,
                  &(struct message){
                      .tag = MSG_TRACE, .from = trace.pid, .size = sizeof trace, .data = &trace});
}

void trace_end(struct proc *proc)
{
    if (!proc->tracer)
        return;
    trace_tell(proc, TRACED_EXIT, 0, (uint32_t)proc->reason->kind);
    --proc->runtime->traced;
    proc->tracer = NULL; /* it goes with the heap */
}
