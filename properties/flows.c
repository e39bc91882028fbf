/* flows.c: jobs that wait for jobs: workflows, batches, chains.
 *
 * What waits for what is known from the clients' own words. That a job ran, and that a run of it succeeded, is known from the
 * jobs; that one ended otherwise only the database can say, and a disk fault can take its word away. A run under a lease that
 * is not the job's newest, or of a job that is over, is a straggler's: what becomes of those is for others to judge.
 */
#include "properties/array.h"
#include "properties/life.h"
#include "properties/table.h"
#include "properties/watch.h"

#include <stdlib.h>
#include <string.h>

struct job {
    uint64_t key;    /* for clients; 0: not known yet */
    uint64_t lease;  /* the newest */
    enum life state; /* as it was recorded last */
    bool succeeded;  /* a run of it did, by its own word */
    bool failed;     /* an attempt of it came to an end, or it did */
    uint64_t doubts;
};

struct request {  /* of a client */
    uint64_t job; /* 0: not known */
    uint64_t chain, batch;
    uint64_t *deps; /* keys */
    size_t dep_count, dep_capacity;
    bool runs_anyway; /* whatever becomes of its deps */
    bool answered;    /* it is there: its client was told so */
    bool there;       /* at the end */
};

struct chain {
    uint64_t job; /* the latest one that ran */
};

struct batch {
    uint64_t callback; /* key */
    uint64_t *members; /* keys */
    size_t count, capacity;
    bool comes; /* that it is called back for comes true in the end, whatever becomes of its jobs */
    bool completed; /* it is called back for when all are completed */
    bool waits_for_all;
    bool opened, closed;
};

struct flows {
    struct doubt doubt;
    struct table jobs;     /* by job */
    struct table requests; /* by key */
    struct table chains;   /* by chain */
    struct table batches;  /* by batch */
    struct table backs;    /* by key of the callback: uint64_t, its batch */
    bool audited;
};

static struct job *job_of(struct flows *flows, uint64_t job)
{
    return TABLE_AT(&flows->jobs, job, struct job);
}

static struct request *request_of(struct flows *flows, uint64_t key)
{
    return TABLE_AT(&flows->requests, key, struct request);
}

static bool doubtful(const struct flows *flows, const struct job *job)
{
    return job->doubts != flows->doubt.faults;
}

/* The job of a key, as far as it is known. */
static const struct job *job_by_key(struct flows *flows, uint64_t key)
{
    const struct request *request = table_find(&flows->requests, key);
    return request && request->job ? table_find(&flows->jobs, request->job) : NULL;
}

/* ---- what clients ask for ---- */

static void on_dep(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct request *request = request_of(ctx, event_key(event));
    request->deps = array_grow(request->deps, request->dep_count, &request->dep_capacity,
                               sizeof *request->deps);
    request->deps[request->dep_count++] = event_u64(event, "dep");
    request->runs_anyway = strcmp(event_str(event, "else"), "run") == 0;
}

static void on_chain(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    request_of(ctx, event_key(event))->chain = event_u64(event, "chain");
}

static struct batch *batch_of(struct flows *flows, const struct event *event)
{
    return TABLE_AT(&flows->batches, event_u64(event, "batch"), struct batch);
}

static void on_member(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct batch *batch = batch_of(ctx, event);
    batch->members =
        array_grow(batch->members, batch->count, &batch->capacity, sizeof *batch->members);
    batch->members[batch->count++] = event_key(event);
}

static void on_callback(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct flows *flows = ctx;
    struct batch *batch = batch_of(flows, event);
    const char *what = event_str(event, "event");
    batch->callback = event_key(event);
    batch->completed = strcmp(what, "completed") == 0;
    batch->comes = strcmp(what, "exhausted") == 0 || strcmp(what, "attempted") == 0;
    batch->waits_for_all = batch->completed || strcmp(what, "exhausted") == 0;
    *TABLE_AT(&flows->backs, batch->callback, uint64_t) = event_u64(event, "batch");
}

static void on_opened(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    batch_of(ctx, event)->opened = true;
}

static void on_closed(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    batch_of(ctx, event)->closed = true;
}

static void on_ok(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct request *request = request_of(ctx, event_key(event));
    request->job = event_u64(event, "job");
    request->answered = true;
}

/* ---- what becomes of it ---- */

static void move(struct flows *flows, const struct event *event, enum life state)
{
    struct job *job = job_of(flows, event_key(event));
    bool ended = state == LIFE_RETRYABLE || life_final(state);
    bool unrecorded = job->lease && doubtful(flows, job); /* a run of it may have ended meanwhile */
    job->state = state;
    job->failed |= ended || unrecorded;
    job->doubts = flows->doubt.faults;
}

