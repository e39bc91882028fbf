/* jobd_watchdog.c: tells systemd's watchdog that jobd works, and only then: a timer of the loop does it, so the loop turns; a process
 * of the runtime has run since, so the runtime does; and the housekeeping of the job system has gone around, which it does with
 * every poll, even while the database does not answer. */
#include "sut/cli/jobd.h"

#define TOLD_OF_WATCHDOG 2 /* so many times within its time */
#define CALLS_OF_A_LOOK  4 /* to a database that does not answer */

bool jobd_moves(const struct daemon *daemon, int64_t now_ns)
{
    int64_t look_ns = 2 * daemon->config.poll_ns + CALLS_OF_A_LOOK * JOBD_CALL_NS;
    return now_ns - daemon->pulse_ns <= daemon->notify.watchdog_ns &&
           now_ns - jobs_moved_ns(daemon->jobs) <= look_ns + daemon->notify.watchdog_ns;
}

static void pulse_main(struct proc *self, void *arg)
{
    struct daemon *daemon = arg;
    for (;;) {
        daemon->pulse_ns = proc_now(self);
        proc_sleep(self, daemon->notify.watchdog_ns / (2 * TOLD_OF_WATCHDOG));
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    bool moves = jobd_moves(daemon, env_mono_ns(&daemon->live.env));
    if (moves)
        notify_send(&daemon->notify, "WATCHDOG=1");
    else if (!daemon->stuck)
        env_log(&daemon->live.env, LOG_ERROR, "nothing moves any more; the watchdog is not told");
    daemon->stuck = !moves;
}

void jobd_watchdog_start(struct daemon *daemon)
{
    uint64_t ms = (uint64_t)(daemon->notify.watchdog_ns / NS_PER_MS / TOLD_OF_WATCHDOG);
    daemon->pulse_ns = env_mono_ns(&daemon->live.env);
    if (!daemon->notify.watchdog_ns)
        return;
    proc_spawn(daemon->live.runtime,
               &(struct proc_spec){.label = "pulse", .main = pulse_main, .arg = daemon});
    uv_timer_init(&daemon->live.loop, &daemon->watchdog);
    daemon->watchdog.data = daemon;
    uv_timer_start(&daemon->watchdog, on_timer, 0, ms ? ms : 1);
}
