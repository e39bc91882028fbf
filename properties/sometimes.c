/* sometimes.c: what some run of a suite must meet, so that silence is not taken for health: each
 * line is a path through the system that is only walked when something goes wrong. */
#include "properties/life.h"
#include "properties/table.h"
#include <string.h>

static inline bool field_is(const struct event *event, const char *field, const char *word)
{
    return strcmp(event_str(event, field), word) == 0;
}

/* A property that is met by one event of `point` for which `condition` (of `event`) holds. */
#define SOMETIMES(ident, is_rare, point, condition, sentence, why)                                 \
    static void on_##ident(struct judge *judge, void *state, const struct event *event)            \
    {                                                                                              \
        (void)state;                                                                               \
        (void)event;                                                                               \
        if (condition)                                                                             \
            judge_met(judge);                                                                      \
    }                                                                                              \
    static const struct property_on ident##_on[] = {{point, on_##ident}, {0}};                     \
    TRACE_PROPERTY(ident, .name = sentence, .about = why, .kind = PROPERTY_SOMETIMES,              \
                   .rare = (is_rare), .on = ident##_on)

enum { COMMON = false, RARE = true };

SOMETIMES(sometimes_rescue, COMMON, "store/job/rescue", true, "a job is rescued",
          "Its owner died or was cut off, its lease ran out, and somebody noticed.");

SOMETIMES(sometimes_stale_ack, COMMON, "store/job/stale", true,
          "an acknowledgement is refused as stale",
          "A run came to its end after its job had been given to another: fencing was needed.");

SOMETIMES(sometimes_giveup, COMMON, "sup/supervisor/giveup", true, "a supervisor gives up",
          "Its processes died more often than it is patient, and the whole node was restarted.");

SOMETIMES(sometimes_ack_repeated, COMMON, "job/finish/done", field_is(event, "result", "repeated"),
          "an acknowledgement turns out to be a repetition",
          "The first one had arrived, its reply was lost: sending it again was harmless.");

SOMETIMES(sometimes_unknown_insert, COMMON, "client/insert/unknown", true,
          "an insert has an unknown outcome", "Clients met the third answer: neither yes nor no.");

SOMETIMES(sometimes_conflict, COMMON, "client/insert/conflict", true,
          "a unique job is there already", "A second one was asked for, and not made.");

SOMETIMES(sometimes_release, RARE, "store/job/release", true, "a unique key passes to another job",
          "The time of its holder was over.");

SOMETIMES(sometimes_yield, RARE, "store/job/yield", true,
          "a job comes back and finds its unique key taken",
          "It must go on all the same, and nobody else may suffer for it.");

SOMETIMES(sometimes_retry_succeeds, COMMON, "store/job/finish",
          event_state(event) == LIFE_COMPLETED && event_u64(event, "attempt") > 1,
          "a job succeeds after a failed attempt", "Retries lead to the end that they are for.");

SOMETIMES(sometimes_discarded, COMMON, "store/job/finish",
          event_state(event) == LIFE_DISCARDED &&
              event_u64(event, "attempt") == event_u64(event, "max"),
          "a job is discarded after its last attempt", "The maximum is reached and respected.");

SOMETIMES(sometimes_snooze, COMMON, "store/job/finish", event_state(event) == LIFE_SCHEDULED,
          "a job is snoozed", "An attempt is given back.");

SOMETIMES(sometimes_job_crash, COMMON, "job/perform/crash", true, "a job's process crashes",
          "The queue has to notice and to answer for it.");

SOMETIMES(sometimes_effect_repeat, COMMON, "upstream/effect/repeat", true,
          "an idempotent effect is refused as a repetition",
          "A job ran again after its effect was made: at least once became exactly once.");

SOMETIMES(sometimes_timeout, RARE, "job/perform/timeout", true, "a job is killed at its time limit",
          "A run that hangs does not keep its place for ever.");

SOMETIMES(sometimes_lease_lost, RARE, "job/perform/lost", true,
          "a run is killed because its lease is lost",
          "A node that was away too long stops what is no longer its own.");

SOMETIMES(sometimes_writes_lost, RARE, "world/disk/loss",
          event_u64(event, "dropped") + event_u64(event, "torn") > 0,
          "a power loss takes un-synced writes with it",
          "The database had to recover from a disk that forgot something.");

SOMETIMES(sometimes_damage_noticed, RARE, "audit/database/damage", true,
          "a damaged database is noticed",
          "A disk that lied or rotted was found out by the database's own check.");

SOMETIMES(sometimes_disk_full, RARE, "disk/file/full", true, "a write finds the disk full",
          "Nothing could be recorded, and the system had to wait for room.");

SOMETIMES(sometimes_out_of_memory, RARE, "proc/process/exit", field_is(event, "reason", "nomem"),
          "a process ends for want of memory", "Its supervisor had to take it from there.");

SOMETIMES(sometimes_drain_leaves_jobs, RARE, "jobs/drain/end", event_u64(event, "left") > 0,
          "a drain leaves jobs to rescue", "The grace was over before the jobs were.");

/* ---- with a memory ---- */

static void on_unknown(struct judge *judge, void *keys, const struct event *event)
{
    (void)judge;
    TABLE_AT(keys, event_key(event), bool);
}

static void on_row(struct judge *judge, void *keys, const struct event *event)
{
    if (table_find(keys, event_u64(event, "key")))
        judge_met(judge);
}

static void memory_done(void *table)
{
    table_done(table);
}

static const struct property_on happened_on[] = {
    {"client/insert/unknown", on_unknown}, {"audit/job/row", on_row}, {0}};

TRACE_PROPERTY(sometimes_unknown_happened, .name = "an insert of unknown outcome did happen",
               .about = "The reply was lost, not the request.", .kind = PROPERTY_SOMETIMES,
               .rare = RARE, .state_size = sizeof(struct table), .on = happened_on,
               .done = memory_done);

/* (node, queue) -> the boot in which it was last started. */
struct starts {
    struct table queues, boots;
};

static void on_boot(struct judge *judge, void *ctx, const struct event *event)
{
    (void)judge;
    struct starts *starts = ctx;
    ++*TABLE_AT(&starts->boots, event->node, uint64_t);
}

static void on_queue_start(struct judge *judge, void *ctx, const struct event *event)
{
    struct starts *starts = ctx;
    uint64_t key = mix64_pair(event->node, hash_text(event_str(event, "queue")));
    uint64_t boot = 1 + *TABLE_AT(&starts->boots, event->node, uint64_t);
    uint64_t *last = TABLE_AT(&starts->queues, key, uint64_t);
    if (*last == boot)
        judge_met(judge);
    *last = boot;
}

static void starts_done(void *ctx)
{
    struct starts *starts = ctx;
    table_done(&starts->queues);
    table_done(&starts->boots);
}

static const struct property_on restart_on[] = {
    {"world/node/start", on_boot}, {"queue/process/start", on_queue_start}, {0}};

TRACE_PROPERTY(sometimes_queue_restart, .name = "a queue is restarted by its supervisor",
               .about = "A queue died, its jobs with it, and both came back.",
               .kind = PROPERTY_SOMETIMES, .state_size = sizeof(struct starts), .on = restart_on,
               .done = starts_done);
