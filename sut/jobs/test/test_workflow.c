/* test_workflow.c: workflows as programs ask for them: put together by names, inserted, looked at; on a database that is real. */
#include "sut/jobs/test/rig.h"
#include "sut/jobs/workflow.h"
#include "sut/store/sqlite.h"

#include <unistd.h>

/* ---- put together ---- */

static struct heap heap;
static char why[160];

static struct workflow *diamond(void)
{
    struct workflow *workflow = workflow_new(&heap, "diamond");
    workflow_add(workflow,
                 &(struct workflow_step){"last", {.worker = "ok"}, .deps = DEPS("left", "right")});
    workflow_add(workflow, &(struct workflow_step){"first", {.worker = "ok"}});
    workflow_add(workflow,
                 &(struct workflow_step){"left", {.worker = "ok"}, .deps = DEPS("first")});
    workflow_add(workflow, &(struct workflow_step){
                               "right", {.worker = "ok", .queue = "mail"}, .deps = DEPS("first")});
    return workflow;
}

Test(workflow, names_become_places)
{
    struct store_request request;
    struct workflow *workflow = diamond();
    workflow_policy(workflow, (struct flow_policy){.on_discarded = FLOW_RUN});
    cr_assert_eq(workflow_request(workflow, &request, why, sizeof why), 0, "%s", why);
    cr_assert_eq(request.spec_count, 4);
    cr_assert_eq(workflow_count(workflow), 4);
    const struct store_step *last = &request.workflow->steps[0];
    cr_assert_eq(last->dep_count, 2);
    cr_assert(last->deps[0] == 2 && last->deps[1] == 3);
    cr_assert_eq(request.workflow->steps[1].dep_count, 0);
    cr_assert_eq(request.workflow->policy.on_discarded, FLOW_RUN);
    heap_done(&heap);
}

static void refused(struct workflow *workflow, const char *sentence)
{
    struct store_request request;
    cr_assert_eq(workflow_request(workflow, &request, why, sizeof why), -EINVAL);
    cr_assert_str_eq(why, sentence);
}

Test(workflow, mistakes_are_told)
{
    struct workflow *workflow = workflow_new(&heap, NULL);
    refused(workflow, "a workflow needs a step");
    workflow_add(workflow, &(struct workflow_step){"a", {.worker = "w"}, .deps = DEPS("b")});
    refused(workflow, "step 'a' waits for 'b', which is no step");
    workflow_add(workflow, &(struct workflow_step){"b", {.worker = "w"}, .deps = DEPS("a")});
    refused(workflow, "steps wait for each other in a circle: a -> b -> a");
    workflow = workflow_new(&heap, NULL);
    workflow_add(workflow, &(struct workflow_step){"a", {.worker = "w"}});
    workflow_add(workflow, &(struct workflow_step){"a", {.worker = "w"}});
    refused(workflow, "two steps have the name 'a'");
    workflow_add(workflow, &(struct workflow_step){NULL, {.worker = "w"}});
    refused(workflow, "step 3: a step's name has 1 to 255 bytes");
    heap_done(&heap);
}

/* ---- on a node ---- */

/* The rig's database, but a real one. */
static struct store_db *real;
static char path[] = "/tmp/workflow-XXXXXX";

static void real_execute(struct store_db *db, const struct store_request *request, struct heap *in,
                         struct store_reply *reply)
{
    (void)db;
    store_execute(real, request, in, reply);
}

static const struct store_db_ops real_ops = {.execute = real_execute};

static struct rig *rig_real(void)
{
    static struct heap node;
    static struct env env = {.heap = &node, .node_name = "db"};
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    close(file);
    real = store_sqlite_open(
        &(struct store_sqlite_options){.path = path, .env = &env, .create = true}, why, sizeof why);
    cr_assert_not_null(real, "%s", why);
    struct rig *rig = rig_new((struct rig_options){0});
    rig->db.ops = &real_ops;
    return rig;
}

static void rig_real_free(struct rig *rig)
{
    char side[64];
    rig_free(rig);
    store_close(real);
    unlink(path);
    snprintf(side, sizeof side, "%s-wal", path);
    unlink(side);
    snprintf(side, sizeof side, "%s-shm", path);
    unlink(side);
}

static struct job stored(uint64_t id)
{
    struct store_reply reply;
    store_execute(real, &(struct store_request){.op = STORE_GET, .ids = &id, .id_count = 1}, &heap,
                  &reply);
    cr_assert_eq(reply.job_count, 1);
    return reply.jobs[0];
}

static struct rig *here;
static uint64_t flow, ids[4], batch;
static int errs[8];

