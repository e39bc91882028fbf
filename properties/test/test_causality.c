/* Causes and effects, spans and how deep they overlap. Places count events from 0. */
#include "views.h"

static struct text_trace text;

static uint64_t one_more(const struct event *event)
{
    return event_u64(event, "v") + 1;
}

static const struct causality same = {FOO, BAR};
static const struct causality next = {{.point = "view/foo/at", .key = one_more}, BAR};
static const struct causality only_owo = {
    {.point = "view/foo/at", .field = "v", .is = "owo", .by = {"v"}},
    {.point = "view/bar/at", .field = "v", .is = "owo", .by = {"v"}}};
static const struct causality both = {{.point = "view/**", .by = {"v"}}, BAR};

/* "0-4 1-" are pairs of places; "-1" is an effect without a cause. */
static const char *pairs_said(struct view view, const struct causality *causality)
{
    static char out[200];
    struct findings found = {0};
    size_t count, used = 0;
    struct pair *pairs = view_pairs(view, causality, &count, &found);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(out + used, sizeof out - used, "%s", i ? " " : "");
        if (pairs[i].cause != NOWHERE)
            used += (size_t)snprintf(out + used, sizeof out - used, "%d", (int)pairs[i].cause);
        used += (size_t)snprintf(out + used, sizeof out - used, "-");
        if (pairs[i].effect != NOWHERE)
            used += (size_t)snprintf(out + used, sizeof out - used, "%d", (int)pairs[i].effect);
    }
    free(pairs);
    findings_done(&found);
    return out;
}

static const struct {
    const struct causality *causality;
    const char *trace, *pairs;
    enum judgement weak, strict;
} cases[] = {
    {&same, "", "", JUDGED_VACUOUS, JUDGED_VACUOUS},
    {&same, "quux=1 quux=2", "", JUDGED_VACUOUS, JUDGED_VACUOUS},
    {&same, "foo=1 foo=owo quux bar=owo bar=1 quux", "0-4 1-3", JUDGED_HOLDS, JUDGED_HOLDS},
    {&same, "foo=1 foo=2 quux bar=2 bar=1", "0-4 1-3", JUDGED_HOLDS, JUDGED_HOLDS},
    {&same, "foo=1 foo=2 quux bar=2", "0- 1-3", JUDGED_HOLDS, JUDGED_FAILS},
    {&same, "foo=1 foo=2 bar=2 foo=owo bar=owo", "0- 1-2 3-4", JUDGED_HOLDS, JUDGED_FAILS},
    {&same, "foo=1 quux", "0-", JUDGED_HOLDS, JUDGED_FAILS},
    {&same, "foo=1 bar=owo quux foo=owo bar=1", "0-4 -1 3-", JUDGED_FAILS, JUDGED_FAILS},
    {&same, "foo=1 bar=owo foo=owo foo=2 quux bar=2 bar=44", "0- -1 2- 3-5 -6", JUDGED_FAILS,
     JUDGED_FAILS},
    {&same, "bar=1", "-0", JUDGED_FAILS, JUDGED_FAILS},
    /* One effect for one cause, the oldest first. */
    {&same, "foo=1 foo=1 bar=1 bar=1 bar=1", "0-2 1-3 -4", JUDGED_FAILS, JUDGED_FAILS},
    {&same, "foo=1 bar=1 bar=1 foo=1", "0-1 -2 3-", JUDGED_FAILS, JUDGED_FAILS},
    /* Keys that are functions of the events. */
    {&next, "foo=1", "0-", JUDGED_HOLDS, JUDGED_FAILS},
    {&next, "foo=1 bar=2", "0-1", JUDGED_HOLDS, JUDGED_HOLDS},
    {&next, "foo=3 bar=1", "0- -1", JUDGED_FAILS, JUDGED_FAILS},
    {&next, "foo=1 quux foo=2 bar=2 bar=3", "0-3 2-4", JUDGED_HOLDS, JUDGED_HOLDS},
    {&next, "foo=1 foo=2 quux bar=3", "0- 1-3", JUDGED_HOLDS, JUDGED_FAILS},
    {&only_owo, "foo=1 foo=owo quux bar=owo bar=1", "1-3", JUDGED_HOLDS, JUDGED_HOLDS},
    /* What could be either is a cause. */
    {&both, "foo=1 bar=1", "0- 1-", JUDGED_HOLDS, JUDGED_FAILS},
};

