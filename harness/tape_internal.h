/* tape_internal.h: what tape.c and tape_file.c share. */
#ifndef DURESS_TAPE_INTERNAL_H
#define DURESS_TAPE_INTERNAL_H

#include "harness/tape.h"

#include <uthash.h>

enum edit_kind { EDIT_FAULT, EDIT_CHOICE, EDIT_DRAW, EDIT_SEED };

struct identity { /* hashed as bytes: no padding may hold garbage */
    uint32_t stream, node;
    uint64_t name, key, ordinal;
};

struct edit {
    enum edit_kind kind;
    struct identity id; /* FAULT, CHOICE */
    char *name;         /* likewise; heap */
    struct fault fault; /* FAULT */
    uint64_t value;     /* CHOICE, DRAW; SEED: the seed */
    uint64_t at;        /* DRAW: index; SEED: event */
    UT_hash_handle hh;
};

struct draw {
    uint64_t value, n;
};

struct tape {
    uint64_t seed, seed_now, next_switch;
    struct edit **edits; /* in the order they were made */
    size_t edit_count, edit_capacity;
    struct edit *by_identity;
    struct draw *draws;
    size_t draw_count, draw_capacity;
    struct tape_span *spans;
    size_t span_count, span_capacity, depth;
};

#endif
