/* oracle_trees.c: scenarios on supervision trees: their commands and their blocks. A process, the harness, is the parent of the
 * root and makes the calls to supervisors; deaths and signals come from outside. */
#include "sut/runtime/oracle/trees.h"

#include "sut/runtime/proc_internal.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct command {
    struct trees *trees;
    const struct oracle_line *line;
    struct node *sup;     /* S, or NULL: there is none of this name */
    struct node *node;    /* X, likewise */
    const char *name;     /* of X */
    struct reason reason; /* R */
    char *result;         /* on the heap of the scenario */
};

__attribute__((format(printf, 2, 3))) static void result_set(struct command *command,
                                                             const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    command->result = heap_strdup(command->trees->oracle->heap, text);
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
    result_set(command, "%s", error_text(err));
}

static void result_started(struct command *command, struct child_answer answer)
{
    const struct started *started = &answer.started;
    if (answer.err)
        result_number(command, answer.err);
    else if (started->how == STARTED_OK)
        result_set(command, "ok");
    else if (started->how == STARTED_IGNORE)
        result_set(command, command->sup->kind == NODE_DYN ? "ignore" : "ok undefined");
    else
        result_set(command, "error %s", reason_term(started->why, (char[REASON_WORDS]){0}));
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
    bool simple = command->sup->kind == NODE_SIMPLE;
    enum spec_fault fault = simple ? SPEC_FINE : child_spec_check(&spec, &child);
    struct child_answer answer = supervisor_start_child(self, sup_pid(command), &child);
    result_started(command, answer);
    if (fault && !answer.err)
        result_set(command, "error %s", fault_term(fault, command->sup->kind == NODE_DYN));
}

static void call_term(struct proc *self, struct command *command)
{
    const struct node *node = command->node;
    if (command->sup->kind == NODE_SUP)
        result_number(command, supervisor_terminate_child(self, sup_pid(command), command->name));
    else if (!proc_alive(proc_runtime(self), sup_pid(command)))
        result_set(command, "noproc");
    else if (!node || !node->latest)
        result_set(command, "unknown");
    else
        result_number(command, supervisor_terminate_pid(self, sup_pid(command), node->latest->pid));
}

/* Calls by id: a dynamic supervisor has no such call, a simple one refuses it. */
static bool call_refused(struct proc *self, struct command *command)
{
    if (command->sup->kind == NODE_DYN)
        result_set(command, "unsupported");
    else if (command->sup->kind == NODE_SIMPLE && proc_alive(proc_runtime(self), sup_pid(command)))
        result_set(command, "error simple_one_for_one");
    return command->result;
}

static void call_restart(struct proc *self, struct command *command)
{
    if (!call_refused(self, command))
        result_started(command, supervisor_restart_child(self, sup_pid(command), command->name));
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
        result_set(command, "%s", err ? error_text(err) : "(none)");
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
        result_set(command, "specs=%zu active=%zu supervisors=%zu workers=%zu", counts.specs,
                   counts.active, counts.supervisors, counts.workers);
}

/* ---- commands, from outside ---- */

static bool latest_alive(const struct node *node)
{
    return node && node->latest && node->latest->alive;
}

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
    result_set(command, alive ? "ok" : "dead");
}

static void drive_signal(struct command *command)
{
    bool alive = latest_alive(command->node);
    if (alive)
        proc_signal(command->trees->oracle->runtime, 0, command->node->latest->pid,
                    command->reason);
    result_set(command, alive ? "ok" : "dead");
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
    result_set(command, "%u died", died);
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
    result_set(command, "ok");
}

static void drive_align(struct command *command)
{
    struct oracle *oracle = command->trees->oracle;
    int64_t wanted = milliseconds(command, 999), is = oracle->now % NS_PER_S;
    oracle_pass(oracle, wanted >= is ? wanted - is : wanted - is + NS_PER_S);
    result_set(command, "ok");
}

/* ---- dispatch ---- */

/* The letters of `words`: s a supervisor, x a child by name, y a known child, r a reason, t a number; *: any number of words. */
static const struct verb {
    const char *word, *words;
    void (*call)(struct proc *self, struct command *command); /* by the harness; NULL: */
    void (*drive)(struct command *command);
} verbs[] = {
    {"die", "xr", NULL, drive_die},        {"multi", "*", NULL, drive_multi},
    {"signal", "xr", NULL, drive_signal},  {"stop", "sr", call_stop, NULL},
    {"start", "sy", call_start, NULL},     {"term", "sx", call_term, NULL},
    {"restart", "sx", call_restart, NULL}, {"delete", "sx", call_delete, NULL},
    {"which", "s", call_which, NULL},      {"count", "s", call_count, NULL},
    {"sleep", "t", NULL, drive_sleep},     {"align", "t", NULL, drive_align},
};

static void parse_sup(struct command *command, unsigned at)
{
    struct oracle *oracle = command->trees->oracle;
    const char *name = oracle_name(oracle, command->line, at, "a supervisor");
    command->sup = node_named(command->trees, name);
    if (command->sup && node_is_worker(command->sup))
        oracle_reject(oracle, command->line, "%s is a worker", name);
}

