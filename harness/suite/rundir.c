/* rundir.c: see rundir.h. */
#define _GNU_SOURCE /* asprintf */
#include "harness/suite/rundir.h"

#include "harness/report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

char *path_join(const char *dir, const char *name)
{
    size_t length = strlen(dir);
    bool slash = length && dir[length - 1] == '/';
    char *path;
    if (asprintf(&path, "%s%s%s", dir, slash ? "" : "/", name) < 0)
        abort();
    return path;
}

int path_make(const char *path)
{
    char *copy = strdup(path);
    int err = 0;
    for (char *at = copy + 1; !err; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char stop = *at;
        *at = '\0';
        if (mkdir(copy, 0777) && errno != EEXIST)
            err = -errno;
        *at = stop;
        if (!stop)
            break;
    }
    struct stat about;
    if (!err && stat(path, &about) == 0 && !S_ISDIR(about.st_mode))
        err = -ENOTDIR;
    free(copy);
    return err;
}

static int delete_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about, (void)type, (void)where;
    remove(path);
    return 0;
}

void path_delete(const char *path)
{
    nftw(path, delete_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- is it ours? ---- */

static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    bool empty = true;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            empty = false;
    if (dir)
        closedir(dir);
    return empty;
}

/* An empty results.jsonl is a run that was killed before its first line. */
static bool holds_run(const char *path)
{
    char *results = path_join(path, "results.jsonl");
    char start[] = "{\"duress results\"", read_back[sizeof start] = "";
    int fd = open(results, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, read_back, sizeof start - 1);
    bool ours = length == 0 || (length > 0 && strcmp(start, read_back) == 0);
    if (fd >= 0)
        close(fd);
    free(results);
    return ours;
}

/* Only what a run of ours has written is deleted; results.jsonl, by which it is known, goes last.
 */
static void delete_run(const char *path)
{
    static const char *const own[] = {"run.json", "failures"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        char *name = path_join(path, own[i]);
        path_delete(name);
        free(name);
    }
    for (size_t i = 0; i < reporters_count(); i++) {
        char *name = path_join(path, reporters_get(i)->default_path);
        path_delete(name);
        free(name);
    }
}

/* ---- opening ---- */

/* mkdir decides who gets a number when two suites start at once. */
static int take_number(char **ret_path)
{
    int err = path_make(RUNDIR_DEFAULT);
    for (unsigned n = 1; !err; n++) {
        char *path;
        if (asprintf(&path, RUNDIR_DEFAULT "/%u", n) < 0)
            abort();
        if (mkdir(path, 0777) == 0) {
            *ret_path = path;
            return 0;
        }
        if (errno != EEXIST)
            err = -errno;
        free(path);
    }
    return err;
}

static int open_results(struct rundir *rundir, char *why, size_t why_size)
{
    char *name = path_join(rundir->path, "results.jsonl");
    rundir->results = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int err = rundir->results < 0 ? -errno : 0;
    if (err)
        snprintf(why, why_size, "cannot write %s: %s", name, strerror(-err));
    else if (flock(rundir->results, LOCK_EX | LOCK_NB)) {
        err = -EBUSY;
        snprintf(why, why_size, "%s is being written by another run", rundir->path);
        close(rundir->results);
    }
    free(name);
    return err;
}

static int open_path(struct rundir *rundir, char *why, size_t why_size)
{
    int err = path_make(rundir->path);
    if (err) {
        snprintf(why, why_size, "cannot make the run directory %s: %s", rundir->path,
                 strerror(-err));
        return err;
    }
    rundir->replaced = holds_run(rundir->path);
    if (!rundir->replaced && !is_empty(rundir->path)) {
        snprintf(why, why_size, "%s is not empty and holds no run of duress: not touched",
                 rundir->path);
        return -ENOTEMPTY;
    }
    err = open_results(rundir, why, why_size);
    if (!err && rundir->replaced) {
        delete_run(rundir->path);
        if (ftruncate(rundir->results, 0)) {
            err = -errno;
            snprintf(why, why_size, "cannot empty %s: %s", rundir->path, strerror(errno));
        }
    }
    return err;
}

int rundir_open(struct rundir *ret_rundir, const char *path, char *why, size_t why_size)
{
    struct rundir rundir = {.path = path ? strdup(path) : NULL, .results = -1};
    int err = 0;
    if (!path) {
        err = take_number(&rundir.path);
        if (err)
            snprintf(why, why_size, "cannot make a run directory below " RUNDIR_DEFAULT ": %s",
                     strerror(-err));
    }
    if (!err)
        err = open_path(&rundir, why, why_size);
    if (err)
        free(rundir.path);
    else
        *ret_rundir = rundir;
    return err;
}

void rundir_close(struct rundir *rundir)
{
    close(rundir->results);
    free(rundir->path);
    *rundir = (struct rundir){.results = -1};
}

/* ---- writing ---- */

int rundir_append(struct rundir *rundir, const char *line, size_t length)
{
    off_t before = lseek(rundir->results, 0, SEEK_END);
    ssize_t written;
    do
        written = write(rundir->results, line, length);
    while (written < 0 && errno == EINTR);
    if (written == (ssize_t)length)
        return 0;
    int err = written < 0 ? -errno : -ENOSPC;
    if (written > 0 && ftruncate(rundir->results, before))
        err = -errno;
    return err;
}

static int write_synced(FILE *out, int (*write)(void *ctx, FILE *out), void *ctx)
{
    errno = 0;
    int err = write(ctx, out);
    if (err == -EIO && errno)
        err = -errno; /* a writer that only saw that the stream has failed: this is why */
    if (!err && (fflush(out) || ferror(out)))
        err = -(errno ? errno : EIO);
    if (!err && fsync(fileno(out)) && errno != EINVAL)
        err = -errno;
    if (fclose(out) && !err)
        err = -errno;
    return err;
}

int file_replace(const char *path, int (*write)(void *ctx, FILE *out), void *ctx)
{
    char *temporary;
    if (asprintf(&temporary, "%s.%ld.tmp", path, (long)getpid()) < 0)
        abort();
    FILE *out = fopen(temporary, "we");
    int err = out ? write_synced(out, write, ctx) : -errno;
    if (!err && rename(temporary, path))
        err = -errno;
    if (err && out)
        unlink(temporary);
    free(temporary);
    return err;
}
