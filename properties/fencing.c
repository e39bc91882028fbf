/* fencing.c: leases. Every claim of a job carries a greater token than the one before; only the
 * newest may write, and only until it is given up. Two nodes may well work on one job at a time
 * (the first is slow and does not know yet that it was given up), but never under the same token,
 * and never while the first one's token still holds.
 */
#include "properties/runs.h"
#include "properties/table.h"
#include "properties/watch.h"
#include <string.h>

/* What the database's records say about the newest claim of a job. */
struct claim {
    uint64_t lease;       /* of the newest claim; 0: none known */
    const char *given_up; /* how it ended; NULL: it holds */
    uint64_t over;        /* the greatest lease that was given up */
    uint64_t doubts;
};

struct claims {
    struct runs runs; /* of single_owner; first, for the handlers of runs.h */
    struct doubt doubt;
    struct table jobs;
};

static struct claim *claim_of(struct claims *claims, const struct event *event)
{
    return TABLE_AT(&claims->jobs, event_key(event), struct claim);
}

static void on_disk(struct judge *judge, void *ctx, const struct event *event)
{
    struct claims *claims = ctx;
    doubt_raise(judge, &claims->doubt, event);
}

static void claim_take(struct claims *claims, const struct event *event)
{
    struct claim *claim = claim_of(claims, event);
    if (doubt_since(&claims->doubt, &claim->doubts))
        claim->over = claim->lease;
    claim->lease = event_u64(event, "lease");
    claim->given_up = NULL;
}

static void claim_give_up(struct claims *claims, const struct event *event, const char *how)
{
    struct claim *claim = claim_of(claims, event);
    claim->given_up = how;
    claim->doubts = claims->doubt.faults;
    uint64_t lease = event_has(event, "lease") ? event_u64(event, "lease") : claim->lease;
    claim->over = lease > claim->over ? lease : claim->over;
}

static void on_cancel(struct judge *judge, void *claims, const struct event *event)
{
    (void)judge;
    claim_give_up(claims, event, "it was cancelled");
}

static void claims_done(void *ctx)
{
    struct claims *claims = ctx;
    runs_done(&claims->runs);
    table_done(&claims->jobs);
}

/* ---- leases_rise ---- */

static const struct property_on rise_on[] = {
    ON_STRICTLY_RISING("store/job/claim", .by = {"job"}, .value = "lease"), {0}};

TRACE_PROPERTY(
    leases_rise, .name = "every claim of a job carries a greater lease", .kind = PROPERTY_ALWAYS,
    .about = "A lease that comes back, after a power loss too, would let an old owner write again. "
             "Trusts what the database recorded after commit.",
    .on = rise_on, WATCH());

/* ---- no_stale_write ---- */

static void on_claim(struct judge *judge, void *claims, const struct event *event)
{
    (void)judge;
    claim_take(claims, event);
}

static void write_check(struct judge *judge, struct claims *claims, const struct event *event,
                        const char *verb, const char *how)
{
    struct claim *claim = claim_of(claims, event);
    uint64_t job = event_key(event), lease = event_u64(event, "lease");
    bool doubtful = doubt_since(&claims->doubt, &claim->doubts);
    if (claim->lease == 0 || doubtful)
        ; /* nobody recorded whose it is */
    else if (lease != claim->lease)
        judge_fail(judge, event, "job %llu was %s under lease %llu, but lease %llu is the newest",
                   (unsigned long long)job, verb, (unsigned long long)lease,
                   (unsigned long long)claim->lease);
    else if (claim->given_up)
        judge_fail(judge, event, "job %llu was %s under lease %llu after %s",
                   (unsigned long long)job, verb, (unsigned long long)lease, claim->given_up);
    else
        judge_checked(judge);
    claim_give_up(claims, event, how);
}

static void on_finish(struct judge *judge, void *claims, const struct event *event)
{
    write_check(judge, claims, event, "finished", "it had finished");
}

static void on_rescue(struct judge *judge, void *claims, const struct event *event)
{
    write_check(judge, claims, event, "rescued", "it was rescued");
}

static const struct property_on stale_on[] = {
    {"store/job/claim", on_claim},
    {"store/job/finish", on_finish},
    {"store/job/rescue", on_rescue},
    {"store/job/cancel", on_cancel},
    {"disk/**", on_disk},
    {0},
};

TRACE_PROPERTY(
    no_stale_write, .name = "no stale lease ever changes a job", .kind = PROPERTY_ALWAYS,
    .about = "Only the newest claim of a job may finish it, and only until it is finished, rescued "
             "or cancelled. Trusts what the database recorded after commit.",
    .state_size = sizeof(struct claims), .on = stale_on, .done = claims_done);

