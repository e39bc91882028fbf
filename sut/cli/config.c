/* config.c: see config.h. */
#define _GNU_SOURCE /* strchrnul */
#include "sut/cli/config.h"
#include "sut/cli/cron_words.h"
#include "sut/cli/words.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_LIMIT_DEFAULT 10
#define QUEUE_LIMIT_MOST    10000

/* ---- the keys ---- */

struct key;
typedef bool setter(struct config *config, const struct key *key, const char *value, char *why,
                    size_t why_size);

static setter set_text, set_load, set_queue, set_cron, set_zone, set_duration, set_size, set_number,
    set_durability, set_job_log, set_yes;

static const struct key {
    const char *name, *value; /* as --help shows it */
    setter *set;
    size_t offset;
    int64_t least, most; /* durations, sizes, numbers */
    const char *about;
    size_t fixed; /* while jobd runs: the size of what it sets; 0: it can change */
} keys[] = {
#define AT(field)    offsetof(struct config, field)
#define FIXED(field) sizeof(((struct config *)NULL)->field)
    {"database", "FILE", set_text, AT(database), 0, 0,
     "the jobs: an SQLite file, or postgresql://USER@HOST/NAME", FIXED(database)},
    {"workers", "DIR", set_text, AT(workers), 0, 0,
     "the executables; the worker NAME of a job is DIR/NAME"},
    {"load", "FILE", set_load, AT(load), 0, 0,
     "a shared object with workers in C (jobs_plugin.h); repeatable", FIXED(load)},
    {"queue", "NAME=LIMIT", set_queue, 0, 0, 0,
     "a queue, and how many of its jobs run at once; repeatable (default=10)"},
    {"cron", "NAME=ENTRY", set_cron, 0, 0, 0,
     "a job again and again: [zone=Z] [catch-up=N] 0 3 * * * WORKER [ARGS]; repeatable"},
    {"node", "NAME", set_text, AT(node), 0, 0,
     "what this one is called where queues are started, stopped or scaled on one (the machine's)",
     FIXED(node)},
    {"zone", "NAME", set_zone, AT(zone), 0, 0, "of cron entries that name none (UTC)"},
    {"crontab", "NAME", set_text, AT(crontab), 0, 0,
     "whose cron entries these are: at a start, others of that name are deleted (jobd)",
     FIXED(crontab)},
    {"lease", "TIME", set_duration, AT(lease_ns), NS_PER_S, 86400 * NS_PER_S,
     "how long a job stays with a daemon that is silent (12s)", FIXED(lease_ns)},
    {"poll", "TIME", set_duration, AT(poll_ns), 10 * NS_PER_MS, 3600 * NS_PER_S,
     "how often to look for new jobs (200ms)"},
    {"grace", "TIME", set_duration, AT(grace_ns), 0, 86400 * NS_PER_S,
     "how long running jobs may take to end at a stop (15s)"},
    {"keep-completed", "TIME", set_duration, AT(keep_completed_ns), 0, 3650 * 86400 * NS_PER_S,
     "how long completed jobs are kept (7d); 0s: for ever"},
    {"keep-cancelled", "TIME", set_duration, AT(keep_cancelled_ns), 0, 3650 * 86400 * NS_PER_S,
     "how long cancelled jobs are kept (7d); 0s: for ever"},
    {"keep-discarded", "TIME", set_duration, AT(keep_discarded_ns), 0, 3650 * 86400 * NS_PER_S,
     "how long discarded jobs are kept (30d); 0s: for ever"},
    {"timeout", "TIME", set_duration, AT(timeout_ns), 0, 365 * 86400 * NS_PER_S,
     "how long one run of a job may take (0s: no limit)"},
    {"memory", "SIZE", set_size, AT(memory_max), 0, INT64_C(1) << 50,
     "how much memory a job may map, such as 512M (0: no limit)"},
    {"crashes", "N", set_number, AT(crashes), 0, 1000000,
     "after so many lost leases in a row a job is discarded (3; 0: never)"},
    {"durability", "full|normal", set_durability, AT(durability), 0, 0,
     "full: survives power loss; normal: is faster, survives a crash (full); of an SQLite file",
     FIXED(durability)},
    {"schema", "NAME", set_text, AT(schema), 0, 0, "where in PostgreSQL the tables are (public)",
     FIXED(schema)},
    {"job-log", "text|json|none", set_job_log, AT(job_log), 0, 0,
     "a line for each run of a job: for people, for machines (JSON), or none (text)",
     FIXED(job_log)},
    {"keys", "FILE", set_text, AT(keys), 0, 0,
     "of encrypted arguments: a line is NAME KEY, the newest first (none; or from JOBD_KEYS)"},
    {"pooled", "yes|no", set_yes, AT(pooled), 0, 0,
     "PostgreSQL is behind a pooler that hands out connections by the transaction (no)",
     FIXED(pooled)},
#undef FIXED
#undef AT
};

