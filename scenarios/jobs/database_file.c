/* The file of the database, past the system: as it was installed before the run, and what is in it afterwards.
 *
 * Nothing is lost here: what is asked here is asked of a database at rest. */
#include "scenarios/jobs/adapter.h"
#include "sut/store/sqlite/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

/* What the statements of callers write to (client.c). */
#define APPLICATION_TABLES "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)"

#define HEADER_VERSIONS 18 /* where a header says how the file is written and read */
#define VERSION_WAL     2

bool database_complete(struct sqlite3 *conn)
{
    return sqlite3_exec(conn, APPLICATION_TABLES, NULL, NULL, NULL) == SQLITE_OK;
}

/* ---- as it is when it is new ---- */

static sqlite3 *model_open(void)
{
    char why[128], pages[48];
    sqlite3 *conn = NULL;
    snprintf(pages, sizeof pages, "PRAGMA page_size=%d", DATABASE_PAGE_BYTES);
    if (sqlite3_open(":memory:", &conn) != SQLITE_OK ||
        sqlite3_exec(conn, pages, NULL, NULL, NULL) != SQLITE_OK ||
        schema_migrate(conn, why, sizeof why) != 0 || !database_complete(conn))
        abort();
    return conn;
}

struct image {
    unsigned char *bytes;
    sqlite3_int64 size;
};

/* One for the whole process: it is the same for all runs, whichever needs it first. */
static const struct image *image_of_new(void)
{
    static struct image image;
    if (image.bytes)
        return &image;
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SAVE);
    sqlite3 *conn = model_open();
    unsigned char *bytes = sqlite3_serialize(conn, "main", &image.size, 0);
    if (!bytes || !(image.bytes = malloc((size_t)image.size)))
        abort();
    memcpy(image.bytes, bytes, (size_t)image.size);
    memset(image.bytes + HEADER_VERSIONS, VERSION_WAL, 2);
    sqlite3_free(bytes);
    sqlite3_close(conn);
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_RESTORE);
    return &image;
}

void database_install(struct disk *disk)
{
    const struct image *image = image_of_new();
    disk_write(disk, DATABASE_FILE, image->bytes, (size_t)image->size, 0);
    disk_sync(disk, DATABASE_FILE);
}

/* ---- what is in it ---- */

static void say_nothing(struct env *env, enum log_level level, const char *line)
{
    (void)env, (void)level, (void)line;
}

/* The one that is open, or NULL. */
static struct store_db *database_at_work(const struct database *database)
{
    return database->node ? database->db : database->adapter->apps[0].db;
}

/* One whose connection is open, or else one of our own. */
static struct store_db *database_borrow(struct database *database, struct env *env, bool *ret_own)
{
    struct node *node = database->node ? database->node : database->adapter->apps[0].host.node;
    struct store_db *db = database_at_work(database);
    if (db && !((struct sqlite_store *)db)->conn)
        db = NULL; /* an error has closed it */
    *ret_own = !db;
    return db ? db : database_open(database, env, node);
}

/* The first column of the first row, or ""; heap. */
static char *answer_of(sqlite3 *conn, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    const unsigned char *text = NULL;
    if (sqlite3_prepare_v2(conn, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        text = sqlite3_column_text(stmt, 0);
    char *answer = strdup(text ? (const char *)text : "");
    sqlite3_finalize(stmt);
    if (!answer)
        abort();
    return answer;
}

static bool answers(sqlite3 *conn, const char *sql, const char *expected)
{
    char *answer = answer_of(conn, sql);
    bool same = strcmp(answer, expected) == 0;
    free(answer);
    return same;
}

#define SCHEMA                                                                                     \
    "SELECT group_concat(name||sql)FROM(SELECT name,sql FROM sqlite_master ORDER BY name)"

/* Of a database in which nothing has rotted. */
static char *fresh_schema(void)
{
    sqlite3 *conn = model_open();
    char *schema = answer_of(conn, SCHEMA);
    sqlite3_close(conn);
    return schema;
}

/* By its own check, which does not read the text of constraints: a bit of that can refuse every change. */
static bool sound(sqlite3 *conn)
{
    char *schema = fresh_schema();
    bool is_sound = answers(conn, "PRAGMA integrity_check", "ok") && answers(conn, SCHEMA, schema);
    free(schema);
    return is_sound;
}

/* No system that is up, and none that could be. */
static bool refused(struct database *database)
{
    static const struct env_ops ops = {.log = say_nothing};
    struct env env = {.ops = &ops, .heap = host_heap_new(), .node_name = "audit"};
    bool own;
    struct store_db *db = database_borrow(database, &env, &own);
    if (own)
        store_close(db);
    heap_free(env.heap);
    return !db;
}

/* What a read did not bring may stand in the memory of the connection that is open, while the file is whole: so both are
 * asked. And what is whole may still not be what the system takes for its own. */
bool database_damaged(struct database *database)
{
    struct node *node = database->node ? database->node : database->adapter->apps[0].host.node;
    const struct sqlite_store *store = (struct sqlite_store *)database_at_work(database);
    sqlite3 *conn = NULL;
    bool whole = (!store || !store->conn || sound(store->conn)) &&
                 sqlite3_open_v2(DATABASE_FILE, &conn, SQLITE_OPEN_READWRITE,
                                 disk_vfs(database->disk, node)) == SQLITE_OK &&
                 sound(conn);
    sqlite3_close(conn);
    return !whole || refused(database);
}

/* Of a text that may not be NULL, but is after a disk has lied: "". */
static char *text_read(sqlite3_stmt *stmt, int column, struct heap *heap)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return heap_strdup(heap, text ? text : "");
}

/* All of them, or none. */
static bool rows_read(sqlite3 *conn, struct heap *heap, struct job **ret_rows, size_t *ret_count)
{
    sqlite3_stmt *stmt = NULL;
    struct job *rows = NULL;
    size_t count = 0, capacity = 0;
    int rc = sqlite3_prepare_v2(
        conn, "SELECT id,state,attempt,max_attempts,args,result FROM duress_jobs ORDER BY id", -1,
        &stmt, NULL);
    for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK) {
        if (count == capacity)
            rows = heap_realloc(heap, rows, (capacity = 2 * capacity + 128) * sizeof *rows);
        struct job *row = &rows[count++];
        *row = (struct job){.id = (uint64_t)sqlite3_column_int64(stmt, 0),
                            .state = JOB_STATE_COUNT,
                            .attempt = (unsigned)sqlite3_column_int(stmt, 2),
                            .max_attempts = (unsigned)sqlite3_column_int(stmt, 3),
                            .args = text_read(stmt, 4, heap),
                            .result = text_read(stmt, 5, heap)};
        job_state_by_word((const char *)sqlite3_column_text(stmt, 1), &row->state);
    }
    sqlite3_finalize(stmt);
    *ret_rows = rows;
    *ret_count = count;
    return rc == SQLITE_DONE;
}

bool database_rows(struct database *database, void (*fn)(void *ctx, const struct job *job),
                   void *ctx)
{
    static const struct env_ops ops = {.log = say_nothing};
    struct env env = {.ops = &ops, .heap = host_heap_new(), .node_name = "audit"};
    struct heap *heap = host_heap_new();
    struct job *rows = NULL;
    size_t count = 0;
    bool own;
    struct store_db *db = database_borrow(database, &env, &own);
    bool read = db && rows_read(((struct sqlite_store *)db)->conn, heap, &rows, &count);
    for (size_t i = 0; read && i < count; i++)
        fn(ctx, &rows[i]);
    heap_free(heap);
    if (own)
        store_close(db);
    heap_free(env.heap);
    return read;
}
