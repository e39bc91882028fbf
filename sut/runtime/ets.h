/* ets.h: tables that processes share, as Erlang's ETS (ETS- rules).
 *
 * A table holds rows (struct tuple) of values; one field of a row, the same in the whole table, is its key.
 *
 *     SET            one row for a key; keys are compared strictly: 1 and 1.0 are two
 *     ORDERED        one row for a key, in the order of keys; 1 and 1.0 are one
 *     BAG            any number of rows for a key, each only once
 *     DUPLICATE_BAG  any number of rows for a key, in the order of inserting
 *
 * It belongs to the process that made it and goes with it, unless it has an heir, who then owns it and is told so by a message
 * MSG_ETS_TRANSFER. Its memory is the node's; deleting it, or the end of its owner, gives all of it back at once.
 *
 * Every function is one step: nobody sees half of it. What visits many rows (cursors, select) is not a snapshot: a row that is
 * there all the time is visited exactly once, one that comes or goes meanwhile once or not at all. The order is that of keys
 * in an ORDERED table, else that in which the keys came in.
 *
 * Errors are negative: -EBADF: there is no such table (any more); -EACCES: neither PUBLIC nor one's own (to write), or
 * PRIVATE and not one's own (to read); -EINVAL: a row without a key, a value that is no value (NaN), and what is said
 * below; -ENOSPC: 2^31 keys.
 */
#ifndef SUT_ETS_H
#define SUT_ETS_H

#include "sut/runtime/proc.h"
#include "sut/runtime/value.h"

typedef uint64_t ets_id; /* 1, 2, ... never used twice in a runtime */

enum ets_type { ETS_SET, ETS_ORDERED, ETS_BAG, ETS_DUPLICATE_BAG };
enum ets_access { ETS_PROTECTED, ETS_PUBLIC, ETS_PRIVATE };

/* To the new owner; `data` is what the old one, or the heir's entry, gave along: `size` bytes. */
enum { MSG_ETS_TRANSFER = 8 };
struct ets_transfer {
    ets_id table;
    proc_id from;
    size_t size;
    _Alignas(16) char data[];
};

struct ets_spec {
    const char *name; /* NULL: none. Else nobody else's (ETS-10) */
    enum ets_type type;
    enum ets_access access;
    uint32_t key; /* which field */
    proc_id heir; /* 0: nobody */
    const void *heir_data;
    size_t heir_size;
};

/* ---- tables ---- */

/* 0, or -EEXIST: the name is taken. */
int ets_new(struct proc *self, const struct ets_spec *spec, ets_id *ret_table);
int ets_drop(struct proc *self, ets_id table);                 /* by its owner, or if PUBLIC */
ets_id ets_whereis(struct runtime *runtime, const char *name); /* 0: no such table */
proc_id ets_owner(struct runtime *runtime, ets_id table);      /* 0: no such table */
int64_t ets_count(struct runtime *runtime, ets_id table);      /* rows */
int ets_heir(struct proc *self, ets_id table, proc_id heir, const void *data, size_t size);
/* By its owner. -ESRCH: nobody alive has the id; -EINVAL: it is the owner's own. */
int ets_give_away(struct proc *self, ets_id table, proc_id to, const void *data, size_t size);

/* ---- rows by key ---- */

/* In a SET or ORDERED table a row replaces the one with its key. All of them, or with an error none. */
int ets_insert(struct proc *self, ets_id table, const struct tuple *rows, size_t count);
/* 1: done; 0: a key of them was there, so nothing is (ETS-01). */
int ets_insert_new(struct proc *self, ets_id table, const struct tuple *rows, size_t count);
/* How many; copies of them are put into `heap` (ETS-12). */
int64_t ets_lookup(struct proc *self, ets_id table, struct value key, struct heap *heap,
                   struct tuple **ret_rows);
/* 1: the first row of the key, lent until the next change of the table or the next wait of this process; 0: none. `ret_row`
 * may be NULL. */
