/* heartbeat.c: renews the leases of the jobs that run here, in one call every third of a lease, and
 * kills the jobs whose lease is lost or can no longer be trusted: the safe side is to stop. A lease of which more than five
 * sixths are left can wait for the next beat, when half of it is left, and time for three attempts: most jobs are done
 * before anybody renews anything.
 *
 *   heartbeat process   never waits for the store, so that a store that hangs cannot delay a kill
 *   +- renewal process  makes one call, sends the answer, ends
 *
 * A lease is counted from before its call was sent, by the monotonic clock. If this process dies
 * the table of slots still says how long each lease holds. */
#include "sut/jobs/internal.h"

#include <inttypes.h>
#include <string.h>

POINT_ABOUT("job/perform/lost", "A job is killed because its lease is lost, or may be.");

struct renewed {
    struct slot *slot; /* where it was */
    struct store_lease lease;
    bool held;
};

struct renewal {
    int err;
    int64_t sent_ns;
    size_t count;
    struct renewed leases[];
};

struct renewal_order {
    struct jobs *jobs;
    proc_id heartbeat;
    bool all; /* also those that were renewed, or claimed, a moment ago */
};

/* ---- the renewal process ---- */

/* The jobs of a dead queue have nobody who could finish them; the slots of the dropped wait for a
 * death. */
static bool slot_renewable(const struct slot *slot, int64_t now, bool all)
{
    const struct jobs *jobs = slot->queue->jobs;
    return slot->pid && slot->fate != SLOT_DROPPED && slot->fate != SLOT_OVERRUNS &&
           (all || slot->held_ns - now <= jobs->lease_ns - jobs->lease_ns / 6) &&
           proc_alive(jobs->runtime, slot->queue->pid);
}

static size_t leases_count(const struct jobs *jobs, int64_t now, bool all)
{
    size_t count = 0;
    for (const struct slot *slot = slots_first(jobs); slot; slot = slots_next(slot))
        count += slot_renewable(slot, now, all);
    return count;
}

static struct renewal *renewal_new(struct proc *self, const struct jobs *jobs, bool all)
{
    int64_t now = proc_now(self);
    size_t count = leases_count(jobs, now, all);
    struct renewal *renewal = proc_alloc(self, sizeof *renewal + count * sizeof *renewal->leases);
    for (struct slot *slot = slots_first(jobs); slot; slot = slots_next(slot))
        if (slot_renewable(slot, now, all))
            renewal->leases[renewal->count++] = (struct renewed){
                .slot = slot, .lease = {.id = slot->job->id, .lease = slot->job->lease}};
    return renewal;
}

static int renewal_call(struct proc *self, struct jobs *jobs, struct renewal *renewal)
{
    struct store_lease *leases = proc_alloc(self, renewal->count * sizeof *leases);
    for (size_t i = 0; i < renewal->count; ++i)
        leases[i] = renewal->leases[i].lease;
    struct store_request request = {.op = STORE_HEARTBEAT,
                                    .lease_ms = jobs->lease_ms,
                                    .leases = leases,
                                    .lease_count = renewal->count};
    struct store_call *call;
    int err = store_call(self, jobs->store, &request, &call);
    if (err)
        return err;
    for (size_t i = 0; i < renewal->count; ++i)
        renewal->leases[i].held = call->reply.renewed[i];
    store_call_free(call);
    return 0;
}

static void renewal_main(struct proc *self, void *arg)
{
    const struct renewal_order *order = arg;
    struct renewal *renewal = renewal_new(self, order->jobs, order->all);
    renewal->sent_ns = proc_now(self);
    renewal->err = renewal_call(self, order->jobs, renewal);
    int err = proc_send(proc_runtime(self), proc_self(self), order->heartbeat, MSG_RENEWED, renewal,
                        sizeof *renewal + renewal->count * sizeof *renewal->leases);
    if (err)
        proc_exit(self, reason_make(EXIT_ERROR, "the heartbeat's mailbox is full"));
}

/* ---- the heartbeat process ---- */

