/* bench_otp.c: processes, servers and supervisors beside Erlang's, on one scheduler, in the same run, by the time of the processor: peers.escript does the same
 * work when `escript` is installed; "baseline" is what it measured, "ratio" how many times better we are. Without it
 * there are no baselines. The goals are the project's. */
#include "sut/runtime/bench/rig.h"
#include "sut/runtime/ets.h"
#include "sut/runtime/server.h"
#include "sut/runtime/supervisor.h"

#include <string.h>

enum { SPAWNS = 200000, PINGS = 300000, CALLS = 200000, IDLE = 100000 };
enum { MAILS = 1000000, TIMERS = 1000000, RESTARTS = 2000, ROWS = 100000 };

/* ---- the peer ---- */

static struct {
    char name[32];
    double value;
} peers[16];
static size_t peer_count;

static void peers_measure(void)
{
    FILE *from =
        popen("command -v escript >/dev/null && exec escript sut/runtime/bench/peers.escript", "r");
    while (from && peer_count < 16 &&
           fscanf(from, "%31s %lf", peers[peer_count].name, &peers[peer_count].value) == 2)
        ++peer_count;
    if (from)
        pclose(from);
    if (peer_count == 0)
        fputs("Erlang is not installed: no baselines\n", stderr);
}

static double peer(const char *name)
{
    for (size_t i = 0; i < peer_count; i++)
        if (strcmp(peers[i].name, name) == 0)
            return peers[i].value;
    return 0;
}

/* `goal` is the ratio that is wanted; 0: none. Rates. */
static void compare(const char *name, double rate, const char *peer_name, double goal)
{
    double baseline = peer(peer_name);
    printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"1/s\"", name, rate);
    if (baseline > 0)
        printf(", \"baseline\": %.6g, \"ratio\": %.3g", baseline, rate / baseline);
    if (baseline > 0 && goal > 0)
        printf(", \"goal\": %.6g, \"met\": %s", goal * baseline,
               rate >= goal * baseline ? "true" : "false");
    puts("}");
}

/* ---- idle servers ---- */

struct idle {
    uint64_t number[4];
};

static struct server_next idle_call(struct proc *self, void *state, const struct message *request)
{
    (void)state;
    server_reply(self, request->data, request->size);
    return server_go();
}

static const struct server_ops idle_ops = {.call = idle_call};

static const struct server_spec idle_spec = {
    .label = "idle", .ops = &idle_ops, .state_size = sizeof(struct idle)};

static void body_start_idle(struct proc *self, void *arg)
{
    (void)arg;
    for (int i = 0; i < IDLE; i++)
        if (server_start_link(self, &idle_spec).how != STARTED_OK)
            exit(1);
    proc_receive(self, WAIT_FOREVER);
}

static void bench_idle(void)
{
    enum { GOAL_MB = 100 };
    struct env env;
    struct runtime *runtime = begin(&env);
    double before = resident_bytes();
    proc_spawn(runtime, &(struct proc_spec){.main = body_start_idle});
    runtime_run(runtime);
    double mb = (resident_bytes() - before) / 1e6, baseline = peer("idle") * IDLE / 1e6;
    if (runtime_count(runtime) != IDLE + 1)
        exit(1);
    printf("{\"name\": \"100,000 idle gen_servers\", \"value\": %.4g, \"unit\": \"MB\", \"goal\": "
           "%d, \"met\": %s",
           mb, GOAL_MB, mb <= GOAL_MB ? "true" : "false");
    if (baseline > 0)
        printf(", \"baseline\": %.4g, \"ratio\": %.3g", baseline, baseline / mb);
    puts("}");
    end(runtime);
}

/* ---- processes ---- */

static void body_one_message(struct proc *self, void *arg)
{
    (void)arg;
    proc_receive(self, WAIT_FOREVER);
}

static void body_spawner(struct proc *self, void *arg)
{
    (void)arg;
    struct runtime *runtime = proc_runtime(self);
    for (int i = 0; i < SPAWNS; ++i) {
        proc_id child = proc_spawn(runtime, &(struct proc_spec){.main = body_one_message});
        proc_send(runtime, proc_self(self), child, MSG_USER, &i, sizeof i);
        if (i % 100 == 99)
            proc_yield(self);
    }
}

static void body_pong(struct proc *self, void *arg)
{
    (void)arg;
    for (;;) {
        const struct message *ping = proc_receive(self, WAIT_FOREVER);
        proc_send(proc_runtime(self), proc_self(self), ping->from, MSG_USER, ping->data,
                  ping->size);
    }
}

static void body_ping(struct proc *self, void *arg)
{
    (void)arg;
    struct runtime *runtime = proc_runtime(self);
    proc_id pong =
        proc_spawn(runtime, &(struct proc_spec){.main = body_pong, .link = proc_self(self)});
    for (int i = 0; i < PINGS; ++i) {
        proc_send(runtime, proc_self(self), pong, MSG_USER, &i, sizeof i);
        proc_receive(self, WAIT_FOREVER);
    }
    proc_exit(self, (struct reason){.kind = EXIT_SHUTDOWN});
}

