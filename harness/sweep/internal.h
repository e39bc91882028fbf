/* internal.h: what the files of the sweeper share.
 *
 *   sweep.c         the loop: trials out, results in, in order
 *   take.c    what follows from a result
 *   trials.c  what is tried: the trials that follow from a hit
 *   hits.c    which hits are known; what a child tells of its run
 *   pairs.c   pairs of faults
 *   state.c   the file that an interrupted sweep goes on from
 */
#ifndef DURESS_SWEEP_INTERNAL_H
#define DURESS_SWEEP_INTERNAL_H

#include "harness/sweep/sweep.h"

#include <uthash.h>
#include <xxhash.h>

/* A hit of a fault point: the ordinal-th with this point, node and key. */
struct hit_id {
    uint32_t point, node;
    uint64_t key, ordinal;
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
    uint8_t count;      /* 0: the reference run */
    bool is_disk_state; /* not the first state of the disk after its power loss */
    bool is_pair;
    bool is_check;           /* the trial before it again, this time from the start */
    bool given_out;          /* to the lab, or its result was in the file */
    struct disk_fate *fates; /* heap */
    size_t fate_count;
    size_t inherited; /* of the fates: those that its context has, too */
    uint64_t context; /* a hash: trials with the same one are the same run up to their last fault */
    uint64_t shape;   /* of its context: what it is compared with to be called silent */
};

struct trial_list {
    struct trial *items;
    size_t count, capacity;
};

/* What a child tells of its run, beside its result: this; counts of hits; a recording with un-synced writes, then
 * hits that may be the second of a pair (made.value: how far from the first). */
struct told {
    uint64_t shape;  /* a hash of all events but for times and injected faults */
    uint64_t counts; /* how many there are of each */
    uint64_t losses;
    uint64_t candidates; /* for pairs, all of them */
};

/* What is known of one (point, node, key). */
struct reached {
    uint64_t id;
    uint64_t reference; /* hits in the reference run */
    uint64_t swept;     /* the last one that was swept, or pruned */
    uint64_t most;      /* hits that a run had */
    UT_hash_handle hh;
};

/* A set of 64-bit hashes. */
struct known {
    uint64_t id;
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
    struct trial_list trials;
    struct trial_list pairs; /* that are to be tried when there is nothing else */
    uint64_t submitted, taken;
    struct reached *reached;
    struct known *pair_classes;
    struct early *early;      /* results that came before their turn */
    struct result last;       /* of the trial that was taken last: outcome and fingerprint */
    struct culprit *culprits; /* one per failure of the certificate */
    struct sweep_file *file;
    XXH3_state_t *digest;
    char unsteady[512]; /* what came out differently the second time, or "" */
};

/* ---- take.c ---- */

/* The next result in the order of the trials. */
void sweep_take(struct sweep *sweep, uint64_t number, const struct lab_result *result);
void sweep_take_reference(struct sweep *sweep, const struct lab_result *result);

/* ---- trials.c ---- */

struct tape *trial_tape(const struct sweep *sweep, const struct trial *trial);
/* That of its context: all but the last fault and what follows from it. */
struct tape *trial_stem(const struct sweep *sweep, const struct trial *trial);
/* "a/b/c node=1 key=7 n=2: kill, ..." Heap. */
char *trial_describe(const struct sweep *sweep, const struct trial *trial);
uint64_t trial_hash(const struct sweep *sweep, const struct trial *trial);
/* Adds what is to be tried at this hit, which `context` (may be a trial of the array) reached. */
void trials_of_hit(struct sweep *sweep, const struct trial *context, const struct hit_id *hit,
                   uint64_t shape);
/* Adds further states of the disk for a trial that lost power with these writes un-synced. */
void trials_of_disk(struct sweep *sweep, const struct trial *trial, const struct made *writes,
                    size_t count);
/* A copy of it, at the end of the list. */
void trial_add(struct sweep *sweep, struct trial_list *list, const struct trial *trial);
void trials_free(struct trial_list *list);
bool fault_takes_node(enum fault_kind kind);

/* ---- hits.c ---- */

child_tell sweep_tell;
struct choice hit_choice(const struct hit_id *hit);
uint64_t hit_hash(const struct hit_id *hit);
/* What is known of the hits of this kind; added when there is nothing. */
struct reached *reached_of(struct sweep *sweep, const struct hit_count *hit);
/* How many of these hits are of interest. */
uint64_t reached_bound(const struct sweep *sweep, const struct reached *reached);
void reached_free(struct sweep *sweep);
/* Adds the trials of hits that nobody has met before. */
void take_hits(struct sweep *sweep, const struct trial *context, uint64_t shape,
               const struct hit_count *hits, size_t count);
/* Hits beyond the bound. */
uint64_t count_beyond(const struct sweep *sweep);

/* ---- pairs.c ---- */

/* In a child: of what was hit after the first fault, writes to `wanted` the hits that may be the second of a pair of a
 * new class. Returns how many; counts all pairs. */
size_t pairs_select(const struct sweep *sweep, const struct made *made, size_t count,
                    struct made *wanted, uint64_t *ret_candidates);
/* Adds the pairs of a trial with one transient fault, of which this was told. */
void trials_of_pairs(struct sweep *sweep, const struct trial *first, const struct made *wanted,
                     size_t count);
void pairs_free(struct sweep *sweep);

/* ---- state.c ---- */

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
