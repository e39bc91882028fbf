/* test_time_limit.c: time limits and deadlines of runs, what is measured of them, and outcomes that make no sense. cNN: the number
 * in the conformance list of job systems. */
#include "sut/jobs/test/rig.h"

#define assert_state(rig, id, expected)                                                            \
    cr_assert_str_eq(job_state_word(state_of(rig, id)), expected)
#define assert_ends(rig, id, state, text)                                                          \
    do {                                                                                           \
        assert_state(rig, id, state);                                                              \
        cr_assert_str_eq(row_of(rig, id)->error, text);                                            \
    } while (0)

static uint64_t insert_limited(struct rig *rig, const char *worker, const char *args,
                               int64_t timeout_ms, int64_t within_ms)
{
    return row_insert(
        rig, &(struct job_spec){
                 .worker = worker, .args = args, .timeout_ms = timeout_ms, .within_ms = within_ms});
}

/* ---- time limits ---- */

Test(time_limit, c44_of_the_job_goes_before_that_of_its_worker)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t shorter = insert_limited(rig, "brief7", "60000", 1500, 0);
    uint64_t longer = insert_limited(rig, "brief7", "7000", 9000, 0);
    uint64_t only = insert_limited(rig, "sleep", "60000", 2000, 0);
    rig_advance(rig, 4 * S);
    assert_ends(rig, shorter, "retryable", "timed out after 1500ms");
    assert_ends(rig, only, "retryable", "timed out after 2s");
    assert_state(rig, longer, "executing");
    rig_advance(rig, 4 * S);
    assert_state(rig, longer, "completed");
    rig_free(rig);
}

Test(time_limit, c44_holds_in_every_mode)
{
    static const char *const workers[] = {"sleep", "thread", "child7"};
    for (size_t i = 0; i < 3; ++i) {
        struct rig *rig = rig_new((struct rig_options){0});
        uint64_t id = insert_limited(rig, workers[i], "60000", 1500, 0);
        rig_advance(rig, 4 * S);
        assert_ends(rig, id, "retryable", "timed out after 1500ms");
        cr_assert_eq(events(rig, "job/perform/timeout", id, " lease=1 queue=default"), 1);
        rig_free(rig);
    }
}

/* Ends by itself a second after its limit. */
static struct job_outcome see_to_it(struct proc *self, const struct job *job, void *ctx)
{
    (void)ctx;
    proc_sleep(self, job_time_limit_ns(job, 5 * S) + S);
    return job_outcome_make(JOB_ERROR, "ended in an orderly way");
}

Test(time_limit, is_waited_for_with_patience_where_the_worker_sees_to_it)
{
    struct rig *rig = rig_new((struct rig_options){.fallback = see_to_it, .patience_ns = 2 * S});
    uint64_t own = insert_limited(rig, "program", "{}", 1500, 0);
    uint64_t slow = insert_limited(rig, "program", "{}", 0, 0);
    rig_advance(rig, 10 * S);
    assert_ends(rig, own, "retryable", "ended in an orderly way");
    assert_ends(rig, slow, "retryable", "ended in an orderly way");
    rig_free(rig);
}

/* ---- deadlines ---- */

Test(deadline, that_passes_while_it_runs_discards)
{
    static const char *const workers[] = {"sleep", "thread", "child7"};
    for (size_t i = 0; i < 3; ++i) {
        struct rig *rig = rig_new((struct rig_options){0});
        uint64_t id = insert_limited(rig, workers[i], "60000", 0, 3000);
        rig_advance(rig, 2900 * MS);
        assert_state(rig, id, "executing");
        rig_advance(rig, 200 * MS);
        assert_ends(rig, id, "discarded", "its deadline passed while it ran");
        cr_assert_eq(row_of(rig, id)->errors, 1);
        cr_assert_eq(events(rig, "job/perform/expire", id, " queue=default when=running"), 1);
        cr_assert_eq(events(rig, "job/perform/timeout", 0, ""), 0);
        rig_free(rig);
    }
}

Test(deadline, that_has_passed_is_not_run_to)
{
    struct rig *rig = rig_new((struct rig_options){.limit = 1});
    uint64_t before = rig_insert(rig, "sleep", "4000", 0);
    uint64_t id = insert_limited(rig, "ok", "{}", 0, 3000);
    rig_advance(rig, 10 * S);
    assert_state(rig, before, "completed");
    assert_ends(rig, id, "discarded", "its deadline passed before it ran");
    cr_assert_eq(events(rig, "job/perform/start", id, ""), 0);
    cr_assert_eq(events(rig, "job/perform/expire", id, " when=claimed"), 1);
    cr_assert_eq(queue_named_default(rig)->running, 0);
    rig_free(rig);
}

