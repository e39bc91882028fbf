/* Fault terms, patterns, rules, faults and durations. Every text is tried as each of them: what one
 * of them takes, it prints and takes again, and means the same. */
#include "harness/test/fuzz/fuzz.h"
#include "harness/trace/trace.h"
#include "nemesis/pattern.h"
#include "nemesis/rules.h"

POINT_ABOUT("fuzz/cage/open", "for the fuzzer of fault terms");

static struct point_site nowhere;

int fuzz_term_hit(uint64_t visitor);
int fuzz_term_hit(uint64_t visitor)
{
    return FAULT(&nowhere, "fuzz/cage/open", CAN_NET | CAN_ERROR, T_U64("visitor", visitor));
}

static void check_error(const struct term_error *error, const char *text)
{
    FUZZ_REQUIRE(error->offset <= strlen(text), text);
    FUZZ_REQUIRE(*error->why, text);
}

/* ---- terms ---- */

/* Large enough for all that fits into a term. Heap. */
static char *printed(const struct term *term, size_t length)
{
    size_t size = 16 * length + 4096;
    char *out = malloc(size);
    if (!out)
        abort();
    term_print(term, out, size);
    FUZZ_REQUIRE(strlen(out) + 1 < size, out);
    return out;
}

/* The first hits of two keys, as a number. */
static uint64_t decisions(const struct term *term)
{
    struct term_state *state = term_state_new(term);
    struct tape *tape = tape_new(42);
    uint64_t sum = 0;
    for (uint64_t n = 0; n < 24; n++) {
        struct choice choice = {.stream = STREAM_FAULT,
                                .name = "fuzz/cage/open",
                                .node = (uint32_t)(n % 3),
                                .key = n % 2,
                                .ordinal = n + 1};
        struct term_verdict verdict = term_eval(term, state, tape, &choice, UINT32_MAX, 0);
        FUZZ_REQUIRE(verdict.taken || verdict.fault.kind == FAULT_NONE, "a hit that none took");
        sum = sum * 31 + (uint64_t)verdict.taken * 10 + (uint64_t)verdict.fault.kind;
    }
    term_state_free(state);
    tape_free(tape);
    return sum;
}

static void try_term(const char *text)
{
    struct term_error error = {0};
    struct term *term = term_parse(text, &error);
    if (!term) {
        check_error(&error, text);
        return;
    }
    char *once = printed(term, strlen(text));
    struct term *again = term_parse(once, &error);
    FUZZ_REQUIRE(again, once);
    char *twice = printed(again, strlen(once));
    FUZZ_REQUIRE(strcmp(once, twice) == 0, once);
    FUZZ_REQUIRE(term_kinds(term) == term_kinds(again), once);
    FUZZ_REQUIRE(decisions(term) == decisions(again), once);
    free(once);
    free(twice);
    term_free(term);
    term_free(again);
}

/* ---- patterns and rules ---- */

static void try_pattern(const char *text)
{
    const struct point_field fields[] = {T_U64("visitor", 7), T_I64("depth", -3),
                                         T_STR("name", "Bob")};
    struct term_error error = {0};
    struct pattern *pattern = pattern_parse(text, &error);
    if (!pattern) {
        check_error(&error, text);
        return;
    }
    pattern_matches_fields(pattern, fields, 3);
    bool matches = false;
    for (size_t id = 0; id < registry_count(); id++)
        matches |= pattern_matches_name(pattern, registry_get(id)->name);
    if (!matches) {
        pattern_explain(pattern, &error);
        check_error(&error, text);
    }
    pattern_free(pattern);
}

static void try_rule(const char *text)
{
    const char *term;
    struct term_error error = {0};
    size_t length = rule_split(text, &term);
    if (length == 0)
        return;
    FUZZ_REQUIRE(length < strlen(text) && term <= text + strlen(text), text);
    char *pattern = fuzz_text((const uint8_t *)text, length);
    struct rules *rules = rules_new();
    if (rules_add(rules, pattern, term, &error) != 0)
        check_error(&error, error.in_pattern ? pattern : term);
    rules_free(rules);
    free(pattern);
}

/* ---- words ---- */

static void try_fault(const char *text)
{
    struct fault fault, again;
    const char *why = NULL;
    char once[128], twice[128];
    size_t at = 0, length = fault_parse_at(text, &fault, &why, &at);
    if (length == 0) {
        FUZZ_REQUIRE(why && *why && at <= strlen(text), text);
        return;
    }
    FUZZ_REQUIRE(length <= strlen(text), text);
    fault_print(&fault, once, sizeof once);
    FUZZ_REQUIRE(fault_parse(once, &again, &why) == strlen(once), once);
    FUZZ_REQUIRE(fault.kind == again.kind && fault.err == again.err, once);
    FUZZ_REQUIRE(fault.lo_ns == again.lo_ns && fault.hi_ns == again.hi_ns, once);
    FUZZ_REQUIRE(strcmp(once, fault_print(&again, twice, sizeof twice)) == 0, once);
}

static void try_duration(const char *text)
{
    int64_t ns, again = -1;
    char out[64];
    size_t length = duration_parse(text, &ns);
    if (length == 0)
        return;
    FUZZ_REQUIRE(length <= strlen(text) && ns >= 0, text);
    duration_print(ns, out, sizeof out);
    FUZZ_REQUIRE(duration_parse(out, &again) == strlen(out) && again == ns, out);
}

FUZZ_TARGET(term)
{
    registry_init();
    char *text = fuzz_text(data, size);
    try_term(text);
    try_pattern(text);
    try_rule(text);
    try_fault(text);
    try_duration(text);
    free(text);
}
