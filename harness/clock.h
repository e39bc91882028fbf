/* clock.h: the time that passes for us: deadlines and progress. No run ever sees it. */
#ifndef DURESS_CLOCK_H
#define DURESS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Monotonic, ns. */
static inline int64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
