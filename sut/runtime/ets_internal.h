/* ets_internal.h: what the files of the tables share. A row is one block: header, fields, bytes. SETs and bags keep their rows
 * by hash (ets_hash.c), ORDERED tables in a B-tree (ets_tree.c); row memory is cut from chunks (ets_rows.c).
 */
#ifndef SUT_ETS_INTERNAL_H
#define SUT_ETS_INTERNAL_H

#include "sut/runtime/ets.h"
#include "sut/runtime/proc_internal.h"

struct ets_row {
    struct ets_row *next; /* of the same key, in a bag */
    struct ets_row *last; /* of them; only the first one knows */
    uint32_t place;       /* of the key, in hash.order */
    uint32_t size;        /* of the block */
    uint32_t count;
    struct value fields[];
};

struct ets_memory {
    struct heap *heap;
    char *cut, *end;
    size_t chunk;
    struct ets_row *free[32]; /* by size, in steps of 16 bytes */
};

struct ets_slot {
    struct ets_row *row; /* the first of its key; NULL: empty */
    uint32_t hash;
};

struct ets_hash {
    struct ets_slot *slots;
    uint32_t mask;
    uint32_t keys;
    struct ets_row **order; /* first rows by the coming of their keys; NULL: it is gone */
    uint32_t places, places_max;
};

struct ets_tree {
    struct ets_node *root;
    uint32_t keys;
};

struct ets {
    struct id_node by_id;
    struct id_node by_name;
    struct attachment attachment; /* of the owner */
    struct proc *owner;
    struct heap *heap;
    enum ets_type type;
    enum ets_access access;
    uint32_t key;
    char *name;
    proc_id heir;
    void *heir_data;
    size_t heir_size;
    size_t rows;
    struct ets_memory memory;
    struct ets_hash hash;
    struct ets_tree tree;
    struct ets_cursor *cursors;
};

enum ets_wish { ETS_READ, ETS_WRITE };
/* 0; -EBADF, -EACCES. */
int ets_find(struct proc *self, ets_id id, enum ets_wish wish, struct ets **ret_table);

static inline struct value row_key(const struct ets *table, const struct ets_row *row)
{
    return row->fields[table->key];
}

static inline struct tuple row_tuple(const struct ets_row *row)
{
    return (struct tuple){.count = row->count, .fields = row->fields};
}

/* ets_rows.c */
struct ets_row *row_new(struct ets_memory *memory, struct tuple tuple);
void row_free(struct ets_memory *memory, struct ets_row *row);
/* Of one key: the first row, or NULL; further ones are ->next, in bags. */
struct ets_row *rows_find(struct ets *table, struct value key);
struct ets_row *rows_after(struct ets *table, struct ets_row *row); /* of the same key */
void rows_put(struct ets *table, struct tuple tuple);               /* as the type says */
void rows_remove(struct ets *table, struct ets_row *row);
void rows_replace(struct ets *table, struct ets_row *old, struct tuple tuple); /* the same key */
bool rows_full(const struct ets *table, size_t more);

/* ets_hash.c */
struct ets_row *hash_find(const struct ets *table, struct value key);
void hash_add(struct ets *table, struct ets_row *row); /* its key is not there */
void hash_remove(struct ets *table, struct ets_row *first);
void hash_replace(struct ets *table, struct ets_row *first, struct ets_row *with);
void hash_pack(struct ets_hash *hash);

/* ets_tree.c */
struct ets_row *tree_find(const struct ets *table, struct value key);
void tree_add(struct ets *table, struct ets_row *row);
void tree_remove(struct ets *table, struct ets_row *row);
void tree_replace(struct ets *table, struct ets_row *row, struct ets_row *with);
struct ets_row *tree_edge(const struct ets *table, bool last);
/* The least row above the key, or the greatest below. */
struct ets_row *tree_beside(const struct ets *table, struct value key, bool below);

struct ets_cursor {
    struct attachment attachment; /* of the process */
    struct proc *proc;
    struct ets *table; /* NULL: it has ended */
    struct ets_cursor *prev, *next;
    struct ets_row *row; /* the one that comes next, in a tree or of a bag's key */
    uint32_t place,
        end; /* where the next key is looked for, and where that ends; in a tree `end` says whether it goes on */
};

/* ets_cursor.c: whoever was about to visit `row` visits `with`. */
void cursors_move(struct ets *table, const struct ets_row *row, struct ets_row *with);
void cursors_forget(struct ets *table); /* it is no more */
/* Closed by ets_close(). */
struct ets_cursor *cursor_at_key(struct proc *self, struct ets *table, struct value key);
struct ets_cursor *cursor_at_all(struct proc *self, struct ets *table);
struct ets_row *cursor_next(struct ets_cursor *cursor); /* NULL: the end */

#endif