static void body_caller(struct proc *self, void *arg)
{
    (void)arg;
    proc_id server = server_start_link(self, &idle_spec).pid;
    for (int i = 0; i < CALLS; i++)
        server_call_or_exit(self, server, MSG_USER, &i, sizeof i, 5 * NS_PER_S);
    proc_exit(self, (struct reason){.kind = EXIT_SHUTDOWN});
}

/* ---- a full mailbox, timers ---- */

static int mails;

static void body_read_all(struct proc *self, void *arg)
{
    (void)arg;
    for (int i = 0; i < mails; i++)
        proc_receive(self, WAIT_FOREVER);
}

static void body_write_all(struct proc *self, void *arg)
{
    (void)arg;
    struct runtime *runtime = proc_runtime(self);
    proc_id reader = proc_spawn(runtime, &(struct proc_spec){.main = body_read_all});
    for (int i = 0; i < mails; i++)
        proc_send(runtime, proc_self(self), reader, MSG_USER, &i, sizeof i);
}

static double mailbox_rate(int count)
{
    proc_main *main = body_write_all;
    mails = count;
    return count / best_seconds(run_body, &main);
}

static void bench_mailbox(void)
{
    double rate = mailbox_rate(MAILS);
    compare("messages through a mailbox of a million", rate, "mailbox", 0);
    printf("{\"name\": \"the same with 10,000, per message\", \"value\": %.3g, \"unit\": \"times "
           "as fast\"}\n",
           mailbox_rate(MAILS / 100) / rate);
}

static void body_timers(struct proc *self, void *arg)
{
    (void)arg;
    ref_id *refs = proc_alloc(self, TIMERS * sizeof *refs);
    for (int i = 0; i < TIMERS; i++)
        refs[i] = proc_send_after(self, 1000 * NS_PER_S + i % 1000 * NS_PER_MS, proc_self(self),
                                  MSG_USER, NULL, 0);
    for (int i = 0; i < TIMERS; i++)
        if (proc_cancel_timer(self, refs[i]) < 0)
            exit(1);
}

/* ---- tables ---- */

/* Rows with scattered keys, each looked up five times. */
static void rows_of(struct proc *self, enum ets_type type)
{
    ets_id table = 0;
    struct tuple row;
    ets_new(self, &(struct ets_spec){.type = type}, &table);
    for (int64_t i = 0; i < ROWS; i++)
        ets_insert(self, table, &TUPLE(value_int(i * 7919 % ROWS), value_int(i)), 1);
    for (int64_t i = 0; i < 5 * ROWS; i++)
        if (ets_peek(self, table, value_int(i * 7907 % ROWS), &row) != 1)
            exit(1);
}

static void body_set(struct proc *self, void *arg)
{
    (void)arg;
    rows_of(self, ETS_SET);
}

static void body_ordered(struct proc *self, void *arg)
{
    (void)arg;
    rows_of(self, ETS_ORDERED);
}

/* ---- a supervisor whose child dies again and again ---- */

static int lives;

static void body_short_life(struct proc *self, void *arg)
{
    proc_id counter = *(proc_id *)arg;
    proc_send(proc_runtime(self), proc_self(self), counter, MSG_USER, NULL, 0);
    proc_receive(self, WAIT_FOREVER);
    proc_exit(self, reason_make(EXIT_ERROR, "crash"));
}

static void body_restarts(struct proc *self, void *arg)
{
    (void)arg;
    proc_id me = proc_self(self);
    struct child_spec child = {
        .id = "child", .main = body_short_life, .arg = &me, .arg_size = sizeof me};
    struct supervisor_spec spec = {
        .intensity = 1000000, .period_s = 1, .children = &child, .child_count = 1};
    proc_trap_exit(self, true);
    proc_id supervisor = supervisor_start(proc_runtime(self), me, &spec, NULL);
    for (lives = 0; lives < RESTARTS; lives++) {
        proc_id born = proc_receive(self, WAIT_FOREVER)->from;
        proc_send(proc_runtime(self), me, born, MSG_USER, NULL, 0);
    }
    proc_receive(self, WAIT_FOREVER);
    supervisor_stop(self, supervisor);
}

static void bench_body(const char *name, proc_main *main, int count, const char *peer_name,
                       double goal)
{
    compare(name, count / best_seconds(run_body, &main), peer_name, goal);
}

int main(void)
{
    peers_measure();
    bench_idle(); /* first: the allocator has nothing to hand out yet */
    bench_body("spawn, message, exit", body_spawner, SPAWNS, "spawn", 4);
    bench_body("ping-pong round trips", body_ping, PINGS, "ping", 4);
    bench_body("calls of a gen_server", body_caller, CALLS, "call", 0);
    bench_mailbox();
    bench_body("timers armed, a million, then cancelled", body_timers, TIMERS, "timers", 0);
    bench_body("rows of a set, and five lookups each", body_set, ROWS, "set", 0);
    bench_body("rows of an ordered set, likewise", body_ordered, ROWS, "ordered", 0);
    bench_body("restarts by a supervisor", body_restarts, RESTARTS, "restart", 10);
    return 0;
}
