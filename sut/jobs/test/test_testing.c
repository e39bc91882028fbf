/* The helpers for tests of users: inline, manual, drain, perform, assertions, the clock. */
#include "sut/jobs/testing.h"
#include "sut/jobs/workflow.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char why[300];

/* ---- workers: the args say what they do ---- */

static struct job_outcome by_args(const struct job *job)
{
    struct job_outcome outcome = job_outcome_make(JOB_OK, "%s", "");
    if (strstr(job->args, "\"ERROR\""))
        return job_outcome_make(JOB_ERROR, "no luck");
    if (strstr(job->args, "\"CANCEL\""))
        return job_outcome_make(JOB_CANCEL, "not wanted");
    if (strstr(job->args, "\"DISCARD\""))
        return job_outcome_make(JOB_DISCARD, "hopeless");
    if (strstr(job->args, "\"SNOOZE\"")) {
        outcome.kind = JOB_SNOOZE;
        outcome.snooze_s = 60;
    }
    return outcome;
}

static struct job_outcome act(struct proc *self, const struct job *job, void *ctx)
{
    ++*(unsigned *)ctx;
    if (strstr(job->args, "\"CRASH\""))
        proc_exit(self, reason_make(EXIT_ERROR, "boom"));
    if (strstr(job->args, "\"SLEEP\""))
        proc_sleep(self, 2 * NS_PER_S);
    return by_args(job);
}

static struct job_outcome act_outside(const struct job *job, struct job_control *control, void *ctx)
{
    ++*(unsigned *)ctx;
    if (strstr(job->args, "\"SLEEP\"") && !job_nap(control, 2 * NS_PER_S))
        --*(unsigned *)ctx; /* it was cancelled */
    return by_args(job);
}

/* Inserts two of them, and so on, until `left` is 0. */
struct jobs_test *family;

static struct job_outcome multiply(struct proc *self, const struct job *job, void *ctx)
{
    int left = atoi(strchr(job->args, ':') + 1);
    char args[32];
    uint64_t ids[2];
    ++*(unsigned *)ctx;
    snprintf(args, sizeof args, "{\"left\":%d}", left - 1);
    const struct job_spec spec = {.worker = "multiply", .args = args}, specs[] = {spec, spec};
    if (left && jobs_insert(self, jobs_test_jobs(family), specs, 2, NULL, ids, NULL))
        return job_outcome_make(JOB_ERROR, "not inserted");
    return job_outcome_make(JOB_OK, "%s", "");
}

static struct job_outcome say(struct proc *self, const struct job *job, void *ctx)
{
    (void)self, (void)ctx;
    struct job_outcome outcome = job_outcome_make(JOB_OK, "%s", "");
    if (strcmp(job->args, "{\"say\":1}") == 0)
        outcome.result = "{\"said\": 1}";
    if (strcmp(job->args, "{\"say\":2}") == 0)
        outcome.result = "no JSON";
    if (strcmp(job->args, "{\"say\":3}") == 0)
        outcome.kind = (enum outcome_kind)99;
    if (strcmp(job->args, "{\"say\":4}") == 0)
        outcome = (struct job_outcome){.kind = JOB_SNOOZE, .snooze_s = -3};
    if (strcmp(job->args, "{\"say\":5}") == 0)
        outcome = job_outcome_make(JOB_ERROR, "queue %s, attempt %u", job->queue, job->attempt);
    return outcome;
}

static struct jobs_test *test_new(enum jobs_test_mode mode, unsigned *acted,
                                  const struct cron_config *cron)
{
    static struct worker workers[5];
    const struct worker list[] = {
        {.name = "act", .perform = act, .ctx = acted, .timeout_ns = NS_PER_S},
        {.name = "multiply", .perform = multiply, .ctx = acted},
        {.name = "say", .perform = say},
        {.name = "thread", .blocking = act_outside, .ctx = acted, .mode = IN_THREAD},
        {.name = "child", .blocking = act_outside, .ctx = acted, .mode = IN_CHILD}};
    memcpy(workers, list, sizeof list);
    *acted = 0;
    struct jobs_test *test = jobs_test_new(
        &(struct jobs_test_options){
            .workers = workers, .worker_count = 5, .mode = mode, .cron = cron},
        why, sizeof why);
    cr_assert_not_null(test, "%s", why);
    return family = test;
}

