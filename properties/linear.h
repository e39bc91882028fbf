/* linear.h: is there an order in which each operation takes effect at once, at some moment while it was under way, and
 * all answers are right?
 *
 * The search of Wing and Gong (1993) with the memory of Lowe (2017): a set of operations that have taken effect and the
 * state they lead to are tried once. Keys are searched one by one, since objects are linearizable together when each
 * is alone (Herlihy and Wing 1990). The problem is NP-complete, so the search has a bound, and says so when it hits it.
 *
 * An operation that failed did not happen; one whose outcome is unknown may take effect at any time after its
 * invocation, or never.
 */
#ifndef PROPERTIES_LINEAR_H
#define PROPERTIES_LINEAR_H

#include "properties/history.h"

/* What the operations do to one object. States are plain bytes: equal states must be equal bytes. */
struct model {
    const char *name;
    /* Bytes of a state, a multiple of 8, enough for all that these operations can lead to. */
    size_t (*size)(const struct op *const *ops, size_t count);
    void (*init)(void *state); /* may be NULL; the state is zeroed before */
    /* Takes effect. false: it cannot, with this answer, in this state (which may then be left in any shape). The answer
     * of an operation of unknown outcome is not known either. */
    bool (*step)(void *state, const struct op *op);
};

/* READ (value), WRITE; VALUE_NONE at first. */
extern const struct model model_register;
/* The same with CAS (value -> next). */
extern const struct model model_cas_register;
/* ACQUIRE, RELEASE; only the process that holds it releases it. */
extern const struct model model_mutex;
/* ENQUEUE, DEQUEUE (VALUE_NONE: it was empty), DRAIN (list: all, in order). */
extern const struct model model_fifo_queue;
/* ADD, REMOVE (there or not), CONTAINS (next: 1 or 0), READ (list). */
extern const struct model model_set;

#define LINEAR_STATES_MAX 1000000

/* NOT_LINEARIZABLE: per key (subject) that is not; at: an operation that cannot have taken effect in time, wherever the
 * others did; amount: how many operations could be put in order at most. UNDECIDED: more than `states_max` states of a
 * key were met. Operations that are ok count as checked. */
void check_linearizable(const struct history *history, const struct model *model,
                        uint64_t states_max, struct findings *found);
#define LINEARIZABLE KIND(NOT_LINEARIZABLE)

#endif
