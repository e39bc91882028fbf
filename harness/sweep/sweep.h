/* sweep.h: every fault at every hit, one at a time, until there is nothing new; then a certificate.
 *
 * A reference run without any fault (made twice: they must agree) gives the first hits of fault points. A hit is known
 * by (point, node, key, ordinal), never by a global count. At every hit every kind of fault that its point declares is
 * tried, in a run of its own that is otherwise the reference run:
 *
 *     transient    this hit only
 *     persistent   this hit, and all later ones of the point on that node, until the world is healed: a minute after
 *                  the time that the reference run took, two minutes at least
 *                  (not for kinds that take the whole node: that is a crash loop, another question)
 *     power loss   everything not synced is dropped; then further states of the disk, up to a bound
 *
 * Before and after an effect are two points (.../send, .../reply), so both are tried. Hits that are first reached under
 * a fault join the frontier, with that fault as their context; so retries, rescues and rollbacks are swept, too. It is
 * over when the frontier is empty. What is not tried is counted, with the reason (enum sweep_pruned).
 *
 * A trial is the run of its context up to its last fault, so the trials of a context are branches of one run, which
 * is made once (child.h). Every 64th is made from the start, too, and must give the same fingerprint.
 *
 * Kinds that the budget of the scenario rules out (a lying disk where none may lie) are not tried.
 *
 * Trials are numbered and their results taken in that order, so neither the number of workers nor an interruption
 * changes what is tried, or the certificate.
 */
#ifndef DURESS_SWEEP_H
#define DURESS_SWEEP_H

#include "harness/process/lab.h"

struct sweep;

enum { SWEEP_DEPTH_MAX = 3, SWEEP_KINDS_MAX = 24 };

/* X(ENUM, why) */
#define SWEEP_PRUNED(X)                                                                            \
    X(ORDINAL, "hits of a kind that the reference run has already, and more often than the bound") \
    X(BUDGET, "trials of kinds that the budget of the scenario rules out")                         \
    X(SAME, "trials that would change nothing: the fault that persists there is the same")         \
    X(DEPTH, "hits that only more faults at once would reach")                                     \
    X(DISK, "states of the disk beyond the bound")                                                 \
    X(ALIKE, "pairs like one that was tried: same points, kinds, distance, same key or not")       \
    X(TIME, "trials that the time did not suffice for")

enum sweep_pruned {
#define X(e, why) PRUNED_##e,
    SWEEP_PRUNED(X)
#undef X
        PRUNED_COUNT
};

/* All kinds, each in its usual strength, into an array of SWEEP_KINDS_MAX; how many. */
size_t sweep_kinds_all(struct fault *ret_kinds);
/* Those of a list such as "crash,error(EIO),timeout". 0, with the reason (static) and where, when it is none. */
size_t sweep_kinds_parse(const char *text, struct fault *ret_kinds, const char **ret_why,
                         size_t *ret_at);

struct sweep_setup {
    const struct scenario *scenario;
    const struct extras *extras;
    const char *program;
    uint64_t seed;
    const struct fault *kinds; /* what to inject; a point gets those that it declares */
    size_t kind_count;
    unsigned depth;         /* faults at once along the frontier, 1..SWEEP_DEPTH_MAX */
    unsigned beyond;        /* ordinals past those of the reference run */
    unsigned disk_states;   /* per power loss, the one with everything dropped included */
    bool pairs;             /* afterwards, pairs of faults */
    int64_t time_ns;        /* 0: no limit */
    int64_t run_timeout_ns; /* CPU time of one run */
    unsigned workers;
    const char *dir; /* where failures and the state of the sweep are kept */
    bool fresh;      /* do not go on with an interrupted sweep in `dir` */
    bool keep_state; /* also when it is complete: more sweeps are to come, and may be interrupted */
    void (*progress)(void *ctx, const struct sweep *sweep);
    void *progress_ctx;
};

struct sweep_failure {
    char property[64], message[320];
    enum outcome outcome;
    char *trial; /* "store/ack/reply node=1 key=7 n=1: disconnect" heap */
    char
        *folder; /* with tape, story.txt, trace.jsonl; heap; NULL: one more of the kind, not kept */
    uint64_t times; /* failures of this property with this kind at this point */
};

/* What became of one kind of fault at one point. */
struct sweep_cell {
    uint64_t tried; /* runs */
    uint64_t
        fired; /* of these: it was injected (else: the budget, or nobody there who could wait) */
    uint64_t silent; /* of these: no event but its own told of it */
    uint64_t failed;
};

struct certificate {
    char *scenario, *path, *build;
    uint64_t seed;
    char fingerprint[33]; /* of the reference run */
    uint64_t reference_events, reference_hits;
    uint64_t hits; /* all that were swept */
    uint64_t runs, persistent, disk_states, pairs, pair_candidates;
    uint64_t checked; /* trials that were run from the start, too, and gave the same */
    uint64_t pruned[PRUNED_COUNT];
    struct fault kinds[SWEEP_KINDS_MAX];
    size_t kind_count;
    size_t point_count;             /* registry_count() */
    struct sweep_cell *cells;       /* point_count x kind_count */
    uint64_t *point_hits;           /* swept, per point */
    struct sweep_failure *failures; /* one per (property, point, kind) */
    size_t failure_count;
    uint64_t failed;
    bool ruled_out[SWEEP_KINDS_MAX]; /* by the budget of the scenario */
    unsigned depth, beyond, disk_bound;
    char digest[33]; /* over all trials and what they gave, in order */
    bool complete;   /* the frontier is empty */
};

/* What an unsuccessful sweep was stopped by. */
enum sweep_end {
    SWEEP_DONE,     /* there is a certificate, complete or not */
    SWEEP_STOPPED,  /* Ctrl-C; the state is kept, the certificate says what is known */
    SWEEP_UNFIT,    /* the reference run fails without a fault */
    SWEEP_UNSTEADY, /* two runs of one tape differ */
    SWEEP_TROUBLE,  /* the state cannot be written or read */
};

/* Runs it. The certificate is always filled (certificate_done()); `why` is for all but DONE. */
enum sweep_end sweep_run(const struct sweep_setup *setup, struct certificate *ret_certificate,
                         char *why, size_t why_size);
/* Removes the state that was kept in this directory. */
void sweep_forget(const char *dir);
void certificate_done(struct certificate *certificate);

/* For people. The same sweep prints the same text. */
void certificate_print(const struct certificate *certificate, FILE *out);
/* DIR/certificate.json. 0 or -errno. */
int certificate_write(const struct certificate *certificate, FILE *out);

/* How far a running sweep is. */
struct sweep_progress {
    uint64_t runs, known, failed; /* known: trials so far, done or not */
};
struct sweep_progress sweep_progress(const struct sweep *sweep);

#endif
