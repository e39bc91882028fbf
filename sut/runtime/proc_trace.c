/* proc_trace.c: watching one process: what it sends and gets, spawns, links, and how it ends is told to a function, or as
 * messages to another process. A process that nobody watches pays for one look at a pointer. */
#include "sut/runtime/proc_internal.h"

#include <errno.h>

POINT_ABOUT("proc/trace/begin", "A process is watched from now on, by another one or a function.");
POINT_ABOUT("proc/trace/end", "A process is not watched any more.");
POINT_ABOUT("proc/trace/tell", "What a watched process did is told to who watches it.");

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
    if (tracer)
        TRACE_SIGNAL(proc, "proc/trace/begin", T_U64("pid", pid), T_U64("to", tracer->to));
    else
        TRACE_SIGNAL(proc, "proc/trace/end", T_U64("pid", pid));
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
    static const char *const words[] = {
        [TRACED_SEND] = "send", [TRACED_GET] = "get",       [TRACED_SPAWN] = "spawn",
        [TRACED_LINK] = "link", [TRACED_UNLINK] = "unlink", [TRACED_SIGNAL] = "signal",
        [TRACED_EXIT] = "exit",
    };
    (void)words;
    const struct tracer *tracer = proc->tracer;
    TRACE_SIGNAL(proc, "proc/trace/tell", T_U64("pid", proc_id_of(proc)),
                 T_STR("what", words[what]), T_U64("other", other));
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