static uint64_t insert(struct jobs_test *test, struct job_spec spec)
{
    uint64_t id = 0;
    spec.worker = spec.worker ? spec.worker : "act";
    bool good = jobs_test_insert(test, &spec, &id);
    cr_assert(good, "%s", jobs_test_why(test));
    return id;
}

static enum job_state state(struct jobs_test *test, uint64_t id)
{
    const struct job *job = jobs_test_job(test, id);
    cr_assert_not_null(job);
    return job->state;
}

#define DO(what) "{\"do\": \"" what "\"}"

/* ---- inline ---- */

Test(testing, c94_inline_runs_at_once_in_the_caller)
{
    unsigned acted;
    struct jobs_test *test = test_new(JOBS_TEST_INLINE, &acted, NULL);
    const struct job *job = jobs_test_job(test, insert(test, (struct job_spec){.args = DO("OK")}));
    cr_assert_eq(job->state, JOB_COMPLETED);
    cr_assert_eq(job->attempt, 1);
    job = jobs_test_job(test, insert(test, (struct job_spec){.args = DO("ERROR")}));
    cr_assert_eq(job->state, JOB_RETRYABLE);
    cr_assert(strstr(job->errors, "no luck"));
    job = jobs_test_job(test, insert(test, (struct job_spec){.args = DO("SNOOZE")}));
    cr_assert_eq(job->state, JOB_SCHEDULED);
    cr_assert_eq(job->attempt, 0);
    cr_assert_eq(acted, 3);
    jobs_test_free(test);
}

Test(testing, c94_inline_a_crash_reaches_the_caller)
{
    unsigned acted;
    struct jobs_test *test = test_new(JOBS_TEST_INLINE, &acted, NULL);
    struct job_spec spec = {.worker = "act", .args = DO("CRASH")};
    cr_assert_not(jobs_test_insert(test, &spec, NULL));
    cr_assert_str_eq(jobs_test_why(test), "job 1 (worker act, attempt 1): crashed: boom");
    cr_assert_eq(state(test, 1), JOB_RETRYABLE);
    cr_assert_eq(state(test, insert(test, (struct job_spec){.args = DO("OK")})), JOB_COMPLETED);
    jobs_test_free(test);
}

Test(testing, inline_runs_what_jobs_insert_before_the_first_one_has_ended)
{
    unsigned acted;
    struct jobs_test *test = test_new(JOBS_TEST_INLINE, &acted, NULL);
    insert(test, (struct job_spec){.worker = "multiply", .args = "{\"left\":4}"});
    cr_assert_eq(acted, 1 + 2 + 4 + 8 + 16);
    struct job_spec spec = {.worker = "multiply", .args = "{\"left\":101}"};
    cr_assert_not(jobs_test_insert(test, &spec, NULL), "it goes on for ever");
    cr_assert(strstr(jobs_test_why(test), "inside each other"), "%s", jobs_test_why(test));
    jobs_test_free(test);
}

Test(testing, inline_runs_what_is_scheduled_at_its_time)
{
    unsigned acted;
    struct jobs_test *test = test_new(JOBS_TEST_INLINE, &acted, NULL);
    int64_t start = jobs_test_now_ms(test);
    uint64_t id = insert(test, (struct job_spec){.args = DO("OK"), .delay_ms = 3600000});
    cr_assert(jobs_test_advance(test, 3599999));
    cr_assert_eq(state(test, id), JOB_SCHEDULED);
    cr_assert(jobs_test_advance(test, 7200000));
    cr_assert_eq(state(test, id), JOB_COMPLETED);
    cr_assert_eq(jobs_test_job(test, id)->attempted_ms, start + 3600000);
    cr_assert_eq(jobs_test_now_ms(test), start + 3599999 + 7200000);
    jobs_test_free(test);
}

static void flow_code(struct proc *self, struct jobs *jobs, void *arg)
{
    struct heap *heap = proc_heap(self);
    char text[200];
    struct workflow *flow = workflow_new(heap, NULL);
    workflow_add(flow, &(struct workflow_step){"a", {.worker = "act", .args = DO("OK")}});
    workflow_add(
        flow, &(struct workflow_step){"b", {.worker = "act", .queue = "other"}, .deps = DEPS("a")});
    uint64_t id;
    *(int *)arg = workflow_insert(self, jobs, flow, &id, NULL, text, sizeof text);
}

