/* rig.h: a node for the tests of the job system: a clock that only the test moves, a database in
 * memory, a transport that loses what it is told to lose, and a record of every point that was hit.
 */
#ifndef SUT_JOBS_TEST_RIG_H
#define SUT_JOBS_TEST_RIG_H

#include "sut/jobs/internal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-function" /* no test program needs all of it */

#define MS     NS_PER_MS
#define S      NS_PER_S
#define ROWS   256
#define CALLS  64
#define EVENTS 16384

struct row {
    struct job job;
    int64_t until_ms; /* of the lease */
    char queue[32], worker[32], args[32], error[300];
    char result[64], checkpoint[64], note[64];
    unsigned errors;
    unsigned applied, repeated, stale; /* acknowledgements */
    uint64_t finished_lease;
    bool deleted;
};

/* What happens to calls of one operation. */
enum mode {
    ANSWER,
    REFUSE, /* not run: -ECONNREFUSED */
    LOSE,   /* run, the reply is lost: -ECONNRESET */
    HANG,   /* never answered */
    HOLD,   /* run and answered when the test says so */
};

struct held {
    struct store_call *call;
    int64_t due_ns;
    enum mode mode;
};

struct event {
    int64_t at;
    const char *name;
    uint64_t key;
    char text[160]; /* all fields: " name=value ..." */
};

struct rig {
    struct env env;
    struct heap *heap;
    struct runtime *runtime;
    struct store store;
    struct store_db db;
    struct point_sink sink;
    struct jobs *jobs;
    int64_t now_ns, wake_ns;
    uint64_t entropy;

    struct store_queue rules[8]; /* as somebody has said them, anywhere */
    size_t rule_count, entries_put;
    struct row rows[ROWS];
    size_t row_count;
    enum mode mode[STORE_OP_COUNT];
    unsigned times[STORE_OP_COUNT]; /* how often the mode still holds; 0: for ever */
    unsigned asked[STORE_OP_COUNT];
    int64_t latency_ns;
    struct held calls[CALLS];
    size_t call_count;

    struct event events[EVENTS];
    size_t event_count;
    unsigned live, live_max; /* processes of jobs */
    const char *fault_at;    /* the point that is faulted ... */
    uint64_t fault_key;
    int64_t fault_stall_ns; /* ... by a delay, or ... */
    int fault_err;          /* ... by an error */

    struct thread_work *threads[CALLS]; /* that have not returned */
    size_t thread_count;
    struct child_work *child; /* the newest */
    unsigned killed;          /* children */

    uint64_t cuts;           /* cancels of what ran */
    struct store_queue rule; /* what is said of queues; no name: nothing */
    bool drop_rows;          /* what is inserted is not kept */
    bool cancels_elsewhere;  /* nobody here is told but by the next look */
    struct job_keep pruned;  /* as the last PRUNE said */
    unsigned prunes;
    uint64_t watched; /* for the workers of test_control.c */
    int result;
    char text[64];
    unsigned performed; /* calls of workers' functions */
    size_t left;
    unsigned drained, gave_up;
};

/* ---- the environment ---- */

static struct rig *rig_of(struct env *env)
{
    return (struct rig *)((char *)env - offsetof(struct rig, env));
}

static int64_t rig_now(struct env *env)
{
    return rig_of(env)->now_ns;
}

