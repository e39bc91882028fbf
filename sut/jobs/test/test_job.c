/* test_job.c: the life of a job as a table, its limits, and Oban's backoff. Numbers in the names
 * are those of the conformance list (reference: job systems, 1.7). */
#include "sut/jobs/job.h"

#include <criterion/criterion.h>
#include <string.h>

/* ---- states ---- */

Test(job_state, words_go_there_and_back)
{
    for (enum job_state state = 0; state < JOB_STATE_COUNT; ++state) {
        enum job_state back = JOB_STATE_COUNT;
        cr_assert(job_state_by_word(job_state_word(state), &back));
        cr_assert_eq(back, state);
    }
    enum job_state untouched = JOB_RETRYABLE;
    cr_assert_not(job_state_by_word("waiting", &untouched));
    cr_assert_not(job_state_by_word(NULL, &untouched));
    cr_assert_eq(untouched, JOB_RETRYABLE);
    cr_assert_str_eq(job_state_word(JOB_STATE_COUNT), "?");
}

/* The picture of job.h, drawn again as a matrix: rows from, columns to. */
Test(job_state, the_table_is_the_picture)
{
    static const char *const may[JOB_STATE_COUNT] = {
        /*                   a s e r u c d x */
        [JOB_AVAILABLE] = "  . . X . . . . X", [JOB_SCHEDULED] = "  X . . . . . . X",
        [JOB_EXECUTING] = "  X X . X . X X X", [JOB_RETRYABLE] = "  X . . . . . . X",
        [JOB_SUSPENDED] = "  X X . . . . . X", [JOB_COMPLETED] = "  X . . . X . . .",
        [JOB_DISCARDED] = "  X . . . X . . .", [JOB_CANCELLED] = "  X . . . X . . .",
    };
    for (enum job_state from = 0; from < JOB_STATE_COUNT; ++from)
        for (enum job_state to = 0; to < JOB_STATE_COUNT; ++to)
            cr_assert_eq(job_state_may(from, to), may[from][2 + 2 * to] == 'X', "%s -> %s",
                         job_state_word(from), job_state_word(to));
    cr_assert_not(job_state_may(JOB_STATE_COUNT, JOB_AVAILABLE));
    cr_assert_not(job_state_may(JOB_AVAILABLE, JOB_STATE_COUNT));
}

Test(job_state, only_the_three_ends_are_final)
{
    for (enum job_state state = 0; state < JOB_STATE_COUNT; ++state)
        cr_assert_eq(job_state_final(state),
                     state == JOB_COMPLETED || state == JOB_DISCARDED || state == JOB_CANCELLED);
}

/* ---- specs ---- */

static const char *check(struct job_spec spec)
{
    return job_spec_check(&spec);
}

Test(job_spec, needs_a_worker_and_sensible_names)
{
    char longest[JOB_WORKER_MAX + 1] = "", longer[JOB_WORKER_MAX + 2] = "";
    memset(longest, 'x', sizeof longest - 1);
    memset(longer, 'x', sizeof longer - 1);
    cr_assert_null(check((struct job_spec){.worker = "mail"}));
    cr_assert_null(check((struct job_spec){.worker = longest, .queue = longest}));
    cr_assert_not_null(check((struct job_spec){.worker = NULL}));
    cr_assert_not_null(check((struct job_spec){.worker = ""}));
    cr_assert_not_null(check((struct job_spec){.worker = longer}));
    cr_assert_not_null(check((struct job_spec){.worker = "mail", .queue = ""}));
    cr_assert_not_null(check((struct job_spec){.worker = "mail", .queue = longer}));
}

Test(job_spec, c27_priorities_are_0_to_9)
{
    cr_assert_null(check((struct job_spec){.worker = "w", .priority = 0}));
    cr_assert_null(check((struct job_spec){.worker = "w", .priority = 9}));
    cr_assert_not_null(check((struct job_spec){.worker = "w", .priority = 10}));
    cr_assert_not_null(check((struct job_spec){.worker = "w", .priority = (unsigned)-1}));
}

/* 28 says that Oban refuses 0 attempts; here 0 asks for the default, and 1 is the least that can be
 * asked for. */
Test(job_spec, c28_attempts)
{
    cr_assert_null(check((struct job_spec){.worker = "w", .max_attempts = 0}));
    cr_assert_null(check((struct job_spec){.worker = "w", .max_attempts = 1}));
    cr_assert_null(check((struct job_spec){.worker = "w", .max_attempts = JOB_ATTEMPTS_LIMIT}));
    cr_assert_not_null(check((struct job_spec){.worker = "w", .max_attempts = (unsigned)-1}));
}

