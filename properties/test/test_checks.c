/* Predicates on events, and what belongs to views: filters, cuts, projections. Places count events from 0. */
#include "harness/test/recorder.h"
#include "views.h"

static struct text_trace text;

#define EXPECT(found, what, failing, judgement)                                                    \
    do {                                                                                           \
        cr_expect_str_eq(said(&(found)), what);                                                    \
        cr_expect_eq(findings_judge(&(found), failing), judgement);                                \
        findings_done(&(found));                                                                   \
    } while (0)

/* ---- findings ---- */

Test(findings, a_policy_decides_what_fails_and_everything_is_said)
{
    struct findings found = {.checked = 3};
    char out[200];
    findings_add(&found, (struct finding){ANOMALY_DUPLICATED, 4, 0, 0, 0});
    findings_add(&found, (struct finding){ANOMALY_LOST, 7, 0, 0, 0});
    findings_add(&found, (struct finding){ANOMALY_LOST, 9, 0, 0, 0});
    cr_expect_eq(findings_judge(&found, KIND(LOST)), JUDGED_FAILS);
    cr_expect_eq(findings_judge(&found, KIND(DUPLICATED)), JUDGED_FAILS);
    cr_expect_eq(findings_judge(&found, KIND(LATE)), JUDGED_HOLDS);
    cr_expect_str_eq(findings_print(&found, KIND(LOST), out, sizeof out),
                     "2 lost (7, 9); also 1 duplicated (4)");
    cr_expect_str_eq(findings_print(&found, KIND(LATE), out, sizeof out),
                     "2 lost (7, 9), 1 duplicated (4)");
    cr_expect_eq(findings_count(&found, KIND_ANY), 3);
    cr_expect_eq(findings_first(&found, KINDS_LOST)->subject, 7);
    cr_expect_null(findings_first(&found, KIND(LATE)));
    findings_done(&found);
}

Test(findings, nothing_checked_and_not_decided_are_answers_of_their_own)
{
    struct findings found = {0};
    cr_expect_eq(findings_judge(&found, KIND_ANY), JUDGED_VACUOUS);
    findings_add(&found, (struct finding){.kind = ANOMALY_UNDECIDED});
    cr_expect_eq(findings_judge(&found, KIND(LOST)), JUDGED_UNKNOWN);
    findings_add(&found, (struct finding){.kind = ANOMALY_LOST});
    cr_expect_eq(findings_judge(&found, KIND(LOST)), JUDGED_FAILS);
    findings_done(&found);
}

Test(findings, long_lists_are_cut_and_a_short_buffer_too)
{
    struct findings found = {0};
    char out[200], tiny[8];
    for (uint64_t i = 1; i <= 12; i++)
        findings_add(&found, (struct finding){ANOMALY_LATE, i, 0, 0, 0});
    cr_expect_str_eq(findings_print(&found, KIND_ANY, out, sizeof out),
                     "12 late (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...)");
    cr_expect_str_eq(findings_print(&found, KIND_ANY, tiny, sizeof tiny), "12 late");
    findings_done(&found);
}

/* ---- views ---- */

static const char *names(struct view view)
{
    static char out[256];
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < view.count; i++)
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%s%.*s", i ? " " : "",
                                 view.events[i]->count ? "" : "!", 3,
                                 view.events[i]->point->name + strlen("view/"));
    return out;
}

