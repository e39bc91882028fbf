/* watch.c: see watch.h. Each handler takes one step of a check of checks.h, then tells the judge what that found. */
#include "properties/watch.h"

#include <inttypes.h>

#define FAILING_MOSTLY (KIND_ANY & ~(KIND(PENDING) | KIND(RECOVERED)))

static const struct watch_spec *spec_of(const struct judge *judge)
{
    const struct watch_spec *spec = judge_spec(judge);
    return spec;
}

static int64_t within_ns(const struct judge *judge)
{
    int64_t ns = spec_of(judge)->within_ns;
    return ns ? ns : INT64_MAX / 2;
}

/* ---- what is said ---- */

/* About an event that is at hand. */
static void finding_explain(const struct finding *finding, char *out, size_t size)
{
    switch (finding->kind) {
    case ANOMALY_DUPLICATED:
        snprintf(out, size, " again; the first was event %" PRIu64, finding->other);
        break;
    case ANOMALY_DISORDERED:
        snprintf(out, size, ": %" PRId64 " is not more than that of event %" PRIu64,
                 finding->amount, finding->other);
        break;
    case ANOMALY_LATE: {
        char late[32];
        snprintf(out, size, " came %s too late for event %" PRIu64,
                 duration_print(finding->amount, late, sizeof late), finding->at);
        break;
    }
    case ANOMALY_TOO_DEEP:
        snprintf(out, size, " is one too many: %" PRId64 " at once", finding->amount);
        break;
    case ANOMALY_UNEXPECTED: snprintf(out, size, " must never happen"); break;
    default: snprintf(out, size, " is %s", anomaly_word(finding->kind)); break;
    }
}

/* Passes on what was found since there were `checked` and `count`. */
static void watch_settle(struct judge *judge, const struct watch *watch, uint64_t checked,
                         size_t count, const struct event *event)
{
    const struct watch_spec *spec = spec_of(judge);
    uint32_t failing = (spec->failing ? spec->failing : FAILING_MOSTLY) & ~spec->tolerated;
    const struct match *match = judge_arg(judge);
    char what[160], why[64];
    for (size_t i = count; i < watch->found.count; i++) {
        const struct finding *finding = &watch->found.list[i];
        if (!(failing >> finding->kind & 1))
            continue;
        match_print(match, event, what, sizeof what);
        finding_explain(finding, why, sizeof why);
        judge_fail(judge, event, "%s%s", what, why);
        return;
    }
    for (uint64_t i = checked; i < watch->found.checked; i++)
        judge_checked(judge);
}

/* ---- the pieces ---- */

/* A handler: `step` is what it does with `watch`, `match`, `event` and `found`. */
#define PIECE(handler, step)                                                                       \
    void handler(struct judge *judge, void *ctx, const struct event *event)                        \
    {                                                                                              \
        struct watch *watch = ctx;                                                                 \
        const struct match *match = judge_arg(judge);                                              \
        struct findings *found = &watch->found;                                                    \
        uint64_t checked = found->checked;                                                         \
        size_t count = found->count;                                                               \
        if (!match_fits(match, event))                                                             \
            return;                                                                                \
        step;                                                                                      \
        watch_settle(judge, watch, checked, count, event);                                         \
    }

PIECE(watch_unique, unique_step(&watch->seen, match, event, found))
PIECE(watch_rising, rising_step(&watch->lasts, match, false, event, found))
PIECE(watch_strictly_rising, rising_step(&watch->lasts, match, true, event, found))
PIECE(watch_never, never_step(match, event, found))
PIECE(watch_cause, cause_step(&watch->causes, match, event, found))
PIECE(watch_effect, effect_step(&watch->causes, match, within_ns(judge), event, found))
PIECE(watch_start,
      start_step(&watch->spans, &watch->depths, match, spec_of(judge)->limit, event, found))
PIECE(watch_stop, end_step(&watch->spans, &watch->depths, match, event, found))
PIECE(watch_gone, (gone_step(&watch->causes, NULL, match, event, found),
                   gone_step(&watch->spans, &watch->depths, match, event, found)))
PIECE(watch_reach, judge_met(judge))
PIECE(watch_seen, found->checked++)

/* ---- the end ---- */

/* What may still come, and what never came, where that does not fail. */
static void watch_open(const struct judge *judge, struct watch *watch)
{
    int64_t oldest_ns = judge_now_ns(judge) - spec_of(judge)->within_ns;
    for (uint32_t n = watch->causes.oldest; n; n = watch->causes.pool[n].newer) {
        const struct open_span *cause = &watch->causes.pool[n];
        findings_add(
            &watch->found,
            (struct finding){.kind = cause->time_ns < oldest_ns ? ANOMALY_LOST : ANOMALY_PENDING,
                             .subject = cause->subject,
                             .at = cause->at,
                             .other = NOWHERE});
    }
}

static void watch_lost(struct judge *judge, const struct watch *watch)
{
    const struct watch_spec *spec = spec_of(judge);
    int64_t now_ns = judge_now_ns(judge), limit_ns = spec->within_ns;
    for (uint32_t n = watch->causes.oldest; n; n = watch->causes.pool[n].newer) {
        const struct open_span *cause = &watch->causes.pool[n];
        int64_t age_ns = now_ns - cause->time_ns;
        if (age_ns <= limit_ns)
            continue;
        struct event event = {.index = cause->at, .time_ns = cause->time_ns};
        char age[32];
        judge_fail(judge, &event, "%s %" PRIu64 " led to nothing in %s", cause->point,
                   cause->subject, duration_print(age_ns, age, sizeof age));
        return;
    }
}

void watch_end(struct judge *judge, void *ctx)
{
    struct watch *watch = ctx;
    const struct watch_spec *spec = spec_of(judge);
    uint32_t failing = (spec->failing ? spec->failing : FAILING_MOSTLY) & ~spec->tolerated;
    if (failing & KIND(LOST))
        watch_lost(judge, watch);
    watch_open(judge, watch);
    findings_note(&watch->found, failing, judge);
}

void watch_done(void *ctx)
{
    struct watch *watch = ctx;
    findings_done(&watch->found);
    table_done(&watch->seen);
    table_done(&watch->lasts);
    table_done(&watch->depths);
    open_done(&watch->causes);
    open_done(&watch->spans);
}
