/* bench_properties.c: events per second through the whole trace path: recorded, fingerprinted,
 * judged by all properties.
 *
 * The trace is the life of jobs as a run shows it: three nodes, a database, clients; every eighth
 * job fails once. Each call is an ordinary call site, as in the system. One line of JSON per
 * figure. */
#include "harness/bench/bench.h"
#include "harness/property.h"
#include "harness/test/recorder.h"

#include <stdlib.h>

enum { JOBS = 100, QUEUE_LIMIT = 10, ROUNDS = 2000 };

struct bench {
    struct recorder recorder;
    struct point_site db, client, queue, process;
    uint64_t pid;
    uint64_t events;
};

static void job_insert(struct bench *bench, uint64_t job)
{
    TRACE(&bench->client, "client/insert/call", T_U64("key", job), T_I64("delay_ms", 0),
          T_U64("max", 20), T_U64("tx", 0));
    TRACE(&bench->db, "store/job/insert", T_U64("job", job), T_STR("state", "available"),
          T_I64("delay_ms", 0));
    TRACE(&bench->client, "client/insert/ok", T_U64("key", job), T_U64("job", job));
}

static void store_calls(struct bench *bench)
{
    TRACE(&bench->queue, "store/claim/send", T_STR("queue", "default"), T_U64("count", 1));
    TRACE(&bench->queue, "store/claim/reply", T_STR("queue", "default"), T_U64("count", 1));
}

static void job_claim(struct bench *bench, uint64_t job, uint64_t attempt)
{
    TRACE(&bench->db, "store/job/claim", T_U64("job", job), T_U64("lease", attempt),
          T_U64("attempt", attempt), T_U64("max", 20), T_STR("queue", "default"));
    TRACE(&bench->queue, "queue/job/claimed", T_U64("job", job), T_U64("lease", attempt),
          T_U64("attempt", attempt), T_STR("queue", "default"));
    bench->process.actor = ++bench->pid;
    TRACE(&bench->process, "proc/process/spawn", T_U64("pid", bench->pid), T_STR("label", "job"),
          T_U64("parent", bench->queue.actor));
}

static void job_run(struct bench *bench, uint64_t job, uint64_t attempt, const char *outcome)
{
    TRACE(&bench->process, "job/perform/start", T_U64("job", job), T_U64("attempt", attempt),
          T_U64("lease", attempt), T_U64("max", 20), T_STR("worker", "mail"),
          T_STR("queue", "default"), T_U64("limit", QUEUE_LIMIT));
    TRACE(&bench->process, "work/job/run", T_U64("key", job), T_U64("job", job),
          T_U64("attempt", attempt), T_U64("lease", attempt), T_U64("idem", 1));
    if (outcome[0] == 'o')
        TRACE(&bench->client, "upstream/effect/apply", T_U64("key", job),
              T_U64("attempt", attempt));
    TRACE(&bench->process, "job/perform/stop", T_U64("job", job), T_U64("attempt", attempt),
          T_U64("lease", attempt), T_STR("outcome", outcome), T_STR("queue", "default"));
    TRACE(&bench->process, "proc/process/exit", T_U64("pid", bench->pid), T_STR("label", "job"),
          T_STR("reason", "normal"), T_U64("calm", 1));
}

static void job_finish(struct bench *bench, uint64_t job, uint64_t attempt, const char *state,
                       int64_t delay_ms)
{
    TRACE(&bench->db, "store/job/finish", T_U64("job", job), T_U64("lease", attempt),
          T_STR("state", state), T_U64("attempt", attempt), T_U64("max", 20),
          T_I64("delay_ms", delay_ms));
    TRACE(&bench->queue, "job/finish/done", T_U64("job", job), T_U64("lease", attempt),
          T_STR("state", state), T_STR("result", "applied"));
}

static void job_live(struct bench *bench, uint64_t job)
{
    uint64_t attempt = 1;
    bench->queue.node = bench->process.node = 2 + (uint32_t)(job % 3);
    job_insert(bench, job);
    store_calls(bench);
    job_claim(bench, job, attempt);
    if (job % 8 == 0) {
        job_run(bench, job, attempt, "error");
        job_finish(bench, job, attempt++, "retryable", 17000 + job % 16 * 125 / 2);
        bench->recorder.now_ns += INT64_C(18000000000);
        TRACE(&bench->db, "store/job/stage", T_U64("job", job));
        job_claim(bench, job, attempt);
    }
    job_run(bench, job, attempt, "ok");
    job_finish(bench, job, attempt, "completed", 0);
}

/* One run of 100 jobs. */
static void run(struct bench *bench)
{
    struct trace *trace = bench->recorder.trace = trace_new();
    struct panel *panel = panel_new(NULL, 0);
    trace_listen(trace, panel_event, panel);
    for (uint64_t job = 1; job <= JOBS; job++)
        job_live(bench, job);
    TRACE(&bench->client, "world/phase/enter", T_STR("phase", "audit"));
    for (uint64_t job = 1; job <= JOBS; job++)
        TRACE(&bench->client, "audit/job/row", T_U64("job", job), T_U64("key", job),
              T_STR("state", "completed"), T_U64("attempt", job % 8 ? 1 : 2), T_U64("max", 20));
    panel_end(panel);
    size_t count;
    const struct verdict *verdicts = panel_verdicts(panel, &count);
    for (size_t i = 0; i < count; i++) {
        if (!verdicts[i].failed)
            continue;
        fprintf(stderr, "%s: %s\n", verdicts[i].property->id, verdicts[i].message);
        exit(1);
    }
    panel_free(panel);
    bench->events += trace_count(trace);
    trace_free(trace);
}

int main(void)
{
    struct bench bench = {.recorder = recorder_make(1000)};
    struct point_site site = {.sink = &bench.recorder.sink};
    trace_free(bench.recorder.trace); /* each run has its own */
    bench.db = bench.client = bench.queue = bench.process = site;
    bench.db.node = 1;
    bench.queue.actor = 2;
    bench.pid = 10;
    int64_t start_ns = bench_cpu_ns();
    for (unsigned i = 0; i < ROUNDS; i++)
        run(&bench);
    double seconds = (double)(bench_cpu_ns() - start_ns) / 1e9;
    bench_print("trace events per second, all properties on", (double)bench.events / seconds,
                "events/s", 1000000, false, 0);
    return 0;
}
