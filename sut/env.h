/* env.h: everything outside that the job system may reach.
 *
 * There are two implementations: env_live (sut/live, libuv: real clock, thread pool) and the simulated one in
 * scenarios/jobs (the world's clock, disk and links). Code under sut/ calls nothing else of the operating
 * system for time, chance, blocking work or logging; that is what makes a run replayable.
 */
#ifndef SUT_ENV_H
#define SUT_ENV_H

#include "harness/point.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

struct env;
struct heap;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Blocking work, run away from the loop (a thread; in the world: later in virtual time, and perhaps on
 * another node). The submitter owns the memory; neither side touches it between submit and done.
 *   run    is called once, on another thread or not; it may block; it must not touch the runtime.
 *   done   is called once, on the loop, after run returned. */
struct work {
    void (*run)(struct work *work);
    void (*done)(struct work *work);
    void *
        driver; /* the driver's own, while submitted; of a thread or a child NULL when it is done */
    void *owner; /* the submitter's own: proc_work() keeps its record here */
};

/* Blocking work that may take long: the run of a job. Its code may ask whether it should end. */
struct thread_work {
    struct work work;
    int cancelled; /* atomic; set by thread_cancel */
};

#define CHILD_ANSWER_MAX 512

/* Work in a process of its own, which may crash there. `done` is called when that process is gone; `run` is not used. Until
 * then `input` stands. */
struct child_work {
    struct work work;
    const void *input;
    size_t input_size;
    uint64_t memory_max; /* bytes of address space; 0: no limit */
    int err;             /* 0, or a negative errno: there was no process */
    int status;          /* as of waitpid() */
    size_t answer_size;  /* 0: it gave none */
    unsigned char answer[CHILD_ANSWER_MAX];
};

struct env_ops {
    int64_t (*mono_ns)(struct env *env);  /* monotonic, arbitrary origin, never 0 */
    int64_t (*wall_ns)(struct env *env);  /* since 1970, as this node believes; may step */
    uint64_t (*entropy)(struct env *env); /* 64 unpredictable bits */
    void (*submit)(struct env *env, struct work *work);
    void (*log)(struct env *env, enum log_level level, const char *line);
    /* Which of the ready processes runs next: an index. They come by their ids, the longest waiting
     * first; count >= 2. NULL: always the first. */
    size_t (*pick)(struct env *env, const uint64_t *ready, size_t count);

    /* Threads for long work, apart from those of `submit`, so that it never holds up the store's calls. All three or none.
     * thread_nap is called on the thread of the work: sleeps that long, or until it is cancelled; false: it is. */
    void (*thread_start)(struct env *env, struct thread_work *work);
    bool (*thread_nap)(struct env *env, struct thread_work *work, int64_t ns);
    void (*thread_cancel)(struct env *env, struct thread_work *work);

    /* Processes for work that may crash. Both or none. child_kill: it ends at once, and then is done. */
    void (*child_start)(struct env *env, struct child_work *work);
    void (*child_kill)(struct env *env, struct child_work *work);
};

struct env {
    const struct env_ops *ops;
    struct heap *heap; /* all memory of this node: dropped as one when the node dies */
    struct point_site
        site; /* node-level points; each process has its own copy with its id as actor */
    const char *node_name;
};

static inline int64_t env_mono_ns(struct env *env)
{
    return env->ops->mono_ns(env);
}

static inline int64_t env_wall_ns(struct env *env)
{
    return env->ops->wall_ns(env);
}

static inline uint64_t env_entropy(struct env *env)
{
    return env->ops->entropy(env);
}

static inline void env_submit(struct env *env, struct work *work)
{
    env->ops->submit(env, work);
}

/* Formats one line (512 bytes at most) and hands it to the sink. printf format. */
void env_log(struct env *env, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
