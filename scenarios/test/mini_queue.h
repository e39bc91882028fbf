/* mini_queue.h: a small job queue, right or with one of six planted bugs that real ones have had. To be included once per
 * test program; the properties of the library judge it as they judge the real job system.
 *
 *   app    inserts jobs, and asks again until it is told that one is there
 *   db     holds the jobs; nothing is told to anybody before it is committed. What was not is lost with the node
 *   w1 w2  claim a job under a lease, renew it while they run, do the job's effect upstream, and say that it is done
 *
 * A lease that runs out is taken back by the database, and the job runs again. Messages take a millisecond; one to a
 * node that is down is lost. Only one thing waits at a time, on the main stack, while the world goes on inside: enough
 * for one fault in a run. */
#include "harness/system.h"
#include "properties/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

POINT_ABOUT("mini/insert/send", "an insert is about to be asked for");
POINT_ABOUT("mini/insert/reply", "the database answered an insert");
POINT_ABOUT("mini/log/commit", "the database is about to make durable what it did");
POINT_ABOUT("mini/claim/reply", "the database answered a claim");
POINT_ABOUT("mini/lease/renew", "a worker is about to renew its lease");
POINT_ABOUT("mini/run/start", "a run of a job begins");
POINT_ABOUT("mini/effect/send", "a job is about to have its effect upstream");
POINT_ABOUT("mini/effect/reply", "the service upstream answered");
POINT_ABOUT("mini/run/stop", "a run of a job is over");
POINT_ABOUT("mini/finish/reply", "the database answered that a job is done");

enum mini_bug {
    RIGHT,
    ACK_BEFORE_COMMIT, /* the insert is acknowledged, then committed */
    POP_BEFORE_RUN,   /* a claim takes the job out of the database; it comes back when it is done */
    NO_LEASE_RENEWAL, /* long runs lose their lease */
    RETRY_WITHOUT_KEY,         /* each try of an effect shows a key of its own */
    DOUBLE_ENQUEUE_ON_TIMEOUT, /* asking again inserts again */
    RESCUE_WHILE_RUNNING,      /* a worker that boots takes for orphaned whatever runs */
    MINI_BUGS
};

static const struct param_spec mini_params[] = {
    {"bug", PARAM_COUNT, {RIGHT, RIGHT}, RIGHT, MINI_BUGS - 1, "which of enum mini_bug"},
};

#define MINI_SECOND  INT64_C(1000000000)
#define MINI_LATENCY (MINI_SECOND / 1000)
#define MINI_WORK    (2 * MINI_SECOND)
#define MINI_BEAT    (3 * MINI_SECOND)
#define MINI_LEASE   (10 * MINI_SECOND)
enum { MINI_JOBS = 10, MINI_ROWS = 4 * MINI_JOBS, MINI_WORKERS = 2, MINI_MAX = 20 };

enum mini_state { MINI_GONE, MINI_AVAILABLE, MINI_EXECUTING, MINI_COMPLETED };
static const char *const mini_words[] = {"gone", "available", "executing", "completed"};

struct mini_row {
    uint64_t key, lease, attempt;
    enum mini_state state;
    int64_t until; /* of the lease */
};

/* Job number i is row i - 1. */
struct mini_table {
    struct mini_row rows[MINI_ROWS];
    uint64_t count;
};

struct mini_client {
    struct mini *mini;
    uint64_t key, job; /* job: what it was told; 0: nothing yet */
    uint64_t answer;   /* on its way */
    world_timer patience;
};

struct mini_worker {
    struct mini *mini;
    struct node *node;
    struct point_site run; /* of the process that runs the job */
    uint64_t job;          /* 0: idle */
    struct mini_row held;  /* its row, as it was claimed */
    uint64_t tries;        /* of the effect */
    bool asking;           /* for a job */
    bool done;             /* it ran; the database shall know */
    uint64_t given;        /* the answer to a claim, on its way */
    struct mini_row given_row;
    world_timer next; /* of the run */
};

struct mini {
    struct world *world;
    enum mini_bug bug;
    struct node *app, *db;
    struct mini_table memory, disk;
    struct mini_client clients[MINI_JOBS];
    struct mini_worker workers[MINI_WORKERS];
    uint64_t seen[1024], seen_count; /* upstream: idempotency keys */
    bool waiting;                    /* something waits on the main stack */
};

static void mini_send(struct mini *mini, struct node *to, world_fn *fn, void *arg)
{
    world_at(mini->world, to, world_now(mini->world) + MINI_LATENCY, fn, arg);
}

