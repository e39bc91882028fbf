/* listener.c: hears of what other nodes did to the store, where somebody tells (store/watch.h), and has this node look for it at
 * once instead of with its next poll.
 *
 *     waits (in a thread) --queues--> they claim at once; the stager looks once more a moment later, for all
 *        ^      |     \---look------> the stager looks at once
 *        |      +---------error-----> rests for a poll, and tries again
 *
 * It may die at any moment, or hear nothing: then jobs are found by polling. */
#include "sut/jobs/internal.h"
#include "sut/runtime/attachment.h"
#include "sut/store/watch.h"

#include <errno.h>

POINT_ABOUT("jobs/listener/hear", "Another process told that there is something to be found.");
POINT_ABOUT("jobs/listener/deaf", "Nothing can be heard for now; err: why.");

#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* The node's: it may outlive the process. */
struct hearing {
    struct thread_work thread; /* first */
    struct env *env;
    struct store_watch *watch;
    struct attachment attachment; /* to the listener */
    struct store_news news;
};

/* ---- on a thread ---- */

static void hearing_run(struct work *work)
{
    struct hearing *hearing = (struct hearing *)work;
    store_watch_wait(hearing->watch, &hearing->news);
}

/* ---- on the loop ---- */

static void hearing_start(void *env, struct work *work)
{
    ((struct env *)env)->ops->thread_start(env, (struct thread_work *)work);
}

static void hearing_free(struct work *work)
{
    struct hearing *hearing = (struct hearing *)work;
    heap_release(hearing->env->heap, hearing);
}

static void listener_died(struct attachment *attachment, struct proc *proc, bool died)
{
    struct hearing *hearing = CONTAINER_OF(attachment, struct hearing, attachment);
    (void)proc;
    if (died && hearing->thread.work.driver)
        store_watch_interrupt(hearing->watch);
}

static struct store_news hear(struct proc *self, struct jobs *jobs)
{
    struct hearing *hearing = heap_alloc(jobs->env->heap, sizeof *hearing);
    *hearing = (struct hearing){.thread.work.run = hearing_run,
                                .env = jobs->env,
                                .watch = jobs->watch,
                                .attachment.release = listener_died};
    proc_attach(self, &hearing->attachment);
    proc_work_via(self, &hearing->thread.work, hearing_start, jobs->env, hearing_free,
                  WAIT_FOREVER);
    proc_detach(self, &hearing->attachment);
    struct store_news news = hearing->news;
    hearing_free(&hearing->thread.work);
    return news;
}

/* What was told a moment ago is not told again: so the queues' own look is not the last one. */
static void news_follow(struct proc *self, struct jobs *jobs, const struct store_news *news)
{
    int64_t now = proc_now(self);
    TRACE(proc_site(self), "jobs/listener/hear", T_U64("look", news->look),
          T_U64("queues", news->count));
    for (size_t i = 0; i < news->count; ++i)
        jobs_poke_queue(jobs, news->queues[i]);
    int64_t again = now + (STORE_TELL_MS + 1) * NS_PER_MS;
    stager_look_at(jobs, news->look ? now : again, again);
}

static void deaf(struct proc *self, struct jobs *jobs, const struct store_news *news)
{
    if (!jobs->deaf)
        env_log(jobs->env, LOG_WARN, "new jobs of other processes are found by polling only: %s",
                news->why);
    TRACE(proc_site(self), "jobs/listener/deaf", T_I64("err", news->err));
    jobs->deaf = true;
    int64_t until = proc_now(self) + jobs_jitter(jobs->env, jobs->poll_ns);
    for (int64_t now; (now = proc_now(self)) < until;)
        proc_receive(self, until - now);
}

void listener_main(struct proc *self, void *arg)
{
    struct jobs *jobs = arg;
    for (;;) {
        struct store_news news = hear(self, jobs);
        if (news.err == -ECANCELED) /* meant for the one before */
            continue;
        if (news.err) {
            deaf(self, jobs, &news);
            continue;
        }
        if (jobs->deaf)
            env_log(jobs->env, LOG_INFO, "hears of new jobs of other processes again");
        jobs->deaf = false;
        news_follow(self, jobs, &news);
    }
}