static uint64_t rig_entropy(struct env *env)
{
    uint64_t z = rig_of(env)->entropy += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void rig_submit(struct env *env, struct work *work)
{
    (void)env;
    (void)work;
    abort(); /* all work goes through the transport below */
}

static void rig_log(struct env *env, enum log_level level, const char *line)
{
    (void)env;
    (void)level;
    (void)line;
}

static void rig_thread_start(struct env *env, struct thread_work *work)
{
    struct rig *rig = rig_of(env);
    cr_assert_lt(rig->thread_count, CALLS);
    work->work.driver = rig;
    rig->threads[rig->thread_count++] = work;
}

static bool rig_thread_nap(struct env *env, struct thread_work *work, int64_t ns)
{
    (void)env;
    (void)ns;
    return !work->cancelled;
}

static void rig_thread_cancel(struct env *env, struct thread_work *work)
{
    (void)env;
    work->cancelled = 1;
}

static void rig_child_start(struct env *env, struct child_work *work)
{
    work->work.driver = env;
    rig_of(env)->child = work;
}

static void rig_child_kill(struct env *env, struct child_work *work)
{
    (void)work;
    ++rig_of(env)->killed;
}

static const struct env_ops rig_env_ops = {.mono_ns = rig_now,
                                           .wall_ns = rig_now,
                                           .entropy = rig_entropy,
                                           .submit = rig_submit,
                                           .log = rig_log,
                                           .thread_start = rig_thread_start,
                                           .thread_nap = rig_thread_nap,
                                           .thread_cancel = rig_thread_cancel,
                                           .child_start = rig_child_start,
                                           .child_kill = rig_child_kill};

/* ---- points ---- */

static uint64_t field_number(const struct point_field *field)
{
    return field->type == FIELD_STR ? 0 : field->u64;
}

static void event_add(struct rig *rig, const struct point *point, const struct point_field *fields,
                      unsigned count)
{
    cr_assert_lt(rig->event_count, EVENTS);
    struct event *event = &rig->events[rig->event_count++];
    *event = (struct event){.at = rig->now_ns, .name = point->name, .key = field_number(fields)};
    size_t size = 0;
    for (unsigned i = 0; i < count && size < sizeof event->text; ++i)
        size += (size_t)(fields[i].type == FIELD_STR
                             ? snprintf(event->text + size, sizeof event->text - size, " %s=%s",
                                        fields[i].name, fields[i].str)
                             : snprintf(event->text + size, sizeof event->text - size,
                                        " %s=%" PRIu64, fields[i].name, fields[i].u64));
    bool job = strstr(event->text, " label=job ");
    if (job && strcmp(point->name, "proc/process/spawn") == 0 && ++rig->live > rig->live_max)
        rig->live_max = rig->live;
    if (job && strcmp(point->name, "proc/process/exit") == 0)
        --rig->live;
}

static void rig_event(struct point_sink *sink, struct point_site *at, struct point *point,
                      const struct point_field *fields, unsigned count)
{
    (void)at;
    event_add((struct rig *)((char *)sink - offsetof(struct rig, sink)), point, fields, count);
}

/* Delay, fault, record: in this order, as the harness does. */
static int rig_fault(struct point_sink *sink, struct point_site *at, struct point *point,
                     const struct point_field *fields, unsigned count)
{
    struct rig *rig = (struct rig *)((char *)sink - offsetof(struct rig, sink));
    bool hit = rig->fault_at && strcmp(rig->fault_at, point->name) == 0 &&
               rig->fault_key == field_number(fields);
    (void)at;
    if (hit && rig->fault_stall_ns)
        proc_stall(runtime_current(rig->runtime), rig->fault_stall_ns);
    event_add(rig, point, fields, count);
    return hit ? rig->fault_err : 0;
}

/* How many events `name` have `part` in their fields; of job (or other key) `key`, or of any if 0.
 */
static unsigned events(const struct rig *rig, const char *name, uint64_t key, const char *part)
{
    unsigned count = 0;
    for (size_t i = 0; i < rig->event_count; ++i) {
        const struct event *event = &rig->events[i];
        count += strcmp(event->name, name) == 0 && (!key || event->key == key) &&
                 strstr(event->text, part);
    }
    return count;
}

static const struct event *event_last(const struct rig *rig, const char *name, uint64_t key)
{
    for (size_t i = rig->event_count; i-- > 0;)
        if (strcmp(rig->events[i].name, name) == 0 && rig->events[i].key == key)
            return &rig->events[i];
    return NULL;
}

/* ---- the database ---- */

static int64_t db_now_ms(const struct rig *rig)
{
    return rig->now_ns / MS;
}

static uint64_t row_insert(struct rig *rig, const struct job_spec *spec)
{
    cr_assert_lt(rig->row_count, ROWS);
    struct row *row = &rig->rows[rig->row_count++];
    *row = (struct row){
        .job = {.id = rig->row_count,
                .state = spec->delay_ms ? JOB_SCHEDULED : JOB_AVAILABLE,
                .max_attempts = spec->max_attempts ? spec->max_attempts : 20,
                .scheduled_ms = db_now_ms(rig) + spec->delay_ms,
                .timeout_ms = spec->timeout_ms,
                .deadline_ms =
                    spec->within_ms ? db_now_ms(rig) + spec->delay_ms + spec->within_ms : 0}};
    snprintf(row->queue, sizeof row->queue, "%s", spec->queue ? spec->queue : "default");
    snprintf(row->worker, sizeof row->worker, "%s", spec->worker);
    snprintf(row->args, sizeof row->args, "%s", spec->args ? spec->args : "{}");
    return row->job.id;
}

/* One that a unique job with default fields must not join, for ever. 0: there is none. */
static uint64_t row_twin(const struct rig *rig, const struct job_spec *spec)
{
    for (unsigned i = 0; i < rig->row_count; ++i)
        if (strcmp(rig->rows[i].worker, spec->worker) == 0 &&
            strcmp(rig->rows[i].args, spec->args ? spec->args : "{}") == 0)
            return rig->rows[i].job.id;
    return 0;
}

static void db_insert(struct rig *rig, const struct store_request *request, struct heap *heap,
                      struct store_reply *reply)
{
    reply->ids = heap_alloc(heap, request->spec_count * sizeof *reply->ids);
    reply->id_count = request->spec_count;
    for (size_t i = 0; i < request->spec_count; ++i) {
        const struct job_spec *spec = &request->specs[i];
        if (rig->drop_rows) {
            reply->ids[i] = i + 1;
            continue;
        }
        reply->ids[i] = spec->unique ? row_twin(rig, spec) : 0;
        if (reply->ids[i]) {
            if (!reply->conflicts)
                reply->conflicts = heap_alloc(heap, request->spec_count);
            reply->conflicts[i] = true;
            continue;
        }
        reply->ids[i] = row_insert(rig, spec);
    }
}

static bool row_due(const struct row *row, int64_t *ret_due_ms)
{
    enum job_state state = row->job.state;
    *ret_due_ms = state == JOB_EXECUTING ? row->until_ms : row->job.scheduled_ms;
    return state == JOB_EXECUTING || state == JOB_SCHEDULED || state == JOB_RETRYABLE;
}

/* STAGE and RESCUE: what is due becomes available; of one queue, or of all. */
static void db_release(struct rig *rig, bool rescue, const char *queue, struct store_reply *reply)
{
    int64_t due_ms;
    for (struct row *row = rig->rows; row < rig->rows + rig->row_count; ++row) {
        if (!row_due(row, &due_ms) || due_ms > db_now_ms(rig) ||
            rescue != (row->job.state == JOB_EXECUTING) ||
            (queue && strcmp(row->queue, queue) != 0))
            continue;
        bool out = rescue && row->job.attempt >= row->job.max_attempts;
        row->job.state = out ? JOB_DISCARDED : JOB_AVAILABLE;
        ++reply->changed;
    }
}

static void db_claim(struct rig *rig, const struct store_request *request, struct heap *heap,
                     struct store_reply *reply)
{
    if (request->stage)
        db_release(rig, false, request->queue, reply);
    reply->jobs = heap_alloc(heap, (request->limit + 1) * sizeof *reply->jobs);
    for (size_t i = 0; i < rig->row_count && reply->job_count < request->limit; ++i) {
        struct row *row = &rig->rows[i];
        if (!request->queue || row->job.state != JOB_AVAILABLE ||
            strcmp(row->queue, request->queue) != 0)
            continue;
        row->job.state = JOB_EXECUTING;
        ++row->job.attempt;
        ++row->job.lease;
        row->until_ms = db_now_ms(rig) + request->lease_ms;
        row->job.attempted_ms = db_now_ms(rig);
        struct job *job = &reply->jobs[reply->job_count++];
        *job = row->job;
#define X(field, without) job->field = (without);
        JOB_TEXTS(X)
#undef X
        job->queue = heap_strdup(heap, row->queue);
        job->worker = heap_strdup(heap, row->worker);
        job->args = heap_strdup(heap, row->args);
        job->owner = heap_strdup(heap, request->owner);
        job->checkpoint = heap_strdup(heap, row->checkpoint);
    }
}

static enum store_ack_result db_ack(struct rig *rig, const struct store_ack *ack)
{
    struct row *row = &rig->rows[ack->id - 1];
    if (row->finished_lease == ack->lease && row->job.lease == ack->lease)
        return ++row->repeated, ACK_REPEATED;
    if (row->job.state != JOB_EXECUTING || row->job.lease != ack->lease)
        return ++row->stale, ACK_STALE;
    row->job.state = ack->state;
    row->job.attempt -= ack->state == JOB_SCHEDULED;
    row->job.scheduled_ms = db_now_ms(rig) + ack->delay_ms;
    row->finished_lease = ack->lease;
    row->errors += ack->error != NULL;
    snprintf(row->result, sizeof row->result, "%s", ack->result ? ack->result : "");
    snprintf(row->error, sizeof row->error, "%s", ack->error ? ack->error : "");
    return ++row->applied, ACK_APPLIED;
}

static void db_acks(struct rig *rig, const struct store_request *request, struct heap *heap,
                    struct store_reply *reply)
{
    reply->acks = heap_alloc(heap, request->ack_count * sizeof *reply->acks);
    for (size_t i = 0; i < request->ack_count; ++i)
        reply->acks[i] = db_ack(rig, &request->acks[i]);
    db_claim(rig, request, heap, reply);
}

static void db_heartbeat(struct rig *rig, const struct store_request *request, struct heap *heap,
                         struct store_reply *reply)
{
    reply->renewed = heap_alloc(heap, request->lease_count);
    for (size_t i = 0; i < request->lease_count; ++i) {
        struct row *row = &rig->rows[request->leases[i].id - 1];
        reply->renewed[i] =
            row->job.state == JOB_EXECUTING && row->job.lease == request->leases[i].lease;
        if (reply->renewed[i])
            row->until_ms = db_now_ms(rig) + request->lease_ms;
    }
}

static void db_ready(const struct rig *rig, const struct store_request *request, struct heap *heap,
                     struct store_reply *reply)
{
    reply->ready = heap_alloc(heap, request->queue_count + 1);
    for (size_t i = 0; i < request->queue_count; ++i)
        for (const struct row *row = rig->rows; row < rig->rows + rig->row_count; ++row)
            reply->ready[i] |=
                row->job.state == JOB_AVAILABLE && strcmp(row->queue, request->queues[i]) == 0;
}

static void db_note(struct rig *rig, const struct store_request *request, struct heap *heap,
                    struct store_reply *reply)
{
    const struct store_note *note = request->notes;
    struct row *row = &rig->rows[note->id - 1];
    reply->renewed = heap_alloc(heap, 1);
    reply->renewed[0] = row->job.state == JOB_EXECUTING && row->job.lease == note->lease;
    if (!reply->renewed[0])
        return;
    if (note->progress >= 0)
        row->job.progress = (unsigned)note->progress;
    if (note->text)
        snprintf(row->note, sizeof row->note, "%s", note->text);
    if (note->checkpoint)
        snprintf(row->checkpoint, sizeof row->checkpoint, "%s", note->checkpoint);
}

static void db_get(struct rig *rig, const struct store_request *request, struct heap *heap,
                   struct store_reply *reply)
{
    struct row *row = &rig->rows[request->ids[0] - 1];
    if (row->deleted)
        return;
    reply->jobs = heap_alloc(heap, sizeof *reply->jobs);
    *reply->jobs = row->job;
    reply->job_count = 1;
#define X(field, without) reply->jobs->field = (without);
    JOB_TEXTS(X)
#undef X
    reply->jobs->result = heap_strdup(heap, row->result);
}

/* CANCEL, UPDATE and DELETE, of one row. */
static void db_hand(struct rig *rig, const struct store_request *request, struct heap *heap,
                    struct store_reply *reply)
{
    struct row *row = &rig->rows[request->ids[0] - 1];
    bool runs = row->job.state == JOB_EXECUTING;
    if (request->op == STORE_UPDATE && request->update->version != row->job.version)
        return;
    reply->changed = 1;
    if (request->op == STORE_UPDATE) {
        ++row->job.version;
        row->job.priority = request->update->priority;
    } else if (request->op == STORE_DELETE) {
        reply->changed = row->deleted = !runs;
    } else {
        row->job.state = JOB_CANCELLED;
        reply->cut = heap_alloc(heap, sizeof *reply->cut);
        reply->cut[0] = (struct store_lease){row->job.id, row->job.lease};
        reply->cut_count = runs && !rig->cancels_elsewhere;
        rig->cuts += runs;
    }
}

static int64_t db_next_ms(const struct rig *rig)
{
    int64_t next = -1, due_ms;
    for (const struct row *row = rig->rows; row < rig->rows + rig->row_count; ++row)
        if (row_due(row, &due_ms) && (next < 0 || due_ms - db_now_ms(rig) < next))
            next = due_ms > db_now_ms(rig) ? due_ms - db_now_ms(rig) : 0;
    return next;
}

static void db_rules(const struct rig *rig, struct heap *heap, struct store_reply *reply)
{
    reply->rule_count = rig->rule_count;
    reply->rules = heap_memdup(heap, rig->rules, sizeof rig->rules);
    if (rig->rule.name)
        reply->rules[reply->rule_count++] = rig->rule;
}

static void db_execute(struct store_db *db, const struct store_request *request, struct heap *heap,
                       struct store_reply *reply)
{
    struct rig *rig = (struct rig *)((char *)db - offsetof(struct rig, db));
    switch (request->op) {
    case STORE_INSERT: db_insert(rig, request, heap, reply); break;
    case STORE_CLAIM: db_claim(rig, request, heap, reply); break;
    case STORE_ACK: db_acks(rig, request, heap, reply); break;
    case STORE_HEARTBEAT: db_heartbeat(rig, request, heap, reply); break;
    case STORE_STAGE:
        db_release(rig, false, NULL, reply);
        db_ready(rig, request, heap, reply);
        reply->cuts = rig->cuts;
        reply->deadline_ms = -1;
        db_rules(rig, heap, reply);
        break;
    case STORE_QUEUE_SET:
        rig->rules[rig->rule_count] = request->rules[0];
        rig->rules[rig->rule_count++].name = heap_strdup(rig->heap, request->rules[0].name);
        db_rules(rig, heap, reply);
        break;
    case STORE_QUEUE_FORGET: rig->rule_count = 0; break;
    case STORE_CRON_PUT: rig->entries_put = request->entry_count; break;
    case STORE_LEAD: reply->leads = true; break;
    case STORE_CRON_LIST: break;
    case STORE_NOTE: db_note(rig, request, heap, reply); break;
    case STORE_GET: db_get(rig, request, heap, reply); break;
    case STORE_CANCEL:
    case STORE_UPDATE:
    case STORE_DELETE: db_hand(rig, request, heap, reply); break;
    case STORE_PRUNE:
        rig->pruned = request->keep;
        reply->more = ++rig->prunes % 3 != 0;
        reply->last_id = request->after_id + 1;
        break;
    case STORE_RESCUE: db_release(rig, true, NULL, reply); break;
    case STORE_EXPIRE: break;
    default: abort();
    }
    reply->now_ms = db_now_ms(rig);
    reply->next_ms = db_next_ms(rig);
}

static const struct store_db_ops rig_db_ops = {.execute = db_execute};

/* ---- the transport ---- */

static enum mode mode_take(struct rig *rig, enum store_op op)
{
    enum mode mode = rig->mode[op];
    ++rig->asked[op];
    if (rig->times[op] && --rig->times[op] == 0)
        rig->mode[op] = ANSWER;
    return mode;
}

static void transport_submit(struct store *store, struct env *env, struct store_call *call)
{
    struct rig *rig = rig_of(env);
    (void)store;
    cr_assert_lt(rig->call_count, CALLS);
    rig->calls[rig->call_count++] = (struct held){.call = call,
                                                  .due_ns = rig->now_ns + rig->latency_ns,
                                                  .mode = mode_take(rig, call->request.op)};
}

static int64_t call_due(const struct held *held)
{
    return held->mode == HANG || held->mode == HOLD ? INT64_MAX : held->due_ns;
}

static void call_finish(struct rig *rig, size_t index)
{
    struct held held = rig->calls[index];
    --rig->call_count;
    memmove(&rig->calls[index], &rig->calls[index + 1],
            (rig->call_count - index) * sizeof *rig->calls);
    if (held.mode != REFUSE)
        store_execute(&rig->db, &held.call->request, held.call->heap, &held.call->reply);
    if (held.mode == REFUSE || held.mode == LOSE)
        held.call->transport_err = held.mode == REFUSE ? -ECONNREFUSED : -ECONNRESET;
    held.call->work.done(&held.call->work);
}

static void calls_finish_due(struct rig *rig)
{
    for (size_t i = 0; i < rig->call_count;)
        if (call_due(&rig->calls[i]) <= rig->now_ns)
            call_finish(rig, i);
        else
            ++i;
}

/* Lets go what was held. */
static void calls_release(struct rig *rig, enum store_op op)
{
    rig->mode[op] = ANSWER;
    for (size_t i = 0; i < rig->call_count; ++i)
        if (rig->calls[i].mode == HOLD && rig->calls[i].call->request.op == op)
            rig->calls[i].mode = ANSWER;
}

/* ---- time ---- */

static void rig_settle(struct rig *rig)
{
    rig->wake_ns = runtime_run(rig->runtime);
}

static int64_t rig_next(const struct rig *rig)
{
    int64_t next = rig->wake_ns;
    for (size_t i = 0; i < rig->call_count; ++i)
        if (call_due(&rig->calls[i]) < next)
            next = call_due(&rig->calls[i]);
    return next;
}

static void rig_advance(struct rig *rig, int64_t ns)
{
    int64_t until = rig->now_ns + ns;
    rig_settle(rig);
    for (int64_t next; (next = rig_next(rig)) <= until;) {
        rig->now_ns = next > rig->now_ns ? next : rig->now_ns;
        calls_finish_due(rig);
        rig_settle(rig);
    }
    rig->now_ns = until;
}

/* ---- threads ---- */

/* The oldest thread runs all of its code now, and returns. */
static void rig_thread_return(struct rig *rig)
{
    struct thread_work *work = rig->threads[0];
    cr_assert_gt(rig->thread_count, 0);
    --rig->thread_count;
    memmove(rig->threads, rig->threads + 1, rig->thread_count * sizeof *rig->threads);
    work->work.run(&work->work);
    work->work.driver = NULL;
    work->work.done(&work->work);
    rig_settle(rig);
}

/* The newest child process ended like that. */
static void rig_child_end(struct rig *rig, int err, int status)
{
    rig->child->err = err;
    rig->child->status = status;
    rig->child->work.driver = NULL;
    rig->child->work.done(&rig->child->work);
    rig_settle(rig);
}

/* ---- workers ---- */

static struct job_outcome work_ok(struct proc *self, const struct job *job, void *ctx)
{
    (void)self;
    (void)job;
    ++((struct rig *)ctx)->performed;
    return job_outcome_make(JOB_OK, "%s", "");
}

static struct job_outcome work_error(struct proc *self, const struct job *job, void *ctx)
{
    (void)self;
    ++((struct rig *)ctx)->performed;
    return job_outcome_make(JOB_ERROR, "no luck with %s", job->args);
}

static struct job_outcome work_cancel(struct proc *self, const struct job *job, void *ctx)
{
    (void)self;
    (void)job;
    (void)ctx;
    return job_outcome_make(JOB_CANCEL, "not wanted");
}

static struct job_outcome work_discard(struct proc *self, const struct job *job, void *ctx)
{
    (void)self;
    (void)job;
    (void)ctx;
    return job_outcome_make(JOB_DISCARD, "hopeless");
}

static struct job_outcome work_snooze(struct proc *self, const struct job *job, void *ctx)
{
    (void)self;
    struct job_outcome outcome = job_outcome_make(JOB_SNOOZE, "%s", "");
    ++((struct rig *)ctx)->performed;
    outcome.snooze_s = atoi(job->args);
    return outcome;
}

static struct job_outcome work_crash(struct proc *self, const struct job *job, void *ctx)
{
    (void)job;
    ++((struct rig *)ctx)->performed;
    proc_exit(self, reason_make(EXIT_ERROR, "boom"));
}

static struct job_outcome work_leave(struct proc *self, const struct job *job, void *ctx)
{
    (void)job;
    (void)ctx;
    proc_exit(self, reason_make(EXIT_NORMAL, "%s", ""));
}

/* Sleeps as many ms as its arguments say. */
static struct job_outcome work_sleep(struct proc *self, const struct job *job, void *ctx)
{
    ++((struct rig *)ctx)->performed;
    proc_sleep(self, atoi(job->args) * MS);
    return job_outcome_make(JOB_OK, "%s", "");
}

/* Exit signals cannot stop it. */
static struct job_outcome work_trap(struct proc *self, const struct job *job, void *ctx)
{
    ++((struct rig *)ctx)->performed;
    proc_trap_exit(self, true);
    proc_sleep(self, atoi(job->args) * MS);
    return job_outcome_make(JOB_OK, "%s", "");
}

/* Counts only the runs that nobody had cancelled. */
static struct job_outcome block(const struct job *job, struct job_control *control, void *ctx)
{
    ((struct rig *)ctx)->performed += !job_cancelled(control);
    return job->args[0] == '!' ? job_outcome_make(JOB_CANCEL, "%s", job->args)
                               : job_outcome_make(JOB_OK, "%s", "");
}

static int64_t backoff_7(const struct job *job, uint64_t entropy)
{
    (void)entropy;
    return job->attempt * 7;
}

/* ---- the node ---- */

#define WORKERS 15

struct rig_options {
    unsigned limit;
    int64_t lease_ms, poll_ns, grace_ns, deadline_ns;
    unsigned restarts;
    job_perform *fallback;
    int64_t patience_ns; /* of the fallback, whose time limit is then 5 s */
    struct job_keep keep;
    int64_t prune_ns;
    struct store_watch *watch;
    const struct cron_config *cron;
    struct telemetry *telemetry;
};

static void rig_drained(void *ctx, size_t left)
{
    struct rig *rig = ctx;
    ++rig->drained;
    rig->left = left;
}

static void rig_gave_up(void *ctx)
{
    ++((struct rig *)ctx)->gave_up;
}

static const struct worker *workers_new(struct rig *rig)
{
    const struct worker workers[WORKERS] = {
        {"ok", work_ok, rig, 0, NULL},
        {"error", work_error, rig, 0, NULL},
        {"error7", work_error, rig, 0, backoff_7},
        {"cancel", work_cancel, rig, 0, NULL},
        {"discard", work_discard, rig, 0, NULL},
        {"snooze", work_snooze, rig, 0, NULL},
        {"crash", work_crash, rig, 0, NULL},
        {"crash7", work_crash, rig, 0, backoff_7},
        {"leave", work_leave, rig, 0, NULL},
        {"sleep", work_sleep, rig, 0, NULL},
        {"brief7", work_sleep, rig, 5 * S, backoff_7},
        {"trap", work_trap, rig, 1500 * MS, NULL},
        {"thread", NULL, rig, 0, NULL, IN_THREAD, block},
        {"thread7", NULL, rig, 5 * S, backoff_7, IN_THREAD, block},
        {"child7", NULL, rig, 5 * S, backoff_7, IN_CHILD, block, 1 << 20},
    };
    return heap_memdup(rig->heap, workers, sizeof workers);
}

static struct rig *rig_new(struct rig_options options)
{
    struct rig *rig = calloc(1, sizeof *rig);
    const struct queue_config queues[] = {{"default", options.limit ? options.limit : 4},
                                          {"mail", 2}};
    rig->now_ns = 1000 * S + 7;
    rig->heap = heap_new();
    rig->latency_ns = MS;
    rig->sink = (struct point_sink){.event = rig_event, .fault = rig_fault};
    rig->db.ops = &rig_db_ops;
    rig->store = (struct store){
        .submit = transport_submit,
        .deadline_ns = options.deadline_ns ? options.deadline_ns : 5 * S,
    };
    rig->env = (struct env){.ops = &rig_env_ops,
                            .heap = rig->heap,
                            .site = {.sink = &rig->sink, .node = 1},
                            .node_name = "n1"};
    rig->runtime = runtime_new(&rig->env, NULL);
    char why[100] = "";
    rig->jobs =
        jobs_start(rig->runtime,
                   &(struct jobs_config){.store = &rig->store,
                                         .telemetry = options.telemetry,
                                         .watch = options.watch,
                                         .queues = queues,
                                         .queue_count = 2,
                                         .workers = workers_new(rig),
                                         .worker_count = WORKERS,
                                         .fallback = options.fallback,
                                         .fallback_ctx = rig,
                                         .fallback_timeout_ns = options.patience_ns ? 5 * S : 0,
                                         .fallback_patience_ns = options.patience_ns,
                                         .lease_ms = options.lease_ms,
                                         .poll_ns = options.poll_ns,
                                         .grace_ns = options.grace_ns,
                                         .restarts = options.restarts,
                                         .keep = options.keep,
                                         .prune_ns = options.prune_ns,
                                         .cron = options.cron,
                                         .on_giveup = rig_gave_up,
                                         .giveup_ctx = rig},
                   why, sizeof why);
    cr_assert(rig->jobs, "%s", why);
    return rig;
}

/* As a node dies: whatever was under way is dropped in the middle. */
static void rig_free(struct rig *rig)
{
    runtime_free(rig->runtime);
    heap_free(rig->heap);
    free(rig);
}

/* As another node would insert: nobody here is told. */
static uint64_t rig_insert(struct rig *rig, const char *worker, const char *args, unsigned max)
{
    return row_insert(rig, &(struct job_spec){.worker = worker, .args = args, .max_attempts = max});
}

/* As jobs_insert() does here, to the default queue. */
static uint64_t rig_insert_later(struct rig *rig, const char *worker, int64_t delay_ms)
{
    uint64_t id = row_insert(rig, &(struct job_spec){.worker = worker, .delay_ms = delay_ms});
    queue_hint(rig->jobs, "default", delay_ms, rig->now_ns);
    return id;
}

static const struct row *row_of(const struct rig *rig, uint64_t id)
{
    return &rig->rows[id - 1];
}

static enum job_state state_of(const struct rig *rig, uint64_t id)
{
    return row_of(rig, id)->job.state;
}

static int64_t due_in_ms(const struct rig *rig, uint64_t id)
{
    return row_of(rig, id)->job.scheduled_ms - event_last(rig, "job/finish/done", id)->at / MS;
}

static struct queue *queue_named_default(struct rig *rig)
{
    return rig->jobs->queues;
}

static void queue_kill(struct rig *rig)
{
    proc_signal(rig->runtime, 0, queue_named_default(rig)->pid, reason_make(EXIT_KILL, "%s", ""));
}

#endif
