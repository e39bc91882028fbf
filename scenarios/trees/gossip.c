/* gossip.c: workers that have to do with one another: links, monitors, aliases, timers and names across the tree, and exit
 * signals of strangers. Nothing of it makes sense, all of it must be right. */
#include "scenarios/trees/trees.h"

#define AFTER_NS (10 * S)

enum { MSG_HELLO = MSG_USER, MSG_ALIAS };

static void do_link(struct act *act)
{
    if (proc_alive(proc_runtime(act->self), act->whom)) /* or it would be the end of most */
        proc_link(act->self, act->whom);
}

static void do_unlink(struct act *act)
{
    proc_unlink(act->self, act->whom);
}

static void do_monitor(struct act *act)
{
    act->gossip->monitor = proc_monitor(act->self, act->whom);
}

static void do_demonitor(struct act *act)
{
    proc_demonitor(act->self, act->gossip->monitor, act_choose(act, "tree/gossip/flush", 1));
}

/* And lets somebody know. */
static void give_alias(struct act *act, ref_id alias)
{
    act->gossip->alias = alias;
    proc_send(proc_runtime(act->self), proc_self(act->self), act->whom, MSG_ALIAS, &alias,
              sizeof alias);
}

static void do_alias(struct act *act)
{
    give_alias(act, proc_alias(act->self, (enum alias_kind)act_choose(act, "tree/gossip/kind", 1)));
}

static void do_monitor_alias(struct act *act)
{
    enum alias_kind kind = (enum alias_kind)act_choose(act, "tree/gossip/kind", 3);
    give_alias(act, act->gossip->monitor = proc_monitor_alias(act->self, act->whom, kind));
}

static void do_unalias(struct act *act)
{
    proc_unalias(act->self, act->gossip->alias);
}

static void do_tell_again(struct act *act)
{
    give_alias(act, act->gossip->alias);
}

static void do_timer(struct act *act)
{
    act->gossip->timer = proc_send_after(act->self, act_choose(act, "tree/gossip/after", AFTER_NS),
                                         act->whom, MSG_HELLO, NULL, 0);
}

static void do_cancel(struct act *act)
{
    proc_cancel_timer(act->self, act->gossip->timer);
}

static void do_name(struct act *act)
{
    char name[4];
    act_name(act, "tree/gossip/name", 'n', name);
    if (proc_register(act->self, name) != 0)
        runtime_unregister(proc_runtime(act->self), name);
}

static void do_monitor_name(struct act *act)
{
    char name[4];
    act_name(act, "tree/gossip/name", 'n', name);
    act->gossip->monitor = proc_monitor_name(act->self, name);
}

static void do_trap(struct act *act)
{
    proc_trap_exit(act->self, act_choose(act, "tree/gossip/trap", 1));
}

static void do_signal(struct act *act)
{
    static const enum reason_kind kinds[] = {EXIT_NORMAL, EXIT_SHUTDOWN, EXIT_ERROR, EXIT_KILL};
    proc_signal(proc_runtime(act->self), proc_self(act->self), act->whom,
                (struct reason){.kind = kinds[act_choose(act, "tree/gossip/reason", 3)]});
}

void gossip_step(struct proc *self, const struct seat *seat, struct gossip *gossip)
{
    static void (*const acts[])(struct act *) = {
        do_link,          do_unlink,  do_monitor,    do_monitor, do_demonitor, do_alias,
        do_monitor_alias, do_unalias, do_timer,      do_timer,   do_cancel,    do_name,
        do_monitor_name,  do_trap,    do_tell_again, do_signal};
    enum { ACTS = sizeof acts / sizeof acts[0] };
    struct act act = {.self = self, .seat = seat, .nth = ++gossip->steps, .gossip = gossip};
    if (act_begin(&act, "tree/gossip/does", "tree/gossip/whom", T_GOSSIP) && act.whom)
        acts[act_choose(&act, "tree/gossip/what", ACTS - 1)](&act);
}

/* To whom it was told of, whether or not that wants it any more. */
void gossip_hear(struct proc *self, const struct message *message)
{
    if (message->tag == MSG_ALIAS)
        proc_send_alias(proc_runtime(self), proc_self(self), *(const ref_id *)message->data,
                        MSG_HELLO, NULL, 0);
}
