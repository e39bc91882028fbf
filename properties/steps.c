/* steps.c: what a step of a workflow made is there as long as others may read it.
 *
 * Who waits for whom is known from the clients' own words, that a step runs from the step itself. A run under a lease that is not the
 * job's newest, or of a job that is over, is a straggler's: nobody keeps anything for those.
 */
#include "properties/array.h"
#include "properties/life.h"
#include "properties/table.h"

#include <stdlib.h>

struct step { /* of a client */
    uint64_t job;
    uint64_t *deps; /* keys */
    size_t count, capacity;
};

struct job {
    uint64_t lease; /* the newest */
    bool over, pruned;
    uint64_t doubts;
};

struct steps {
    struct doubt doubt;
    struct table steps; /* by key */
    struct table jobs;  /* by job */
};

static struct job *job_of(struct steps *steps, const struct event *event)
{
    return TABLE_AT(&steps->jobs, event_key(event), struct job);
}

static void on_dep(struct judge *judge, void *ctx, const struct event *event)
{
    struct step *step = TABLE_AT(&((struct steps *)ctx)->steps, event_key(event), struct step);
    (void)judge;
    step->deps = array_grow(step->deps, step->count, &step->capacity, sizeof *step->deps);
    step->deps[step->count++] = event_u64(event, "dep");
}

static void on_job(struct judge *judge, void *ctx, const struct event *event)
{
    struct steps *steps = ctx;
    (void)judge;
    TABLE_AT(&steps->steps, event_key(event), struct step)->job = event_u64(event, "job");
}

static void on_claim(struct judge *judge, void *ctx, const struct event *event)
{
    struct job *job = job_of(ctx, event);
    (void)judge;
    job->lease = event_u64(event, "lease");
    job->over = false;
}

static void on_end(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    job_of(ctx, event)->over = life_final(event_state(event));
}

static void on_prune(struct judge *judge, void *ctx, const struct event *event)
{
    struct steps *steps = ctx;
    struct job *job = job_of(steps, event);
    (void)judge;
    job->pruned = event_state(event) == LIFE_COMPLETED;
    job->doubts = steps->doubt.faults;
}

static void dep_judge(struct judge *judge, struct steps *steps, const struct event *event,
                      uint64_t key)
{
    const struct step *dep = table_find(&steps->steps, key);
    struct job *job = dep && dep->job ? table_find(&steps->jobs, dep->job) : NULL;
    if (!job || (job->pruned && doubt_since(&steps->doubt, &job->doubts)))
        return;
    if (job->pruned)
        judge_fail(judge, event,
                   "key %llu runs, but what key %llu made for it was pruned with its job %llu",
                   (unsigned long long)event_key(event), (unsigned long long)key,
                   (unsigned long long)dep->job);
    else
        judge_checked(judge);
}

static void on_run(struct judge *judge, void *ctx, const struct event *event)
{
    struct steps *steps = ctx;
    on_job(judge, ctx, event);
    const struct step *step = table_find(&steps->steps, event_key(event));
    const struct job *job = table_find(&steps->jobs, event_u64(event, "job"));
    if (!step || !job || job->over || event_u64(event, "lease") < job->lease)
        return;
    for (size_t i = 0; i < step->count; i++)
        dep_judge(judge, steps, event, step->deps[i]);
}

static void steps_done(void *ctx)
{
    struct steps *steps = ctx;
    for (size_t i = 0; i < steps->steps.count; i++)
        free(((struct step *)table_value(&steps->steps, i))->deps);
    table_done(&steps->steps);
    table_done(&steps->jobs);
}

static const struct property_on on[] = {
    {"client/flow/dep", on_dep},
    {"client/insert/ok", on_job},
    {"store/job/claim", on_claim},
    {"store/job/finish", on_end},
    {"store/job/rescue", on_end},
    {"store/job/cancel", on_end},
    {"store/job/expire", on_end},
    {"store/job/prune", on_prune},
    {"work/job/run", on_run},
    ON_DISK_FAULT,
    {0},
};

TRACE_PROPERTY(
    steps_are_kept, .name = "what a step made is there as long as others may read it",
    .kind = PROPERTY_ALWAYS,
    .about = "A workflow may take longer than finished jobs are kept: then its steps are kept, "
             "too. Trusts the clients, and the jobs' own runs.",
    .state_size = sizeof(struct steps), .on = on, .done = steps_done);
