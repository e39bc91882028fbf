/* job_telemetry.c: what the processes of the job system tell those who listen (telemetry.h). Each attempt that began is told to have
 * ended, once: by its own process, or by its queue when that has died. If the node dies, or the queue, it may never be told. */
#include "sut/jobs/internal.h"

#include <stdio.h>

static void job_tell(struct proc *self, const struct slot *slot, struct telemetry_item item)
{
    item.job = slot->job;
    item.queue = slot->queue->name;
    telemetry_tell(slot->queue->jobs->telemetry, proc_env(self), self, item);
}

static bool wanted(const struct slot *slot, enum telemetry_event event)
{
    return telemetry_wanted(slot->queue->jobs->telemetry, event);
}

void slot_tell_start(struct proc *self, struct slot *slot)
{
    int64_t waited_ms = slot->job->attempted_ms - slot->job->scheduled_ms;
    slot->began_ns = proc_now(self);
    if (wanted(slot, TELEMETRY_JOB_START))
        job_tell(self, slot,
                 (struct telemetry_item){.event = TELEMETRY_JOB_START,
                                         .waited_ms = waited_ms > 0 ? waited_ms : 0});
}

static void tell_end(struct proc *self, struct slot *slot, enum telemetry_event event,
                     const char *word, const char *text)
{
    int64_t waited_ms = slot->job->attempted_ms - slot->job->scheduled_ms;
    slot->told = true;
    if (wanted(slot, event))
        job_tell(self, slot,
                 (struct telemetry_item){.event = event,
                                         .waited_ms = waited_ms > 0 ? waited_ms : 0,
                                         .duration_ns = proc_now(self) - slot->began_ns,
                                         .word = word,
                                         .text = text});
}

void slot_tell_stop(struct proc *self, struct slot *slot, const struct job_outcome *outcome)
{
    tell_end(self, slot, outcome->kind == JOB_ERROR ? TELEMETRY_JOB_EXCEPTION : TELEMETRY_JOB_STOP,
             job_outcome_word(outcome->kind), outcome->text);
}

void slot_tell_death(struct proc *self, struct slot *slot, struct reason reason)
{
    static const char *const words[] = {[SLOT_RUNS] = "crash",
                                        [SLOT_TIMED_OUT] = "timeout",
                                        [SLOT_EXPIRED] = "deadline",
                                        [SLOT_DROPPED] = "lost",
                                        [SLOT_OVERRUNS] = "lost"};
    char text[REASON_WORDS];
    bool late = slot->fate == SLOT_TIMED_OUT || slot->fate == SLOT_EXPIRED;
    if (!slot->started || slot->told)
        return;
    reason_text(reason, text);
    if (late) {
        struct job_outcome outcome = slot_late_outcome(slot);
        snprintf(text, sizeof text, "%s", outcome.text);
    }
    tell_end(self, slot, TELEMETRY_JOB_EXCEPTION, words[slot->fate], text);
}

void queue_tell(struct proc *self, const struct queue *queue, enum telemetry_event event,
                const uint64_t *ids, size_t id_count)
{
    if (telemetry_wanted(queue->jobs->telemetry, event))
        telemetry_tell(queue->jobs->telemetry, proc_env(self), self,
                       (struct telemetry_item){
                           .event = event,
                           .queue = queue->name,
                           .count = event == TELEMETRY_QUEUE_START ? queue->limit : id_count,
                           .ids = ids,
                           .id_count = id_count});
}

void leader_tell(struct proc *self, const struct jobs *jobs, enum telemetry_event event,
                 const char *why)
{
    if (telemetry_wanted(jobs->telemetry, event))
        telemetry_tell(jobs->telemetry, proc_env(self), self,
                       (struct telemetry_item){.event = event, .text = why});
}