#define KEYS (sizeof keys / sizeof *keys)
_Static_assert(KEYS == CONFIG_KEYS, "config.h says how many there are");

static bool set_text(struct config *config, const struct key *key, const char *value, char *why,
                     size_t why_size)
{
    if (!*value) {
        snprintf(why, why_size, "must not be empty");
        return false;
    }
    const char *copy = heap_strdup(config->heap, value);
    memcpy((char *)config + key->offset, &copy, sizeof copy);
    return true;
}

static bool set_load(struct config *config, const struct key *key, const char *value, char *why,
                     size_t why_size)
{
    (void)key;
    if (!*value || config->load_count == CONFIG_LOAD_MAX) {
        snprintf(why, why_size, *value ? "more than %d files" : "must not be empty",
                 CONFIG_LOAD_MAX);
        return false;
    }
    config->load[config->load_count++] = heap_strdup(config->heap, value);
    return true;
}

static bool set_duration(struct config *config, const struct key *key, const char *value, char *why,
                         size_t why_size)
{
    int64_t ns;
    char least[32], most[32];
    if (!words_duration(value, &ns)) {
        snprintf(why, why_size, "'%s' is no time, such as 500ms, 30s, 10m or 1h", value);
        return false;
    }
    if (ns < key->least || ns > key->most) {
        snprintf(why, why_size, "'%s' is not between %s and %s", value,
                 words_of_duration(key->least, least), words_of_duration(key->most, most));
        return false;
    }
    memcpy((char *)config + key->offset, &ns, sizeof ns);
    return true;
}

static bool set_size(struct config *config, const struct key *key, const char *value, char *why,
                     size_t why_size)
{
    int64_t size;
    if (!words_size(value, key->most, &size)) {
        snprintf(why, why_size, "'%s' is no size, such as 64M, 2G or 0", value);
        return false;
    }
    memcpy((char *)config + key->offset, &size, sizeof size);
    return true;
}

static bool set_number(struct config *config, const struct key *key, const char *value, char *why,
                       size_t why_size)
{
    int64_t number;
    if (!words_number(value, key->least, key->most, &number)) {
        snprintf(why, why_size, "'%s' is no number between %d and %d", value, (int)key->least,
                 (int)key->most);
        return false;
    }
    memcpy((char *)config + key->offset, &number, sizeof number);
    return true;
}

/* The name ends at the first '='; what comes behind has some of its own. */
static bool set_cron(struct config *config, const struct key *key, const char *value, char *why,
                     size_t why_size)
{
    (void)key;
    const char *equals = strchr(value, '=');
    char name[CRON_NAME_MAX + 1];
    if (!equals || equals == value || equals - value > CRON_NAME_MAX) {
        snprintf(why, why_size, "'%.60s' is not NAME=EXPRESSION WORKER [ARGS]", value);
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - value), value);
    for (size_t i = 0; i < config->cron_count; ++i)
        if (strcmp(config->cron[i].name, name) == 0) {
            snprintf(why, why_size, "cron entry %s was set before", name);
            return false;
        }
    if (config->cron_count == CONFIG_CRON_MAX) {
        snprintf(why, why_size, "more than %d cron entries", CONFIG_CRON_MAX);
        return false;
    }
    return cron_words(config->heap, name, equals + 1, &config->cron[config->cron_count], why,
                      why_size) &&
           ++config->cron_count;
}

