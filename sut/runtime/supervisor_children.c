/* supervisor_children.c: the children of a supervisor: a list in the order of their start, a table by pid and one by id, and
 * the numbers that would otherwise need a walk. Every change of a child's state goes through child_set(). */
#include "sut/runtime/supervisor_internal.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

POINT_ABOUT("sup/child/add", "A child is known to a supervisor from now on.");
POINT_ABOUT("sup/child/drop", "A supervisor forgets a child: it will not be back.");

struct child *child_new(struct heap *heap, const struct child_spec *spec)
{
    struct child *child = heap_alloc(heap, sizeof *child);
    child->spec = child_spec_copy(heap, spec);
    return child;
}

void child_free(struct supervisor *sup, struct child *child)
{
    child_spec_release(sup->heap, &child->spec);
    heap_release(sup->heap, child);
}

void children_add(struct supervisor *sup, struct child *child)
{
    DL_APPEND(sup->children, child);
    ++sup->child_count;
    if (supervisor_has_ids(sup))
        id_table_insert(&sup->by_id, &child->by_id, text_hash(child->spec.id));
}

void child_trace_add(struct supervisor *sup, const struct child *child)
{
    (void)child; /* without points */
    TRACE(proc_site(sup->self), "sup/child/add", T_STR("child", child->spec.id),
          T_U64("sup", proc_self(sup->self)), T_STR("restart", restart_name(child->spec.restart)),
          T_I64("shutdown_ns", child->spec.shutdown_ns),
          T_U64("significant", child->spec.significant),
          T_STR("type", child->spec.type == CHILD_SUPERVISOR ? "supervisor" : "worker"));
}

void children_drop(struct supervisor *sup, struct child *child)
{
    TRACE(proc_site(sup->self), "sup/child/drop", T_STR("child", child->spec.id),
          T_U64("sup", proc_self(sup->self)), T_U64("pid", child->pid));
    child_set(sup, child, CHILD_DOWN, 0);
    DL_DELETE(sup->children, child);
    --sup->child_count;
    if (supervisor_has_ids(sup))
        id_table_remove(&sup->by_id, &child->by_id);
    child_free(sup, child);
}

struct child *children_by_id(const struct supervisor *sup, const char *id)
{
    struct id_node *node = id_table_find(&sup->by_id, text_hash(id));
    for (; node; node = id_table_find_next(node)) {
        struct child *child = CONTAINER_OF(node, struct child, by_id);
        if (strcmp(child->spec.id, id) == 0)
            return child;
    }
    return NULL;
}

struct child *children_by_pid(const struct supervisor *sup, proc_id pid)
{
    struct id_node *node = pid ? id_table_find(&sup->by_pid, pid) : NULL;
    return node ? CONTAINER_OF(node, struct child, by_pid) : NULL;
}

/* What is routed to a partition goes to its last known process, be it alive or not (PART-03, PART-07). */
static void partition_note(const struct supervisor *sup, const struct child *child)
{
    if (sup->partitions && child->state == CHILD_UP)
        sup->partitions->pids[strtoul(child->spec.id, NULL, 10)] = child->pid;
}

void child_set(struct supervisor *sup, struct child *child, enum child_state state, proc_id pid)
{
    if (child->pid)
        id_table_remove(&sup->by_pid, &child->by_pid);
    sup->restarting_count -= child->state == CHILD_RESTARTING;
    sup->significant_count -= child->spec.significant && child->state != CHILD_DOWN;
    child->state = state;
    child->pid = pid;
    if (pid)
        id_table_insert(&sup->by_pid, &child->by_pid, pid);
    sup->restarting_count += state == CHILD_RESTARTING;
    sup->significant_count += child->spec.significant && state != CHILD_DOWN;
    partition_note(sup, child);
}

void child_down(struct supervisor *sup, struct child *child)
{
    if (child->spec.restart == RESTART_TEMPORARY || !supervisor_has_ids(sup))
        children_drop(sup, child);
    else
        child_set(sup, child, CHILD_DOWN, 0);
}
