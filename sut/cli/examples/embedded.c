/* Jobs inside a program of one's own: a worker in C, a queue, and a job in the same database file as everything else.
 *     cc embedded.c $(pkg-config --cflags --libs jobs) && ./a.out jobs.db */
#include "sut/jobs/jobs.h"
#include "sut/live/env_live.h"
#include "sut/store/sqlite.h"

#include <signal.h>
#include <stdio.h>

static struct job_outcome greet(struct proc *self, const struct job *job, void *ctx)
{
    (void)self, (void)ctx;
    printf("attempt %u with %s\n", job->attempt, job->args);
    if (job->attempt < 2)
        return job_outcome_make(JOB_ERROR, "not in the mood");
    raise(SIGINT); /* this was all that the example has to show */
    return job_outcome_make(JOB_OK, "%s", "");
}

static int64_t soon(const struct job *job, uint64_t entropy)
{
    (void)job, (void)entropy;
    return 0; /* seconds until the next attempt */
}

static void drained(void *live, size_t left)
{
    (void)left;
    env_live_halt(live);
}

static void on_interrupt(uv_signal_t *signal, int number)
{
    (void)number;
    jobs_drain(signal->data, drained, signal->loop->data); /* what runs may end */
}

int main(int argc, char **argv)
{
    char why[200] = "usage: embedded FILE";
    struct env_live live;
    env_live_init(&live);
    struct store_sqlite_options options = {
        .path = argv[argc - 1], .env = &live.env, .create = true};
    struct store_db *db = argc == 2 ? store_sqlite_open(&options, why, sizeof why) : NULL;
    if (!db)
        return fprintf(stderr, "%s\n", why), 1;

    struct job_spec spec = {.worker = "greet", .args = "{\"name\": \"world\"}"};
    struct store_request insert = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
    struct store_reply reply;
    store_execute(db, &insert, live.env.heap, &reply);

    struct store store;
    store_local_init(&store, db, 5 * NS_PER_S);
    struct worker workers[] = {{.name = "greet", .perform = greet, .backoff_s = soon}};
    struct queue_config queues[] = {{.name = "default", .limit = 10}};
    struct jobs_config config = {
        .store = &store, .queues = queues, .queue_count = 1, .workers = workers, .worker_count = 1};
    struct runtime *runtime = runtime_new(&live.env, NULL);
    struct jobs *jobs = jobs_start(runtime, &config, why, sizeof why);
    if (!jobs)
        return fprintf(stderr, "%s\n", why), 1;

    uv_signal_t interrupt = {.data = jobs};
    live.loop.data = &live;
    uv_signal_init(&live.loop, &interrupt);
    uv_signal_start(&interrupt, on_interrupt, SIGINT);
    env_live_drive(&live, runtime);
    uv_run(&live.loop, UV_RUN_DEFAULT);

    env_live_settle(&live, 5 * NS_PER_S);
    store_close(db);
    uv_close((uv_handle_t *)&interrupt, NULL);
    env_live_done(&live);
    return 0;
}
