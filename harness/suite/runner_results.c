/* runner_results.c: what follows from a result: it is recorded and counted; a failure is run again
 * to be kept, others to be verified; two that differ are traced. */
#include "harness/suite/runner_internal.h"
#include "harness/trace/divergence.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TRACED_MAX = 3 };

/* ---- trouble ---- */

void runner_fails(struct runner *r, const char *what, const char *reason)
{
    fprintf(stderr, "\nduress: %s%s%s\n", what, *reason ? ": " : "", reason);
    tally_harness_failed(r->tally);
    r->broken = true;
}

void runner_append(struct runner *r, const char *line, size_t length)
{
    int err = rundir_append(r->rundir, line, length);
    if (!err)
        return;
    char what[512];
    snprintf(what, sizeof what, "cannot write %s/results.jsonl (what it holds is whole)",
             r->rundir->path);
    runner_fails(r, what, strerror(-err));
}

/* ---- what follows ---- */

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

/* Is a failure of this kind, that stands before this one, being written by this order? */
static bool is_keeping(const struct order *order, const struct result *result)
{
    return order->job.keep[0] && order->job.run.scenario == result->run.scenario &&
           strcmp(order->property, result->property) == 0 &&
           rank_before(order->rank, rank_of(result));
}

static size_t count_keeping(const struct runner *r, const struct result *result)
{
    size_t count = 0;
    for (size_t i = 0; i < r->pending_count; i++)
        count += is_keeping(&r->pending[i], result);
    for (int i = 0; i < r->lane_count; i++)
        for (unsigned k = 0; k < r->lanes[i].in_hand; k++)
            count += is_keeping(&r->lanes[i].orders[k], result);
    return count;
}

static bool worth_keeping(const struct runner *r, const struct result *result)
{
    return tally_wants(r->tally, result) &&
           tally_kept_before(r->tally, result) + count_keeping(r, result) < KEEP_OF_A_KIND_MAX;
}

static void after_first(struct runner *r, int lane, const struct result *result)
{
    bool wanted = worth_keeping(r, result);
    if (r->setup->fail_fast && tally_failed(r->tally, result))
        r->no_more = true;
    if (!wanted && !sampled(r, &result->run))
        return;
    struct order *order = order_add(r, AGAIN, &result->run);
    order->avoid = lane;
    if (!wanted)
        return;
    keep_in(r, order, "");
    memcpy(order->property, result->property, sizeof order->property);
    order->rank = rank_of(result);
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
    struct order *next = order_add(r, TRACE_ONE, &order->job.run);
    next->only = order->avoid;
    next->other = lane;
    keep_in(r, next, "");
}

static void after_trace_one(struct runner *r, const struct order *order)
{
    struct order *next = order_add(r, TRACE_TWO, &order->job.run);
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

void runner_handle(struct runner *r, int lane, const struct order *order, const char *line,
                   size_t length)
{
    struct result result;
    if (result_read(line, length, &result)) {
        runner_fails(r, "a worker has sent what is no result", "");
        return;
    }
    bool same = true;
    if (order->purpose == FIRST || order->purpose == AGAIN) {
        runner_append(r, line, length);
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
