/* output.c: see output.h. */
#define _GNU_SOURCE /* strndup */
#include "harness/cli/output.h"

#include "harness/engine.h"
#include "harness/suite/rundir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct reporter *find(const char *report)
{
    size_t length = strcspn(report, ":");
    for (size_t i = 0; i < reporters_count(); i++) {
        const struct reporter *reporter = reporters_get(i);
        if (strlen(reporter->kind) == length && strncmp(reporter->kind, report, length) == 0)
            return reporter;
    }
    return NULL;
}

static const char *path_of(const char *report)
{
    const char *colon = strchr(report, ':');
    return colon && colon[1] ? colon + 1 : NULL;
}

static void complain(const char *report, char *why, size_t why_size)
{
    struct words kinds = {0};
    size_t length = strcspn(report, ":");
    for (size_t i = 0; i < reporters_count(); i++)
        words_add(&kinds, reporters_get(i)->kind);
    const char *near = nearest_word(report, length, kinds.items, kinds.count);
    int used = snprintf(why, why_size, "there is no report '%.*s'", (int)length, report);
    if (near)
        snprintf(why + used, why_size - (size_t)used, "; did you mean '%s'?", near);
    for (size_t i = 0; !near && i < kinds.count && used < (int)why_size; i++)
        used += snprintf(why + used, why_size - (size_t)used, "%s%s", i ? ", " : "; there are ",
                         kinds.items[i]);
    words_done(&kinds);
}

static bool is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

/* A device, a pipe: to be written into, not to be replaced by a file. */
static bool is_special(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
}

/* What will be in the way of a file at `path`, before hours go into what shall stand in it. */
static int path_check(const char *path)
{
    struct stat about;
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return -EISDIR;
    if (is_special(path))
        return access(path, W_OK) ? -errno : 0;
    char *dir = slash ? strndup(path, length ? length : 1) : strdup(".");
    int err = access(dir, W_OK | X_OK) ? -errno : 0;
    free(dir);
    return err;
}

int output_check(const struct words *reports, char *why, size_t why_size)
{
    for (size_t i = 0; i < reports->count; i++) {
        if (find(reports->items[i]))
            continue;
        complain(reports->items[i], why, why_size);
        return -EINVAL;
    }
    return 0;
}

int output_check_paths(const struct words *reports, char *why, size_t why_size)
{
    for (size_t i = 0; i < reports->count; i++) {
        const char *path = path_of(reports->items[i]);
        int err = path && !is_stdout(path) ? path_check(path) : 0;
        if (err) {
            snprintf(why, why_size, "cannot write %s: %s", path, strerror(-err));
            return err;
        }
    }
    return 0;
}

bool output_takes_stdout(const struct words *reports)
{
    for (size_t i = 0; i < reports->count; i++)
        if (is_stdout(path_of(reports->items[i])))
            return true;
    return false;
}

struct view {
    const struct reporter *reporter;
    const struct suite *suite;
};

static int write_view(void *ctx, FILE *out)
{
    const struct view *view = ctx;
    return view->reporter->write(view->suite, out);
}

static int write_into(const struct view *view, const char *path)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return -errno;
    int err = view->reporter->write(view->suite, out);
    return fclose(out) ? -errno : err;
}

static int write_to_path(const struct view *view, const char *dir, const char *path)
{
    char *name = path ? strdup(path) : path_join(dir, view->reporter->default_path);
    int err = is_special(name) ? write_into(view, name)
                               : file_replace(name, write_view, (void *)(uintptr_t)view);
    if (err)
        fprintf(stderr, "duress: cannot write %s: %s\n", name, strerror(-err));
    free(name);
    return err;
}

static int write_one(const struct suite *suite, const char *dir, const char *report)
{
    const struct view view = {find(report), suite};
    const char *path = path_of(report);
    if (!view.reporter)
        return -EINVAL;
    if (!is_stdout(path))
        return write_to_path(&view, dir, path);
    int err = view.reporter->write(suite, stdout);
    return fflush(stdout) && !err ? -errno : err;
}

int output_write_all(const struct suite *suite, const char *dir, const struct words *reports)
{
    int err = 0;
    for (size_t i = 0; i < reports->count; i++) {
        int one = write_one(suite, dir, reports->items[i]);
        if (one)
            err = one;
    }
    return err;
}