Test(causality, pairs_greedily_and_judges_weakly_or_strictly)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct view view = text_view(&text, cases[i].trace);
        const char *pairs = pairs_said(view, cases[i].causality);
        cr_expect_str_eq(pairs, cases[i].pairs, "case %zu: %s", i, pairs);
        struct findings found = {0};
        check_causality(view, cases[i].causality, &found);
        cr_expect_eq(findings_judge(&found, CAUSALITY), cases[i].weak, "case %zu", i);
        cr_expect_eq(findings_judge(&found, STRICT_CAUSALITY), cases[i].strict, "case %zu", i);
        findings_done(&found);
    }
}

Test(causality, lists_the_lost_and_the_unexpected)
{
    struct findings found = {0};
    check_causality(text_view(&text, "foo=1 bar=7 foo=2 foo=3 bar=2 bar=8"), &same, &found);
    cr_expect_str_eq(said(&found), "2 lost (1, 3), 2 unexpected (7, 8)");
    findings_done(&found);
}

Test(causality, does_not_pair_what_lacks_the_key)
{
    struct findings found = {0};
    check_causality(text_view(&text, "foo bar"), &same, &found);
    cr_expect_str_eq(said(&found), "2 without the field (0, 1)");
    cr_expect_eq(findings_judge(&found, CAUSALITY), JUDGED_FAILS);
    findings_done(&found);
}

/* ---- leads to ---- */

static const struct leads_to answered = {
    .cause = {.point = "view/foo/at", .by = {"v"}, .scope = {"@node"}},
    .effect = BAR,
    .excuse = {.point = "view/gone/at", .by = {"@node"}},
    .within_ns = INT64_C(2000000000),
};

Test(leads_to, has_a_time_limit_an_end_and_excuses)
{
    const struct {
        const char *trace, *found;
        enum judgement judgement;
    } tests[] = {
        {"", "", JUDGED_VACUOUS},
        {"@1 bar=1", "", JUDGED_VACUOUS},
        {"@1 foo=1 @3 bar=1", "", JUDGED_HOLDS},
        {"@1 foo=1 @3.5 bar=1", "1 late (1)", JUDGED_FAILS},
        {"@1 foo=1 @9 quux", "1 lost (1)", JUDGED_FAILS},
        {"@1 foo=1 @2 quux", "1 pending (1)", JUDGED_VACUOUS},
        {"@1 foo=1 @2 foo=1 @3 bar=1 @9 quux", "", JUDGED_HOLDS},
        {"@1 foo=1 @2 bar=1 foo=1 @9 quux", "1 lost (1)", JUDGED_FAILS},
        {"n1 @1 foo=1 n2 foo=2 n1 gone @9 quux", "1 lost (2)", JUDGED_FAILS},
        {"n1 @1 foo=1 gone @9 quux", "", JUDGED_VACUOUS},
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        struct findings found = {0};
        check_leads_to(text_view(&text, tests[i].trace), &answered, &found);
        cr_expect_str_eq(said(&found), tests[i].found, "case %zu: %s", i, said(&found));
        cr_expect_eq(findings_judge(&found, KIND(LATE) | KIND(LOST)), tests[i].judgement,
                     "case %zu", i);
        findings_done(&found);
    }
}

/* ---- spans ---- */

static const struct span_kind kind = {
    .start = {.point = "view/foo/at", .by = {"v"}, .group = {"@node"}, .scope = {"@node"}},
    .end = {BAR},
    .failure = {{.point = "view/fail/at", .by = {"v"}}},
    .gone = {{.point = "view/gone/at", .by = {"@node"}}},
};

