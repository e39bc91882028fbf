/* bench_library.c: how long the whole library takes over a million events, and the search for linear orders over ten
 * thousand operations.
 *
 * The trace is the life of jobs on three nodes, from the client's call to the final audit. Every check of checks.h goes
 * over all of it; the histories in it are a queue, ids, a set with reads in between, a counter and a schedule. Nothing
 * in it is wrong, so all of it is looked at. One line of JSON per figure. */
#include "harness/bench/bench.h"
#include "harness/hash.h"
#include "harness/test/recorder.h"
#include "properties/checks.h"
#include "properties/history_trace.h"
#include "properties/linear.h"
#include "properties/schedule.h"

#include <stdlib.h>

enum { EVENTS_PER_JOB = 7, JOBS = 1000000 / EVENTS_PER_JOB + 1, OVERLAP = 64, READS = 8 };

/* ---- the trace ---- */

static void job_begin(struct point_site *at, uint64_t job)
{
    at->node = 1 + (uint32_t)(job % 3);
    at->actor = job;
    TRACE(at, "client/insert/call", T_U64("key", job), T_U64("max", 20));
    TRACE(at, "client/insert/ok", T_U64("key", job), T_U64("job", job));
    TRACE(at, "store/job/claim", T_U64("job", job), T_U64("lease", 1), T_STR("queue", "default"));
    TRACE(at, "job/perform/start", T_U64("job", job), T_U64("lease", 1), T_U64("limit", OVERLAP));
}

static void job_end(struct point_site *at, uint64_t job)
{
    at->node = 1 + (uint32_t)(job % 3);
    TRACE(at, "job/perform/stop", T_U64("job", job), T_U64("lease", 1), T_STR("outcome", "ok"));
    TRACE(at, "store/job/finish", T_U64("job", job), T_U64("lease", 1),
          T_STR("state", "completed"));
}

static struct trace *lives_record(void)
{
    struct recorder recorder = recorder_make(1000);
    struct point_site at = {.sink = &recorder.sink};
    for (uint64_t job = 1; job <= JOBS + OVERLAP; job++) {
        if (job <= JOBS)
            job_begin(&at, job);
        if (job > OVERLAP)
            job_end(&at, job - OVERLAP);
    }
    for (uint64_t job = 1; job <= JOBS; job++)
        TRACE(&at, "audit/job/row", T_U64("job", job), T_U64("key", job));
    return recorder.trace;
}

/* ---- checks over the trace ---- */

#define RUN_OF .by = {"job", "lease"}

static const struct match claim = {.point = "store/job/claim", .by = {"job"}, .value = "lease"};
static const struct match start = {
    .point = "job/perform/start", RUN_OF, .value = "limit", .group = {"@node"}, .scope = {"@node"}};
static const struct match stop = {
    .point = "job/perform/stop", .field = "outcome", .is = "ok", RUN_OF};
static const struct match crash = {.point = "job/perform/crash", RUN_OF};
static const struct match row = {.point = "audit/job/row", .value = "key"};

static void expect_nothing(const char *what, struct findings *found)
{
    char said[200];
    if (found->count || !found->checked) {
        fprintf(stderr, "%s: %s\n", what, findings_print(found, KIND_ANY, said, sizeof said));
        exit(1);
    }
    findings_done(found);
}

static void members_check(struct view view, struct findings *found)
{
    size_t count, expected_count;
    uint64_t *rows = view_project(view, &row, &count, found);
    uint64_t *expected = view_project(
        view, &(struct match){.point = "client/insert/ok", .value = "job"}, &expected_count, found);
    check_members(rows, count, expected, expected_count, found);
    free(rows);
    free(expected);
}

static void spans_check(struct view view, struct findings *found)
{
    const struct span_kind kind = {
        .start = start,
        .end = {stop},
        .failure = {crash},
        .gone = {{.point = "world/node/kill", .by = {"@node"}}},
    };
    size_t count;
    struct span *spans = view_spans(view, &kind, &count, found);
    if (spans_depth(spans, count) != OVERLAP + 1)
        exit(1);
    free(spans);
    check_depth(view, &kind, 0, found);
}