static void parse_child(struct command *command, unsigned at, bool known)
{
    struct oracle *oracle = command->trees->oracle;
    command->name = oracle_name(oracle, command->line, at, "a child");
    command->node = node_named(command->trees, command->name);
    if (!known)
        return;
    if (!command->node)
        oracle_reject(oracle, command->line, "there is no line for %s", command->name);
    if (command->sup && command->sup->kind != NODE_SUP && !node_is_worker(command->node))
        oracle_reject(oracle, command->line, "%s is no worker, and %s has only workers",
                      command->name, command->sup->name);
}

static void parse_words(struct command *command, const struct verb *verb)
{
    const struct oracle_line *line = command->line;
    unsigned count = (unsigned)strlen(verb->words);
    oracle_expect(command->trees->oracle, line, count + 1,
                  *verb->words == '*' ? line->count : count + 1);
    for (unsigned i = 0; i < count; ++i)
        switch (verb->words[i]) {
        case 's': parse_sup(command, i + 1); break;
        case 'r':
            command->reason = oracle_reason(command->trees->oracle, line, line->words[i + 1]);
            break;
        case 'x':
        case 'y': parse_child(command, i + 1, verb->words[i] == 'y'); break;
        default: break;
        }
}

struct order { /* what the harness is asked to do */
    void (*call)(struct proc *self, struct command *command);
    struct command *command;
};

static void command_give(struct command *command, const struct verb *verb)
{
    struct trees *trees = command->trees;
    struct order order = {verb->call, command};
    if (verb->drive)
        verb->drive(command);
    else if (command->sup)
        proc_send(trees->oracle->runtime, 0, trees->harness, TAG_TREE_COMMAND, &order,
                  sizeof order);
    else
        result_set(command, "noproc");
}

static void block_end(struct command *command, const char *text)
{
    struct trees *trees = command->trees;
    oracle_settle(trees->oracle);
    tree_events_flush(trees);
    oracle_block(trees->oracle, text, command->result ? command->result : "stuck", false);
}

static void command_run(struct trees *trees, const struct oracle_line *line)
{
    struct command command = {.trees = trees, .line = line};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; ++i)
        if (strcmp(line->words[0], verbs[i].word) == 0) {
            parse_words(&command, &verbs[i]);
            command_give(&command, &verbs[i]);
            block_end(&command, line->text);
            return;
        }
    oracle_reject(trees->oracle, line, "\"%s\" is no command of a tree scenario", line->words[0]);
}

/* ---- the harness ---- */

static void call_init(struct proc *self, struct command *command)
{
    struct child_answer answer = {.started = node_start(self, command->trees->root)};
    command->sup = command->trees->root;
    result_started(command, answer);
}

static void harness_main(struct proc *self, void *arg)
{
    (void)arg;
    for (;;) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        if (message->tag != TAG_TREE_COMMAND)
            continue;
        struct order order = *(const struct order *)message->data;
        order.call(self, order.command);
    }
}

static void root_end(struct trees *trees)
{
    struct command command = {.trees = trees};
    bool alive = latest_alive(trees->root);
    if (alive)
        proc_signal(trees->oracle->runtime, trees->harness, trees->root->latest->pid,
                    (struct reason){.kind = EXIT_SHUTDOWN});
    result_set(&command, alive ? "ok" : "dead");
    block_end(&command, "end");
}

static int leaked_compare(const void *a, const void *b)
{
    return incarnation_compare(*(const struct incarnation *const *)a,
                               *(const struct incarnation *const *)b);
}

static void leaked_print(struct trees *trees)
{
    size_t count = 0;
    for (const struct incarnation *who = trees->incarnations; who; who = who->next)
        count += who->alive;
    const struct incarnation **leaked =
        heap_alloc(trees->oracle->heap, (count + 1) * sizeof *leaked);
    count = 0;
    for (const struct incarnation *who = trees->incarnations; who; who = who->next)
        if (who->alive)
            leaked[count++] = who;
    if (count > 1)
        qsort(leaked, count, sizeof *leaked, leaked_compare);
    fprintf(trees->oracle->out, "leaked");
    for (size_t i = 0; i < count; ++i)
        fprintf(trees->oracle->out, " %s", leaked[i]->label);
    fprintf(trees->oracle->out, "\n");
}

void oracle_trees(struct oracle *oracle)
{
    struct trees *trees = heap_alloc(oracle->heap, sizeof *trees);
    trees->oracle = oracle;
    oracle->state = trees;
    oracle->exited = tree_exited;
    tree_read(trees);
    trees->harness = proc_spawn(
        oracle->runtime,
        &(struct proc_spec){.label = "harness", .main = harness_main, .trap_exit = true});
    struct command init = {.trees = trees, .sup = trees->root};
    command_give(&init, &(struct verb){.call = call_init});
    block_end(&init, "init");
    for (unsigned i = trees->first_command; i < oracle->line_count; ++i)
        command_run(trees, &oracle->lines[i]);
    root_end(trees);
    leaked_print(trees);
}
