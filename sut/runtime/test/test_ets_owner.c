/* Tables: whose they are, who may use them, and what survives what. */
#include "tables.h"

SUITE(ets_owner);

static ets_id shared;

/* Makes `shared` as arg says, with one row, and waits for a message, then ends. */
static void body_owner(struct proc *self, void *arg)
{
    cr_expect_eq(ets_new(self, arg, &shared), 0);
    put(self, shared, ROW("a", 1));
    proc_receive(self, WAIT_FOREVER);
}

static proc_id owner_start(const struct ets_spec *spec)
{
    proc_id owner = spawn(body_owner, spec);
    runtime_run(runtime);
    return owner;
}

Test(ets_owner, a_table_dies_with_its_owner_ETS_02)
{
    proc_id owner = owner_start(&(struct ets_spec){.name = "t"});
    size_t blocks = heap_blocks(fake.env.heap);
    cr_assert_eq(ets_whereis(runtime, "t"), shared);
    cr_assert_eq(ets_owner(runtime, shared), owner);
    cr_assert_eq(ets_count(runtime, shared), 1);
    proc_signal(runtime, 0, owner, plain(EXIT_KILL));
    cr_assert_eq(ets_whereis(runtime, "t"), 0);
    cr_assert_eq(ets_owner(runtime, shared), 0);
    cr_assert_eq(ets_count(runtime, shared), -EBADF);
    cr_assert_lt(heap_blocks(fake.env.heap), blocks, "the memory of the table is back");
}

/* Says what it inherits, and what is in it; arg: how often. */
static void body_heir(struct proc *self, void *arg)
{
    for (int i = *(int *)arg; i > 0; i--) {
        const struct message *message = proc_receive(self, WAIT_FOREVER);
        const struct ets_transfer *transfer = message->data;
        cr_expect_eq(message->tag, MSG_ETS_TRANSFER);
        say(proc_env(self), "%d from %d: %s", (int)transfer->table, (int)transfer->from,
            transfer->size > 0 ? transfer->data : "");
        say_table(self, transfer->table);
    }
    proc_receive(self, WAIT_FOREVER);
}

Test(ets_owner, the_heir_gets_it_and_is_told_ETS_03)
{
    proc_id heir = spawn(body_heir, &(int){1});
    proc_id owner =
        owner_start(&(struct ets_spec){.heir = heir, .heir_data = "data", .heir_size = 5});
    proc_signal(runtime, 0, owner, error("boom"));
    runtime_run(runtime);
    said_is("1 from 2: data [a 1]");
    cr_assert_eq(ets_owner(runtime, shared), heir);
    proc_signal(runtime, 0, heir, error("boom"));
    cr_assert_eq(ets_owner(runtime, shared), 0, "nobody is the heir of the heir");
}

Test(ets_owner, a_dead_heir_inherits_nothing_ETS_03)
{
    proc_id heir = spawn(body_return, NULL);
    proc_id owner = owner_start(&(struct ets_spec){.heir = heir});
    proc_signal(runtime, 0, owner, error("boom"));
    cr_assert_eq(ets_owner(runtime, shared), 0);
}

static void body_give(struct proc *self, void *arg)
{
    (void)arg;
    cr_expect_eq(ets_new(self, &(struct ets_spec){.name = "t"}, &shared), 0);
    put(self, shared, ROW("a", 1));
    say_error(self, ets_give_away(self, shared, proc_self(self), NULL, 0));
    say_error(self, ets_give_away(self, shared, 77, NULL, 0));
    say_error(self, ets_give_away(self, shared, 1, "yours", 6));
    say_error(self, ets_give_away(self, shared, 1, NULL, 0));
    say_error(self, ets_heir(self, shared, 1, NULL, 0));
    say_error(self, ets_insert(self, shared, &ROW("b", 2), 1));
}

Test(ets_owner, it_can_be_given_away)
{
    spawn(body_heir, &(int){1});
    run(body_give);
    said_is("EINVAL ESRCH 0 EACCES EACCES EACCES 1 from 2: yours [a 1]");
    cr_assert_eq(ets_owner(runtime, shared), 1, "the end of the first owner changes nothing");
}

static void body_stranger(struct proc *self, void *arg)
{
    (void)arg;
    struct tuple row;
    say_error(self, ets_peek(self, shared, value_text("a"), &row));
    say_error(self, ets_insert(self, shared, &ROW("b", 2), 1));
    say_error(self, (int)ets_delete(self, shared, value_text("a")));
    say_error(self, ets_drop(self, shared));
}

Test(ets_owner, protected_is_for_reading_ETS_07)
{
    owner_start(&(struct ets_spec){0});
    run(body_stranger);
    said_is("1 EACCES EACCES EACCES");
}

Test(ets_owner, private_is_for_nobody_else)
{
    owner_start(&(struct ets_spec){.access = ETS_PRIVATE});
    run(body_stranger);
    said_is("EACCES EACCES EACCES EACCES");
}

