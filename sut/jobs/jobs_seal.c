/* jobs_seal.c: encrypted arguments on their way: sealed in the process that inserts, opened in the job's own. In between, and wherever
 * they are kept, nobody sees them. A job whose arguments cannot be opened has failed, like any other. */
#include "sut/jobs/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

POINT_ABOUT("job/args/seal",
            "Arguments are encrypted, before they go to the store: by which nonce (its beginning)");
POINT_ABOUT("job/args/open", "A run is about to open the encrypted arguments of its job.");
POINT_ABOUT("job/args/opened", "They are open: the worker's function gets them as they were.");

static bool any_encrypted(const struct job_spec *specs, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (specs[i].encrypted)
            return true;
    return false;
}

int jobs_seal(struct proc *self, struct jobs *jobs, const struct job_spec *specs, size_t count,
              struct sealed_specs *ret_sealed)
{
    char why[300];
    *ret_sealed = (struct sealed_specs){.specs = specs};
    if (!any_encrypted(specs, count))
        return 0;
    struct heap *heap = heap_child(proc_heap(self));
    struct job_spec *sealed =
        specs_seal(jobs->keys, jobs->env, specs, count, heap, why, sizeof why);
    if (!sealed) {
        env_log(jobs->env, LOG_WARN, "insert: %s", why);
        heap_free(heap);
        return -EINVAL;
    }
    for (size_t i = 0; i < count; ++i)
        if (specs[i].encrypted)
            TRACE(proc_site(self), "job/args/seal", T_U64("nonce", args_nonce(sealed[i].args)),
                  T_U64("print", args_print(specs[i].args ? specs[i].args : "{}")));
    *ret_sealed = (struct sealed_specs){sealed, heap};
    return 0;
}

/* The slot's copy is what the worker sees, whichever way it is run. */
static void slot_reveal(struct slot *slot, const char *args)
{
    struct heap *heap = slot->queue->jobs->env->heap;
    struct job open = *slot->job;
    struct job *sealed = slot->job;
    open.args = args;
    slot->job = job_pack(heap_alloc(heap, job_pack_size(&open)), &open);
    heap_release(heap, sealed);
}

bool slot_open(struct proc *self, struct slot *slot, struct job_outcome *ret_outcome)
{
    char why[200];
    if (!args_sealed(slot->job->args))
        return true;
    int err = FAULT(proc_site(self), "job/args/open", CAN_DIE | CAN_DELAY | CAN_ERROR,
                    T_U64("job", slot->job->id), T_U64("lease", slot->job->lease));
    if (err) {
        *ret_outcome = job_outcome_make(JOB_ERROR, "%s", strerror(-err));
        return false;
    }
    const char *args =
        args_open(slot->queue->jobs->keys, slot->job->args, proc_heap(self), why, sizeof why);
    if (!args) {
        *ret_outcome = job_outcome_make(JOB_ERROR, "%s", why);
        return false;
    }
    slot_reveal(slot, args);
    TRACE(proc_site(self), "job/args/opened", T_U64("job", slot->job->id),
          T_U64("lease", slot->job->lease), T_U64("print", args_print(args)));
    return true;
}
