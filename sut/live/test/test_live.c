/* test_live.c: jobs in real threads and real child processes, with a real database. No test goes by how long something takes:
 * each waits for what must come. A scene plays in a process of its own, which has one thread, and ends with what it found
 * wrong: only the test asserts. */
#include "sut/live/env_live.h"
#include "sut/live/isolation.h"
#include "sut/store/sqlite.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 12

#define CHECK_OR(condition, why)                                                                   \
    do                                                                                             \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, why);               \
            _exit(1);                                                                              \
        }                                                                                          \
    while (0)
#define CHECK(condition) CHECK_OR(condition, "no")

#define SCENE(suite, name)                                                                         \
    static void suite##_##name(void);                                                              \
    Test(suite, name, .timeout = 120)                                                              \
    {                                                                                              \
        cr_assert(passes(suite##_##name));                                                         \
    }                                                                                              \
    static void suite##_##name(void)

static bool passes(void (*scene)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        scene();
        _exit(0);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* What the code of jobs shares with the test, also from other processes. */
struct shared {
    sem_t arrived, go;
    pid_t grandchild;
    unsigned cancelled;
};

struct program {
    struct env_live live;
    struct isolation isolation;
    struct store_db *db;
    struct store store;
    struct jobs *jobs;
    struct shared *shared;
    char directory[32], path[48];
    bool drained, isolated;
};

/* ---- what jobs do ---- */

static struct job_outcome meet(const struct job *job, struct job_control *control, void *ctx)
{
    struct shared *shared = ctx;
    (void)job, (void)control;
    sem_post(&shared->arrived);
    sem_wait(&shared->go);
    return job_outcome_make(JOB_OK, "%s", "");
}

static struct job_outcome wait_politely(const struct job *job, struct job_control *control,
                                        void *ctx)
{
    (void)job;
    while (job_nap(control, 3600 * NS_PER_S))
        ;
    ((struct shared *)ctx)->cancelled += job_cancelled(control);
    return job_outcome_make(JOB_OK, "%s", "");
}

static void grow(void)
{
    for (;;)
        memset(malloc(1 << 20), 1, 1 << 20);
}

/* Leaves somebody behind, who would live on. */
static void hang(struct shared *shared)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    shared->grandchild = pid;
    sem_post(&shared->arrived);
    for (;;)
        pause();
}

#define HOW(word) "{\"how\":\"" word "\"}"

static struct job_outcome misbehave(const struct job *job, struct job_control *control, void *ctx)
{
    char how[48] = "";
    sscanf(job->args, "{\"how\":\"%40[a-z]", how);
    (void)control;
    if (strcmp(how, "segv") == 0)
        signal(SIGSEGV, SIG_DFL), raise(SIGSEGV); /* sanitizers would make another end of it */
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "exit") == 0)
        exit(7);
    if (strcmp(how, "grow") == 0)
        grow();
    if (strcmp(how, "hang") == 0)
        hang(ctx);
    if (strcmp(how, "parent") == 0)
        kill(getppid(), SIGKILL), pause();
    if (strcmp(how, "nap") == 0)
        job_nap(control, NS_PER_MS);
    return job_outcome_make(JOB_CANCEL, "%s %u", how, job->attempt);
}

/* ---- the program ---- */

static void start(struct program *program, const struct worker *workers, size_t count,
                  unsigned limit)
{
    char why[200] = "";
    struct queue_config queue = {.name = "default", .limit = limit};
    struct store_sqlite_options options = {
        .path = program->path, .env = &program->live.env, .create = true};
    program->db = store_sqlite_open(&options, why, sizeof why);
    CHECK_OR(program->db, why);
    store_local_init(&program->store, program->db, 60 * NS_PER_S);
    struct runtime *runtime = runtime_new(&program->live.env, NULL);
    struct jobs_config config = {.store = &program->store,
                                 .queues = &queue,
                                 .queue_count = 1,
                                 .workers = workers,
                                 .worker_count = count,
                                 .poll_ns = 20 * NS_PER_MS};
    program->jobs = jobs_start(runtime, &config, why, sizeof why);
    CHECK_OR(program->jobs, why);
    env_live_drive(&program->live, runtime);
}

