/* test_outside.c: jobs whose code runs in a thread or a child process, which here return, crash and hang when the test says so. */
#include "sut/jobs/test/rig.h"

#include <signal.h>

#define assert_state(rig, id, expected)                                                            \
    cr_assert_str_eq(job_state_word(state_of(rig, id)), expected)

#define EXITED(code) ((code) << 8) /* as waitpid() tells it */

static const struct queue *default_queue(const struct rig *rig)
{
    return rig->jobs->queues;
}

/* ---- threads ---- */

Test(thread, its_outcome_is_that_of_the_job)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t fine = rig_insert(rig, "thread", "{}", 0), refuses = rig_insert(rig, "thread", "!", 0);
    rig_advance(rig, S);
    cr_assert_eq(rig->thread_count, 2);
    assert_state(rig, fine, "executing");
    rig_thread_return(rig);
    rig_thread_return(rig);
    rig_advance(rig, S);
    assert_state(rig, fine, "completed");
    assert_state(rig, refuses, "cancelled");
    cr_assert_str_eq(row_of(rig, refuses)->error, "!");
    cr_assert_eq(default_queue(rig)->running, 0);
    rig_free(rig);
}

Test(thread, lets_the_queue_and_the_leases_go_on)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 3000});
    uint64_t slow = rig_insert(rig, "thread", "{}", 0);
    rig_advance(rig, S);
    uint64_t quick = rig_insert(rig, "ok", "{}", 0);
    rig_advance(rig, 20 * S);
    assert_state(rig, quick, "completed");
    assert_state(rig, slow, "executing");
    cr_assert_eq(row_of(rig, slow)->job.lease, 1);
    rig_free(rig);
}

Test(thread, that_overruns_costs_the_attempt_and_keeps_its_place) /* 44, 45 */
{
    struct rig *rig = rig_new((struct rig_options){.limit = 1});
    uint64_t id = rig_insert(rig, "thread7", "{}", 0), next = rig_insert(rig, "ok", "{}", 0);
    size_t now;
    rig_advance(rig, 6 * S);
    assert_state(rig, id, "retryable");
    cr_assert_str_eq(row_of(rig, id)->error, "timed out after 5s");
    cr_assert_leq(llabs(due_in_ms(rig, id) - 7000), 1);
    cr_assert(rig->threads[0]->cancelled);
    cr_assert_eq(events(rig, "job/outside/overrun", id, " lease=1 queue=default"), 1);
    cr_assert_eq(jobs_overrun_count(rig->jobs, &now), 1);
    cr_assert_eq(now, 1);
    rig_advance(rig, 3 * S);
    assert_state(rig, next, "available");
    rig_thread_return(rig);
    rig_advance(rig, 100 * MS);
    assert_state(rig, next, "completed");
    assert_state(rig, id, "retryable");
    cr_assert_eq(row_of(rig, id)->applied, 1);
    cr_assert_eq(events(rig, "job/outside/return", id, " lease=1 queue=default"), 1);
    cr_assert_eq(jobs_overrun_count(rig->jobs, &now), 1);
    cr_assert_eq(now, 0);
    cr_assert_eq(default_queue(rig)->running, 0);
    rig_free(rig);
}

Test(thread, that_had_not_begun_when_it_was_cancelled_runs_nothing)
{
    struct rig *rig = rig_new((struct rig_options){0});
    rig_insert(rig, "thread7", "{}", 1);
    rig_advance(rig, 6 * S);
    rig_thread_return(rig);
    cr_assert_eq(rig->performed, 0);
    rig_free(rig);
}

Test(thread, that_lost_its_lease_is_cancelled_and_writes_nothing)
{
    struct rig *rig = rig_new((struct rig_options){.lease_ms = 3000});
    uint64_t id = rig_insert(rig, "thread", "{}", 0);
    rig_advance(rig, S);
    rig->rows[id - 1].job.state = JOB_CANCELLED; /* by hand */
    rig_advance(rig, 3 * S);
    cr_assert(rig->threads[0]->cancelled);
    rig_thread_return(rig);
    rig_advance(rig, S);
    assert_state(rig, id, "cancelled");
    cr_assert_eq(row_of(rig, id)->applied + row_of(rig, id)->stale, 0);
    cr_assert_eq(default_queue(rig)->running, 0);
    rig_free(rig);
}

