/* rig.h: an environment with a real clock for the benchmarks of the runtime, and how they say what they measured: one JSON
 * object a line. Rates are the best of several rounds: what the code can do, not what else the machine was doing. */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include "sut/runtime/proc.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5 };

static inline int64_t clock_ns(struct env *env)
{
    (void)env;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void log_drop(struct env *env, enum log_level level, const char *line)
{
    (void)env, (void)level, (void)line;
}

static const struct env_ops ops = {.mono_ns = clock_ns, .wall_ns = clock_ns, .log = log_drop};

static inline struct runtime *begin(struct env *env)
{
    *env = (struct env){.ops = &ops, .heap = heap_new(), .node_name = "bench"};
    return runtime_new(env, NULL);
}

static inline void end(struct runtime *runtime)
{
    struct env *env = runtime_env(runtime);
    runtime_free(runtime);
    heap_free(env->heap);
}

static inline int64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The best of ROUNDS, in seconds of the processor: what else the machine does counts less; `run` does its thing once. */
static inline double best_seconds(void (*run)(void *arg), void *arg)
{
    int64_t best = INT64_MAX;
    for (int round = 0; round < ROUNDS; ++round) {
        int64_t start = processor_ns();
        run(arg);
        int64_t took = processor_ns() - start;
        best = took < best ? took : best;
    }
    return (double)best / 1e9;
}

/* One process in a runtime of its own, until nothing moves any more. `main` points to its proc_main pointer. */
static inline void run_body(void *main)
{
    struct env env;
    struct runtime *runtime = begin(&env);
    proc_spawn(runtime, &(struct proc_spec){.main = *(proc_main **)main});
    runtime_run(runtime);
    end(runtime);
}

static inline double resident_bytes(void)
{
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &size, &resident) != 2)
        exit(1);
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static inline void report(const char *name, double value, const char *unit)
{
    printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"}\n", name, value, unit);
}

#endif
