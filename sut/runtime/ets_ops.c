/* ets_ops.c: rows by key. What is wrong with a call is found before anything is changed. */
#include "sut/runtime/ets_internal.h"

#include <errno.h>

static int tuples_check(const struct ets *table, const struct tuple *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].count <= table->key || !tuple_valid(rows[i]))
            return -EINVAL;
    return rows_full(table, count) ? -ENOSPC : 0;
}

int ets_insert(struct proc *self, ets_id id, const struct tuple *rows, size_t count)
{
    struct ets *table = NULL;
    int err = ets_find(self, id, ETS_WRITE, &table);
    if (!err)
        err = tuples_check(table, rows, count);
    for (size_t i = 0; !err && i < count; i++)
        rows_put(table, rows[i]);
    return err;
}

int ets_insert_new(struct proc *self, ets_id id, const struct tuple *rows, size_t count)
{
    struct ets *table = NULL;
    int err = ets_find(self, id, ETS_WRITE, &table);
    if (!err)
        err = tuples_check(table, rows, count);
    if (err)
        return err;
    for (size_t i = 0; i < count; i++)
        if (rows_find(table, rows[i].fields[table->key]))
            return 0;
    for (size_t i = 0; i < count; i++)
        rows_put(table, rows[i]);
    return 1;
}

static int64_t rows_copy(struct ets *table, struct ets_row *first, struct heap *heap,
                         struct tuple **ret_rows)
{
    size_t count = 0;
    for (struct ets_row *row = first; row; row = rows_after(table, row))
        count++;
    struct tuple *rows = heap_alloc(heap, count * sizeof *rows);
    count = 0;
    for (struct ets_row *row = first; row; row = rows_after(table, row))
        rows[count++] = tuple_copy(heap, row_tuple(row));
    *ret_rows = rows;
    return (int64_t)count;
}

int64_t ets_lookup(struct proc *self, ets_id id, struct value key, struct heap *heap,
                   struct tuple **ret_rows)
{
    struct ets *table = NULL;
    int err = ets_find(self, id, ETS_READ, &table);
    return err ? err : rows_copy(table, rows_find(table, key), heap, ret_rows);
}

int ets_peek(struct proc *self, ets_id id, struct value key, struct tuple *ret_row)
{
    struct ets *table = NULL;
    int err = ets_find(self, id, ETS_READ, &table);
    struct ets_row *row = err ? NULL : rows_find(table, key);
    if (row && ret_row)
        *ret_row = row_tuple(row);
    return row ? 1 : err;
}

/* The first row goes last: its removal is then that of the key, and no row is looked for in vain. */
static int64_t key_remove(struct ets *table, struct value key)
{
    int64_t count = 0;
    struct ets_row *first = rows_find(table, key);
    for (struct ets_row *next; first; first = next, count++) {
        next = rows_after(table, first);
        rows_remove(table, first);
    }
    return count;
}

int64_t ets_take(struct proc *self, ets_id id, struct value key, struct heap *heap,
                 struct tuple **ret_rows)
{
    struct ets *table = NULL;
    int err = ets_find(self, id, ETS_WRITE, &table);
    if (err)
        return err;
    int64_t count = rows_copy(table, rows_find(table, key), heap, ret_rows);
    key_remove(table, key);
    return count;
}

int64_t ets_delete(struct proc *self, ets_id id, struct value key)
{
    struct ets *table = NULL;
    int err = ets_find(self, id, ETS_WRITE, &table);
    return err ? err : key_remove(table, key);
}

int64_t ets_delete_row(struct proc *self, ets_id id, struct tuple tuple)
{
    struct ets *table = NULL;
    int64_t count = 0;
    int err = ets_find(self, id, ETS_WRITE, &table);
    if (err || tuple.count <= table->key)
        return err ? err : -EINVAL;
    for (struct ets_row *row = rows_find(table, tuple.fields[table->key]), *next; row; row = next) {
        next = rows_after(table, row);
        if (!tuple_same(row_tuple(row), tuple))
            continue;
        rows_remove(table, row);
        count++;
    }
    return count;
}

/* ---- one row in place ---- */

/* The one row of the key, of a table that has one for each. */
static int row_find(struct proc *self, ets_id id, struct value key, struct ets **ret_table,
                    struct ets_row **ret_row)
{
    int err = ets_find(self, id, ETS_WRITE, ret_table);
    if (err || (*ret_table)->type >= ETS_BAG)
        return err ? err : -EINVAL;
    *ret_row = rows_find(*ret_table, key);
    return 0;
}

