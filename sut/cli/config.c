/* config.c: see config.h. */
#define _GNU_SOURCE /* strchrnul */
#include "sut/cli/config.h"
#include "sut/cli/words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_LIMIT_DEFAULT 10
#define QUEUE_LIMIT_MOST    10000

/* ---- the keys ---- */

typedef bool setter(struct config *config, size_t offset, const char *value, char *why,
                    size_t why_size);

static setter set_text, set_queue, set_duration, set_durability;

static const struct key {
    const char *name, *value; /* as --help shows it */
    setter *set;
    size_t offset;
    int64_t least, most; /* durations */
    const char *about;
} keys[] = {
#define AT(field) offsetof(struct config, field)
    {"database", "FILE", set_text, AT(database), 0, 0, "the jobs, an SQLite file"},
    {"workers", "DIR", set_text, AT(workers), 0, 0,
     "the executables; the worker NAME of a job is DIR/NAME"},
    {"queue", "NAME=LIMIT", set_queue, 0, 0, 0,
     "a queue, and how many of its jobs run at once; repeatable (default=10)"},
    {"lease", "TIME", set_duration, AT(lease_ns), NS_PER_S, 86400 * NS_PER_S,
     "how long a job stays with a daemon that is silent (30s)"},
    {"poll", "TIME", set_duration, AT(poll_ns), 10 * NS_PER_MS, 3600 * NS_PER_S,
     "how often to look for new jobs (200ms)"},
    {"grace", "TIME", set_duration, AT(grace_ns), 0, 86400 * NS_PER_S,
     "how long running jobs may take to end at a stop (15s)"},
    {"timeout", "TIME", set_duration, AT(timeout_ns), 0, 365 * 86400 * NS_PER_S,
     "how long one run of a job may take (0s: no limit)"},
    {"durability", "full|normal", set_durability, AT(durability), 0, 0,
     "full: survives power loss; normal: is faster, survives a crash (full)"},
#undef AT
};

#define KEYS (sizeof keys / sizeof *keys)

static bool set_text(struct config *config, size_t offset, const char *value, char *why,
                     size_t why_size)
{
    if (!*value) {
        snprintf(why, why_size, "must not be empty");
        return false;
    }
    const char *copy = heap_strdup(config->heap, value);
    memcpy((char *)config + offset, &copy, sizeof copy);
    return true;
}

static bool set_duration(struct config *config, size_t offset, const char *value, char *why,
                         size_t why_size)
{
    const struct key *key = keys;
    int64_t ns;
    char least[32], most[32];
    while (key->set != set_duration || key->offset != offset)
        ++key;
    if (!words_duration(value, &ns)) {
        snprintf(why, why_size, "'%s' is no time, such as 500ms, 30s, 10m or 1h", value);
        return false;
    }
    if (ns < key->least || ns > key->most) {
        snprintf(why, why_size, "'%s' is not between %s and %s", value,
                 words_of_duration(key->least, least), words_of_duration(key->most, most));
        return false;
    }
    memcpy((char *)config + offset, &ns, sizeof ns);
    return true;
}

const char *durability_word(enum durability durability)
{
    return durability == DURABILITY_FULL ? "full" : "normal";
}

static bool set_durability(struct config *config, size_t offset, const char *value, char *why,
                           size_t why_size)
{
    (void)offset;
    if (strcmp(value, "full") != 0 && strcmp(value, "normal") != 0) {
        snprintf(why, why_size, "'%s' is neither full nor normal", value);
        return false;
    }
    config->durability = strcmp(value, "full") == 0 ? DURABILITY_FULL : DURABILITY_NORMAL;
    return true;
}

static struct queue_config *queue_find(struct config *config, const char *name, size_t length)
{
    for (size_t i = 0; i < config->queue_count; ++i)
        if (strlen(config->queues[i].name) == length &&
            strncmp(config->queues[i].name, name, length) == 0)
            return &config->queues[i];
    return NULL;
}