static struct program *program_new(void)
{
    struct program *program = calloc(1, sizeof *program);
    strcpy(program->directory, "/tmp/test_live.XXXXXX");
    CHECK(mkdtemp(program->directory));
    snprintf(program->path, sizeof program->path, "%s/jobs", program->directory);
    program->shared = mmap(NULL, sizeof *program->shared, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem_init(&program->shared->arrived, 1, 0);
    sem_init(&program->shared->go, 1, 0);
    env_live_init(&program->live);
    return program;
}

static void on_drained(void *ctx, size_t left)
{
    (void)left;
    ((struct program *)ctx)->drained = true;
}

static void turn(struct program *program)
{
    uv_run(&program->live.loop, UV_RUN_ONCE);
}

static void program_free(struct program *program)
{
    jobs_drain(program->jobs, on_drained, program);
    while (!program->drained)
        turn(program);
    env_live_halt(&program->live);
    CHECK(env_live_settle(&program->live, 60 * NS_PER_S));
    if (program->isolated)
        isolation_done(&program->isolation);
    store_close(program->db);
    env_live_done(&program->live);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", program->directory);
    CHECK(system(command) == 0);
    munmap(program->shared, sizeof *program->shared);
    free(program);
}

/* As another program would. */
static uint64_t insert(struct program *program, const char *worker, const char *args, unsigned max)
{
    struct job_spec spec = {.worker = worker, .args = args, .max_attempts = max};
    struct store_request request = {.op = STORE_INSERT, .specs = &spec, .spec_count = 1};
    struct store_reply reply;
    struct heap heap;
    char why[200];
    struct env env = program->live.env;
    struct store_sqlite_options options = {.path = program->path, .env = &env};
    heap_init(&heap);
    struct store_db *db = store_sqlite_open(&options, why, sizeof why);
    store_execute(db, &request, &heap, &reply);
    CHECK_OR(reply.err == 0, reply.why);
    uint64_t id = reply.ids[0];
    store_close(db);
    heap_done(&heap);
    return id;
}

/* Is it in that state, with that in its errors? */
static bool is(struct program *program, uint64_t id, const char *state, const char *error)
{
    struct store_request request = {.op = STORE_GET, .ids = &id, .id_count = 1};
    struct store_reply reply;
    struct heap heap;
    char why[200];
    struct env env = program->live.env;
    struct store_sqlite_options options = {.path = program->path, .env = &env};
    heap_init(&heap);
    struct store_db *db = store_sqlite_open(&options, why, sizeof why);
    store_execute(db, &request, &heap, &reply);
    bool yes = reply.job_count == 1 && strcmp(job_state_word(reply.jobs[0].state), state) == 0 &&
               strstr(reply.jobs[0].errors, error);
    store_close(db);
    heap_done(&heap);
    return yes;
}

static void until(struct program *program, uint64_t id, const char *state, const char *error)
{
    while (!is(program, id, state, error))
        turn(program);
}

static void arrive(struct program *program, unsigned count)
{
    while (count > 0)
        if (sem_trywait(&program->shared->arrived) == 0)
            --count;
        else
            turn(program);
}

/* ---- threads ---- */

SCENE(threads, as_many_as_jobs_may_run_and_the_store_is_not_held_up)
{
    struct program *program = program_new();
    struct worker workers[] = {
        {.name = "meet", .mode = IN_THREAD, .blocking = meet, .ctx = program->shared}};
    uint64_t ids[THREADS];
    start(program, workers, 1, THREADS + 1);
    for (size_t i = 0; i < THREADS; ++i)
        ids[i] = insert(program, "meet", "{}", 1);
    arrive(program, THREADS);
    uint64_t unknown = insert(program, "nobody", "{}", 1);
    until(program, unknown, "discarded", "unknown worker nobody"); /* though all threads block */
    for (size_t i = 0; i < THREADS; ++i)
        sem_post(&program->shared->go);
    for (size_t i = 0; i < THREADS; ++i)
        until(program, ids[i], "completed", "");
    CHECK(program->live.threads.count > 0); /* they wait for more */
    program_free(program);
}

SCENE(threads, that_overrun_keep_their_place_until_they_return)
{
    struct program *program = program_new();
    struct worker workers[] = {{.name = "meet",
                                .mode = IN_THREAD,
                                .blocking = meet,
                                .ctx = program->shared,
                                .timeout_ns = 50 * NS_PER_MS}};
    size_t now;
    start(program, workers, 1, 1);
    uint64_t id = insert(program, "meet", "{}", 1);
    until(program, id, "discarded", "timed out after 50ms");
    uint64_t next = insert(program, "nobody", "{}", 1);
    for (int i = 0; i < 20; ++i)
        turn(program);
    CHECK(is(program, next, "available", ""));
    CHECK(jobs_overrun_count(program->jobs, &now) == 1);
    CHECK(now == 1);
    sem_post(&program->shared->go);
    until(program, next, "discarded", "");
    jobs_overrun_count(program->jobs, &now);
    CHECK(now == 0);
    program_free(program);
}

SCENE(threads, wake_from_a_nap_when_they_are_cancelled)
{
    struct program *program = program_new();
    struct worker workers[] = {{.name = "nap",
                                .mode = IN_THREAD,
                                .blocking = wait_politely,
                                .ctx = program->shared,
                                .timeout_ns = 20 * NS_PER_MS}};
    size_t now = 1;
    start(program, workers, 1, 1);
    uint64_t id = insert(program, "nap", "{}", 1);
    until(program, id, "discarded", "timed out after 20ms");
    while (jobs_overrun_count(program->jobs, &now), now)
        turn(program);
    CHECK(program->shared->cancelled == 1);
    program_free(program);
}

/* ---- child processes ---- */

static struct program *isolated_new(int64_t timeout_ns, uint64_t memory_max)
{
    char why[200] = "";
    struct program *program = program_new();
    static struct worker workers[1];
    workers[0] = (struct worker){.name = "bad",
                                 .mode = IN_CHILD,
                                 .blocking = misbehave,
                                 .ctx = program->shared,
                                 .timeout_ns = timeout_ns,
                                 .memory_max = memory_max};
    int err = isolation_start(&program->isolation, &program->live, workers, 1, why, sizeof why);
    CHECK_OR(err == 0, why);
    program->isolated = true;
    start(program, workers, 1, 4);
    return program;
}

SCENE(children, give_back_their_outcome)
{
    struct program *program = isolated_new(0, 0);
    char *long_args = malloc(1000001);
    memset(long_args, 'x', 1000000);
    memcpy(long_args, "{\"how\":\"", 8);
    strcpy(long_args + 1000000 - 2, "\"}");
    uint64_t nap = insert(program, "bad", HOW("nap"), 1);
    uint64_t large = insert(program, "bad", long_args, 1);
    until(program, nap, "cancelled", "\"nap 1\"");
    until(program, large, "cancelled", "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx 1\"");
    free(long_args);
    program_free(program);
}

SCENE(children, that_crash_cost_their_attempt_and_nothing_else)
{
    struct program *program = isolated_new(0, 0);
    static const struct {
        const char *args, *error;
    } ends[] = {
        {HOW("segv"), "crashed: killed by SIGSEGV"},
        {HOW("abort"), "crashed: killed by SIGABRT"},
        {HOW("exit"), "crashed: it ended without an outcome, exit status 7"},
    };
    for (int round = 0; round < 3; ++round)
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; ++i)
            until(program, insert(program, "bad", ends[i].args, 1), "discarded", ends[i].error);
    until(program, insert(program, "bad", HOW("nap"), 1), "cancelled", "nap 1");
    program_free(program);
}

