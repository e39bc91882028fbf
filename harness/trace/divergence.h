/* divergence.h: where two executions of one run part ways. */
#ifndef DURESS_DIVERGENCE_H
#define DURESS_DIVERGENCE_H

#include <stddef.h>

/* Compares two trace.jsonl files and says in `out` which event is the first that differs, with both
 * versions; or that the traces are the same, or cannot be read. */
void divergence_describe(const char *path_a, const char *path_b, char *out, size_t size);

#endif
