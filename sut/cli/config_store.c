/* config_store.c: opens the database of a configuration, or says what to do about it. */
#include "sut/cli/config.h"
#include "sut/store/pg.h"

#include <string.h>
#include <unistd.h>

#define BUSY_MS 3000 /* for another process's lock; below the deadline of a call */
#define CALL_MS 4000 /* of a server; below it, too */

/* What the store says, and what to do about it. */
static const struct advice {
    const char *symptom, *advice;
} of_files[] = {
    {"is not an SQLite database", "name another file, or remove it if it is of no use"},
    {"belongs to another program", "name another file"},
    {"already exists", "it belongs to another program; name another file"},
    {"newer version", "use that version of jobd, or a newer one"},
    {"read-only", "let this user write to it"},
    {"readonly", "let this user write to it and to its directory"},
    {"Permission denied", "let this user write to it and to its directory"},
    {"No such file", "insert a job or start jobd to make it, or name another one"},
    {"holds no jobs", "name another file; jobd, an insert or `migrate` would set this one up"},
    {"Is a directory", "name a file in it"},
    {"locked", "another process holds it; try again"},
    {"disk is full", "make room"},
};
static const struct advice of_servers[] = {
    {"prepared statement", "behind a pooler, say so: --pooled yes"},
    {"belongs to another program", "name another schema"},
    {"already exists", "it belongs to another program; name another schema"},
    {"newer version", "use that version of jobd, or a newer one"},
    {"read-only", "let this user write to it"},
    {"holds no jobs", "name another schema; jobd, an insert or `migrate` would set this one up"},
    {"password", "give it in the database's URL, in PGPASSWORD or in ~/.pgpass"},
    {"does not exist", "create it, or name another one"},
    {"permission denied", "grant it to this user, or name another schema"},
    {"Connection refused", "start PostgreSQL there, or name another host"},
    {"No such file", "start PostgreSQL there, or name the directory of its socket (host=)"},
    {"No space left", "make room"},
    {"too many", "try again, or let it have more connections"},
};

static const char *directory_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(out, size, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return slash == path ? "/" : out;
}

/* Behind the colon of USER:PASSWORD@ in a URL, or behind password=; its end is that of the word. */
static const char *password_in(const char *database)
{
    const char *user = strstr(database, "://"), *pair = strstr(database, "password=");
    if (!user)
        return pair ? pair + strlen("password=") : NULL;
    user += 3;
    const char *colon = strchr(user, ':'), *at = strchr(user, '@');
    return colon && at && colon < at ? colon + 1 : NULL;
}

const char *config_database(const struct config *config, char *out, size_t size)
{
    const char *secret = store_pg_named(config->database) ? password_in(config->database) : NULL;
    if (!secret)
        return config->database;
    snprintf(out, size, "%.*s***%s", (int)(secret - config->database), config->database,
             secret + strcspn(secret, "@ &"));
    return out;
}

bool config_store_possible(const struct config *config, char *why, size_t why_size)
{
    char directory[4096];
    if (store_pg_named(config->database))
        return true;
    const char *parent = directory_of(config->database, directory, sizeof directory);
    if (access(parent, F_OK) != 0)
        snprintf(why, why_size,
                 "%s: the directory %s does not exist; make it, or name another database",
                 config->database, parent);
    else if (access(parent, W_OK) != 0)
        snprintf(why, why_size,
                 "%s: the directory %s cannot be written to; let this user write to it",
                 config->database, parent);
    else
        return true;
    return false;
}

const char *config_advice(const struct config *config, const char *problem)
{
    bool server = store_pg_named(config->database);
    const struct advice *advices = server ? of_servers : of_files;
    size_t count =
        server ? sizeof of_servers / sizeof *of_servers : sizeof of_files / sizeof *of_files;
    for (size_t i = 0; i < count; ++i)
        if (strstr(problem, advices[i].symptom))
            return advices[i].advice;
    return NULL;
}

static struct store_db *open_pg(const struct config *config, struct env *env, unsigned uses,
                                char *problem, size_t size)
{
    char why[200], shown[200];
    struct store_pg_options options = {.conninfo = config->database,
                                       .schema = config->schema,
                                       .pooled = config->pooled,
                                       .call_ms = CALL_MS,
                                       .env = env,
                                       .create = (uses & CONFIG_MAKE) != 0,
                                       .runs_jobs = (uses & CONFIG_RUN) != 0};
    struct store_db *db = store_pg_open(&options, why, sizeof why);
    if (!db)
        snprintf(problem, size, "%s: %s", config_database(config, shown, sizeof shown), why);
    return db;
}

static struct store_db *open_sqlite(const struct config *config, struct env *env, unsigned uses,
                                    char *problem, size_t size)
{
    struct store_sqlite_options options = {.path = config->database,
                                           .durability = config->durability,
                                           .busy_ms = BUSY_MS,
                                           .env = env,
                                           .create = (uses & CONFIG_MAKE) != 0};
    return store_sqlite_open(&options, problem, size);
}

struct store_db *config_store_open(const struct config *config, struct env *env, unsigned uses,
                                   char *why, size_t why_size)
{
    char problem[440];
    if (!config_store_possible(config, why, why_size))
        return NULL;
    struct store_db *db = (store_pg_named(config->database) ? open_pg : open_sqlite)(
        config, env, uses, problem, sizeof problem);
    if (db)
        return db;
    const char *advice = config_advice(config, problem);
    snprintf(why, why_size, "%s%s%s", problem, advice ? "; " : "", advice ? advice : "");
    return NULL;
}

struct store_watch *config_store_watch(const struct config *config, struct store_db *db)
{
    return store_pg_named(config->database) ? store_pg_watch(db) : store_sqlite_watch(db);
}