/* X(function, the state it leads to) */
#define MOVES(X)                                                                                   \
    X(on_insert, event_state(event))                                                               \
    X(on_release, event_state(event))                                                              \
    X(on_stage, LIFE_AVAILABLE)                                                                    \
    X(on_finish, event_state(event))                                                               \
    X(on_cancel, LIFE_CANCELLED)                                                                   \
    X(on_expire, LIFE_DISCARDED)                                                                   \
    X(on_retry, event_state(event))

#define X(function, to)                                                                            \
    static void function(struct judge *judge, void *flows, const struct event *event)              \
    {                                                                                              \
        (void)judge;                                                                               \
        move(flows, event, to);                                                                    \
    }
MOVES(X)
#undef X

static void on_rescue(struct judge *judge, void *flows, const struct event *event)
{
    (void)judge;
    move(flows, event, event_state(event));
    job_of(flows, event_key(event))->failed = true;
}

static void on_claim(struct judge *judge, void *flows, const struct event *event)
{
    (void)judge;
    move(flows, event, LIFE_EXECUTING);
    job_of(flows, event_key(event))->lease = event_u64(event, "lease");
}

static void on_stop(struct judge *judge, void *flows, const struct event *event)
{
    (void)judge;
    if (strcmp(event_str(event, "outcome"), "ok") == 0)
        job_of(flows, event_key(event))->succeeded = true;
}

/* It was there, then. */
static void on_prune(struct judge *judge, void *ctx, const struct event *event)
{
    struct flows *flows = ctx;
    const struct job *job = table_find(&flows->jobs, event_key(event));
    (void)judge;
    if (job && job->key)
        request_of(flows, job->key)->there = true;
}

/* Of the newest lease, of a job that is not over; who it is for clients. NULL: it is a straggler's. */
static struct request *run_of(struct flows *flows, const struct event *event)
{
    uint64_t id = event_u64(event, "job"), lease = event_u64(event, "lease");
    struct job *job = job_of(flows, id);
    if (lease < job->lease || life_final(job->state))
        return NULL;
    struct request *request = request_of(flows, event_key(event));
    job->lease = lease;
    job->key = event_key(event);
    request->job = id;
    return request;
}

/* ---- steps_wait ---- */

static void dep_judge(struct judge *judge, struct flows *flows, const struct event *event,
                      const struct request *request, uint64_t key)
{
    const struct job *dep = job_by_key(flows, key);
    if (dep && dep->succeeded)
        judge_checked(judge);
    else if (!request->runs_anyway)
        judge_fail(judge, event,
                   "key %llu ran, but no run of key %llu, which it waits for, succeeded",
                   (unsigned long long)event_key(event), (unsigned long long)key);
    else if (dep && !life_final(dep->state) && !doubtful(flows, dep))
        judge_fail(judge, event, "key %llu ran, but key %llu, which it waits for, is %s",
                   (unsigned long long)event_key(event), (unsigned long long)key,
                   life_word(dep->state));
}

static void on_step_run(struct judge *judge, void *ctx, const struct event *event)
{
    struct flows *flows = ctx;
    const struct request *request = run_of(flows, event);
    for (size_t i = 0; request && i < request->dep_count; i++)
        dep_judge(judge, flows, event, request, request->deps[i]);
}

static void flows_done(void *ctx)
{
    struct flows *flows = ctx;
    for (size_t i = 0; i < flows->requests.count; i++)
        free(((struct request *)table_value(&flows->requests, i))->deps);
    for (size_t i = 0; i < flows->batches.count; i++)
        free(((struct batch *)table_value(&flows->batches, i))->members);
    table_done(&flows->jobs);
    table_done(&flows->requests);
    table_done(&flows->chains);
    table_done(&flows->batches);
    table_done(&flows->backs);
}

#define ON_FLOWS(run)                                                                              \
    {"client/flow/dep", on_dep}, {"client/flow/chain", on_chain},                                  \
        {"client/flow/member", on_member}, {"client/flow/callback", on_callback},                  \
        {"client/flow/opened", on_opened}, {"client/flow/closed", on_closed},                      \
        {"client/insert/ok", on_ok}, {"store/job/insert", on_insert},                              \
        {"store/flow/release", on_release}, {"store/job/stage", on_stage},                         \
        {"store/job/claim", on_claim}, {"store/job/finish", on_finish},                            \
        {"store/job/rescue", on_rescue}, {"store/job/cancel", on_cancel},                          \
        {"store/job/expire", on_expire}, {"store/job/prune", on_prune},                            \
        {"store/job/retry", on_retry}, {"job/perform/stop", on_stop}, {"work/job/run", run},       \
        ON_DISK_FAULT

static const struct property_on steps_on[] = {ON_FLOWS(on_step_run), {0}};

TRACE_PROPERTY(
    steps_wait, .name = "a step runs when those before it are over", .kind = PROPERTY_ALWAYS,
    .about =
        "A job of a workflow uses what the jobs before it made: it runs when a run of each "
        "succeeded, or, if it runs anyway, when each has ended. Trusts the clients, and the jobs' "
        "own runs; the database only for ends without success.",
    .state_size = sizeof(struct flows), .on = steps_on, .done = flows_done);