Test(testing, inline_runs_a_whole_workflow)
{
    unsigned acted;
    int err = 1;
    struct jobs_test *test = test_new(JOBS_TEST_INLINE, &acted, NULL);
    cr_assert(jobs_test_run(test, flow_code, &err), "%s", jobs_test_why(test));
    cr_assert_eq(err, 0);
    cr_assert_eq(acted, 2);
    cr_assert_eq(state(test, 2), JOB_COMPLETED);
    jobs_test_free(test);
}

/* ---- drain ---- */

static void insert_seven(struct jobs_test *test)
{
    insert(test, (struct job_spec){.args = DO("OK")});
    insert(test, (struct job_spec){.args = DO("OK"), .worker = "thread"});
    insert(test, (struct job_spec){.args = DO("ERROR")});
    insert(test, (struct job_spec){.args = DO("ERROR"), .max_attempts = 1});
    insert(test, (struct job_spec){.args = DO("CANCEL")});
    insert(test, (struct job_spec){.args = DO("DISCARD"), .worker = "child"});
    insert(test, (struct job_spec){.args = DO("SNOOZE")});
}

Test(testing, c95_drain_counts_outcomes)
{
    unsigned acted;
    struct jobs_test_counts counts;
    struct jobs_test *test = test_new(JOBS_TEST_MANUAL, &acted, NULL);
    insert_seven(test);
    insert(test, (struct job_spec){.args = DO("OK"), .queue = "other"});
    cr_assert_eq(acted, 0, "nothing runs by itself");
    cr_assert(jobs_test_drain(test, &(struct jobs_test_drain){.queue = "default"}, &counts));
    cr_assert_eq(counts.completed, 2);
    cr_assert_eq(counts.retryable, 1);
    cr_assert_eq(counts.discarded, 2);
    cr_assert_eq(counts.cancelled, 1);
    cr_assert_eq(counts.snoozed, 1);
    cr_assert(jobs_test_drain(test, &(struct jobs_test_drain){.queue = NULL}, &counts));
    cr_assert_eq(counts.completed, 1, "of all queues, what was left");
    jobs_test_free(test);
}

Test(testing, c96_drain_with_scheduled)
{
    unsigned acted;
    struct jobs_test_counts counts;
    struct jobs_test *test = test_new(JOBS_TEST_MANUAL, &acted, NULL);
    int64_t start = jobs_test_now_ms(test);
    uint64_t late = insert(test, (struct job_spec){.args = DO("OK"), .delay_ms = 7200000});
    uint64_t early = insert(test, (struct job_spec){.args = DO("OK"), .delay_ms = 60000});
    jobs_test_drain(test, &(struct jobs_test_drain){.queue = "default"}, &counts);
    cr_assert_eq(acted, 0);
    struct jobs_test_drain until = {
        .queue = "default", .scheduled = true, .until_ms = start + 3600000};
    cr_assert(jobs_test_drain(test, &until, &counts));
    cr_assert_eq(state(test, early), JOB_COMPLETED);
    cr_assert_eq(state(test, late), JOB_SCHEDULED);
    until.until_ms = 0;
    cr_assert(jobs_test_drain(test, &until, &counts));
    cr_assert_eq(state(test, late), JOB_COMPLETED);
    cr_assert_eq(jobs_test_now_ms(test), start, "the clock stands");
    jobs_test_free(test);
}

Test(testing, c96_drain_with_recursion_and_with_limit)
{
    unsigned acted;
    struct jobs_test_counts counts;
    struct jobs_test *test = test_new(JOBS_TEST_MANUAL, &acted, NULL);
    insert(test, (struct job_spec){.worker = "multiply", .args = "{\"left\":3}"});
    jobs_test_drain(test, &(struct jobs_test_drain){.queue = "default"}, &counts);
    cr_assert_eq(counts.completed, 1, "what came in meanwhile stays");
    jobs_test_drain(test, &(struct jobs_test_drain){.queue = "default", .limit = 1}, &counts);
    cr_assert_eq(counts.completed, 1);
    jobs_test_drain(test, &(struct jobs_test_drain){.queue = "default", .recursive = true},
                    &counts);
    cr_assert_eq(counts.completed, 13);
    cr_assert_eq(acted, 15);
    jobs_test_free(test);
}

