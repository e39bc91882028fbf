/* supervisor_calls.c: what calls do to the children of a supervisor (API, S1F, DYN). None of it counts as a restart
 * (API-05, INT-09), and none of it stops the supervisor (AUTO-06). */
#include "sut/runtime/supervisor_internal.h"

#include <errno.h>
#include <string.h>

static struct started refused(const struct error *why)
{
    return started_error(reason_of_error(why));
}

/* ---- adding one ---- */

/* `front` and then what the caller said, as one argument. */
static void arg_prepend(struct heap *heap, struct child_spec *spec, const void *front, size_t size)
{
    if (size == 0 || !front)
        return;
    char *arg = heap_alloc(heap, size + spec->arg_size);
    memcpy(arg, front, size);
    if (spec->arg_size > 0) {
        memcpy(arg + size, spec->arg, spec->arg_size);
        heap_release(heap, (void *)(uintptr_t)spec->arg);
    }
    spec->arg = arg;
    spec->arg_size += size;
}

/* All but the argument is the template's (S1F-02); a restart has the same argument (S1F-07). */
static void template_apply(struct supervisor *sup, struct child *child)
{
    const struct child_spec *template = &sup->template;
    struct child_spec spec = child_spec_copy(sup->heap, template);
    const void *arg = child->spec.arg;
    size_t arg_size = child->spec.arg_size;
    if (arg_size > 0)
        child->spec.arg = NULL, child->spec.arg_size = 0; /* it is kept */
    child_spec_release(sup->heap, &child->spec);
    if (arg_size > 0 || !template->arg) {
        if (spec.arg_size > 0)
            heap_release(sup->heap, (void *)(uintptr_t)spec.arg);
        spec.arg = arg, spec.arg_size = arg_size;
        arg_prepend(sup->heap, &spec, template->arg, template->arg_size);
    }
    child->spec = spec;
}

/* It stands, or it was ignored and is kept (API-04); else it is forgotten, and nobody knows that it was there. */
static struct started child_settle(struct supervisor *sup, struct child *child,
                                   struct started started)
{
    bool ignored = started.how == STARTED_IGNORE;
    bool kept = started.how == STARTED_OK ||
                (ignored && supervisor_has_ids(sup) && child->spec.restart != RESTART_TEMPORARY);
    if (!kept) {
        child_free(sup, child);
        return started;
    }
    children_add(sup, child);
    child_trace_add(sup, child);
    if (!ignored)
        child_set(sup, child, CHILD_UP, started.pid);
    return started;
}

/* API-01 */
static struct started known_refuse(const struct child *known)
{
    if (known->state != CHILD_UP)
        return refused(&error_already_present);
    struct started started = refused(&error_already_started);
    started.pid = known->pid;
    return started;
}

static struct started child_add_refuse(struct supervisor *sup, const struct child *child)
{
    const struct error *fault = child_spec_error(sup->heap, &sup->spec, &child->spec);
    if (fault)
        return refused(fault);
    const struct child *known =
        supervisor_has_ids(sup) ? children_by_id(sup, child->spec.id) : NULL;
    if (known)
        return known_refuse(known);
    size_t max = sup->spec.max_children;
    if (max && sup->child_count >= (max == CHILDREN_NONE ? 0 : max)) /* DYN-04 */
        return refused(&error_max_children);
    return started_ok(0);
}

struct started child_add(struct supervisor *sup, struct child *child)
{
    if (sup->spec.strategy == SIMPLE_ONE_FOR_ONE)
        template_apply(sup, child);
    struct started refusal = child_add_refuse(sup, child);
    if (refusal.how == STARTED_ERROR) {
        child_free(sup, child);
        return refusal;
    }
    if (sup->spec.strategy == DYNAMIC)
        arg_prepend(sup->heap, &child->spec, sup->spec.extra_arg, sup->spec.extra_arg_size);
    struct started started;
    child_launch(sup, child, &started);
    return child_settle(sup, child, started);
}

/* ---- by id ---- */

/* API-08 */
struct started child_start_again(struct supervisor *sup, const char *id)
{
    if (!supervisor_has_ids(sup))
        return refused(&error_unsupported);
    struct child *child = children_by_id(sup, id);
    if (!child)
        return refused(&error_not_found);
    if (child->state != CHILD_DOWN)
        return refused(child->state == CHILD_UP ? &error_running : &error_restarting);
    struct started started;
    child_launch(sup, child, &started);
    if (started.how == STARTED_OK)
        child_set(sup, child, CHILD_UP, started.pid);
    return started;
}

static int child_put_down(struct supervisor *sup, struct child *child)
{
    child_stop(sup, child);
    child_down(sup, child);
    return 0;
}

/* API-06, API-07 */
int child_terminate(struct supervisor *sup, const char *id)
{
    if (!supervisor_has_ids(sup))
        return -ENOTSUP;
    struct child *child = children_by_id(sup, id);
    return child ? child_put_down(sup, child) : -ENOENT;
}

/* API-09 */
int child_delete(struct supervisor *sup, const char *id)
{
    if (!supervisor_has_ids(sup))
        return -ENOTSUP;
    struct child *child = children_by_id(sup, id);
    if (!child)
        return -ENOENT;
    if (child->state != CHILD_DOWN)
        return child->state == CHILD_UP ? -EBUSY : -EAGAIN;
    children_drop(sup, child);
    return 0;
}

/* ---- by pid (S1F-03, DYN-01, DYN-09, API-13) ---- */

int child_terminate_pid(struct supervisor *sup, proc_id pid)
{
    struct child *child = supervisor_has_ids(sup) ? NULL : children_by_pid(sup, pid);
    if (child)
        return child_put_down(sup, child);
    bool fine =
        sup->spec.strategy == SIMPLE_ONE_FOR_ONE && !proc_alive(proc_runtime(sup->self), pid);
    return fine ? 0 : -ENOENT;
}
