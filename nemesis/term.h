/* term.h: fault terms, the one grammar for scenario files, the command line, DURESS_FAULTS and live
 * control.
 *
 *     term   := strategy | step ("->" step)*
 *     step   := mod* action
 *     mod    := P"%" | N"*" | "skip("N")" | "every("N")" | "per(point)" | "per(node)" | "per(key)"
 *     action := crash | kill | poweroff | error(ERRNO) | timeout(DUR[..DUR]) | disconnect
 *             | delay(DUR[..DUR]) | pause(DUR[..DUR]) | short | lie | misdirect | flip | wait | off
 *     strategy := always_crash | recover_after(N) | random_crash(P)
 *               | periodic_crash(PERIOD,DUTY,PHASE)
 *
 * P is a decimal, 0..100, kept as an integer ratio. A step takes the hit if all its modifiers pass,
 * in written order; the first step that takes the hit decides; `off` takes it and does nothing. A
 * step whose fault the point did not declare is passed over and counts nothing. Each modifier
 * counts, from 1, the hits that reach it; N* is spent only when its step takes the hit. Counters
 * are kept per rule, step, point and key (the event's first field) unless per(...) says otherwise:
 * per(node) is per point and node, per(point) is one count for all keys.
 *
 * The strategies are snabbkaffe's. recover_after(N) is `N*crash -> off`, random_crash(P) is
 * `P%crash` with P in percent; theirs has no seed, ours is a choice on the tape. periodic_crash
 * follows their formula with X from 1: crash iff (X + round(PHASE/(2*pi)*PERIOD)) mod PERIOD >=
 * DUTY*PERIOD; DUTY, 0..1, is the healthy share, PHASE is in radians ("0", "pi", "3.14159").
 *
 * wait(...) forces an order: the hit waits, on a visible place in the trace, but not for ever.
 *
 *     wait   := "wait(" (N"*" | "per(key)" | "per(node)")* NAME ("," DUR)? ")"
 *
 * Until the point NAME is hit, by anybody; with N* until it has been hit N times since the run began, so that an order
 * that has come about by itself is not waited for. per(key): hits with the same key (first field) as the one that waits
 * count, per(node): hits on its node. At most DUR, 60 s when it is not given: then it goes on, and is reported.
 */
#ifndef DURESS_TERM_H
#define DURESS_TERM_H

#include "harness/engine.h"
#include "harness/fault.h"
#include "harness/tape/tape.h"

struct term; /* parsed; immutable */

/* NULL with *ret_error (offset into text). */
struct term *term_parse(const char *text, struct term_error *ret_error);
void term_free(struct term *term);
/* The canonical text; parses back to the same term. */
void term_print(const struct term *term, char *out, size_t size);
/* All CAN_ bits that the term may need. */
uint32_t term_kinds(const struct term *term);

enum wait_whose { WAIT_ANYBODY, WAIT_SAME_KEY, WAIT_SAME_NODE };

/* A wait(...), as long as the term lives. */
struct wait {
    char *name;     /* of a point */
    uint64_t times; /* since the run began; 0: once, from now on */
    enum wait_whose whose;
    int64_t longest_ns;
};
#define WAIT_LONGEST_NS INT64_C(60000000000)

/* The i-th wait(...), with the offset of its name in the text; NULL when there are no more. */
const struct wait *term_wait(const struct term *term, size_t i, size_t *ret_offset);
/* "3*per(key)store/ack/reply,5s". Returns out. */
const char *wait_print(const struct wait *wait, char *out, size_t size);

/* Counters of one rule, for all its points and keys. */
struct term_state;
struct term_state *term_state_new(const struct term *term);
void term_state_free(struct term_state *state);

struct term_verdict {
    bool taken;         /* some step took the hit; it may have been `off` */
    struct fault fault; /* FAULT_NONE for `off` and wait(...); its duration may still be a range */
    const struct wait *wait; /* what it shall wait for, or NULL */
};

/* One hit of a point that declared the CAN_ bits `can`. `choice` identifies it (stream FAULT);
 * percentages are choices derived from it: name, node and ordinal are kept, the key is mixed with
 * `place_of_rule`, step and modifier. It tells the rules of one point apart. */
struct term_verdict term_eval(const struct term *term, struct term_state *state, struct tape *tape,
                              const struct choice *choice, uint32_t can, unsigned place_of_rule);

#endif