Test(testing, c96_drain_without_safety_stops_at_a_crash)
{
    unsigned acted;
    struct jobs_test_counts counts;
    struct jobs_test *test = test_new(JOBS_TEST_MANUAL, &acted, NULL);
    insert(test, (struct job_spec){.args = DO("ERROR")});
    uint64_t crash = insert(test, (struct job_spec){.args = DO("CRASH")});
    uint64_t next = insert(test, (struct job_spec){.args = DO("OK")});
    struct jobs_test_drain drain = {.queue = "default", .stop_at_crash = true};
    cr_assert_not(jobs_test_drain(test, &drain, &counts));
    cr_assert_str_eq(jobs_test_why(test), "job 2 (worker act, attempt 1): crashed: boom");
    cr_assert_eq(counts.retryable, 2);
    cr_assert_eq(counts.completed, 0);
    cr_assert_eq(state(test, crash), JOB_RETRYABLE);
    cr_assert_eq(state(test, next), JOB_EXECUTING);
    drain.stop_at_crash = false;
    insert(test, (struct job_spec){.args = DO("CRASH")});
    cr_assert(jobs_test_drain(test, &drain, &counts), "else it is an outcome as any other");
    cr_assert_eq(counts.retryable, 1);
    jobs_test_free(test);
}

Test(testing, a_drain_goes_by_priority_and_enforces_time_limits)
{
    unsigned acted;
    struct jobs_test_counts counts;
    struct jobs_test *test = test_new(JOBS_TEST_MANUAL, &acted, NULL);
    int64_t start = jobs_test_now_ms(test);
    uint64_t slow = insert(test, (struct job_spec){.args = DO("SLEEP"), .priority = 9});
    uint64_t nap = insert(test, (struct job_spec){.args = DO("SLEEP"), .worker = "thread"});
    uint64_t cut =
        insert(test, (struct job_spec){.args = DO("SLEEP"), .worker = "thread", .timeout_ms = 500});
    cr_assert(jobs_test_drain(test, &(struct jobs_test_drain){.queue = "default"}, &counts));
    cr_assert_eq(state(test, nap), JOB_COMPLETED);
    cr_assert(strstr(jobs_test_job(test, slow)->errors, "timed out after 1s"));
    cr_assert(strstr(jobs_test_job(test, cut)->errors, "timed out after 500ms"));
    cr_assert_eq(acted, 2, "the second thread was told");
    cr_assert_eq(jobs_test_now_ms(test), start + 2000 + 500 + 1000);
    jobs_test_free(test);
}

/* ---- the clock ---- */

Test(testing, a_retry_becomes_available_when_the_clock_gets_there)
{
    unsigned acted;
    struct jobs_test *test = test_new(JOBS_TEST_MANUAL, &acted, NULL);
    uint64_t id = insert(test, (struct job_spec){.args = DO("ERROR")});
    jobs_test_drain(test, &(struct jobs_test_drain){0}, NULL);
    cr_assert(jobs_test_advance(test, 10000));
    cr_assert_eq(state(test, id), JOB_RETRYABLE);
    cr_assert(jobs_test_advance(test, 10000));
    cr_assert_eq(state(test, id), JOB_AVAILABLE);
    cr_assert_not(jobs_test_advance_to(test, 1));
    cr_assert_str_eq(jobs_test_why(test), "time does not go back");
    jobs_test_free(test);
}

Test(testing, cron_entries_tick_with_the_clock)
{
    unsigned acted;
    const struct cron_entry entry = {.name = "hourly", .expression = "0 * * * *", .worker = "act"};
    const struct cron_config cron = {.entries = &entry, .entry_count = 1};
    struct jobs_test *test = test_new(JOBS_TEST_INLINE, &acted, &cron);
    cr_assert(jobs_test_advance(test, 24 * 3600000 + 90000), "%s", jobs_test_why(test));
    cr_assert_eq(acted, 25, "midnight, when it starts, is a tick, too");
    jobs_test_free(test);
}

/* ---- what is there ---- */

static const char *letter =
    "{\"to\": {\"name\": \"Ann\", \"id\": 7}, \"copies\": 2, \"l\": [1, 2]}";

static bool there(struct jobs_test *test, struct jobs_test_match match)
{
    bool is = jobs_test_enqueued(test, &match);
    cr_assert_neq(is, jobs_test_refuted(test, &match));
    return is;
}

