/* tables.h: what the tests of tables share: bodies that make a table and tell its rows. */
#ifndef TABLES_H
#define TABLES_H

#include "fixture.h"
#include "sut/runtime/ets.h"
#include <errno.h>
#include <math.h>

#define ROW(key, number) TUPLE(value_text(key), value_int(number))

static inline void run_with(proc_main *body, const void *arg)
{
    spawn(body, arg);
    runtime_run(runtime);
}

static inline void run(proc_main *body)
{
    run_with(body, NULL);
}

static inline ets_id table_new(struct proc *self, enum ets_type type)
{
    ets_id table = 0;
    cr_expect_eq(ets_new(self, &(struct ets_spec){.type = type, .access = ETS_PUBLIC}, &table), 0);
    return table;
}

static inline void put(struct proc *self, ets_id table, struct tuple row)
{
    cr_expect_eq(ets_insert(self, table, &row, 1), 0);
}

static inline void say_error(struct proc *self, int err)
{
    static const struct {
        int err;
        const char *name;
    } names[] = {{ENOENT, "ENOENT"}, {EINVAL, "EINVAL"}, {EBADF, "EBADF"}, {EACCES, "EACCES"},
                 {ERANGE, "ERANGE"}, {EEXIST, "EEXIST"}, {ESRCH, "ESRCH"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (err == -names[i].err) {
            say(proc_env(self), "%s", names[i].name);
            return;
        }
    say(proc_env(self), "%d", err);
}

static inline int value_print(char *out, size_t size, struct value value)
{
    if (value.type == VALUE_INTEGER)
        return snprintf(out, size, "%d", (int)value.integer);
    if (value.type == VALUE_REAL)
        return snprintf(out, size, "%.1f", value.real);
    return snprintf(out, size, "%.*s", (int)value.size, (const char *)value.bytes);
}

static inline void say_value(struct proc *self, struct value value)
{
    char text[64];
    value_print(text, sizeof text, value);
    say(proc_env(self), "%s", text);
}

static inline void say_tuple(struct proc *self, struct tuple row)
{
    char text[256];
    size_t length = 0;
    for (uint32_t i = 0; i < row.count; i++) {
        text[length++] = i == 0 ? '[' : ' ';
        length += (size_t)value_print(text + length, sizeof text - length, row.fields[i]);
    }
    say(proc_env(self), "%s]", text);
}

static inline void say_tuples(struct proc *self, const struct tuple *rows, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        say_tuple(self, rows[i]);
}

static inline void say_table(struct proc *self, ets_id table)
{
    struct tuple *rows = NULL;
    int64_t count = ets_select(self, table, NULL, proc_heap(self), &rows);
    cr_expect_eq(count, ets_count(runtime, table));
    say_tuples(self, rows, count);
}

static inline void say_rows(struct proc *self, ets_id table, struct value key)
{
    struct tuple *rows = NULL;
    int64_t count = ets_lookup(self, table, key, proc_heap(self), &rows);
    say_tuples(self, rows, count);
}

static inline void say_count(struct proc *self, ets_id table, const char *key,
                             const struct ets_count *count, const struct tuple *fallback)
{
    int64_t result = 0;
    int err = ets_update_counter(self, table, value_text(key), count, 1, fallback, &result);
    say_error(self, err ? err : (int)result);
}

#endif
