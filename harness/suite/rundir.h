/* rundir.h: the run directory. Nothing half-written ever reads as whole: results.jsonl grows by
 * whole lines, each with one write; every other file is written under a temporary name, synced, and
 * renamed. kill -9 loses the runs in flight, and no more; power loss may also lose the newest lines
 * of results.jsonl. */
#ifndef DURESS_RUNDIR_H
#define DURESS_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define RUNDIR_DEFAULT "build/runs"

struct rundir {
    char *path;    /* as given, or build/runs/N */
    int results;   /* results.jsonl, locked as long as we live */
    bool replaced; /* an old run stood here */
};

/* Makes the directory ready for a run. `path` NULL: the next free number below build/runs. A
 * directory that holds something else than an old run of ours is refused. 0, or -errno with the
 * message in `why`. */
int rundir_open(struct rundir *ret_rundir, const char *path, char *why, size_t why_size);
void rundir_close(struct rundir *rundir);

/* Appends one line (with its newline). 0 or -errno; then nothing of it is in the file. */
int rundir_append(struct rundir *rundir, const char *line, size_t length);

/* Path of something inside. Heap. */
char *path_join(const char *dir, const char *name);
/* mkdir -p. 0 or -errno. */
int path_make(const char *path);
/* Deletes a file, or a directory with what is in it. Missing is fine. */
void path_delete(const char *path);

/* Writes a file so that it appears whole or not at all. 0, or what `write` returned, or -errno. */
int file_replace(const char *path, int (*write)(void *ctx, FILE *out), void *ctx);

#endif
