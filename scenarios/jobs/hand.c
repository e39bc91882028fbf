/* Hands: one process per app node that looks after the jobs asked for there, as people and programs do: cancels, retries, updates and
 * deletes them, each at its planned time, if it was told of them. What a hand that died was doing is not done again: it may
 * have happened. */
#include "scenarios/jobs/adapter.h"

POINT_ABOUT("client/hand/call", "somebody is about to do something to a job by hand");
POINT_ABOUT("client/hand/done", "it was done, or refused (changed 0)");
POINT_ABOUT("client/hand/unknown", "nobody knows whether it was done");

#define LATER_MS 5000

static const char *deed_word(enum deed deed)
{
    static const char *const words[] = {[DEED_CANCEL] = "cancel",
                                        [DEED_RETRY] = "retry",
                                        [DEED_UPDATE] = "update",
                                        [DEED_DELETE] = "delete"};
    return words[deed];
}

/* Behind the others from now on, and perhaps a little later. */
static bool revise(const struct job *job, struct job_update *update, void *ctx)
{
    const struct item *item = ctx;
    update->set_priority = true;
    update->priority = JOB_PRIORITY_MAX;
    update->tags = "revised";
    bool waits = job->state == JOB_AVAILABLE || job->state == JOB_SCHEDULED;
    if (waits && item->key % 2)
        update->scheduled_ms = job->scheduled_ms + LATER_MS;
    return true;
}

static int deed_do(struct proc *self, struct app *app, struct item *item, uint64_t *ret_changed)
{
    const struct job_filter filter = {.args = item->args};
    struct job_choice which = {.ids = &item->job, .count = 1};
    if (item->by_filter)
        which = (struct job_choice){.filter = &filter};
    *ret_changed = 0;
    switch (item->deed) {
    case DEED_CANCEL: return jobs_cancel(self, app->jobs, &which, ret_changed);
    case DEED_RETRY: return jobs_retry(self, app->jobs, &which, ret_changed);
    case DEED_DELETE: return jobs_delete(self, app->jobs, &which, ret_changed);
    case DEED_UPDATE:
        *ret_changed = 1;
        return jobs_update_with(self, app->jobs, item->job, revise, item);
    default: return 0;
    }
}

static void deed_over(struct app *app, struct item *item)
{
    item->deed_state = ITEM_OK;
    app->adapter->workload.open--;
}

static void perform(struct proc *self, struct app *app, struct item *item)
{
    struct point_site *at = proc_site(self);
    uint64_t changed;
    item->deed_state = ITEM_CALLING;
    TRACE(at, "client/hand/call", T_U64("job", item->job), T_STR("deed", deed_word(item->deed)));
    int err = deed_do(self, app, item, &changed);
    if (err == 0)
        TRACE(at, "client/hand/done", T_U64("job", item->job), T_STR("deed", deed_word(item->deed)),
              T_U64("changed", changed));
    else
        TRACE(at, "client/hand/unknown", T_U64("job", item->job),
              T_STR("deed", deed_word(item->deed)), T_I64("err", err));
    deed_over(app, item);
}

static void confess(struct app *app)
{
    struct workload *workload = &app->adapter->workload;
    for (size_t i = 0; i < workload->count; i++)
        if (workload->items[i].node == app->index && workload->items[i].deed_state == ITEM_CALLING)
            deed_over(app, &workload->items[i]);
}

static struct item *next_deed(struct app *app)
{
    struct workload *workload = &app->adapter->workload;
    struct item *first = NULL;
    for (size_t i = 0; i < workload->count; i++) {
        struct item *item = &workload->items[i];
        if (item->deed && item->node == app->index && item->deed_state == ITEM_PLANNED &&
            (!first || item->deed_ns < first->deed_ns))
            first = item;
    }
    return first;
}

void hand_main(struct proc *self, void *arg)
{
    struct app *app = arg;
    struct item *item;
    confess(app);
    while ((item = next_deed(app))) {
        int64_t wait_ns = app->adapter->start_ns + item->deed_ns - proc_now(self);
        if (wait_ns > 0)
            proc_sleep(self, wait_ns);
        if (item->state == ITEM_OK)
            perform(self, app, item);
        else
            deed_over(app, item); /* nobody told of the job */
    }
}