Test(job_spec, arguments_and_delays_have_limits)
{
    static char args[JOB_ARGS_MAX + 2] = "{}";
    memset(args + 2, ' ', JOB_ARGS_MAX - 2);
    cr_assert_null(check((struct job_spec){.worker = "w", .args = args}));
    args[JOB_ARGS_MAX] = ' ';
    cr_assert_not_null(check((struct job_spec){.worker = "w", .args = args}));
    cr_assert_null(check((struct job_spec){.worker = "w", .delay_ms = JOB_DELAY_MAX_MS}));
    cr_assert_null(check((struct job_spec){.worker = "w", .delay_ms = -5}));
    cr_assert_not_null(check((struct job_spec){.worker = "w", .delay_ms = INT64_MAX}));
    cr_assert_not_null(check((struct job_spec){.worker = "w", .scheduled_ms = INT64_MAX}));
    cr_assert_not_null(check((struct job_spec){.worker = "w", .timeout_ms = INT64_MAX}));
    cr_assert_not_null(check((struct job_spec){.worker = "w", .within_ms = INT64_MAX}));
    cr_assert_not_null(
        check((struct job_spec){.worker = "w", .delay_ms = 1, .scheduled_ms = INT64_C(1)}));
}

Test(job_spec, meta_and_tags_have_limits)
{
    static char meta[JOB_META_MAX + 2] = "{}", tags[JOB_TAGS_MAX + 2];
    memset(meta + 2, ' ', JOB_META_MAX - 2);
    memset(tags, 't', JOB_TAGS_MAX);
    cr_assert_null(check((struct job_spec){.worker = "w", .meta = meta, .tags = tags}));
    tags[JOB_TAGS_MAX] = 't';
    cr_assert_not_null(check((struct job_spec){.worker = "w", .tags = tags}));
    meta[JOB_META_MAX] = ' ';
    cr_assert_not_null(check((struct job_spec){.worker = "w", .meta = meta}));
}

Test(job_spec, what_is_no_object_is_refused)
{
    static const char *const bad[] = {"", "[]", "1", "null", "{", "{}}", "{\"a\"}", "\"x\"", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        cr_assert_str_eq(check((struct job_spec){.worker = "w", .args = bad[i]}),
                         "the arguments are not a JSON object");
        cr_assert_str_eq(check((struct job_spec){.worker = "w", .meta = bad[i]}),
                         "the meta is not a JSON object");
    }
    cr_assert_not_null(check((struct job_spec){.worker = "w\xff"}));
    cr_assert_not_null(check((struct job_spec){.worker = "w", .queue = "\xc3"}));
    cr_assert_not_null(check((struct job_spec){.worker = "w", .tags = "a,\xed\xa0\x80"}));
}

Test(job_spec, c30_explicit_states)
{
    int64_t now = 1000;
    struct job_spec done = {.worker = "w", .state = JOB_COMPLETED, .delay_ms = 5};
    cr_assert_null(check(done));
    cr_assert_eq(job_spec_state(&done, now), JOB_COMPLETED);
    cr_assert_eq(job_spec_state(&(struct job_spec){.delay_ms = 5}, now), JOB_SCHEDULED);
    cr_assert_eq(job_spec_state(&(struct job_spec){.scheduled_ms = 1001}, now), JOB_SCHEDULED);
    cr_assert_eq(job_spec_state(&(struct job_spec){.scheduled_ms = 999}, now), JOB_AVAILABLE);
    cr_assert_eq(job_spec_due_ms(&(struct job_spec){.scheduled_ms = 999}, now), now);
    cr_assert_not_null(check((struct job_spec){.worker = "w", .state = JOB_EXECUTING}));
    cr_assert_not_null(check((struct job_spec){.worker = "w", .state = JOB_STATE_COUNT}));
}

/* ---- tags ---- */