static world_timer mini_after(struct mini *mini, struct node *on, int64_t ns, world_fn *fn,
                              void *arg)
{
    return world_at(mini->world, on, world_now(mini->world) + ns, fn, arg);
}

/* ---- the database ---- */

static struct mini_row *mini_row(struct mini *mini, uint64_t job)
{
    return &mini->memory.rows[job - 1];
}

static void mini_commit(struct mini *mini, uint64_t job)
{
    FAULT(&mini->db->site, "mini/log/commit", CAN_KILL | CAN_POWEROFF, T_U64("job", job));
    mini->disk = mini->memory;
}

static void mini_client_told(void *arg);

static void mini_answer(struct mini_client *client, uint64_t job)
{
    client->answer = job;
    mini_send(client->mini, client->mini->app, mini_client_told, client);
}

static uint64_t mini_job_of(const struct mini *mini, uint64_t key)
{
    for (uint64_t job = 1; job <= mini->memory.count; job++)
        if (mini->memory.rows[job - 1].key == key)
            return job;
    return 0;
}

static void mini_insert(void *arg)
{
    struct mini_client *client = arg;
    struct mini *mini = client->mini;
    uint64_t job = mini_job_of(mini, client->key);
    if (job && mini->bug != DOUBLE_ENQUEUE_ON_TIMEOUT) {
        mini_answer(client, job);
        return;
    }
    job = ++mini->memory.count;
    *mini_row(mini, job) = (struct mini_row){.key = client->key, .state = MINI_AVAILABLE};
    if (mini->bug == ACK_BEFORE_COMMIT)
        mini_answer(client, job);
    mini_commit(mini, job);
    TRACE(&mini->db->site, "store/job/insert", T_U64("job", job), T_STR("state", "available"),
          T_I64("delay_ms", 0));
    if (mini->bug != ACK_BEFORE_COMMIT)
        mini_answer(client, job);
}

static void mini_claimed(void *arg);

static void mini_claim(void *arg)
{
    struct mini_worker *worker = arg;
    struct mini *mini = worker->mini;
    uint64_t job = 1;
    while (job <= mini->memory.count && mini_row(mini, job)->state != MINI_AVAILABLE)
        job++;
    if (job > mini->memory.count)
        return;
    struct mini_row *row = mini_row(mini, job);
    row->state = mini->bug == POP_BEFORE_RUN ? MINI_GONE : MINI_EXECUTING;
    row->lease++;
    row->attempt++;
    row->until = world_now(mini->world) + MINI_LEASE;
    mini_commit(mini, job);
    TRACE(&mini->db->site, "store/job/claim", T_U64("job", job), T_U64("lease", row->lease),
          T_U64("attempt", row->attempt), T_U64("max", MINI_MAX), T_STR("queue", "default"));
    worker->given = job;
    worker->given_row = *row;
    mini_send(mini, worker->node, mini_claimed, worker);
}

/* Whoever shows another lease than the job's has lost it. */
static bool mini_owns(const struct mini_worker *worker)
{
    const struct mini_row *row = mini_row(worker->mini, worker->job);
    return worker->job && row->state == MINI_EXECUTING && row->lease == worker->held.lease;
}

static void mini_renew(void *arg)
{
    struct mini_worker *worker = arg;
    struct mini *mini = worker->mini;
    if (!mini_owns(worker))
        return;
    mini_row(mini, worker->job)->until = world_now(mini->world) + MINI_LEASE;
    mini_commit(mini, worker->job);
}

static void mini_finished(void *arg);

static void mini_finish(void *arg)
{
    struct mini_worker *worker = arg;
    struct mini *mini = worker->mini;
    uint64_t job = worker->job;
    struct mini_row *row = mini_row(mini, job);
    bool popped = mini->bug == POP_BEFORE_RUN && row->state == MINI_GONE;
    if (mini_owns(worker) || popped) {
        row->state = MINI_COMPLETED;
        mini_commit(mini, job);
        TRACE(&mini->db->site, "store/job/finish", T_U64("job", job), T_U64("lease", row->lease),
              T_STR("state", "completed"), T_U64("attempt", row->attempt), T_U64("max", MINI_MAX),
              T_I64("delay_ms", 0));
    }
    mini_send(mini, worker->node, mini_finished,
              worker); /* done, done before, or not ours any more */
}

