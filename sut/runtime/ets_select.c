/* ets_select.c: from key to key, and many rows at once. All of it goes by cursors, so that what it calls may change the table. */
#include "sut/runtime/ets_internal.h"

#include <errno.h>

/* ---- from key to key ---- */

static int key_found(const struct ets *table, const struct ets_row *row, struct value *ret_key)
{
    if (row)
        *ret_key = row_key(table, row);
    return row ? 1 : 0;
}

/* The nearest key from `place` on, or down from it; place - 1 of 0 is beyond all places. */
static struct ets_row *place_seek(const struct ets_hash *hash, uint32_t place, bool down)
{
    for (; place < hash->places; place = down ? place - 1 : place + 1)
        if (hash->order[place])
            return hash->order[place];
    return NULL;
}

static int edge(struct proc *self, ets_id id, bool last, struct value *ret_key)
{
    struct ets *table = NULL;
    int err = ets_find(self, id, ETS_READ, &table);
    if (err)
        return err;
    if (table->type == ETS_ORDERED)
        return key_found(table, tree_edge(table, last), ret_key);
    uint32_t place = last ? table->hash.places - 1 : 0;
    return key_found(table, place_seek(&table->hash, place, last), ret_key);
}

int ets_first(struct proc *self, ets_id id, struct value *ret_key)
{
    return edge(self, id, false, ret_key);
}

int ets_last(struct proc *self, ets_id id, struct value *ret_key)
{
    return edge(self, id, true, ret_key);
}

static int beside(struct proc *self, ets_id id, struct value key, bool down, struct value *ret_key)
{
    struct ets *table = NULL;
    int err = ets_find(self, id, ETS_READ, &table);
    if (err)
        return err;
    if (table->type == ETS_ORDERED)
        return key_found(table, tree_beside(table, key, down), ret_key);
    struct ets_row *row = hash_find(table, key);
    if (!row)
        return -ENOENT;
    uint32_t place = down ? row->place - 1 : row->place + 1;
    return key_found(table, place_seek(&table->hash, place, down), ret_key);
}

int ets_next(struct proc *self, ets_id id, struct value key, struct value *ret_key)
{
    return beside(self, id, key, false, ret_key);
}

int ets_prev(struct proc *self, ets_id id, struct value key, struct value *ret_key)
{
    return beside(self, id, key, true, ret_key);
}

/* ---- many rows ---- */

struct scan {
    struct ets_cursor *cursor;
    const struct ets_query *query;
    int64_t count;
};

static const struct ets_query everything;

static int scan_begin(struct proc *self, ets_id id, enum ets_wish wish,
                      const struct ets_query *query, struct scan *scan)
{
    struct ets *table = NULL;
    int err = ets_find(self, id, wish, &table);
    if (err)
        return err;
    *scan = (struct scan){.query = query ? query : &everything};
    for (size_t i = 0; i < scan->query->equal_count; i++)
        if (scan->query->equal[i].field == table->key) {
            scan->cursor = cursor_at_key(self, table, scan->query->equal[i].value);
            return 0;
        }
    scan->cursor = cursor_at_all(self, table);
    return 0;
}

static bool row_wanted(const struct ets_query *query, struct tuple row)
{
    for (size_t i = 0; i < query->equal_count; i++)
        if (query->equal[i].field >= row.count ||
            !value_same(row.fields[query->equal[i].field], query->equal[i].value))
            return false;
    return !query->where || query->where(row, query->ctx);
}

/* NULL: the end, and the cursor is closed. */
static struct ets_row *scan_next(struct scan *scan)
{
    struct ets_row *row = NULL;
    bool full = scan->query->limit > 0 && (size_t)scan->count == scan->query->limit;
    while (!full && (row = cursor_next(scan->cursor)))
        if (row_wanted(scan->query, row_tuple(row))) {
            scan->count++;
            return row;
        }
    ets_close(scan->cursor);
    scan->cursor = NULL;
    return NULL;
}

int64_t ets_select(struct proc *self, ets_id id, const struct ets_query *query, struct heap *heap,
                   struct tuple **ret_rows)
{
    struct scan scan;
    int err = scan_begin(self, id, ETS_READ, query, &scan);
    if (err)
        return err;
    struct tuple *rows = NULL;
    size_t count = 0, max = 0;
    for (struct ets_row *row; (row = scan_next(&scan)); count++) {
        if (count == max)
            rows = heap_realloc(heap, rows, (max = max ? max * 2 : 8) * sizeof *rows);
        rows[count] = tuple_copy(heap, row_tuple(row));
    }
    *ret_rows = rows;
    return (int64_t)count;
}

int64_t ets_select_count(struct proc *self, ets_id id, const struct ets_query *query)
{
    struct scan scan;
    int err = scan_begin(self, id, ETS_READ, query, &scan);
    while (!err && scan_next(&scan))
        continue;
    return err ? err : scan.count;
}

int64_t ets_select_delete(struct proc *self, ets_id id, const struct ets_query *query)
{
    struct scan scan;
    int err = scan_begin(self, id, ETS_WRITE, query, &scan);
    for (struct ets_row *row; !err && (row = scan_next(&scan));)
        rows_remove(scan.cursor->table, row);
    return err ? err : scan.count;
}

int64_t ets_clear(struct proc *self, ets_id id)
{
    return ets_select_delete(self, id, NULL);
}

static int row_change(struct ets *table, struct ets_row *row, const struct ets_query *query,
                      void (*replace)(struct value *fields, uint32_t count, void *ctx))
{
    struct value *fields = heap_memdup(table->heap, row->fields, row->count * sizeof *row->fields);
    replace(fields, row->count, query->ctx);
    struct tuple tuple = {row->count, fields};
    bool fine = tuple_valid(tuple) && value_same(fields[table->key], row_key(table, row));
    if (fine)
        rows_replace(table, row, tuple);
    heap_release(table->heap, fields);
    return fine ? 0 : -EINVAL;
}

int64_t ets_select_replace(struct proc *self, ets_id id, const struct ets_query *query,
                           void (*replace)(struct value *fields, uint32_t count, void *ctx))
{
    struct scan scan;
    int err = scan_begin(self, id, ETS_WRITE, query, &scan);
    if (err)
        return err;
    if (scan.cursor->table->type >= ETS_BAG)
        err = -EINVAL;
    for (struct ets_row *row; !err && (row = scan_next(&scan));)
        err = row_change(scan.cursor->table, row, scan.query, replace);
    if (scan.cursor)
        ets_close(scan.cursor);
    return err ? err : scan.count;
}
