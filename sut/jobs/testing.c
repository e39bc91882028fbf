/* testing.c: the world of a test: clock, chance, database, and what drives the runtime. See testing.h.
 *
 * One thread does it all. The runtime runs until nothing can; then what it asked for (calls to the store, code for threads and children)
 * is done, one at a time; when nothing is left, the clock jumps to when somebody wants to wake. */
#include "sut/jobs/testing_internal.h"
#include "sut/store/sqlite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_MS    INT64_C(946684800000)  /* 2000-01-01 */
#define LATEST_MS   INT64_C(7258118400000) /* 2200-01-01 */
#define ORIGIN_NS   (1000 * NS_PER_S)      /* of the monotonic clock */
#define JULIAN_MS   INT64_C(210866760000000)
#define FOR_EVER_MS INT64_C(315360000000) /* ten years: no lease ends, nobody polls */
#define LEADS_MS    (24 * INT64_C(3600000))
#define PATIENCE_MS (24 * INT64_C(3600000))
#define IDLE_NS     (60 * NS_PER_S)
#define STACK_BYTES (256 * 1024)
#define DEPTH_MAX   100

bool test_fail(struct jobs_test *test, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(test->why, sizeof test->why, format, args);
    va_end(args);
    return false;
}

const char *jobs_test_why(const struct jobs_test *test)
{
    return test->why;
}

struct jobs *jobs_test_jobs(struct jobs_test *test)
{
    return test->jobs;
}

struct store_db *jobs_test_db(struct jobs_test *test)
{
    return test->db;
}

bool test_outside(struct jobs_test *test, const char *what)
{
    return !runtime_current(test->runtime) ||
           test_fail(test, "%s is for the test, not for code that runs in a process", what);
}

/* ---- clocks, chance, log ---- */

static struct jobs_test *test_of(struct env *env)
{
    return (struct jobs_test *)env;
}

static int64_t mono_ns(struct env *env)
{
    return test_of(env)->now_ns;
}

static int64_t wall_ns(struct env *env)
{
    return test_of(env)->now_ns + test_of(env)->wall_ns;
}

static uint64_t entropy(struct env *env)
{
    uint64_t z = test_of(env)->entropy += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void log_line(struct env *env, enum log_level level, const char *line)
{
    static const char *const words[] = {"debug", "info", "warn", "error"};
    if (test_of(env)->verbose)
        fprintf(stderr, "%-5s %s\n", words[level], line);
}

int64_t jobs_test_now_ms(const struct jobs_test *test)
{
    return (test->now_ns + test->wall_ns) / NS_PER_MS;
}

/* The database has the clock of its VFS; there is no file for the rest of it. */
static int vfs_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *ret_ms)
{
    const struct jobs_test *test =
        (struct jobs_test *)((char *)vfs - offsetof(struct jobs_test, vfs));
    *ret_ms = JULIAN_MS + jobs_test_now_ms(test);
    return SQLITE_OK;
}

static int vfs_time(sqlite3_vfs *vfs, double *ret_days)
{
    sqlite3_int64 ms;
    vfs_time_ms(vfs, &ms);
    *ret_days = (double)ms / 86400000.0;
    return SQLITE_OK;
}

/* ---- errands ---- */

static void errand_add(struct jobs_test *test, struct test_errand errand)
{
    *test->last = heap_memdup(test->env.heap, &errand, sizeof errand);
    test->last = &(*test->last)->next;
}

static void submit(struct env *env, struct work *work)
{
    errand_add(test_of(env), (struct test_errand){.work = work});
}

static void call_submit(struct store *store, struct env *env, struct store_call *call)
{
    (void)store;
    errand_add(test_of(env), (struct test_errand){.call = call});
}

static void thread_start(struct env *env, struct thread_work *work)
{
    work->work.driver = test_of(env);
    submit(env, &work->work);
}

