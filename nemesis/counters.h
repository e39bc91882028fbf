/* counters.h: numbers that start at 0, named by four integers. Where the nemesis remembers what it
 * has seen. */
#ifndef DURESS_COUNTERS_H
#define DURESS_COUNTERS_H

#include <stdint.h>

struct counter_key {
    uint64_t a, b, c, d;
};

struct counters;

struct counters *counters_new(void);
void counters_free(struct counters *counters);
/* Valid until counters_free. */
uint64_t *counter_at(struct counters *counters, struct counter_key key);

#endif
