/* Tables: rows, keys, types. What a process does with its table is told with say(); a row reads [field field ...]. Rule
 * numbers are those of the OTP semantics (ETS-01 ...). */
#include "tables.h"

SUITE(ets);

static void body_insert_new(struct proc *self, void *arg)
{
    (void)arg;
    ets_id table = table_new(self, ETS_SET);
    put(self, table, ROW("a", 1));
    struct tuple both[] = {ROW("b", 1), ROW("a", 2)}, fine[] = {ROW("b", 1), ROW("c", 1)};
    say(proc_env(self), "%d", ets_insert_new(self, table, both, 2));
    say_table(self, table);
    say(proc_env(self), "%d", ets_insert_new(self, table, fine, 2));
    say_table(self, table);
}

Test(ets, insert_new_is_all_or_nothing_ETS_01)
{
    run(body_insert_new);
    said_is("0 [a 1] 1 [a 1] [b 1] [c 1]");
}

static void body_counter(struct proc *self, void *arg)
{
    (void)arg;
    ets_id table = table_new(self, ETS_SET);
    struct tuple zero = ROW("ignored", 10);
    struct ets_count one = {.field = 1, .add = 1};
    say_count(self, table, "a", &one, NULL);
    say_count(self, table, "a", &one, &zero);
    say_count(self, table, "a", &one, NULL);
    say_count(self, table, "a", &(struct ets_count){1, 5, true, 16, 0}, NULL);
    say_count(self, table, "a", &(struct ets_count){1, 0, true, 16, 3}, NULL);
    say_count(self, table, "a", &(struct ets_count){1, -1, true, 16, 20}, NULL);
    say_count(self, table, "a", &(struct ets_count){1, 5, true, 16, 1}, NULL);
    say_count(self, table, "a", &(struct ets_count){0, 1}, NULL);
    say_count(self, table, "a", &(struct ets_count){2, 1}, NULL);
    say_count(self, table, "a", &(struct ets_count){1, INT64_MAX}, NULL);
    say_table(self, table);
}

Test(ets, counters_have_thresholds_and_a_default_ETS_04)
{
    run(body_counter);
    said_is("ENOENT 11 12 0 0 20 1 EINVAL EINVAL ERANGE [a 1]");
}

static void body_counts(struct proc *self, void *arg)
{
    (void)arg;
    ets_id table = table_new(self, ETS_ORDERED);
    struct ets_count counts[] = {{1, 2}, {2, 5}, {1, -7, true, 0, 0}, {3, 1}};
    int64_t results[4] = {0};
    put(self, table, TUPLE(value_int(1), value_int(1), value_int(1), value_text("no number")));
    cr_expect_eq(ets_update_counter(self, table, value_int(1), counts, 4, NULL, results), -EINVAL);
    say_table(self, table);
    cr_expect_eq(ets_update_counter(self, table, value_int(1), counts, 3, NULL, results), 0);
    say(proc_env(self), "%d %d %d", (int)results[0], (int)results[1], (int)results[2]);
    say_table(self, table);
}

Test(ets, several_counters_are_one_step)
{
    run(body_counts);
    said_is("[1 1 1 no number] 3 6 0 [1 0 6 no number]");
}

static void body_keys(struct proc *self, void *arg)
{
    ets_id table = table_new(self, *(enum ets_type *)arg);
    put(self, table, TUPLE(value_int(1), value_text("integer")));
    put(self, table, TUPLE(value_real(1), value_text("real")));
    put(self, table, TUPLE(value_text("1"), value_text("text")));
    say_table(self, table);
}

Test(ets, a_set_compares_keys_strictly_ETS_05)
{
    run_with(body_keys, &(enum ets_type){ETS_SET});
    said_is("[1 integer] [1.0 real] [1 text]");
}

Test(ets, an_ordered_set_compares_keys_by_value_ETS_05)
{
    run_with(body_keys, &(enum ets_type){ETS_ORDERED});
    said_is("[1.0 real] [1 text]");
}