Test(ets_owner, public_is_for_all)
{
    owner_start(&(struct ets_spec){.access = ETS_PUBLIC});
    run(body_stranger);
    said_is("1 0 1 0");
    cr_assert_eq(ets_owner(runtime, shared), 0);
}

static void body_second(struct proc *self, void *arg)
{
    ets_id table = 0;
    say_error(self, ets_new(self, arg, &table));
}

Test(ets_owner, a_taken_name_is_refused_ETS_10)
{
    static const struct ets_spec spec = {.name = "t"};
    proc_id owner = owner_start(&spec);
    run_with(body_second, &spec);
    proc_signal(runtime, 0, owner, plain(EXIT_KILL));
    run_with(body_second, &spec);
    said_is("EEXIST 0");
}

/* ---- going through a table while it changes ---- */

static void body_walk(struct proc *self, void *arg)
{
    struct ets_cursor *cursor = NULL;
    struct tuple row;
    ets_id table = table_new(self, *(enum ets_type *)arg);
    for (int i = 0; i < 100; i++)
        put(self, table, TUPLE(value_int(i), value_int(0)));
    cr_expect_eq(ets_open(self, table, &cursor), 0);
    int seen = 0;
    while (ets_fetch(cursor, &row) == 1) {
        int64_t key = row.fields[0].integer;
        cr_expect(key < 100 && (key % 10 != 5 || key == 5), "%d is gone or new", (int)key);
        seen++;
        for (int i = 15; key == 7 && i < 100; i += 10)
            ets_delete(self, table, value_int(i));
        put(self, table, TUPLE(value_int(key), value_int(1)));
        put(self, table, TUPLE(value_int(-1 - key), value_int(1)));
    }
    say(proc_env(self), "%d", seen);
    ets_close(cursor);
}

Test(ets_owner, each_row_that_stays_is_visited_once_ETS_11)
{
    run_with(body_walk, &(enum ets_type){ETS_SET});
    run_with(body_walk, &(enum ets_type){ETS_ORDERED});
    said_is("91 91");
}

static void body_walk_bag(struct proc *self, void *arg)
{
    (void)arg;
    struct ets_cursor *cursor = NULL;
    struct tuple row;
    ets_id table = table_new(self, ETS_BAG);
    for (int i = 0; i < 6; i++)
        put(self, table, ROW("a", i));
    cr_expect_eq(ets_open(self, table, &cursor), 0);
    while (ets_fetch(cursor, &row) == 1) {
        say_tuple(self, row);
        ets_delete_row(self, table, TUPLE(row.fields[0], value_int(row.fields[1].integer + 1)));
    }
    ets_close(cursor);
}

Test(ets_owner, a_row_that_goes_before_its_turn_is_not_visited)
{
    run(body_walk_bag);
    said_is("[a 0] [a 2] [a 4]");
}

static void body_open_and_die(struct proc *self, void *arg)
{
    (void)arg;
    struct ets_cursor *cursor = NULL;
    struct tuple row;
    cr_expect_eq(ets_open(self, shared, &cursor), 0);
    cr_expect_eq(ets_fetch(cursor, &row), 1);
    proc_receive(self, WAIT_FOREVER);
    say_error(self, ets_fetch(cursor, &row));
}

Test(ets_owner, a_cursor_ends_with_its_process_and_with_its_table_ETS_11)
{
    proc_id owner = owner_start(&(struct ets_spec){.access = ETS_PUBLIC});
    proc_id killed = spawn(body_open_and_die, NULL), blind = spawn(body_open_and_die, NULL);
    runtime_run(runtime);
    proc_signal(runtime, 0, killed, plain(EXIT_KILL));
    run(body_stranger);
    post(blind, MSG_USER);
    runtime_run(runtime);
    said_is("1 0 1 0 EBADF");
    cr_assert(proc_alive(runtime, owner));
}

static bool where_exit(struct tuple row, void *ctx)
{
    (void)row;
    proc_exit(ctx, error("boom"));
}

static void select_and_exit(struct proc *self, void *arg)
{
    (void)arg;
    ets_select_count(self, shared, &(struct ets_query){.where = where_exit, .ctx = self});
}

static void body_left_scan(struct proc *self, void *arg)
{
    struct ets_spec spec = {.type = *(enum ets_type *)arg};
    cr_expect_eq(ets_new(self, &spec, &shared), 0);
    put(self, shared, ROW("a", 1));
    cr_expect_not(proc_try(self, select_and_exit, NULL, NULL));
    put(self, shared, ROW("b", 2));
    say(proc_env(self), "%d", (int)ets_clear(self, shared));
    cr_expect_eq(ets_drop(self, shared), 0);
}

Test(ets_owner, a_scan_that_is_left_in_the_middle_does_no_harm)
{
    run_with(body_left_scan, &(enum ets_type){ETS_SET});
    run_with(body_left_scan, &(enum ets_type){ETS_ORDERED});
    run_with(body_left_scan, &(enum ets_type){ETS_DUPLICATE_BAG});
    said_is("2 2 2");
}
