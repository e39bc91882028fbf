/* prop.h: property tests. A property is a function that draws values, does something with them, and asserts what must
 * hold for all of them. It is run with many cases; the first one that fails is shrunk to a minimal one, which is
 * printed with the line that reproduces it.
 *
 *     PROPERTY(list, reverse_twice_is_identity)
 *     {
 *         struct ints list = prop_ints("list", 0, 20, -100, 100);
 *         ...
 *         prop_assert(same, "differs at %zu", i);
 *     }
 *
 * One PROPERTY is one Criterion test of its test program, and `duress run property:SUITE/NAME` runs it too. What it
 * may draw is in gen.h; models of stateful systems are in model.h; PROPERTY-TESTS.md is the tutorial.
 *
 * The body may be left in mid-sentence: by a failed assertion, a false assumption, or because the case became too
 * large. Whatever is not freed by the arena of the case must be given to prop_defer().
 */
#ifndef PROPERTIES_PROP_H
#define PROPERTIES_PROP_H

#include "harness/point.h"
#include "properties/gen.h"

#include <stdio.h>

/* What may be wrong with a property test itself. X(ENUM, words) */
#define HEALTHS(X)                                                                                 \
    X(MANY_DISCARDS, "too many discards")                                                          \
    X(SLOW, "too slow")                                                                            \
    X(LARGE, "data too large")                                                                     \
    X(FLAKY, "flaky")                                                                              \
    X(FAULT_NEVER_FIRED, "fault never fired")                                                      \
    X(NEVER_SWITCHED, "schedule never switched")                                                   \
    X(UNCOVERED, "label not covered")

enum health {
#define X(e, words) HEALTH_##e,
    HEALTHS(X)
#undef X
        HEALTH_COUNT
};
/* .ignore = PROP_IGNORE(SLOW) | PROP_IGNORE(LARGE) */
#define PROP_IGNORE(e) (1u << HEALTH_##e)

/* A property test. Zero means: the usual. */
struct prop {
    const char *suite, *name, *file;
    int line;
    void (*body)(void);
    uint64_t runs; /* cases; 0: DURESS_RUNS or 100 */
    bool
        isolate; /* each case in a child of its own, which may crash, exit, or loop forever; without, that is
                       * done only when something has crashed */
    int64_t limit_ns; /* isolate: CPU time of one case; 0: 2 s */
    unsigned ignore;  /* health checks, PROP_IGNORE(...) */
};

/* PROPERTY(suite, name, .runs = 500, .isolate = true) { ... } */
#define PROPERTY(suite_, name_, ...)                                                               \
    static void prop_body_##suite_##_##name_(void);                                                \
    static const struct prop prop_##suite_##_##name_ = {.suite = #suite_,                          \
                                                        .name = #name_,                            \
                                                        .file = __FILE__,                          \
                                                        .line = __LINE__,                          \
                                                        .body = prop_body_##suite_##_##name_,      \
                                                        __VA_ARGS__};                              \
    static const struct prop *const prop_ref_##suite_##_##name_ POINT_SECTION("duress_props") =    \
        &prop_##suite_##_##name_;                                                                  \
    PROPERTY_TEST(suite_, name_)                                                                   \
    static void prop_body_##suite_##_##name_(void)

/* Test programs have a Criterion test for each property. */
#ifdef PROPERTY_CRITERION
#include <criterion/criterion.h>
#define PROPERTY_TEST(suite_, name_)                                                               \
    Test(suite_, name_)                                                                            \
    {                                                                                              \
        char *report = prop_test(&prop_##suite_##_##name_);                                        \
        cr_assert_null(report, "%s", report);                                                      \
    }
#else
#define PROPERTY_TEST(suite_, name_)
#endif

/* Runs it as the environment says: DURESS_SEED, DURESS_RUNS, DURESS_CASE (replays one case), DURESS_PROPERTIES (where
 * failures are kept; default build/properties), DURESS_VERBOSE. NULL: it held; else the report (never freed: the test
 * program ends with it). */
char *prop_test(const struct prop *prop);

/* ---- in a body: values, drawn and told by name in the report ---- */

int64_t prop_int(const char *name, int64_t lo, int64_t hi);
uint64_t prop_unsigned(const char *name, uint64_t lo, uint64_t hi);
double prop_real(const char *name, const struct gen_reals *of);
bool prop_bool(const char *name);
int64_t prop_duration(const char *name, int64_t lo, int64_t hi);
/* An enumeration: the number of one of the words; they end with NULL. */
size_t prop_word(const char *name, const char *const *words);
struct ints prop_ints(const char *name, size_t min, size_t max, int64_t lo, int64_t hi);
struct ints prop_unique(const char *name, size_t min, size_t max, int64_t lo, int64_t hi);
struct ints prop_permutation(const char *name, size_t count);
struct bytes prop_bytes(const char *name, size_t min, size_t max);
char *prop_text(const char *name, const struct alphabet *of, size_t min, size_t max);
struct gen_entries prop_map(const char *name, size_t min, size_t max, int64_t lo, int64_t hi);

/* For draws of gen.h, which say nothing by themselves; and their name and value in the report. printf. */
struct gen *prop_gen(void);
void prop_show(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Zeroed memory that ends with the case; fn(arg) when the case ends, however. */
void *prop_alloc(size_t size);
void prop_defer(void (*fn)(void *arg), void *arg);

/* ---- in a body: verdicts ---- */

/* Without the condition the case does not count. */
void prop_assume(bool condition);
/* prop_assert(a == b); prop_assert(a == b, "after %d steps", n); */
#define prop_assert(condition, ...)                                                                \
    ((condition) ? (void)0 : prop_broken(__FILE__, __LINE__, #condition, " " __VA_ARGS__))
#define prop_fail(...) prop_broken(__FILE__, __LINE__, NULL, " " __VA_ARGS__)
/* Two failures are the same if they come from the same place, whatever they say. */
_Noreturn void prop_broken(const char *file, int line, const char *condition, const char *format,
                           ...) __attribute__((format(printf, 4, 5)));

/* ---- in a body: what the cases are like ---- */

/* Told with the minimal case only. printf. */
void prop_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How many cases carry a label is told with DURESS_VERBOSE=1 and by `duress run`. printf. */
void prop_label(const char *format, ...) __attribute__((format(printf, 1, 2)));
void prop_classify(bool condition, const char *label);
/* The same, and it is a failure when (clearly, beyond chance) fewer than `percent` of the cases are like that. */
void prop_cover(unsigned percent, bool condition, const char *label);
/* Half of the cases are spent on making this value as large as possible. One per case. */
void prop_target(double value, const char *label);

/* ---- in a body: faults, and fibers whose schedule is drawn ---- */

/* Does this fault happen here, now? Simplest: no. Which hits of a name fail is drawn as a list of their numbers, so
 * that a fault can be left out without moving the others. */
bool prop_fault(const char *name);

/* Makes a fiber, which prop_join() runs. `name` stays where it is. */
void prop_spawn(const char *name, void (*fn)(void *arg), void *arg);
/* Runs all fibers to their end, one at a time. Who runs is drawn; simplest: whoever runs goes on until it ends or
 * waits. Fails when all that are left wait. */
void prop_join(void);
/* In a fiber: another one may go on here. Elsewhere: nothing. */
void prop_yield(void);
/* In a fiber: waits until ready(arg); `what` says for what. Elsewhere: asserts that it is. */
void prop_await(bool (*ready)(void *arg), void *arg, const char *what);

#endif
