/* oracle_tree_run.c: the processes of a tree: how they are started, what workers do, and the events that come of it. */
#include "sut/runtime/oracle/trees.h"

#include "sut/runtime/proc_internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOW_NS (60 * NS_PER_MS)

/* ---- events ---- */

__attribute__((format(printf, 3, 4))) static struct tree_event *
event_add(struct trees *trees, const struct incarnation *who, const char *format, ...)
{
    struct heap *heap = trees->oracle->heap;
    trees->events =
        heap_realloc(heap, trees->events, (trees->event_count + 1) * sizeof *trees->events);
    struct tree_event *event = &trees->events[trees->event_count++];
    va_list args;
    va_start(args, format);
    *event = (struct tree_event){.who = who, .text = oracle_format(heap, format, args)};
    va_end(args);
    return event;
}

int incarnation_compare(const struct incarnation *a, const struct incarnation *b)
{
    int order = strcmp(a->node->name, b->node->name);
    return order ? order : (a->number > b->number) - (a->number < b->number);
}

static int event_compare(const void *a, const void *b)
{
    return incarnation_compare(((const struct tree_event *)a)->who,
                               ((const struct tree_event *)b)->who);
}

/* The dyn or simple supervisor whose child exits here, or NULL. */
static const struct incarnation *event_group(const struct tree_event *event)
{
    const struct incarnation *parent = event->exit ? event->who->parent : NULL;
    return parent && parent->node->kind != NODE_SUP ? parent : NULL;
}

static void runs_sort(struct tree_event *events, size_t count)
{
    for (size_t i = 0, end; i < count; i = end) {
        const struct incarnation *group = event_group(&events[i]);
        for (end = i + 1; group && end < count && event_group(&events[end]) == group;)
            ++end;
        qsort(&events[i], end - i, sizeof *events, event_compare);
    }
}

void tree_events_flush(struct trees *trees)
{
    struct tree_event *events = trees->events;
    struct heap *heap = trees->oracle->heap;
    size_t count = trees->event_count, kept = 0, orphans = 0;
    struct tree_event *sorted = heap_alloc(heap, count * sizeof *sorted);
    for (size_t i = 0; i < count; ++i)
        if (!events[i].orphan)
            sorted[kept++] = events[i];
    for (size_t i = 0; i < count; ++i)
        if (events[i].orphan)
            sorted[kept + orphans++] = events[i];
    runs_sort(sorted, kept);
    if (orphans > 1)
        qsort(sorted + kept, orphans, sizeof *sorted, event_compare);
    for (size_t i = 0; i < count; ++i) {
        oracle_event(trees->oracle, "%s%s", sorted[i].orphan ? "~" : "", sorted[i].text);
        heap_release(heap, sorted[i].text);
    }
    heap_release(heap, sorted);
    trees->event_count = 0;
}

/* ---- incarnations ---- */

static struct incarnation *incarnation_new(struct node *node, unsigned number,
                                           struct incarnation *parent)
{
    struct trees *trees = node->trees;
    struct incarnation *who = heap_alloc(trees->oracle->heap, sizeof *who);
    who->node = node;
    who->number = number;
    who->parent = parent;
    who->alive = true;
    snprintf(who->label, sizeof who->label, "%s#%u", node->name, number);
    who->next = trees->incarnations;
    trees->incarnations = who;
    return who;
}

struct incarnation *incarnation_of(const struct trees *trees, proc_id pid)
{
    for (struct incarnation *who = trees->incarnations; who; who = who->next)
        if (pid && who->pid == pid)
            return who;
    return NULL;
}

/* Of the process that runs; its pid is known from here on. */
static struct incarnation *incarnation_running(const struct trees *trees, const struct proc *self)
{
    for (struct incarnation *who = trees->incarnations; who; who = who->next)
        if (strcmp(who->label, proc_label(self)) == 0) {
            who->pid = proc_self(self);
            return who;
        }
    return NULL; /* the harness */
}

static bool incarnation_is_orphan(const struct incarnation *who)
{
    for (who = who->parent; who; who = who->parent)
        if (!who->alive)
            return true;
    return false;
}

void tree_exited(struct oracle *oracle, proc_id pid, const struct reason *reason)
{
    struct trees *trees = oracle->state;
    struct incarnation *who = incarnation_of(trees, pid);
    if (!who)
        return;
    who->alive = false;
    struct tree_event *event = event_add(trees, who, "- %s %s", who->label,
                                         reason_term_whole(trees->oracle->heap, reason));
    event->exit = true;
    event->orphan = incarnation_is_orphan(who);
}

/* ---- workers ---- */

struct worker {
    enum worker_kind kind;
    proc_id supervisor;
};

static void worker_told(struct proc *self, const struct worker *worker, struct reason reason)
{
    switch (worker->kind) {
    case WORKER_STUBBORN: return;
    case WORKER_ODD: reason = reason_make(EXIT_ERROR, "odd"); break;
    case WORKER_CLEAN: reason = (struct reason){.kind = EXIT_NORMAL}; break;
    case WORKER_SLOW: proc_sleep(self, SLOW_NS); break;
    default: break;
    }
    proc_exit(self, reason);
}

static void worker_main(struct proc *self, void *arg)
{
    const struct worker *worker = arg;
    proc_trap_exit(self, worker->kind != WORKER_PLAIN);
    proc_started(self);
    for (;;) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        if (message->tag == TAG_DIE)
            proc_exit(self, *(const struct reason *)message->data);
        if (message->tag == MSG_EXIT && message->from == worker->supervisor)
            worker_told(self, worker, ((const struct exit_message *)message->data)->reason);
    }
}

