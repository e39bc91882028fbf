/* How fast whole runs are: the scenario of three nodes and a hundred jobs, all properties on, in this process, on one core.
 * Prints runs, events and simulated seconds per second of CPU time, and how much of it SQLite itself takes: a profiling
 * timer samples where the program is, by the address ranges of the loaded libraries. */
#define _GNU_SOURCE /* dl_iterate_phdr, REG_RIP */
#include "harness/bench/bench.h"
#include "harness/run.h"
#include "scenarios/jobs/jobs_system.h"

#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

#define RUNS 300

static uintptr_t sqlite_begin, sqlite_end;
static volatile sig_atomic_t samples, in_sqlite;

static int find_sqlite(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size, (void)ctx;
    if (!strstr(info->dlpi_name, "libsqlite3"))
        return 0;
    sqlite_begin = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && end > sqlite_end)
            sqlite_end = end;
    }
    return 1;
}

static void on_sample(int signal, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)signal, (void)info;
    samples++;
    if (at >= sqlite_begin && at < sqlite_end)
        in_sqlite++;
}

static void start_sampling(void)
{
    /* Fibers have stacks of their own; the handler must not need much of them. */
    struct sigaction action = {.sa_sigaction = on_sample, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct itimerval every = {{0, 1000}, {0, 1000}};
    dl_iterate_phdr(find_sqlite, NULL);
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &every, NULL);
}

int main(void)
{
    static const struct system *const systems[] = {&jobs_system};
    char *why = NULL;
    registry_init();
    struct scenario *scenario =
        scenario_load("scenarios/three-nodes-hundred-jobs.yaml", systems, 1, &why);
    if (!scenario) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    uint64_t events = 0, failed = 0;
    int64_t sim_ns = 0;
    start_sampling();
    int64_t start = bench_cpu_ns();
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct tape *tape = tape_new(seed);
        struct run run;
        run_execute(&run, scenario, tape, UINT64_MAX);
        events += run.events;
        sim_ns += run.sim_ns;
        failed += run.outcome != OUTCOME_PASS;
        run_done(&run);
        tape_free(tape);
    }
    double seconds = (double)(bench_cpu_ns() - start) / 1e9;
    bench_print("runs: 3 nodes, 100 jobs", RUNS / seconds, "runs/s/core", 150, false, 0);
    bench_print("runs: events in whole runs", (double)events / seconds, "events/s/core", 0, false,
                0);
    bench_print("runs: simulated time", (double)sim_ns / 1e9 / seconds, "s/s", 1000, false, 0);
    bench_print("runs: time in SQLite itself", 100.0 * in_sqlite / (samples ? samples : 1), "%", 0,
                false, 0);
    scenario_free(scenario);
    return failed ? 1 : 0;
}
