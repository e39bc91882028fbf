/* supervisor_spec.c: what a supervisor is told to do: does it make sense, and a copy of it. A copy owns the ids, the
 * arguments and the specs of supervisors below. */
#include "sut/runtime/supervisor_internal.h"

#include <string.h>

#define SHUTDOWN_DEFAULT (5 * NS_PER_S)

/* ---- contradictions ---- */

static bool spec_is_dynamic(const struct supervisor_spec *spec)
{
    return spec->strategy >= SIMPLE_ONE_FOR_ONE;
}

static enum spec_fault significant_check(const struct supervisor_spec *parent,
                                         const struct child_spec *spec)
{
    if (!spec->significant)
        return SPEC_FINE;
    if (parent->auto_shutdown == AUTO_NEVER) /* OTP looks at this first */
        return SPEC_SIGNIFICANT_NEVER;
    return spec->restart == RESTART_PERMANENT ? SPEC_SIGNIFICANT_PERMANENT : SPEC_FINE;
}

enum spec_fault child_spec_check(const struct supervisor_spec *parent,
                                 const struct child_spec *spec)
{
    if (!spec->id && !spec_is_dynamic(parent))
        return SPEC_ID;
    if (!!spec->main + !!spec->start + !!spec->supervisor != 1)
        return SPEC_BODY;
    if ((unsigned)spec->restart > RESTART_TEMPORARY)
        return SPEC_RESTART;
    if ((unsigned)spec->type > CHILD_SUPERVISOR)
        return SPEC_TYPE;
    if (spec->shutdown_ns < 0 && spec->shutdown_ns != SHUTDOWN_BRUTAL)
        return SPEC_SHUTDOWN;
    enum spec_fault fault = significant_check(parent, spec);
    if (!fault && spec->supervisor)
        fault = supervisor_spec_check(spec->supervisor, NULL);
    return fault;
}

static enum spec_fault options_check(const struct supervisor_spec *spec)
{
    if (spec->period_s == 0)
        return SPEC_PERIOD;
    if ((unsigned)spec->strategy > DYNAMIC)
        return SPEC_STRATEGY;
    if ((unsigned)spec->auto_shutdown > AUTO_ALL_SIGNIFICANT ||
        (spec->strategy == DYNAMIC && spec->auto_shutdown != AUTO_NEVER))
        return SPEC_AUTO_SHUTDOWN;
    if (spec->strategy == SIMPLE_ONE_FOR_ONE && spec->child_count != 1)
        return SPEC_TEMPLATE;
    return spec->strategy == DYNAMIC && spec->child_count > 0 ? SPEC_CHILDREN : SPEC_FINE;
}

struct seen_id {
    struct id_node node;
    const char *id;
};

static bool id_repeats(struct id_table *ids, struct seen_id *seen, const char *id)
{
    uint64_t hash = text_hash(id);
    for (struct id_node *node = id_table_find(ids, hash); node; node = id_table_find_next(node))
        if (strcmp(CONTAINER_OF(node, struct seen_id, node)->id, id) == 0)
            return true;
    seen->id = id;
    id_table_insert(ids, &seen->node, hash);
    return false;
}

/* The first id that another child has too, or NULL. */
static const char *repeated_id(const struct supervisor_spec *spec)
{
    struct heap heap;
    struct id_table ids;
    heap_init(&heap);
    id_table_init(&ids, &heap);
    struct seen_id *seen = heap_alloc(&heap, spec->child_count * sizeof *seen);
    const char *repeated = NULL;
    for (size_t i = 0; i < spec->child_count && !repeated; ++i)
        if (id_repeats(&ids, &seen[i], spec->children[i].id))
            repeated = spec->children[i].id;
    heap_done(&heap);
    return repeated;
}

enum spec_fault supervisor_spec_check(const struct supervisor_spec *spec, const char **ret_child)
{
    static const char *nobody;
    if (!ret_child)
        ret_child = &nobody;
    *ret_child = NULL;
    enum spec_fault fault = options_check(spec);
    for (size_t i = 0; i < spec->child_count && !fault; ++i) {
        fault = child_spec_check(spec, &spec->children[i]);
        if (fault)
            *ret_child = spec->children[i].id;
    }
    if (fault || spec_is_dynamic(spec))
        return fault;
    *ret_child = repeated_id(spec);
    return *ret_child ? SPEC_DUPLICATE : SPEC_FINE;
}

/* ---- the same in words ---- */

static const struct error spec_errors[] = {
#define X(fault, code, text) [fault] = {ERROR_INPUT, EXIT_ERROR, code, text, NULL, 0},
    SPEC_FAULTS(X)
#undef X
};

const char *spec_fault_text(enum spec_fault fault)
{
    return spec_errors[fault].text;
}

