/* bench_runtime.c: what fibers and bare processes cost; bench_otp.c does the rest. One JSON object a line: {"name","value","unit"}, and where there is
 * something to compare with, "baseline" (same unit) and "ratio" (how many times better than it). */
#define _GNU_SOURCE
#include "sut/runtime/bench/rig.h"
#include "sut/runtime/fiber.h"

#include <ucontext.h>

/* ---- switches ---- */

enum { SWITCHES = 1000000 };

static struct fiber *fiber;

static void fiber_body(void *arg)
{
    (void)arg;
    for (;;)
        fiber_yield(fiber);
}

static void fiber_round(void *arg)
{
    (void)arg;
    for (int i = 0; i < SWITCHES / 2; ++i)
        fiber_switch(fiber);
}

static ucontext_t here, there;

static void ucontext_body(void)
{
    for (;;)
        swapcontext(&there, &here);
}

static void ucontext_round(void *arg)
{
    (void)arg;
    for (int i = 0; i < SWITCHES / 2; ++i)
        swapcontext(&here, &there);
}

static double ucontext_ns(void)
{
    static char stack[64 * 1024];
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = sizeof stack;
    makecontext(&there, ucontext_body, 0);
    return best_seconds(ucontext_round, NULL) * 1e9 / SWITCHES;
}

static void bench_switch(void)
{
    struct heap *heap = heap_new();
    struct fiber_pool *pool = fiber_pool_new(heap, 0, NULL);
    fiber = fiber_new(pool, fiber_body, NULL);
    double ns = best_seconds(fiber_round, NULL) * 1e9 / SWITCHES;
    double baseline = ucontext_ns();
    printf("{\"name\": \"fiber switch\", \"value\": %.3g, \"unit\": \"ns\", \"baseline\": %.3g, "
           "\"ratio\": %.3g}\n",
           ns, baseline, baseline / ns);
    fiber_pool_free(pool);
    heap_free(heap);
}

/* ---- processes ---- */

enum { CALLS = 300000, TIMERS = 300000, IDLE = 100000 };

static void body_one_message(struct proc *self, void *arg)
{
    (void)arg;
    proc_receive(self, WAIT_FOREVER);
}

static void body_callee(struct proc *self, void *arg)
{
    (void)arg;
    for (;;) {
        const struct message *ask = proc_receive(self, WAIT_FOREVER);
        proc_reply(self, ask->from, ask->ref, ask->data, ask->size);
    }
}

static void body_caller(struct proc *self, void *arg)
{
    (void)arg;
    const struct message *reply;
    proc_id callee = proc_spawn(proc_runtime(self),
                                &(struct proc_spec){.main = body_callee, .link = proc_self(self)});
    for (int i = 0; i < CALLS; ++i)
        proc_call(self, callee, MSG_USER, &i, sizeof i, 5 * NS_PER_S, &reply);
    proc_exit(self, (struct reason){.kind = EXIT_SHUTDOWN});
}

/* A thousand timers are always armed, as in a system with many timeouts. */
static void body_timers(struct proc *self, void *arg)
{
    (void)arg;
    enum { ARMED = 1000 };
    ref_id refs[ARMED] = {0};
    for (int i = 0; i < TIMERS; ++i) {
        proc_cancel_timer(self, refs[i % ARMED]);
        refs[i % ARMED] = proc_send_after(self, (1 + i % 1000 * 7919 % 1000) * NS_PER_S,
                                          proc_self(self), MSG_USER, NULL, 0);
    }
}

static void bench_rate(const char *name, proc_main *main, int count)
{
    report(name, count / best_seconds(run_body, &main), "1/s");
}

/* ---- memory ---- */

static void bench_idle(void)
{
    struct env env;
    struct runtime *runtime = begin(&env);
    double before = resident_bytes();
    for (int i = 0; i < IDLE; ++i)
        proc_spawn(runtime, &(struct proc_spec){.main = body_one_message});
    double spawned = resident_bytes();
    runtime_run(runtime);
    double idle = resident_bytes();
    report("memory of a process that has not run", (spawned - before) / IDLE, "bytes");
    report("memory of an idle process", (idle - before) / IDLE, "bytes");
    end(runtime);
}

int main(void)
{
    bench_idle(); /* first: the allocator has nothing to hand out yet */
    bench_switch();
    bench_rate("calls of a bare process", body_caller, CALLS);
    bench_rate("timers armed and cancelled, a thousand at once", body_timers, TIMERS);
    return 0;
}