/* value: NAME=LIMIT */
static bool set_queue(struct config *config, size_t offset, const char *value, char *why,
                      size_t why_size)
{
    int64_t limit;
    (void)offset;
    const char *equals = strchrnul(value, '=');
    size_t length = (size_t)(equals - value);
    if (length == 0 || length > JOB_QUEUE_MAX || !*equals ||
        !words_number(equals + 1, 1, QUEUE_LIMIT_MOST, &limit)) {
        snprintf(why, why_size, "'%s' is not NAME=LIMIT with a limit between 1 and %d", value,
                 QUEUE_LIMIT_MOST);
        return false;
    }
    struct queue_config *queue = queue_find(config, value, length);
    if (queue || config->queue_count == CONFIG_QUEUES_MAX) {
        snprintf(why, why_size,
                 queue ? "the queue '%.*s' is there twice" : "'%.*s' is one queue too many",
                 (int)length, value);
        return false;
    }
    char *name = heap_strdup(config->heap, value);
    name[length] = '\0';
    config->queues[config->queue_count++] =
        (struct queue_config){.name = name, .limit = (unsigned)limit};
    return true;
}

static const struct key *key_find(const char *name, char *why, size_t why_size)
{
    const char *names[KEYS];
    for (size_t i = 0; i < KEYS; ++i) {
        names[i] = keys[i].name;
        if (strcmp(name, keys[i].name) == 0)
            return &keys[i];
    }
    const char *near = words_nearest(name, names, KEYS);
    snprintf(why, why_size, "unknown key '%s'%s%s%s", name, near ? "; did you mean '" : "",
             near ? near : "", near ? "'?" : "");
    return NULL;
}

bool config_set(struct config *config, const char *name, const char *value, char *why,
                size_t why_size)
{
    char problem[256];
    const struct key *key = key_find(name, why, why_size);
    if (!key)
        return false;
    if (key->set(config, key->offset, value, problem, sizeof problem))
        return true;
    snprintf(why, why_size, "%s: %s", name, problem);
    return false;
}

void config_init(struct config *config, struct heap *heap)
{
    *config = (struct config){.heap = heap,
                              .lease_ns = 30 * NS_PER_S,
                              .poll_ns = 200 * NS_PER_MS,
                              .grace_ns = 15 * NS_PER_S,
                              .durability = DURABILITY_FULL};
}

void config_help(FILE *out)
{
    for (size_t i = 0; i < KEYS; ++i) {
        char left[40];
        snprintf(left, sizeof left, "--%s %s", keys[i].name, keys[i].value);
        fprintf(out, "  %-24s %s\n", left, keys[i].about);
    }
}

/* ---- the file ---- */

