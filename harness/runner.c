/* runner.c: see runner.h.
 *
 * A lane is a worker and the orders it has in hand (two, so that it never waits for the next). A run is ordered a first
 * time from any lane; its verifying second time from another one, in another process. When the two differ, it is run
 * twice more on the same two lanes, one after the other, with traces written, and these are compared:
 *
 *     FIRST -> [AGAIN -> [TRACE_ONE -> TRACE_TWO]]
 */
#include "harness/runner.h"

#include "harness/divergence.h"
#include "harness/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LANE_DEPTH = 2, TICK_MS = 100, TRACED_MAX = 3 };
#define DRAIN_NS INT64_C(3000000000) /* how long Ctrl-C waits for what is under way */

enum purpose { FIRST, AGAIN, TRACE_ONE, TRACE_TWO };

enum { NO_LANE = -1 };

struct order {
    struct job job;
    enum purpose purpose;
    int avoid;       /* AGAIN: the lane of the first time */
    int only, other; /* TRACE: where it must run; where the other one must */
    char property[64]; /* AGAIN, with a folder to write: what failed */
};

struct lane {
    struct worker worker;
    struct order orders[LANE_DEPTH]; /* oldest first */
    unsigned in_hand;
};

struct runner {
    const struct runner_setup *setup;
    struct rundir *rundir;
    struct terminal *terminal;
    struct tally *tally;
    struct lane *lanes;
    struct pollfd *polls; /* one per lane */
    int lane_count, first_lanes; /* with one worker there is a second lane, for verifying only */
    struct order *pending;
    size_t pending_count;
    size_t next_canary;
    uint64_t next_index;
    int64_t start_ns, now_ns;
    unsigned traced;
    bool no_more;  /* no new runs; what is pending is still done */
    bool broken;   /* stop at once, the harness has failed */
    const char *scenario;
};

/* ---- signals ---- */

static volatile sig_atomic_t interrupted; /* handlers have no context */

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* SA_RESETHAND: the second one ends us at once. */
static void signals_catch(struct sigaction old[static 2])
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    interrupted = 0;
    sigaction(SIGINT, &action, &old[0]);
    sigaction(SIGTERM, &action, &old[1]);
}

static void signals_restore(const struct sigaction old[static 2])
{
    sigaction(SIGINT, &old[0], NULL);
    sigaction(SIGTERM, &old[1], NULL);
}

static int64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- what to run next ---- */

static struct order *pending_add(struct runner *r, enum purpose purpose,
                                 const struct plan_run *run)
{
    struct order *grown = realloc(r->pending, (r->pending_count + 1) * sizeof *grown);
    if (!grown)
        abort();
    r->pending = grown;
    struct order *order = &grown[r->pending_count++];
    *order = (struct order){.purpose = purpose, .avoid = NO_LANE, .only = NO_LANE};
    order->job.run = *run;
    order->job.again = purpose != FIRST;
    return order;
}

static bool pending_take(struct runner *r, int lane, struct order *ret_order)
{
    for (size_t i = 0; i < r->pending_count; i++) {
        const struct order *order = &r->pending[i];
        if (order->avoid == lane || (order->only != NO_LANE && order->only != lane))
            continue;
        *ret_order = *order;
        r->pending_count--;
        memmove(&r->pending[i], &r->pending[i + 1], (r->pending_count - i) * sizeof *r->pending);
        return true;
    }
    return false;
}

static bool out_of_time(const struct runner *r)
{
    return r->setup->time_ns && r->now_ns - r->start_ns >= r->setup->time_ns;
}

static bool out_of_runs(const struct runner *r)
{
    return r->setup->plan->slot_count == 0 ||
           (r->setup->runs && r->next_index >= r->setup->runs);
}

static bool first_take(struct runner *r, struct order *ret_order)
{
    const struct plan *plan = r->setup->plan;
    struct order order = {.purpose = FIRST, .avoid = NO_LANE, .only = NO_LANE};
    if (r->no_more)
        return false;
    if (r->next_canary < plan->canary_count) {
        order.job.run = plan_canary_at(plan, r->setup->seed, r->next_canary++);
    } else if (!out_of_time(r) && !out_of_runs(r)) {
        order.job.run = plan_run_at(plan, r->setup->seed, r->next_index);
        r->next_index += r->setup->shard.of;
    } else {
        r->no_more = true;
        return false;
    }
    r->scenario = plan->scenarios[order.job.run.scenario]->name;
    *ret_order = order;
    return true;
}

