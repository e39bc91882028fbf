/* oracle_tree_calls.c: what the commands of tree scenarios do: calls to supervisors, which the harness makes, and deaths,
 * signals and time, which come from outside. */
#include "sut/runtime/oracle/trees.h"

#include "sut/runtime/proc_internal.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void tree_result(struct command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    command->result = oracle_format(command->trees->oracle->heap, format, args);
    va_end(args);
}

/* ---- how answers read ---- */

static const char *error_text(int err)
{
    switch (err) {
    case -ENOENT: return "error not_found";
    case -EBUSY: return "error running";
    case -EAGAIN: return "error restarting";
    case -ESRCH: return "noproc";
    case -EPIPE: return "exited";
    default: return err ? strerror(-err) : "ok";
    }
}

static void result_number(struct command *command, int err)
{
    tree_result(command, "%s", error_text(err));
}

void tree_result_started(struct command *command, struct child_answer answer)
{
    const struct started *started = &answer.started;
    if (answer.err)
        result_number(command, answer.err);
    else if (started->how == STARTED_OK)
        tree_result(command, "ok");
    else if (started->how == STARTED_IGNORE)
        tree_result(command, command->sup->kind == NODE_DYN ? "ignore" : "ok undefined");
    else
        tree_result(command, "error %s",
                    reason_term_whole(command->trees->oracle->heap, &started->why));
}

/* ---- calls, by the harness ---- */

static proc_id sup_pid(const struct command *command)
{
    const struct incarnation *latest = command->sup->latest;
    return latest ? latest->pid : 0;
}

static void call_stop(struct proc *self, struct command *command)
{
    result_number(command, supervisor_stop_with(self, sup_pid(command), command->reason));
}

static void call_start(struct proc *self, struct command *command)
{
    struct child_spec child = node_child(command->node);
    struct supervisor_spec spec = command->sup->sup;
    bool dynamic = command->sup->kind == NODE_DYN, simple = command->sup->kind == NODE_SIMPLE;
    /* Elixir 1.14 does not look at `significant`, and the caller itself refuses a child without time to stop. */
    child.significant &= !dynamic;
    if (dynamic && child.shutdown_ns == SHUTDOWN_AT_ONCE) {
        tree_result(command, "error {invalid_shutdown,0}");
        return;
    }
    enum spec_fault fault = simple ? SPEC_FINE : child_spec_check(&spec, &child);
    struct child_answer answer = supervisor_start_child(self, sup_pid(command), &child);
    tree_result_started(command, answer);
    if (fault && !answer.err)
        tree_result(command, "error %s", fault_term(fault));
}

static void call_term(struct proc *self, struct command *command)
{
    const struct node *node = command->node;
    if (command->sup->kind == NODE_SUP)
        result_number(command, supervisor_terminate_child(self, sup_pid(command), command->name));
    else if (!proc_alive(proc_runtime(self), sup_pid(command)))
        tree_result(command, "noproc");
    else if (!node || !node->latest)
        tree_result(command, "unknown");
    else
        result_number(command, supervisor_terminate_pid(self, sup_pid(command), node->latest->pid));
}

/* Calls by id: a dynamic supervisor has no such call, a simple one refuses it. */
static bool call_refused(struct proc *self, struct command *command)
{
    if (command->sup->kind == NODE_DYN)
        tree_result(command, "unsupported");
    else if (command->sup->kind == NODE_SIMPLE && proc_alive(proc_runtime(self), sup_pid(command)))
        tree_result(command, "error simple_one_for_one");
    return command->result;
}

static void call_restart(struct proc *self, struct command *command)
{
    if (!call_refused(self, command))
        tree_result_started(command,
                            supervisor_restart_child(self, sup_pid(command), command->name));
}

static void call_delete(struct proc *self, struct command *command)
{
    if (!call_refused(self, command))
        result_number(command, supervisor_delete_child(self, sup_pid(command), command->name));
}

static int word_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *info_word(const struct command *command, const struct child_info *info)
{
    const struct trees *trees = command->trees;
    const struct incarnation *who = incarnation_of(trees, info->pid);
    const char *state = info->state == CHILD_DOWN ? "undefined" : "restarting";
    char word[ORACLE_NAME_MAX + 32];
    if (who)
        return heap_strdup(trees->oracle->heap, who->label);
    snprintf(word, sizeof word, "%s:%s", info->id ? info->id : "undefined", state);
    return heap_strdup(trees->oracle->heap, word);
}