static void mini_rescue(struct mini *mini, uint64_t job)
{
    struct mini_row *row = mini_row(mini, job);
    row->state = MINI_AVAILABLE;
    mini_commit(mini, job);
    TRACE(&mini->db->site, "store/job/rescue", T_U64("job", job), T_U64("lease", row->lease),
          T_STR("state", "available"));
}

static void mini_rescue_late(void *arg)
{
    struct mini *mini = arg;
    mini_after(mini, mini->db, MINI_SECOND, mini_rescue_late, mini);
    for (uint64_t job = 1; job <= mini->memory.count; job++)
        if (mini_row(mini, job)->state == MINI_EXECUTING &&
            mini_row(mini, job)->until < world_now(mini->world))
            mini_rescue(mini, job);
}

static void mini_rescue_all(void *arg)
{
    struct mini *mini = arg;
    for (uint64_t job = 1; job <= mini->memory.count; job++)
        if (mini_row(mini, job)->state == MINI_EXECUTING)
            mini_rescue(mini, job);
}

/* ---- the application ---- */

static void mini_ask(void *arg)
{
    struct mini_client *client = arg;
    struct mini *mini = client->mini;
    client->patience = mini_after(mini, mini->app, 5 * MINI_SECOND, mini_ask, client);
    if (FAULT(&mini->app->site, "mini/insert/send", CAN_TIMEOUT | CAN_DISCONNECT,
              T_U64("key", client->key)) == 0)
        mini_send(mini, mini->db, mini_insert, client);
}

static void mini_begin(void *arg)
{
    struct mini_client *client = arg;
    TRACE(&client->mini->app->site, "client/insert/call", T_U64("key", client->key),
          T_I64("delay_ms", 0), T_U64("max", MINI_MAX), T_U64("tx", 0));
    mini_ask(client);
}

static void mini_client_told(void *arg)
{
    struct mini_client *client = arg;
    struct mini *mini = client->mini;
    if (FAULT(&mini->app->site, "mini/insert/reply", CAN_TIMEOUT | CAN_DISCONNECT,
              T_U64("key", client->key)) != 0 ||
        client->job)
        return; /* it is asked again when its patience ends */
    world_cancel(mini->world, client->patience);
    client->job = client->answer;
    TRACE(&mini->app->site, "client/insert/ok", T_U64("key", client->key),
          T_U64("job", client->job));
}

/* ---- a worker ---- */

static void mini_apply(struct mini_worker *worker)
{
    struct mini *mini = worker->mini;
    uint64_t key = worker->held.key;
    uint64_t shown = mini->bug == RETRY_WITHOUT_KEY ? 1000 * ++worker->tries + key : key;
    for (uint64_t i = 0; i < mini->seen_count; i++) {
        if (mini->seen[i] == shown) {
            TRACE(world_site(mini->world), "upstream/effect/repeat", T_U64("key", key),
                  T_U64("attempt", worker->held.attempt));
            return;
        }
    }
    mini->seen[mini->seen_count++] = shown;
    TRACE(world_site(mini->world), "upstream/effect/apply", T_U64("key", key),
          T_U64("attempt", worker->held.attempt));
}

static void mini_tell(void *arg)
{
    struct mini_worker *worker = arg;
    worker->next = mini_after(worker->mini, worker->node, MINI_SECOND, mini_tell,
                              worker); /* until it is answered */
    mini_send(worker->mini, worker->mini->db, mini_finish, worker);
}

static void mini_stop(struct mini_worker *worker)
{
    FAULT(&worker->run, "mini/run/stop", CAN_CRASH | CAN_KILL, T_U64("job", worker->job));
    TRACE(&worker->run, "job/perform/stop", T_U64("job", worker->job),
          T_U64("attempt", worker->held.attempt), T_U64("lease", worker->held.lease),
          T_STR("outcome", "ok"), T_STR("queue", "default"));
    worker->done = true;
    mini_tell(worker);
}

#define MINI_CALL (CAN_CRASH | CAN_TIMEOUT | CAN_DISCONNECT | CAN_DELAY)

static void mini_effect(void *arg)
{
    struct mini_worker *worker = arg;
    int err = FAULT(&worker->run, "mini/effect/send", MINI_CALL, T_U64("job", worker->job));
    if (err == 0) {
        mini_apply(worker);
        err = FAULT(&worker->run, "mini/effect/reply", MINI_CALL, T_U64("job", worker->job));
    }
    if (err)
        worker->next = mini_after(worker->mini, worker->node, MINI_SECOND, mini_effect, worker);
    else
        mini_stop(worker);
}

