/* bench.h: one benchmark result as a line of JSON, and a clock. Only for programs in bench folders. */
#ifndef DURESS_BENCH_H
#define DURESS_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline int64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* CPU time of this process. */
static inline int64_t bench_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* goal 0: none; less_is_better: the goal is an upper bound. baseline 0: none. */
static inline void bench_print(const char *name, double value, const char *unit, double goal,
                               bool less_is_better, double baseline)
{
    printf("{\"name\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"", name, value, unit);
    if (goal > 0)
        printf(", \"goal\": %.0f, \"met\": %s", goal,
               (less_is_better ? value <= goal : value >= goal) ? "true" : "false");
    if (baseline > 0)
        printf(", \"baseline\": %.3f, \"ratio\": %.3f", baseline, value / baseline);
    printf("}\n");
    fflush(stdout);
}

#endif