static void call_which(struct proc *self, struct command *command)
{
    struct child_info *infos;
    size_t count, size = 1;
    int err = supervisor_which_children(self, sup_pid(command), &infos, &count);
    if (err || count == 0) {
        tree_result(command, "%s", err ? error_text(err) : "(none)");
        return;
    }
    struct heap *heap = command->trees->oracle->heap;
    char **words = heap_alloc(heap, count * sizeof *words);
    for (size_t i = 0; i < count; ++i) {
        words[i] = info_word(command, &infos[i]);
        size += strlen(words[i]) + 1;
    }
    if (command->sup->kind != NODE_SUP)
        qsort(words, count, sizeof *words, word_compare);
    command->result = heap_alloc(heap, size);
    for (size_t i = 0; i < count; ++i)
        strcat(strcat(command->result, i ? " " : ""), words[i]);
    heap_release(proc_heap(self), infos);
}

static void call_count(struct proc *self, struct command *command)
{
    struct child_counts counts;
    int err = supervisor_count_children(self, sup_pid(command), &counts);
    if (err)
        result_number(command, err);
    else
        tree_result(command, "specs=%zu active=%zu supervisors=%zu workers=%zu", counts.specs,
                    counts.active, counts.supervisors, counts.workers);
}

/* ---- commands, from outside ---- */

static void drive_die(struct command *command)
{
    struct runtime *runtime = command->trees->oracle->runtime;
    const struct node *node = command->node;
    bool alive = latest_alive(node);
    if (node && !node_is_worker(node))
        oracle_reject(command->trees->oracle, command->line,
                      "%s is no worker: stop it, or send a signal", node->name);
    if (alive)
        proc_send(runtime, 0, node->latest->pid, TAG_DIE, &command->reason, sizeof(struct reason));
    tree_result(command, alive ? "ok" : "dead");
}

static void drive_signal(struct command *command)
{
    bool alive = latest_alive(command->node);
    if (alive)
        proc_signal(command->trees->oracle->runtime, 0, command->node->latest->pid,
                    command->reason);
    tree_result(command, alive ? "ok" : "dead");
}

/* Each word is X/R. They all get to run before their supervisor does, which becomes ready by the first death. */
static void drive_multi(struct command *command)
{
    struct oracle *oracle = command->trees->oracle;
    const struct oracle_line *line = command->line;
    const struct incarnation **hit = heap_alloc(oracle->heap, line->count * sizeof(void *));
    unsigned died = 0;
    for (unsigned i = 1; i < line->count; ++i) {
        char *name = heap_strdup(oracle->heap, line->words[i]);
        size_t length = strcspn(name, "/");
        if (!name[length])
            oracle_reject(oracle, line, "\"%s\" is not of the form NAME/REASON", name);
        name[length] = '\0';
        struct command one = *command;
        one.node = node_named(command->trees, name);
        one.reason = oracle_reason(oracle, line, name + length + 1);
        bool again = false;
        for (unsigned j = 0; j < died && one.node; ++j)
            again |= hit[j] == one.node->latest;
        if (again || !latest_alive(one.node))
            continue;
        drive_die(&one);
        hit[died++] = one.node->latest;
    }
    tree_result(command, "%u died", died);
}

static int64_t milliseconds(const struct command *command, long most)
{
    const char *word = command->line->words[1];
    char *end;
    long ms = strtol(word, &end, 10);
    if (*end || ms < 0 || ms > most)
        oracle_reject(command->trees->oracle, command->line,
                      "\"%s\" is no number of milliseconds from 0 to %ld", word, most);
    return ms * NS_PER_MS;
}

static void drive_sleep(struct command *command)
{
    oracle_pass(command->trees->oracle, milliseconds(command, 1000000000));
    tree_result(command, "ok");
}

static void drive_align(struct command *command)
{
    struct oracle *oracle = command->trees->oracle;
    int64_t wanted = milliseconds(command, 999), is = oracle->now % NS_PER_S;
    oracle_pass(oracle, wanted >= is ? wanted - is : wanted - is + NS_PER_S);
    tree_result(command, "ok");
}

/* ---- all of them ---- */

const struct verb tree_verbs[] = {
    {"die", "xr", NULL, drive_die},
    {"multi", "*", NULL, drive_multi},
    {"signal", "xr", NULL, drive_signal},
    {"stop", "sr", call_stop, NULL},
    {"start", "sy", call_start, NULL},
    {"term", "sx", call_term, NULL},
    {"restart", "sx", call_restart, NULL},
    {"delete", "sx", call_delete, NULL},
    {"which", "s", call_which, NULL},
    {"count", "s", call_count, NULL},
    {"sleep", "t", NULL, drive_sleep},
    {"align", "t", NULL, drive_align},
    {0},
};
