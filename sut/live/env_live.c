/* env_live.c: see env_live.h. One timer drives the runtime: every return of runtime_run() says
 * when it wants to run again, and whatever wakes a process in between (work done, a child's end,
 * a signal) sets it to now. */
#include "sut/live/env_live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* ---- clocks, chance, log ---- */

static int64_t mono_ns(struct env *env)
{
    (void)env;
    return (int64_t)uv_hrtime();
}

static int64_t wall_ns(struct env *env)
{
    struct timespec now;
    (void)env;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

uint64_t env_live_entropy(struct env *env)
{
    uint64_t bits;
    (void)env;
    while (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        if (errno != EINTR)
            abort();
    return bits;
}

/* A job's own words may be in the line: nothing but printable characters gets out. */
static size_t append_clean(char *out, size_t size, const char *text)
{
    size_t length = 0;
    for (; *text && length < size; ++text)
        out[length++] = (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text;
    return length;
}

/* One write per line, so that lines of several processes do not mix. A line that cannot be
 * written is lost. */
static void log_line(struct env *env, enum log_level level, const char *line)
{
    static const char *const words[] = {"debug", "info", "warn", "error"};
    char text[640];
    struct tm utc;
    int64_t now = wall_ns(env);
    time_t seconds = now / NS_PER_S;
    gmtime_r(&seconds, &utc);
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    length += (size_t)snprintf(text + length, sizeof text - length, ".%03dZ %-5s ",
                               (int)(now / NS_PER_MS % 1000), words[level]);
    length += append_clean(text + length, sizeof text - length - 1, line);
    text[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, text, length);
    (void)written;
}

/* ---- blocking work ---- */

struct errand {
    uv_work_t request;
    struct env_live *live;
    struct work *work;
};

static void errand_run(uv_work_t *request)
{
    struct errand *errand = request->data;
    errand->work->run(errand->work);
}

static void errand_done(uv_work_t *request, int status)
{
    struct errand *errand = request->data;
    struct work *work = errand->work;
    (void)status; /* never cancelled */
    --errand->live->works;
    heap_release(errand->live->env.heap, errand);
    work->done(work);
}

static void submit(struct env *env, struct work *work)
{
    struct env_live *live = (struct env_live *)env;
    struct errand *errand = heap_alloc(env->heap, sizeof *errand);
    errand->request.data = errand;
    errand->live = live;
    errand->work = work;
    ++live->works;
    if (uv_queue_work(&live->loop, &errand->request, errand_run, errand_done) != 0)
        out_of_memory("a thread for blocking work");
}

/* ---- long work ---- */

static void thread_start(struct env *env, struct thread_work *work)
{
    threads_start(&((struct env_live *)env)->threads, work);
}

static bool thread_nap(struct env *env, struct thread_work *work, int64_t ns)
{
    return threads_nap(&((struct env_live *)env)->threads, work, ns);
}

static void thread_cancel(struct env *env, struct thread_work *work)
{
    threads_cancel(&((struct env_live *)env)->threads, work);
}

static const struct env_ops live_ops = {.mono_ns = mono_ns,
                                        .wall_ns = wall_ns,
                                        .entropy = env_live_entropy,
                                        .submit = submit,
                                        .log = log_line,
                                        .thread_start = thread_start,
                                        .thread_nap = thread_nap,
                                        .thread_cancel = thread_cancel};

/* ---- driving the runtime ---- */

static void on_timer(uv_timer_t *timer);

static void run_at(struct env_live *live, int64_t ns)
{
    uv_update_time(&live->loop);
    int64_t wait = ns - mono_ns(&live->env);
    uint64_t wait_ms = wait > 0 ? (uint64_t)((wait + NS_PER_MS - 1) / NS_PER_MS) : 0;
    uv_timer_start(&live->timer, on_timer, wait_ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct env_live *live = timer->data;
    int64_t next = runtime_run(live->runtime);
    if (!live->halted && next != INT64_MAX)
        run_at(live, next);
}

static void wake(void *ctx)
{
    struct env_live *live = ctx;
    if (!live->halted)
        uv_timer_start(&live->timer, on_timer, 0, 0);
}

/* ---- life ---- */

void env_live_init(struct env_live *live)
{
    *live = (struct env_live){.ops = live_ops, .env = {.ops = &live->ops, .heap = heap_new()}};
    if (gethostname(live->node_name, sizeof live->node_name - 1) != 0)
        strcpy(live->node_name, "localhost");
    live->env.node_name = live->node_name;
    if (uv_loop_init(&live->loop) != 0 || uv_timer_init(&live->loop, &live->timer) != 0)
        out_of_memory("an event loop");
    live->timer.data = live;
    threads_init(&live->threads, &live->loop, live->env.heap);
}

void env_live_drive(struct env_live *live, struct runtime *runtime)
{
    live->runtime = runtime;
    runtime_on_wake(runtime, wake, live);
    wake(live);
}

void env_live_halt(struct env_live *live)
{
    live->halted = true;
    uv_timer_stop(&live->timer);
    uv_stop(&live->loop);
}

static void on_patience(uv_timer_t *timer)
{
    uv_timer_stop(timer); /* it only had to wake the loop */
}

static bool env_live_works(const struct env_live *live)
{
    return live->works || live->threads.under_way;
}

bool env_live_settle(struct env_live *live, int64_t ns)
{
    int64_t end = mono_ns(&live->env) + ns;
    uv_timer_start(&live->timer, on_patience, (uint64_t)(ns / NS_PER_MS) + 1, 0);
    while (env_live_works(live) && mono_ns(&live->env) < end)
        uv_run(&live->loop, UV_RUN_ONCE);
    uv_timer_stop(&live->timer);
    return !env_live_works(live);
}

bool env_live_owns(const struct env_live *live, const uv_handle_t *handle)
{
    return handle == (const uv_handle_t *)&live->timer ||
           handle == (const uv_handle_t *)&live->threads.returned;
}

void env_live_done(struct env_live *live)
{
    uv_close((uv_handle_t *)&live->timer, NULL);
    threads_done(&live->threads);
    uv_run(&live->loop, UV_RUN_DEFAULT);
    runtime_free(live->runtime);
    uv_loop_close(&live->loop);
    heap_free(live->env.heap);
}