static void mini_perform(struct mini_worker *worker)
{
    TRACE(&worker->run, "job/perform/start", T_U64("job", worker->job),
          T_U64("attempt", worker->held.attempt), T_U64("lease", worker->held.lease),
          T_U64("max", MINI_MAX), T_STR("worker", "work"), T_STR("queue", "default"),
          T_U64("limit", 1));
    FAULT(&worker->run, "mini/run/start", CAN_CRASH | CAN_KILL | CAN_DELAY,
          T_U64("job", worker->job));
    TRACE(&worker->run, "work/job/run", T_U64("key", worker->held.key), T_U64("job", worker->job),
          T_U64("attempt", worker->held.attempt), T_U64("lease", worker->held.lease),
          T_U64("idem", 1));
    worker->next = mini_after(worker->mini, worker->node, MINI_WORK, mini_effect, worker);
}

static void mini_claimed(void *arg)
{
    struct mini_worker *worker = arg;
    worker->asking = false;
    if (FAULT(&worker->node->site, "mini/claim/reply", CAN_TIMEOUT | CAN_DISCONNECT,
              T_U64("job", worker->given)) != 0 ||
        worker->job)
        return; /* nobody runs it: its lease will run out */
    worker->job = worker->given;
    worker->held = worker->given_row;
    mini_perform(worker);
}

static void mini_idle(struct mini_worker *worker)
{
    world_cancel(worker->mini->world, worker->next);
    worker->job = worker->tries = 0;
    worker->done = false;
}

static void mini_finished(void *arg)
{
    struct mini_worker *worker = arg;
    if (worker->done && FAULT(&worker->node->site, "mini/finish/reply",
                              CAN_TIMEOUT | CAN_DISCONNECT, T_U64("job", worker->job)) == 0)
        mini_idle(worker);
}

static void mini_poll(void *arg)
{
    struct mini_worker *worker = arg;
    mini_after(worker->mini, worker->node, MINI_SECOND / 2, mini_poll, worker);
    if (worker->job == 0)
        mini_send(worker->mini, worker->mini->db, mini_claim, worker);
}

static void mini_beat(void *arg)
{
    struct mini_worker *worker = arg;
    mini_after(worker->mini, worker->node, MINI_BEAT, mini_beat, worker);
    if (worker->job && worker->mini->bug != NO_LEASE_RENEWAL &&
        FAULT(&worker->node->site, "mini/lease/renew", CAN_DISCONNECT, T_U64("job", worker->job)) ==
            0)
        mini_send(worker->mini, worker->mini->db, mini_renew, worker);
}

/* ---- nodes ---- */

static void mini_db_start(struct node *node, void *ctx)
{
    struct mini *mini = ctx;
    mini->memory = mini->disk;
    mini_after(mini, node, MINI_SECOND, mini_rescue_late, mini);
}

static void mini_worker_start(struct node *node, void *ctx)
{
    struct mini_worker *worker = ctx;
    struct mini *mini = worker->mini;
    *worker = (struct mini_worker){.mini = mini, .node = node, .run = node->site};
    worker->run.actor = 1;
    if (mini->bug == RESCUE_WHILE_RUNNING)
        mini_send(mini, mini->db, mini_rescue_all, mini);
    mini_poll(worker);
    mini_beat(worker);
}

static void mini_app_start(struct node *node, void *ctx)
{
    struct mini *mini = ctx;
    for (uint64_t i = 0; i < MINI_JOBS; i++) {
        mini->clients[i] = (struct mini_client){.mini = mini, .key = i + 1};
        mini_after(mini, node, (int64_t)i * MINI_SECOND / 2, mini_begin, &mini->clients[i]);
    }
}

static void mini_asked_to_stop(struct node *node, void *ctx)
{
    (void)ctx;
    node_stopped(node);
}

static void mini_dead(struct node *node, void *ctx)
{
    (void)node, (void)ctx; /* its memory is written anew when it boots */
}

static struct mini *mini_of(const struct node *node)
{
    return strcmp(node->name, "w1") == 0 || strcmp(node->name, "w2") == 0
               ? ((struct mini_worker *)node->ctx)->mini
               : node->ctx;
}

static bool mini_can_wait(struct node *node, struct point_site *at)
{
    (void)at;
    return !mini_of(node)->waiting;
}

static void mini_wait(struct node *node, struct point_site *at, int64_t ns)
{
    struct mini *mini = mini_of(node);
    int64_t until = world_now(mini->world) + ns;
    (void)at;
    mini->waiting = true;
    while (world_step(mini->world, until))
        ;
    mini->waiting = false;
}

