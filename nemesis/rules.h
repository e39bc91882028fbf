// rules.h: which points a term applies to. A rule is `pattern: term`.
//
//     store/ack/reply            exactly this point
//     store/*/reply              '*' stands for one whole segment
//     store/**                   a final '**' for the rest
//     job/perform/start[worker=mail][attempt=2]    only events with these field values
//
// Numbers compare as numbers. Fields are known only once a point was hit; a filter on a field that
// a hit does not have does not match.
//
// The first rule that takes the hit decides, in written order, even if what it says is `off`: that
// is how a hole is cut into a wider rule below. A fault that the point did not declare (CAN_) is
// not injected; a rule none of whose points can do any of its faults is an error when it is added.
#ifndef DURESS_RULES_H
#define DURESS_RULES_H

#include "harness/world/world.h"
#include "nemesis/term.h"

struct rules;

struct rules *rules_new(void);
void rules_free(struct rules *rules);
/* 0, or -EINVAL with *ret_error: bad pattern, unknown point (with the nearest name), bad term,
 * impossible kind. After registry_init(); all rules are added before the first hit. */
int rules_add(struct rules *rules, const char *pattern, const char *term,
              struct term_error *ret_error);
/* All CAN_ bits that the rules may need. */
uint32_t rules_kinds(const struct rules *rules);
/* Has this rule set a wait(...)? */
bool rules_wait(const struct rules *rules);
/* Splits "POINT=TERM" or "POINT: TERM" (mind '=' inside [...]). Returns the length of the pattern,
 * *ret_term after the separator and blanks; 0 if there is no separator. */
size_t rule_split(const char *text, const char **ret_term);

/* A world_decide: asks the tape's edits first, then the rules. ctx is the struct rules.
 * An edit at a hit replaces what the rules say, but the rules still count the hit: sparing one
 * fault shifts no other. The tape's fault edits must be complete before the first hit. */
struct fault rules_decide(void *rules, const struct hit *hit);

/* Lets the world count what waits of the rules need. Before the first hit. */
void rules_watch(const struct rules *rules, struct world *world);

/* How often rule number `index` (in the order of adding) fired: injected what the world could do, made somebody wait,
 * or took a hit in order to inject nothing; and how many waits timed out. */
struct promise_count rules_fired(const struct rules *rules, size_t index);

/* The same without a world: does any rule speak of this point, and what do the rules say to one hit
 * of it? The fault's duration is drawn. */
bool rules_concern(const struct rules *rules, const char *point);
struct term_verdict rules_judge(struct rules *rules, struct tape *tape, const struct choice *choice,
                                const struct point *point, const struct point_field *fields,
                                unsigned count);

#endif
