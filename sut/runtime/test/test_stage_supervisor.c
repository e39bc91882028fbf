/* A process for each event. */
#include "stages.h"

#include "sut/runtime/stage_supervisor.h"

SUITE(stage_supervisor);

static int fails;

/* Says its event and waits until it is told to end; fails at first as often as `fails` says. */
static void child_main(struct proc *self, void *arg)
{
    say(proc_env(self), "+%d", *(const int *)arg);
    if (fails-- > 0)
        proc_exit(self, error("boom"));
    proc_receive(self, WAIT_FOREVER);
}

struct nursery_begin {
    struct stage_supervisor_spec spec;
    proc_id pid;
};

static void body_begin_nursery(struct proc *self, void *arg)
{
    struct nursery_begin *begin = *(struct nursery_begin **)arg;
    struct started started = stage_supervisor_start(self, &begin->spec);
    if (started.how != STARTED_OK)
        say(proc_env(self), "%s", reason_text(started.why, (char[REASON_WORDS]){0}));
    begin->pid = started.pid;
}

static proc_id nursery_of(proc_id producer, enum restart_type restart, uint32_t max, uint32_t min)
{
    struct stage_subscription subscription = {.to = producer, .max_demand = max, .min_demand = min};
    struct nursery_begin begin = {.spec = {.label = "nursery",
                                           .main = child_main,
                                           .restart = restart,
                                           SUPERVISOR_DEFAULTS,
                                           .subscriptions = &subscription,
                                           .subscription_count = 1}};
    struct nursery_begin *arg = &begin;
    proc_spawn(runtime, &(struct proc_spec){
                            .main = body_begin_nursery, .arg = &arg, .arg_size = sizeof arg});
    settle();
    return begin.pid;
}

static void body_count(struct proc *self, void *arg)
{
    say(proc_env(self), "n%d", (int)stage_supervisor_count(self, *(proc_id *)arg, NS_PER_S));
}

static void say_count(proc_id nursery)
{
    proc_spawn(runtime, &(struct proc_spec){
                            .main = body_count, .arg = &nursery, .arg_size = sizeof nursery});
    settle();
}

static proc_id newest(void)
{
    proc_id newest = 0;
    for (proc_id pid = 0; (pid = proc_next(runtime, pid));)
        newest = pid;
    return newest;
}

Test(stage_supervisor, a_child_for_each_event_and_no_more_than_max_GST_31)
{
    proc_id producer = PRODUCER();
    proc_id nursery = nursery_of(producer, RESTART_TEMPORARY, 4, 2);
    said_is("?4 +1 +2 +3 +4");
    say_count(nursery);
    proc_id last = newest();
    proc_signal(runtime, 0, last, error("boom"));
    settle();
    say_count(nursery);
    proc_signal(runtime, 0, last - 1, plain(EXIT_KILL));
    settle();
    say_count(nursery);
    said_is("?4 +1 +2 +3 +4 n4 n3 ?2 +5 +6 n4");
}

Test(stage_supervisor, a_child_that_is_restarted_has_not_ended_GST_31)
{
    fails = 2;
    proc_id producer = PRODUCER();
    proc_id nursery = nursery_of(producer, RESTART_TRANSIENT, 1, STAGE_MIN_ZERO);
    said_is("?1 +1 +1 +1");
    say_count(nursery);
    fails = 0;
    proc_send(runtime, 0, newest(), MSG_USER, NULL, 0);
    settle();
    said_is("?1 +1 +1 +1 n1 ?1 +2");
}

Test(stage_supervisor, too_many_restarts_end_it_GST_31)
{
    fails = 100;
    proc_id producer = PRODUCER();
    proc_id nursery = nursery_of(producer, RESTART_TRANSIENT, 1, STAGE_MIN_ZERO);
    cr_assert_not(proc_alive(runtime, nursery));
    cr_assert(proc_alive(runtime, producer));
    said_is("?1 +1 +1 +1 +1 down(shutdown)");
}

Test(stage_supervisor, a_permanent_child_is_refused_GST_31)
{
    cr_assert_eq(nursery_of(77, RESTART_PERMANENT, 1, 0), 0);
    said_is("a permanent child would never end");
}
