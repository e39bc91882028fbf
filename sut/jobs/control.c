/* control.c: what is done to jobs by hand: look, cancel, retry, delete, update, wait for one. By ids, in one request; by a filter, in
 * as many short ones as it takes: if one of them fails, what those before it did stands. Nothing is kept here. */
#include "sut/jobs/internal.h"

#include <errno.h>
#include <string.h>

#define REVISE_TRIES    20
#define AWAIT_FIRST_NS  (5 * NS_PER_MS)
#define AWAIT_LONGEST   NS_PER_S
#define AWAIT_GROWTH(x) ((x) + (x) / 2)

/* ---- changes ---- */

static bool lease_of(const struct slot *slot, const struct store_lease *lease)
{
    return slot->job->id == lease->id && slot->job->lease == lease->lease;
}

/* What was cancelled under us need not wait for a look. */
static void cut_here(struct proc *self, struct jobs *jobs, const struct store_reply *reply)
{
    for (size_t i = 0; i < reply->cut_count; ++i)
        for (struct slot *slot = slots_first(jobs); slot; slot = slots_next(slot))
            if (lease_of(slot, &reply->cut[i])) {
                slot_lose(self, slot, "it was cancelled");
                break;
            }
}

static int change_step(struct proc *self, struct jobs *jobs, const struct store_request *request,
                       uint64_t *changed, uint64_t *ret_last, bool *ret_more)
{
    struct store_call *call;
    int err = store_call(self, jobs->store, request, &call);
    if (err)
        return err;
    const struct store_reply *reply = &call->reply;
    *changed += reply->changed;
    *ret_last = reply->last_id;
    *ret_more = reply->more;
    cut_here(self, jobs, reply);
    if (reply->changed && (request->op == STORE_RETRY || request->op == STORE_UPDATE))
        jobs_poke(jobs);
    store_call_free(call);
    return 0;
}

static int change(struct proc *self, struct jobs *jobs, enum store_op op,
                  const struct job_choice *which, const struct job_update *update,
                  uint64_t *ret_changed)
{
    struct job_filter filter = which->filter ? *which->filter : (struct job_filter){0};
    struct store_request request = {.op = op,
                                    .ids = which->ids,
                                    .id_count = which->count,
                                    .filter = which->filter ? &filter : NULL,
                                    .update = update};
    bool more;
    int err;
    *ret_changed = 0;
    do
        err = change_step(self, jobs, &request, ret_changed, &filter.after_id, &more);
    while (!err && more);
    return err;
}

int jobs_cancel(struct proc *self, struct jobs *jobs, const struct job_choice *which,
                uint64_t *ret_changed)
{
    return change(self, jobs, STORE_CANCEL, which, NULL, ret_changed);
}

int jobs_retry(struct proc *self, struct jobs *jobs, const struct job_choice *which,
               uint64_t *ret_changed)
{
    return change(self, jobs, STORE_RETRY, which, NULL, ret_changed);
}

int jobs_delete(struct proc *self, struct jobs *jobs, const struct job_choice *which,
                uint64_t *ret_changed)
{
    return change(self, jobs, STORE_DELETE, which, NULL, ret_changed);
}

int jobs_update(struct proc *self, struct jobs *jobs, const struct job_choice *which,
                const struct job_update *update, uint64_t *ret_changed)
{
    struct job_spec spec = {.worker = "update", .args = update->args, .encrypted = true};
    struct sealed_specs sealed = {0};
    struct job_update change_to = *update;
    if (update->encrypted && update->args) {
        int err = jobs_seal(self, jobs, &spec, 1, &sealed);
        if (err)
            return err;
        change_to.args = sealed.specs->args;
        change_to.encrypted = false;
    }
    int err = change(self, jobs, STORE_UPDATE, which, &change_to, ret_changed);
    heap_free(sealed.heap);
    return err;
}

/* ---- looks ---- */

int jobs_get(struct proc *self, struct jobs *jobs, uint64_t id, const struct job **ret_job)
{
    struct store_request request = {.op = STORE_GET, .ids = &id, .id_count = 1};
    struct store_call *call;
    int err = store_call(self, jobs->store, &request, &call);
    if (err)
        return err;
    bool found = call->reply.job_count > 0;
    if (found)
        *ret_job = job_pack(proc_alloc(self, job_pack_size(call->reply.jobs)), call->reply.jobs);
    store_call_free(call);
    return found ? 0 : -ENOENT;
}

