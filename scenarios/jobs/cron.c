/* Cron entries beside the plan: due every one to five minutes, with every kind of catching up. Their jobs do nothing: what counts is
 * that there is one for each tick. */
#include "scenarios/jobs/adapter.h"

#include <stdio.h>

static struct job_outcome tick_perform(struct proc *self, const struct job *job, void *ctx)
{
    (void)self, (void)job, (void)ctx;
    return (struct job_outcome){.kind = JOB_OK};
}

void cron_choose(struct adapter *adapter)
{
    static const char *const names[CRON_MOST] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j",
                                                 "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"};
    static const char *const expressions[] = {"* * * * *", "*/2 * * * *", "*/3 * * * *",
                                              "*/4 * * * *", "*/5 * * * *"};
    static const int catch_ups[] = {CRON_CATCH_UP_MOST, 1, CRON_NO_CATCH_UP};
    adapter->workers[2] = (struct worker){.name = "tick", .perform = tick_perform};
    adapter->cron.entries = adapter->cron_entries;
    adapter->cron.entry_count = (size_t)draws_value(&adapter->draws, W_CRON);
    for (size_t i = 0; i < adapter->cron.entry_count; i++)
        adapter->cron_entries[i] = (struct cron_entry){.name = names[i],
                                                       .expression = expressions[i % 5],
                                                       .worker = "tick",
                                                       .args = CRON_ARGS,
                                                       .catch_up = catch_ups[i % 3]};
}

/* What is due every minute must be done with again, once everything is healed: then somebody leads, and all before it was made up
 * for or left out. */
bool cron_pending(struct adapter *adapter, char *text, size_t size)
{
    if (adapter->cron.entry_count == 0)
        return false;
    if (!adapter->healed_ns)
        adapter->healed_ns = world_now(adapter->world);
    if (adapter->ledger.ticked_ns > adapter->healed_ns)
        return false;
    snprintf(text, size, "no cron entry has ticked since everything was healed");
    return true;
}