Test(spans, end_well_or_by_failure_or_with_their_node_or_not_at_all)
{
    struct findings found = {0};
    size_t count;
    struct span *spans =
        view_spans(text_view(&text, "n1 foo=1 foo=2 n2 foo=3 foo=4 bar=1 fail=4 n1 gone bar=9"),
                   &kind, &count, &found);
    const enum span_end ends[] = {SPAN_ENDED, SPAN_GONE, SPAN_OPEN, SPAN_FAILED};
    const uint64_t to[] = {4, 6, NOWHERE, 5};
    cr_assert_eq(count, 4);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(spans[i].from, i);
        cr_expect_eq(spans[i].to, to[i]);
        cr_expect_eq(spans[i].end, ends[i]);
    }
    cr_expect_str_eq(said(&found), "1 unexpected (9), 1 incomplete (3), 2 broken off (4, 2)");
    cr_expect_eq(findings_judge(&found, KIND(LOST)), JUDGED_HOLDS);
    cr_expect_eq(findings_judge(&found, KIND(BROKEN_OFF)), JUDGED_FAILS);
    cr_expect_eq(findings_judge(&found, KIND(INCOMPLETE)), JUDGED_FAILS);
    free(spans);
    findings_done(&found);
}

Test(spans, nest)
{
    struct findings found = {0};
    size_t count;
    struct span *spans =
        view_spans(text_view(&text, "n1 foo=1 foo=2 bar=2 fail=1"), &kind, &count, &found);
    cr_assert_eq(count, 2);
    cr_expect(spans[0].from == 0 && spans[0].to == 3 && spans[0].end == SPAN_FAILED);
    cr_expect(spans[1].from == 1 && spans[1].to == 2 && spans[1].end == SPAN_ENDED);
    cr_expect_eq(spans_depth(spans, count), 2);
    free(spans);
    findings_done(&found);
}

/* ---- depth ---- */

#define P(from, to)                                                                                \
    {                                                                                              \
        0, 0, 2 * (from), 2 * (to), SPAN_ENDED                                                     \
    }
#define S(from)                                                                                    \
    {                                                                                              \
        0, NOWHERE, 2 * (from), INT64_MAX, SPAN_OPEN                                               \
    }

Test(depth, counts_what_is_open_at_one_time)
{
    const struct {
        uint64_t depth;
        size_t count;
        struct span spans[5];
    } tests[] = {
        {0, 0, {{0}}},
        {1, 1, {P(1, 1)}},
        {1, 1, {P(0, 1)}},
        {1, 2, {P(0, 1), P(1, 2)}},
        {1, 3, {S(4), P(0, 1), P(2, 3)}},
        {2, 3, {S(0), P(0, 1), P(2, 3)}},
        {2, 3, {P(0, 3), P(1, 2), P(2, 3)}},
        {3, 3, {P(0, 3), P(1, 3), P(2, 2)}},
        {5, 5, {P(0, 3), S(1), P(1, 3), S(2), P(2, 2)}},
        {2, 2, {P(0, 2), P(1, 3)}},
        {3, 3, {P(0, 2), P(1, 3), {0, 0, 3, 5, SPAN_ENDED}}},
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        cr_expect_eq(spans_depth(tests[i].spans, tests[i].count), tests[i].depth, "case %zu", i);
}

Test(depth, has_a_limit_for_each_group)
{
    struct findings found = {0};
    struct span_kind limited = kind;
    struct view view =
        text_view(&text, "n1 foo=1,1 n2 foo=2,2 n1 foo=3,1 bar=1 foo=4,1 n2 foo=5,2 gone foo=6,2");
    check_depth(view, &kind, 1, &found);
    cr_expect_str_eq(said(&found), "3 too deep (3, 4, 5)");
    cr_expect_eq(found.list[0].amount, 2);
    cr_expect_eq(findings_judge(&found, KIND(TOO_DEEP)), JUDGED_FAILS);
    findings_done(&found);
    limited.start.value = "w";
    check_depth(view, &limited, 0, &found);
    cr_expect_str_eq(said(&found), "2 too deep (3, 4)");
    findings_done(&found);
    check_depth(view, &kind, 2, &found);
    cr_expect_eq(findings_judge(&found, KIND(TOO_DEEP)), JUDGED_HOLDS);
    findings_done(&found);
}