void slot_lose(struct proc *self, struct slot *slot, const char *why)
{
    if (!slot_running(slot))
        return;
    struct env *env = proc_env(self);
    TRACE(proc_site(self), "job/perform/lost", T_U64("job", slot->job->id),
          T_U64("attempt", slot->job->attempt), T_U64("lease", slot->job->lease),
          T_STR("queue", slot->queue->name));
    env_log(env, LOG_WARN, "queue %s: job %" PRIu64 " is killed: %s", slot->queue->name,
            slot->job->id, why);
    slot->fate = SLOT_DROPPED;
    proc_signal(proc_runtime(self), proc_self(self), slot->pid, reason_make(EXIT_KILL, "%s", why));
}

/* The slot may have been given to another job while the call was under way. */
static void lease_apply(struct proc *self, const struct renewed *renewed, int64_t held_ns)
{
    struct slot *slot = renewed->slot;
    if (!slot->pid || slot->job->id != renewed->lease.id ||
        slot->job->lease != renewed->lease.lease)
        return;
    if (renewed->held)
        slot->held_ns = held_ns;
    else
        slot_lose(self, slot, "its lease is lost");
}

static void renewal_apply(struct proc *self, struct jobs *jobs, const struct renewal *renewal)
{
    for (size_t i = 0; !renewal->err && i < renewal->count; ++i)
        lease_apply(self, &renewal->leases[i], renewal->sent_ns + jobs->lease_ns);
}

/* Kills what is no longer surely ours. Returns when the next lease runs out. */
static int64_t leases_expire(struct proc *self, struct jobs *jobs)
{
    int64_t now = proc_now(self), next = INT64_MAX;
    for (struct slot *slot = slots_first(jobs); slot; slot = slots_next(slot)) {
        if (!slot_running(slot))
            continue;
        if (slot->held_ns <= now)
            slot_lose(self, slot, "its lease could not be renewed in time");
        else if (slot->held_ns < next)
            next = slot->held_ns;
    }
    return next;
}

static bool renewal_start(struct proc *self, struct jobs *jobs, bool all)
{
    struct renewal_order order = {.jobs = jobs, .heartbeat = proc_self(self), .all = all};
    return leases_count(jobs, proc_now(self), all) &&
           proc_spawn(proc_runtime(self), &(struct proc_spec){.label = "renewal",
                                                              .main = renewal_main,
                                                              .arg = &order,
                                                              .arg_size = sizeof order,
                                                              .link = proc_self(self)});
}

static int64_t time_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void heartbeat_check(struct jobs *jobs)
{
    if (jobs->heartbeat)
        proc_send(jobs->runtime, 0, jobs->heartbeat, MSG_POKE, NULL, 0);
}

/* A slot taken while this process sleeps holds its lease for at least half its length (exchange.c),
 * so a look every third is enough. A failure, or a start in the middle, is made up for after half
 * the usual time. */
void heartbeat_main(struct proc *self, void *arg)
{
    struct jobs *jobs = arg;
    int64_t third = jobs->lease_ns / 3;
    int64_t beat = proc_now(self) + third / 2;
    bool under_way = false, all = false;
    jobs->heartbeat = proc_self(self);
    for (;;) {
        int64_t now = proc_now(self), expiry = leases_expire(self, jobs);
        if (!under_way && beat <= now) {
            under_way = renewal_start(self, jobs, all);
            beat = now + third;
            all = false;
        }
        int64_t wake = time_min(expiry, under_way ? now + third : beat);
        const struct message *message = proc_receive(self, wake - now);
        if (message && message->tag == MSG_POKE) {
            all = true;
            beat = proc_now(self);
        }
        if (!message || message->tag != MSG_RENEWED)
            continue;
        const struct renewal *renewal = message->data;
        renewal_apply(self, jobs, renewal);
        under_way = false;
        if (all)
            continue; /* asked for while it was under way */
        beat = renewal->err ? proc_now(self) + third / 2 : renewal->sent_ns + third;
    }
}