/* ---- chain_order ---- */

static void on_chain_run(struct judge *judge, void *ctx, const struct event *event)
{
    struct flows *flows = ctx;
    const struct request *request = run_of(flows, event);
    if (!request || !request->chain)
        return;
    struct chain *chain = TABLE_AT(&flows->chains, request->chain, struct chain);
    const struct job *last = table_find(&flows->jobs, chain->job);
    uint64_t before = chain->job;
    if (request->job < before) {
        judge_fail(judge, event, "chain %llu: job %llu ran when job %llu, behind it, had run",
                   (unsigned long long)request->chain, (unsigned long long)request->job,
                   (unsigned long long)before);
        return;
    }
    chain->job = request->job;
    if (before == request->job || !last)
        return;
    if (life_final(last->state) || doubtful(flows, last))
        judge_checked(judge);
    else
        judge_fail(judge, event, "chain %llu: job %llu ran when job %llu, before it, was %s",
                   (unsigned long long)request->chain, (unsigned long long)request->job,
                   (unsigned long long)before, life_word(last->state));
}

static const struct property_on chain_on[] = {ON_FLOWS(on_chain_run), {0}};

TRACE_PROPERTY(
    chain_order, .name = "the jobs of a chain run one at a time, in their order",
    .kind = PROPERTY_ALWAYS,
    .about = "Changes of one thing, each of them a job, must not overtake each other. Trusts the "
             "clients and the jobs' own runs; the database for when a job was over.",
    .state_size = sizeof(struct flows), .on = chain_on, .done = flows_done);

/* ---- callbacks_in_time ---- */

static void member_judge(struct judge *judge, struct flows *flows, const struct event *event,
                         const struct batch *batch, uint64_t key)
{
    const struct request *request = table_find(&flows->requests, key);
    const struct job *job = request && request->answered ? job_by_key(flows, key) : NULL;
    if (!job)
        return; /* perhaps it is not there */
    bool over = batch->completed       ? job->state == LIFE_COMPLETED
                : batch->waits_for_all ? life_final(job->state)
                                       : job->failed || job->succeeded;
    if (over || doubtful(flows, job))
        judge_checked(judge);
    else
        judge_fail(judge, event, "key %llu was called back for its batch, but key %llu of it is %s",
                   (unsigned long long)event_key(event), (unsigned long long)key,
                   life_word(job->state));
}

static void on_back_run(struct judge *judge, void *ctx, const struct event *event)
{
    struct flows *flows = ctx;
    const uint64_t *id = table_find(&flows->backs, event_key(event));
    if (!run_of(flows, event) || !id)
        return;
    const struct batch *batch = table_find(&flows->batches, *id);
    for (size_t i = 0; (batch->comes || batch->completed) && i < batch->count; i++)
        member_judge(judge, flows, event, batch, batch->members[i]);
}

static void on_row(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct flows *flows = ctx;
    flows->audited = true;
    request_of(flows, event_u64(event, "key"))->there = true;
}

/* Once at most, says one_job_per_insert. */
static void backs_end(struct judge *judge, void *ctx)
{
    struct flows *flows = ctx;
    for (size_t i = 0; flows->audited && i < flows->batches.count; i++) {
        const struct batch *batch = table_value(&flows->batches, i);
        if (!batch->comes || !batch->opened || !batch->closed)
            continue;
        if (request_of(flows, batch->callback)->there)
            judge_checked(judge);
        else
            judge_fail(judge, NULL, "batch %llu was closed, but never called back: no key %llu",
                       (unsigned long long)table_key(&flows->batches, i),
                       (unsigned long long)batch->callback);
    }
}

static const struct property_on backs_on[] = {
    ON_FLOWS(on_back_run), {"audit/job/row", on_row}, {0}};

TRACE_PROPERTY(
    callbacks_in_time, .name = "a batch calls back when its jobs are over", .kind = PROPERTY_ALWAYS,
    .about = "Who waits for many jobs is told when all of them are over: not before, and "
             "not never. Trusts the clients, and the database for ends without success.",
    .state_size = sizeof(struct flows), .on = backs_on, .end = backs_end, .done = flows_done);

/* ---- released_once ---- */

static const struct property_on released_on[] = {ON_UNIQUE("store/flow/release", .by = {"job"}),
                                                 {0}};

TRACE_PROPERTY(released_once, .name = "what waited is released once", .kind = PROPERTY_ALWAYS,
               .about =
                   "Of two jobs that end at once, one releases what waits for both. Trusts the "
                   "database's records; nothing of a flow is retried by hand here.",
               .on = released_on, WATCH(.failing = KIND(DUPLICATED)));
