/* effects.c: what jobs did to the world outside, as the service that they call saw it. */
#include "properties/life.h"
#include "properties/table.h"

struct key {
    unsigned applied;
    bool idempotent;
};

struct effects {
    struct table keys;
    struct table jobs; /* job -> its key, uint64_t */
};

static struct key *key_of(struct effects *effects, uint64_t key)
{
    return TABLE_AT(&effects->keys, key, struct key);
}

static void on_ok(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct effects *effects = ctx;
    *TABLE_AT(&effects->jobs, event_u64(event, "job"), uint64_t) = event_key(event);
}

static void on_run(struct judge *judge, void *ctx, const struct event *event)
{
    on_ok(judge, ctx, event);
    key_of(ctx, event_key(event))->idempotent |= event_u64(event, "idem") != 0;
}

/* The key of a job that is now completed. false: it is not, or its key is not known. */
static bool completed_key(const struct effects *effects, const struct event *event,
                          uint64_t *ret_key)
{
    const uint64_t *key = table_find(&effects->jobs, event_key(event));
    if (!key || event_state(event) != LIFE_COMPLETED)
        return false;
    *ret_key = *key;
    return true;
}

static void effects_done(void *ctx)
{
    struct effects *effects = ctx;
    table_done(&effects->keys);
    table_done(&effects->jobs);
}

/* ---- effects_at_least_once ---- */

static void on_apply(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    key_of(ctx, event_key(event))->applied++;
}

static void on_finish(struct judge *judge, void *ctx, const struct event *event)
{
    uint64_t key;
    if (!completed_key(ctx, event, &key))
        return;
    if (key_of(ctx, key)->applied)
        judge_checked(judge);
    else
        judge_fail(judge, event, "job %llu was completed, but its effect (key %llu) was never made",
                   (unsigned long long)event_key(event), (unsigned long long)key);
}

static const struct property_on least_on[] = {
    {"client/insert/ok", on_ok},
    {"work/job/run", on_run},
    {"upstream/effect/apply", on_apply},
    {"store/job/finish", on_finish},
    {0},
};

TRACE_PROPERTY(
    effects_at_least_once, .name = "a completed job has had its effect", .kind = PROPERTY_ALWAYS,
    .about = "Completed means done: the service that the job calls has seen the effect before the "
             "job was written down as completed. Trusts that service.",
    .state_size = sizeof(struct effects), .on = least_on, .done = effects_done);

/* ---- effects_exactly_once ---- */

static void on_apply_once(struct judge *judge, void *ctx, const struct event *event)
{
    struct key *key = key_of(ctx, event_key(event));
    if (++key->applied > 1 && key->idempotent)
        judge_fail(judge, event, "the effect of key %llu was made again, in attempt %llu",
                   (unsigned long long)event_key(event),
                   (unsigned long long)event_u64(event, "attempt"));
}

static void on_finish_once(struct judge *judge, void *ctx, const struct event *event)
{
    uint64_t id;
    if (!completed_key(ctx, event, &id))
        return;
    const struct key *key = key_of(ctx, id);
    if (!key->idempotent)
        return;
    if (key->applied == 1)
        judge_checked(judge);
    else
        judge_fail(judge, event, "job %llu was completed with %u effects of key %llu, not one",
                   (unsigned long long)event_key(event), key->applied, (unsigned long long)id);
}

static const struct property_on once_on[] = {
    {"client/insert/ok", on_ok},
    {"work/job/run", on_run},
    {"upstream/effect/apply", on_apply_once},
    {"store/job/finish", on_finish_once},
    {0},
};

TRACE_PROPERTY(
    effects_exactly_once, .name = "an effect with an idempotency key is made exactly once",
    .kind = PROPERTY_ALWAYS,
    .about =
        "All attempts of a job show the same key, so that repeated runs, late ones too, change "
        "nothing. Trusts the service that refuses repeats.",
    .state_size = sizeof(struct effects), .on = once_on, .done = effects_done);
