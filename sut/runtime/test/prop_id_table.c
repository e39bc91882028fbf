/* The table of ids against an array. */
#include "properties/machine.h"
#include "sut/runtime/id_table.h"

enum { NODES = 100 };

struct tables {
    struct heap *heap;
    struct id_table table;
    struct id_node nodes[NODES];
};

/* Ids of the nodes, + 1; 0: not in the table. */
struct state {
    uint64_t ids[NODES];
};

static void *start(void)
{
    struct tables *tables = prop_alloc(sizeof *tables);
    tables->heap = heap_new();
    id_table_init(&tables->table, tables->heap);
    return tables;
}

static void stop(void *system)
{
    struct tables *tables = system;
    id_table_done(&tables->table);
    heap_free(tables->heap);
}

static void draw_node(struct gen *gen, const void *state, struct machine_call *call)
{
    (void)state;
    call->in[0] = gen_int(gen, 0, NODES - 1);
}

/* Ids that share a chain, and equal ones, are not rare. */
static void draw_id(struct gen *gen, const void *state, struct machine_call *call)
{
    (void)state;
    call->in[1] = gen_int(gen, 0, 20) * (gen_bool(gen) ? 4096 : 1);
}

static void draw_both(struct gen *gen, const void *state, struct machine_call *call)
{
    draw_node(gen, state, call);
    draw_id(gen, state, call);
}

/* Takes it out if it is in, puts it in if it is not. */
static void run_toggle(void *system, struct machine_call *call)
{
    struct tables *tables = system;
    struct id_node *node = &tables->nodes[call->in[0]];
    for (struct id_node *at = id_table_find(&tables->table, node->id); at;
         at = id_table_find_next(at))
        call->out[0] |= at == node;
    if (call->out[0])
        id_table_remove(&tables->table, node);
    else
        id_table_insert(&tables->table, node, (uint64_t)call->in[1]);
}

static void run_count(void *system, struct machine_call *call)
{
    struct tables *tables = system;
    for (struct id_node *at = id_table_find(&tables->table, (uint64_t)call->in[1]); at;
         at = id_table_find_next(at))
        call->out[0]++;
    call->out[1] = (int64_t)tables->table.count;
}

static bool step_toggle(void *model, const struct machine_call *call)
{
    uint64_t *id = &((struct state *)model)->ids[call->in[0]];
    bool was_in = *id != 0;
    *id = was_in ? 0 : (uint64_t)call->in[1] + 1;
    return machine_expect(call->out[0], was_in);
}

static bool step_count(void *model, const struct machine_call *call)
{
    const struct state *state = model;
    int64_t same = 0, all = 0;
    for (int i = 0; i < NODES; i++) {
        same += state->ids[i] == (uint64_t)call->in[1] + 1;
        all += state->ids[i] != 0;
    }
    return machine_expect(call->out[0], same) && machine_expect(call->out[1], all);
}

static const struct machine_rule rules[] = {
    {"toggle", 2, 1, NULL, draw_both, run_toggle, step_toggle, NULL},
    {"count", 2, 2, NULL, draw_id, run_count, step_count, NULL},
};

PROPERTY(id_table, finds_what_an_array_holds, .runs = 300)
{
    static const struct machine machine = {.name = "id_table",
                                           .state_size = sizeof(struct state),
                                           .start = start,
                                           .stop = stop,
                                           .rules = rules,
                                           .rule_count = 2,
                                           .steps_max = 200};
    machine_check(&machine);
}
