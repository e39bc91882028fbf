/* tape.h: every choice of a run, as seed + edits.
 *
 * A choice has an identity; its default value is a pure function of (seed, identity); edits override single
 * choices. The same tape gives the same run, event for event. Value 0 is always the simplest (no fault, FIFO,
 * zero latency, empty): a simpler tape is a simpler story.
 *
 * Keyed choices (faults, schedule, latency, crash states) are identified by (stream, name, node, key, ordinal
 * for that key), never by a global counter: removing one shifts no other. Sequential choices (generated data)
 * are a sequence with nested spans, so that a shrinker can delete structure.
 *
 * A whole stream, or all choices of one name in it, can be made simple: what no edit speaks of is then 0. `simplest
 * fault` is a run in which nothing goes wrong but what the edits say.
 */
#ifndef DURESS_TAPE_H
#define DURESS_TAPE_H

#include "harness/fault.h"
#include "harness/sequence/sequence.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* X(ENUM, word) */
#define STREAMS(X)                                                                                 \
    X(FAULT, "fault") /* what is injected at a hit; whether a nemesis strikes */                   \
    X(RULE, "rule")   /* percentages and durations of fault terms */                               \
    X(SCHEDULE, "schedule")                                                                        \
    X(NET, "net")                                                                                  \
    X(DISK, "disk")                                                                                \
    X(CLOCK, "clock")                                                                              \
    X(NEMESIS, "nemesis")                                                                          \
    X(ENTROPY, "entropy")                                                                          \
    X(WORK, "work")

enum stream {
#define X(e, word) STREAM_##e,
    STREAMS(X)
#undef X
        STREAM_COUNT
};

struct choice {
    enum stream stream;
    const char *name; /* a point name, or a name in the same form: "net/link/latency" */
    uint32_t node;
    uint64_t key;
    uint64_t ordinal; /* 1, 2, ... among the choices with the same four values above */
};

uint64_t choice_hash(const struct choice *choice); /* of all five */

struct tape;

struct tape *tape_new(uint64_t seed);
void tape_free(struct tape *tape);
uint64_t tape_seed(const struct tape *tape);

/* ---- keyed choices ---- */

/* A value in [0, n), n >= 1. */
uint64_t tape_choose(struct tape *tape, const struct choice *choice, uint64_t n);
/* The same, but the default is `wanted` < n, which the caller has derived from other choices. */
uint64_t tape_choose_from(struct tape *tape, const struct choice *choice, uint64_t n,
                          uint64_t wanted);
/* true with probability numerator/denominator; an edit to 0 means false. */
bool tape_chance(struct tape *tape, const struct choice *choice, uint64_t numerator,
                 uint64_t denominator);
/* A value in [lo, hi], lo simplest. */
int64_t tape_between(struct tape *tape, const struct choice *choice, int64_t lo, int64_t hi);
/* An edit that dictates the fault at this choice (FAULT_NONE: spare it), or NULL. Once per hit, in the order of the
 * hits: from the choice of a persistent edit on, it dictates all hits of that point on that node. */
const struct fault *tape_fault(struct tape *tape, const struct choice *choice);
/* Calls `fn` at every hit, before it is decided what is injected there; it may edit what is still to come, this hit
 * included. To be set before the run. NULL: not any more. */
typedef void tape_watcher(void *ctx, struct tape *tape, const struct choice *choice);
void tape_watch(struct tape *tape, tape_watcher *fn, void *ctx);
/* Does any edit speak of faults at this point, or is every hit recorded, counted or watched? Cheap pre-test, so that other points need
 * not be counted. */
bool tape_speaks_of(const struct tape *tape, const char *point);
/* Are all choices of this stream simple, but for edits? */
bool tape_is_simple(const struct tape *tape, enum stream stream);

/* ---- sequential choices (draws.c) ----
 *
 * Drawn through a sequence (sequence.h), so that they can be shrunk as generated data is. */

uint64_t tape_draw(struct tape *tape, uint64_t n);                    /* [0, n), n <= INT64_MAX */
int64_t tape_draw_between(struct tape *tape, int64_t lo, int64_t hi); /* [lo, hi], lo simplest */
bool tape_draw_chance(struct tape *tape, uint64_t numerator, uint64_t denominator);
bool tape_draw_more(struct tape *tape, struct sequence_list *list); /* sequence_list_more() */
void tape_span_begin(struct tape *tape, const char *label);         /* label: static */
void tape_span_end(struct tape *tape);
/* What was drawn so far. */
const struct sequence *tape_sequence(struct tape *tape);
/* All draws come from this sequence, which is taken over; before the first draw. It is no edit: copies and the file know
 * nothing of it. */
void tape_draw_from(struct tape *tape, struct sequence *sequence);
/* Has that sequence been overrun? Then there is no workload, and the run is none. */
bool tape_is_void(const struct tape *tape);

/* ---- edits ---- */

enum edit_kind {
    EDIT_FAULT,
    EDIT_CHOICE,
    EDIT_DRAW,
    EDIT_SEED,
    EDIT_SIMPLEST,
    EDIT_SAFETY,
    EDIT_DRAWS
};

struct tape_edit {
    enum edit_kind kind;
    struct choice
        choice; /* FAULT, CHOICE; SIMPLEST: stream and name (NULL: any); lives as long as the tape */
    struct fault fault; /* FAULT */
    bool persistent;    /* FAULT: from this hit on */
    uint64_t value;     /* CHOICE, DRAW; SEED: the seed; SAFETY: ns */
    uint64_t at;        /* DRAW: index; SEED: event */
};

