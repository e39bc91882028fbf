/* Tables of the four types against a list of rows that is searched from end to end. */
#include "properties/machine.h"
#include "sut/runtime/ets.h"
#include "sut/runtime/test/fake_env.h"

enum { ROWS_MAX = 64, KEYS = 12 };

struct system {
    struct fake_env fake;
    struct runtime *runtime;
    struct proc *owner;
    ets_id table;
};

struct pair {
    int64_t key, value;
    bool real; /* the key is a real number */
    int came;  /* when its key did, among the keys */
};

struct state {
    struct pair rows[ROWS_MAX];
    int count;
    int came;
};

static enum ets_type type;

static void *start(void)
{
    struct system *system = prop_alloc(sizeof *system);
    fake_env_init(&system->fake);
    system->runtime = runtime_new(&system->fake.env, NULL);
    return system;
}

static void stop(void *arg)
{
    struct system *system = arg;
    runtime_free(system->runtime);
    heap_free(system->fake.env.heap);
}

/* ---- a call runs in a process of its own: the table is public, and its owner only waits ---- */

struct errand {
    struct system *system;
    struct machine_call *call;
    void (*run)(struct proc *self, ets_id table, struct machine_call *call);
};

static void body_owner(struct proc *self, void *arg)
{
    struct system *system = *(struct system **)arg;
    struct ets_spec spec = {.type = type, .access = ETS_PUBLIC};
    prop_assert(ets_new(self, &spec, &system->table) == 0);
    proc_receive(self, WAIT_FOREVER);
}

static void body_errand(struct proc *self, void *arg)
{
    struct errand *errand = arg;
    errand->run(self, errand->system->table, errand->call);
}

static void errand_run(void *arg, struct machine_call *call,
                       void (*run)(struct proc *self, ets_id table, struct machine_call *call))
{
    struct system *system = arg;
    struct errand errand = {system, call, run};
    if (!system->table)
        proc_spawn(
            system->runtime,
            &(struct proc_spec){.main = body_owner, .arg = &system, .arg_size = sizeof system});
    runtime_run(system->runtime);
    proc_spawn(system->runtime,
               &(struct proc_spec){.main = body_errand, .arg = &errand, .arg_size = sizeof errand});
    runtime_run(system->runtime);
}

static struct value key_of(const struct machine_call *call)
{
    return call->in[1] ? value_real((double)call->in[0]) : value_int(call->in[0]);
}

static struct tuple tuple_of(const struct machine_call *call, struct value fields[static 2])
{
    fields[0] = key_of(call);
    fields[1] = value_int(call->in[2]);
    return (struct tuple){2, fields};
}

static void draw_key(struct gen *gen, const void *state, struct machine_call *call)
{
    (void)state;
    call->in[0] = gen_int(gen, 0, KEYS - 1);
    call->in[1] = gen_bool(gen);
}

static void draw_row(struct gen *gen, const void *state, struct machine_call *call)
{
    draw_key(gen, state, call);
    call->in[2] = gen_int(gen, 0, 3);
}

/* ---- the model ---- */

static bool key_is(const struct pair *row, const struct machine_call *call)
{
    return row->key == call->in[0] && (type == ETS_ORDERED || row->real == (call->in[1] != 0));
}

static int model_find(const struct state *state, const struct machine_call *call)
{
    for (int i = 0; i < state->count; i++)
        if (key_is(&state->rows[i], call))
            return i;
    return -1;
}

static void model_remove(struct state *state, int at)
{
    state->count--;
    memmove(&state->rows[at], &state->rows[at + 1],
            (size_t)(state->count - at) * sizeof state->rows[0]);
}

/* ---- rules ---- */

static void do_insert(struct proc *self, ets_id table, struct machine_call *call)
{
    struct value fields[2];
    struct tuple row = tuple_of(call, fields);
    call->out[0] = ets_insert(self, table, &row, 1);
}

static void do_insert_new(struct proc *self, ets_id table, struct machine_call *call)
{
    struct value fields[2];
    struct tuple row = tuple_of(call, fields);
    call->out[0] = ets_insert_new(self, table, &row, 1);
}

static void do_delete(struct proc *self, ets_id table, struct machine_call *call)
{
    call->out[0] = ets_delete(self, table, key_of(call));
}

static void do_delete_row(struct proc *self, ets_id table, struct machine_call *call)
{
    struct value fields[2];
    call->out[0] = ets_delete_row(self, table, tuple_of(call, fields));
}

static int64_t rows_digest(int64_t digest, int64_t key, bool real, int64_t value)
{
    return (digest * 31 + key * 8 + real * 4 + value) % INT64_C(1000000007);
}

static int64_t real_digest(const struct tuple *rows, int64_t count)
{
    int64_t digest = 0;
    for (int64_t i = 0; i < count; i++) {
        struct value key = rows[i].fields[0];
        bool real = key.type == VALUE_REAL;
        digest = rows_digest(digest, real ? (int64_t)key.real : key.integer, real,
                             rows[i].fields[1].integer);
    }
    return digest;
}

