/* sqlite.h: the store on SQLite. WAL, one writer connection, every request one BEGIN IMMEDIATE transaction. */
#ifndef SUT_STORE_SQLITE_H
#define SUT_STORE_SQLITE_H

#include "sut/store/store.h"

struct sqlite3;

enum durability {
    DURABILITY_FULL,   /* an acknowledged write survives power loss (synchronous=FULL) */
    DURABILITY_NORMAL, /* survives the death of the process; power loss may take the last ones (synchronous=NORMAL) */
};

struct store_sqlite_options {
    const char *path;
    const char *vfs;             /* NULL: SQLite's own */
    enum durability durability;
    int busy_ms;                 /* how long to wait for another process's lock; 0: 5000 */
    struct env *env;             /* for points (its site) and memory (its heap); must outlive the store */
    bool create;                 /* make the file and schema when missing */
};

/* Opens, recovers, migrates. NULL with a sentence in why: not a database, another program's, newer schema, read-only, ... */
struct store_db *store_sqlite_open(const struct store_sqlite_options *options, char *why, size_t why_size);

/* Inserts jobs on the caller's own connection, inside whatever transaction the caller has open: they exist if and only if it
 * commits. The connection must be to the same database file. 0, or -EINVAL/-EIO with a sentence. */
int store_sqlite_insert_tx(struct sqlite3 *db, const struct job_spec *specs, size_t count, uint64_t *ret_ids,
                           char *why, size_t why_size);

#endif
