/* machine_internal.h: what machine.c and machine_concurrent.c share. */
#ifndef PROPERTIES_MACHINE_INTERNAL_H
#define PROPERTIES_MACHINE_INTERNAL_H

#include "properties/machine.h"
#include "properties/prop_internal.h"

struct machine_run {
    const struct machine *machine;
    void *state, *system;
    uint64_t enabled; /* a bit per rule */
    int64_t identities;
    char expected[80]; /* what machine_expect() said last, or "" */
};

void machine_begin(struct machine_run *run, const struct machine *machine);
void machine_end(struct machine_run *run);
/* The next step, drawn; false: nothing can be done in this state. */
bool machine_draw(struct machine_run *run, struct machine_call *ret_call);
/* Steps in a row, judged one by one. */
void machine_steps(struct machine_run *run, size_t max);
/* "push(3) -> 0"; without its answer: "push(3)". In the case's arena. */
const char *machine_print(const struct machine_call *call, bool answered);

#endif
