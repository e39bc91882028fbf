/* internal.h: what sequence.c and values.c share. */
#ifndef DURESS_SEQUENCE_INTERNAL_H
#define DURESS_SEQUENCE_INTERNAL_H

#include "harness/sequence/sequence.h"

#include <stdlib.h>

struct override {
    size_t position;
    int64_t value;
};

struct sequence {
    enum sequence_beyond beyond;
    bool overrun;
    uint64_t mixed_seed;
    int64_t *given;
    size_t given_count, limit;
    struct override *overrides;
    size_t override_count;
    struct sequence_choice *choices;
    size_t length, capacity;
    struct sequence_span *spans;
    size_t span_count, span_capacity;
    size_t span_open, depth; /* the innermost open span; SIZE_MAX: none */
};

/* A value that tests like better than a uniform one; false: none this time. It may be out of range. */
bool sequence_biased(const struct sequence *sequence, const struct sequence_choice *how,
                     uint64_t bits, int64_t *ret_value);

static inline void *array_grown(void *items, size_t count, size_t size)
{
    void *grown = reallocarray(items, count ? count : 1, size);
    if (!grown)
        abort();
    return grown;
}

static inline void *array_of(size_t count, size_t size)
{
    return array_grown(NULL, count, size);
}

#endif
