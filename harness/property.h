/* property.h: what must hold, judged over the trace, event by event.
 *
 * A property subscribes to points by name (exact, or with a final "**"), keeps its own state, and answers
 * holds | fails(where, why) | vacuous. It reads only the trace, so the same code judges a simulated run, a live
 * run and a recorded file. Every property has a planted bug in scenarios/mutants that it catches.
 *
 *     static void on_start(struct judge *j, void *state, const struct event *e) { ... }
 *     static const struct property_on on[] = {{"job/perform/start", on_start}, {0}};
 *     TRACE_PROPERTY(queue_limit, .name = "a queue never exceeds its limit",
 *                    .kind = PROPERTY_ALWAYS, .about = "...", .state_size = sizeof(struct state), .on = on);
 */
#ifndef DURESS_PROPERTY_H
#define DURESS_PROPERTY_H

#include "harness/trace/trace.h"

enum property_kind {
    PROPERTY_ALWAYS,     /* safety */
    PROPERTY_NEVER,      /* safety, worded the other way round */
    PROPERTY_EVENTUALLY, /* liveness: judged at the end */
    PROPERTY_SOMETIMES,  /* must be met by some run of the suite */
};

struct judge; /* one property within one run */

struct property_on {
    const char *point;
    void (*fn)(struct judge *judge, void *state, const struct event *event);
    const void *arg; /* for the handler: judge_arg() */
    bool faulted;    /* only events at which something was injected */
};

struct property {
    const char *id;   /* identifier, for files and --property: "queue_limit" */
    const char *name; /* a sentence */
    const char *about;
    const char *
        lets_pass; /* why it does not fail for what it notes (judge_note()); NULL: no need to say */
    enum property_kind kind;
    bool rare;                                     /* SOMETIMES: may be missed by a short suite */
    size_t state_size;                             /* zeroed per run */
    const struct property_on *on;                  /* ends with {0} */
    void (*end)(struct judge *judge, void *state); /* may be NULL: after the last event */
    void (*done)(void *state);                     /* may be NULL: frees what the state holds */
    const void *spec;                              /* for the handlers: judge_spec() */
};

#define TRACE_PROPERTY(ident, ...)                                                                 \
    static const struct property property_##ident = {.id = #ident, __VA_ARGS__};                   \
    static const struct property *const property_ref_##ident POINT_SECTION("duress_properties") =  \
        &property_##ident

/* The property had something to check here, and it held. */
void judge_checked(struct judge *judge);
/* SOMETIMES: met. */
void judge_met(struct judge *judge);
/* It is broken at this event (NULL: at the end). Only the first failure of a property in a run is kept. printf. */
void judge_fail(struct judge *judge, const struct event *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Something went wrong that this property does not fail for: it is told in reports, for what it is worth. `what` is
 * static, in a few words ("recovered"); a property notes at most VERDICT_NOTES different ones in a run. */
void judge_note(struct judge *judge, const char *what, uint64_t times);

/* What a handler that serves many properties was given: by the subscription under which it is called (NULL in `end`),
 * and by the property. */
const void *judge_arg(const struct judge *judge);
const void *judge_spec(const struct judge *judge);
/* The time of the newest event of the run, whoever asked for it. */
int64_t judge_now_ns(const struct judge *judge);

/* ---- judging a run ---- */

enum { VERDICT_NOTES = 8 };

struct note {
    const char *what;
    uint64_t times;
};

struct verdict {
    const struct property *property;
    uint64_t checked; /* how often judge_checked; 0: vacuous */
    bool failed, met;
    uint64_t event; /* index of the event where it failed */
    int64_t time_ns;
    char message[240];
    struct note notes[VERDICT_NOTES]; /* judge_note() */
    size_t note_count;
};

struct panel; /* all properties of a run */

size_t properties_count(void); /* sorted by id */
const struct property *properties_get(size_t index);
const struct property *properties_find(const char *id);

/* `chosen` NULL: all. Keeps nothing of the array. */
struct panel *panel_new(const struct property *const *chosen, size_t count);
/* All that are about something which this program can record: a program with a system of its own has
 * the properties of others linked in, too. */
struct panel *panel_new_usual(void);
void panel_free(struct panel *panel);
void panel_event(void *panel, const struct event *event); /* a trace listener */
void panel_end(struct panel *panel);
/* Verdicts in property order. */
const struct verdict *panel_verdicts(const struct panel *panel, size_t *ret_count);
/* Has a safety property failed already? */
bool panel_failed(const struct panel *panel);

/* How a run ended, and so what its end is worth. X(ENUM, word) */
#define ENDINGS(X)                                                                                 \
    X(BROKEN, "broken")       /* in the middle: a crash; nothing is said about its end */          \
    X(STOPPED, "stopped")     /* by a safety property that failed: likewise */                     \
    X(UNDRAINED, "undrained") /* something never came: what must come in the end is no news */     \
    X(WHOLE, "whole")

enum run_ending {
#define X(e, word) ENDING_##e,
    ENDINGS(X)
#undef X
        ENDING_COUNT
};

/* After the last event. Judges the end, as far as it is worth it, and returns the failure that
 * counts: the earliest one, at the same event safety before liveness. NULL: there is none. */
const struct verdict *panel_judge(struct panel *panel, enum run_ending ending);

#endif