int jobs_list(struct proc *self, struct jobs *jobs, const struct job_filter *filter, size_t limit,
              struct store_call **ret_call)
{
    struct store_request request = {.op = STORE_LIST, .filter = filter, .limit = limit};
    return store_call(self, jobs->store, &request, ret_call);
}

int jobs_count(struct proc *self, struct jobs *jobs, const struct job_filter *filter,
               uint64_t ret_counts[static JOB_STATE_COUNT])
{
    struct store_request request = {.op = STORE_STATS, .filter = filter};
    struct store_call *call;
    int err = store_call(self, jobs->store, &request, &call);
    if (err)
        return err;
    memcpy(ret_counts, call->reply.counts, sizeof call->reply.counts);
    store_call_free(call);
    return 0;
}

/* ---- read, change, write ---- */

static void job_drop(struct proc *self, const struct job *job)
{
    heap_release(proc_heap(self), (void *)(uintptr_t)job);
}

/* -EAGAIN: somebody else was faster, or it is in no state for that any more. */
static int revise_once(struct proc *self, struct jobs *jobs, uint64_t id, job_revise *revise,
                       void *ctx)
{
    const struct job *job;
    uint64_t changed = 0;
    struct job_update update = {0};
    int err = jobs_get(self, jobs, id, &job);
    if (err)
        return err;
    bool wanted = revise(job, &update, ctx);
    update.guarded = true;
    update.version = job->version;
    if (wanted)
        err = jobs_update(self, jobs, &(struct job_choice){.ids = &id, .count = 1}, &update,
                          &changed);
    job_drop(self, job);
    return err ? err : wanted && !changed ? -EAGAIN : 0;
}

int jobs_update_with(struct proc *self, struct jobs *jobs, uint64_t id, job_revise *revise,
                     void *ctx)
{
    int err = -EAGAIN;
    for (int tries = 0; err == -EAGAIN && tries < REVISE_TRIES; ++tries)
        err = revise_once(self, jobs, id, revise, ctx);
    return err;
}

/* ---- waiting ---- */

int jobs_await(struct proc *self, struct jobs *jobs, uint64_t id, int64_t timeout_ns,
               const struct job **ret_job)
{
    int64_t end = proc_now(self) + timeout_ns, pause = AWAIT_FIRST_NS;
    for (;;) {
        const struct job *job;
        int err = jobs_get(self, jobs, id, &job);
        bool over = !err && job_state_final(job->state);
        if (over)
            *ret_job = job;
        if (over || (err && !store_outcome_unknown(err) && err != -EBUSY && err != -ECONNREFUSED))
            return err;
        if (!err)
            job_drop(self, job);
        int64_t left = end - proc_now(self);
        if (left <= 0)
            return err ? err : -ETIMEDOUT;
        proc_sleep(self, pause < left ? pause : left);
        pause = AWAIT_GROWTH(pause) < AWAIT_LONGEST ? AWAIT_GROWTH(pause) : AWAIT_LONGEST;
    }
}

/* ---- by the job itself ---- */

static int note(struct proc *self, struct jobs *jobs, struct store_note note)
{
    struct store_request request = {.op = STORE_NOTE, .notes = &note, .note_count = 1};
    struct store_call *call;
    int err = store_call(self, jobs->store, &request, &call);
    if (err)
        return err;
    bool held = call->reply.renewed[0];
    store_call_free(call);
    return held ? 0 : -ESTALE;
}

int jobs_progress(struct proc *self, struct jobs *jobs, const struct job *job, unsigned percent,
                  const char *text)
{
    return note(self, jobs,
                (struct store_note){.id = job->id,
                                    .lease = job->lease,
                                    .progress = percent < 100 ? (int)percent : 100,
                                    .text = text ? text : ""});
}

int jobs_checkpoint(struct proc *self, struct jobs *jobs, const struct job *job, const char *json)
{
    return note(self, jobs,
                (struct store_note){
                    .id = job->id, .lease = job->lease, .progress = -1, .checkpoint = json});
}
