/* oracle_trees.c: scenarios on supervision trees: their commands are read, given to the harness or carried out, and told in
 * blocks. A process, the harness, is the parent of the root and makes the calls to supervisors. */
#include "sut/runtime/oracle/trees.h"

#include "sut/runtime/heap.h"
#include <stdlib.h>
#include <string.h>

/* ---- dispatch ---- */

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
        tree_result(command, "noproc");
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
    for (const struct verb *verb = tree_verbs; verb->word; ++verb)
        if (strcmp(line->words[0], verb->word) == 0) {
            parse_words(&command, verb);
            command_give(&command, verb);
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
    tree_result_started(command, answer);
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
    tree_result(&command, alive ? "ok" : "dead");
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