/* ---- single_owner ---- */

static void on_given_up(struct judge *judge, void *claims, const struct event *event)
{
    (void)judge;
    claim_give_up(claims, event, "");
}

/* Has this lease been given up, as far as was recorded? */
static bool lease_over(struct claims *claims, const struct run_span *span)
{
    struct claim *claim = TABLE_AT(&claims->jobs, span->job, struct claim);
    return span->lease <= claim->over || claim->doubts != claims->doubt.faults;
}

static void on_run(struct judge *judge, void *ctx, const struct event *event)
{
    struct claims *claims = ctx;
    struct run_span run = {.node = event->node,
                           .actor = event->actor,
                           .job = event_u64(event, "job"),
                           .lease = event_u64(event, "lease")};
    for (size_t i = 0; i < claims->runs.count; i++) {
        const struct run_span *other = &claims->runs.spans[i];
        if (other->job != run.job)
            continue;
        if (other->lease == run.lease)
            judge_fail(judge, event, "job %llu runs twice under lease %llu, on nodes %u and %u",
                       (unsigned long long)run.job, (unsigned long long)run.lease, other->node,
                       run.node);
        else if (other->lease < run.lease && !lease_over(claims, other))
            judge_fail(judge, event, "job %llu runs under lease %llu while lease %llu still holds",
                       (unsigned long long)run.job, (unsigned long long)run.lease,
                       (unsigned long long)other->lease);
    }
    runs_open(&claims->runs, run);
    judge_checked(judge);
}

static const struct property_on owner_on[] = {
    {"work/job/run", on_run},
    {"store/job/claim", on_claim},
    {"store/job/finish", on_given_up},
    {"store/job/rescue", on_given_up},
    {"store/job/cancel", on_given_up},
    {"disk/**", on_disk},
    ON_RUN_END,
    {0},
};

TRACE_PROPERTY(
    single_owner, .name = "at most one live run of a job holds its lease", .kind = PROPERTY_ALWAYS,
    .about = "Two runs may overlap only when the earlier one's lease was given up. Trusts the "
             "jobs' own runs, and the database only for when a lease was given up.",
    .state_size = sizeof(struct claims), .on = owner_on, .done = claims_done);

/* ---- one_run_per_claim ---- */

static const struct property_on first_on[] = {ON_UNIQUE("work/job/run", .by = {"job", "lease"}),
                                              {0}};

TRACE_PROPERTY(
    one_run_per_claim, .name = "a claim leads to one run at most", .kind = PROPERTY_ALWAYS,
    .about = "What happens to a job that was claimed is decided once: it runs, or it is left to "
             "rescue. Trusts the jobs' own runs.",
    .on = first_on, WATCH());

/* ---- honest_outcome ---- */

static void outcomes_done(void *outcomes)
{
    table_done(outcomes);
}

static void on_stop(struct judge *judge, void *outcomes, const struct event *event)
{
    (void)judge;
    uint64_t run = mix64_pair(event_key(event), event_u64(event, "lease"));
    bool *succeeded = TABLE_AT(outcomes, run, bool);
    bool hit = event->fault.kind != FAULT_NONE && event->fault.kind != FAULT_DELAY &&
               event->fault.kind != FAULT_PAUSE;
    /* A database that lost a claim gives its lease out twice: then it is enough that one of the runs succeeded. */
    *succeeded |= !hit && strcmp(event_str(event, "outcome"), "ok") == 0;
}

static void on_completed(struct judge *judge, void *outcomes, const struct event *event)
{
    if (event_state(event) != LIFE_COMPLETED)
        return;
    uint64_t lease = event_u64(event, "lease");
    const bool *succeeded = table_find(outcomes, mix64_pair(event_key(event), lease));
    if (succeeded && *succeeded)
        judge_checked(judge);
    else
        judge_fail(judge, event, "job %llu was completed under lease %llu, but that run %s",
                   (unsigned long long)event_key(event), (unsigned long long)lease,
                   succeeded ? "did not succeed" : "never returned");
}

static const struct property_on honest_on[] = {
    {"job/perform/stop", on_stop}, {"store/job/finish", on_completed}, {0}};

TRACE_PROPERTY(
    honest_outcome, .name = "a job is completed only if the run that says so succeeded",
    .kind = PROPERTY_ALWAYS,
    .about = "A crash, a time-out or an error written down as success is silent loss of work. "
             "Trusts the end of the job's function against the database's record.",
    .state_size = sizeof(struct table), .on = honest_on, .done = outcomes_done);
