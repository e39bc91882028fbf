/* supervised.h: children that say what happens to them, and a supervisor for them. The supervisor
 * is process 1 unless said otherwise, its first children 2, 3, ... */
#ifndef SUPERVISED_H
#define SUPERVISED_H

#include "fixture.h"
#include "sut/runtime/supervisor.h"

/* ---- children ---- */

/* Says its label and pid when it starts, then waits. */
static inline void child_plain(struct proc *self, void *arg)
{
    (void)arg;
    say(proc_env(self), "%s%d", proc_label(self), (int)proc_self(self));
    for (;;)
        proc_receive(self, WAIT_FOREVER);
}

/* Traps exits and takes arg nanoseconds to stop. */
static inline void child_slow(struct proc *self, void *arg)
{
    proc_trap_exit(self, true);
    child_plain(self, arg);
}

static inline void child_tidy(struct proc *self, void *arg)
{
    proc_trap_exit(self, true);
    say(proc_env(self), "%s%d", proc_label(self), (int)proc_self(self));
    say_message(self, proc_receive(self, WAIT_FOREVER));
    proc_sleep(self, *(int64_t *)arg);
    say(proc_env(self), "-%s", proc_label(self));
    proc_exit(self, error("odd")); /* SHUT-06: changes nothing */
}

/* ---- starting one ---- */

static inline proc_id start(unsigned intensity, unsigned period_s,
                            const struct child_spec *children, size_t count)
{
    const struct error *why = NULL;
    proc_id id = supervisor_start(runtime, 0,
                                  &(struct supervisor_spec){.label = "sup",
                                                            .intensity = intensity,
                                                            .period_s = period_s,
                                                            .children = children,
                                                            .child_count = count},
                                  &why);
    cr_assert_neq(id, 0, "%s", why ? error_root(why)->text : "");
    runtime_run(runtime);
    return id;
}

static inline proc_id start_three(enum restart_type restart)
{
    struct child_spec children[] = {
        {.id = "a", .main = child_plain, .restart = restart},
        {.id = "b", .main = child_plain, .restart = restart},
        {.id = "c", .main = child_plain, .restart = restart},
    };
    return start(3, 5, children, 3);
}

static inline void end(proc_id id, struct reason reason)
{
    proc_signal(runtime, 0, id, reason);
    runtime_run(runtime);
}

static inline proc_id newest(void)
{
    proc_id id = 0;
    for (proc_id i = 1; i < 1000; ++i)
        if (proc_alive(runtime, i))
            id = i;
    return id;
}

#endif
