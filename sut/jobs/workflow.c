/* workflow.c: workflows are put together here, by names, and asked for as one request. Nothing is kept of them but in the
 * store. */
#include "sut/jobs/workflow.h"
#include "sut/jobs/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct workflow {
    struct heap *heap;
    struct store_workflow store;
    struct workflow_step *steps;
    size_t count, capacity;
};

struct workflow *workflow_new(struct heap *heap, const char *name)
{
    struct workflow *workflow = heap_alloc(heap, sizeof *workflow);
    workflow->heap = heap;
    workflow->store.name = name;
    return workflow;
}

void workflow_policy(struct workflow *workflow, struct flow_policy policy)
{
    workflow->store.policy = policy;
}

static const char *const *deps_copy(struct heap *heap, const char *const *deps)
{
    size_t count = 0;
    while (deps && deps[count])
        ++count;
    const char **copies = heap_alloc(heap, (count + 1) * sizeof *copies);
    for (size_t i = 0; i < count; ++i)
        copies[i] = heap_strdup(heap, deps[i]);
    return copies;
}

void workflow_add(struct workflow *workflow, const struct workflow_step *step)
{
    if (workflow->count == workflow->capacity) {
        workflow->capacity = workflow->capacity ? 2 * workflow->capacity : 16;
        workflow->steps = heap_realloc(workflow->heap, workflow->steps,
                                       workflow->capacity * sizeof *workflow->steps);
    }
    struct workflow_step *added = &workflow->steps[workflow->count++];
    *added = *step;
    added->name = heap_strdup(workflow->heap, step->name);
    added->deps = deps_copy(workflow->heap, step->deps);
}

size_t workflow_count(const struct workflow *workflow)
{
    return workflow->count;
}

/* ---- the request ---- */

struct name {
    const char *text;
    uint32_t step;
};

static int name_order(const void *left, const void *right)
{
    const struct name *a = left, *b = right;
    return strcmp(a->text, b->text);
}

static struct name *names_sorted(const struct workflow *workflow)
{
    struct name *names = heap_alloc(workflow->heap, (workflow->count + 1) * sizeof *names);
    for (size_t i = 0; i < workflow->count; ++i) {
        const char *name = workflow->steps[i].name;
        names[i] = (struct name){name ? name : "", (uint32_t)i};
    }
    qsort(names, workflow->count, sizeof *names, name_order);
    return names;
}

/* False: one of them is no step. */
static bool deps_find(const struct workflow *workflow, const struct name *names,
                      const struct workflow_step *from, struct store_step *to, const char **ret_dep)
{
    size_t count = 0;
    while (from->deps && from->deps[count])
        ++count;
    uint32_t *deps = heap_alloc(workflow->heap, (count + 1) * sizeof *deps);
    for (size_t i = 0; i < count; ++i) {
        struct name wanted = {from->deps[i], 0};
        const struct name *found =
            bsearch(&wanted, names, workflow->count, sizeof *names, name_order);
        *ret_dep = wanted.text;
        if (!found)
            return false;
        deps[i] = found->step;
    }
    *to = (struct store_step){from->name, from->policy, deps, count};
    return true;
}

int workflow_request(struct workflow *workflow, struct store_request *ret_request, char *why,
                     size_t why_size)
{
    struct heap *heap = workflow->heap;
    struct name *names = names_sorted(workflow);
    struct job_spec *specs = heap_alloc(heap, (workflow->count + 1) * sizeof *specs);
    struct store_step *steps = heap_alloc(heap, (workflow->count + 1) * sizeof *steps);
    for (size_t i = 0; i < workflow->count; ++i) {
        const struct workflow_step *step = &workflow->steps[i];
        const char *dep = NULL;
        specs[i] = step->spec;
        if (deps_find(workflow, names, step, &steps[i], &dep))
            continue;
        snprintf(why, why_size, "step '%.60s' waits for '%.60s', which is no step",
                 step->name ? step->name : "", dep);
        return -EINVAL;
    }
    heap_release(heap, names);
    workflow->store.steps = steps;
    *ret_request = (struct store_request){.op = STORE_INSERT,
                                          .specs = specs,
                                          .spec_count = workflow->count,
                                          .workflow = &workflow->store};
    return store_steps_check(steps, workflow->count, heap, why, why_size);
}

/* ---- calls ---- */

/* Runs it, and wakes the queues here whose jobs it made available. */
static int call(struct proc *self, struct jobs *jobs, const struct store_request *request,
                struct store_call **ret_call)
{
    int err = store_call(self, jobs->store, request, ret_call);
    if (!err)
        queues_woken(jobs, &(*ret_call)->reply);
    return err;
}

