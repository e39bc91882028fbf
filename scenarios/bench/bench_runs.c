/* How fast whole runs are: the scenario of three nodes and a hundred jobs, all properties on, in this process, on one core.
 * Prints runs, events and simulated seconds per second of CPU time; how much of it SQLite itself takes: a profiling timer
 * samples where the program is; and how much the properties take: each run's trace is read twice, with and without them. */
#define _GNU_SOURCE /* dladdr, REG_RIP */
#include "harness/bench/bench.h"
#include "harness/run.h"
#include "scenarios/jobs/jobs_system.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

#define RUNS        300 /* or as many as the first argument says: fewer under callgrind */
#define SAMPLES_MAX 100000

static void *samples[SAMPLES_MAX];
static volatile sig_atomic_t sample_count, sampling;

static void on_sample(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    if (sampling && sample_count < SAMPLES_MAX)
        samples[sample_count++] = (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

/* The timer goes on between runs: one that is set anew for each would hardly ever ring. */
static void sampling_begin(void)
{
    /* Fibers have stacks of their own; the handler must not need much of them. */
    struct sigaction action = {.sa_sigaction = on_sample, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct itimerval every = {{0, 1000}, {0, 1000}};
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &every, NULL);
}

/* Only global functions have names here; its static ones stand between them. */
static bool is_named_sqlite(const void *address)
{
    Dl_info info;
    return dladdr(address, &info) && info.dli_sname && strncmp(info.dli_sname, "sqlite3", 7) == 0;
}

static double sqlite_percent(void)
{
    uintptr_t low = UINTPTR_MAX, high = 0, in_sqlite = 0;
    for (int i = 0; i < sample_count; i++) {
        uintptr_t at = (uintptr_t)samples[i];
        bool named = (at < low || at > high) && is_named_sqlite(samples[i]);
        low = named && at < low ? at : low;
        high = named && at > high ? at : high;
    }
    for (int i = 0; i < sample_count; i++)
        in_sqlite += (uintptr_t)samples[i] >= low && (uintptr_t)samples[i] <= high;
    return 100.0 * (double)in_sqlite / (sample_count ? sample_count : 1);
}

/* CPU time of reading a trace, with a panel of all properties listening or not. */
static int64_t read_ns(const struct trace *trace, bool judged)
{
    int64_t start = bench_cpu_ns();
    struct panel *panel = judged ? panel_new(NULL, 0) : NULL;
    struct trace_cursor cursor = {0};
    struct event event;
    while (trace_next(trace, &cursor, &event))
        if (panel)
            panel_event(panel, &event);
    if (panel)
        panel_end(panel);
    panel_free(panel);
    return bench_cpu_ns() - start;
}

int main(int argc, char **argv)
{
    const uint64_t runs = argc > 1 ? strtoull(argv[1], NULL, 10) : RUNS;
    static const struct system *const systems[] = {&jobs_system};
    char *why = NULL;
    registry_init();
    struct scenario *scenario =
        scenario_load("scenarios/three-nodes-hundred-jobs.yaml", systems, 1, &why);
    if (!scenario) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    sampling_begin();
    uint64_t events = 0, failed = 0;
    int64_t sim_ns = 0, cpu_ns = 0, judging_ns = 0;
    for (uint64_t seed = 1; seed <= runs; seed++) {
        struct tape *tape = tape_new(seed);
        struct run run;
        sampling = true;
        int64_t start = bench_cpu_ns();
        run_execute(&run, scenario, tape, UINT64_MAX);
        events += run.events;
        sim_ns += run.sim_ns;
        failed += run.outcome != OUTCOME_PASS;
        sampling = false;
        int64_t executed = bench_cpu_ns();
        judging_ns += read_ns(run.trace, true) - read_ns(run.trace, false);
        int64_t judged = bench_cpu_ns();
        run_done(&run);
        tape_free(tape);
        cpu_ns += executed - start + bench_cpu_ns() - judged;
    }
    double seconds = (double)cpu_ns / 1e9;
    bench_print("runs: 3 nodes, 100 jobs", (double)runs / seconds, "runs/s/core", 300, false, 0);
    bench_print("runs: events in whole runs", (double)events / seconds, "events/s/core", 0, false,
                0);
    bench_print("runs: simulated time", (double)sim_ns / 1e9 / seconds, "s/s", 1000, false, 0);
    bench_print("runs: time in SQLite itself", sqlite_percent(), "%", 0, false, 0);
    bench_print("runs: time in properties", 100.0 * (double)judging_ns / (double)cpu_ns, "%", 0,
                false, 0);
    scenario_free(scenario);
    return failed ? 1 : 0;
}