static void run_as_process(struct rig *rig, void (*main)(struct proc *self, void *arg))
{
    here = rig;
    proc_spawn(rig->runtime, &(struct proc_spec){.label = "client", .main = main});
    rig_advance(rig, 500 * MS); /* less than a poll: nobody has to look for what was released */
}

static void inserts(struct proc *self, void *arg)
{
    (void)arg;
    errs[0] = workflow_insert(self, here->jobs, diamond(), &flow, ids, why, sizeof why);
    errs[1] = workflow_insert(self, here->jobs, diamond(), &flow, ids, why, sizeof why);
}

static void looks(struct proc *self, void *arg)
{
    (void)arg;
    struct store_call *call;
    struct job job = {.flow = flow};
    errs[0] = flow_look(self, here->jobs, flow, &call);
    cr_assert_eq(call->reply.counts[JOB_COMPLETED], 4);
    cr_assert_eq(call->reply.edge_count, 4);
    errs[1] = workflow_job(self, here->jobs, &job, "left", &call);
    cr_assert_eq(call->reply.jobs[0].id, ids[2]);
    errs[2] = workflow_job(self, here->jobs, &job, "none", &call);
    errs[3] = flow_look(self, here->jobs, 99, &call);
    job.flow = 0;
    errs[4] = workflow_job(self, here->jobs, &job, "left", &call);
}

Test(workflow, runs_from_queue_to_queue_without_a_look)
{
    struct rig *rig = rig_real();
    run_as_process(rig, inserts);
    cr_assert_eq(errs[0], 0, "%s", why);
    cr_assert_eq(errs[1], -ENOTUNIQ);
    for (size_t i = 0; i < 4; ++i)
        cr_assert_eq(stored(ids[i]).state, JOB_COMPLETED, "step %zu", i);
    cr_assert_str_eq(stored(ids[3]).queue, "mail");
    run_as_process(rig, looks);
    cr_assert(errs[0] == 0 && errs[1] == 0);
    cr_assert(errs[2] == -ENOENT && errs[3] == -ENOENT && errs[4] == -ENOENT);
    rig_real_free(rig);
    heap_done(&heap);
}

static void fills_a_batch(struct proc *self, void *arg)
{
    (void)arg;
    struct store_callback callback = {FLOW_EVENT_COMPLETED, {.worker = "ok", .queue = "mail"}};
    struct store_batch asked = {.name = "b", .callbacks = &callback, .callback_count = 1};
    errs[0] = batch_tell(self, here->jobs, &asked, &batch);
    struct job_spec specs[] = {{.worker = "ok", .flow = batch}, {.worker = "ok", .flow = batch}};
    errs[1] = jobs_insert(self, here->jobs, specs, 2, NULL, ids, NULL);
    errs[2] = batch_close(self, here->jobs, batch);
    errs[3] = jobs_insert(self, here->jobs, specs, 1, NULL, ids + 2, NULL);
}

Test(workflow, a_batch_calls_back)
{
    struct rig *rig = rig_real();
    run_as_process(rig, fills_a_batch);
    cr_assert(errs[0] == 0 && errs[1] == 0 && errs[2] == 0);
    cr_assert_eq(errs[3], -EINVAL, "it is closed");
    cr_assert_eq(stored(ids[1]).state, JOB_COMPLETED);
    cr_assert_eq(stored(ids[1] + 1).state, JOB_COMPLETED, "the callback");
    cr_assert_str_eq(stored(ids[1] + 1).queue, "mail");
    rig_real_free(rig);
    heap_done(&heap);
}

static void inserts_a_chain_and_cancels(struct proc *self, void *arg)
{
    (void)arg;
    size_t changed = 0;
    struct job_spec specs[] = {{.worker = "ok", .chain = "k"}, {.worker = "ok", .chain = "k"}};
    errs[0] = jobs_insert(self, here->jobs, specs, 2, NULL, ids, NULL);
    specs[0].delay_ms = 3600000;
    errs[1] = jobs_insert(self, here->jobs, specs, 2, NULL, ids + 2, NULL);
    errs[2] = flow_cancel(self, here->jobs, stored(ids[2]).flow, &changed);
    errs[3] = changed >= 2 ? 0 : (int)changed;
}

Test(workflow, a_chain_runs_and_is_cancelled)
{
    struct rig *rig = rig_real();
    run_as_process(rig, inserts_a_chain_and_cancels);
    for (size_t i = 0; i < 4; ++i)
        cr_assert_eq(errs[i], 0, "call %zu", i);
    cr_assert(job_state_final(stored(ids[1]).state));
    cr_assert_eq(stored(ids[2]).state, JOB_CANCELLED);
    cr_assert_eq(stored(ids[3]).state, JOB_CANCELLED);
    rig_real_free(rig);
    heap_done(&heap);
}
