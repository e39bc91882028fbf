/* bench_ets.c: what a row costs, beside uthash with one malloc a row. One JSON object a line, as in bench_runtime.c; rates are
 * the best of several rounds.
 */
#define _GNU_SOURCE
#include "sut/runtime/bench/rig.h"
#include "sut/runtime/ets.h"

#include <uthash.h>

enum { ROWS = 200000 };

/* Scattered, as keys are; each number below ROWS once. */
static int64_t key_at(int i)
{
    return (int64_t)((uint64_t)i * 7919 % ROWS);
}

struct cost {
    double insert_ns, lookup_ns;
};

static struct cost cost_least(struct cost a, struct cost b)
{
    return (struct cost){a.insert_ns < b.insert_ns ? a.insert_ns : b.insert_ns,
                         a.lookup_ns < b.lookup_ns ? a.lookup_ns : b.lookup_ns};
}

static double ns_each(int64_t since)
{
    return (double)(clock_ns(NULL) - since) / ROWS;
}

/* ---- ours ---- */

struct trial {
    enum ets_type type;
    struct cost cost;
};

static void body_fill_and_read(struct proc *self, void *arg)
{
    struct trial *trial = *(struct trial **)arg;
    ets_id table = 0;
    struct tuple row;
    int64_t sum = 0;
    ets_new(self, &(struct ets_spec){.type = trial->type}, &table);
    int64_t start = clock_ns(NULL);
    for (int i = 0; i < ROWS; i++)
        ets_insert(self, table, &TUPLE(value_int(key_at(i)), value_int(i)), 1);
    trial->cost.insert_ns = ns_each(start);
    start = clock_ns(NULL);
    for (int i = 0; i < ROWS; i++) {
        ets_peek(self, table, value_int(key_at(i * 3)), &row);
        sum += row.fields[0].integer;
    }
    trial->cost.lookup_ns = ns_each(start);
    if (sum == 0 || ets_count(proc_runtime(self), table) != ROWS)
        exit(1);
}

static struct cost ets_cost(enum ets_type type)
{
    struct trial trial = {.type = type}, *arg = &trial;
    struct env env = {.ops = &ops, .heap = heap_new(), .node_name = "bench"};
    struct runtime *runtime = runtime_new(&env, NULL);
    proc_spawn(runtime, &(struct proc_spec){
                            .main = body_fill_and_read, .arg = &arg, .arg_size = sizeof arg});
    runtime_run(runtime);
    runtime_free(runtime);
    heap_free(env.heap);
    return trial.cost;
}

/* ---- uthash ---- */

struct item {
    int64_t key, number;
    UT_hash_handle hh;
};

static struct cost uthash_cost(void)
{
    struct cost cost;
    struct item *items = NULL, *item, *next;
    int64_t sum = 0, start = clock_ns(NULL);
    for (int i = 0; i < ROWS; i++) {
        int64_t key = key_at(i);
        HASH_FIND(hh, items, &key, sizeof key, item);
        if (item)
            exit(1);
        item = malloc(sizeof *item);
        item->key = key;
        item->number = i;
        HASH_ADD(hh, items, key, sizeof item->key, item);
    }
    cost.insert_ns = ns_each(start);
    start = clock_ns(NULL);
    for (int i = 0; i < ROWS; i++) {
        int64_t key = key_at(i * 3);
        HASH_FIND(hh, items, &key, sizeof key, item);
        sum += item->key;
    }
    cost.lookup_ns = ns_each(start);
    if (sum == 0)
        exit(1);
    HASH_ITER (hh, items, item, next) {
        HASH_DEL(items, item);
        free(item);
    }
    return cost;
}

static void row_report(const char *name, double ns, double baseline)
{
    printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"ns\", \"baseline\": %.4g, \"ratio\": "
           "%.3g}\n",
           name, ns, baseline, baseline / ns);
}

int main(void)
{
    struct cost set = {1e9, 1e9}, ordered = {1e9, 1e9}, baseline = {1e9, 1e9};
    for (int round = 0; round < ROUNDS; round++) {
        set = cost_least(set, ets_cost(ETS_SET));
        ordered = cost_least(ordered, ets_cost(ETS_ORDERED));
        baseline = cost_least(baseline, uthash_cost());
    }
    row_report("table insert, set, against uthash", set.insert_ns, baseline.insert_ns);
    row_report("table lookup, set, against uthash", set.lookup_ns, baseline.lookup_ns);
    row_report("table insert, ordered set, against uthash", ordered.insert_ns, baseline.insert_ns);
    row_report("table lookup, ordered set, against uthash", ordered.lookup_ns, baseline.lookup_ns);
    return 0;
}
