/* sqlite.h: the store on SQLite. WAL, one connection, every request one transaction (BEGIN IMMEDIATE if it changes
 * anything).
 *
 * Time is the clock of the connection's VFS. Within one handle it never goes back; the latest time is not stored, so
 * after a restart a clock that was set back is believed again. */
#ifndef SUT_STORE_SQLITE_H
#define SUT_STORE_SQLITE_H

#include "sut/store/store.h"

struct sqlite3;

enum durability {
    DURABILITY_FULL, /* an acknowledged write survives power loss (synchronous=FULL) */
    DURABILITY_NORMAL, /* survives the death of the process; power loss may take the last ones (synchronous=NORMAL) */
};

struct store_sqlite_options {
    const char *path;
    const char *vfs; /* NULL: SQLite's own */
    enum durability durability;
    int busy_ms;               /* how long to wait for another process's lock; 0: 5000 */
    unsigned checkpoint_pages; /* the log is written back when it is that long; 0: 4000 */
    unsigned
        page_bytes;  /* of a new file: a power of two from 512 to 65536; 0: SQLite's own choice */
    struct env *env; /* for points (its site) and memory (its heap); must outlive the store */
    bool create;     /* make the file and schema when missing */
    bool in_memory;  /* `path` is ":memory:": no file, no log; it is gone when it is closed */
};

/* Opens, recovers, migrates. The tables may stand beside those of another program, which are left alone. NULL with a sentence
 * in why: not a database, missing, newer schema, read-only, ...; what is refused is left as it was. */
struct store_db *store_sqlite_open(const struct store_sqlite_options *options, char *why,
                                   size_t why_size);

/* Hears of what other processes do to that store (watch.h), by a watch on its file. NULL: it cannot be watched (no file, no more
 * watches to be had). */
struct store_watch *store_sqlite_watch(struct store_db *db);
/* Tells those who watch the file that there may be jobs for them: after a commit that inserted some with store_sqlite_insert_tx() or
 * by hand. What nobody tells is found by polling. 0 or a negative errno. */
int store_sqlite_tell(const char *path);

/* Inserts jobs on the caller's own connection, inside whatever transaction the caller has open: they exist if and only if it
 * commits; without an open transaction, this is one. The connection must be to the same database file, and only one thread may
 * use it. No events are recorded. 0, or a negative errno with a sentence: then none was inserted, the rest of the caller's
 * transaction stands, and ret_ids is undefined. ret_conflicts: as in store.h; may be NULL. */
int store_sqlite_insert_tx(struct sqlite3 *db, const struct job_spec *specs, size_t count,
                           uint64_t *ret_ids, bool *ret_conflicts, char *why, size_t why_size);

#endif
