/* threads.c: see threads.h. One lock for everything: work that takes so long that it needs a thread of its own does not
 * come often. */
#include "sut/live/threads.h"
#include "sut/runtime/heap.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_S 10 /* then a thread that nobody wants ends */

struct thread_errand {
    struct thread_work *work;
    struct thread_errand *next;
};

/* ---- on the threads ---- */

/* On the clock of the conditions. */
static struct timespec time_after(int64_t ns)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    ns += time.tv_nsec;
    time.tv_sec += ns / NS_PER_S;
    time.tv_nsec = ns % NS_PER_S;
    return time;
}

/* With the lock. NULL: this thread is wanted no more. */
static struct thread_errand *errand_take(struct threads *threads)
{
    struct timespec until = time_after(IDLE_S * NS_PER_S);
    int err = 0;
    ++threads->idle;
    while (!threads->waiting && !threads->stopping && err == 0)
        err = pthread_cond_timedwait(&threads->wanted, &threads->mutex, &until);
    --threads->idle;
    struct thread_errand *errand = threads->waiting;
    if (errand) {
        threads->waiting = errand->next;
        if (!threads->waiting)
            threads->last = &threads->waiting;
    }
    return errand;
}

static void errand_run(struct threads *threads, struct thread_errand *errand)
{
    pthread_mutex_unlock(&threads->mutex);
    errand->work->work.run(&errand->work->work);
    pthread_mutex_lock(&threads->mutex);
    errand->next = threads->finished;
    threads->finished = errand;
    uv_async_send(&threads->returned);
}

static void *thread_main(void *arg)
{
    struct threads *threads = arg;
    struct thread_errand *errand;
    pthread_mutex_lock(&threads->mutex);
    while ((errand = errand_take(threads)))
        errand_run(threads, errand);
    --threads->count;
    pthread_cond_signal(&threads->ended);
    pthread_mutex_unlock(&threads->mutex);
    return NULL;
}

bool threads_nap(struct threads *threads, struct thread_work *work, int64_t ns)
{
    struct timespec until = time_after(ns);
    int err = 0;
    if (!work) {
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
            ;
        return true;
    }
    pthread_mutex_lock(&threads->mutex);
    while (!work->cancelled && err == 0)
        err = pthread_cond_timedwait(&threads->cancelled, &threads->mutex, &until);
    pthread_mutex_unlock(&threads->mutex);
    return !work->cancelled;
}

/* ---- on the loop ---- */

/* Signals are for the loop's thread. With the lock. */
static bool thread_new(struct threads *threads)
{
    sigset_t all, before;
    pthread_attr_t detached;
    pthread_t thread;
    sigfillset(&all);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool made = pthread_create(&thread, &detached, thread_main, threads) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
    threads->count += made;
    return made;
}

void threads_start(struct threads *threads, struct thread_work *work)
{
    struct thread_errand *errand = heap_alloc(threads->heap, sizeof *errand);
    *errand = (struct thread_errand){.work = work};
    work->work.driver = threads;
    ++threads->under_way;
    pthread_mutex_lock(&threads->mutex);
    *threads->last = errand;
    threads->last = &errand->next;
    unsigned wanted = 0;
    for (const struct thread_errand *each = threads->waiting; each; each = each->next)
        ++wanted;
    bool enough = wanted <= threads->idle || thread_new(threads) || threads->count > 0;
    pthread_cond_signal(&threads->wanted);
    pthread_mutex_unlock(&threads->mutex);
    if (!enough)
        out_of_memory("not one thread for the code of jobs");
}

void threads_cancel(struct threads *threads, struct thread_work *work)
{
    pthread_mutex_lock(&threads->mutex);
    __atomic_store_n(&work->cancelled, 1, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&threads->cancelled);
    pthread_mutex_unlock(&threads->mutex);
}

/* In the order in which they returned. */
static struct thread_errand *errands_finished(struct threads *threads)
{
    struct thread_errand *reversed = NULL;
    pthread_mutex_lock(&threads->mutex);
    struct thread_errand *next = threads->finished;
    threads->finished = NULL;
    pthread_mutex_unlock(&threads->mutex);
    while (next) {
        struct thread_errand *errand = next;
        next = errand->next;
        errand->next = reversed;
        reversed = errand;
    }
    return reversed;
}

static void on_returned(uv_async_t *handle)
{
    struct threads *threads = handle->data;
    struct thread_errand *next = errands_finished(threads);
    while (next) {
        struct thread_errand *errand = next;
        struct work *work = &errand->work->work;
        next = errand->next;
        heap_release(threads->heap, errand);
        --threads->under_way;
        work->driver = NULL;
        work->done(work);
    }
}

/* ---- life ---- */

void threads_init(struct threads *threads, uv_loop_t *loop, struct heap *heap)
{
    pthread_condattr_t monotonic;
    *threads = (struct threads){.heap = heap};
    threads->last = &threads->waiting;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&threads->mutex, NULL);
    pthread_cond_init(&threads->wanted, &monotonic);
    pthread_cond_init(&threads->cancelled, &monotonic);
    pthread_cond_init(&threads->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (uv_async_init(loop, &threads->returned, on_returned) != 0)
        out_of_memory("an event loop");
    threads->returned.data = threads;
    uv_unref((uv_handle_t *)&threads->returned);
}

void threads_done(struct threads *threads)
{
    pthread_mutex_lock(&threads->mutex);
    threads->stopping = true;
    pthread_cond_broadcast(&threads->wanted);
    while (threads->count)
        pthread_cond_wait(&threads->ended, &threads->mutex);
    pthread_mutex_unlock(&threads->mutex);
    pthread_mutex_destroy(&threads->mutex);
    pthread_cond_destroy(&threads->wanted);
    pthread_cond_destroy(&threads->cancelled);
    pthread_cond_destroy(&threads->ended);
    uv_close((uv_handle_t *)&threads->returned, NULL);
}
