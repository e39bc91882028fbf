/* canonical.h: JSON so written that equal values are equal texts: members sorted by their names, the last of those with one name,
 * strings without escapes that are not needed, numbers by their value (1, 1.0 and 10e-1 are one), no blanks. */
#ifndef SUT_CANONICAL_H
#define SUT_CANONICAL_H

#include "sut/runtime/heap.h"

#include <stdbool.h>

#define CANONICAL_DEPTH_MAX 128 /* objects and arrays inside each other */

/* A text that grows, in a heap. Zeroed but for the heap: empty. */
struct text {
    struct heap *heap;
    char *bytes; /* ends with NUL once something was added */
    size_t size, room;
};

void text_add(struct text *text, const void *bytes, size_t size);

/* Appends. With names (NULL: all; they end with NULL), only these members of an object, at its top; anything else than an
 * object then has none of them. False: it is no JSON, or too deep, and what was appended is of no use. */
bool canonical_json(const char *json, const char *const *names, struct text *text);

#endif
