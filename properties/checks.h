/* checks.h: predicates over traces, as pure functions of a view, and the same ones fed event by event.
 *
 * All of them are O(n) (spans_depth: O(n log n)) and report every offence, not only the first. Nothing to look at
 * leaves `checked` 0: vacuous, a judgement of its own. Places in findings are indices of events; the subject is the
 * first field of the key. An event without a field that its match names is reported as FIELDLESS and left out.
 *
 *     struct findings found = {0};
 *     check_unique(view, &(struct match){.point = "work/job/run", .by = {"job", "lease"}}, &found);
 *     if (findings_judge(&found, KIND(DUPLICATED)) != JUDGED_HOLDS) ...
 */
#ifndef PROPERTIES_CHECKS_H
#define PROPERTIES_CHECKS_H

#include "properties/open.h"
#include "properties/view.h"

/* ---- single events ---- */

/* No two events with the same key, whoever recorded them; without a key: no two with the same point and fields.
 * DUPLICATED: each repetition (other: the first). Put "@actor" or "@node" into the key to tell them apart. */
void check_unique(struct view view, const struct match *each, struct findings *found);

/* each->value never falls (never stays, if `strictly`), among the events of one key. DISORDERED: each neighbour that
 * does (other: the one before; amount: the value). */
void check_increasing(struct view view, const struct match *each, bool strictly,
                      struct findings *found);

/* UNEXPECTED: each event that fits. Every event of the view counts as checked. */
void check_never(struct view view, const struct match *bad, struct findings *found);

/* How many fit. TOO_FEW, TOO_MANY (amount: the count). */
uint64_t check_count(struct view view, const struct match *each, uint64_t at_least,
                     uint64_t at_most, struct findings *found);

/* Two sets. LOST: expected and not there; UNEXPECTED: there and not expected. A projection is complete if none is
 * LOST, a subset if none is UNEXPECTED. Duplicates do not matter. Subjects are the values. */
void check_members(const uint64_t *values, size_t count, const uint64_t *expected,
                   size_t expected_count, struct findings *found);

/* ---- causes and effects ---- */

/* What belongs together has the same key; `cause.key` and `effect.key` may be any functions. */
struct causality {
    struct match cause, effect;
};

struct pair {
    uint64_t cause, effect; /* places in the view; NOWHERE: none */
};

/* Each cause takes the first later effect of its key that no earlier cause has taken. An event that fits both is a
 * cause. In the order of the first event of each pair. Heap. */
struct pair *view_pairs(struct view view, const struct causality *causality, size_t *ret_count,
                        struct findings *found);

/* UNEXPECTED: each effect without a cause before it; LOST: each cause without an effect. Causality asks that nothing
 * is unexpected, strict causality that nothing is lost either. */
void check_causality(struct view view, const struct causality *causality, struct findings *found);
#define CAUSALITY        (KIND(UNEXPECTED) | KIND(FIELDLESS))
#define STRICT_CAUSALITY (CAUSALITY | KIND(LOST))

/* Every cause is followed by an effect of its key within a time. One effect answers for all causes before it. An
 * `excuse` (point NULL: none) lets off all causes whose scope is its key: their node died. LATE (amount: ns too late),
 * LOST (it never came), PENDING (it may still come when the trace ends). */
struct leads_to {
    struct match cause, effect, excuse;
    int64_t within_ns;
};
void check_leads_to(struct view view, const struct leads_to *leads_to, struct findings *found);

/* ---- spans ---- */

enum { SPAN_ENDS_MAX = 4 };

/* A span ends well, by a failure, or with its scope; which end is whose says the key. Unused ends are zeroed. */
struct span_kind {
    struct match start; /* with group, for depth; with scope, for `gone` */
    struct match end[SPAN_ENDS_MAX], failure[SPAN_ENDS_MAX];
    struct match gone[SPAN_ENDS_MAX]; /* key: the scope */
};

enum span_end { SPAN_OPEN, SPAN_ENDED, SPAN_FAILED, SPAN_GONE };

struct span {
    uint64_t from, to;      /* places in the view; NOWHERE: open */
    int64_t from_ns, to_ns; /* open: INT64_MAX */
    enum span_end end;
};

/* In the order of their starts. BROKEN_OFF: each that failed or is gone; INCOMPLETE: each that is open; UNEXPECTED: an
 * end without a start. Heap. */
struct span *view_spans(struct view view, const struct span_kind *kind, size_t *ret_count,
                        struct findings *found);

/* The greatest number of spans open at one time. At equal times those that end make room for those that start, and
 * one that starts and ends there was open. */
uint64_t spans_depth(const struct span *spans, size_t count);

/* TOO_DEEP: each start that is one too many in its group (amount: how many are open). The limit is the field
 * start.value of the start, or `limit` without one. */
void check_depth(struct view view, const struct span_kind *kind, uint64_t limit,
                 struct findings *found);

/* ---- event by event: what the above are made of, for properties that judge a run as it goes (watch.h) ---- */

void unique_step(struct table *seen, const struct match *each, const struct event *event,
                 struct findings *found);
void rising_step(struct table *last, const struct match *each, bool strictly,
                 const struct event *event, struct findings *found);
void never_step(const struct match *bad, const struct event *event, struct findings *found);

void cause_step(struct open_spans *open, const struct match *cause, const struct event *event,
                struct findings *found);
void effect_step(struct open_spans *open, const struct match *effect, int64_t within_ns,
                 const struct event *event, struct findings *found);
void leads_to_end(const struct open_spans *open, int64_t within_ns, int64_t now_ns,
                  struct findings *found);

void start_step(struct open_spans *open, struct table *depths, const struct match *start,
                uint64_t limit, const struct event *event, struct findings *found);
void end_step(struct open_spans *open, struct table *depths, const struct match *end,
              const struct event *event, struct findings *found);
/* Closes all whose scope is the event's key. `depths` may be NULL. */
void gone_step(struct open_spans *open, struct table *depths, const struct match *gone,
               const struct event *event, struct findings *found);

#endif
