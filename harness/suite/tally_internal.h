/* tally_internal.h: what the files of the tally share. tally_head.c begins one, tally.c counts,
 * tally_keep.c keeps failures, tally_read.c does all of it from a file. */
#ifndef DURESS_TALLY_INTERNAL_H
#define DURESS_TALLY_INTERNAL_H

#include "harness/suite/failure.h"
#include "harness/suite/rundir.h"
#include "harness/suite/tally.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A first run, as its verifying one is compared with it. */
struct entry {
    uint64_t index;
    bool canary;
    enum outcome outcome;
    uint64_t events;
    char fingerprint[33];
};

/* Beside each of suite->failures. */
struct kept {
    struct rank rank;
    char *folder;
    bool pinned; /* never given up */
};

/* Where the counts of a property go. */
struct slot {
    bool sometimes;
    size_t index;
    bool judged; /* by any run */
};

struct tally {
    struct suite *suite;
    json_t *head;
    bool live, whole;
    bool harness_failed, safety_failed, liveness_failed;
    char *program;
    struct extras extras; /* words point into head */
    struct slot *slots;   /* per property number */
    size_t slot_count;
    size_t *promises; /* per scenario: where its promises begin in the suite's; and the end */
    size_t *rows;     /* per promise: which of the suite's nemeses counts it, too; SIZE_MAX: none */
    struct entry *entries;
    size_t entry_count, entry_room;
    struct kept *kept;
};

static inline void *must(void *pointer)
{
    if (!pointer)
        abort();
    return pointer;
}

/* The text under a key; "" when there is none. */
const char *head_text(const json_t *object, const char *key);

#endif