/* ---- trouble ---- */

static void harness_fails(struct runner *r, const char *what, const char *reason)
{
    fprintf(stderr, "\nduress: %s%s%s\n", what, *reason ? ": " : "", reason);
    tally_harness_failed(r->tally);
    r->broken = true;
}

static void append(struct runner *r, const char *line, size_t length)
{
    int err = rundir_append(r->rundir, line, length);
    if (!err)
        return;
    char what[512];
    snprintf(what, sizeof what, "cannot write %s/results.jsonl (what it holds is whole)",
             r->rundir->path);
    harness_fails(r, what, strerror(-err));
}

/* ---- lanes ---- */

static void lane_feed(struct runner *r, int number)
{
    struct lane *lane = &r->lanes[number];
    while (!r->broken && lane->in_hand < LANE_DEPTH) {
        struct order *order = &lane->orders[lane->in_hand];
        if (!pending_take(r, number, order) &&
            !(number < r->first_lanes && first_take(r, order)))
            return;
        lane->in_hand++;
        if (worker_order(&lane->worker, &order->job))
            harness_fails(r, "a worker process has died", "");
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

/* ---- results ---- */

static void keep_in(struct runner *r, struct order *order, const char *inside)
{
    char *folder = failure_folder(&order->job.run);
    int length = snprintf(order->job.keep, sizeof order->job.keep, "%s/%s%s", r->rundir->path,
                          folder, inside);
    if (length >= (int)sizeof order->job.keep)
        order->job.keep[0] = '\0';
    free(folder);
}

static bool sampled(const struct runner *r, const struct plan_run *run)
{
    return r->setup->verify == VERIFY_ALL ||
           (r->setup->verify == VERIFY_SAMPLE && !run->canary &&
            run->index / r->setup->shard.of % VERIFY_SAMPLE_EVERY == 0);
}

static bool is_keeping(const struct order *order, const struct result *result)
{
    return order->job.keep[0] && order->job.run.scenario == result->run.scenario &&
           strcmp(order->property, result->property) == 0;
}

/* How many failures of this kind are being written right now. */
static unsigned count_keeping(const struct runner *r, const struct result *result)
{
    unsigned count = 0;
    for (size_t i = 0; i < r->pending_count; i++)
        count += is_keeping(&r->pending[i], result);
    for (int i = 0; i < r->lane_count; i++)
        for (unsigned k = 0; k < r->lanes[i].in_hand; k++)
            count += is_keeping(&r->lanes[i].orders[k], result);
    return count;
}

static void after_first(struct runner *r, int lane, const struct result *result)
{
    bool wanted =
        tally_wants(r->tally, result) && count_keeping(r, result) < KEEP_OF_A_KIND_MAX;
    if (r->setup->fail_fast && tally_failed(r->tally, result))
        r->no_more = true;
    if (!wanted && !sampled(r, &result->run))
        return;
    struct order *order = pending_add(r, AGAIN, &result->run);
    order->avoid = lane;
    if (!wanted)
        return;
    keep_in(r, order, "");
    memcpy(order->property, result->property, sizeof order->property);
}

static void after_same(struct runner *r, const struct order *order, const struct result *result)
{
    size_t before = tally_suite(r->tally)->failure_count;
    if (!order->job.keep[0])
        return;
    const struct report_failure *failure = tally_keep(r->tally, result);
    /* One that only takes the place of a longer one is no news. */
    if (failure && tally_suite(r->tally)->failure_count > before)
        terminal_failure(r->terminal, failure);
}

static void after_difference(struct runner *r, const struct order *order, int lane)
{
    if (r->setup->fail_fast)
        r->no_more = true;
    if (r->traced++ >= TRACED_MAX)
        return;
    struct order *next = pending_add(r, TRACE_ONE, &order->job.run);
    next->only = order->avoid;
    next->other = lane;
    keep_in(r, next, "");
}

static void after_trace_one(struct runner *r, const struct order *order)
{
    struct order *next = pending_add(r, TRACE_TWO, &order->job.run);
    next->only = order->other;
    keep_in(r, next, "/again");
}

static int write_text(void *ctx, FILE *out)
{
    return fputs(ctx, out) < 0 ? -EIO : 0;
}

static void write_story(const char *folder, const char *text)
{
    char *path = path_join(folder, "story.txt");
    int err = file_replace(path, write_text, (void *)(uintptr_t)text);
    if (err)
        fprintf(stderr, "duress: cannot write %s: %s\n", path, strerror(-err));
    free(path);
}

static void after_trace_two(struct runner *r, const struct order *order,
                            const struct result *result)
{
    char *name = failure_folder(&order->job.run), *folder = path_join(r->rundir->path, name);
    char *one = path_join(folder, "trace.jsonl"), *two = path_join(folder, "again/trace.jsonl");
    char difference[2048], text[2304];
    divergence_describe(one, two, difference, sizeof difference);
    snprintf(text, sizeof text, "two executions of seed 0x%" PRIx64 " differ; %s\n",
             order->job.run.seed, difference);
    write_story(folder, text);
    text[strlen(text) - 1] = '\0';
    terminal_failure(r->terminal, tally_keep_differing(r->tally, result, text));
    free(one);
    free(two);
    free(folder);
    free(name);
}

static void handle(struct runner *r, int lane, const struct order *order, const char *line,
                   size_t length)
{
    struct result result;
    if (result_read(line, length, &result)) {
        harness_fails(r, "a worker has sent what is no result", "");
        return;
    }
    bool same = true;
    if (order->purpose == FIRST || order->purpose == AGAIN) {
        append(r, line, length);
        same = tally_add(r->tally, &result);
    }
    if (order->purpose == FIRST)
        after_first(r, lane, &result);
    else if (order->purpose == TRACE_ONE)
        after_trace_one(r, order);
    else if (order->purpose == TRACE_TWO)
        after_trace_two(r, order, &result);
    else if (same)
        after_same(r, order, &result);
    else
        after_difference(r, order, lane);
    result_done(&result);
}

static void lane_receive(struct runner *r, int number)
{
    struct lane *lane = &r->lanes[number];
    size_t length;
    char *line = worker_result(&lane->worker, &length);
    if (!line || lane->in_hand == 0) {
        harness_fails(r, "a worker process has died", "");
    } else {
        struct order order = lane_done(lane);
        handle(r, number, &order, line, length);
    }
    free(line);
}

/* ---- the loop ---- */

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

/* Verifications can be given up; a failure that has happened is still written down. */
static void give_up_verifying(struct runner *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->pending_count; i++)
        if (r->pending[i].job.keep[0])
            r->pending[kept++] = r->pending[i];
    r->pending_count = kept;
}

static void loop(struct runner *r)
{
    int64_t drain_until = INT64_MAX;
    while (!r->broken && r->now_ns < drain_until) {
        r->now_ns = clock_now();
        if (interrupted && drain_until == INT64_MAX) {
            drain_until = r->now_ns + DRAIN_NS;
            r->no_more = true;
            give_up_verifying(r);
        }
        for (int i = 0; i < r->lane_count; i++)
            lane_feed(r, i);
        if (lanes_idle(r) && r->pending_count == 0 && r->no_more)
            return;
        wait_for_results(r);
        show_progress(r);
    }
}

static void open_books(struct runner *r)
{
    const struct runner_setup *s = r->setup;
    const struct head head = {s->plan, s->extras, s->program, s->options, s->seed};
    size_t length;
    char *line = head_line(&head, &length);
    r->tally = tally_new(r->rundir->path, true, line, length);
    if (!r->tally)
        abort();
    append(r, line, length);
    free(line);
}

struct suite *runner_run(const struct runner_setup *setup, struct rundir *rundir,
                         struct terminal *terminal)
{
    struct runner r = {.setup = setup, .rundir = rundir, .terminal = terminal};
    struct sigaction old[2];
    r.next_index = setup->shard.number - 1;
    r.start_ns = r.now_ns = clock_now();
    signals_catch(old);
    open_books(&r);
    int err = lanes_start(&r);
    if (err)
        harness_fails(&r, "cannot start a worker process", strerror(-err));
    loop(&r);
    lanes_stop(&r);
    signals_restore(old);
    struct suite *suite = tally_finish(r.tally, interrupted, clock_now() - r.start_ns);
    tally_free(r.tally);
    free(r.pending);
    return suite;
}