static int count_check(const struct ets *table, struct tuple row, uint32_t field)
{
    bool fine = field < row.count && field != table->key && row.fields[field].type == VALUE_INTEGER;
    return fine ? 0 : -EINVAL;
}

static int count_add(const struct ets_count *count, int64_t *number)
{
    if (__builtin_add_overflow(*number, count->add, number))
        return -ERANGE;
    bool beyond = count->add >= 0 ? *number > count->threshold : *number < count->threshold;
    if (count->bounded && beyond)
        *number = count->set;
    return 0;
}

/* `before` is what a field is before the first of the counts; each sees what those before it did to the same field. */
static int count_result(const struct ets_count *counts, size_t which, struct tuple before,
                        const int64_t *results, int64_t *ret_result)
{
    int64_t number = before.fields[counts[which].field].integer;
    for (size_t i = 0; i < which; i++)
        if (counts[i].field == counts[which].field)
            number = results[i];
    int err = count_add(&counts[which], &number);
    *ret_result = number;
    return err;
}

static int counts_compute(const struct ets *table, struct tuple before,
                          const struct ets_count *counts, size_t count, int64_t *results)
{
    int err = 0;
    for (size_t i = 0; i < count && !err; i++) {
        err = count_check(table, before, counts[i].field);
        if (!err)
            err = count_result(counts, i, before, results, &results[i]);
    }
    return err;
}

/* The fallback's row, with the key that was asked for. */
static struct ets_row *fallback_put(struct ets *table, struct value key, struct tuple fallback)
{
    struct heap heap;
    heap_init(&heap);
    struct value *fields =
        heap_memdup(&heap, fallback.fields, fallback.count * sizeof *fallback.fields);
    fields[table->key] = key;
    rows_put(table, (struct tuple){fallback.count, fields});
    heap_done(&heap);
    return rows_find(table, key);
}

static int counter_update(struct ets *table, struct value key, struct ets_row *row,
                          const struct ets_count *counts, size_t count,
                          const struct tuple *fallback, int64_t *results)
{
    int err = row ? 0 : fallback ? tuples_check(table, fallback, 1) : -ENOENT;
    if (!err && !value_valid(key))
        err = -EINVAL;
    if (!err)
        err = counts_compute(table, row ? row_tuple(row) : *fallback, counts, count, results);
    if (err)
        return err;
    if (!row)
        row = fallback_put(table, key, *fallback);
    for (size_t i = 0; i < count; i++)
        row->fields[counts[i].field] = value_int(results[i]);
    return 0;
}

int ets_update_counter(struct proc *self, ets_id id, struct value key,
                       const struct ets_count *counts, size_t count, const struct tuple *fallback,
                       int64_t *ret_results)
{
    enum { FEW = 8 };
    int64_t few[FEW];
    struct ets *table = NULL;
    struct ets_row *row = NULL;
    int err = row_find(self, id, key, &table, &row);
    if (err)
        return err;
    int64_t *results = count > FEW ? heap_alloc(table->heap, count * sizeof *results) : few;
    err = counter_update(table, key, row, counts, count, fallback, results);
    if (!err && ret_results)
        memcpy(ret_results, results, count * sizeof *results);
    if (results != few)
        heap_release(table->heap, results);
    return err;
}

static int fields_check(const struct ets *table, struct tuple row, const struct ets_field *fields,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].field >= row.count || fields[i].field == table->key ||
            !value_valid(fields[i].value))
            return -EINVAL;
    return 0;
}

int ets_update(struct proc *self, ets_id id, struct value key, const struct ets_field *fields,
               size_t count)
{
    struct ets *table = NULL;
    struct ets_row *row = NULL;
    int err = row_find(self, id, key, &table, &row);
    if (!err)
        err = row ? fields_check(table, row_tuple(row), fields, count) : -ENOENT;
    if (err)
        return err;
    struct value *changed = heap_memdup(table->heap, row->fields, row->count * sizeof *row->fields);
    for (size_t i = 0; i < count; i++)
        changed[fields[i].field] = fields[i].value;
    rows_replace(table, row, (struct tuple){row->count, changed});
    heap_release(table->heap, changed);
    return 0;
}
