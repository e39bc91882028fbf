/* sweep_internal.h: what the files of the sweeper share.
 *
 *   sweep.c         the loop: trials out, results in, in order
 *   sweep_trials.c  what is tried: the trials that follow from a hit
 *   sweep_hits.c    which hits are known; what a child tells of its run
 *   sweep_pairs.c   pairs of faults
 *   sweep_state.c   the file that an interrupted sweep goes on from
 */
#ifndef DURESS_SWEEP_INTERNAL_H
#define DURESS_SWEEP_INTERNAL_H

#include "harness/sweep.h"

#include <uthash.h>
#include <xxhash.h>

/* A hit of a fault point. */
struct hit_id {
    struct choice choice; /* its name is the point's own */
    uint32_t point;
    uint32_t kinds; /* CAN_ bits */
};

struct trial_fault {
    struct hit_id hit;
    uint32_t kind; /* index into setup->kinds */
    bool persistent;
};

/* One write that a power loss found un-synced, and what shall become of it. */
struct disk_fate {
    struct choice choice;
    uint64_t value;
};

struct trial {
    struct trial_fault faults[SWEEP_DEPTH_MAX];
    unsigned count;     /* 0: the reference run */
    bool is_disk_state; /* not the first state of the disk after its power loss */
    bool is_scout;      /* a trial again, to learn all that it hits */
    bool is_pair;
    struct disk_fate *fates; /* heap */
    size_t fate_count;
    uint64_t shape; /* of its context: what it is compared with to be called silent */
};

/* What a child tells of its run, beside its result. */
struct told {
    uint64_t shape;  /* a hash of all events but for times and injected faults */
    uint64_t losses; /* choices about un-synced writes, first in the recording */
};

/* A set of 64-bit hashes of identities. */
struct known {
    uint64_t id;
    uint64_t ordinal; /* reach, beyond: the highest one */
    UT_hash_handle hh;
};

/* A result that has to wait for those of earlier trials. */
struct early {
    uint64_t number;
    struct lab_result result;
    bool from_file;
    UT_hash_handle hh;
};

/* The first trial that failed so; the failure of the certificate with the same index. */
struct culprit {
    uint64_t trial;
    uint32_t point, kind;
};

struct sweep {
    const struct sweep_setup *setup;
    struct certificate *certificate;
    struct lab *lab;
    int64_t safety_ns; /* of all trials; 0 in the reference run */
    struct trial *trials;
    size_t trial_count, trial_capacity;
    uint64_t submitted, taken;
    struct known *hits;   /* that were swept or pruned */
    struct known *reach;  /* (point, node, key) of the reference run */
    struct known *beyond; /* the same, of hits beyond the bound */
    struct known *pairs;  /* classes of pairs */
    struct early *early;  /* results that came before their turn */
    uint64_t reference_shape;
    struct culprit *culprits; /* one per failure of the certificate */
    struct sweep_file *file;
    XXH3_state_t *digest;
    bool tell_all; /* children tell all hits, known or not */
    bool out_of_time;
};

/* ---- sweep_trials.c ---- */

struct tape *trial_tape(const struct sweep *sweep, const struct trial *trial);
/* "a/b/c node=1 key=7 n=2: kill, ..." Heap. */
char *trial_describe(const struct sweep *sweep, const struct trial *trial);
uint64_t trial_hash(const struct sweep *sweep, const struct trial *trial);
/* Adds what is to be tried at this hit, which `context` (may be a trial of the array) reached. */
void trials_of_hit(struct sweep *sweep, const struct trial *context, const struct hit_id *hit,
                   uint64_t shape);
/* Adds further states of the disk for a trial that lost power with these writes un-synced. */
void trials_of_disk(struct sweep *sweep, const struct trial *trial, const struct made *writes,
                    size_t count);
struct trial *trial_add(struct sweep *sweep, const struct trial *trial);
bool fault_takes_node(enum fault_kind kind);

/* ---- sweep_hits.c ---- */

child_tell sweep_tell;
/* false: it was known before. */
bool known_add(struct known **set, uint64_t id, uint64_t ordinal);
bool known_has(struct known *set, uint64_t id, uint64_t *ret_ordinal);
void known_free(struct known **set);
uint64_t hit_hash(const struct choice *choice);   /* with its ordinal */
uint64_t reach_hash(const struct choice *choice); /* without */
/* Is it a hit that the reference run had already, and more often than is of interest? */
bool is_beyond(const struct sweep *sweep, const struct choice *choice);
/* The hit of a recording. false: it is no hit of a point that is linked in. */
bool hit_of_made(const struct made *made, struct hit_id *ret_hit);

/* ---- sweep_pairs.c ---- */

/* Adds the pairs of a trial with one transient fault, of which this is what was hit. */
void trials_of_pairs(struct sweep *sweep, const struct trial *first, const struct made *made,
                     size_t count);

/* ---- sweep_state.c ---- */

struct sweep_file;
/* Opens DIR/sweep.state, for going on with (a sweep of the same program, scenario and setup that was interrupted) or
 * afresh. NULL with a message. */
struct sweep_file *sweep_file_open(const struct sweep *sweep, char *why, size_t why_size);
/* The result of this trial, if the file has it. */
bool sweep_file_next(struct sweep_file *file, uint64_t trial_hash, struct lab_result *ret_result);
/* 0 or -errno. */
int sweep_file_append(struct sweep_file *file, uint64_t trial_hash,
                      const struct lab_result *result);
/* `complete`: the next sweep begins afresh. */
void sweep_file_close(struct sweep_file *file, bool complete);
/* Identifies the running program: the hash of its file. Heap. */
char *build_id(void);

#endif