int ets_peek(struct proc *self, ets_id table, struct value key, struct tuple *ret_row);
int64_t ets_take(struct proc *self, ets_id table, struct value key, struct heap *heap,
                 struct tuple **ret_rows);                             /* and deletes them */
int64_t ets_delete(struct proc *self, ets_id table, struct value key); /* how many rows */
int64_t ets_delete_row(struct proc *self, ets_id table,
                       struct tuple row); /* all that are the same */
int64_t ets_clear(struct proc *self, ets_id table);

struct ets_count {
    uint32_t field;
    int64_t add;
    bool
        bounded; /* a result beyond `threshold` (above it if add >= 0, below it if add < 0) becomes `set` (ETS-04) */
    int64_t threshold, set;
};
/* Adds to integer fields of the one row of a key; `ret_results` gets one number for each, and may be NULL. Without the row
 * `fallback` is inserted first, under that key. -ENOENT: neither; -EINVAL: a bag, the key, no such field or not an integer;
 * -ERANGE: beyond 64 bits. With an error nothing is changed. */
int ets_update_counter(struct proc *self, ets_id table, struct value key,
                       const struct ets_count *counts, size_t count, const struct tuple *fallback,
                       int64_t *ret_results);

struct ets_field {
    uint32_t field;
    struct value value;
};
/* Sets fields of the one row of a key. -ENOENT: no row; -EINVAL: a bag, the key, no such field. */
int ets_update(struct proc *self, ets_id table, struct value key, const struct ets_field *fields,
               size_t count);

/* ---- from key to key ---- */

/* 1 and a key, lent as by ets_peek(); 0: there is none. Of a key that is not in the table only an ORDERED one knows what is next
 * (ETS-09); else -ENOENT. */
int ets_first(struct proc *self, ets_id table, struct value *ret_key);
int ets_last(struct proc *self, ets_id table, struct value *ret_key);
int ets_next(struct proc *self, ets_id table, struct value key, struct value *ret_key);
int ets_prev(struct proc *self, ets_id table, struct value key, struct value *ret_key);

/* ---- many rows ---- */

/* safe_fixtable: as long as the cursor is open, the table may be changed, and waited between the rows. Rows that are put in
 * after the opening are not visited, but perhaps in an ORDERED table. The cursor lies in the heap of the process that opened
 * it, until that closes it or ends; when the table ends before, there are no more rows. */
struct ets_cursor;
int ets_open(struct proc *self, ets_id table, struct ets_cursor **ret_cursor);
int ets_fetch(struct ets_cursor *cursor, struct tuple *ret_row); /* 1: as ets_peek(); 0: the end */
void ets_close(struct ets_cursor *cursor);

/* Which rows: those whose fields are the same as these, and of which `where` says so too. With the key among `equal` only
 * the rows of the key are looked at. `where` must neither wait nor change
 * the table. */
struct ets_query {
    const struct ets_field *equal;
    size_t equal_count;
    bool (*where)(struct tuple row, void *ctx); /* NULL: all */
    void *ctx;
    size_t limit; /* 0: none */
};
/* How many. NULL stands for a query that says yes to all. */
int64_t ets_select(struct proc *self, ets_id table, const struct ets_query *query,
                   struct heap *heap, struct tuple **ret_rows);
int64_t ets_select_count(struct proc *self, ets_id table, const struct ets_query *query);
int64_t ets_select_delete(struct proc *self, ets_id table, const struct ets_query *query);
/* `replace` changes the fields of a copy; the key must stay the same: else it stops with -EINVAL (each row is replaced
 * as one step, ETS-08). Bytes that it sets need to live until it is called again. Not for bags: -EINVAL. */
int64_t ets_select_replace(struct proc *self, ets_id table, const struct ets_query *query,
                           void (*replace)(struct value *fields, uint32_t count, void *ctx));

#endif