static char *trim(char *text)
{
    text += strspn(text, " \t\r\n");
    size_t length = strlen(text);
    while (length && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* A '#' at the beginning, or after a blank. */
static void cut_comment(char *line)
{
    for (char *at = line; *at; ++at)
        if (*at == '#' && (at == line || at[-1] == ' ' || at[-1] == '\t')) {
            *at = '\0';
            return;
        }
}

struct reading {
    struct config *config;
    const char *path;
    unsigned line;
    unsigned said[KEYS]; /* the line where a key was set */
};

static bool once(struct reading *reading, const char *name, char *why, size_t why_size)
{
    for (size_t i = 0; i < KEYS; ++i) {
        if (strcmp(keys[i].name, name) != 0 || keys[i].set == set_queue)
            continue;
        if (reading->said[i]) {
            snprintf(why, why_size, "'%s' was set before, in line %u", name, reading->said[i]);
            return false;
        }
        reading->said[i] = reading->line;
    }
    return true;
}

static bool read_queue(struct reading *reading, char *name, const char *limit, char *why,
                       size_t why_size)
{
    char value[512];
    snprintf(value, sizeof value, "%s=%s", trim(name), limit);
    return config_set(reading->config, "queue", value, why, why_size);
}

/* Relative to the directory of the file. */
static bool read_path(struct reading *reading, const char *key, const char *value, char *why,
                      size_t why_size)
{
    char joined[4096];
    const char *slash = strrchr(reading->path, '/');
    if (value[0] == '/' || value[0] == '\0' || !slash)
        return config_set(reading->config, key, value, why, why_size);
    snprintf(joined, sizeof joined, "%.*s/%s", (int)(slash - reading->path), reading->path, value);
    return config_set(reading->config, key, joined, why, why_size);
}

static bool read_line(struct reading *reading, char *line, char *why, size_t why_size)
{
    cut_comment(line);
    char *key = trim(line), *equals = strchr(key, '=');
    if (!*key)
        return true;
    if (!equals) {
        snprintf(why, why_size, "'%s' is not `key = value`", key);
        return false;
    }
    *equals = '\0';
    char *value = trim(equals + 1);
    key = trim(key);
    if (strncmp(key, "queue", 5) == 0 && isspace((unsigned char)key[5]))
        return read_queue(reading, key + 6, value, why, why_size);
    if (strcmp(key, "queue") == 0) {
        snprintf(why, why_size, "a queue is written `queue NAME = LIMIT`");
        return false;
    }
    if (!once(reading, key, why, why_size))
        return false;
    bool is_path = strcmp(key, "database") == 0 || strcmp(key, "workers") == 0;
    return is_path ? read_path(reading, key, value, why, why_size)
                   : config_set(reading->config, key, value, why, why_size);
}

bool config_read(struct config *config, const char *path, char *why, size_t why_size)
{
    struct reading reading = {.config = config, .path = path};
    char *line = NULL, problem[400];
    size_t room = 0;
    bool good = true;
    FILE *file = fopen(path, "re");
    errno = file ? 0 : errno;
    while (file && good && getline(&line, &room, file) >= 0) {
        ++reading.line;
        good = read_line(&reading, line, problem, sizeof problem);
    }
    if (!good)
        snprintf(why, why_size, "%s:%u: %s", path, reading.line, problem);
    else if (!file || ferror(file)) {
        snprintf(why, why_size, "%s: cannot be read: %s", path, strerror(errno));
        good = false;
    }
    free(line);
    if (file)
        fclose(file);
    return good;
}

const char *config_path(void)
{
    const char *named = getenv("JOBD_CONFIG");
    if (named && *named)
        return named;
    return access("/etc/jobd.conf", F_OK) == 0 ? "/etc/jobd.conf" : NULL;
}

bool config_complete(struct config *config, char *why, size_t why_size)
{
    if (!config->database || !config->workers) {
        const char *key = config->database ? "workers" : "database";
        snprintf(why, why_size, "no %s: give --%s %s, or `%s = ...` in the configuration", key, key,
                 config->database ? "DIR" : "FILE", key);
        return false;
    }
    if (config->queue_count == 0)
        config->queues[config->queue_count++] =
            (struct queue_config){.name = "default", .limit = QUEUE_LIMIT_DEFAULT};
    return true;
}

/* ---- opening the database ---- */

#define BUSY_MS 3000 /* for another process's lock; below the deadline of a call */

/* What the store says, and what to do about it. */
static const struct {
    const char *symptom, *advice;
} advices[] = {
    {"is not an SQLite database", "name another file, or remove it if it is of no use"},
    {"belongs to another program", "name another file"},
    {"newer version", "use that version of jobd, or a newer one"},
    {"read-only", "let this user write to it"},
    {"readonly", "let this user write to it and to its directory"},
    {"Permission denied", "let this user write to it and to its directory"},
    {"No such file", "insert a job or start jobd to make it, or name another one"},
    {"holds no jobs", "name another file; jobd or an insert would set this one up"},
    {"Is a directory", "name a file in it"},
    {"locked", "another process holds it; try again"},
    {"disk is full", "make room"},
};

static const char *directory_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(out, size, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return slash == path ? "/" : out;
}

bool config_store_possible(const struct config *config, char *why, size_t why_size)
{
    char directory[4096];
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

static const char *advice_for(const char *problem)
{
    for (size_t i = 0; i < sizeof advices / sizeof *advices; ++i)
        if (strstr(problem, advices[i].symptom))
            return advices[i].advice;
    return NULL;
}

struct store_db *config_store_open(const struct config *config, struct env *env, bool create,
                                   char *why, size_t why_size)
{
    char problem[400];
    struct store_sqlite_options options = {.path = config->database,
                                           .durability = config->durability,
                                           .busy_ms = BUSY_MS,
                                           .env = env,
                                           .create = create};
    if (!config_store_possible(config, why, why_size))
        return NULL;
    struct store_db *db = store_sqlite_open(&options, problem, sizeof problem);
    if (db)
        return db;
    const char *advice = advice_for(problem);
    snprintf(why, why_size, "%s%s%s", problem, advice ? "; " : "", advice ? advice : "");
    return NULL;
}
