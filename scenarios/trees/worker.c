/* worker.c: a worker starts, or does not; does something now and then; ends by itself, in some way, or when it is told to,
 * as its manner is. */
#include "scenarios/trees/trees.h"

#include <errno.h>

#define CAN_WORK (CAN_CRASH | CAN_KILL | CAN_ERROR | CAN_DELAY | CAN_PAUSE)

POINT_ABOUT("tree/worker/start", "a worker comes up, before it says that it stands");
POINT_ABOUT("tree/worker/step", "a worker does something");
POINT_ABOUT("tree/worker/stop", "a worker that traps exits was told to stop");

enum beginning { BEGIN_WELL, BEGIN_IGNORED, BEGIN_BADLY };

/* Keyed by its place in the plan: choices of others may go without changing these. */
int64_t seat_choose(const struct seat *seat, const char *name, uint64_t nth, int64_t lo, int64_t hi)
{
    const struct host *host = &seat->tree->host;
    struct choice choice = {.stream = STREAM_WORK,
                            .name = name,
                            .node = host->node->id,
                            .key = (uint64_t)(seat - seat->tree->plan.seats),
                            .ordinal = host->node->boots << 48 | seat->starts << 24 | nth};
    return tape_between(world_tape(host->world), &choice, lo, hi);
}

bool seat_chance(const struct seat *seat, const char *name, uint64_t nth, enum tree_param param)
{
    int64_t percent = draws_fixed(&seat->tree->trees->draws, param);
    return percent > 0 && seat_choose(seat, name, nth, 0, 9999) >= 10000 - percent;
}

/* ---- coming up ---- */

static enum beginning choose_beginning(const struct seat *seat)
{
    if (tree_is_healed(seat->tree))
        return BEGIN_WELL;
    if (seat_chance(seat, "tree/start/bad", 1, T_BAD_STARTS))
        return BEGIN_BADLY;
    return seat_chance(seat, "tree/start/ignored", 1, T_IGNORED) ? BEGIN_IGNORED : BEGIN_WELL;
}

static void come_up(struct proc *self, struct seat *seat)
{
    ++seat->starts;
    seat->last = proc_self(self);
    if (FAULT(proc_site(self), "tree/worker/start", CAN_WORK, T_STR("seat", seat->id)) != 0)
        proc_failed(self, reason_make(EXIT_ERROR, "injected"));
    enum beginning beginning = choose_beginning(seat);
    if (beginning == BEGIN_BADLY)
        proc_failed(self, reason_make(EXIT_ERROR, "boom"));
    if (beginning == BEGIN_IGNORED)
        proc_ignored(self);
    proc_started(self);
}

/* ---- ending ---- */

static _Noreturn void end_by_itself(struct proc *self, const struct seat *seat)
{
    static const enum reason_kind calm[] = {EXIT_NORMAL, EXIT_SHUTDOWN, EXIT_SHUTDOWN};
    static const enum reason_kind failures[] = {EXIT_ERROR, EXIT_KILL};
    int64_t which;
    if (seat_chance(seat, "tree/end/calm", 1, T_CALM)) {
        which = seat_choose(seat, "tree/end/how", 1, 0, 2);
        proc_exit(self, reason_make(calm[which], "%s", which == 2 ? "bored" : ""));
    }
    which = seat_choose(seat, "tree/end/how", 1, 0, 1);
    proc_exit(self, reason_make(failures[which], "%s", which == 0 ? "tired" : ""));
}

/* Returns when it does not stop at all. */
static void stop(struct proc *self, const struct seat *seat, struct reason why)
{
    if (FAULT(proc_site(self), "tree/worker/stop", CAN_WORK, T_STR("seat", seat->id)) != 0)
        proc_exit(self, reason_make(EXIT_ERROR, "injected"));
    if (seat->manner == MANNER_STUBBORN)
        return;
    if (seat->manner == MANNER_SLOW)
        proc_sleep(self, seat->stop_ns);
    if (seat->manner == MANNER_ODD)
        proc_exit(self, reason_make(EXIT_ERROR, "odd"));
    proc_exit(self, why);
}

/* ---- in between ---- */

static int64_t life_of(const struct seat *seat)
{
    struct range lives = draws_range(&seat->tree->trees->draws, T_LIVES);
    return seat_choose(seat, "tree/worker/life", 1, lives.lo, lives.hi);
}

struct possessions {
    struct gossip gossip;
    struct belongings belongings;
    struct services services, sharing;
};

/* After healing nobody dies of itself any more. */
static void step(struct proc *self, const struct seat *seat, struct possessions *its,
                 int64_t end_ns)
{
    if (FAULT(proc_site(self), "tree/worker/step", CAN_WORK, T_STR("seat", seat->id)) != 0)
        proc_exit(self, reason_make(EXIT_ERROR, "injected"));
    if (proc_now(self) >= end_ns && !tree_is_healed(seat->tree))
        end_by_itself(self, seat);
    gossip_step(self, seat, &its->gossip);
    belongings_step(self, seat, &its->belongings);
    services_step(self, seat, &its->services);
    sharing_step(self, seat, &its->sharing);
}

void seat_main(struct proc *self, void *arg)
{
    struct seat *seat = arg;
    struct possessions its = {0};
    come_up(self, seat);
    proc_trap_exit(self, seat->manner != MANNER_PLAIN);
    int64_t end_ns = proc_now(self) + life_of(seat);
    int64_t step_ns = draws_fixed(&seat->tree->trees->draws, T_STEP);
    for (;;) {
        int64_t left_ns = end_ns - proc_now(self);
        bool ends = left_ns > 0 && left_ns < step_ns;
        const struct message *message = proc_receive(self, ends ? left_ns : step_ns);
        if (!message)
            step(self, seat, &its, end_ns);
        else if (message->tag == MSG_EXIT)
            stop(self, seat, ((const struct exit_message *)message->data)->reason);
        else
            gossip_hear(self, message);
    }
}

struct started seat_start_by_template(struct proc *supervisor, const void *arg)
{
    return seat_start(supervisor, *(struct seat *const *)arg);
}

struct started seat_start(struct proc *supervisor, const void *arg)
{
    const struct seat *seat = arg;
    return proc_start(supervisor,
                      &(struct proc_spec){.label = seat->id, .main = seat_main, .arg = seat},
                      WAIT_FOREVER);
}