Test(testing, c97_enqueued_matches_a_subset_of_args)
{
    unsigned acted;
    struct jobs_test *test = test_new(JOBS_TEST_MANUAL, &acted, NULL);
    uint64_t id = insert(
        test, (struct job_spec){.worker = "say", .queue = "mail", .args = letter, .tags = "A,b"});
    cr_assert(there(test, (struct jobs_test_match){.worker = "say"}));
    cr_assert_not(there(test, (struct jobs_test_match){.worker = "act"}));
    cr_assert_not(there(test, (struct jobs_test_match){.queue = "default"}));
    cr_assert(there(test, (struct jobs_test_match){.args = "{\"to\": {\"id\": 7.0}}"}));
    cr_assert(there(test, (struct jobs_test_match){.args = "{\"l\":[1,2],\"copies\":2}"}));
    cr_assert_not(there(test, (struct jobs_test_match){.args = "{\"to\": {\"id\": 8}}"}));
    cr_assert_not(there(test, (struct jobs_test_match){.args = "{\"l\":[1]}"}));
    cr_assert_not(there(test, (struct jobs_test_match){.args = "{\"id\":7}"}));
    cr_assert(there(test, (struct jobs_test_match){.tags = "a"}));
    cr_assert_not(there(test, (struct jobs_test_match){.tags = "a,c"}));
    cr_assert_not(there(test, (struct jobs_test_match){.states = JOB_STATE_BIT(JOB_COMPLETED)}));
    cr_assert_eq(jobs_test_all(test, &(struct jobs_test_match){.queue = "mail"}, NULL), 1);
    const struct jobs_test_match bad = {.args = "[1]"};
    cr_assert_not(jobs_test_enqueued(test, &bad));
    cr_assert_not(jobs_test_refuted(test, &bad), "neither: the question makes no sense");
    jobs_test_enqueued(test, &(struct jobs_test_match){.worker = "act"});
    cr_assert(strstr(jobs_test_why(test), "no such job is there, but: job 1, worker say"), "%s",
              jobs_test_why(test));
    cr_assert_eq(id, 1);
    jobs_test_free(test);
}

Test(testing, c97_enqueued_within_a_delta_of_a_time)
{
    unsigned acted;
    struct jobs_test *test = test_new(JOBS_TEST_MANUAL, &acted, NULL);
    int64_t start = jobs_test_now_ms(test);
    insert(test, (struct job_spec){.delay_ms = 60000});
    struct jobs_test_match match = {.scheduled_ms = start + 59000, .delta_ms = 1000};
    cr_assert(there(test, match));
    match.delta_ms = 999;
    cr_assert_not(there(test, match));
    jobs_test_free(test);
}

static void insert_later(struct proc *self, void *jobs)
{
    struct job_spec spec = {.worker = "act"};
    uint64_t id;
    proc_sleep(self, 250 * NS_PER_MS);
    jobs_insert(self, jobs, &spec, 1, NULL, &id, NULL);
}

static void start_later(struct proc *self, struct jobs *jobs, void *arg)
{
    (void)arg;
    proc_spawn(proc_runtime(self), &(struct proc_spec){.main = insert_later, .arg = jobs});
}

Test(testing, c97_enqueued_waits_up_to_a_time)
{
    unsigned acted;
    struct jobs_test *test = test_new(JOBS_TEST_MANUAL, &acted, NULL);
    cr_assert(jobs_test_run(test, start_later, NULL));
    struct jobs_test_match match = {.worker = "act", .wait_ms = 200};
    cr_assert(jobs_test_refuted(test, &match));
    cr_assert(jobs_test_enqueued(test, &match));
    jobs_test_free(test);
}

/* ---- perform ---- */

static bool perform(struct jobs_test *test, struct job_spec spec, struct job_outcome *outcome)
{
    bool good = jobs_test_perform(test, &spec, outcome);
    cr_assert_eq(jobs_test_all(test, &(struct jobs_test_match){.states = JOB_STATES_ALL}, NULL), 0);
    return good;
}

static void cannot_perform(struct jobs_test *test, struct job_spec spec, const char *because)
{
    struct job_outcome outcome;
    cr_assert_not(perform(test, spec, &outcome));
    cr_assert(strstr(jobs_test_why(test), because), "%s", jobs_test_why(test));
}