Test(deadline, that_comes_before_the_next_attempt_makes_this_the_last)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t late = insert_limited(rig, "error7", "{}", 0, 6000); /* again after 7 s */
    uint64_t fine = insert_limited(rig, "error7", "{}", 0, 9000);
    uint64_t sleepy = insert_limited(rig, "snooze", "60", 0, 9000);
    rig_advance(rig, 1500 * MS);
    assert_ends(rig, late, "discarded", "no luck with {}");
    assert_state(rig, fine, "retryable");
    assert_ends(rig, sleepy, "discarded", "snoozed beyond its deadline");
    cr_assert_eq(events(rig, "job/perform/expire", 0, " when=waiting"), 2);
    rig_free(rig);
}

Test(deadline, does_not_touch_what_is_done_in_time)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t id = insert_limited(rig, "sleep", "2000", 0, 9000);
    uint64_t both = insert_limited(rig, "sleep", "5000", 2000, 60000);
    rig_advance(rig, 8 * S);
    assert_state(rig, id, "completed");
    assert_ends(rig, both, "retryable", "timed out after 2s");
    cr_assert_eq(events(rig, "job/perform/expire", 0, ""), 0);
    rig_free(rig);
}

/* ---- what is measured ---- */

Test(measured, c49_how_long_it_waited_and_how_long_it_took)
{
    struct rig *rig = rig_new((struct rig_options){.limit = 1});
    uint64_t first = rig_insert(rig, "sleep", "2000", 0);
    uint64_t next = rig_insert(rig, "sleep", "700", 0);
    rig_advance(rig, 10 * S);
    cr_assert_eq(events(rig, "job/perform/stop", first, " waited_ms=1 took_ns=2000000000"), 1);
    cr_assert_eq(events(rig, "job/perform/stop", next, " waited_ms=2002 took_ns=700000000"), 1);
    rig_free(rig);
}

/* ---- outcomes that make no sense ---- */

static struct job_outcome nonsense(struct proc *self, const struct job *job, void *ctx)
{
    struct job_outcome outcome = job_outcome_make(JOB_OK, "%s", "");
    (void)self, (void)job, (void)ctx;
    memset(&outcome.kind, 0x7f, sizeof outcome.kind);
    return outcome;
}

/* There, an unknown value counts as success, with a warning; here it takes a broken program to make one. */
Test(outcome, c50_of_no_known_kind_is_an_error)
{
    struct rig *rig = rig_new((struct rig_options){.fallback = nonsense});
    uint64_t id = rig_insert(rig, "whatever", "{}", 0);
    rig_advance(rig, 2 * S);
    assert_ends(rig, id, "retryable", "its outcome is of no known kind: 2139062143");
    rig_free(rig);
}

/* There, (5, minutes); here it is seconds, always. */
Test(outcome, c41_snoozes_are_seconds)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"300", 300000}, {"3600", 3600000}, {"172800", 172800000}, {"-5", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        struct rig *rig = rig_new((struct rig_options){.poll_ns = 3600 * S});
        uint64_t id = rig_insert(rig, "snooze", cases[i].text, 0);
        rig->mode[STORE_CLAIM] = ANSWER;
        jobs_poke(rig->jobs);
        rig_advance(rig, 3 * MS);
        cr_assert_leq(llabs(due_in_ms(rig, id) - cases[i].ms), 1);
        rig_free(rig);
    }
}

/* A worker name, or arguments, that nobody can make sense of: tried again, and at last given up. */
Test(outcome, c46_unknown_workers_do_not_loop)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t unknown = rig_insert(rig, "nobody", "{}", 3);
    uint64_t undecodable = rig_insert(rig, "error", "{\"to\": ", 3);
    rig_advance(rig, 200 * S);
    assert_ends(rig, unknown, "discarded", "unknown worker nobody");
    assert_ends(rig, undecodable, "discarded", "no luck with {\"to\": ");
    cr_assert_eq(row_of(rig, unknown)->errors, 3);
    cr_assert_eq(events(rig, "job/perform/start", unknown, ""), 3);
    cr_assert_eq(events(rig, "job/perform/start", undecodable, ""), 3);
    rig_free(rig);
}