static void predicates_check(struct view view)
{
    const struct causality causality = {start, stop};
    const struct leads_to leads_to = {
        claim, {.point = "store/job/finish", .by = {"job"}}, {0}, INT64_C(1000000000)};
    struct findings found = {0};
    struct view kinds = view_matching(view, &stop, 1);
    view_done(&kinds);
    check_unique(view, &start, &found);
    check_increasing(view, &claim, true, &found);
    check_never(view, &crash, &found);
    check_count(view, &row, JOBS, JOBS, &found);
    members_check(view, &found);
    check_causality(view, &causality, &found);
    check_leads_to(view, &leads_to, &found);
    spans_check(view, &found);
    expect_nothing("predicates", &found);
}

/* ---- checks over histories ---- */

#define INSERT .f = OP_ENQUEUE, .by = {"key"}, .value = "key"

static const struct {
    const char *point;
    struct history_rule rule;
} rules[] = {
    {"client/insert/call", {.role = ROLE_INVOKE, INSERT}},
    {"client/insert/ok", {.role = ROLE_OK, INSERT}},
    {"client/insert/ok", {.role = ROLE_AT_ONCE, .f = OP_GENERATE, .by = {"job"}, .value = "job"}},
    {"audit/job/row", {.role = ROLE_AT_ONCE, .f = OP_DEQUEUE, .by = {"job"}, .value = "key"}},
};

enum { RULES = sizeof rules / sizeof rules[0] };

static void queue_check(struct view view)
{
    struct match matches[RULES] = {0};
    struct matcher matchers[RULES];
    struct history_maker maker = {0};
    struct findings found = {0};
    for (size_t i = 0; i < RULES; i++) {
        matches[i].point = rules[i].point;
        matchers[i] = matcher_make(&matches[i]);
    }
    for (size_t i = 0; i < view.count; i++) {
        for (size_t j = 0; j < RULES; j++) {
            if (matcher_fits(&matchers[j], view.events[i]))
                history_take(&maker, &rules[j].rule, view.events[i]);
        }
    }
    history_total_queue(&maker.history, &found);
    history_unique_ids(&maker.history, &found);
    history_sane(&maker.history, &found);
    expect_nothing("queue", &found);
    history_maker_done(&maker);
}

/* Elements are added one by one; a read now and then sees all so far. The same adds count. */
static void set_check(void)
{
    struct history history = {0};
    struct findings found = {0};
    int64_t *seen = malloc(JOBS * sizeof *seen);
    if (!seen)
        abort();
    for (int64_t i = 0; i < JOBS; i++) {
        size_t add = history_invoke(&history, (struct op){.f = OP_ADD, .value = i}, i);
        history_complete(&history, add, OP_OK, i);
        seen[i] = i;
        if (i % (JOBS / READS) != 0 && i != JOBS - 1)
            continue;
        size_t read = history_invoke(&history, (struct op){.f = OP_READ}, i);
        history_list(&history, read, seen, (size_t)i + 1);
        history_complete(&history, read, OP_OK, i)->value = i * (i + 1) / 2;
    }
    history_set_full(&history, &found);
    history_counter(&history, &found);
    expect_nothing("set and counter", &found);
    history_done(&history);
    free(seen);
}

static void schedule_check(struct view view)
{
    struct run_of_job *runs = malloc(JOBS * sizeof *runs);
    struct plan_of_runs plan = {.job = 1, .interval_ns = 100, .epsilon_ns = 100, .count = JOBS};
    struct findings found = {0};
    struct matcher matcher = matcher_make(&start);
    if (!runs)
        abort();
    for (size_t i = 0, count = 0; i < view.count; i++) {
        if (!matcher_fits(&matcher, view.events[i]))
            continue;
        runs[count] = (struct run_of_job){1, (int64_t)count * 100 + 50, (int64_t)count * 100 + 60};
        count++;
    }
    check_schedule(&plan, 1, runs, JOBS, INT64_C(1) << 40, 0, &found);
    expect_nothing("schedule", &found);
    free(runs);
}