static bool set_zone(struct config *config, const struct key *key, const char *value, char *why,
                     size_t why_size)
{
    struct time_zone zone;
    return cron_zone(config->heap, value, &zone, why, why_size) &&
           set_text(config, key, value, why, why_size);
}

const char *durability_word(enum durability durability)
{
    return durability == DURABILITY_FULL ? "full" : "normal";
}

static bool set_durability(struct config *config, const struct key *key, const char *value,
                           char *why, size_t why_size)
{
    (void)key;
    if (strcmp(value, "full") != 0 && strcmp(value, "normal") != 0) {
        snprintf(why, why_size, "'%s' is neither full nor normal", value);
        return false;
    }
    config->durability = strcmp(value, "full") == 0 ? DURABILITY_FULL : DURABILITY_NORMAL;
    return true;
}

static bool set_job_log(struct config *config, const struct key *key, const char *value, char *why,
                        size_t why_size)
{
    static const char *const words[] = {
        [JOB_LOG_TEXT] = "text", [JOB_LOG_JSON] = "json", [JOB_LOG_NONE] = "none"};
    (void)key;
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        if (strcmp(value, words[i]) == 0) {
            config->job_log = (enum job_log)i;
            return true;
        }
    snprintf(why, why_size, "'%s' is neither text, json nor none", value);
    return false;
}

static bool set_yes(struct config *config, const struct key *key, const char *value, char *why,
                    size_t why_size)
{
    bool yes = strcmp(value, "yes") == 0;
    if (!yes && strcmp(value, "no") != 0) {
        snprintf(why, why_size, "'%s' is neither yes nor no", value);
        return false;
    }
    memcpy((char *)config + key->offset, &yes, sizeof yes);
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
static bool set_queue(struct config *config, const struct key *key, const char *value, char *why,
                      size_t why_size)
{
    int64_t limit;
    (void)key;
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
    if (key->set(config, key, value, problem, sizeof problem))
        return true;
    snprintf(why, why_size, "%s: %s", name, problem);
    return false;
}

void config_init(struct config *config, struct heap *heap)
{
    *config = (struct config){.heap = heap,
                              .lease_ns = 12 * NS_PER_S,
                              .poll_ns = 200 * NS_PER_MS,
                              .grace_ns = 15 * NS_PER_S,
                              .keep_completed_ns = 7 * 86400 * NS_PER_S,
                              .keep_cancelled_ns = 7 * 86400 * NS_PER_S,
                              .keep_discarded_ns = 30 * 86400 * NS_PER_S,
                              .crashes = 3,
                              .durability = DURABILITY_FULL};
}

const char *config_key(size_t index)
{
    return index < KEYS ? keys[index].name : NULL;
}

static bool texts_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool setting_same(const struct key *key, const struct config *a, const struct config *b)
{
    const char *const *left = (const void *)((const char *)a + key->offset);
    const char *const *right = (const void *)((const char *)b + key->offset);
    if (key->set != set_text && key->set != set_load)
        return memcmp(left, right, key->fixed) == 0;
    for (size_t i = 0; i < key->fixed / sizeof *left; ++i)
        if (!texts_same(left[i], right[i]))
            return false;
    return true;
}

size_t config_keep_fixed(struct config *config, const struct config *old, const char **ret_names)
{
    size_t count = 0;
    for (size_t i = 0; i < KEYS; ++i) {
        const struct key *key = &keys[i];
        if (!key->fixed)
            continue;
        if (!setting_same(key, config, old))
            ret_names[count++] = key->name;
        memcpy((char *)config + key->offset, (const char *)old + key->offset, key->fixed);
    }
    config->load_count = old->load_count;
    return count;
}

void config_help(FILE *out)
{
    for (size_t i = 0; i < KEYS; ++i) {
        char left[40];
        snprintf(left, sizeof left, "--%s %s", keys[i].name, keys[i].value);
        fprintf(out, "  %-24s %s\n", left, keys[i].about);
    }
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
    if (!config->database || (!config->workers && !config->load_count)) {
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