__attribute__((noreturn)) static void mini_leave(struct node *node, struct point_site *at)
{
    (void)at;
    world_escape(node->world);
}

__attribute__((noreturn)) static void mini_crash(struct node *node, struct point_site *at)
{
    struct mini_worker *worker = node->ctx;
    TRACE(at, "job/perform/crash", T_U64("job", worker->job),
          T_U64("attempt", worker->held.attempt), T_U64("lease", worker->held.lease),
          T_STR("reason", "crash"), T_STR("queue", "default"));
    mini_idle(worker);
    world_escape(node->world);
}

#define MINI_NODE(start_)                                                                          \
    {                                                                                              \
        .start = start_, .stop = mini_asked_to_stop, .dead = mini_dead, .stall = mini_wait,        \
        .crash = mini_crash, .leave = mini_leave, .can_stall = mini_can_wait                       \
    }
static const struct node_ops mini_db = MINI_NODE(mini_db_start);
static const struct node_ops mini_app = MINI_NODE(mini_app_start);
static const struct node_ops mini_work = MINI_NODE(mini_worker_start);

/* ---- the system ---- */

static void *mini_setup(struct world *world, const struct scenario *scenario)
{
    static const char *const names[] = {"w1", "w2"};
    struct mini *mini = calloc(1, sizeof *mini);
    if (!mini)
        abort();
    mini->world = world;
    mini->bug = (enum mini_bug)scenario->params[0].value.lo;
    mini->app = world_node_add(world, "app", &mini_app, mini);
    mini->app->expendable = false;
    mini->db = world_node_add(world, "db", &mini_db, mini);
    node_boot(mini->db);
    for (size_t i = 0; i < MINI_WORKERS; i++) {
        mini->workers[i].mini = mini;
        mini->workers[i].node = world_node_add(world, names[i], &mini_work, &mini->workers[i]);
        node_boot(mini->workers[i].node);
    }
    node_boot(mini->app);
    return mini;
}

static bool mini_pending(void *ctx, char *text, size_t size)
{
    const struct mini *mini = ctx;
    uint64_t unanswered = 0, undone = 0;
    for (size_t i = 0; i < MINI_JOBS; i++)
        unanswered += mini->clients[i].job == 0;
    for (uint64_t job = 1; job <= mini->memory.count; job++) {
        enum mini_state state = mini->memory.rows[job - 1].state;
        undone += state == MINI_AVAILABLE || state == MINI_EXECUTING;
    }
    for (size_t i = 0; i < MINI_WORKERS; i++)
        undone += mini->workers[i].job != 0;
    if (unanswered + undone == 0)
        return false;
    snprintf(text, size, "%lu inserts and %lu jobs", (unsigned long)unanswered,
             (unsigned long)undone);
    return true;
}

static bool mini_settled(void *ctx)
{
    char text[80];
    return !mini_pending(ctx, text, sizeof text);
}

static void mini_audit(void *ctx)
{
    struct mini *mini = ctx;
    for (uint64_t job = 1; job <= mini->memory.count; job++) {
        const struct mini_row *row = mini_row(mini, job);
        if (row->state != MINI_GONE)
            TRACE(world_site(mini->world), "audit/job/row", T_U64("job", job),
                  T_U64("key", row->key), T_STR("state", mini_words[row->state]),
                  T_U64("attempt", row->attempt), T_U64("max", MINI_MAX));
    }
}

static const struct system mini_system = {
    .name = "mini",
    .about = "a small job queue, right or wrong",
    .params = mini_params,
    .param_count = sizeof mini_params / sizeof *mini_params,
    .setup = mini_setup,
    .settled = mini_settled,
    .pending = mini_pending,
    .audit = mini_audit,
    .teardown = free,
};

/* Asks more than the job system promises, where a node that stood still may not know yet that its lease is lost. */
#define MINI_RUN .by = {"job", "lease"}
static const struct property_on one_at_a_time_on[] = {
    ON_START("job/perform/start", MINI_RUN, .group = {"job"}, .scope = {"@node"}),
    ON_END("job/perform/stop", MINI_RUN),
    ON_END("job/perform/crash", MINI_RUN),
    ON_GONE_WITH_NODE,
    {0}};
TRACE_PROPERTY(one_run_at_a_time, .name = "two runs of one job never overlap",
               .kind = PROPERTY_ALWAYS,
               .about = "Whose lease is renewed is left alone, so nobody else runs its job.",
               .on = one_at_a_time_on, WATCH(.limit = 1));
