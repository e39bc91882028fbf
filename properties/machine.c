/* machine.c: steps in a row against a model; see machine.h. */
#define _GNU_SOURCE
#include "properties/machine_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 50, RULES_MAX = 32 };

/* ---- identities ---- */

int64_t machine_fresh(void)
{
    struct machine_run *run = prop_current()->machine;
    assert(run && "only in a machine");
    return run->identities++;
}

static uint64_t pool_place(const struct pool *pool, int64_t id)
{
    uint64_t at = 0;
    while (at < pool->count && pool->alive[at] < (uint64_t)id)
        at++;
    return at;
}

bool pool_has(const struct pool *pool, int64_t id)
{
    uint64_t at = pool_place(pool, id);
    return at < pool->count && pool->alive[at] == (uint64_t)id;
}

void pool_add(struct pool *pool, int64_t id)
{
    assert(pool->count < POOL_MAX && "too many in a pool: let .may look at its count");
    uint64_t at = pool_place(pool, id);
    memmove(pool->alive + at + 1, pool->alive + at, (pool->count - at) * sizeof *pool->alive);
    pool->alive[at] = (uint64_t)id;
    pool->count++;
}

void pool_remove(struct pool *pool, int64_t id)
{
    uint64_t at = pool_place(pool, id);
    assert(pool_has(pool, id));
    pool->count--;
    memmove(pool->alive + at, pool->alive + at + 1, (pool->count - at) * sizeof *pool->alive);
    pool->alive[pool->count] = 0;
}

int64_t pool_pick(struct gen *gen, const struct pool *pool)
{
    return (int64_t)gen_pick(gen, pool->alive, pool->count);
}

/* ---- telling ---- */

static void print_values(FILE *out, const int64_t *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%lld", i ? ", " : "", (long long)values[i]);
}

static void print_call(FILE *out, const struct machine_call *call, bool answered)
{
    fprintf(out, "%s(", call->rule->name);
    print_values(out, call->in, call->rule->ins);
    fputs(")", out);
    if (answered && call->rule->outs) {
        fputs(" -> ", out);
        print_values(out, call->out, call->rule->outs);
    }
}

const char *machine_print(const struct machine_call *call, bool answered)
{
    struct prop_case *executed = prop_current();
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    if (call->rule->print)
        call->rule->print(out, call);
    else
        print_call(out, call, answered);
    fclose(out);
    char *copy = arena_copy(&executed->arena, text, size, size + 1);
    free(text);
    return copy;
}

/* ---- steps ---- */

bool machine_expect(int64_t got, int64_t expected)
{
    struct machine_run *run = prop_current()->machine;
    if (got != expected && run)
        snprintf(run->expected, sizeof run->expected, ", but %lld was expected",
                 (long long)expected);
    return got == expected;
}

/* Which rules are left out. Half of the cases leave out none. */
static void draw_swarm(struct machine_run *run)
{
    size_t rules = run->machine->rule_count;
    assert(rules > 0 && rules <= RULES_MAX);
    uint64_t all = (UINT64_C(1) << rules) - 1;
    int64_t left_out = gen_uniform(prop_gen(), 0, (int64_t)(2 * all + 1));
    run->enabled = (uint64_t)left_out > all ? all : all & ~(uint64_t)left_out;
}

/* Numbers of the rules that may be done; count returned. */
static size_t find_possible(const struct machine_run *run, uint64_t enabled, uint64_t *ret_rules)
{
    size_t count = 0;
    for (size_t i = 0; i < run->machine->rule_count; i++) {
        const struct machine_rule *rule = &run->machine->rules[i];
        if ((enabled >> i & 1) && (!rule->may || rule->may(run->state)))
            ret_rules[count++] = i;
    }
    return count;
}

bool machine_draw(struct machine_run *run, struct machine_call *ret_call)
{
    uint64_t rules[RULES_MAX];
    size_t count = find_possible(run, run->enabled, rules);
    if (count == 0)
        count = find_possible(run, UINT64_MAX, rules);
    if (count == 0)
        return false;
    const struct machine_rule *rule = &run->machine->rules[gen_pick(prop_gen(), rules, count)];
    *ret_call = (struct machine_call){.rule = rule};
    if (rule->draw)
        rule->draw(prop_gen(), run->state, ret_call);
    return true;
}

static void judge(struct machine_run *run, const struct machine_call *call, size_t number)
{
    run->expected[0] = '\0';
    case_tell(prop_current(), "%zu. %s", number, machine_print(call, true));
    if (!call->rule->step(run->state, call))
        case_fail(
            prop_current(),
            arena_print(&prop_current()->arena, "%s: %s", run->machine->name, call->rule->name),
            "the model does not admit %s%s", machine_print(call, true), run->expected);
    if (run->machine->invariant)
        run->machine->invariant(run->state, run->system);
}

void machine_steps(struct machine_run *run, size_t max)
{
    struct sequence_list list = {.max = max, .average = max / 2, .label = MARK_STEP};
    while (gen_more(prop_gen(), &list)) {
        struct machine_call call;
        if (!machine_draw(run, &call)) {
            gen_reject(prop_gen(), &list);
            continue;
        }
        call.rule->run(run->system, &call);
        judge(run, &call, list.count);
    }
}

void machine_begin(struct machine_run *run, const struct machine *machine)
{
    *run = (struct machine_run){.machine = machine, .state = prop_alloc(machine->state_size)};
    prop_current()->machine = run;
    if (machine->init)
        machine->init(run->state);
    draw_swarm(run);
    if (machine->start)
        run->system = machine->start();
    if (machine->stop)
        prop_defer(machine->stop, run->system);
}

void machine_end(struct machine_run *run)
{
    (void)run;
    prop_current()->machine = NULL;
}

void machine_check(const struct machine *machine)
{
    struct machine_run run;
    machine_begin(&run, machine);
    machine_steps(&run, machine->steps_max ? machine->steps_max : STEPS_MAX);
    machine_end(&run);
}
