/* seed.h: where the seeds of a suite come from. A run has one 64-bit seed; a suite has one too,
 * from which the seed of each of its runs follows, so that a suite can be cut into shards and
 * repeated. */
#ifndef DURESS_SEED_H
#define DURESS_SEED_H

#include <stddef.h>
#include <stdint.h>

/* The seed of run `index` of a suite: any two indices give different seeds. */
uint64_t seed_of(uint64_t suite_seed, uint64_t index);

/* Reads a decimal number, 0x..., or the 40 hex digits of a commit hash (which are folded into 64
 * bits). 0, or -EINVAL with the reason in `why`. */
int seed_parse(const char *text, uint64_t *ret_seed, char *why, size_t why_size);

/* A seed from the clock, for a suite that was given none. */
uint64_t seed_fresh(void);

#endif