#ifndef __SANITIZE_ADDRESS__ /* which maps terabytes */
SCENE(children, have_so_much_memory_and_no_more)
{
    struct program *program = isolated_new(0, 64 << 20);
    until(program, insert(program, "bad", HOW("grow"), 1), "discarded", "crashed: killed by SIG");
    until(program, insert(program, "bad", HOW("nap"), 1), "cancelled", "nap 1");
    program_free(program);
}
#endif

static bool alive(pid_t pid)
{
    char path[32], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    close(fd);
    return got > 0 && !strstr(text, ") Z ");
}

SCENE(children, are_killed_at_their_time_limit_with_all_that_they_started)
{
    struct program *program = isolated_new(300 * NS_PER_MS, 0);
    uint64_t id = insert(program, "bad", HOW("hang"), 1);
    until(program, id, "discarded", "timed out after 300ms");
    while (alive(program->shared->grandchild))
        turn(program);
    program_free(program);
}

SCENE(children, die_with_the_program)
{
    struct program *program = isolated_new(0, 0);
    insert(program, "bad", HOW("hang"), 1);
    arrive(program, 1);
    pid_t grandchild = program->shared->grandchild;
    CHECK(alive(grandchild));
    close(program->isolation.fd); /* as the kernel does for a program that dies */
    program->isolation.fd = -1;
    while (alive(grandchild))
        usleep(1000);
    CHECK(waitpid(program->isolation.pid, NULL, 0) == program->isolation.pid);
    _exit(0); /* the program is dead */
}

SCENE(children, that_kill_the_server_are_told_and_later_ones_are_left_to_others)
{
    struct program *program = isolated_new(0, 0);
    until(program, insert(program, "bad", HOW("parent"), 1), "discarded",
          "crashed: killed by SIGKILL");
    until(program, insert(program, "bad", HOW("nap"), 1), "scheduled", "");
    program_free(program);
}

SCENE(children, are_not_made_in_a_program_that_has_threads)
{
    char why[200] = "";
    struct program *program = program_new();
    struct worker workers[] = {
        {.name = "meet", .mode = IN_THREAD, .blocking = meet, .ctx = program->shared}};
    start(program, workers, 1, 1);
    uint64_t id = insert(program, "meet", "{}", 1);
    arrive(program, 1);
    CHECK(isolation_start(&program->isolation, &program->live, workers, 1, why, sizeof why) < 0);
    CHECK(strcmp(why, "jobs cannot have processes of their own: the program has threads "
                      "already; start isolation before them") == 0);
    sem_post(&program->shared->go);
    until(program, id, "completed", "");
    program_free(program);
}