void tape_edit_fault(struct tape *tape, const struct choice *choice, struct fault fault);
/* The same, and every later hit of this point on this node, whatever its key. */
void tape_edit_fault_from(struct tape *tape, const struct choice *choice, struct fault fault);
void tape_edit_choice(struct tape *tape, const struct choice *choice, uint64_t value);
/* The index-th draw takes this value, if its range admits it. */
void tape_edit_draw(struct tape *tape, size_t index, int64_t value);
/* The first draws take these values, all others are as `beyond` says. Instead of those of an earlier call. */
void tape_edit_draws(struct tape *tape, const int64_t *values, size_t count,
                     enum sequence_beyond beyond);
void tape_edit_seed(struct tape *tape, uint64_t from_event,
                    uint64_t seed); /* from event N on, another seed */
/* All choices of this stream (of this name in it; NULL: any) that no edit speaks of are 0. */
void tape_simplify(struct tape *tape, enum stream stream, const char *name);
/* The safety phase ends after this time, ns of virtual time, if the scenario does not end it before. 0: as the
 * scenario says. */
void tape_edit_safety(struct tape *tape, int64_t ns);
int64_t tape_safety(const struct tape *tape);
/* Seed and edits, not what was recorded. */
struct tape *tape_copy(const struct tape *tape);
/* From now on the edits of `other` about faults and keyed choices hold, too, where there are none already. */
void tape_join(struct tape *tape, const struct tape *other);
/* The same without some edits: gone[i] says so of edit i. */
struct tape *tape_copy_without(const struct tape *tape, const bool *gone);
size_t tape_edit_count(const struct tape *tape);
/* Edit `index`, below tape_edit_count(), in the order in which they were made. */
struct tape_edit tape_edit_get(const struct tape *tape, size_t index);
/* The point that this edit, of tape_edit_count(), speaks of; NULL: it is not about a fault. */
const char *tape_edit_point(const struct tape *tape, size_t index);
/* The trace calls this as events are recorded; drives tape_edit_seed. */
void tape_at_event(struct tape *tape, uint64_t index);

/* ---- what a run chose ----
 *
 * To find out what there is to edit: which choices a run made, and which hits of fault points it had. */

enum record {
    RECORD_CHOICES = 1 << 0,  /* keyed choices whose value is not the simplest */
    RECORD_FAULTS = 1 << 1,   /* hits of fault points at which something was injected */
    RECORD_HITS = 1 << 2,     /* all hits of fault points */
    RECORD_SIMPLEST = 1 << 3, /* with RECORD_CHOICES: those with the simplest value, too */
    RECORD_DRAWS = 1 << 4,    /* what was drawn; that is recorded anyway */
    RECORD_COUNTS = 1 << 5,   /* nothing: the world shall count all hits (world_hit_counts()) */
};

struct made {
    struct choice choice; /* its name lives as long as the tape */
    uint64_t value, n;    /* of a choice: from [0, n) */
    uint32_t kinds;       /* of a hit: what can be injected there, CAN_ bits; 0: this is a choice */
    struct fault fault;   /* of a hit: what was decided */
    uint64_t event;       /* index of the next event at that time */
};

/* Before the run. `what`: enum record, or-ed. */
void tape_record(struct tape *tape, unsigned what);
/* What was recorded so far is forgotten. */
void tape_forget(struct tape *tape);
/* In the order in which it happened. */
const struct made *tape_made(const struct tape *tape, size_t *ret_count);
/* The nemesis reports a hit and what it decided; no-op unless hits or faults are recorded. */
void tape_note_hit(struct tape *tape, const struct choice *choice, uint32_t kinds,
                   const struct fault *fault);

/* ---- the file ----
 *
 *     duress-tape 1
 *     scenario scenarios/lost-replies.yaml       path from the repository's root
 *     seed 0x1f3a
 *     rule store/ack/reply: 2%disconnect         fault rules added on the command line, if any
 *     fault store/ack/reply node=2 key=17 n=3: disconnect
 *     fault store/ack/send node=2 key=17 n=1+: timeout(1s)      this hit, and all later ones of the point on the node
 *     simplest fault                             no fault, no strike but those that are listed
 *     simplest net net/link/latency              all choices of this name are 0
 *     safety 5m                                  the world is healed after 5 minutes at the latest
 *     choice net net/link/latency node=2 key=3 n=1: 0
 *     draw 12: 4
 *     draws 3 -1 0 7                             the first draws; all others are simplest. More lines go on
 *     from event 1200: seed 0x77
 *     fingerprint 00112233445566778899aabbccddeeff   what the run gave; informational
 *     end 5                                          how many edits: a truncated file is noticed
 *
 * '#' after a blank starts a comment. There is exactly one seed. */

struct tape_meta {
    char *scenario;       /* path, heap; may be NULL */
    char fingerprint[33]; /* or "" */
    char **rules;         /* "pattern: term", heap */
    size_t rule_count;
    const char
        *comment; /* lines to be written below the first one, or NULL; reading passes over them */
};

void tape_meta_done(struct tape_meta *meta);
int tape_write(const struct tape *tape, const struct tape_meta *meta, FILE *out); /* 0 or -errno */
/* NULL with a message "file:line:column: what is wrong\n  line\n  ^" in why. */
struct tape *tape_read(const char *path, struct tape_meta *ret_meta, char *why, size_t why_size);
/* The same from an open file, which stays open; messages call it `name`. */
struct tape *tape_read_from(FILE *in, const char *name, struct tape_meta *ret_meta, char *why,
                            size_t why_size);

#endif
