/* partition.c: a supervisor whose children are numbered, with a row of their processes that everybody may read. */
#include "sut/runtime/partition.h"

#include "sut/runtime/supervisor_internal.h"
#include <errno.h>
#include <stdio.h>

POINT_ABOUT("sup/partition/open", "So many partitions are routed to from now on.");

/* ---- starting ---- */

static struct child_spec partition_child(struct heap *heap, const struct partition_spec *spec,
                                         size_t number)
{
    char id[24];
    struct child_spec child = spec->child;
    if (spec->with_arguments)
        spec->with_arguments(&child, number, spec->ctx);
    snprintf(id, sizeof id, "%zu", number);
    child.id = heap_strdup(heap, id);
    return child;
}

struct started partition_start_link(struct proc *self, const struct partition_spec *spec)
{
    size_t count = spec->partitions ? spec->partitions : 1;
    if (spec->strategy > REST_FOR_ONE)
        return started_error(reason_of_error(
            error_new(proc_heap(self), ERROR_INPUT, "invalid_strategy", "partitions have ids")));
    struct heap *heap = heap_child(proc_heap(self));
    struct child_spec *children = heap_alloc(heap, count * sizeof *children);
    for (size_t i = 0; i < count; ++i)
        children[i] = partition_child(heap, spec, i);
    struct supervisor_spec sup = {.label = spec->label,
                                  .name = spec->name,
                                  .strategy = spec->strategy,
                                  .intensity = spec->intensity,
                                  .period_s = spec->period_s,
                                  .children = children,
                                  .child_count = count};
    struct started started = supervisor_start_under(self, &sup, count);
    heap_free(heap);
    return started;
}

/* ---- routing ---- */

static struct partitions *partitions_of(struct runtime *runtime, proc_id id)
{
    int err;
    struct proc *proc = supervisor_find(runtime, id, &err);
    return proc ? ((struct supervisor *)proc->arg)->partitions : NULL;
}

static int partition_pick(struct runtime *runtime, proc_id supervisor, uint64_t key,
                          proc_id *ret_pid)
{
    const struct partitions *partitions = partitions_of(runtime, supervisor);
    if (!partitions)
        return -ESRCH;
    if (partitions->open == 0)
        return -ENOENT;
    *ret_pid = partitions->pids[key % partitions->open];
    return 0;
}

int partition_of_number(struct runtime *runtime, proc_id supervisor, int64_t key, proc_id *ret_pid)
{
    uint64_t magnitude = key < 0 ? 0 - (uint64_t)key : (uint64_t)key;
    return partition_pick(runtime, supervisor, magnitude, ret_pid);
}

int partition_of_bytes(struct runtime *runtime, proc_id supervisor, const void *key, size_t size,
                       proc_id *ret_pid)
{
    return partition_pick(runtime, supervisor, bytes_hash(key, size), ret_pid);
}

int64_t partition_all(struct runtime *runtime, proc_id supervisor, proc_id *ret_pids, size_t max)
{
    const struct partitions *partitions = partitions_of(runtime, supervisor);
    if (!partitions)
        return -ESRCH;
    for (size_t i = 0; i < partitions->open && i < max; ++i)
        ret_pids[i] = partitions->pids[i];
    return (int64_t)partitions->open;
}

/* ---- more and fewer ---- */

int partition_resize(struct proc *self, proc_id supervisor, size_t count)
{
    const struct message *reply;
    int err = supervisor_ask(
        self, supervisor, &(struct request){.op = REQUEST_RESIZE, .number = count}, NULL, &reply);
    return err ? err : *(const int *)reply->data;
}

static struct child *partition_child_of(struct supervisor *sup, size_t number)
{
    char id[24];
    snprintf(id, sizeof id, "%zu", number);
    return children_by_id(sup, id);
}

static bool partition_again(struct supervisor *sup, const struct child *child)
{
    struct started started = child_start_again(sup, child->spec.id);
    reason_release(sup->heap, &started.why);
    return started.how != STARTED_ERROR;
}

static bool partition_open(struct supervisor *sup, size_t number)
{
    struct child *child = partition_child_of(sup, number);
    if (child && child->state == CHILD_DOWN)
        return partition_again(sup, child);
    return child;
}

void partitions_trace(const struct supervisor *sup)
{
    TRACE(proc_site(sup->self), "sup/partition/open", T_U64("sup", proc_self(sup->self)),
          T_U64("open", sup->partitions->open));
    (void)sup;
}

int partitions_resize(struct supervisor *sup, size_t open)
{
    struct partitions *partitions = sup->partitions;
    if (!partitions || open > partitions->count)
        return -EINVAL;
    for (size_t i = partitions->open; i < open; ++i)
        if (!partition_open(sup, i))
            return -EIO;
    size_t old = partitions->open;
    partitions->open = open;
    partitions_trace(sup);
    for (size_t i = open; i < old; ++i) {
        struct child *child = partition_child_of(sup, i);
        if (child)
            child_terminate(sup, child->spec.id);
    }
    return 0;
}