/* Meanwhile time passes, and others run: also who cancels it. */
static bool thread_nap(struct env *env, struct thread_work *work, int64_t ns)
{
    struct jobs_test *test = test_of(env);
    int64_t until = test->now_ns + ns;
    test_drive(test, 0, test->now_ns);
    while (test->now_ns < until && !(work && work->cancelled)) {
        int64_t next =
            test->wake_ns > test->now_ns && test->wake_ns < until ? test->wake_ns : until;
        test_drive(test, 0, next);
    }
    return !(work && work->cancelled);
}

static void thread_cancel(struct env *env, struct thread_work *work)
{
    (void)env;
    work->cancelled = 1;
}

static void process_start(struct env *env, struct child_work *work)
{
    work->work.driver = test_of(env);
    work->work.run = NULL;
    submit(env, &work->work);
}

static void process_kill(struct env *env, struct child_work *work)
{
    (void)env, (void)work; /* it runs here: its outcome counts for nothing */
}

static void process_run(struct jobs_test *test, struct child_work *work)
{
    struct heap *heap = test->env.heap;
    void *input = heap_memdup(heap, work->input, work->input_size);
    work->answer_size = jobs_child_run(&test->env, test->jobs->workers, test->jobs->worker_count,
                                       input, work->input_size, work->answer);
    heap_release(heap, input);
}

static void work_run(struct jobs_test *test, struct work *work)
{
    if (work->run)
        work->run(work);
    else
        process_run(test, (struct child_work *)work);
    work->driver = NULL;
    work->done(work);
}

static const struct env_ops env_ops = {.mono_ns = mono_ns,
                                       .wall_ns = wall_ns,
                                       .entropy = entropy,
                                       .submit = submit,
                                       .log = log_line,
                                       .thread_start = thread_start,
                                       .thread_nap = thread_nap,
                                       .thread_cancel = thread_cancel,
                                       .child_start = process_start,
                                       .child_kill = process_kill};

/* ---- calls to the store ---- */

/* What may make jobs available. */
static bool brings_jobs(enum store_op op)
{
    switch (op) {
    case STORE_INSERT:
    case STORE_BATCH:
    case STORE_RETRY:
    case STORE_UPDATE:
    case STORE_CANCEL:
    case STORE_DELETE:
    case STORE_CRON_TICK: return true;
    default: return false;
    }
}

/* The call is answered when all that it brought has run. False: there is nobody to run it. */
static bool call_hold(struct jobs_test *test, struct store_call *call)
{
    if (test->depth == DEPTH_MAX) {
        ++test->crashes;
        test->runaway = true;
        return test_fail(test, "jobs that insert jobs: %d of them inside each other", DEPTH_MAX);
    }
    struct test_drain *drain = heap_alloc(test->env.heap, sizeof *drain);
    *drain = (struct test_drain){
        .test = test, .what = {.recursive = true}, .held = call, .next = test->held};
    if (!test_drain_start(drain))
        return false;
    test->held = drain;
    ++test->depth;
    return true;
}

static void call_run(struct jobs_test *test, struct store_call *call)
{
    store_execute(test->db, &call->request, call->heap, &call->reply);
    bool run_now =
        test->mode == JOBS_TEST_INLINE && !call->reply.err && brings_jobs(call->request.op);
    if (!run_now || !call_hold(test, call))
        call->work.done(&call->work);
}

/* The calls whose jobs have run. */
static bool calls_answer(struct jobs_test *test)
{
    for (struct test_drain **at = &test->held; *at; at = &(*at)->next) {
        struct test_drain *drain = *at;
        if (proc_alive(test->runtime, drain->pid))
            continue;
        *at = drain->next;
        --test->depth;
        test->runaway &= test->depth > 0;
        drain->held->transport_err = drain->failed ? -ECANCELED : 0;
        drain->held->work.done(&drain->held->work);
        heap_release(test->env.heap, drain);
        return true;
    }
    return false;
}

