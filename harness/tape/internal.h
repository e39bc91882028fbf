/* internal.h: what tape.c and file.c share. */
#ifndef DURESS_TAPE_INTERNAL_H
#define DURESS_TAPE_INTERNAL_H

#include "harness/tape/tape.h"

#include <uthash.h>

struct identity { /* hashed as bytes: no padding may hold garbage */
    uint32_t stream, node;
    uint64_t name, key, ordinal;
};

struct edit {
    enum edit_kind kind;
    struct identity id; /* FAULT, CHOICE; SIMPLEST: its stream */
    char *name;         /* likewise; heap; SIMPLEST: NULL means any */
    struct fault fault; /* FAULT */
    bool persistent;    /* FAULT: from this hit on */
    bool reached;       /* FAULT, persistent: that hit was met */
    uint64_t value;     /* CHOICE, DRAW; SEED: the seed; SAFETY: ns */
    uint64_t at;        /* DRAW: index; SEED: event */
    UT_hash_handle hh;
};

/* A name that was recorded, kept as long as the tape. */
struct kept_name {
    uint64_t hash;
    char *text;
    UT_hash_handle hh;
};

struct tape {
    uint64_t seed, seed_now, next_switch;
    struct edit **edits; /* in the order they were made */
    size_t edit_count, edit_capacity;
    struct edit *by_identity;
    struct sequence *sequence; /* of draws; NULL: nothing was drawn yet */
    int64_t *draws;            /* EDIT_DRAWS: the first values */
    size_t draw_count;
    bool draws_from; /* the sequence was given, not made */
    enum sequence_beyond beyond;
    unsigned simple;        /* bit per stream: all of it is simple */
    bool some_names_simple; /* EDIT_SIMPLEST with a name exist */
    bool some_persist;      /* persistent edits exist */
    unsigned record;        /* enum record */
    tape_watcher *watcher;
    void *watcher_ctx;
    uint64_t event; /* index of the next one */
    struct made *made;
    size_t made_count, made_capacity;
    struct kept_name *names;
};

struct edit *tape_edit_add(struct tape *tape, struct edit edit);

#endif
