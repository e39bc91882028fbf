/* proc_lineage.c: the lineage of processes, and the report of a crash, which carries it. A process writes itself down when it
 * spawns for the first time, and again when its name has changed since. */
#include "sut/runtime/server_internal.h"

#include <inttypes.h>

enum { WORDS_MAX = 512 };

POINT_ABOUT("proc/lineage/caller", "A process that was spawned works for another one.");
POINT_ABOUT("proc/process/crash",
            "A process ended by itself, and not calmly: the report, with who it descends from.");

static struct lineage *lineage_of(struct proc *proc)
{
    if (!proc->own_lineage)
        proc->own_lineage = lineage_new(proc->runtime->env->heap, proc->ancestors, proc_id_of(proc),
                                        proc->name ? proc->name->text : NULL, proc->label);
    return proc->own_lineage;
}

void lineage_changed(struct proc *proc)
{
    lineage_release(proc->runtime->env->heap, proc->own_lineage);
    proc->own_lineage = NULL;
}

/* Whose call it serves, and whose that one served (ANC-02, ANC-03). */
static struct lineage *callers_of(struct runtime *runtime, proc_id caller)
{
    struct proc *proc = runtime_find(runtime, caller);
    return lineage_new(runtime->env->heap, proc ? proc->callers : NULL, caller,
                       proc && proc->name ? proc->name->text : NULL, proc ? proc->label : "");
}

void lineage_set(struct proc *proc, const struct proc_spec *spec)
{
    struct runtime *runtime = proc->runtime;
    struct proc *parent =
        runtime->current || !spec->link ? runtime->current : runtime_find(runtime, spec->link);
    if (parent && parent->state != PROC_DEAD)
        proc->ancestors = lineage_hold(lineage_of(parent));
    if (spec->caller)
        proc->callers = callers_of(runtime, spec->caller);
}

void lineage_clear(struct proc *proc)
{
    struct heap *heap = proc->runtime->env->heap;
    lineage_changed(proc);
    lineage_release(heap, proc->ancestors);
    lineage_release(heap, proc->callers);
}

static size_t lineage_list(const struct lineage *lineage, proc_id *out, size_t max)
{
    size_t count = 0;
    for (; lineage; lineage = lineage->up, ++count)
        if (count < max)
            out[count] = lineage->pid;
    return count;
}

size_t runtime_ancestors(const struct runtime *runtime, proc_id pid, proc_id *out, size_t max)
{
    const struct proc *proc = runtime_find(runtime, pid);
    return proc ? lineage_list(proc->ancestors, out, max) : 0;
}

size_t runtime_callers(const struct runtime *runtime, proc_id pid, proc_id *out, size_t max)
{
    const struct proc *proc = runtime_find(runtime, pid);
    return proc ? lineage_list(proc->callers, out, max) : 0;
}

/* ---- crash reports ---- */

struct crash_words {
    char ancestors[WORDS_MAX];
    char callers[WORDS_MAX];
    char state[WORDS_MAX];
};

static struct crash crash_of(const struct proc *self, const struct reason *reason,
                             struct crash_words *words)
{
    const struct server *server = self->turn == server_turn ? self->arg : NULL;
    words->state[0] = '\0';
    if (server)
        server_words(server, words->state, WORDS_MAX);
    return (struct crash){.pid = proc_id_of(self),
                          .label = self->label,
                          .name = self->name ? self->name->text : NULL,
                          .reason = reason,
                          .ancestors = lineage_words(self->ancestors, words->ancestors, WORDS_MAX),
                          .callers = lineage_words(self->callers, words->callers, WORDS_MAX),
                          .messages = self->mail_count,
                          .state = words->state,
                          .last_tag = server ? server->last_tag : 0};
}

void crash_report(struct proc *self, const struct reason *reason)
{
    struct runtime *runtime = self->runtime;
    if (reason_is_calm(*reason) || (!runtime->crashed && !self->site.sink))
        return; /* ANC-06; or nobody wants to know */
    struct crash_words words;
    struct crash crash = crash_of(self, reason, &words);
    TRACE(&self->site, "proc/process/crash", T_U64("pid", crash.pid), T_STR("label", crash.label),
          T_STR("reason", reason_term(*reason, (char[REASON_WORDS]){0})),
          T_STR("ancestors", crash.ancestors), T_STR("callers", crash.callers),
          T_U64("messages", crash.messages), T_STR("state", crash.state),
          T_U64("last", crash.last_tag));
    if (runtime->crashed)
        runtime->crashed(runtime->crashed_ctx, &crash);
}

/* In full, as far as it is known. */
static const char *crash_why(struct heap *heap, const struct reason *reason)
{
    return reason->error ? error_words(heap, reason->error)
                         : heap_strdup(heap, reason_text(*reason, (char[REASON_WORDS]){0}));
}

static void crash_log(void *ctx, const struct crash *crash)
{
    struct heap heap;
    heap_init(&heap);
    bool named = crash->name, callers = crash->callers[0], state = crash->state[0];
    env_log(ctx, LOG_WARN,
            "process %s<%" PRIu64 "> crashed: %s%s%s; ancestors: %s%s%s; %zu messages unread",
            named ? crash->name : crash->label, crash->pid, crash_why(&heap, crash->reason),
            state ? "; state: " : "", crash->state, crash->ancestors[0] ? crash->ancestors : "none",
            callers ? "; callers: " : "", crash->callers, crash->messages);
    heap_done(&heap);
}

void runtime_log_crashes(struct runtime *runtime)
{
    runtime_on_crash(runtime, crash_log, runtime->env);
}

void runtime_on_crash(struct runtime *runtime,
                      void (*crashed)(void *ctx, const struct crash *crash), void *ctx)
{
    runtime->crashed = crashed;
    runtime->crashed_ctx = ctx;
}
