/* lineage.h: where a process comes from. Who spawns one is its parent; the parents of the parent are kept beyond their
 * death, since it is the dead that reports ask about (ANC-01 .. ANC-05).
 *
 * A lineage is a chain of nodes, nearest first, shared by all who descend from the same process: a child costs a count, not
 * a copy.
 */
#ifndef SUT_LINEAGE_H
#define SUT_LINEAGE_H

#include "sut/runtime/heap.h"
#include <stdint.h>

struct lineage {
    struct lineage *up; /* who comes next, or NULL */
    size_t holders;
    uint64_t pid;
    char words[]; /* its registered name when it was written down, or label<id> */
};

/* One more in front of `up` (may be NULL), which it holds. The caller holds the result. */
struct lineage *lineage_new(struct heap *heap, struct lineage *up, uint64_t pid, const char *name,
                            const char *label);
struct lineage *lineage_hold(struct lineage *lineage); /* NULL is fine */
void lineage_release(struct heap *heap, struct lineage *lineage);

/* "server<7> root": cut at `size`; "" for none. Returned. */
const char *lineage_words(const struct lineage *lineage, char *out, size_t size);

#endif