static void body_bag(struct proc *self, void *arg)
{
    ets_id table = table_new(self, *(enum ets_type *)arg);
    put(self, table, ROW("a", 2));
    put(self, table, ROW("b", 1));
    put(self, table, ROW("a", 1));
    put(self, table, ROW("a", 2));
    put(self, table, TUPLE(value_text("a"), value_real(2)));
    say_rows(self, table, value_text("a"));
    cr_expect_eq(ets_count(runtime, table), *(enum ets_type *)arg == ETS_BAG ? 4 : 5);
    cr_expect_eq(ets_delete_row(self, table, ROW("a", 2)),
                 *(enum ets_type *)arg == ETS_BAG ? 1 : 2);
    put(self, table, ROW("a", 3));
    say_table(self, table);
    cr_expect_eq(ets_delete(self, table, value_text("a")), 3);
    say_table(self, table);
}

Test(ets, a_bag_has_each_row_once_ETS_06)
{
    run_with(body_bag, &(enum ets_type){ETS_BAG});
    said_is("[a 2] [a 1] [a 2.0] [a 1] [a 2.0] [a 3] [b 1] [b 1]");
}

Test(ets, a_duplicate_bag_has_all_in_order_ETS_06)
{
    run_with(body_bag, &(enum ets_type){ETS_DUPLICATE_BAG});
    said_is("[a 2] [a 1] [a 2] [a 2.0] [a 1] [a 2.0] [a 3] [b 1] [b 1]");
}

static void body_take(struct proc *self, void *arg)
{
    (void)arg;
    struct tuple *rows = NULL;
    ets_id table = table_new(self, ETS_BAG);
    put(self, table, ROW("a", 1));
    put(self, table, ROW("a", 2));
    put(self, table, ROW("b", 3));
    int64_t count = ets_take(self, table, value_text("a"), proc_heap(self), &rows);
    say_tuples(self, rows, count);
    say_table(self, table);
    cr_expect_eq(ets_take(self, table, value_text("a"), proc_heap(self), &rows), 0);
}

Test(ets, take_looks_up_and_deletes_ETS_08)
{
    run(body_take);
    said_is("[a 1] [a 2] [b 3]");
}

static void make_odd(struct value *fields, uint32_t count, void *ctx)
{
    (void)count;
    fields[1].integer += 1;
    if (*(bool *)ctx)
        fields[0] = value_text("other");
}

static void body_replace(struct proc *self, void *arg)
{
    (void)arg;
    bool key_too = false;
    struct ets_field even = {1, value_int(2)};
    struct ets_query query = {.equal = &even, .equal_count = 1, .ctx = &key_too};
    ets_id table = table_new(self, ETS_SET);
    put(self, table, ROW("a", 2));
    put(self, table, ROW("b", 3));
    put(self, table, ROW("c", 2));
    say(proc_env(self), "%d", (int)ets_select_replace(self, table, &query, make_odd));
    say_table(self, table);
    key_too = true;
    query.equal_count = 0;
    say_error(self, (int)ets_select_replace(self, table, &query, make_odd));
    say_table(self, table);
}

Test(ets, select_replace_keeps_the_key_ETS_08)
{
    run(body_replace);
    said_is("2 [a 3] [b 3] [c 3] EINVAL [a 3] [b 3] [c 3]");
}

static void body_next(struct proc *self, void *arg)
{
    struct value key;
    ets_id table = table_new(self, *(enum ets_type *)arg);
    cr_expect_eq(ets_first(self, table, &key), 0);
    cr_expect_eq(ets_last(self, table, &key), 0);
    for (int i = 0; i < 5; i++)
        put(self, table, TUPLE(value_int((7 * i) % 10))); /* 0 7 4 1 8 */
    ets_delete(self, table, value_int(4));
    for (int more = ets_first(self, table, &key); more == 1;
         more = ets_next(self, table, key, &key))
        say_value(self, key);
    for (int more = ets_last(self, table, &key); more == 1; more = ets_prev(self, table, key, &key))
        say_value(self, key);
    say_error(self, ets_next(self, table, value_int(4), &key));
    say_error(self, ets_prev(self, table, value_real(0.5), &key));
}

