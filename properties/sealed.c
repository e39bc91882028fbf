/* sealed.c: encrypted arguments arrive as they were, or their run is an error.
 *
 * What was sealed is known by a number (print) of the plain text, which the trace does not show. What a run opens must be one of
 * those; a run that did not open its arguments ends as an error, if at all, for its worker must not have seen what it cannot read.
 * And no two texts are sealed with one nonce: that would show what both have in common. */
#include "properties/life.h"
#include "properties/table.h"

#include <string.h>

struct run {
    uint64_t lease;
    bool opened;
};

struct sealed {
    struct table prints, nonces, runs; /* the last: by job */
};

static void on_seal(struct judge *judge, void *ctx, const struct event *event)
{
    struct sealed *sealed = ctx;
    bool *seen = TABLE_AT(&sealed->nonces, event_key(event), bool);
    *TABLE_AT(&sealed->prints, event_u64(event, "print"), bool) = true;
    if (*seen)
        judge_fail(judge, event, "a nonce was used twice");
    else
        judge_checked(judge);
    *seen = true;
}

static void on_open(struct judge *judge, void *ctx, const struct event *event)
{
    struct sealed *sealed = ctx;
    (void)judge;
    *TABLE_AT(&sealed->runs, event_key(event), struct run) =
        (struct run){.lease = event_u64(event, "lease")};
}

static void on_opened(struct judge *judge, void *ctx, const struct event *event)
{
    struct sealed *sealed = ctx;
    struct run *run = TABLE_AT(&sealed->runs, event_key(event), struct run);
    run->opened = run->lease == event_u64(event, "lease");
    if (!table_find(&sealed->prints, event_u64(event, "print")))
        judge_fail(judge, event, "job %llu opened arguments that nobody had sealed",
                   (unsigned long long)event_key(event));
    else
        judge_checked(judge);
}

static void on_stop(struct judge *judge, void *ctx, const struct event *event)
{
    struct sealed *sealed = ctx;
    const struct run *run = table_find(&sealed->runs, event_key(event));
    if (!run || run->lease != event_u64(event, "lease"))
        return;
    if (!run->opened && strcmp(event_str(event, "outcome"), "error") != 0)
        judge_fail(judge, event, "job %llu ended as %s though its arguments were not opened",
                   (unsigned long long)event_key(event), event_str(event, "outcome"));
    else
        judge_checked(judge);
}

static void sealed_done(void *ctx)
{
    struct sealed *sealed = ctx;
    table_done(&sealed->prints);
    table_done(&sealed->nonces);
    table_done(&sealed->runs);
}

static const struct property_on on[] = {
    {"job/args/seal", on_seal},
    {"job/args/open", on_open},
    {"job/args/opened", on_opened},
    {"job/perform/stop", on_stop},
    {0},
};

TRACE_PROPERTY(
    sealed_args, .name = "encrypted arguments arrive as they were, or the run is an error",
    .kind = PROPERTY_ALWAYS,
    .about = "Who cannot open the arguments of a job must not run it as if it could, and "
             "what is opened is what was sealed; each under a nonce of its own.",
    .state_size = sizeof(struct sealed), .on = on, .done = sealed_done);