bool test_request(struct jobs_test *test, const struct store_request *request,
                  struct store_reply *reply)
{
    *reply = (struct store_reply){0};
    store_execute(test->db, request, test->env.heap, reply);
    return !reply->err || test_fail(test, "%s", reply->why);
}

/* ---- driving ---- */

static bool step(struct jobs_test *test)
{
    test->wake_ns = runtime_run(test->runtime);
    if (calls_answer(test))
        return true;
    struct test_errand *errand = test->first;
    if (!errand)
        return false;
    test->first = errand->next;
    if (!test->first)
        test->last = &test->first;
    if (errand->call)
        call_run(test, errand->call);
    else
        work_run(test, errand->work);
    heap_release(test->env.heap, errand);
    return true;
}

static bool dead(const struct jobs_test *test, proc_id pid)
{
    return pid && !proc_alive(test->runtime, pid);
}

bool test_drive(struct jobs_test *test, proc_id pid, int64_t until_ns)
{
    for (;;) {
        while (!dead(test, pid) && step(test))
            ;
        if (dead(test, pid))
            return true;
        if (test->wake_ns > until_ns) {
            test->now_ns = until_ns > test->now_ns ? until_ns : test->now_ns;
            return !pid;
        }
        test->now_ns = test->wake_ns > test->now_ns ? test->wake_ns : test->now_ns;
    }
}

bool test_finish(struct jobs_test *test, proc_id pid, const char *what)
{
    if (test_drive(test, pid, test->now_ns + test->patience_ns))
        return true;
    struct proc_info info = {.doing = "?"};
    runtime_info(test->runtime, pid, &info);
    test_fail(test, "%s did not end within %" PRId64 " s of the test's clock (it is %s)", what,
              test->patience_ns / NS_PER_S, info.doing);
    proc_signal(test->runtime, 0, pid, reason_make(EXIT_KILL, "it did not end"));
    test_drive(test, 0, test->now_ns);
    return false;
}

/* ---- time passes ---- */

/* What is due now becomes available. Returns when more is, monotonic; INT64_MAX: nothing known. */
static bool due_stage(struct jobs_test *test, int64_t *ret_next_ns, bool *ret_changed)
{
    static const enum store_op ops[] = {STORE_STAGE, STORE_RESCUE, STORE_EXPIRE};
    *ret_next_ns = INT64_MAX;
    *ret_changed = false;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; ++i) {
        struct store_reply reply;
        if (!test_request(test, &(struct store_request){.op = ops[i]}, &reply))
            return false;
        int64_t next_ns = reply.changed        ? test->now_ns
                          : reply.next_ms > 0  ? test->now_ns + reply.next_ms * NS_PER_MS
                          : reply.next_ms == 0 ? test->now_ns + IDLE_NS
                                               : INT64_MAX;
        *ret_next_ns = next_ns < *ret_next_ns ? next_ns : *ret_next_ns;
        *ret_changed |= reply.changed > 0;
    }
    return true;
}

static bool due_run(struct jobs_test *test)
{
    unsigned crashes = test->crashes;
    return jobs_test_drain(test, &(struct jobs_test_drain){.recursive = true}, NULL) &&
           crashes == test->crashes;
}

bool jobs_test_advance(struct jobs_test *test, int64_t ms)
{
    if (ms < 0)
        return test_fail(test, "time does not go back");
    if (!test_outside(test, "jobs_test_advance()"))
        return false;
    int64_t until = test->now_ns + ms * NS_PER_MS, next;
    bool changed, good = true;
    for (;;) {
        if (!due_stage(test, &next, &changed))
            return false;
        if (changed && test->mode == JOBS_TEST_INLINE)
            good &= due_run(test);
        if (test->now_ns >= until && !changed)
            break;
        test_drive(test, 0, next < until ? next : until);
    }
    return good;
}