static void do_lookup(struct proc *self, ets_id table, struct machine_call *call)
{
    struct tuple *rows = NULL;
    call->out[0] = ets_lookup(self, table, key_of(call), proc_heap(self), &rows);
    call->out[1] = real_digest(rows, call->out[0]);
}

/* All rows, in their order; and that the count says how many. */
static void do_all(struct proc *self, ets_id table, struct machine_call *call)
{
    struct tuple *rows = NULL;
    call->out[0] = ets_select(self, table, NULL, proc_heap(self), &rows);
    call->out[1] = real_digest(rows, call->out[0]);
    prop_assert(ets_count(proc_runtime(self), table) == call->out[0]);
}

#define RUN(name)                                                                                  \
    static void run_##name(void *system, struct machine_call *call)                                \
    {                                                                                              \
        errand_run(system, call, do_##name);                                                       \
    }
RUN(insert)
RUN(insert_new)
RUN(delete)
RUN(delete_row)
RUN(lookup)
RUN(all)

static bool may_insert(const void *state)
{
    return ((const struct state *)state)->count < ROWS_MAX;
}

static void model_insert(struct state *state, const struct machine_call *call)
{
    int at = model_find(state, call);
    struct pair row = {call->in[0], call->in[2], call->in[1] != 0,
                       at >= 0 ? state->rows[at].came : ++state->came};
    if (at >= 0 && type < ETS_BAG) {
        state->rows[at] = row;
        return;
    }
    for (int i = 0; type == ETS_BAG && i < state->count; i++)
        if (key_is(&state->rows[i], call) && state->rows[i].value == row.value)
            return;
    state->rows[state->count++] = row;
}

static bool step_insert(void *state, const struct machine_call *call)
{
    model_insert(state, call);
    return machine_expect(call->out[0], 0);
}

static bool step_insert_new(void *state, const struct machine_call *call)
{
    bool fresh = model_find(state, call) < 0;
    if (fresh)
        model_insert(state, call);
    return machine_expect(call->out[0], fresh);
}

static bool step_delete(void *model, const struct machine_call *call)
{
    struct state *state = model;
    int count = 0;
    for (int at; (at = model_find(state, call)) >= 0; count++)
        model_remove(state, at);
    return machine_expect(call->out[0], count);
}

static bool step_delete_row(void *model, const struct machine_call *call)
{
    struct state *state = model;
    int count = 0;
    for (int i = 0; i < state->count; i++)
        if (state->rows[i].key == call->in[0] && state->rows[i].real == (call->in[1] != 0) &&
            state->rows[i].value == call->in[2]) {
            model_remove(state, i--);
            count++;
        }
    return machine_expect(call->out[0], count);
}

static bool step_lookup(void *model, const struct machine_call *call)
{
    const struct state *state = model;
    int64_t count = 0, digest = 0;
    for (int i = 0; i < state->count; i++)
        if (key_is(&state->rows[i], call)) {
            digest =
                rows_digest(digest, state->rows[i].key, state->rows[i].real, state->rows[i].value);
            count++;
        }
    return machine_expect(call->out[0], count) && machine_expect(call->out[1], digest);
}

/* ORDERED: by key; else keys in the order in which they came, each with its rows in the order in which these came. */
static bool goes_before(const struct pair *a, const struct pair *b)
{
    return type == ETS_ORDERED ? a->key < b->key : a->came < b->came;
}

static bool step_all(void *model, const struct machine_call *call)
{
    const struct state *state = model;
    int order[ROWS_MAX];
    for (int i = 0; i < state->count; i++) {
        int at = i;
        for (; at > 0 && goes_before(&state->rows[i], &state->rows[order[at - 1]]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    int64_t digest = 0;
    for (int i = 0; i < state->count; i++)
        digest = rows_digest(digest, state->rows[order[i]].key, state->rows[order[i]].real,
                             state->rows[order[i]].value);
    return machine_expect(call->out[0], state->count) && machine_expect(call->out[1], digest);
}

static const struct machine_rule rules[] = {
    {"insert", 3, 1, may_insert, draw_row, run_insert, step_insert, NULL},
    {"insert_new", 3, 1, may_insert, draw_row, run_insert_new, step_insert_new, NULL},
    {"delete", 2, 1, NULL, draw_key, run_delete, step_delete, NULL},
    {"delete_row", 3, 1, NULL, draw_row, run_delete_row, step_delete_row, NULL},
    {"lookup", 2, 2, NULL, draw_key, run_lookup, step_lookup, NULL},
    {"all", 0, 2, NULL, NULL, run_all, step_all, NULL},
};

static void check(enum ets_type which)
{
    static const struct machine machine = {.name = "ets",
                                           .state_size = sizeof(struct state),
                                           .start = start,
                                           .stop = stop,
                                           .rules = rules,
                                           .rule_count = sizeof rules / sizeof *rules,
                                           .steps_max = 120};
    type = which;
    machine_check(&machine);
}

PROPERTY(ets, a_set_holds_what_a_list_holds)
{
    check(ETS_SET);
}

PROPERTY(ets, an_ordered_set_holds_what_a_list_holds)
{
    check(ETS_ORDERED);
}

PROPERTY(ets, a_bag_holds_what_a_list_holds)
{
    check(ETS_BAG);
}

PROPERTY(ets, a_duplicate_bag_holds_what_a_list_holds)
{
    check(ETS_DUPLICATE_BAG);
}

/* ---- values ---- */

static struct value draw_value(struct gen *gen)
{
    static const char *const texts[] = {"", "a", "ab", "b"};
    int64_t number = gen_int(gen, INT64_MIN, INT64_MAX);
    switch (gen_int(gen, 0, 2)) {
    case 0: return value_int(number);
    case 1: return value_real((double)number + (gen_bool(gen) ? 0.5 : 0));
    default: return value_text(texts[gen_int(gen, 0, 3)]);
    }
}

/* Against long double, which holds every int64_t and every double exactly. */
static int order_of(struct value a, struct value b)
{
    if (a.type == VALUE_BYTES || b.type == VALUE_BYTES)
        return value_compare(a, b);
    long double x = a.type == VALUE_REAL ? a.real : (long double)a.integer;
    long double y = b.type == VALUE_REAL ? b.real : (long double)b.integer;
    return (x > y) - (x < y);
}

PROPERTY(value, order_is_total_and_numbers_are_exact, .runs = 1000)
{
    struct value a = draw_value(prop_gen()), b = draw_value(prop_gen()), c = draw_value(prop_gen());
    int ab = value_compare(a, b), bc = value_compare(b, c), ac = value_compare(a, c);
    prop_assert(ab == order_of(a, b));
    prop_assert((ab < 0) == (value_compare(b, a) > 0));
    prop_assert(!(ab <= 0 && bc <= 0) || ac <= 0);
    prop_assert(ab > 0 || value_rank(a) <= value_rank(b));
    prop_assert(ab < 0 || value_rank(a) >= value_rank(b));
    prop_assert(!value_same(a, b) || (ab == 0 && value_hash(a) == value_hash(b)));
    prop_cover(5, ab == 0 || (a.type != b.type && a.type != VALUE_BYTES && b.type != VALUE_BYTES),
               "mixed or equal");
}

/* ---- many keys: the tree grows and shrinks by levels ---- */

enum { MANY = 3000 };

struct many {
    ets_id table;
    bool present[MANY];
};

/* Keys from..to by `stride` are put in or taken out. */
static void many_change(struct proc *self, struct many *many)
{
    int64_t from = prop_int("from", 0, MANY - 1), count = prop_int("count", 1, MANY);
    int64_t stride = prop_int("stride", 1, 7);
    bool put = gen_int(prop_gen(), 0, 2) < 2;
    for (int64_t key = from; count > 0; key = (key + stride) % MANY, count--) {
        struct tuple row = TUPLE(value_int(key));
        if (put)
            prop_assert(ets_insert(self, many->table, &row, 1) == 0);
        else
            prop_assert(ets_delete(self, many->table, value_int(key)) == many->present[key]);
        many->present[key] = put;
    }
}

/* The nearest present key from `key` on in a direction; -1: none. */
static int64_t many_nearest(const struct many *many, int64_t key, int step)
{
    for (; key >= 0 && key < MANY; key += step)
        if (many->present[key])
            return key;
    return -1;
}

static void many_check(struct proc *self, const struct many *many)
{
    struct value key;
    int64_t expected = many_nearest(many, 0, 1);
    for (int more = ets_first(self, many->table, &key); more == 1;
         more = ets_next(self, many->table, key, &key)) {
        prop_assert(key.integer == expected);
        expected = many_nearest(many, expected + 1, 1);
    }
    prop_assert(expected == -1);
    for (int i = 0; i < 20; i++) {
        int64_t at = gen_int(prop_gen(), 0, MANY - 1);
        bool below = gen_bool(prop_gen());
        int64_t beside = many_nearest(many, below ? at - 1 : at + 1, below ? -1 : 1);
        int found = (below ? ets_prev : ets_next)(self, many->table, value_int(at), &key);
        prop_assert(found == (beside >= 0) && (!found || key.integer == beside));
        prop_assert(ets_peek(self, many->table, value_int(at), NULL) == many->present[at]);
    }
}

static void body_many(struct proc *self, void *arg)
{
    struct many *many = *(struct many **)arg;
    prop_assert(ets_new(self, &(struct ets_spec){.type = ETS_ORDERED}, &many->table) == 0);
    for (int64_t changes = prop_int("changes", 1, 12); changes > 0; changes--) {
        gen_begin(prop_gen(), "change");
        many_change(self, many);
        gen_end(prop_gen());
        many_check(self, many);
    }
}

PROPERTY(ets, a_large_ordered_set_holds_what_an_array_holds, .ignore = PROP_IGNORE(SLOW))
{
    struct many *many = prop_alloc(sizeof *many);
    struct system *system = start();
    prop_defer(stop, system);
    proc_spawn(system->runtime,
               &(struct proc_spec){.main = body_many, .arg = &many, .arg_size = sizeof many});
    runtime_run(system->runtime);
}