Test(thread, that_returned_is_not_cancelled_before_anybody_noticed)
{
    struct rig *rig = rig_new((struct rig_options){0});
    rig_insert(rig, "thread", "{}", 0);
    rig_advance(rig, S);
    struct thread_work *work = rig->threads[0];
    work->work.run(&work->work);
    work->work.driver = NULL;
    work->work.done(&work->work); /* its process is ready, but dies first */
    proc_signal(rig->runtime, 0, default_queue(rig)->slots->pid, reason_make(EXIT_KILL, "%s", ""));
    rig_advance(rig, S);
    cr_assert_eq(default_queue(rig)->running, 0);
    cr_assert_eq(events(rig, "job/outside/overrun", 0, ""), 0);
    rig_free(rig);
}

Test(thread, keeps_its_place_across_a_restart_of_its_queue)
{
    struct rig *rig = rig_new((struct rig_options){.limit = 1, .lease_ms = 3000});
    uint64_t id = rig_insert(rig, "thread", "{}", 0);
    rig_advance(rig, S);
    queue_kill(rig);
    rig_advance(rig, S);
    cr_assert(rig->threads[0]->cancelled);
    queue_kill(rig);
    rig_advance(rig, 10 * S);
    assert_state(rig, id, "available"); /* rescued, but there is no place for it here */
    rig_thread_return(rig);
    rig_advance(rig, S);
    cr_assert_eq(row_of(rig, id)->job.lease, 2);
    cr_assert_eq(rig->thread_count, 1);
    rig_free(rig);
}

Test(thread, that_overruns_is_waited_for_in_a_drain_but_not_longer_than_the_grace)
{
    for (int returns = 0; returns < 2; ++returns) {
        struct rig *rig = rig_new((struct rig_options){.grace_ns = 10 * S});
        rig_insert(rig, "thread7", "{}", 0);
        rig_advance(rig, 6 * S);
        jobs_drain(rig->jobs, rig_drained, rig);
        rig_advance(rig, S);
        cr_assert_eq(rig->drained, 0);
        if (returns)
            rig_thread_return(rig);
        rig_advance(rig, returns ? S : 10 * S);
        cr_assert_eq(rig->drained, 1);
        cr_assert_eq(rig->left, 0); /* its attempt is written down */
        rig_free(rig);
    }
}

Test(thread, of_a_dead_node_is_nobodys)
{
    struct rig *rig = rig_new((struct rig_options){0});
    rig_insert(rig, "thread", "{}", 0);
    rig_insert(rig, "thread7", "{}", 0);
    rig_advance(rig, 6 * S);
    rig_free(rig);
}

/* ---- child processes ---- */

static uint64_t child_of(struct rig *rig, unsigned max)
{
    uint64_t id = rig_insert(rig, "child7", "{\"to\": 1}", max);
    rig_advance(rig, 1500 * MS);
    cr_assert_not_null(rig->child);
    return id;
}

static void child_answers(struct rig *rig)
{
    struct worker workers[] = {{.name = "child7", .mode = IN_CHILD, .blocking = block, .ctx = rig}};
    void *input = heap_memdup(rig->heap, rig->child->input, rig->child->input_size);
    rig->child->answer_size =
        jobs_child_run(&rig->env, workers, 1, input, rig->child->input_size, rig->child->answer);
}

Test(child, gets_the_job_and_answers_with_its_outcome)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t id = child_of(rig, 0);
    const struct job *job = rig->child->input;
    cr_assert_eq(rig->child->memory_max, 1 << 20);
    cr_assert_str_eq(job->args, "{\"to\": 1}");
    child_answers(rig);
    rig_child_end(rig, 0, EXITED(0));
    rig_advance(rig, S);
    assert_state(rig, id, "completed");
    rig_free(rig);
}