Test(testing, c98_perform_checks_what_goes_in_and_comes_out)
{
    unsigned acted;
    struct job_outcome outcome;
    struct jobs_test *test = test_new(JOBS_TEST_MANUAL, &acted, NULL);
    cr_assert(perform(test, (struct job_spec){.worker = "say", .args = "{\"say\":1}"}, &outcome));
    cr_assert_eq(outcome.kind, JOB_OK);
    cr_assert_str_eq(outcome.result, "{\"said\": 1}");
    cr_assert(perform(test, (struct job_spec){.worker = "say", .queue = "q", .args = "{\"say\":5}"},
                      &outcome));
    cr_assert_eq(outcome.kind, JOB_ERROR);
    cr_assert_str_eq(outcome.text, "queue q, attempt 1");
    cr_assert(perform(test, (struct job_spec){.worker = "child", .args = DO("DISCARD")}, &outcome));
    cr_assert_eq(outcome.kind, JOB_DISCARD);
    cannot_perform(test, (struct job_spec){.worker = "say", .args = "{\"say\":2}"}, "no JSON");
    cannot_perform(test, (struct job_spec){.worker = "say", .args = "{\"say\":3}"},
                   "its outcome is of no known kind: 99");
    cannot_perform(test, (struct job_spec){.worker = "say", .args = "{\"say\":4}"},
                   "negative time: -3 s");
    cannot_perform(test, (struct job_spec){.worker = "sya"},
                   "there is no worker sya; there are: act, multiply, say");
    cannot_perform(test, (struct job_spec){.worker = "say", .args = "[]"},
                   "it is no valid job: the arguments are not a JSON object");
    cannot_perform(test, (struct job_spec){.worker = "say", .priority = 10}, "not in 0..9");
    cannot_perform(test, (struct job_spec){.worker = "act", .args = DO("CRASH")}, "crashed: boom");
    cannot_perform(test, (struct job_spec){.worker = "act", .args = DO("SLEEP")},
                   "timed out after 1s");
    jobs_test_free(test);
}

/* ---- misuse ---- */

static void drain_inside(struct proc *self, struct jobs *jobs, void *arg)
{
    (void)self, (void)jobs;
    *(bool *)arg = jobs_test_drain(family, &(struct jobs_test_drain){0}, NULL);
}

static void wait_for_ever(struct proc *self, struct jobs *jobs, void *arg)
{
    (void)jobs, (void)arg;
    proc_receive(self, WAIT_FOREVER);
}

static void leave(struct proc *self, struct jobs *jobs, void *arg)
{
    (void)jobs, (void)arg;
    proc_exit(self, reason_make(EXIT_ERROR, "tired"));
}

Test(testing, what_cannot_work_is_said)
{
    unsigned acted;
    bool drained = true;
    struct jobs_test *test = test_new(JOBS_TEST_MANUAL, &acted, NULL);
    cr_assert(jobs_test_run(test, drain_inside, &drained));
    cr_assert_not(drained);
    cr_assert_not(jobs_test_run(test, wait_for_ever, NULL));
    cr_assert_str_eq(jobs_test_why(test), "the code did not end within 86400 s of the test's clock "
                                          "(it is receiving)");
    cr_assert_not(jobs_test_run(test, leave, NULL));
    cr_assert_str_eq(jobs_test_why(test), "the code crashed: tired");
    struct job_spec bad = {.worker = ""};
    cr_assert_not(jobs_test_insert(test, &bad, NULL));
    cr_assert_str_eq(jobs_test_why(test), "the job was refused: a job needs a worker");
    jobs_test_free(test);
    struct jobs_test_options options = {.start_ms = -1};
    cr_assert_null(jobs_test_new(&options, why, sizeof why));
}

/* Same seed, same run. */
Test(testing, chance_is_of_the_seed)
{
    int64_t due[3];
    for (unsigned i = 0, acted; i < 3; ++i) {
        acted = 0;
        struct worker worker = {.name = "act", .perform = act, .ctx = &acted};
        struct jobs_test_options options = {.workers = &worker, .worker_count = 1, .seed = i / 2};
        struct jobs_test *test = jobs_test_new(&options, why, sizeof why);
        uint64_t id = insert(test, (struct job_spec){.args = DO("ERROR"), .max_attempts = 3});
        for (int j = 0; j < 2; ++j)
            jobs_test_drain(test, &(struct jobs_test_drain){.scheduled = true}, NULL);
        due[i] = jobs_test_job(test, id)->scheduled_ms + acted;
        jobs_test_free(test);
    }
    cr_assert_eq(due[0], due[1]);
}