static struct started worker_run(struct proc *supervisor, struct node *node, unsigned number,
                                 struct incarnation *parent)
{
    struct incarnation *who = incarnation_new(node, number, parent);
    struct worker worker = {.kind = node->worker, .supervisor = proc_self(supervisor)};
    struct started started = proc_start(
        supervisor,
        &(struct proc_spec){
            .label = who->label, .main = worker_main, .arg = &worker, .arg_size = sizeof worker},
        WAIT_FOREVER);
    who->pid = started.pid;
    who->alive = started.how == STARTED_OK;
    if (who->alive) {
        node->latest = who;
        event_add(node->trees, who, "+ %s", who->label);
    }
    return started;
}

static struct started worker_fail(struct proc *supervisor, const struct node *node, unsigned number,
                                  enum attempt attempt)
{
    static const char *const shown[] = {
        [ATTEMPT_ERROR] = "boom", [ATTEMPT_EXIT] = "exit_boom", [ATTEMPT_BAD] = "bad_return"};
    event_add(node->trees, NULL, "! %s#%u %s", node->name, number, shown[attempt]);
    if (attempt == ATTEMPT_EXIT)
        proc_exit(supervisor, reason_make(EXIT_ERROR, "boom"));
    return started_error(reason_make(EXIT_ERROR, "%s", shown[attempt]));
}

static struct started worker_start(struct proc *supervisor, struct node *node)
{
    unsigned number = ++node->attempts;
    enum attempt attempt = number <= node->plan_count ? node->plan[number - 1] : ATTEMPT_OK;
    struct incarnation *parent = incarnation_running(node->trees, supervisor);
    if (attempt == ATTEMPT_OK)
        return worker_run(supervisor, node, number, parent);
    if (attempt != ATTEMPT_IGNORE)
        return worker_fail(supervisor, node, number, attempt);
    event_add(node->trees, NULL, "? %s#%u", node->name, number);
    return started_ignore();
}

/* ---- supervisors ---- */

struct child_spec node_child(const struct node *node)
{
    struct child_spec child = node->child;
    child.id = node->name;
    child.start = node_start;
    child.arg = node;
    child.type = node_is_worker(node) ? CHILD_WORKER : CHILD_SUPERVISOR;
    return child;
}

static struct child_spec template_of(const struct node *node)
{
    struct child_spec child = node->template;
    child.start = node_start; /* with the node that start_child names */
    return child;
}

struct supervisor_spec node_supervisor(const struct node *node)
{
    struct supervisor_spec spec = node->sup;
    size_t count = 0;
    for (struct node *at = node->trees->nodes; at; at = at->next)
        count += at->parent == node;
    struct child_spec *children =
        heap_alloc(node->trees->oracle->heap, (count + 1) * sizeof *children);
    spec.children = children;
    for (struct node *at = node->trees->nodes; at; at = at->next)
        if (at->parent == node)
            children[spec.child_count++] = node_child(at);
    if (node->kind == NODE_SIMPLE)
        children[spec.child_count++] = template_of(node);
    return spec;
}

const char *fault_term(enum spec_fault fault)
{
    switch (fault) {
    case SPEC_PERIOD: return "{supervisor_data,{invalid_period,0}}";
    case SPEC_SIGNIFICANT_PERMANENT:
        return "{bad_combination,[{restart,permanent},{significant,true}]}";
    case SPEC_SIGNIFICANT_NEVER:
        return "{bad_combination,[{auto_shutdown,never},{significant,true}]}";
    default: return spec_fault_text(fault);
    }
}

/* OTP's supervisor looks at its spec as a process; ours before there is one. */
static struct started supervisor_fault(struct trees *trees, const struct incarnation *who,
                                       enum spec_fault fault)
{
    struct reason why =
        reason_make(EXIT_ERROR, fault == SPEC_PERIOD ? "%s" : "{start_spec,%s}", fault_term(fault));
    event_add(trees, who, "- %s %s", who->label, why.text)->exit = true;
    return started_error(why);
}

static struct started supervisor_run(struct proc *parent, struct node *node)
{
    struct trees *trees = node->trees;
    struct incarnation *who =
        incarnation_new(node, ++node->attempts, incarnation_running(trees, parent));
    event_add(trees, who, "* %s", who->label);
    struct supervisor_spec spec = node_supervisor(node);
    spec.label = who->label;
    enum spec_fault fault = supervisor_spec_check(&spec, NULL);
    struct started started =
        fault ? supervisor_fault(trees, who, fault) : supervisor_start_link(parent, &spec);
    who->alive = started.how == STARTED_OK;
    who->pid = started.how == STARTED_OK ? started.pid : who->pid;
    if (started.how == STARTED_OK) {
        node->latest = who;
        event_add(trees, who, "+ %s", who->label);
    } else {
        event_add(trees, who, "! %s %s", who->label,
                  reason_term_whole(trees->oracle->heap, &started.why));
    }
    heap_release(trees->oracle->heap, (void *)(uintptr_t)spec.children);
    return started;
}

struct started node_start(struct proc *supervisor, const void *arg)
{
    struct node *node = (struct node *)(uintptr_t)arg;
    return node_is_worker(node) ? worker_start(supervisor, node) : supervisor_run(supervisor, node);
}