/* ---- linear orders ---- */

enum { OPERATIONS_COUNT = 10000, PROCESSES = 5 };

static uint64_t drawn(uint64_t *seed, uint64_t below)
{
    *seed = mix64(*seed);
    return mix64_below(*seed, below);
}

/* What a process is about: nothing, invoked, or done but not told. */
struct client {
    int stage;
    size_t op;
};

static void client_step(struct history *history, struct client *client, struct op op, int64_t *cell,
                        uint64_t *seed)
{
    struct op *mine = &history->ops[client->op];
    switch (client->stage) {
    case 0: {
        static const enum operation kinds[] = {OP_READ, OP_WRITE, OP_CAS};
        op.f = kinds[drawn(seed, 3)];
        op.value = (int64_t)drawn(seed, 5);
        op.next = (int64_t)drawn(seed, 5);
        client->op = history_invoke(history, op, 0);
        break;
    }
    case 1:
        if (mine->f == OP_READ)
            mine->value = *cell;
        else if (mine->f == OP_WRITE)
            *cell = mine->value;
        else if (mine->value == *cell)
            *cell = mine->next;
        else
            mine->outcome = OP_FAIL;
        break;
    default: {
        enum op_outcome outcome = mine->outcome == OP_FAIL ? OP_FAIL : OP_OK;
        if (drawn(seed, 100) == 0)
            outcome = OP_UNKNOWN;
        history_complete(history, client->op, outcome, 0);
    }
    }
    client->stage = (client->stage + 1) % 3;
}

/* Five processes at once on each cell; every hundredth operation is never answered. */
static struct history cells_history(uint64_t keys)
{
    struct history history = {0};
    uint64_t seed = 1;
    for (uint64_t key = 0; key < keys; key++) {
        struct client clients[PROCESSES] = {{0}};
        int64_t cell = VALUE_NONE;
        while (history.count < (key + 1) * (OPERATIONS_COUNT / keys)) {
            uint64_t process = drawn(&seed, PROCESSES);
            client_step(&history, &clients[process], (struct op){.process = process, .key = key},
                        &cell, &seed);
        }
    }
    return history;
}

static double linear_seconds(uint64_t keys)
{
    struct history history = cells_history(keys);
    struct findings found = {0};
    int64_t start_ns = bench_cpu_ns();
    check_linearizable(&history, &model_cas_register, LINEAR_STATES_MAX, &found);
    double seconds = (double)(bench_cpu_ns() - start_ns) / 1e9;
    expect_nothing("linearizability", &found);
    history_done(&history);
    return seconds;
}

/* ---- figures ---- */

__attribute__((used)) static void points_register(struct point_site *at)
{
    TRACE(at, "job/perform/crash", T_U64("job", 0), T_U64("lease", 0));
}

int main(void)
{
    struct trace *trace = lives_record();
    double events = (double)trace_count(trace);
    int64_t start_ns = bench_cpu_ns();
    struct readout readout = readout_of(trace);
    struct view view = view_all(&readout);
    double reading = (double)(bench_cpu_ns() - start_ns) / 1e9;
    predicates_check(view);
    double predicates = (double)(bench_cpu_ns() - start_ns) / 1e9 - reading;
    queue_check(view);
    set_check();
    schedule_check(view);
    double all = (double)(bench_cpu_ns() - start_ns) / 1e9;
    view_done(&view);
    readout_done(&readout);
    trace_free(trace);
    double million = 1e6 / events;
    bench_print("seconds to judge a million events by the whole library", all * million, "s", 2,
                true, reading * million);
    bench_print("of it, predicates over the trace", predicates * million, "s", 0, true, 0);
    bench_print("of it, histories", (all - predicates - reading) * million, "s", 0, true, 0);
    bench_print("linearizability of 10,000 operations on 100 keys", linear_seconds(100) * 1e3, "ms",
                1000, true, 0);
    bench_print("linearizability of 10,000 operations on one key", linear_seconds(1) * 1e3, "ms", 0,
                true, 0);
    return 0;
}