Test(view, filters_by_kinds_fields_nodes_and_conditions)
{
    struct view view = text_view(&text, "n1 foo=1 n2 foo=owo bar=1 n1 quux=2");
    const struct match kinds[] = {{.point = "view/bar/at"}, {.point = "view/quux/**"}};
    const struct {
        struct match match;
        const char *names;
    } cases[] = {
        {{.point = "view/foo/at"}, "foo foo"},
        {{.point = "view/foo/at", .field = "v", .is = "owo"}, "foo"},
        {{.point = "view/**", .field = "v", .is = "1"}, "foo bar"},
        {{.point = "view/foo"}, ""},
        {{.field = "@node", .is = "2"}, "foo bar"},
        {{.field = "nothing", .is = "2"}, ""},
        {{0}, "foo foo bar quu"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct view found = view_matching(view, &cases[i].match, 1);
        cr_expect_str_eq(names(found), cases[i].names, "case %zu: %s", i, names(found));
        view_done(&found);
    }
    struct view found = view_matching(view, kinds, 2);
    cr_expect_str_eq(names(found), "bar quu");
    view_done(&found);
}

static void expect_pieces(enum cut cut, const char *trace, const char *const *pieces)
{
    size_t count, i;
    struct view *found =
        view_pieces(text_view(&text, trace), &(struct match){.point = "view/bar/at"}, cut, &count);
    for (i = 0; i < count && pieces[i]; i++)
        cr_expect_str_eq(names(found[i]), pieces[i], "%s, piece %zu: %s", trace, i,
                         names(found[i]));
    cr_expect(i == count && !pieces[i], "%s: %zu pieces", trace, count);
    free(found);
}

Test(view, is_cut_after_each_event_that_fits)
{
    expect_pieces(CUT_AFTER, "", (const char *[]){NULL});
    expect_pieces(CUT_AFTER, "foo=1", (const char *[]){"foo", NULL});
    expect_pieces(CUT_AFTER, "foo=1 foo=2 bar=1 foo=1 foo=2 bar=2",
                  (const char *[]){"foo foo bar", "foo foo bar", NULL});
    expect_pieces(CUT_AFTER, "foo=1 foo=2 bar=1 foo=3 foo=4 bar=2 foo=5",
                  (const char *[]){"foo foo bar", "foo foo bar", "foo", NULL});
    expect_pieces(CUT_AFTER, "bar=1 bar=2 bar=3", (const char *[]){"bar", "bar", "bar", NULL});
}

Test(view, is_cut_before_each_event_that_fits)
{
    expect_pieces(CUT_BEFORE, "", (const char *[]){NULL});
    expect_pieces(CUT_BEFORE, "foo=1", (const char *[]){"foo", NULL});
    expect_pieces(CUT_BEFORE, "foo=1 foo=2 bar=1 foo=1 foo=2 bar=2",
                  (const char *[]){"foo foo", "bar foo foo", "bar", NULL});
    expect_pieces(CUT_BEFORE, "foo=1 foo=2 bar=1 foo=3 foo=4 bar=2 foo=5",
                  (const char *[]){"foo foo", "bar foo foo", "bar foo", NULL});
    expect_pieces(CUT_BEFORE, "bar=1 bar=2 bar=3", (const char *[]){"bar", "bar", "bar", NULL});
}

Test(view, splits_once_before_the_first_event_that_fits)
{
    struct view before, rest;
    const struct match bar = {.point = "view/bar/at"};
    view_split_at(text_view(&text, "foo=1 foo=2 bar=1 foo=3 bar=2"), &bar, &before, &rest);
    cr_expect_str_eq(names(before), "foo foo");
    cr_expect_str_eq(names(rest), "bar foo bar");
    view_split_at(text_view(&text, "foo=1 foo=2"), &bar, &before, &rest);
    cr_expect_str_eq(names(before), "foo foo");
    cr_expect_eq(rest.count, 0);
}

Test(view, projects_fields_and_keys_and_reports_events_without_them)
{
    struct findings found = {0};
    size_t count;
    struct view view = text_view(&text, "foo=1,5 foo=2,5 bar=9 foo=3");
    uint64_t *values =
        view_project(view, &(struct match){.point = "view/foo/at", .value = "v"}, &count, &found);
    cr_expect_eq(count, 3);
    cr_expect(values[0] == 1 && values[1] == 2 && values[2] == 3);
    free(values);
    uint64_t *pairs = view_project(view, &(struct match){.point = "view/foo/at", .by = {"v", "w"}},
                                   &count, &found);
    cr_expect_eq(count, 2);
    cr_expect_neq(pairs[0], pairs[1]);
    free(pairs);
    EXPECT(found, "1 without the field (3)", KIND(FIELDLESS), JUDGED_FAILS);
}

Test(view, reads_a_recorded_trace)
{
    struct recorder recorder = recorder_make(5);
    struct point_site at = {.sink = &recorder.sink, .node = 3, .actor = 4};
    for (uint64_t i = 0; i < 1000; i++) {
        TRACE(&at, "view/foo/at", T_U64("v", i));
        TRACE(&at, "view/bar/at", T_STR("v", i % 2 ? "odd" : "even"), T_I64("w", -1));
    }
    struct readout readout = readout_of(recorder.trace);
    struct view view = view_all(&readout);
    cr_assert_eq(view.count, 2000);
    cr_expect_eq(event_u64(view.events[1998], "v"), 999);
    cr_expect_str_eq(event_str(view.events[1999], "v"), "odd");
    cr_expect_eq(event_i64(view.events[1999], "w"), -1);
    cr_expect_eq(view.events[1999]->actor, 4);
    cr_expect_eq(view.events[1999]->index, 1999);
    view_done(&view);
    readout_done(&readout);
    trace_free(recorder.trace);
}

/* ---- unique ---- */

Test(unique, tells_repetitions_whoever_made_them)
{
    const struct match all = {.point = "view/**"}, foo = FOO;
    const struct match by_actor = {.point = "view/foo/at", .by = {"v", "@actor"}};
    const struct {
        const char *trace;
        const struct match *each;
        const char *found;
        enum judgement judgement;
    } cases[] = {
        {"", &all, "", JUDGED_VACUOUS},
        {"foo=1 bar=1 bar=2", &all, "", JUDGED_HOLDS},
        {"@1 foo=1 @2 bar=1 foo=1", &all, "1 duplicated (0)", JUDGED_FAILS},
        {"#1 foo=7 #2 foo=7", &foo, "1 duplicated (7)", JUDGED_FAILS},
        {"n1 foo=7 n2 foo=7", &all, "1 duplicated (0)", JUDGED_FAILS},
        {"#1 foo=7 #2 foo=7 #1 foo=8", &by_actor, "", JUDGED_HOLDS},
        {"foo=7 foo=7 foo=8 foo=7 foo=8", &foo, "3 duplicated (7, 7, 8)", JUDGED_FAILS},
        {"foo=owo foo=uwu", &foo, "", JUDGED_HOLDS},
        {"foo foo=1", &foo, "1 without the field (0)", JUDGED_HOLDS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct findings found = {0};
        check_unique(text_view(&text, cases[i].trace), cases[i].each, &found);
        EXPECT(found, cases[i].found, KIND(DUPLICATED), cases[i].judgement);
    }
}

Test(unique, says_where_the_first_was)
{
    struct findings found = {0};
    check_unique(text_view(&text, "bar=0 foo=1 foo=2 foo=1"), &(struct match)FOO, &found);
    cr_expect_eq(found.list[0].at, 3);
    cr_expect_eq(found.list[0].other, 1);
    findings_done(&found);
}

/* ---- increasing ---- */

Test(increasing, reports_every_pair_of_neighbours_that_falls)
{
    const struct match all = {.point = "view/foo/at", .value = "v"};
    const struct match per = {.point = "view/foo/at", .by = {"w"}, .value = "v"};
    const struct {
        const char *trace;
        const struct match *each;
        bool strictly;
        const char *found;
        enum judgement judgement;
    } cases[] = {
        {"", &all, true, "", JUDGED_VACUOUS},
        {"bar=1", &all, true, "", JUDGED_VACUOUS},
        {"foo=1", &all, true, "", JUDGED_HOLDS},
        {"foo=1 foo=2 foo=5 foo=6", &all, true, "", JUDGED_HOLDS},
        {"foo=1 foo=2 foo=5 foo=3", &all, true, "1 out of order (0)", JUDGED_FAILS},
        {"foo=1 foo=2 foo=2 foo=3", &all, true, "1 out of order (0)", JUDGED_FAILS},
        {"foo=1 foo=2 foo=2 foo=3", &all, false, "", JUDGED_HOLDS},
        {"foo=3 foo=2 foo=1", &all, false, "2 out of order (0, 0)", JUDGED_FAILS},
        {"foo=1,7 foo=1,8 foo=2,7 foo=2,8", &per, true, "", JUDGED_HOLDS},
        {"foo=1,7 foo=1,8 foo=2,7 foo=0,8", &per, true, "1 out of order (8)", JUDGED_FAILS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct findings found = {0};
        check_increasing(text_view(&text, cases[i].trace), cases[i].each, cases[i].strictly,
                         &found);
        EXPECT(found, cases[i].found, KIND(DISORDERED), cases[i].judgement);
    }
}

Test(increasing, knows_that_negative_numbers_are_small)
{
    const struct point_field fields[] = {T_I64("v", -5), T_I64("v", 3), T_I64("v", -4)};
    struct view view = text_view(&text, "foo=1 foo=2 foo=3");
    for (size_t i = 0; i < 3; i++)
        text.fields[i][0] = fields[i];
    struct findings found = {0};
    check_increasing(view, &(struct match){.value = "v"}, true, &found);
    cr_expect_eq(found.count, 1);
    cr_expect_eq(found.list[0].at, 2);
    cr_expect_eq(found.list[0].other, 1);
    cr_expect_eq(found.list[0].amount, -4);
    findings_done(&found);
}

/* ---- never, count, members ---- */

Test(never, reports_each_and_is_vacuous_only_without_events)
{
    const struct match bar = BAR;
    struct findings found = {0};
    check_never(text_view(&text, ""), &bar, &found);
    EXPECT(found, "", KIND(UNEXPECTED), JUDGED_VACUOUS);
    check_never(text_view(&text, "foo=1 foo=2"), &bar, &found);
    EXPECT(found, "", KIND(UNEXPECTED), JUDGED_HOLDS);
    check_never(text_view(&text, "foo=1 bar=5 bar=6"), &bar, &found);
    EXPECT(found, "2 unexpected (5, 6)", KIND(UNEXPECTED), JUDGED_FAILS);
}

Test(count, has_two_bounds)
{
    const struct match foo = FOO;
    struct findings found = {0};
    struct view view = text_view(&text, "foo=1 bar=1 foo=1 foo=2");
    cr_expect_eq(check_count(view, &foo, 3, 3, &found), 3);
    EXPECT(found, "", KIND(TOO_FEW) | KIND(TOO_MANY), JUDGED_HOLDS);
    check_count(view, &foo, 4, 9, &found);
    EXPECT(found, "1 too few (3)", KIND(TOO_FEW), JUDGED_FAILS);
    check_count(view, &foo, 0, 2, &found);
    EXPECT(found, "1 too many (3)", KIND(TOO_MANY), JUDGED_FAILS);
}

static const struct {
    const char *trace;
    uint64_t expected[5]; /* ends with 0 */
    bool complete, subset;
} members[] = {
    {"", {0}, true, true},
    {"foo=1 foo=3 foo=4", {1, 3, 4}, true, true},
    {"foo=1 foo=2 foo=2 foo=3", {1, 2, 3}, true, true},
    {"foo=1 foo=3 foo=4", {1, 3, 4, 5}, false, true},
    {"foo=1 foo=2 foo=2 foo=3", {1, 2, 3, 4}, false, true},
    {"foo=1 foo=3 foo=9", {1, 3}, true, false},
    {"foo=9 foo=9", {1, 3}, false, false},
    {"", {1}, false, true},
    {"foo=1", {0}, true, false},
};

Test(members, a_projection_is_complete_or_a_subset)
{
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct findings found = {0};
        size_t count, expected = 0;
        uint64_t *values =
            view_project(text_view(&text, members[i].trace), &(struct match)FOO, &count, &found);
        while (members[i].expected[expected])
            expected++;
        check_members(values, count, members[i].expected, expected, &found);
        cr_expect_eq(findings_judge(&found, KIND(LOST)) != JUDGED_FAILS, members[i].complete,
                     "case %zu", i);
        cr_expect_eq(findings_judge(&found, KIND(UNEXPECTED)) != JUDGED_FAILS, members[i].subset,
                     "case %zu", i);
        findings_done(&found);
        free(values);
    }
}