/* The fault is in it, or in what stands below it. */
static const struct error *child_fault_error(struct heap *heap, const struct child_spec *spec,
                                             enum spec_fault fault)
{
    const struct error *below =
        spec->supervisor ? supervisor_spec_error(heap, spec->supervisor) : NULL;
    const struct error *error = error_wrap(heap, below ? below : &spec_errors[fault], "child", "%s",
                                           spec->id ? spec->id : "");
    error_free(heap, below);
    return error;
}

const struct error *child_spec_error(struct heap *heap, const struct supervisor_spec *parent,
                                     const struct child_spec *spec)
{
    enum spec_fault fault = child_spec_check(parent, spec);
    return fault ? child_fault_error(heap, spec, fault) : NULL;
}

const struct error *supervisor_spec_error(struct heap *heap, const struct supervisor_spec *spec)
{
    const char *id;
    enum spec_fault fault = supervisor_spec_check(spec, &id);
    if (!fault)
        return NULL;
    if (fault == options_check(spec))
        return error_copy(heap, &spec_errors[fault]);
    for (size_t i = 0; i < spec->child_count && fault != SPEC_DUPLICATE; ++i)
        if (child_spec_check(spec, &spec->children[i]) == fault)
            return child_fault_error(heap, &spec->children[i], fault);
    return error_wrap(heap, &spec_errors[fault], "child", "%s", id);
}

/* ---- names, for events ---- */

const char *restart_name(enum restart_type restart)
{
    static const char *const names[] = {"permanent", "transient", "temporary"};
    return names[restart];
}

const char *strategy_name(enum strategy strategy)
{
    static const char *const names[] = {"one_for_one", "one_for_all", "rest_for_one",
                                        "simple_one_for_one", "dynamic"};
    return names[strategy];
}

const char *auto_shutdown_name(enum auto_shutdown auto_shutdown)
{
    static const char *const names[] = {"never", "any", "all"};
    return names[auto_shutdown];
}

/* ---- copies ---- */

struct child_spec child_spec_copy(struct heap *heap, const struct child_spec *spec)
{
    struct child_spec copy = *spec;
    copy.id = heap_strdup(heap, spec->id);
    if (spec->arg_size > 0)
        copy.arg = heap_memdup(heap, spec->arg, spec->arg_size);
    if (spec->supervisor) {
        struct supervisor_spec *below = heap_alloc(heap, sizeof *below);
        *below = supervisor_spec_copy(heap, spec->supervisor);
        copy.supervisor = below;
        copy.type = CHILD_SUPERVISOR;
    }
    if (spec->shutdown_ns == 0)
        copy.shutdown_ns = copy.type == CHILD_SUPERVISOR ? SHUTDOWN_INFINITY : SHUTDOWN_DEFAULT;
    return copy;
}

static void supervisor_spec_release(struct heap *heap, const struct supervisor_spec *spec)
{
    struct child_spec *children = (struct child_spec *)(uintptr_t)spec->children;
    for (size_t i = 0; i < spec->child_count; ++i)
        child_spec_release(heap, &children[i]);
    heap_release(heap, children);
    if (spec->extra_arg_size > 0)
        heap_release(heap, (void *)(uintptr_t)spec->extra_arg);
    heap_release(heap, (void *)(uintptr_t)spec->name);
    heap_release(heap, (void *)(uintptr_t)spec->label);
}

void child_spec_release(struct heap *heap, struct child_spec *spec)
{
    heap_release(heap, (void *)(uintptr_t)spec->id);
    child_spec_forget_body(heap, spec);
}

void child_spec_forget_body(struct heap *heap, struct child_spec *spec)
{
    if (spec->arg_size > 0)
        heap_release(heap, (void *)(uintptr_t)spec->arg);
    if (spec->supervisor) {
        supervisor_spec_release(heap, spec->supervisor);
        heap_release(heap, (void *)(uintptr_t)spec->supervisor);
    }
    spec->arg = NULL;
    spec->arg_size = 0;
    spec->supervisor = NULL;
}

struct supervisor_spec supervisor_options_copy(struct heap *heap,
                                               const struct supervisor_spec *spec)
{
    struct supervisor_spec copy = *spec;
    copy.label = heap_strdup(heap, spec->label);
    copy.name = heap_strdup(heap, spec->name);
    if (spec->extra_arg_size > 0)
        copy.extra_arg = heap_memdup(heap, spec->extra_arg, spec->extra_arg_size);
    copy.children = NULL;
    copy.child_count = 0;
    return copy;
}

struct supervisor_spec supervisor_spec_copy(struct heap *heap, const struct supervisor_spec *spec)
{
    struct supervisor_spec copy = supervisor_options_copy(heap, spec);
    struct child_spec *children = heap_alloc(heap, spec->child_count * sizeof *children);
    for (size_t i = 0; i < spec->child_count; ++i)
        children[i] = child_spec_copy(heap, &spec->children[i]);
    copy.children = children;
    copy.child_count = spec->child_count;
    return copy;
}