Test(job_tags, c31_trimmed_small_once_without_blanks)
{
    static const struct {
        const char *given, *kept;
    } cases[] = {
        {NULL, ""},
        {"", ""},
        {"ALPHA, alpha ", "alpha"},
        {" , ,,\t", ""},
        {"b,a,B,ab,A,b", "b,a,ab"},
        {",x y , X Y,", "x y"},
        {"\xc3\x84,z", "\xc3\x84,z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        char out[JOB_TAGS_MAX + 1];
        job_tags_normal(cases[i].given, out);
        cr_assert_str_eq(out, cases[i].kept);
    }
    char longest[JOB_TAGS_MAX + 1], out[JOB_TAGS_MAX + 1];
    memset(longest, 'T', JOB_TAGS_MAX);
    longest[JOB_TAGS_MAX] = '\0';
    job_tags_normal(longest, out);
    cr_assert_eq(strlen(out), JOB_TAGS_MAX);
}

/* ---- outcomes ---- */

Test(job_outcome, keeps_its_text_and_cuts_it)
{
    struct job_outcome outcome = job_outcome_make(JOB_ERROR, "exit %d", 7);
    cr_assert_eq(outcome.kind, JOB_ERROR);
    cr_assert_str_eq(outcome.text, "exit 7");
    outcome = job_outcome_make(JOB_CANCEL, "%0500d", 1);
    cr_assert_eq(strlen(outcome.text), sizeof outcome.text - 1);
}

Test(job_outcome, words)
{
    cr_assert_str_eq(job_outcome_word(JOB_OK), "ok");
    cr_assert_str_eq(job_outcome_word(JOB_ERROR), "error");
    cr_assert_str_eq(job_outcome_word(JOB_CANCEL), "cancel");
    cr_assert_str_eq(job_outcome_word(JOB_DISCARD), "discard");
    cr_assert_str_eq(job_outcome_word(JOB_SNOOZE), "snooze");
    cr_assert_str_eq(job_outcome_word(JOB_SNOOZE + 1), "?");
}

/* ---- backoff ---- */

/* Recorded from Oban (reference: job systems, 1.3): base and longest delay in seconds. */
static const int64_t oban[][2] = {
    {17, 18},       {19, 20},         {23, 25},         {31, 34},         {47, 51},
    {79, 86},       {143, 157},       {271, 298},       {527, 579},       {1039, 1142},
    {2063, 2269},   {4111, 4522},     {8207, 9027},     {16399, 18038},   {32783, 36061},
    {65551, 72106}, {131087, 144195}, {262159, 288374}, {524303, 576733}, {1048591, 1153450},
};

Test(job_backoff, is_obans_for_all_20_attempts)
{
    for (unsigned attempt = 1; attempt <= 20; ++attempt) {
        cr_assert_eq(job_backoff_base_s(attempt, 20), oban[attempt - 1][0]);
        cr_assert_eq(job_backoff_s(attempt, 20, 0), oban[attempt - 1][0]);
        cr_assert_eq(job_backoff_s(attempt, 20, UINT64_MAX), oban[attempt - 1][1]);
    }
}

Test(job_backoff, few_attempts_are_not_stretched)
{
    cr_assert_eq(job_backoff_base_s(3, 5), 23);
    cr_assert_eq(job_backoff_base_s(1, 1), 17);
}

Test(job_backoff, many_attempts_share_the_20_steps)
{
    cr_assert_eq(job_backoff_base_s(1, 100), 16);
    cr_assert_eq(job_backoff_base_s(2, 100), 16);
    cr_assert_eq(job_backoff_base_s(3, 100), 17);
    cr_assert_eq(job_backoff_base_s(50, 100), oban[9][0]);
    cr_assert_eq(job_backoff_base_s(100, 100), oban[19][0]);
    cr_assert_eq(job_backoff_base_s(1, 40), 17, "a half is rounded up");
}

Test(job_backoff, c51_grows_and_stays_above_15_s)
{
    for (unsigned attempt = 1; attempt <= 19; ++attempt) {
        cr_assert_gt(job_backoff_s(attempt, 20, 0), 15);
        cr_assert_gt(job_backoff_s(attempt + 1, 20, 0), job_backoff_s(attempt, 20, UINT64_MAX));
    }
    for (unsigned attempt = 1; attempt < 1000; ++attempt)
        cr_assert_geq(job_backoff_base_s(attempt + 1, 1000), job_backoff_base_s(attempt, 1000));
}

Test(job_backoff, c52_saturates)
{
    static const unsigned attempts[] = {20, 21, 64, 1000, JOB_ATTEMPTS_LIMIT, (unsigned)-1};
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; ++i)
        for (unsigned max = 1; max < 40; ++max)
            cr_assert_leq(job_backoff_s(attempts[i], max, UINT64_MAX), 1153450);
}

Test(job_backoff, c54_jitter_covers_its_tenth_evenly)
{
    unsigned seen[105] = {0};
    for (uint64_t i = 0; i < 104000; ++i) {
        int64_t extra = job_backoff_s(10, 20, i * (UINT64_MAX / 104000)) - 1039;
        cr_assert(extra >= 0 && extra <= 103);
        ++seen[extra];
    }
    for (int i = 0; i < 103; ++i)
        cr_assert(seen[i] > 900 && seen[i] < 1100, "%d s: %u times", i, seen[i]);
}