Test(child, that_crashes_costs_one_attempt) /* 42, 45 */
{
    static const struct {
        int status;
        const char *error;
    } ends[] = {
        {SIGSEGV, "crashed: killed by SIGSEGV"},
        {SIGABRT, "crashed: killed by SIGABRT"},
        {40, "crashed: killed by signal 40"},
        {EXITED(3), "crashed: it ended without an outcome, exit status 3"},
        {EXITED(0), "crashed: it ended without an outcome, exit status 0"},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; ++i) {
        struct rig *rig = rig_new((struct rig_options){0});
        uint64_t id = child_of(rig, 0), last = 0;
        rig_child_end(rig, 0, ends[i].status);
        rig_advance(rig, S);
        assert_state(rig, id, "retryable");
        cr_assert_str_eq(row_of(rig, id)->error, ends[i].error);
        cr_assert_eq(row_of(rig, id)->errors, 1);
        cr_assert_leq(llabs(due_in_ms(rig, id) - 7000), 1);
        last = child_of(rig, 1);
        rig_child_end(rig, 0, ends[i].status);
        rig_advance(rig, S);
        assert_state(rig, last, "discarded");
        rig_free(rig);
    }
}

Test(child, is_killed_at_its_time_limit_and_keeps_its_place_until_it_is_dead)
{
    struct rig *rig = rig_new((struct rig_options){.limit = 1});
    uint64_t id = child_of(rig, 0);
    rig_advance(rig, 6 * S);
    assert_state(rig, id, "retryable");
    cr_assert_eq(rig->killed, 1);
    cr_assert_eq(default_queue(rig)->running, 1);
    rig_child_end(rig, 0, SIGKILL);
    cr_assert_eq(default_queue(rig)->running, 0);
    cr_assert_eq(jobs_overrun_count(rig->jobs, NULL), 0); /* these are threads */
    rig_free(rig);
}

Test(child, that_cannot_be_made_costs_no_attempt)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t id = child_of(rig, 0);
    rig_child_end(rig, -EAGAIN, 0);
    rig_advance(rig, S);
    assert_state(rig, id, "scheduled");
    cr_assert_eq(row_of(rig, id)->job.attempt, 0);
    rig_free(rig);
}

Test(child, that_answers_nonsense_is_an_error)
{
    struct rig *rig = rig_new((struct rig_options){0});
    uint64_t id = child_of(rig, 0);
    memset(rig->child->answer, 0x55, sizeof rig->child->answer);
    rig->child->answer_size = sizeof(struct job_outcome);
    rig_child_end(rig, 0, EXITED(0));
    rig_advance(rig, S);
    assert_state(rig, id, "retryable");
    cr_assert(strstr(row_of(rig, id)->error, "of no known kind"));
    rig_free(rig);
}

Test(child, does_not_run_what_makes_no_sense)
{
    struct rig *rig = rig_new((struct rig_options){0});
    unsigned char answer[CHILD_ANSWER_MAX];
    struct job_outcome outcome;
    child_of(rig, 0);
    size_t size = rig->child->input_size;
    void *input = heap_memdup(rig->heap, rig->child->input, size);
    cr_assert_eq(jobs_child_run(&rig->env, NULL, 0, input, size - 1, answer), 0);
    cr_assert_eq(jobs_child_run(&rig->env, NULL, 0, input, 7, answer), 0);
    cr_assert_eq(jobs_child_run(&rig->env, NULL, 0, input, size, answer), sizeof outcome);
    memcpy(&outcome, answer, sizeof outcome);
    cr_assert_eq(outcome.kind, JOB_ERROR);
    cr_assert_str_eq(outcome.text, "worker child7 was not known when processes could be made");
    rig_free(rig);
}

/* ---- what cannot be ---- */

Test(start, refuses_workers_that_cannot_run_here)
{
    static const struct {
        struct worker worker;
        const char *why;
    } cases[] = {
        {{.name = "w", .mode = IN_THREAD}, "needs its function: blocking"},
        {{.name = "w", .blocking = block}, "needs its function: perform"},
        {{.name = "w", .mode = IN_THREAD, .blocking = block, .memory_max = 1}, "limit of memory"},
        {{.name = "w", .mode = IN_THREAD, .blocking = block}, "has none for jobs"},
        {{.name = "w", .mode = IN_CHILD, .blocking = block}, "isolation_start"},
    };
    struct rig *rig = rig_new((struct rig_options){0});
    struct env_ops without = rig_env_ops;
    without.thread_start = NULL;
    without.child_start = NULL;
    rig->env.ops = &without;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        char why[160] = "";
        struct jobs_config config = {
            .store = &rig->store, .workers = &cases[i].worker, .worker_count = 1};
        cr_assert_null(jobs_start(rig->runtime, &config, why, sizeof why));
        cr_assert(strstr(why, cases[i].why), "%s", why);
    }
    rig_free(rig);
}