int workflow_insert(struct proc *self, struct jobs *jobs, struct workflow *workflow,
                    uint64_t *ret_flow, uint64_t *ret_ids, char *why, size_t why_size)
{
    struct store_request request;
    struct store_call *done;
    int err = workflow_request(workflow, &request, why, why_size);
    if (err)
        return err;
    struct sealed_specs sealed;
    err = jobs_seal(self, jobs, request.specs, request.spec_count, &sealed);
    if (!err) {
        request.specs = sealed.specs;
        err = call(self, jobs, &request, &done);
        request.specs = NULL; /* the steps' own have all that matters from here on */
        heap_free(sealed.heap);
    }
    if (err) {
        snprintf(why, why_size, "%s", strerror(-err));
        return err;
    }
    *ret_flow = done->reply.flow->id;
    for (size_t i = 0; ret_ids && i < request.spec_count; ++i)
        ret_ids[i] = done->reply.ids[i];
    for (size_t i = 0; i < request.spec_count; ++i)
        spec_announce(jobs, &workflow->steps[i].spec, proc_now(self), done->reply.now_ms);
    store_call_free(done);
    return 0;
}

int flow_look(struct proc *self, struct jobs *jobs, uint64_t flow, struct store_call **ret_call)
{
    struct store_request request = {.op = STORE_FLOW, .flow = flow};
    int err = call(self, jobs, &request, ret_call);
    if (err || (*ret_call)->reply.flow)
        return err;
    store_call_free(*ret_call);
    return -ENOENT;
}

int workflow_job(struct proc *self, struct jobs *jobs, const struct job *job, const char *step,
                 struct store_call **ret_call)
{
    struct store_call *look;
    uint64_t id = 0;
    int err = job->flow ? flow_look(self, jobs, job->flow, &look) : -ENOENT;
    if (err)
        return err;
    for (size_t i = 0; i < look->reply.member_count; ++i)
        if (strcmp(look->reply.members[i].name, step) == 0)
            id = look->reply.members[i].job;
    store_call_free(look);
    struct store_request request = {.op = STORE_GET, .ids = &id, .id_count = 1};
    err = id ? call(self, jobs, &request, ret_call) : -ENOENT;
    if (err || (*ret_call)->reply.job_count)
        return err;
    store_call_free(*ret_call);
    return -ENOENT;
}

int flow_cancel(struct proc *self, struct jobs *jobs, uint64_t flow, size_t *ret_changed)
{
    struct store_call *done;
    struct store_request request = {.op = STORE_CANCEL, .flow = flow};
    int err = call(self, jobs, &request, &done);
    if (err)
        return err;
    *ret_changed = done->reply.changed;
    store_call_free(done);
    return 0;
}

/* Callbacks are jobs. In the heap. */
static int callbacks_seal(struct proc *self, struct jobs *jobs, struct heap *heap,
                          struct store_batch *batch)
{
    struct store_callback *callbacks =
        heap_alloc(heap, (batch->callback_count + 1) * sizeof *callbacks);
    int err = 0;
    for (size_t i = 0; i < batch->callback_count && !err; ++i) {
        struct sealed_specs sealed;
        callbacks[i] = batch->callbacks[i];
        err = jobs_seal(self, jobs, &batch->callbacks[i].spec, 1, &sealed);
        if (err || !sealed.heap)
            continue;
        heap_adopt(heap, sealed.heap);
        callbacks[i].spec = *sealed.specs;
    }
    batch->callbacks = callbacks;
    return err;
}

int batch_tell(struct proc *self, struct jobs *jobs, const struct store_batch *batch,
               uint64_t *ret_batch)
{
    struct store_call *done;
    struct heap *heap = heap_child(proc_heap(self));
    struct store_batch sealed = *batch;
    struct store_request request = {.op = STORE_BATCH, .batch = &sealed};
    int err = callbacks_seal(self, jobs, heap, &sealed);
    if (!err)
        err = call(self, jobs, &request, &done);
    heap_free(heap);
    if (err)
        return err;
    *ret_batch = done->reply.flow->id;
    store_call_free(done);
    return 0;
}

int batch_insert(struct proc *self, struct jobs *jobs, const struct store_batch *batch,
                 const struct job_spec *specs, size_t count, uint64_t *ret_batch, uint64_t *ret_ids,
                 bool *ret_conflicts)
{
    struct store_call *done;
    struct sealed_specs plain;
    struct heap *heap = heap_child(proc_heap(self));
    struct store_batch sealed = *batch;
    int err = callbacks_seal(self, jobs, heap, &sealed);
    if (!err)
        err = jobs_seal(self, jobs, specs, count, &plain);
    if (!err) {
        struct store_request request = {
            .op = STORE_INSERT, .batch = &sealed, .specs = plain.specs, .spec_count = count};
        err = call(self, jobs, &request, &done);
        heap_free(plain.heap);
    }
    heap_free(heap);
    if (err)
        return err;
    *ret_batch = done->reply.flow->id;
    for (size_t i = 0; i < count; ++i) {
        if (ret_ids)
            ret_ids[i] = done->reply.ids[i];
        if (ret_conflicts)
            ret_conflicts[i] = done->reply.conflicts && done->reply.conflicts[i];
        spec_announce(jobs, &specs[i], proc_now(self), done->reply.now_ms);
    }
    store_call_free(done);
    return 0;
}

int batch_close(struct proc *self, struct jobs *jobs, uint64_t batch)
{
    return batch_tell(self, jobs, &(struct store_batch){.id = batch, .close = true}, &batch);
}