Test(ets, next_of_an_ordered_set_needs_no_key_ETS_09)
{
    run_with(body_next, &(enum ets_type){ETS_ORDERED});
    said_is("0 1 7 8 8 7 1 0 1 1");
}

Test(ets, next_of_a_set_is_the_next_that_came_and_needs_a_key)
{
    run_with(body_next, &(enum ets_type){ETS_SET});
    said_is("0 7 1 8 8 1 7 0 ENOENT ENOENT");
}

static void body_copies(struct proc *self, void *arg)
{
    (void)arg;
    struct tuple *rows = NULL;
    ets_id table = table_new(self, ETS_SET);
    put(self, table, TUPLE(value_text("a"), value_text("before")));
    int64_t count = ets_lookup(self, table, value_text("a"), proc_heap(self), &rows);
    put(self, table, TUPLE(value_text("a"), value_text("after!")));
    say_tuples(self, rows, count);
    say_rows(self, table, value_text("a"));
    ets_drop(self, table);
    say_tuples(self, rows, count);
}

Test(ets, a_read_row_does_not_change_ETS_12)
{
    run(body_copies);
    said_is("[a before] [a after!] [a before]");
}

static void body_bad(struct proc *self, void *arg)
{
    (void)arg;
    ets_id table = table_new(self, ETS_SET);
    struct tuple rows[] = {ROW("a", 1), TUPLE(value_real(NAN))}, none = {0};
    struct ets_field field = {0, value_int(1)};
    say_error(self, ets_insert(self, table, rows, 2));
    say_error(self, ets_insert(self, table, &none, 1));
    say_error(self, ets_insert(self, 77, rows, 1));
    put(self, table, ROW("a", 1));
    say_error(self, ets_update(self, table, value_text("a"), &field, 1));
    say_error(self, ets_update(self, table, value_text("b"), &field, 1));
    field = (struct ets_field){1, value_text("a longer one")};
    say_error(self, ets_update(self, table, value_text("a"), &field, 1));
    say_table(self, table);
}

Test(ets, what_is_no_row_is_refused_whole)
{
    run(body_bad);
    said_is("EINVAL EINVAL EBADF EINVAL ENOENT 0 [a a longer one]");
}

static bool is_long(struct tuple row, void *ctx)
{
    return row.fields[0].size >= *(uint32_t *)ctx;
}

static void body_select(struct proc *self, void *arg)
{
    ets_id table = table_new(self, *(enum ets_type *)arg);
    put(self, table, ROW("long one", 1));
    put(self, table, ROW("short", 1));
    put(self, table, ROW("a long one", 2));
    put(self, table, ROW("one that is long", 1));
    struct ets_field fields[] = {{1, value_int(1)}, {0, value_text("short")}};
    struct ets_query query = {fields, 1, is_long, &(uint32_t){6}, 0};
    struct tuple *rows = NULL;
    int64_t count = ets_select(self, table, &query, proc_heap(self), &rows);
    say_tuples(self, rows, count);
    query.limit = 1;
    cr_expect_eq(ets_select_count(self, table, &query), 1);
    query = (struct ets_query){.equal = fields, .equal_count = 2};
    cr_expect_eq(ets_select_count(self, table, &query), 1);
    query.equal_count = 1;
    cr_expect_eq(ets_select_delete(self, table, &query), 3);
    say_table(self, table);
    cr_expect_eq(ets_clear(self, table), 1);
    cr_expect_eq(ets_count(runtime, table), 0);
}

Test(ets, select_matches_fields_and_asks)
{
    run_with(body_select, &(enum ets_type){ETS_SET});
    said_is("[long one 1] [one that is long 1] [a long one 2]");
}

Test(ets, select_goes_by_key_in_an_ordered_set)
{
    run_with(body_select, &(enum ets_type){ETS_ORDERED});
    said_is("[long one 1] [one that is long 1] [a long one 2]");
}
