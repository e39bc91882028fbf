/* plugins.h: workers from shared objects, as jobs_plugin.h describes them. They are loaded once, before there are threads or
 * children, and stay until the end. */
#ifndef SUT_CLI_PLUGINS_H
#define SUT_CLI_PLUGINS_H

#include "sut/jobs/jobs.h"

enum { PLUGINS_WORKERS_MAX = 256 };

struct plugins {
    struct heap *heap;
    struct worker workers[PLUGINS_WORKERS_MAX];
    const char *files[PLUGINS_WORKERS_MAX]; /* of each: where it is from */
    size_t count;
};

void plugins_init(struct plugins *plugins, struct heap *heap);

/* Others, for workers that have none of their own; for runs that begin from now on. */
void plugins_limit(struct plugins *plugins, int64_t timeout_ns, uint64_t memory_max);

/* Adds the workers of a file. False with a sentence: what dlopen() said, no symbol, another version, a worker that makes no
 * sense, or that is there already. */
bool plugins_load(struct plugins *plugins, const char *file, char *why, size_t why_size);

#endif
