/* threads.h: threads for long blocking work, apart from libuv's pool, which the store's calls need. As many as are wanted
 * at once; one that has nothing to do for a while ends. How many that can be is for the queues' limits to say.
 *
 *     started --a thread is free, or made--> runs --returns--> done, on the loop
 *
 * Work waits for a thread only when the system gives no more of them.
 */
#ifndef SUT_LIVE_THREADS_H
#define SUT_LIVE_THREADS_H

#include "sut/env.h"

#include <pthread.h>
#include <uv.h>

struct threads {
    uv_async_t returned; /* wakes the loop */
    struct heap *heap;
    size_t under_way;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t wanted, cancelled, ended;
    struct thread_errand *waiting, **last, *finished;
    unsigned count, idle;
    bool stopping;
};

void threads_init(struct threads *threads, uv_loop_t *loop, struct heap *heap);
/* On the loop, as thread_cancel. */
void threads_start(struct threads *threads, struct thread_work *work);
void threads_cancel(struct threads *threads, struct thread_work *work);
/* On the work's thread; NULL: sleeps, wherever that is. */
bool threads_nap(struct threads *threads, struct thread_work *work, int64_t ns);
/* When no work is under way: ends all of them. Its handle is closed as the loop runs once more. */
void threads_done(struct threads *threads);

#endif
