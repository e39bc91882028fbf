/* jobs_plugin.h: workers in C that jobd loads at its start: `load = FILE.so` in its configuration.
 *
 *     #include "sut/cli/jobs_plugin.h"
 *
 *     static enum jobs_ending resize(struct jobs_run *run)
 *     {
 *         ... run->args is the job's arguments, JSON ...
 *         snprintf(run->text, sizeof run->text, "no such picture");
 *         return JOBS_DISCARD;
 *     }
 *
 *     static const struct jobs_plugin_worker workers[] = {{.name = "resize", .run = resize, .timeout_ms = 60000}};
 *     JOBS_PLUGIN("pictures", workers);
 *
 *     cc -shared -fPIC -o pictures.so pictures.c
 *
 * This file includes nothing of jobd, and says all that the two agree on. Within a version, structs only grow at their ends, and
 * what grows is zero for those who do not know it: a plugin that was built for an older header of the same version goes on working.
 *
 * A worker runs in a child process (a copy of jobd as it was at its start: a crash, an exit, too much memory or the time limit
 * costs one attempt and nothing else), or, if it says so, in a thread of jobd, where a crash is that of jobd. It may block. It runs
 * at least once: effects outside should carry run->key, which is the same in every attempt.
 */
#ifndef JOBS_PLUGIN_H
#define JOBS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define JOBS_PLUGIN_VERSION 1

enum jobs_ending {
    JOBS_DONE,    /* completed; if `text` is JSON, it is kept as the job's result */
    JOBS_FAILED,  /* `text` says why; it is tried again later */
    JOBS_CANCEL,  /* it is not wanted any more: `text` says why */
    JOBS_DISCARD, /* trying again would not help: `text` says why */
    JOBS_SNOOZE,  /* later: in `snooze_s` seconds; costs no attempt */
};

/* One attempt of a job. Texts are jobd's, and end with the run. */
struct jobs_run {
    uint64_t id, lease;
    uint32_t attempt, max_attempts;
    const char *queue, *worker;
    const char *args, *meta; /* JSON objects */
    const char *tags;        /* "mail,urgent", or "" */
    const char *key;         /* for what shall happen once */
    void *ctx;               /* of the worker */

    /* Is this attempt over already (time limit, lease lost), so that nothing it returns will count? In a child always 0: it is
     * killed then. */
    int (*cancelled)(const struct jobs_run *run);
    /* Sleeps, or until it is cancelled: 0 then. */
    int (*nap)(const struct jobs_run *run, int64_t ms);
    const void *host; /* jobd's own */

    int64_t snooze_s;
    char text[240]; /* empty at first */
};

enum jobs_where { JOBS_IN_CHILD, JOBS_IN_THREAD };

struct jobs_plugin_worker {
    const char *name; /* 1 to 127 bytes; of jobs: jobctl insert NAME */
    enum jobs_ending (*run)(struct jobs_run *run);
    void *ctx;
    enum jobs_where where;
    int64_t timeout_ms;  /* of jobs that have no time limit of their own; 0: jobd's */
    uint64_t memory_max; /* bytes that a child may map on top of what is there; 0: jobd's */
};

struct jobs_plugin {
    uint32_t version;     /* JOBS_PLUGIN_VERSION */
    uint32_t worker_size; /* of a struct jobs_plugin_worker */
    const char *about;
    const struct jobs_plugin_worker *workers;
    size_t worker_count;
};

/* What jobd looks for. */
extern const struct jobs_plugin jobs_plugin;

#ifdef __cplusplus
#define JOBS_PLUGIN_SYMBOL extern "C" __attribute__((visibility("default")))
#else
#define JOBS_PLUGIN_SYMBOL __attribute__((visibility("default")))
#endif

/* Once in a plugin; `list`: an array of struct jobs_plugin_worker. */
#define JOBS_PLUGIN(words, list)                                                                   \
    JOBS_PLUGIN_SYMBOL const struct jobs_plugin jobs_plugin = {                                    \
        JOBS_PLUGIN_VERSION, sizeof(struct jobs_plugin_worker), words, list,                       \
        sizeof(list) / sizeof((list)[0])}

#endif
