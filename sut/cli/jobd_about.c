/* jobd_about.c: what jobd says about itself: in the log when it starts, and for --check. */
#include "sut/cli/jobd.h"
#include "sut/cli/words.h"
#include "sut/store/pg.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

void jobd_about(const struct daemon *daemon, char *text, size_t size)
{
    const struct config *config = &daemon->config;
    const char *directory = daemon->workers.directory ? daemon->workers.directory : "none";
    char lease[32], poll[32], grace[32], timeout[32], database[200];
    size_t length = (size_t)snprintf(
        text, size, "jobd " JOBS_VERSION ": database %s (%s), workers %s, queues",
        config_database(config, database, sizeof database),
        store_pg_named(config->database) ? "postgresql" : durability_word(config->durability),
        directory);
    for (size_t i = 0; i < config->queue_count && length < size; ++i)
        length += (size_t)snprintf(text + length, size - length, " %s=%u", config->queues[i].name,
                                   config->queues[i].limit);
    for (size_t i = 0; i < config->load_count && length < size; ++i)
        length += (size_t)snprintf(text + length, size - length, "%s %s", i ? "" : ", loaded",
                                   config->load[i]);
    if (length < size)
        snprintf(text + length, size - length, ", lease %s, poll %s, grace %s, timeout %s",
                 words_of_duration(config->lease_ns, lease),
                 words_of_duration(config->poll_ns, poll),
                 words_of_duration(config->grace_ns, grace),
                 config->timeout_ns ? words_of_duration(config->timeout_ns, timeout) : "none");
}

static int name_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static const char *loaded_from(const struct plugins *plugins, const char *name)
{
    for (size_t i = 0; i < plugins->count; ++i)
        if (strcmp(plugins->workers[i].name, name) == 0)
            return plugins->files[i];
    return NULL;
}

/* An executable. True: it cannot be run. */
static bool list_file(const struct daemon *daemon, const char *name,
                      void (*line)(void *ctx, const char *text), void *ctx)
{
    char text[1024];
    const char *wrong = exec_file_wrong(daemon->workers.directory_fd, name);
    const char *other = loaded_from(&daemon->plugins, name);
    if (!exec_name_allowed(name))
        return false;
    if (other)
        snprintf(text, sizeof text, "worker %s is not used: %s has one of that name", name, other);
    else
        snprintf(text, sizeof text, "worker %s%s%s", name, wrong ? " cannot be run: it " : "",
                 wrong ? wrong : "");
    line(ctx, text);
    return wrong != NULL;
}

size_t jobd_list_workers(const struct daemon *daemon, void (*line)(void *ctx, const char *text),
                         void *ctx)
{
    struct dirent **entries = NULL;
    const struct plugins *plugins = &daemon->plugins;
    size_t wrong = 0;
    for (size_t i = 0; i < plugins->count; ++i) {
        char text[1024];
        snprintf(text, sizeof text, "worker %s from %s, in a %s", plugins->workers[i].name,
                 plugins->files[i],
                 plugins->workers[i].mode == IN_THREAD ? "thread" : "child process");
        line(ctx, text);
    }
    int count = daemon->workers.directory
                    ? scandir(daemon->workers.directory, &entries, NULL, name_order)
                    : 0;
    for (int i = 0; i < count; ++i) {
        wrong += list_file(daemon, entries[i]->d_name, line, ctx);
        free(entries[i]);
    }
    free(entries);
    return wrong;
}