bool jobs_test_advance_to(struct jobs_test *test, int64_t when_ms)
{
    return jobs_test_advance(test, when_ms - jobs_test_now_ms(test));
}

/* ---- code of the program ---- */

struct script {
    struct jobs_test *test;
    jobs_test_code *code;
    void *arg;
    bool returned;
};

static void script_call(struct proc *self, void *arg)
{
    struct script *script = arg;
    script->code(self, script->test->jobs, script->arg);
}

static void script_main(struct proc *self, void *arg)
{
    struct script *script = arg;
    struct reason why;
    char text[REASON_WORDS];
    script->returned = proc_try(self, script_call, script, &why);
    if (!script->returned)
        test_fail(script->test, "the code crashed: %s", reason_text(why, text));
}

bool jobs_test_run(struct jobs_test *test, jobs_test_code *code, void *arg)
{
    struct script script = {.test = test, .code = code, .arg = arg};
    unsigned crashes = test->crashes;
    if (!test_outside(test, "jobs_test_run()"))
        return false;
    test_fail(test, "the code was killed");
    proc_id pid = proc_spawn(
        test->runtime, &(struct proc_spec){.label = "test", .main = script_main, .arg = &script});
    if (!test_finish(test, pid, "the code") || !script.returned)
        return false;
    if (crashes == test->crashes)
        test->why[0] = '\0';
    return crashes == test->crashes;
}

struct insertion {
    const struct job_spec *spec;
    uint64_t id;
    int err;
};

static void insertion_code(struct proc *self, struct jobs *jobs, void *arg)
{
    struct insertion *insertion = arg;
    insertion->err = jobs_insert(self, jobs, insertion->spec, 1, NULL, &insertion->id, NULL);
}

bool jobs_test_insert(struct jobs_test *test, const struct job_spec *spec, uint64_t *ret_id)
{
    struct insertion insertion = {.spec = spec};
    const char *wrong = job_spec_check(spec);
    if (wrong)
        return test_fail(test, "the job was refused: %s", wrong);
    if (!jobs_test_run(test, insertion_code, &insertion))
        return false;
    if (insertion.err)
        return test_fail(test, "the job was not inserted: %s", strerror(-insertion.err));
    if (ret_id)
        *ret_id = insertion.id;
    return true;
}

/* ---- workers ---- */

/* Where a result is only now, it can only now be looked at. */
static void returned(struct jobs_test *test, const struct job_outcome *outcome)
{
    test->returned = true;
    test->raw = *outcome;
    job_outcome_result(outcome, &test->refused);
}

static struct job_outcome wrapped_perform(struct proc *self, const struct job *job, void *ctx)
{
    const struct test_worker *wrapped = ctx;
    struct job_outcome outcome = wrapped->worker->perform(self, job, wrapped->worker->ctx);
    returned(wrapped->test, &outcome);
    return outcome;
}

static struct job_outcome wrapped_blocking(const struct job *job, struct job_control *control,
                                           void *ctx)
{
    const struct test_worker *wrapped = ctx;
    struct job_outcome outcome = wrapped->worker->blocking(job, control, wrapped->worker->ctx);
    returned(wrapped->test, &outcome);
    return outcome;
}

static struct worker *workers_wrap(struct jobs_test *test, const struct jobs_test_options *options)
{
    struct heap *heap = test->env.heap;
    struct worker *workers = heap_alloc(heap, (options->worker_count + 1) * sizeof *workers);
    test->wrapped = heap_alloc(heap, (options->worker_count + 1) * sizeof *test->wrapped);
    for (size_t i = 0; i < options->worker_count; ++i) {
        test->wrapped[i] = (struct test_worker){test, &options->workers[i]};
        workers[i] = options->workers[i];
        workers[i].ctx = &test->wrapped[i];
        if (workers[i].perform)
            workers[i].perform = wrapped_perform;
        if (workers[i].blocking)
            workers[i].blocking = wrapped_blocking;
    }
    return workers;
}

