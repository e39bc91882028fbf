/* report.h: the results of a suite, as the runner hands them to reporters. Everything people see is derived from
 * this; `duress report DIR` reads it back from DIR/run.json and writes other views of it. */
#ifndef DURESS_REPORT_H
#define DURESS_REPORT_H

#include "harness/run.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct report_scenario {
    char *name, *path;
    uint64_t runs, failed;
    bool must_fail;
};
struct report_point {
    char *name;
    uint64_t hits, injected[FAULT_KIND_COUNT];
};
struct report_note {
    char *what;
    uint64_t times;
};
struct report_property {
    char *id, *name;
    uint64_t checked, held, failed, vacuous; /* checked: checks; rest: runs */
    struct report_note *notes; /* what went wrong, of which its policy says that it does not fail */
    size_t note_count;
    char *lets_pass; /* why it does not; NULL or "": nothing is said */
};
struct report_sometimes {
    char *name;
    bool met, rare;
};

/* What came of the strikes of one kind of nemesis. */
struct report_nemesis {
    char *name;
    uint64_t asked, made, refused, healed;
};
/* A rule or a nemesis of a scenario, and how often it did something. */
struct report_promise {
    char *scenario, *what; /* "store/ack/reply: 2%disconnect", "kill node" */
    uint64_t runs, kept;   /* runs of the scenario; how often it fired in all of them */
    uint64_t late;         /* of these: waits that ended without what they waited for */
};
/* A fault that had so many runs to fire in, and never did. */
#define REPORT_PROMISE_RUNS 50
static inline bool report_promise_broken(const struct report_promise *promise)
{
    return promise->kept == 0 && promise->runs >= REPORT_PROMISE_RUNS;
}

struct report_failure {
    char *scenario, *path, *property, *kind; /* kind: safety, liveness, crash, nondeterminism */
    char *message, *fingerprint;
    uint64_t seed, event;
    char *tape, *story, *trace,
        *shrunk;                    /* paths relative to the run directory; NULL if not there */
    uint64_t faults, shrunk_faults; /* of `shrunk`: how much went wrong before, and in it */
    char *replay;                   /* one shell line that works from the repository's root */
};

struct suite {
    char *dir;            /* run directory */
    uint64_t seed;        /* of the suite; run i has seed_of(seed, i) */
    char *options;        /* the command line, as one shell line */
    enum outcome outcome; /* of the suite, canary considered */
    bool empty, interrupted;
    bool strict_faults; /* a promised fault that never fired makes it fail */
    uint64_t runs, events, verified;
    int64_t sim_ns, wall_ns;
    char fingerprint[33]; /* over the fingerprints of all runs, in run order */
    struct report_scenario *scenarios;
    size_t scenario_count;
    struct report_point *points;
    size_t point_count;
    struct report_property *properties;
    size_t property_count;
    struct report_sometimes *sometimes;
    size_t sometimes_count;
    struct report_nemesis *nemeses;
    size_t nemesis_count;
    struct report_promise *promises; /* in the order of the scenarios and their files */
    size_t promise_count;
    struct report_failure *failures;
    size_t failure_count; /* kept ones, canary excluded */
    uint64_t failed_runs, canary_runs, canary_caught;
};

/* A view written to a file (or stdout when path is "-"). 0 or -errno. Reporters write to `out`; the caller makes sure
 * that a half-written file never stands under its final name. */
struct reporter {
    const char *kind;         /* "json", "junit" */
    const char *default_path; /* within the run directory: "run.json", "junit.xml" */
    const char *about;
    int (*write)(const struct suite *suite, FILE *out);
};
#define REPORTER(ident, ...)                                                                       \
    static const struct reporter reporter_##ident = {.kind = #ident, __VA_ARGS__};                 \
    static const struct reporter *const reporter_ref_##ident POINT_SECTION("duress_reporters") =   \
        &reporter_##ident
size_t reporters_count(void);
const struct reporter *reporters_get(size_t index); /* sorted by kind */
const struct reporter *reporters_find(const char *kind);

/* The terminal, while a suite runs. Defined by reports/. */
struct progress {
    uint64_t runs, events, failures, verified;
    int64_t sim_ns, wall_ns;
    int64_t left_ns;       /* -1: not known */
    uint64_t runs_planned; /* 0: by time */
    const char *scenario;  /* one that is running */
};
struct terminal;
struct terminal *terminal_new(FILE *out); /* looks at isatty, NO_COLOR, width */
void terminal_free(struct terminal *terminal);
void terminal_progress(struct terminal *terminal,
                       const struct progress *progress); /* cheap; limits itself */
void terminal_failure(struct terminal *terminal,
                      const struct report_failure *failure); /* as it happens */
void terminal_summary(struct terminal *terminal, const struct suite *suite);

/* The story of one failed run, in words: the options that were drawn, the faults, the events that matter (those of the
 * same keys, nodes and phases as the failure), the verdict, the replay line. Defined by reports/. */
void story_write(const struct run *run, const struct scenario *scenario,
                 const struct report_failure *failure, FILE *out);

/* Reads DIR/run.json back. NULL with a message. */
struct suite *suite_read(const char *dir, char *why, size_t why_size);
void suite_free(struct suite *suite);
void report_property_done(struct report_property *property); /* what it owns */

#endif
