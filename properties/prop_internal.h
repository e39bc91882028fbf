/* prop_internal.h: what the parts of the property tests share. Private to prop*.c, fibers.c, model*.c.
 *
 *     prop.c       the body's side: draws, verdicts, notes
 *     prop_case.c  executes one case, in this process or in a child
 *     prop_run.c   many cases, health, shrinking, the report
 */
#ifndef PROPERTIES_PROP_INTERNAL_H
#define PROPERTIES_PROP_INTERNAL_H

#include "harness/sequence/shrink.h"
#include "properties/prop.h"

#include <setjmp.h>

enum {
    CHOICES_MAX = 8192, /* of one case; more are "too large" */
    LABELS_MAX = 24,    /* of one case */
    LABEL_SIZE = 56,
    SHOWN_SIZE = 32768,
};

/* ---- one case ---- */

enum verdict_of_case { CASE_HELD, CASE_DISCARDED, CASE_TOO_LARGE, CASE_FAILED };

struct case_label {
    char text[LABEL_SIZE];
    unsigned percent_min; /* 0: not required */
    bool hit;
};

/* What is known of a case when it is over, even if its process is. Plain data: it may lie in shared memory. */
struct outcome {
    enum verdict_of_case verdict;
    bool has_target;
    double target;
    const char *target_label;
    uint32_t fault_hits, faults, yields, switches;
    size_t label_count;
    struct case_label labels[LABELS_MAX];
    char place[200];   /* where it failed: equal places, equal failures */
    char message[640]; /* what failed, with the place in it */
    size_t shown_length;
    char shown[SHOWN_SIZE]; /* values and notes, a line each; only of a case that is told */
};

struct prop_case {
    struct gen gen; /* first: the hook of draws casts back */
    const struct prop *prop;
    struct arena arena;
    struct outcome *outcome;
    bool telling, leaving;
    jmp_buf exit; /* out of the body, on the main stack */
    struct fault_list *faults;
    struct schedule *schedule;
    struct machine_run *machine;
    struct concurrent *concurrent;              /* whose history is being judged */
    void (*synced)(struct prop_case *executed); /* may be NULL: after each draw */
};

/* The case whose body runs; asserts that there is one. */
struct prop_case *prop_current(void);
struct prop_case *prop_current_set(struct prop_case *executed); /* returns the one before */
/* Ends the case from wherever its body is. */
_Noreturn void case_leave(struct prop_case *executed, enum verdict_of_case verdict);
_Noreturn void case_fail(struct prop_case *executed, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A line of its own, if the case is told. */
void case_tell(struct prop_case *executed, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Labels of the spans of a fault and of a switch: "more?", and its number. */
#define MARK_FAULT  "fault"
#define MARK_SWITCH "switch"
/* ... and of a step of a machine. */
#define MARK_STEP "step"

/* fibers.c: back to the main stack, if this is a fiber's; the main stack then leaves. */
void schedule_escape(struct schedule *schedule);

/* How one case is executed. */
struct executor {
    const struct prop *prop;
    struct outcome *outcome; /* of the last case */
    struct shared *shared;   /* memory shared with children; NULL: no isolation */
    int noise;               /* where children write stdout and stderr */
};
void executor_init(struct executor *executor, const struct prop *prop);
void executor_done(struct executor *executor);
/* `sequence` holds what was drawn afterwards. telling: keep values and notes. */
enum verdict_of_case executor_run(struct executor *executor, struct sequence *sequence,
                                  bool telling);

/* ---- a case as text: "1:COUNT:V,V,V" ---- */

struct case_values {
    int64_t *items;
    size_t count;
};
char *case_text(const int64_t *values, size_t count); /* heap */
/* 0, or -EINVAL with the reason in `why`. */
int case_parse(const char *text, struct case_values *ret_values, char *why, size_t why_size);
void case_values_done(struct case_values *values);
struct case_values case_values_of(const struct sequence *sequence);

/* ---- known failures (prop_database.c): one file per property in a directory ---- */

struct known_cases {
    char **items; /* case texts, the newest first */
    size_t count;
};
/* Damaged lines are told on `complaints` and skipped. */
void database_read(const char *dir, const struct prop *prop, struct known_cases *ret_known,
                   FILE *complaints);
/* The whole file anew, atomically; without cases it is removed. Failures are told. */
void database_write(const char *dir, const struct prop *prop, const struct known_cases *known,
                    FILE *complaints);
void known_cases_put_first(struct known_cases *known, const char *text);
void known_cases_remove(struct known_cases *known, size_t index);
void known_cases_done(struct known_cases *known);

/* ---- many cases ---- */

struct prop_config {
    uint64_t seed;
    uint64_t runs;              /* 0: the property's, or 100 */
    int64_t time_ns;            /* 0: no limit; else new cases begin until then */
    const char *database;       /* NULL: none */
    const char *case_text;      /* not NULL: replay this one, nothing else */
    uint64_t shrink_executions; /* 0: 20,000 */
    int64_t shrink_ns;          /* 0: 30 s */
    FILE *screen;               /* the first failure, at once; NULL: none */
    /* The line that reproduces a case, without newline. */
    void (*replay_line)(FILE *out, const struct prop *prop, const char *case_text,
                        const struct prop_config *config);
    const char *program;
};

enum prop_verdict { PROP_HELD, PROP_FAILED, PROP_UNHEALTHY, PROP_BAD_CASE };

struct prop_label_count {
    char text[LABEL_SIZE];
    unsigned percent_min;
    uint64_t hits;
};

struct prop_result {
    enum prop_verdict verdict;
    enum health health;                                  /* PROP_UNHEALTHY */
    uint64_t seed, cases, discarded, too_large, choices; /* cases: those that counted */
    uint64_t fault_hits, faults, yields, switches;
    struct prop_label_count *labels;
    size_t label_count;
    double target;
    const char *target_label;
    unsigned reproduced; /* of REPRODUCE_TIMES */
    struct shrink_stats shrink;
    char *failing_case; /* text of the minimal one */
    char *place;
    char *report; /* not NULL unless it held */
};
enum { REPRODUCE_TIMES = 10 };

struct prop_result prop_run(const struct prop *prop, const struct prop_config *config);
void prop_result_done(struct prop_result *result);
/* Runs it and writes what is to be told; returns a code, at most PROP_TOLD_MAX. */
typedef int prop_tell(const struct prop *prop, const struct prop_config *config, FILE *out);
enum { PROP_TOLD_MAX = 9 };
/* Calls it in a child, and if that dies, anew with .isolate. Returns its code. */
int prop_guarded(const struct prop *prop, const struct prop_config *config, prop_tell *tell,
                 FILE *out);
/* "34 % long list, ..." and what else is known of the cases, in lines. */
void prop_print_statistics(const struct prop_result *result, FILE *out);

/* DURESS_PROPERTIES, or build/properties. */
const char *prop_database_dir(void);
const char *health_words(enum health health);

#endif
