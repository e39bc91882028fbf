/* rig.h: what the benchmarks of the store and of the job system have in common: clocks, a way to give up, a way to remove a
 * database, and how they say what they measured: one JSON object a line. */
#ifndef STORE_BENCH_RIG_H
#define STORE_BENCH_RIG_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline double clock_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline double seconds(void)
{
    return clock_seconds(CLOCK_MONOTONIC);
}

/* Of all threads. On a machine that is busy with other things it says more than the clock. */
static inline double processor_seconds(void)
{
    return clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

_Noreturn static inline void die(const char *what, const char *why)
{
    fprintf(stderr, "benchmark: %s: %s\n", what, why);
    exit(1);
}

/* The files of an SQLite database, those that are there. */
static inline void sqlite_remove(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; ++i) {
        char name[620];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

struct figure {
    double value;
    const char *unit;
    double goal;     /* 0: none */
    bool at_most;    /* the goal is an upper bound */
    double baseline; /* what the bare database does in the same run; 0: none */
};

static inline void say(const char *name, struct figure figure)
{
    printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"", name, figure.value, figure.unit);
    if (figure.goal > 0)
        printf(", \"goal\": %.6g, \"met\": %s", figure.goal,
               (figure.at_most ? figure.value <= figure.goal : figure.value >= figure.goal)
                   ? "true"
                   : "false");
    if (figure.baseline > 0)
        printf(", \"baseline\": %.6g, \"ratio\": %.3g", figure.baseline,
               figure.value / figure.baseline);
    printf("}\n");
    fflush(stdout);
}

#endif
