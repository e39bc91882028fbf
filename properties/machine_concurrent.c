/* machine_concurrent.c: branches of steps as fibers, whose answers are judged together; see machine.h. */
#include "properties/linear.h"
#include "properties/machine_internal.h"

#include <assert.h>
#include <string.h>

enum { PREFIX_MAX = 8, BRANCH_STEPS_MAX = 4, BRANCHES_MAX = 3, STATES_MAX = 200000 };

struct branch {
    struct concurrent *in;
    size_t number, count;
    struct machine_call *calls;
};

struct concurrent {
    struct machine_run *run;
    struct branch branches[BRANCHES_MAX];
    size_t branch_count;
    struct history history;
    struct machine_call **calls; /* of the operations of the history */
};

static const char *const branch_names[BRANCHES_MAX] = {"A", "B", "C"};

/* ---- running ---- */

static void run_branch(void *arg)
{
    struct branch *branch = arg;
    struct history *history = &branch->in->history;
    const char *name = branch_names[branch->number];
    for (size_t i = 0; i < branch->count; i++) {
        struct machine_call *call = &branch->calls[i];
        if (i > 0)
            prop_yield();
        case_tell(prop_current(), "%s: %s ...", name, machine_print(call, false));
        size_t number = history_invoke(
            history, (struct op){.process = branch->number, .value = (int64_t)history->count}, 0);
        branch->in->calls[number] = call;
        call->rule->run(branch->in->run->system, call);
        history_complete(history, number, OP_OK, 0);
        case_tell(prop_current(), "%s: %s", name, machine_print(call, true));
    }
}

/* The steps of all branches are drawn before the first runs: the schedule cannot change them. */
static void draw_branch(struct branch *branch)
{
    struct machine_run *run = branch->in->run;
    size_t max = run->machine->branch_steps_max ? run->machine->branch_steps_max : BRANCH_STEPS_MAX;
    struct sequence_list list = {.max = max, .average = max / 2, .label = MARK_STEP};
    branch->calls = prop_alloc(max * sizeof *branch->calls);
    while (gen_more(prop_gen(), &list))
        if (!machine_draw(run, &branch->calls[list.count - 1]))
            gen_reject(prop_gen(), &list);
    branch->count = list.count;
}

static void draw_branches(struct concurrent *concurrent)
{
    size_t calls = 0;
    for (size_t i = 0; i < concurrent->branch_count; i++) {
        struct branch *branch = &concurrent->branches[i];
        *branch = (struct branch){.in = concurrent, .number = i};
        draw_branch(branch);
        calls += branch->count;
    }
    concurrent->calls = prop_alloc((calls + 1) * sizeof(struct machine_call *));
}

/* ---- judging: the machine as a model of histories ---- */

static struct concurrent *judged(void)
{
    return prop_current()->concurrent;
}

static size_t model_size(const struct op *const *ops, size_t count)
{
    (void)ops, (void)count;
    return (judged()->run->machine->state_size + 7) / 8 * 8;
}

static void model_init(void *state)
{
    const struct machine_run *run = judged()->run;
    memcpy(state, run->state, run->machine->state_size);
}

static bool model_step(void *state, const struct op *op)
{
    const struct machine_call *call = judged()->calls[op->value];
    return call->rule->step(state, call);
}

static void history_free(void *arg)
{
    history_done(arg);
}

static void findings_free(void *arg)
{
    findings_done(arg);
}

static void judge_branches(struct concurrent *concurrent)
{
    static const struct model model = {"machine", model_size, model_init, model_step};
    struct prop_case *executed = prop_current();
    struct findings *found = prop_alloc(sizeof *found);
    prop_defer(findings_free, found);
    executed->concurrent = concurrent;
    check_linearizable(&concurrent->history, &model, STATES_MAX, found);
    executed->concurrent = NULL;
    const struct finding *finding = findings_first(found, LINEARIZABLE);
    if (finding)
        case_fail(
            executed,
            arena_print(&executed->arena, "%s: linearizability", concurrent->run->machine->name),
            "no order of the steps explains what they answered; at most %lld of %zu fit",
            (long long)finding->amount, concurrent->history.count);
    if (findings_count(found, KIND(UNDECIDED)))
        case_leave(executed, CASE_TOO_LARGE);
}

void machine_check_concurrent(const struct machine *machine, unsigned branches)
{
    assert(branches >= 2 && branches <= BRANCHES_MAX);
    struct machine_run *run = prop_alloc(sizeof *run);
    struct concurrent *concurrent = prop_alloc(sizeof *concurrent);
    concurrent->run = run;
    concurrent->branch_count = branches;
    prop_defer(history_free, &concurrent->history);
    machine_begin(run, machine);
    machine_steps(run, machine->steps_max ? machine->steps_max : PREFIX_MAX);
    draw_branches(concurrent);
    for (size_t i = 0; i < branches; i++)
        prop_spawn(branch_names[i], run_branch, &concurrent->branches[i]);
    prop_join();
    judge_branches(concurrent);
    machine_end(run);
}