/* ---- life ---- */

static bool database_open(struct jobs_test *test, char *why, size_t why_size)
{
    snprintf(test->vfs_name, sizeof test->vfs_name, "jobs-test-%" PRIxPTR, (uintptr_t)test);
    test->vfs = *sqlite3_vfs_find(NULL);
    test->vfs.zName = test->vfs_name;
    test->vfs.xCurrentTime = vfs_time;
    test->vfs.xCurrentTimeInt64 = vfs_time_ms;
    test->vfs.iVersion = 2;
    if (sqlite3_vfs_register(&test->vfs, 0) != SQLITE_OK) {
        snprintf(why, why_size, "SQLite takes no clock of a test");
        return false;
    }
    struct store_sqlite_options options = {.path = ":memory:",
                                           .vfs = test->vfs_name,
                                           .durability = DURABILITY_NORMAL,
                                           .env = &test->env,
                                           .create = true,
                                           .in_memory = true};
    test->db = store_sqlite_open(&options, why, why_size);
    test->store = (struct store){
        .submit = call_submit, .db = test->db, .deadline_ns = FOR_EVER_MS * NS_PER_MS};
    return test->db;
}

static bool system_start(struct jobs_test *test, const struct jobs_test_options *options, char *why,
                         size_t why_size)
{
    struct cron_config cron = {.lease_ms = LEADS_MS};
    if (options->cron)
        cron = *options->cron;
    cron.lease_ms = LEADS_MS;
    struct jobs_config config = {.store = &test->store,
                                 .workers = workers_wrap(test, options),
                                 .worker_count = options->worker_count,
                                 .keys = options->keys,
                                 .telemetry = options->telemetry,
                                 .lease_ms = FOR_EVER_MS,
                                 .poll_ns = FOR_EVER_MS * NS_PER_MS,
                                 .cron = options->cron ? &cron : NULL};
    test->runtime = runtime_new(&test->env, &(struct runtime_options){.stack_bytes = STACK_BYTES});
    if (!test->runtime) {
        snprintf(why, why_size, "not enough memory");
        return false;
    }
    test->jobs = jobs_start(test->runtime, &config, why, why_size);
    return test->jobs && test_drive(test, 0, test->now_ns);
}

static const char *options_wrong(const struct jobs_test_options *options)
{
    if (options->start_ms < 0 || options->start_ms > LATEST_MS)
        return "the clock starts between 1970 and 2200";
    return options->patience_ms < 0 ? "the patience must not be negative" : NULL;
}

struct jobs_test *jobs_test_new(const struct jobs_test_options *options, char *why, size_t why_size)
{
    const char *wrong = options_wrong(options);
    if (wrong) {
        snprintf(why, why_size, "%s", wrong);
        return NULL;
    }
    struct jobs_test *test = malloc(sizeof *test);
    if (!test)
        out_of_memory("a test");
    *test = (struct jobs_test){
        .env = {.ops = &env_ops, .heap = heap_new(), .node_name = "test"},
        .mode = options->mode,
        .now_ns = ORIGIN_NS,
        .wall_ns = (options->start_ms ? options->start_ms : START_MS) * NS_PER_MS - ORIGIN_NS,
        .patience_ns = (options->patience_ms ? options->patience_ms : PATIENCE_MS) * NS_PER_MS,
        .entropy = options->seed,
        .verbose = options->verbose,
        .last = &test->first};
    if (database_open(test, why, why_size) && system_start(test, options, why, why_size))
        return test;
    jobs_test_free(test);
    return NULL;
}

void jobs_test_free(struct jobs_test *test)
{
    if (!test)
        return;
    if (test->runtime)
        runtime_free(test->runtime);
    store_close(test->db);
    sqlite3_vfs_unregister(&test->vfs);
    heap_free(test->env.heap);
    free(test);
}
