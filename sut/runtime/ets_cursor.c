/* ets_cursor.c: where somebody is in a table. A cursor knows which row comes next (in a tree, or of a bag's key) and at which
 * place it looks for the next key. The table knows its cursors and moves them when the row goes that one of them waits
 * at; places stay what they are while there is a cursor. A cursor is lost with its process and blind without its table.
 */
#include "sut/runtime/ets_internal.h"

#include <errno.h>
#include <utlist.h>

void cursors_move(struct ets *table, const struct ets_row *row, struct ets_row *with)
{
    struct ets_cursor *cursor;
    DL_FOREACH (table->cursors, cursor)
        if (cursor->row == row)
            cursor->row = with;
}

static void cursor_leave(struct ets_cursor *cursor)
{
    if (cursor->table)
        DL_DELETE(cursor->table->cursors, cursor);
    cursor->table = NULL;
}

static void cursor_lost(struct attachment *attachment, struct proc *proc, bool died)
{
    (void)proc, (void)died;
    cursor_leave(CONTAINER_OF(attachment, struct ets_cursor, attachment));
}

void cursors_forget(struct ets *table)
{
    while (table->cursors)
        cursor_leave(table->cursors);
}

void ets_close(struct ets_cursor *cursor)
{
    proc_detach(cursor->proc, &cursor->attachment);
    cursor_leave(cursor);
    heap_release(&cursor->proc->heap, cursor);
}

/* In the heap, since whoever opens one may leave its stack in the middle. */
static struct ets_cursor *cursor_new(struct proc *self, struct ets *table)
{
    struct ets_cursor *cursor = heap_alloc(&self->heap, sizeof *cursor);
    cursor->proc = self;
    cursor->table = table;
    cursor->attachment.release = cursor_lost;
    proc_attach(self, &cursor->attachment);
    DL_APPEND(table->cursors, cursor);
    return cursor;
}

struct ets_cursor *cursor_at_key(struct proc *self, struct ets *table, struct value key)
{
    struct ets_cursor *cursor = cursor_new(self, table);
    cursor->row = rows_find(table, key);
    return cursor;
}

struct ets_cursor *cursor_at_all(struct proc *self, struct ets *table)
{
    struct ets_cursor *cursor = cursor_new(self, table);
    if (table->type == ETS_ORDERED)
        cursor->row = tree_edge(table, false);
    cursor->end = table->type == ETS_ORDERED ? 1 : table->hash.places;
    return cursor;
}

static struct ets_row *row_following(const struct ets_cursor *cursor, struct ets_row *row)
{
    if (cursor->table->type != ETS_ORDERED)
        return rows_after(cursor->table, row);
    return cursor->end ? tree_beside(cursor->table, row_key(cursor->table, row), false) : NULL;
}

struct ets_row *cursor_next(struct ets_cursor *cursor)
{
    struct ets_row *row = cursor->row;
    if (cursor->table->type != ETS_ORDERED)
        while (!row && cursor->place < cursor->end)
            row = cursor->table->hash.order[cursor->place++];
    cursor->row = row ? row_following(cursor, row) : NULL;
    return row;
}

int ets_open(struct proc *self, ets_id id, struct ets_cursor **ret_cursor)
{
    struct ets *table = NULL;
    int err = ets_find(self, id, ETS_READ, &table);
    if (!err)
        *ret_cursor = cursor_at_all(self, table);
    return err;
}

int ets_fetch(struct ets_cursor *cursor, struct tuple *ret_row)
{
    if (!cursor->table)
        return -EBADF;
    struct ets_row *row = cursor_next(cursor);
    if (row)
        *ret_row = row_tuple(row);
    return row ? 1 : 0;
}
