/* gossip.c: workers that have to do with one another: links, monitors, aliases, timers and names across the tree, and exit
 * signals of strangers. Nothing of it makes sense, all of it must be right. */
#include "scenarios/trees/trees.h"

#include <stdio.h>

#define NAMES    5 /* few, so that they are taken */
#define AFTER_NS (10 * S)

enum { MSG_HELLO = MSG_USER, MSG_ALIAS };

struct talk {
    struct proc *self;
    const struct seat *seat;
    struct gossip *gossip;
    proc_id whom;
};

static int64_t choose(const struct talk *talk, const char *name, int64_t hi)
{
    return seat_choose(talk->seat, name, talk->gossip->steps, 0, hi);
}

static void do_link(struct talk *talk)
{
    if (proc_alive(proc_runtime(talk->self), talk->whom)) /* or it would be the end of most */
        proc_link(talk->self, talk->whom);
}

static void do_unlink(struct talk *talk)
{
    proc_unlink(talk->self, talk->whom);
}

static void do_monitor(struct talk *talk)
{
    talk->gossip->monitor = proc_monitor(talk->self, talk->whom);
}

static void do_demonitor(struct talk *talk)
{
    proc_demonitor(talk->self, talk->gossip->monitor, choose(talk, "tree/gossip/flush", 1));
}

/* And lets somebody know. */
static void give_alias(struct talk *talk, ref_id alias)
{
    talk->gossip->alias = alias;
    proc_send(proc_runtime(talk->self), proc_self(talk->self), talk->whom, MSG_ALIAS, &alias,
              sizeof alias);
}

static void do_alias(struct talk *talk)
{
    give_alias(talk, proc_alias(talk->self, (enum alias_kind)choose(talk, "tree/gossip/kind", 1)));
}

static void do_monitor_alias(struct talk *talk)
{
    enum alias_kind kind = (enum alias_kind)choose(talk, "tree/gossip/kind", 3);
    give_alias(talk, talk->gossip->monitor = proc_monitor_alias(talk->self, talk->whom, kind));
}

static void do_unalias(struct talk *talk)
{
    proc_unalias(talk->self, talk->gossip->alias);
}

static void do_tell_again(struct talk *talk)
{
    give_alias(talk, talk->gossip->alias);
}

static void do_timer(struct talk *talk)
{
    talk->gossip->timer = proc_send_after(talk->self, choose(talk, "tree/gossip/after", AFTER_NS),
                                          talk->whom, MSG_HELLO, NULL, 0);
}

static void do_cancel(struct talk *talk)
{
    proc_cancel_timer(talk->self, talk->gossip->timer);
}

static void do_name(struct talk *talk)
{
    char name[8];
    snprintf(name, sizeof name, "n%d", (int)choose(talk, "tree/gossip/name", NAMES - 1));
    if (proc_register(talk->self, name) != 0)
        runtime_unregister(proc_runtime(talk->self), name);
}

static void do_monitor_name(struct talk *talk)
{
    char name[8];
    snprintf(name, sizeof name, "n%d", (int)choose(talk, "tree/gossip/name", NAMES - 1));
    talk->gossip->monitor = proc_monitor_name(talk->self, name);
}

static void do_trap(struct talk *talk)
{
    proc_trap_exit(talk->self, choose(talk, "tree/gossip/trap", 1));
}

static void do_signal(struct talk *talk)
{
    static const enum reason_kind kinds[] = {EXIT_NORMAL, EXIT_SHUTDOWN, EXIT_ERROR, EXIT_KILL};
    proc_signal(proc_runtime(talk->self), proc_self(talk->self), talk->whom,
                (struct reason){.kind = kinds[choose(talk, "tree/gossip/reason", 3)]});
}

void gossip_step(struct proc *self, const struct seat *seat, struct gossip *gossip)
{
    static void (*const acts[])(struct talk *) = {
        do_link,          do_unlink,  do_monitor,    do_monitor, do_demonitor, do_alias,
        do_monitor_alias, do_unalias, do_timer,      do_timer,   do_cancel,    do_name,
        do_monitor_name,  do_trap,    do_tell_again, do_signal};
    enum { ACTS = sizeof acts / sizeof acts[0] };
    const struct plan *plan = &seat->tree->plan;
    ++gossip->steps;
    if (tree_is_healed(seat->tree) ||
        !seat_chance(seat, "tree/gossip/does", gossip->steps, T_GOSSIP))
        return;
    struct talk talk = {.self = self, .seat = seat, .gossip = gossip};
    talk.whom = plan->seats[choose(&talk, "tree/gossip/whom", (int64_t)plan->seat_count - 1)].last;
    if (talk.whom)
        acts[choose(&talk, "tree/gossip/what", ACTS - 1)](&talk);
}

/* To whom it was told of, whether or not that wants it any more. */
void gossip_hear(struct proc *self, const struct message *message)
{
    if (message->tag == MSG_ALIAS)
        proc_send_alias(proc_runtime(self), proc_self(self), *(const ref_id *)message->data,
                        MSG_HELLO, NULL, 0);
}
