/* runner.c: the loop of a suite. See runner.h and runner_internal.h. */
#include "harness/suite/runner_internal.h"

#include "harness/clock.h"
#include "harness/interrupt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TICK_MS = 100 };
#define DRAIN_NS INT64_C(3000000000) /* how long Ctrl-C waits for what is under way */

/* ---- lanes ---- */

static void lane_feed(struct runner *r, int number)
{
    struct lane *lane = &r->lanes[number];
    while (!r->broken && lane->in_hand < LANE_DEPTH) {
        struct order *order = &lane->orders[lane->in_hand];
        if (!order_next(r, number, order))
            return;
        lane->in_hand++;
        if (worker_order(&lane->worker, &order->job))
            runner_fails(r, "a worker process has died", "");
    }
}

static struct order lane_done(struct lane *lane)
{
    struct order order = lane->orders[0];
    lane->in_hand--;
    memmove(&lane->orders[0], &lane->orders[1], lane->in_hand * sizeof *lane->orders);
    return order;
}

static bool lanes_idle(const struct runner *r)
{
    for (int i = 0; i < r->lane_count; i++)
        if (r->lanes[i].in_hand)
            return false;
    return true;
}

static int lanes_start(struct runner *r)
{
    const struct runner_setup *s = r->setup;
    const struct worker_setup setup = {s->plan, s->extras, s->program, s->run_timeout_ns};
    int wanted = s->workers == 1 ? 2 : (int)s->workers;
    r->first_lanes = (int)s->workers;
    r->lanes = calloc((size_t)wanted, sizeof *r->lanes);
    r->polls = calloc((size_t)wanted, sizeof *r->polls);
    if (!r->lanes || !r->polls)
        abort();
    while (r->lane_count < wanted) {
        struct worker *worker = &r->lanes[r->lane_count].worker;
        int err = worker_start(worker, &setup);
        if (err)
            return err;
        r->polls[r->lane_count++] = (struct pollfd){.fd = worker->socket, .events = POLLIN};
    }
    return 0;
}

static void lanes_stop(struct runner *r)
{
    for (int i = 0; i < r->lane_count; i++)
        worker_stop(&r->lanes[i].worker);
    free(r->lanes);
    free(r->polls);
}

/* ---- the loop ---- */

static void lane_receive(struct runner *r, int number)
{
    struct lane *lane = &r->lanes[number];
    size_t length;
    char *line = worker_result(&lane->worker, &length);
    if (!line || lane->in_hand == 0) {
        runner_fails(r, "a worker process has died", "");
    } else {
        struct order order = lane_done(lane);
        runner_handle(r, number, &order, line, length);
    }
    free(line);
}

static void wait_for_results(struct runner *r)
{
    int ready = poll(r->polls, (nfds_t)r->lane_count, TICK_MS);
    for (int i = 0; ready > 0 && i < r->lane_count && !r->broken; i++)
        if (r->polls[i].revents)
            lane_receive(r, i);
}

static int64_t time_left(const struct runner *r, uint64_t done, uint64_t planned)
{
    int64_t passed = r->now_ns - r->start_ns;
    if (r->setup->time_ns)
        return passed < r->setup->time_ns ? r->setup->time_ns - passed : 0;
    if (!done || done > planned)
        return -1;
    return (int64_t)((double)passed / (double)done * (double)(planned - done));
}

static void show_progress(const struct runner *r)
{
    const struct suite *suite = tally_suite(r->tally);
    const struct shard *shard = &r->setup->shard;
    uint64_t planned =
        r->setup->runs ? (r->setup->runs + shard->of - shard->number) / shard->of : 0;
    struct progress progress = {
        .runs = suite->runs,
        .events = suite->events,
        .failures = suite->failed_runs,
        .verified = suite->verified,
        .sim_ns = suite->sim_ns,
        .wall_ns = r->now_ns - r->start_ns,
        .left_ns = time_left(r, suite->runs, planned),
        .runs_planned = planned,
        .scenario = r->scenario,
    };
    terminal_progress(r->terminal, &progress);
}

static void loop(struct runner *r)
{
    int64_t drain_until = INT64_MAX;
    while (!r->broken && r->now_ns < drain_until) {
        r->now_ns = clock_now_ns();
        if (interrupt_seen() && drain_until == INT64_MAX) {
            drain_until = r->now_ns + DRAIN_NS;
            r->no_more = true;
            orders_give_up_verifying(r);
        }
        for (int i = 0; i < r->lane_count; i++)
            lane_feed(r, i);
        if (lanes_idle(r) && r->pending_count == 0 && r->no_more)
            return;
        wait_for_results(r);
        show_progress(r);
    }
}

/* Since 1970. */
static int64_t wall_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void open_books(struct runner *r)
{
    const struct runner_setup *s = r->setup;
    const struct head head = {.plan = s->plan,
                              .extras = s->extras,
                              .program = s->program,
                              .options = s->options,
                              .seed = s->seed,
                              .strict_faults = s->strict_faults,
                              .started_ns = wall_now_ns()};
    size_t length;
    char *line = head_line(&head, &length);
    r->tally = tally_new(r->rundir->path, true, line, length);
    if (!r->tally)
        abort();
    runner_append(r, line, length);
    free(line);
}

struct suite *runner_run(const struct runner_setup *setup, struct rundir *rundir,
                         struct terminal *terminal)
{
    struct runner r = {.setup = setup, .rundir = rundir, .terminal = terminal};
    struct interrupt interrupt;
    r.next_index = setup->shard.number - 1;
    r.start_ns = r.now_ns = clock_now_ns();
    interrupt_catch(&interrupt);
    open_books(&r);
    int err = lanes_start(&r);
    if (err)
        runner_fails(&r, "cannot start a worker process", strerror(-err));
    loop(&r);
    lanes_stop(&r);
    interrupt_restore(&interrupt);
    struct suite *suite = tally_finish(r.tally, interrupt_seen(), clock_now_ns() - r.start_ns);
    tally_free(r.tally);
    free(r.pending);
    return suite;
}
