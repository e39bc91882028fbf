/* config_file.c: reads a file of `key = value` lines into a configuration, and the environment. */
#define _GNU_SOURCE /* strsep */
#include "sut/cli/config.h"
#include "sut/jobs/json_text.h"
#include "sut/store/pg.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    unsigned said[CONFIG_KEYS]; /* the line where a key was set */
};

static bool once(struct reading *reading, const char *name, char *why, size_t why_size)
{
    size_t index = 0;
    while (config_key(index) && strcmp(config_key(index), name) != 0)
        ++index;
    if (!config_key(index))
        return true; /* it is unknown, which config_set() says better */
    if (reading->said[index]) {
        snprintf(why, why_size, "'%s' was set before, in line %u", name, reading->said[index]);
        return false;
    }
    reading->said[index] = reading->line;
    return true;
}

/* `queue NAME = LIMIT`, `cron NAME = ENTRY`. */
static bool read_named(struct reading *reading, const char *key, char *name, const char *value,
                       char *why, size_t why_size)
{
    char both[4096];
    if ((size_t)snprintf(both, sizeof both, "%s=%s", trim(name), value) < sizeof both)
        return config_set(reading->config, key, both, why, why_size);
    snprintf(why, why_size, "the line is too long");
    return false;
}

/* Relative to the directory of the file. */
static bool read_path(struct reading *reading, const char *key, const char *value, char *why,
                      size_t why_size)
{
    char joined[4096];
    const char *slash = strrchr(reading->path, '/');
    if (value[0] == '/' || value[0] == '\0' || !slash || store_pg_named(value))
        return config_set(reading->config, key, value, why, why_size);
    snprintf(joined, sizeof joined, "%.*s/%s", (int)(slash - reading->path), reading->path, value);
    return config_set(reading->config, key, joined, why, why_size);
}

/* What is wrong is shown, so it must not speak to the terminal. */
static bool is_text(const char *line)
{
    for (const char *c = line; *c; c++)
        if (iscntrl((unsigned char)*c) && *c != '\t')
            return false;
    return utf8_valid(line);
}

static bool read_line(struct reading *reading, char *line, char *why, size_t why_size)
{
    cut_comment(line);
    char *key = trim(line), *equals = strchr(key, '=');
    if (!*key)
        return true;
    if (!is_text(key)) {
        snprintf(why, why_size, "this is no text");
        return false;
    }
    if (!equals) {
        snprintf(why, why_size, "'%s' is not `key = value`", key);
        return false;
    }
    *equals = '\0';
    char *value = trim(equals + 1);
    key = trim(key);
    if (strncmp(key, "queue", 5) == 0 && isspace((unsigned char)key[5]))
        return read_named(reading, "queue", key + 6, value, why, why_size);
    if (strncmp(key, "cron", 4) == 0 && isspace((unsigned char)key[4]))
        return read_named(reading, "cron", key + 5, value, why, why_size);
    if (strcmp(key, "cron") == 0) {
        snprintf(why, why_size, "a cron entry is written `cron NAME = EXPRESSION WORKER [ARGS]`");
        return false;
    }
    if (strcmp(key, "queue") == 0) {
        snprintf(why, why_size, "a queue is written `queue NAME = LIMIT`");
        return false;
    }
    bool is_load = strcmp(key, "load") == 0; /* as many as there are */
    if (!is_load && !once(reading, key, why, why_size))
        return false;
    bool is_path = is_load || strcmp(key, "database") == 0 || strcmp(key, "workers") == 0 ||
                   strcmp(key, "keys") == 0;
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

/* ---- the environment ---- */

/* JOBD_KEEP_COMPLETED of keep-completed */
static const char *variable_of(const char *key, char out[static 64])
{
    size_t at = (size_t)snprintf(out, 64, "JOBD_");
    for (; *key && at < 63; ++key)
        out[at++] = *key == '-' ? '_' : (char)toupper((unsigned char)*key);
    out[at] = '\0';
    return out;
}

/* What is repeatable is a list, in place of that of the file. */
static bool set_list(struct config *config, const char *key, const char *list, char *why,
                     size_t why_size)
{
    char *copy = heap_strdup(config->heap, list), *rest = copy, *word;
    *(strcmp(key, "queue") == 0 ? &config->queue_count : &config->load_count) = 0;
    while ((word = strsep(&rest, ",")))
        if (!config_set(config, key, trim(word), why, why_size))
            return false;
    return true;
}

bool config_environment(struct config *config, char *why, size_t why_size)
{
    char name[64], problem[400];
    for (size_t i = 0; config_key(i); ++i) {
        const char *key = config_key(i), *value = getenv(variable_of(key, name));
        if (!value || !*value || strcmp(key, "keys") == 0 || strcmp(key, "cron") == 0)
            continue;
        bool list = strcmp(key, "queue") == 0 || strcmp(key, "load") == 0;
        if ((list ? set_list : config_set)(config, key, value, problem, sizeof problem))
            continue;
        snprintf(why, why_size, "%s: %s", name, problem);
        return false;
    }
    return true;
}
