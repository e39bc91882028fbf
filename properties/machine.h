/* machine.h: stateful property tests. A machine is a table of rules (what can be done to a system) with a model that
 * says what each may answer. A case is a list of steps; the model is asked which are possible, and judges each answer.
 *
 * Each case enables a random part of the rules (swarm testing): a bug that needs many pushes in a row is not found by
 * those who pop half of the time. It shrinks towards all enabled.
 *
 * Concurrent: a few steps in a row, then 2 or 3 branches of steps as fibers. They take turns at prop_yield(), which the
 * system calls wherever another one could interfere, and between two steps. What they were answered must be what some
 * order of the steps, one after the other, would have answered (linearizability), by the same model.
 */
#ifndef PROPERTIES_MACHINE_H
#define PROPERTIES_MACHINE_H

#include "properties/prop.h"

enum { MACHINE_VALUES = 4, POOL_MAX = 64 };

/* One step: which rule, with which arguments, and what it answered. */
struct machine_call {
    const struct machine_rule *rule;
    int64_t in[MACHINE_VALUES], out[MACHINE_VALUES];
    void *data; /* further arguments; of the case's arena */
};

struct machine_rule {
    const char *name;
    unsigned ins, outs; /* how many of `in` and `out` it uses */
    /* May it be done in this state? NULL: always. */
    bool (*may)(const void *state);
    /* Draws the arguments. NULL: there are none. */
    void (*draw)(struct gen *gen, const void *state, struct machine_call *call);
    /* Does it. The model is not at hand: it belongs to the judge. */
    void (*run)(void *system, struct machine_call *call);
    /* The model's step: is the answer right in this state? Then the state after it. On false the state may be left in
     * any shape. Must be a function of state and call alone. */
    bool (*step)(void *state, const struct machine_call *call);
    /* How it is told, if "name(in, in) -> out" is not enough. */
    void (*print)(FILE *out, const struct machine_call *call);
};

struct machine {
    const char *name;
    size_t
        state_size; /* of the model: plain bytes, zeroed at first; equal states must be equal bytes */
    void (*init)(void *state);  /* may be NULL */
    void *(*start)(void);       /* a fresh system; may be NULL */
    void (*stop)(void *system); /* may be NULL: the arena is enough */
    void (*invariant)(const void *state,
                      const void *system); /* may be NULL; asserts, after each step */
    const struct machine_rule *rules;
    size_t rule_count;
    size_t steps_max;        /* 0: 50; of the steps in a row before branches: 0: 8 */
    size_t branch_steps_max; /* 0: 4 */
};

/* In the body of a property. */
void machine_check(const struct machine *machine);
void machine_check_concurrent(const struct machine *machine, unsigned branches);

/* For a model's step: whether they are equal; the report then says what was expected. */
bool machine_expect(int64_t got, int64_t expected);

/* ---- things that steps make and others use ----
 *
 * A pool holds the identities of what is alive, in the model's state. Identities are never given out twice in a case.
 *     draw of "open": call->in[0] = machine_fresh();       step: pool_add(&state->open, call->in[0])
 *     draw of "close": call->in[0] = pool_pick(gen, &state->open);        may: state->open.count > 0 */

struct pool {
    uint64_t count;
    uint64_t alive[POOL_MAX]; /* ascending, then zeros */
};
int64_t machine_fresh(void); /* 0, 1, 2, ... */
void pool_add(struct pool *pool, int64_t id);
void pool_remove(struct pool *pool, int64_t id);
bool pool_has(const struct pool *pool, int64_t id);
int64_t pool_pick(struct gen *gen, const struct pool *pool); /* it must not be empty */

#endif
